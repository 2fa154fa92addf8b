"""How an image is moved before the model sees it, at random and anew at each step, so that no artefact finds a hold.

Jitter shifts it by whole pixels; scaling and rotation sample it between its pixels. It goes round at its borders. What
the model wants changed is moved back the same way: exactly for jitter, by the opposite view for the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.backends.contract import Arrays

# of a view: a 2 x 2 matrix (row-major), then shifts along rows and columns
PARAMETERS = 6


@dataclass(frozen=True)
class Moves:
    """How far images may be moved.

    Attributes
    ----------
    jitter : tuple of int
        Most pixels along rows and columns, in both directions.
    scale : float
        Most that sizes change, as a factor up or down, less 1: 0.1 for 1 / 1.1 to 1.1.
    rotate : float
        Most degrees, in both directions.
    """

    jitter: tuple[int, int] = (0, 0)
    scale: float = 0.0
    rotate: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether images are moved by whole pixels alone."""
        return self.scale == 0 and self.rotate == 0

    @property
    def none(self) -> bool:
        """Whether images stay where they are."""
        return self.whole and self.jitter == (0, 0)

    def draw(self, random: np.random.Generator, steps: int) -> np.ndarray:
        """Views for some steps and the ways back, shape (steps, 2, PARAMETERS), float64."""
        shift = np.stack([random.integers(-most, most + 1, steps) for most in self.jitter], axis=1).astype(np.float64)
        size = (1 + self.scale) ** random.uniform(-1, 1, steps)
        angle = np.deg2rad(random.uniform(-self.rotate, self.rotate, steps))
        cos, sin = np.cos(angle) / size, np.sin(angle) / size
        matrix = np.stack([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2)
        back = np.linalg.inv(matrix)
        away = -np.einsum("sij,sj->si", back, shift)
        both = [np.concatenate([m.reshape(-1, 4), s], axis=1) for m, s in ((matrix, shift), (back, away))]
        return np.stack(both, axis=1)


def moved(nd: Arrays, images: Any, view: Any, number: Any, *, whole: bool) -> Any:
    """Images as seen in a view.

    Parameters
    ----------
    nd : namespace
    images : tensor, shape (n, rows, cols, bands)
    view : tensor of float, shape (n, PARAMETERS)
    number : tensor of int32, shape (n,)
        0 to n - 1.
    whole : bool
        Whether the view shifts by whole pixels alone.
    """
    rows, cols, bands = images.shape[1:]
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")).reshape(2, -1).astype(_dtype(view))
    flat = nd.reshape(images, (-1, bands))
    parameter = [view[:, at : at + 1] for at in range(PARAMETERS)]

    def pixels(row: Any, col: Any) -> Any:
        """Pixels at whole positions (n, rows * cols), which go round at the borders."""
        row, col = (nd.astype(place, "int32") % length for place, length in ((row, rows), (col, cols)))
        index = nd.reshape(number, (-1, 1)) * (rows * cols) + row * cols + col
        return nd.reshape(nd.take(flat, nd.reshape(index, (-1,)), 0), (-1, rows, cols, bands))

    if whole:
        return pixels(*(nd.asarray(grid[axis : axis + 1]) + parameter[4 + axis] for axis in (0, 1)))
    centre = (rows - 1) / 2, (cols - 1) / 2
    row, col = (nd.asarray(grid[axis : axis + 1]) - centre[axis] for axis in (0, 1))
    place = [
        parameter[0] * row + parameter[1] * col + parameter[4] + centre[0],
        parameter[2] * row + parameter[3] * col + parameter[5] + centre[1],
    ]
    floor = [nd.floor(axis) for axis in place]
    part = [nd.reshape(axis - below, (-1, rows, cols, 1)) for axis, below in zip(place, floor, strict=True)]
    top = pixels(floor[0], floor[1]) * (1 - part[1]) + pixels(floor[0], floor[1] + 1) * part[1]
    bottom = pixels(floor[0] + 1, floor[1]) * (1 - part[1]) + pixels(floor[0] + 1, floor[1] + 1) * part[1]
    return top * (1 - part[0]) + bottom * part[0]


def _dtype(view: Any) -> Any:
    return np.float64 if "64" in str(view.dtype) else np.float32
