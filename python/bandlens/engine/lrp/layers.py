"""Layers as rules see them: a product with weights and all that is done to each of its outputs before the next bend.

Bias and batch normalisation behind a convolution are part of one linear map, whose effective weights decide what is a
positive contribution; by themselves they would hand on relevance unseen (canonisation, Pahde et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ..backends.contract import Backend, Trace
from ..deepshap.plan import Plan, Step, make_plan
from ..deepshap.unmoved import unmoved
from ..graph import Graph, Operation

LABEL = "Layer-wise relevance propagation"


@dataclass(frozen=True, eq=False)
class Layer:
    """A product with weights.

    Attributes
    ----------
    product : Operation
    operations : tuple of Operation
        It, and what only puts elements elsewhere right before and behind it: some frameworks lay images in parts over
        the batch for a dilated convolution.
    tail : tuple of Operation
        What is done to each element of their output: bias, scale and shift, places.
    first : bool
        Whether their input is the bands themselves, perhaps rescaled.
    """

    product: Operation
    operations: tuple[Operation, ...]
    tail: tuple[Operation, ...]
    first: bool

    @property
    def source(self) -> int:
        """What it reads."""
        return self.operations[0].data[0]

    @property
    def output(self) -> int:
        """What it makes, before the tail."""
        return self.operations[-1].outputs[0]

    @property
    def end(self) -> int:
        """The value behind the tail."""
        return self.tail[-1].outputs[0] if self.tail else self.output

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
        With a step for each layer.
    layers : dict of int to Layer
        By what they make.
    shifted : dict of int to int
        For sums of tensors, the value behind what is added to them, such as the one bias of two products.
    """

    plan: Plan
    layers: dict[int, Layer]
    shifted: dict[int, int]

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
    chains = _Chains(graph, plan)
    layers = [chains.layer(step.operation) for step in plan.steps if step.rule == "linear" and step.operation.weights]
    sums = [step.outputs[0] for step in plan.steps if _adds(step)]
    return Layered(
        replace(plan, steps=tuple(_with_layers(plan.steps, layers))),
        {layer.output: layer for layer in layers},
        {value: chains.behind(value, lambda one: one.shifts)[-1].outputs[0] for value in sums if chains.shifts(value)},
    )


def _adds(step: Step) -> bool:
    """Whether a step adds tensors, element by element."""
    return step.rule == "linear" and step.operation.pointwise and not step.operation.copies and len(step.inputs) > 1


def _with_layers(steps: Iterable[Step], layers: list[Layer]) -> list[Step]:
    """Steps in which a layer is one step, where its last operation was."""
    lasts = {layer.operations[-1]: layer for layer in layers}
    inside = {operation for layer in layers for operation in layer.operations}
    found = []
    for step in steps:
        if step.operation in lasts:
            layer = lasts[step.operation]
            found.append(replace(step, inputs=(layer.source,), operations=layer.operations))
        elif step.rule != "linear" or step.operation not in inside:
            found.append(step)
    return found


class _Chains:
    """Operations that follow each other, where nothing else reads what is between them."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self._graph = graph
        self._reader = {
            value: operation
            for operation in graph.operations
            for value in operation.data
            if graph.readers[value] == 1 and value != graph.output
        }
        self._maker = {value: operation for operation in graph.operations for value in operation.outputs}
        # what is part of a larger step stays there
        self._free = {step.operation for step in plan.steps if step.rule == "linear" and step.operation.copies}
        self._start = _rescaled(graph)

    def layer(self, product: Operation) -> Layer:
        """A product with weights and all that belongs to it."""
        before: list[Operation] = []
        (value,) = product.data
        while value in self._maker and value in self._reader and self._moves(self._maker[value]):
            before.insert(0, self._maker[value])
            self._free.discard(before[0])
            (value,) = before[0].data
        after = self.behind(product.outputs[0], self._moves)
        self._free.difference_update(after)
        operations = (*before, product, *after)
        tail = self.behind(operations[-1].outputs[0], lambda one: True)
        return Layer(product, operations, tuple(tail), value in self._start)

    def behind(self, value: int, wanted: Callable[[Operation], bool]) -> list[Operation]:
        """What is done to each element of a value, and to nothing else, before anything bends."""
        found: list[Operation] = []
        while value in self._reader and self._keeps_apart(self._reader[value]) and wanted(self._reader[value]):
            found.append(self._reader[value])
            (value,) = found[-1].outputs
        return found

    def shifts(self, value: int) -> bool:
        """Whether something is added to a value, and to nothing else."""
        return bool(self.behind(value, lambda one: one.shifts))

    def _moves(self, operation: Operation) -> bool:
        """Whether an operation, a step by itself, only puts the elements of one tensor elsewhere."""
        return operation in self._free and len(operation.data) == 1 and len(operation.outputs) == 1

    def _keeps_apart(self, operation: Operation) -> bool:
        """Whether each output element is that of one input element, which goes nowhere else."""
        if not operation.linear or len(operation.data) != 1 or len(operation.outputs) != 1 or operation.selects:
            return False
        if operation.offset:  # part of an activation, such as a hard sigmoid's 3, which keeps no relevance to itself
            return False
        before, after = (self._graph.layouts[value] for value in (*operation.data, *operation.outputs))
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
