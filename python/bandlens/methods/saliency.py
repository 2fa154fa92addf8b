"""Gradient saliency: how fast an output changes with each pixel of each band."""

from __future__ import annotations

from functools import partial
from typing import Any

from .gradients import Gradients, run
from .kinds import GradientMethod


def _rule(gradients: Gradients, x: Any) -> dict[str, Any]:
    found, units = gradients.at_with_outputs(x)
    return {"values": gradients.reduce(found), "units": units}


SALIENCY = GradientMethod(
    name="saliency",
    label="Saliency",
    summary="Gradient of the output in each pixel of each band: local sensitivity, not a share of the output.",
    cost="one forward and one backward pass per image and output",
    reference="Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034",
    statistic="pixel_mean_abs",
    scores=partial(run, rule=_rule, maps=False),
    maps=partial(run, rule=_rule, maps=True),
    gives_outputs=True,
)
