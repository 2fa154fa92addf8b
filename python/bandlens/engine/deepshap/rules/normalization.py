"""Rules for normalisations: elements that are shared out within their sets, each pair's set as a whole."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, prod
from typing import Any

from .. import sets, variances
from ..multiplier import Multiplier
from ..pairs import Pairs
from ..plan import Step
from .maps import Map, Multipliers, Tangents, change


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
    (image, reference), whole = pairs.sides(source), change(pairs, value)
    share = sets.share_in_sets(
        nd,
        image,
        reference,
        summand,
        normalized,
        whole,
        statistic=statistic,
        rounding=pairs.rounding,
        together=step.mixed,
    )
    return _within_sets(pairs, step, share, axes)


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

    (image, reference), whole = pairs.sides(value), change(pairs, output)
    if epsilon is not None:
        one = nd.zeros((1, 1, 1, *pairs.layouts[value].shape), image.dtype) + 1
        static = {
            "axes": axes,
            "count": count,
            "per_variance": per_variance,
            "rounding": pairs.rounding,
            "together": step.mixed,
        }
        gain = scale(one) * (per_variance + epsilon) ** 0.5
        epsilons = nd.zeros((1,) * len(image.shape), image.dtype) + epsilon
        shares = pairs.formula(variances.share_by_root, image, reference, gain, epsilons, whole, **static)
        return _within_sets(pairs, step, shares, axes)
    shares = variances.share_around_mean(
        nd, image, reference, scale, whole, axes=axes, count=count, rounding=pairs.rounding, together=step.mixed
    )
    return _within_sets(pairs, step, shares, axes)


def _within_sets(pairs: Pairs, step: Step, share: sets.Share | variances.Shares, axes: tuple[int, ...]) -> Map:
    """The map of elements that are shared out within their sets."""
    nd, (value,), (output,) = pairs.nd, step.inputs, step.outputs

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        return {value: Multiplier(share.pull(nd, pairs.dense(output, multiplier), axes))}

    def push(tangents: Tangents) -> dict[int, Any]:
        (tangent,) = tangents.values()
        return {output: share.push(nd, tangent, axes)}

    return Map(pull, push)
