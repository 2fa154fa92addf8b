"""The main verb: check everything, compute band scores, return plain data."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import _version, counting
from .columns import WHOLE
from .errors import CompletenessWarning, OptionError
from .groups import Features, band_features
from .inputs import Images, check_background, check_images
from .labels import band_names, band_wavelengths, class_names, label_codes, target_outputs
from .maps import BandMaps
from .methods import METHODS, Method, Request, Task
from .methods.options import plain
from .methods.references import background_images, outputs_of
from .models import Predictor, make_predictor
from .progress import Progress, ticker
from .reduction import SIGNED, check_statistic
from .result import BandImportance
from .streaming import band_means

# relative completeness residuals beyond this are warned of
MOST_RESIDUAL = 1e-2
LARGE_OUTPUT = 1e4
ROUNDING = 1e-5


def band_importance(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    method: str = "deepshap",
    background: Any = None,
    n_background: int = 100,
    target: str | int = "class",
    output: str = "auto",
    statistic: str | None = None,
    bands: Sequence[str] | None = None,
    wavelengths: Sequence[float] | None = None,
    groups: Mapping[str, Sequence[str | int]] | None = None,
    classes: Sequence[str] | None = None,
    band_axis: int = -1,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
    **method_options: Any,
) -> BandImportance:
    """Which input bands mattered, for which class.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable
        A Keras model, a path to a saved one (`.keras`, `.h5`), or any callable from a ``(n, rows, cols, bands)``
        tensor to an ``(n, outputs)`` tensor.
    x : array_like, shape (n, rows, cols, bands)
        Images to explain, or any array with images on axis 0 and bands on `band_axis`; any real dtype and memory
        order, or a list of single images. Converted batch by batch, never modified.
    y : array_like, shape (n,), optional
        Class of each image: indices into the model's outputs, names in `classes`, a categorical, or one-hot rows.
        Without it, images belong to the class that the model predicts.
    method : str
        Key of `bandlens.METHODS`.
    background : array_like, shape (m, rows, cols, bands), optional
        Reference images that stand for "band not informative". Without it, a sample of `x` that is balanced over
        classes.
    n_background : int
        Most background images used; a seeded sample if there are more. Which ones is recorded in the result.
    target : {"class", "predicted", "all"} or str or int
        Outputs to explain: each image's own class, its predicted class, every output, or one by name or index.
    output : {"auto", "logit", "probability"}
        Scale of the output; "auto" is the logit where the model ends in softmax or sigmoid.
    statistic : {"band_sum", "pixel_mean_abs", "whole_band"}, optional
        How attributions are reduced over pixels; the method's own by default, "whole_band" where it has no pixels.
    bands, classes : sequence of str, optional
        Names, in the order of the images' bands and of the model's outputs.
    wavelengths : sequence of float, optional
        Of the bands, in nm.
    groups : mapping of str to sequence of str or int, optional
        Bands to be treated as one, by name or position, such as ``{"visible": ["blue", "green", "red"]}``; bands in no
        group stay single. Methods that change bands change those of a group together; for the others a group's score
        is the sum of its bands' scores. A group's wavelength is the mean of its bands'.
    band_axis : int
        Axis of the bands in `x`.
    batch_size : int, optional
        Most images per compiled step; chosen by memory if not given. Results don't depend on it.
    seed : int
        Makes every random choice reproducible.
    progress : bool or callable, optional
        A progress bar; by default only in interactive use. A callable is told ``(done, total)``.
    **method_options
        Options of the method, see `bandlens.METHODS`.

    Returns
    -------
    BandImportance

    Raises
    ------
    BandlensError
        One of its subclasses in `bandlens.errors`, before anything is computed, if an argument doesn't fit.
    """
    call = _prepare(
        model, x, y, method, background, n_background, target, output, statistic, bands, wavelengths, classes,
        band_axis, batch_size, seed, method_options, groups=groups,
    )  # fmt: skip
    started = time.perf_counter()
    n, k = call.image_output.shape
    scores = np.empty((n, k, len(call.features.names)))
    drops = None
    found: dict[str, np.ndarray] = {}
    with ticker(progress, n, call.method.label) as tick:
        task = call.task(tick)
        for part in call.method.scores(task):
            scores[part.images] = part.values
            for name in ("errors", "fit", "totals", "differences"):
                values = getattr(part, name)
                if values is not None:
                    found.setdefault(name, np.empty((n, *values.shape[1:])))[part.images] = values
            if call.deferred and part.units is not None:
                call.model_outputs[part.images] = call.predictor.from_units(part.units)
            drops = part.drops if part.drops is not None else drops
    if call.deferred:
        call = call.completed()
    values, base = call.values(task)
    residuals = None
    if call.method.additive and SIGNED[call.statistic]:
        totals, differences = found.get("totals", scores.sum(axis=-1)), found.get("differences", values - base)
        residuals = completeness_residuals(totals, differences)
        _warn_if_incomplete(residuals, values - base, call)
    return BandImportance(
        scores=scores,
        image_class=call.codes,
        prediction=call.predictions,
        image_output=call.image_output,
        output_values=values,
        base_values=base,
        band_means=call.features.mean(band_means(call.images)),
        classes=call.classes,
        outputs=call.outputs,
        bands=call.features.names,
        wavelengths=tuple(call.features.mean(np.array(call.wavelengths)).tolist()),
        method=call.method.name,
        statistic=call.statistic,
        output=call.predictor.scale if call.method.scale is None else call.method.scale(task),
        signed=SIGNED[call.statistic],
        residuals=residuals,
        score_errors=found.get("errors"),
        local_fit=found.get("fit"),
        drops=drops,
        directed=call.method.directed,
        balanced=call.method.balanced is not None and call.method.balanced(call.options),
        groups=call.features.groups,
        background=call.draws,
        background_source=call.background_source,
        options=plain(call.options),
        seed=seed,
        model=call.predictor.name,
        versions={"bandlens": _version.__version__, "numpy": np.__version__, **call.predictor.backend.version()},
        seconds=time.perf_counter() - started,
    )


def band_maps(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    method: str = "deepshap",
    background: Any = None,
    n_background: int = 100,
    target: str | int = "class",
    output: str = "auto",
    bands: Sequence[str] | None = None,
    wavelengths: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    band_axis: int = -1,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
    **method_options: Any,
) -> BandMaps:
    """Attributions themselves, per image, pixel and band.

    Parameters are those of `band_importance`; memory for all maps is needed, so choose the images.

    Returns
    -------
    BandMaps
        `values` of shape (n, k, *image shape), float32.

    Raises
    ------
    BandlensError
        As for `band_importance`.
    """
    call = _prepare(
        model, x, y, method, background, n_background, target, output, None, bands, wavelengths, classes, band_axis,
        batch_size, seed, method_options, maps=True,
    )  # fmt: skip
    assert call.method.maps is not None
    n, k = call.image_output.shape
    values = np.empty((n, k, *call.images.shape), np.float32)
    with ticker(progress, n, call.method.label) as tick:
        for part in call.method.maps(call.task(tick)):
            values[part.images] = part.values
    return BandMaps(
        values=values,
        image_class=call.codes,
        prediction=call.predictions,
        image_output=call.image_output,
        band_axis=call.images.band_axis,
        classes=call.classes,
        outputs=call.outputs,
        bands=call.bands,
        wavelengths=call.wavelengths,
        method=call.method.name,
        output=call.predictor.scale,
        seed=seed,
        model=call.predictor.name,
    )


def completeness_residuals(sums: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """How far attributions are from summing to f(x) - mean f(background), relative.

    Parameters
    ----------
    sums, differences : ndarray, shape (n, k)

    Returns
    -------
    ndarray, shape (n, k)
        ``|sum - difference|`` over the difference's size, or over the mean size where that is larger: for an image
        whose output hardly differs from the background's, any rounding would be large relative to the difference.
    """
    size = np.abs(differences)
    scale = np.maximum(size, size.mean())
    error = np.abs(sums - differences)
    return np.divide(error, scale, out=error.copy(), where=scale > 0)


@dataclass(frozen=True)
class _Call:
    """Arguments after all checks."""

    predictor: Predictor
    method: Method
    images: Images
    y: Any
    background: Images | None
    background_source: str | None
    draws: np.ndarray | None
    labels: np.ndarray | None
    codes: np.ndarray
    predictions: np.ndarray
    image_output: np.ndarray
    model_outputs: np.ndarray
    deferred: bool
    classes: tuple[str, ...]
    outputs: tuple[str, ...]
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    features: Features
    statistic: str
    batch_size: int | None
    seed: int
    options: Mapping[str, Any]

    def completed(self) -> _Call:
        """The call once the method has filled in the model's outputs."""
        predictions = self.model_outputs.argmax(axis=1)
        codes = predictions if self.labels is None else self.labels
        return replace(self, codes=codes, predictions=predictions, deferred=False)

    def task(self, tick: Callable[[int], None]) -> Task:
        """What the method needs."""
        return Task(
            predictor=self.predictor,
            images=self.images,
            seeds=self.predictor.weights[self.image_output],
            statistic=self.statistic,
            background=self.background,
            draws=self.draws,
            batch_size=self.batch_size,
            seed=self.seed,
            tick=tick,
            options=self.options,
            members=self.features.members,
            codes=self.codes,
            image_output=self.image_output,
            outputs=self.model_outputs,
            y=self.y,
        )

    def values(self, task: Task) -> tuple[np.ndarray, np.ndarray]:
        """f(x) and mean f(background), or what the method has in their place, per image and explained output."""
        if self.method.values is not None:
            return self.method.values(task)
        if self.background is None:
            return task.values, np.full(self.image_output.shape, np.nan)
        return task.values, outputs_of(task, background_images(task)).mean(axis=0)[self.image_output]


