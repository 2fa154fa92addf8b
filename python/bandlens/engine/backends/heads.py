"""What a model ends in: its last softmax or sigmoid, also where something that only reshapes comes after it.

People let heads be followed by `Flatten`, `Reshape`, a pooling over one pixel, a cast. What is explained is then the
value before the softmax or sigmoid, taken through the same operations. Whether these only put numbers elsewhere is not
read off a list of their names, but found by trying: they are linear, so that one set of random numbers tells.

Of a softmax for each pixel, the classes must stay next to each other and in order, so that each unit's place tells
which class it stands for.

Outputs that are made of the values of softmaxes and sigmoids in any other way have no logit: see `find_blend`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..graph import Family
from .flat import BaseFlat, Entry, leading_to

# images that operations behind a head are tried with
TRIED = 2


@dataclass(frozen=True)
class Table:
    """The framework's names of the operations that matter here.

    Attributes
    ----------
    heads : mapping of str to str
        Softmax and sigmoid, as what they are called in results.
    casts, exponentials : collection of str
    kernels : collection of str
        Products of matrices and convolutions.
    bounded : collection of str
        Operations on single elements that make no logit of a probability, such as a maximum or a power.
    family : callable
        Family of an operation, by its name and by which inputs carry image data.
    """

    heads: Mapping[str, str]
    casts: Collection[str]
    exponentials: Collection[str]
    kernels: Collection[str]
    bounded: Collection[str]
    family: Callable[[str, list[bool]], Family]


class Blend(NamedTuple):
    """Outputs that are made of probabilities: of what, and by which operation."""

    parts: dict[str, int]
    entry: Any

    def __str__(self) -> str:
        several = {"softmax": "softmaxes", "sigmoid": "sigmoids", "exponential": "exponentials"}
        one = {"softmax": "a softmax", "sigmoid": "a sigmoid", "exponential": "an exponential"}
        return " and ".join(one[name] if n == 1 else f"{n} {several[name]}" for name, n in self.parts.items())


class Head(NamedTuple):
    """A final softmax or sigmoid, and the value that is explained in its place; without one, the output itself.

    Of a softmax, `row` is over how many numbers it goes: all units, or those of one pixel after the other.
    """

    kind: str | None
    logit: int
    row: int | None = None


def find_head(
    flat: BaseFlat[Any],
    table: Table,
    units: int,
    shape_of: Callable[[int], tuple[int, ...] | None],
    compute: Callable[[int, np.ndarray], np.ndarray],
) -> Head:
    """Find the head, and add to the entries what takes the value before it through the operations after it.

    Parameters
    ----------
    flat : BaseFlat
    table : Table
    units : int
        Number of the model's outputs.
    shape_of : callable
        Shape of a value for two images; None where it isn't known.
    compute : callable
        The model's output for two images, where a value is given.
    """
    nothing = Head(None, flat.output)
    value, behind = flat.output, []
    while (entry := flat.producers.get(value)) is not None and entry.kind not in table.heads:
        data = _data(flat, entry)
        if len(data) != 1 or not _keeps(flat, table, entry):
            return nothing
        behind.append(entry)
        value = data[0]
    if entry is None:
        return nothing
    kind, before = table.heads[entry.kind], entry.inputs[0]
    if all(one.kind in table.casts and flat.is_real(one.outputs[0]) for one in behind):
        return Head(kind, before, units if kind == "softmax" else None)
    shape = shape_of(value)
    if shape is None or np.prod(shape) != TRIED * units:
        return nothing
    row = shape[-1] if kind == "softmax" else None
    given = _numbers(shape)
    found = compute(value, given)
    kept = _same_rows(given, found, units, whole=row is not None) if row in (None, units) else _rows_stay(given, found)
    return Head(kind, _again(flat, value, before), row) if kept else nothing


def _keeps(flat: BaseFlat[Any], table: Table, entry: Entry) -> bool:
    """Whether an operation may put numbers elsewhere and do nothing else, as linear ones and maxima may."""
    kind = entry.kind
    family = table.family(kind, [value in flat.data for value in entry.inputs])
    return family in (Family.LINEAR, Family.MAXIMUM) and kind not in table.kernels


def _numbers(shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers, of which the first of each row is unlike that of any other row, in single precision too."""
    random = np.random.default_rng(0)
    given = random.normal(size=shape)
    first = given[..., 0]
    given[..., 0] = random.permutation(np.linspace(-3, 3, first.size)).reshape(first.shape)
    return given


