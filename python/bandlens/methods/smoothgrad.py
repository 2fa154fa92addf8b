"""SmoothGrad: the gradient averaged over noisy copies of the image, which evens out its fluctuations."""

from __future__ import annotations

from functools import partial
from typing import Any

from .gradients import Gradients
from .kinds import GradientMethod
from .noise import beforehand, noise, noise_options, run_noisy


def _rule(gradients: Gradients, x: Any, number: Any, spread: Any, keys: Any) -> dict[str, Any]:
    nd = gradients.nd

    def add(total: Any, samples: Any) -> Any:
        points = x[:, None] + noise(gradients, number, spread, nd.take(keys, samples, 1))
        return total + nd.sum(gradients.at(points), 2)

    return {"values": gradients.reduce(gradients.over_samples(add, gradients.none) / keys.shape[1])}


SMOOTHGRAD = GradientMethod(
    name="smoothgrad",
    label="SmoothGrad",
    summary="Mean gradient over noisy copies of the image: saliency without its fluctuations.",
    cost="n_samples forward and backward passes per image and output",
    reference="Smilkov, Thorat, Kim, Viégas & Wattenberg 2017, arXiv:1706.03825",
    statistic="pixel_mean_abs",
    scores=partial(run_noisy, rule=_rule, maps=False),
    beforehand=beforehand,
    maps=partial(run_noisy, rule=_rule, maps=True),
    options=noise_options(0.15),
    random=True,
)
