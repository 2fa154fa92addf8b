"""What the gradient methods share: one compiled step per batch, a loop over samples inside it, bands reduced inside it.

A method is a *rule*: from a batch of images to attributions, written with the array functions of the backend and with
gradients at whatever points it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..models import Predictor
from ..reduction import reduce_pixels
from .task import Part, Parts, Request, Task


class Gradients:
    """What a rule may use inside the compiled step.

    Parameters
    ----------
    predictor : Predictor
    seeds : tensor, shape (rows, units)
        The explained output of each row, as weights on the model's units.
    index : tensor of int, shape (steps, samples)
        The numbers of all samples, in portions to be taken at once.
    statistic : str or None
        How to reduce over pixels; None keeps them.
    pixel_axes : tuple of int
    members : ndarray of bool or None
        Bands of each row of the table, where some rows are groups.
    """

    def __init__(
        self,
        predictor: Predictor,
        seeds: Any,
        index: Any,
        statistic: str | None,
        pixel_axes: tuple[int, ...],
        members: np.ndarray | None,
    ) -> None:
        self.backend = predictor.backend
        self.nd = predictor.backend.nd
        self.dtype = predictor.trace.dtype
        self.shape = predictor.trace.shape
        self.statistic = statistic
        self._trace = predictor.trace
        self._graph = predictor.trace.graph(predictor.output)
        self._pixel_axes = pixel_axes
        self._members = members
        self._seeds = seeds
        self._index = index

    def at(self, points: Any) -> Any:
        """Gradient of each row's output at points, shape (rows, *image shape) or (rows, samples, *image shape)."""
        seeds, flat = self._seeds, points
        if len(points.shape) > len(self.shape) + 1:
            samples, units = points.shape[1], seeds.shape[1]
            ones = self.nd.zeros((1, samples, 1), self.dtype) + 1
            seeds = self.nd.reshape(seeds[:, None] * ones, (-1, units))
            flat = self.nd.reshape(points, (-1, *self.shape))
        run = self.backend.Run(self._trace, {self._graph.input: flat}).forward(self._graph.operations)
        (found,) = self.backend.gradient([run.value(self._graph.output)], [flat], [seeds])
        return found if flat is points else self.nd.reshape(found, (-1, samples, *self.shape))

    def fold(self, add: Callable[[Any, Any], Any], initial: Any) -> Any:
        """Go through all samples, some at once: ``state = add(state, numbers of the samples)``."""
        return self.backend.fold(add, self._index, initial)

    def like_pixels(self, values: Any) -> Any:
        """Numbers per sample, shape (samples,) or (rows, samples), ready to be multiplied with points."""
        lead = (1, -1) if len(values.shape) == 1 else (-1, values.shape[1])
        return self.nd.reshape(values, (*lead, *(1,) * len(self.shape)))

    def reduce(self, attributions: Any, *, samples: bool = False) -> Any:
        """Scores, shape (rows, features), or with `samples` (rows, samples, features); or pixels where they are kept.

        A group's score is the sum of its bands'.
        """
        if self.statistic is None:
            return attributions
        axes = tuple(axis + samples for axis in self._pixel_axes)
        scores = reduce_pixels(self.nd, attributions, self.statistic, axes)
        if self._members is None:
            return scores
        return self.nd.einsum("...b,fb->...f", scores, self._members.astype(self.dtype))


Rule = Callable[..., Any]


def run(
    task: Task,
    rule: Rule,
    *,
    maps: bool,
    samples: int = 1,
    per_image: Callable[[slice], tuple[np.ndarray, ...]] = lambda part: (),
    shared: Sequence[np.ndarray] = (),
) -> Parts:
    """Apply a rule to all images.

    Parameters
    ----------
    task : Task
    rule : callable
        ``(gradients, x, *per_image, *shared) -> attributions``, reduced by `Gradients.reduce`; or a pair of these and
        of standard errors.
    maps : bool
        Whether to keep pixels.
    samples : int
        Points per image that the rule goes through with `Gradients.fold`.
    per_image : callable
        From a slice of the images to arrays with one entry per image.
    shared : sequence of ndarray
        The same for all images.
    """
    predictor, k = task.predictor, task.seeds.shape[1]
    dtype = predictor.trace.dtype
    most = task.images_per_batch
    size = max(1, most // k)
    at_once = _portion(samples, most // (min(size, task.images.n) * k))
    index = np.arange(samples, dtype=np.int32).reshape(-1, at_once)
    for part, batch in task.images.batches(size, dtype):
        seeds = task.seeds[part].reshape(-1, task.seeds.shape[-1]).astype(dtype)
        own = [np.repeat(array, k, axis=0) for array in per_image(part)]
        arguments = (np.repeat(batch, k, axis=0), seeds, index, *own, *shared)
        found = _compiled(task, rule, None if maps else task.statistic, arguments)(*arguments)
        values, *errors = found if isinstance(found, tuple) else (found,)
        yield Part(part, *(_unfold(array, k) for array in (values, *errors)))
        task.tick(len(batch))


def _compiled(
    task: Task, rule: Rule, statistic: str | None, arguments: tuple[np.ndarray, ...]
) -> Callable[..., np.ndarray | tuple[np.ndarray, ...]]:
    predictor, axes = task.predictor, task.images.pixel_axes
    members = task.members if task.grouped else None

    def step(x: Any, seeds: Any, index: Any, *rest: Any) -> Any:
        return rule(Gradients(predictor, seeds, index, statistic, axes, members), x, *rest)

    grouping = None if members is None else members.tobytes()
    key = (rule, predictor.output, axes, statistic, grouping, *(array.shape[1:] for array in arguments))
    return predictor.trace.compiled(key, lambda: predictor.backend.compile(step, *arguments, any_n=1))


def prepare(request: Request) -> None:
    """Gradients exist wherever the framework has them; building the graph refuses the rest."""
    request.predictor.trace.graph(request.predictor.output)


def _unfold(array: np.ndarray, k: int) -> np.ndarray:
    return array.reshape(len(array) // k, k, *array.shape[1:]).astype(np.float64)


def _portion(samples: int, most: int) -> int:
    """The largest divisor of the number of samples that is at most `most`."""
    return max(size for size in range(1, samples + 1) if samples % size == 0 and size <= max(most, 1))
