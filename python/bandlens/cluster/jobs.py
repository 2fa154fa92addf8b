"""What workers need to know of a call, once: all that its blocks have in common.

A worker is told of the call as a whole, so that whatever depends on how many images there are, on their positions or on
what is about all of them is there as it is in one process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from ..data.images import Images
from ..data.positions import counting_from, first, spelled
from ..data.repeated import repeated
from ..data.zones import Zones
from ..engine.batching import step_bytes_of
from ..errors import ClusterError
from ..methods import Method, Task
from ..methods.findings import Findings
from ..methods.zoned import ZoneSeeds
from ..models.predictor import Predictor, make_predictor
from .blocks import Block, travels
from .carried import Carried, brought

# images by which a worker sees whether it has the same model
TRIED = 3
# how far outputs may be from those of the session that asks, as a part of how far they spread: the same device gives
# the same bits, but for sums that are cut among another number of threads; other devices round differently, and may
# multiply in fewer bits
ALIKE, ALIKE_ELSEWHERE = 1e-5, 1e-2
# and in steps of floats at the size of the largest, where all outputs are nearly the same
STEPS = 16
# fields of a task that workers are given as they are
AS_IT_IS = (
    *("statistic", "weights", "batch_size", "seed", "options", "members", "zones", "codes", "image_output", "outputs"),
    *("row_images", "known"),
)


class Job(Protocol):
    """What workers are asked; sent once, then answered block by block.

    Attributes
    ----------
    what : str
        That blocks consist of, in the plural.
    """

    what: ClassVar[str]

    @property
    def about(self) -> str:
        """What `made` depends on besides the model, so that it is made once for many calls."""
        ...

    def around(self) -> AbstractContextManager:
        """A context to be in, as if in the session that asks."""
        ...

    def made(self, carried: Carried, /) -> Any:
        """What blocks are answered with, made of the model."""
        ...

    def answers_of(self, made: Any, block: Any, /) -> Iterator[Any]:
        """What there is to say of a block."""
        ...


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
    every : Images or None
        All images, where workers have them: those in files, and those of methods that exchange bands between images.
    counts_from : int
        In messages, see `bandlens.data.positions`.
    step_bytes : int
        For which steps are cut.
    device : str
        What computes there.
    """

    output: str
    head: str | None
    task: str
    layout: Images
    sample: np.ndarray
    units: np.ndarray
    every: Images | None
    counts_from: int
    step_bytes: int
    device: str

    @property
    def about(self) -> str:
        """What the predictor depends on besides the model."""
        return f"{self.output} {self.head} {self.task} {self.layout.cells}"

    @contextmanager
    def around(self) -> Iterator[None]:
        """As if in the session that asks."""
        with counting_from(self.counts_from), step_bytes_of(self.step_bytes):
            yield

    def predictor(self, carried: Carried) -> tuple[Any, Predictor]:
        """The model, and it traced here, seen to be the same as where the call was made.

        Both are to be kept: the trace does not keep the model alive.

        Raises
        ------
        ClusterError
            If it gives other outputs.
        """
        sample = self.layout.holding(self.sample)
        model = brought(carried)
        made = make_predictor(model, sample, self.output, head=self.head)
        predictor = replace(made, task=self.task)
        units = np.concatenate([found for _, found in predictor.units(sample, sample.n)])
        check_same(units, self.units, predictor.backend.device() == self.device)
        return model, predictor

    def images(self, block: Block) -> Images:
        """Each image once, of which those of the block are there."""
        if block.images is None:
            assert self.every is not None
            return self.every
        return self.layout.holding(block.images)  # type: ignore[arg-type]


@dataclass(frozen=True)
class OfImages:
    """What is asked of images in a setting."""

    what: ClassVar[str] = "images"

    setting: Setting

    @property
    def about(self) -> str:
        """What the predictor depends on besides the model."""
        return self.setting.about

    def around(self) -> AbstractContextManager:
        """As if in the session that asks."""
        return self.setting.around()

    def made(self, carried: Carried) -> tuple[Any, Predictor]:
        """What blocks are answered with."""
        return self.setting.predictor(carried)


