"""Parts of a trace, computed for a batch of our own: what running them has in common, whatever the framework."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic

from ..graph import Graph, Layout, Operation
from .flat import AnyEntry, BaseFlat


class BaseRun(ABC, Generic[AnyEntry]):
    """Parts of a trace for one batch; see `bandlens.engine.backends.contract.Backend.Run`."""

    def __init__(self, flat: BaseFlat[AnyEntry], graph: Graph | None) -> None:
        self._producers = flat.producers
        self._layouts: dict[int, Layout] = {} if graph is None else graph.layouts

    @abstractmethod
    def compute(self, entry: AnyEntry) -> None:
        """Compute an entry's outputs from what is known."""

    def apply(self, operation: Operation) -> None:
        """Compute an operation's outputs from what is known."""
        self.compute(operation.handle)

    def forward(self, operations: Sequence[Operation]) -> BaseRun[AnyEntry]:
        """Compute operations in order."""
        for operation in operations:
            self.compute(operation.handle)
        return self

    @abstractmethod
    def same(self, output: int, value: int) -> None:
        """Let a value be another, where its operation doesn't matter."""

    @abstractmethod
    def value(self, value: int) -> Any:
        """A value that is given, was computed, or carries no image data."""

    def _find(self, value: int) -> None:
        """Make a value known, and all that it needs; models are too deep for a function that calls itself."""
        stack = [value]
        while stack:
            top = stack[-1]
            if self._knows(top) or self._takes(top):
                stack.pop()
                continue
            entry = self._producers[top]
            missing = [source for source in entry.inputs if not self._knows(source)]
            if missing:
                stack.extend(missing)
            else:
                self.compute(entry)

    @abstractmethod
    def _knows(self, value: int) -> bool:
        """Whether a value is given or was computed."""

    @abstractmethod
    def _takes(self, value: int) -> bool:
        """Make a value known that nothing has to be computed for, such as a weight; whether it is one."""
