"""The verb for counterfactual spectra: which bands an image needs of another one to be taken for another class."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..data.backgrounds import refuse_strategy
from ..data.options import optional, whole
from ..data.outlying import share_farther
from ..data.summaries import band_means
from ..data.tasks import CLASSIFICATION
from ..data.words import argument, few, nearest, quoted, shown
from ..errors import BackgroundError, OptionError
from ..methods.mixtures import Mixing
from ..progress import Progress, starting, ticker
from ..results.counterfactuals import ALONE, ALREADY, CHANGED, STATUSES, UNCHANGED, Counterfactuals
from .calls import Call, checked
from .changing import Trial, fewest, images_per_batch, lead, least_way
from .fitting import check_fit
from .nearest import nearest_of_others
from .question import Question


def counterfactual_spectra(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    background: Any = None,
    n_background: int = 1000,
    to: str | Sequence[str] | None = None,
    neighbours: int = 3,
    max_bands: int | None = None,
    shrink: bool = True,
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
) -> Counterfactuals:
    """The fewest bands that change the class of each image, when they are those of a real image of another class.

    The class is what the model takes an image for. Of the background images that it takes for another class, the
    nearest are looked at, by means of bands in standard deviations. The smallest set of bands that changes the class
    when it is taken from one of them is found, of equally small ones that whose bands differ least; then how far these
    bands have to go towards it.

    Parameters
    ----------
    model, x, y
        As for `band_importance`; `y` may be left out. Models that give an image one class.
    background : array_like, shape (m, rows, cols, bands), optional
        Images to find neighbours among, such as the training data; those of `x` by default.
    n_background : int
        At most so many of them, drawn at random.
    to : str or sequence of str, optional
        Classes that images are to be taken for; any other by default.
    neighbours : int
        Nearest background images of other classes that bands may be taken from.
    max_bands : int, optional
        Most bands that may change; all by default.
    shrink : bool
        Whether bands go no farther towards the other image than it takes (to 1/4096 of the way), or all of the way.
    output, head, task, bands, wavelengths, groups, classes, band_axis, reorder, batch_size, seed, progress
        As for `band_importance`. With `groups`, zones change as a whole. Results don't depend on `batch_size`.

    Returns
    -------
    Counterfactuals
        ``to_frame()`` has a row for each image and band that changes, ``to_frame("image")`` one per image, and
        ``to_frame("class")`` how often and how far bands change from class to class. No image is left out.

    Raises
    ------
    BandlensError
        As for `band_importance`; OptionError for other models, and if `to` is no class; BackgroundError if no
        background image is of another class.

    Warns
    -----
    DataWarning, AccuracyWarning
        As for `band_importance`.

    Notes
    -----
    Smallest change to another class: Wachter, Mittelstadt & Russell 2018, Harvard Journal of Law & Technology 31.
    Features of the nearest unlike instance: Brughmans, Leyman & Martens 2024, NICE, Data Mining and Knowledge Discovery
    38. All sets of a number of bands are tried where there are at most 2000 of them; beyond, bands are added one by
    one and taken out again where they are not needed (`exact` is False). Each takes a forward pass per neighbour.

    Examples
    --------
    >>> found = bl.counterfactual_spectra(model, x_test, background=x_train)  # doctest: +SKIP
    >>> found.verdict, found.plot(), found.plot("spectra")  # doctest: +SKIP
    """
    neighbours, n_background = whole()("neighbours", neighbours), whole(2)("n_background", n_background)
    max_bands = optional(whole())("max_bands", max_bands)
    if not isinstance(shrink, bool | np.bool_):
        raise OptionError("`shrink` is neither True nor False.", given=shown(shrink))
    refuse_strategy(background, "counterfactual_spectra")
    question = Question(
        model=model, x=x, y=y, method="occlusion", method_options={"replacement": "background"}, target="predicted",
        background=background, output=output, head=head, task=task, bands=bands, wavelengths=wavelengths, groups=groups,
        classes=classes, band_axis=band_axis, reorder=reorder, batch_size=batch_size, seed=seed,
    )  # fmt: skip
    with starting(progress, model):
        call = checked(question)
    if call.predictor.task != CLASSIFICATION:
        raise OptionError(
            "Counterfactuals are for models that give an image one class.",
            expected=argument("task", CLASSIFICATION),
            given=argument("task", call.predictor.task),
        )
    goals = _goals(call, to)
    n_features = len(call.features.labels)
    most = n_features if max_bands is None else min(max_bands, n_features)
    started = time.perf_counter()
    check_fit(call.subject(maps=False), stacklevel=3)
    with ticker(progress, call.images.n, "Changing classes") as tick:
        found = _answered(call, goals, n_background, neighbours, most, bool(shrink), tick)
    return Counterfactuals(
        **found,
        bands=call.features.labels,
        wavelengths=tuple(call.features.mean(np.array(call.wavelengths)).tolist()),
        classes=call.classes,
        labels=call.targets.labels,
        max_bands=most,
        neighbours=neighbours,
        output=call.predictor.scale,
        groups=call.features.groups,
        seed=call.seed,
        model=call.predictor.name,
        versions=call.predictor.versions,
        seconds=time.perf_counter() - started,
    )


def _goals(call: Call, to: str | Sequence[str] | None) -> np.ndarray:
    """Which classes images may be changed to, bool."""
    if to is None:
        return np.ones(len(call.classes), bool)
    names = [to] if isinstance(to, str) else [str(name) for name in to]
    unknown = next((name for name in names if name not in call.classes), None)
    if unknown is not None or not names:
        raise OptionError(
            "`to` names no class.",
            expected=few(map(quoted, call.classes)),
            given="none" if unknown is None else shown(unknown),
            fix=None if unknown is None else nearest(unknown, call.classes),
        )
    return np.isin(call.classes, names)


def _answered(
    call: Call,
    goals: np.ndarray,
    n_background: int,
    k: int,
    most: int,
    shrink: bool,
    tick: Callable[[int], None],
) -> dict[str, Any]:
    """Fields of the result that are computed."""
    predictor, images, pool = call.predictor, call.images, call.pool
    assert pool is not None
    n, size, dtype = images.n, call.batch_size or predictor.images_per_batch, predictor.trace.dtype
    if pool.n > n_background:
        chosen = np.sort(np.random.default_rng([call.seed, 3]).choice(pool.n, n_background, replace=False))
    else:
        chosen = np.arange(pool.n)
    own_outputs = predictor.outputs(images, size)
    held = pool.holding(pool.take(chosen, dtype))
    name = "`background`" if call.background_source == "background" else "`x`"
    pool_class = predictor.outputs(held, size, name=name, positions=chosen).argmax(axis=1)
    own_class = own_outputs.argmax(axis=1)
    wanted = goals & (own_class[:, None] != np.arange(len(goals)))

    averaging = call.features.members / call.features.members.sum(axis=1, keepdims=True)
    before, levels = band_means(images) @ averaging.T, band_means(held) @ averaging.T
    spread = levels.std(axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    near = nearest_of_others(before / unit, levels / unit, wanted, pool_class, k)
    already, alone = ~wanted.any(axis=1), near[:, 0] < 0
    if alone.all() and not already.all():
        raise BackgroundError(
            "The background has no image that the model takes for another class.",
            expected="images of " + ("several classes" if goals.all() else few(np.array(call.classes)[goals])),
            given=few([f"{call.classes[at]}" for at in np.unique(pool_class)]) + " alone",
            fix="give images of all classes as `background`",
        )
    status = np.full(n, STATUSES.index(UNCHANGED))
    status[alone] = STATUSES.index(ALONE)
    status[already] = STATUSES.index(ALREADY)
    found: dict[str, np.ndarray] = {
        "changed": np.zeros((n, len(averaging)), bool),
        "after": np.full(before.shape, np.nan),
        "neighbour": np.where(near[:, 0] >= 0, near[:, 0], -1),
        "amount": np.full(n, np.nan),
        "exact": np.ones(n, bool),
        "outputs_after": np.full(own_outputs.shape, np.nan),
        "plausibility": np.full(n, np.nan),
        "counterfactual_class": np.full(n, -1),
    }
    mixing = Mixing(predictor, images, call.features.members, size)
    tick(int((already | alone).sum()))
    batch_size = images_per_batch(images, k, np.dtype(dtype).itemsize)
    rows = np.flatnonzero(~(already | alone))
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        own, others = near[part], held.source[np.maximum(near[part], 0)]
        batch = images.take(part, dtype)
        apart = ((levels[own] - before[part, None]) / unit) ** 2
        change = fewest(Trial(predictor, mixing, batch, others, own >= 0, apart, wanted[part], part), most)
        found["exact"][part] = change.exact
        at = np.flatnonzero(change.neighbour >= 0)
        if len(at):
            masks = images.cells.spread(np, change.changed[at] @ call.features.members)
            amount, moved, outputs = least_way(
                predictor, images, batch[at], others[at, change.neighbour[at]], masks, wanted[part[at]], size,
                shrink=shrink,
            )  # fmt: skip
            # a change that rounding alone decides, one way in a mixture and the other in an image, is none
            sure = lead(outputs, wanted[part[at]]) > 0
            at, amount, moved, outputs = at[sure], amount[sure], moved[sure], outputs[sure]
            done = part[at]
            status[done] = STATUSES.index(CHANGED)
            found["changed"][done], found["amount"][done] = change.changed[at], amount
            found["neighbour"][done] = own[at, change.neighbour[at]]
            found["outputs_after"][done] = outputs
            found["counterfactual_class"][done] = outputs.argmax(axis=1)
            if len(done):
                found["after"][done] = band_means(images.holding(moved)) @ averaging.T
                found["plausibility"][done] = share_farther(found["after"][done], levels)
        tick(len(part))
    nowhere = found["neighbour"] < 0
    return {
        **found,
        "status": status,
        "neighbour": np.where(nowhere, -1, chosen[found["neighbour"]]),
        "neighbour_levels": np.where(nowhere[:, None], np.nan, levels[found["neighbour"]]),
        "image_class": own_class,
        "before": before,
        "spread": spread,
        "outputs_before": own_outputs,
        "plausibility_before": share_farther(before, levels),
        "n_background": len(chosen),
    }
