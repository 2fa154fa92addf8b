"""One rule per family of operations: from multipliers of the outputs to multipliers of the inputs.

Each rule is *complete*: for every pair of image and background, the inputs' differences times their multipliers sum to
the outputs' differences times theirs, exactly, not in a limit. Completeness of the whole network follows.

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
from math import factorial
from typing import Any

import numpy as np

from ..graph import Family, Operation
from . import formulas
from .pairs import Multiplier, Pairs
from .plan import players as players_of

Multipliers = Mapping[int, Multiplier]
Rule = Callable[[Pairs, Operation, Multipliers], dict[int, Multiplier]]

QUADRATURE_NODES = 16
REGION_NODES = 32


def run(pairs: Pairs, value: int, multiplier: Multiplier) -> dict[int, Multiplier]:
    """A whole run of elementwise operations: delta out / delta in, or a constant where the run is linear."""
    (root,) = pairs.plan.roots[value]
    if value in pairs.plan.straight:
        return {root: multiplier.times(pairs.nd, pairs.slope(value, root))}
    waist = pairs.plan.waists[value]
    sides = (*pairs.sides(waist), *pairs.sides(value), pairs.derivative(value, waist))
    factor = pairs.formula(formulas.run_ratio, *sides, rounding=pairs.rounding)
    if waist != root:
        factor = factor * pairs.slope(waist, root)
    return {root: multiplier.times(pairs.nd, factor)}


def region(pairs: Pairs, value: int, multiplier: Multiplier) -> dict[int, Multiplier]:
    """A part of the graph without rules of its own: its derivative, averaged along the line, and made complete.

    What kinks leave of the error of the average is added where image and background differ, the least that makes the
    sum right, so that it is not lost on the way to the bands.
    """
    nd, enclosed = pairs.nd, pairs.plan.regions[value]
    nodes = (np.arange(REGION_NODES) + 0.5) / REGION_NODES
    dense = pairs.dense(value, multiplier)
    weights = np.full(REGION_NODES, 1 / REGION_NODES)
    slope = _averaged(pairs, enclosed.operations, {value: Multiplier(dense)}, (enclosed.entry,), nodes, weights)[
        enclosed.entry
    ].core
    (image, reference), (image_out, reference_out) = pairs.sides(enclosed.entry), pairs.sides(value)
    lead, axes = slope.shape[:3], tuple(range(3, len(slope.shape)))
    difference = nd.broadcast_to(image - reference, slope.shape)
    wanted = nd.sum(nd.multiply(dense, image_out - reference_out), tuple(range(3, len(dense.shape))))
    missing = nd.broadcast_to(wanted, lead) - nd.sum(slope * difference, axes)
    size = nd.sum(difference * difference, axes)
    share = nd.where(size > 0, missing / nd.where(size > 0, size, nd.ones_like(size)), nd.zeros_like(size))
    return {enclosed.entry: Multiplier(slope + nd.reshape(share, (*lead, *(1,) * len(axes))) * difference)}


def linear(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Jointly linear in the data: the operation's own vector-Jacobian product."""
    return pairs.pull_back([operation], multipliers)


