"""What stands where bands are absent: whatever a background image has there, or what the bands that are there allow.

Bands of one pixel tell of each other. Where a missing band comes from another image whatever the others are
("marginal"), spectra come about that no surface has, and what the model makes of them counts as much as all else. With
"conditional" and "nearest", a missing band gets what it would be, given the bands that are there: the question is then
what the output is as long as these alone are known. A band that the model does not use counts if it tells of one that
it does use.

Bands of one input are predicted from each other; those of another input, whose pixels may be others, say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ..data.images import Images
from ..data.options import Option, one_of
from ..data.words import argument
from ..errors import BackgroundError, OptionError
from .conditional import Conditional
from .neighbours import Nearest

MARGINAL = "marginal"
ABSENT = (MARGINAL, "conditional", "nearest")

ABSENT_OPTION = Option(
    MARGINAL,
    "What an absent band is: 'marginal', that of the background whatever the other bands are; 'conditional', what it "
    "would be given the bands that are there, in the pixel and around it (linear, with residuals of the background); "
    "'nearest', that of one of the 5 pixels of the background that are most alike in the bands that are there.",
    one_of(*ABSENT),
)


class Filling(Protocol):
    """A way to fill absent bands that depends on those that are there."""

    def fill(self, images: np.ndarray, references: np.ndarray, present: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Images whose absent bands are filled.

        Parameters
        ----------
        images : ndarray, shape (a, *image shape)
        references : ndarray, shape (a or 1, b, *image shape)
        present : ndarray of bool, shape (a or 1, b or 1, c, cells)
        turns : ndarray of int, shape (b,)
            Number of each reference.

        Returns
        -------
        ndarray, shape (a * b * c, *image shape)
        """
        ...

    def turns(self, m: int, present: np.ndarray) -> int:
        """How many of m references differ in what comes of them, for coalitions as above."""
        ...


def filling_from(absent: str, images: Images, seed: int) -> Filling:
    """Learn from images how their bands depend on each other.

    Parameters
    ----------
    absent : {"conditional", "nearest"}
    images : Images
        The background.
    seed : int
        Of the pixels that are looked at.

    Raises
    ------
    BackgroundError
        If there are too few images.
    """
    if images.n < 2:
        raise BackgroundError(
            f"A single image does not tell how bands depend on each other, which {argument('absent', absent)} needs.",
            expected="two background images or more",
            given="1",
            fix=f"give more images as `background`, or choose {argument('absent', MARGINAL)}",
        )
    if absent == "nearest":
        return Nearest.of(images, seed)
    return Conditional.of(images, seed)


def check_replacement(options: Mapping[str, Any], allowed: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse what can't be made to depend on other bands.

    Parameters
    ----------
    options : mapping
        With `absent` and `replacement`.
    allowed : mapping
        For each of `absent` but "marginal", what bands may be replaced by.

    Raises
    ------
    OptionError
    """
    absent, replacement = options["absent"], options["replacement"]
    if absent != MARGINAL and replacement not in allowed[absent]:
        raise OptionError(
            f"With {argument('absent', absent)} an absent band is filled from the background.",
            expected=argument("replacement", *allowed[absent]),
            given=argument("replacement", replacement),
            fix=f"choose {argument('absent', MARGINAL)}, or another `replacement`",
        )
