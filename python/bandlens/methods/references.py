"""Images that stand for "band not informative", as several methods offer them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..inputs import Images
from ..streaming import mean_image
from .task import Task


def background_images(task: Task, part: slice) -> Iterator[tuple[slice, np.ndarray]]:
    """Positions of the background images of some images: once, or image by image where each has its own."""
    assert task.draws is not None
    if task.draws.ndim == 1:
        yield part, task.draws
        return
    for image in range(part.start, part.stop):
        yield slice(image, image + 1), task.draws[image]


def mean_background(task: Task, part: slice) -> np.ndarray:
    """Mean background image, shape (1, *image shape), or one per image where each has a background of its own."""
    assert task.background is not None
    return np.stack([mean_image(task.background, draws) for _, draws in background_images(task, part)])


def outputs_of(task: Task, images: np.ndarray) -> np.ndarray:
    """The model's outputs for images in memory, shape (images, outputs)."""
    held = Images(images, len(images), task.images.shape, task.images.band_axis)
    return task.predictor.outputs(held, task.images_per_batch)