def _prepare(
    model: Any,
    x: Any,
    y: Any,
    method: str,
    background: Any,
    n_background: int,
    target: str | int,
    output: str,
    statistic: str | None,
    bands: Sequence[str] | None,
    wavelengths: Sequence[float] | None,
    classes: Sequence[str] | None,
    band_axis: int,
    batch_size: int | None,
    seed: int,
    options: Mapping[str, Any],
    *,
    groups: Mapping[str, Sequence[str | int]] | None = None,
    maps: bool = False,
) -> _Call:
    chosen = _method(method, maps)
    options = _options(chosen, options)
    kind = check_statistic(statistic, chosen.statistics, chosen.statistic, chosen.name)
    _check_whole("n_background", n_background, least=1)
    if batch_size is not None:
        _check_whole("batch_size", batch_size, least=1)
    _check_whole("seed", seed, least=0)
    images = check_images(x, band_axis)
    names = band_names(bands, images.n_bands)
    waves = band_wavelengths(wavelengths, images.n_bands)
    features = band_features(groups, names)
    references = None
    if chosen.uses_background if chosen.needs_background is None else chosen.needs_background(options):
        references = images if background is None else check_background(background, images)
    predictor = make_predictor(model, images, output)
    predictor.trace.graph(predictor.output)  # what can't be traced is refused now
    if chosen.prepare is not None:
        chosen.prepare(Request(predictor, images, y, options, maps))
    if predictor.classifies:
        known = class_names(classes, y, predictor.n_outputs)
        outputs = known
    else:
        known, outputs = (WHOLE,), ("output",)
    labels = None
    if y is not None and predictor.classifies:
        labels = label_codes(y, known, images.n)
    # whether the target exists is known before the predictions are
    nobody = np.zeros(0, np.int64)
    target_outputs(target, outputs, nobody, nobody)
    # a method that computes the outputs anyway does so later, unless what is explained depends on them
    unknown = labels is None and predictor.classifies
    deferred = chosen.gives_outputs and not maps and target != "predicted" and not (target == "class" and unknown)
    model_outputs = (
        np.zeros((images.n, len(outputs)))
        if deferred
        else predictor.outputs(images, batch_size or predictor.images_per_batch)
    )
    predictions = model_outputs.argmax(axis=1)
    codes = predictions if labels is None else labels
    draws = None
    if references is not None:
        draws = _draw(references.n, n_background, codes if references is images else None, seed)
    image_output = target_outputs(target, outputs, codes, predictions)
    return _Call(
        predictor=predictor,
        method=chosen,
        images=images,
        y=y,
        background=references,
        background_source=None if references is None else "x" if background is None else "background",
        draws=draws,
        labels=labels,
        codes=codes,
        predictions=predictions,
        image_output=image_output,
        model_outputs=model_outputs,
        deferred=deferred,
        classes=known,
        outputs=outputs,
        bands=names,
        wavelengths=waves,
        features=features,
        statistic=kind,
        batch_size=batch_size,
        seed=int(seed),
        options=options,
    )


