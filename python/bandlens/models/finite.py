"""Outputs and scores that are not finite: named by the first image that gives one, before a table is made of them.

A logarithm of a negative number, 0/0 or the root of 0 inside a model makes NaN of some images only. Comparisons and
maxima then hide it, so that tables look sound; nothing that comes after would tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.positions import first, spelled
from ..data.words import argument, few, number_text
from ..errors import ModelError

Positions = slice | np.ndarray

# bands that a message names
MOST_NAMED = 8

GUARD = "guard its logarithms, ratios and roots (a small constant, a maximum)"


def check_outputs(outputs: np.ndarray, images: str = "`x`", positions: Positions | None = None) -> None:
    """Refuse outputs that are not finite.

    Parameters
    ----------
    outputs : ndarray, shape (n, outputs)
    images : str
        What the images are called.
    positions : slice or ndarray of int, shape (n,), optional
        Where they are in there; by default they are all.

    Raises
    ------
    ModelError
        It names the first image.
    """
    if np.isfinite(outputs).all():
        return
    row, output = (int(at) for at in np.argwhere(~np.isfinite(outputs))[0])
    raise ModelError(
        f"The model's output is not finite for an image in {images}.",
        expected="finite outputs for all images",
        given=f"{number_text(outputs[row, output])} for image {_named(row, positions)}, output {output + first()} "
        f"(counted from {first()})",
        fix=f"drop such images, or mend the model: {GUARD}; "
        f"for a class that is switched off use a large negative number, not {spelled('-inf', '-Inf')}",
    )


def at(positions: Positions, part: slice) -> Positions:
    """Some of several positions."""
    if isinstance(positions, slice):
        return slice(positions.start + part.start, positions.start + part.stop)
    return positions[part]


def check_mixture(units: np.ndarray, image: int, positions: Positions, replaced: Sequence[str] | None) -> None:
    """Refuse outputs that are not finite for an image of which parts were replaced.

    Parameters
    ----------
    units : ndarray
        Outputs for one such image.
    image : int
        Which of the images at `positions` it was made of.
    positions : slice or ndarray of int
    replaced : sequence of str or None
        Its bands that were replaced, by position; None where pixels were.

    Raises
    ------
    ModelError
        It names the image and the bands.
    """
    if np.isfinite(units).all():
        return
    what = "pixels"
    if replaced is not None:
        what = f"band{'s' * (len(replaced) > 1)} {few(replaced, MOST_NAMED)}"
    raise ModelError(
        "The model's output is not finite when bands of an image are replaced.",
        expected="finite outputs for all images that the method makes",
        given=f"{number_text(units[~np.isfinite(units)][0])} for image {_named(image, positions)} with its {what} "
        f"replaced (counted from {first()})",
        fix=f"mend the model: {GUARD}; or replace bands by values with which it is defined, by another `background` "
        "or `replacement`",
    )


def check_finite(values: np.ndarray, positions: slice, label: str, *, differentiates: bool) -> None:
    """Refuse scores that are not finite.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
        Scores or attributions.
    positions : slice
        Of the images in `x`.
    label : str
        The method's name.
    differentiates : bool
        Whether it uses derivatives of the model.

    Raises
    ------
    ModelError
        It names the first image.
    """
    finite = np.isfinite(values)
    if finite.all():
        return
    row = int(np.argwhere(~finite)[0, 0])
    given = f"image {_named(row, positions)} (counted from {first()})"
    if differentiates:
        raise ModelError(
            f"{label} is not finite for an image in `x`: the model's output or its derivative is not finite there, "
            "or at images that the method makes of it.",
            expected="an output and a derivative that are finite at these images, between them and the background, "
            "and with noise",
            given=given,
            fix=f"mend the model: {GUARD}; or use a method that only asks for outputs, such as "
            f"{argument('method', 'occlusion')}; where noise leads there, less of it (`noise_level`)",
        )
    raise ModelError(
        f"{label} is not finite for an image in `x`, though the model's outputs are.",
        expected="values inside the model that are finite, and far from overflow",
        given=given,
        fix=f"mend the model: {GUARD}; or use a method that only asks for outputs, such as "
        f"{argument('method', 'occlusion')}",
    )


def _named(row: int, positions: Positions | None) -> int:
    """What people call the image at a row."""
    if positions is None:
        return row + first()
    return int(positions.start + row if isinstance(positions, slice) else positions[row]) + first()
