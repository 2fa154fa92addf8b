"""Deviations from the mean of a set, scaled by its variance: layer and group normalisation, standardisation.

As in `sets`, an element's part is its change of y_j averaged over how many of the others are there. But others change
two statistics, the mean m and the variance v, and v not only by their own deviations: a set of which some elements are
those of the image and some those of the background varies by the difference of the two levels, too. With a fraction t
of the others, v is a mixture's variance. On the way from none to all of the others, each step of t changes m and v a
little; y_j = (x_j - m) h(v) is shared out between the two (a product), and both among the others: another element
changes m by d / N and v by ((x_i - m)^2 - (x'_i - m)^2) / N, with d = x_i - x'_i.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..backends.contract import Arrays
from . import formulas
from .sets import FRACTIONS, WEIGHTS, effective_number, joint_shape

# of a variance, what is no change
NO_CHANGE = {1e-6: 1e-5, 1e-11: 1e-9}
# of an element, what is too little a difference for a ratio: what is divided by it is a difference of larger numbers
SAME = {1e-6: 1e-4, 1e-11: 1e-7}
# of the mean of changes, what is too little a change of the mean to be divided by
SLIGHT = 1e-3
# relative change of a variance by which it is found how a scale changes with it
NUDGE = 1e-2


class Shares(NamedTuple):
    """Factors per pair and element.

    Attributes
    ----------
    own : tensor
        Change of y_j that is due to x_j, over its difference.
    level, square, cross : tensor
        Change of y_j per change of another element: of the element, of its square, and of the element through the mean
        that squares are taken from.
    middle : tensor
        Sum of an element's two values, which are counted from the middle of both means.
    """

    own: Any
    level: Any
    square: Any
    cross: Any
    middle: Any

    def pull(self, nd: Arrays, dense: Any, axes: tuple[int, ...]) -> Any:
        """Multipliers of the elements from those of the normalised ones."""

        def others(part: Any) -> Any:
            weighted = dense * part
            return nd.sum(weighted, axes, True) - weighted

        through = others(self.level) + self.middle * others(self.square) - 2 * others(self.cross)
        return dense * self.own + through

    def push(self, nd: Arrays, tangent: Any, axes: tuple[int, ...]) -> Any:
        """Differences of the normalised elements from those of the elements."""

        def others(part: Any) -> Any:
            return nd.sum(part, axes, True) - part

        moved, bent = others(tangent), others(self.middle * tangent)
        return self.own * tangent + (self.level - 2 * self.cross) * moved + self.square * bent


def share_around_mean(
    nd: Arrays,
    image: Any,
    reference: Any,
    scale: Callable[[Any], Any],
    whole: Any,
    *,
    axes: tuple[int, ...],
    count: int,
    rounding: float,
    together: bool,
) -> Shares:
    """Share out elements that are standardised within their sets.

    Parameters
    ----------
    nd
        Array functions.
    image, reference : tensor
        Elements, with leading axes.
    scale : callable
        h, from a variance for each element to what deviations are multiplied with.
    whole : tensor
        Change of y between image and background.
    axes : tuple of int
        Along which sets lie.
    count : int
        Elements of a set.
    rounding : float
        Relative size of what is no difference.
    together : bool
        Whether elements are made of the same bands, see `sets`.
    """
    means = [nd.mean(side, axes, True) for side in (image, reference)]
    shape = joint_shape(image, reference)
    center = (means[0] + means[1]) / 2
    sides = [nd.broadcast_to(side, shape) - center for side in (image, reference)]
    means = [mean - center for mean in means]
    difference = sides[0] - sides[1]
    n = float(count)
    rest = max(n - 1, 1.0)
    # without the element itself: mean, and mean square about it
    means_without = [(n * mean - side) / rest for mean, side in zip(means, sides, strict=True)]
    squares = [nd.sum((side - mean) ** 2, axes, True) for side, mean in zip(sides, means, strict=True)]
    zero = nd.zeros_like(difference)
    within = [
        nd.maximum(square - (side - mean) ** 2 * (n / rest), zero) / rest
        for square, side, mean in zip(squares, sides, means, strict=True)
    ]
    level_change = (means_without[0] - means_without[1]) * (rest / n)
    end = margin = zero
    if not together:
        effective = effective_number(nd, difference, axes, rounding)
        end, margin = 1 / (effective + 1), 1 / (2 * effective)

    def at(fraction: Any, own: Any) -> tuple[Any, Any, Any]:
        """Deviation of an element from the mean, what it is multiplied with, and the variance."""
        shares = [rest / n * fraction, rest / n * (1 - fraction), 1 / n]
        parts = [means_without[0], means_without[1], own]
        mean = sum(share * part for share, part in zip(shares, parts, strict=True))
        variance = sum(share * (part - mean) ** 2 for share, part in zip(shares, parts, strict=True))
        variance = variance + shares[0] * within[0] + shares[1] * within[1]
        return own - mean, scale(variance), variance

    def own_slope(deviation: Any, height: Any, variance: Any) -> Any:
        """Change of y per change of the element, where it is the same on both sides."""
        nudged = variance * (1 + NUDGE)
        bend = formulas.divide(nd, scale(nudged) - height, nudged - variance, variance <= 0, zero)
        return rest / n * height + 2 / n * bend * deviation**2

    fractions = [zero, *(margin + (1 - 2 * margin) * fraction for fraction in FRACTIONS.tolist()), zero + 1]
    weights = [end, *((1 - 2 * end) * part for part in WEIGHTS.tolist())]
    level = square = cross = assigned = passed = slope = zero
    before = [at(fractions[0], own) for own in sides]
    for place, weight in enumerate(weights, start=1):
        passed, slope = passed + weight, slope + weight * own_slope(*before[0])
        step = fractions[place] - fractions[place - 1]
        after = [at(fractions[place], own) for own in sides]
        for own, there, (from_, height, low), (to, higher, high) in zip(
            sides, (passed, 1 - passed), before, after, strict=True
        ):
            change = high - low
            still = nd.abs(change) <= NO_CHANGE[rounding] * (high + low)
            # of the two orders of a product, the one in which no deviation meets a scale that is too large for it
            rises = nd.abs(higher) > nd.abs(height)
            deviation, factor = nd.where(rises, to, from_), nd.where(rises, height, higher)
            bent = formulas.divide(nd, deviation * (higher - height), change, still, zero) * there
            moved = -there * factor
            level, square = level + step * moved, square + step * bent
            cross = cross + step * bent * (own - (from_ + to) / 2)
            assigned = assigned + step * moved * level_change + bent * nd.where(still, zero, change)
        before = after
    same = nd.abs(difference) <= SAME[rounding] * nd.maximum(nd.abs(sides[0]), nd.abs(sides[1]))
    left = whole - assigned
    own = formulas.divide(nd, left, difference, same, slope + end * own_slope(*before[0]))
    # what an element can't take that is the same on both sides goes to where the mean changes
    apart = nd.sum(nd.abs(difference), axes, True) / n
    taken = formulas.divide(nd, left - own * difference, level_change, nd.abs(level_change) <= SLIGHT * apart, zero)
    level = level + nd.where(same, taken, zero)
    return Shares(own, level / n, square / n, cross / n, sides[0] + sides[1])


def share_by_root(
    nd: Arrays,
    image: Any,
    reference: Any,
    gain: Any,
    epsilon: Any,
    whole: Any,
    *,
    axes: tuple[int, ...],
    count: int,
    per_variance: float,
    rounding: float,
    together: bool,
) -> Shares:
    """The same where deviations are multiplied with ``gain / sqrt(per_variance * v + epsilon)``: one formula.

    `epsilon` is a tensor, as it was measured, and so differs a little from layer to layer: a number would be compiled
    into the formula, anew for each of them.
    """

    def scale(variance: Any) -> Any:
        return gain / nd.sqrt(variance * per_variance + epsilon)

    return share_around_mean(
        nd, image, reference, scale, whole, axes=axes, count=count, rounding=rounding, together=together
    )
