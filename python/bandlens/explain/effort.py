"""How much is to be done for a table: as much as the images given say, or as a wanted precision or a time allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..data.backgrounds import PLAIN, WEIGHTED, BackgroundImages, checked_strategy
from ..data.options import number
from ..data.tasks import CLASSIFICATION, REGRESSION
from ..data.words import argument, choices, shown
from ..errors import OptionError
from ..methods import METHODS
from ..methods.kinds import MetricMethod
from ..models.predictor import Predictor
from .question import Question
from .targets import Targets, find_targets

# background images, where nothing else is said
USUAL = 100
ANY = 1 << 31
# half of a share's interval can't be wider
MOST = 0.5


@dataclass(frozen=True)
class Effort:
    """What is to be reached.

    Attributes
    ----------
    precision : float or None
        Half width of the 95 % interval of every share.
    max_seconds : float or None
        From now on.
    n_background : int or None
        Most background images, if that was said.
    given : mapping
        Options of the method that were given, which stay as they are.
    keep : bool
        Whether an interrupt gives the table so far.
    started : float
    """

    precision: float | None = None
    max_seconds: float | None = None
    n_background: int | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    keep: bool = False
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if self.precision is not None:
            _check("precision", self.precision, MOST, "0.01 is one point of a hundred")
        if self.max_seconds is not None:
            _check("max_seconds", self.max_seconds, float("inf"), None)

    @property
    def in_rounds(self) -> bool:
        """Whether images are chosen."""
        return self.precision is not None or self.max_seconds is not None

    @property
    def left(self) -> float:
        """Seconds that are left."""
        if self.max_seconds is None:
            return float("inf")
        return self.started + self.max_seconds - time.perf_counter()

    def shared(self, calls: int) -> Effort:
        """An equal part of the time that is left, for one of so many calls."""
        if self.max_seconds is None:
            return self
        return replace(self, max_seconds=max(self.left, 1e-3) / calls, started=time.perf_counter())


def _check(name: str, value: Any, most: float, hint: str | None) -> None:
    try:
        number(0, most, above=True)(name, value)
    except OptionError as error:
        raise OptionError(error.message, expected=error.expected, given=error.given, fix=hint) from None


def check_effort(q: Question, predictor: Predictor, effort: Effort) -> None:
    """Refuse to follow intervals that there are none of.

    Raises
    ------
    OptionError
        If images have no scores, so that more of them would say nothing.
    """
    method = METHODS[q.method]
    metric = {"metric": q.method_options.get("metric", "auto")}
    if isinstance(method, MetricMethod) and method.as_a_whole(predictor, metric):
        name = "precision" if effort.precision is not None else "max_seconds"
        others = [other.name for other in METHODS.values() if not isinstance(other, MetricMethod)]
        means = ", or a metric that is a mean over images" if predictor.task in (CLASSIFICATION, REGRESSION) else ""
        raise OptionError(
            f"`{name}` follows the intervals of shares over images, and this metric is computed for all images of a "
            "class at once.",
            expected=f"method {choices(others)}{means}",
            given=argument("method", method.name),
        )


def check_sample(sampling: BackgroundImages | None, effort: Effort) -> None:
    """Refuse to draw more and more of a background that is no sample in which all images count the same.

    Parameters
    ----------
    sampling : BackgroundImages or None
        How it is chosen, if that was said.
    effort : Effort

    Raises
    ------
    OptionError
    """
    if sampling is None or not effort.in_rounds:
        return
    strategy = checked_strategy(sampling.strategy, sampling.weights)
    if strategy in (None, *PLAIN):
        return
    name = "precision" if effort.precision is not None else "max_seconds"
    raise OptionError(
        f"With `{name}`, background images are drawn until it is reached: they have to be a sample.",
        expected=f"images, or the strategy {choices(PLAIN)}",
        given="weights" if strategy == WEIGHTED else f"the strategy {shown(strategy)}",
    )


def finding(effort: Effort) -> Callable[..., Targets]:
    """How what is explained is found: rows are chosen by their classes, which have to be known."""

    def find(q: Question, predictor: Predictor, *rest: Any, deferred: bool) -> Targets:
        if effort.in_rounds:
            check_effort(q, predictor, effort)
        return find_targets(q, predictor, *rest, deferred=deferred)

    return find
