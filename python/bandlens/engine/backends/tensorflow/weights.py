"""A model's weights, and what is made of them alone, as arguments of all that is compiled.

Steps don't read weights themselves: they are given what the operations on images need of them, as it is at each call.
So what a batch normalisation makes of its four weights is written once for a model, not into each of its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import tensorflow as tf

from ..flat import leading_to
from .flat import Flat
from .run import Run, Source, computed_in


class Weighted(Protocol):
    """What compiling needs of a trace."""

    @property
    def weights(self) -> Weights:
        """What its steps are given."""
        ...

    def given(self, graph: tf.Graph, weights: dict[int, tf.Tensor]) -> None:
        """Let parts of the trace that are written into a graph, or into one within it, use these tensors."""
        ...


class Weights:
    """Values that don't depend on the images, but on weights, and that operations on images need.

    Parameters
    ----------
    source : Source
        The trace that they are values of.
    concrete : ConcreteFunction
        The model as it was traced.

    Attributes
    ----------
    specs : dict of int to TensorSpec
        The values, in order.
    """

    def __init__(self, source: Source, concrete: Any) -> None:
        self._source = source
        self._concrete = concrete
        self.specs = dict(_needed(source.flat))
        self._function: Callable[[], list[tf.Tensor]] | None = None

    def read(self) -> list[tf.Tensor]:
        """All of them, as they are now."""
        if self._function is None:
            self._function = self._made()
        return self._function()

    def _made(self) -> Callable[[], list[tf.Tensor]]:
        """The function that makes them: a part of the model's own, where that is in the right precision."""
        if not self.specs:
            return list
        flat, graph = self._source.flat, self._concrete.graph
        inside = {tensor.ref(): tensor for operation in graph.get_operations() for tensor in operation.outputs}
        tensors = [_tensor(flat, value) for value in self.specs]
        widened = any(computed_in(dtype) != dtype for dtype in flat.dtypes)
        if widened or any(tensor is None or tensor.ref() not in inside for tensor in tensors):
            return tf.compat.v1.wrap_function(self._written, [])
        part, image = with_outputs(self._concrete, tensors), self._concrete.inputs[0]
        nothing = tf.zeros((1, *image.shape[1:]), image.dtype)  # what is made of weights alone asks for no images
        return lambda: part(nothing)

    def _written(self) -> list[tf.Tensor]:
        run = Run(self._source, {})
        return [run.value(value) for value in self.specs]


def with_outputs(concrete: Any, outputs: list[tf.Tensor]) -> Callable[..., list[tf.Tensor]]:
    """A function that was wrapped, with other outputs of the same graph; what they don't need is not computed.

    TensorFlow's own way, `prune`, writes all operations anew.
    """
    graph = concrete.graph
    before = graph.outputs, graph.structured_outputs
    graph.outputs = graph.structured_outputs = outputs
    try:
        found: Callable[..., list[tf.Tensor]] = type(concrete)(graph, None, signature=[concrete.inputs[0]])
    finally:
        graph.outputs, graph.structured_outputs = before
    return found


def _needed(flat: Flat) -> Iterator[tuple[int, tf.TensorSpec]]:
    """Values and what they are like; of what has no fixed shape, or is no number, steps have to make their own."""
    made = set(flat.captures)
    for entry in flat.entries:
        if flat.varying.isdisjoint(entry.outputs) and not made.isdisjoint(entry.inputs):
            made.update(entry.outputs)
    wanted = leading_to(flat.output, flat.inputs_of)
    found: set[int] = set()
    for entry in flat.entries:
        if wanted.isdisjoint(entry.outputs) or flat.varying.isdisjoint(entry.outputs):
            continue
        for value in entry.inputs:
            if value in found or value not in made or not flat.is_real(value):
                continue
            made_of = flat.captures[value] if value in flat.captures else _tensor(flat, value)
            if made_of is not None and made_of.shape.is_fully_defined():
                found.add(value)
                yield value, tf.TensorSpec(made_of.shape, computed_in(made_of.dtype))


def _tensor(flat: Flat, value: int) -> tf.Tensor | None:
    """A value as it was traced; None if it is one that the function takes from outside."""
    entry = flat.producers.get(value)
    return None if entry is None else entry.op.outputs[entry.outputs.index(value)]