@dataclass(frozen=True)
class Scoring(OfImages):
    """A method's scores of all images.

    Attributes
    ----------
    setting : Setting
    method : Method
    background : ndarray or None
        Images that are used, in the order of the task's `draws`.
    zones : bool
        Whether blocks bring zones.
    maps : bool
        Whether it is maps that are asked for.
    fields : mapping
        Of the task, besides.
    """

    method: Method
    background: np.ndarray | None
    zones: bool
    maps: bool
    fields: Mapping[str, Any]

    def answers_of(self, made: tuple[Any, Predictor], block: Block) -> Findings:
        """What the method finds."""
        task = self.task(made[1], block)
        return self.method.scores(task) if not self.maps else self.method.maps(task)  # type: ignore[misc]

    def task(self, predictor: Predictor, block: Block) -> Task:
        """The task of a block."""
        layout, dtype = self.setting.layout, predictor.trace.dtype
        every = self.setting.images(block)
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
class Asking(OfImages):
    """The model's units for all images.

    Attributes
    ----------
    setting : Setting
    batch_size : int
        Images per step.
    """

    batch_size: int

    def answers_of(self, made: tuple[Any, Predictor], block: Block) -> Iterator[tuple[slice, np.ndarray]]:
        """The model's units."""
        return made[1].units(self.setting.images(block), self.batch_size, span=block.window)


def setting_of(predictor: Predictor, images: Images, step_bytes: int, *, exchanges: bool = False) -> Setting:
    """What all blocks of a call have in common, whatever they are asked; `exchanges` as of a method."""
    dtype = predictor.trace.dtype
    sample = images.take(slice(0, min(images.n, TRIED)), dtype)
    held = images.holding(sample)
    units = np.concatenate([found for _, found in predictor.units(held, len(sample))])
    output = predictor.scale if predictor.scale in ("logit", "probability") else "auto"
    layout = replace(held, source=None)
    every = images if travels(images) else None
    if exchanges and every is None:
        every = images.holding(images.take(slice(0, images.n), dtype))
    return Setting(
        output, predictor.head, predictor.task, layout, sample, units, every, first(), step_bytes,
        predictor.backend.device(),
    )  # fmt: skip


def scoring_of(task: Task, method: Method, setting: Setting, *, maps: bool = False) -> Scoring:
    """What workers need to know of a task; `maps` if it is maps that are asked for."""
    dtype = task.predictor.trace.dtype
    background = None
    if task.background is not None:
        assert task.draws is not None
        background = task.background.take(task.draws, dtype)
    fields = {name: getattr(task, name) for name in AS_IT_IS}
    # labels of pixels are looked at by methods that are not shared out
    fields["truth"] = None if task.predictor.pixels else task.truth
    return Scoring(setting, method, background, isinstance(task.seeds, ZoneSeeds), maps, fields)


def check_same(given: np.ndarray, expected: np.ndarray, one_device: bool) -> None:
    """Refuse a model that gives other outputs here than where the call was made, on one kind of device or another.

    Raises
    ------
    ClusterError
    """
    apart = float(np.abs(given - expected).max()) if given.shape == expected.shape else np.inf
    most = float(np.ptp(expected)) * (ALIKE if one_device else ALIKE_ELSEWHERE)
    if apart > max(most, STEPS * float(np.spacing(np.abs(expected).max().astype(np.float32)))):
        raise ClusterError(
            "The model is not the same on a worker: for the first images it gives other outputs.",
            expected=f"outputs of shape {expected.shape}, {_few(expected)}",
            given=f"shape {given.shape}, {_few(given)}, up to {apart:.2g} apart",
            fix="see that it is the same after it was saved and loaded: "
            + spelled("keras.saving.load_model()", "keras3::load_model()"),
        )


def _few(units: np.ndarray) -> str:
    return "beginning with " + ", ".join(f"{value:.4g}" for value in units.ravel()[:3])
