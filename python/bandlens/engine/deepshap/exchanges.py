"""Parts of a graph that work at every position by themselves, and share out a few elements of it exactly.

The angle between a pixel's spectrum and another, a pixel's elements from its least to its largest, its mean over its
deviation: such numbers are made of several statistics of the same elements. One by one, these would be taken for
independent: a product of the image's spectrum over the norm of the background's is nothing that the model ever
computes, and as large as 1 / epsilon where one of them is all zero. So the part between the elements and the number is
one function of the elements, shared out by Shapley values.

Whether a part works at every position by itself is found out by trying, once per model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import factorial, prod
from typing import Any

import numpy as np

from ..backends.contract import Backend, Trace
from ..graph import Graph, Operation, Region, between

# elements at a position of which all coalitions are computed, and of which those of some orders are
MOST_AT_ONCE, MOST_ELEMENTS = 4, 16
# of each position, what each element does to each that is made of them
MOST_CHANGES = 1024
# of what is made at a position, the largest change that rounding makes
SAME = 1e-4


def by_position(graph: Graph, value: int) -> list[Region]:
    """What makes a value of a few elements at each position, by shapes alone: the smallest first.

    Larger ones have no weights beyond those of the smallest: elements less their mean are no elements to exchange, as
    they sum to 0, but those before are.
    """
    found: list[Region] = []
    for source in _sources(graph, value):
        operations = tuple(between(graph, {source}, {value}))
        if found and any(one.weights for one in set(operations) - set(found[0].operations)):
            break
        if _lies_at_positions(graph, source, value):
            found.append(Region(source, value, operations))
    return found


def _lies_at_positions(graph: Graph, source: int, value: int) -> bool:
    """Whether a value has elements at the positions of a source that has few at each."""
    before, made = graph.layouts.get(source), graph.layouts[value]
    if before is None or not before.shape or not (before.real and made.real) or before.axis or made.axis:
        return False
    *positions, count = before.shape
    outputs = 1 if list(made.shape) == positions else made.shape[-1]
    alike = list(made.shape) in (positions, [*positions, outputs])
    return alike and 1 < count <= MOST_ELEMENTS and count * outputs <= MOST_CHANGES


def _sources(graph: Graph, value: int) -> Iterator[int]:
    """Values of which a value is a function, each of them alone, the last first."""
    needed = {value}
    for operation in reversed(graph.operations):
        if needed.isdisjoint(operation.outputs):
            continue
        needed.difference_update(operation.outputs)
        needed.update(operation.data)
        if len(needed) == 1:
            yield from needed


def divides(operation: Operation) -> bool:
    """Whether an operation of one tensor may divide by it."""
    kind = operation.kind.lower()
    if "div" in kind:
        return operation.inputs[0] not in operation.data
    return any(name in kind for name in ("rsqrt", "reciprocal", "pow"))


def alone(backend: Backend, trace: Trace, graph: Graph) -> Callable[[Sequence[Region]], list[bool]]:
    """A function that tells of each of some parts whether it works at every position by itself."""
    nd = backend.nd

    def ask(regions: Sequence[Region]) -> list[bool]:
        examples = [_example(graph, region, seed) for seed, region in enumerate(regions)]

        def try_out(*arrays: Any) -> list[Any]:
            found = []
            for region, given in zip(regions, arrays, strict=True):
                run = backend.Run(trace, {region.entry: nd.astype(given, trace.value_dtype(region.entry))}, graph, 2)
                found.append(nd.astype(run.forward(region.operations).value(region.exit), trace.dtype))
            return found

        rows = [one for one, _ in examples]
        outputs = backend.compile(trace, try_out, *rows)(*rows)
        return [_kept(values, changed) for values, (_, changed) in zip(outputs, examples, strict=True)]

    return ask


def _example(graph: Graph, region: Region, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Elements, and the same but for some positions, one behind the other; and which positions these are."""
    random = np.random.default_rng(seed)
    *positions, count = graph.layouts[region.entry].shape
    one, other = random.uniform(0.1, 1.0, (2, prod(positions), count))
    changed = random.permutation(prod(positions)) % 2 == 1
    both = np.stack([one, np.where(changed[:, None], other, one)])
    return both.reshape(2 * positions[0] if positions else 2, *positions[1:], count).astype(np.float32), changed


def _kept(values: np.ndarray, changed: np.ndarray) -> bool:
    """Whether nothing has changed where the elements have not."""
    one, other = values.astype(np.float64).reshape(2, len(changed), -1)
    return bool(np.abs(one - other)[~changed].max() <= SAME * np.abs(one).max())


def coalitions(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Which elements are the image's, and how much what comes of it counts for each element.

    Of up to `MOST_AT_ONCE` elements, all coalitions with Shapley's weights. Of more, those of as many orders as there
    are elements, each the one before but that its first is the last, and of these backwards: so each element comes at
    every place equally often.

    Parameters
    ----------
    count : int
        Elements at a position.

    Returns
    -------
    there : ndarray of bool, shape (coalitions, count)
    weights : ndarray of float64, shape (coalitions, count)
        By which the changes of an element add up; each column sums to 0.
    """
    weights: dict[tuple[bool, ...], np.ndarray] = {}

    def add(before: Sequence[bool], element: int, weight: float) -> None:
        after = [*before]
        after[element] = True
        for coalition, sign in ((before, -1), (after, 1)):
            weights.setdefault(tuple(coalition), np.zeros(count))[element] += sign * weight

    if count <= MOST_AT_ONCE:
        for before in product((False, True), repeat=count):
            size = sum(before)
            for element in (one for one in range(count) if not before[one]):
                add(before, element, factorial(size) * factorial(count - size - 1) / factorial(count))
    else:
        ring = np.random.default_rng(0).permutation(count)
        for first in range(count):
            order = np.roll(ring, -first)
            for one in (order, order[::-1]):
                there = [False] * count
                for element in one.tolist():
                    add(there, element, 1 / (2 * count))
                    there[element] = True
    return np.array(list(weights)), np.array(list(weights.values()))
