"""Where in a model a table goes wrong: measured step by step, for one image.

The differences of a step's inputs times their multipliers should sum to the same as those of its outputs. Where they
don't, the residual arises; where their sizes grow, though their sum doesn't, scores begin to cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..graph import Operation
from .pairs import Multiplier, Pairs
from .plan import Plan, Step
from .walk import multipliers


class Finding(NamedTuple):
    """An operation, and how much it adds.

    Attributes
    ----------
    operation : Operation
    amount : float
        Of the output's spread, as the residual and the cancellation are measured.
    """

    operation: Operation
    amount: float


def trouble(
    backend: ModuleType, trace: Any, plan: Plan, image: np.ndarray, references: np.ndarray, seed: np.ndarray
) -> tuple[Finding, Finding]:
    """The operations that add most to the residual, and most to the cancellation.

    Parameters
    ----------
    backend, trace, plan
        Framework, model and its plan.
    image : ndarray, shape (1, *image shape)
    references : ndarray, shape (m, *image shape)
        Background images, few enough for one step.
    seed : ndarray, shape (units,)
        The explained output as weights on the model's units.
    """
    steps: list[Step] = []

    def measure(images: Any, backgrounds: Any, seeds: Any) -> Any:
        pairs = Pairs(backend, trace, plan, images, backgrounds, own=False)
        nd, found = backend.nd, []
        steps.clear()

        def sums(side: Mapping[int, Multiplier]) -> tuple[Any, Any]:
            total, size = nd.zeros((), trace.dtype), nd.zeros((), trace.dtype)
            for value, multiplier in side.items():
                if value in pairs.layouts and pairs.layouts[value].real:
                    image_side, reference_side = pairs.sides(value)
                    parts = nd.multiply(pairs.dense(value, multiplier), image_side - reference_side)
                    parts = nd.sum(parts, (0, 1, 2)) / pairs.m
                    total, size = total + nd.sum(parts, None), size + nd.sum(nd.abs(parts), None)
            return total, size

        def observe(step: Step, given: Mapping[int, Multiplier], made: Mapping[int, Multiplier]) -> None:
            steps.append(step)
            for total, size in (sums(given), sums(made)):
                found.extend([nd.reshape(total, (1,)), nd.reshape(size, (1,))])

        multipliers(pairs, seeds, frozenset({plan.graph.input}), observe)
        return nd.concatenate(found, 0)

    arguments = (image, references, seed[None, None].astype(trace.dtype))
    sums = backend.compile(trace, measure, *arguments)(*arguments).astype(np.float64).reshape(-1, 2, 2)
    spread = max(abs(sums[0, 0, 0]), np.finfo(np.float64).tiny)
    residual, growth = np.abs(sums[:, 1, 0] - sums[:, 0, 0]) / spread, (sums[:, 1, 1] - sums[:, 0, 1]) / spread
    worst = [int(np.nanargmax(measured)) for measured in (residual, growth)]
    return (
        Finding(steps[worst[0]].operation, float(residual[worst[0]])),
        Finding(steps[worst[1]].operation, float(growth[worst[1]])),
    )
