"""Expected gradients (GradientSHAP): integrated gradients averaged over background images, by random draws.

Each draw is a background image and a point on the line from it to the image. Draws are balanced: every background image
comes as often as any other, or as its weight says, and points lie in as many equal parts of the line as there are
draws. The standard errors are those of independent draws, so they are upper bounds. Scores sum to f(x) - mean
f(background) on average only.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..data.options import Option, whole
from .findings import Findings
from .gradients import Gradients, run
from .kinds import GradientMethod, SampledSum, always
from .references import background_images
from .task import Task


def _run(task: Task, *, maps: bool) -> Findings:
    """Attributions, or their reductions with standard errors of signed sums, and the error of an image's total."""
    dtype, samples = task.predictor.trace.dtype, task.options["n_samples"]
    references = background_images(task)
    m = len(references)

    def drawn(part: slice) -> tuple[np.ndarray, np.ndarray]:
        images = range(part.start, part.stop)
        weights = task.weights_of(part)
        each = [None] * len(images) if weights is None else np.broadcast_to(weights, (len(images), m))
        pairs = [_draw([task.seed, image], samples, m, own) for image, own in zip(images, each, strict=True)]
        which, where = zip(*pairs, strict=True)
        return np.stack(which).astype(np.int32), np.stack(where).astype(dtype)

    return run(task, _rule, maps=maps, samples=samples, per_image=drawn, shared=(references,), compared=True)


def _draw(seed: list[int], samples: int, m: int, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Background images, each as often as its weight says, and points on the line."""
    random = np.random.default_rng(seed)
    if weights is None:
        which = np.concatenate([random.permutation(m) for _ in range(-(-samples // m))])[:samples]
    else:  # systematic sampling: so many times a weight, or once more
        order = random.permutation(np.flatnonzero(weights))
        ends = np.cumsum(weights[order])
        which = order[np.searchsorted(ends[:-1], (np.arange(samples) + random.random()) / samples * ends[-1], "right")]
    return which, (random.permutation(samples) + random.random(samples)) / samples


def _rule(gradients: Gradients, x: Any, which: Any, where: Any, references: Any) -> dict[str, Any]:
    nd, count = gradients.nd, where.shape[1]

    def draws(samples: Any) -> Any:
        at = gradients.like_pixels(nd.take(where, samples, 1))
        reference = nd.take(references, nd.take(which, samples, 1), 0)
        way = x[:, None] - reference
        return gradients.at(reference + at * way) * way[:, None]

    def error(found: Any) -> Any:
        """Standard error of the mean over samples, the third axis."""
        deviations = found - nd.mean(found, 2, keepdims=True)
        return nd.sqrt(nd.sum(deviations * deviations, 2) / (max(count - 1, 1) * count))

    def whole(found: Any, before: int) -> Any:
        return nd.sum(found, tuple(range(before, len(found.shape))))

    signed = gradients.statistic == "band_sum"
    if not signed and gradients.statistic is not None:
        total = gradients.over_samples(lambda total, samples: total + nd.sum(draws(samples), 2), gradients.none)
        return {"values": gradients.reduce(total / count)}

    places = nd.eye(count, gradients.dtype)

    def each(found: Any, samples: Any) -> Any:
        """Numbers of some samples at their places among all, shape (images, k, all samples, numbers)."""
        return nd.einsum("nksb,sa->nkab", found, nd.take(places, samples, 0))

    none = gradients.reduce(gradients.none)
    if signed:
        initial = nd.zeros((1, 1, count, 1), gradients.dtype) + none[:, :, None]
        pairs = gradients.over_samples(
            lambda state, samples: state + each(gradients.reduce(draws(samples)), samples), initial
        )
        return {
            "values": nd.mean(pairs, 2),
            "errors": error(pairs),
            "total_errors": error(whole(pairs, 3)),
            "pairs": pairs,
        }

    def add(state: Any, samples: Any) -> Any:
        found = draws(samples)
        total, sums = state
        return total + nd.sum(found, 2), sums + each(whole(found, 3)[..., None], samples)

    total, sums = gradients.over_samples(
        add, (none, nd.zeros((1, 1, count, 1), gradients.dtype) + whole(none, 2)[:, :, None, None])
    )
    return {"values": total / count, "total_errors": error(sums)[..., 0]}


EXPECTED_GRADIENTS = GradientMethod(
    name="expected_gradients",
    label="Expected gradients",
    summary="Share of each band in what sets the output apart from its mean over the background, by random draws.",
    cost="n_samples forward and backward passes per image and output",
    reference="Erion, Janizek, Sturmfels, Lundberg & Lee 2021, arXiv:1906.10670",
    statistic="band_sum",
    scores=partial(_run, maps=False),
    maps=partial(_run, maps=True),
    options={"n_samples": Option(200, "Draws of a background image and a point on the line to it.", whole(2))},
    sums=SampledSum(
        compared_with=background_images,
        draws="n_samples",
        finer=lambda options: {"n_samples": 4 * options["n_samples"]},
    ),
    needs_background=always,
    comparisons="n_samples",
    few_comparisons=16,
)
