"""A traced function as one flat list of operations, its calls inlined and its values numbered.

Loops with a known number of steps are written out, unless they are to be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import (
    function_def_to_graph,  # no public way into a nested function
)

from .. import heads
from ..flat import BaseFlat
from . import operations as table
from .entry import Entry
from .loops import MAKING, MOST_OPERATIONS, READING, Constants, Lists
from .marks import marked
from .tracing import Traced

HEADS = heads.Table(
    heads={"Softmax": "softmax", "Sigmoid": "sigmoid"},
    casts={"Cast"},
    exponentials={"Exp"},
    kernels=frozenset(table.BILINEAR) - {"Mul", "MulNoNan"},
    bounded={"Abs", "ClipByValue", "Maximum", "Minimum", "Pow", "Sqrt", "Square"},
    family=table.TABLE.family,
)


class Flat(BaseFlat[Entry]):
    """A traced function with calls inlined and values numbered.

    Attributes
    ----------
    captures : dict of int to tensor
        Values that the function takes from outside, as the model's variables.
    dtypes : list
        Of every value.
    varying : set of int
        Values that depend on the images, be it on their number alone.
    architecture : tuple
        Equal for two traces of the same operations on weights that are alike.
    fingerprint : tuple
        Equal for two traces of the same operations on the same weights.
    writes_out : bool
        Whether loops are written out.
    written_out : int
        How many were.
    """

    def __init__(self, traced: Traced, *, writes_out: bool = True) -> None:
        super().__init__()
        self.writes_out = writes_out
        self.written_out = 0
        self.captures: dict[int, Any] = {}
        self.dtypes: list[tf.DType] = []
        graph = traced.graph
        definition = graph.as_graph_def()
        self._library = {function.signature.name: function for function in definition.library.function}
        external = {inner.name: outer for outer, inner in traced.captures}
        image = traced.inputs[0].name
        values: dict[str, int] = {}
        for op in graph.get_operations():
            if op.type == "Placeholder" or (op.outputs and op.outputs[0].name in external):
                name = op.outputs[0].name
                values[name] = self._new(op.outputs[0])
                if name == image:
                    self.input = values[name]
                elif name in external:
                    self.captures[values[name]] = external[name]
        self.varying = {self.input}
        self._constants = Constants(self.producers)
        self._lists = Lists(self._constants, self._made)
        self._inline(graph, values, "")
        self.output = values[traced.outputs[0].name]
        self.data = {self.input}
        for entry in self.entries:
            if entry.kind not in table.SHAPE_ONLY and not self.data.isdisjoint(entry.inputs):
                self.data.update(entry.outputs)
        outside = sorted(self.captures.items())
        self.architecture = self._digest(), tuple((value, outer.dtype) for value, outer in outside)
        self.fingerprint = self.architecture[0], tuple(id(outer) for _, outer in outside)

    def _digest(self) -> str:
        digest = hashlib.sha256(repr((self.input, self.output)).encode())
        for entry in self.entries:
            digest.update(repr((*entry.likeness, entry.outputs)).encode())
        return digest.hexdigest()

    def _new(self, tensor: tf.Tensor) -> int:
        self.dtypes.append(tensor.dtype)
        return len(self.dtypes) - 1

    def _inline(self, graph: Any, values: dict[str, int], scope: str) -> None:
        for op in graph.get_operations():
            if not op.outputs or op.outputs[0].name in values:
                continue
            inputs = [values[tensor.name] for tensor in op.inputs]
            if op.type in table.ALIAS:
                number = marked(op.name) if op.type == "Identity" else None
                if number is not None:
                    self.marks.setdefault(number, inputs[0])
                values.update({out.name: value for out, value in zip(op.outputs, inputs, strict=True)})
            else:
                outputs = self._outputs(op, inputs, scope + op.name)
                values.update({out.name: value for out, value in zip(op.outputs, outputs, strict=True)})

    def _outputs(self, op: tf.Operation, inputs: list[int], name: str) -> list[int]:
        """Values that an operation makes."""
        if op.type in table.CALLS:
            return self._called(self._function(op, "f"), inputs, name)
        if op.type in table.LOOPS and self.writes_out:
            written_out = self._repeated(op, inputs, name)
            if written_out is not None:
                self.written_out += 1
                return written_out
        if op.type in READING:
            element = self._lists.read(op, inputs, name)
            if element is not None:
                return [element]
        entry = self._entry(op, name, inputs)
        if op.type in MAKING:
            self._lists.look(op, entry, name)
        return entry.outputs

    def _function(self, op: tf.Operation, attribute: str) -> Any:
        """A function that an operation calls, as a graph."""
        return function_def_to_graph(self._library[op.get_attr(attribute).name], include_library_functions=True)

    def _called(self, function: Any, inputs: Sequence[int], name: str) -> list[int]:
        """A function's outputs, written out."""
        inside = {tensor.name: value for tensor, value in zip(function.inputs, inputs, strict=True)}
        self._inline(function, inside, f"{name}/")
        return [inside[tensor.name] for tensor in function.outputs]

    def _repeated(self, op: tf.Operation, inputs: list[int], name: str) -> list[int] | None:
        """A loop's outputs, its steps written out; None where their number isn't known, or too large."""
        condition, body = self._function(op, "cond"), self._function(op, "body")
        values, steps = inputs, 0
        while True:
            goes_on = self._constants.of(self._called(condition, values, name)[0])
            if goes_on is None or steps * len(body.get_operations()) > MOST_OPERATIONS:
                return None
            if not goes_on:
                return values
            values = self._called(body, values, name)
            steps += 1

    def _made(
        self, build: Callable[..., tf.Operation], given: list[tuple[tf.DType, Any]], inputs: Sequence[int], name: str
    ) -> list[int]:
        """Outputs of an operation of our own, which `build` creates of tensors of given types and shapes."""
        with tf.Graph().as_default():
            op = build(*(tf.compat.v1.placeholder(dtype, shape) for dtype, shape in given))
        return self._entry(op, name, list(inputs)).outputs

    def _entry(self, op: tf.Operation, name: str, inputs: list[int]) -> Entry:
        """An operation, or the one that does the same already."""
        attr = op.node_def.attr
        plain = [(key, attr[key].SerializeToString(deterministic=True)) for key in sorted(attr) if key[0] != "_"]
        entry = Entry(op, name, inputs, (op.type, tuple(inputs), tuple(plain)))
        entry = self._first(entry, None if op.type in table.RANDOM | table.LOOPS else entry.likeness)
        if not entry.outputs:
            entry.outputs = [self._new(tensor) for tensor in op.outputs]
            self._append(entry)
            if not self.varying.isdisjoint(inputs):
                self.varying.update(entry.outputs)
        return entry

    def is_real(self, value: int) -> bool:
        """Whether a value is of a floating type."""
        return self.dtypes[value].is_floating

    def _copied(self, entry: Entry, inputs: list[int]) -> Entry:
        return self._entry(entry.op, entry.name, inputs)
