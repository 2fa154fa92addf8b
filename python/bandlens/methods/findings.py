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

# images of a class whose pairs with the background are kept; more would hardly tell more of what these have in common
MOST_PAIRED = 64
LEAST_PAIRED = 8
MOST_NUMBERS = 1 << 20


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


@dataclass(frozen=True)
class Pairs(Finding):
    """Scores against single background images, whose mean is the score, shape (images, k, d, features).

    Attributes
    ----------
    places : ndarray of int, shape (images, d), or None
        Which of the background images used these are; None stands for all of them, in order.
    """

    places: np.ndarray | None = None


class Maps(Finding):
    """Attributions, shape (images, k, *image shape)."""

    dtype: ClassVar[Any] = np.float32  # there are many


class ScoreErrors(Finding):
    """Standard errors of scores that come from random draws, shape (images, k, features)."""


class DrawErrors(Finding):
    """Standard errors of scores that come from a few background images of an image's own, shape (images, k, features).

    They are what the draws do to each score by itself, neither more nor less, so that sizes can be put right by them.
    """


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
    codes : ndarray of int, shape (n,), optional
        Class of each image, where some pairs are to be kept of every class.
    """

    def __init__(self, n: int, codes: np.ndarray | None = None) -> None:
        self._n = n
        self._codes = codes
        self._arrays: dict[type[Finding], np.ndarray] = {}
        self._seen: dict[type[Finding], np.ndarray] = {}
        self._kept: np.ndarray | None = None
        # rows, and their pairs
        self._pairs: list[tuple[np.ndarray, Pairs]] = []
        self.drops: np.ndarray | None = None

    def add(self, finding: Finding | Drops) -> None:
        """Put what was found for some images to the rest."""
        if isinstance(finding, Drops):
            self.drops = finding.values
            return
        kind = type(finding)
        self._seen.setdefault(kind, np.zeros(self._n, bool))[finding.images] = True
        if isinstance(finding, Pairs):
            self._add_pairs(finding)
            return
        if kind not in self._arrays:
            self._arrays[kind] = np.empty((self._n, *finding.values.shape[1:]), kind.dtype)
        self._arrays[kind][finding.images] = finding.values

    def _add_pairs(self, finding: Pairs) -> None:
        if self._codes is None:
            return
        if self._kept is None:
            self._kept = evenly(self._codes, finding.values[0].size)
        chosen = np.flatnonzero(self._kept[finding.images])
        places = None if finding.places is None else finding.places[chosen]
        rows = np.arange(self._n)[finding.images][chosen]
        self._pairs.append((rows, Pairs(finding.images, finding.values[chosen].astype(np.float64), places)))

    def pairs(self) -> dict[str, Any]:
        """Pairs of some images, by the names that fields of `BandImportance` have; empty if the method gave none."""
        if self._kept is None:
            return {}
        found = {
            "pair_images": np.concatenate([rows for rows, _ in self._pairs]),
            "pair_scores": np.concatenate([one.values for _, one in self._pairs]),
        }
        places = [one.places for _, one in self._pairs if one.places is not None]
        return {**found, "pair_places": np.concatenate(places)} if places else found

    @property
    def finished(self) -> np.ndarray:
        """Images of which everything was found that was found of any, in order."""
        if Scores not in self._seen:
            return np.zeros(0, np.int64)
        return np.flatnonzero(np.all(list(self._seen.values()), axis=0))

    def of(self, images: np.ndarray) -> Found:
        """The same of some images only, in increasing order."""
        found = Found(len(images), None if self._codes is None else self._codes[images])
        found._arrays = {kind: values[images] for kind, values in self._arrays.items()}
        found._seen = {kind: seen[images] for kind, seen in self._seen.items()}
        found._kept = self._kept
        for rows, pairs in self._pairs:
            left = np.flatnonzero(np.isin(rows, images))
            places = None if pairs.places is None else pairs.places[left]
            found._pairs.append((np.searchsorted(images, rows[left]), Pairs(pairs.images, pairs.values[left], places)))
        return found

    def __contains__(self, kind: type[Finding]) -> bool:
        return kind in self._arrays

    def __getitem__(self, kind: type[Finding]) -> np.ndarray:
        return self._arrays[kind]

    def get(self, kind: type[Finding]) -> np.ndarray | None:
        """The array of all images, or None where the method gave no such thing."""
        return self._arrays.get(kind)


def evenly(codes: np.ndarray, numbers: int) -> np.ndarray:
    """Images whose pairs are kept, spread evenly over those of each class, shape (n,), bool.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
    numbers : int
        Numbers that the pairs of an image are.
    """
    classes = np.unique(codes)
    most = max(LEAST_PAIRED, min(MOST_PAIRED, MOST_NUMBERS // (numbers * len(classes))))
    kept = np.zeros(len(codes), bool)
    for code in classes:
        mine = np.flatnonzero(codes == code)
        kept[mine[np.unique(np.linspace(0, len(mine) - 1, min(most, len(mine))).round().astype(int))]] = True
    return kept


def all_scores(findings: Findings, n: int) -> np.ndarray:
    """Nothing but the scores, of all n images."""
    found = Found(n)
    for finding in findings:
        if isinstance(finding, Scores):
            found.add(finding)
    return found[Scores]
