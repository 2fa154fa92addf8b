"""What rules are given: the values of a batch of images, and the sizes that divisions are kept away from."""

from __future__ import annotations

from typing import Any

from ..backends.contract import Backend, Trace
from ..deepshap.rows import Multiplier, Rows
from ..graph import Operation
from .layers import Layered

# keeps denominators away from 0, in all rules but that which is named for it
STABILIZER = 1e-6


class Values(Rows):
    """Values of images; relevances beside them have leading axes (outputs, images, 1).

    Parameters
    ----------
    backend : Backend
    trace : Trace
    layered : Layered
    images : tensor, shape (n, *image shape)
        Of a number that is known.
    """

    def __init__(self, backend: Backend, trace: Trace, layered: Layered, images: Any) -> None:
        super().__init__(backend, trace, layered.plan)
        self.shifted = layered.shifted
        self.n = images.shape[0]
        graph = layered.plan.graph
        self.run = backend.Run(trace, {graph.input: images}).forward(graph.operations)

    def at(self, value: int) -> Any:
        """A value for the images, shape (1, n, 1, *shape)."""
        return self.lifted(value, self.run.value(value), (1, self.n, 1))

    def stable(self, denominator: Any, size: float = STABILIZER) -> Any:
        """A denominator, moved away from 0 by a number; 0 counts as positive."""
        nd = self.nd
        none = nd.zeros_like(denominator)
        return denominator + nd.where(denominator < 0, none - size, none + size)

    def pulled(self, operation: Operation, given: dict[int, Any], at: dict[int, Any] | None = None) -> dict[int, Any]:
        """By an operation's own vector-Jacobian product, from its outputs to its data inputs."""
        found = self.pull_back([operation], {value: Multiplier(tensor) for value, tensor in given.items()}, at)
        return {value: part.core for value, part in found.items()}
