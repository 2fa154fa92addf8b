"""DeepSHAP over any number of images and background images: cut to fit the memory, added up in float64.

The work is images x background x outputs. A chunk holds as many of each as a memory budget allows; peak memory
therefore doesn't depend on how many there are. When the device runs out of memory all the same, the chunk is halved
and the work goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, isqrt
from types import ModuleType
from typing import Any

import numpy as np

from ..batching import memory_budget
from ..inputs import Images
from .plan import Plan
from .walk import beginning, make_step


@dataclass(frozen=True)
class Work:
    """What is to be explained.

    Attributes
    ----------
    images, background : Images
    seeds : ndarray, shape (n, k, outputs)
        For each image, the k explained outputs as weights on the model's outputs.
    draws : ndarray of int
        Positions of background images: shape (m,) for all images the same, or (n, m) where each image has its own.
    """

    images: Images
    background: Images
    seeds: np.ndarray
    draws: np.ndarray

    @property
    def own(self) -> bool:
        """Whether each image has background images of its own."""
        return self.draws.ndim == 2


@dataclass(frozen=True)
class Chunk:
    """Numbers of images, background images and outputs per compiled step."""

    images: int
    background: int
    outputs: int

    def halved(self) -> Chunk | None:
        """A chunk of half the size, or None if there is none."""
        sizes = [self.images, self.background, self.outputs]
        largest = sizes.index(max(sizes))
        if sizes[largest] == 1:
            return None
        sizes[largest] = ceil(sizes[largest] / 2)
        return Chunk(*sizes)


def explain(
    backend: ModuleType,
    trace: Any,
    plan: Plan,
    work: Work,
    *,
    maps: bool,
    batch_size: int | None,
    tick: Callable[[int], None],
) -> Iterator[tuple[slice, np.ndarray]]:
    """Explain images, a part at a time.

    Parameters
    ----------
    backend, trace, plan
        Framework, model and its plan.
    work : Work
    maps : bool
        Whether to keep pixels.
    batch_size : int or None
        Most images per compiled step; None leaves it to the memory budget.
    tick : callable
        Told the number of images that were finished.

    Yields
    ------
    part : slice
        Which images.
    values : ndarray of float64, shape (images, k, bands) or, with `maps`, (images, k, *image shape)
        Mean over the background.
    """
    chunk = choose_chunk(backend, plan, work, trace.dtype, batch_size)
    start = 0
    while start < work.images.n:
        part = slice(start, min(start + chunk.images, work.images.n))
        try:
            values = _explain_part(backend, trace, plan, work, part, chunk, maps)
        except backend.OutOfMemory:
            smaller = chunk.halved()
            if smaller is None:
                raise
            chunk = smaller
            continue
        yield part, values
        tick(part.stop - part.start)
        start = part.stop


def choose_chunk(backend: ModuleType, plan: Plan, work: Work, dtype: str, batch_size: int | None) -> Chunk:
    """Chunk sizes for a memory budget, as even as they can be cut."""
    n, m, k = work.images.n, work.draws.shape[-1], work.seeds.shape[1]
    sizes = sorted((layout.size for layout in plan.graph.layouts.values()), reverse=True)
    item = np.dtype(dtype).itemsize
    # multipliers live only around the operation at hand; values of both sides are kept until used
    per_output = 4 * sizes[0] * item
    per_pair = 4 * sizes[0] * item
    per_image = sum(sizes) * item
    source = plan.graph.layouts[plan.graph.input]
    if beginning(plan, work.images.band_axis):
        per_image += 2 * source.shape[work.images.band_axis] * sizes[0] * item
    budget = memory_budget(backend)
    outputs = max(1, min(k, budget // max(per_output, 1)))
    pairs = max(1, budget // (per_output * outputs + per_pair))
    if work.own:
        background = min(m, pairs)
        images = min(n, max(1, pairs // background))
    else:
        side = max(1, isqrt(pairs))
        background = min(m, max(side, pairs // min(n, side)))
        images = min(n, max(1, pairs // background))
    images = max(1, min(images, budget // max(per_image, 1)))
    background = max(1, min(background, budget // max(per_image, 1)))
    if batch_size is not None:
        images = min(images, batch_size)
    return Chunk(_even(n, images), _even(m, background), _even(k, outputs))


def _explain_part(
    backend: ModuleType, trace: Any, plan: Plan, work: Work, part: slice, chunk: Chunk, maps: bool
) -> np.ndarray:
    """One chunk of images against all of its background and outputs."""
    n, m, k = part.stop - part.start, work.draws.shape[-1], work.seeds.shape[1]
    shape = work.images.shape if maps else (work.images.n_bands,)
    total = np.zeros((n, k, *shape))
    images = _fill(work.images.take(part, trace.dtype), chunk.images)
    seeds = np.moveaxis(work.seeds[part], 1, 0).astype(trace.dtype)
    for first in range(0, m, chunk.background):
        draws = work.draws[..., first : first + chunk.background]
        weights = np.zeros(chunk.background, trace.dtype)
        weights[: draws.shape[-1]] = 1 / m
        if work.own:
            positions = _fill(_fill(draws[part], chunk.images).T, chunk.background).T.reshape(-1)
        else:
            positions = _fill(draws, chunk.background)
        references = work.background.take(positions, trace.dtype)
        for output in range(0, k, chunk.outputs):
            wanted = seeds[output : output + chunk.outputs]
            filled = _fill(np.moveaxis(_fill(wanted, chunk.outputs), 1, 0), chunk.images)
            arguments = (images, references, np.ascontiguousarray(np.moveaxis(filled, 1, 0)), weights)
            step = _compiled(backend, trace, plan, chunk, work, maps, arguments)
            found = np.moveaxis(step(*arguments), 0, 1)[:n, : len(wanted)]
            total[:, output : output + len(wanted)] += found
    return total


def _compiled(
    backend: ModuleType, trace: Any, plan: Plan, chunk: Chunk, work: Work, maps: bool, arguments: tuple[np.ndarray, ...]
) -> Callable[..., np.ndarray]:
    key = ("deepshap", plan.graph.output, chunk, work.own, maps, work.images.band_axis)

    def build() -> Callable[..., np.ndarray]:
        step = make_step(backend, trace, plan, band_axis=work.images.band_axis, own=work.own, maps=maps)
        return backend.compile(step, *arguments)

    return trace.compiled(key, build)


def _fill(array: np.ndarray, length: int) -> np.ndarray:
    """Repeat the last entry, so that every step has the same shapes and is compiled once."""
    missing = length - len(array)
    return array if missing == 0 else np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])


def _even(total: int, most: int) -> int:
    """Size of the parts when a total is cut into as few equal parts as fit."""
    return ceil(total / ceil(total / most))
