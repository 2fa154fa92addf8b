"""Are images whose bands were replaced still like real ones? A classifier tries to tell them apart.

What a model makes of an image that can't exist says little of those that do. How far images lie from the data when
bands are absent depends on what stands for these, and can be measured without the model's outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..data.backgrounds import refuse_strategy
from ..data.images import Images, check_background, check_images
from ..data.naming import named_bands
from ..data.options import one_of, whole
from ..data.spectra import spectra
from ..data.summaries import band_means
from ..data.words import argument
from ..errors import BackgroundError, BandError, InputError, OptionError
from ..explain.arranging import in_order
from ..explain.question import Question
from ..methods.filling import ABSENT, MARGINAL, Filling, filling_from
from ..models.predictor import loaded
from ..progress import Progress, starting, ticker
from .result import Check, columns_of
from .telling_apart import Scored, auc_of, scored

UNITS = ("pixel", "image")
# numbers of absent bands that are told apart
STEPS = 8
COLUMNS = ("auc", "std_error", "conf_low", "conf_high", "n")


def check_plausibility(
    model: Any,
    x: Any,
    *,
    background: Any = None,
    absent: Sequence[str] = ABSENT,
    n_images: int = 200,
    pixels: int = 10,
    folds: int = 5,
    bands: Any = None,
    band_axis: Any = -1,
    time_axis: Any = None,
    reorder: bool = False,
    seed: int = 0,
    progress: Progress = None,
) -> Check:
    """Fill absent bands in every way there is, and have a classifier tell the images from real ones.

    Each image loses bands that are drawn at random, one to all but one, and gets others as the methods with an option
    `absent` fill them. A classifier (boosted trees on principal components) is trained to tell the spectra of pixels,
    and the means and standard deviations of bands, from those of the images as they are. The more often it is right,
    the farther the images are from the data on which a model can be expected to know what it does.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable
        The model that is to be explained. It says what `x` is made of; its outputs are not asked for.
    x : array_like, shape (n, rows, cols, bands), path or stream
        Images, as for `band_importance`.
    background : array_like, shape (m, rows, cols, bands), optional
        Images that bands are taken from and that say how they depend on each other; other images of `x` by default.
    absent : sequence of {"marginal", "conditional", "nearest"}
        Which ways to compare.
    n_images : int
        Most images of `x`, drawn at random.
    pixels : int
        Most pixels of each.
    folds : int
        Parts of the images that are tested on after training on the others.
    bands, band_axis, time_axis, reorder
        As for `band_importance`. With `time_axis`, bands at single steps are absent.
    seed : int
        Of all that is drawn, and of the classifier.
    progress : bool or callable, optional
        As for `band_importance`.

    Returns
    -------
    Check
        Level "absent": ``absent, unit, auc, std_error, conf_low, conf_high, n``, one row per way x unit. `unit` is
        "pixel" (spectra; of a single input) or "image" (means of bands over its pixels and, where there are several,
        standard deviations); `auc` is the probability that a filled image looks more like one to the classifier than a
        real one does: 0.5 (or a little less) where there is no difference that it finds, 1 where it is always right.
        `std_error` and the 95 % interval are over images, with the classifiers as they are; `n` counts images.

        Level "removed": the same by the number of absent bands, in the column `removed` behind `unit`.

        There is nothing to pass.

    Raises
    ------
    OptionError
        If there is no such way, or it is listed twice.
    InputError
        If there are fewer images than folds.
    BackgroundError
        If there are fewer than two images to take bands from.
    BandlensError
        As for `band_importance`.

    Notes
    -----
    Classifier two-sample tests: Lopez-Paz & Oquab 2017, arXiv:1610.06545; why it matters: Hooker, Mentch & Zhou 2021,
    arXiv:1905.03151; intervals: Obuchowski 1997, doi:10.2307/2533957.

    Examples
    --------
    >>> bl.check_plausibility(model, x_test, background=x_train).plot()  # doctest: +SKIP
    """
    ways = _checked_ways(absent)
    n_images, pixels, folds = (
        whole(least)(name, value)
        for name, value, least in (("n_images", n_images, 2), ("pixels", pixels, 1), ("folds", folds, 2))
    )
    seed = whole(0)("seed", seed)
    refuse_strategy(background, "check_plausibility")
    with starting(progress, model):
        q = Question(
            model=loaded(model), x=x, background=background, bands=bands, band_axis=band_axis, time_axis=time_axis,
            reorder=reorder, seed=seed,
        )  # fmt: skip
        q = in_order(q)
    images = check_images(q.x, q.band_axis, time_axis=q.time_axis)
    named_bands(q.x, images.cells, q.bands, None, q.times)
    pool = images if q.background is None else check_background(q.background, images)
    _refuse_too_few(images, pool, min(n_images, images.n), folds)
    random = np.random.default_rng([seed, 0])
    chosen = np.sort(random.choice(images.n, min(n_images, images.n), replace=False))
    removed, present = _coalitions(len(chosen), len(images.cells), random)
    others = random.integers(1, pool.n, len(chosen)) if pool is images else random.integers(pool.n, size=len(chosen))
    others = (chosen + others) % pool.n if pool is images else others
    seen = [random.random(own.shape[1:-1]).reshape(-1) for own in spectra(images.cells, images.take(chosen[:1], None))]
    places = np.argsort(seen[0])[:pixels]

    tables: dict[str, list[tuple]] = {"absent": [], "removed": []}
    with ticker(progress, len(ways) * len(chosen), "Plausibility check") as tick:
        for way in ways:
            filling = None if way == MARGINAL else filling_from(way, pool, seed)
            turns = random.integers(pool.n, size=len(chosen))
            rows = _rows(images, pool, filling, chosen, others, present, turns, places, tick)
            for unit, (real, made, image) in rows.items():
                found = scored(real, made, image, folds, seed)
                code = ABSENT.index(way), UNITS.index(unit)
                tables["absent"].append((*code, *auc_of(found)))
                tables["removed"] += [(*code, *row) for row in _by_removed(found, removed)]
    return _told(tables, ways, len(chosen), folds, seed, "x" if pool is images else "background")


def _checked_ways(absent: Sequence[str]) -> list[str]:
    ways = [one_of(*ABSENT)("absent", way) for way in ([absent] if isinstance(absent, str) else absent)]
    if not ways or len(set(ways)) < len(ways):
        raise OptionError(
            "`absent` lists ways to fill absent bands, each once.",
            expected=argument("absent", *ABSENT),
            given=", ".join(ways) or "none",
        )
    return ways


def _refuse_too_few(images: Images, pool: Images, n: int, folds: int) -> None:
    if len(images.cells) < 2:
        raise BandError("A single band has no others that it could fit.", expected="images of two bands or more")
    if n < folds:
        raise InputError(
            "There are fewer images than folds of the cross-validation.",
            expected=f"at least {folds} images (`folds`)",
            given=str(n),
        )
    if pool.n < 2:
        raise BackgroundError("There are too few images to take bands from.", expected="two or more", given=str(pool.n))


def _coalitions(n: int, n_cells: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How many cells each image loses, (n,), all numbers about as often, and which it keeps, bool, (n, cells)."""
    steps = np.unique(np.linspace(1, n_cells - 1, min(STEPS, n_cells - 1)).round().astype(np.int64))
    removed = random.permutation(np.resize(steps, n))
    places = random.permuted(np.tile(np.arange(n_cells), (n, 1)), axis=1)
    return removed, places >= removed[:, None]


