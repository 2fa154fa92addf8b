"""A function of R that gives the next batch of images, as an iterator; called in R's main thread.

R counts classes from 1 and gives levels of factors as names: its labels are converted as those beside the images are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .conversions import labels
from .functions import RError


class RStream:
    """Batches as the core takes them.

    Parameters
    ----------
    called : callable
        Gives a dictionary: ``error``, a text, if the function failed; ``interrupted``, if the user ended it; ``end``,
        behind the last batch; else ``x``, and maybe ``y`` and ``classes``.
    """

    where = "a function of R that gives the next batch"

    def __init__(self, called: Callable[[], Mapping[str, Any]]) -> None:
        self._called = called
        self._classes: Any = None

    def classes(self) -> Any:
        """Names of the classes that the first labels had, if they had any."""
        return self._classes

    def __iter__(self) -> RStream:
        return self

    def __next__(self) -> Any:
        answer = self._called()
        if answer.get("interrupted"):
            raise KeyboardInterrupt
        if answer.get("error") is not None:
            raise RError(answer["error"])
        if answer.get("end"):
            raise StopIteration
        if answer.get("y") is None:
            return (answer["x"],)
        self._classes = self._classes or answer.get("classes")
        return answer["x"], labels(answer["y"])
