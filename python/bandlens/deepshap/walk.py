"""From the explained outputs back to the bands: the one function that is compiled.

Scores don't need multipliers at the images. Up to the first nonlinearity everything is linear in the bands, so a
band's score is the inner product of the multipliers *there* with the band's own contribution to that value, which is
computed once per image and once per background image. The most expensive backward step, through the first layer at
full resolution, drops out.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..graph import Operation
from .pairs import Multiplier, Pairs
from .plan import Plan
from .rules import RULES, elementwise, run

# a contribution per band is kept in memory for each image of a chunk: not worth it beyond this many bytes
MOST_CONTRIBUTION_BYTES = 1 << 26


def multipliers(pairs: Pairs, seeds: Any, stop: frozenset[int]) -> dict[int, Multiplier]:
    """Send multipliers back through the graph until they reach values in `stop`.

    Parameters
    ----------
    pairs : Pairs
    seeds : tensor, shape (outputs, images, n_outputs)
        What is explained, as weights on the model's outputs.
    stop : frozenset of int
        Values that are linear in the images, at which to end.

    Returns
    -------
    dict of int to Multiplier
    """
    plan, nd = pairs.plan, pairs.nd
    shape = tuple(seeds.shape)
    waiting = {plan.graph.output: Multiplier(nd.reshape(seeds, (*shape[:2], 1, 1, shape[2])))}

    def add(found: dict[int, Multiplier]) -> None:
        for value, part in found.items():
            if value in waiting:
                part = Multiplier(pairs.dense(value, waiting[value]) + pairs.dense(value, part))
            waiting[value] = part

    for operation in reversed(plan.graph.operations):
        if stop.issuperset(operation.outputs):
            continue
        given = {value: waiting.pop(value) for value in operation.outputs if value in waiting}
        if not given:
            continue
        (value, *_) = given
        if plan.is_run(value):
            add(run(pairs, value, given[value]))
        elif operation.pointwise and not all(plan.graph.layouts[source].real for source in operation.data):
            add(elementwise(pairs, operation, given))
        else:
            add(RULES[operation.family](pairs, operation, given))
    return waiting


def band_scores(pairs: Pairs, seeds: Any, weights: Any, band_axis: int) -> Any:
    """Sum over the background of the weighted band scores, shape (outputs, images, bands).

    Parameters
    ----------
    pairs, seeds
        As for `multipliers`.
    weights : tensor, shape (background,)
        Weight of each background image.
    band_axis : int
        Axis of the bands in a batch of images.
    """
    nd, plan = pairs.nd, pairs.plan
    source = plan.graph.input
    operations = beginning(plan, band_axis)
    stop = frozenset({source}).union(*(operation.outputs for operation in operations))
    found = multipliers(pairs, seeds, stop)
    image_parts, reference_parts = (
        _contributions(pairs, operations, tuple(found), run_.value(source), band_axis)
        for run_ in (pairs.image_run, pairs.reference_run)
    )
    outputs, n, m = seeds.shape[0], pairs.n, pairs.m
    n_bands = pairs.layouts[source].shape[band_axis]
    scores = nd.zeros((outputs, n, n_bands), seeds.dtype)
    for value, multiplier in found.items():
        size = pairs.layouts[value].size
        weighted = multiplier.times(nd, _along_background(pairs, value, weights))
        full = nd.broadcast_to(pairs.dense(value, weighted), (outputs, n, m, *pairs.layouts[value].shape))
        full = nd.reshape(full, (outputs, n, m, size))
        scores += nd.einsum("knf,nbf->knb", nd.sum(full, 2), image_parts[value])
        references = nd.moveaxis(reference_parts[value], 1, 2)
        if pairs.own:
            references = nd.reshape(references, (n, m * size, n_bands))
            scores -= nd.einsum("knf,nfb->knb", nd.reshape(full, (outputs, n, m * size)), references)
        else:
            rows = nd.reshape(full, (outputs * n, m * size)) @ nd.reshape(references, (m * size, n_bands))
            scores -= nd.reshape(rows, (outputs, n, n_bands))
    return scores


def _along_background(pairs: Pairs, value: int, weights: Any) -> Any:
    """Weights of the background images, to multiply a multiplier with."""
    return pairs.nd.reshape(weights, (1, 1, pairs.m, *(1,) * len(pairs.layouts[value].shape)))


def attributions(pairs: Pairs, seeds: Any, weights: Any) -> Any:
    """Sum over the background of weighted attributions, shape (outputs, images, *shape of an image)."""
    nd, source = pairs.nd, pairs.plan.graph.input
    image, reference = pairs.sides(source)
    found = multipliers(pairs, seeds, frozenset({source}))
    if source not in found:
        return nd.zeros((*seeds.shape[:2], *pairs.layouts[source].shape[1:]), seeds.dtype)
    weighted = found[source].times(nd, (image - reference) * _along_background(pairs, source, weights))
    summed = nd.sum(pairs.dense(source, weighted), 2)
    shape = (seeds.shape[0], pairs.n, *summed.shape[2:])
    return nd.reshape(nd.broadcast_to(summed, shape), (*shape[:2], *shape[3:]))


def beginning(plan: Plan, band_axis: int) -> list[Operation]:
    """Operations that are linear in the images, where using that is cheaper than a backward pass through them."""
    operations = [operation for operation in plan.graph.operations if plan.beginning.issuperset(operation.outputs)]
    ends = {
        value
        for operation in plan.graph.operations
        if not plan.beginning.issuperset(operation.outputs)
        for value in operation.data
        if value in plan.beginning
    } or {plan.graph.output}
    n_bands = plan.graph.layouts[plan.graph.input].shape[band_axis]
    size = n_bands * sum(plan.graph.layouts[value].size for value in ends)
    cheaper = sum(operation.cost for operation in operations) > 2 * size
    return operations if cheaper and size * 4 <= MOST_CONTRIBUTION_BYTES else []


def _contributions(
    pairs: Pairs, operations: list[Operation], values: tuple[int, ...], images: Any, band_axis: int
) -> dict[int, Any]:
    """What each band alone brings to values that are linear in the images, shape (images, bands, elements)."""
    nd, source = pairs.nd, pairs.plan.graph.input
    count, n_bands = images.shape[0], images.shape[band_axis]
    own_band = (n_bands if axis == band_axis else 1 for axis in range(1, len(images.shape)))
    mask = nd.reshape(nd.eye(n_bands, images.dtype), (1, n_bands, *own_band))
    alone = nd.reshape(images, (count, 1, *images.shape[1:])) * mask
    batch = nd.reshape(alone, (count * n_bands, *images.shape[1:]))
    part = pairs.backend.Run(pairs.trace, {source: batch}).forward(operations)
    return {
        value: nd.reshape(
            pairs.lift(value, part.value(value), count * n_bands), (count, n_bands, pairs.layouts[value].size)
        )
        for value in values
    }


def make_step(backend: ModuleType, trace: Any, plan: Plan, *, band_axis: int, own: bool, maps: bool) -> Any:
    """The function to compile: ``(images, references, seeds, weights) -> scores or attributions``."""

    def step(images: Any, references: Any, seeds: Any, weights: Any) -> Any:
        pairs = Pairs(backend, trace, plan, images, references, own)
        if maps:
            return attributions(pairs, seeds, weights)
        return band_scores(pairs, seeds, weights, band_axis)

    return step
