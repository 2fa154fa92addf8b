"""Arrays that are read or computed piece by piece: HDF5, zarr, Dask, and what xarray reads when it is asked to."""

from __future__ import annotations

from typing import Any

import numpy as np

from .source import Source
from .stamps import Stamp


class HDF5(Source):
    """A data set in an HDF5 file.

    Parameters
    ----------
    dataset : h5py.Dataset
        An open one. Where it is pickled, its file and name go along, and it is opened anew.
    path : str
        Its file.
    """

    def __init__(self, dataset: Any, path: str) -> None:
        self.path, self.key = path, str(dataset.name)
        self._open(dataset)
        self.where = f"file '{path}', data set '{self.key}'"
        # one in memory alone has no file
        self._stamp = Stamp.of(path) if dataset.file.driver != "core" else None
        self.travels = self._stamp is not None

    def _open(self, dataset: Any) -> None:
        self._dataset = dataset
        self.shape, self.dtype = tuple(dataset.shape), np.dtype(dataset.dtype)
        self.block = 1 if dataset.chunks is None else int(dataset.chunks[0])

    def read(self, start: int, stop: int) -> np.ndarray:
        """Consecutive images."""
        found: np.ndarray = self._dataset[start:stop]
        return found

    def check_unchanged(self, *, whole: bool) -> None:
        """As for `Source`."""
        if self._stamp is not None:
            self._stamp.check()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_dataset"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        import h5py

        self.__dict__.update(state)
        self.check_unchanged(whole=True)
        self._open(h5py.File(self.path, "r")[self.key])


class Zarr(Source):
    """An array of zarr, which takes itself along where it is pickled.

    Parameters
    ----------
    array : zarr.Array
    path : str or None
        Where it lies, if that is a folder here; it may be looked at whether it changed.
    key : str
        Its name in there.
    """

    def __init__(self, array: Any, path: str | None, key: str) -> None:
        self._array = array
        self.path, self.key = path, key
        self.shape, self.dtype = tuple(array.shape), np.dtype(array.dtype)
        # parts of a shard are read together
        stored = getattr(array, "shards", None) or array.chunks
        self.block = max(1, int(stored[0]))
        self.where = f"zarr array '{key}'" if path is None else f"'{path}'{key and f', array {key!r}'}"
        self._stamp = None if path is None else Stamp.of(path)
        self.travels = path is not None

    def read(self, start: int, stop: int) -> np.ndarray:
        """Consecutive images."""
        found: np.ndarray = self._array[start:stop]
        return found

    def check_unchanged(self, *, whole: bool) -> None:
        """As for `Source`."""
        # a file for each chunk, so that looking takes longer than reading one
        if whole and self._stamp is not None:
            self._stamp.check()


class Dask(Source):
    """An array of Dask, whose blocks are computed when they are read, each with all of its pixels."""

    # it was in memory as a whole when it was computed, which may take long
    most_kept = float("inf")

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.dtype = tuple(map(int, array.shape)), np.dtype(array.dtype)
        self._edges = np.concatenate([[0], np.cumsum(array.chunks[0])]).astype(np.int64)
        self.where = f"Dask array '{array.name}'"

    def read(self, start: int, stop: int) -> np.ndarray:
        """Consecutive images."""
        return np.asarray(self._array[start:stop].compute())

    def block_start(self, position: int) -> int:
        """As for `Source`."""
        return int(self._edges[np.searchsorted(self._edges, position, "right") - 1])

    def block_end(self, position: int) -> int:
        """As for `Source`."""
        return int(self._edges[np.searchsorted(self._edges, position)])


class XArray(Source):
    """What xarray has not read yet, such as a variable of a netCDF file."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.dtype = tuple(array.shape), np.dtype(array.dtype)
        name = array.name or "without a name"
        self.where = f"xarray.DataArray {name!r}"

    def read(self, start: int, stop: int) -> np.ndarray:
        """Consecutive images."""
        return np.asarray(self._array.isel({self._array.dims[0]: slice(start, stop)}).to_numpy())
