"""Elements that are normalised by a statistic of their set, shared out by Shapley values in closed form.

Of y_j = f(x_j, s), where s is the sum or mean of q(x_i) over a set, the Shapley value of an element is its change of y
averaged over all coalitions of the others. What a coalition does to y_j is done through s alone. So y_j has two parts:

- *own*: what x_j itself does, averaged over how many of the others are there, which by Shapley's weights is any number
  with the same probability. With a fraction t of the others, s is (1 - t) s' + t s without j, plus j itself. For
  one other that is exact, for many small ones it is the limit (the multilinear extension, Owen 1972); between, the ends
  weigh 1 / (N + 1), with N how many others there effectively are. Elements that a layer has made of the same bands come
  and go with these: none is ever there alone, where a small one would be as much of its norm as a large one. So the
  limit is taken for them, however many there are.
- *others*: the rest, which makes both parts complete, shared out among them by what each brings to s.

Nothing in here is larger than y itself can become for elements of image and background: f is only ever computed for an
element and a statistic that contains it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..backends.contract import Arrays
from . import formulas

# fractions of the others between none and all: clustered at the ends, where a set of zeros makes f change fast
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)
FRACTIONS = np.sin(np.pi * (_NODES + 1) / 4) ** 2
WEIGHTS = _WEIGHTS * np.sin(np.pi * (_NODES + 1) / 2)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
# of a statistic's two values together, what is no change of it
NO_CHANGE = {1e-6: 1e-4, 1e-11: 1e-8}
# of the usual size in a set: the difference by which elements that have none are told their derivatives
NUDGE = 3e-3


class Share(NamedTuple):
    """Factors per pair and element.

    Attributes
    ----------
    own : tensor
        Change of y_j that is due to x_j, over its difference.
    others : tensor
        Change of y_j that is due to the others, over the change of the statistic that is theirs.
    bend : tensor
        What an element adds to the change of the statistic, over its difference.
    apart : bool
        Whether an element's own part of the statistic's change is not among those of the others.
    """

    own: Any
    others: Any
    bend: Any
    apart: bool

    def pull(self, nd: Arrays, dense: Any, axes: tuple[int, ...]) -> Any:
        """Multipliers of the elements from those of the normalised ones."""
        others = dense * self.others
        through = nd.sum(others, axes, True)
        return dense * self.own + (through - others if self.apart else through) * self.bend

    def push(self, nd: Arrays, tangent: Any, axes: tuple[int, ...]) -> Any:
        """Differences of the normalised elements from those of the elements."""
        bent = self.bend * tangent
        through = nd.sum(bent, axes, True)
        return self.own * tangent + self.others * (through - bent if self.apart else through)


class Total(NamedTuple):
    """Sums or means: the statistic of terms, with and without an element's own."""

    nd: Arrays
    axes: tuple[int, ...]
    weight: float

    def without(self, terms: Any) -> Any:
        """The statistic of the others, for each element."""
        nd, zero = self.nd, self.nd.zeros_like(terms)
        # by sign: rounding must not leave a negative sum of squares, of which the root is not a number
        above, below = nd.maximum(terms, zero), nd.maximum(-terms, zero)
        rises, falls = (nd.maximum(nd.sum(part, self.axes, True) - part, zero) for part in (above, below))
        return self.weight * (rises - falls)

    def joined(self, others: Any, own: Any) -> Any:
        """The statistic of others and an element."""
        return others + self.weight * own

    def size(self, terms: Any) -> Any:
        """Against which a change is measured."""
        return self.weight * self.nd.sum(self.nd.abs(terms), self.axes, True)

    def change(self, without: tuple[Any, Any], terms: tuple[Any, Any]) -> Any:
        """How much of the statistic's change is that of the others."""
        return without[0] - without[1]

    def parts(self, terms: tuple[Any, Any], nudged: Any) -> Any:
        """What each element adds to the statistic's change, with its own term `nudged` instead of the image's."""
        return self.weight * (nudged - terms[1])


class Largest(NamedTuple):
    """Maxima: the change between two is shared out by the cross-maximum rule, as that of pooling."""

    nd: Arrays
    axes: tuple[int, ...]

    def without(self, terms: Any) -> Any:
        """The largest of the others, for each element; itself, where there are none."""
        top, chosen, count = self._chosen(terms)
        second = self.nd.max(self.nd.where(chosen > 0, self._least(terms), terms), self.axes)
        return self.nd.where((chosen > 0) & (count <= 1), second + self.nd.zeros_like(terms), top)

    def joined(self, others: Any, own: Any) -> Any:
        """The largest of others and an element."""
        return self.nd.maximum(others, own)

    def size(self, terms: Any) -> Any:
        """Against which a change is measured."""
        return self.nd.max(self.nd.abs(terms), self.axes)

    def change(self, without: tuple[Any, Any], terms: tuple[Any, Any]) -> Any:
        """The statistic's change: elements with the maximum are not told from the others."""
        tops = [self.nd.max(term, self.axes) for term in terms]
        return tops[0] - tops[1] + self.nd.zeros_like(without[0])

    def parts(self, terms: tuple[Any, Any], nudged: Any) -> Any:
        """What each element adds to the statistic's change, with its own term `nudged` instead of the image's."""
        nd = self.nd
        (top, chosen, count), (other, other_chosen, other_count) = (self._chosen(term) for term in terms)
        rise, fall = formulas.cross_maximum(nd, top, other)
        shares = chosen / count, other_chosen / other_count
        # one that is nudged has no part of the change, but it may be the maximum of both sides
        return shares[0] * rise + shares[1] * fall + nd.minimum(*shares) * (nudged - terms[0])

    def _chosen(self, terms: Any) -> tuple[Any, Any, Any]:
        """The maximum for each element, which elements have it, and how many."""
        zero = self.nd.zeros_like(terms)
        top = self.nd.max(terms, self.axes) + zero
        chosen = self.nd.where(terms >= top, zero + 1, zero)
        return top, chosen, self.nd.sum(chosen, self.axes, True) + zero

    def _least(self, terms: Any) -> Any:
        return -self.nd.max(-terms, self.axes) + self.nd.zeros_like(terms)