def _same_rows(given: np.ndarray, found: np.ndarray, units: int, *, whole: bool) -> bool:
    """Whether numbers are the same in another order; with `whole`, each row still has those of one row."""
    if found.shape != (TRIED, units):
        return False
    before, after = given.reshape(TRIED, units), found
    if not whole:
        before, after = before.reshape(1, -1), after.reshape(1, -1)
    rows = np.sort(before, axis=1)[:, None] - np.sort(after, axis=1)[None]
    # rows may change places, where images are not along the first axis
    return bool((np.abs(rows).max(axis=2).min(axis=0) < 1e-5 * np.abs(given).max()).all())


def _rows_stay(given: np.ndarray, found: np.ndarray) -> bool:
    """Whether each image has its rows of numbers still, in whatever order; where there is one row of outputs."""
    if found.shape != (TRIED, given.size // TRIED):
        return False
    row = given.shape[-1]
    before, after = given.reshape(TRIED, -1, row), found.reshape(TRIED, -1, row)
    for one, other in zip(before, after, strict=True):
        gap = one[np.argsort(one[:, 0])] - other[np.argsort(other[:, 0])]
        if np.abs(gap).max() >= 1e-5 * np.abs(given).max():
            return False
    return True


def _again(flat: BaseFlat[Any], old: int, new: int) -> int:
    """The output, with one value in the place of another."""
    wanted, renamed = leading_to(flat.output, flat.inputs_of), {old: new}
    for entry in list(flat.entries):
        if renamed.keys().isdisjoint(entry.inputs) or wanted.isdisjoint(entry.outputs):
            continue
        copy = flat.again(entry, [renamed.get(value, value) for value in entry.inputs])
        renamed.update(zip(entry.outputs, copy.outputs, strict=True))
    return renamed[flat.output]


def find_blend(flat: BaseFlat[Any], table: Table) -> Blend | None:
    """What the outputs are made of, if that is the values of softmaxes, sigmoids and exponentials alone.

    A logit can be any number. What means, sums, products, largest values and the like make of probabilities can't:
    it stays a probability, or something on its scale; so do exponentials, which a softmax that is written out is made
    of. A layer with a kernel, such as a dense one, or a logarithm makes of them what may be a logit, which only the
    user knows. So does whatever else goes into the outputs, such as the values that a gate is multiplied by.
    """
    parts: Counter[str] = Counter()
    mixing: list[Entry] = []
    seen: set[int] = set()
    stack = [flat.output]
    while stack:
        value = stack.pop()
        if value in seen:
            continue
        seen.add(value)
        entry = flat.producers.get(value)
        if entry is None:
            return None
        kind = entry.kind
        if kind in table.heads:
            parts[table.heads[kind]] += 1
        elif kind in table.exponentials:
            parts["exponential"] += 1
        elif _stays(flat, table, entry):
            stack.extend(_data(flat, entry))
            mixing.append(entry)
        else:
            return None
    if not parts:
        return None
    several = [entry for entry in mixing if len(_data(flat, entry)) > 1]
    last = flat.producers[flat.output]
    return Blend(dict(parts), several[0] if several else last)


def _stays(flat: BaseFlat[Any], table: Table, entry: Entry) -> bool:
    """Whether an operation makes no logits of probabilities."""
    kind, carries = entry.kind, [value in flat.data for value in entry.inputs]
    if kind in table.kernels and sum(carries) == 1:
        return False
    mixing = (Family.LINEAR, Family.PRODUCT, Family.QUOTIENT, Family.CONTRACTION, Family.MAXIMUM)
    return kind in table.bounded or table.family(kind, carries) in mixing


def _data(flat: BaseFlat[Any], entry: Entry) -> list[int]:
    return [value for value in entry.inputs if value in flat.data]
