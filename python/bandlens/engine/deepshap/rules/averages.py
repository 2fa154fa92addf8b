"""Rules for what has no other: derivatives, averaged over the line from background to image, or over its ends."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...backends.contract import Arrays
from ...graph import Operation
from .. import formulas
from ..multiplier import Multiplier
from ..pairs import Pairs
from ..plan import Step
from .maps import Map, Multipliers, change, no_push, pair_lead

QUADRATURE_NODES = 16
REGION_NODES = 32


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
        lead = tuple(slope.shape[:3])
        difference = _by_place(nd, change(pairs, entry), lead, 1)
        wanted = nd.sum(_by_place(nd, nd.multiply(dense, change(pairs, value)), lead, 1), 4, True)
        core = _complete(nd, _by_place(nd, slope, lead, 1), difference, wanted)
        return {entry: Multiplier(nd.reshape(core, slope.shape))}

    return Map(pull, no_push)


def ends(pairs: Pairs, step: Step) -> Map:
    """What is made of several statistics of the same elements: its derivatives at both ends, made complete.

    Each end counts by its sum of squares: where all elements are zero on one side, the derivative there is boundless,
    and that of the other side is taken. Positions that are by themselves are weighed, and made complete in proportion
    to squares of differences, by themselves.
    """
    nd, (entry,), (value,) = pairs.nd, step.inputs, step.outputs
    shape = pairs.layouts[entry].shape
    places = prod(shape[:-1]) if step.alone else 1
    lead = pair_lead(pairs)
    sides = [_by_place(nd, side, lead, places) for side in pairs.sides(entry)]
    sizes = [nd.sum(side * side, 4, True) for side in sides]
    both, none = sizes[0] + sizes[1], nd.zeros_like(sizes[0])
    shares = [formulas.divide(nd, size, both, both <= 0, none) for size in sizes]
    difference, changed = sides[0] - sides[1], change(pairs, value)

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        dense = pairs.dense(value, multiplier)
        every = (dense.shape[0], *lead[1:])
        slope = nd.zeros((*every, places, prod(shape) // places), pairs.trace.dtype)
        for side, share in zip(pairs.sides(entry), shares, strict=True):
            core = pairs.pull_back(step.operations, {value: Multiplier(dense)}, {entry: side})[entry].core
            core = _by_place(nd, nd.where(nd.isfinite(core), core, nd.zeros_like(core)), every, places)
            slope = slope + nd.multiply(core, share)
        wanted = nd.sum(_by_place(nd, nd.multiply(dense, changed), every, places), 4, True)
        return {entry: Multiplier(nd.reshape(_complete(nd, slope, difference, wanted), (*every, *shape)))}

    return Map(pull, no_push)


def _by_place(nd: Arrays, tensor: Any, lead: tuple[int, ...], places: int) -> Any:
    """A tensor with the elements of each of so many positions in a row, shape (*lead, places, elements)."""
    full = nd.broadcast_to(tensor, (*lead, *tensor.shape[3:]))
    return nd.reshape(full, (*lead, places, prod(tensor.shape[3:]) // places))


def _complete(nd: Arrays, slope: Any, difference: Any, wanted: Any) -> Any:
    """Slopes that take differences to what is wanted at each position, by the least change of them."""
    missing = wanted - nd.sum(nd.multiply(slope, difference), 4, True)
    size = nd.sum(nd.multiply(difference, difference), 4, True)
    share = nd.multiply(missing, formulas.divide(nd, nd.ones_like(size), size, size <= 0, nd.zeros_like(size)))
    return slope + nd.multiply(share, difference)


def smooth(pairs: Pairs, step: Step) -> Map:
    """Anything else without kinks: the vector-Jacobian product, averaged along the line (Gauss-Legendre)."""
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        return _averaged(pairs, step.operations, multipliers, step.inputs, (nodes + 1) / 2, weights / 2)

    return Map(pull, no_push)


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
