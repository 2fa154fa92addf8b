"""Images that bring along what is known of them: labels, names of bands, an order of bands.

Arrays have no names. Images that come with theirs can be compared with what a model or a background was made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images with their labels and the names of their bands: what functions take as `x`, or as `background`.

    Attributes
    ----------
    x : array_like, shape (n, rows, cols, bands)
    y : array_like, shape (n,), optional
        Taken as `y` where none is given.
    bands : sequence of str, optional
        Names of the bands of `x`, in its order.
    wavelengths : sequence of float, optional
        Of the bands, in nm; taken where none are given.
    classes : sequence of str, optional
        Taken together with `y`.
    times : sequence, optional
        Of the steps in time; taken where none are given.

    Examples
    --------
    >>> import numpy as np
    >>> LabelledImages(np.zeros((5, 3, 3, 2)), y=[0, 0, 1, 1, 1], bands=["red", "nir"])
    <LabelledImages: shape (5, 3, 3, 2), labelled; bands red, nir>
    """

    x: Any
    y: Any = None
    bands: Sequence[str] | None = None
    wavelengths: Sequence[float | None] | None = None
    classes: Sequence[str] | None = None
    times: Sequence[Any] | None = None

    def __repr__(self) -> str:
        labelled = "" if self.y is None else ", labelled"
        bands = "" if self.bands is None else f"; bands {', '.join(map(str, self.bands))}"
        return f"<LabelledImages: shape {np.shape(self.x)}{labelled}{bands}>"


@dataclass(frozen=True, eq=False)
class Ordered:
    """A container of images whose bands are to be read in another order; it is never copied.

    Attributes
    ----------
    source : object
    order : tuple of int
        Where in `source` each band is.
    """

    source: Any
    order: tuple[int, ...]


def named(images: Any, band_axis: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Images without their company, and the names that their bands have, if any."""
    if isinstance(images, LabelledImages):
        inner, found = named(images.x, band_axis)
        return inner, found if images.bands is None else tuple(str(name) for name in images.bands)
    values = _coordinates(images, band_axis)
    return images, tuple(map(str, values.tolist())) if values is not None and values.dtype.kind in "OUT" else None


def steps_of(images: Any, time_axis: Any) -> list[Any] | None:
    """Times along an axis of an xarray.DataArray, if it has any."""
    if isinstance(images, LabelledImages):
        own = None if time_axis is None else images.times
        return steps_of(images.x, time_axis) if own is None else list(own)
    values = _coordinates(images, time_axis)
    return None if values is None else list(values)


def _coordinates(images: Any, axis: Any) -> np.ndarray | None:
    """What an xarray.DataArray has along an axis."""
    axes: Any = getattr(images, "dims", None)
    coordinates: Any = getattr(images, "coords", None)
    if not isinstance(axes, tuple) or not hasattr(coordinates, "keys"):
        return None
    if not isinstance(axis, int | np.integer) or not -len(axes) <= axis < len(axes):
        return None
    if axes[axis] not in coordinates:
        return None
    values = np.asarray(coordinates[axes[axis]])
    return values if values.ndim == 1 else None
