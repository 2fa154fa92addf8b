"""What rules make: linear maps between differences, and what several rules need to make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..multiplier import Factor, Multiplier
from ..pairs import Pairs
from ..plan import Step

Multipliers = Mapping[int, Multiplier]
Tangents = Mapping[int, Any]


class Map(NamedTuple):
    """A linear map between differences.

    Attributes
    ----------
    pull : callable
        From multipliers of the outputs to those of the inputs.
    push : callable
        From differences of the inputs, with leading axes, to those of the outputs.
    """

    pull: Callable[[Multipliers], dict[int, Multiplier]]
    push: Callable[[Tangents], dict[int, Any]]


Rule = Callable[[Pairs, Step], Map]


def scaled(pairs: Pairs, step: Step, factors: Mapping[int, Any]) -> Map:
    """Multiplication by factors of each input; sums where an input was broadcast.

    Parameters
    ----------
    pairs : Pairs
    step : Step
    factors : mapping of int to tensor, Factor or list of them
        Of each input; several are multiplied with each other. Those yet to be computed have the shape of the output.
    """
    (output,) = step.outputs
    full = pairs.layouts[output].shape
    stretched = {
        value: [
            one if isinstance(one, Factor) else pairs.stretch(one, len(full))
            for one in (these if isinstance(these, list) else [these])
        ]
        for value, these in factors.items()
    }

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        shared = {}
        for value, these in stretched.items():
            part = multiplier.times(*these)
            if pairs.layouts[value].shape != full:
                part = Multiplier(pairs.unbroadcast(value, pairs.dense(output, part)))
            shared[value] = part
        return shared

    def push(tangents: Tangents) -> dict[int, Any]:
        parts = []
        for value, tangent in tangents.items():
            part = pairs.stretch(tangent, len(full))
            these = stretched[value]
            parts.append(pairs.nd.multiply(part, pairs.factor(output, these)) if these else part)
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return {output: pairs.nd.broadcast_to(total, (*total.shape[:3], *full))}

    return Map(pull, push)


def middle(pairs: Pairs, value: int) -> Any:
    """A value half-way between image and background."""
    image, reference = pairs.sides(value)
    return (image + reference) / 2


def change(pairs: Pairs, value: int) -> Any:
    """A value's difference between image and background."""
    image, reference = pairs.sides(value)
    return image - reference


def pair_lead(pairs: Pairs) -> tuple[int, int, int]:
    """Leading axes of what depends on both sides of a pair."""
    return (1, pairs.n, pairs.m)


def repeat(pairs: Pairs, tensor: Any, lead: tuple[int, ...]) -> Any:
    """A tensor with longer leading axes."""
    return pairs.nd.broadcast_to(tensor, (*lead, *tensor.shape[3:]))


def no_push(tangents: Tangents) -> dict[int, Any]:
    """For rules that work backwards alone; see `Plan.forward`."""
    raise NotImplementedError("plans with such a step are walked backwards")
