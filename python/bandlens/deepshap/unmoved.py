"""Which normalisations don't see the level of their elements: found out by trying, once per model.

Layer normalisation is written as (x - m) / s, as x / s - m / s, with the variance as a mean of squares less a square,
and in other ways. What they have in common is that a constant that is added to all elements of a set changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ..graph import Graph, between
from .plan import Step

SHIFT = 1.5
# float32 leaves a standardised number this much
SAME = 1e-3


def unmoved(backend: ModuleType, trace: Any, graph: Graph) -> Callable[[Sequence[Step]], list[bool]]:
    """A function that tells of each of some normalisations whether it stays the same when its elements are shifted."""

    def ask(steps: Sequence[Step]) -> list[bool]:
        total = len(steps)
        rows = [_elements(graph, step, seed) for seed, step in enumerate(steps)]

        def try_out(*arrays: Any) -> list[Any]:
            found = []
            for step, given in zip(steps, arrays, strict=True):
                assert step.normalization is not None
                source = step.normalization.source
                bending = step.normalization.bending(True)
                assert bending is not None
                run = backend.Run(trace, {source: backend.nd.astype(given, trace.value_dtype(source))}, graph, 2)
                run.forward(between(graph, {source}, {step.outputs[0], bending.value}))
                found += [
                    backend.nd.astype(run.value(value), trace.dtype) for value in (step.outputs[0], bending.value)
                ]
            return found

        able = [place for place, step in enumerate(steps) if step.normalization and step.normalization.bending(True)]
        steps, rows = [steps[place] for place in able], [rows[place] for place in able]
        outputs = backend.compile(trace, try_out, *rows)(*rows) if able else []
        told = [
            _same(graph, step, values) and _is_variance(graph, step, given, spread)
            for step, given, values, spread in zip(steps, rows, outputs[::2], outputs[1::2], strict=True)
        ]
        return [dict(zip(able, told, strict=True)).get(place, False) for place in range(total)]

    return ask


def _elements(graph: Graph, step: Step, seed: int) -> np.ndarray:
    """An example with a mean of 0 and the same shifted, one behind the other, in the value's own axis order."""
    assert step.normalization is not None
    layout, bending = graph.layouts[step.normalization.source], step.normalization.bending(True)
    one = np.random.default_rng(seed).normal(size=layout.shape)
    if bending is not None:
        axes = tuple(place for place, length in enumerate(bending.window) if length > 1)
        one = one - one.mean(axes, keepdims=True)
    return np.concatenate([one, one + SHIFT], axis=layout.axis).astype(np.float32)


def _is_variance(graph: Graph, step: Step, rows: np.ndarray, spread: np.ndarray) -> bool:
    """Whether, of elements with a mean of 0, the other statistic is that of their squares."""
    assert step.normalization is not None
    bending, axis = step.normalization.bending(True), graph.layouts[step.normalization.source].axis
    assert bending is not None
    axes = tuple(place for place, length in enumerate(bending.window) if length > 1)
    one = np.split(rows, 2, axis=axis)[0].astype(np.float64)
    squares = bending.weight * (one**2).sum(axes)
    got = np.split(spread, 2, axis=graph.layouts[bending.value].axis)[0]
    return bool(np.abs(squares.ravel() - got.ravel()).max() <= SAME * np.abs(squares).max())


def _same(graph: Graph, step: Step, values: np.ndarray) -> bool:
    one, shifted = np.split(values, 2, axis=graph.layouts[step.outputs[0]].axis)
    return bool(np.abs(one - shifted).max() <= SAME * np.abs(one).max())
