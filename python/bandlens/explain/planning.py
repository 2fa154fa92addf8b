"""How many images of which classes, against how many background images, would make shares known well enough.

The half width of a share's interval is made of three things: how images differ, which falls with the number of images
of the class; how background images differ in what they do to all, which falls with their number; and, where an image is
compared with a few of them only, what that adds to its score, which falls with both numbers, and makes sizes too large.
All are measured in each round of a computation (`results.precision`), so that it can be said what another would reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..results.importance import BandImportance
from ..results.precision import half_widths, parts_of
from ..results.uncertainty import ShareParts

# half widths that are aimed at, of those that are wanted: predictions err
MARGIN = 0.85
# where even everything together would not do, half widths within so much of what it would reach are as good as that
NEARLY = 1.25
# how much a number grows from round to round
MOST_GROWTH = 4.0
LEAST_GROWTH = 1.25
NORMAL = 1.96
# background images of its own that an image is compared with, at most: else it is compared with all
MOST_OWN = 64
# power of the number of comparisons with which falls what sizes can't be put right by: errors, to the fifth, and more
FALLS = 2.0


class Design(NamedTuple):
    """What a table is made of.

    Attributes
    ----------
    n : ndarray of int, shape (classes,)
        Rows of each class.
    m : int
        Background images; 0 where there are none.
    d : int or None
        With how many of them each image is compared; None stands for all.
    """

    n: np.ndarray
    m: int
    d: int | None

    @property
    def each(self) -> int:
        """Comparisons of each image, at least 1."""
        return max(1, self.m if self.d is None else self.d)

    @property
    def cost(self) -> float:
        """Passes through the model, about."""
        return float(self.n.sum() * self.each + self.m)


@dataclass(frozen=True)
class Supply:
    """What there is.

    Attributes
    ----------
    n : ndarray of int, shape (classes,)
    m : int
    d : int or None
        Most comparisons of each image, where their number is for us to choose.
    again : bool
        Whether an image may be compared with a background image several times.
    """

    n: np.ndarray
    m: int
    d: int | None
    again: bool = False

    def draws(self, m: int) -> int | None:
        """Most comparisons of each image, with so many background images."""
        return self.d if self.d is None or self.again else min(self.d, m)


@dataclass(frozen=True)
class Known:
    """What a round has found, each an array with an entry for every class, output and band whose share is known.

    Attributes
    ----------
    at : Design
    code : ndarray of int
        Place of the class among those of the design.
    half : ndarray
        Half width of the interval.
    parts : ShareParts
        What it is made of; `pairs` is none of `images` here.
    """

    at: Design
    code: np.ndarray
    half: np.ndarray
    parts: ShareParts

    def where(self, chosen: np.ndarray) -> Known:
        """Some of the entries."""
        return Known(self.at, self.code[chosen], self.half[chosen], ShareParts(*(one[chosen] for one in self.parts)))

    @property
    def quantile(self) -> np.ndarray:
        """Half widths per standard error."""
        error = np.sqrt(self.parts.images + self.parts.pairs + self.parts.background)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(error > 0, np.maximum((self.half - self.bias(self.at) / 2) / error, NORMAL), NORMAL)

    def bias(self, then: Design) -> np.ndarray:
        """By how much intervals would reach further to one side."""
        each = self.at.each / then.each
        of_background = self.parts.by_background * (self.at.m / max(then.m, 1))
        return of_background + self.parts.by_pairs * each + self.parts.unknown * each**FALLS

    def predicted(self, then: Design) -> np.ndarray:
        """Half widths by another design."""
        fewer, each = self.at.n[self.code] / then.n[self.code], self.at.each / then.each
        background = self.parts.background * (self.at.m / max(then.m, 1))
        error = np.sqrt((self.parts.images + self.parts.pairs * each) * fewer + background)
        found: np.ndarray = self.quantile * error + self.bias(then) / 2
        return found

    def rows(self, m: int, d: int | None, targets: np.ndarray) -> np.ndarray:
        """Rows of each class with which half widths would be these, as float; infinite where none would do."""
        then = Design(self.at.n, m, d)
        each = self.at.each / then.each
        left = np.maximum(targets - self.bias(then) / 2, 0.0) / self.quantile
        left = left**2 - self.parts.background * (self.at.m / max(m, 1))
        with np.errstate(divide="ignore"):
            needed = self.parts.images + self.parts.pairs * each
            more = np.where(left > 0, needed / np.where(left > 0, left, 1.0), np.inf)
        found = self.at.n.astype(np.float64)
        np.maximum.at(found, self.code, self.at.n[self.code] * more)
        return found


def known_of(result: BandImportance, at: Design, classes: np.ndarray) -> Known:
    """What a table tells; shares without an interval are left out, as no design is known to help them."""
    half, parts = half_widths(result.table), parts_of(result)
    code = np.broadcast_to(np.searchsorted(classes, result.cells[:, 0])[:, None], half.shape)
    some = np.isfinite(half) & np.isfinite(parts.images)
    # a share that is 0, as chance made the importance negative, does not vary, but its interval has a width
    still = (parts.images + parts.background == 0) & (half > 0)
    images = np.where(still, (half / NORMAL) ** 2, parts.images - parts.pairs)
    return Known(at, code, half, parts._replace(images=images)).where(some)


def needed(known: Known, supply: Supply, precision: float) -> tuple[Design, bool]:
    """The cheapest design by which all half widths would be at most `precision`, or nearly what they can be.

    Where they can't be, everything that there is, if that is one step away.

    Returns
    -------
    design : Design
    enough : bool
        Whether all would be at most `precision`.
    """
    at = known.at
    known = known.where(known.half > precision)
    whole = Design(supply.n, supply.m, at.d if supply.d is None else supply.draws(supply.m))
    best, at_best = whole, known.predicted(whole)
    enough = bool((at_best <= precision).all())
    if not enough and whole.cost <= MOST_GROWTH * at.cost:
        return whole, enough
    # what is within reach is to be reached, not nearly
    nearly = np.minimum(NEARLY * at_best, precision) if enough else NEARLY * at_best
    targets = np.maximum(MARGIN * precision, nearly)
    for m, d in _grid(at, supply):
        n = known.rows(m, d, targets)
        if (n <= supply.n + 1e-6).all():
            design = Design(np.minimum(np.ceil(n).astype(np.int64), supply.n), m, d)
            if design.cost < best.cost:
                best = design
    return best, enough


def towards(at: Design, goal: Design, supply: Supply) -> Design | None:
    """The next step from a design to a goal, not too large, as predictions err; None if it is there."""
    n = np.array([_step(now, then, most) for now, then, most in zip(at.n, goal.n, supply.n, strict=True)], np.int64)
    m = _step(at.m, goal.m, supply.m)
    most = supply.draws(m)
    d = at.d if at.d is None or goal.d is None or most is None else _step(at.d, goal.d, most)
    if d is not None and most is not None and at.d != d > MOST_OWN:
        d = most
    found = Design(n, m, d)
    same = (n == at.n).all() and m == at.m and d == at.d
    return None if same else found


def between(at: Design, then: Design, part: float) -> Design:
    """A design that is larger by a part of the way only, from 0 to 1."""

    def grown(now: float, later: float) -> int:
        return int(now * (later / max(now, 1)) ** part) if later > now else int(now)

    n = np.array([grown(now, later) for now, later in zip(at.n, then.n, strict=True)], np.int64)
    d = at.d if at.d is None or then.d is None else grown(at.d, then.d)
    return Design(n, grown(at.m, then.m), d)


def _step(now: int, goal: int, most: int) -> int:
    if goal <= now:
        return int(now)
    return int(min(most, max(np.ceil(LEAST_GROWTH * now), min(goal, MOST_GROWTH * now))))


def _grid(at: Design, supply: Supply) -> Iterator[tuple[int, int | None]]:
    """Numbers of background images and of comparisons that might do."""
    for m in _doubled(at.m, supply.m):
        most = supply.draws(m)
        if at.d is None or most is None:
            yield m, at.d
            continue
        few = _doubled(min(at.d, most), min(most, MOST_OWN)) if at.d <= MOST_OWN else []
        for d in dict.fromkeys([*few, most]):
            yield m, d


def _doubled(first: int, most: int) -> list[int]:
    found = [first]
    while 0 < found[-1] < most:
        found.append(min(2 * found[-1], most))
    return found
