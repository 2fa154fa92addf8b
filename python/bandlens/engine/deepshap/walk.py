"""From the explained outputs back to the bands, or from the bands to the outputs: the one function that is compiled.

Scores don't need multipliers at the images. Up to the first nonlinearity everything is linear in the bands, so a
band's score is the inner product of the multipliers *there* with the band's own contribution to that value, which is
computed once per image and once per background image. The most expensive backward step, through the first layer at
full resolution, drops out. With fewer bands than outputs, these contributions are sent forward instead, through the
same maps of the same steps: one pass per band instead of one per output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...data.cells import Cells
from ..backends.contract import Backend, Trace
from ..graph import Operation
from .meeting import Brought, met
from .multiplier import Multiplier
from .pairs import Pairs
from .plan import Plan, Step
from .rules import RULES

# contributions per band are kept in memory for all images of a chunk: not worth it beyond this many bytes
MOST_CONTRIBUTION_BYTES = 1 << 28


Observe = Callable[[Step, Mapping[int, Multiplier], Mapping[int, Multiplier]], None]


def multipliers(
    pairs: Pairs, seeds: Any, stop: frozenset[int], observe: Observe | None = None
) -> dict[int, Multiplier]:
    """Send multipliers back through the graph until they reach values in `stop`.

    Parameters
    ----------
    pairs : Pairs
    seeds : tensor, shape (outputs, images, n_outputs) or (outputs, images, background, n_outputs)
        What is explained, as weights on the model's outputs.
    stop : frozenset of int
        Values that are linear in the images, at which to end.
    observe : callable, optional
        Told of each step with the multipliers of its outputs, and what it makes of them for its inputs.

    Returns
    -------
    dict of int to Multiplier
    """
    plan, nd = pairs.plan, pairs.nd
    *lead, n_outputs = seeds.shape
    waiting = {plan.graph.output: Multiplier(nd.reshape(seeds, (*(*lead, 1)[:3], 1, n_outputs)))}

    for step in reversed(plan.steps):
        given = {value: waiting.pop(value) for value in step.outputs if value in waiting and value not in stop}
        if not given:
            continue
        found = RULES[step.rule](pairs, step).pull(given)
        if observe is not None:
            observe(step, given, found)
        for value, part in found.items():
            if value in waiting:
                part = Multiplier(pairs.nd.once(pairs.dense(value, waiting[value]) + pairs.dense(value, part)))
            waiting[value] = part
    return waiting


def differences(pairs: Pairs, tangents: dict[int, Any]) -> Any:
    """Send differences forward through the graph until they reach the output.

    Parameters
    ----------
    pairs : Pairs
    tangents : dict of int to tensor
        Differences of values that are linear in the images, shape (passes, images, background, *shape).

    Returns
    -------
    tensor, shape (passes, images, background, outputs)
    """
    nd, output = pairs.nd, pairs.plan.graph.output
    known = dict(tangents)
    for step in pairs.plan.steps:
        given = {value: known[value] for value in step.inputs if value in known}
        missing = [value for value in step.outputs if value not in known]
        if given and missing:
            known.update(RULES[step.rule](pairs, step).push(given))
    found = known[output]
    return nd.reshape(found, (*found.shape[:3], -1))


def band_scores(pairs: Pairs, seeds: Any, cells: Cells) -> Any:
    """Band scores of every pair: how they vary over the background is what makes their means uncertain.

    Parameters
    ----------
    pairs, seeds
        As for `multipliers`.
    cells : Cells
        The bands, and which elements of an image belong to each.

    Returns
    -------
    tensor, shape (outputs, images, background, bands)
    """
    nd, plan = pairs.nd, pairs.plan
    source = plan.graph.input
    outputs, n, m = seeds.shape[0], pairs.n, pairs.m
    n_bands = len(cells)
    forward = plan.forward and prefers_forward(n_bands, outputs)
    passes = n_bands if forward else outputs
    sides = n + (n * m if pairs.own else m)
    operations = beginning(plan, n_bands, passes=passes, pairs=n * m, sides=sides)
    # bands at steps may be so many that an image for each is more than what comes of them
    if not cells.plain and sides * n_bands * cells.size * 4 > MOST_CONTRIBUTION_BYTES:
        operations = ()
    stop = frozenset({source}).union(*(operation.outputs for operation in operations))

    def contributions(values: tuple[int, ...]) -> list[dict[int, Brought]]:
        sides = (pairs.image_run, pairs.reference_run)
        return [_contributions(pairs, operations, values, run.value(source), cells) for run in sides]

    if forward:
        return _forward_scores(pairs, contributions(_frontier(plan, stop)), seeds, n_bands)
    found = multipliers(pairs, seeds, stop)
    if not operations:
        return _direct_scores(pairs, found, seeds, cells)
    parts = contributions(tuple(found))
    scores = nd.zeros((outputs, n, m, n_bands), seeds.dtype)
    for value, multiplier in found.items():
        scores += met(pairs, value, multiplier, *(part[value] for part in parts))
    return scores


def _direct_scores(pairs: Pairs, found: dict[int, Multiplier], seeds: Any, cells: Cells) -> Any:
    """Multipliers at the images themselves, times the differences."""
    nd, source = pairs.nd, pairs.plan.graph.input
    image, reference = pairs.sides(source)
    lead = (seeds.shape[0], pairs.n, pairs.m)
    if source not in found:
        return nd.zeros((*lead, len(cells)), seeds.dtype)
    contributions = pairs.dense(source, found[source].times(image - reference))
    # a batch has one row per image, which is the first of the axes behind the leading ones
    shape = tuple(contributions.shape)
    summed = cells.sums(nd, nd.reshape(contributions, (*shape[:3], *shape[4:])), 3)
    return nd.broadcast_to(summed, (*lead, len(cells)))


def prefers_forward(n_bands: int, outputs: int) -> bool:
    """Whether to send differences of bands forward rather than multipliers of outputs back."""
    return n_bands < outputs


def _forward_scores(pairs: Pairs, parts: list[dict[int, Brought]], seeds: Any, n_bands: int) -> Any:
    """The same scores by sending each band's difference forward: one pass per band instead of one per output."""
    nd, n, m = pairs.nd, pairs.n, pairs.m
    tangents = {}
    for value, brought in parts[0].items():
        shape = pairs.layouts[value].shape
        images = nd.reshape(nd.moveaxis(brought.by_band, 1, 0), (n_bands, n, 1, *shape))
        lead = (n_bands, n, m) if pairs.own else (n_bands, 1, m)
        references = nd.reshape(nd.moveaxis(parts[1][value].by_band, 1, 0), (*lead, *shape))
        tangents[value] = images - references
    carried = differences(pairs, tangents)
    carried = nd.broadcast_to(carried, (n_bands, n, m, seeds.shape[-1]))
    return nd.einsum("kno,bnmo->knmb", seeds, carried)


