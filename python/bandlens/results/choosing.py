"""Which images of a result are meant: positions, a mask or a slice, each image once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ..data.positions import first
from ..data.tasks import MULTILABEL, SEGMENTATION
from ..data.words import few, flags, quoted, shape_text
from ..errors import OptionError, ResultError

# an image may have several rows: one for each of its classes
SEVERAL_ROWS = (MULTILABEL, SEGMENTATION)


class Scored(Protocol):
    """What is asked of a result here."""

    @property
    def scores(self) -> np.ndarray:
        """Of each row."""

    @property
    def images(self) -> np.ndarray | None:
        """Image of each row, where it is not the one at its place."""

    @property
    def task(self) -> str | None:
        """What the outputs stand for."""

    @property
    def drops(self) -> np.ndarray | None:
        """Falls of a metric, where images have no scores."""

    @property
    def method(self) -> str:
        """The method's name."""


def refuse_drops(results: Sequence[Scored], what: str) -> None:
    """Refuse results whose images have no scores of their own."""
    if any(result.drops is not None for result in results):
        raise ResultError(
            f"The result can't be {what}: its images have no scores of their own.",
            expected="a method that scores each image",
            given=f"method {quoted(results[0].method)} with a metric that is computed for a class at once",
            fix="compute it anew, for the images that you want",
        )


def positions(images: Any, n: int) -> np.ndarray:
    """Positions of images that are given as positions, a mask or a slice."""
    if isinstance(images, slice):
        chosen = np.arange(n)[images]
    else:
        given = np.atleast_1d(np.asarray(images))
        if given.dtype == bool and given.shape == (n,):
            chosen = np.flatnonzero(given)
        elif given.ndim == 1 and (given.dtype.kind in "iu" or given.size == 0):
            chosen = given.astype(np.int64)
        else:
            raise OptionError(
                "`images` does not say which images to take.",
                expected=f"positions from {first()} to {n - 1 + first()}, a slice, or {n} times {flags()}",
                given=f"{given.dtype} of shape {shape_text(given.shape)}",
            )
    beyond = chosen[(chosen < -n) | (chosen >= n)]
    if len(beyond):
        raise OptionError(
            "There are no such images.",
            expected=f"positions from {first()} to {n - 1 + first()}",
            given=few(beyond + first()),
        )
    chosen = chosen % n
    values, counts = np.unique(chosen, return_counts=True)
    if (counts > 1).any():
        raise OptionError(
            "Images are taken more than once, which would make the intervals too narrow.",
            expected="each image at most once",
            given=f"several times {few(values[counts > 1] + first())}",
        )
    if not len(chosen):
        raise OptionError("No image is left.", expected="at least one image", given="none")
    return chosen


def chosen_rows(result: Scored, images: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows of the images that are meant, and the image of each; None where it is the one at its place.

    Images that may have several rows are meant by their numbers, and numbered anew. Images with a row each, which were
    chosen from more, are meant by their places among the chosen ones, and keep the numbers that they have among all.
    """
    if result.images is not None and result.task in SEVERAL_ROWS:
        return _rows_of(positions(images, int(result.images.max()) + 1), result.images)
    rows = positions(images, len(result.scores))
    return rows, None if result.images is None else result.images[rows]


def _rows_of(chosen: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of some images, in the order of these, and which of them each is about.

    Raises
    ------
    OptionError
        If none of them has a row.
    """
    found = [np.flatnonzero(images == image) for image in chosen]
    rows = np.concatenate(found)
    if not len(rows):
        raise OptionError(
            "The images that are taken were not explained.",
            expected="images with a label or a class",
            given=f"{len(chosen)} without any",
        )
    return rows, np.repeat(np.arange(len(chosen)), [len(one) for one in found])
