"""One rule per kind of step without weights: how relevance of its outputs is shared out among its inputs.

What depends on single elements of one tensor hands its relevance on; what only puts elements elsewhere, or takes the
largest, does so, too. Sums and means share it out in proportion. For attention and normalisation these are the rules of
AttnLRP (Achtibat et al. 2024): halves for the two sides of a product, the first order of softmax, a divisor that only
scales. Where nothing better is known, inputs share in proportion to what they are times the mean derivative on the way
from 0, which adds up to what the function makes of them.

A rule is a function from values, a step and relevances of its outputs, of shape (outputs, images, 1, *shape), to those
of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan, prod
from typing import Any

import numpy as np

from ..deepshap.multiplier import Multiplier
from ..deepshap.plan import Step
from .state import Values

# Gauss-Legendre on the line from 0: exact for polynomials of degree 10, such as products of ten factors
_PLACES, _SHARES = np.polynomial.legendre.leggauss(5)
NODES, WEIGHTS = ((_PLACES + 1) / 2).tolist(), (_SHARES / 2).tolist()

Given = Mapping[int, Any]
Rule = Callable[[Values, Step, Given], dict[int, Any]]


def run(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """Elementwise in one tensor, such as an activation: all of it to the element."""
    (relevance,) = given.values()
    return {step.inputs[0]: relevance}


def linear(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """Places, one tensor's elements by themselves, and sums of elements."""
    operation = step.operation
    if operation.copies:
        return values.pulled(operation, dict(given))
    if operation.pointwise and len(operation.data) == 1:
        (relevance,) = given.values()
        return {operation.data[0]: values.unbroadcast(operation.data[0], relevance)}
    return _in_proportion(values, step, given)


def _in_proportion(values: Values, step: Step, given: Given, parts: int = 1) -> dict[int, Any]:
    """To each input what it is times the derivative, over what so many of them make together: the output, if linear.

    What is added to the output alone keeps its part, as if it were added to one of the inputs before.
    """
    totals = {value: values.at(values.shifted.get(value, value)) for value in given}
    shares = {value: tensor / values.stable(parts * totals[value]) for value, tensor in given.items()}
    at = {value: values.at(value) for value in step.inputs}
    found = values.pull_back(step.operations, {value: Multiplier(share) for value, share in shares.items()}, at)
    return {value: at[value] * part.core for value, part in found.items()}


