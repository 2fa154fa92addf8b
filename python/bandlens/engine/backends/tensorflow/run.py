"""Parts of a trace, re-created inside functions of our own, in the precision that explanations need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

from ...graph import Graph, Layout
from ..run import BaseRun
from . import cubes
from .bodies import brought
from .entry import Entry
from .flat import Flat
from .grouped import convolved, is_grouped
from .writing import written

# explained in the precision below: the same function, without rounding that would drown small differences
_COMPUTED_IN = {tf.float16: tf.float32, tf.bfloat16: tf.float32}


class Source(Protocol):
    """What a run needs of a trace."""

    flat: Flat

    def fixed(self, graph: tf.Graph) -> dict[int, tf.Tensor]:
        """Values that don't depend on the images, made once for all that is computed in a graph."""
        ...

    def zeros(self, value: int, layout: Layout, n: int) -> tf.Tensor:
        """A stand-in of the right shape for `n` images, where only shapes matter."""
        ...


class Run(BaseRun[Entry]):
    """Parts of a trace, re-created in the function being compiled, for one batch."""

    def __init__(self, trace: Source, tensors: Mapping[int, tf.Tensor], graph: Graph | None = None, n: int = 0) -> None:
        super().__init__(trace.flat, graph)
        self._flat = trace.flat
        self._trace = trace
        self._n = n
        self._fixed = trace.fixed(tf.compat.v1.get_default_graph())
        self.tensors = dict(tensors)

    def compute(self, entry: Entry) -> None:
        """Compute an entry's outputs from what is known."""
        found = self.applied(entry.op, [self.value(value) for value in entry.inputs])
        varies = self._flat.varying.issuperset(entry.outputs)
        (self.tensors if varies else self._fixed).update(zip(entry.outputs, found, strict=True))

    def applied(self, op: tf.Operation, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """What an operation makes of inputs."""
        # weights are read as they are stored, everything else is computed in full precision
        stored = not any(source.dtype.is_floating for source in inputs) and not any(
            source.dtype == tf.bool for source in inputs
        )
        attributes = _attributes(op, stored)
        dtypes = [output.dtype if stored else computed_in(output.dtype) for output in op.outputs]

        def create(*tensors: tf.Tensor) -> Sequence[tf.Tensor]:
            graph = tf.compat.v1.get_default_graph()
            made_of = brought(op, graph, attributes)
            return written(op.type, tensors, dtypes, made_of, op.op_def)

        outputs = convolved(op, inputs, create) if is_grouped(op, inputs) else create(*inputs)
        return [
            tf.cast(output, computed_in(output.dtype)) if output.dtype.is_floating else output for output in outputs
        ]

    def same(self, output: int, value: int) -> None:
        """Let a value be another, where its operation doesn't matter."""
        self.tensors[output] = self.value(value)

    def value(self, value: int) -> tf.Tensor:
        """A value that is given, was computed, or carries no image data."""
        self._find(value)
        return self.tensors[value] if value in self.tensors else self._fixed[value]

    def _knows(self, value: int) -> bool:
        return value in self.tensors or value in self._fixed

    def _takes(self, value: int) -> bool:
        if value in self._flat.captures:
            self._fixed[value] = self._flat.captures[value]
        elif value in self._layouts:
            self.tensors[value] = self._trace.zeros(value, self._layouts[value], self._n)
        else:
            return False
        return True


def computed_in(dtype: tf.DType) -> tf.DType:
    """The floating type in which values of this type are computed here."""
    return _COMPUTED_IN.get(dtype, dtype)


def _attributes(op: tf.Operation, stored: bool) -> dict[str, Any]:
    """Attributes of an operation, without what only eager gradients need, in the precision it is computed in."""
    found = {}
    for key, attribute in op.node_def.attr.items():
        if key.startswith("_"):
            continue
        wider = _COMPUTED_IN.get(tf.as_dtype(attribute.type)) if attribute.type and not stored else None
        found[key] = type(attribute)(type=wider.as_datatype_enum) if wider else attribute
    return found | cubes.mended(op.node_def)
