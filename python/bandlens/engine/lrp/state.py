"""What rules are given: the values of a batch of images, and the sizes that divisions are kept away from."""

from __future__ import annotations

from typing import Any

from ..backends.contract import Backend, Trace
from ..deepshap.multiplier import Multiplier
from ..deepshap.rows import Rows
from ..graph import Operation
from .layers import Layered

# keeps denominators away from 0, relative to their size in an image, in all rules but that which is named for it
STABILIZER = 1e-6
# where all of them are 0
TINY = 1e-30


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
        """A denominator, moved away from 0 by a part of its root mean square in an image; 0 counts as positive.

        Thus a rule does the same to networks whose layers are scaled otherwise.
        """
        nd = self.nd
        square = nd.mean(denominator * denominator, tuple(range(3, len(denominator.shape))), True)
        away = nd.broadcast_to(size * nd.sqrt(square) + TINY, denominator.shape)
        return denominator + nd.where(denominator < 0, -away, away)

    def pulled(self, operation: Operation, given: dict[int, Any], at: dict[int, Any] | None = None) -> dict[int, Any]:
        """By an operation's own vector-Jacobian product, from its outputs to its data inputs."""
        found = self.pull_back([operation], {value: Multiplier(tensor) for value, tensor in given.items()}, at)
        return {value: part.core for value, part in found.items()}
