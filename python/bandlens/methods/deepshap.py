"""DeepSHAP as a method: the engine in `bandlens.engine.deepshap`, reduced to band scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..data.options import Option, optional, whole
from ..data.repeated import repeated
from ..data.words import argument
from ..engine.deepshap import (
    Plan,
    Work,
    averaged,
    chunk_of,
    explain,
    joined,
    made_complete,
    make_plan,
    own_draws,
    parts,
    trouble,
    unmoved,
    write,
)
from ..errors import OptionError
from ..models.predictor import Predictor
from .findings import Differences, DrawErrors, Findings, Maps, Pairs, Scores, Totals
from .kinds import AttributionMethod, ExactSum, always
from .reduction import reduce_pixels
from .references import background_images
from .task import Prospect, Request, Task
from .together import Together, TogetherSeeds

# background images with which an operation in trouble is looked for
MOST_COMPARED = 8


def scores(task: Task) -> Findings:
    """Signed sums per band come out of the engine; other statistics need its maps. Groups are sums."""
    maps = task.statistic != "band_sum"
    own = _own_background(task)
    cells = task.images.cells
    for images, values in _run(task, own, maps=maps):
        if maps:
            yield Scores(images, reduce_pixels(np, values, task.statistic, cells, 2) @ task.members.T)
            continue
        pairs = values @ task.members.T
        if own is not None:
            yield Pairs(images, pairs, own.places[images])
            continue
        yield Scores(images, task.over_background(pairs, images, 2))
        yield Pairs(images, pairs)


def cuts(task: Task) -> Sequence[int]:
    """The first image of each step."""
    own = _own_background(task)
    work, together = _work(task, own)
    predictor, maps = task.predictor, task.statistic != "band_sum"
    size = chunk_of(
        predictor.backend, predictor.trace, _plan(predictor), work, maps=maps, batch_size=task.batch_size
    ).images
    firsts = range(0, work.images.n, size)
    return firsts if together is None else together.firsts[firsts].tolist()


def together(task: Task, findings: Findings) -> Findings:
    """Of images with a background of their own, scores are estimated from the pairs of all."""
    own = _own_background(task)
    if own is None or task.statistic != "band_sum":
        return findings
    return _estimated(task, own, findings)


def beforehand(task: Task) -> None:
    """Each image's own background is drawn for all of them together."""
    _own_background(task)


def maps(task: Task) -> Findings:
    """Attributions, pixel by pixel. With a background of their own, they sum to what sets images apart from that."""
    own = _own_background(task)
    differences = None if own is None else task.values - _drawn_outputs(task, own)
    for images, values in _run(task, own, maps=True):
        yield Maps(images, values)
        if differences is not None:
            yield Differences(images, differences[images])


class _OwnBackground(NamedTuple):
    """A pool of background images, and what each image is compared with.

    Attributes
    ----------
    outputs, bands : ndarray, shapes (m, outputs) and (m, bands)
        Outputs and band means of the pool.
    groups : ndarray of int, shape (n,)
        The explained output of each image; where there are several, the predicted one.
    places : ndarray of int, shape (n, d)
        Positions in the pool.
    """

    outputs: np.ndarray
    bands: np.ndarray
    groups: np.ndarray
    places: np.ndarray


def _own_background(task: Task) -> _OwnBackground | None:
    """What each image is compared with, where that is a sample of the background."""
    each = task.options["background_per_image"]
    assert task.draws is not None
    if each is None or each >= len(task.draws):
        return None

    def drawn() -> _OwnBackground:
        outputs = task.background_outputs
        groups = task.image_output[:, 0] if task.image_output.shape[1] == 1 else task.outputs.argmax(axis=1)
        places = own_draws(outputs, groups, each, task.seed)
        return _OwnBackground(outputs, task.background_means, groups, places)

    return task.once("own background", drawn)


def _estimated(task: Task, own: _OwnBackground, findings: Findings) -> Findings:
    """Scores of all images, estimated from pairs with their own background images."""
    n, k = task.image_output.shape
    features = len(task.members)
    pairs = np.empty((n, k, own.places.shape[1], features), task.predictor.trace.dtype)
    for finding in findings:
        assert isinstance(finding, Pairs)
        pairs[finding.images] = finding.values
    columns = np.moveaxis(pairs, 1, 2).reshape(n, own.places.shape[1], k * features)
    known = np.concatenate([task.outputs, task.band_means], axis=1)
    found, errors = averaged(columns, own.places, np.concatenate([own.outputs, own.bands], axis=1), known, own.groups)
    whole = task.values - own.outputs.mean(axis=0)[task.image_output]
    every = slice(0, n)
    yield Scores(every, made_complete(found.reshape(n, k, features), whole))
    if own.places.shape[1] > 1:
        yield DrawErrors(every, errors.reshape(n, k, features))
    yield Pairs(every, pairs, own.places)
    yield Totals(every, pairs.sum(axis=-1, dtype=np.float64).mean(axis=-1))
    yield Differences(every, task.values - _drawn_outputs(task, own))


