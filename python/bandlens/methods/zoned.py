"""Explained outputs of a model that gives scores for every pixel: means over zones, as weights on its units.

Weights of all images would be as large as all outputs. They are made for a batch when they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.zones import Zones


@dataclass(frozen=True)
class ZoneSeeds:
    """Weights on the model's units, made when they are asked for: an array of shape (rows, k, units) in what it does.

    Attributes
    ----------
    zones : Zones
    images, classes : ndarray of int, shape (rows,)
        Image of each row, and the class whose zone it has.
    image_output : ndarray of int, shape (rows, k)
    weights : ndarray of float64, shape (outputs, units of a pixel)
    n_pixels : int
    total : bool
        Whether sums over zones are explained, not means.
    """

    zones: Zones
    images: np.ndarray
    classes: np.ndarray
    image_output: np.ndarray
    weights: np.ndarray
    n_pixels: int
    total: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """As of an array."""
        return (*self.image_output.shape, self.n_pixels * self.weights.shape[1])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, at: Any) -> np.ndarray:
        """Weights of some rows, or of some of their outputs, float64."""
        rows, outputs = at if isinstance(at, tuple) else (at, slice(None))
        zones = self.zones.of(self.images[rows], self.classes[rows])
        shares = zones.astype(np.float64) if self.total else zones / zones.sum(axis=1, keepdims=True)
        weights = self.weights[self.image_output[rows, outputs]]
        return np.einsum("rp,rku->rkpu", shares, weights).reshape(*weights.shape[:2], -1)
