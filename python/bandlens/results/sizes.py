"""Sizes of scores: what importance is the mean of.

The size of a score is its absolute value. That of a score which errs is too large on average, most of all where the
score is about 0, and all the more the fewer background images an image was compared with. Where the error of each score
is known (`draw_errors`), it is taken out: the size is then a function of score and error whose mean over such errors
is the size of the true score, as nearly as errors let that be known. |s| is a sum of waves, |s| = 2/pi int (1 - cos ws)
/ w^2 dw; a normal error e makes a wave smaller by exp(-w^2 e^2 / 2), which is divided out. That is done for long waves
and left alone for short ones, in which there is nothing but noise (deconvolution: Stefanski & Carroll 1990, Statistics
21, 169; that |s| can't be had exactly: Cai & Low 2011, Annals of Statistics 39, 1012). What remains is less than half
an error, where the true score is 0, and next to nothing where scores vary by as much as they err.
"""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
from scipy import integrate

# waves up to half of this frequency, in units of 1 / error, are put right, none beyond it, and those between in part
CUT = 2.0
FLAT = 0.5
# where sizes are tabulated, in errors, and with how many waves
FAR = 20.0
POINTS = 2001
WAVES = 2000


class Sized(Protocol):
    """What is asked of a result here; see `BandImportance`."""

    @property
    def scores(self) -> np.ndarray:
        """Of each image and output, in each cell."""

    @property
    def draw_errors(self) -> np.ndarray | None:
        """Their standard errors, where each image was compared with a few background images."""

    @property
    def directed(self) -> bool:
        """Whether importance is the mean of signed scores."""


def sizes_of(result: Sized) -> np.ndarray:
    """What the importances of a result are means of, shape (n, k, bands)."""
    if result.directed:
        return result.scores
    if result.draw_errors is None:
        return np.abs(result.scores)
    return size_of(result.scores, result.draw_errors)


def size_of(scores: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Sizes of scores with normal errors, of which the standard errors are known; not below 0.

    Parameters
    ----------
    scores, errors : ndarray of float64, of the same shape
    """
    known = np.where(errors > 0, errors, 1.0)
    distance, size = _tabulated()
    found = np.abs(scores) / known
    return known * np.where((errors > 0) & (found < FAR), np.interp(found, distance, size), found)


@cache
def remaining() -> float:
    """Mean size of an error of 1 about a score of 0: all of it is too much."""
    distance, size = _tabulated()
    density = np.exp(-(distance**2) / 2) * np.sqrt(2 / np.pi)
    return float(integrate.trapezoid(size * density, distance))


@cache
def _tabulated() -> tuple[np.ndarray, np.ndarray]:
    """Distances from 0, and sizes, both in errors."""
    step = CUT / WAVES
    wave = (np.arange(WAVES) + 0.5) * step
    part = np.cos(np.pi / 2 * np.clip((wave / CUT - FLAT) / (1 - FLAT), 0, 1)) ** 2
    distance = np.linspace(0, FAR, POINTS)
    # what is left out of short waves counts as if they were even, as it does far from 0
    constant = ((1 - part) / wave**2).sum() * step + 1 / CUT
    waves = (part / wave**2 * step) @ (1 - np.exp(wave[:, None] ** 2 / 2) * np.cos(wave[:, None] * distance))
    return distance, np.maximum(2 / np.pi * (constant + waves), 0.0)
