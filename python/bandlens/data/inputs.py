"""Several inputs of a model: one container of images for each, which belong together image by image.

They are given as a dict by the inputs' names, or a list in their order, and so is whatever describes them. Batches are
packed into one row per image as they are needed; the containers are never copied whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BandError, InputError
from .cells import Part
from .positions import spelled
from .words import few, nearest, quoted, shape_text


@dataclass(frozen=True, eq=False)
class Inputs:
    """Containers of images, one for each input, in the model's order, with the axes of each.

    Attributes
    ----------
    names : tuple of str
    sources : tuple of object
    band_axes : tuple of int
    time_axes : tuple of (int or None)
    bands, wavelengths, times : tuple
        What describes each input, as it was given; None where nothing does.
    """

    names: tuple[str, ...]
    sources: tuple[Any, ...]
    band_axes: tuple[int, ...]
    time_axes: tuple[int | None, ...]
    bands: tuple[Any, ...] = ()
    wavelengths: tuple[Any, ...] = ()
    times: tuple[Any, ...] = ()

    @staticmethod
    def called(name: str, input_: str) -> str:
        """What errors call one of the inputs."""
        return spelled(f"{name}[{input_!r}]", f"{name}${input_}")


@dataclass(frozen=True, eq=False)
class Joined:
    """Images of several inputs as a container of packed rows, which are made batch by batch.

    Attributes
    ----------
    images : tuple of bandlens.data.images.Images
    """

    images: tuple[Any, ...]

    any_rows = True

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (self.images[0].n, sum(int(np.prod(one.shape)) for one in self.images))

    @property
    def dtype(self) -> np.dtype:
        """That takes in all of them."""
        return np.result_type(*(np.asarray(one.take(slice(0, 1), None)).dtype for one in self.images))

    def __len__(self) -> int:
        return self.images[0].n

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, slice | np.ndarray):
            return self.take(index, self.dtype)
        return self.take(slice(index, index + 1), self.dtype)[0]

    def take(self, index: slice | np.ndarray, dtype: Any) -> np.ndarray:
        """Some packed rows, shape (n, elements)."""
        count = len(range(len(self))[index]) if isinstance(index, slice) else len(index)
        return np.concatenate([one.take(index, dtype).reshape(count, -1) for one in self.images], axis=1)


@dataclass(frozen=True, eq=False)
class Piece:
    """One input of packed rows, as a container of its own images, which are cut out as they are needed.

    Attributes
    ----------
    rows : bandlens.data.images.Images
        Packed.
    part : Part
    """

    rows: Any
    part: Part

    any_rows = True
    dtype = np.dtype(np.float64)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (self.rows.n, *self.part.shape)

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, slice | np.ndarray):
            cut = self.rows.take(index, None)[:, self.part.start : self.part.end]
            return cut.reshape(len(cut), *self.part.shape)
        return self[slice(index, index + 1)][0]


def by_input(value: Any, names: Sequence[str], argument: str) -> tuple[Any, ...]:
    """What an argument says of each input: the same of all, or one entry per input, in a dict or a list.

    Parameters
    ----------
    value : object
        A list is one entry per input if it has as many, each of them None or a list itself.
    names : sequence of str
        Of the inputs.
    argument : str
        Its name.

    Raises
    ------
    BandError
        If it names an input that there is not.
    """
    if isinstance(value, Mapping):
        unknown = [str(name) for name in value if name not in names]
        if unknown:
            raise BandError(
                f"`{argument}` names inputs that the model does not have.",
                expected=few(map(quoted, names)),
                given=few(map(quoted, unknown)),
                fix=nearest(unknown, names),
            )
        return tuple(value.get(name) for name in names)
    if isinstance(value, list | tuple) and len(value) == len(names) and all(map(_is_entry, value)):
        return tuple(value)
    return (value,) * len(names)


def by_input_numbers(value: Any, names: Sequence[str], argument: str) -> tuple[Any, ...]:
    """The same of an argument whose entries are single numbers, such as axes: a list has one for each input."""
    if isinstance(value, list | tuple):
        if len(value) != len(names):
            raise BandError(
                f"`{argument}` does not have one entry for each input.",
                expected=f"{len(names)}: {few(map(quoted, names))}",
                given=f"{len(value)} entries",
            )
        return tuple(value)
    return by_input(value, names, argument)


def _is_entry(value: Any) -> bool:
    return value is None or (hasattr(value, "__len__") and not isinstance(value, str))


def check_together(names: Sequence[str], shapes: Sequence[tuple[int, ...]], name: str) -> None:
    """Refuse inputs of different numbers of images."""
    if len({shape[0] for shape in shapes}) > 1:
        raise InputError(
            f"The inputs in `{name}` hold different numbers of images.",
            expected="the same images, in the same order, for each input",
            given=listed(names, shapes),
        )


def listed(names: Sequence[str], shapes: Sequence[Sequence[Any] | None]) -> str:
    """Inputs with their shapes, for an error."""
    return few([f"{quoted(name)} {shape_text(shape)}" for name, shape in zip(names, shapes, strict=True)])
