"""Linear operations on what was joined, such as a convolution over a skip connection beside its own path.

Pulled back one after the other, the convolution's multipliers of all channels, the largest tensors of a U-Net, are
written to memory only to be cut into those of the parts. As one step, a backend can make each part by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from .plan import Plan, Step


def joined(plan: Plan) -> Plan:
    """The plan in which joining values, and the one operation that reads what they are joined to, are one step."""
    makers = {step.outputs[0]: step for step in plan.steps if _joins(step)}
    readers = Counter(value for step in plan.steps for value in step.inputs)
    alone = {
        step.inputs[0]
        for step in plan.steps
        if step.rule == "linear" and len(step.inputs) == 1 and step.inputs[0] in makers and readers[step.inputs[0]] == 1
    }
    steps = []
    for step in plan.steps:
        if alone.issuperset(step.inputs):
            maker = makers[step.inputs[0]]
            step = replace(step, inputs=maker.inputs, operations=(*maker.operations, *step.operations))
        if not alone.issuperset(step.outputs):
            steps.append(step)
    return replace(plan, steps=tuple(steps))


def _joins(step: Step) -> bool:
    return step.rule == "linear" and len(step.inputs) > 1 and len(step.outputs) == 1
