"""The verb for counterfactual spectra: which bands an image needs of another one to be taken for another class."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..data.backgrounds import refuse_strategy
from ..data.images import Images
from ..data.options import optional, whole
from ..data.outlying import share_farther
from ..data.summaries import band_means
from ..data.tasks import CLASSIFICATION
from ..data.words import argument, few, nearest, quoted, shown
from ..errors import BackgroundError, OptionError
from ..methods.mixtures import Mixing
from ..models.predictor import Predictor
from ..progress import Progress, starting, ticker
from ..results.counterfactuals import ALONE, ALREADY, CHANGED, STATUSES, UNCHANGED, Counterfactuals
from .calls import Call, checked
from .changing import MOST_CANDIDATES, Trial, fewest, images_per_batch, lead, least_way
from .fitting import check_fit
from .nearest import nearest_of_others
from .question import Question
from .targets import Targets, find_targets


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
    nearest are looked at, by means of bands in standard deviations. The smallest sets of bands that change the class
    when they are taken from one of them are found, and how far these bands have to go towards it. Of equally small
    sets (the 16 whose bands differ least), the one counts whose bands move least.

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
        Whether bands go towards the other image until the class changes, first of 16 places on the way and then by
        halving, to 1/4096; or all of the way.
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

    def find(
        q: Question, predictor: Predictor, images: Images, outputs: tuple[str, ...], *rest: Any, **how: Any
    ) -> Targets:
        _goals(predictor, outputs, to)  # before the model is asked about all images
        return find_targets(q, predictor, images, outputs, *rest, **how)

    with starting(progress, model):
        call = checked(question, find=find)
    goals = _goals(call.predictor, call.classes, to)
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


def _goals(predictor: Predictor, classes: Sequence[str], to: str | Sequence[str] | None) -> np.ndarray:
    """Which classes images may be changed to, bool."""
    if predictor.task != CLASSIFICATION:
        raise OptionError(
            "Counterfactuals are for models that give an image one class.",
            expected=argument("task", CLASSIFICATION),
            given=argument("task", predictor.task),
            fix="for the class of a zone of pixels, give a function that averages the model's outputs over it",
        )
    if to is None:
        return np.ones(len(classes), bool)
    names = [to] if isinstance(to, str) else [str(name) for name in to]
    unknown = next((name for name in names if name not in classes), None)
    if unknown is not None or not names:
        raise OptionError(
            "`to` names no class.",
            expected=few(map(quoted, classes)),
            given="none" if unknown is None else shown(unknown),
            fix=None if unknown is None else nearest(unknown, classes),
        )
    return np.isin(classes, names)


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
    own_outputs = call.targets.outputs
    held = pool.holding(pool.take(chosen, dtype))
    name = "`background`" if call.background_source == "background" else "`x`"
    pool_class = predictor.outputs(held, size, name=name, positions=chosen).argmax(axis=1)
    own_class = own_outputs.argmax(axis=1)
    wanted = goals & (own_class[:, None] != np.arange(len(goals)))

    before, levels = call.features.mean(band_means(images)), call.features.mean(band_means(held))
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
        "changed": np.zeros(before.shape, bool),
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
    batch_size = images_per_batch(images, max(k, MOST_CANDIDATES), np.dtype(dtype).itemsize)
    rows = np.flatnonzero(~(already | alone))
    for start in range(0, len(rows), batch_size):
        part = rows[start : start + batch_size]
        own, others = near[part], held.source[np.maximum(near[part], 0)]
        batch = images.take(part, dtype)
        apart = ((levels[own] - before[part, None]) / unit) ** 2
        sets = fewest(Trial(predictor, mixing, batch, others, own >= 0, apart, wanted[part], part), most)
        found["exact"][part] = sets.exact
        at, which = np.nonzero(sets.neighbour >= 0)
        if len(at):
            taken, changed = sets.neighbour[at, which], sets.changed[at, which]
            masks = images.cells.spread(np, changed @ call.features.members)
            amount, moved, outputs = least_way(
                predictor, images, batch[at], others[at, taken], masks, wanted[part[at]], size, shrink=shrink
            )
            # a change that rounding alone decides, one way in a mixture and the other in an image, is none
            way = amount * np.sqrt((apart[at, taken] * changed).sum(axis=1))
            way = np.where(lead(outputs, wanted[part[at]]) > 0, way, np.inf)
            order = np.lexsort((way, at))
            first = order[np.unique(at[order], return_index=True)[1]]
            best = first[np.isfinite(way[first])]
            done = part[at[best]]
            status[done] = STATUSES.index(CHANGED)
            found["changed"][done], found["amount"][done] = changed[best], amount[best]
            found["neighbour"][done] = own[at[best], taken[best]]
            found["outputs_after"][done] = outputs[best]
            found["counterfactual_class"][done] = outputs[best].argmax(axis=1)
            if len(done):
                found["after"][done] = call.features.mean(band_means(images.holding(moved[best])))
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