def _method(name: str, maps: bool) -> Method:
    if name not in METHODS:
        raise OptionError("There is no such method.", expected=" or ".join(map(repr, METHODS)), given=repr(name))
    method = METHODS[name]
    if maps and method.maps is None:
        having = [repr(other.name) for other in METHODS.values() if other.maps is not None]
        raise OptionError(
            f"The method '{name}' treats a band as a whole: it has no values per pixel.",
            expected=" or ".join(having),
            given=repr(name),
        )
    return method


def _options(method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    """A method's options, each checked, with defaults for those that were not given."""
    unknown = sorted(set(given) - set(method.options))
    if unknown:
        raise OptionError(
            f"The method '{method.name}' has no such option.",
            expected=", ".join(method.options) or "no options",
            given=", ".join(unknown),
        )
    return {
        name: option.check(name, given[name]) if name in given else option.default
        for name, option in method.options.items()
    }


def _warn_if_incomplete(residuals: np.ndarray, differences: np.ndarray, call: _Call) -> None:
    """A residual that is more than rounding is said where it arises."""
    worst = float(residuals.max())
    if worst <= MOST_RESIDUAL or not call.method.exact:
        return
    image = int(np.unravel_index(residuals.argmax(), residuals.shape)[0])
    size, dtype = float(np.abs(call.model_outputs).max()), call.predictor.trace.dtype
    if size > LARGE_OUTPUT:
        cause = f"outputs as large as {size:.0e} leave few digits for their differences in {dtype}"
    elif float(np.abs(differences).max()) < ROUNDING * size:
        cause = "the output hardly differs between images and background, by no more than rounding"
    else:
        cause = f"the model amplifies rounding in {dtype}; a float64 copy of it would tell"
    warnings.warn(
        f"{call.method.label} scores of image {image + counting.first()} miss f(x) - mean f(background) by "
        f"{worst:.1%}: {cause}.",
        CompletenessWarning,
        stacklevel=3,
    )


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise OptionError(f"`{name}` must be a whole number, {least} or more.", given=repr(value))


def _draw(n: int, most: int, codes: np.ndarray | None, seed: int) -> np.ndarray:
    """A seeded sample of positions in increasing order, as evenly from every class as there are images for."""
    if n <= most:
        return np.arange(n)
    random = np.random.default_rng(seed)
    if codes is None:
        return np.sort(random.choice(n, most, replace=False))
    shuffled = random.permutation(n)
    turn = np.empty(n, np.int64)
    for code in np.unique(codes):
        mine = shuffled[codes[shuffled] == code]
        turn[mine] = np.arange(len(mine))
    order = shuffled[np.argsort(turn[shuffled], kind="stable")]
    return np.sort(order[:most])
