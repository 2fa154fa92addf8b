"""From what a user gives to a raster: files that rasterio reads, and arrays of xarray."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.words import few, quoted, shape_text
from ..errors import SceneError
from .needed import needed
from .rasters import CLOSE, Files, Held, Raster, Transform, as_transform, floating, same_crs, stamp_of

# the axis of a series
TIME = "time"


def opened(scene: Any, called: str = "scene", *, series: bool = False) -> Raster:
    """A raster from what a user gives.

    Parameters
    ----------
    scene : xarray.DataArray, str or pathlib.Path, or list of str or Path
    called : str
        In errors.
    series : bool
        Whether an array may have an axis of times.

    Raises
    ------
    SceneError
        If it is none, or its grid is not regular and north up.
    """
    if isinstance(scene, str | Path):
        return _of_files((str(scene),), called)
    if isinstance(scene, list | tuple) and scene and all(isinstance(one, str | Path) for one in scene):
        return _of_files(tuple(map(str, scene)), called)
    if hasattr(scene, "dims") and hasattr(scene, "coords") and hasattr(scene, "values") and not callable(scene.values):
        return _of_array(scene, called, series)
    raise SceneError(
        f"`{called}` is no raster.",
        expected="an xarray.DataArray with axes y, x and one of bands, or paths of files with bands, such as a GeoTIFF",
        given=f"{type(scene).__name__} of shape {shape_text(scene.shape)}"
        if hasattr(scene, "shape")
        else type(scene).__name__,
        fix="`bandlens.band_importance` takes arrays of patches" if hasattr(scene, "shape") else None,
    )


def _of_files(paths: tuple[str, ...], called: str) -> Raster:
    rasterio = needed("rasterio", "A raster file")
    paths = tuple(path if "://" in path else str(Path(path).expanduser()) for path in paths)
    grids: list[tuple[Any, ...]] = []
    names: list[str] = []
    dtypes: list[Any] = []
    for path in paths:
        if not path.startswith("/vsi") and "://" not in path and not Path(path).exists():
            raise SceneError(f"`{called}` names a file that isn't there.", given=path)
        try:
            with rasterio.open(path) as file:
                transform = as_transform(file.transform)
                crs = file.crs.to_wkt() if file.crs else ""
                grids.append((file.height, file.width, transform, crs))
                stem = Path(path).stem
                numbered = [stem] if file.count == 1 else [f"{stem}_{at}" for at in file.indexes]
                names += [text or own for text, own in zip(file.descriptions, numbered, strict=True)]
                scaled = any(scale != 1 for scale in file.scales) or any(offset != 0 for offset in file.offsets)
                dtypes += [*file.dtypes, *(["float64"] if scaled else [])]
        except rasterio.errors.RasterioError as error:
            raise SceneError(
                f"`{called}` can't be opened as a raster.",
                expected="files that rasterio reads",
                given=path,
                fix=f"rasterio says: {error}",
            ) from error
    for path, grid in zip(paths, grids, strict=True):
        if not _same_grid(grids[0], grid):
            raise SceneError(
                f"`{called}` has files of different grids.",
                expected=f"as {paths[0]}: {grids[0][0]} x {grids[0][1]} pixels at {grids[0][2][2::3]}",
                given=f"{path}: {grid[0]} x {grid[1]} pixels at {grid[2][2::3]}",
                fix="resample them to one grid; for a model with an input for each resolution, give a dict of rasters",
            )
    rows, cols, transform, crs = grids[0]
    _check_north_up(transform, called)
    dtype = str(np.result_type(*map(floating, dtypes)))
    unknown = (float("nan"),) * len(names)
    return Raster(
        Files(paths, dtype, tuple(map(stamp_of, paths))), rows, cols, tuple(names), unknown, transform, crs, called
    )


def _same_grid(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two files lie pixel over pixel; what one doesn't say of its system is not compared."""
    (rows, cols, mine, crs), (other_rows, other_cols, others, other_crs) = one, other
    pixel = abs(mine[0])
    near = np.allclose(mine, others, rtol=1e-9, atol=CLOSE * pixel / max(rows, cols))
    return (rows, cols) == (other_rows, other_cols) and near and same_crs(crs, other_crs)


def _check_north_up(transform: Transform, called: str) -> None:
    a, b, _, d, e, _ = transform
    if a <= 0 or e >= 0 or abs(b) > CLOSE * a or abs(d) > CLOSE * a:
        raise SceneError(
            f"`{called}` is not north up.",
            expected="columns from west to east, rows from north to south",
            given=f"steps of ({a:g}, {d:g}) per column and ({b:g}, {e:g}) per row",
            fix="bring an array into order, `scene.sortby('y', ascending=False)`; warp a file that is turned"
            if not b and not d
            else "warp it, such as by `scene.rio.reproject(scene.rio.crs)`",
        )


