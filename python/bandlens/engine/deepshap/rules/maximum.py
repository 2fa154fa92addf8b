"""The rule for maxima over sets, such as max pooling."""

from __future__ import annotations

from typing import Any

from ...graph import Operation
from .. import formulas
from ..multiplier import Factor, Multiplier
from ..pairs import Pairing, Pairs
from ..plan import Step
from .maps import Map, Multipliers, Tangents, pair_lead, repeat


def maximum(pairs: Pairs, step: Step) -> Map:
    """Maximum over a set, by shap's cross-maximum rule.

    With the larger of the two maxima between them, the change from the background's maximum up to it goes to where the
    image has its maximum, and the change from it to the image's maximum to where the background has its own. Elements
    that share a maximum are treated as the framework's own gradient treats them, never counted twice. Where an element
    is the same on both sides, its derivative takes the place of the ratio, as elsewhere.
    """
    (output,), (value,), operation = step.outputs, step.inputs, step.operation
    (image, reference), outputs = pairs.sides(value), pairs.sides(output)
    if operation.window is not None:
        window = operation.window
        choices = (_selection(pairs, operation, side) for side in (image, reference))
        share = Factor(formulas.block_shares, (image, reference, *outputs, *choices), {"window": window})

        def pull_blocks(multipliers: Multipliers) -> dict[int, Multiplier]:
            (multiplier,) = multipliers.values()
            return {value: Multiplier(pairs.dense(output, multiplier), (share,), window)}

        def push_blocks(tangents: Tangents) -> dict[int, Any]:
            (tangent,) = tangents.values()
            shape = pairs.layouts[output].shape
            moved = tangent * pairs.factor(value, [share])
            return {output: formulas.sum_blocks(pairs.nd, moved, shape, window)}

        return Map(pull_blocks, push_blocks)
    nd, same = pairs.nd, formulas.unchanged(pairs.nd, *outputs)
    changes = formulas.cross_maximum(nd, *outputs)

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        dense = pairs.dense(output, multiplier)
        lead = tuple(max(a, b) for a, b in zip(dense.shape[:3], pair_lead(pairs), strict=True))

        def pulled(change: Any, side: Any) -> Any:
            at = {value: repeat(pairs, side, lead)}
            return pairs.pull_back([operation], {output: Multiplier(dense * change)}, at)[value].core

        moved = pulled(changes[0], image) + pulled(changes[1], reference)
        still = pulled(same, image)
        return {value: Multiplier(pairs.formula_in_a_row(formulas.over, moved, image, reference, still))}

    def push(tangents: Tangents) -> dict[int, Any]:
        (tangent,) = tangents.values()
        lead = tuple(max(a, b) for a, b in zip(tangent.shape[:3], pair_lead(pairs), strict=True))
        tangent = repeat(pairs, tangent, lead)
        none = nd.zeros_like(tangent)
        moving = pairs.formula_in_a_row(formulas.over, tangent, image, reference, none)
        still = nd.where(nd.abs(image - reference + none) <= 0, tangent, none)

        def pushed(part: Any, side: Any) -> Any:
            return pairs.push_forward(operation, {value: part}, {value: repeat(pairs, side, lead)})[output]

        parts = (
            changes[0] * pushed(moving, image),
            changes[1] * pushed(moving, reference),
            same * pushed(still, image),
        )
        return {output: sum(parts)}

    return Map(pull, push)


def announce_maxima(pairs: Pairing, outputs: int | None) -> None:
    """Say which formulas maxima over sets that overlap will ask for; see `announce_runs`."""
    if outputs is None:
        return
    every, (image, reference) = (outputs, pairs.n, pairs.m), pairs.leads
    for step in pairs.plan.steps:
        if step.rule == "maximum" and step.operation.window is None:
            pairs.announce_in_a_row(formulas.over, step.inputs[0], [every, image, reference, every])


def _selection(pairs: Pairs, operation: Operation, side: Any) -> Any:
    """1 where an element is the maximum of its set, shared out among ties as the framework does."""
    (value,) = operation.data
    (output,) = operation.outputs
    lead = tuple(side.shape[:3])
    ones = pairs.nd.zeros((*lead, *pairs.layouts[output].shape), side.dtype) + 1
    return pairs.pull_back([operation], {output: Multiplier(ones)}, {value: side})[value].core
