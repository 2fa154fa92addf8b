"""Summaries of many images, read batch by batch and kept in float64: spread and range of each band, a mean image."""

from __future__ import annotations

import numpy as np

from .images import Images
from .moments import Moments

# small enough to stay in a processor's cache between what is done to it
BATCH_BYTES = 1 << 22


def band_means(images: Images) -> np.ndarray:
    """Mean of each cell over its pixels in each image, shape (n, cells); a cell is a band, perhaps at a step."""
    cells = images.cells
    batches = images.batches(_size(images), np.float64)
    return np.concatenate([cells.reduced(np, batch, 1, _mean) for _, batch in batches])


def band_spread(images: Images) -> np.ndarray:
    """Standard deviation of each cell over all its pixels of all images, shape (cells,)."""
    cells = images.cells
    moments = Moments.empty(1, len(cells))
    for _, batch in images.batches(_size(images), np.float64):
        means, variances = cells.means(np, batch, 1), cells.reduced(np, batch, 1, np.var)
        mean = means.mean(axis=0)
        variance = (variances + (means - mean) ** 2).mean(axis=0)
        count = len(batch) * cells.pixels
        moments = moments.merge(Moments(count[None], mean[None], (count * variance)[None]))
    return np.sqrt(moments.squares / moments.count)[0]


def band_range(images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest value of each cell over all its pixels of all images, each of shape (cells,)."""
    cells = images.cells
    least, most = [], []
    for _, batch in images.batches(_size(images), np.float64):
        least.append(cells.reduced(np, batch, 1, np.min).min(axis=0))
        most.append(cells.reduced(np, batch, 1, np.max).max(axis=0))
    return np.min(least, axis=0), np.max(most, axis=0)


def mean_image(images: Images, positions: np.ndarray) -> np.ndarray:
    """Mean over some images, pixel by pixel."""
    size = _size(images)
    total = np.zeros(images.shape)
    for start in range(0, len(positions), size):
        total += images.take(positions[start : start + size], np.float64).sum(axis=0)
    return total / len(positions)


def weighted_images(images: Images, positions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums over some images, pixel by pixel, with each row of weights (rows, positions), shape (rows, *image shape)."""
    size = _size(images)
    total = np.zeros((len(weights), *images.shape))
    for start in range(0, len(positions), size):
        part = slice(start, start + size)
        total += np.tensordot(weights[:, part], images.take(positions[part], np.float64), 1)
    return total


def _mean(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Mean over pixels, which NumPy's own takes several times as long for where bands come last."""
    if axes != tuple(range(1, values.ndim - 1)) or not axes:
        return np.asarray(values.mean(axis=axes))
    pixels = values.reshape(len(values), -1, values.shape[-1])
    found: np.ndarray = np.full(pixels.shape[1], 1 / pixels.shape[1]) @ pixels
    return found


def _size(images: Images) -> int:
    return max(1, BATCH_BYTES // (8 * int(np.prod(images.shape))))
