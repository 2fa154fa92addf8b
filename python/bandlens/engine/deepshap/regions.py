"""Operations without a rule, enclosed: the smallest part of the graph around them with one way in and one way out.

Sorting within sparsemax, or a mask made from the image, has no rule of its own, but what surrounds it is often a
function of a single tensor, with a derivative. Such a region is explained as a whole, by the derivative averaged along
the line from background to image.
"""

from __future__ import annotations

from ..graph import Family, Graph, Operation, Region


def enclose(graph: Graph, operation: Operation) -> Region | None:
    """The smallest region around an operation, or None if there is none but the whole model.

    Parameters
    ----------
    graph : Graph
    operation : Operation
        One without a rule.
    """
    if _is_never(operation):
        return None
    place = graph.operations.index(operation)
    last_use = {value: index for index, one in enumerate(graph.operations) for value in one.data}
    last_use[graph.output] = len(graph.operations)
    entries = [value for one in reversed(graph.operations[:place]) for value in one.outputs if value in last_use]
    for entry in (*entries, graph.input):
        region = _from(graph, entry, place, last_use)
        if region is not None and (region.entry, region.exit) != (graph.input, graph.output):
            return region
    return None


def _from(graph: Graph, entry: int, place: int, last_use: dict[int, int]) -> Region | None:
    """Follow all that depends on a value until a single value is left that carries it on."""
    if not _is_end(graph, entry):
        return None
    inside: list[Operation] = []
    reached = {entry}
    for index, operation in enumerate(graph.operations):
        if reached.isdisjoint(operation.data):
            continue
        if not reached.issuperset(operation.data) or _is_never(operation):
            return None
        inside.append(operation)
        reached.update(operation.outputs)
        alive = {value for value in reached if last_use.get(value, -1) > index}
        if index >= place and len(alive) == 1 and entry not in alive:
            (exit_,) = alive
            if exit_ in operation.outputs and _is_end(graph, exit_):
                return Region(entry, exit_, tuple(inside))
    return None


def _is_never(operation: Operation) -> bool:
    # a loop has a derivative, but hundreds of steps of which every one would have to be repeated
    return operation.family is Family.LOOP


def _is_end(graph: Graph, value: int) -> bool:
    return value in graph.layouts and graph.layouts[value].real


def has_no_rule(operation: Operation, graph: Graph, used: set[int]) -> bool:
    """Whether an operation can only be explained as part of a region."""
    if operation.family in (Family.UNSUPPORTED, Family.LOOP):
        return True
    outputs = used.intersection(operation.outputs)
    if operation.family is Family.NORMALIZATION and outputs != {operation.outputs[0]}:
        return True
    if any(value not in graph.layouts for value in outputs):
        return True
    touched = (*outputs, *operation.data)
    return not operation.pointwise and any(not graph.layouts[value].real for value in touched if value in graph.layouts)
