"""A traced function as one flat list of operations, its calls inlined and its values numbered."""

from __future__ import annotations

import hashlib
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import (
    function_def_to_graph,  # no public way into a nested function
)

from .. import heads
from ..flat import BaseFlat
from . import operations as table
from .marks import marked

HEADS = heads.Table(
    heads={"Softmax": "softmax", "Sigmoid": "sigmoid"},
    casts={"Cast"},
    exponentials={"Exp"},
    kernels=frozenset(table.BILINEAR) - {"Mul", "MulNoNan"},
    bounded={"Abs", "ClipByValue", "Maximum", "Minimum", "Pow", "Sqrt", "Square"},
    family=table.TABLE.family,
)


class Entry:
    """An operation of the flattened function with its values as integers.

    Attributes
    ----------
    likeness : tuple
        Equal for operations that do the same to the same values.
    """

    __slots__ = ("inputs", "kind", "likeness", "name", "op", "outputs")

    def __init__(self, op: tf.Operation, name: str, inputs: list[int], likeness: tuple[Any, ...]) -> None:
        self.op = op
        self.kind: str = op.type
        self.name = name
        self.inputs = inputs
        self.likeness = likeness
        self.outputs: list[int] = []


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
    fingerprint : tuple
        Equal for two traces of the same operations on the same weights.
    """

    def __init__(self, concrete: Any) -> None:
        super().__init__()
        self.captures: dict[int, Any] = {}
        self.dtypes: list[tf.DType] = []
        graph = concrete.graph
        definition = graph.as_graph_def()
        self._library = {function.signature.name: function for function in definition.library.function}
        external = {inner.name: outer for outer, inner in graph.captures}
        image = concrete.inputs[0].name
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
        self._inline(graph, values, "")
        self.output = values[concrete.outputs[0].name]
        self.data = {self.input}
        for entry in self.entries:
            if entry.kind not in table.SHAPE_ONLY and not self.data.isdisjoint(entry.inputs):
                self.data.update(entry.outputs)
        self.fingerprint = self._fingerprint()

    def _fingerprint(self) -> tuple[str, tuple[int, ...]]:
        """Equal for two traces of the same operations on the same weights (compared by identity)."""
        digest = hashlib.sha256(repr((self.input, self.output)).encode())
        for entry in self.entries:
            digest.update(repr((*entry.likeness, entry.outputs)).encode())
        return digest.hexdigest(), tuple(id(outer) for _, outer in sorted(self.captures.items()))

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
            elif op.type in table.CALLS:
                inner = function_def_to_graph(self._library[op.get_attr("f").name], include_library_functions=True)
                inside = {tensor.name: value for tensor, value in zip(inner.inputs, inputs, strict=True)}
                self._inline(inner, inside, f"{scope}{op.name}/")
                values.update({out.name: inside[t.name] for out, t in zip(op.outputs, inner.outputs, strict=True)})
            else:
                entry = self._entry(op, scope + op.name, inputs)
                values.update({out.name: value for out, value in zip(op.outputs, entry.outputs, strict=True)})

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
