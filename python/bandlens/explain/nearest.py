"""Which images of the data a model takes for another class, and lie nearest: where counterfactuals are looked for."""

from __future__ import annotations

import numpy as np

# distances are held for so many pairs at once
MOST_PAIRS = 1 << 24


def nearest_of_others(
    own: np.ndarray, pool: np.ndarray, allowed: np.ndarray, pool_class: np.ndarray, k: int
) -> np.ndarray:
    """The nearest images of the classes that are allowed to each image.

    Parameters
    ----------
    own : ndarray of float64, shape (n, bands)
        Standardised levels of the images.
    pool : ndarray of float64, shape (m, bands)
    allowed : ndarray of bool, shape (n, classes)
        Classes that an image may be changed to.
    pool_class : ndarray of int64, shape (m,)
    k : int

    Returns
    -------
    ndarray of int64, shape (n, k)
        Positions in the pool, the nearest first, equal distances in the pool's order; -1 where there are no more.
    """
    found = np.full((len(own), k), -1, np.int64)
    size = max(1, MOST_PAIRS // max(1, pool.size))
    for start in range(0, len(own), size):
        part = slice(start, start + size)
        distances = ((own[part, None] - pool) ** 2).sum(axis=2)
        distances[~allowed[part][:, pool_class]] = np.inf
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        reached = np.isfinite(np.take_along_axis(distances, order, axis=1))
        found[part, : order.shape[1]] = np.where(reached, order, -1)
    return found
