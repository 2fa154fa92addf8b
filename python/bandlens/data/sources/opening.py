"""Whatever holds images, recognised: what `x`, `background` and `y` may be, besides arrays and lists of arrays.

Libraries are recognised by what their objects are, so that none is imported that the user has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ..backgrounds import BackgroundImages
from ..labelled import LabelledImages
from .arrays import Dask
from .described import Layout, described, numbered
from .paths import is_pair, is_path, live_hdf5, live_zarr, open_path, opened_list
from .source import Source
from .streams import Stream, stream_of


def opened(given: Any, name: str = "x", layout: Layout | None = None) -> Any:
    """What holds images, as something that can be sliced; streams are recognised, and not read.

    Parameters
    ----------
    given : object
        Whatever is given as `x` or `background`; what is known already stays what it is.
    name : str
        What it is called in errors.
    layout : Layout, optional
        Where the bands are to be in arrays of xarray, whose axes have names.

    Returns
    -------
    object
        An array, a `Source` or a `Stream`; a dict or a list of such; `LabelledImages` where it knows more of itself.

    Raises
    ------
    BandlensError
        If it can't be opened.
    """
    layout = layout or Layout()
    if isinstance(given, LabelledImages):
        inner = opened(given.x, name, layout)
        if not isinstance(inner, LabelledImages):
            return given if inner is given.x else replace(given, x=inner)
        own = {field: getattr(given, field) for field in ("y", "bands", "wavelengths", "classes", "times")}
        return replace(inner, **{field: value for field, value in own.items() if value is not None})
    if isinstance(given, BackgroundImages):
        inner = opened(given.x, name, layout)
        return given if inner is given.x else replace(given, x=inner)
    if isinstance(given, Mapping):
        return _each(given, {key: opened(one, name, layout.of(key)) for key, one in given.items()})
    if is_pair(given):
        return open_path(given[0], name, given[1])
    if isinstance(given, str | Path):
        return open_path(given, name)
    if isinstance(given, list | tuple):
        found = opened_list(given)
        if found is not None:
            return found
        return _each(given, [opened(one, name, layout.of(at)) for at, one in enumerate(given)])
    return _container(given, name, layout)


def _each(given: Any, found: Any) -> Any:
    """What was given, if nothing of it was opened."""
    values, others = (one.values() if isinstance(one, Mapping) else one for one in (given, found))
    return given if all(mine is own for mine, own in zip(values, others, strict=True)) else found


def numbered_axes(given: Any, layout: Layout) -> Layout:
    """Numbers of axes that are given by the names that an array of xarray has for them."""
    array = given.x if isinstance(given, LabelledImages) else given
    named = any(isinstance(axis, str) for axis in vars(layout).values())
    return numbered(array, "x", layout) if named and ("xarray", "DataArray") in _kinds(array) else layout


def opened_background(given: Any, layout: Layout) -> Any:
    """The same of a background, where a word says how it is chosen from the images."""
    return (
        given
        if given is None or (isinstance(given, str) and not is_path(given))
        else opened(given, "background", layout)
    )


def opened_labels(given: Any) -> Any:
    """Labels in memory; what is no file and no array elsewhere stays what it is.

    Raises
    ------
    BandlensError
        If they can't be opened or read.
    """
    if is_pair(given):
        found: Any = open_path(given[0], "y", given[1])
    elif is_path(given):
        found = open_path(given, "y")
    elif given is None or isinstance(given, np.ndarray | list | tuple | str):
        return given
    elif hasattr(given, "coords") and hasattr(given, "to_numpy"):
        return given.to_numpy()
    else:
        found = _container(given, "y", Layout())
    if isinstance(found, LabelledImages):
        found = found.x
    return found.labels() if isinstance(found, Stream) else found[:] if isinstance(found, Source) else found


def _container(given: Any, name: str, layout: Layout) -> Any:
    if isinstance(given, np.ndarray | Source | Stream) or given is None:
        return given
    kinds = _kinds(given)
    if ("h5py", "Dataset") in kinds:
        return live_hdf5(given)
    if ("zarr", "Array") in kinds:
        return live_zarr(given)
    if ("dask", "Array") in kinds:
        _check_known(given, name)
        return Dask(given)
    if ("xarray", "DataArray") in kinds:
        found = described(given, name, layout)
        inner = _container(found.x, name, layout)
        return found if inner is found.x else replace(found, x=inner)
    stream = None if hasattr(given, "shape") else stream_of(given, name)
    return given if stream is None else stream


def _kinds(given: Any) -> set[tuple[str, str]]:
    """Packages and names of what something is."""
    return {(one.__module__.split(".")[0], one.__name__) for one in type(given).__mro__}


def _check_known(array: Any, name: str) -> None:
    if any(np.isnan(length) for length in array.shape):
        raise InputError(
            f"The number of images in `{name}` is not known to Dask.",
            expected="an array of Dask with a known shape",
            given=f"shape {array.shape}",
            fix=f"{name}.compute_chunk_sizes()",
        )
