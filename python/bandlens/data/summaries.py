"""Summaries of many images, read batch by batch and kept in float64: the spread of each band, a mean image."""

from __future__ import annotations

import numpy as np

from .images import Images
from .moments import Moments

BATCH_BYTES = 1 << 25


def band_means(images: Images) -> np.ndarray:
    """Mean of each band over the pixels of each image, shape (n, bands)."""
    return np.concatenate(
        [batch.mean(axis=images.pixel_axes) for _, batch in images.batches(_size(images), np.float64)]
    )


def band_spread(images: Images) -> np.ndarray:
    """Standard deviation of each band over all pixels of all images, shape (bands,)."""
    axes = (0, *images.pixel_axes)
    moments = Moments.empty(1, images.n_bands)
    for _, batch in images.batches(_size(images), np.float64):
        count = np.full((1, 1), batch.size / images.n_bands)
        mean, variance = batch.mean(axis=axes)[None], batch.var(axis=axes)[None]
        moments = moments.merge(Moments(count, mean, count * variance))
    return np.sqrt(moments.squares / moments.count)[0]


def mean_image(images: Images, positions: np.ndarray) -> np.ndarray:
    """Mean over some images, pixel by pixel."""
    size = _size(images)
    total = np.zeros(images.shape)
    for start in range(0, len(positions), size):
        total += images.take(positions[start : start + size], np.float64).sum(axis=0)
    return total / len(positions)


def _size(images: Images) -> int:
    return max(1, BATCH_BYTES // (8 * int(np.prod(images.shape))))
