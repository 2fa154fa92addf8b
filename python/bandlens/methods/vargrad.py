"""VarGrad: the variance of the gradient over noisy copies of the image, high where the model is curved."""

from __future__ import annotations

from functools import partial
from typing import Any

from .gradients import Gradients
from .kinds import GradientMethod
from .noise import beforehand, noise, noise_options, run_noisy


def _rule(gradients: Gradients, x: Any, number: Any, spread: Any, keys: Any) -> dict[str, Any]:
    nd = gradients.nd
    # deviations from the gradient without noise: the variance is not a small difference of large numbers
    center = gradients.at(x)[:, :, None]

    def add(state: Any, samples: Any) -> Any:
        total, squares = state
        points = x[:, None] + noise(gradients, number, spread, nd.take(keys, samples, 1))
        deviation = gradients.at(points) - center
        return total + nd.sum(deviation, 2), squares + nd.sum(deviation * deviation, 2)

    total, squares = gradients.over_samples(add, (gradients.none, gradients.none))
    count = keys.shape[1]
    variance = nd.maximum(squares - total * total / count, gradients.none) / (count - 1)
    return {"values": gradients.reduce(variance)}


VARGRAD = GradientMethod(
    name="vargrad",
    label="VarGrad",
    summary="Variance of the gradient over noisy copies of the image: where the output depends on a band nonlinearly.",
    cost="n_samples forward and backward passes per image and output",
    reference="Adebayo, Gilmer, Goodfellow & Kim 2018, arXiv:1810.03307",
    statistic="pixel_mean_abs",
    statistics=("pixel_mean_abs",),
    scores=partial(run_noisy, rule=_rule, maps=False),
    beforehand=beforehand,
    maps=partial(run_noisy, rule=_rule, maps=True),
    # noise as large as the data vary: less sees only the nearest kinks of a network, wherever they are
    options=noise_options(1.0),
    random=True,
)
