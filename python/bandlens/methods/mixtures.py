"""Outputs of images in which some bands were replaced by those of other images: what perturbation methods share.

Images are mixed inside the compiled step, so that what travels to the device are the images and the references, once
for many mixtures of them. Where many mixtures are made of few images, the first layers are not computed for each: they
are linear, so what a band contributes to their output is computed once, and a mixture is a sum of contributions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..batching import fitting
from ..finite import Positions, check_mixture
from ..graph import LinearStart, linear_start
from ..inputs import Images
from ..models import Predictor
from .task import Task

# contributions of one image's features may take so many bytes, and must serve so many mixtures per feature
MOST_CONTRIBUTION_BYTES = 1 << 26
LEAST_MIXTURES = 4


class Mixing(NamedTuple):
    """As much of a `Task` as mixing needs, for those who have none; its attributes are those of a task."""

    predictor: Predictor
    images: Images
    members: np.ndarray
    images_per_batch: int


def mixed_outputs(
    task: Task | Mixing,
    seeds: np.ndarray,
    images: np.ndarray,
    references: np.ndarray,
    present: np.ndarray,
    *,
    positions: Positions,
    pixels: bool = False,
    mean: bool = False,
) -> np.ndarray:
    """Outputs of every mixture of images with references.

    Parameters
    ----------
    task : Task or Mixing
    seeds : ndarray, shape (n, k, units)
        Outputs of each image that are wanted, as weights on the model's units.
    images : ndarray, shape (n, *image shape)
    references : ndarray, shape (m, *image shape), or (n or 1, m, *image shape) where each image has its own
    present : ndarray of bool, shape (s, features), (m, s, features) or (n, m, s, features)
        Features that a mixture takes from the image; the others come from the reference.
    positions : slice or ndarray of int, shape (n,)
        Of the images in `x`, to name one with a mixture for which the model's output is not finite.
    pixels : bool
        Whether the last axes of `present` are those of an image, instead of features.
    mean : bool
        Whether to average over the references.

    Returns
    -------
    ndarray of float64, shape (n, m or 1, s, k)
        Without the constants of the outputs.

    Raises
    ------
    ModelError
        If an output is not finite.
    """
    rank = len(task.images.shape)
    if references.ndim == rank + 1:
        references = references[None]
    start = None if pixels else _worthwhile_start(task, present.shape[-2])
    masks = present if pixels or start else _bands_to_pixels(task, present)
    tail = masks.ndim - 1 if start else masks.ndim - rank
    masks = masks.reshape((1,) * (3 - tail) + masks.shape)
    n, m, s = len(images), references.shape[1], masks.shape[2]

    def outputs(size: int) -> np.ndarray:
        total = np.zeros((n, 1 if mean else m, s, seeds.shape[1]))
        at_once = _portions(size, n, m, s)
        for i in _slices(n, at_once[0]):
            for j in _slices(m, at_once[1]):
                step = _mixing(task, start, images[i], _cut(references, i, j), masks.shape[3:])
                for k in _slices(s, at_once[2]):
                    units = step(_cut(masks, i, j, k)).astype(np.float64)
                    lengths = [part.stop - part.start for part in (i, j, k)]
                    if not np.isfinite(units).all():
                        _refuse(task, units.reshape(*lengths, -1), positions, None if pixels else present, (i, j, k))
                    found = units.reshape(lengths[0], -1, units.shape[-1]) @ np.moveaxis(seeds[i], 1, 2)
                    found = found.reshape(*lengths, -1)
                    if mean:
                        total[i, :, k] += found.sum(axis=1, keepdims=True) / m
                    else:
                        total[i, j, k] = found
        return total

    return fitting(task.predictor, ("mixtures", start is None), min(task.images_per_batch, n * m * s), outputs)


def all_mixed_outputs(
    task: Task | Mixing, images: np.ndarray, references: np.ndarray, present: np.ndarray, *, positions: Positions
) -> np.ndarray:
    """Every output of every mixture, constants included, shape (n, m, s, outputs); arguments as for `mixed_outputs`."""
    predictor = task.predictor
    seeds = np.broadcast_to(predictor.weights, (len(images), *predictor.weights.shape))
    return mixed_outputs(task, seeds, images, references, present, positions=positions) + predictor.offsets


def without_constants(task: Task, part: slice, outputs: np.ndarray) -> np.ndarray:
    """Explained outputs of some images, without their constants: comparable with those of mixtures."""
    return outputs - task.predictor.offsets[task.image_output[part]]


def _refuse(
    task: Task | Mixing,
    units: np.ndarray,
    positions: Positions,
    present: np.ndarray | None,
    parts: tuple[slice, slice, slice],
) -> None:
    """Raise the error for the first mixture, of units (images, references, mixtures, units), that is not finite."""
    image, reference, mixture = (int(at) for at in np.argwhere(~np.isfinite(units))[0][:3])
    at = tuple(part.start + where for part, where in zip(parts, (image, reference, mixture), strict=True))
    replaced = None
    if present is not None:
        masks = present.reshape((1,) * (4 - present.ndim) + present.shape)
        mask = masks[tuple(where if length > 1 else 0 for where, length in zip(at, masks.shape, strict=False))]
        replaced = ~(mask @ task.members)
    check_mixture(units[image, reference, mixture], at[0], positions, replaced)


def _bands_to_pixels(task: Task | Mixing, present: np.ndarray) -> np.ndarray:
    """From features to bands, in the shape of an image with 1 for the pixels."""
    bands = present @ task.members
    shape = [1] * len(task.images.shape)
    shape[task.images.band_axis - 1] = task.images.n_bands
    return bands.reshape(*present.shape[:-1], *shape)


def _worthwhile_start(task: Task | Mixing, mixtures: int) -> LinearStart | None:
    """The linear beginning, where using it saves more than it costs."""
    trace, output = task.predictor.trace, task.predictor.output
    graph = trace.graph(output)
    start: LinearStart = trace.compiled(("linear start", output), lambda: linear_start(graph))
    layouts = [graph.layouts[end] for end in start.ends]
    n_features, size = len(task.members), sum(layout.size for layout in layouts)
    saves = sum(operation.cost for operation in start.operations) > 2 * n_features * size
    fits = n_features * size * np.dtype(task.predictor.trace.dtype).itemsize <= MOST_CONTRIBUTION_BYTES
    by_image = all(layout.axis == 0 and layout.shape[0] == 1 and layout.real for layout in layouts)
    return start if saves and fits and by_image and mixtures >= LEAST_MIXTURES * n_features else None


def _mixing(
    task: Task | Mixing,
    start: LinearStart | None,
    images: np.ndarray,
    references: np.ndarray,
    mask_shape: tuple[int, ...],
) -> Callable[[np.ndarray], np.ndarray]:
    """From masks to the units of all mixtures of images with references (images or 1, references, *image shape)."""
    predictor, dtype = task.predictor, task.predictor.trace.dtype
    if start is None:
        step = _compiled_mixing(predictor, mask_shape)
        fixed = [images[:, None, None], references[:, :, None]]
    else:
        step = _compiled_summing(predictor, start)
        linear = compiled_start(predictor, start)
        features = _bands_to_pixels(task, np.eye(len(task.members)))
        alone = (images[:, None] - references)[:, :, None] * features
        lead = alone.shape[:3]
        zero, below, steps = (
            linear(np.ascontiguousarray(rows.reshape(-1, *task.images.shape), dtype))
            for rows in (images[:1] * 0, references, alone)
        )
        fixed = [part.reshape(*references.shape[:2], 1, -1) for part in below]
        fixed += [(part - constant).reshape(*lead, -1) for part, constant in zip(steps, zero, strict=True)]
    held = [predictor.backend.hold(np.ascontiguousarray(array, dtype)) for array in fixed]
    return lambda masks: step(*held, np.ascontiguousarray(masks, dtype))


def _compiled_mixing(predictor: Predictor, mask_shape: tuple[int, ...]) -> Callable[..., np.ndarray]:
    backend, trace = predictor.backend, predictor.trace
    graph = trace.graph(predictor.output)

    def step(images: Any, references: Any, masks: Any) -> Any:
        mixed = images * masks + references * (1 - masks)
        flat = backend.nd.reshape(mixed, (-1, *trace.shape))
        return backend.Run(trace, {graph.input: flat}).forward(graph.operations).value(graph.output)

    def build() -> Callable[..., np.ndarray]:
        image = np.empty((1, 1, 1, *trace.shape), trace.dtype)
        return backend.compile(trace, step, image, image, np.empty((1, 1, 1, *mask_shape), trace.dtype), any_n=3)

    return trace.compiled(("mixing", predictor.output, mask_shape), build)


def compiled_start(predictor: Predictor, start: LinearStart) -> Callable[..., list[np.ndarray]]:
    """From images to the ends of the linear beginning, each of shape (images, elements)."""
    backend, trace = predictor.backend, predictor.trace
    graph = trace.graph(predictor.output)

    def step(images: Any) -> Any:
        run = backend.Run(trace, {graph.input: images}).forward(start.operations)
        flat = [backend.nd.reshape(run.value(end), (-1, graph.layouts[end].size)) for end in start.ends]
        return [backend.nd.astype(values, trace.dtype) for values in flat]

    image = np.empty((1, *trace.shape), trace.dtype)
    return trace.compiled(("start", predictor.output), lambda: backend.compile(trace, step, image, any_n=1))


def _compiled_summing(predictor: Predictor, start: LinearStart) -> Callable[..., np.ndarray]:
    """From the ends at the references, what each feature of the image adds to them, and masks, to units."""
    backend, trace = predictor.backend, predictor.trace
    graph = trace.graph(predictor.output)

    def step(*arguments: Any) -> Any:
        *parts, masks = arguments
        given = {}
        for end, below, steps in zip(start.ends, parts, parts[len(start.ends) :], strict=False):
            values = backend.nd.reshape(below + masks @ steps, (-1, *graph.layouts[end].shape[1:]))
            given[end] = backend.nd.astype(values, trace.value_dtype(end))
        # what comes later may ask for the shape of the images, or of what lies before the ends
        n = backend.nd.length(given[start.ends[0]])
        return backend.Run(trace, given, graph, n).forward(start.rest).value(graph.output)

    def build() -> Callable[..., np.ndarray]:
        ends = [np.empty((1, 1, 1, graph.layouts[end].size), trace.dtype) for end in start.ends]
        return backend.compile(trace, step, *ends, *ends, np.empty((1, 1, 1, 1), trace.dtype), any_n=4)

    return trace.compiled(("summing", predictor.output), build)


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
