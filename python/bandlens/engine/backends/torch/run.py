"""Parts of a trace, computed again for batches of our own, in the precision that explanations need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from ...graph import Graph, Operation
from .flat import Entry, computed_in

if TYPE_CHECKING:
    from .trace import Trace


class Run:
    """Parts of a trace for one batch.

    Parameters
    ----------
    trace : Trace
    tensors : mapping of int to tensor
        Values that are given: the images, or any values in the middle.
    graph : Graph, optional
    n : int, optional
        With these, a value that is needed for its shape alone need not be given; `n` is the number of images in the
        batch.
    """

    def __init__(
        self, trace: Trace, tensors: Mapping[int, torch.Tensor], graph: Graph | None = None, n: int = 0
    ) -> None:
        self._trace = trace
        self._flat = trace.flat
        self._layouts = {} if graph is None else graph.layouts
        self._tensors = dict(tensors)
        self._n = n or self._count()

    def _count(self) -> int:
        """The number of images, by the shape of a given value."""
        value, layout = next(
            (value, self._flat.layouts[value]) for value in self._tensors if value in self._flat.layouts
        )
        return self._tensors[value].shape[layout.axis] // layout.shape[layout.axis]

    def apply(self, operation: Operation | Entry) -> None:
        """Compute an operation's outputs from what is known."""
        entry: Entry = operation.handle if isinstance(operation, Operation) else operation
        given = {value: self.value(value) for value in entry.inputs}
        self._tensors.update(zip(entry.outputs, entry.apply(self._n, given), strict=True))

    def same(self, output: int, value: int) -> None:
        """Let a value be another, where its operation doesn't matter."""
        self._tensors[output] = self.value(value)

    def forward(self, operations: Sequence[Operation]) -> Run:
        """Compute operations in order."""
        for operation in operations:
            self.apply(operation)
        return self

    def value(self, value: int) -> torch.Tensor:
        """A value that is given, was computed, or carries no image data."""
        stack = [value]
        while stack:
            top = stack[-1]
            if top in self._tensors:
                stack.pop()
            elif top in self._flat.weights:
                weight = self._trace.weights[top]
                self._tensors[top] = weight.to(computed_in(weight.dtype))
            elif top in self._layouts:
                self._tensors[top] = self._trace.zeros(top, self._layouts[top], self._n)
            else:
                entry = self._flat.producers[top]
                missing = [source for source in entry.inputs if source not in self._tensors]
                if missing:
                    stack.extend(missing)
                else:
                    self.apply(entry)
        return self._tensors[value]
