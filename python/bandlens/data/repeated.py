"""Images of which some come several times or not at all: an image counts for each of its labels.

What is repeated is read anew from the caller's container, batch by batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .images import Images


@dataclass(frozen=True)
class Repeated:
    """A container of images that takes them from others, by position.

    Attributes
    ----------
    images : Images
    positions : ndarray of int, shape (rows,)
        In increasing order where an image comes several times, so that it is read once for all its rows.
    dtype : dtype
        In which images are given.
    """

    images: Images
    positions: np.ndarray
    dtype: Any

    any_rows = True

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (len(self), *self.images.shape)

    def __getitem__(self, part: slice | int | np.ndarray) -> np.ndarray:
        chosen = self.positions[part]
        if isinstance(part, int | np.integer):
            return self.images.take(np.array([chosen]), self.dtype)[0]
        needed, inverse = np.unique(chosen, return_inverse=True)
        return self.images.take(needed, self.dtype)[inverse.reshape(-1)]


def repeated(images: Images, positions: np.ndarray, dtype: Any) -> Images:
    """Images at positions, as images of their own."""
    return images.holding(Repeated(images, positions, np.dtype(dtype)))  # type: ignore[arg-type]  # a container


def first_codes(rows: np.ndarray, codes: np.ndarray, n: int) -> np.ndarray:
    """The first code of each of n images, -1 for those that have no row, shape (n,), int64.

    Parameters
    ----------
    rows, codes : ndarray of int, shape (rows,)
        Image of each row, in increasing order, and its code.
    n : int
    """
    images, at = np.unique(rows, return_index=True)
    found = np.full(n, -1, np.int64)
    found[images] = codes[at]
    return found