def multiply(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Elementwise product: each input's Shapley value divides out to the mean of the other input over the pair."""
    (multiplier,) = multipliers.values()
    left, right = operation.data
    return _share_out(pairs, operation, multiplier, {left: _middle(pairs, right), right: _middle(pairs, left)})


def quotient(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Elementwise quotient u / v: Shapley values of the two inputs in closed form."""
    (multiplier,) = multipliers.values()
    top, bottom = operation.inputs
    rank = len(pairs.layouts[operation.outputs[0]].shape)
    sides = (pairs.stretch(side, rank) for side in (*pairs.sides(bottom), _middle(pairs, top)))
    of_top, of_bottom = pairs.formula(formulas.quotient_slopes, *sides)
    return _share_out(pairs, operation, multiplier, {top: of_top, bottom: of_bottom})


def squared_difference(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """(u - v)^2, the square of a linear function: the ratio of the square, passed on with either sign."""
    (multiplier,) = multipliers.values()
    left, right = operation.inputs
    rank = len(pairs.layouts[operation.outputs[0]].shape)
    slope = 2 * (pairs.stretch(_middle(pairs, left), rank) - pairs.stretch(_middle(pairs, right), rank))
    return _share_out(pairs, operation, multiplier, {left: slope, right: -slope})


def elementwise(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Elementwise in several tensors: the exact Shapley value of each, from all coalitions, over its own difference.

    Where an input hardly differs, the mean of the function's derivative in it over the same coalitions takes its place.
    """
    ((output, multiplier),) = multipliers.items()
    players = players_of(pairs.plan.graph, pairs.plan.roots, operation)
    shape = pairs.layouts[output].shape
    full = (*_pair_lead(pairs), *shape)
    sides = {
        player: [pairs.nd.broadcast_to(pairs.stretch(side, len(shape)), full) for side in pairs.sides(player)]
        for player in players
    }
    coalitions = list(product((0, 1), repeat=len(players)))  # 1: the player takes the background's value
    found = {
        coalition: pairs.evaluate(output, {p: sides[p][side] for p, side in zip(players, coalition, strict=True)})
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
    return _share_out(pairs, operation, multiplier, factors)


def contraction(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Bilinear in two tensors: the vector-Jacobian product at the middle of the pair, which is exact."""
    return pairs.pull_back([operation], multipliers, {value: _middle(pairs, value) for value in operation.data})


def maximum(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Maximum over a set, by shap's cross-maximum rule.

    With the larger of the two maxima between them, the change from the background's maximum up to it goes to where the
    image has its maximum, and the change from it to the image's maximum to where the background has its own. Elements
    that share a maximum are treated as the framework's own gradient treats them, never counted twice.
    """
    ((output, multiplier),) = multipliers.items()
    (value,) = operation.data
    (image, reference), outputs = pairs.sides(value), pairs.sides(output)
    if operation.window is not None:
        choices = (_selection(pairs, operation, side) for side in (image, reference))
        share = pairs.formula(formulas.block_shares, image, reference, *outputs, *choices, window=operation.window)
        return {value: Multiplier(pairs.dense(output, multiplier), share, operation.window)}
    dense = pairs.dense(output, multiplier)
    lead = tuple(max(a, b) for a, b in zip(dense.shape[:3], _pair_lead(pairs), strict=True))
    moved = sum(
        pairs.pull_back([operation], {output: Multiplier(dense * change)}, {value: _repeat(pairs, side, lead)})[
            value
        ].core
        for change, side in zip(formulas.cross_maximum(pairs.nd, *outputs), (image, reference), strict=True)
    )
    return {value: Multiplier(pairs.formula(_over, moved, image, reference))}


def log_softmax(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Log-softmax as x - log(sum(exp(x)))."""
    ((output, multiplier),) = multipliers.items()
    return _through_logsumexp(pairs, operation, pairs.dense(output, multiplier))


def softmax(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Softmax as exp(x - log(sum(exp(x)))).

    All multipliers of this decomposition are bounded. Those of exp(x) / sum(exp(x)) grow with exp of the difference
    between the levels of image and background, on which softmax doesn't depend, and cancel only in exact arithmetic.
    """
    ((output, multiplier),) = multipliers.items()
    (value,) = operation.data
    ratio = pairs.formula(formulas.softmax_ratio, *pairs.sides(value), *pairs.sides(output), rounding=pairs.rounding)
    return _through_logsumexp(pairs, operation, pairs.dense(output, multiplier.times(pairs.nd, ratio)))


def normalization(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Normalisation within sets, such as Keras 2's layer normalisation: as if it were written out."""
    ((output, multiplier),) = multipliers.items()
    value, scale, *_ = operation.inputs
    window, layout = operation.window or (), pairs.layouts[value]
    axes = tuple(3 + axis for axis, length in enumerate(window) if length > 1)
    lead = [length if axis == layout.axis else 1 for axis, length in enumerate(layout.shape)]
    scales = pairs.nd.reshape(pairs.image_run.value(scale), (1, pairs.n, 1, *lead))
    dense = pairs.dense(output, multiplier.times(pairs.nd, pairs.nd.astype(scales, pairs.trace.dtype)))
    static = {"axes": axes, "epsilon": operation.epsilon}
    return {value: Multiplier(pairs.formula(formulas.normalization_slope, dense, *pairs.sides(value), **static))}


def smooth(pairs: Pairs, operation: Operation, multipliers: Multipliers) -> dict[int, Multiplier]:
    """Anything else without kinks: the vector-Jacobian product, averaged along the line (Gauss-Legendre)."""
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    return _averaged(pairs, [operation], multipliers, operation.data, (nodes + 1) / 2, weights / 2)


RULES: dict[Family, Rule] = {
    Family.LINEAR: linear,
    Family.ELEMENTWISE: elementwise,
    Family.PRODUCT: multiply,
    Family.QUOTIENT: quotient,
    Family.SQUARED_DIFFERENCE: squared_difference,
    Family.CONTRACTION: contraction,
    Family.MAXIMUM: maximum,
    Family.SOFTMAX: softmax,
    Family.LOG_SOFTMAX: log_softmax,
    Family.NORMALIZATION: normalization,
    Family.SMOOTH: smooth,
}


def _averaged(
    pairs: Pairs,
    operations: Sequence[Operation],
    multipliers: Multipliers,
    sources: Sequence[int],
    nodes: np.ndarray,
    weights: np.ndarray,
) -> dict[int, Multiplier]:
    """The vector-Jacobian product of operations, averaged along the line from background to image."""
    total: dict[int, Any] = {}
    for node, weight in zip(nodes, weights, strict=True):
        at = {}
        for value in sources:
            image, reference = pairs.sides(value)
            at[value] = reference + float(node) * (image - reference)
        for value, part in pairs.pull_back(operations, multipliers, at).items():
            total[value] = total.get(value, 0.0) + float(weight) * part.core
    return {value: Multiplier(core) for value, core in total.items()}


def _middle(pairs: Pairs, value: int) -> Any:
    image, reference = pairs.sides(value)
    return (image + reference) / 2


def _over(nd: Any, moved: Any, image: Any, reference: Any) -> Any:
    difference = image - reference + nd.zeros_like(moved)
    return formulas.divide(nd, moved, difference, nd.abs(difference) <= 0, nd.zeros_like(moved))


def _through_logsumexp(pairs: Pairs, operation: Operation, dense: Any) -> dict[int, Multiplier]:
    """Multipliers of x, given those of x - log(sum(exp(x)))."""
    (value,) = operation.data
    slope = pairs.formula(formulas.logsumexp_slope, *pairs.sides(value), rounding=pairs.rounding)
    return {value: Multiplier(dense - pairs.nd.sum(dense, -1, True) * slope)}


def _pair_lead(pairs: Pairs) -> tuple[int, int, int]:
    return (1, pairs.n, pairs.m)


def _repeat(pairs: Pairs, tensor: Any, lead: tuple[int, ...]) -> Any:
    return pairs.nd.broadcast_to(tensor, (*lead, *tensor.shape[3:]))


def _share_out(
    pairs: Pairs, operation: Operation, multiplier: Multiplier, factors: Mapping[int, Any]
) -> dict[int, Multiplier]:
    """Multiply by each input's factor; sum where the input was broadcast."""
    (output,) = operation.outputs
    full = pairs.layouts[output].shape
    shared = {}
    for value, factor in factors.items():
        part = multiplier.times(pairs.nd, pairs.stretch(factor, len(full)))
        if pairs.layouts[value].shape != full:
            part = Multiplier(pairs.unbroadcast(value, pairs.dense(output, part)))
        shared[value] = part
    return shared


def _selection(pairs: Pairs, operation: Operation, side: Any) -> Any:
    """1 where an element is the maximum of its set, shared out among ties as the framework does."""
    (value,) = operation.data
    (output,) = operation.outputs
    lead = tuple(side.shape[:3])
    ones = pairs.nd.zeros((*lead, *pairs.layouts[output].shape), side.dtype) + 1
    return pairs.pull_back([operation], {output: Multiplier(ones)}, {value: side})[value].core
