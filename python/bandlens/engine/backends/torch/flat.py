"""A model as one flat list of operations for any number of images, from recordings of it for two images and for three.

Where an operation was given another number for three images than for two, a length or a shape, that number grows
with the images in equal steps.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from ...graph import Layout
from .. import heads, refusals
from ..flat import BaseFlat, block_per_image
from . import operations as table
from .marks import marked
from .recording import Node, Recording, Value, kind, leaves, mapped
from .unvalued import convolution

SIZES = (2, 3)
# explained in the precision below: the same function, without rounding that would drown small differences
_COMPUTED_IN = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
# takes the place of infinity, as in masks of attention: the same function, but differences are numbers
LARGEST = 1e38
# shapes were fine for the memory that the recording happened to lay out
_FREER = {torch.ops.aten.view.default: torch.reshape, torch.ops.aten._unsafe_view.default: torch.reshape}
# what takes the place of operations
_OURS = {**_FREER, torch.ops.aten.convolution.default: convolution}

HEADS = heads.Table(
    heads={"_softmax": "softmax", "sigmoid": "sigmoid"},
    casts={"_to_copy"},
    exponentials={"exp", "exp2"},
    kernels=frozenset(table.BILINEAR) - {"mul"},
    bounded=frozenset("abs clamp clamp_max clamp_min maximum minimum pow sqrt square".split()),
    family=table.TABLE.family,
)


@dataclass(frozen=True)
class Growing:
    """A number that grows with the images."""

    first: int
    step: int

    def __call__(self, n: int) -> int:
        """The number for `n` images."""
        return self.first + (n - SIZES[0]) * self.step


class Entry:
    """An operation with its values as integers, and a way to apply it."""

    __slots__ = ("args", "function", "inputs", "kind", "kwargs", "layer", "outputs", "places", "writes")

    def __init__(self, node: Node, args: Any, kwargs: Any, inputs: list[int], outputs: dict[int, int]) -> None:
        self.kind = kind(node.function)
        self.function = _OURS.get(node.function, node.function)
        self.writes = node.function._schema.is_mutable
        self.layer = node.layer
        self.args = args
        self.kwargs = kwargs
        self.inputs = inputs
        self.outputs = list(outputs.values())
        self.places = list(outputs)  # where they are among all that the operation returns

    def on(self, renamed: Mapping[int, int], outputs: Iterable[int]) -> Entry:
        """The same operation on other values."""

        def rename(part: Any) -> Any:
            return Value(renamed[part.number]) if isinstance(part, Value) else part

        other = copy.copy(self)
        other.args, other.kwargs = mapped(self.args, rename), mapped(self.kwargs, rename)
        other.inputs, other.outputs = [renamed[value] for value in self.inputs], list(outputs)
        return other

    def apply(self, n: int, tensors: dict[int, torch.Tensor]) -> list[torch.Tensor]:
        """Compute the outputs for `n` images."""

        def given(part: Any) -> Any:
            if isinstance(part, Value):
                # what writes into a tensor gets one of its own
                return tensors[part.number].clone() if self.writes else tensors[part.number]
            return part(n) if isinstance(part, Growing) else part

        found = list(leaves(self.function(*mapped(self.args, given), **mapped(self.kwargs, given))))
        return [found[place] for place in self.places]


class Flat(BaseFlat[Entry]):
    """A recorded model with values numbered.

    Attributes
    ----------
    weights : dict of int to Tensor
        What the model holds, as the very tensors: no copies.
    layouts : dict of int to Layout
        Of the values in `data` that are one block per image.
    """

    def __init__(self, recordings: Sequence[Recording], outputs: Sequence[torch.Tensor]) -> None:
        super().__init__()
        few, more = (_part(recording, output) for recording, output in zip(recordings, outputs, strict=True))
        steps = [[(node.function, node.inputs, node.outputs) for node in part.nodes] for part in (few, more)]
        if steps[0] != steps[1]:
            raise refusals.mixes_images("its operations depend on their number")
        self.input = 0
        self.dtypes = [tensor.dtype for tensor in few.tensors]
        self.shapes = [(tuple(a.shape), tuple(b.shape)) for a, b in zip(few.tensors, more.tensors, strict=True)]
        self._same: dict[int, int] = {}
        used, made = few.used, {self.input}
        for one, other in zip(few.nodes, more.nodes, strict=True):
            made.update(one.outputs)
            self._add(one, other, used)
        self.output: int = self._same.get(few.output, few.output)
        self.data = {self._same.get(value, value) for value in few.data}
        self.weights: dict[int, torch.Tensor] = {}
        self._constants: list[int] = []
        for value in sorted(used - made):
            tensor, other_tensor = few.tensors[value], more.tensors[value]
            if tensor is not other_tensor:  # a number in the program: made anew at each call
                self._constants.append(value)
                if not _equal(tensor, other_tensor):
                    raise refusals.mixes_images("a number in it depends on how many there are")
                tensor = _finite(tensor)
            self.weights[value] = tensor.detach()
        layouts = {value: _layout(*self.shapes[value], self.is_real(value)) for value in self.data}
        self.layouts: dict[int, Layout] = {value: found for value, found in layouts.items() if found is not None}

    def _add(self, one: Node, other: Node, used: set[int]) -> None:
        """An operation that stood at the same place in both recordings."""
        name = kind(one.function)
        if name in table.ALIAS:
            (output,), source = one.outputs, one.inputs[0]
            self._same[output] = self._same.get(source, source)
            number = marked(one)
            if number is not None:
                self.marks.setdefault(number, self._same[output])
            return
        if name in table.FILLED:
            node, args, kwargs = self._filled(one, name)
        else:
            node = one
            args, kwargs = _joined(self._renamed((one.args, one.kwargs)), self._renamed((other.args, other.kwargs)))
        inputs = [part.number for part in _values((args, kwargs))]
        outputs = {place: value for place, value in enumerate(one.outputs) if value in used}
        entry = Entry(node, args, kwargs, inputs, outputs)
        own = name in table.FILLED or entry.writes or is_random(entry)
        earlier = self._first(entry, None if own else (str(node.function), repr((args, kwargs)), *entry.places))
        if earlier is entry:
            self._append(entry)
        else:
            self._same.update(zip(entry.outputs, earlier.outputs, strict=True))

    def _filled(self, node: Node, name: str) -> tuple[Node, Any, Any]:
        """A tensor of one number, by its own shape instead of that of another."""
        (output,) = node.outputs
        shape = _joined(*map(list, self.shapes[output]))
        fill = table.FILLED[name]
        fill = node.args[-1] if fill is None else fill
        kwargs = {"dtype": computed_in(self.dtypes[output]), "device": node.kwargs.get("device")}
        return node._replace(function=torch.ops.aten.full.default, inputs=[]), (shape, fill), kwargs

    def _renamed(self, held: Any) -> Any:
        def rename(part: Any) -> Any:
            if isinstance(part, Value):
                return Value(self._same.get(part.number, part.number))
            if isinstance(part, float):
                return min(max(part, -LARGEST), LARGEST)
            return computed_in(part) if isinstance(part, torch.dtype) else part

        return mapped(held, rename)

    def is_real(self, value: int) -> bool:
        """Whether a value is of a floating type."""
        return self.dtypes[value].is_floating_point

    def fingerprint(self) -> str:
        """Equal for two recordings of the same operations, whatever the values of the model's weights."""
        digest = hashlib.sha256(repr((self.input, self.output)).encode())
        for entry in self.entries:
            digest.update(repr((str(entry.function), entry.args, entry.kwargs, entry.outputs, entry.places)).encode())
        for value, weight in self.weights.items():
            digest.update(repr((value, tuple(weight.shape), weight.dtype, weight.device)).encode())
            if value in self._constants:
                digest.update(repr(weight.tolist()).encode())
        return digest.hexdigest()

    def _copied(self, entry: Entry, inputs: list[int]) -> Entry:
        renamed = dict(zip(entry.inputs, inputs, strict=True))
        other = entry.on(renamed, range(len(self.dtypes), len(self.dtypes) + len(entry.outputs)))
        for old, new in zip(entry.outputs, other.outputs, strict=True):
            self.dtypes.append(self.dtypes[old])
            self.shapes.append(self.shapes[old])
            if old in self.layouts:
                self.layouts[new] = self.layouts[old]
        return self._append(other)


