"""What a method answers to a call, or to as much of it as there was time for, and the result that is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..data.options import plain
from ..methods import Task
from ..methods.findings import DrawErrors, Fit, Found, ScoreErrors, Scores
from ..methods.kinds import MetricMethod
from ..methods.reduction import SIGNED
from ..results.importance import BandImportance
from .calls import Call
from .gathering import Watch, gathered
from .part import part_of, positions_of
from .selfcheck import Measured
from .shared_out import scores_of


class Answered(NamedTuple):
    """A call, what its method was given, and what it found.

    Attributes
    ----------
    call : Call
        Of the rows that were finished, where not all were.
    task : Task
    values : tuple of ndarray, shape (n, k)
        What is explained, and from where scores are counted.
    found : Found
    images : ndarray of int64, or None
        Image of each row, where it is not the one at its place.
    asked : int
        Rows that were to be computed.
    """

    call: Call
    task: Task
    values: tuple[np.ndarray, np.ndarray]
    found: Found
    images: np.ndarray | None
    asked: int

    @property
    def scores(self) -> np.ndarray:
        """Band scores of all rows; NaN where a metric was looked at as a whole."""
        if Scores in self.found:
            return self.found[Scores]
        return np.full((*self.call.targets.image_output.shape, len(self.call.features.names)), np.nan)

    @property
    def rows(self) -> int:
        """Rows that were finished."""
        return self.call.images.n


def answered(
    call: Call, tick: Callable[[int], None], watch: Watch | None = None, images: np.ndarray | None = None
) -> Answered:
    """Let the method answer.

    Parameters
    ----------
    call : Call
    tick : callable
        Told how many rows were finished.
    watch : Watch, optional
        Who may be content with the rows that are finished.
    images : ndarray of int64, optional
        Image of each row, where it is not the one at its place.
    """
    watch, asked, deferred = watch or Watch(), call.images.n, call.targets.deferred
    task = call.task(watch.hearing(tick))
    # before much is computed, as an output may not be finite
    values = None if deferred else call.method.values(task)
    found = gathered(call, scores_of(call, task), watch)
    if deferred:
        call = call.completed()
    done = found.finished
    if watch.ended and len(done) < asked:
        images = positions_of(call, done) if images is None else images[done]
        found, call = found.of(done), part_of(call, done)
    if values is None or call.images.n < asked:
        task = call.task(tick)
        values = call.method.values(task)
    return Answered(call, task, values, found, images, asked)


def result_of(
    answer: Answered, measured: Measured | None, seconds: float, precision: float | None = None
) -> BandImportance:
    """The result, of plain arrays."""
    call, task, found = answer.call, answer.task, answer.found
    metric, comparison = call.method if isinstance(call.method, MetricMethod) else None, call.comparison
    result = BandImportance(
        scores=answer.scores,
        image_class=call.targets.codes,
        prediction=call.targets.predictions,
        image_output=call.targets.image_output,
        output_values=answer.values[0],
        base_values=answer.values[1],
        band_means=call.features.mean(task.band_means),
        classes=call.classes,
        outputs=call.outputs,
        bands=call.features.names,
        wavelengths=tuple(call.features.mean(np.array(call.wavelengths)).tolist()),
        method=call.method.name,
        statistic=call.statistic,
        output=call.predictor.scale if metric is None else metric.scale(task),
        signed=SIGNED[call.statistic],
        residuals=None if measured is None else measured.residuals,
        cancellations=None if measured is None else measured.cancellations,
        **call.truth,
        score_errors=found.get(ScoreErrors),
        draw_errors=found.get(DrawErrors),
        local_fit=found.get(Fit),
        drops=found.drops,
        directed=call.method.directed,
        balanced=metric is not None and metric.balanced(call.options),
        groups=call.features.groups,
        zone_bands=call.features.zone_bands,
        background=None if comparison is None else comparison.positions,
        background_source=call.background_source,
        options=plain(call.options),
        seed=call.seed,
        image_bands=call.image_bands,
        inputs=call.features.inputs,
        times=call.features.times,
        time_kind=call.features.time_kind,
        background_strata=call.strata,
        background_strategy=None if comparison is None else comparison.strategy,
        background_weights=None if comparison is None else comparison.weights,
        # of what was not drawn, they tell nothing
        **(found.pairs() if comparison is None or comparison.sampled else {}),
        precision=precision,
        model=call.predictor.name,
        versions=call.predictor.versions,
        seconds=seconds,
    )
    return result if answer.images is None else replace(result, images=answer.images)
