"""DeepSHAP as a method: the engine in `bandlens.deepshap`, reduced to band scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..deepshap import Plan, Work, explain, made_complete, make_plan, own_draws
from ..models import Predictor
from ..reduction import reduce_pixels
from .options import Option, optional, whole
from .references import background_images, outputs_of
from .task import Method, Part, Parts, Request, Task


def scores(task: Task) -> Parts:
    """Signed sums per band come out of the engine; other statistics need its maps. Groups are sums."""
    maps = task.statistic != "band_sum"
    axes = tuple(axis + 1 for axis in task.images.pixel_axes)
    own = _own_background(task)
    for images, values, totals in _run(task, own, maps=maps):
        scores = (reduce_pixels(np, values, task.statistic, axes) if maps else values) @ task.members.T
        if own is None or totals is None:
            yield Part(images, scores)
            continue
        complete = made_complete(scores, task.values[images] - own.outputs.mean(axis=0)[task.image_output[images]])
        base = np.take_along_axis(own.outputs[own.places[images]].mean(axis=1), task.image_output[images], axis=1)
        yield Part(images, complete, totals=totals, differences=task.values[images] - base)


def maps(task: Task) -> Parts:
    """Attributions, pixel by pixel."""
    return (Part(images, values) for images, values, _ in _run(task, _own_background(task), maps=True))


class _OwnBackground(NamedTuple):
    """Outputs for the background images used, shape (m, outputs), and those drawn for each image, shape (n, d)."""

    outputs: np.ndarray
    places: np.ndarray


def _own_background(task: Task) -> _OwnBackground | None:
    """What each image is compared with, where that is a sample of the background; ordered by what is explained."""
    each = task.options["background_per_image"]
    assert task.draws is not None
    if each is None or each >= len(task.draws):
        return None
    outputs = outputs_of(task, background_images(task))
    single = task.image_output.shape[1] == 1
    ordered_by = task.image_output[:, 0] if single else task.outputs.argmax(axis=1)
    return _OwnBackground(outputs, own_draws(outputs[:, ordered_by], each, task.seed))


def _run(
    task: Task, own: _OwnBackground | None, *, maps: bool
) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
    predictor = task.predictor
    assert task.background is not None
    assert task.draws is not None
    draws = None if own is None else task.draws[own.places]
    work = Work(task.images, task.background, task.seeds, task.draws, draws)
    return explain(
        predictor.backend,
        predictor.trace,
        _plan(predictor),
        work,
        maps=maps,
        batch_size=task.batch_size,
        tick=task.tick,
    )


def prepare(request: Request) -> None:
    """Read the graph: an operation without a rule is named now."""
    _plan(request.predictor)


def _plan(predictor: Predictor) -> Plan:
    trace, output = predictor.trace, predictor.output
    return trace.compiled(("plan", output), lambda: make_plan(trace.graph(output), trace.differentiable))


DEEPSHAP = Method(
    name="deepshap",
    label="DeepSHAP",
    summary="Share of each band in the difference between the output and its mean over the background.",
    cost="one backward pass per image, background image and output; or per background_per_image",
    reference="Lundberg & Lee 2017, arXiv:1705.07874; Shrikumar, Greenside & Kundaje 2017, arXiv:1704.02685",
    statistic="band_sum",
    additive=True,
    uses_background=True,
    scores=scores,
    maps=maps,
    prepare=prepare,
    options={
        "background_per_image": Option(
            None,
            "Compare each image with so many background images of its own, drawn afresh: an estimate of its scores at "
            "a fraction of the cost, whose sampling error is part of the standard errors.",
            optional(whole()),
        )
    },
)
