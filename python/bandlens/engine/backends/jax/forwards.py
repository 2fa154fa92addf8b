"""Derivatives forwards: what differences of an operation's inputs do to its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from ...graph import Family, Graph, Operation
from .run import Run
from .trace import Trace


def has_forward(operation: Operation) -> bool:
    """Whether there is a derivative forwards of an operation: JAX has one of each."""
    return operation.family in (Family.LINEAR, Family.CONTRACTION, Family.MAXIMUM)


def jvp(
    trace: Trace,
    graph: Graph,
    operation: Operation,
    inputs: Mapping[int, Any],
    tangents: Mapping[int, Any],
    n: int,
) -> dict[int, Any]:
    """Differences of an operation's outputs from those of its inputs, at given values."""
    outputs = [value for value in operation.outputs if value in graph.layouts and graph.layouts[value].real]

    def apply(*given: Any) -> list[Any]:
        run = Run(trace, dict(zip(inputs, given, strict=True)), graph, n)
        run.apply(operation)
        return [run.value(value) for value in outputs]

    moved = [tangents[value].astype(inputs[value].dtype) for value in inputs]
    _, found = jax.jvp(apply, list(inputs.values()), moved)
    return dict(zip(outputs, found, strict=True))
