"""From curves of images that lose bands to a table of curves, one of areas between them, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.moments import half_width
from ..data.words import and_more
from ..results.cells import cell_levels, in_cells
from ..results.importance import BandImportance
from .firsts import MOST
from .result import Check, columns_of
from .whole import class_levels

ORDERS = ("importance", "random", "reverse")
IMPORTANCE, RANDOM, REVERSE = range(3)


def summarised(
    result: BandImportance,
    values: np.ndarray,
    measures: tuple[str, ...],
    codes: np.ndarray,
    rankings: dict[int, np.ndarray],
    removed: np.ndarray,
    every_order: bool,
    how: Mapping[str, Any],
) -> Check:
    """From curves of rows to tables and a verdict.

    Parameters
    ----------
    result : BandImportance
    values : ndarray, shape (measures, rows, orders, numbers removed)
        The orders are that of importance, the reverse, and random ones.
    measures : tuple of str
    codes : ndarray of int, shape (rows,)
        Class of each row.
    rankings : dict of int to ndarray
        Positions of bands, the most important first, by class.
    removed : ndarray of int
        Numbers of bands that are removed.
    every_order : bool
        Whether the random orders are all there are.
    how : mapping
        Facts of the call: `replacement`, `seed` and others.
    """
    levels, whole_code = class_levels(result.classes)
    classes = {code: values[:, codes == code] for code in rankings}
    classes[whole_code] = values if result.images is None else _of_images(values, result.images)
    n = classes[whole_code].shape[1]
    # trapezoids over the fraction that was removed
    gaps = np.diff(removed) / removed[-1]
    weights = np.concatenate([gaps / 2, [0]]) + np.concatenate([[0], gaps / 2])
    curve: list[tuple] = []
    area: list[tuple] = []
    for code, own in classes.items():
        for number, found in enumerate(own):
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
    interval = f"{estimate:.3g} (95 % interval {low:.3g} to {high:.3g}, n = {n})"
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
            "replacement": how["replacement"],
            "orders": values.shape[2] - 2,
            "every_order": every_order,
            "n": n,
            "seed": how["seed"],
            "model": result.model,
            **how,
        },
    )


def _of_images(values: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Means over the rows of each image, so that those with many classes count as much as others."""
    rows = images == np.unique(images)[:, None]
    return np.stack([values[:, own].mean(axis=1) for own in rows], axis=1)


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
