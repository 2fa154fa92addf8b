"""Ratios of what the same elements are made into, which are shared out as a whole.

The angle between a pixel's spectrum and another, a pixel's elements from its least to its largest, its mean over its
deviation: such numbers are made of several statistics of the same elements. One by one, these would be taken for
independent: a product of the image's spectrum over the norm of the background's is nothing that the model ever
computes, and as large as 1 / epsilon where one of them is all zero. So what lies between the elements and the number is
one function of the elements. There are two rules for it:

- *exchange*: Shapley values, where that works at every position by itself, with few elements at each.
- *ends*: its derivatives at image and background, made complete. For many elements, and for those that a layer has made
  of the same bands, of which none is ever there alone.

Whether a part works at every position by itself is found out by trying, once per model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..backends.contract import Backend, Trace
from ..graph import Graph, Operation, Region, between
from .normalizations import is_reduction

# elements at a position that are exchanged one by one
MOST_ELEMENTS = 16
# of each position, what each element does to each that is made of them
MOST_CHANGES = 1024
# of what is made at a position, the largest change that rounding makes
SAME = 1e-4


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a graph that is shared out as a whole.

    Attributes
    ----------
    rule : str
        One of those above.
    region : Region
    alone : bool
        Whether it works at every position by itself.
    """

    rule: str
    region: Region
    alone: bool


Parts = Callable[[Collection[int], Collection[int]], dict[int, Part]]


def parts(backend: Backend, trace: Trace, graph: Graph) -> Parts:
    """A function from ratios, and values whose elements are made of the same bands, to what makes the ratios.

    Those are left out that can't be shared out as a whole.
    """

    def find(values: Collection[int], mixed: Collection[int]) -> dict[int, Part]:
        options = {
            value: [region for region in _by_position(graph, value) if region.entry not in mixed or _measures(region)]
            for value in values
        }
        asked = [region for these in options.values() for region in these]
        works = {region for region, answer in zip(asked, _alone(backend, trace, graph, asked), strict=True) if answer}
        found: dict[int, Part] = {}
        for value, these in options.items():
            region = next((region for region in reversed(these) if region in works), None)
            if region is not None and region.entry not in mixed and _is_small(graph, region):
                found[value] = Part("exchange", region, True)
                continue
            whole = _whole(graph, value) if region is None else region
            if whole is not None and _measures(whole) and trace.differentiable(whole):
                found[value] = Part("ends", whole, region is not None)
        return found

    return find


def _is_small(graph: Graph, region: Region) -> bool:
    """Whether there are few enough elements at each position to be exchanged."""
    *positions, count = graph.layouts[region.entry].shape
    return count <= MOST_ELEMENTS and changes(graph, region.entry, region.exit) <= MOST_CHANGES * prod(positions)


def changes(graph: Graph, entry: int, value: int) -> int:
    """How many changes exchanging elements makes at all positions: each element's of each that is made of them."""
    before, made = graph.layouts[entry], graph.layouts[value]
    return before.size * made.size // prod(before.shape[:-1])


def _by_position(graph: Graph, value: int) -> list[Region]:
    """What makes a value of elements at each position, by shapes alone: the smallest first.

    Larger ones have no weights beyond those of the smallest function: elements less their mean are no elements to
    exchange, as they sum to 0, but those before are.
    """
    found: list[Region] = []
    within: set[Operation] | None = None
    for region in _functions(graph, value):
        within = set(region.operations) if within is None else within
        if any(one.weights for one in region.operations if one not in within):
            break
        if _lies_at_positions(graph, region):
            found.append(region)
    return found


def _lies_at_positions(graph: Graph, region: Region) -> bool:
    """Whether what is made has elements at the positions of what it is made of."""
    before, made = graph.layouts[region.entry], graph.layouts[region.exit]
    if not before.shape or before.axis or made.axis or before.shape[-1] == 1:
        return False
    *positions, _ = before.shape
    return list(made.shape) == positions or list(made.shape[:-1]) == positions


def _whole(graph: Graph, value: int) -> Region | None:
    """What makes a value of all elements of another, without weights."""
    region = next(_functions(graph, value), None)
    return None if region is None or any(one.weights for one in region.operations) else region


def _measures(region: Region) -> bool:
    """Whether there are statistics among different bands, and no more than one layer."""
    mixes = any(is_reduction(one) and (one.window or (1,))[-1] > 1 for one in region.operations)
    return mixes and sum(bool(one.weights) for one in region.operations) <= 1


def _functions(graph: Graph, value: int) -> Iterator[Region]:
    """A value as a function of single others, the last first."""
    needed = {value}
    for operation in reversed(graph.operations):
        if needed.isdisjoint(operation.outputs):
            continue
        needed.difference_update(operation.outputs)
        needed.update(operation.data)
        if len(needed) == 1:
            (source,) = needed
            layouts = [graph.layouts.get(source), graph.layouts[value]]
            if all(layout is not None and layout.real for layout in layouts):
                yield Region(source, value, tuple(between(graph, needed, {value})))


def divides(operation: Operation) -> bool:
    """Whether an operation of one tensor may divide by it."""
    kind = operation.kind.lower()
    if "div" in kind:
        return operation.inputs[0] not in operation.data
    return any(name in kind for name in ("rsqrt", "reciprocal", "pow"))


def _alone(backend: Backend, trace: Trace, graph: Graph, regions: Sequence[Region]) -> list[bool]:
    """Whether each of some parts works at every position by itself."""
    if not regions:
        return []
    nd = backend.nd
    examples = [_example(graph, region, seed) for seed, region in enumerate(regions)]

    def try_out(*arrays: Any) -> list[Any]:
        found = []
        for region, given in zip(regions, arrays, strict=True):
            known = {region.entry: nd.astype(given, trace.value_dtype(region.entry))}
            run = backend.Run(trace, known, graph, 2).forward(region.operations)
            found.append(nd.astype(run.value(region.exit), trace.dtype))
        return found

    rows = [one for one, _ in examples]
    outputs = backend.compile(trace, try_out, *rows)(*rows)
    return [_kept(values, changed) for values, (_, changed) in zip(outputs, examples, strict=True)]


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