def share_in_sets(
    nd: Arrays,
    image: Any,
    reference: Any,
    summand: Callable[[Any], Any],
    normalized: Callable[[Any, Any], Any],
    whole: Any,
    *,
    statistic: Total | Largest,
    rounding: float,
    together: bool,
) -> Share:
    """Share out normalised elements.

    Parameters
    ----------
    nd
        Array functions.
    image, reference : tensor
        Elements, with leading axes.
    summand, normalized : callable
        q and f, of tensors with leading axes.
    whole : tensor
        Change of y between image and background.
    statistic : Total or Largest
        What is made of q(x) along the axes of a set.
    rounding : float
        Relative size of what is no difference.
    together : bool
        Whether elements are made of the same bands.
    """
    shape = joint_shape(image, reference)
    terms = tuple(nd.broadcast_to(summand(side), shape) for side in (image, reference))
    image, reference = (nd.broadcast_to(side, shape) for side in (image, reference))
    without = (statistic.without(terms[0]), statistic.without(terms[1]))
    difference = image - reference
    zero = nd.zeros_like(difference)
    same = nd.abs(difference) <= rounding * nd.maximum(nd.abs(image), nd.abs(reference))
    # outwards: what is not negative stays so
    usual = nd.mean(nd.abs(image) + nd.abs(reference), statistic.axes, True) / 2 + zero
    nudged = nd.where(same, image + nd.where(image < 0, -NUDGE * usual, NUDGE * usual), image)
    apart, none = nudged - reference, same & (usual <= 0)
    # elsewhere the same to the last bit, whatever a compiler computes anew
    own_terms = (nd.where(same, summand(nudged) + zero, terms[0]), terms[1])

    def own_change(fraction: Any) -> Any:
        others = (1 - fraction) * without[1] + fraction * without[0]
        there = normalized(nudged, statistic.joined(others, own_terms[0]))
        return there - normalized(reference, statistic.joined(others, own_terms[1]))

    def averaged(margin: Any) -> Any:
        """Over fractions of the others that leave a margin at both ends."""
        inner = zero
        for fraction, part in zip(FRACTIONS.tolist(), WEIGHTS.tolist(), strict=True):
            inner = inner + part * own_change(margin + (1 - 2 * margin) * fraction)
        return inner

    size = NO_CHANGE[rounding] * (statistic.size(terms[0]) + statistic.size(terms[1]))
    if together:
        own = averaged(zero)
    else:
        effective = effective_number(nd, terms[0] - terms[1], statistic.axes, rounding)
        end, inner = 1 / (effective + 1), averaged(1 / (2 * effective))
        ends = [
            # with no others at all, a derivative would be as large as the element is small
            nd.where(same & (nd.abs(others) <= size), inner, own_change(fraction))
            for fraction, others in ((zero, without[1]), (zero + 1, without[0]))
        ]
        own = end * (ends[0] + ends[1]) + (1 - 2 * end) * inner
    slope = formulas.divide(nd, own, apart, none, zero)
    moved = statistic.change(without, terms)
    still = nd.abs(moved) <= size
    own = nd.where(same, zero, nd.where(still, whole + zero, own))
    return Share(
        nd.where(same, slope, formulas.divide(nd, own, difference, same, zero)),
        formulas.divide(nd, whole - own, moved, still, zero),
        formulas.divide(nd, statistic.parts(terms, own_terms[0]), apart, none, zero),
        isinstance(statistic, Total),
    )


def effective_number(nd: Arrays, change: Any, axes: tuple[int, ...], rounding: float) -> Any:
    """How many others of its set change as much as they do on average, per element, at least 1."""
    size, squares = nd.abs(change), change * change
    rest = nd.maximum(nd.sum(squares, axes, True) - squares, nd.zeros_like(squares))
    several = (nd.sum(size, axes, True) - size) ** 2
    none = rest <= rounding * nd.sum(squares, axes, True)
    one = nd.ones_like(rest)
    return nd.maximum(formulas.divide(nd, several, rest, none, one), one)


def joint_shape(image: Any, reference: Any) -> tuple[int, ...]:
    """Shape of what depends on both."""
    return tuple(max(a, b) for a, b in zip(image.shape, reference.shape, strict=True))
