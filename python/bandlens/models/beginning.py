"""The beginning of a model, computed by itself: as long as its operations are linear, bands can be told apart in it.

What comes out at its ends is a sum over bands, so that it can be computed once for each band and put together for any
mixture of images; and it shows which bands a later operation depends on at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..data.images import Images
from ..engine.graph import Graph, LinearStart, linear_start
from .predictor import Predictor


def linear_beginning(predictor: Predictor) -> LinearStart:
    """The operations that are linear in the images, followed once for a model."""
    trace, output = predictor.trace, predictor.output
    graph = trace.graph(output)
    found: LinearStart = trace.compiled(("linear start", output), lambda: linear_start(graph))
    return found


def adds_up(graph: Graph, start: LinearStart) -> bool:
    """Whether what the rest of the model needs are numbers, image by image."""
    layouts = [graph.layouts.get(end) for end in start.ends]
    return all(one is not None and one.axis == 0 and one.shape[0] == 1 and one.real for one in layouts)


def compiled_start(predictor: Predictor, start: LinearStart) -> Callable[..., list[np.ndarray]]:
    """From images to the ends of a beginning, each of shape (images, elements)."""
    backend, trace = predictor.backend, predictor.trace
    graph = trace.graph(predictor.output)

    def step(images: Any) -> Any:
        run = backend.Run(trace, {graph.input: images}).forward(start.operations)
        flat = [backend.nd.reshape(run.value(end), (-1, graph.layouts[end].size)) for end in start.ends]
        return [backend.nd.astype(values, trace.dtype) for values in flat]

    image = np.empty((1, *trace.shape), trace.dtype)
    key = ("start", predictor.output, start.operations)
    return trace.compiled(key, lambda: backend.compile(trace, step, image, any_n=1))


def values_at_ends(predictor: Predictor, start: LinearStart, images: np.ndarray, size: int) -> list[np.ndarray]:
    """What comes out at each end, (images, elements), from at most `size` images at a time."""
    compute, dtype = compiled_start(predictor, start), predictor.trace.dtype
    parts = [slice(first, first + size) for first in range(0, len(images), size)]
    found = [compute(np.ascontiguousarray(images[part], dtype)) for part in parts]
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def bands_at_ends(predictor: Predictor, start: LinearStart, images: Images, size: int) -> dict[int, np.ndarray]:
    """Which bands each end of a linear beginning depends on, found by trying.

    Parameters
    ----------
    predictor : Predictor
    start : LinearStart
    images : Images
        For their layout.
    size : int
        Most images at a time.

    Returns
    -------
    dict of int to ndarray of bool, shape (cells,)
    """
    cells, count = images.cells, len(images.cells)
    # no band, and each band alone; numbers at random, so that none cancel
    alone = np.concatenate([np.zeros((1, count)), np.eye(count)])
    noise = np.random.default_rng(0).uniform(0.5, 1.5, images.shape)
    # images are made as they are needed: there may be many cells
    parts = [slice(first, first + size) for first in range(0, count + 1, size)]
    found = [values_at_ends(predictor, start, cells.spread(np, alone[part]) * noise, size) for part in parts]
    ends = [np.concatenate(values) for values in zip(*found, strict=True)]
    return {end: (values[1:] != values[:1]).any(axis=1) for end, values in zip(start.ends, ends, strict=True)}
