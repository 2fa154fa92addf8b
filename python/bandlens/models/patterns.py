"""Models that differ in weights and names alone from one that was traced, as runs of a training or folds do.

They need not be traced. What was traced is kept without the weights it was traced with, for the latest models: of
several, one is often gone when the next is explained.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from ..engine.backends.contract import Backend, Trace
from .unchanged import State

MOST = 8


class Pattern(NamedTuple):
    """How a model was traced.

    Attributes
    ----------
    state : State
        The model's, without weights and names.
    asked : hashable
        What was asked about it.
    backend : Backend
    make : callable
        From what another model's variables hold, and the names of its layers, to a trace.
    shape : tuple of int
        Of the outputs for one image.
    head : str or None
        Which of several outputs they are.
    """

    state: State
    asked: Hashable
    backend: Backend
    make: Callable[[Any, Any], Trace]
    shape: tuple[int, ...]
    head: str | None


_LATEST: deque[Pattern] = deque(maxlen=MOST)


def known(state: State, asked: Hashable, backend: Backend) -> Pattern | None:
    """How a model was traced of which another is a copy, but for weights and names, if one was."""
    for pattern in _LATEST:
        if pattern.backend is backend and pattern.asked == asked and pattern.state.alike(state):
            return pattern
    return None


def keep(
    state: State,
    now: Callable[[], State | None],
    asked: Hashable,
    backend: Backend,
    trace: Trace,
    shape: tuple[int, ...],
    head: str | None,
) -> None:
    """Note how a model was traced, if others like it can be without being called.

    Its state, which is that of before, has to be that of `now`: another thread may have changed the model meanwhile.
    """
    alike, make = state.pattern, trace.pattern(state.weights)
    if alike is not None and make is not None and now() == state:
        _LATEST.append(Pattern(alike, asked, backend, make, shape, head))
