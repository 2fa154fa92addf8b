"""The main verb: which input bands mattered, for which class."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, overload

from ..cluster.workers import at_work
from ..methods.reduction import SIGNED
from ..progress import Progress, keeps_on_interrupt, rounds, starting, ticker
from ..results.importance import BandImportance
from ..results.pooled import PooledImportance
from ..results.wavelength_zones import WavelengthZones
from .answering import answered, result_of
from .arranging import with_sampling
from .calls import Call, checked
from .derivatives import check_zeros
from .effort import ANY, USUAL, Effort, check_sample, finding
from .fitting import check_fit
from .forecast import Forecast
from .gathering import Watch
from .over_runs import over_runs, several_models
from .question import Question
from .rounds import in_rounds
from .selfcheck import Explained, check_scores
from .several import checked_calls, progress_of
from .telling import doubts_of, doubts_of_rounds


@overload
def band_importance(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    method: str = "deepshap",
    background: Any = None,
    n_background: int | None = None,
    target: str | int = "class",
    output: str = "auto",
    head: str | int | None = None,
    task: str = "auto",
    zone: Any = None,
    ignore: Any = None,
    statistic: str | None = None,
    bands: Any = None,
    wavelengths: Any = None,
    groups: Mapping[str, Sequence[Any]] | WavelengthZones | str | None = None,
    classes: Sequence[str] | None = None,
    band_axis: Any = -1,
    time_axis: Any = None,
    times: Any = None,
    reorder: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    precision: float | None = None,
    max_seconds: float | None = None,
    client: Any = None,
    progress: Progress = None,
    **method_options: Any,
) -> BandImportance: ...


@overload
def band_importance(
    model: list[Any] | dict[str, Any], x: Any, y: Any = None, *, method: str = "deepshap", **arguments: Any
) -> PooledImportance: ...


@overload
def band_importance(
    model: Any, x: Any, y: Any = None, *, method: list[str] | tuple[str, ...], **arguments: Any
) -> dict[str, BandImportance]: ...


def band_importance(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    method: str | list[str] | tuple[str, ...] = "deepshap",
    background: Any = None,
    n_background: int | None = None,
    target: str | int = "class",
    output: str = "auto",
    head: str | int | None = None,
    task: str = "auto",
    zone: Any = None,
    ignore: Any = None,
    statistic: str | None = None,
    bands: Any = None,
    wavelengths: Any = None,
    groups: Mapping[str, Sequence[Any]] | WavelengthZones | str | None = None,
    classes: Sequence[str] | None = None,
    band_axis: Any = -1,
    time_axis: Any = None,
    times: Any = None,
    reorder: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    precision: float | None = None,
    max_seconds: float | None = None,
    client: Any = None,
    progress: Progress = None,
    **method_options: Any,
) -> BandImportance | PooledImportance | dict[str, BandImportance]:
    """Which input bands mattered, for which class.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable, or a list or dict of them
        A Keras model, a path to a saved one (`.keras`, `.h5`), or any callable from a ``(n, rows, cols, bands)``
        tensor to an ``(n, outputs)`` tensor. For "occlusion", "shapley", "owen", "permutation", "sage" and "lime",
        which only ask for outputs, also any function from an array ``(n, rows, cols, bands)`` to scores: an array
        ``(n, outputs)``, a data frame whose columns are named like the classes, or one number per image. It is first
        tried with three of the images, and called from the thread that calls.

        A list or dict of models that were trained separately (from other seeds, on other data, of other architectures):
        all explain the same images against the same background, one after the other, and their importances are pooled
        as `pool_importance` does. Keys of a dict name the runs.
    x : array_like, shape (n, rows, cols, bands), path or stream
        Images to explain, or any array with images on axis 0 and bands on `band_axis`; any real dtype and memory
        order, or a list of single images. Converted batch by batch, never modified. `LabelledImages` bring their labels
        and the names of their bands. Images need not be in memory, nor fit there: see Notes.

        For a model of several inputs, an array for each of them: a dict by the inputs' names, a list in the order of
        `model.inputs`, or the structure that the model was made with; a callable that is no Keras model is called with
        a dict if it is given one. All hold the same images; shapes and resolutions may differ. Of an array
        ``(n, numbers)``, such as the weather, each number is a band. There is one table over all inputs, whose shares
        sum to 1 over all of them.
    y : array_like, optional
        Class of each image, shape (n,): indices into the model's outputs, names in `classes`, a categorical, or one-hot
        rows. Without it, images belong to the class that the model predicts. Of images with several labels: zeros and
        ones, (n, labels), or a set of names or indices for each image; without it, labels with a probability above 0.5.
        Of pixels: their classes, (n, rows, cols), or one-hot along a last axis. Of a model of numbers: the observed
        ones, (n,) or (n, outputs); the result says how well it predicts them (R^2), and the method "permutation" asks
        how much worse it would, "sage" what each band buys.
    method : str or list of str
        Key of `bandlens.METHODS`, or several. The model is then traced once, all methods have the same background, and
        an option goes to those that have it; `statistic` must be one that all of them have.
    background : array_like, shape (m, rows, cols, bands), path, stream, str or BackgroundImages, optional
        Reference images that stand for "band not informative". Without it, a sample of `x` that is balanced over
        classes. Methods that compare with nothing, such as "saliency", don't look at it. With several inputs it has
        their form, and is drawn jointly: what belongs to one place stays together. "sample", "balanced", "others" (of
        other classes than the image), "kmeans" or "kmedoids" say how it is chosen from `x`; `BackgroundImages`, how it
        is chosen from other images, or how much each of them counts. Where it is no random sample, intervals cover the
        images only, and `se_background` is NaN. The result records all of this.
    n_background : int, optional
        Most background images used; a seeded sample if there are more, or as many means or medoids. By default 100, or
        with `precision` or `max_seconds` as many as it takes.
    target : {"class", "predicted", "all"} or str or int
        Outputs to explain: each image's own class, its predicted class, every output, or one by name or index.
    output : {"auto", "logit", "probability"}
        Scale of the output; "auto" is the logit where the model ends in softmax or sigmoid, whatever only reshapes or
        casts comes after it, and the output as it is elsewhere. There, "logit" says that this is one (of one unit, that
        of the second of two classes), and for a function that gives numbers, "probability" that they are these; it is
        refused if the outputs are made of the values of softmaxes,
        sigmoids or exponentials alone, such as their mean, without a layer with a kernel or a logarithm in between.
    head : str or int, optional
        Name or position of the output to explain, where the model has several.
    task : {"auto", "classification", "multilabel", "regression", "segmentation"}
        What the outputs stand for. "auto": behind a softmax, one of several classes; with outputs for every pixel,
        their classes; a single unit with no sigmoid is a number. Sigmoids are several labels unless `y` has one class
        for each image; without `y`, they are. Several units with nothing behind them are what labels speak for:
        numbers that are not 0 or 1, in a row for each image, are a regression; without `y` they are classes. The result
        says what it was.
    zone : {"label", "predicted", "image"} or array_like of bool, shape (n, rows, cols), optional
        Where the model gives outputs for every pixel: what is explained for a class is the mean of its output over a
        zone of the image, the pixels that are labelled with the class (by default, with `y`), those that the model
        takes for it (without), all, or those of a mask. The same zone is read on background images. An image counts
        for each class that occurs in it.
    ignore : value or sequence of values, optional
        Values in a `y` of pixels that stand for no class.
    statistic : {"band_sum", "pixel_mean_abs", "whole_band"}, optional
        How attributions are reduced over pixels; the method's own by default, "whole_band" where it has no pixels.
    bands, classes : sequence of str, optional
        Names, in the order of the images' bands and of the model's outputs. By default those that `x` brings, else
        those that are kept with the model by `set_bands`. With several inputs, `bands`, `wavelengths`, `band_axis`,
        `time_axis` and `times` are one value for all of them, or one for each, in a dict by the inputs' names or a list
        in their order; names of bands must differ within an input.
    wavelengths : sequence of float, optional
        Of the bands, in nm, in the order of `bands`, else of `x`.
    groups : mapping of str to sequence of str or int, WavelengthZones, "auto" or "input", optional
        Bands to be treated as one, by name or position, such as ``{"visible": ["blue", "green", "red"]}``; bands in no
        group stay single. Methods that change bands change those of a group together; for the others a group's score
        is the sum of its bands' scores. A group's wavelength is the mean of its bands'. "auto" makes groups of
        neighbouring bands that carry the same information, learnt from the background (see `wavelength_zones`). With
        several inputs, "input" makes each of them a group, and a band that several have is named ``"input:band"`` or
        ``(input, band)``. To the method "owen", groups are zones that share first, and bands keep their rows;
        without any, zones are learnt, as by "auto".
    band_axis : int or str
        Axis of the bands in `x`; of an `xarray.DataArray` perhaps its name. Inputs ``(n, numbers)`` need none.
    time_axis : int, optional
        Axis of the steps of a time series in `x`. Scores are then kept for each band at each step, instead of being
        summed over steps; methods that change bands change a band at one step. Groups keep their steps, too.
    times : sequence of numbers, dates or str, optional
        Of the steps: numbers, dates (`numpy.datetime64`, `datetime.date`, pandas' own, or texts such as "2024-05-01")
        or names; by default they are counted.
    reorder : bool
        Whether `x` and `background` are brought into one order of bands, by name. Where both have names, and where the
        model has (`set_bands`), names are compared: another order is an error without this, other bands always are. The
        order is the model's; else that of `bands`; else the background's, as it is likely to be what the model was
        trained on. Names that only count ("band_1") are compared with nothing.
    batch_size : int, optional
        Most images per compiled step; chosen by memory if not given. Results don't depend on it.
    seed : int
        Makes every random choice reproducible.
    precision : float, optional
        Half width of the 95 % interval of every share in the table; 0.01 is a point of a hundred. Images and background
        images are then drawn from those given, until that is reached; see Notes.
    max_seconds : float, optional
        How long it may take. With `precision`, it stops there if that was not reached before; alone, the table is as
        precise as can be in that time.
    client : distributed.Client, str or int, optional
        Who computes scores: the workers of a Dask cluster, by a client or the address of its scheduler, or so many
        processes on this machine, which end with the call. The model goes to each worker once, images go block by
        block. Scores are those of one process, bit for bit on machines of one kind. Work is shared out in compiled
        steps, which `batch_size` makes smaller. See the vignette "Past one machine".
    progress : bool or callable, optional
        A progress bar; by default only in interactive use, for what takes more than two seconds (the environment
        variable `BANDLENS_PROGRESS`, 0 or 1, changes that). A callable is told ``(done, total)``. If the call will take
        more than two minutes, it is said how long, and how long with `precision`, beside the bar.
    **method_options
        Options of the method, see `bandlens.METHODS`.

    Returns
    -------
    BandImportance, dict of str to BandImportance, or PooledImportance
        With several methods, a result for each by its name; `compare_importance` takes the dict. With several models,
        one table over all of them. Both at once are refused, and so are `precision` and `max_seconds` with several
        models.

    Raises
    ------
    BandlensError
        One of its subclasses in `bandlens.errors`, before anything is computed, if an argument doesn't fit.

    Warns
    -----
    CompletenessWarning
        If scores of an additive method miss what they should sum to by more than rounding or stated standard errors
        explain, or are far larger than what their bands do to the output and cancel. It names the worst image.
    DataWarning
        If images, background or wavelengths look as if they were not what the model takes them for: images and
        background on different scales, values that the model's own first layers were not made for, a value that stands
        for "no data" in more than a few pixels, bands that are constant, spectra whose bands are not on `band_axis`,
        wavelengths in micrometres.
    AccuracyWarning
        If, on at least 30 images with labels, the model is no better than chance, or worse than the mean of `y`; or if
        labels would fit far better shifted by one or with the classes in another order.
    PrecisionWarning
        If shares are not known to `precision`: how far it came, which share is known least, and what would help.
    InterruptedWarning
        If an interrupt ended the call at a Python prompt: the table is of the images that were finished. Elsewhere, and
        with several methods, an interrupt stays one.

    Notes
    -----
    Images, background and labels may be `numpy.memmap`, `h5py.Dataset`, arrays of zarr or Dask, or paths: `.npy`,
    `.h5` and `.hdf5` (with the name of an array, "patches.h5:/train/x" or ``("patches.h5", "train/x")``, unless it is
    the only one), `.zarr`, or `.tif`, each an image (a list, or a pattern such as "patches/*.tif"). Of these, some are
    read at a time, blocks that are stored together once as they go by. What is damaged, missing, or changes meanwhile
    is an error (`SourceError`) that names the file and the images.

    An `xarray.DataArray` is read by the names of its axes: images come first and bands where `band_axis` says, whatever
    the order. Along its axes it may bring names of bands (a coordinate, or the attribute `long_name`), wavelengths
    (with their `units`), times, and labels of images, with `class_names` as an attribute.

    Streams are `tf.data.Dataset`, `keras.utils.PyDataset`, a `DataLoader` of PyTorch, and functions without arguments
    that give an iterator, of batches ``x`` or ``(x, y)``; ``x`` may be a dict of several inputs. A stream is read once,
    when all else was checked, and kept in a temporary file (as large as its images; in the folder that `TMPDIR` names)
    until nothing uses it any more, so that its scores are those of an array, bit for bit. It is said when that happens.
    Streams that never end are refused.

    With `precision` or `max_seconds`, work is done in rounds. Each is an ordinary call for some of the images, as many
    of every class as its intervals ask for, and some of the background images, drawn at random (with `seed`) and kept
    in the rounds to come. It ends when all shares of the class x band table are known so well, when time is over, or
    when more of what was given would not help. The table is that of the last round, which one call repeats: `images`
    and `background` of the result are what was used, in this order, and `options` how. "deepshap" compares each image
    with a few background images of its own then, and "expected_gradients" starts with few draws, unless
    `background_per_image` or `n_samples` say how many; all other options stay as they are. Where it can't be known what
    the background does (`se_background` is NaN), as for "lime", there are more images alone. The first round is always
    finished, so that `max_seconds` may be exceeded.
    """
    several = None
    if isinstance(method, list | tuple):
        several, method = method, ""
    models = several_models(model)
    alone = several is None and models is None
    effort = Effort(precision, max_seconds, n_background, method_options, keeps_on_interrupt() and alone)
    if n_background is None:
        n_background = ANY if effort.in_rounds else USUAL
    question = Question(
        model=model, x=x, y=y, method=method, background=background, n_background=n_background, target=target,
        output=output, head=head, task=task, zone=zone, ignore=ignore, statistic=statistic, bands=bands,
        wavelengths=wavelengths, groups=groups, classes=classes, band_axis=band_axis, time_axis=time_axis, times=times,
        reorder=reorder, batch_size=batch_size, seed=seed, method_options=method_options,
        verb_arguments=("progress", "precision", "max_seconds", "client"),
    )  # fmt: skip
    with at_work(client):
        if models is not None:
            return over_runs(question, models, effort, progress, importance_of)
        check_sample(with_sampling(question).sampling, effort)
        if several is None:
            return importance_of(question, progress, effort=effort)
        with starting(progress, model):
            calls = checked_calls(question, several, find=finding(effort), in_rounds=effort.in_rounds)
        found: dict[str, BandImportance] = {}
        for call, bar in zip(calls, progress_of(progress, calls, in_rounds=effort.in_rounds), strict=True):
            own = effort.shared(len(calls) - len(found))
            found[call.method.name] = importance_of(question, bar, call, fit=not found, effort=own)
        return found


def importance_of(
    question: Question,
    progress: Progress = None,
    call: Call | None = None,
    *,
    fit: bool = True,
    effort: Effort | None = None,
) -> BandImportance:
    """Check a question, if it was not checked, let its method answer, let the answer check itself, make the result.

    Warnings point at the line that called the caller of this. Whether model and data fit is said if `fit`: once for a
    verb that makes several tables. `effort` is how much is to be done; without one, all that was asked for.
    """
    started, effort = time.perf_counter(), effort or Effort()
    if call is None:
        with starting(progress, question.model):
            call = checked(question, find=finding(effort), in_rounds=effort.in_rounds, begins=True)
        started = started if effort.in_rounds else time.perf_counter()
    deferred = call.targets.deferred
    if fit and not deferred:
        check_fit(call.subject(maps=False))
    if effort.in_rounds:
        with rounds(progress, call.method.label) as bar:
            outcome = in_rounds(call, effort, bar)
        answer, doubts = outcome.answer, list(doubts_of_rounds(outcome, call, effort))
    else:
        with ticker(progress, call.images.n, call.method.label) as tick:
            watch = Watch(Forecast(call, tick), on_interrupt=effort.keep)
            answer = answered(call, tick, watch)
        doubts = list(doubts_of(answer, call)) if watch.interrupted else []
    call, task, scores = answer.call, answer.task, answer.scores
    if fit and deferred:
        check_fit(call.subject(maps=False))
    if call.method.differentiates:
        check_zeros(task, scores, call.features.labels, call.method.label)
    measured = None
    if call.method.additive and SIGNED[call.statistic]:
        measured = check_scores(call, task, Explained.of(scores, *answer.values, answer.found))
    for kind, text in doubts:
        warnings.warn(text, kind, stacklevel=3)
    return result_of(answer, measured, time.perf_counter() - started, effort.precision)
