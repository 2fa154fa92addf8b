"""Eigen-CAM: the map in which a layer's activations vary most, whatever the output."""

from __future__ import annotations

import numpy as np

from .kinds import Asked


def maps(asked: Asked, batch: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Activations projected on their first right singular vector, the same for each output, (n, k, positions)."""
    activations = asked.in_portions("activations", len(batch), lambda part: asked.activations(batch[part]))
    found = projected(activations.astype(np.float64))
    return np.repeat(found[:, None], seeds.shape[1], axis=1)


def projected(activations: np.ndarray) -> np.ndarray:
    """Projection of each image's activations (n, positions, features), not centred, shape (n, positions).

    A singular vector has no sign of its own: the one with which the map's sum is positive is taken, as all activations
    behind a ReLU agree with it; where the sum is 0 to rounding, the one with which the largest value is positive.
    """
    n, positions, features = activations.shape
    if positions <= features:  # the smaller of the two matrices of products has the same singular values
        _, vectors = np.linalg.eigh(activations @ activations.swapaxes(1, 2))
        left = vectors[..., -1]
        length = np.linalg.norm(left[:, None] @ activations, axis=(1, 2))
        found = left * length[:, None]
    else:
        _, vectors = np.linalg.eigh(activations.swapaxes(1, 2) @ activations)
        found = (activations @ vectors[..., -1:])[..., 0]
    total, size = found.sum(axis=1), np.abs(found).sum(axis=1)
    largest = found[np.arange(n), np.abs(found).argmax(axis=1)]
    sign = np.where(np.abs(total) > np.finfo(np.float32).eps * size, total, largest) < 0
    return np.where(sign[:, None], -found, found)
