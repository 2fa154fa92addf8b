"""The same images in everything that may hold images, for tests that compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

# images in a block of what is stored in blocks, and in a batch of a stream; neither divides the other
CHUNK, BATCH = 7, 9


def npy(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    np.save(folder / "x.npy", x)
    return folder / "x.npy", y


def memmap(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    np.save(folder / "mapped.npy", x)
    return np.load(folder / "mapped.npy", mmap_mode="r"), y


def fortran(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    np.save(folder / "fortran.npy", np.asfortranarray(x))
    return str(folder / "fortran.npy"), y


def hdf5(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    """Compressed, images and labels beside each other."""
    import h5py

    with h5py.File(folder / "both.h5", "w") as file:
        file.create_dataset("train/x", data=x, chunks=(CHUNK, *x.shape[1:]), compression="gzip")
        file["train/y"] = y
    return f"{folder / 'both.h5'}:/train/x", (folder / "both.h5", "train/y")


def hdf5_alone(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    import h5py

    with h5py.File(folder / "alone.hdf5", "w") as file:
        file["x"] = x
    return str(folder / "alone.hdf5"), y


def hdf5_open(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    import h5py

    given = hdf5(x, y, folder)
    file = h5py.File(given[1][0], "r")
    return file["train/x"], file["train/y"]


def zarr(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    written(x, folder / "x.zarr")
    return folder / "x.zarr", y


def zarr_open(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    return written(x, folder / "open.zarr"), y


def zarr_group(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    import zarr

    group = zarr.open_group(str(folder / "group.zarr"), mode="w")
    for name, values in (("x", x), ("y", y)):
        made = group.create_array(name, shape=values.shape, chunks=(CHUNK, *values.shape[1:]), dtype=values.dtype)
        made[:] = values
    return f"{folder / 'group.zarr'}:x", f"{folder / 'group.zarr'}:y"


def dask(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    import dask.array

    chunks = ((CHUNK, len(x) - CHUNK), *((size,) for size in x.shape[1:]))
    return dask.array.from_array(x, chunks=chunks), dask.array.from_array(y)


def xarray(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    """Bands before pixels and images last, as their names say."""
    import xarray

    turned = np.moveaxis(x, (0, 3), (3, 0))
    return xarray.DataArray(turned, dims=("band", "y", "x", "image"), coords={"label": ("image", y)}), None


def xarray_lazy(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    import xarray

    path = str(folder / "lazy.zarr")
    xarray.Dataset({"x": (("image", "row", "col", "band"), x)}).to_zarr(path, zarr_format=2)
    return xarray.open_zarr(path, chunks=None, zarr_format=2)["x"], y


def tf_data(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH), None


def tf_data_beside(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    import tensorflow as tf

    batched = (tf.data.Dataset.from_tensor_slices(part).batch(BATCH) for part in (x, y))
    return tuple(batched)  # type: ignore[return-value]


def py_dataset(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    import keras

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return -(-len(x) // BATCH)

        def __getitem__(self, at: int) -> tuple[np.ndarray, np.ndarray]:
            part = slice(at * BATCH, (at + 1) * BATCH)
            return x[part], np.eye(int(y.max()) + 1)[y[part]]  # one-hot, as they often are

    return Batches(), None


def generator(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    return stream(x, y), None


def generator_beside(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[Any, Any]:
    return stream(x), y


CONTAINERS: dict[str, Callable[[np.ndarray, np.ndarray, Path], tuple[Any, Any]]] = {
    one.__name__: one
    for one in (
        npy, memmap, fortran, hdf5, hdf5_alone, hdf5_open, zarr, zarr_open, zarr_group, dask, xarray, xarray_lazy,
        tf_data, tf_data_beside, py_dataset, generator, generator_beside,
    )
}  # fmt: skip


def stream(x: np.ndarray, y: Any = None, size: int = BATCH) -> Callable[[], Iterator[Any]]:
    """A function that gives batches."""

    def batches() -> Iterator[Any]:
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            yield x[part] if y is None else (x[part], y[part])

    return batches


def written(x: np.ndarray, path: Path) -> Any:
    """A zarr of one array, in blocks of some images."""
    import zarr

    made = zarr.create_array(str(path), shape=x.shape, chunks=(CHUNK, *x.shape[1:]), dtype=x.dtype)
    made[:] = x
    return made
