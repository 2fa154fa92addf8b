"""What class activation maps made of gradients share: one compiled step from images to maps.

The model is computed once up to the layer and once behind it; only what lies behind is gone through backwards, once for
each explained output. A method is a *formula* of activations and of gradients in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.backends.contract import Run
from ..engine.graph import Graph, Operation, between
from ..engine.reasons import reason
from ..errors import UnsupportedOperationError
from ..features.layers import positions_first
from ..methods.gradients import MOST_OUTPUTS
from .kinds import Asked

Formula = Callable[..., Any]
# what to do where the model has no derivative behind the layer
WITHOUT = "use a method that takes none: method 'scorecam' or 'eigencam', or occlusion maps"


def maps(asked: Asked, batch: np.ndarray, seeds: np.ndarray, *, formula: Formula) -> np.ndarray:
    """Maps by a formula.

    Parameters
    ----------
    asked : Asked
    batch : ndarray, shape (n, *image shape)
    seeds : ndarray, shape (n, k, units)
    formula : callable
        ``(nd, activations, gradients, **options)`` from tensors (n, positions, features) and (n, k, positions,
        features) to maps (n, k, positions).

    Returns
    -------
    ndarray, shape (n, k, positions)
    """
    most = min(seeds.shape[1], MOST_OUTPUTS)
    chunks = [slice(first, first + most) for first in range(0, seeds.shape[1], most)]

    def compute(part: slice) -> np.ndarray:
        return np.concatenate([_step(asked, formula, batch[part], seeds[part, at]) for at in chunks], axis=1)

    return asked.in_portions("gradients", len(batch), compute, most)


def _step(asked: Asked, formula: Formula, batch: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    trace, backend = asked.predictor.trace, asked.predictor.backend
    arguments = (batch, seeds.astype(trace.dtype))

    def step(x: Any, weights: Any) -> Any:
        activations, gradients = _layer_gradients(asked, x, weights)
        return formula(backend.nd, activations, gradients, **asked.options)

    options = tuple(sorted(asked.options.items()))
    key = (formula, asked.predictor.output, asked.layer.value, options, *(array.shape[1:] for array in arguments))
    try:
        compiled = trace.compiled(key, lambda: backend.compile(trace, step, *arguments, any_n=1))
        found: np.ndarray = compiled(*arguments)
    except (LookupError, NotImplementedError) as error:
        if isinstance(error, KeyError | IndexError):
            raise
        raise UnsupportedOperationError(
            f"Behind layer '{asked.layer.name}' the model holds an operation without a derivative: {reason(error)}",
            fix=WITHOUT,
        ) from error
    return found


def _layer_gradients(asked: Asked, x: Any, seeds: Any) -> tuple[Any, Any]:
    """Activations (n, positions, features) of a layer, and gradients of outputs in them with an axis of k behind n."""
    backend, trace, layer = asked.predictor.backend, asked.predictor.trace, asked.layer
    nd, graph = backend.nd, trace.graph(asked.predictor.output)
    before, behind = around(graph, layer.value)
    run = backend.Run(trace, {graph.input: x}).forward(before)
    made = {value for operation in behind for value in operation.outputs}
    needed = {value for operation in behind for value in operation.data if value not in made and value != layer.value}
    given = {value: run.value(value) for value in sorted(needed)}

    def outputs(value: Any) -> list[Any]:
        later: Run = backend.Run(trace, {**given, layer.value: value}).forward(behind)
        return [later.value(graph.output)]

    activations = run.value(layer.value)
    _, pull = backend.vjp(outputs, [activations])
    gradients = [positions_first(nd, pull([seeds[:, at]])[0], layer)[:, None] for at in range(seeds.shape[1])]
    return positions_first(nd, activations, layer), nd.concatenate(gradients, 1)


def around(graph: Graph, value: int) -> tuple[list[Operation], list[Operation]]:
    """Operations of a graph that have to come before all that depends on a value, and those that depend on it."""
    reached, behind = {value}, []
    for operation in between(graph, {value}, {graph.output}):
        if not reached.isdisjoint(operation.data):
            reached.update(operation.outputs)
            behind.append(operation)
    return [operation for operation in graph.operations if operation not in behind], behind
