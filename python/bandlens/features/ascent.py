"""The ascent itself: all images of a batch follow their features' gradients together, many steps per compiled call.

Between the calls Python has its turn: progress is told, an interrupt is heard, and what has been found so far is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data.arrays import as_array
from ..engine.backends.contract import Arrays
from ..engine.batching import MOST_IMAGES, fitting, step_bytes
from ..engine.graph import Operation
from ..models.predictor import Predictor
from .layers import Layer, as_layer, positions_first
from .objectives import OBJECTIVES, TINY, unlike
from .priors import prior_of, variation
from .space import Space
from .step import Step
from .views import PARAMETERS, moved

# steps per compiled call
CHUNK = 16


# size of a fitted image, in parts of half the range: a bell's peak is just in the range then
FULL = 2**-0.5


@dataclass
class Found:
    """What there is so far; rows beyond `images` are not started.

    Attributes
    ----------
    values : ndarray, shape (n, rows, cols, bands)
    before, after : ndarray of float64, shape (n,)
        Activation by the start and by the image.
    trace : ndarray of float64, shape (n, steps)
        Activation as seen at each step; NaN for steps that were not done.
    moved : ndarray of bool, shape (n,)
        Whether the gradient was ever not zero.
    done, restarts : ndarray of int64, shape (n,)
        Steps that were made, and starts that were given up before.
    images : int
    interrupted : bool
    """

    values: np.ndarray
    before: np.ndarray
    after: np.ndarray
    trace: np.ndarray
    moved: np.ndarray
    done: np.ndarray
    restarts: np.ndarray
    images: int = 0
    interrupted: bool = False


@dataclass(frozen=True)
class Ascent:
    """What is to be done.

    Attributes
    ----------
    predictor : Predictor
    layers : tuple of Layer
        Whose activations the objective is made of.
    space : Space
    step : Step
    readouts : ndarray, shape (n, features)
        Each image's feature as a direction among those of the (first) layer.
    places : ndarray, shape (positions,)
        Weight of each position.
    weights : ndarray, shape (layers,)
    start : callable
        From positions of images, (k,), and the number of the attempt to their starts (k, rows, cols, bands).
    attempts : int
        Starts that a silent feature may have.
    random : callable
        From the position of an image to its own random numbers, the same whatever is computed with it.
    """

    predictor: Predictor
    layers: tuple[Layer, ...]
    space: Space
    step: Step
    readouts: np.ndarray
    places: np.ndarray
    weights: np.ndarray
    start: Callable[[np.ndarray, int], np.ndarray]
    attempts: int
    random: Callable[[int], np.random.Generator]
    operations: tuple[Operation, ...] = field(init=False)

    def __post_init__(self) -> None:
        known: dict[tuple[int, ...], Operation] = {}
        for layer in self.layers:
            known.update(
                {op.outputs: op for op in self._trace.graph(layer.value).operations if op.outputs not in known}
            )
        object.__setattr__(self, "operations", tuple(known.values()))

    @property
    def _trace(self) -> Any:
        return self.predictor.trace

    @property
    def images_per_batch(self) -> int:
        """Images that fit the memory: forward, backward, and the views of the image."""
        layouts: dict[int, Any] = {}
        for layer in self.layers:
            layouts.update(self._trace.graph(layer.value).layouts)
        elements = 2 * sum(layout.size for layout in layouts.values()) + 12 * int(np.prod(self.space.shape))
        budget = step_bytes(self.predictor.backend)
        return int(np.clip(budget // (np.dtype(self._trace.dtype).itemsize * elements), 1, MOST_IMAGES))

    def climb(self, steps: int, batch_size: int, tick: Callable[[int], None], *, keep: bool) -> Found:
        """Make all images, a batch after the other.

        Parameters
        ----------
        steps, batch_size : int
        tick : callable
            Told how many steps of single images were made.
        keep : bool
            On an interrupt, give what there is, if there is anything; else the interrupt goes on.
        """
        n, space, dtype = len(self.readouts), self.space, self._trace.dtype
        found = Found(
            values=np.empty((n, space.rows, space.cols, space.bands), dtype),
            before=np.full(n, np.nan),
            after=np.full(n, np.nan),
            trace=np.full((n, steps), np.nan),
            moved=np.zeros(n, bool),
            done=np.zeros(n, np.int64),
            restarts=np.zeros(n, np.int64),
        )
        whole = self.step.images  # images that are unlike each other are made together

        def batch(most: int) -> slice:
            part = slice(found.images, min(found.images + most * whole, n))
            if found.done[part].any():  # steps made before the memory ran out
                tick(-int(found.done[part.start :].sum()))
                found.done[part.start :], found.moved[part.start :], found.trace[part.start :] = 0, False, np.nan
            self._batch(found, part, steps, tick)
            return part

        while found.images < n and not found.interrupted:
            most = max(1, min(batch_size, n) // whole)
            try:
                part = fitting(self.predictor, ("ascent", self.layers[0].value), most, batch)
            except KeyboardInterrupt:
                if not keep or not found.done.any():
                    raise
                found.interrupted = True
                part = slice(found.images, found.images + np.count_nonzero(found.done[found.images :]))
            if part.stop > part.start:
                found.after[part] = self._measure(found.values[part], part)
            found.images = part.stop
        return found

    def _begin(self, found: Found, part: slice) -> np.ndarray:
        """Starts of a batch, others for features that are silent at theirs."""
        at = np.arange(part.start, part.stop)
        start = self.start(at, 0).astype(self._trace.dtype)
        found.before[part] = self._measure(start, part)
        for attempt in range(1, self.attempts):
            silent = found.before[part] == 0
            if not silent.any():
                break
            start[silent] = self.start(at[silent], attempt)
            found.before[part] = self._measure(start, part)
            found.restarts[at[silent]] = attempt
        return start

    def _batch(self, found: Found, part: slice, steps: int, tick: Callable[[int], None]) -> None:
        dtype = self._trace.dtype
        found.values[part] = start = self._begin(found, part)
        n = len(start)
        if steps == 0:
            return
        randoms = [self.random(at) for at in range(part.start, part.stop)]
        # a start outside of a band's range may stay there
        low = np.minimum(self.space.low, start.min(axis=(1, 2))).astype(dtype)
        high = np.maximum(self.space.high, start.max(axis=(1, 2))).astype(dtype)
        held = self.predictor.backend.to_device
        fixed = [held(a) for a in (*self._fixed(part), np.arange(n, dtype=np.int32), np.stack([low, high], axis=1))]
        # priors may be meant to cost activation; without them an image that is below its start was overshot
        keeps_best = self.step.l2 == self.step.total_variation == 0
        values, best, peak = start, np.array(start), found.before[part].copy()
        for first in range(0, steps, CHUNK):
            count = min(CHUNK, steps - first)
            views = np.zeros((n, CHUNK, 2, PARAMETERS), dtype)
            views[:, :count] = np.stack([self.step.moves.draw(random, count) for random in randoms])
            arguments = (values, views, np.arange(count, dtype=np.int32), *fixed)
            values, trace, moves = self._compiled(arguments)(*arguments)
            last = slice(first, first + count)
            found.values[part], found.trace[part, last] = values, trace[:, :count]
            found.moved[part] |= moves > 0
            found.done[part] = first + count
            tick(count * n)
            if keeps_best:
                measured = self._measure(found.values[part], part)
                better = measured > peak
                best[better], peak[better] = found.values[part][better], measured[better]
        if keeps_best:
            below = measured < found.before[part]
            found.values[part][below] = best[below]

    def _fixed(self, part: slice) -> list[np.ndarray]:
        return [array.astype(self._trace.dtype) for array in (self.readouts[part], self.places, self.weights)]

    def _measure(self, values: np.ndarray, part: slice) -> np.ndarray:
        """Activation by images, shape (n,)."""
        arguments = (values, *self._fixed(part))

        def measure(x: Any, readout: Any, places: Any, weights: Any) -> Any:
            values = self._values(self.space.to_model(self.predictor.backend.nd, x))
            return self._objective(values, readout, places, weights)[0]

        key = ("measure", self.step.objective, self._key(arguments))
        compiled = self._trace.compiled(key, lambda: self._compile(measure, arguments))
        return compiled(*arguments)

    def _key(self, arguments: Sequence[Any]) -> tuple[Any, ...]:
        values = tuple(layer.value for layer in self.layers)
        return (values, self.space.key, *(tuple(argument.shape)[1:] for argument in arguments))

    def _compile(self, function: Callable[..., Any], arguments: Sequence[Any]) -> Callable[..., Any]:
        return self.predictor.backend.compile(self._trace, function, *arguments, any_n=1)

    def _values(self, batch: Any) -> list[Any]:
        """Values of the layers."""
        graph = self._trace.graph(self.layers[0].value)
        run = self.predictor.backend.Run(self._trace, {graph.input: batch}).forward(self.operations)
        return [run.value(layer.value) for layer in self.layers]

    def _objective(self, values: list[Any], readout: Any, places: Any, weights: Any) -> tuple[Any, list[Any]]:
        """Activation (n,), and where the values of the layers are to go."""
        nd = self.predictor.backend.nd
        flat = [positions_first(nd, value, layer) for value, layer in zip(values, self.layers, strict=True)]
        activation, wanted = OBJECTIVES[self.step.objective].formula(nd, flat, readout, places, weights)
        if self.step.diversity > 0:
            wanted[0] = unlike(nd, flat[0], wanted[0], self.step.images, self.step.diversity)
        back = [as_layer(nd, direction, layer) for direction, layer in zip(wanted, self.layers, strict=True)]
        return activation, back

    def _compiled(self, arguments: Sequence[Any]) -> Callable[..., Any]:
        backend, nd, space, step = self.predictor.backend, self.predictor.backend.nd, self.space, self.step
        dtype = self._trace.dtype
        wide = space.span > 0
        shared = [values.astype(dtype) for values in (np.where(wide, space.span, 1.0), wide, space.middle)]
        prior = prior_of(nd, space, step, dtype)

        def ascend(
            start: Any, views: Any, index: Any, readout: Any, places: Any, weights: Any, number: Any, bounds: Any
        ) -> tuple[Any, Any, Any]:
            span, wide, middle = map(nd.asarray, shared)
            low, high = (nd.reshape(bounds[:, end], (-1, 1, 1, space.bands)) for end in (0, 1))
            reach = nd.maximum(nd.maximum(high - middle, middle - low), nd.ones_like(low) * TINY)

            def one(state: tuple[Any, Any, Any], at: Any) -> tuple[Any, Any, Any]:
                images, trace, peaks = state
                there, back = (nd.take(views, at, 1)[:, way] for way in (0, 1))
                seen = images if step.moves.none else moved(nd, images, there, number, whole=step.moves.whole)
                values, pull = backend.vjp(self._values, [space.to_model(nd, seen)])
                activation, wanted = self._objective(values, readout, places, weights)
                (gradient,) = pull(wanted)
                uphill = space.from_model(nd, gradient) * span * wide
                if not step.moves.none:
                    uphill = moved(nd, uphill, back, number, whole=step.moves.whole)
                uphill = prior(uphill)
                peak = nd.max(nd.abs(uphill), (1, 2, 3))
                objective = uphill = uphill / nd.maximum(peak, nd.ones_like(peak) * TINY)
                inside = (images - middle) / span
                if step.l2 > 0:
                    uphill = uphill - step.l2 * inside
                if step.total_variation > 0:
                    uphill = uphill - step.total_variation * variation(nd, inside)
                images = images + step.size * span * wide * uphill
                if step.clamp == "fit":
                    shrink = _size(nd, (images - middle) / reach, objective) / FULL
                    images = middle + (images - middle) / nd.maximum(shrink, nd.ones_like(shrink))
                if step.clamp != "none":
                    images = nd.minimum(nd.maximum(images, low), high)
                column = nd.take(nd.eye(CHUNK, dtype), at, 0)
                trace = trace + nd.reshape(activation, (-1, 1)) * nd.reshape(column, (1, CHUNK))
                return images, trace, nd.maximum(peaks, nd.reshape(peak, (-1,)))

            nothing = views[:, :, 0, 0] * 0
            return backend.loop_over(one, index, (start, nothing, nothing[:, 0]))

        numbers = (space.low.tobytes(), space.high.tobytes())
        together = b"" if space.covariance is None or not step.decorrelate else space.covariance.tobytes()
        key = ("ascend", step, numbers, together, self._key(arguments))
        return self._trace.compiled(key, lambda: self._compile(ascend, _plain(arguments)))


def _plain(arguments: Sequence[Any]) -> list[np.ndarray]:
    """Stand-ins of the same shapes and types, for what is held on the device."""
    return [np.empty(tuple(a.shape), as_array(a).dtype) for a in arguments]


def _size(nd: Arrays, images: Any, gradient: Any) -> Any:
    """Root mean square of images where it matters to what they excite, that is weighted by the gradient's squares."""
    weight = gradient * gradient
    total = nd.sum(weight, (1, 2, 3), keepdims=True)
    return nd.sqrt(
        nd.sum(weight * images * images, (1, 2, 3), keepdims=True) / nd.maximum(total, nd.ones_like(total) * TINY)
    )
