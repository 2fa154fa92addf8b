"""A table as precise as it is wanted, or as time allows: more images, more background, until its intervals say so.

Each round is an ordinary call for some of the images and background images: as many of every class as its intervals
ask for, drawn at random. What is drawn stays drawn (samples are nested), and the table of the last round is the answer,
so that one call by hand repeats it. Rounds grow by factors, so that those before the last cost little beside it, and
intervals are looked at a few times only: looking often, until they happen to be narrow, would make them too narrow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..data.repeated import repeated
from ..data.turns import in_turn, turns
from ..progress import Bar
from ..results.importance import BandImportance
from .answering import Answered, answered, result_of
from .calls import Call
from .effort import USUAL, Effort
from .gathering import Watch
from .part import part_of, positions_of
from .planning import LEAST_GROWTH, Design, Supply, between, known_of, needed, towards

# rows to begin with: in all, and of each class at least and at most
FIRST_ROWS = 120
LEAST_ROWS, MOST_ROWS = 12, 32
# background images to begin with; where each image is compared with a few of its own, so many for each comparison, as
# to know a background image's output costs a third of it
FIRST_BACKGROUND = 16
KNOWN_PER_COMPARISON = 3
# of the time that is left, what a round may be expected to take
SAFE = 0.8


class Outcome(NamedTuple):
    """What came of it.

    Attributes
    ----------
    answer : Answered
    result : BandImportance
        Its table, before it was checked.
    design : Design
        What the table is made of, if the round was not cut short.
    supply : Supply
    classes : ndarray of int
        Classes of the design.
    ended : {"reached", "exhausted", "time", "interrupted"}
    """

    answer: Answered
    result: BandImportance
    design: Design
    supply: Supply
    classes: np.ndarray
    ended: str


@dataclass
class _Pool:
    """What there is to draw from, in the order of drawing.

    Attributes
    ----------
    call : Call
        For everything.
    effort : Effort
    """

    call: Call
    effort: Effort
    classes: np.ndarray = field(init=False)
    order: np.ndarray = field(init=False)
    turn: np.ndarray = field(init=False)
    background: np.ndarray = field(init=False)
    supply: Supply = field(init=False)
    asked: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        call, codes = self.call, self.call.targets.codes
        random = np.random.default_rng([call.seed, 2])
        self.classes, n = np.unique(codes, return_counts=True)
        self.order, self.asked = in_turn(codes, random), np.zeros(len(codes), bool)
        self.turn = turns(codes, self.order)
        m = 0 if call.draws is None else len(call.draws)
        self.background = random.permutation(m) if call.strata is None else in_turn(call.strata, random)
        option = self._draws_option
        again = option is not None and call.method.options[option].default is not None
        most = None if option is None else call.method.options[option].default if again else m
        self.supply = Supply(n, min(m, self._as_even(m)), most, again)

    def _as_even(self, m: int) -> int:
        """How many background images are as even over classes as those of an ordinary call, if they are to be even.

        With more, rare classes would count the less the more there are of others: another question in every round.
        """
        comparison = self.call.comparison
        if comparison is None or comparison.strategy != "balanced" or self.effort.n_background is not None:
            return m
        assert self.call.strata is not None
        _, counts = np.unique(self.call.strata, return_counts=True)
        return max(USUAL, len(counts) * int(counts.min()))

    @property
    def _draws_option(self) -> str | None:
        """The option by which images are compared with a few background images each, where it is left to us."""
        option, call = self.call.method.comparisons, self.call
        left = option is not None and option not in self.effort.given and call.statistic == "band_sum"
        return option if left and not call.predictor.pixels else None

    def first(self) -> Design:
        """What to begin with."""
        call, supply = self.call, self.supply
        rows = int(np.clip(np.ceil(FIRST_ROWS / len(supply.n)), LEAST_ROWS, MOST_ROWS))
        n, own = np.minimum(rows, supply.n), call.method.comparisons
        if supply.d is not None:
            few = call.method.few_comparisons
            return self._met(n, min(few, supply.draws(supply.m) or 1))
        given = None if own is None else call.options[own]
        if given is not None:
            return self._met(n, given)
        return Design(n, min(FIRST_BACKGROUND, supply.m), None if supply.m else 1)

    def _met(self, n: np.ndarray, each: int) -> Design:
        """With as many background images as are known at no more cost, where each image is compared with a few."""
        return Design(n, min(KNOWN_PER_COMPARISON * int(n.sum()) * each, self.supply.m), each)

    def alone(self, at: Design) -> Design:
        """The same where it can't be known what the background does: it is that of an ordinary call."""
        m = self.supply.m if self.effort.n_background is not None else min(USUAL, self.supply.m)
        self.supply = Supply(self.supply.n, m, None)
        return Design(at.n, m, 1)

    def part(self, design: Design) -> tuple[Call, np.ndarray]:
        """The call for it, and the image of each of its rows."""
        most = np.zeros(int(self.classes.max()) + 1, np.int64)
        most[self.classes] = design.n
        rows = self.order[self.turn[self.order] < most[self.call.targets.codes[self.order]]]
        if self.call.targets.images is not None:
            rows = np.sort(rows)  # those of one image are explained together
        if self.call.targets.deferred:
            self._ask(rows)
        draws = None if self.call.draws is None else self.background[: design.m]
        part = part_of(self.call, rows, draws, self.options(design))
        return part.completed() if part.targets.deferred else part, positions_of(self.call, rows)

    def _ask(self, rows: np.ndarray) -> None:
        """The model for its outputs, for rows for which no round did."""
        call, rows = self.call, np.setdiff1d(rows, np.flatnonzero(self.asked))
        if len(rows):
            images = repeated(call.images, rows, call.predictor.trace.dtype)
            size = call.batch_size or call.predictor.images_per_batch
            call.targets.outputs[rows] = call.predictor.outputs(images, size, positions=rows)
            self.asked[rows] = True

    def options(self, design: Design) -> Mapping[str, Any]:
        """Options of the method that the design sets."""
        return {} if self._draws_option is None or design.d is None else {self._draws_option: design.d}


