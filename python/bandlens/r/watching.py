"""A function of R that draws a progress bar, in the shape that the core tells of progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Watching:
    """What the core takes for a callable that is told of progress.

    Parameters
    ----------
    called : callable
        Of R: ``(done, total)``; then, if there is any, what stands beside the bar; and something to be read once.
    """

    def __init__(self, called: Callable[..., Any]) -> None:
        self._called = called
        self._beside: str | None = None

    def __call__(self, done: int, total: int) -> None:
        """So much is done."""
        self._called(done, total, *([] if self._beside is None else [self._beside]))

    def beside(self, text: str) -> None:
        """What is to stand beside the bar from now on."""
        self._beside = text or None

    def say(self, text: str) -> None:
        """Something to be read once."""
        self._called(0, 1, self._beside, text)
