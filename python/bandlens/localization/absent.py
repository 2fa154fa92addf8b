"""Which band draws the attention where: maps of images in which one band is the background's, band after band."""

from __future__ import annotations

import numpy as np

from ..methods.occlusion import of_images, replacements
from ..methods.task import Task
from .kinds import Asked, CamMethod


def without_bands(
    asked: Asked, method: CamMethod, task: Task, part: slice, batch: np.ndarray, seeds: np.ndarray, *, relu: bool
) -> np.ndarray:
    """Maps of images without each band, averaged over what that is replaced by.

    Parameters
    ----------
    asked : Asked
    method : CamMethod
    task : Task
        Its option `replacement` says what bands are replaced by.
    part : slice
        Which images these are.
    batch : ndarray, shape (n, *image shape)
    seeds : ndarray, shape (n, k, units)
    relu : bool
        Whether what is negative in a map is 0.

    Returns
    -------
    ndarray of float64, shape (n, k, bands, positions)
    """
    kind, cells = task.options["replacement"], task.images.cells
    references = of_images(task, part, replacements(task, kind)).astype(batch.dtype)
    if references.ndim == batch.ndim:
        references = references[None]
    replaced = cells.spread(np, np.eye(len(cells), dtype=bool))
    n, n_bands, m = len(batch), len(cells), references.shape[1]
    weights = task.weights_of(part) if kind == "background" else None
    weights = np.full((1, m), 1 / m) if weights is None else weights / weights.sum(axis=1, keepdims=True)
    total = np.zeros((n, n_bands, seeds.shape[1], int(np.prod(asked.size))))
    # consecutive mixtures of as many images and bands as fit
    for start in range(0, n * n_bands * m, asked.images_per_batch):
        rows = np.arange(start, min(start + asked.images_per_batch, n * n_bands * m))
        image, band, reference = np.unravel_index(rows, (n, n_bands, m))
        other = references[image if len(references) > 1 else np.zeros_like(image), reference]
        found = method.maps(asked, np.where(replaced[band], other, batch[image]), seeds[image])
        found = np.maximum(found, 0) if relu else found
        counts = weights[image if len(weights) > 1 else np.zeros_like(image), reference]
        np.add.at(total, (image, band), found * counts[:, None, None])
    return np.moveaxis(total, 1, 2)
