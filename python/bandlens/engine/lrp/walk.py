"""From the explained outputs back to the images: the one function that is compiled."""

from __future__ import annotations

from typing import Any

from ..backends.contract import Backend, Trace
from .layers import Layered
from .rules import RULES
from .state import Values
from .weighted import Bounds, Settings, weighted


def relevances(
    backend: Backend,
    trace: Trace,
    layered: Layered,
    settings: Settings,
    images: Any,
    seeds: Any,
    bounds: Bounds | None = None,
) -> tuple[Any, Any]:
    """Hand the relevance of outputs back to the images, inside a function that is compiled.

    Parameters
    ----------
    backend : Backend
    trace : Trace
    layered : Layered
    settings : Settings
    images : tensor, shape (n, *image shape)
        Of a number that is known.
    seeds : tensor, shape (n, k, units)
        The explained outputs, as weights on the model's units.
    bounds : Bounds, optional
        For the box rule.

    Returns
    -------
    relevances, units : tensor, shapes (n, k, *image shape) and (n, units)
    """
    nd, plan = backend.nd, layered.plan
    source, output = plan.graph.input, plan.graph.output
    values = Values(backend, trace, layered, images)
    n, k, units = values.n, seeds.shape[1], seeds.shape[2]
    shown = nd.reshape(values.at(output), (n, 1, units))
    waiting = {output: nd.reshape(nd.moveaxis(seeds * shown, 1, 0), (k, n, 1, *values.layouts[output].shape))}
    for step in reversed(plan.steps):
        given = {value: waiting.pop(value) for value in step.outputs if value in waiting}
        if not given:
            continue
        layer = layered.layers.get(step.outputs[0])
        if layer is not None:
            (relevance,) = given.values()
            found = {step.inputs[0]: weighted(values, settings, bounds, layer, relevance)}
        else:
            found = RULES[step.rule](values, step, given)
        for value, part in found.items():
            full = nd.broadcast_to(part, (k, n, 1, *values.layouts[value].shape))
            waiting[value] = waiting[value] + full if value in waiting else full
    shape = (k, n, *trace.shape)
    found = nd.reshape(waiting[source], shape) if source in waiting else nd.zeros(shape, trace.dtype)
    return nd.moveaxis(found, 0, 1), nd.reshape(shown, (n, units))
