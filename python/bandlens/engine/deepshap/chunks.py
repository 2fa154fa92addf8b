"""DeepSHAP over any number of images and background images: cut to fit the memory, added up in float64.

The work is images x background x outputs. A chunk holds as many of each as a memory budget allows; peak memory
therefore doesn't depend on how many there are. When the device runs out of memory all the same, the chunk is halved
and the work goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil, isqrt
from typing import Any

import numpy as np

from ...data.images import Images
from .. import batching
from ..backends.contract import Backend, Trace
from .announcing import announce
from .meeting import held, in_blocks
from .pairs import Pairing
from .plan import Plan
from .walk import beginning, make_step, prefers_forward

# what a step costs by itself, as a part of what the pairs of the largest possible one cost
STEP = 0.05
# and how much cheaper other numbers must be to be taken
WORTH = 0.95


@dataclass(frozen=True)
class Work:
    """What is to be explained.

    Attributes
    ----------
    images, background : Images
    seeds : array_like, shape (n, k, outputs)
        For each image, the k explained outputs as weights on the model's outputs; may be made when it is sliced.
    pool : ndarray of int, shape (m,)
        Positions of the background images over which results are a mean.
    draws : ndarray of int, shape (n, d), or None
        For each image, positions of the background images drawn from the pool to estimate that mean; None uses them
        all.
    weights : ndarray of float64, shape (1 or n, m), or None
        How much each background image counts in maps, for all images or for each; None if all count the same.
    """

    images: Images
    background: Images
    seeds: Any
    pool: np.ndarray
    draws: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def own(self) -> bool:
        """Whether each image has background images of its own."""
        return self.draws is not None

    @property
    def n_background(self) -> int:
        """Background images per image."""
        return len(self.pool) if self.draws is None else self.draws.shape[1]


@dataclass(frozen=True)
class Chunk:
    """Numbers of images, background images and outputs per compiled step."""

    images: int
    background: int
    outputs: int

    @property
    def pairs(self) -> int:
        """Pairs of an image and a background image, for every output."""
        return self.images * self.background * self.outputs

    def halved(self, *, own: bool) -> Chunk | None:
        """A chunk of half the size, or None if there is none; an image's own draws stay together."""
        sizes = {"images": self.images, "outputs": self.outputs}
        if not own:
            sizes["background"] = self.background
        largest = max(sizes, key=lambda name: sizes[name])
        if sizes[largest] == 1:
            return None
        return replace(self, **{largest: ceil(sizes[largest] / 2)})


