"""Formulas of explanation quality, for band scores: plain arrays in, a number per image out.

Those that compare scores with what the model does when bands are absent (faithfulness), those that compare scores of
images that are nearly the same (robustness), and those that look at the scores alone (complexity).
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

# sizes of sets of bands, evenly spaced where there are more
SIZES = 8
# a spread that is as small, relative to the numbers themselves, is none but for rounding
ROUNDING = 1e-6


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson's correlation over the last axis; NaN where either does not vary."""
    first, second = (one - one.mean(axis=-1, keepdims=True) for one in (a, b))
    sizes = [np.sqrt((one**2).sum(axis=-1)) for one in (first, second)]
    known = np.ones(np.broadcast_shapes(*(one.shape for one in sizes)), bool)
    for size, whole in zip(sizes, (a, b), strict=True):
        known = known & (size > ROUNDING * np.sqrt((whole**2).sum(axis=-1)))
    product = sizes[0] * sizes[1]
    return np.where(known, (first * second).sum(axis=-1) / np.where(known, product, 1.0), np.nan)


def faithfulness(scores: np.ndarray, absent: np.ndarray, falls: np.ndarray) -> np.ndarray:
    """Correlation of the sum of scores of absent bands with the fall of the output, over sets of bands.

    Of sets of one size it is sensitivity-n (Ancona, Ceolini, Oztireli & Gross 2018, arXiv:1711.06104), and with random
    sets of one chosen size faithfulness correlation (Bhatt, Weller & Moura 2020, arXiv:2005.00631).

    Parameters
    ----------
    scores : ndarray, shape (n, bands)
    absent : ndarray of bool, shape (sets, bands)
    falls : ndarray, shape (n, sets)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    return correlation(scores @ absent.T.astype(np.float64), falls)


def gini(scores: np.ndarray) -> np.ndarray:
    """Gini index of sizes of scores, shape (n,): 0 where all are equal (Chalasani et al. 2020, arXiv:1810.06583)."""
    sizes = np.sort(np.abs(scores), axis=-1)
    bands = sizes.shape[-1]
    weights = (2 * np.arange(1, bands + 1) - bands - 1) / bands
    total = sizes.sum(axis=-1)
    return np.where(total > 0, (weights * sizes).sum(axis=-1) / np.where(total > 0, total, 1.0), np.nan)


def entropy(scores: np.ndarray) -> np.ndarray:
    """Entropy of the shares of the sizes of scores, in nats, shape (n,) (Bhatt, Weller & Moura 2020)."""
    sizes = np.abs(scores)
    total = sizes.sum(axis=-1, keepdims=True)
    shares = np.where(total > 0, sizes / np.where(total > 0, total, 1.0), np.nan)
    found: np.ndarray = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=-1)
    return found


def max_sensitivity(scores: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Largest change of scores nearby, relative to their size (Yeh et al. 2019, arXiv:1901.09392), shape (n,).

    Parameters
    ----------
    scores : ndarray, shape (n, bands)
    near : ndarray, shape (draws, n, bands)
        Of images that were moved a little.
    """
    size = np.linalg.norm(scores, axis=-1)
    change = np.linalg.norm(near - scores, axis=-1).max(axis=0)
    return np.where(size > 0, change / np.where(size > 0, size, 1.0), np.nan)


def local_lipschitz(scores: np.ndarray, near: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Largest change of scores nearby per distance (Alvarez-Melis & Jaakkola 2018, arXiv:1806.07538), shape (n,).

    `distances` (draws, n) say how far images were moved.
    """
    found: np.ndarray = (np.linalg.norm(near - scores, axis=-1) / distances).max(axis=0)
    return found


def sizes_of(n_bands: int) -> list[int]:
    """Sizes of sets of bands that are looked at, half of the bands among them."""
    spaced = np.linspace(1, n_bands - 1, min(SIZES, n_bands - 1)).round().astype(int)
    return sorted({*spaced.tolist(), n_bands // 2})


def sets_of(n_bands: int, size: int, most: int, random: np.random.Generator) -> np.ndarray:
    """Sets of so many bands: all there are, or as many as were asked for, drawn."""
    if comb(n_bands, size) <= most:
        members = np.array(list(combinations(range(n_bands), size)))
    else:
        members = np.argsort(random.random((most, n_bands)), axis=1)[:, :size]
    absent = np.zeros((len(members), n_bands), bool)
    np.put_along_axis(absent, members, True, axis=1)
    return absent