def in_rounds(call: Call, effort: Effort, bar: Bar) -> Outcome:
    """Answer a call round by round.

    Parameters
    ----------
    call : Call
        For all images and all background images that may be used.
    effort : Effort
    bar : Bar
    """
    best: Outcome | None = None
    try:
        for found in _rounds(_Pool(call, effort), bar):
            best = found
    except KeyboardInterrupt:
        if best is None or not effort.keep:
            raise
        return best._replace(ended="interrupted")
    assert best is not None
    return best


def _rounds(pool: _Pool, bar: Bar) -> Iterator[Outcome]:
    """The best that there is after each round."""
    call, effort, best = pool.call, pool.effort, None
    design = goal = pool.first()
    while True:
        watch, started = Watch(lambda found: effort.left <= 0, effort.keep), time.perf_counter()
        bar.expect(design.each, design.cost + (goal.cost if goal is not design else 0.0))
        part, images = pool.part(design)
        answer = answered(part, bar, watch, images)
        result = result_of(answer, None, 0.0, effort.precision)
        seconds = time.perf_counter() - started
        if best is None or not watch.ended or _known_to(result) < _known_to(best.result):
            best = Outcome(answer, result, design, pool.supply, pool.classes, "reached")
        if watch.ended:
            yield best._replace(ended="interrupted" if watch.interrupted else "time")
            return
        yield best
        bar.say(_said(result, effort))
        at = design
        if call.draws is not None and result.pair_scores is None:
            at = pool.alone(design)
            if at.m != design.m:
                design = goal = at
                continue
        if result.converged:
            return
        goal, enough = needed(known_of(result, at, pool.classes), pool.supply, effort.precision or 0.0)
        following = towards(at, goal, pool.supply)
        if following is None or (not enough and following.cost < LEAST_GROWTH * at.cost):
            yield best._replace(ended="exhausted")
            return
        following = _in_time(at, following, seconds, effort.left)
        if following is None:
            yield best._replace(ended="time")
            return
        design = following


def _in_time(at: Design, then: Design, seconds: float, left: float) -> Design | None:
    """A design for which there is time, by what the last one took; None if it would not be much larger than that."""
    for part in np.linspace(1, 0.1, 10):
        design = between(at, then, part) if part < 1 else then
        if seconds * design.cost / at.cost <= SAFE * left:
            return design if part == 1 or design.cost >= LEAST_GROWTH * at.cost else None
    return None


def _known_to(result: BandImportance) -> float:
    reached = result.precision_reached
    return np.inf if reached is None else reached


def _said(result: BandImportance, effort: Effort) -> str:
    """What a bar shows."""
    wanted = "" if effort.precision is None else f" (\u00b1{100 * effort.precision:.2g} wanted)"
    return f"shares known to \u00b1{100 * _known_to(result):.2g} points{wanted}"
