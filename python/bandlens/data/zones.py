"""Of which pixels of an image a class's answer is made, where a model gives scores for every pixel.

What is explained for a class is the mean of its output over a zone: the pixels labelled with the class, those predicted
as it, the whole image, or pixels of the user's choice. The same zone is read on the images that an image is compared
with, so that scores still sum to a difference of outputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import LabelError, OptionError
from .positions import first
from .words import argument, choices, few, nearest, shape_text, shown, type_text

ZONES = ("label", "predicted", "image")
NOTHING = -1


@dataclass(frozen=True)
class Zones:
    """Zones of all images.

    Attributes
    ----------
    labels : ndarray or None
        Of pixels, as `pixel_labels` gives them: a class's zone is where they are of it.
    mask : ndarray of bool, shape (n or 1, pixels), or None
        In their place where all classes have the same zone.
    """

    labels: np.ndarray | None = None
    mask: np.ndarray | None = None

    def of(self, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Zones of some images, each for one class, bool, shape (rows, pixels)."""
        if self.labels is not None:
            several = self.labels.dtype == np.int8
            return self.labels[images, :, classes] == 1 if several else self.labels[images] == classes[:, None]
        assert self.mask is not None
        return self.mask[images if len(self.mask) > 1 else np.zeros_like(images)]


def check_zone(zone: Any, n: int, pixels: tuple[int, ...], *, labelled: bool) -> str | np.ndarray:
    """Which zones are asked for: a name, or the user's own as a bool array (n or 1, pixels).

    Parameters
    ----------
    zone : {None, "label", "predicted", "image"} or array_like
    n : int
    pixels : tuple of int
    labelled : bool
        Whether there are labels.

    Raises
    ------
    OptionError
    """
    if zone is None:
        return "label" if labelled else "predicted"
    if isinstance(zone, str):
        if zone not in ZONES:
            raise OptionError(
                "There is no such zone.",
                expected=f"{choices(ZONES)}, or a mask of shape {shape_text((n, *pixels))}",
                given=shown(zone),
                fix=nearest(zone, ZONES),
            )
        if zone == "label" and not labelled:
            raise OptionError(
                "The zone of a class is where it is labelled, and there are no labels.",
                expected=f"`y`, or zone {choices(ZONES[1:])}",
                given=shown(zone),
            )
        return zone
    mask = np.asarray(zone)
    if mask.shape == pixels:
        mask = mask[None]
    if (
        mask.shape not in ((n, *pixels), (1, *pixels))
        or mask.dtype.kind not in "bui"
        or not np.isin(mask, (0, 1)).all()
    ):
        raise OptionError(
            "`zone` is no mask of the model's outputs.",
            expected=f"true or false for each pixel, shape {shape_text((n, *pixels))} or {shape_text(pixels)}",
            given=f"shape {shape_text(mask.shape)}" + ("" if mask.dtype.kind == "b" else f", {type_text(mask.dtype)}"),
        )
    flat = mask.reshape(len(mask), -1).astype(bool)
    empty = np.flatnonzero(~flat.any(axis=1))
    if empty.size:
        raise OptionError(
            "`zone` holds no pixel of an image.",
            expected="at least one pixel of each image",
            given=f"none of image {empty[0] + first()}",
            fix="explain the other images alone",
        )
    return flat


