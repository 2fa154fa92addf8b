"""One rule per kind of step: how differences of its inputs become differences of its outputs, as a linear map.

Each rule is *complete*: for every pair of image and background, the map takes the inputs' differences to the outputs',
exactly, not in a limit. Completeness of the whole network follows. A map works in both directions: `pull` takes
multipliers of the outputs to multipliers of the inputs, `push` takes differences of the inputs to differences of the
outputs.

References
----------
Shrikumar, Greenside & Kundaje 2017, Learning important features through propagating activation differences (rescale
rule). Lundberg & Lee 2017, A unified approach to interpreting model predictions (DeepSHAP).
Chen, Lundberg & Lee 2021, Explaining a series of models by propagating Shapley values (several inputs, averaged
baselines).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import factorial, isnan, prod
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..graph import Operation
from . import formulas, sets, variances
from .pairs import Multiplier, Pairs
from .plan import Step

Multipliers = Mapping[int, Multiplier]
Tangents = Mapping[int, Any]

QUADRATURE_NODES = 16
REGION_NODES = 32


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


def run(pairs: Pairs, step: Step) -> Map:
    """A whole run of elementwise operations: delta out / delta in, or a constant where the run is linear."""
    (root,), (value,) = step.inputs, step.outputs
    if value in pairs.plan.straight:
        return _scaled(pairs, step, {root: pairs.slope(value, root)})
    waist = pairs.plan.waists[value]
    sides = (*pairs.sides(waist), *pairs.sides(value), pairs.derivative(value, waist))
    factor = pairs.formula(formulas.run_ratio, *sides, rounding=pairs.rounding)
    if waist != root:
        factor = factor * pairs.slope(waist, root)
    return _scaled(pairs, step, {root: factor})


def mesh(pairs: Pairs, step: Step) -> Map:
    """Elementwise in several tensors: the exact Shapley value of each, from all coalitions, over its own difference.

    Where an input hardly differs, the mean of the function's derivative in it over the same coalitions takes its place.
    """
    (output,), players = step.outputs, step.inputs
    shape = pairs.layouts[output].shape
    full = (*_pair_lead(pairs), *shape)
    sides = {
        player: [pairs.nd.broadcast_to(pairs.stretch(side, len(shape)), full) for side in pairs.sides(player)]
        for player in players
    }
    coalitions = list(product((0, 1), repeat=len(players)))  # 1: the player takes the background's value
    found = {
        coalition: pairs.evaluate_with_slopes(
            output, {p: sides[p][side] for p, side in zip(players, coalition, strict=True)}
        )
        for coalition in coalitions
    }
    factors = {}
    for index, player in enumerate(players):
        change = slope = pairs.nd.zeros_like(sides[player][0])
        for without in (coalition for coalition in coalitions if coalition[index] == 1):
            present = len(players) - sum(without)
            weight = factorial(present) * factorial(len(players) - present - 1) / factorial(len(players))
            joined = (*without[:index], 0, *without[index + 1 :])
            change = change + weight * (found[joined][0] - found[without][0])
            slope = slope + weight * (found[joined][1][player] + found[without][1][player]) / 2
        factors[player] = pairs.formula(formulas.shapley_slope, *sides[player], change, slope, rounding=pairs.rounding)
    return _scaled(pairs, step, factors)


def multiply(pairs: Pairs, step: Step) -> Map:
    """Elementwise product: each input's Shapley value divides out to the mean of the other input over the pair."""
    left, right = step.inputs
    return _scaled(pairs, step, {left: _middle(pairs, right), right: _middle(pairs, left)})


def quotient(pairs: Pairs, step: Step) -> Map:
    """Elementwise quotient u / v: Shapley values of the two inputs in closed form."""
    top, bottom = step.operation.inputs
    rank = len(pairs.layouts[step.outputs[0]].shape)
    sides = (pairs.stretch(side, rank) for side in (*pairs.sides(bottom), _middle(pairs, top)))
    of_top, of_bottom = pairs.formula(formulas.quotient_slopes, *sides)
    return _scaled(pairs, step, {top: of_top, bottom: of_bottom})


def squared_difference(pairs: Pairs, step: Step) -> Map:
    """(u - v)^2, the square of a linear function: the ratio of the square, passed on with either sign."""
    left, right = step.operation.inputs
    rank = len(pairs.layouts[step.outputs[0]].shape)
    slope = 2 * (pairs.stretch(_middle(pairs, left), rank) - pairs.stretch(_middle(pairs, right), rank))
    return _scaled(pairs, step, {left: slope, right: -slope})


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
    at = {value: _middle(pairs, value) for value in operation.data}
    return Map(
        lambda multipliers: pairs.pull_back([operation], multipliers, at),
        lambda tangents: pairs.push_forward(operation, tangents, at),
    )


