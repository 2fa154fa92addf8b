"""Which input, band and step each element of an image belongs to: the cells that rows of a table stand for.

A model of one input without an axis of time has a cell for each band. With an axis of time, a cell is a band at a step.
Several inputs are packed into one flat row per image, part behind part, so that whatever computes with images sees one
input; here is written down where in the row each part is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .positions import first
from .words import shape_text


@dataclass(frozen=True)
class Part:
    """One input, as it is in an image.

    Attributes
    ----------
    name : str
        Of the input; empty where there is only one.
    shape : tuple of int
        For one image.
    band_axis : int
        Axis of the bands in a batch, so at least 1.
    time_axis : int or None
        Axis of the steps in a batch.
    start : int
        Its first element in a packed row.
    """

    name: str
    shape: tuple[int, ...]
    band_axis: int
    time_axis: int | None = None
    start: int = 0

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return self.shape[self.band_axis - 1]

    @property
    def n_steps(self) -> int:
        """Number of steps; 1 without an axis of time."""
        return 1 if self.time_axis is None else self.shape[self.time_axis - 1]

    @property
    def n_cells(self) -> int:
        """Number of cells: bands at steps."""
        return self.n_bands * self.n_steps

    @property
    def size(self) -> int:
        """Elements per image."""
        return int(np.prod(self.shape))

    @property
    def end(self) -> int:
        """Behind its last element in a packed row."""
        return self.start + self.size

    @property
    def pixel_axes(self) -> tuple[int, ...]:
        """Axes of a batch that hold neither images nor bands nor steps."""
        kept = (self.band_axis, self.time_axis)
        return tuple(axis for axis in range(1, len(self.shape) + 1) if axis not in kept)

    def reduced(self, nd: Any, values: Any, before: int, reduce: Callable[..., Any]) -> Any:
        """From ``(..., *shape)``, with so many axes before, to ``(..., cells)``."""
        found = reduce(values, tuple(axis - 1 + before for axis in self.pixel_axes))
        if self.time_axis is None:
            return found
        if self.time_axis < self.band_axis:
            found = nd.moveaxis(found, before + 1, before)
        return nd.reshape(found, (-1, *found.shape[1:before], self.n_cells))

    def spread(self, nd: Any, values: Any) -> Any:
        """From ``(..., cells)`` to the shape of an image, with 1 for the pixels."""
        lead, shape = values.shape[:-1], [1] * len(self.shape)
        shape[self.band_axis - 1] = self.n_bands
        if self.time_axis is not None:
            shape[self.time_axis - 1] = self.n_steps
            if self.time_axis < self.band_axis:
                values = nd.reshape(values, (*lead, self.n_bands, self.n_steps))
                values = nd.moveaxis(values, len(lead) + 1, len(lead))
        return nd.reshape(values, (*lead, *shape))


@dataclass(frozen=True)
class Cells:
    """All cells of an image: inputs in order, in each its bands, for each its steps.

    Equal for images that are computed in the same way, so that it tells compiled steps apart.

    Attributes
    ----------
    parts : tuple of Part
    packed : bool
        Whether images are flat rows of several parts; else they have the shape of the only part.
    """

    parts: tuple[Part, ...]
    packed: bool = False

    def __len__(self) -> int:
        return sum(part.n_cells for part in self.parts)

    @property
    def plain(self) -> bool:
        """Whether cells are bands, and nothing else."""
        return not self.packed and self.parts[0].time_axis is None

    @property
    def size(self) -> int:
        """Elements per image."""
        return sum(part.size for part in self.parts)

    @property
    def spread_shape(self) -> tuple[int, ...]:
        """What `spread` makes of one value per cell."""
        return (self.size,) if self.packed else tuple(self.parts[0].spread(np, np.empty(len(self))).shape)

    @cached_property
    def of_element(self) -> np.ndarray:
        """The cell of each element of a packed row, shape (elements,), int32."""
        found, before = np.empty(self.size, np.int32), 0
        for part in self.parts:
            own = part.spread(np, np.arange(part.n_cells, dtype=np.int32))
            found[part.start : part.end] = before + np.broadcast_to(own, part.shape).reshape(-1)
            before += part.n_cells
        return found

    @cached_property
    def pixels(self) -> np.ndarray:
        """Elements in each cell, shape (cells,), float64."""
        return np.concatenate([np.full(part.n_cells, part.size / part.n_cells) for part in self.parts])

    def split(self, nd: Any, values: Any, before: int) -> Iterator[tuple[Part, Any]]:
        """Each part's own values, ``(..., *shape)`` with so many axes before; views, of an array."""
        for part in self.parts:
            if not self.packed:
                yield part, values
                continue
            lead = () if before == 0 else (-1, *values.shape[1:before])
            yield part, nd.reshape(values[..., part.start : part.end], (*lead, *part.shape))

    def reduced(self, nd: Any, values: Any, before: int, reduce: Callable[..., Any]) -> Any:
        """Reduce values over the pixels of each cell.

        Parameters
        ----------
        nd : module
            NumPy, or a backend's array functions.
        values : array or tensor, shape (..., *image shape)
        before : int
            Axes before those of the image, at least 1.
        reduce : callable
            ``(values, axes)``, such as a sum or a mean.

        Returns
        -------
        array or tensor, shape (..., cells)
        """
        found = [part.reduced(nd, own, before, reduce) for part, own in self.split(nd, values, before)]
        return found[0] if len(found) == 1 else nd.concatenate(found, before)

    def spread(self, nd: Any, values: Any) -> Any:
        """From a value per cell, ``(..., cells)``, to what can be multiplied with images, ``(..., *spread shape)``."""
        if self.packed:
            return nd.take(values, self.of_element, len(values.shape) - 1)
        return self.parts[0].spread(nd, values)

    def sums(self, nd: Any, values: Any, before: int) -> Any:
        """Sums over the pixels of each cell; as `reduced`."""
        return self.reduced(nd, values, before, nd.sum)

    def means(self, nd: Any, values: Any, before: int) -> Any:
        """Means over the pixels of each cell; as `reduced`."""
        return self.reduced(nd, values, before, nd.mean)

    @property
    def shown(self) -> str:
        """Shapes of images, for messages."""
        texts = [shape_text(part.shape) for part in self.parts]
        if not self.packed:
            return texts[0]
        return ", ".join(f"{text} as '{part.name}'" for text, part in zip(texts, self.parts, strict=True))

    def view(self, batch: np.ndarray, cell: int) -> np.ndarray:
        """The elements of one cell in a C-ordered batch, images first: a view, that may be written to."""
        for part, own in self.split(np, batch, 1):
            if cell < part.n_cells:
                band, step = divmod(cell, part.n_steps)
                at: list[Any] = [slice(None)] * own.ndim
                at[part.band_axis] = band
                if part.time_axis is not None:
                    at[part.time_axis] = step
                return own[tuple(at)]
            cell -= part.n_cells
        raise IndexError(cell)

    def label(self, cell: int) -> str:
        """What a message calls a cell that has no name: its band's position, and whatever else tells it apart."""
        for part in self.parts:
            if cell < part.n_cells:
                band, step = divmod(cell, part.n_steps)
                text = str(band + first())
                if part.time_axis is not None:
                    text += f" at step {step + first()}"
                return f"{text} of '{part.name}'" if part.name else text
            cell -= part.n_cells
        raise IndexError(cell)
