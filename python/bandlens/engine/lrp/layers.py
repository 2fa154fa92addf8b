"""Layers as rules see them: a product with weights and all that is done to each of its outputs before the next bend.

Bias and batch normalisation behind a convolution are part of one linear map, whose effective weights decide what is a
positive contribution; by themselves they would hand on relevance unseen (canonisation, Pahde et al. 2022).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ..backends.contract import Backend, Trace
from ..deepshap.plan import Plan, make_plan
from ..deepshap.unmoved import unmoved
from ..graph import Graph, Operation

LABEL = "Layer-wise relevance propagation"


@dataclass(frozen=True, eq=False)
class Layer:
    """A product with weights.

    Attributes
    ----------
    operation : Operation
    tail : tuple of Operation
        What is done to each element of its output: bias, scale and shift, places.
    first : bool
        Whether its input is the bands themselves, perhaps rescaled.
    """

    operation: Operation
    tail: tuple[Operation, ...]
    first: bool

    @property
    def end(self) -> int:
        """The value behind the tail."""
        return (self.tail[-1] if self.tail else self.operation).outputs[0]

    @property
    def scales(self) -> bool:
        """Whether the tail multiplies, perhaps with negative numbers."""
        return any(operation.pointwise and not operation.shifts for operation in self.tail)


@dataclass(frozen=True, eq=False)
class Layered:
    """A graph, read for relevance propagation.

    Attributes
    ----------
    plan : Plan
    layers : dict of Operation to Layer
        By the product.
    """

    plan: Plan
    layers: dict[Operation, Layer]

    @property
    def has_first(self) -> bool:
        """Whether any layer reads the bands themselves."""
        return any(layer.first for layer in self.layers.values())


def layered(backend: Backend, trace: Trace, output: int) -> Layered:
    """Read the graph that leads to a value.

    Raises
    ------
    UnsupportedOperationError
        If there is no rule for an operation; it names the operation and its layer.
    """
    graph = trace.graph(output)
    plan = make_plan(
        graph,
        trace.differentiable,
        backend.has_forward,
        unmoved(backend, trace, graph),
        most_tensors=1,
        label=LABEL,
    )
    readers = Counter(value for operation in graph.operations for value in operation.data)
    reader = {value: operation for operation in graph.operations for value in operation.data}
    start = _rescaled(graph)
    # of a region there is a rule for the whole
    alone = [step.operation for step in plan.steps if step.rule == "linear" and step.operation.weights]
    layers = {
        operation: Layer(
            operation,
            _tail(graph, operation, lambda value: reader[value] if readers[value] == 1 else None),
            start.issuperset(operation.data),
        )
        for operation in alone
    }
    return Layered(plan, layers)


def _tail(graph: Graph, operation: Operation, only_reader: Callable[[int], Operation | None]) -> tuple[Operation, ...]:
    """What is done to each element of a product, and to nothing else, before anything bends."""
    found: list[Operation] = []
    value = operation.outputs[0]
    while value != graph.output:
        following = only_reader(value)
        if following is None or not _keeps_apart(graph, following):
            break
        found.append(following)
        (value,) = following.outputs
    return tuple(found)


def _keeps_apart(graph: Graph, operation: Operation) -> bool:
    """Whether each output element is that of one input element, which goes nowhere else."""
    if not operation.linear or len(operation.data) != 1 or len(operation.outputs) != 1 or operation.selects:
        return False
    before, after = (graph.layouts[value] for value in (*operation.data, *operation.outputs))
    if operation.pointwise:
        return before.shape == after.shape
    return operation.copies and after.size <= before.size


def _rescaled(graph: Graph) -> set[int]:
    """The images, and what has in each place one of their elements, perhaps scaled and shifted."""
    found = {graph.input}
    for operation in graph.operations:
        places = operation.copies or (operation.pointwise and len(operation.data) == 1)
        if operation.linear and places and not operation.weights and found.issuperset(operation.data):
            found.update(operation.outputs)
    return found
