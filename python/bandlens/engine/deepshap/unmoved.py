"""Which normalisations don't see the level of their elements: found out by trying, once per model.

Layer normalisation is written as (x - m) / s, as x / s - m / s, with the variance as a mean of squares less a square,
and in other ways. What they have in common is that a constant that is added to all elements of a set changes nothing,
and that deviations from the mean are multiplied with what depends on nothing but the set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..backends.contract import Backend, Trace
from ..graph import Graph, between
from .normalizations import Statistic, Tried
from .plan import Step
from .rows import elementwise

SHIFT = 1.5
# float32 leaves a standardised number this much
SAME = 1e-3


# variances with which it is tried what deviations are multiplied with, relative to those of a set; the first two tell
# what is added to a variance, the others whether that is all
VARIANCES = (1e-4, 1.0, 1e-6, 9.0)
# deviations with each of them: two tell what they are multiplied with, the others whether that is all
DEVIATIONS = (1, 0, -1, 2.5)


def unmoved(backend: Backend, trace: Trace, graph: Graph) -> Callable[[Sequence[Step]], list[Tried]]:
    """A function that tells of each of some normalisations whether it stays the same when its elements are shifted."""
    nd = backend.nd

    def ask(steps: Sequence[Step]) -> list[Tried]:
        total = len(steps)
        able = [place for place, step in enumerate(steps) if step.normalization and step.normalization.bending(True)]
        steps = [steps[place] for place in able]
        examples = [_elements(graph, step, seed) for seed, step in enumerate(steps)]
        rows = [array for step, one in zip(steps, examples, strict=True) for array in (one, *_scaled(graph, step))]

        def try_out(*arrays: Any) -> list[Any]:
            found = []
            for step, given, elements, variances in zip(steps, arrays[::3], arrays[1::3], arrays[2::3], strict=True):
                source, bending = _parts(step)
                dtype = trace.value_dtype(source)
                run = backend.Run(trace, {source: nd.astype(given, dtype)}, graph, 2)
                run.forward(between(graph, {source}, {step.outputs[0], bending.value}))
                held = {source: elements, bending.value: variances, **_levels(step, elements * 0)}
                scaled = elementwise(
                    backend,
                    trace,
                    graph,
                    {value: nd.astype(array, dtype) for value, array in held.items()},
                    step.outputs[0],
                    len(DEVIATIONS) * len(VARIANCES),
                )
                found += [run.value(step.outputs[0]), run.value(bending.value), scaled]
            return [nd.astype(value, trace.dtype) for value in found]

        outputs = backend.compile(trace, try_out, *rows)(*rows) if able else []
        told = {}
        for place, step, one, values, spread, scaled in zip(
            able, steps, examples, outputs[::3], outputs[1::3], outputs[2::3], strict=True
        ):
            by_deviation = _by_deviation(graph, step, scaled)
            centred = _same(graph, step, values) and _is_variance(graph, step, one, spread) and _is_affine(by_deviation)
            told[place] = Tried(centred, _epsilon(step, by_deviation) if centred else None)
        return [told.get(place, Tried(False)) for place in range(total)]

    return ask


def _parts(step: Step) -> tuple[int, Statistic]:
    assert step.normalization is not None
    bending = step.normalization.bending(True)
    assert bending is not None
    return step.normalization.source, bending


def _levels(step: Step, zeros: Any) -> dict[int, Any]:
    assert step.normalization is not None
    return {one.value: zeros for one in step.normalization.statistics if one.value != _parts(step)[1].value}


def _scaled(graph: Graph, step: Step) -> tuple[np.ndarray, np.ndarray]:
    """Each of the deviations with each of the variances, and these."""
    source, bending = _parts(step)
    layout, per_variance = graph.layouts[source], prod(bending.window) * bending.weight
    full = np.ones(layout.shape, np.float32)
    elements = [full * np.float32(element) for element in DEVIATIONS for _ in VARIANCES]
    variances = [full * np.float32(variance * per_variance) for _ in DEVIATIONS for variance in VARIANCES]
    return np.concatenate(elements, axis=layout.axis), np.concatenate(variances, axis=layout.axis)


def _by_deviation(graph: Graph, step: Step, scaled: np.ndarray) -> np.ndarray:
    """What became of the deviations, shape (deviations, variances, elements)."""
    count = len(DEVIATIONS) * len(VARIANCES)
    parts = np.split(scaled.astype(np.float64), count, axis=graph.layouts[step.outputs[0]].axis)
    return np.reshape(parts, (len(DEVIATIONS), len(VARIANCES), -1))


def _is_affine(by_deviation: np.ndarray) -> bool:
    """Whether all that happens to a deviation is that it is multiplied, and something added."""
    one, zero, *others = by_deviation
    factor = one - zero
    expected = np.stack([zero + deviation * factor for deviation in DEVIATIONS[2:]])
    return bool((np.abs(others - expected) <= SAME * (np.abs(factor) + np.abs(zero))).all())


def _epsilon(step: Step, by_deviation: np.ndarray) -> float | None:
    """What is added to the statistic, if deviations are multiplied with a constant over the root of that."""
    _, bending = _parts(step)
    statistic = np.array(VARIANCES) * prod(bending.window) * bending.weight
    factors = by_deviation[0] - by_deviation[1]
    factors = factors[:, np.abs(factors[1]) > 0]
    ratio = float((factors[0] / factors[1]).mean() ** 2) if factors.size else 0.0
    if not ratio > 1:
        return None
    epsilon = max(0.0, (statistic[1] - ratio * statistic[0]) / (ratio - 1))
    expected = factors[1] * np.sqrt((statistic[1] + epsilon) / (statistic[:, None] + epsilon))
    return float(epsilon) if np.allclose(factors, expected, rtol=SAME, atol=0) else None


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
