"""Blocks of a call: which rows a worker is to compute, and the images that it needs for them.

A worker is told of the call as a whole (`jobs`) and computes a window of it. Of the images it has those of its block;
asking for another is an error. Images in files that stay where they are it reads there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.images import Images
from ..data.inputs import Joined
from ..data.repeated import Repeated
from ..data.sources.source import Source
from ..methods import Task
from ..methods.zoned import ZoneSeeds
from ..models.predictor import Predictor


@dataclass(frozen=True)
class Rows:
    """Some consecutive entries of an array, by their positions in the whole.

    Attributes
    ----------
    rows : ndarray, shape (some, ...)
    start, n : int
        Position of the first of them, and length of the whole.
    """

    # positions may be given in an array, in any order
    any_rows = True

    rows: np.ndarray
    start: int
    n: int

    def __len__(self) -> int:
        return self.n

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole."""
        return (self.n, *self.rows.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """As of an array."""
        return self.rows.dtype

    def __getitem__(self, index: Any) -> Any:
        along, *others = index if isinstance(index, tuple) else (index,)
        if isinstance(along, slice):
            start, stop, step = along.indices(self.n)
            assert step == 1
            self._check(start, stop)
            along = slice(start - self.start, stop - self.start)
        else:
            at = np.asarray(along)
            if at.size:
                self._check(int(at.min()), int(at.max()) + 1)
            along = along - self.start
        return self.rows[(along, *others)]

    def _check(self, start: int, stop: int) -> None:
        if start < stop and not self.start <= start < stop <= self.start + len(self.rows):
            raise IndexError(f"images {start} to {stop} are not in the block from {self.start} on")


@dataclass(frozen=True)
class Block:
    """What a worker is to compute, and what of.

    Attributes
    ----------
    window : slice
        Rows, see `Task.window`.
    images : Rows or None
        Each image once; None where workers have all images.
    labels, mask : Rows or ndarray or None
        Of `Zones`.
    """

    window: slice
    images: Rows | None
    labels: Rows | None = None
    mask: Rows | np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it takes along."""
        return sum(one.rows.nbytes for one in (self.images, self.labels, self.mask) if isinstance(one, Rows))


def travels(images: Images) -> bool:
    """Whether all that images are read from can be opened by another process, so that only its place goes along."""
    source: Any = images.source
    if isinstance(source, Source):
        return source.travels
    if isinstance(source, Repeated):
        return travels(source.images)
    return isinstance(source, Joined) and all(map(travels, source.images))


def block_of(task: Task, window: slice, *, whole: bool) -> Block:
    """A block of a task, with the images that it needs; none, if workers have the `whole` of them."""
    images = window
    if task.row_images is not None:
        rows = task.row_images[window]
        images = slice(int(rows[0]), int(rows[-1]) + 1)
    labels: Rows | None = None
    mask: Rows | np.ndarray | None = None
    if isinstance(task.seeds, ZoneSeeds):
        zones = task.seeds.zones
        if zones.labels is not None:
            labels = Rows(zones.labels[images], images.start, task.every.n)
        if zones.mask is not None:
            mask = zones.mask if len(zones.mask) == 1 else Rows(zones.mask[images], images.start, task.every.n)
    held = None if whole else rows_of(task.every, images, task.predictor)
    return Block(window, held, labels, mask)


def rows_of(images: Images, part: slice, predictor: Predictor) -> Rows:
    """Consecutive images, in the dtype in which they are computed, or the one that they have if that is smaller."""
    own, computed = getattr(images.source, "dtype", None), np.dtype(predictor.trace.dtype)
    smaller = isinstance(own, np.dtype) and own.kind in "bui" and own.itemsize < computed.itemsize
    return Rows(images.take(part, own if smaller else computed), part.start, images.n)
