"""Means and their errors from batches: moments that are updated batch by batch and can be merged.

Numbers arrive in batches, and later from several processes or machines, so they are kept as count, mean and sum of
squared deviations, combined pairwise (Chan, Golub & LeVeque 1983), never as sums of squares, which cancel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

CONFIDENCE = 0.95


def half_width(error: ArrayLike, freedom: ArrayLike) -> np.ndarray:
    """Half the width of a 95 % Student interval, from a standard error and its degrees of freedom."""
    half: np.ndarray = special.stdtrit(freedom, 0.5 + CONFIDENCE / 2) * error
    return half


def wilson(count: ArrayLike, of: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a share, from how many of how many (Wilson 1927)."""
    count, of = np.asarray(count, np.float64), np.asarray(of, np.float64)
    z = special.ndtri(0.5 + CONFIDENCE / 2)
    middle = (count + z**2 / 2) / (of + z**2)
    half = z / (of + z**2) * np.sqrt(count * (of - count) / of + z**2 / 4)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of a quantity, per cell.

    Attributes
    ----------
    count : ndarray of float64, shape (cells, 1)
        Images per cell (a cell is a class x output).
    mean, squares : ndarray of float64, shape (cells, bands)
        Mean, and sum of squared deviations from it.
    """

    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def empty(cls, cells: int, bands: int) -> Moments:
        """Moments of nothing, the neutral element of `merge`."""
        return cls(np.zeros((cells, 1)), np.zeros((cells, bands)), np.zeros((cells, bands)))

    @classmethod
    def of(cls, values: np.ndarray, cell: np.ndarray, cells: int) -> Moments:
        """Moments of one batch.

        Parameters
        ----------
        values : ndarray, shape (rows, bands)
        cell : ndarray of int, shape (rows,)
            Cell of each row, in ``range(cells)``.
        cells : int
        """
        values = np.asarray(values, dtype=np.float64)
        count = np.bincount(cell, minlength=cells).astype(np.float64)[:, None]
        safe = np.maximum(count, 1.0)
        total = np.zeros((cells, values.shape[1]))
        np.add.at(total, cell, values)
        mean = total / safe
        squares = np.zeros_like(total)
        np.add.at(squares, cell, (values - mean[cell]) ** 2)
        return cls(count, mean, squares)

    def merge(self, other: Moments) -> Moments:
        """Moments of both samples together (Chan et al. 1983, eq. 2.1)."""
        count = self.count + other.count
        safe = np.maximum(count, 1.0)
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / safe)
        squares = self.squares + other.squares + delta**2 * (self.count * other.count / safe)
        return Moments(count, mean, squares)

    def standard_error(self) -> np.ndarray:
        """Standard error of the mean, shape (cells, bands); NaN where a cell has fewer than two images."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.count > 1, np.sqrt(self.squares / (self.count - 1) / self.count), np.nan)

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Two-sided 95 % Student interval of the mean, each bound of shape (cells, bands)."""
        half = half_width(self.standard_error(), np.maximum(self.count - 1, 1.0))
        return self.mean - half, self.mean + half
