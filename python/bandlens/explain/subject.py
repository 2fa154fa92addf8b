"""What is explained and by what: all that is needed to see whether the one fits the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.images import Images
from ..models.predictor import Predictor
from .agreement import Agreement

# images that something is tried with, of so many each; in between, so that trying costs little next to explaining
LEAST_TRIED = 16
MOST_TRIED = 64
OF = 5


@dataclass(frozen=True)
class Subject:
    """What is explained, and by what.

    Attributes
    ----------
    model : object
        As the user gave it, loaded.
    predictor : Predictor
    images : Images
    background : Images or None
        The user's own.
    bands, classes : tuple of str
    wavelengths : tuple of float
    y : object
        As the user gave it.
    labels, observed : ndarray or None
        Classes of the images, or numbers, if they were given.
    outputs : ndarray, shape (n, outputs)
        Of the model for the images.
    names : tuple of str
        Of the outputs.
    agreement : Agreement or None
        Of images with several labels, or labelled pixels.
    maps : bool
        Whether values per pixel are asked for.
    """

    model: Any
    predictor: Predictor
    images: Images
    background: Images | None
    bands: tuple[str, ...]
    classes: tuple[str, ...]
    wavelengths: tuple[float, ...]
    y: Any
    labels: np.ndarray | None
    observed: np.ndarray | None
    outputs: np.ndarray
    names: tuple[str, ...]
    agreement: Agreement | None = None
    maps: bool = False

    def outputs_of(self, positions: np.ndarray, factor: float) -> np.ndarray:
        """Outputs for some images whose values are multiplied."""
        batch = self.images.take(positions, self.predictor.trace.dtype)
        batch *= np.asarray(factor, batch.dtype)
        return self.predictor.outputs(self.images.holding(batch), self.predictor.images_per_batch)


def some_positions(n: int) -> np.ndarray:
    """Positions of a few images, to try something with."""
    count = max(LEAST_TRIED, min(MOST_TRIED, n // OF))
    return np.sort(np.random.default_rng(0).choice(n, min(n, count), replace=False))


def times(factor: float) -> str:
    """How `x` is multiplied, as people write it."""
    return f"`x * {factor:g}`" if factor > 1 else f"`x / {1 / factor:g}`"
