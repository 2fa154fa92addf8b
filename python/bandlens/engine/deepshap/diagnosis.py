"""Where in a model a table goes wrong: measured step by step, for one image.

The differences of a step's inputs times their multipliers should sum to the same as those of its outputs. Where they
don't, the residual arises; where their sizes grow, though their sum doesn't, scores begin to cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..backends.contract import Backend, Trace
from ..graph import Operation
from .multiplier import Multiplier
from .pairs import Pairs
from .plan import Plan, Step
from .walk import multipliers


class Finding(NamedTuple):
    """The operation that adds most to a trouble.

    Attributes
    ----------
    operation : Operation
    amount : float
        What it adds, as the output is measured.
    next : float
        What any other adds at most.
    """

    operation: Operation
    amount: float
    next: float


class Findings(NamedTuple):
    """What adds most to the residual, and what to the cancellation."""

    residual: Finding
    cancellation: Finding


def trouble(
    backend: Backend, trace: Trace, plan: Plan, image: np.ndarray, references: np.ndarray, seed: np.ndarray
) -> Findings:
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
    residual, growth = np.abs(sums[:, 1, 0] - sums[:, 0, 0]), sums[:, 1, 1] - sums[:, 0, 1]
    return Findings(_worst(steps, residual), _worst(steps, growth))


def _worst(steps: list[Step], amounts: np.ndarray) -> Finding:
    amounts = np.nan_to_num(amounts, nan=np.inf)
    place = int(amounts.argmax())
    return Finding(steps[place].operation, float(amounts[place]), float(np.delete(amounts, place).max(initial=0.0)))
