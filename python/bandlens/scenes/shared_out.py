"""Blocks of a scene that are computed by the workers of a cluster.

Files are read by the workers, each block by the one that computes it. Of a scene in memory, or of Dask, the values of
a block go along with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..cluster.carried import Carried, brought, carried
from ..cluster.giving import given_out
from ..cluster.jobs import check_same
from ..cluster.workers import Workers
from ..data.positions import counting_from, first
from ..engine.batching import step_bytes_of
from ..explain.windows import window_outputs
from .blocks import region, score_block, score_values
from .grid import Block
from .ground import Values
from .rasters import Files
from .work import BlockScores, SceneWork, Traced


@dataclass(frozen=True)
class SceneBlocks:
    """Some blocks of those that are to be computed, with what the scene holds there, where workers can't read it.

    Attributes
    ----------
    window : slice
        Which of them.
    blocks : sequence of Block
    values : sequence of dict, or None
    """

    window: slice
    blocks: Sequence[Block]
    values: Sequence[Values] | None

    @property
    def nbytes(self) -> int:
        """Bytes that go along."""
        return sum(array.nbytes for values in self.values or () for array in values.values())


@dataclass(frozen=True)
class SceneJob:
    """Work on a scene, as workers need to know it; see `bandlens.cluster.jobs.Job`.

    Attributes
    ----------
    work : SceneWork
        Without arrays.
    windows, answers : dict of ndarray, and ndarray
        Some windows of the scene, and what the model says of them.
    about : str
        A name of the call.
    counts_from, step_bytes : int
    device : str
        As in `Setting`.
    """

    what: ClassVar[str] = "blocks"

    work: SceneWork
    windows: Values
    answers: np.ndarray
    about: str
    counts_from: int
    step_bytes: int
    device: str

    @contextmanager
    def around(self) -> Iterator[None]:
        """As if in the session that asks."""
        with counting_from(self.counts_from), step_bytes_of(self.step_bytes):
            yield

    def made(self, carried: Carried) -> Traced:
        """The model, which is traced once for all blocks."""
        traced = Traced(brought(carried))
        question = self.work.question(traced.model, self.windows)
        same = traced.of(question).explained.backend.device() == self.device
        check_same(window_outputs(question, traced.of(question)).values, self.answers, same)
        return traced

    def answers_of(self, traced: Traced, blocks: SceneBlocks) -> Iterator[tuple[int, BlockScores]]:
        """Scores of blocks, by their places among all."""
        for place, block in enumerate(blocks.blocks):
            if blocks.values is None:
                yield blocks.window.start + place, score_block(traced, self.work, block)
            else:
                yield blocks.window.start + place, score_values(traced, self.work, block, blocks.values[place])


def computed_by(
    workers: Workers,
    model: object,
    work: SceneWork,
    blocks: Sequence[Block],
    windows: Values,
    answers: np.ndarray,
) -> Iterator[tuple[Block, BlockScores]]:
    """Blocks with their scores, in order.

    Parameters
    ----------
    workers : Workers
    model : object
    work : SceneWork
    blocks : sequence of Block
    windows, answers
        As `prepared` gives them.
    """
    question = work.question(model, windows)
    predictor = Traced(model).of(question).explained
    budget = workers.step_bytes(predictor)
    read_there = all(isinstance(raster.source, Files) for raster in work.ground.rasters.values())
    job = SceneJob(work.elsewhere(), windows, answers, uuid.uuid4().hex, first(), budget, predictor.backend.device())

    def some(window: slice) -> SceneBlocks:
        chosen = blocks[window]
        values = None if read_there else [_values(work, block) for block in chosen]
        return SceneBlocks(window, chosen, values)

    for answer in given_out(workers, carried(model), job, range(len(blocks)), len(blocks), some):
        for place, found in answer.findings:
            yield blocks[place], found


def _values(work: SceneWork, block: Block) -> Values:
    """What the scene holds, those of Dask computed."""
    return {name: np.asarray(raw) for name, raw in work.ground.raw(region(work, block)).items()}
