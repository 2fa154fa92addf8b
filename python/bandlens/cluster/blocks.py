"""What workers need to know of a call: once, what all of its blocks have in common; and block by block, the images.

A worker is told of the call as a whole, and computes a window of it, so that whatever depends on how many images there
are, on their positions or on what is about all of them is there as it is in one process. Of the images themselves it
has those of its block; asking for another is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data.images import Images
from ..data.positions import first
from ..data.repeated import repeated
from ..data.zones import Zones
from ..methods import Method, Task
from ..methods.zoned import ZoneSeeds
from ..models.predictor import Predictor

# images by which a worker sees whether it has the same model
TRIED = 3


@dataclass(frozen=True)
class Rows:
    """Some consecutive entries of an array, by their positions in the whole.

    Attributes
    ----------
    rows : ndarray, shape (some, ...)
    start, n : int
        Position of the first of them, and length of the whole.
    """

    rows: np.ndarray
    start: int
    n: int

    def __len__(self) -> int:
        return self.n

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole."""
        return (self.n, *self.rows.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """As of an array."""
        return self.rows.dtype

    def __getitem__(self, index: Any) -> Any:
        along, *others = index if isinstance(index, tuple) else (index,)
        if isinstance(along, slice):
            start, stop, step = along.indices(self.n)
            assert step == 1
            self._check(start, stop)
            along = slice(start - self.start, stop - self.start)
        else:
            at = np.asarray(along)
            if at.size:
                self._check(int(at.min()), int(at.max()) + 1)
            along = along - self.start
        return self.rows[(along, *others)]

    def _check(self, start: int, stop: int) -> None:
        if start < stop and not self.start <= start < stop <= self.start + len(self.rows):
            raise IndexError(f"images {start} to {stop} are not in the block from {self.start} on")


@dataclass(frozen=True)
class Block:
    """What a worker is to compute, and what of.

    Attributes
    ----------
    window : slice
        Rows, see `Task.window`.
    images : Rows or None
        Each image once; None where all images went along with the call.
    labels, mask : Rows or ndarray or None
        Of `Zones`.
    """

    window: slice
    images: Rows | None
    labels: Rows | None = None
    mask: Rows | np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it takes along."""
        return sum(one.rows.nbytes for one in (self.images, self.labels, self.mask) if isinstance(one, Rows))


@dataclass(frozen=True)
class Setting:
    """What a worker makes its predictor of, and in what it is like the session that asks.

    Attributes
    ----------
    output, head, task : str or None
        As for `make_predictor`, and the predictor's.
    layout : Images
        What images are like.
    sample, units : ndarray
        A few of them, and the model's units for these.
    counts_from : int
        In messages, see `bandlens.data.positions`.
    step_bytes : int
        For which steps are cut.
    """

    output: str
    head: str | None
    task: str
    layout: Images
    sample: np.ndarray
    units: np.ndarray
    counts_from: int
    step_bytes: int


@dataclass(frozen=True)
class Scoring:
    """A method's scores of all images.

    Attributes
    ----------
    setting : Setting
    method : Method
    every : ndarray or None
        All images, where the method exchanges bands between them.
    background : ndarray or None
        Images that are used, in the order of the task's `draws`.
    zones : bool
        Whether blocks bring zones.
    fields : mapping
        Of the task, besides.
    """

    setting: Setting
    method: Method
    every: np.ndarray | None
    background: np.ndarray | None
    zones: bool
    fields: Mapping[str, Any]

    def task(self, predictor: Predictor, block: Block) -> Task:
        """The task of a block."""
        layout, dtype = self.setting.layout, predictor.trace.dtype
        every = layout.holding(self.every if block.images is None else block.images)  # type: ignore[arg-type]
        rows, codes, chosen = (self.fields[name] for name in ("row_images", "codes", "image_output"))
        seeds: Any = predictor.weights[chosen]
        if self.zones:
            zones: Any = Zones(block.labels, block.mask)  # type: ignore[arg-type]
            seeds = ZoneSeeds(zones, rows, codes, chosen, predictor.weights, int(np.prod(predictor.pixels)))
        return Task(
            predictor=predictor,
            images=every if rows is None else repeated(every, rows, dtype),
            every=every,
            seeds=seeds,
            background=None if self.background is None else layout.holding(self.background),
            draws=None if self.background is None else np.arange(len(self.background)),
            tick=lambda count: None,
            y=None,
            window=block.window,
            **self.fields,
        )


@dataclass(frozen=True)
class Asking:
    """The model's units for all images.

    Attributes
    ----------
    setting : Setting
    batch_size : int
        Images per step.
    """

    setting: Setting
    batch_size: int


# fields of a task that workers are given as they are
AS_IT_IS = (
    *("statistic", "weights", "batch_size", "seed", "options", "members", "codes", "image_output", "outputs"),
    *("row_images", "known"),
)


def setting_of(predictor: Predictor, images: Images, step_bytes: int) -> Setting:
    """What all blocks of a call have in common, whatever they are asked."""
    dtype = predictor.trace.dtype
    sample = images.take(slice(0, min(images.n, TRIED)), dtype)
    held = images.holding(sample)
    units = np.concatenate([found for _, found in predictor.units(held, len(sample))])
    output = predictor.scale if predictor.scale in ("logit", "probability") else "auto"
    layout = replace(held, source=None)
    return Setting(output, predictor.head, predictor.task, layout, sample, units, first(), step_bytes)


def scoring_of(task: Task, method: Method, setting: Setting) -> Scoring:
    """What workers need to know of a task."""
    dtype = task.predictor.trace.dtype
    background = None
    if task.background is not None:
        assert task.draws is not None
        background = task.background.take(task.draws, dtype)
    every = task.every.take(slice(0, task.every.n), dtype) if method.exchanges else None
    fields = {name: getattr(task, name) for name in AS_IT_IS}
    # labels of pixels are looked at by methods that are not shared out
    fields["truth"] = None if task.predictor.pixels else task.truth
    return Scoring(setting, method, every, background, isinstance(task.seeds, ZoneSeeds), fields)


def block_of(task: Task, method: Method, window: slice) -> Block:
    """A block of a task, with the images that it needs."""
    images = window
    if task.row_images is not None:
        rows = task.row_images[window]
        images = slice(int(rows[0]), int(rows[-1]) + 1)
    labels: Rows | None = None
    mask: Rows | np.ndarray | None = None
    if isinstance(task.seeds, ZoneSeeds):
        zones = task.seeds.zones
        if zones.labels is not None:
            labels = Rows(zones.labels[images], images.start, task.every.n)
        if zones.mask is not None:
            mask = zones.mask if len(zones.mask) == 1 else Rows(zones.mask[images], images.start, task.every.n)
    held = None if method.exchanges else rows_of(task.every, images, task.predictor)
    return Block(window, held, labels, mask)


def rows_of(images: Images, part: slice, predictor: Predictor) -> Rows:
    """Consecutive images, in the dtype in which they are computed, or the one that they have if that is smaller."""
    own, computed = getattr(images.source, "dtype", None), np.dtype(predictor.trace.dtype)
    smaller = isinstance(own, np.dtype) and own.kind in "bui" and own.itemsize < computed.itemsize
    return Rows(images.take(part, own if smaller else computed), part.start, images.n)
