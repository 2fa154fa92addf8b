"""Arrays of xarray: their axes have names, which say where images, bands and steps in time are, whatever their order.

They are turned so that images come first and bands are where the model has them; nothing is read for that. What lies
along the axes goes along: names of bands, wavelengths, dates, and labels of images with the names of their classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import BandError
from ..labelled import LabelledImages
from ..words import few, quoted
from .arrays import XArray

BANDS = ("band", "bands", "channel", "channels", "wavelength", "wavelengths", "spectral", "variable")
TIMES = ("time", "times", "date", "dates", "t", "step")
PIXELS = ("x", "y", "row", "rows", "col", "cols", "column", "columns", "lat", "latitude", "lon", "longitude")
IMAGES = ("image", "images", "sample", "samples", "patch", "patches", "n", "batch", "chip", "chips", "id", "index")
BAND_NAMES = ("band_name", "band_names", "common_name", "name")
WAVELENGTHS = ("wavelength", "wavelengths", "center_wavelength", "central_wavelength", "wl")
LABELS = ("class", "label", "labels", "target", "land_cover")
CLASSES = ("classes", "class_names", "flag_meanings")
# in nm
UNITS = {
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1.0),
    **dict.fromkeys(("um", "\u00b5m", "\u03bcm", "micrometer", "micrometers", "micrometre", "micron", "microns"), 1e3),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e6),
    **dict.fromkeys(("m", "meter", "metre"), 1e9),
}


@dataclass(frozen=True)
class Layout:
    """Where the model has its bands and its steps in time.

    Attributes
    ----------
    band_axis, time_axis : int or None, or one for each input in a dict or a list
        Or names of axes, which then stay where they are.
    """

    band_axis: Any = -1
    time_axis: Any = None

    def of(self, key: Any) -> Layout:
        """That of one of several inputs, by name or place."""
        return Layout(_of(self.band_axis, key, -1), _of(self.time_axis, key, None))


def _of(value: Any, key: Any, default: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(key, default)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value[key] if isinstance(key, int) and key < len(value) else default
    return value


def numbered(array: Any, name: str, layout: Layout) -> Layout:
    """The layout with numbers for names of axes, once the array is turned."""
    order = axes_of(array, name, layout)
    axes = {key: axis_in(order, axis) if isinstance(axis, str) else axis for key, axis in vars(layout).items()}
    return Layout(**axes)


def described(array: Any, name: str, layout: Layout) -> LabelledImages:
    """An array of xarray, turned, with what it says of itself.

    Parameters
    ----------
    array : xarray.DataArray
    name : str
        For errors.
    layout : Layout

    Returns
    -------
    LabelledImages
        Of an array in memory, of Dask, or of what xarray reads when it is sliced.
    """
    order = axes_of(array, name, layout)
    turned = array if tuple(order) == tuple(array.dims) else array.transpose(*order)
    bands = order[axis_in(order, layout.band_axis)]
    steps = None if layout.time_axis is None else order[axis_in(order, layout.time_axis)]
    labels, classes = _labels(array, order[0])
    return LabelledImages(
        _values(turned),
        y=labels,
        bands=_band_names(array, bands),
        wavelengths=_wavelengths(array, bands),
        classes=classes,
        times=None if steps is None or steps not in array.coords else list(np.asarray(array.coords[steps])),
    )


def axes_of(array: Any, name: str, layout: Layout) -> list[str]:
    """Names of the axes in the order in which a model has them."""
    dims = [str(dim) for dim in array.dims]
    given = {key: axis for key, axis in vars(layout).items() if isinstance(axis, str)}
    for argument, axis in given.items():
        if axis not in dims:
            raise BandError(
                f"`{argument}` names no axis of `{name}`.", expected=few(map(quoted, dims)), given=quoted(axis)
            )
    bands = given.get("band_axis") or next((dim for dim in dims if dim.lower() in BANDS), None)
    steps = given.get("time_axis") or next((dim for dim in dims if dim.lower() in TIMES), None)
    known = [dim for dim in dims if dim in (bands, steps) or dim.lower() in PIXELS]
    images = next((dim for dim in dims if dim.lower() in IMAGES and dim not in (bands, steps)), None)
    if images is None and bands is not None:
        # the only axis that is nothing else
        left = [dim for dim in dims if dim not in known]
        images = left[0] if len(left) == 1 else None
    order = [dim for dim in dims if dim != images]
    if images is not None:
        order = [images, *order]
    for axis, own in ((layout.time_axis, steps), (layout.band_axis, bands)):
        # by the number of an axis the model's is meant; the first holds the images
        if (
            own is not None
            and isinstance(axis, int)
            and -len(dims) < axis < len(dims)
            and axis != 0
            and own != order[0]
        ):
            order.remove(own)
            order.insert(axis % len(dims), own)
    return order


def axis_in(order: Sequence[str], axis: Any) -> int:
    """Position of an axis that is given by number or by name; the last, where there is none of that number."""
    if isinstance(axis, str):
        return list(order).index(axis)
    return int(axis) if isinstance(axis, int | np.integer) and -len(order) <= axis < len(order) else -1


def _values(array: Any) -> Any:
    """What holds the values of an array: in memory, of Dask, or not read yet."""
    if array.chunks is not None:
        return array.data
    # private, but what tells without reading anything
    return array.data if getattr(array.variable, "_in_memory", True) else XArray(array)


def _along(array: Any, dim: str, names: Sequence[str]) -> Any:
    """The first of some coordinates that lies along an axis, alone; its values and its attributes."""
    for name in names:
        for key in array.coords:
            if str(key).lower() == name and tuple(array.coords[key].dims) == (dim,):
                return array.coords[key]
    return None


def _band_names(array: Any, dim: str) -> tuple[str, ...] | None:
    found = _along(array, dim, (dim.lower(), *BAND_NAMES))
    if found is None or np.asarray(found).dtype.kind not in "OUT":
        found = _along(array, dim, BAND_NAMES)
    if found is not None and np.asarray(found).dtype.kind in "OUT":
        return tuple(map(str, np.asarray(found).tolist()))
    # as rioxarray has them
    long = array.attrs.get("long_name")
    if isinstance(long, tuple | list) and len(long) == array.sizes[dim] and len(set(long)) == len(long):
        return tuple(map(str, long))
    return None


def _wavelengths(array: Any, dim: str) -> list[float] | None:
    found = _along(array, dim, WAVELENGTHS)
    if found is not None:
        values, attributes = np.asarray(found), found.attrs
        units = attributes.get("units", attributes.get("unit"))
    else:
        name = next((name for name in WAVELENGTHS if np.size(array.attrs.get(name, ())) == array.sizes[dim]), None)
        if name is None:
            return None
        values, units = np.asarray(array.attrs[name]), array.attrs.get(f"{name}_units")
    if values.dtype.kind not in "iuf":
        return None
    factor = UNITS.get(str(units).strip().lower()) if units is not None else 1.0
    if factor is None:
        raise BandError(
            "The wavelengths of an xarray.DataArray are in a unit that is not known.",
            expected=few(UNITS),
            given=quoted(units),
            fix="give `wavelengths`, in nm",
        )
    return [float(value) * factor for value in values]


def _labels(array: Any, dim: str) -> tuple[np.ndarray | None, Any]:
    """Labels of images, and names of their classes."""
    found = _along(array, dim, LABELS)
    if found is None:
        return None, None
    attributes = {**array.attrs, **found.attrs}
    names = next((attributes[name] for name in CLASSES if name in attributes), None)
    return np.asarray(found), names.split() if isinstance(names, str) else names
