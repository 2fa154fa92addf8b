"""What the walker has to know before it starts: runs of elementwise operations, the linear beginning, what has no rule.

A *run* is a chain (or any acyclic mesh) of elementwise operations that together depend on a single tensor, its root:
SiLU, x * sigmoid(x), is one run. DeepLIFT's ratio is taken across a whole run, which is complete by construction,
kinks and comparisons included, and costs one division however many operations the run has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import UnsupportedOperationError
from ..graph import Family, Graph, LinearStart, Operation, linear_start
from .regions import Region, enclose, has_no_rule

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
    waists : dict of int to int
        For every value inside a run, the last linear value that all of the run passes through up to it: the ratio is
        taken from there, where rounding of the linear part can't disturb it.
    start : LinearStart
        What depends on the images linearly.
    regions : dict of int to Region
        By their exits, parts of the graph that are explained as a whole.
    """

    graph: Graph
    roots: dict[int, tuple[int, ...]]
    straight: frozenset[int]
    start: LinearStart
    regions: dict[int, Region]
    waists: dict[int, int]

    def is_run(self, value: int) -> bool:
        """Whether a value lies inside a run."""
        return len(self.roots[value]) == 1 and self.roots[value] != (value,)


def make_plan(graph: Graph, differentiable: Callable[[Region], bool]) -> Plan:
    """Read a graph.

    Parameters
    ----------
    graph : Graph
    differentiable : callable
        Whether the framework has a derivative of a region's exit in its entry.

    Raises
    ------
    UnsupportedOperationError
        If an operation can't be explained; it names the operation and its layer.
    """
    layouts = graph.layouts
    roots: dict[int, tuple[int, ...]] = {graph.input: (graph.input,)}
    straight: set[int] = set()
    chains: dict[int, tuple[int, ...]] = {graph.input: (graph.input,)}
    used = {graph.output}.union(*(operation.data for operation in graph.operations))
    regions = _regions(graph, used, differentiable)
    enclosed = {operation for region in regions.values() for operation in region.operations}
    for operation in graph.operations:
        if operation in enclosed:
            roots.update({output: (output,) for output in operation.outputs})
            chains.update({output: (output,) for output in operation.outputs})
            continue
        for output in used.intersection(operation.outputs):
            layout = layouts[output]
            merged = tuple(dict.fromkeys(root for value in operation.data for root in roots[value]))
            same_shape = all(layouts[value].shape == layout.shape for value in (*operation.data, *merged))
            if operation.pointwise and len(merged) == 1 and same_shape:
                roots[output] = merged
                bent = [value for value in operation.data if value not in straight and value not in merged]
                if operation.linear and not bent:
                    straight.add(output)
                shared = [
                    value for value in chains[operation.data[0]] if all(value in chains[o] for o in operation.data)
                ]
                # the values at which a run is linear in its root, last first, of which all that leads here is a
                # function
                chains[output] = (output, *shared) if output in straight else tuple(shared)
            else:
                roots[output] = merged if operation.pointwise and not layout.real else (output,)
                chains[output] = (output,)
        if operation.family is Family.ELEMENTWISE and len(players(graph, roots, operation)) > MOST_PLAYERS:
            raise unsupported(operation, f"it joins more than {MOST_PLAYERS} tensors elementwise")
    waists = {value: chain[0] for value, chain in chains.items()}
    return Plan(graph, roots, frozenset(straight), linear_start(graph, enclosed), regions, waists)


def players(graph: Graph, roots: Mapping[int, tuple[int, ...]], operation: Operation) -> tuple[int, ...]:
    """Values among which an elementwise operation's output is shared out."""
    found: list[int] = []
    for value in operation.data:
        found.extend([value] if graph.layouts[value].real else roots[value])
    return tuple(dict.fromkeys(found))


def _regions(graph: Graph, used: set[int], differentiable: Callable[[Region], bool]) -> dict[int, Region]:
    """Regions around all operations without a rule; where one lies within another, the larger."""
    regions: dict[int, Region] = {}
    for operation in graph.operations:
        if not has_no_rule(operation, graph, used) or any(operation in one.operations for one in regions.values()):
            continue
        region = enclose(graph, operation)
        if region is None:
            raise unsupported(operation)
        if not differentiable(region):
            raise unsupported(operation, "it has no derivative")
        inner = [key for key, one in regions.items() if set(one.operations) & set(region.operations)]
        for key in inner:
            del regions[key]
        regions[region.exit] = region
    return regions


def unsupported(operation: Operation, reason: str = "there is no rule for it") -> UnsupportedOperationError:
    """The error for an operation that DeepSHAP can't explain; what it advises must not fail for the same reason."""
    outputs_only = "one that only asks for outputs, method='occlusion' or 'shapley'"
    if "derivative" in reason or "PyFunc" in operation.kind or operation.kind == "while":
        other = outputs_only
    elif operation.family is Family.UNSUPPORTED:
        other = f"{outputs_only}; or method='saliency', if the operation has a derivative"
    else:
        other = "method='saliency'"
    return UnsupportedOperationError(
        f"DeepSHAP can't explain the operation {operation}: {reason}.", fix=f"use another method, for example {other}"
    )
