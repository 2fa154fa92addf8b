"""Multipliers on their way through the graph: products that are carried out late, in as few passes as can be.

Between two convolutions, a multiplier meets a ratio of each run, shares of a maximum and constants. Each by itself
would be written to memory for every pair and read again, which takes longer than to compute it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import formulas

# outputs up to which factors are computed anew for each, rather than once for all, written to memory and read again
MOST_ANEW = 2


@dataclass(frozen=True, eq=False)
class Factor:
    """What is the same for every output: one of `formulas`, yet to be computed.

    Attributes
    ----------
    function : callable
    tensors : tuple of tensor
        What it is of, with leading axes of images and background.
    static : dict
        Its arguments that are no tensors.
    """

    function: Callable[..., Any]
    tensors: tuple[Any, ...]
    static: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Multiplier:
    """How much an output changes per unit of a value.

    Attributes
    ----------
    core : tensor, shape (outputs or 1, images or 1, background or 1, *shape), axes of `shape` possibly 1
    factors : tuple of tensor or Factor
        Without the dependence on outputs: shape (1, images or 1, background or 1, *shape). They are multiplied with
        each other, in one pass over memory, before they meet the much larger core; of few outputs, while they do.
    window : tuple of int or None
        Where given, the core has one entry per block of this shape, and is repeated only while it meets the factors.
    """

    core: Any
    factors: tuple[Any, ...] = ()
    window: tuple[int, ...] | None = None

    def times(self, *factors: Any) -> Multiplier:
        """Multiply by what is the same for every output."""
        return replace(self, factors=(*self.factors, *factors))

    @property
    def anew(self) -> bool:
        """Whether factors are computed anew for each output."""
        return computed_anew(self.core.shape[0])


def computed_anew(outputs: int) -> bool:
    """Whether factors of so many outputs' multipliers are computed anew for each."""
    return outputs <= MOST_ANEW


def terms_of(factors: Sequence[Any]) -> tuple[tuple[formulas.Term, ...], list[Any]]:
    """Factors as terms of `formulas.factor`, and the tensors that it is of, each of them once."""
    places: dict[int, int] = {}
    tensors: list[Any] = []
    terms = []
    for factor in factors:
        one = factor if isinstance(factor, Factor) else Factor(formulas.given, (factor,), {})
        for tensor in one.tensors:
            if places.setdefault(id(tensor), len(tensors)) == len(tensors):
                tensors.append(tensor)
        these = tuple(places[id(tensor)] for tensor in one.tensors)
        terms.append(formulas.Term(one.function, these, tuple(one.static.items())))
    return tuple(terms), tensors
