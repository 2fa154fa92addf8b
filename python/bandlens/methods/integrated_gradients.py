"""Integrated gradients: the gradient averaged along the straight line from a baseline image, times the way.

The integral is a Gauss-Legendre sum, exact for outputs that are polynomials along the line; at kinks it is not, so what
the scores lack of f(x) - f(baseline) is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ..data.options import Option, whole
from ..data.words import choices, nearest, shape_text, shown
from ..errors import OptionError
from .findings import Findings
from .gradients import Gradients, run
from .kinds import GradientMethod, IntegralSum
from .references import mean_background, own
from .task import Request, Task


def values(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """f(x) and f(baseline), each of shape (n, k)."""
    baselines = _baseline(task)
    found = task.explained_outputs(task.images.holding(baselines), name="the baseline")
    return task.values, found[..., 0] if len(baselines) == 1 else found[np.arange(len(found)), :, task.codes]


def prepare(request: Request) -> None:
    """A baseline image must fit the images."""
    baseline = request.options["baseline"]
    if isinstance(baseline, np.ndarray) and baseline.shape != request.images.shape:
        raise OptionError(
            "The baseline image has another shape than the images.",
            expected=f"one image of shape {shape_text(request.images.shape)}",
            given=f"shape {shape_text(baseline.shape)}",
        )


# baselines by name; else it is an image
BASELINES = ("background_mean", "zero")


def needs_background(options: Mapping[str, Any]) -> bool:
    """Whether the baseline is computed from the background."""
    return isinstance(options["baseline"], str) and options["baseline"] == "background_mean"


def _run(task: Task, *, maps: bool) -> Findings:
    dtype, samples = task.predictor.trace.dtype, task.options["n_steps"]
    nodes, weights = np.polynomial.legendre.leggauss(samples)
    line, baselines = (((nodes + 1) / 2).astype(dtype), (weights / 2).astype(dtype)), _baseline(task)
    if len(baselines) == 1:
        return run(task, _rule, maps=maps, samples=samples, shared=(*line, baselines))

    def each(part: slice) -> tuple[np.ndarray]:
        return (own(task, part, baselines),)

    return run(task, _own_rule, maps=maps, samples=samples, per_image=each, shared=line)


def _baseline(task: Task) -> np.ndarray:
    """The image to start from, shape (1, *image shape), or that of each class, (classes, *image shape)."""
    kind, dtype = task.options["baseline"], task.predictor.trace.dtype
    if isinstance(kind, np.ndarray):
        return kind[None].astype(dtype)
    return mean_background(task) if kind == "background_mean" else np.zeros((1, *task.images.shape), dtype)


def _rule(gradients: Gradients, x: Any, nodes: Any, weights: Any, baseline: Any) -> dict[str, Any]:
    nd = gradients.nd
    way = x - baseline

    def add(total: Any, samples: Any) -> Any:
        at, weight = (gradients.like_pixels(nd.take(array, samples, 0)) for array in (nodes, weights))
        points = baseline[:, None] + at * way[:, None]
        return total + nd.sum(gradients.at(points) * weight[:, None], 2)

    return {"values": gradients.reduce(way[:, None] * gradients.over_samples(add, gradients.none))}


def _own_rule(gradients: Gradients, x: Any, baseline: Any, nodes: Any, weights: Any) -> dict[str, Any]:
    """With a baseline for each image, which comes before what images share."""
    return _rule(gradients, x, nodes, weights, baseline)


def _check_baseline(name: str, value: Any) -> str | np.ndarray:
    if isinstance(value, str) and value in BASELINES:
        return value
    if not isinstance(value, str) and value is not None:
        image = np.asarray(value)
        if image.dtype.kind in "buif" and np.isfinite(image).all():
            return image
    raise OptionError(
        f"`{name}` is no baseline.",
        expected=f"{choices(BASELINES, ', ')}, or one image of finite numbers",
        given=shown(value) if isinstance(value, str) else type(value).__name__,
        fix=nearest(value, BASELINES),
    )


INTEGRATED_GRADIENTS = GradientMethod(
    name="integrated_gradients",
    label="Integrated gradients",
    summary="Share of each band in the difference between the output and that of a baseline image.",
    cost="n_steps forward and backward passes per image and output",
    reference="Sundararajan, Taly & Yan 2017, arXiv:1703.01365",
    statistic="band_sum",
    scores=partial(_run, maps=False),
    maps=partial(_run, maps=True),
    prepare=prepare,
    options={
        "baseline": Option(
            "background_mean",
            "Image to start from: 'background_mean', the mean of the background images; 'zero'; or an image.",
            _check_baseline,
        ),
        "n_steps": Option(50, "Nodes of the Gauss-Legendre sum along the line.", whole()),
    },
    sums=IntegralSum(compared_with=_baseline, baseline=True, finer=lambda options: {"n_steps": 2 * options["n_steps"]}),
    needs_background=needs_background,
    values=values,
)
