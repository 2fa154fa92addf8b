"""What is explained and by what: all that is needed to see whether the one fits the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..data.images import Images
from ..data.inputs import Inputs
from ..data.naming import Named
from ..models.predictor import Predictor
from .agreement import Agreement

# images that something is tried with, of so many each; in between, so that trying costs little next to explaining
LEAST_TRIED = 16
MOST_TRIED = 64
OF = 5


class View(NamedTuple):
    """One input: what its images and its background are called, these, and its bands."""

    x: str
    reference: str
    images: Images
    background: Images | None
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]


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
    classes : tuple of str
    named : Named
        The bands.
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
    classes: tuple[str, ...]
    named: Named
    y: Any
    labels: np.ndarray | None
    observed: np.ndarray | None
    outputs: np.ndarray
    names: tuple[str, ...]
    agreement: Agreement | None = None
    maps: bool = False

    @property
    def views(self) -> Iterator[View]:
        """Each input by itself."""
        backgrounds = (None,) * len(self.images.inputs) if self.background is None else self.background.inputs
        start = 0
        for part, images, background in zip(self.images.cells.parts, self.images.inputs, backgrounds, strict=True):
            own = slice(start, start + part.n_bands)
            x, reference = (Inputs.called(name, part.name) if part.name else name for name in ("x", "background"))
            yield View(x, reference, images, background, self.named.bands[own], self.named.wavelengths[own])
            start = own.stop

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
