"""In which order bands are removed, and what stands in their place."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Any

import numpy as np

from ..data.images import Images, check_background
from ..data.summaries import mean_image
from ..errors import BackgroundError, ResultError
from ..results.importance import BandImportance


def rankings(result: BandImportance, codes: np.ndarray) -> dict[int, np.ndarray]:
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


def random_orders(n_features: int, orders: int, seed: int) -> tuple[np.ndarray, bool]:
    """Random orders, shape (orders, features), and whether they are all there are."""
    if n_features <= 8 and factorial(n_features) <= orders:
        return np.array(list(permutations(range(n_features)))), True
    random = np.random.default_rng([seed, 0])
    return random.permuted(np.tile(np.arange(n_features), (orders, 1)), axis=1), False


def pool_of(
    images: Images, background: Any, replacement: str, n_background: int, seed: int, rows: np.ndarray
) -> tuple[Images, np.ndarray]:
    """Images that removed bands are taken from, and the positions of those for each row, shape (rows, draws).

    Parameters
    ----------
    images : Images
    background : array_like or None
    replacement : str
    n_background : int
    seed : int
    rows : ndarray of int, shape (rows,)
        Image of each row.
    """
    alone = np.zeros((len(rows), 1), np.int64)
    if replacement == "zero":
        return images.holding(np.zeros((1, *images.shape))), alone
    pool = images if background is None else check_background(background, images)
    if replacement == "background_mean":
        return images.holding(mean_image(pool, np.arange(pool.n))[None]), alone
    if background is None and images.n < 2:
        raise BackgroundError(
            "A single image has no others to take bands from.", expected="`background`: reference images"
        )
    if background is not None and pool.n <= n_background:
        return pool, np.tile(np.arange(pool.n), (len(rows), 1))
    random, size = np.random.default_rng([seed, 1]), (len(rows), n_background)
    if background is not None:
        return pool, random.integers(pool.n, size=size)
    # never the image itself
    return pool, (rows[:, None] + random.integers(1, images.n, size=size)) % images.n
