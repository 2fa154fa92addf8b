"""Do the bands that a table ranks first matter most to the model? Take them away one by one and watch.

If a ranking is right, the output of a class falls fastest when bands go in the order of importance, slowest in the
reverse order, and in between when they go in random orders. The area between the curves says by how much, without any
appeal to what the importances mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from math import factorial
from typing import Any

import numpy as np

from ..data.images import Images, check_background
from ..data.labels import label_codes, observed_numbers
from ..data.moments import half_width
from ..data.options import one_of, optional, whole
from ..data.repeated import repeated
from ..data.summaries import mean_image
from ..data.tasks import MULTILABEL, REGRESSION, observed_rows
from ..data.words import and_more, argument, few, shape_text
from ..errors import BackgroundError, ResultError
from ..explain.fitting import check_fit
from ..explain.question import Question
from ..explain.subject import Subject
from ..methods.mixtures import Mixing, all_mixed_outputs
from ..models.predictor import Predictor, make_predictor
from ..progress import Progress, starting, ticker
from ..results.cells import cell_levels, in_cells
from ..results.importance import BandImportance
from .firsts import MOST
from .matching import arranged_like, check_classes, check_same_images, check_same_model
from .result import Check, columns_of
from .whole import class_levels

REPLACEMENTS = ("background", "background_mean", "zero")
ORDERS = ("importance", "random", "reverse")
IMPORTANCE, RANDOM, REVERSE = range(3)


def check_deletion(
    model: Any,
    result: BandImportance,
    x: Any,
    y: Any = None,
    *,
    replacement: str = "background",
    background: Any = None,
    n_background: int = 5,
    orders: int = 24,
    steps: int = 20,
    output: str = "auto",
    bands: Any = None,
    band_axis: Any = -1,
    time_axis: Any = None,
    reorder: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
) -> Check:
    """Remove bands in the order of importance, in the reverse order and in random orders, and follow the output.

    Each image loses bands in the order of its own class's row of the table; groups of bands go together.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable
        The model that was explained.
    result : BandImportance
        Its class x band table.
    x : array_like, shape (n, rows, cols, bands)
        The images that were explained, in the same order.
    y : array_like, shape (n,), optional
        Class of each image, as for `band_importance`; by default as in `result`. For a regression, the
        observed numbers, which only tell whether the model fits.
    replacement : {"background", "background_mean", "zero"}
        What a removed band is replaced by: the same pixels of background images, drawn for each image, averaging what
        comes out; the mean background image; or 0, which is seldom an image that the model knows.
    background : array_like, shape (m, rows, cols, bands), optional
        Images that removed bands are taken from; other images of `x` by default.
    n_background : int
        Background images drawn for each image, with ``replacement="background"``.
    orders : int
        Random orders; all there are, instead, where there are no more than that (24 for 4 bands).
    steps : int
        Most steps in which bands are removed; where there are more bands, several go at once.
    output : {"auto", "logit", "probability"}
        Output that is followed; "auto" is the probability where the model ends in softmax or sigmoid.
    bands : sequence of str, optional
        Names of the bands of `x`, where it brings none and they are not in the order of the result. A result of an
        earlier version that holds groups needs them.
    band_axis : int
        Axis of the bands in `x`.
    time_axis : int, optional
        Axis of the steps in `x`, as in the call that made the result.
    reorder : bool
        Whether `x` and `background` are brought into the order of the result's bands, by name; else another order is an
        error.
    batch_size : int, optional
        Most images per compiled step; chosen by memory if not given. Results don't depend on it.
    seed : int
        Of the random orders and of the draws from the background.
    progress : bool or callable, optional
        As for `band_importance`.

    Returns
    -------
    Check
        Level "curve": ``order, class, removed, band, measure, estimate, conf_low, conf_high, n``, one row per order x
        class x number of removed bands x measure. `order` is "importance", "random" (the mean over the random orders)
        or "reverse"; `class` "all" is the mean over all images; `band` is the one removed last (missing for random
        orders, for "all" and where nothing was removed), with `input` and `time` as in `BandImportance.to_frame`.
        `measure` is the output of the image's class ("probability",
        "logit" or "output"), "accuracy" (1 where that output is the largest), and "fidelity" (minus the distance of
        the output from that for the whole image); for a regression only the last.

        Level "area": ``class, measure, area, conf_low, conf_high, n``, the area under the mean curve of the random
        orders minus that under the curve of the order of importance, over the fraction of bands removed: positive
        where the ranking finds the bands that matter. Intervals are 95 % Student intervals over images, whose curves
        are compared in pairs; where random orders are drawn, the squared standard error of their mean is added. It has
        passed if the area of the first measure over all images is above 0 with its whole interval.

    Raises
    ------
    ResultError
        If `result` has a single band, or belongs to other images or another model.
    BandlensError
        As for `band_importance`.

    Notes
    -----
    Pixel flipping (Bach et al. 2015; Samek et al. 2017, arXiv:1509.06321) with bands instead of pixels; the area as a
    measure: Petsiuk, Das & Saenko 2018, arXiv:1806.07421. A model never saw images whose bands come from two places, so
    part of what falls may be due to that; it is the same for all orders of as many bands, which is why areas are
    compared with those of random orders.
    """
    replacement = one_of(*REPLACEMENTS)("replacement", replacement)
    counts = {"n_background": n_background, "orders": orders, "steps": steps}
    n_background, orders, steps = (whole()(name, value) for name, value in counts.items())
    batch_size, seed = optional(whole())("batch_size", batch_size), whole(0)("seed", seed)
    if len(result.bands) < 2:
        raise ResultError("A single band has no order.", expected="a result with at least two bands or groups")
    q = Question(
        model=model, x=x, background=background, bands=bands, band_axis=band_axis, time_axis=time_axis, reorder=reorder
    )
    with starting(progress, model):
        q, images, members, named = arranged_like(q, result)
    background, model = q.background, q.model
    with starting(progress, model):
        predictor = _followed(model, images, output, result)
    if result.images is not None:
        images = repeated(images, result.images, predictor.trace.dtype)
    check_same_images(result, images, members)
    check_classes(result, predictor)
    observed = _observed(y, result, predictor)
    labels = None
    if y is not None and predictor.classifies and predictor.task != MULTILABEL:
        labels = label_codes(y, result.classes, images.n)
    codes = result.image_class if labels is None else labels
    rankings = _rankings(result, codes)
    pool, draws = _pool(images, background, replacement, n_background, seed)
    size = batch_size or predictor.images_per_batch
    before = predictor.outputs(images, size)
    check_same_model(result, before)
    check_fit(
        Subject(
            model=model,
            predictor=predictor,
            images=images,
            background=None if background is None else check_background(background, images),
            classes=result.classes,
            named=named,  # wavelengths of the result were looked at
            y=y,
            labels=labels,
            observed=observed,
            outputs=before,
            names=result.outputs,
        ),
        stacklevel=3,
    )

    randoms, every_order = _random_orders(len(members), orders, seed)
    removed = np.unique(np.linspace(0, len(members), min(steps, len(members)) + 1).round().astype(int))
    measures = _measures(predictor)
    mixing, dtype = Mixing(predictor, images, members, size), predictor.trace.dtype
    values = np.empty((len(measures), images.n, 2 + len(randoms), len(removed)))
    with ticker(progress, images.n, "Deletion check") as tick:
        for code, ranking in rankings.items():
            mine = np.flatnonzero(codes == code)
            places = np.argsort(np.stack([ranking, ranking[::-1], *randoms]), axis=1)
            gone = places[:, None, :] < removed[:, None]
            masks, inverse = np.unique(gone.reshape(-1, len(members)), axis=0, return_inverse=True)
            for part in np.array_split(mine, -(-len(mine) * draws.shape[1] // size)):
                batch, references = images.take(part, dtype), pool.take(draws[part].reshape(-1), dtype)
                references = references.reshape(*draws[part].shape, *images.shape)
                mixed = all_mixed_outputs(mixing, batch, references, ~masks, positions=part)
                found = _measured(predictor, mixed, before[part], code, int(result.cells[0, 1]))
                values[:, part] = found[:, :, inverse.reshape(-1)].reshape(*found.shape[:2], *gone.shape[:2])
                tick(len(part))
    return _summarised(result, values, measures, codes, rankings, removed, replacement, every_order, seed)


def _observed(y: Any, result: BandImportance, predictor: Predictor) -> np.ndarray | None:
    """Numbers that were observed, of the output that is followed."""
    if predictor.classifies:
        return None
    if predictor.n_outputs == 1:
        return observed_numbers(y, result.n, predictor.trace.made_of())
    return observed_rows(y, result.outputs, result.n)


def _followed(model: Any, images: Images, output: str, result: BandImportance) -> Predictor:
    """The model with the scale of output that is followed."""
    predictor = make_predictor(model, images, output, head=result.head)
    if output == "auto" and predictor.scale == "logit":
        predictor = make_predictor(model, images, "probability", head=result.head)
    if predictor.pixels:
        raise ResultError(
            "Bands of a model that gives outputs for every pixel can't be deleted one after the other.",
            expected="a result of a model with one row of outputs per image",
            given=f"outputs for {shape_text(predictor.pixels)} pixels",
            fix="`check_stability`, `check_randomization` and `check_null` take such models",
        )
    if result.task == REGRESSION and len(result.cells) > 1:
        raise ResultError(
            "There is one order of bands for each number that the model predicts.",
            expected="a result for one of them",
            given=few(result.outputs),
            fix="make the result with " + argument("target", result.outputs[0]),
        )
    return replace(predictor, task=result.task or "")


def _rankings(result: BandImportance, codes: np.ndarray) -> dict[int, np.ndarray]:
    """Features of each class that occurs, the most important first."""
    found = {}
    for code in np.unique(codes).tolist():
        own = result.cells[:, 0] == code
        if not own.any():
            raise ResultError(
                "The result has no row for a class that is in `y`.",
                expected="classes with images in the result",
                given=result.classes[code],
            )
        # a class that was explained by several outputs is ranked by its own
        exact = own & (result.cells[:, 1] == code)
        importance = result.table.importance[exact if exact.any() else own].mean(axis=0)
        found[code] = np.argsort(-importance, kind="stable")
    return found


def _random_orders(n_features: int, orders: int, seed: int) -> tuple[np.ndarray, bool]:
    """Random orders, shape (orders, features), and whether they are all there are."""
    if n_features <= 8 and factorial(n_features) <= orders:
        return np.array(list(permutations(range(n_features)))), True
    random = np.random.default_rng([seed, 0])
    return random.permuted(np.tile(np.arange(n_features), (orders, 1)), axis=1), False


def _pool(images: Images, background: Any, replacement: str, n_background: int, seed: int) -> tuple[Images, np.ndarray]:
    """Images that removed bands are taken from, and the positions of those for each image, shape (n, draws)."""
    if replacement == "zero":
        return images.holding(np.zeros((1, *images.shape))), np.zeros((images.n, 1), np.int64)
    pool = images if background is None else check_background(background, images)
    if replacement == "background_mean":
        return images.holding(mean_image(pool, np.arange(pool.n))[None]), np.zeros((images.n, 1), np.int64)
    if background is None and images.n < 2:
        raise BackgroundError(
            "A single image has no others to take bands from.", expected="`background`: reference images"
        )
    if background is not None and pool.n <= n_background:
        return pool, np.tile(np.arange(pool.n), (images.n, 1))
    random = np.random.default_rng([seed, 1])
    if background is not None:
        return pool, random.integers(pool.n, size=(images.n, n_background))
    # never the image itself
    return pool, (np.arange(images.n)[:, None] + random.integers(1, images.n, size=(images.n, n_background))) % images.n


def _measures(predictor: Predictor) -> tuple[str, ...]:
    return (predictor.scale, "accuracy", "fidelity") if predictor.classifies else ("fidelity",)


def _measured(predictor: Predictor, outputs: np.ndarray, before: np.ndarray, code: int, output: int) -> np.ndarray:
    """Mean over the draws of what is followed, shape (measures, images, masks)."""
    column = code if predictor.classifies else output
    own = outputs[..., column]
    fidelity = -np.abs(own - before[:, None, None, column])
    if not predictor.classifies:
        return fidelity.mean(axis=1)[None]
    return np.stack([own, predictor.taken_for(outputs)[..., code], fidelity]).mean(axis=2)


def _summarised(
    result: BandImportance,
    values: np.ndarray,
    measures: tuple[str, ...],
    codes: np.ndarray,
    rankings: dict[int, np.ndarray],
    removed: np.ndarray,
    replacement: str,
    every_order: bool,
    seed: int,
) -> Check:
    """From curves of images, (measures, n, orders, numbers removed), to tables and a verdict."""
    levels, whole_code = class_levels(result.classes)
    classes = {code: codes == code for code in rankings}
    classes[whole_code] = np.ones(len(codes), bool)
    # trapezoids over the fraction that was removed
    gaps = np.diff(removed) / removed[-1]
    weights = np.concatenate([gaps / 2, [0]]) + np.concatenate([[0], gaps / 2])
    curve: list[tuple] = []
    area: list[tuple] = []
    for code, images in classes.items():
        for number in range(len(measures)):
            found = values[number][images]
            parts = {IMPORTANCE: found[:, :1], RANDOM: found[:, 2:], REVERSE: found[:, 1:2]}
            for order, lines in parts.items():
                ranking = rankings[code] if code in rankings and order != RANDOM else None
                ranking = ranking[::-1] if ranking is not None and order == REVERSE else ranking
                for at, count in enumerate(removed):
                    band = -1 if ranking is None or count == 0 else ranking[count - 1]
                    row = _interval(lines[..., at], every_order)
                    curve.append((order, code, count, band, number, *row, len(found)))
            areas = found @ weights
            area.append((code, number, *_interval(areas[:, 2:] - areas[:, :1], every_order), len(found)))
    names = ("order", "class", "removed", "band", "measure", "estimate", "conf_low", "conf_high", "n")
    tables = {
        "curve": in_cells(result, columns_of(names, curve)),
        "area": columns_of(("class", "measure", "area", "conf_low", "conf_high", "n"), area),
    }
    _, _, estimate, low, high, _ = next(row for row in area if row[:2] == (whole_code, 0))
    interval = f"{estimate:.3g} (95 % interval {low:.3g} to {high:.3g}, n = {len(codes)})"
    if not np.isfinite(low):
        found_out = "A single image has no interval, so that nothing can be said of"
    elif low > 0:
        found_out = "The ranking finds bands that matter: it makes outputs fall faster than random orders do, by"
    elif high < 0:
        found_out = "The ranking is worse than chance: it makes outputs fall more slowly than random orders do, by"
    else:
        found_out = "The ranking can't be told from random orders by"
    verdict = [f"{found_out} the area between their curves ({measures[0]}): {interval}."]
    by_class = [row for row in area if row[1] == 0 and row[0] != whole_code]
    if len(by_class) > 1:
        better = sum(row[3] > 0 for row in by_class)
        verdict.append(
            f"By class, it is better than random orders, with its whole interval, for {better} of {len(by_class)}."
        )
        if high >= 0:
            verdict[:0] = _hidden(by_class, levels)
    if low > 0 and (against := [measures[row[1]] for row in area if row[0] == whole_code and row[4] < 0]):
        verdict.append(f"By {' and '.join(against)} it is worse than random orders: see level 'area'.")
    return Check(
        name="check_deletion",
        tables=tables,
        levels={"order": ORDERS, "class": levels, **cell_levels(result), "measure": measures},
        passed=bool(low > 0) if np.isfinite(low) else None,
        verdict=tuple(verdict),
        facts={
            "method": result.method,
            "replacement": replacement,
            "orders": values.shape[2] - 2,
            "every_order": every_order,
            "n": len(codes),
            "seed": seed,
            "model": result.model,
        },
    )


def _hidden(area: list[tuple], levels: Sequence[str]) -> list[str]:
    """What the mean over all images would hide, so that it is said first: classes ranked worse than by chance."""
    worse = [f"'{levels[row[0]]}' (area {row[2]:.3g}, n = {row[5]})" for row in area if row[4] < 0]
    return [f"The ranking is worse than chance for {and_more(worse, MOST)}."] if worse else []


def _interval(values: np.ndarray, every_order: bool) -> tuple[float, float, float]:
    """Mean of values (images, orders) with its 95 % Student interval over images.

    Orders that were drawn add the standard error of their mean, in squares.
    """
    n, orders = values.shape
    mean = float(values.mean())
    if n < 2:
        return mean, float("nan"), float("nan")
    variance = values.mean(axis=1).var(ddof=1) / n
    if orders > 1 and not every_order:
        variance += values.mean(axis=0).var(ddof=1) / orders
    half = float(half_width(np.sqrt(variance), n - 1))
    return mean, mean - half, mean + half
