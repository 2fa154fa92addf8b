"""What is read of images while bands are taken from them, part by part of the images; by workers, where there are any.

Parts are cut in the same way whoever computes them, so that curves don't depend on that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..cluster.carried import carried
from ..cluster.giving import given_out
from ..cluster.jobs import OfImages, setting_of
from ..cluster.workers import workers
from ..data.images import Images
from ..engine.batching import step_bytes, step_bytes_of
from ..methods.filling import Filling
from ..methods.mixtures import Mixing, mixed
from ..models.predictor import Predictor
from .followed import Followed


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one class that are computed together.

    Attributes
    ----------
    rows : ndarray of int64, shape (some,)
    code : int
        Their class.
    batch : ndarray, shape (some, *image shape)
    references : ndarray, shape (some, draws, *image shape)
        What removed bands are replaced by.
    """

    rows: np.ndarray
    code: int
    batch: np.ndarray
    references: np.ndarray


@dataclass(frozen=True, eq=False)
class Parts:
    """Some consecutive parts, as a worker is given them."""

    window: slice
    parts: Sequence[Part]

    @property
    def nbytes(self) -> int:
        """Bytes that they take along."""
        return sum(part.batch.nbytes + part.references.nbytes for part in self.parts)


@dataclass(frozen=True, eq=False)
class Removal:
    """Which bands are removed, and what is followed.

    Attributes
    ----------
    followed : Followed
    members : ndarray of bool, shape (features, bands)
    gone : dict of ndarray of bool, shape (orders, steps, features)
        What is removed in each order after each step, by class.
    size : int
        Most mixtures per compiled step.
    filling : Filling or None
        What removed bands are filled by, where it depends on those that are left.
    """

    followed: Followed
    members: np.ndarray
    gone: Mapping[int, np.ndarray]
    size: int
    filling: Filling | None

    def measured(self, layout: Images, part: Part) -> np.ndarray:
        """Measures of the rows of a part, shape (measures, some, orders, steps); `layout` is what images are like."""
        followed, gone = self.followed, self.gone[part.code]
        masks, inverse = np.unique(gone.reshape(-1, gone.shape[-1]), axis=0, return_inverse=True)

        def read(units: np.ndarray, at: slice) -> np.ndarray:
            return followed.read(units, part.rows[at], part.code)

        mixing = Mixing(followed.predictor, layout.holding(part.batch), self.members, self.size, self.filling)
        width = len(followed.measures)
        found = mixed(mixing, read, width, part.batch, part.references, ~masks, positions=part.rows, mean=True)
        found = np.moveaxis(found[:, 0], -1, 0)[:, :, inverse.reshape(-1)]
        return found.reshape(*found.shape[:2], *gone.shape[:2])


@dataclass(frozen=True)
class Removing(OfImages):
    """A removal, as workers need to know it.

    Attributes
    ----------
    setting : Setting
    removal : Removal
        Without the predictor, which each of them makes.
    """

    what: ClassVar[str] = "parts of the images"

    removal: Removal

    def answers_of(self, made: tuple[Any, Predictor], block: Parts) -> Iterator[tuple[int, np.ndarray]]:
        """Measures of parts, by their places among all."""
        removal = replace(self.removal, followed=replace(self.removal.followed, predictor=made[1]))
        for place, part in enumerate(block.parts, block.window.start):
            yield place, removal.measured(self.setting.layout, part)


def images_at_once(predictor: Predictor) -> int:
    """Images of a step that whoever computes has the memory for."""
    team = workers()
    with step_bytes_of(step_bytes(predictor.backend) if team is None else team.step_bytes(predictor)):
        return predictor.images_per_batch


def measures_of(
    model: object,
    removal: Removal,
    images: Images,
    cut: Sequence[tuple[np.ndarray, int]],
    part_of: Callable[[np.ndarray, int], Part],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and their measures, part by part.

    Parameters
    ----------
    model : object
    removal : Removal
    images : Images
        Of the rows.
    cut : sequence of (ndarray, int)
        Rows and class of each part.
    part_of : callable
        From these to the part.
    """
    team = workers()
    if team is None:
        for rows, code in cut:
            yield rows, removal.measured(images, part_of(rows, code))
        return
    predictor = removal.followed.predictor
    setting = setting_of(predictor, images, team.step_bytes(predictor))
    plain = replace(removal.followed, predictor=None, agreement=None)  # type: ignore[arg-type]  # see `Removing`

    def block(window: slice) -> Parts:
        return Parts(window, [part_of(*one) for one in cut[window]])

    job = Removing(setting, replace(removal, followed=plain))
    for answer in given_out(team, carried(model), job, range(len(cut)), len(cut), block):
        for place, found in answer.findings:
            yield cut[place][0], found
