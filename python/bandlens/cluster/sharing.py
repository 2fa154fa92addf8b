"""A method's scores, and a model's outputs, from workers: what one process would have found, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..data.images import Images
from ..engine.batching import step_bytes_of
from ..methods import Method, Task
from ..methods.findings import Findings
from ..models.predictor import Predictor
from .blocks import Block, block_of, rows_of
from .carried import carried
from .giving import given_out
from .jobs import Asking, scoring_of, setting_of
from .workers import Workers


def shared_scores(workers: Workers, task: Task, method: Method, model: object, *, maps: bool = False) -> Findings:
    """What `method.scores`, or `method.maps`, finds, computed by workers.

    Parameters
    ----------
    workers : Workers
    task : Task
    method : Method
    model : object
        The model of the task's predictor.
    maps : bool
        Whether it is maps that are asked for.
    """
    budget = workers.step_bytes(task.predictor)
    packed = carried(model)
    with step_bytes_of(budget):
        method.beforehand(task)
        cuts = method.map_cuts(task) if maps else method.cuts(task)
        setting = setting_of(task.predictor, task.every, budget, exchanges=method.exchanges)
    call, n, whole = scoring_of(task, method, setting, maps=maps), task.images.n, setting.every is not None

    def found() -> Findings:
        for answer in given_out(workers, packed, call, cuts, n, lambda window: block_of(task, window, whole=whole)):
            yield from answer.findings
            task.tick(answer.window.stop - answer.window.start)

    return found()


def shared_units(
    workers: Workers, model: object, predictor: Predictor, images: Images, batch_size: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """The model's units for images, computed by workers, see `Predictor.units`."""
    setting = setting_of(predictor, images, workers.step_bytes(predictor))

    def block(window: slice) -> Block:
        return Block(window, None if setting.every is not None else rows_of(images, window, predictor))

    cuts = range(0, images.n, batch_size)
    for answer in given_out(workers, carried(model), Asking(setting, batch_size), cuts, images.n, block):
        yield from answer.findings