def maximum(pairs: Pairs, step: Step) -> Map:
    """Maximum over a set, by shap's cross-maximum rule.

    With the larger of the two maxima between them, the change from the background's maximum up to it goes to where the
    image has its maximum, and the change from it to the image's maximum to where the background has its own. Elements
    that share a maximum are treated as the framework's own gradient treats them, never counted twice.
    """
    (output,), (value,), operation = step.outputs, step.inputs, step.operation
    (image, reference), outputs = pairs.sides(value), pairs.sides(output)
    if operation.window is not None:
        window = operation.window
        choices = (_selection(pairs, operation, side) for side in (image, reference))
        share = pairs.formula(formulas.block_shares, image, reference, *outputs, *choices, window=window)

        def pull_blocks(multipliers: Multipliers) -> dict[int, Multiplier]:
            (multiplier,) = multipliers.values()
            return {value: Multiplier(pairs.dense(output, multiplier), share, window)}

        def push_blocks(tangents: Tangents) -> dict[int, Any]:
            (tangent,) = tangents.values()
            shape = pairs.layouts[output].shape
            return {output: formulas.sum_blocks(pairs.nd, tangent * share, shape, window)}

        return Map(pull_blocks, push_blocks)
    changes = formulas.cross_maximum(pairs.nd, *outputs)

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        dense = pairs.dense(output, multiplier)
        lead = tuple(max(a, b) for a, b in zip(dense.shape[:3], _pair_lead(pairs), strict=True))
        moved = sum(
            pairs.pull_back([operation], {output: Multiplier(dense * change)}, {value: _repeat(pairs, side, lead)})[
                value
            ].core
            for change, side in zip(changes, (image, reference), strict=True)
        )
        return {value: Multiplier(pairs.formula(formulas.over, moved, image, reference))}

    def push(tangents: Tangents) -> dict[int, Any]:
        (tangent,) = tangents.values()
        lead = tuple(max(a, b) for a, b in zip(tangent.shape[:3], _pair_lead(pairs), strict=True))
        part = pairs.formula(formulas.over, _repeat(pairs, tangent, lead), image, reference)
        chosen = [
            pairs.push_forward(operation, {value: part}, {value: _repeat(pairs, side, lead)})[output]
            for side in (image, reference)
        ]
        return {output: sum(change * one for change, one in zip(changes, chosen, strict=True))}

    return Map(pull, push)


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


def region(pairs: Pairs, step: Step) -> Map:
    """A part of the graph without rules of its own: its derivative, averaged along the line, and made complete.

    What kinks leave of the error of the average is added where image and background differ, the least that makes the
    sum right, so that it is not lost on the way to the bands.
    """
    nd, (entry,), (value,) = pairs.nd, step.inputs, step.outputs
    nodes = (np.arange(REGION_NODES) + 0.5) / REGION_NODES
    weights = np.full(REGION_NODES, 1 / REGION_NODES)

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        dense = pairs.dense(value, multiplier)
        averaged = _averaged(pairs, step.operations, {value: Multiplier(dense)}, (entry,), nodes, weights)
        slope = averaged[entry].core
        (image, reference), (image_out, reference_out) = pairs.sides(entry), pairs.sides(value)
        lead, axes = slope.shape[:3], tuple(range(3, len(slope.shape)))
        difference = nd.broadcast_to(image - reference, slope.shape)
        wanted = nd.sum(nd.multiply(dense, image_out - reference_out), tuple(range(3, len(dense.shape))))
        missing = nd.broadcast_to(wanted, lead) - nd.sum(slope * difference, axes)
        size = nd.sum(difference * difference, axes)
        share = nd.where(size > 0, missing / nd.where(size > 0, size, nd.ones_like(size)), nd.zeros_like(size))
        return {entry: Multiplier(slope + nd.reshape(share, (*lead, *(1,) * len(axes))) * difference)}

    return Map(pull, _no_push)


def smooth(pairs: Pairs, step: Step) -> Map:
    """Anything else without kinks: the vector-Jacobian product, averaged along the line (Gauss-Legendre)."""
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        return _averaged(pairs, step.operations, multipliers, step.inputs, (nodes + 1) / 2, weights / 2)

    return Map(pull, _no_push)


