"""Rows of one image, explained at once.

An image counts for each of its classes, a row each. What the model makes of the image, and a rule of a pair of images,
is the same for all of them, so that a class more costs its multipliers only. Images have different numbers of rows, a
compiled step the same for all: an image with more rows comes several times, one with fewer is filled up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .task import Seeds

# what a row costs beside what all rows of an image share, measured with tests/benchmarks/segmentation.py
PER_ROW, SHARED = 1.0, 1.0


@dataclass(frozen=True)
class Together:
    """Blocks of consecutive rows that are about one image.

    Attributes
    ----------
    rows : ndarray of int, shape (blocks, most)
        Rows of each; where there are fewer, -1 at the end.
    """

    rows: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray) -> Together:
        """Blocks for images of rows in increasing order, of a size with which the fewest are filled up or repeated."""
        counts = np.bincount(images)
        sizes = np.arange(1, counts.max() + 1)
        costs = [(-(-counts // size)).sum() * (SHARED + PER_ROW * size) for size in sizes]
        most = int(sizes[int(np.argmin(costs))])
        starts = np.r_[0, np.flatnonzero(np.diff(images)) + 1]
        ends = np.r_[starts[1:], len(images)]
        firsts = np.concatenate([np.arange(start, end, most) for start, end in zip(starts, ends, strict=True)])
        last = np.repeat(ends, -(-(ends - starts) // most))
        rows = firsts[:, None] + np.arange(most)
        return cls(np.where(rows < last[:, None], rows, -1))

    @property
    def firsts(self) -> np.ndarray:
        """First row of each block."""
        return self.rows[:, 0]

    def part(self, blocks: slice) -> slice:
        """The rows of some consecutive blocks."""
        return slice(int(self.rows[blocks.start, 0]), int(self.rows[blocks.stop - 1].max()) + 1)

    def blocks(self, rows: slice) -> slice:
        """The blocks of some consecutive rows, which begin and end with one."""
        start, stop = np.searchsorted(self.firsts, [rows.start, rows.stop]).tolist()
        return slice(start, stop)

    def apart(self, found: Iterator[tuple[slice, np.ndarray]]) -> Iterator[tuple[slice, np.ndarray]]:
        """What was found for blocks, shape (blocks, most * k, ...), row by row: (rows, k, ...)."""
        for blocks, values in found:
            rows = self.rows[blocks]
            yield self.part(blocks), values.reshape(*rows.shape, -1, *values.shape[2:])[rows >= 0]

    def ticks(self, tick: Callable[[int], None]) -> Callable[[int], None]:
        """A function that is told of finished blocks, in order, and tells of their rows."""
        sizes = iter((self.rows >= 0).sum(axis=1))
        return lambda blocks: tick(int(sum(next(sizes) for _ in range(blocks))))


@dataclass(frozen=True)
class TogetherSeeds:
    """Seeds of blocks, zero where a block is filled up: an array of shape (blocks, most * k, units) in what it does.

    Attributes
    ----------
    seeds : Seeds
        Of the rows, (rows, k, units).
    together : Together
    """

    seeds: Seeds
    together: Together

    @property
    def shape(self) -> tuple[int, int, int]:
        """As of an array."""
        blocks, most = self.together.rows.shape
        return (blocks, most * self.seeds.shape[1], self.seeds.shape[2])

    def __getitem__(self, blocks: slice) -> Any:
        rows = self.together.rows[blocks]
        found = np.zeros((*rows.shape, *self.seeds.shape[1:]))
        found[rows >= 0] = self.seeds[self.together.part(blocks)]
        return found.reshape(len(rows), *self.shape[1:])
