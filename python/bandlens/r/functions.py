"""A function of R as a model: called in R's main thread, with arrays or with tensors, whatever asks.

R catches its own errors and gives them as texts: what versions of reticulate make of errors in R that pass through
Python differs. Scores come without dimnames, which Python's arrays have none of, and with the names of their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


class RError(Exception):
    """An error in a function of R, in R's own words."""


@dataclass(frozen=True)
class NamedScores:
    """Scores whose columns have names.

    Attributes
    ----------
    values : ndarray, shape (n, outputs)
    columns : tuple of str
    """

    values: np.ndarray
    columns: tuple[str, ...]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.values, dtype)


class RFunction:
    """What the core takes for a model.

    Parameters
    ----------
    called : callable
        From images to a dictionary: ``error``, a text, if it failed; ``interrupted``, if the user ended it; else
        ``value`` and maybe ``names``.
    name : str
    """

    def __init__(self, called: Callable[[Any], Mapping[str, Any]], name: str) -> None:
        self._called = called
        self.name = name

    def __call__(self, x: Any) -> Any:
        """Call the function."""
        answer = self._called(x)
        if answer.get("interrupted"):
            raise KeyboardInterrupt
        if answer.get("error") is not None:
            raise RError(answer["error"])
        names = answer.get("names")
        return answer["value"] if names is None else NamedScores(np.asarray(answer["value"]), tuple(names))


RFunction.__name__ = "function of R"  # as errors call it
