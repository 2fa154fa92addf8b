"""Functions that give numbers, for workers to call; importing this starts no framework, so that workers start fast."""

from __future__ import annotations

import os
import signal
import time
import warnings
from typing import Any

import numpy as np
from bandlens import errors
from bandlens.cluster import working


def doubled(x: np.ndarray) -> np.ndarray:
    """A function that gives numbers, slowly enough to be killed at work."""
    time.sleep(0.002)
    sums = x.mean(axis=(1, 2))
    return np.stack([sums[:, 0] * sums[:, 1], sums[:, 2] + sums[:, 3] ** 2], axis=1)


class Spoiling:
    """A function that fails for images with a value, or warns of them."""

    def __init__(self, what: str, at: float) -> None:
        self.what, self.at, self.home = what, at, os.getpid()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        hit = x[:, 0, 0, 0] == self.at
        if self.what == "nan":
            return np.where(hit[:, None], np.nan, doubled(x))
        if hit.any() and self.what == "warns" and os.getpid() != self.home:
            warnings.warn("this is odd", errors.DataWarning, stacklevel=2)
        return doubled(x)


class OtherVersion:
    """What processes say of themselves, if all but the one that makes this had an older version."""

    def __init__(self) -> None:
        self.home = os.getpid()

    def __call__(self, *arguments: Any) -> working.Introduction:
        found = working.introduced(*arguments)
        if os.getpid() != self.home:
            found.versions["bandlens"] = "0.0.1"
        return found


def deadly(*arguments: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
