"""Gradient x input: the gradient times the pixel it was taken in, exact for a model that is linear without bias."""

from __future__ import annotations

from functools import partial
from typing import Any

from .gradients import Gradients, run
from .kinds import GradientMethod


def _rule(gradients: Gradients, x: Any) -> dict[str, Any]:
    found, units = gradients.at_with_outputs(x)
    return {"values": gradients.reduce(x[:, None] * found), "units": units}


GRADIENT_X_INPUT = GradientMethod(
    name="gradient_x_input",
    label="Gradient x input",
    summary="Gradient of the output times the input, in each pixel of each band: a first-order share, counted from 0.",
    cost="one forward and one backward pass per image and output",
    reference="Shrikumar, Greenside, Shcherbina & Kundaje 2016, arXiv:1605.01713",
    statistic="band_sum",
    scores=partial(run, rule=_rule, maps=False),
    maps=partial(run, rule=_rule, maps=True),
    gives_outputs=True,
)
