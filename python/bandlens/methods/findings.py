"""What a method finds, part by part of the images: a type for each thing that can be found.

A method gives a stream of findings, such as the `Scores` of ten images and their `ScoreErrors`, then those of the next
ten. `Found` puts them together, so that ``found[Scores]`` is one array for all images. What a method doesn't measure it
doesn't give: nothing is left empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Finding:
    """Something that was found for some images.

    Attributes
    ----------
    images : slice
    values : ndarray
        One entry per image.
    """

    images: slice
    values: np.ndarray

    dtype: ClassVar[Any] = np.float64


class Scores(Finding):
    """Band scores, shape (images, k, features)."""


class Maps(Finding):
    """Attributions, shape (images, k, *image shape)."""

    dtype: ClassVar[Any] = np.float32  # there are many


class ScoreErrors(Finding):
    """Standard errors of scores that come from random draws, shape (images, k, features)."""


class TotalErrors(Finding):
    """Standard errors of the sum of an image's scores, where that varies between random draws, shape (images, k)."""


class Totals(Finding):
    """What an additive method holds against `Differences` instead of the sum of an image's scores, (images, k)."""


class Differences(Finding):
    """What sums should be equal to, where that is something else than f(x) less its base, shape (images, k)."""


class Fit(Finding):
    """R^2 of a local model, shape (images, k)."""


class Units(Finding):
    """The model's units, which some methods compute anyway; they come before the scores. Shape (images, units)."""


@dataclass(frozen=True)
class Drops:
    """Falls of a metric that is no mean over images, so that images have no scores.

    Attributes
    ----------
    values : ndarray of float64, shape (repeats, classes + 1, features)
        As `BandImportance.drops`.
    """

    values: np.ndarray


Findings = Iterator[Finding | Drops]


class Found:
    """What was found for all images.

    Parameters
    ----------
    n : int
        Number of images.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._arrays: dict[type[Finding], np.ndarray] = {}
        self.drops: np.ndarray | None = None

    def add(self, finding: Finding | Drops) -> None:
        """Put what was found for some images to the rest."""
        if isinstance(finding, Drops):
            self.drops = finding.values
            return
        kind = type(finding)
        if kind not in self._arrays:
            self._arrays[kind] = np.empty((self._n, *finding.values.shape[1:]), kind.dtype)
        self._arrays[kind][finding.images] = finding.values

    def __contains__(self, kind: type[Finding]) -> bool:
        return kind in self._arrays

    def __getitem__(self, kind: type[Finding]) -> np.ndarray:
        return self._arrays[kind]

    def get(self, kind: type[Finding]) -> np.ndarray | None:
        """The array of all images, or None where the method gave no such thing."""
        return self._arrays.get(kind)


def all_scores(findings: Findings, n: int) -> np.ndarray:
    """Nothing but the scores, of all n images."""
    found = Found(n)
    for finding in findings:
        if isinstance(finding, Scores):
            found.add(finding)
    return found[Scores]
