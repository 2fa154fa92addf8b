"""Who computes a model's outputs for many images, if not this process.

Nothing here knows who that is: whoever has others to work for it says so for as long as a call lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import numpy as np

from ..data.images import Images

# from a predictor, images and how many of them make a step, to units as `Predictor.units` gives them
Compute: TypeAlias = Callable[[Any, Images, int], Iterator[tuple[slice, np.ndarray]]]

_COMPUTE: ContextVar[Compute | None] = ContextVar("compute", default=None)


@contextmanager
def computed_by(compute: Compute) -> Iterator[None]:
    """Let somebody else compute what takes more than one step inside."""
    token = _COMPUTE.set(compute)
    try:
        yield
    finally:
        _COMPUTE.reset(token)


def units_elsewhere(predictor: Any, images: Images, batch_size: int) -> Iterator[tuple[slice, np.ndarray]] | None:
    """Units of images, if somebody else computes them; those of pixels would cost more to move than to compute."""
    compute = _COMPUTE.get()
    if compute is None or predictor.pixels or images.n <= batch_size:
        return None
    return compute(predictor, images, batch_size)
