"""Says of a call that will take minutes how long it will take, and what a table of a stated precision would.

Time is measured from the first images on, when all is compiled, and while the call goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from ..data.words import argument
from ..methods.findings import Found
from ..progress import Tick
from .answering import Answered, result_of
from .calls import Call
from .part import part_of, positions_of
from .planning import Design, known_of

# seconds for which a time is measured, and those that are worth saying
LOOK = 5.0
LONG = 120.0
PRECISION = 0.01
# comparisons of an image that might do
FEW = (4, 8, 16, 32, 64)


@dataclass
class Forecast:
    """Called whenever images were finished; it never has enough.

    Attributes
    ----------
    call : Call
    tick : Tick
        Who is told.
    """

    call: Call
    tick: Tick
    began: float = field(default=0.0, init=False)
    before: int = field(default=0, init=False)
    said: bool = field(default=False, init=False)

    def __call__(self, found: Found) -> bool:
        """Say it once, when it is known."""
        if self.said or not self.tick.says:
            return False
        done, now = len(found.finished), time.perf_counter()
        if not self.before:
            self.began, self.before = now, done
            return False
        if now - self.began < LOOK or done <= self.before:
            return False
        self.said = True
        each = (now - self.began) / (done - self.before)
        left = each * (self.call.images.n - done)
        if left > LONG:
            self.tick.say(self._text(left, found, each))
        return False

    def _text(self, left: float, found: Found, each: float) -> str:
        text = f"{self.call.method.label} of {self.call.images.n} images will take about {spoken(left)}."
        instead = self._instead(found, each)
        if instead is not None:
            wanted = argument("precision", PRECISION)
            text += f" With {wanted}, every share known to \u00b11 point, about {spoken(instead)}."
        advice = self.call.predictor.backend.advice()
        return f"{text} {advice}" if advice else text

    def _instead(self, found: Found, each: float) -> float | None:
        """Seconds that a table of a stated precision would take, if that is known and less."""
        call, done = self.call, found.finished
        classes, n = np.unique(call.targets.codes[done], return_counts=True)
        if call.targets.deferred or n.max(initial=0) < 2:
            return None
        part = part_of(call, done)
        task = part.task(lambda count: None)
        answer = Answered(part, task, part.method.values(task), found.of(done), positions_of(call, done), len(done))
        result = result_of(answer, None, 0.0)
        compared = 0 if result.pair_scores is None or result.background is None else len(result.background)
        known = known_of(result, Design(n, compared, None if compared else 1), classes)
        if not len(known.half):
            return None
        targets = np.full(known.half.shape, PRECISION)
        own = call.method.comparisons is not None and not call.predictor.pixels
        designs = [(compared, d) for d in FEW if d < compared] if own else []
        needs = [
            (rows.mean() * len(np.unique(call.targets.codes)), Design(n, m, d).each)
            for m, d in [*designs, (compared, None if compared else 1)]
            if np.isfinite(rows := known.rows(m, d, targets)).all()
        ]
        if not needs:
            return None
        seconds = min(rows * comparisons for rows, comparisons in needs) * each / max(compared, 1)
        return float(seconds) if seconds < each * call.images.n / 2 else None


def spoken(seconds: float) -> str:
    """A time, roughly."""
    if seconds < 90:
        return f"{max(10, 10 * round(seconds / 10))} seconds"
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"