def is_random(entry: Entry) -> bool:
    """Whether an operation draws random numbers."""
    return torch.Tag.nondeterministic_seeded in getattr(entry.function, "tags", ())


def computed_in(dtype: torch.dtype) -> torch.dtype:
    """The floating type in which values of this type are computed here."""
    return _COMPUTED_IN.get(dtype, dtype)


def _layout(few: Sequence[int], more: Sequence[int], real: bool) -> Layout | None:
    """What both batches tell of a value's shape for one image; None where it isn't a block per image."""
    grown = [axis for axis, (a, b) in enumerate(zip(few, more, strict=True)) if a != b]
    if any(few[axis] * SIZES[1] != more[axis] * SIZES[0] for axis in grown):
        return None
    return block_per_image(few, grown, SIZES[0], real)


class Part(NamedTuple):
    """The part of a recording that an output is computed by, its tensors numbered as they come."""

    nodes: list[Node]
    tensors: list[torch.Tensor]
    data: set[int]
    used: set[int]
    output: int


def _part(recording: Recording, output: torch.Tensor) -> Part:
    used = _leading_to(recording.number(output), recording.nodes)
    nodes = [node for node in recording.nodes if not used.isdisjoint(node.outputs)]
    numbers = {0: 0}  # the images
    for value in (value for node in nodes for value in (*node.inputs, *node.outputs)):
        numbers.setdefault(value, len(numbers))
    place = numbers.setdefault(recording.number(output), len(numbers))

    def renumbered(part: Any) -> Any:
        return Value(numbers[part.number]) if isinstance(part, Value) else part

    nodes = [
        node._replace(
            args=mapped(node.args, renumbered),
            kwargs=mapped(node.kwargs, renumbered),
            inputs=[numbers[value] for value in node.inputs],
            outputs=[numbers[value] for value in node.outputs],
        )
        for node in nodes
    ]
    data = {numbers[value] for value in recording.data if value in numbers}
    tensors = [recording.tensors[value] for value in numbers]
    return Part(nodes, tensors, data, {numbers[value] for value in used}, place)


def _leading_to(output: int, nodes: Sequence[Node]) -> set[int]:
    """All values that a value is computed from, and itself; their operations may make others too."""
    used = {output}
    for node in reversed(nodes):
        if not used.isdisjoint(node.outputs):
            used.update(node.inputs)
    return used


def _finite(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clamp(-LARGEST, LARGEST) if tensor.is_floating_point() else tensor


def _joined(one: Any, other: Any) -> Any:
    """What two recordings gave to an operation, with numbers that grow."""
    if isinstance(one, list | tuple):
        if type(one) is not type(other) or len(one) != len(other):
            raise refusals.mixes_images("its operations depend on their number")
        parts = [_joined(a, b) for a, b in zip(one, other, strict=True)]
        return parts if isinstance(one, list) else tuple(parts)
    if isinstance(one, dict):
        return {key: _joined(one[key], other[key]) for key in one}
    if repr(one) == repr(other) or isinstance(one, torch.Generator):
        return one
    if type(one) is int and type(other) is int:
        return Growing(one, other - one)
    raise refusals.mixes_images("a number in it depends on how many there are")


def _values(structure: Any) -> list[Value]:
    return [part for part in leaves(structure) if isinstance(part, Value)]


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and bool(((one == other) | (one != one)).all())
