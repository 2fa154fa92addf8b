"""What the walker has to know before it starts: runs of elementwise operations, the linear beginning, what has no rule.

A *run* is a chain (or any acyclic mesh) of elementwise operations that together depend on a single tensor, its root:
SiLU, x * sigmoid(x), is one run. DeepLIFT's ratio is taken across a whole run, which is complete by construction,
kinks and comparisons included, and costs one division however many operations the run has.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UnsupportedOperationError
from ..graph import Family, Graph, Operation

MOST_PLAYERS = 4


@dataclass(frozen=True)
class Plan:
    """A graph, read for DeepSHAP.

    Attributes
    ----------
    graph : Graph
    roots : dict of int to tuple of int
        For every value, the values it depends on elementwise: itself alone, where nothing better can be said; one
        other for the inside of a run; several only for values that are not floating (comparisons of two tensors).
    straight : frozenset of int
        Values inside a run that depend on its root linearly.
    beginning : frozenset of int
        Values that depend on the images linearly.
    """

    graph: Graph
    roots: dict[int, tuple[int, ...]]
    straight: frozenset[int]
    beginning: frozenset[int]

    def players(self, operation: Operation) -> tuple[int, ...]:
        """Values among which an elementwise operation's output is shared out."""
        found: list[int] = []
        for value in operation.data:
            found.extend([value] if self.graph.layouts[value].real else self.roots[value])
        return tuple(dict.fromkeys(found))

    def is_run(self, value: int) -> bool:
        """Whether a value lies inside a run."""
        return len(self.roots[value]) == 1 and self.roots[value] != (value,)


def make_plan(graph: Graph) -> Plan:
    """Read a graph.

    Raises
    ------
    UnsupportedOperationError
        If an operation has no rule; it names the operation and its layer.
    """
    layouts = graph.layouts
    roots: dict[int, tuple[int, ...]] = {graph.input: (graph.input,)}
    straight: set[int] = set()
    beginning = {graph.input}
    plan = Plan(graph, roots, frozenset(), frozenset())
    used = {graph.output}.union(*(operation.data for operation in graph.operations))
    for operation in graph.operations:
        if operation.family is Family.UNSUPPORTED:
            raise unsupported(operation)
        if any(value in used and value not in layouts for value in operation.outputs):
            raise unsupported(operation, "its result is not one block per image, so images can't be told apart in it")
        if operation.linear and beginning.issuperset(operation.data):
            beginning.update(operation.outputs)
        for output in used.intersection(operation.outputs):
            layout = layouts[output]
            merged = tuple(dict.fromkeys(root for value in operation.data for root in roots[value]))
            same_shape = all(layouts[value].shape == layout.shape for value in (*operation.data, *merged))
            if operation.pointwise and len(merged) == 1 and same_shape:
                roots[output] = merged
                bent = [value for value in operation.data if value not in straight and value not in merged]
                if operation.linear and not bent:
                    straight.add(output)
            elif operation.pointwise and not layout.real:
                roots[output] = merged
            else:
                roots[output] = (output,)
        _check(operation, plan)
    return Plan(graph, roots, frozenset(straight), frozenset(beginning))


def _check(operation: Operation, plan: Plan) -> None:
    layouts = plan.graph.layouts
    outputs = [output for output in operation.outputs if output in plan.roots]
    if any(plan.is_run(output) or not layouts[output].real for output in outputs) and operation.pointwise:
        return
    whole = [value for value in operation.data if not layouts[value].real and plan.roots[value] == (value,)]
    if not operation.pointwise and any(not layouts[value].real for value in (*outputs, *operation.data)):
        raise unsupported(operation)
    if whole:
        raise unsupported(operation, "it depends on whole numbers computed from the image, which have no gradient")
    if operation.family is Family.ELEMENTWISE and len(plan.players(operation)) > MOST_PLAYERS:
        raise unsupported(operation, f"it joins more than {MOST_PLAYERS} tensors elementwise")


def unsupported(operation: Operation, reason: str = "there is no rule for it") -> UnsupportedOperationError:
    """The error for an operation that DeepSHAP can't explain."""
    return UnsupportedOperationError(
        f"DeepSHAP can't explain the operation {operation}: {reason}.",
        fix="use another method, for example method='saliency'",
    )
