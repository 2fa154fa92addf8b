"""Which of a model's first layers needn't be computed for every mixture of two images, because mixtures share them.

A mixture is an image with some bands of another. Where many are made of few images, most of them agree in what the
first layers see. Layers that are linear in the bands are computed once for each band, and a mixture's value is a sum of
contributions. A branch that sees few bands only, such as one for the bands of one resolution, is computed once for each
mixture of these bands, nonlinear as it may be, and so is all that stays apart behind it. A `Start` is the part of a
model that is shared in one of these ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..engine.graph import Graph, LinearStart
from ..models.beginning import adds_up


class Start(NamedTuple):
    """The beginning of a model, in which every value is a sum over blocks of features.

    Attributes
    ----------
    part : LinearStart
        The values, and the operations that make them.
    blocks : tuple of tuple of int
        Features that values depend on together. Blocks of one feature each: nothing but linear operations.
    """

    part: LinearStart
    blocks: tuple[tuple[int, ...], ...]

    @property
    def linear(self) -> bool:
        """Whether contributions of an image don't depend on what it is mixed with."""
        return all(len(block) == 1 for block in self.blocks)

    @property
    def cost(self) -> float:
        """Multiplications per image."""
        return sum(operation.cost for operation in self.part.operations)

    def size(self, graph: Graph) -> int:
        """Elements per image that the rest of the model needs."""
        return sum(graph.layouts[end].size for end in self.part.ends)

    def adds_up(self, graph: Graph) -> bool:
        """Whether what the rest needs are numbers, image by image."""
        return adds_up(graph, self.part)


def shared_start(
    graph: Graph, linear: LinearStart, reach: Mapping[int, frozenset[int]], n_features: int, most: int
) -> Start:
    """Follow a graph for as long as its values are sums over blocks of features.

    Parameters
    ----------
    graph : Graph
    linear : LinearStart
        Its linear beginning.
    reach : mapping of int to frozenset of int
        Features that each end of the linear beginning depends on.
    n_features : int
    most : int
        Features that may form a block, because an operation is not linear in them.
    """
    blocks = [frozenset([feature]) for feature in range(n_features)]
    depends, values = dict(reach), set(linear.values)
    operations, rest = list(linear.operations), []
    for operation in linear.rest:
        # values in the linear beginning that nobody asked about carry no data that could differ
        if not all(value in depends for value in operation.data):
            rest.append(operation)
            continue
        features = frozenset[int]().union(*(depends[value] for value in operation.data))
        if not operation.linear:
            met = [block for block in blocks if block & features]
            joined = frozenset[int]().union(*met)
            if len(joined) > most:
                rest.append(operation)
                continue
            blocks = [block for block in blocks if block not in met] + [joined] * bool(joined)
        operations.append(operation)
        values.update(operation.outputs)
        depends.update(dict.fromkeys(operation.outputs, features))
    ends = dict.fromkeys(value for operation in rest for value in operation.data if value in values)
    part = LinearStart(frozenset(values), tuple(operations), tuple(rest), tuple(ends) or (graph.output,))
    return Start(part, tuple(sorted(tuple(sorted(block)) for block in blocks)))


def n_columns(masks: np.ndarray, blocks: tuple[tuple[int, ...], ...]) -> int:
    """Number of the columns of `columns`."""
    return sum(len(numbers[numbers > 0]) for numbers in (np.unique(_seen_by(masks, block)) for block in blocks))


def columns(masks: np.ndarray, blocks: tuple[tuple[int, ...], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Take mixtures apart into what the blocks see of them.

    Parameters
    ----------
    masks : ndarray of bool, shape (..., features)
    blocks : tuple of tuple of int
        Each of less than 63 features.

    Returns
    -------
    seen : ndarray of bool, shape (columns, features)
        Every mixture that differs in one block only from that in which no feature is present.
    where : ndarray of bool, shape (..., columns)
        Which of them add up to each of the masks.
    """
    seen, where = [np.zeros((0, masks.shape[-1]), bool)], [np.zeros((*masks.shape[:-1], 0), bool)]
    for block in blocks:
        numbers = _seen_by(masks, block)
        found = np.unique(numbers)
        found = found[found > 0]
        part = np.zeros((len(found), masks.shape[-1]), bool)
        part[:, list(block)] = (found[:, None] >> np.arange(len(block))) & 1 == 1
        seen.append(part)
        where.append(numbers[..., None] == found)
    return np.concatenate(seen), np.concatenate(where, axis=-1)


def _seen_by(masks: np.ndarray, block: tuple[int, ...]) -> np.ndarray:
    """Which features of a block are present, as the bits of a number."""
    return masks[..., list(block)].astype(np.int64) @ (1 << np.arange(len(block)))
