"""The verb for how few bands suffice: how right a model is with 1, 2, ... of them, and with those of other sensors."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..data.backgrounds import refuse_strategy
from ..data.images import Images
from ..data.options import one_of, whole
from ..data.sensors import matched_sensors
from ..data.tasks import CLASSIFICATION, REGRESSION
from ..data.words import argument, choices, few
from ..errors import BandError, LabelError, OptionError
from ..methods.metrics import SCALES, check_likelihood, check_suits, usual
from ..methods.task import Request
from ..progress import Progress, starting, ticker
from ..results.importance import BandImportance
from ..results.selection import BandSelection
from .arranging import with_labels
from .calls import Call, checked
from .fitting import check_fit
from .paths import folds_of, followed_path
from .question import Question
from .worth import FitAt, replaced, retrained

METHODS = ("forward", "backward", "importance")
NAMED = 6
Fit = Callable[[np.ndarray, Any, list[str]], Any]


def select_bands(
    model: Any,
    x: Any,
    y: Any,
    *,
    method: str = "forward",
    importance: BandImportance | Sequence[str] | None = None,
    fit: Fit | None = None,
    metric: str = "auto",
    sensors: str | Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    folds: int = 5,
    repeats: int = 1,
    background: Any = None,
    n_background: int = 5,
    output: str = "auto",
    head: str | int | None = None,
    task: str = "auto",
    bands: Any = None,
    wavelengths: Any = None,
    groups: Mapping[str, Sequence[Any]] | str | None = None,
    classes: Sequence[str] | None = None,
    band_axis: Any = -1,
    reorder: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
) -> BandSelection:
    """How right the model is with 1, 2, ... bands, and how few suffice.

    Without `fit`, the model stays as it is, and absent bands are taken from background images. With it, a model is made
    for every set of bands, and judged on images that it was not trained on.

    Parameters
    ----------
    model, x, y
        As for `band_importance`; `y` is needed. Models of pixels, or with several labels per image, are refused.
    method : {"forward", "backward", "importance"}
        Bands come one by one, each time the one that makes the model most right; or go from all of them, each time the
        one that is missed least; or come in the order of `importance`.
    importance : BandImportance or sequence of str, optional
        With ``method="importance"``: a result for these bands (the order of its mean importance over all images), or
        all names, the most important first.
    fit : callable, optional
        ``(x, y, bands) -> model``: trains a model on images that have only some bands, of shape (rows, ...) with these
        bands on `band_axis`, their labels as they were given, and the names of the bands. It must have the outputs of
        `model`.
    metric : {"auto", "accuracy", "log_loss", "squared_error"}
        How right: "accuracy" of classifiers and "squared_error" (negative) of regressions by default.
    sensors : str, sequence of str, or mapping, optional
        Also score the bands that are nearest to those of "landsat8", "sentinel2", "planetscope" or "rgb_nir", which
        needs `wavelengths`; or names of bands by the name of a sensor.
    folds : int
        Parts of the images: each is scored with bands that the others chose and, with `fit`, by a model that was
        trained on the others.
    repeats : int
        With `fit`: times that images are divided anew and models are made.
    background : array_like, shape (m, rows, cols, bands), optional
        Images that absent bands are taken from; other images of `x` by default.
    n_background : int
        Background images for each image; all where there are no more.
    output, head, task, bands, wavelengths, groups, classes, band_axis, reorder, batch_size, seed, progress
        As for `band_importance`. `seed` is that of folds and draws. Results don't depend on `batch_size`.

    Returns
    -------
    BandSelection
        ``to_frame()`` has a row per number of bands, ``to_frame("sensor")`` one per sensor; `knee` is the fewest bands
        within one standard error of the best, and `selected` are their names.

    Raises
    ------
    BandlensError
        As for `band_importance`; OptionError if the metric does not suit the model.

    Warns
    -----
    DataWarning, AccuracyWarning
        Without `fit`, as for `band_importance`.

    Notes
    -----
    One-standard-error rule: Breiman, Friedman, Olshen & Stone 1984, Classification and Regression Trees, section 3.4.3.
    Forward and backward selection, and choosing anew in each fold: Hastie, Tibshirani & Friedman 2009, The Elements of
    Statistical Learning, sections 3.3 and 7.10.2. For p bands, "forward" and "backward" score at least p (p + 1) / 2
    sets and "importance" p; with `fit`, each takes ``folds * repeats`` models. There, models that chose the bands for a
    fold have seen its images, so that a little of the optimism of choosing remains.

    Examples
    --------
    >>> few = bl.select_bands(model, x_test, y_test, background=x_train)  # doctest: +SKIP
    >>> few.selected, few.plot()  # doctest: +SKIP
    """
    return selection(
        model, x, y, method=method, importance=importance, metric=metric, sensors=sensors, folds=folds,
        fit=None if fit is None else _with_labels(fit),
        repeats=repeats, n_background=n_background, progress=progress,
        asked={
            "background": background, "output": output, "head": head, "task": task, "bands": bands,
            "wavelengths": wavelengths, "groups": groups, "classes": classes, "band_axis": band_axis,
            "reorder": reorder, "batch_size": batch_size, "seed": seed,
        },
    )  # fmt: skip


def _with_labels(fit: Fit) -> Callable[[Any], FitAt]:
    """From all labels, which images may bring along, to what is called with the positions of some."""
    if not callable(fit):
        raise OptionError("`fit` makes no models.", expected="a function (x, y, bands) -> model", given=repr(fit))

    def with_labels_of(y: Any) -> FitAt:
        labels = np.asarray(y)
        return lambda x, rows, names: fit(x, labels[rows], names)

    return with_labels_of


def selection(
    model: Any,
    x: Any,
    y: Any,
    *,
    method: str,
    importance: Any,
    fit: Callable[[Any], FitAt] | None,
    metric: str,
    sensors: Any,
    folds: int,
    repeats: int,
    n_background: int,
    progress: Progress,
    asked: Mapping[str, Any],
) -> BandSelection:
    """The same with what makes, of labels, a function of images, their positions and names of bands.

    `asked` is the rest of a `Question`.
    """
    method = one_of(*METHODS)("method", method)
    metric = one_of("auto", *SCALES)("metric", metric)
    folds, repeats = whole(2)("folds", folds), whole()("repeats", repeats)
    n_background = whole()("n_background", n_background)
    if (method == "importance") != (importance is not None):
        raise OptionError(
            "The order of importance is for one method, which needs it.",
            expected="`importance` with " + argument("method", "importance"),
            given=argument("method", method) + (" and `importance`" if importance is not None else " alone"),
        )
    if fit is None and repeats > 1:
        raise OptionError(
            "Without `fit`, nothing is trained, so that there is nothing to repeat.",
            expected=argument("repeats", 1),
            given=argument("repeats", repeats),
            fix="for more images that absent bands are taken from, `n_background`",
        )
    refuse_strategy(asked["background"], "select_bands")
    if fit is not None and asked["background"] is not None:
        raise OptionError(
            "With `fit`, no band is taken from background images.", expected="no `background`", given="`background`"
        )
    question = Question(
        model=model, x=x, y=y, method="occlusion", method_options={"replacement": "background"}, target="class",
        **asked,
    )  # fmt: skip
    with starting(progress, model):
        question = with_labels(question.with_streams_read())
        if question.y is None:
            raise LabelError("Only labels tell how right a model is.", expected="`y`", given="none")
        call = checked(question)
    metric = _suited(call, metric)
    order = None if importance is None else _order(call, importance)
    found = matched_sensors(sensors, call.features.labels, call.features.mean(np.array(call.wavelengths)).tolist())
    if call.images.n < folds:
        raise OptionError(
            "There are more folds than images.", expected=f"`folds` of at most {call.images.n}", given=str(folds)
        )
    if fit is not None and (call.images.parts or call.images.time_axis is not None):
        raise OptionError("`fit` is for models of one input.", expected="no `fit`", given="several inputs")
    started = time.perf_counter()
    if fit is None:  # else it is not this model that is judged
        check_fit(call.subject(maps=False), stacklevel=4)
    runs = np.stack([folds_of(call.targets.codes, folds, call.seed, run) for run in range(repeats)])
    n_features = len(call.features.labels)
    with ticker(progress, n_features + bool(found), "Selecting bands") as tick:
        if fit is None:
            pool, draws = _drawn(call, n_background)
            worth, n_drawn = replaced(call, metric, pool, draws), draws.shape[1]
        else:
            worth, n_drawn = retrained(call, metric, fit(question.y), runs, asked["output"]), 0
        path = followed_path(worth, n_features, runs[0], order, method == "backward", tick)
        of_sensors = worth(np.stack([one.present for one in found])) if found else None
        tick(bool(found))
    return BandSelection(
        method=method,
        metric=metric,
        measure=SCALES[metric],
        retrained=fit is not None,
        sets=path.sets,
        moved=path.moved,
        qualities=path.worth.mean(axis=0),
        runs=path.worth.mean(axis=1),
        bands=call.features.labels,
        wavelengths=tuple(call.features.mean(np.array(call.wavelengths)).tolist()),
        image_class=call.targets.codes,
        classes=call.classes,
        sensors=tuple(one.title for one in found),
        sensor_sets=np.stack([one.present for one in found]) if found else None,
        sensor_qualities=None if of_sensors is None else of_sensors.mean(axis=0),
        sensor_runs=None if of_sensors is None else of_sensors.mean(axis=1),
        lacking={one.title: one.lacking for one in found if one.lacking},
        folds=folds,
        repeats=repeats,
        n_background=n_drawn,
        output=call.predictor.scale,
        groups=call.features.groups,
        seed=call.seed,
        model=call.predictor.name,
        versions=call.predictor.versions,
        seconds=time.perf_counter() - started,
    )


def _suited(call: Call, metric: str) -> str:
    """The metric, which must suit the model."""
    predictor = call.predictor
    if predictor.task not in (CLASSIFICATION, REGRESSION):
        raise OptionError(
            "Bands are selected for models that give an image one class, or numbers.",
            expected=choices((CLASSIFICATION, REGRESSION)),
            given=argument("task", predictor.task),
        )
    metric = usual(predictor) if metric == "auto" else metric
    check_suits(predictor, metric, metric, ("accuracy", "log_loss") if predictor.classifies else ("squared_error",))
    request = Request(predictor, call.images, call.y, {"metric": metric}, False, len(call.features.labels))
    check_likelihood(request, "accuracy")
    return metric


def _order(call: Call, importance: Any) -> np.ndarray:
    """Positions of the bands, the most important first."""
    labels = list(call.features.labels)
    if isinstance(importance, BandImportance):
        names = list(importance.bands)
        ranked = np.argsort(-importance.overall.importance.mean(axis=0), kind="stable")
        names = [names[at] for at in ranked] if len(names) == len(ranked) else names
    else:
        names = [importance] if isinstance(importance, str) else [str(name) for name in importance]
    if sorted(names) != sorted(labels):
        raise BandError(
            "The order of importance is of other bands.", expected=few(labels, NAMED), given=few(names, NAMED) or "none"
        )
    return np.array([labels.index(name) for name in names])


def _drawn(call: Call, n_background: int) -> tuple[Images, np.ndarray]:
    """Images that absent bands are taken from, and the positions of those for each image, shape (n, draws)."""
    n, pool = call.images.n, call.pool
    assert pool is not None
    random = np.random.default_rng([call.seed, 1])
    if call.background_source == "background":
        if pool.n <= n_background:
            return pool, np.tile(np.arange(pool.n), (n, 1))
        return pool, random.integers(pool.n, size=(n, n_background))
    # never the image itself; of few, each once
    alone = np.arange(1, n) if n <= n_background + 1 else random.integers(1, n, size=(n, n_background))
    return pool, (np.arange(n)[:, None] + alone) % n
