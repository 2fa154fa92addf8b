"""Outputs of mixtures: images in which some bands were replaced by those of other images, the references.

All methods that change bands as a whole ask for them. Images are mixed inside the compiled step, so that what travels
to the device are the images and the references, once for many mixtures of them. Where many mixtures are made of few
images, the first layers are not computed for each: what mixtures have in common there is computed once, and a mixture
is a sum of contributions (see `sharing`). Where absent bands depend on those that are there (see `filling`), images are
filled before the step, as many as it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..data.cells import Cells
from ..data.images import Images
from ..engine.batching import fitting
from ..engine.graph import Graph
from ..models.beginning import bands_at_ends, linear_beginning, values_at_ends
from ..models.finite import Positions, check_mixture
from ..models.predictor import Predictor
from .filled import Step, filled_steps
from .filling import Filling
from .sharing import Start, columns, n_columns, shared_start
from .task import Task

# contributions to mixtures may take so many bytes, and each must serve so many mixtures
MOST_CONTRIBUTION_BYTES = 1 << 26
LEAST_MIXTURES = 4
# features for which a block of several may be worth looking for
LEAST_FEATURES = 4


class Mixing(NamedTuple):
    """As much of a `Task` as mixing needs, for those who have none; its attributes are those of a task."""

    predictor: Predictor
    images: Images
    members: np.ndarray
    images_per_batch: int
    filling: Filling | None = None


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
    turns: np.ndarray | None = None,
) -> np.ndarray:
    """Outputs of every mixture of images with references.

    Parameters
    ----------
    seeds : ndarray, shape (n, k, units)
        Outputs of each image that are wanted, as weights on the model's units.
    task, images, references, present, positions, pixels, mean, turns
        As for `mixed`.

    Returns
    -------
    ndarray of float64, shape (n, m or 1, s, k)
        Without the constants of the outputs.
    """

    def read(units: np.ndarray, at: slice) -> np.ndarray:
        return units @ np.moveaxis(seeds[at], 1, 2)

    width = seeds.shape[1]
    return mixed(
        task, read, width, images, references, present, positions=positions, pixels=pixels, mean=mean, turns=turns
    )


def mixed(
    task: Task | Mixing,
    read: Callable[[np.ndarray, slice], np.ndarray],
    width: int,
    images: np.ndarray,
    references: np.ndarray,
    present: np.ndarray,
    *,
    positions: Positions,
    pixels: bool = False,
    mean: bool = False,
    turns: np.ndarray | None = None,
) -> np.ndarray:
    """What is read of the model's units for every mixture of images with references.

    Parameters
    ----------
    task : Task or Mixing
    read : callable
        From units (images, mixtures, units), float64, and which of the images these are, to numbers (images, mixtures,
        width).
    width : int
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
    turns : ndarray of int, shape (m,)
        Number of each reference, for fillings that take turns; by default they are counted.

    Returns
    -------
    ndarray of float64, shape (n, m or 1, s, width)

    Raises
    ------
    ModelError
        If an output is not finite.
    """
    rank = len(task.images.shape)
    if references.ndim == rank + 1:
        references = references[None]
    n, m, s = len(images), references.shape[1], present.shape[-1 - (rank if pixels else 1)]
    shared, filling = None, None if pixels else task.filling
    if pixels:
        masks = present.reshape((1,) * (3 + rank - present.ndim) + present.shape)
    else:
        masks = present.reshape((1,) * (4 - present.ndim) + present.shape)
    numbers = np.arange(m) if turns is None else turns
    if filling is not None:
        masks = masks @ task.members
        # the others are the same again
        if (few := filling.turns(m, masks)) < m:
            found = mixed(
                task, read, width, images, references[:, :few], present, positions=positions, mean=mean,
                turns=numbers[:few],
            )  # fmt: skip
            return found if mean else found[:, np.arange(m) % few]
    elif not pixels:
        shared = _worthwhile_start(task, n, references, masks)
        masks = _masks_of(task, masks) if shared is None else shared.masks

    def outputs(size: int) -> np.ndarray:
        total = np.zeros((n, 1 if mean else m, s, width))
        at_once = _portions(size, n, m, s, None if shared is None else shared.most_pairs)
        for j in _slices(m, at_once[1]):
            mixing = (
                _mixing(task, shared, references[:, j], masks.shape[3:], size)
                if filling is None
                else filled_steps(task.predictor, filling, references[:, j], numbers[j])
            )
            for i in _slices(n, at_once[0]):
                step = mixing(images[i], i)
                for k in _slices(s, at_once[2]):
                    units = step(_cut(masks, i, j, k)).astype(np.float64)
                    lengths = [part.stop - part.start for part in (i, j, k)]
                    if not np.isfinite(units).all():
                        _refuse(task, units.reshape(*lengths, -1), positions, None if pixels else present, (i, j, k))
                    found = read(units.reshape(lengths[0], -1, units.shape[-1]), i).reshape(*lengths, -1)
                    if mean:
                        total[i, :, k] += found.sum(axis=1, keepdims=True) / m
                    else:
                        total[i, j, k] = found
        return total

    return fitting(task.predictor, ("mixtures", shared is None), min(task.images_per_batch, n * m * s), outputs)


def all_mixed_outputs(
    task: Task | Mixing,
    images: np.ndarray,
    references: np.ndarray,
    present: np.ndarray,
    *,
    positions: Positions,
    turns: np.ndarray | None = None,
) -> np.ndarray:
    """Every output of every mixture, constants included, shape (n, m, s, outputs); arguments as for `mixed_outputs`."""
    predictor = task.predictor
    seeds = np.broadcast_to(predictor.weights, (len(images), *predictor.weights.shape))
    found = mixed_outputs(task, seeds, images, references, present, positions=positions, turns=turns)
    return found + predictor.offsets


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
        replaced = [task.images.cells.label(cell) for cell in np.flatnonzero(~(mask @ task.members)).tolist()]
    check_mixture(units[image, reference, mixture], at[0], positions, replaced)


def _bands_to_pixels(task: Task | Mixing, present: np.ndarray) -> np.ndarray:
    """From features to cells, in the shape of an image with 1 for the pixels."""
    return task.images.cells.spread(np, present @ task.members)


def _masks_of(task: Task | Mixing, present: np.ndarray) -> np.ndarray:
    """What a step is given of features: a number per cell where it spreads them itself, since rows are long."""
    return present @ task.members if task.images.cells.packed else _bands_to_pixels(task, present)


class Shared(NamedTuple):
    """A beginning of the model that is computed once for many mixtures.

    Attributes
    ----------
    start : Start
    seen : ndarray of bool, shape (columns, features)
        The mixtures for which it is computed.
    masks : ndarray of bool, shape (n or 1, m or 1, s, columns)
        Which of them add up to each of the mixtures that are wanted.
    most_pairs : int
        Pairs of an image and a reference whose contributions fit the memory.
    """

    start: Start
    seen: np.ndarray
    masks: np.ndarray
    most_pairs: int


def _worthwhile_start(task: Task | Mixing, n: int, references: np.ndarray, masks: np.ndarray) -> Shared | None:
    """What is worth sharing: the beginning that saves most of the multiplications, if any saves some."""
    trace, output = task.predictor.trace, task.predictor.output
    graph, m, s = trace.graph(output), references.shape[1], masks.shape[2]
    n_features, mixtures = len(task.members), n * m * s
    best, most = None, 0.0
    for start in _starts(task, graph, s):
        if start.linear:
            width, computed = n_features, n_features * (n + len(references) * m)
        else:
            width = n_columns(masks, start.blocks)
            computed = n * m * (width + 1)
        size = start.size(graph)
        pairs = MOST_CONTRIBUTION_BYTES // max(1, width * size * np.dtype(trace.dtype).itemsize)
        # a product of matrices runs at twice the speed of a convolution, and what it makes is written once more
        saved = start.cost * (mixtures - computed) - 2 * width * size * mixtures
        if pairs and mixtures >= LEAST_MIXTURES * computed and saved > most:
            best, most = (start, pairs), saved
    if best is None:
        return None
    start, pairs = best
    found = (np.eye(n_features, dtype=bool), masks) if start.linear else columns(masks, start.blocks)
    return Shared(start, *found, pairs)


def _starts(task: Task | Mixing, graph: Graph, s: int) -> list[Start]:
    """Beginnings that can be shared: the linear one, and those that blocks of features share."""
    trace, output, n_features = task.predictor.trace, task.predictor.output, len(task.members)
    part = linear_beginning(task.predictor)
    linear = Start(part, tuple((feature,) for feature in range(n_features)))
    if not linear.adds_up(graph):
        return []
    # with every block, there are at least as many mixtures to compute as features
    if n_features < LEAST_FEATURES or s < LEAST_MIXTURES * (n_features + 1) or part.ends == (graph.output,):
        return [linear]

    # a weight that is 0 today may be another tomorrow, so that this is tried anew in every call
    bands = bands_at_ends(task.predictor, part, task.images, task.images_per_batch)
    reach = {end: frozenset(np.flatnonzero(task.members @ bands[end]).tolist()) for end in part.ends}

    def build() -> list[Start]:
        found = [shared_start(graph, part, reach, n_features, most) for most in {n_features // 2, n_features - 2}]
        return [start for start in found if not start.linear and start.adds_up(graph)]

    return [linear, *trace.compiled(("shared starts", output, n_features, tuple(reach.items())), build)]


def _mixing(
    task: Task | Mixing, shared: Shared | None, references: np.ndarray, mask_shape: tuple[int, ...], size: int
) -> Callable[[np.ndarray, slice], Step]:
    """From some images, and which they are, to a step from masks to the units of all mixtures with references.

    `references` are those of all images, (1, references, *image shape), or of each, (n, references, *image shape).
    """
    predictor, dtype = task.predictor, task.predictor.trace.dtype

    def held(step: Callable[..., np.ndarray], arrays: list[np.ndarray]) -> Step:
        fixed = [predictor.backend.to_device(np.ascontiguousarray(array, dtype)) for array in arrays]
        return lambda masks: step(*fixed, np.ascontiguousarray(masks, dtype))

    if shared is None:
        cells = task.images.cells
        step = _compiled_mixing(predictor, mask_shape, cells if mask_shape == (len(cells),) and cells.packed else None)
        return lambda images, i: held(step, [images[:, None, None], _cut(references, i)[:, :, None]])

    adding = _compiled_summing(predictor, shared.start)
    features = _bands_to_pixels(task, shared.seen)

    def ends(rows: np.ndarray) -> list[np.ndarray]:
        """Of images (a, b, c, *image shape), shape (a, b, c, elements)."""
        lead = rows.shape[:3]
        found = values_at_ends(predictor, shared.start.part, rows.reshape(-1, *task.images.shape), size)
        return [values.reshape(*lead, -1) for values in found]

    below = ends(references[:, :, None])
    if not shared.start.linear:

        def of_pairs(images: np.ndarray, i: slice) -> Step:
            own = _cut(references, i)[:, :, None]
            mixed = np.where(features, images[:, None, None], own)
            base = [_cut(values, i) for values in below]
            return held(adding, [*base, *base, *ends(mixed)])

        return of_pairs
    # what a feature adds is what the image's own adds, less what the reference's adds
    lower = ends(references[:, :, None] * features)

    def of_images(images: np.ndarray, i: slice) -> Step:
        return held(
            adding,
            [*(_cut(values, i) for values in (*below, *lower)), *ends(images[:, None, None] * features)],
        )

    return of_images


def _compiled_mixing(
    predictor: Predictor, mask_shape: tuple[int, ...], cells: Cells | None
) -> Callable[..., np.ndarray]:
    """From images, references and masks to units; masks are of cells, where these are given, else of elements."""
    backend, trace = predictor.backend, predictor.trace
    graph = trace.graph(predictor.output)

    def step(images: Any, references: Any, masks: Any) -> Any:
        if cells is not None:
            masks = cells.spread(backend.nd, masks)
        mixed = images * masks + references * (1 - masks)
        flat = backend.nd.reshape(mixed, (-1, *trace.shape))
        return backend.Run(trace, {graph.input: flat}).forward(graph.operations).value(graph.output)

    def build() -> Callable[..., np.ndarray]:
        image = np.empty((1, 1, 1, *trace.shape), trace.dtype)
        return backend.compile(trace, step, image, image, np.empty((1, 1, 1, *mask_shape), trace.dtype), any_n=3)

    return trace.compiled(("mixing", predictor.output, mask_shape, cells), build)


def _compiled_summing(predictor: Predictor, start: Start) -> Callable[..., np.ndarray]:
    """From the ends at the references, what columns differ from, what they are, and masks, to units."""
    backend, trace = predictor.backend, predictor.trace
    graph, ends = trace.graph(predictor.output), start.part.ends

    def step(*arguments: Any) -> Any:
        *parts, masks = arguments
        n, given = len(ends), {}
        for end, below, lower, upper in zip(ends, parts[:n], parts[n : 2 * n], parts[2 * n :], strict=True):
            values = backend.nd.reshape(below + masks @ (upper - lower), (-1, *graph.layouts[end].shape[1:]))
            given[end] = backend.nd.astype(values, trace.value_dtype(end))
        # what comes later may ask for the shape of the images, or of what lies before the ends
        count = backend.nd.length(given[ends[0]])
        return backend.Run(trace, given, graph, count).forward(start.part.rest).value(graph.output)

    def build() -> Callable[..., np.ndarray]:
        parts = [np.empty((1, 1, 1, graph.layouts[end].size), trace.dtype) for end in ends]
        return backend.compile(trace, step, *parts * 3, np.empty((1, 1, 1, 1), trace.dtype), any_n=4)

    return trace.compiled(("summing", predictor.output, start.part.operations), build)


def _portions(most: int, n: int, m: int, s: int, most_pairs: int | None) -> tuple[int, int, int]:
    """Images, references and masks per step: as many masks as fit, then references, then images."""
    masks = max(1, min(s, most))
    pairs = max(1, min(most // masks, n * m if most_pairs is None else most_pairs))
    references = min(m, pairs)
    return min(n, max(1, pairs // references)), references, masks


def _slices(length: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


def _cut(array: np.ndarray, *slices: slice) -> np.ndarray:
    """Slice leading axes, but those along which there is only one entry for all."""
    index = tuple(part if length > 1 else slice(None) for part, length in zip(slices, array.shape, strict=False))
    return array[index]