def _along_background(pairs: Pairs, value: int, weights: Any) -> Any:
    """Weights of the background images, of all images or of each, to multiply a multiplier with."""
    return pairs.nd.reshape(weights, (1, -1, pairs.m, *(1,) * len(pairs.layouts[value].shape)))


def attributions(pairs: Pairs, seeds: Any, weights: Any) -> Any:
    """Sum over the background of weighted attributions, shape (outputs, images, *shape of an image)."""
    nd, source = pairs.nd, pairs.plan.graph.input
    image, reference = pairs.sides(source)
    found = multipliers(pairs, seeds, frozenset({source}))
    if source not in found:
        return nd.zeros((*seeds.shape[:2], *pairs.layouts[source].shape[1:]), seeds.dtype)
    weighted = found[source].times((image - reference) * _along_background(pairs, source, weights))
    summed = nd.sum(pairs.dense(source, weighted), 2)
    shape = (seeds.shape[0], pairs.n, *summed.shape[2:])
    return nd.reshape(nd.broadcast_to(summed, shape), (*shape[:2], *shape[3:]))


def _frontier(plan: Plan, stop: frozenset[int]) -> tuple[int, ...]:
    """Those of the values in `stop` that other steps start from."""
    after = [step for step in plan.steps if not stop.issuperset(step.outputs)]
    found = dict.fromkeys(value for step in after for value in step.inputs if value in stop)
    return tuple(found) or (plan.graph.output,)


