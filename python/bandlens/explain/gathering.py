"""Takes in what a method finds, part by part, and refuses what is not finite as soon as it comes."""

from __future__ import annotations

from ..methods.findings import Findings, Found, Maps, Scores, Units
from ..models.finite import check_finite, check_outputs
from .calls import Call


def gathered(call: Call, findings: Findings) -> Found:
    """Everything that a method finds, for all images; the model's outputs go into the call that lacks them."""
    found = Found(call.images.n, call.targets.codes)
    for finding in findings:
        if isinstance(finding, Units):
            if call.targets.deferred:
                check_outputs(finding.values, positions=finding.images)
                call.targets.outputs[finding.images] = call.predictor.from_units(finding.values)
            continue
        if isinstance(finding, Scores | Maps):
            label, differentiates = call.method.label, call.method.differentiates
            check_finite(finding.values, finding.images, label, differentiates=differentiates)
        found.add(finding)
    return found
