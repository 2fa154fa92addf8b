"""Shapley values of whole bands: the share of each in f(x) - mean f(background), averaged over all orders of bands.

Interventional, unless asked otherwise (see `filling`): bands that are absent come from background images, pixel by
pixel. Up to `max_exact` bands all coalitions are computed. Beyond, bands join in random orders, each order followed by
its reverse (antithetic), on one background image after the other, so that scores sum to exactly what they should. Every
background image is visited once, since they differ more than orders do; orders go on, on images that are visited again,
until the standard errors are small enough.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.moments import half_width
from ..data.options import Option, number, whole
from .coalitions import (
    MOST_BYTES,
    coalition_values,
    coalition_weights,
    coalitions_of,
    ends,
    images_per_step,
    weighted,
)
from .filling import ABSENT_OPTION
from .findings import Findings, Pairs, ScoreErrors, Scores
from .kinds import BandMethod, ExactSum, always
from .mixtures import mixed_outputs
from .references import background_images, background_values
from .task import Task

# comparisons of two visits of a background image that standard errors must rest on, lest chance ends sampling too early
LEAST_FREEDOM = 20
# mixtures of an image that are worth a step; between steps, standard errors are looked at
STEP_MIXTURES = 512
# images that are sampled side by side, sharing what is computed of the background
MOST_TOGETHER = 16


def scores(task: Task) -> Findings:
    """Shapley values, exact or sampled with standard errors."""
    if _is_exact(task):
        weights = coalition_weights(coalitions_of(len(task.members)))
        for part, values in coalition_values(task):
            pairs = weighted(weights, values)
            yield Scores(part, task.over_background(pairs, part, 2))
            yield Pairs(part, pairs)
            task.tick(len(pairs))
        return
    references = background_images(task)
    for part, batch in task.batches(_sampled_per_step(task, len(references)), references.dtype):
        pairs, errors = _sampled(task, part, batch, references, *ends(task, part))
        yield Scores(part, task.over_background(pairs, part, 2))
        yield ScoreErrors(part, errors)
        yield Pairs(part, pairs)


def cuts(task: Task) -> Sequence[int]:
    """The first image of each step."""
    assert task.draws is not None
    size = images_per_step if _is_exact(task) else _sampled_per_step
    return range(0, task.images.n, size(task, len(task.draws)))


def beforehand(task: Task) -> None:
    """Outputs for the background, and how bands depend on each other, are those of every window."""
    background_values(task)
    _ = task.filling


def _is_exact(task: Task) -> bool:
    return bool(len(task.members) <= task.options["max_exact"])


def _sampled_per_step(task: Task, m: int) -> int:
    """Images that are sampled side by side, against m background images."""
    together = MOST_BYTES // (8 * m * len(task.members) * task.image_output.shape[1])
    return max(1, min(MOST_TOGETHER, together))


class _Sampling:
    """What is known of one image: contributions of its features, added up over the visits of each background image.

    Standard errors count how much contributions differ between visits of the same background image: all of these
    images are visited, not drawn, so that what differs between them is no error.
    """

    def __init__(self, task: Task, position: int, weights: np.ndarray, full: np.ndarray, empty: np.ndarray) -> None:
        self.full, self.empty, self.weights = full, empty, weights
        self.random = np.random.default_rng([task.seed, position])
        self.total = np.zeros((len(weights), len(task.members), len(full)))
        self.squares = np.zeros(self.total.shape[1:])
        self.visits = np.zeros(len(weights), np.int64)

    def places(self, visits: int) -> np.ndarray:
        """Places of the features in random orders and their reverses, shape (visits, 2, features)."""
        n = self.total.shape[1]
        place = self.random.permuted(np.tile(np.arange(n), (visits, 1)), axis=1)
        return np.stack([place, n - 1 - place], axis=1)

    def add(self, visited: np.ndarray, places: np.ndarray, between: np.ndarray) -> None:
        """Take in what the features of the image contribute, from the outputs between none of them and all."""
        n = places.shape[-1]
        chains = np.empty((len(visited), 2, n + 1, len(self.full)))
        chains[:, :, 0], chains[:, :, -1] = self.empty[visited][:, None], self.full
        chains[:, :, 1:-1] = between.reshape(len(visited), 2, n - 1, -1)
        found = np.take_along_axis(np.diff(chains, axis=2), places[..., None], axis=2).mean(axis=1)
        np.add.at(self.total, visited, found)
        np.add.at(self.visits, visited, 1)
        self.squares += (found**2).sum(axis=0)

    @property
    def freedom(self) -> int:
        """Comparisons between visits."""
        return int((self.visits - 1).sum())

    @property
    def pairs(self) -> np.ndarray:
        """Shapley values on each background image, shape (k, m, features)."""
        return np.moveaxis(self.total / self.visits[:, None, None], 2, 0)

    @property
    def values(self) -> np.ndarray:
        """Shapley values, shape (k, features)."""
        found: np.ndarray = np.einsum("m,kmf->kf", self.weights, self.pairs)
        return found

    @property
    def errors(self) -> np.ndarray:
        """Their standard errors, as much larger as Student's intervals are wider than the normal ones."""
        deviations = self.squares - (self.total**2 / self.visits[:, None, None]).sum(axis=0)
        variance = np.maximum(deviations, 0) / self.freedom
        wider = half_width(1.0, self.freedom) / half_width(1.0, np.inf)
        return wider * np.sqrt(variance * (self.weights**2 / self.visits).sum()).T