def pixel_labels(
    y: Any, names: tuple[str, ...], n: int, pixels: tuple[int, ...], ignore: Any = None, *, several: bool = False
) -> np.ndarray:
    """Class of each pixel, int16, shape (n, pixels), -1 where it has no label; see `flags_of` for several classes.

    Parameters
    ----------
    y : array_like
        Class names, or numbers as the caller's language counts them, shape (n, *pixels); or zeros and ones,
        (n, *pixels, classes).
    names : tuple of str
        Of the classes.
    n : int
    pixels : tuple of int
    ignore : object or sequence, optional
        Values of `y` that stand for no class.
    several : bool
        Whether a pixel may have several classes, or none: then 1 where it has one, 0 where not, -1 where it has no
        label, int8, shape (n, pixels, classes).

    Raises
    ------
    LabelError
        If there is not one known label for each pixel.
    """
    given = np.asarray(y)
    ignored = [] if ignore is None else list(ignore) if _is_several(ignore) else [ignore]
    wanted = (n, *pixels)
    if given.shape == (*wanted, 1):
        given = given[..., 0]
    if given.shape == (*wanted, len(names)) and given.dtype.kind in "buif" and np.isin(given, (0, 1)).all():
        return _from_flags(given.reshape(n, -1, len(names)).astype(bool), several)
    if given.shape != wanted:
        raise LabelError(
            "`y` must have one label for each pixel of the model's outputs.",
            expected=f"shape {shape_text(wanted)}, or {shape_text((*wanted, len(names)))} with zeros and ones",
            given=f"shape {shape_text(given.shape)}",
        )
    flat = given.reshape(n, -1)
    codes = _from_texts(flat, names, ignored) if flat.dtype.kind in "OUST" else _from_numbers(flat, names, ignored)
    if not several:
        return codes
    flags, known = flags_of(codes, len(names))
    return np.where(known, flags, NOTHING).astype(np.int8)


def flags_of(labels: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Which classes pixels have, bool, (..., pixels, classes), and whether they have a label, bool, (..., pixels, 1).

    Parameters
    ----------
    labels : ndarray
        As `pixel_labels` gives them.
    n_classes : int
    """
    if labels.dtype == np.int8:
        return labels == 1, labels[..., :1] != NOTHING
    return labels[..., None] == np.arange(n_classes), labels[..., None] != NOTHING


def _from_flags(flags: np.ndarray, several: bool) -> np.ndarray:
    if several:
        return flags.astype(np.int8)
    count = flags.sum(axis=-1)
    if (count > 1).any():
        raise LabelError(
            "`y` has pixels with several classes, and the model tells classes apart.",
            expected="at most one 1 among the classes of a pixel",
            given=f"{int((count > 1).sum())} pixels with more",
        )
    return np.where(count == 1, flags.argmax(axis=-1), NOTHING).astype(np.int16)


def _from_numbers(flat: np.ndarray, names: tuple[str, ...], ignored: list[Any]) -> np.ndarray:
    values = np.unique(flat)
    # what is missing is told apart from what is wrong by `ignore` alone
    missing = np.isnan(values) if _ignores_nan(values, ignored) else np.zeros(len(values), bool)
    left = values[~np.isin(values, ignored) & ~missing]
    wrong = left[~np.isin(left, np.arange(len(names)) + first())]
    if wrong.size:
        raise LabelError(
            "`y` holds labels that the model doesn't have.",
            expected=f"whole numbers from {first()} to {first() + len(names) - 1}",
            given=few(f"{value:g}" for value in wrong.astype(np.float64)),
            fix="name values that stand for no class with `ignore`, such as " + argument("ignore", wrong[-1].item()),
        )
    known = np.isin(flat, left)
    return np.where(known, np.where(known, flat, 0) - first(), NOTHING).astype(np.int16)


def _ignores_nan(values: np.ndarray, ignored: list[Any]) -> bool:
    return values.dtype.kind == "f" and any(isinstance(one, float) and one != one for one in ignored)


def _from_texts(flat: np.ndarray, names: tuple[str, ...], ignored: list[Any]) -> np.ndarray:
    texts, inverse = np.unique(flat.astype(str), return_inverse=True)
    position = {name: at for at, name in enumerate(names)} | {str(one): NOTHING for one in ignored}
    unknown = [str(text) for text in texts if str(text) not in position]
    if unknown:
        raise LabelError(
            "`y` holds labels that are not class names.",
            expected=f"only {few(names)}",
            given=few(unknown),
            fix=nearest(unknown, names, "name what stands for no class with `ignore`"),
        )
    codes = np.array([position[str(text)] for text in texts], np.int16)
    return codes[inverse.reshape(flat.shape)]


def _is_several(ignore: Any) -> bool:
    return isinstance(ignore, Iterable) and not isinstance(ignore, str)
