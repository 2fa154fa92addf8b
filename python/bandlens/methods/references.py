"""Images that stand for "band not informative", as several methods offer them."""

from __future__ import annotations

import numpy as np

from ..data.summaries import mean_image
from .task import Task


def background_images(task: Task) -> np.ndarray:
    """The background images used, shape (m, *image shape)."""
    assert task.background is not None
    assert task.draws is not None
    return task.background.take(task.draws, task.predictor.trace.dtype)


def mean_background(task: Task) -> np.ndarray:
    """Mean background image, shape (1, *image shape)."""
    assert task.background is not None
    assert task.draws is not None
    return mean_image(task.background, task.draws)[None].astype(task.predictor.trace.dtype)
