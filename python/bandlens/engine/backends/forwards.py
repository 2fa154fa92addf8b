"""Derivatives forwards, what differences of an operation's inputs do to its outputs: what frameworks have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..graph import Family, Graph, Operation
from .contract import Run


def has_forward(operation: Operation) -> bool:
    """Whether rules ask for a derivative forwards of an operation, which frameworks that have them have then."""
    return operation.family in (Family.LINEAR, Family.CONTRACTION, Family.MAXIMUM)


def as_function(
    operation: Operation, graph: Graph, inputs: Iterable[int], run: Callable[[Mapping[int, Any]], Run]
) -> tuple[list[int], Callable[..., list[Any]]]:
    """Those of an operation's outputs that have derivatives, and how they depend on its inputs.

    Parameters
    ----------
    operation : Operation
    graph : Graph
    inputs : iterable of int
        Its inputs with data, in the order in which the function takes them.
    run : callable
        From values that are given to a run of the trace.
    """
    outputs = [value for value in operation.outputs if value in graph.layouts and graph.layouts[value].real]
    names = tuple(inputs)

    def apply(*given: Any) -> list[Any]:
        begun = run(dict(zip(names, given, strict=True)))
        begun.apply(operation)
        return [begun.value(value) for value in outputs]

    return outputs, apply