def normalization(pairs: Pairs, step: Step) -> Map:
    """Elements against a statistic of their set: see `sets`, and `variances` if they are deviations from its mean."""
    nd, found = pairs.nd, step.normalization
    assert found is not None
    bending = found.bending(found.centred)
    assert bending is not None
    (value,), source, window = step.outputs, found.source, bending.window
    levels = [one.value for one in found.statistics if one.value != bending.value]
    axes = tuple(3 + axis for axis, length in enumerate(window) if length > 1)

    def normalized(elements: Any, statistic: Any) -> Any:
        # of deviations from a mean, sums and means are 0
        given = {source: elements, bending.value: statistic, **{level: nd.zeros_like(elements) for level in levels}}
        return pairs.evaluate(value, given)

    if found.centred:
        count = prod(window)
        return _around_mean(pairs, step, normalized, axes, count, count * bending.weight, found.epsilon)

    def summand(elements: Any) -> Any:
        return elements if bending.summand == source else pairs.evaluate(bending.summand, {source: elements})

    statistic = sets.Largest(nd, axes) if isnan(bending.weight) else sets.Total(nd, axes, bending.weight)
    (image, reference), whole = pairs.sides(source), _change(pairs, value)
    share = sets.share_in_sets(
        nd, image, reference, summand, normalized, whole, statistic=statistic, rounding=pairs.rounding
    )
    return _within_sets(pairs, step, share, axes, sets)


def fused_normalization(pairs: Pairs, step: Step) -> Map:
    """The same where the framework has one operation for it: c / sqrt(mean(c^2) + epsilon) with c = x - mean(x)."""
    nd, operation = pairs.nd, step.operation
    value, scale, *_ = operation.inputs
    window, layout = operation.window or (), pairs.layouts[value]
    axes = tuple(3 + axis for axis, length in enumerate(window) if length > 1)
    lead = [length if axis == layout.axis else 1 for axis, length in enumerate(layout.shape)]
    scales = nd.astype(nd.reshape(pairs.image_run.value(scale), (1, pairs.n, 1, *lead)), pairs.trace.dtype)

    def normalized(elements: Any, variance: Any) -> Any:
        return scales * elements / nd.sqrt(variance + operation.epsilon)

    return _around_mean(pairs, step, normalized, axes, prod(window), 1.0, operation.epsilon)


RULES: dict[str, Rule] = {
    "run": run,
    "mesh": mesh,
    "linear": linear,
    "product": multiply,
    "quotient": quotient,
    "squared_difference": squared_difference,
    "contraction": contraction,
    "maximum": maximum,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "normalization": normalization,
    "fused_normalization": fused_normalization,
    "smooth": smooth,
    "region": region,
}


def _around_mean(
    pairs: Pairs,
    step: Step,
    normalized: Callable[[Any, Any], Any],
    axes: tuple[int, ...],
    count: int,
    per_variance: float,
    epsilon: float | None,
) -> Map:
    """The map of deviations from the mean of a set, scaled by a multiple of its variance."""
    nd, (value,), (output,) = pairs.nd, step.inputs, step.outputs

    def scale(variance: Any) -> Any:
        statistic = variance * per_variance
        return normalized(nd.ones_like(statistic), statistic) - normalized(nd.zeros_like(statistic), statistic)

    (image, reference), whole = pairs.sides(value), _change(pairs, output)
    if epsilon is not None:
        one = nd.zeros((1, 1, 1, *pairs.layouts[value].shape), image.dtype) + 1
        static = {"axes": axes, "count": count, "per_variance": per_variance, "epsilon": epsilon}
        gain = scale(one) * (per_variance + epsilon) ** 0.5
        shares = pairs.formula(
            variances.share_by_root, image, reference, gain, whole, **static, rounding=pairs.rounding
        )
        return _within_sets(pairs, step, shares, axes, variances)
    shares = variances.share_around_mean(
        nd, image, reference, scale, whole, axes=axes, count=count, rounding=pairs.rounding
    )
    return _within_sets(pairs, step, shares, axes, variances)


def _within_sets(pairs: Pairs, step: Step, share: Any, axes: tuple[int, ...], way: ModuleType) -> Map:
    """The map of elements that are shared out within their sets, in one of the ways there are."""
    nd, (value,), (output,) = pairs.nd, step.inputs, step.outputs

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        return {value: Multiplier(way.pull(nd, pairs.dense(output, multiplier), share, axes))}

    def push(tangents: Tangents) -> dict[int, Any]:
        (tangent,) = tangents.values()
        return {output: way.push(nd, tangent, share, axes)}

    return Map(pull, push)


