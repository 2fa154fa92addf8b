"""From band scores to the class x band table: means, shares and ranks, with what `uncertainty` says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..data.moments import Moments
from .pairs import Pairs
from .uncertainty import Uncertainty, uncertainty


@dataclass(frozen=True)
class ClassBandTable:
    """The numbers of the class x band table, one row per cell, one column per band.

    Attributes
    ----------
    importance, effect, share : ndarray of float64, shape (cells, bands)
        `effect` is NaN where the scores have no sign.
    rank : ndarray of int64, shape (cells, bands)
        1 is the most important band; ties go to the band that comes first.
    n : ndarray of int64, shape (cells,)
    std_error, conf_low, conf_high, share_low, share_high, p_first, se_images, se_background : ndarray of float64
        Those of `Uncertainty`, shape (cells, bands).
    """

    importance: np.ndarray
    effect: np.ndarray
    share: np.ndarray
    rank: np.ndarray
    n: np.ndarray
    std_error: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    share_low: np.ndarray
    share_high: np.ndarray
    p_first: np.ndarray
    se_images: np.ndarray
    se_background: np.ndarray


def class_band_table(
    scores: np.ndarray,
    sizes: np.ndarray,
    cell: np.ndarray,
    cells: int,
    *,
    signed: bool,
    directed: bool = False,
    pairs: list[Pairs | None] | None = None,
) -> ClassBandTable:
    """Summarise band scores per cell.

    Parameters
    ----------
    scores : ndarray, shape (rows, bands)
        One row per image and output.
    sizes : ndarray, shape (rows, bands)
        What importance is the mean of, see `sizes_of`.
    cell : ndarray of int, shape (rows,)
    cells : int
    signed : bool
        Whether the sign of a score means anything.
    directed : bool
        Whether sizes are signed scores.
    pairs : list of Pairs or None, or None
        As for `uncertainty`.

    Returns
    -------
    ClassBandTable
    """
    moments = Moments.of(sizes, cell, cells)
    effect = Moments.of(scores, cell, cells).mean if signed else np.full_like(moments.mean, np.nan)
    importance, effect = (np.where(moments.count > 0, values, np.nan) for values in (moments.mean, effect))
    errors = uncertainty(sizes, cell, importance, directed=directed, pairs=pairs)
    return _table(importance, effect, moments.count[:, 0], errors)


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
    cell = np.repeat(np.arange(cells), times)
    mean = Moments.of(rows, cell, cells).mean
    errors = uncertainty(rows, cell, mean, directed=True, pairs=None)
    # what is known is how repeats differ; images and background are the same in all
    return _table(mean, mean, n, errors._replace(se_images=np.full_like(mean, np.nan)))


def balanced_table(scores: np.ndarray, cell: np.ndarray, groups: list[np.ndarray]) -> ClassBandTable:
    """Average cells of a table, each counting the same whatever its number of images.

    Parameters
    ----------
    scores : ndarray, shape (rows, bands)
        Signed, one row per image and output.
    cell : ndarray of int, shape (rows,)
    groups : list of ndarray of int
        Cells that are averaged into one.
    """
    rows, place, mean, n = balanced_rows(scores, cell, groups)
    errors = uncertainty(rows, place, mean, directed=True, pairs=None, freedom=float("inf"))
    return _table(mean, mean.copy(), n, errors)


def balanced_rows(
    scores: np.ndarray, cell: np.ndarray, groups: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What `balanced_table` is the mean of, as if images counted the same; arguments as there.

    Returns
    -------
    tuple of ndarray
        Rows, shape (rows, bands), group by group and in the order of `scores`; the group of each; the means of groups,
        shape (groups, bands), and their numbers of images.
    """
    moments = Moments.of(scores, cell, int(cell.max()) + 1)
    count = moments.count[:, 0]
    mean = np.stack([moments.mean[group].mean(axis=0) for group in groups])
    rows, place = [], []
    for at, group in enumerate(groups):
        mine = np.flatnonzero(np.isin(cell, group))
        n, each = len(mine), count[cell[mine]]
        # deviations of such a size that the mean of all has the error of the mean of means; single images have none
        each = np.where(each > 1, each, np.nan)
        size = np.sqrt((n - 1) / n * each / (each - 1)) * n / (len(group) * each)
        rows.append(mean[at] + (scores[mine] - moments.mean[cell[mine]]) * size[:, None])
        place.append(np.full(n, at))
    n_images = np.array([count[group].sum() for group in groups])
    return np.concatenate(rows), np.concatenate(place), mean, n_images


def _table(importance: np.ndarray, effect: np.ndarray, n: np.ndarray, errors: Uncertainty) -> ClassBandTable:
    return ClassBandTable(
        importance, effect, share_of(importance), rank_of(importance), n.astype(np.int64), **errors._asdict()
    )


def table_of_images(
    scores: np.ndarray,
    sizes: np.ndarray,
    images: np.ndarray,
    *,
    signed: bool,
    directed: bool,
    pairs: list[Pairs | None] | None = None,
) -> ClassBandTable:
    """Summarise rows of which images may have several: each image counts once, by the mean of its rows.

    Parameters
    ----------
    scores, sizes : ndarray, shape (rows, k, bands)
    images : ndarray of int, shape (rows,)
        Image of each row; rows of one image are no independent observations.
    signed, directed, pairs
        As for `class_band_table`.

    Returns
    -------
    ClassBandTable
        A row for each of the k outputs.
    """
    _, image = np.unique(images, return_inverse=True)
    k, n_bands = scores.shape[1:]
    sizes = mean_by(sizes, image)
    cell = np.tile(np.arange(k), len(sizes))
    rows = sizes.reshape(-1, n_bands)
    mean = Moments.of(rows, cell, k).mean
    errors = uncertainty(rows, cell, mean, directed=directed, pairs=pairs)
    table = _table(mean, np.full_like(mean, np.nan), np.full(k, len(sizes)), errors)
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
