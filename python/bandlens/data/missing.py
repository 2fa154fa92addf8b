"""Values that are missing, in the containers that have a way of their own to say so.

The mask of a masked array (which netCDF4, rasterio and others give) is lost when the array is converted, and its fill
value, -9999 for one, would be explained like any other number. pandas' NA and None have no number at all. Numbers that
are not finite are looked for here, too, and values that a file declares to be no data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .positions import first, spelled
from .sources import Source
from .words import number_text, shown

BATCH_BYTES = 1 << 25
_NAMES = ("NAType", "NaTType", "MaskedConstant")


def check_masked(source: Any, shape: tuple[int, ...], band_axis: int, name: str) -> None:
    """Refuse masked values.

    Parameters
    ----------
    source : array_like or list of array_like
        Images, in whatever holds them.
    shape : tuple of int
        Of all of them, (n, *image shape).
    band_axis : int
    name : str

    Raises
    ------
    InputError
        It counts them, and names the first.
    """
    count, place = 0, None
    for start, mask in _masks(source, shape):
        count += int(mask.sum())
        if place is None and mask.any():
            image, *axes = np.unravel_index(int(mask.argmax()), mask.shape)
            place = start + int(image) + first(), int(axes[band_axis - 1]) + first()
    if place is None:
        return
    total = int(np.prod(shape))
    raise InputError(
        f"`{name}` holds masked values, which are missing.",
        expected="finite numbers everywhere",
        given=f"{count} masked of {total} values, the first in image {place[0]}, band {place[1]} "
        f"(counted from {first()})",
        fix=f"fill them with values that the model knows, {name}.filled(...), or drop those images before the call",
    )


def check_finite(source: Any, shape: tuple[int, ...], dtype: np.dtype, band_axis: int, name: str) -> None:
    """Refuse values that are not finite, or declared to be none, in one pass, before anything is computed.

    Parameters
    ----------
    source, shape, band_axis, name
        As for `check_masked`.
    dtype : dtype
        Of the images.

    Raises
    ------
    InputError
        It names the first.
    """
    missing = source.missing if isinstance(source, Source) else None
    if dtype.kind in "bui" and missing is None:
        return
    n, *one = shape
    size = max(1, BATCH_BYTES // (int(np.prod(one)) * max(dtype.itemsize, 4)))
    for start in range(0, n, size):
        batch = np.asarray(_peek(source, slice(start, min(start + size, n))))
        if missing is not None:
            _check_present(batch, missing, start, band_axis, name)
        if np.isfinite(batch).all():
            continue
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(batch))[0])
        # R's NA arrives as NaN
        value = spelled("nan", "NA or NaN") if np.isnan(batch[where]) else number_text(batch[where])
        raise InputError(
            f"`{name}` holds values that are not finite.",
            expected="finite numbers everywhere",
            given=f"{value} in {_place(where, start, band_axis)}",
            fix="fill missing pixels or drop those images before the call",
        )


def _check_present(batch: np.ndarray, missing: float, start: int, band_axis: int, name: str) -> None:
    """Refuse a value that stands for no value, as the file says."""
    where = batch == missing
    if not where.any():
        return
    place = tuple(int(i) for i in np.argwhere(where)[0])
    raise InputError(
        f"`{name}` holds pixels without data.",
        expected="numbers everywhere",
        given=f"{number_text(missing)}, which the file declares to be no data, in {_place(place, start, band_axis)}",
        fix="fill missing pixels or drop those images before the call",
    )


def _place(where: tuple[int, ...], start: int, band_axis: int) -> str:
    return f"image {first() + start + where[0]}, band {first() + where[band_axis]} (counted from {first()})"


def _peek(source: Any, part: slice) -> Any:
    """A view of some images where the container can give one."""
    if isinstance(source, Sequence):
        return np.stack(source[part])
    return source[part]


def describe_missing(values: Any) -> str:
    """How many objects in an array are missing, and where the first is; nothing if none is."""
    array = np.asarray(values, dtype=object)
    missing = np.fromiter((_is_missing(value) for value in array.flat), bool, array.size)
    if not missing.any():
        return ""
    place = [int(at) + first() for at in np.unravel_index(int(missing.argmax()), array.shape)]
    return f", with {int(missing.sum())} missing of {array.size}, the first at {shown(place)} (counted from {first()})"


def _masks(source: Any, shape: tuple[int, ...]) -> Iterator[tuple[int, np.ndarray]]:
    """Masks of images in batches, each with the position of its first image; nothing where there can be none."""
    n, *one = shape
    size = max(1, BATCH_BYTES // int(np.prod(one)))
    if isinstance(source, list | tuple):
        for number, item in enumerate(source):
            if np.ma.getmask(item) is not np.ma.nomask:
                yield number, np.ma.getmaskarray(item)[None]
    elif isinstance(source[:1], np.ma.MaskedArray):
        for start in range(0, n, size):
            mask = np.ma.getmask(source[start : start + size])
            if mask is not np.ma.nomask:
                yield start, np.asarray(mask)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in _NAMES:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
