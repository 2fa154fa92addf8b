"""Derivatives forwards: what differences of an operation's inputs do to its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ...graph import Family, Graph, Operation
from .compiling import vjp
from .run import Run
from .trace import Trace


def has_forward(operation: Operation) -> bool:
    """Whether there is a reliable derivative forwards of an operation."""
    return operation.family in (Family.LINEAR, Family.CONTRACTION, Family.MAXIMUM)


def jvp(
    trace: Trace,
    graph: Graph,
    operation: Operation,
    inputs: Mapping[int, torch.Tensor],
    tangents: Mapping[int, torch.Tensor],
    n: int,
) -> dict[int, torch.Tensor]:
    """Differences of an operation's outputs from those of its inputs, at given values.

    The derivative backwards is linear in what is pulled back; its own derivative is the one forwards.
    """
    outputs = [value for value in operation.outputs if value in graph.layouts and graph.layouts[value].real]

    def apply(*given: Any) -> list[Any]:
        run = Run(trace, dict(zip(inputs, given, strict=True)), graph, n)
        run.apply(operation)
        return [run.value(value) for value in outputs]

    def back(*cotangents: Any) -> list[Any]:
        _, pull = vjp(apply, list(inputs.values()))
        return pull(cotangents)

    zeros = [torch.zeros_like(found) for found in apply(*inputs.values())]
    _, pull = vjp(back, zeros)
    return dict(zip(outputs, pull([tangents[value].to(inputs[value].dtype) for value in inputs]), strict=True))