def _sampled(
    task: Task, part: slice, batch: np.ndarray, references: np.ndarray, full: np.ndarray, empty: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values of some images on each background image, (images, k, m, features), and standard errors of means.

    Background images are visited in the same order for all images, each of which has its own orders of the features.
    """
    m, n = len(references), len(task.members)
    least = m + min(m, LEAST_FREEDOM)
    visits = min(-(-STEP_MIXTURES // (2 * (n - 1))), least)
    given = task.weights_of(part)
    weights = np.broadcast_to(np.full((1, m), 1 / m) if given is None else given, (len(batch), m))
    images = [
        _Sampling(task, part.start + i, weights[i], values, below)
        for i, (values, below) in enumerate(zip(full, empty, strict=True))
    ]
    active, done = np.arange(len(images)), 0
    random, sequence = np.random.default_rng(task.seed), np.empty(0, np.int64)
    while len(active):
        while len(sequence) < done + visits:
            sequence = np.append(sequence, random.permutation(m))
        visited = sequence[done : done + visits]
        places = np.stack([images[i].places(visits) for i in active])
        # after t steps, the features whose place is below t have joined
        joined = places[..., None, :] < np.arange(1, n)[:, None]
        joined = joined.reshape(len(active), visits, 2 * (n - 1), n)
        between = mixed_outputs(
            task, task.seeds[part][active], batch[active], references[visited], joined, positions=part.start + active
        )
        for i, *found in zip(active, places, between, strict=True):
            images[i].add(visited, *found)
        done += visits
        if done < least:
            continue
        finished = [
            2 * (done + visits) > task.options["max_permutations"] or _converged(task, images[i]) for i in active
        ]
        task.tick(sum(finished))
        active = active[~np.array(finished)]
    return np.stack([image.pairs for image in images]), np.stack([image.errors for image in images])


def _converged(task: Task, image: _Sampling) -> bool:
    """Whether standard errors are small, and known well enough."""
    if image.freedom < LEAST_FREEDOM:
        return False
    return bool((image.errors.max(axis=-1) <= task.options["tolerance"] * np.ptp(image.values, axis=-1)).all())


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
        "tolerance": Option(
            0.025, "Sampling ends at this standard error, relative to the range of an image's scores.", number(0)
        ),
        "max_permutations": Option(
            2000,
            "Most orders of the bands per image. In any case, every background image is visited by one order and its "
            "reverse, and 20 of them (or all, if there are fewer) by another two.",
            whole(),
        ),
    },
    sums=ExactSum(compared_with=background_images),
    needs_background=always,
)
