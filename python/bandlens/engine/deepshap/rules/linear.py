"""Rules for what is linear in its data, or in each of two tensors: the framework's own derivatives."""

from __future__ import annotations

from typing import Any

from ..pairs import Pairs
from ..plan import Step
from .maps import Map, Tangents, middle


def linear(pairs: Pairs, step: Step) -> Map:
    """Jointly linear in the data: the derivative of the operation itself, or of several, one after the other."""

    def push(tangents: Tangents) -> dict[int, Any]:
        known = dict(tangents)
        for operation in step.operations:
            given = {value: known[value] for value in operation.data if value in known}
            known.update(pairs.push_forward(operation, given))
        return {value: known[value] for value in step.outputs}

    return Map(lambda multipliers: pairs.pull_back(step.operations, multipliers), push)


def contraction(pairs: Pairs, step: Step) -> Map:
    """Bilinear in two tensors: the derivative at the middle of the pair, which is exact."""
    operation = step.operation
    at = {value: middle(pairs, value) for value in operation.data}
    return Map(
        lambda multipliers: pairs.pull_back([operation], multipliers, at),
        lambda tangents: pairs.push_forward(operation, tangents, at),
    )
