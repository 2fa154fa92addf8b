"""Outputs of all coalitions of bands: what exact Shapley values and interactions are both read from.

A coalition is a set of features (bands, or groups of them) that come from the image, while the others come from a
background image, pixel by pixel. With all 2^features of them everything is known that bands do alone and together.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import factorial

import numpy as np

from .findings import Findings, Pairs, Scores
from .mixtures import mixed_outputs, without_constants
from .references import background_images
from .task import Task

# bytes for the values of images that are computed side by side
MOST_BYTES = 1 << 26


def coalitions_of(n_features: int) -> np.ndarray:
    """All of them, as binary numbers whose lowest digit is the first feature; bool, (2^features, features)."""
    return (np.arange(2**n_features)[:, None] >> np.arange(n_features)) & 1 == 1


def coalition_values(task: Task, coalitions: np.ndarray | None = None) -> Iterator[tuple[slice, np.ndarray]]:
    """Explained outputs of coalitions on each background image, part by part of the images.

    Parameters
    ----------
    task : Task
    coalitions : ndarray of bool, shape (s, features), optional
        Those that are wanted: first that of no feature, last that of all. By default there are all 2^features.

    Yields
    ------
    tuple of slice and ndarray of float64
        Images, and their values, shape (images, m, s, k), without the constants of the outputs.
    """
    references = background_images(task)
    coalitions = coalitions_of(len(task.members)) if coalitions is None else coalitions
    for part, batch in task.batches(images_per_step(task, len(references), len(coalitions)), references.dtype):
        full, empty = ends(task, part)
        values = np.empty((len(batch), len(references), len(coalitions), full.shape[1]))
        values[:, :, 0], values[:, :, -1] = empty, full[:, None]
        values[:, :, 1:-1] = mixed_outputs(task, task.seeds[part], batch, references, coalitions[1:-1], positions=part)
        yield part, values


def exact(task: Task, weights: np.ndarray, coalitions: np.ndarray | None = None) -> Findings:
    """Sums over coalitions, with weights (features, s); over all of them, or some, as for `coalition_values`."""
    for part, values in coalition_values(task, coalitions):
        pairs = weighted(weights, values)
        yield Scores(part, task.over_background(pairs, part, 2))
        yield Pairs(part, pairs)
        task.tick(len(pairs))


def images_per_step(task: Task, m: int, coalitions: int) -> int:
    """Images that are computed side by side, of so many coalitions, against m background images."""
    together = MOST_BYTES // (8 * m * coalitions * task.image_output.shape[1])
    return max(1, min(task.images_per_batch // coalitions, together))


def ends(task: Task, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """Values of the coalition of all features, (images, k), and of none on each background image, (images, m, k)."""
    empty = without_constants(task, part, np.moveaxis(task.background_values(part), 2, 0))
    return without_constants(task, part, task.values[part]), np.moveaxis(empty, 0, 1)


def coalition_weights(coalitions: np.ndarray) -> np.ndarray:
    """Weights with which the values of coalitions (s, features) add up to Shapley values, shape (features, s)."""
    n = coalitions.shape[1]
    sizes = coalitions.sum(axis=1)
    joining = np.array([factorial(size) * factorial(n - size - 1) / factorial(n) for size in range(n)] + [0.0])
    return np.where(coalitions, joining[sizes - 1][:, None], -joining[sizes][:, None]).T


def weighted(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums over coalitions: weights (f, s) and values (images, m, s, k) to (images, k, m, f)."""
    found: np.ndarray = np.einsum("fs,nmsk->nkmf", weights, values, optimize=True)
    return found