def along(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """The same for what is not linear: by the mean derivative on the line from 0, so that n factors have an n-th each.

    The function's value at 0 keeps its part.
    """
    shares = {value: Multiplier(part / values.stable(values.at(value))) for value, part in given.items()}
    at, found = {value: values.at(value) for value in step.inputs}, dict[int, Any]()
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        slopes = values.pull_back(step.operations, shares, {value: tensor * node for value, tensor in at.items()})
        for value, slope in slopes.items():
            part = at[value] * slope.core * weight
            found[value] = found[value] + part if value in found else part
    return found


def contraction(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """A product of two tensors, such as attention with values: half to each, in proportion within it."""
    return _in_proportion(values, step, given, parts=len(step.inputs))


def product(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """Elementwise product: half to each side."""
    (relevance,) = given.values()
    return {value: values.unbroadcast(value, relevance / len(step.inputs)) for value in step.inputs}


def quotient(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """Elementwise quotient: all to the top, as what divides only scales it."""
    (relevance,) = given.values()
    top = step.operation.inputs[0]
    return {top: values.unbroadcast(top, relevance)}


def squared_difference(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """A function of the difference, whose two sides share in proportion."""
    (relevance,) = given.values()
    left, right = step.operation.inputs
    rank = len(values.layouts[step.outputs[0]].shape)
    sides = [values.stretch(values.at(value), rank) for value in (left, right)]
    share = relevance / values.stable(sides[0] - sides[1])
    return {
        left: values.unbroadcast(left, sides[0] * share),
        right: values.unbroadcast(right, -sides[1] * share),
    }


def mesh(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """Elementwise in several tensors: by the sizes of input times derivative, so that a maximum goes to its winner.

    Of a product this makes halves. Where all of these sizes are 0, inputs have equal parts.
    """
    nd, (output,) = values.nd, step.outputs
    (relevance,) = given.values()
    shape = values.layouts[output].shape
    full = (1, values.n, 1, *shape)
    inputs = {value: nd.broadcast_to(values.stretch(values.at(value), len(shape)), full) for value in step.inputs}
    _, slopes = values.evaluate_with_slopes(output, inputs)
    sizes = {value: nd.abs(inputs[value] * slopes[value]) for value in step.inputs}
    total = sum(sizes.values())
    none = nd.zeros_like(total)
    some, safe = total > 0, nd.where(total > 0, total, none + 1)
    return {
        value: values.unbroadcast(value, relevance * nd.where(some, size / safe, none + 1 / len(sizes)))
        for value, size in sizes.items()
    }


def maximum(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """Maximum over a set: the winner takes all."""
    return values.pulled(step.operation, dict(given), {value: values.at(value) for value in step.inputs})


def softmax(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """Softmax to first order, x (R - s sum R): what its constant part holds is lost."""
    (value,), (relevance,) = step.inputs, given.values()
    shares = values.at(step.outputs[0])
    return {value: values.at(value) * (relevance - shares * values.nd.sum(relevance, -1, True))}


def normalization(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """Elements, or deviations from the mean of their set, in proportion: what they are divided by only scales them."""
    nd, found = values.nd, step.normalization
    assert found is not None
    bending = found.bending(found.centred)
    assert bending is not None
    elements, axes = values.at(found.source), _axes(bending.window)
    if not found.centred:
        same = bending.summand == found.source
        summands = elements if same else values.evaluate(bending.summand, {found.source: elements})
        largest = isnan(bending.weight)
        statistic = nd.max(summands, axes) if largest else nd.sum(summands, axes, True) * bending.weight
        full = nd.broadcast_to(statistic, elements.shape)
        _, slopes = values.evaluate_with_slopes(step.outputs[0], {found.source: elements, bending.value: full})
        return _scaled_alone(values, step, given, slopes[found.source])
    levels = [one.value for one in found.statistics if one.value != bending.value]
    count = prod(bending.window)
    statistic = nd.broadcast_to(_variance(values, elements, axes, count) * count * bending.weight, elements.shape)

    def normalized(element: int) -> Any:
        # of deviations from a mean, sums and means are 0
        none = nd.zeros_like(elements)
        known = {found.source: none + element, bending.value: statistic, **dict.fromkeys(levels, none)}
        return values.evaluate(step.outputs[0], known)

    return _scaled_alone(values, step, given, normalized(1) - normalized(0), (axes, count))


def fused_normalization(values: Values, step: Step, given: Given) -> dict[int, Any]:
    """The same where the framework has one operation for it: c / sqrt(mean(c^2) + epsilon) with c = x - mean(x)."""
    nd, operation = values.nd, step.operation
    source, scale, *_ = operation.inputs
    window, layout = operation.window or (), values.layouts[source]
    elements, axes, count = values.at(source), _axes(window), prod(window)
    lead = [length if axis == layout.axis else 1 for axis, length in enumerate(layout.shape)]
    scales = nd.astype(nd.reshape(values.run.value(scale), (1, values.n, 1, *lead)), values.trace.dtype)
    slope = scales / nd.sqrt(_variance(values, elements, axes, count) + operation.epsilon)
    return _scaled_alone(values, step, given, slope, (axes, count))


def _axes(window: tuple[int, ...]) -> tuple[int, ...]:
    """Those along which a set lies, behind the leading ones."""
    return tuple(3 + axis for axis, length in enumerate(window) if length > 1)


def _variance(values: Values, elements: Any, axes: tuple[int, ...], count: int) -> Any:
    deviations = elements - values.nd.sum(elements, axes, True) / count
    return values.nd.sum(deviations * deviations, axes, True) / count


def _scaled_alone(
    values: Values, step: Step, given: Given, slope: Any, centred: tuple[tuple[int, ...], int] | None = None
) -> dict[int, Any]:
    """In proportion through a slope that is taken for constant, of elements less the mean of their set if centred."""
    (value,), (output,) = step.inputs, step.outputs
    share = slope * given[output] / values.stable(values.at(output))
    if centred is not None:
        axes, count = centred
        share = share - values.nd.sum(share, axes, True) / count
    return {value: values.at(value) * share}


RULES: dict[str, Rule] = {
    "run": run,
    "linear": linear,
    "contraction": contraction,
    "product": product,
    "quotient": quotient,
    "squared_difference": squared_difference,
    "mesh": mesh,
    "maximum": maximum,
    "softmax": softmax,
    "log_softmax": _in_proportion,
    "normalization": normalization,
    "fused_normalization": fused_normalization,
    "smooth": along,
    "region": along,
}
