"""DeepSHAP as a method: the engine in `bandlens.deepshap`, reduced to band scores."""

from __future__ import annotations

import numpy as np

from ..deepshap import Plan, Work, explain, make_plan
from ..models import Predictor
from ..reduction import reduce_pixels
from .options import Option, optional, whole
from .task import Method, Part, Parts, Request, Task


def scores(task: Task) -> Parts:
    """Signed sums per band come out of the engine; other statistics need its maps. Groups are sums."""
    maps = task.statistic != "band_sum"
    axes = tuple(axis + 1 for axis in task.images.pixel_axes)
    for part in _run(task, maps=maps):
        scores = reduce_pixels(np, part.values, task.statistic, axes) if maps else part.values
        yield Part(part.images, scores @ task.members.T, totals=part.totals)


def maps(task: Task) -> Parts:
    """Attributions, pixel by pixel."""
    return _run(task, maps=True)


def _run(task: Task, *, maps: bool) -> Parts:
    predictor = task.predictor
    assert task.background is not None
    assert task.draws is not None
    plan = _plan(predictor)
    work = Work(task.images, task.background, task.seeds, task.draws, task.own_draws)
    found = explain(
        predictor.backend, predictor.trace, plan, work, maps=maps, batch_size=task.batch_size, tick=task.tick
    )
    return (Part(images, values, totals=totals) for images, values, totals in found)


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
