"""From band scores to the class x band table: means, standard errors, intervals, shares and ranks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from ..data.moments import CONFIDENCE, Moments


@dataclass(frozen=True)
class ClassBandTable:
    """The numbers of the class x band table, one row per cell, one column per band.

    Attributes
    ----------
    importance, effect, share, std_error, conf_low, conf_high : ndarray of float64, shape (cells, bands)
        `effect` is NaN where the scores have no sign.
        Where importance is a mean of sizes, `conf_low` is the bound of a Student interval of the mean, but at least 0.
    rank : ndarray of int64, shape (cells, bands)
        1 is the most important band; ties go to the band that comes first.
    n : ndarray of int64, shape (cells,)
    """

    importance: np.ndarray
    effect: np.ndarray
    share: np.ndarray
    rank: np.ndarray
    std_error: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    n: np.ndarray


def class_band_table(
    scores: np.ndarray, cell: np.ndarray, cells: int, *, signed: bool, directed: bool = False
) -> ClassBandTable:
    """Summarise band scores per cell.

    Parameters
    ----------
    scores : ndarray, shape (rows, bands)
        One row per image and output.
    cell : ndarray of int, shape (rows,)
    cells : int
    signed : bool
        Whether the sign of a score means anything.
    directed : bool
        Whether importance is the mean of the signed scores, instead of their size.

    Returns
    -------
    ClassBandTable
    """
    moments = Moments.of(scores if directed else np.abs(scores), cell, cells)
    effect = Moments.of(scores, cell, cells).mean if signed else np.full_like(moments.mean, np.nan)
    table = _table(moments, np.where(moments.count > 0, effect, np.nan), moments.count[:, 0])
    return table if directed else replace(table, conf_low=at_least_zero(table.conf_low))


def at_least_zero(low: np.ndarray) -> np.ndarray:
    """Lower bounds of means of sizes, which are not below 0: an interval that is cut there holds the mean as often."""
    return np.maximum(low, 0.0)


def repeated_table(repeats: np.ndarray, n: np.ndarray) -> ClassBandTable:
    """Summarise tables that were measured as a whole, several times.

    Parameters
    ----------
    repeats : ndarray, shape (repeats, cells, bands)
    n : ndarray, shape (cells,)
        Images behind each cell.

    Returns
    -------
    ClassBandTable
        Its errors and intervals are over the repeats.
    """
    times, cells, bands = repeats.shape
    rows = np.moveaxis(repeats, 1, 0).reshape(-1, bands)
    moments = Moments.of(rows, np.repeat(np.arange(cells), times), cells)
    return _table(moments, moments.mean, n)


def balanced_table(table: ClassBandTable, groups: list[np.ndarray]) -> ClassBandTable:
    """Average cells of a table, each counting the same whatever its number of images.

    Parameters
    ----------
    table : ClassBandTable
        Of signed scores.
    groups : list of ndarray of int
        Cells that are averaged into one.
    """
    mean = np.stack([table.importance[group].mean(axis=0) for group in groups])
    errors = np.stack([np.sqrt((table.std_error[group] ** 2).sum(axis=0)) / len(group) for group in groups])
    n = np.array([table.n[group].sum() for group in groups])
    half = special.ndtri(0.5 + CONFIDENCE / 2) * errors
    return ClassBandTable(mean, mean.copy(), share_of(mean), rank_of(mean), errors, mean - half, mean + half, n)


def _table(moments: Moments, effect: np.ndarray, n: np.ndarray) -> ClassBandTable:
    importance = np.where(moments.count > 0, moments.mean, np.nan)
    errors, (low, high) = moments.standard_error(), moments.interval()
    return ClassBandTable(
        importance, effect, share_of(importance), rank_of(importance), errors, low, high, n.astype(np.int64)
    )


def table_of_images(scores: np.ndarray, images: np.ndarray, *, signed: bool, directed: bool) -> ClassBandTable:
    """Summarise rows of which images may have several: each image counts once, by the mean of its rows.

    Parameters
    ----------
    scores : ndarray, shape (rows, k, bands)
    images : ndarray of int, shape (rows,)
        Image of each row; rows of one image are no independent observations.
    signed, directed : bool
        As for `class_band_table`.

    Returns
    -------
    ClassBandTable
        A row for each of the k outputs.
    """
    _, image = np.unique(images, return_inverse=True)
    k, n_bands = scores.shape[1:]
    sizes = mean_by(scores if directed else np.abs(scores), image)
    cell = np.tile(np.arange(k), len(sizes))
    table = class_band_table(sizes.reshape(-1, n_bands), cell, k, signed=False, directed=directed)
    return replace(table, effect=mean_by(scores, image).mean(axis=0)) if signed else table


def mean_by(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean over the entries of each group along the first axis; groups are numbers from 0."""
    total = np.zeros((int(group.max()) + 1, *values.shape[1:]))
    np.add.at(total, group, values)
    return total / np.bincount(group).reshape(-1, *[1] * (values.ndim - 1))


def share_of(importance: np.ndarray) -> np.ndarray:
    """Parts of the sum over bands, the last axis; an importance below 0, which only chance explains, has none."""
    positive = np.where(importance < 0, 0.0, importance)
    total = positive.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, positive / total, np.nan)


def rank_of(importance: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, 1 for the most important band; ties go to the band that comes first."""
    order = np.argsort(-importance, axis=-1, kind="stable")
    return np.argsort(order, axis=-1, kind="stable") + 1
