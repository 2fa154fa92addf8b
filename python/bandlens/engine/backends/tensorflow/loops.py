"""Loops with a known number of steps, such as a recurrent layer's: what has to be known to write them out.

TensorFlow keeps what a loop reads and writes step by step in lists of tensors. In a loop that is written out, element
for element of such a list is a value of the trace, as if the model had been written without a loop: its operations are
those of one step, that many times. The number of steps is known if all that the loop's condition depends on are
constants, as counters are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .entry import Entry

# most operations that a loop may become: what is compiled from them takes time and memory
MOST_OPERATIONS = 20_000

# what counters are computed with
_COUNTING: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Minimum": np.minimum,
    "Maximum": np.maximum,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "LogicalAnd": np.logical_and,
    "LogicalOr": np.logical_or,
    "LogicalNot": np.logical_not,
    "Range": np.arange,
    "Max": lambda values, axes: np.max(values, axis=tuple(np.atleast_1d(axes).astype(int).tolist())),
}


class Constants:
    """Values that are the same in every call, as far as they are needed for counting."""

    def __init__(self, producers: Mapping[int, Entry]) -> None:
        self._producers = producers
        self._known: dict[int, np.ndarray | None] = {}

    def of(self, value: int) -> np.ndarray | None:
        """A value, or None where it isn't known."""
        if value not in self._known:
            self._known[value] = self._found(value)
        return self._known[value]

    def _found(self, value: int) -> np.ndarray | None:
        entry = self._producers.get(value)
        if entry is None:
            return None
        if entry.kind == "Const":
            return tf.get_static_value(entry.op.outputs[0])
        if entry.kind not in _COUNTING:
            return None
        inputs = [self.of(source) for source in entry.inputs]
        return None if any(one is None for one in inputs) else np.asarray(_COUNTING[entry.kind](*inputs))


class Lists:
    """What is known of lists of tensors: the value of each element, or None where nothing was written.

    Parameters
    ----------
    constants : Constants
        For positions and lengths.
    make : callable
        ``make(build, dtypes and shapes, inputs, name)`` adds the operation that `build` creates to the trace and gives
        its outputs.
    """

    def __init__(self, constants: Constants, make: Callable[..., list[int]]) -> None:
        self._constants = constants
        self._make = make
        self._elements: dict[int, list[int | None]] = {}

    def look(self, op: tf.Operation, entry: Entry, name: str) -> None:
        """Take note of an operation that makes a list."""
        (made,) = entry.outputs
        if op.type == "TensorListReserve":
            length = self._constants.of(entry.inputs[1])
            if length is not None and length >= 0:
                self._elements[made] = [None] * int(length)
        elif op.type == "TensorListFromTensor":
            shape = op.inputs[0].shape
            if shape.rank and shape[0] is not None:
                given = [(op.inputs[0].dtype, shape)]
                self._elements[made] = [*self._make(_taken_apart(int(shape[0])), given, entry.inputs[:1], name)]
        elif op.type == "TensorListSetItem" and entry.inputs[0] in self._elements:
            position = self._constants.of(entry.inputs[1])
            elements = list(self._elements[entry.inputs[0]])
            if position is not None and 0 <= position < len(elements):
                elements[int(position)] = entry.inputs[2]
                self._elements[made] = elements

    def read(self, op: tf.Operation, inputs: Sequence[int], name: str) -> int | None:
        """The value that an operation takes from a list; None where it isn't known, and for all other operations."""
        if op.type not in READING or inputs[0] not in self._elements:
            return None
        elements = self._elements[inputs[0]]
        if op.type == "TensorListGetItem":
            position = self._constants.of(inputs[1])
            return elements[int(position)] if position is not None and 0 <= position < len(elements) else None
        written = [element for element in elements if element is not None]
        if not written or len(written) < len(elements):
            return None
        dtype = tf.as_dtype(op.get_attr("element_dtype"))
        (stacked,) = self._make(_put_together, [(dtype, None)] * len(written), written, name)
        return stacked


READING = frozenset({"TensorListGetItem", "TensorListStack"})
MAKING = frozenset({"TensorListReserve", "TensorListFromTensor", "TensorListSetItem"})


def _taken_apart(length: int) -> Callable[..., tf.Operation]:
    return lambda tensor: tf.raw_ops.Unpack(value=tensor, num=length, axis=0)[0].op


def _put_together(*tensors: tf.Tensor) -> tf.Operation:
    return tf.raw_ops.Pack(values=tensors, axis=0).op
