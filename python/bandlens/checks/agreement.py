"""How far two rankings of bands agree, for many pairs of rankings at once.

`scipy.stats.kendalltau` takes one pair at a time; a bootstrap has thousands. Ranks with ties come from scipy.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from .resampling import parts


def kendall(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Kendall's tau-b: pairs of bands in the same order less those in opposite order, corrected for ties.

    Parameters
    ----------
    a, b : ndarray, shape (..., bands)
        Shapes are broadcast.

    Returns
    -------
    ndarray of float64, shape (...)
        From -1 to 1; NaN where all bands of one table are equal. Kendall 1945, Biometrika 33, 239-251.
    """
    a, b = np.broadcast_arrays(a, b)
    lead, n_bands = a.shape[:-1], a.shape[-1]
    a, b = a.reshape(-1, n_bands), b.reshape(-1, n_bands)
    tau = np.empty(len(a))
    for part in parts(len(a), n_bands**2):
        # the sign of the difference says which of two bands comes first; each pair comes twice, which cancels
        first, second = (np.sign(table[part, :, None] - table[part, None, :]) for table in (a, b))
        tau[part] = _cosine(first.reshape(-1, n_bands**2), second.reshape(-1, n_bands**2))
    return tau.reshape(lead)


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's rho: Pearson correlation of the ranks, ties having their mean rank; as `kendall` otherwise."""
    ranks = (stats.rankdata(table, axis=-1) for table in np.broadcast_arrays(a, b))
    first, second = (rank - rank.mean(axis=-1, keepdims=True) for rank in ranks)
    return _cosine(first, second)


def top_overlap(a: np.ndarray, b: np.ndarray, top: int) -> np.ndarray:
    """Share of the `top` most important bands that both tables name.

    Bands that are tied for the last places share them, so that the order of bands doesn't decide.

    Returns
    -------
    ndarray of float64, shape (...)
        From 0 to 1; NaN where all bands of one table are equal. By chance, top / bands is to be expected.
    """
    first, second = (_among_top(table, top) for table in np.broadcast_arrays(a, b))
    return (first * second).sum(axis=-1) / top


def _among_top(table: np.ndarray, top: int) -> np.ndarray:
    """How far each band is among the most important: 1, 0, or a part of a place that is shared."""
    best, worst = (stats.rankdata(-table, method=method, axis=-1) for method in ("min", "max"))
    places = np.clip((top + 1 - best) / (worst - best + 1), 0, 1)
    return np.where(np.ptp(table, axis=-1, keepdims=True) > 0, places, np.nan)


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    product, a2, b2 = (np.einsum("...i,...i->...", x, y) for x, y in ((a, b), (a, a), (b, b)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return product / np.sqrt(a2 * b2)