def _drawn_outputs(task: Task, own: _OwnBackground) -> np.ndarray:
    """Mean outputs of each image's own background, for the explained outputs, shape (n, k)."""
    return np.take_along_axis(own.outputs[own.places].mean(axis=1), task.image_output, axis=1)


def _work(task: Task, own: _OwnBackground | None) -> tuple[Work, Together | None]:
    """What there is to compute, and how rows of one image are put together, where they are."""
    predictor = task.predictor
    assert task.background is not None
    assert task.draws is not None
    draws = None if own is None else task.draws[own.places]
    work = Work(task.images, task.background, task.seeds, task.draws, draws, task.weights_of(slice(None)))
    # rows with a background of their own have nothing in common but their image
    if task.row_images is None or own is not None:
        return work, None
    together = Together.of(task.row_images)
    images = repeated(task.every, task.row_images[together.firsts], predictor.trace.dtype)
    return replace(work, images=images, seeds=TogetherSeeds(task.seeds, together)), together


def _run(task: Task, own: _OwnBackground | None, *, maps: bool) -> Iterator[tuple[slice, np.ndarray]]:
    predictor, span = task.predictor, task.span
    work, together = _work(task, own)
    tick = task.tick
    if together is not None:
        tick = together.ticks(task.tick)
        span = together.blocks(span)
    found = explain(
        predictor.backend,
        predictor.trace,
        _plan(predictor),
        work,
        maps=maps,
        batch_size=task.batch_size,
        tick=tick,
        span=span,
    )
    return found if together is None else together.apart(found)


def prepare(request: Request) -> None:
    """Read the graph: an operation without a rule is named now."""
    if request.predictor.pixels and request.options["background_per_image"] is not None:
        raise OptionError(
            "Images of a model with outputs for every pixel have no background of their own.",
            expected=f"`n_background`, and {argument('background_per_image', None)}",
            given=argument("background_per_image", request.options["background_per_image"]),
        )
    _plan(request.predictor)


def begin(prospect: Prospect) -> None:
    """The step is written, and its formulas are compiled while the model is asked for its outputs."""
    request, m = prospect.request, prospect.n_background
    predictor, each = request.predictor, request.options["background_per_image"]
    assert prospect.background is not None
    draws = None if each is None or each >= m else np.zeros((1, each), np.int64)
    seeds = np.zeros((1, prospect.n_outputs, predictor.weights.shape[1]))
    work = Work(request.images, prospect.background, seeds, np.arange(m), draws)
    maps = request.maps or prospect.statistic != "band_sum"
    write(predictor.backend, predictor.trace, _plan(predictor), work, maps=maps, batch_size=prospect.batch_size)


def _plan(predictor: Predictor) -> Plan:
    backend, trace, output = predictor.backend, predictor.trace, predictor.output

    def build() -> Plan:
        graph = trace.graph(output)
        asked = unmoved(backend, trace, graph), parts(backend, trace, graph)
        return joined(make_plan(graph, trace.differentiable, backend.has_forward, *asked))

    return trace.compiled(("plan", output), build)


def _locate(task: Task, image: int, output: int, *, cancels: bool, size: float) -> str | None:
    """The operation from which a trouble of some size comes: the residual of an image's scores, or their sizes.

    Measured against a few background images; None where no operation adds half of it, and twice what any other does.
    """
    predictor = task.predictor
    assert task.background is not None
    assert task.draws is not None
    few = task.draws[np.linspace(0, len(task.draws) - 1, min(MOST_COMPARED, len(task.draws))).astype(int)]
    findings = trouble(
        predictor.backend,
        predictor.trace,
        _plan(predictor),
        task.images.take(slice(image, image + 1), predictor.trace.dtype),
        task.background.take(few, predictor.trace.dtype),
        task.seeds[image : image + 1][0, output],
    )
    found = findings.cancellation if cancels else findings.residual
    stands_out = found.amount >= size / 2 and found.amount >= 2 * found.next
    return str(found.operation) if stands_out else None


DEEPSHAP = AttributionMethod(
    name="deepshap",
    label="DeepSHAP",
    summary="Share of each band in the difference between the output and its mean over the background.",
    cost="one backward pass per image, background image and output; or per background_per_image",
    reference="Lundberg & Lee 2017, arXiv:1705.07874; Shrikumar, Greenside & Kundaje 2017, arXiv:1704.02685",
    statistic="band_sum",
    sums=ExactSum(compared_with=background_images, locate=_locate),
    needs_background=always,
    scores=scores,
    cuts=cuts,
    together=together,
    beforehand=beforehand,
    maps=maps,
    prepare=prepare,
    begin=begin,
    comparisons="background_per_image",
    few_comparisons=4,
    options={
        "background_per_image": Option(
            None,
            "Compare each image with so many background images of its own, drawn afresh: an estimate of its scores at "
            "a fraction of the cost, whose sampling error is part of the standard errors, and is left out of the sizes "
            "that importance is the mean of. What differences between draws have in common is learnt from all images "
            "of a class: it takes four or more per class.",
            optional(whole()),
        )
    },
)