def beginning(plan: Plan, n_bands: int, *, passes: int, pairs: int, sides: int) -> tuple[Operation, ...]:
    """Operations that are linear in the images, where using that is cheaper than passes through them.

    Parameters
    ----------
    plan : Plan
    n_bands : int
    passes, pairs, sides : int
        Passes per pair, pairs, and images of either kind in a chunk.
    """
    size = n_bands * sum(plan.graph.layouts[value].size for value in plan.start.ends)
    cost = sum(operation.cost for operation in plan.start.operations)
    with_contributions = sides * n_bands * cost + 2 * passes * pairs * size
    fits = sides * size * 4 <= MOST_CONTRIBUTION_BYTES
    return plan.start.operations if fits and with_contributions < passes * pairs * cost else ()


def _contributions(
    pairs: Pairs, operations: tuple[Operation, ...], values: tuple[int, ...], images: Any, cells: Cells
) -> dict[int, Brought]:
    """What each band alone brings to values that are linear in the images."""
    nd, source = pairs.nd, pairs.plan.graph.input
    count, n_bands = images.shape[0], len(cells)
    apart, left = None, operations
    if source not in values:  # which needs images of single bands
        apart = _apart(pairs, operations, images, cells)
    if apart is not None:
        (made,), left = operations[0].outputs, operations[1:]
        alike = {made}  # but for constants, which are in no difference
        for operation in left:
            if operation.data[0] in alike and pairs.shifts(operation):
                alike.update(operation.outputs)
        if alike.issuperset(values):
            brought = Brought(nd, nd.astype(apart, pairs.trace.dtype), by_element=True)
            return dict.fromkeys(values, brought)
        moved = nd.moveaxis(apart, -2, 1)
        known = {made: nd.reshape(moved, (-1, *moved.shape[2:]))}
    else:
        mask = cells.spread(nd, nd.eye(n_bands, images.dtype))
        alone = nd.reshape(images, (count, 1, *images.shape[1:])) * nd.reshape(mask, (1, *mask.shape))
        known = {source: nd.reshape(alone, (count * n_bands, *images.shape[1:]))}
    part = pairs.backend.Run(pairs.trace, known).forward(left)
    lead = (count, n_bands)
    return {value: Brought(nd, pairs.lifted(value, part.value(value), lead)) for value in values}


def _apart(pairs: Pairs, operations: tuple[Operation, ...], images: Any, cells: Cells) -> Any:
    """What the first operation makes of the bands' own parts, if there is a way without an image for each band."""
    if not operations:
        return None
    first, *others = operations
    source = pairs.plan.graph.input
    last = cells.plain and cells.parts[0].band_axis == len(images.shape) - 1
    if not last or first.data != (source,) or any(source in operation.data for operation in others):
        return None
    return pairs.backend.apart(pairs.trace, first, images)


def make_step(backend: Backend, trace: Trace, plan: Plan, *, cells: Cells, own: bool, maps: bool) -> Any:
    """The function to compile: ``(images, references, seeds, weights)`` to attributions with `maps`, else to scores.

    Attributions are summed over the background with these weights; scores are those of every pair.
    """

    def step(images: Any, references: Any, seeds: Any, weights: Any) -> Any:
        pairs = Pairs(backend, trace, plan, images, references, own)
        if maps:
            return attributions(pairs, seeds, weights)
        return band_scores(pairs, seeds, cells)

    return step