def _averaged(
    pairs: Pairs,
    operations: Sequence[Operation],
    multipliers: Multipliers,
    sources: Sequence[int],
    nodes: np.ndarray,
    weights: np.ndarray,
) -> dict[int, Multiplier]:
    """The vector-Jacobian product of operations, averaged along the line from background to image."""
    nd = pairs.nd
    held = {value: Multiplier(pairs.dense(value, multiplier)) for value, multiplier in multipliers.items()}
    lead = pairs.lead_of([*(multiplier.core for multiplier in held.values()), *_pair_like(pairs, sources)])

    def add(total: list[Any], element: Any) -> list[Any]:
        at = {}
        for value in sources:
            image, reference = pairs.sides(value)
            at[value] = reference + element[0] * (image - reference)
        found = pairs.pull_back(operations, held, at)
        return [before + element[1] * found[value].core for before, value in zip(total, sources, strict=True)]

    for value in sources:
        pairs.sides(value)  # made outside of what is repeated
    line = nd.asarray(np.stack([nodes, weights], axis=1).astype(pairs.trace.dtype))
    none = [nd.zeros((*lead, *pairs.layouts[value].shape), pairs.trace.dtype) for value in sources]
    total = pairs.backend.loop_over(add, line, none)
    return {value: Multiplier(core) for value, core in zip(sources, total, strict=True)}


def _pair_like(pairs: Pairs, values: Sequence[int]) -> list[Any]:
    return [side for value in values for side in pairs.sides(value)]


def _no_push(tangents: Tangents) -> dict[int, Any]:
    raise NotImplementedError("plans with such a step are walked backwards")


def _middle(pairs: Pairs, value: int) -> Any:
    image, reference = pairs.sides(value)
    return (image + reference) / 2


def _change(pairs: Pairs, value: int) -> Any:
    image, reference = pairs.sides(value)
    return image - reference


def _through_logsumexp(pairs: Pairs, step: Step, ratio: Any) -> Map:
    """The map of x - log(sum(exp(x))), and of a function of it with a given ratio."""
    (value,), (output,) = step.inputs, step.outputs
    slope = pairs.formula(formulas.logsumexp_slope, *pairs.sides(value), rounding=pairs.rounding)

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        dense = pairs.dense(output, multiplier if ratio is None else multiplier.times(pairs.nd, ratio))
        return {value: Multiplier(dense - pairs.nd.sum(dense, -1, True) * slope)}

    def push(tangents: Tangents) -> dict[int, Any]:
        (tangent,) = tangents.values()
        moved = tangent - pairs.nd.sum(slope * tangent, -1, True)
        return {output: moved if ratio is None else moved * ratio}

    return Map(pull, push)


def _pair_lead(pairs: Pairs) -> tuple[int, int, int]:
    return (1, pairs.n, pairs.m)


def _repeat(pairs: Pairs, tensor: Any, lead: tuple[int, ...]) -> Any:
    return pairs.nd.broadcast_to(tensor, (*lead, *tensor.shape[3:]))


def _scaled(pairs: Pairs, step: Step, factors: Mapping[int, Any]) -> Map:
    """Multiplication by a factor for each input; sums where an input was broadcast."""
    (output,) = step.outputs
    full = pairs.layouts[output].shape

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        shared = {}
        for value, factor in factors.items():
            part = multiplier.times(pairs.nd, pairs.stretch(factor, len(full)))
            if pairs.layouts[value].shape != full:
                part = Multiplier(pairs.unbroadcast(value, pairs.dense(output, part)))
            shared[value] = part
        return shared

    def push(tangents: Tangents) -> dict[int, Any]:
        parts = [
            pairs.nd.multiply(pairs.stretch(tangent, len(full)), pairs.stretch(factors[value], len(full)))
            for value, tangent in tangents.items()
        ]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return {output: pairs.nd.broadcast_to(total, (*total.shape[:3], *full))}

    return Map(pull, push)


def _selection(pairs: Pairs, operation: Operation, side: Any) -> Any:
    """1 where an element is the maximum of its set, shared out among ties as the framework does."""
    (value,) = operation.data
    (output,) = operation.outputs
    lead = tuple(side.shape[:3])
    ones = pairs.nd.zeros((*lead, *pairs.layouts[output].shape), side.dtype) + 1
    return pairs.pull_back([operation], {output: Multiplier(ones)}, {value: side})[value].core
