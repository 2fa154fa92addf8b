"""A function of R that gives the next batch of images, as an iterator; called in R's main thread.

R counts classes from 1 and gives levels of factors as names: its labels are converted as those beside the images are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..data.words import few
from ..errors import BandError
from .conversions import labels
from .functions import RError

NAMED = 6


class RStream:
    """Batches as the core takes them.

    Parameters
    ----------
    called : callable
        Gives a dictionary: ``error``, a text, if the function failed; ``interrupted``, if the user ended it; ``end``,
        behind the last batch; else ``x``, and maybe ``y``, ``classes`` and ``bands``.
    """

    where = "a function of R that gives the next batch"

    def __init__(self, called: Callable[[], Mapping[str, Any]]) -> None:
        self._called = called
        self._classes: Any = None
        self._bands: list[str] | None = None
        self._begun = False

    def classes(self) -> Any:
        """Names of the classes that the first labels had, if they had any."""
        return self._classes

    def bands(self) -> list[str] | None:
        """Names of the bands of all batches, if they had any."""
        return self._bands

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
        bands = answer.get("bands")
        if self._begun and bands != self._bands:
            raise BandError(
                "Batches have bands of other names than the first.",
                expected=few(self._bands or ["no names"], NAMED),
                given=few(bands or ["no names"], NAMED),
            )
        self._bands, self._begun = bands, True
        if answer.get("y") is None:
            return (answer["x"],)
        self._classes = self._classes or answer.get("classes")
        return answer["x"], labels(answer["y"])
