"""The rule for maxima over sets, such as max pooling."""

from __future__ import annotations

from typing import Any

from ...graph import Operation
from .. import formulas
from ..pairs import Multiplier, Pairs
from ..plan import Step
from .maps import Map, Multipliers, Tangents, pair_lead, repeat


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
        lead = tuple(max(a, b) for a, b in zip(dense.shape[:3], pair_lead(pairs), strict=True))
        moved = sum(
            pairs.pull_back([operation], {output: Multiplier(dense * change)}, {value: repeat(pairs, side, lead)})[
                value
            ].core
            for change, side in zip(changes, (image, reference), strict=True)
        )
        return {value: Multiplier(pairs.formula(formulas.over, moved, image, reference))}

    def push(tangents: Tangents) -> dict[int, Any]:
        (tangent,) = tangents.values()
        lead = tuple(max(a, b) for a, b in zip(tangent.shape[:3], pair_lead(pairs), strict=True))
        part = pairs.formula(formulas.over, repeat(pairs, tangent, lead), image, reference)
        chosen = [
            pairs.push_forward(operation, {value: part}, {value: repeat(pairs, side, lead)})[output]
            for side in (image, reference)
        ]
        return {output: sum(change * one for change, one in zip(changes, chosen, strict=True))}

    return Map(pull, push)


def _selection(pairs: Pairs, operation: Operation, side: Any) -> Any:
    """1 where an element is the maximum of its set, shared out among ties as the framework does."""
    (value,) = operation.data
    (output,) = operation.outputs
    lead = tuple(side.shape[:3])
    ones = pairs.nd.zeros((*lead, *pairs.layouts[output].shape), side.dtype) + 1
    return pairs.pull_back([operation], {output: Multiplier(ones)}, {value: side})[value].core
