"""Noise for SmoothGrad and VarGrad: in each band relative to that band's spread, and for each image its own.

Bands of reflectance, radiance and temperature differ in scale by orders of magnitude, so one level of noise for all
would drown one band and leave another untouched. The noise of an image depends on the seed and on its position only,
not on the batch it is computed in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.options import Option, number, whole
from ..data.words import argument
from .findings import Findings
from .gradients import Gradients, Rule, run
from .task import Task


def noisy() -> tuple[str, str]:
    """What errors call the points, and how to go on: an embedding has no entry for numbers beyond the images'."""
    without = argument("method", "saliency", "occlusion")
    return "the images with noise", f"use less noise, by `noise_level`, or a method without, such as {without}"


def noise_options(level: float) -> dict[str, Option]:
    """Options of a method that averages over noise, with its own default level."""
    return {
        "noise_level": Option(
            level,
            "Standard deviation of the noise, relative to each band's own over the given images.",
            number(0, above=True),
        ),
        "n_samples": Option(50, "Noisy copies of each image.", whole(2)),
    }


def run_noisy(task: Task, rule: Rule, *, maps: bool) -> Findings:
    """Apply a rule ``(gradients, x, number, spread, keys) -> attributions``, which gets its noise from `noise`."""
    dtype, samples = task.predictor.trace.dtype, task.options["n_samples"]
    levels = (task.options["noise_level"] * task.spread).astype(dtype)
    spread = task.images.cells.spread(np, levels[None])
    keys = np.random.SeedSequence(task.seed).generate_state(samples).view(np.int32)[None]

    def numbers(part: slice) -> tuple[np.ndarray]:
        return (np.arange(part.start, part.stop, dtype=np.int32)[:, None],)

    return run(task, rule, maps=maps, samples=samples, per_image=numbers, shared=(spread, keys), made=noisy())


def beforehand(task: Task) -> None:
    """Noise is relative to the spread over all images."""
    _ = task.spread


def noise(gradients: Gradients, number: Any, spread: Any, keys: Any) -> Any:
    """Noise for some images and samples, shape (rows, samples, *image shape).

    Parameters
    ----------
    gradients : Gradients
    number : tensor of int, shape (rows, 1)
        Position of each row's image.
    spread : tensor, shape (1, *image shape, 1 where all are the same)
        Standard deviations.
    keys : tensor of int, shape (1, samples)
        One for each sample.
    """
    nd = gradients.nd
    pairs = [nd.reshape(array, (-1, 1)) for array in (number + nd.zeros_like(keys), nd.zeros_like(number) + keys)]
    drawn = nd.normal(nd.concatenate(pairs, 1), gradients.shape, gradients.dtype)
    return nd.reshape(drawn, (-1, keys.shape[1], *gradients.shape)) * spread[:, None]
