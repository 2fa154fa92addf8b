"""A model's weights, and what is made of them alone, as arguments of all that is compiled.

Steps don't read weights themselves: they are given what the operations on images need of them, as it is at each call.
So what a batch normalisation makes of its four weights is written once for a model, not into each of its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from typing import Protocol

import tensorflow as tf

from ..flat import leading_to
from .flat import Flat
from .fusing import Fused, pool
from .parts import Part
from .run import Run, Source, computed_in
from .running import running
from .tracing import Traced


class Weighted(Fused, Protocol):
    """What compiling needs of a trace."""

    @property
    def architecture(self) -> Hashable:
        """Equal for traces of the same operations on weights of any values."""
        ...

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
    traced : Traced
        The model as it was traced.

    Attributes
    ----------
    specs : dict of int to TensorSpec
        The values, in order.
    """

    def __init__(self, source: Source, traced: Traced) -> None:
        self._source = source
        self._traced = traced
        self.specs = dict(_needed(source.flat))
        self._function = pool().submit(self._prepared)

    def read(self) -> list[tf.Tensor]:
        """All of them, as they are now."""
        function = self._function.result()
        with running(least=True):
            return function()

    def _prepared(self) -> Callable[[], list[tf.Tensor]]:
        """The function that makes them, run once: so TensorFlow gets it ready while the first step is written.

        What goes wrong, as where memory is short, is met again where they are read.
        """
        function = self._made()
        with running(least=True), suppress(tf.errors.OpError):
            function()
        return function

    def _made(self) -> Callable[[], list[tf.Tensor]]:
        """The function that makes them: a part of the model's own, where that is in the right precision."""
        if not self.specs:
            return list
        flat, graph = self._source.flat, self._traced.graph
        tensors = {value: _tensor(flat, value) for value in self.specs}
        made = {value: tensor for value, tensor in tensors.items() if value not in flat.captures}
        same = all(computed_in(dtype) == dtype for dtype in flat.dtypes)
        if not same or any(tensor.graph is not graph for tensor in made.values()):
            return tf.compat.v1.wrap_function(self._written, [])
        part = Part(self._traced, list(made.values())) if made else list

        def read() -> list[tf.Tensor]:
            found = {**tensors, **dict(zip(made, part(), strict=True))}
            return list(found.values())

        return read

    def _written(self) -> list[tf.Tensor]:
        run = Run(self._source, {})
        return [run.value(value) for value in self.specs]


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
            if value in made and value not in found and flat.is_real(value):
                tensor = _tensor(flat, value)
                if tensor.shape.is_fully_defined():
                    found.add(value)
                    yield value, tf.TensorSpec(tensor.shape, computed_in(tensor.dtype))


def _tensor(flat: Flat, value: int) -> tf.Tensor:
    """A value that depends on no image: as it was traced, or as the function takes it from outside."""
    if value in flat.captures:
        return flat.captures[value]
    entry = flat.producers[value]
    return entry.op.outputs[entry.outputs.index(value)]