Rows = dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]


def _rows(
    images: Images,
    pool: Images,
    filling: Filling | None,
    chosen: np.ndarray,
    others: np.ndarray,
    present: np.ndarray,
    turns: np.ndarray,
    places: np.ndarray,
    tick: Callable[[int], None],
) -> Rows:
    """What is looked at of images as they are, of filled ones, and of which image a row is, for each unit."""
    cells = images.cells
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {unit: [] for unit in UNITS}
    for row, position in enumerate(chosen):
        real, other = (
            source.take(np.array([at]), np.float64) for source, at in ((images, position), (pool, others[row]))
        )
        mask = present[row]
        if filling is None:
            made = np.where(cells.spread(np, mask[None]), real, other)
        else:
            made = filling.fill(real, other[:, None], mask[None, None, None], turns[row : row + 1])
        both = images.holding(np.concatenate([real, made]))
        means = band_means(both)
        spread = cells.reduced(np, both.source, 1, np.std)
        found["image"].append(tuple(np.concatenate([means, spread], axis=1)[:, None]))
        if not cells.packed:
            own = spectra(cells, both.source)[0]
            found["pixel"].append(tuple(own.reshape(2, -1, own.shape[-1])[:, places]))
        tick(1)
    rows: Rows = {}
    for unit, pairs in found.items():
        if pairs:
            real, made = (np.concatenate(part) for part in zip(*pairs, strict=True))
            rows[unit] = real, made, np.repeat(np.arange(len(pairs)), len(pairs[0][0]))
    return rows


def _by_removed(found: Scored, removed: np.ndarray) -> list[tuple]:
    """A row for each number of absent bands."""
    of_row = removed[found.image]
    return [(number, *auc_of(found, of_row == number)) for number in np.unique(removed).tolist()]


def _told(tables: dict[str, list[tuple]], ways: list[str], n: int, folds: int, seed: int, source: str) -> Check:
    by_unit = tables["absent"]
    verdict = []
    for way in ways:
        parts = [
            f"{auc:.2f} ({low:.2f} to {high:.2f}) by {'spectra of pixels' if UNITS[unit] == 'pixel' else 'band means'}"
            for code, unit, auc, _, low, high, _ in by_unit
            if ABSENT[code] == way
        ]
        verdict.append(f"Filled with {argument('absent', way)}, images are told from real ones with an AUC of "
                       f"{' and '.join(parts)}.")  # fmt: skip
    if len(ways) > 1:
        worst = {way: max(row[2] for row in by_unit if ABSENT[row[0]] == way) for way in ways}
        verdict.append(f"Closest to the data is {argument('absent', min(worst, key=lambda way: worst[way]))}.")
    return Check(
        name="check_plausibility",
        tables={
            "absent": columns_of(("absent", "unit", *COLUMNS), tables["absent"]),
            "removed": columns_of(("absent", "unit", "removed", *COLUMNS), tables["removed"]),
        },
        levels={"absent": ABSENT, "unit": UNITS},
        passed=None,
        verdict=tuple(verdict),
        facts={"background_source": source, "n": n, "folds": folds, "seed": seed},
    )
