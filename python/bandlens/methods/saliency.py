"""Gradient saliency: how fast an output changes with each pixel of each band."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..models import Predictor
from ..reduction import reduce_pixels
from .task import Method, Parts, Task


def scores(task: Task) -> Parts:
    """Gradients, reduced over pixels within the compiled step."""
    return _run(task, task.statistic)


def maps(task: Task) -> Parts:
    """Gradients, pixel by pixel."""
    return _run(task, None)


def _run(task: Task, statistic: str | None) -> Parts:
    predictor, k = task.predictor, task.seeds.shape[1]
    key = ("saliency", predictor.output, task.images.band_axis, statistic)
    axes = task.images.pixel_axes
    step = predictor.trace.compiled(key, lambda: _compile(predictor, statistic, axes))
    size = max(1, task.images_per_batch // k)
    for part, batch in task.images.batches(size, predictor.trace.dtype):
        seeds = task.seeds[part].reshape(-1, task.seeds.shape[-1]).astype(predictor.trace.dtype)
        found = step(np.repeat(batch, k, axis=0), seeds)
        yield part, found.reshape(len(batch), k, *found.shape[1:]).astype(np.float64)
        task.tick(len(batch))


def _compile(predictor: Predictor, statistic: str | None, pixel_axes: tuple[int, ...]) -> Callable[..., np.ndarray]:
    backend, trace = predictor.backend, predictor.trace
    graph = trace.graph(predictor.output)

    def step(x: Any, seeds: Any) -> Any:
        outputs = backend.Run(trace, {graph.input: x}).forward(graph.operations).value(graph.output)
        (found,) = backend.gradient([outputs], [x], [seeds])
        return found if statistic is None else reduce_pixels(backend.nd, found, statistic, pixel_axes)

    examples = np.empty((1, *trace.shape), trace.dtype), np.empty((1, trace.n_outputs), trace.dtype)
    return backend.compile(step, *examples, any_n=True)


def prepare(predictor: Predictor) -> None:
    """Gradients exist wherever the framework has them."""
    predictor.trace.graph(predictor.output)


SALIENCY = Method(
    name="saliency",
    label="Saliency",
    summary="Gradient of the output in each pixel of each band: local sensitivity, not a share of the output.",
    cost="one forward and one backward pass per image and output",
    reference="Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034",
    statistic="pixel_mean_abs",
    additive=False,
    uses_background=False,
    scores=scores,
    maps=maps,
    prepare=prepare,
)
