"""A traced model as one flat list of operations: what such lists have in common, whatever the framework.

Values are numbers, operations are entries with the numbers of their inputs and outputs. What is computed twice is one
value: a band that a formula takes from the images twice is the same band.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from ..graph import Layout


class Entry(Protocol):
    """An operation.

    Attributes
    ----------
    kind : str
        The framework's name of it.
    inputs, outputs : list of int
        Values.
    """

    kind: str
    inputs: list[int]
    outputs: list[int]


AnyEntry = TypeVar("AnyEntry", bound=Entry)


class BaseFlat(ABC, Generic[AnyEntry]):
    """A traced function with calls written out and values numbered.

    Attributes
    ----------
    entries : list of Entry
        In order.
    producers : dict of int to Entry
    data : set of int
        Values that depend on what is in the images.
    marks : dict of int to int
        Values that were marked, by the number of the mark.
    input, output : int
    """

    input: int
    output: int
    data: set[int]

    def __init__(self) -> None:
        self.entries: list[AnyEntry] = []
        self.producers: dict[int, AnyEntry] = {}
        self.marks: dict[int, int] = {}
        self._alike: dict[Hashable, AnyEntry] = {}

    def inputs_of(self, value: int) -> list[int]:
        """Values that a value is computed from."""
        return self.producers[value].inputs if value in self.producers else []

    @abstractmethod
    def is_real(self, value: int) -> bool:
        """Whether a value is of a floating type."""

    def again(self, entry: AnyEntry, inputs: list[int]) -> AnyEntry:
        """The same operation on other values, among the entries."""
        copy = self._copied(entry, inputs)
        self.data.update(new for old, new in zip(entry.outputs, copy.outputs, strict=True) if old in self.data)
        return copy

    @abstractmethod
    def _copied(self, entry: AnyEntry, inputs: list[int]) -> AnyEntry: ...

    def _append(self, entry: AnyEntry) -> AnyEntry:
        self.entries.append(entry)
        self.producers.update(dict.fromkeys(entry.outputs, entry))
        return entry

    def _first(self, entry: AnyEntry, likeness: Hashable) -> AnyEntry:
        """The first entry that does the same to the same values, which may be this one; None is like nothing else."""
        return entry if likeness is None else self._alike.setdefault(likeness, entry)


def leading_to(output: int, inputs_of: Callable[[int], Iterable[int]]) -> set[int]:
    """All values that a value is computed from, and itself."""
    wanted, stack = set(), [output]
    while stack:
        value = stack.pop()
        if value not in wanted:
            wanted.add(value)
            stack.extend(inputs_of(value))
    return wanted


def block_per_image(shape: Sequence[int | None], grown: Sequence[int], n: int, real: bool) -> Layout | None:
    """A value's layout, by its shape for `n` images and the axes that grow with them; None where it has none."""
    lengths = [length for length in shape if length is not None]
    if len(lengths) != len(shape) or len(grown) != 1 or lengths[grown[0]] % n:
        return None
    lengths[grown[0]] //= n
    return Layout(grown[0], tuple(lengths), real)
