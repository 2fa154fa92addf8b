"""Normalisations: each element of a set against a statistic of the set, such as its norm, its variance or its sum.

Layer, group and RMS normalisation, unit norms, standardisation and shares of a sum are made of a few operations, whose
multipliers, taken one by one, are as large as 1 / epsilon where a set of the image or of the background is all zero:
x / |x'| with the other image's norm is nothing that the model ever computes. So they are found in the graph and shared
out as a whole, see `rules.normalization`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import NamedTuple

from ..graph import Family, Graph, Operation


@dataclass(frozen=True)
class Statistic:
    """A number per set.

    Attributes
    ----------
    value : int
        The statistic.
    summand : int
        What is summed up, one number per element.
    window : tuple of int
        Lengths of the sets along the axes of the elements.
    weight : float
        Of each element: 1 for a sum, 1 / length for a mean; NaN for a maximum.
    level : bool
        Whether the summand is the element itself, or linear in it.
    """

    value: int
    summand: int
    window: tuple[int, ...]
    weight: float
    level: bool


@dataclass(frozen=True)
class Normalization:
    """What a normalised value is made of.

    Attributes
    ----------
    source : int
        The elements.
    statistics : tuple of Statistic
        In order; each may depend on those before.
    centred : bool
        Whether a constant that is added to all elements of a set changes nothing: then they are taken as deviations
        from their mean, and statistics of level are 0.
    epsilon : float or None
        Where deviations are multiplied with a constant over sqrt(statistic + epsilon).
    """

    source: int
    statistics: tuple[Statistic, ...]
    centred: bool = False
    epsilon: float | None = None

    @property
    def asks(self) -> bool:
        """Whether it depends on `centred` if there is a rule."""
        return any(statistic.level for statistic in self.statistics) and len(self.statistics) > 1

    def bending(self, centred: bool) -> Statistic | None:
        """The one statistic that elements are shared out against; None if there are several."""
        windows = {statistic.window for statistic in self.statistics}
        left = [statistic for statistic in self.statistics if not (centred and statistic.level)]
        if len(windows) != 1 or len(left) != 1 or (centred and isnan(left[0].weight)):
            return None
        return left[0]


class Tried(NamedTuple):
    """What trying tells of a normalisation: see the attributes of the same names."""

    centred: bool
    epsilon: float | None = None


def is_reduction(operation: Operation) -> bool:
    """Whether an operation makes a number of each of disjoint sets."""
    return operation.window is not None and operation.family in (Family.LINEAR, Family.MAXIMUM)


def statistics_of(
    graph: Graph, operation: Operation, reach: Mapping[int, tuple[int, ...]], known: Mapping[int, int]
) -> dict[int, int]:
    """Outputs of a reduction that is a statistic of one tensor, and of which.

    Parameters
    ----------
    graph : Graph
    operation : Operation
    reach : mapping of int to tuple of int
        What each value depends on elementwise.
    known : mapping of int to int
        Statistics found before.
    """
    if not is_reduction(operation) or len(operation.data) != 1:
        return {}
    (summand,) = operation.data
    carried = {known.get(root, root) for root in reach.get(summand, ())}
    if len(carried) != 1:
        return {}
    (root,) = carried
    whole = graph.layouts[root].shape == graph.layouts[summand].shape
    return dict.fromkeys(operation.outputs, root) if whole else {}


def fits(graph: Graph, value: int, statistics: tuple[int, ...], known: Mapping[int, int]) -> bool:
    """Whether a reshaped function of statistics has its numbers where they belong to the elements of their sets."""
    roots = {known[value] for value in statistics if value in known}
    if len(roots) != 1 or any(one not in known for one in statistics):
        return False
    elements, shape = graph.layouts[roots.pop()].shape, graph.layouts[value].shape
    if len(shape) != len(elements):
        return False
    return all(length in (1, full) for length, full in zip(shape, elements, strict=True))


def recognise(
    graph: Graph, value: int, passes: Mapping[int, tuple[int, ...]], *, narrow: bool = False
) -> Normalization | None:
    """What a value is made of, if it is elements against statistics of them.

    Parameters
    ----------
    graph : Graph
    value : int
    passes : mapping of int to tuple of int
        For each value, the values that all of it depends on passes through, last first.
    narrow : bool
        Whether elements are the last that there are. Else, where these are deviations from a level, they are what the
        level was taken from.
    """
    found: Normalization | None = None
    for source in passes[value]:
        if source == value or graph.layouts[source].shape != graph.layouts[value].shape:
            continue
        wider = _against(graph, value, source)
        if wider is None:
            continue
        if found is None:
            found = wider
        elif len(wider.statistics) == len(found.statistics) + 1 and any(one.level for one in wider.statistics):
            return wider
        if narrow:
            break
    return found


def _against(graph: Graph, value: int, source: int) -> Normalization | None:
    """A value as elements of a source against statistics of them; None if it depends on anything else."""
    producers = {output: operation for operation in graph.operations for output in operation.outputs}
    shape = graph.layouts[value].shape
    statistics: list[Statistic] = []
    waiting, seen = [value], {source}
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        operation = producers.get(one)
        if operation is None:
            return None
        if is_reduction(operation):
            (summand,) = operation.data
            if graph.layouts[summand].shape != shape or operation.window is None:
                return None
            level = _is_linear_in(source, summand, producers)
            statistics.append(Statistic(one, summand, operation.window, operation.weight, level))
        elif not (operation.pointwise or operation.reshapes):
            return None
        waiting.extend(operation.data)
    order = {output: place for place, one in enumerate(graph.operations) for output in one.outputs}
    statistics.sort(key=lambda one: order[one.value])
    return Normalization(source, tuple(statistics)) if statistics else None


def _is_linear_in(source: int, value: int, producers: Mapping[int, Operation]) -> bool:
    while value != source:
        operation = producers.get(value)
        if operation is None or not (operation.pointwise and operation.linear and len(operation.data) == 1):
            return False
        (value,) = operation.data
    return True
