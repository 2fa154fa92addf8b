"""Images of which a band is moved to other levels: all its pixels by one number, so that the texture stays.

They are made batch by batch, so that however many levels there are, no more than a batch of them is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.images import Images
from .calls import Call


@dataclass(frozen=True)
class Moved:
    """Images of which one band is moved, each to several levels, made batch by batch as a container of images.

    Attributes
    ----------
    images : Images
    positions : ndarray of int, shape (m,)
        Of those that are moved.
    band : int
    shifts : ndarray, shape (m, levels)
    """

    images: Images
    positions: np.ndarray
    band: int
    shifts: np.ndarray

    any_rows = True
    dtype = np.dtype(np.float64)

    def __len__(self) -> int:
        return self.shifts.size

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (len(self), *self.images.shape)

    def __getitem__(self, part: slice | np.ndarray) -> np.ndarray:
        at = np.arange(len(self))[part]
        row = at // self.shifts.shape[1]
        # each image is read once for all its levels
        needed, inverse = np.unique(row, return_inverse=True)
        moved = self.images.take(self.positions[needed], self.dtype)[inverse.reshape(-1)]
        band = self.images.cells.view(moved, self.band)
        band += self.shifts.reshape(-1)[at].reshape(-1, *[1] * (band.ndim - 1))
        return moved


def moved_outputs(call: Call, images: np.ndarray, band: int, shifts: np.ndarray) -> np.ndarray:
    """Explained outputs of images with a band shifted, shape (images, shifts, k)."""
    moved = call.images.holding(Moved(call.images, images, band, shifts))  # type: ignore[arg-type]  # a container
    size = call.batch_size or call.predictor.images_per_batch
    name = f"`x` with band '{call.bands[band]}' moved to another level"
    rows = np.repeat(images, shifts.shape[1])
    if not call.predictor.pixels:
        every = call.predictor.outputs(moved, size, name=name, positions=rows)
        return np.take_along_axis(
            every.reshape(*shifts.shape, -1), call.targets.image_output[images][:, None, :], axis=2
        )
    seeds, found = call.seeds(), np.empty((len(rows), call.targets.image_output.shape[1]))
    for part, units in call.predictor.units(moved, size, name=name, positions=rows):
        # each image is read over the zone of the class that it counts for
        found[part] = np.einsum("rku,ru->rk", seeds[rows[part]], units)
    return (found + call.predictor.offsets[call.targets.image_output[rows]]).reshape(*shifts.shape, -1)
