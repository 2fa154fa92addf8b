"""How an output answers to the level of a band: curves from differences of outputs, with their errors.

Every curve is centred so that its mean over the images, between levels by straight lines, is 0. As a centred curve is
linear in what was measured, its standard errors are exact, given where its levels lie.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..data.moments import half_width

# a bin should hold so many images, so that its mean difference has an error that means something
LEAST = 5


class Curve(NamedTuple):
    """A centred curve of each of k outputs.

    Attributes
    ----------
    effect, std_error, conf_low, conf_high : ndarray, shape (levels, k)
        The error is NaN where it can't be told from so few images; 95 % intervals.
    n : ndarray of int, shape (levels,)
        Images behind it: those between the level before and this one, or all of them.
    """

    effect: np.ndarray
    std_error: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    n: np.ndarray


def bin_edges(levels: np.ndarray, most: int) -> np.ndarray:
    """Edges of at most `most` bins of about as many images each, from the lowest level to the highest.

    All are levels of images; a bin holds its upper edge, the first one both. Where levels are equal or images are few,
    bins are fewer, so that each holds at least five images, if there are as many.
    """
    ordered = np.sort(levels)
    least = min(LEAST, len(ordered))
    wanted = max(1, min(most, len(ordered) // least))
    inner = ordered[-(-np.arange(1, wanted) * len(ordered) // wanted) - 1]
    edges, below = [ordered[0]], 0
    for edge in np.unique(inner):
        up_to = np.searchsorted(ordered, edge, side="right")
        if edge > edges[-1] and up_to - below >= least and len(ordered) - up_to >= least:
            edges.append(edge)
            below = up_to
    return np.array([*edges, ordered[-1]])


def bins_of(levels: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each level, counted from 0."""
    return np.clip(np.searchsorted(edges, levels, side="left"), 1, len(edges) - 1) - 1


def accumulated(levels: np.ndarray, differences: np.ndarray, edges: np.ndarray) -> Curve:
    """Accumulated local effects of the first order.

    Parameters
    ----------
    levels : ndarray, shape (m,)
        Of the band, in each image.
    differences : ndarray, shape (m, k)
        Output with the band at the upper edge of the image's bin, less that with the band at the lower edge.
    edges : ndarray, shape (bins + 1,)

    Notes
    -----
    Apley & Zhu 2020, doi:10.1111/rssb.12377, eq. 15 and 16, but that the mean over the images is taken of the straight
    lines between the edges, not of steps: the curve of a linear model then is exact. Bins hold different images, so
    that their variances add up; intervals have Welch and Satterthwaite's degrees of freedom.
    """
    bins = bins_of(levels, edges)
    n = np.bincount(bins, minlength=len(edges) - 1)
    member = (bins == np.arange(len(n))[:, None]) / n[:, None]
    mean = member @ differences
    squares = member @ (differences - mean[bins]) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = squares / (n - 1)[:, None]  # of the mean; NaN from a single image
    # how much of each bin lies below an image, on average
    inside = (levels - edges[bins]) / np.diff(edges)[bins]
    passed = ((bins > np.arange(len(n))[:, None]) + member * n[:, None] * inside).mean(axis=1)
    weights = np.tri(len(edges), len(n), -1) - passed
    parts = weights[:, :, None] ** 2 * variance
    error = np.sqrt(parts.sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = parts.sum(axis=1) ** 2 / (parts**2 / (n - 1)[:, None]).sum(axis=1)
    half = half_width(error, np.where(error == 0, 1.0, freedom))
    effect = weights @ mean
    return Curve(effect, error, effect - half, effect + half, np.concatenate([[0], n]))


def averaged(levels: np.ndarray, values: np.ndarray, grid: np.ndarray) -> Curve:
    """Partial dependence: the mean of the images' own curves, each centred by the mean curve's weights.

    Parameters
    ----------
    levels : ndarray, shape (m,)
    values : ndarray, shape (m, k, levels)
        Output with the band moved to each level of the grid.
    grid : ndarray, shape (levels,)
    """
    m = len(levels)
    at = np.stack([np.interp(levels, grid, unit).mean() for unit in np.eye(len(grid))])
    centred = values - (values @ at)[..., None]
    mean = centred.mean(axis=0).T
    error = centred.std(axis=0, ddof=1).T / np.sqrt(m) if m > 1 else np.full_like(mean, np.nan)
    half = half_width(error, max(m - 1, 1))
    return Curve(mean, error, mean - half, mean + half, np.full(len(grid), m))
