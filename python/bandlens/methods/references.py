"""Images that stand for "band not informative", as several methods offer them."""

from __future__ import annotations

import numpy as np

from ..data.summaries import mean_image, weighted_images
from .task import Task


def background_images(task: Task) -> np.ndarray:
    """The background images used, shape (m, *image shape)."""
    assert task.background is not None
    assert task.draws is not None
    return task.background.take(task.draws, task.predictor.trace.dtype)


def background_values(task: Task) -> None:
    """Ask the model for its outputs for the background, so that they are known in every window of the task."""
    task.background_values()


def mean_background(task: Task) -> np.ndarray:
    """Mean background image, shape (1, *image shape), or that of the images of each class, (classes, *image shape)."""
    assert task.background is not None
    assert task.draws is not None
    if task.weights is None:
        found = mean_image(task.background, task.draws)[None]
    else:
        found = weighted_images(task.background, task.draws, task.weights)
    return found.astype(task.predictor.trace.dtype)


def own(task: Task, part: slice, references: np.ndarray) -> np.ndarray:
    """Of one image for all, or one for each class, those of some images, shape (1 or images, *image shape)."""
    return references if len(references) == 1 else references[task.codes[part]]
