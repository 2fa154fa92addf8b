"""Parts of a trace, applied to a batch inside functions of our own.

A trace is of one image. Every operation that carries image data is applied to a batch of them by `jax.vmap`, so that a
value is one block per image, whatever the model does with its axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from ...graph import Graph, Operation
from .flat import Entry, computed_in, is_real

if TYPE_CHECKING:
    from .trace import Trace


class Run:
    """Parts of a trace for one batch.

    Parameters
    ----------
    trace : Trace
    tensors : mapping of int to array
        Values that are given: the images, or any values in the middle.
    graph : Graph, optional
    n : int, optional
        With these, a value that is needed for its shape alone need not be given; `n` is the number of images in the
        batch.
    """

    def __init__(self, trace: Trace, tensors: Mapping[int, Any], graph: Graph | None = None, n: int = 0) -> None:
        self._trace = trace
        self._flat = trace.flat
        self._weights = trace.weights
        self._layouts = {} if graph is None else graph.layouts
        self._n = n
        # with an axis of their own for the images, before those of the trace
        self._blocks: dict[int, Any] = {value: self._split(value, tensor) for value, tensor in tensors.items()}

    def _split(self, value: int, tensor: Any) -> Any:
        # what a value has one number of for many elements may be given for each of them
        length = self._flat.shape(value)[0]
        return jnp.reshape(tensor, (-1, length, *tensor.shape[1:]))

    def same(self, output: int, value: int) -> None:
        """Let a value be another, where its operation doesn't matter."""
        self._blocks[output] = self._block(value)

    def apply(self, operation: Operation | Entry) -> None:
        """Compute an operation's outputs from what is known."""
        entry: Entry = operation.handle if isinstance(operation, Operation) else operation
        inputs = self._alike(entry, [self._block(value) for value in entry.inputs])
        carried = [value in self._flat.data for value in entry.inputs]
        axes = [0 if one else None for one in carried]
        apply = jax.vmap(entry.apply, in_axes=axes) if any(carried) else entry.apply
        self._blocks.update(zip(entry.outputs, apply(*inputs), strict=True))

    def _alike(self, entry: Entry, inputs: list[Any]) -> list[Any]:
        """Inputs of one shape, where some were given for each element that are one for many."""
        flat = self._flat
        carried = [value in flat.data for value in entry.inputs]
        shapes = [block.shape[1:] if data else block.shape for block, data in zip(inputs, carried, strict=True)]
        if all(shape == flat.shape(value) for shape, value in zip(shapes, entry.inputs, strict=True)):
            return inputs
        full = jnp.broadcast_shapes(*shapes)
        return [
            block if shape == () else jnp.broadcast_to(block, (block.shape[0], *full) if data else full)
            for block, shape, data in zip(inputs, shapes, carried, strict=True)
        ]

    def forward(self, operations: Sequence[Operation]) -> Run:
        """Compute operations in order."""
        for operation in operations:
            self.apply(operation)
        return self

    def value(self, value: int) -> Any:
        """A value that is given, was computed, or carries no image data; images along the first axis of the trace."""
        block = self._block(value)
        return jnp.reshape(block, (-1, *block.shape[2:])) if value in self._flat.data else block

    def _block(self, value: int) -> Any:
        stack = [value]
        while stack:
            top = stack[-1]
            if top in self._blocks:
                stack.pop()
            elif top in self._flat.weight_of:
                weight = self._weights[self._flat.weight_of[top]]
                self._blocks[top] = weight.astype(computed_in(weight.dtype)) if is_real(weight.dtype) else weight
            elif top in self._flat.literals:
                self._blocks[top] = self._flat.literals[top]
            elif top in self._layouts:
                self._blocks[top] = jnp.zeros((self._n, *self._flat.shape(top)), self._trace.value_dtype(top))
            else:
                entry = self._flat.producers[top]
                missing = [source for source in entry.inputs if source not in self._blocks]
                if missing:
                    stack.extend(missing)
                else:
                    self.apply(entry)
        return self._blocks[value]
