"""Parts of a trace, applied to a batch inside functions of our own.

A trace is of one image. Every operation that carries image data is applied to a batch of them by `jax.vmap`, so that a
value is one block per image, whatever the model does with its axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from ...graph import Graph
from ..run import BaseRun
from .flat import Entry, Flat, computed_in, is_real
from .once import once

# their derivatives look for the elements that equal the result: if XLA computes these anew there, with other rounding,
# there is none, and the derivative is 0 / 0
_FOUND_AGAIN = frozenset({"reduce_max", "reduce_min"})


class Source(Protocol):
    """What a run needs of a trace."""

    flat: Flat

    @property
    def weights(self) -> tuple[Any, ...]:
        """The model's arrays, or what stands for them."""
        ...

    def value_dtype(self, value: int) -> Any:
        """The dtype that a value is computed in."""
        ...


class Run(BaseRun[Entry]):
    """Parts of a trace for one batch."""

    def __init__(self, trace: Source, tensors: Mapping[int, Any], graph: Graph | None = None, n: int = 0) -> None:
        super().__init__(trace.flat, graph)
        self._trace = trace
        self._flat = trace.flat
        self._weights = trace.weights
        self._n = n
        # with an axis of their own for the images, before those of the trace
        self._blocks: dict[int, Any] = {value: blocks(trace.flat, value, tensor) for value, tensor in tensors.items()}

    def same(self, output: int, value: int) -> None:
        """Let a value be another, where its operation doesn't matter."""
        self._blocks[output] = self._block(value)

    def compute(self, entry: Entry) -> None:
        """Compute an entry's outputs from what is known."""
        inputs = self._alike(entry, [self._block(value) for value in entry.inputs])
        if entry.kind in _FOUND_AGAIN:
            inputs = [once(block) for block in inputs]
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

    def value(self, value: int) -> Any:
        """A value that is given, was computed, or carries no image data; images along the first axis of the trace."""
        block = self._block(value)
        return jnp.reshape(block, (-1, *block.shape[2:])) if value in self._flat.data else block

    def _block(self, value: int) -> Any:
        self._find(value)
        return self._blocks[value]

    def _knows(self, value: int) -> bool:
        return value in self._blocks

    def _takes(self, value: int) -> bool:
        if value in self._flat.weight_of:
            weight = self._weights[self._flat.weight_of[value]]
            self._blocks[value] = weight.astype(computed_in(weight.dtype)) if is_real(weight.dtype) else weight
        elif value in self._flat.literals:
            self._blocks[value] = self._flat.literals[value]
        elif value in self._layouts:
            self._blocks[value] = jnp.zeros((self._n, *self._flat.shape(value)), self._trace.value_dtype(value))
        else:
            return False
        return True


def blocks(flat: Flat, value: int, tensor: Any) -> Any:
    """A value with an axis of its own for images, before those of the trace; as it is where it has no image data."""
    if value not in flat.data:
        return tensor
    # what a value has one number of for many elements may be given for each of them
    return jnp.reshape(tensor, (-1, flat.shape(value)[0], *tensor.shape[1:]))
