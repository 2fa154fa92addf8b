"""How far out spectra lie among others: the Mahalanobis distance, and what share of the others lies farther out."""

from __future__ import annotations

import numpy as np

# of the mean variance, added to each: bands that are copies of others have no inverse without it
RIDGE = 1e-3


def share_farther(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share of the others that lie at least as far from their mean as each point.

    Parameters
    ----------
    points : ndarray of float64, shape (n, bands)
    others : ndarray of float64, shape (m, bands)

    Returns
    -------
    ndarray of float64, shape (n,)
        1 for a point in the middle, 0 for one that is farther out than all of the others.

    Notes
    -----
    Mahalanobis 1936, of standardised bands whose covariance has a ridge of 0.001.
    """
    spread = others.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    standard = (others - others.mean(axis=0)) / scale
    covariance = standard.T @ standard / len(others) + RIDGE * np.eye(others.shape[1])
    inverse = np.linalg.inv(covariance)

    def distances(rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.einsum("ib,bc,ic->i", rows, inverse, rows)
        return found

    known = np.sort(distances(standard))
    own = distances((points - others.mean(axis=0)) / scale)
    # equal but for rounding is not farther out
    return 1 - np.searchsorted(known, own * (1 - 1e-9), side="left") / len(known)
