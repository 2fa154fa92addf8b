"""Rules for what is linear in its data, or in each of two tensors: the framework's own derivatives."""

from __future__ import annotations

from ..pairs import Pairs
from ..plan import Step
from .maps import Map, middle


def linear(pairs: Pairs, step: Step) -> Map:
    """Jointly linear in the data: the operation's own derivative."""
    operation = step.operation
    return Map(
        lambda multipliers: pairs.pull_back([operation], multipliers),
        lambda tangents: pairs.push_forward(operation, tangents),
    )


def contraction(pairs: Pairs, step: Step) -> Map:
    """Bilinear in two tensors: the derivative at the middle of the pair, which is exact."""
    operation = step.operation
    at = {value: middle(pairs, value) for value in operation.data}
    return Map(
        lambda multipliers: pairs.pull_back([operation], multipliers, at),
        lambda tangents: pairs.push_forward(operation, tangents, at),
    )
