"""Derivatives forwards: what differences of an operation's inputs do to its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from ...graph import Graph, Operation
from ..forwards import as_function
from .run import Run, Source


def jvp(
    trace: Source,
    graph: Graph,
    operation: Operation,
    inputs: Mapping[int, Any],
    tangents: Mapping[int, Any],
    n: int,
) -> dict[int, Any]:
    """Differences of an operation's outputs from those of its inputs, at given values."""
    outputs, apply = as_function(operation, graph, inputs, lambda given: Run(trace, given, graph, n))
    moved = [tangents[value].astype(inputs[value].dtype) for value in inputs]
    _, found = jax.jvp(apply, list(inputs.values()), moved)
    return dict(zip(outputs, found, strict=True))
