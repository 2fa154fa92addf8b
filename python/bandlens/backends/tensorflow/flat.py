"""A traced function as one flat list of operations, its calls inlined and its values numbered."""

from __future__ import annotations

import hashlib
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import (
    function_def_to_graph,  # no public way into a nested function
)

from . import operations as table
from .marks import marked


class Entry:
    """An operation of the flattened function with its values as integers.

    Attributes
    ----------
    likeness : tuple
        Equal for operations that do the same to the same values.
    """

    __slots__ = ("inputs", "likeness", "name", "op", "outputs")

    def __init__(self, op: tf.Operation, name: str, inputs: list[int], likeness: tuple[Any, ...]) -> None:
        self.op = op
        self.name = name
        self.inputs = inputs
        self.likeness = likeness
        self.outputs: list[int] = []


class Flat:
    """A traced function with calls inlined and values numbered.

    What is computed twice is one value: a band that a formula takes from the images twice is the same band.

    Attributes
    ----------
    varying : set of int
        Values that depend on the images, be it on their number alone.
    """

    def __init__(self, concrete: Any) -> None:
        self.entries: list[Entry] = []
        self.producers: dict[int, Entry] = {}
        self.captures: dict[int, Any] = {}
        self.dtypes: list[tf.DType] = []
        self.marks: dict[int, int] = {}
        self._alike: dict[tuple[Any, ...], Entry] = {}
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
        if op.type not in table.RANDOM | table.LOOPS:
            entry = self._alike.setdefault(entry.likeness, entry)
        if not entry.outputs:
            entry.outputs = [self._new(tensor) for tensor in op.outputs]
            self.entries.append(entry)
            self.producers.update(dict.fromkeys(entry.outputs, entry))
            if not self.varying.isdisjoint(inputs):
                self.varying.update(entry.outputs)
        return entry

    def inputs_of(self, value: int) -> list[int]:
        """Values that a value is computed from."""
        return self.producers[value].inputs if value in self.producers else []

    def head(self) -> tuple[int, str | None]:
        """The value before a final softmax or sigmoid, and which of the two it is."""
        value, casts = self.output, {"Cast"}
        while value in self.producers and self.producers[value].op.type in casts:
            value = self.producers[value].inputs[0]
        names = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
        entry = self.producers.get(value)
        if entry is not None and entry.op.type in names:
            return entry.inputs[0], names[entry.op.type]
        return self.output, None
