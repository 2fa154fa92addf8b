"""Score-CAM: features weighted by what the output is when an image is masked by them; no derivative is taken.

Each feature's map is made as large as the image, scaled from 0 to 1, and multiplied with all bands of the image. Images
are masked inside the compiled step. Of several inputs, those with rows and columns are masked, the others stay.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.cells import Part
from ..data.words import shape_text
from ..errors import InputError
from .kinds import Asked

WEIGHTS = ("softmax", "output")


def maps(asked: Asked, batch: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Features weighted by outputs of masked images, shape (n, k, positions)."""
    n, k = seeds.shape[:2]
    activations = asked.in_portions("activations", n, lambda part: asked.activations(batch[part]))
    features = activations.shape[-1]
    masks = np.moveaxis(activations, 2, 1).reshape(n * features, *asked.size)

    def compute(part: slice) -> np.ndarray:
        of = np.arange(n * features)[part] // features
        return _step(asked, batch[of], masks[part], seeds[of])

    scores = asked.in_portions("masks", n * features, compute).reshape(n, features, k).astype(np.float64)
    if asked.options["channel_weights"] == "softmax":
        # what is the same for all masks, such as the output of a baseline, has no effect
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
    return np.einsum("nck,npc->nkp", scores, activations)


def _step(asked: Asked, batch: np.ndarray, masks: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Outputs of images (rows, *image shape), each masked by a map (rows, map rows, map cols), shape (rows, k)."""
    trace, backend = asked.predictor.trace, asked.predictor.backend
    nd, graph, cells = backend.nd, trace.graph(asked.predictor.output), asked.images.cells
    arguments = (batch, masks.astype(trace.dtype), seeds.astype(trace.dtype))

    def step(x: Any, small: Any, weights: Any) -> Any:
        parts = []
        for part, image in cells.split(nd, x, 1):
            masked = image * _as_large(asked, part, small) if _has_pixels(part) else image
            parts.append(nd.reshape(masked, (-1, part.size)) if cells.packed else masked)
        images = nd.concatenate(parts, 1) if cells.packed else parts[0]
        units = backend.Run(trace, {graph.input: images}).forward(graph.operations).value(graph.output)
        return nd.einsum("nku,nu->nk", weights, units)

    key = ("scorecam", asked.predictor.output, asked.layer.value, cells, *(array.shape[1:] for array in arguments))
    compiled = trace.compiled(key, lambda: backend.compile(trace, step, *arguments, any_n=1))
    found: np.ndarray = compiled(*arguments)
    return found


def _has_pixels(part: Part) -> bool:
    return len(part.pixel_axes) == 2


def _as_large(asked: Asked, part: Part, small: Any) -> Any:
    """Maps as large as the images of an input, from 0 to 1, with an axis of length 1 for the bands."""
    nd, dtype = asked.predictor.backend.nd, asked.predictor.trace.dtype
    sides = [part.shape[axis - 1] for axis in part.pixel_axes]
    down, across = (corner_weights(*lengths).astype(dtype) for lengths in zip(asked.size, sides, strict=True))
    large = nd.einsum("nrc,Rr,Cc->nRC", small, nd.asarray(down), nd.asarray(across))
    low, high = -nd.max(-large, (1, 2)), nd.max(large, (1, 2))
    span = high - low
    scaled = (large - low) / nd.where(span > 0, span, nd.ones_like(span))
    shape = [1 if axis == part.band_axis else part.shape[axis - 1] for axis in range(1, len(part.shape) + 1)]
    return nd.reshape(scaled, (-1, *shape))


def corner_weights(small: int, large: int) -> np.ndarray:
    """Linear interpolation that keeps the first and the last value in the corners, shape (large, small)."""
    at = np.linspace(0, small - 1, large) if large > 1 else np.zeros(1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(small)))


def check(asked: Asked) -> None:
    """Refuse images without an input that has rows and columns, so that nothing could be masked."""
    if not any(map(_has_pixels, asked.images.cells.parts)):
        raise InputError(
            "Score-CAM masks rows and columns of images, and there are none.",
            expected=shape_text(("n", "rows", "cols", "bands")),
            given=asked.images.cells.shown,
            fix="use another method, such as method 'gradcam'",
        )
