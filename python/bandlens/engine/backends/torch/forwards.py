"""Derivatives forwards: what differences of an operation's inputs do to its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ...graph import Graph, Operation
from ..forwards import as_function
from .compiling import vjp
from .run import Run, Source


def jvp(
    trace: Source,
    graph: Graph,
    operation: Operation,
    inputs: Mapping[int, torch.Tensor],
    tangents: Mapping[int, torch.Tensor],
    n: int,
) -> dict[int, torch.Tensor]:
    """Differences of an operation's outputs from those of its inputs, at given values.

    The derivative backwards is linear in what is pulled back; its own derivative is the one forwards.
    """
    outputs, apply = as_function(operation, graph, inputs, lambda given: Run(trace, given, graph, n))

    def back(*cotangents: Any) -> list[Any]:
        _, pull = vjp(apply, list(inputs.values()))
        return pull(cotangents)

    zeros = [torch.zeros_like(found) for found in apply(*inputs.values())]
    _, pull = vjp(back, zeros)
    return dict(zip(outputs, pull([tangents[value].to(inputs[value].dtype) for value in inputs]), strict=True))
