"""How many images to compute at once: enough to keep the device busy, few enough to fit its memory.

What a step needs is estimated; where a device runs out of memory all the same, half as many images are tried. DeepSHAP,
whose steps are pairs of images, cuts its own (`deepshap.chunks`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from ..errors import BandlensError, ModelError
from .backends.contract import Backend, Trace
from .graph import Graph
from .reasons import is_of_framework, reason

Found = TypeVar("Found")

# bytes that a compiled step may use where the device doesn't say what it has; on a CPU, more gains nothing
STEP_BYTES = 1 << 30
# of the memory that is free; estimates of what a step needs are rough, and compilers keep more than they have to
SHARE_OF_FREE = 0.25
MOST_IMAGES = 1024
# of that, what the images themselves may take: as they are read, converted, and handed to the framework, they are there
# several times, besides what the step needs
READ = 1 / 64

_ELSEWHERE: ContextVar[int | None] = ContextVar("elsewhere", default=None)


@contextmanager
def step_bytes_of(others: int) -> Iterator[None]:
    """Cut steps inside for devices that have so many bytes for each, whichever computes them."""
    token = _ELSEWHERE.set(others)
    try:
        yield
    finally:
        _ELSEWHERE.reset(token)


def step_bytes(backend: Backend) -> int:
    """Bytes that a compiled step may use on the backend's device."""
    elsewhere = _ELSEWHERE.get()
    if elsewhere is not None:
        return elsewhere
    free = backend.free_memory()
    if free is None:
        return STEP_BYTES
    # a power of 2, so that the next call, with a little less or more, needs nothing compiled anew
    return 1 << max(0, int(SHARE_OF_FREE * free).bit_length() - 1)


def images_per_batch(graph: Graph, dtype: str, budget: int) -> int:
    """Images for a forward and a backward pass, which keeps every value once."""
    item = np.dtype(dtype).itemsize
    per_image = 2 * item * sum(layout.size for layout in graph.layouts.values())
    fits = min(budget // max(per_image, 1), images_read(item * graph.layouts[graph.input].size, budget))
    return int(np.clip(fits, 1, MOST_IMAGES))


def images_read(image: int, budget: int) -> int:
    """Images of so many bytes that are read at once for a step."""
    return max(1, int(READ * budget) // max(1, image))


@dataclass
class Fit:
    """Most images or pairs at once that a device may have the memory for; None where it never ran out of it."""

    most: int | None = None


class Traced(Protocol):
    """A model that was traced, such as a predictor."""

    @property
    def backend(self) -> Backend:
        """The framework."""
        ...

    @property
    def trace(self) -> Trace:
        """What that made of the model."""
        ...


# images that a step computes, and what to do if the model can't
IMAGES = ("the images", "give it values like those that it was trained on")


def fitting(
    model: Traced,
    work: Hashable,
    most: int,
    attempt: Callable[[int], Found],
    made: tuple[str, str] = IMAGES,
) -> Found:
    """Compute something for images, with half as many at once whenever the device runs out of memory.

    Parameters
    ----------
    model : Traced
        It keeps what is found out for the same work to come.
    work : hashable
        What needs the memory.
    most : int
        Images at once, as estimated or wanted.
    attempt : callable
        Told how many images it may compute at once; anew from the beginning after a failure.
    made : tuple of str
        What the images are called in an error, and what to do about it.

    Raises
    ------
    ModelError
        If the model fails for them, such as an embedding that has no entry for a value.
    """
    fit: Fit = model.trace.compiled(("fit", work), Fit)
    while True:
        size = most if fit.most is None else min(most, fit.most)
        try:
            return attempt(size)
        except model.backend.OutOfMemory:
            if size == 1:
                raise
            fit.most = -(-size // 2)
        except BandlensError:
            raise
        except Exception as error:
            if not is_of_framework(error):
                raise
            raise ModelError(f"The model fails for {made[0]}: {reason(error)}", fix=made[1]) from error


def portions(
    model: Traced,
    work: Hashable,
    n: int,
    most: int,
    compute: Callable[[slice, int], Found],
    made: tuple[str, str] = IMAGES,
    span: slice | None = None,
) -> Iterator[tuple[slice, Found]]:
    """Compute something for n images, as many at once as fit.

    Parameters
    ----------
    model, work, most, made
        As for `fitting`.
    n : int
        Number of images.
    compute : callable
        Told which images, and how many would fit.
    span : slice, optional
        The images that are to be computed, if not all.
    """
    start, end = (0, n) if span is None else (span.start, span.stop)
    while start < end:

        def attempt(size: int, start: int = start) -> tuple[slice, Found]:
            part = slice(start, min(start + size, end))
            return part, compute(part, size)

        part, found = fitting(model, work, most, attempt, made)
        yield part, found
        start = part.stop
