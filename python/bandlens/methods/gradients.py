"""What the gradient methods share: one compiled step per batch, a loop over samples inside it, bands reduced inside it.

A method is a *rule*: from a batch of images to attributions, written with the array functions of the backend and with
gradients at whatever points it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from ..data.cells import Cells
from ..engine.batching import IMAGES, portions
from ..engine.reasons import reason
from ..errors import UnsupportedOperationError
from ..models.callables import outputs_only
from ..models.predictor import Predictor
from .findings import Finding, Findings, Maps, Pairs, ScoreErrors, Scores, TotalErrors, Units
from .reduction import reduce_pixels
from .task import Task

# outputs that share a forward pass: their backward passes are written out in the compiled step
MOST_OUTPUTS = 10
# points up to which a model's own loops are quicker than their steps one after the other: these take half the time, but
# long to be compiled (measured for 100 steps of a recurrent layer)
MOST_BY_LOOPS = 10_000


class Gradients:
    """What a rule may use inside the compiled step.

    Parameters
    ----------
    predictor : Predictor
    seeds : tensor, shape (images, k, units)
        The explained outputs of each image, as weights on the model's units.
    index : tensor of int, shape (steps, samples)
        The numbers of all samples, in portions to be taken at once.
    statistic : str or None
        How to reduce over pixels; None keeps them.
    cells : Cells
        Of the images.
    members : ndarray of bool or None
        Bands of each row of the table, where some rows are groups.
    by_loops : bool
        Whether a model with loops is computed by these, not by steps one after the other.
    """

    def __init__(
        self,
        predictor: Predictor,
        seeds: Any,
        index: Any,
        statistic: str | None,
        cells: Cells,
        members: np.ndarray | None,
        by_loops: bool,
    ) -> None:
        self.backend = predictor.backend
        self.nd = predictor.backend.nd
        self.dtype = predictor.trace.dtype
        self.shape = predictor.trace.shape
        self.seeds = seeds
        self.trace = predictor.trace
        self.statistic = statistic
        self._graph = predictor.trace.graph(predictor.output)
        self._cells = cells
        self._members = members
        self._index = index
        self._by_loops = by_loops

    @property
    def none(self) -> Any:
        """Zeros to which gradients can be added, shape (images, k, *image shape)."""
        zeros = self.nd.zeros_like(self.seeds[:, :, :1])
        zeros = self.nd.reshape(zeros, (-1, zeros.shape[1], *(1,) * len(self.shape)))
        return zeros + self.nd.zeros((1, 1, *self.shape), self.dtype)

    def at(self, points: Any) -> Any:
        """Gradients of the outputs at one point per image, or at several.

        Parameters
        ----------
        points : tensor, shape (images, *image shape) or (images, samples, *image shape)

        Returns
        -------
        tensor, shape (images, k, *image shape) or (images, k, samples, *image shape)
        """
        found, _ = self.at_with_outputs(points)
        return found

    def at_with_outputs(self, points: Any) -> tuple[Any, Any]:
        """Gradients as from `at`, and the model's units there, shape (points of all images, units)."""
        nd, rank = self.nd, len(self.shape)
        several = len(points.shape) > rank + 1
        flat = nd.reshape(points, (-1, *self.shape)) if several else points
        (units,), pull = self.backend.vjp(self._units, [flat])
        # where an output is not finite its derivative may well be, and would hide it: -inf, else 0
        finite = nd.astype(nd.isfinite(units), self.dtype)
        known = nd.sum((finite - 1) / finite, -1)
        known = nd.reshape(known, (-1, *(1,) * len(self.shape)))
        samples = points.shape[1] if several else 1
        found = []
        for output in range(self.seeds.shape[1]):
            seeds = self.seeds[:, output]
            if several:
                ones = nd.zeros((1, samples, 1), self.dtype) + 1
                seeds = nd.reshape(seeds[:, None] * ones, (-1, seeds.shape[1]))
            (gradient,) = pull([seeds])
            found.append(nd.reshape(gradient + known, (-1, 1, *(samples,) * several, *self.shape)))
        return nd.concatenate(found, 1), units

    def _units(self, x: Any) -> list[Any]:
        found = self.trace.by_loops(self._graph.output, x) if self._by_loops else None
        if found is not None:
            return [found]
        run = self.backend.Run(self.trace, {self._graph.input: x}).forward(self._graph.operations)
        return [run.value(self._graph.output)]

    def over_samples(self, add: Callable[[Any, Any], Any], initial: Any) -> Any:
        """Go through all samples, some at once: ``state = add(state, numbers of the samples)``."""
        return self.backend.loop_over(add, self._index, initial)

    def like_pixels(self, values: Any) -> Any:
        """Numbers per sample, shape (samples,) or (images, samples), ready to be multiplied with points."""
        lead = (1, -1) if len(values.shape) == 1 else (-1, values.shape[1])
        return self.nd.reshape(values, (*lead, *(1,) * len(self.shape)))

    def reduce(self, attributions: Any) -> Any:
        """Scores over pixels, and over the bands of a group, whatever axes come before; or all as it is, for maps."""
        if self.statistic is None:
            return attributions
        before = len(attributions.shape) - len(self.shape)
        scores = reduce_pixels(self.nd, attributions, self.statistic, self._cells, before)
        if self._members is None:
            return scores
        return self.nd.einsum("...b,fb->...f", scores, self._members.astype(self.dtype))