def explain(
    backend: Backend,
    trace: Trace,
    plan: Plan,
    work: Work,
    *,
    maps: bool,
    batch_size: int | None,
    tick: Callable[[int], None],
    span: slice | None = None,
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
    span : slice, optional
        Images that are to be explained, if not all; steps are those of all.

    Yields
    ------
    part : slice
        Which images.
    values : ndarray
        Band scores of every pair, shape (images, k, background, bands), in the dtype of the model; with `maps`,
        attributions averaged over the background, shape (images, k, *image shape), float64.
    """
    chunk = chunk_of(backend, trace, plan, work, maps=maps, batch_size=batch_size)
    start, end = (0, work.images.n) if span is None else (span.start, span.stop)
    while start < end:
        part = slice(start, min(start + chunk.images, end))
        try:
            values = _explain_part(backend, trace, plan, work, part, chunk, maps)
        except backend.OutOfMemory:
            smaller = chunk.halved(own=work.own)
            if smaller is None:
                raise
            chunk = smaller
            _fit(trace, maps).most = smaller.pairs
            continue
        yield part, values
        tick(part.stop - part.start)
        start = part.stop


def write(backend: Backend, trace: Trace, plan: Plan, work: Work, *, maps: bool, batch_size: int | None) -> None:
    """Write the step that some work will be explained by, of which the numbers of images and units are enough.

    What the step asks for is compiled while other things are done.
    """
    chunk = chunk_of(backend, trace, plan, work, maps=maps, batch_size=batch_size)
    shapes = (
        (chunk.images, *trace.shape),
        (chunk.images * chunk.background if work.own else chunk.background, *trace.shape),
        (chunk.outputs, chunk.images, work.seeds.shape[2]),
        (1, chunk.background),
    )
    arguments = tuple(np.broadcast_to(np.zeros((), trace.dtype), shape) for shape in shapes)
    _compiled(backend, trace, plan, chunk, work, maps, arguments)


def chunk_of(backend: Backend, trace: Trace, plan: Plan, work: Work, *, maps: bool, batch_size: int | None) -> Chunk:
    """Sizes of the steps that explain some work, on a device that may have run out of memory before."""
    chunk = choose_chunk(backend, plan, work, trace.dtype, maps, batch_size, batching.step_bytes(backend))
    fit = _fit(trace, maps)
    while fit.most is not None and chunk.pairs > fit.most and (smaller := chunk.halved(own=work.own)):
        chunk = smaller
    return chunk


def _fit(trace: Trace, maps: bool) -> batching.Fit:
    found: batching.Fit = trace.compiled(("fit", "pairs", maps), batching.Fit)
    return found


def choose_chunk(
    backend: Backend, plan: Plan, work: Work, dtype: str, maps: bool, batch_size: int | None, budget: int
) -> Chunk:
    """Chunk sizes for a memory budget, as even as they can be cut."""
    n_bands, outputs = len(work.images.cells), work.seeds.shape[1]
    if not maps and not _forward(plan, work) and in_blocks(backend, n_bands, outputs):
        chunk = _cut(plan, work, dtype, maps, batch_size, budget, blocks=True)
        pairs = chunk.images * chunk.background
        sides = chunk.images + (pairs if work.own else chunk.background)
        starts = beginning(plan, n_bands, passes=chunk.outputs, pairs=pairs, sides=sides)
        if starts and in_blocks(backend, n_bands, chunk.outputs):
            return chunk
    return _cut(plan, work, dtype, maps, batch_size, budget, blocks=False)


def _forward(plan: Plan, work: Work) -> bool:
    """Whether differences of bands are sent forward where scores are asked for."""
    return plan.forward and prefers_forward(len(work.images.cells), work.seeds.shape[1])


def _cut(plan: Plan, work: Work, dtype: str, maps: bool, batch_size: int | None, budget: int, *, blocks: bool) -> Chunk:
    """Chunk sizes where multipliers meet the bands in blocks, or don't."""
    n, m, k = work.images.n, work.n_background, work.seeds.shape[1]
    sizes = sorted((layout.size for layout in plan.graph.layouts.values()), reverse=True)
    item = np.dtype(dtype).itemsize
    n_bands = len(work.images.cells)
    # as many passes as there are outputs or bands, whichever are fewer; maps need one per output
    forward = not maps and _forward(plan, work)
    passes = n_bands if forward else k
    # multipliers live only around the operation at hand; values of both sides are kept until used
    largest, sums = held(plan) if blocks else (sizes[0], 0)
    per_pass = 2.5 * largest * item
    per_pair = (3 * sizes[0] + 2 * plan.exchanged + (sizes[0] + n_bands * sums if blocks else 0)) * item
    if not maps:
        per_pass += 3 * n_bands * item  # scores of every pair
    per_image = sum(sizes) * item
    passes = max(1, min(passes, int(budget / per_pass)))
    pairs = max(1, int(budget / (per_pass * passes + per_pair)))
    most = max(1, budget // max(per_image, 1))
    read = batching.images_read(item * int(np.prod(work.images.shape)), budget)
    most_images = min(n, most, read if batch_size is None else batch_size)
    if work.own:
        background = m
    else:
        side = max(1, isqrt(pairs))
        background = min(m, most, max(side, pairs // min(n, side)))
    images = min(most_images, max(1, pairs // background))
    outputs = k if forward and passes == n_bands else passes
    cut = (_even(n, images), _even(m, background))
    images_tried, background_tried = _sizes(n, most_images), np.array([m]) if work.own else _sizes(m, min(m, most))
    return Chunk(*_less_padded(n, m, cut, images_tried, background_tried, pairs, passes), _even(k, outputs))


def _less_padded(
    n: int, m: int, cut: tuple[int, int], images: np.ndarray, background: np.ndarray, pairs: int, passes: int
) -> tuple[int, int]:
    """Of numbers of images and background images per step, those that take less than `cut`, padding included.

    A pair costs its passes, each image of a step one more for both sides, a step by itself a little. Numbers stay what
    they are where little is gained, so that parts of a growing work, of large numbers, have the same steps.
    """

    def cost(images: Any, background: Any) -> Any:
        steps = -(-n // images) * -(-m // background)
        return steps * (images * background * passes + images + background + STEP * pairs * passes)

    grid = np.meshgrid(images, background, indexing="ij")
    costs = np.where(grid[0] * grid[1] <= pairs, cost(*grid), np.inf)
    best = int(np.argmin(costs))
    if costs.flat[best] > WORTH * cost(*cut):
        return cut
    return int(grid[0].flat[best]), int(grid[1].flat[best])


def _sizes(total: int, most: int) -> np.ndarray:
    """Sizes up to `most` of the parts when a total is cut into any number of parts as even as can be."""
    sizes = np.unique(-(-total // np.arange(1, total + 1)))
    return sizes[sizes <= most]


def _explain_part(
    backend: Backend, trace: Trace, plan: Plan, work: Work, part: slice, chunk: Chunk, maps: bool
) -> np.ndarray:
    """One chunk of images against all of its background and outputs."""
    n, m, k = part.stop - part.start, work.n_background, work.seeds.shape[1]
    shape = (n, k, *work.images.shape) if maps else (n, k, m, len(work.images.cells))
    values = np.zeros(shape, np.float64 if maps else trace.dtype)
    images = _fill(work.images.take(part, trace.dtype), chunk.images)
    seeds = np.moveaxis(work.seeds[part], 1, 0).astype(trace.dtype)
    every = np.full((1, m), 1 / m) if work.weights is None else work.weights
    every = every if len(every) == 1 else _fill(every[part], chunk.images)
    for first in range(0, m, chunk.background):
        weights = np.zeros((len(every), chunk.background), trace.dtype)
        weights[:, : min(chunk.background, m - first)] = every[:, first : first + chunk.background]
        if work.draws is not None:
            references = work.background.take(_fill(work.draws[part], chunk.images).reshape(-1), trace.dtype)
        else:
            positions = _fill(work.pool[first : first + chunk.background], chunk.background)
            references = work.background.take(positions, trace.dtype)
        for output in range(0, k, chunk.outputs):
            wanted = seeds[output : output + chunk.outputs]
            filled = _fill(np.moveaxis(_fill(wanted, chunk.outputs), 1, 0), chunk.images)
            arguments = (images, references, np.ascontiguousarray(np.moveaxis(filled, 1, 0)), weights)
            found = _compiled(backend, trace, plan, chunk, work, maps, arguments)(*arguments)
            these = slice(output, output + len(wanted))
            found = np.moveaxis(found, 0, 1)[:n, : len(wanted)]
            if maps:
                values[:, these] += found
            else:
                values[:, these, first : first + chunk.background] = found[:, :, : m - first]
    return values


def _compiled(
    backend: Backend, trace: Trace, plan: Plan, chunk: Chunk, work: Work, maps: bool, arguments: tuple[np.ndarray, ...]
) -> Callable[..., Any]:
    each = work.weights is not None and len(work.weights) > 1
    key = ("deepshap", plan.graph.output, chunk, work.own, maps, work.images.cells, each)

    def build() -> Callable[..., Any]:
        pairing = Pairing(backend, trace, plan, chunk.images, chunk.background, work.own)
        announce(pairing, chunk.outputs, len(work.images.cells), maps=maps)
        step = make_step(backend, trace, plan, cells=work.images.cells, own=work.own, maps=maps)
        return backend.compile(trace, step, *arguments, alike=(*key, plan.likeness))

    return trace.compiled(key, build)


def _fill(array: np.ndarray, length: int) -> np.ndarray:
    """Repeat the last entry, so that every step has the same shapes and is compiled once."""
    missing = length - len(array)
    return array if missing == 0 else np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])


def _even(total: int, most: int) -> int:
    """Size of the parts when a total is cut into as few equal parts as fit."""
    return ceil(total / ceil(total / most))
