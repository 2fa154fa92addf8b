"""Outputs of images in which some bands were replaced by those of other images: what perturbation methods share.

Images are mixed inside the compiled step, so that what travels to the device are the images and the references, once
for many mixtures of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..models import Predictor
from .task import Task


def mixed_outputs(
    task: Task,
    seeds: np.ndarray,
    images: np.ndarray,
    references: np.ndarray,
    present: np.ndarray,
    *,
    pixels: bool = False,
    mean: bool = False,
) -> np.ndarray:
    """Outputs of every mixture of images with references.

    Parameters
    ----------
    task : Task
    seeds : ndarray, shape (n, k, units)
        Outputs of each image that are wanted, as weights on the model's units.
    images : ndarray, shape (n, *image shape)
    references : ndarray, shape (m, *image shape), or (n or 1, m, *image shape) where each image has its own
    present : ndarray of bool, shape (s, features), (m, s, features) or (n, m, s, features)
        Features that a mixture takes from the image; the others come from the reference.
    pixels : bool
        Whether the last axes of `present` are those of an image, instead of features.
    mean : bool
        Whether to average over the references.

    Returns
    -------
    ndarray of float64, shape (n, m or 1, s, k)
        Without the constants of the outputs.
    """
    rank = len(task.images.shape)
    if references.ndim == rank + 1:
        references = references[None]
    masks = present if pixels else _bands_to_pixels(task, present)
    masks = masks.reshape((1,) * (rank + 3 - masks.ndim) + masks.shape)
    n, m, s = len(images), references.shape[1], masks.shape[2]
    total = np.zeros((n, 1 if mean else m, s, seeds.shape[1]))
    step = _compiled(task.predictor, masks.shape[3:])
    dtype = task.predictor.trace.dtype
    at_once = _portions(task.images_per_batch, n, m, s)
    for i in _slices(n, at_once[0]):
        for j in _slices(m, at_once[1]):
            for k in _slices(s, at_once[2]):
                arguments = images[i, None, None], _cut(references, i, j)[:, :, None], _cut(masks, i, j, k)
                units = step(*(np.ascontiguousarray(array, dtype) for array in arguments)).astype(np.float64)
                lengths = [part.stop - part.start for part in (i, j, k)]
                found = units.reshape(lengths[0], -1, units.shape[-1]) @ np.moveaxis(seeds[i], 1, 2)
                found = found.reshape(*lengths, -1)
                if mean:
                    total[i, :, k] += found.sum(axis=1, keepdims=True) / m
                else:
                    total[i, j, k] = found
    return total


def without_constants(task: Task, part: slice, outputs: np.ndarray) -> np.ndarray:
    """Explained outputs of some images, without their constants: comparable with those of mixtures."""
    return outputs - task.predictor.offsets[task.image_output[part]]


def _bands_to_pixels(task: Task, present: np.ndarray) -> np.ndarray:
    """From features to bands, in the shape of an image with 1 for the pixels."""
    bands = present @ task.members
    shape = [1] * len(task.images.shape)
    shape[task.images.band_axis - 1] = task.images.n_bands
    return bands.reshape(*present.shape[:-1], *shape)


def _compiled(predictor: Predictor, mask_shape: tuple[int, ...]) -> Callable[..., np.ndarray]:
    backend, trace = predictor.backend, predictor.trace
    graph = trace.graph(predictor.output)

    def step(images: Any, references: Any, masks: Any) -> Any:
        mixed = images * masks + references * (1 - masks)
        flat = backend.nd.reshape(mixed, (-1, *trace.shape))
        return backend.Run(trace, {graph.input: flat}).forward(graph.operations).value(graph.output)

    def build() -> Callable[..., np.ndarray]:
        image = np.empty((1, 1, 1, *trace.shape), trace.dtype)
        return backend.compile(step, image, image, np.empty((1, 1, 1, *mask_shape), trace.dtype), any_n=3)

    return trace.compiled(("mixtures", predictor.output, mask_shape), build)


def _portions(most: int, n: int, m: int, s: int) -> tuple[int, int, int]:
    """Images, references and masks per step: as many masks as fit, then references, then images."""
    masks = max(1, min(s, most))
    references = min(m, max(1, most // masks))
    return min(n, max(1, most // (masks * references))), references, masks


def _slices(length: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


def _cut(array: np.ndarray, *slices: slice) -> np.ndarray:
    """Slice leading axes, but those along which there is only one entry for all."""
    index = tuple(part if length > 1 else slice(None) for part, length in zip(slices, array.shape, strict=False))
    return array[index]
