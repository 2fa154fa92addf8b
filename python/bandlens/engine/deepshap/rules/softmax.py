"""Rules for softmax and log-softmax: x - log(sum(exp(x))), and exp of it."""

from __future__ import annotations

from typing import Any

from .. import formulas
from ..multiplier import Multiplier
from ..pairs import Pairs
from ..plan import Step
from .maps import Map, Multipliers, Tangents


def log_softmax(pairs: Pairs, step: Step) -> Map:
    """Log-softmax as x - log(sum(exp(x)))."""
    return _through_logsumexp(pairs, step, None)


def softmax(pairs: Pairs, step: Step) -> Map:
    """Softmax as exp(x - log(sum(exp(x)))).

    All multipliers of this decomposition are bounded. Those of exp(x) / sum(exp(x)) grow with exp of the difference
    between the levels of image and background, on which softmax doesn't depend, and cancel only in exact arithmetic.
    """
    (value,), (output,) = step.inputs, step.outputs
    ratio = pairs.formula(formulas.softmax_ratio, *pairs.sides(value), *pairs.sides(output), rounding=pairs.rounding)
    return _through_logsumexp(pairs, step, ratio)


def _through_logsumexp(pairs: Pairs, step: Step, ratio: Any) -> Map:
    """The map of x - log(sum(exp(x))), and of a function of it with a given ratio."""
    (value,), (output,) = step.inputs, step.outputs
    slope = pairs.formula(formulas.logsumexp_slope, *pairs.sides(value), rounding=pairs.rounding)

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        dense = pairs.dense(output, multiplier if ratio is None else multiplier.times(ratio))
        return {value: Multiplier(dense - pairs.nd.sum(dense, -1, True) * slope)}

    def push(tangents: Tangents) -> dict[int, Any]:
        (tangent,) = tangents.values()
        moved = tangent - pairs.nd.sum(slope * tangent, -1, True)
        return {output: moved if ratio is None else moved * ratio}

    return Map(pull, push)