def cuts(task: Task) -> Sequence[int]:
    """The first image of each step."""
    return range(0, task.images.n, _per_step(task))


def _per_step(task: Task) -> int:
    """Images of a compiled step, where the device has the memory for them."""
    return max(1, task.images_per_batch // min(task.seeds.shape[1], MOST_OUTPUTS))


Rule = Callable[..., dict[str, Any]]


def run(
    task: Task,
    rule: Rule,
    *,
    maps: bool,
    samples: int = 1,
    per_image: Callable[[slice], tuple[np.ndarray, ...]] = lambda part: (),
    shared: Sequence[np.ndarray] = (),
    made: tuple[str, str] = IMAGES,
    compared: bool = False,
    sized: bool = False,
) -> Findings:
    """Apply a rule to all images.

    Parameters
    ----------
    task : Task
    rule : callable
        ``(gradients, x, *per_image, *shared)`` to a dictionary with `values`, reduced by `Gradients.reduce`, and
        perhaps `errors`, `total_errors`, `units`, and `pairs`, scores against single background images.
    maps : bool
        Whether to keep pixels.
    samples : int
        Points per image that the rule goes through with `Gradients.over_samples`.
    per_image : callable
        From a slice of the images to arrays with one entry per image.
    shared : sequence of ndarray
        The same for all images.
    made : tuple of str
        What the points are called in an error, and what to do about it, as for `bandlens.engine.batching.fitting`.
    compared : bool
        Whether the first array of `per_image` says with which background images `pairs` are.
    sized : bool
        Whether the rule has to know how many images a step has.
    """
    predictor, k = task.predictor, task.seeds.shape[1]
    n, dtype = task.images.n, predictor.trace.dtype
    most = min(_per_step(task), n * samples)
    held = [predictor.backend.to_device(array) for array in shared]
    # compiled steps give their arrays by name
    kinds: dict[str, type[Finding]] = {
        "values": Maps if maps else Scores,
        "errors": ScoreErrors,
        "total_errors": TotalErrors,
    }

    def compute(part: slice, size: int) -> list[dict[str, np.ndarray]]:
        at_once = _portion(samples, size // min(size, n))
        index = np.arange(samples, dtype=np.int32).reshape(-1, at_once)
        batch = task.images.seen(part, dtype)
        found = []
        for first in range(0, k, MOST_OUTPUTS):
            seeds = task.seeds[part, first : first + MOST_OUTPUTS].astype(dtype)
            arguments = (batch, seeds, index, *per_image(part), *held)
            try:
                statistic = None if maps else task.statistic
                step = _compiled(task, rule, statistic, n * samples <= MOST_BY_LOOPS, arguments, sized)
                found.append(step(*arguments))
            except (LookupError, NotImplementedError) as error:
                if isinstance(error, KeyError | IndexError):
                    raise
                raise UnsupportedOperationError(
                    f"The model holds an operation without a derivative: {reason(error)}",
                    fix=f"use a method that only asks for outputs, {outputs_only()}",
                ) from error
        return found

    for part, found in portions(predictor, rule, n, most, compute, made, task.span):
        if "units" in found[0]:
            yield Units(part, found[0]["units"])
        for name, kind in kinds.items():
            if name in found[0]:
                yield kind(part, np.concatenate([each[name] for each in found], axis=1).astype(np.float64))
        if compared and "pairs" in found[0]:
            yield Pairs(part, np.concatenate([each["pairs"] for each in found], axis=1), per_image(part)[0])
        task.tick(part.stop - part.start)


def _compiled(
    task: Task, rule: Rule, statistic: str | None, by_loops: bool, arguments: tuple[np.ndarray, ...], sized: bool
) -> Callable[..., dict[str, np.ndarray]]:
    predictor, cells = task.predictor, task.images.cells
    members = task.members if task.grouped else None

    def step(x: Any, seeds: Any, index: Any, *rest: Any) -> Any:
        return rule(Gradients(predictor, seeds, index, statistic, cells, members, by_loops), x, *rest)

    known = 0 if sized else 1
    grouping = None if members is None else members.tobytes()
    key = (
        rule,
        predictor.output,
        cells,
        statistic,
        by_loops,
        grouping,
        *(tuple(array.shape[known:]) for array in arguments),
    )
    alike = key if isinstance(rule, FunctionType) else None  # a rule that is an object has read the model
    return predictor.trace.compiled(
        key, lambda: predictor.backend.compile(predictor.trace, step, *arguments, any_n=known, alike=alike)
    )


def _portion(samples: int, most: int) -> int:
    """The largest divisor of the number of samples that is at most `most`."""
    return max(size for size in range(1, samples + 1) if samples % size == 0 and size <= max(most, 1))
