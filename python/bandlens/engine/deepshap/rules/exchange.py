"""The rule for what works at every position by itself, of a few elements: see `ratios`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import factorial, prod
from typing import Any

import numpy as np

from .. import formulas
from ..multiplier import Multiplier
from ..pairs import Pairs
from ..plan import Step
from .maps import Map, Multipliers, Tangents, pair_lead

# elements of which all coalitions are computed; of more, those of some orders
MOST_AT_ONCE = 4
# positions that have all of these orders each; of more positions, fewer are enough
MOST_PLACES = 256


def exchange(pairs: Pairs, step: Step) -> Map:
    """Shapley values of the elements at each position: what comes of exchanging them for the background's."""
    nd, (entry,), (value,) = pairs.nd, step.inputs, step.outputs
    *positions, count = pairs.layouts[entry].shape
    made, places = pairs.layouts[value].shape, prod(positions)
    outputs = prod(made) // places
    columns = positions[-1] if positions else 1
    lead = pair_lead(pairs)
    full = (*lead, *positions, count)
    image, reference = (nd.broadcast_to(side, full) for side in pairs.sides(entry))
    there, weights = coalitions(count, columns, places)

    def add(total: Any, element: Any) -> Any:
        of_columns = nd.reshape(element[0], (1, 1, 1, columns, count))
        mask = nd.broadcast_to(of_columns, (*lead, places // columns, columns, count))
        rows = pairs.rows(entry, nd.where(nd.reshape(mask, full) > 0, image, reference), lead)
        run = pairs.backend.Run(pairs.trace, {entry: rows}, pairs.plan.graph, lead[1] * lead[2])
        found = pairs.lifted(value, run.forward(step.operations).value(value), lead)
        found = nd.reshape(found, (*lead[1:], places // columns, columns, 1, outputs))
        return total + nd.reshape(element[1], (1, 1, 1, columns, count, 1)) * found

    table = nd.asarray(np.stack([there, weights], axis=1).astype(pairs.trace.dtype))
    none = nd.zeros((*lead[1:], places // columns, columns, count, outputs), pairs.trace.dtype)
    changes = nd.reshape(pairs.backend.loop_over(add, table, none), (*lead[1:], places, count, outputs))
    difference = nd.reshape(image - reference, (*lead[1:], places, count, 1))
    still = nd.abs(difference) <= 0
    factors = changes * formulas.divide(nd, nd.ones_like(difference), difference, still, nd.zeros_like(difference))

    def pull(multipliers: Multipliers) -> dict[int, Multiplier]:
        (multiplier,) = multipliers.values()
        dense = pairs.dense(value, multiplier)
        wide = nd.broadcast_to(dense, (dense.shape[0], *lead[1:], *made))
        given = nd.reshape(wide, (dense.shape[0], *lead[1:], places, outputs))
        found = nd.einsum("knmpj,nmpij->knmpi", given, factors)
        return {entry: Multiplier(nd.reshape(found, (dense.shape[0], *lead[1:], *positions, count)))}

    def push(tangents: Tangents) -> dict[int, Any]:
        (tangent,) = tangents.values()
        wide = nd.broadcast_to(tangent, (tangent.shape[0], *full[1:]))
        given = nd.reshape(wide, (tangent.shape[0], *lead[1:], places, count))
        found = nd.einsum("knmpi,nmpij->knmpj", given, factors)
        return {value: nd.reshape(found, (tangent.shape[0], *lead[1:], *made))}

    return Map(pull, push)


def coalitions(count: int, columns: int, places: int) -> tuple[np.ndarray, np.ndarray]:
    """Which elements are the image's, and how much what comes of it counts for each element.

    Of up to `MOST_AT_ONCE` elements, all coalitions with Shapley's weights. Of more, there are as many orders as there
    are elements, each the one before but that its first is the last, and these backwards: so each element comes at
    every place equally often. Of many positions, columns share them out among themselves, one or a few each.

    Parameters
    ----------
    count : int
        Elements at a position.
    columns, places : int
        Positions in a row, and all.

    Returns
    -------
    there : ndarray of bool, shape (coalitions, columns, count)
    weights : ndarray of float64, shape (coalitions, columns, count)
        By which the changes of an element add up; for each, they sum to 0.
    """
    each = count if places <= MOST_PLACES else -(-count // columns)
    found = [_exactly(count)] * columns if count <= MOST_AT_ONCE else [*_in_orders(count, columns, each)]
    there, weights = (np.stack(parts, axis=1) for parts in zip(*found, strict=True))
    return there, weights


class _Changes:
    """Coalitions, and by which weights they count for each element."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._weights: dict[tuple[bool, ...], np.ndarray] = {}

    def add(self, before: Sequence[bool], element: int, weight: float) -> None:
        """What an element does that joins a coalition."""
        after = [*before]
        after[element] = True
        for coalition, sign in ((before, -1), (after, 1)):
            self._weights.setdefault(tuple(coalition), np.zeros(self.count))[element] += sign * weight

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Both of shape (coalitions, count)."""
        return np.array(list(self._weights)), np.array(list(self._weights.values()))


def _exactly(count: int) -> tuple[np.ndarray, np.ndarray]:
    changes = _Changes(count)
    for before in product((False, True), repeat=count):
        size = sum(before)
        for element in (one for one in range(count) if not before[one]):
            changes.add(before, element, factorial(size) * factorial(count - size - 1) / factorial(count))
    return changes.tables()


def _in_orders(count: int, columns: int, each: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    ring = np.random.default_rng(0).permutation(count)
    for column in range(columns):
        changes = _Changes(count)
        for first in range(column * each, (column + 1) * each):
            order = np.roll(ring, -first)
            for one in (order, order[::-1]):
                there = [False] * count
                for element in one.tolist():
                    changes.add(there, element, 1 / (2 * each))
                    there[element] = True
        yield changes.tables()
