"""Shapley values of whole bands: the share of each in f(x) - mean f(background), averaged over all orders of bands.

Interventional, unless asked otherwise (see `filling`): bands that are absent come from background images, pixel by
pixel. Up to `max_exact` bands all coalitions are computed; beyond, bands join in random orders (see `orders`), so that
scores sum to exactly what they should.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.options import Option, whole
from .coalitions import coalition_weights, coalitions_of, exact, images_per_step
from .filling import ABSENT_OPTION
from .findings import Findings
from .kinds import BandMethod, ExactSum, always
from .orders import SAMPLING_OPTIONS, sampled, sampled_per_step
from .references import background_images, background_values
from .task import Task


def scores(task: Task) -> Findings:
    """Shapley values, exact or sampled with standard errors."""
    n = len(task.members)
    if not _is_exact(task):
        yield from sampled(task, lambda random, count: random.permuted(np.tile(np.arange(n), (count, 1)), axis=1))
        return
    yield from exact(task, coalition_weights(coalitions_of(n)))


def cuts(task: Task) -> Sequence[int]:
    """The first image of each step."""
    assert task.draws is not None
    n, m = len(task.members), len(task.draws)
    size = images_per_step(task, m, 2**n) if _is_exact(task) else sampled_per_step(task, m)
    return range(0, task.images.n, size)


def beforehand(task: Task) -> None:
    """Outputs for the background, and how bands depend on each other, are those of every window."""
    background_values(task)
    _ = task.filling


def _is_exact(task: Task) -> bool:
    return bool(len(task.members) <= task.options["max_exact"])


SHAPLEY = BandMethod(
    name="shapley",
    label="Shapley values of bands",
    summary="Share of each whole band in what sets the output apart from its mean over the background, in all orders.",
    cost="2^bands forward passes per image and background image; beyond max_exact bands, bands - 1 per order",
    reference="Shapley 1953; Strumbelj & Kononenko 2014; Mitchell, Cooper, Frank & Holmes 2022, arXiv:2104.12199",
    scores=scores,
    cuts=cuts,
    beforehand=beforehand,
    options={
        "absent": ABSENT_OPTION,
        "max_exact": Option(12, "Most bands (or groups) for which all coalitions are computed.", whole()),
        **SAMPLING_OPTIONS,
    },
    sums=ExactSum(compared_with=background_images),
    needs_background=always,
)
