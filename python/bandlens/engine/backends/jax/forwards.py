"""Derivatives forwards: what differences of an operation's inputs do to its outputs.

JAX's own, but for maxima over windows: of elements that are equal, its derivative forwards takes another than that
backwards, which takes the first. So the first is looked for here.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

import jax
import jax.numpy as jnp

from ...graph import Graph, Operation
from .. import forwards
from .run import Run, Source, blocks

_WINDOWS = "reduce_window_max"
# elements of a window that are gone through one by one; of larger ones, multipliers are sent back
_MOST_PLACES = 64


def has_forward(operation: Operation) -> bool:
    """Whether there is a derivative forwards of an operation that agrees with that backwards."""
    if operation.kind == _WINDOWS and operation.window is None:
        params = operation.handle.params
        dense = all(one == 1 for one in params["base_dilation"])
        return dense and prod(params["window_dimensions"]) <= _MOST_PLACES
    return forwards.has_forward(operation)


def jvp(
    trace: Source,
    graph: Graph,
    operation: Operation,
    inputs: Mapping[int, Any],
    tangents: Mapping[int, Any],
    n: int,
) -> dict[int, Any]:
    """Differences of an operation's outputs from those of its inputs, at given values."""
    if operation.kind == _WINDOWS:
        (value,), (output,) = operation.data, operation.outputs
        sides = (blocks(trace.flat, value, rows[value].astype(inputs[value].dtype)) for rows in (inputs, tangents))
        found = jax.vmap(lambda at, moved: _at_maximum(operation.handle.params, at, moved))(*sides)
        return {output: jnp.reshape(found, (-1, *found.shape[2:]))}
    outputs, apply = forwards.as_function(operation, graph, inputs, lambda given: Run(trace, given, graph, n))
    moved = [tangents[value].astype(inputs[value].dtype) for value in inputs]
    _, found = jax.jvp(apply, list(inputs.values()), moved)
    return dict(zip(outputs, found, strict=True))


def _at_maximum(params: Mapping[str, Any], values: Any, tangents: Any) -> Any:
    """Differences where each window of an image's values has its maximum, the first if there are several."""
    sizes, strides, holes = (params[f"window_{name}"] for name in ("dimensions", "strides", "dilation"))
    padding = [tuple(pair) for pair in params["padding"]]

    def windows(array: Any, outside: float) -> Any:
        padded = jnp.pad(array, padding, constant_values=outside)
        reach = [(size - 1) * hole for size, hole in zip(sizes, holes, strict=True)]
        stops = [length - far for length, far in zip(padded.shape, reach, strict=True)]
        places = []
        for place in product(*map(range, sizes)):
            starts = [at * hole for at, hole in zip(place, holes, strict=True)]
            ends = [start + stop for start, stop in zip(starts, stops, strict=True)]
            places.append(jax.lax.slice(padded, starts, ends, strides))
        return jnp.stack(places)

    first = jnp.argmax(windows(values, -jnp.inf), axis=0, keepdims=True)
    return jnp.take_along_axis(windows(tangents, 0.0), first, axis=0)[0]
