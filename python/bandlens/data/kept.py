"""Some images of a file in memory: those of a background, which every step reads anew, beside all others.

Where they are at the same positions, nothing else has to know.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .images import Images
from .inputs import Joined
from .sources import Source

# bytes that are worth it; of more, most are read seldom
MOST_BYTES = 1 << 27


class Kept(Source):
    """Images of another source, some of which are in memory.

    Parameters
    ----------
    source : Source
    positions : ndarray of int
        Of those.
    """

    def __init__(self, source: Source, positions: np.ndarray) -> None:
        self.source, self.shape, self.dtype, self.where = source, source.shape, source.dtype, source.where
        self.block, self.missing = source.block, source.missing
        self._positions = np.unique(positions)
        self._values = source[self._positions]

    def __getitem__(self, index: slice | int | np.ndarray) -> np.ndarray:
        """Images at positions; the source is asked where they are not all in memory."""
        if isinstance(index, np.ndarray):
            at = np.searchsorted(self._positions, index)
            known = self._positions[np.minimum(at, len(self._positions) - 1)] == index
            if known.all():
                found: np.ndarray = self._values[at]
                return found
        return self.source[index]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Consecutive images."""
        return self.source[start:stop]


def with_kept(images: Images, positions: np.ndarray) -> Images:
    """The same images, with those at some positions in memory, if they are elsewhere and don't take much room."""
    source = images.source
    if isinstance(source, Joined):
        return replace(images, source=Joined(tuple(with_kept(one, positions) for one in source.images)))
    if not isinstance(source, Source):
        return images
    size = len(positions) * int(np.prod(source.shape[1:])) * source.dtype.itemsize
    return replace(images, source=Kept(source, positions)) if 0 < size <= MOST_BYTES else images


def same_images(one: Images, other: Images) -> bool:
    """Whether images come from the same container, wherever some of them are."""
    mine, its = one.source, other.source
    if isinstance(mine, Joined) and isinstance(its, Joined):
        return all(same_images(*pair) for pair in zip(mine.images, its.images, strict=True))
    return _beneath(mine) is _beneath(its)


def _beneath(source: object) -> object:
    return source.source if isinstance(source, Kept) else source