def _of_array(array: Any, called: str, series: bool) -> Raster:
    needed("rioxarray", "An xarray.DataArray as a scene")
    if not hasattr(array, "dtype"):
        raise SceneError(
            f"`{called}` is an xarray.Dataset.",
            expected="an xarray.DataArray",
            fix="put its variables along an axis of bands: `dataset.to_dataarray('band')`",
        )
    try:
        y, x = array.rio.y_dim, array.rio.x_dim
    except Exception as error:  # rioxarray has an exception for each way to miss them
        raise SceneError(
            f"`{called}` has no axes of rows and columns that are known.",
            expected="axes 'y' and 'x'",
            given=few(map(quoted, array.dims)),
            fix="name them, `scene.rio.set_spatial_dims(x_dim=..., y_dim=...)`",
        ) from error
    others = [name for name in array.dims if name not in (y, x)]
    steps = [TIME] if series and len(others) == 2 and TIME in others else []
    others = [name for name in others if name not in steps]
    if len(others) > 1:
        raise SceneError(
            f"`{called}` has more axes than those of rows, columns and bands.",
            expected=f"{quoted(y)}, {quoted(x)} and one more",
            given=few(map(quoted, array.dims)),
            fix="choose one step of the others, `scene.isel(time=0)`",
        )
    if not np.issubdtype(array.dtype, np.number) or np.issubdtype(array.dtype, np.complexfloating):
        raise SceneError(f"`{called}` holds no real numbers.", given=f"dtype {array.dtype}")
    no_data, dtype = array.rio.nodata, str(floating(array.dtype))
    no_data = None if no_data is None or np.isnan(no_data) else no_data
    names, wavelengths = _bands_of(array, others[0] if others else None)
    times = tuple(array[TIME].values) if steps else ()
    array = array.transpose(y, x, *steps, *others) if others else array.transpose(y, x).expand_dims("band", axis=-1)
    _check_regular(array, (y, x), called)
    recalculated = y in array.coords and x in array.coords and min(array.sizes[y], array.sizes[x]) > 1
    transform = as_transform(array.rio.transform(recalc=recalculated))
    _check_north_up(transform, called)
    crs = array.rio.crs
    rows, cols = array.sizes[y], array.sizes[x]
    held = Held(array.variable, no_data, dtype)
    return Raster(held, rows, cols, names, wavelengths, transform, crs.to_wkt() if crs else "", called, times)


def _bands_of(array: Any, axis: Any) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Names of the bands, and their wavelengths where a coordinate has them.

    Names are those that rioxarray has from a file, else texts along the axis, else they are counted.
    """
    n = 1 if axis is None else array.sizes[axis]
    given = array.attrs.get("long_name")
    given = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else []
    along = array.coords[axis].values if axis is not None and axis in array.coords else None
    if along is not None and along.dtype.kind in "OUT":
        names = list(map(str, along))
    elif len(given) == n and all(given) and len(set(given)) == n:
        names = list(map(str, given))
    elif n == 1 and array.name is not None:
        names = [str(array.name)]
    else:
        names = [f"band_{at + 1}" for at in range(n)]
    waves = array.coords.get("wavelength")
    if axis == "wavelength" and along is not None:
        waves, names = array.coords[axis], [f"{value:g}" for value in along] if along.dtype.kind in "iuf" else names
    if waves is None or waves.dims != (axis,) or waves.dtype.kind not in "iuf":
        return tuple(names), (float("nan"),) * n
    return tuple(names), tuple(float(value) for value in waves.values)


def _check_regular(array: Any, axes: tuple[Any, Any], called: str) -> None:
    """Refuse coordinates that are not evenly spaced: cells would lie elsewhere than it is said."""
    for axis in axes:
        if axis not in array.coords or array.sizes[axis] < 3:
            continue
        steps = np.diff(array.coords[axis].values.astype(np.float64))
        if (np.abs(steps - steps.mean()) > CLOSE * abs(steps.mean())).any():
            raise SceneError(
                f"`{called}` has coordinates along {quoted(axis)} that are not evenly spaced.",
                expected="pixels of one size",
                given=f"steps from {steps.min():g} to {steps.max():g}",
                fix="resample it to a regular grid, such as by `scene.interp(...)`",
            )
