"""What is in a batch of a stream: images of one input or of several, perhaps with labels, of any framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...errors import SourceError
from ..arrays import as_array
from ..labels import NumbersFromR
from ..positions import first
from ..words import shape_text


class Batch(NamedTuple):
    """Images and labels.

    Attributes
    ----------
    inputs : tuple of ndarray
        Of each input.
    names : tuple of str, or None
        Of the inputs; None where they came in a row.
    several : bool
        Whether there are several inputs, or one that was given like several.
    labels : object
        None if there are none.
    """

    inputs: tuple[np.ndarray, ...]
    names: tuple[str, ...] | None
    several: bool
    labels: Any

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.inputs[0])


def batch_of(given: Any, place: str, at: int) -> Batch:
    """A batch as arrays.

    Parameters
    ----------
    given : object
        ``x``, or a tuple or list ``(x,)`` or ``(x, y)``; ``x`` may be a dict or a tuple of several inputs.
    place : str
        Which batch of what it is, for errors.
    at : int
        Position of its first image.

    Raises
    ------
    SourceError
        If it is something else, or its parts don't belong together.
    """
    x, y = _parts(given, place)
    names, several = None, isinstance(x, Mapping | tuple | list)
    if isinstance(x, Mapping):
        names, parts = tuple(map(str, x)), tuple(x.values())
    else:
        parts = tuple(x) if several else (x,)
    if not parts:
        raise SourceError(f"{place} holds no inputs.", expected="an array for each of the model's inputs")
    inputs = tuple(_array(one, place) for one in parts)
    counts = {len(one) if one.ndim else -1 for one in inputs}
    if len(counts) > 1 or min(counts) < 0 or min(one.ndim for one in inputs) < 2:
        raise SourceError(
            f"{place} holds no batch of images.",
            expected=f"arrays {shape_text(('images', 'rows', 'cols', 'bands'))}, of several inputs for the same images",
            given=", ".join(shape_text(one.shape) for one in inputs),
            fix="if the elements are single images, batch them first: dataset.batch(32)",
        )
    labels = None if y is None else _labels(y, place)
    n = counts.pop()
    if labels is not None and len(labels) != n:
        raise SourceError(
            f"{place} does not hold a label for each image.",
            expected=f"{n} labels, of images {at + first()} to {at + n - 1 + first()} (counted from {first()})",
            given=f"{len(labels)}",
        )
    return Batch(inputs, names, several, labels)


def joined_labels(parts: list[Any]) -> Any:
    """Labels of all batches, one after the other."""
    if isinstance(parts[0], NumbersFromR):
        return NumbersFromR(np.concatenate([one.values for one in parts]))
    if isinstance(parts[0], list):
        return [label for one in parts for label in one]
    return np.concatenate(parts)


def _parts(given: Any, place: str) -> tuple[Any, Any]:
    """Images and labels; a tuple or a list is what Keras and PyTorch make of them."""
    if not isinstance(given, tuple | list):
        return given, None
    if len(given) == 3 and given[2] is None:
        given = given[:2]
    if len(given) in (1, 2):
        return given[0], given[1] if len(given) == 2 else None
    raise SourceError(
        f"{place} holds {len(given)} things.",
        expected="images, or images and labels",
        given="weights of images behind them, as it seems: each image counts once here"
        if len(given) == 3
        else f"{len(given)} things",
        fix="leave out the rest, as in dataset.map(lambda x, y, weight: (x, y)); of several inputs, put them into a "
        "dict, or into a tuple of their own",
    )


def _array(given: Any, place: str) -> np.ndarray:
    try:
        found = as_array(given)
    except Exception as error:  # whatever a framework raises for what is no plain tensor
        raise SourceError(
            f"{place} holds what is no array.", expected="dense arrays or tensors", given=type(given).__name__
        ) from error
    if found.dtype.kind == "O":
        raise SourceError(f"{place} does not hold numbers.", expected="arrays of numbers", given=type(given).__name__)
    return found


def _labels(given: Any, place: str) -> Any:
    """Labels as an array; lists of sets of labels, and those of R, stay what they are."""
    if isinstance(given, NumbersFromR):
        return given
    if isinstance(given, list) and given and not isinstance(given[0], int | float | str | bytes | np.generic):
        return given
    found = as_array(given)
    if found.dtype.kind == "O" and all(isinstance(one, bytes) for one in found.flat):
        found = np.array([one.decode() for one in found.flat]).reshape(found.shape)
    if found.ndim == 0:
        raise SourceError(
            f"{place} holds a single label.",
            expected="a label for each image",
            fix="if the elements are single images, batch them first: dataset.batch(32)",
        )
    return found
