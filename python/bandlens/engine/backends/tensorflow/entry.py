"""An operation of a traced function, as it stands in the flat list of all."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


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
