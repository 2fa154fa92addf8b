"""Paths of files: which of them hold images, and what reads them.

`.h5` and `.hdf5` by h5py, which comes with Keras; `.zarr` by zarr; `.npy`; `.tif` by rasterio, one image or several. In
a file of several arrays, the one that is meant is named behind a colon, "scenes.h5:/train/x", or beside, as a pair.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import InputTypeError, MissingPackageError, SourceError
from ..labelled import LabelledImages
from ..words import few, nearest, quoted, shape_text
from .arrays import HDF5, Zarr
from .raw import open_npy
from .source import in_words
from .stamps import Stamp
from .tiffs import Tiffs

HDF5_NAMES, ZARR_NAMES, NPY_NAMES, TIFF_NAMES = ("h5", "hdf5"), ("zarr",), ("npy",), ("tif", "tiff")
NAMES = (*HDF5_NAMES, *ZARR_NAMES, *NPY_NAMES, *TIFF_NAMES)
_PATTERN = re.compile(rf"(?P<path>.*\.(?P<kind>{'|'.join(NAMES)}))/?(?::(?P<key>.+))?$", re.IGNORECASE | re.DOTALL)


def is_path(given: Any) -> bool:
    """Whether something is a text or a path that names a file of images, not a word."""
    return isinstance(given, Path) or (isinstance(given, str) and _PATTERN.match(given) is not None)


def is_pair(given: Any) -> bool:
    """Whether something is a file and the name of an array in it."""
    if not isinstance(given, tuple | list) or len(given) != 2 or not is_path(given[0]):
        return False
    return isinstance(given[1], str) and not is_path(given[1])


def open_path(given: str | Path, name: str, key: str | None = None) -> Any:
    """What a file holds: a `Source`, an array, or `LabelledImages` where it names its bands.

    Parameters
    ----------
    given : str or Path
        Perhaps with the name of an array behind a colon; of GeoTIFFs, perhaps with wildcards.
    name : str
        What it is given as, for errors.
    key : str, optional
        Name of the array.

    Raises
    ------
    InputTypeError
        If it is no file of a kind that is read.
    SourceError
        If there is no such file, or not the one array that is meant in it.
    MissingPackageError
        If what reads it is missing.
    """
    found = _PATTERN.match(os.path.expanduser(os.fspath(given)))
    if found is None:
        raise InputTypeError(
            f"`{name}` is no file of a kind that is read.",
            expected=few(f"*.{one}" for one in NAMES),
            given=quoted(given),
            fix="give what you read it with: arrays, h5py, zarr, Dask, xarray and streams are taken",
        )
    path, kind, key = found["path"], found["kind"].lower(), key or found["key"]
    if kind in TIFF_NAMES:
        several = glob.has_magic(path) and not os.path.exists(path)
        return open_tiffs(sorted(glob.glob(path)) or [path] if several else [path])
    if "://" not in path:
        Stamp.of(path)
    if kind in NPY_NAMES:
        return open_npy(path)
    return _open_hdf5(path, key, name) if kind in HDF5_NAMES else _open_zarr(path, key, name)


def open_tiffs(paths: Sequence[str | Path]) -> LabelledImages:
    """GeoTIFFs, one image each."""
    found = Tiffs([os.path.expanduser(os.fspath(path)) for path in paths])
    return LabelledImages(found, bands=found.bands)


def live_hdf5(dataset: Any) -> HDF5:
    """A data set that is open."""
    path = dataset.file.filename
    return HDF5(dataset, path if isinstance(path, str) else os.fsdecode(path))


def live_zarr(array: Any) -> Zarr:
    """An array of zarr that is open."""
    store = array.store
    root = next((getattr(store, name) for name in ("root", "path", "dir_path") if hasattr(store, name)), None)
    root = root() if callable(root) else root
    key = str(getattr(array, "path", "") or "")
    here = isinstance(root, str | Path) and os.path.isdir(os.path.join(root, key))
    path = os.path.join(root, key).rstrip(os.sep) if here else None  # type: ignore[arg-type]
    return Zarr(array, path, "" if here else key)


def _open_hdf5(path: str, key: str | None, name: str) -> HDF5:
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise SourceError(f"The file '{path}' can't be read.", given=in_words(error)) from error
    arrays: dict[str, Any] = {}
    file.visititems(lambda key, one: arrays.update({f"/{key}": one}) if isinstance(one, h5py.Dataset) else None)
    return HDF5(_chosen(arrays, key, path, name), path)


def _open_zarr(path: str, key: str | None, name: str) -> Zarr:
    try:
        import zarr
    except ImportError as error:
        raise MissingPackageError(
            "Images in a zarr need the Python package zarr.", fix="pip install 'bandlens[zarr]'"
        ) from error
    try:
        found = zarr.open(path, mode="r")
    except Exception as error:  # a kind of its own for each thing that may be wrong, in every version
        raise SourceError(f"The zarr '{path}' can't be read.", given=in_words(error)) from error
    if isinstance(found, zarr.Array):
        return live_zarr(found)
    arrays: dict[str, Any] = {}
    _collect(found, "", arrays)
    return live_zarr(_chosen(arrays, key, path, name))


def _collect(group: Any, prefix: str, arrays: dict[str, Any]) -> None:
    """All arrays of a group of zarr and those inside it, by name."""
    arrays.update({f"{prefix}/{key}": one for key, one in group.arrays()})
    for key, one in group.groups():
        _collect(one, f"{prefix}/{key}", arrays)


def _chosen(arrays: dict[str, Any], key: str | None, path: str, name: str) -> Any:
    """The array of that name, or the only one."""
    wanted = None if key is None else "/" + key.strip("/")
    if wanted is None and len(arrays) == 1:
        return next(iter(arrays.values()))
    if wanted in arrays:
        return arrays[wanted]
    listed = few(f"'{own}' {shape_text(one.shape)}" for own, one in arrays.items())
    if wanted is None:
        raise SourceError(
            f"The file '{path}' holds {'several arrays' if arrays else 'no array'}.",
            expected=f"the name of the one that is `{name}`, as '{path}:{next(iter(arrays), '/x')}'",
            given=listed or "nothing",
        )
    raise SourceError(
        f"The file '{path}' has no array '{wanted}'.",
        expected=listed or "a file with arrays",
        given=quoted(wanted),
        fix=nearest(wanted, arrays),
    )


def opened_list(given: Sequence[Any]) -> Any:
    """A list of paths: GeoTIFFs are images, other files one input of a model each. None if it is no such list."""
    if not given or not all(map(is_path, given)):
        return None
    kinds = {str(_kind(one)) for one in given}
    return open_tiffs(given) if kinds <= set(TIFF_NAMES) else [open_path(one, "x") for one in given]


def _kind(given: Any) -> str:
    found = _PATTERN.match(os.fspath(given))
    return found["kind"].lower() if found else ""
