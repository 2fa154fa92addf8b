"""Both directions of DeepSHAP, and what a table of it is measured by.

Differences of bands are sent forward through the network, or multipliers back: which is quicker depends on the numbers
of bands and outputs, and scores may not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import bandlens as bl
import numpy as np
from conftest import double_precision


class Measured(NamedTuple):
    """How right the tables of one network are; the worst over all that were asked for."""

    missed: float  # what scores miss of the difference of outputs that they should sum to, over the largest of these
    rounded: float  # the same, over the largest output
    apart: float  # how far scores of the two directions differ, over the largest, if that is above 1
    cancels: float  # sums of sizes of scores, over the distances of outputs
    double: bool = False  # whether it took float64 to tell

    def worst(self, other: Measured) -> Measured:
        return Measured(*map(max, self, other))


def anew(keras: Any, model: Any) -> Any:
    """The same model, of which nothing is compiled yet."""
    return keras.Model(model.inputs, model.outputs)


@contextmanager
def direction(*, forward: bool) -> Iterator[None]:
    """Send differences forward, or multipliers back, whatever is quicker."""
    with ExitStack() as stack:
        for module in ("walk", "chunks"):
            name = f"bandlens.engine.deepshap.{module}.prefers_forward"
            stack.enter_context(patch(name, lambda *_: forward))
        yield


def in_both_directions(keras: Any, model: Any, explain: Callable[[Any], Any]) -> list[Any]:
    """What differences sent forward give, and what multipliers sent back."""
    found = []
    for forward in (True, False):
        with direction(forward=forward):
            found.append(explain(anew(keras, model)))
    return found


def apart(one: bl.BandImportance, other: bl.BandImportance) -> float:
    """How much the scores of two results differ, relative to the largest."""
    return float(np.abs(one.scores - other.scores).max() / max(1.0, np.abs(other.scores).max()))


def measured(results: list[bl.BandImportance]) -> Measured:
    """How right results of one question are, the last of which the others are compared with."""
    found = Measured(0.0, 0.0, 0.0, 0.0)
    for result in results:
        difference = result.output_values - result.base_values
        assert np.isfinite(result.scores).all()
        missed = float(np.abs(result.scores.sum(axis=-1) - difference).max())
        largest, output = (float(np.abs(values).max()) for values in (difference, result.output_values))
        found = found.worst(
            Measured(
                missed / largest if largest else (np.inf if missed else 0.0),
                missed / output if output else (np.inf if missed else 0.0),
                apart(result, results[-1]),
                float(result.cancellation),
            )
        )
    return found


def of_one_output(results: list[bl.BandImportance], own: bl.BandImportance) -> Measured:
    """How right results of all outputs are, and that of each image's own output, which must be part of them."""
    every = results[-1]
    part = np.take_along_axis(every.scores, own.image_output[..., None], axis=1)
    differs = float(np.abs(own.scores - part).max() / max(1.0, np.abs(every.scores).max()))
    found = measured(results).worst(measured([own]))
    return found._replace(apart=max(found.apart, differs))


@contextmanager
def in_double(keras: Any) -> Iterator[None]:
    """Models built inside are of float64."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        with double_precision():
            yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
