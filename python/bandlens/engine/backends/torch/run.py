"""Parts of a trace, computed again for batches of our own, in the precision that explanations need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch

from ...graph import Graph, Layout
from ..run import BaseRun
from .flat import Entry, Flat, computed_in


class Source(Protocol):
    """What a run needs of a trace."""

    flat: Flat
    weights: dict[int, torch.Tensor]

    def zeros(self, value: int, layout: Layout, n: int) -> torch.Tensor:
        """A stand-in of the right shape for `n` images, where only shapes matter."""
        ...


class Run(BaseRun[Entry]):
    """Parts of a trace for one batch."""

    def __init__(
        self, trace: Source, tensors: Mapping[int, torch.Tensor], graph: Graph | None = None, n: int = 0
    ) -> None:
        super().__init__(trace.flat, graph)
        self._trace = trace
        self._flat = trace.flat
        self._tensors = dict(tensors)
        self._n = n or self._count()

    def _count(self) -> int:
        """The number of images, by the shape of a given value."""
        value, layout = next(
            (value, self._flat.layouts[value]) for value in self._tensors if value in self._flat.layouts
        )
        return self._tensors[value].shape[layout.axis] // layout.shape[layout.axis]

    def compute(self, entry: Entry) -> None:
        """Compute an entry's outputs from what is known."""
        given = {value: self.value(value) for value in entry.inputs}
        self._tensors.update(zip(entry.outputs, entry.apply(self._n, given), strict=True))

    def same(self, output: int, value: int) -> None:
        """Let a value be another, where its operation doesn't matter."""
        self._tensors[output] = self.value(value)

    def value(self, value: int) -> torch.Tensor:
        """A value that is given, was computed, or carries no image data."""
        self._find(value)
        return self._tensors[value]

    def _knows(self, value: int) -> bool:
        return value in self._tensors

    def _takes(self, value: int) -> bool:
        if value in self._flat.weights:
            weight = self._trace.weights[value]
            self._tensors[value] = weight.to(computed_in(weight.dtype))
        elif value in self._layouts:
            self._tensors[value] = self._trace.zeros(value, self._layouts[value], self._n)
        else:
            return False
        return True
