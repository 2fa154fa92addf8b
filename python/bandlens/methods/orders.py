"""Random orders in which bands join, one background image after the other: Shapley and Owen values are means over them.

Each order is followed by its reverse (antithetic). Along an order, scores sum to exactly what they should. Every
background image is visited once, since they differ more than orders do; orders go on, on images that are visited again,
until the standard errors are small enough.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data.moments import half_width
from ..data.options import Option, number, whole
from .coalitions import MOST_BYTES, ends
from .findings import Findings, Pairs, ScoreErrors, Scores
from .mixtures import mixed_outputs
from .references import background_images
from .task import Task

# from a source of random numbers and a number of orders to the place of each feature in each, (orders, features)
Draw = Callable[[np.random.Generator, int], np.ndarray]

# comparisons of two visits of a background image that standard errors must rest on, lest chance ends sampling too early
LEAST_FREEDOM = 20
# mixtures of an image that are worth a step; between steps, standard errors are looked at
STEP_MIXTURES = 512
# images that are sampled side by side, sharing what is computed of the background
MOST_TOGETHER = 16
SAMPLING_OPTIONS = {
    "tolerance": Option(
        0.025, "Sampling ends at this standard error, relative to the range of an image's scores.", number(0)
    ),
    "max_permutations": Option(
        2000,
        "Most orders of the bands per image. In any case, every background image is visited by one order and its "
        "reverse, and 20 of them (or all, if there are fewer) by another two.",
        whole(),
    ),
}


def sampled(task: Task, draw: Draw) -> Findings:
    """Means over random orders, with standard errors; a task has the options in `SAMPLING_OPTIONS`."""
    references = background_images(task)
    for part, batch in task.batches(sampled_per_step(task, len(references)), references.dtype):
        pairs, errors = _sampled(task, draw, part, batch, references, *ends(task, part))
        yield Scores(part, task.over_background(pairs, part, 2))
        yield ScoreErrors(part, errors)
        yield Pairs(part, pairs)


def sampled_per_step(task: Task, m: int) -> int:
    """Images that are sampled side by side, against m background images."""
    together = MOST_BYTES // (8 * m * len(task.members) * task.image_output.shape[1])
    return max(1, min(MOST_TOGETHER, together))


class _Sampling:
    """What is known of one image: contributions of its features, added up over the visits of each background image.

    Standard errors count how much contributions differ between visits of the same background image: all of these
    images are visited, not drawn, so that what differs between them is no error.
    """

    def __init__(
        self, task: Task, draw: Draw, position: int, weights: np.ndarray, full: np.ndarray, empty: np.ndarray
    ) -> None:
        self.draw, self.full, self.empty, self.weights = draw, full, empty, weights
        self.random = np.random.default_rng([task.seed, position])
        self.total = np.zeros((len(weights), len(task.members), len(full)))
        self.squares = np.zeros(self.total.shape[1:])
        self.visits = np.zeros(len(weights), np.int64)

    def places(self, visits: int) -> np.ndarray:
        """Places of the features in random orders and their reverses, shape (visits, 2, features)."""
        place = self.draw(self.random, visits)
        return np.stack([place, place.shape[1] - 1 - place], axis=1)

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
        """Values on each background image, shape (k, m, features)."""
        return np.moveaxis(self.total / self.visits[:, None, None], 2, 0)

    @property
    def values(self) -> np.ndarray:
        """Their means, shape (k, features)."""
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
    task: Task, draw: Draw, part: slice, batch: np.ndarray, references: np.ndarray, full: np.ndarray, empty: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Values of some images on each background image, (images, k, m, features), and standard errors of means.

    Background images are visited in the same order for all images, each of which has its own orders of the features.
    """
    m, n = len(references), len(task.members)
    least = m + min(m, LEAST_FREEDOM)
    visits = min(-(-STEP_MIXTURES // (2 * (n - 1))), least)
    given = task.weights_of(part)
    weights = np.broadcast_to(np.full((1, m), 1 / m) if given is None else given, (len(batch), m))
    images = [
        _Sampling(task, draw, part.start + i, weights[i], values, below)
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
