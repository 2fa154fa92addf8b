"""Arithmetic of windows over a scene: where they start, what cells they make, how they overlap, and how work is cut.

Blocks are cut by what a scene and a model are, not by who computes them: a block's values are the same whichever
process computes it, alone or among others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .rasters import Raster, Region, Transform, moved

# numbers that are held at once: values of a block, or of the windows that are explained together
BLOCK_VALUES = 1 << 24
# cells along a side of a block, so that not much is lost where work is interrupted
MOST_CELLS = 64
# tiles of files have sides that are a multiple of it
TILE = 16


@dataclass(frozen=True)
class Block:
    """Cells of the result that are computed together.

    Attributes
    ----------
    index : int
        Its place among all blocks, row by row.
    row, col : int
        Its first cell.
    rows, cols : int
        How many cells.
    """

    index: int
    row: int
    col: int
    rows: int
    cols: int


@dataclass(frozen=True)
class Grid:
    """Cells of a result, and how they are cut into blocks.

    Attributes
    ----------
    rows, cols : int
        Cells.
    transform : tuple of float
        As of a raster.
    crs : str
    block : int
        Cells along a side of a block.
    """

    rows: int
    cols: int
    transform: Transform
    crs: str
    block: int

    @property
    def n_blocks(self) -> int:
        """How many blocks there are."""
        return -(-self.rows // self.block) * -(-self.cols // self.block)

    def blocks(self) -> Iterator[Block]:
        """All blocks, row by row."""
        index = 0
        for row in range(0, self.rows, self.block):
            for col in range(0, self.cols, self.block):
                yield Block(index, row, col, min(self.block, self.rows - row), min(self.block, self.cols - col))
                index += 1

    @property
    def x(self) -> np.ndarray:
        """Coordinates of the centres of columns."""
        return self.transform[2] + (np.arange(self.cols) + 0.5) * self.transform[0]

    @property
    def y(self) -> np.ndarray:
        """Coordinates of the centres of rows."""
        return self.transform[5] + (np.arange(self.rows) + 0.5) * self.transform[4]


def patch_grid(scene: Raster, size: int, stride: int, bands: int, most: int = BLOCK_VALUES) -> Grid:
    """Cells of patches: each is `stride` pixels wide, and its centre is that of its patch.

    The margin in which no patch can have its centre, and what is left after the last whole stride, have no cells.
    """
    rows, cols = ((length - size) // stride + 1 for length in (scene.rows, scene.cols))
    margin = (size - stride) / 2
    pixels = int((most / max(bands, 1)) ** 0.5)
    side = int(np.clip((pixels - size) // stride + 1, 1, MOST_CELLS))
    return Grid(rows, cols, moved(scene.transform, margin, margin, stride), scene.crs, side)


def pixel_grid(scene: Raster, size: int, stride: int, numbers: int, most: int = BLOCK_VALUES) -> Grid:
    """Pixels of the scene themselves, for models that map it; `numbers` are held for each pixel."""
    pixels = int((most / max(numbers, 1)) ** 0.5)
    # windows around a block are computed for it alone: two rings are read, so that blocks should be large
    side = max(size, (pixels - 4 * size) // stride * stride, TILE)
    return Grid(scene.rows, scene.cols, scene.transform, scene.crs, side)


def patch_region(block: Block, size: int, stride: int) -> Region:
    """What the patches of a block cover."""
    return Region(
        block.row * stride, block.col * stride, (block.rows - 1) * stride + size, (block.cols - 1) * stride + size
    )


def window_starts(length: int, size: int, stride: int) -> np.ndarray:
    """Where windows start along one axis: every `stride` pixels, and once more at the end, so that all is covered."""
    last = length - size
    return np.unique([*range(0, last + 1, stride), last])


def overlapping(starts: np.ndarray, size: int, first: int, stop: int) -> np.ndarray:
    """Starts of the windows that hold a pixel from `first` to before `stop`."""
    return starts[(starts < stop) & (starts + size > first)]


def window_weights(size: int) -> np.ndarray:
    """How much each pixel of a window counts, shape (size, size), float64: a raised cosine along rows and columns.

    Most in the middle, where the model sees what is around, and next to nothing at the edge. Windows that are half a
    window apart add up to 1 everywhere.
    """
    along = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    return np.outer(along, along)
