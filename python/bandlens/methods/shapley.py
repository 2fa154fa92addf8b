"""Shapley values of whole bands: the share of each in f(x) - mean f(background), averaged over all orders of bands.

Interventional: bands that are absent come from background images, pixel by pixel. Up to `max_exact` bands all
coalitions are computed. Beyond, bands join in random orders, each order followed by its reverse (antithetic), in rounds
that visit every background image once, so that scores sum to exactly what they should; rounds go on until the standard
errors are small enough.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from .mixtures import mixed_outputs, without_constants
from .options import Option, number, whole
from .references import background_images
from .task import Method, Part, Parts, Task

# what a standard error must rest on before sampling may end, lest chance ends it too early: rounds, and comparisons
# between them
LEAST_ROUNDS = 4
LEAST_FREEDOM = 10


def scores(task: Task) -> Parts:
    """Shapley values, exact or sampled with standard errors."""
    n_features = len(task.members)
    exact = n_features <= task.options["max_exact"]
    size = max(1, task.images_per_batch // 2**n_features) if exact else 1
    values, references = task.values, background_images(task)
    outputs = task.background_outputs
    for part, batch in task.images.batches(size, references.dtype):
        full = without_constants(task, part, values[part])
        empty = np.moveaxis(without_constants(task, part, outputs[:, task.image_output[part]]), 0, 1)
        if exact:
            yield Part(part, _exact(task, part, batch, references, full, empty.mean(axis=1)))
        else:
            found = _sampled(task, part, batch, references, full[0], empty[0])
            yield Part(part, *(array.T[None] for array in found))
        task.tick(len(batch))


def _exact(
    task: Task, part: slice, batch: np.ndarray, references: np.ndarray, full: np.ndarray, empty: np.ndarray
) -> np.ndarray:
    """All coalitions; (images, k, features)."""
    n_features = len(task.members)
    coalitions = (np.arange(2**n_features)[:, None] >> np.arange(n_features)) & 1 == 1
    values = np.empty((len(batch), len(coalitions), full.shape[1]))
    values[:, 0], values[:, -1] = empty, full
    between = mixed_outputs(task, task.seeds[part], batch, references, coalitions[1:-1], positions=part, mean=True)
    values[:, 1:-1] = between[:, 0]
    return np.einsum("fs,nsk->nkf", coalition_weights(coalitions), values)


def coalition_weights(coalitions: np.ndarray) -> np.ndarray:
    """Weights with which the values of coalitions (s, features) add up to Shapley values, shape (features, s)."""
    n = coalitions.shape[1]
    sizes = coalitions.sum(axis=1)
    joining = np.array([factorial(size) * factorial(n - size - 1) / factorial(n) for size in range(n)] + [0.0])
    return np.where(coalitions, joining[sizes - 1][:, None], -joining[sizes][:, None]).T


def _sampled(
    task: Task, part: slice, batch: np.ndarray, references: np.ndarray, full: np.ndarray, empty: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values of one image and their standard errors, each (features, k).

    Within a round each background image has its own random order. The standard error counts how much contributions
    differ between rounds for the same background image, since all of these images are visited, not drawn.
    """
    random = np.random.default_rng([task.seed, part.start])
    m, n = len(references), len(task.members)
    total, squares = (np.zeros((m, n, len(full))) for _ in range(2))
    rounds = 0
    while True:
        rounds += 1
        found = _round(task, part, batch, references, full, empty, random)
        total += found
        squares += found**2
        if rounds == 1:
            continue
        variance = np.maximum(squares - total**2 / rounds, 0) / (rounds - 1)
        values, errors = total.mean(axis=0) / rounds, np.sqrt(variance.sum(axis=0) / rounds) / m
        small = (errors.max(axis=0) <= task.options["tolerance"] * np.ptp(values, axis=0)).all()
        enough = rounds >= LEAST_ROUNDS and m * (rounds - 1) >= LEAST_FREEDOM
        if (small and enough) or 2 * m * (rounds + 1) > task.options["max_permutations"]:
            return values, errors


def _round(
    task: Task,
    part: slice,
    batch: np.ndarray,
    references: np.ndarray,
    full: np.ndarray,
    empty: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Mean contribution of each feature in a random order and its reverse, per background image: (m, features, k)."""
    m, n = len(references), len(task.members)
    place = random.permuted(np.tile(np.arange(n), (m, 1)), axis=1)
    places = np.stack([place, n - 1 - place], axis=1)
    # after t steps, the features whose place is below t have joined
    joined = places[:, :, None, :] < np.arange(1, n)[:, None]
    joined = joined.reshape(m, 2 * (n - 1), n)
    between = mixed_outputs(task, task.seeds[part], batch, references, joined, positions=part)
    chains = np.empty((m, 2, n + 1, len(full)))
    chains[:, :, 0], chains[:, :, -1] = empty[:, None], full
    chains[:, :, 1:-1] = between.reshape(m, 2, n - 1, -1)
    return np.take_along_axis(np.diff(chains, axis=2), places[..., None], axis=2).mean(axis=1)


SHAPLEY = Method(
    name="shapley",
    label="Shapley values of bands",
    summary="Share of each whole band in what sets the output apart from its mean over the background, in all orders.",
    cost="2^bands forward passes per image and background image; beyond max_exact bands, 2 (bands - 1) per round",
    reference="Shapley 1953; Strumbelj & Kononenko 2014; Mitchell, Cooper, Frank & Holmes 2022, arXiv:2104.12199",
    statistic="whole_band",
    statistics=("whole_band",),
    scores=scores,
    options={
        "max_exact": Option(12, "Most bands (or groups) for which all coalitions are computed.", whole()),
        "tolerance": Option(
            0.025, "Sampling ends at this standard error, relative to the range of an image's scores.", number(0)
        ),
        "max_permutations": Option(
            2000, "Most orders of the bands per image; two rounds over the background are made in any case.", whole()
        ),
    },
    additive=True,
    compared_with=background_images,
    uses_background=True,
)
