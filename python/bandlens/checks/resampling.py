"""Class x band tables of other images: the bootstrap that several checks share.

A resample is a row of counts, how often it holds each image, so that the tables of many resamples are one product of
matrices per cell of the table. Images are drawn within their classes, whose sizes stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..data.moments import CONFIDENCE
from ..results.importance import BandImportance
from ..results.sizes import sizes_of

# numbers held per array at a time: 32 MiB of float64
CHUNK = 1 << 22
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
# the class of rows over the images of all classes
EVERY = -1


def table_rows(result: BandImportance) -> np.ndarray:
    """Rows of the tables in this file: those of `cells`, then those of `overall`.

    Returns
    -------
    ndarray of int64, shape (rows, 2)
        Class (`EVERY` over all classes) and output (-1 where each image is explained by an output of its own).
    """
    outputs = result.overall_outputs
    return np.concatenate([result.cells, np.stack([np.full_like(outputs, EVERY), outputs], axis=1)])


def measured(result: BandImportance) -> tuple[np.ndarray, np.ndarray]:
    """Importances (rows, bands) and numbers of images (rows,) of the result itself."""
    tables = result.table, result.overall
    return np.concatenate([table.importance for table in tables]), np.concatenate([table.n for table in tables])


def strata(result: BandImportance) -> np.ndarray:
    """What is resampled, and within what: the class of each image, or one stratum of repeats; shape (units,), int64.

    Where a metric was computed for whole classes (`drops`), images have no scores and the repeats are resampled. Images
    that have several rows are resampled with all of them, as these are no independent observations.
    """
    if result.drops is not None:
        return np.zeros(len(result.drops), np.int64)
    return result.image_class if result.images is None else np.zeros(result.n, np.int64)


def varies(result: BandImportance) -> np.ndarray:
    """Rows that have an interval: those with more than one image, or repeat, to draw from; shape (rows,), bool.

    Classes with a single image always hold that image; over all classes, one class with more is enough.
    """
    if result.drops is not None:
        return np.full(len(table_rows(result)), len(result.drops) > 1)
    several = np.bincount(strata(result)).max() > 1
    return np.concatenate([result.table.n > 1, np.full(len(result.overall_outputs), several)])


def parts(resamples: int, numbers: int) -> Iterator[slice]:
    """Slices of the resamples that hold at most `CHUNK` numbers, where each resample takes so many."""
    step = max(1, CHUNK // numbers)
    for start in range(0, resamples, step):
        yield slice(start, min(start + step, resamples))


def draw_again(groups: np.ndarray, drawn: np.ndarray, times: int, random: np.random.Generator) -> np.ndarray:
    """Draw positions anew, each from those of its own group, with replacement.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
    drawn : ndarray of int, shape (m,)
        Positions in `groups`.
    times : int
    random : Generator

    Returns
    -------
    ndarray of int64, shape (times, m)
        The same numbers whether drawn by one call or by several that follow each other.
    """
    order = np.argsort(groups, kind="stable")
    codes, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    group = np.searchsorted(codes, groups[drawn])
    return order[random.integers(sizes[group], size=(times, len(drawn))) + starts[group]]


def draw_counts(groups: np.ndarray, resamples: int, random: np.random.Generator) -> np.ndarray:
    """How often each resample holds each unit, drawn with replacement within its group.

    Parameters
    ----------
    groups : ndarray of int, shape (units,)
    resamples : int
    random : Generator

    Returns
    -------
    ndarray of float64, shape (resamples, units)
    """
    n = len(groups)
    drawn = draw_again(groups, np.arange(n), resamples, random) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.reshape(-1), minlength=resamples * n).reshape(resamples, n).astype(np.float64)


def importances(result: BandImportance, counts: np.ndarray) -> np.ndarray:
    """Importance of every band in resamples of the images, by the rule of the result's own tables.

    Parameters
    ----------
    result : BandImportance
    counts : ndarray of float64, shape (resamples, units)
        From `draw_counts`, for the units of `strata`.

    Returns
    -------
    ndarray of float64, shape (resamples, rows, bands)
        NaN where a resample holds no image of a row: the images of a class that are explained by one of several
        outputs.
    """
    cells, outputs = result.cells, result.overall_outputs
    if result.drops is not None:
        repeats, n_tables, n_bands = result.drops.shape
        tables = (counts @ result.drops.reshape(repeats, -1) / repeats).reshape(len(counts), n_tables, n_bands)
        place = np.searchsorted(np.unique(result.image_class), cells[:, 0])
        return tables[:, np.concatenate([place, np.full(len(outputs), n_tables - 1)])]
    if result.images is not None:
        unit, shares = _rows_of_images(result.images)
        by_row = counts[:, unit]
        tables = _means(result, by_row, np.ones(len(unit)), cells)
        rows = np.stack([np.zeros_like(outputs), outputs], axis=1)
        return np.concatenate([tables, _means(result, by_row, shares, rows, every=True)], axis=1)
    values, sums = sizes_of(result), np.empty((len(counts), len(cells), len(result.bands)))
    sizes = np.empty((len(counts), len(cells), 1))
    for row, (code, output) in enumerate(cells):
        images, places = np.nonzero((result.image_class == code)[:, None] & (result.image_output == output))
        weights = counts[:, images]
        sums[:, row] = weights @ values[images, places]
        sizes[:, row, 0] = weights.sum(axis=1)
    with np.errstate(invalid="ignore"):
        tables = sums / sizes
        groups = [cells[:, 1] == output if output >= 0 else np.full(len(cells), True) for output in outputs]
        overall = [
            tables[:, group].mean(axis=1)
            if result.balanced
            else sums[:, group].sum(axis=1) / sizes[:, group].sum(axis=1)
            for group in groups
        ]
    return np.concatenate([tables, np.stack(overall, axis=1)], axis=1)


def _rows_of_images(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row: which of the images that have any it is of, and its part of that image."""
    _, unit, count = np.unique(images, return_inverse=True, return_counts=True)
    return unit, 1 / count[unit]


def _means(
    result: BandImportance, by_row: np.ndarray, shares: np.ndarray, cells: np.ndarray, *, every: bool = False
) -> np.ndarray:
    """Means over the rows of each cell, or of its output alone (`every`), (resamples, cells, bands)."""
    values, found = sizes_of(result), np.empty((len(by_row), len(cells), len(result.bands)))
    for at, (code, output) in enumerate(cells):
        own = np.full(result.image_class.shape, True) if every else result.image_class == code
        # an output of its own for each row
        chosen = own[:, None] & ((result.image_output == output) if output >= 0 else True)
        rows, places = np.nonzero(np.broadcast_to(chosen, result.image_output.shape))
        weights = by_row[:, rows] * shares[rows]
        with np.errstate(invalid="ignore"):
            found[:, at] = weights @ values[rows, places] / weights.sum(axis=1)[:, None]
    return found


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standard deviation and 95 % percentile interval of resamples (axis 0), leaving out those that are NaN.

    Limits are values that occur: measures of rankings take few. NaN where fewer than two resamples are left. Efron &
    Tibshirani 1993, An Introduction to the Bootstrap, ch. 13.
    """
    enough = np.isfinite(values).sum(axis=0) > 1
    safe = np.where(enough, values, 0.0)
    # about a value that occurs, so that the deviation of equal values is exactly 0
    error = np.nanstd(safe - np.nanmax(safe, axis=0), axis=0, ddof=1)
    low, high = np.nanquantile(safe, TAILS, axis=0, method="inverted_cdf")
    error, low, high = (np.where(enough, value, np.nan) for value in (error, low, high))
    return error, low, high
