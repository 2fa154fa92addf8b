"""From what a user gives to a raster: files that rasterio reads, and arrays of xarray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    scene : xarray.DataArray, str or pathlib.Path, or list of str or Path; Raster
    called : str
        In errors.
    series : bool
        Whether an array may have an axis of times, and files may be a dict by dates.

    Raises
    ------
    SceneError
        If it is none, or its grid is not regular and north up.
    """
    if isinstance(scene, Raster):
        return replace(scene, called=called)
    if (paths := _paths(scene)) is not None:
        return of_files(paths, called)
    if series and isinstance(scene, Mapping) and scene:
        return _of_dates(scene, called)
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


def _paths(scene: Any) -> tuple[str, ...] | None:
    if isinstance(scene, str | Path):
        return (str(scene),)
    if isinstance(scene, list | tuple) and scene and all(isinstance(one, str | Path) for one in scene):
        return tuple(map(str, scene))
    return None


def _of_dates(scene: Mapping[Any, Any], called: str) -> Raster:
    """A series of files: of each date one, or several whose bands follow each other."""
    steps = []
    for date, one in scene.items():
        paths = _paths(one)
        if paths is None:
            raise SceneError(
                f"`{called}` holds what is no file at {quoted(date)}.",
                expected="a dict with a path, or a list of paths, for each date",
                given=type(one).__name__,
                fix="put arrays of one date each together: `xarray.concat(arrays, 'time')`",
            )
        steps.append(of_files(paths, f"{called}[{quoted(date)}]"))
    return series_of(steps, tuple(scene), called)


def series_of(steps: Sequence[Raster], times: tuple[Any, ...], called: str) -> Raster:
    """Rasters of one step in time each, all of files or all of arrays, as one raster.

    Raises
    ------
    SceneError
        If they have other grids or bands than the first.
    """
    first = steps[0]
    for one in steps[1:]:
        if not _same_grid(_grid(first), _grid(one)):
            raise _other_grid(called, first.called, _grid(first), one.called, _grid(one))
        # files without descriptions are called by their own names, which tell nothing of bands
        described = first.described and one.described
        if len(one.bands) != len(first.bands) or (described and one.bands != first.bands):
            raise SceneError(
                f"`{one.called}` has other bands than `{first.called}`.",
                expected=few(first.bands, 20),
                given=few(one.bands, 20),
                fix="bring the bands of all dates into one order",
            )
    arrays = [one.source for one in steps if isinstance(one.source, Held)]
    if arrays:
        stacked = needed("xarray", "A series of arrays").Variable.concat([one.array for one in arrays], TIME)
        source = replace(arrays[0], array=stacked.transpose(*arrays[0].array.dims[:2], TIME, ...))
        return replace(first, source=source, times=times, called=called)
    sources = [one.source for one in steps if isinstance(one.source, Files)]
    files = Files(
        tuple(path for one in sources for path in one.paths),
        tuple(layers for one in sources for layers in one.layers),
        str(np.result_type(*(one.dtype for one in sources))),
        tuple(stamp for one in sources for stamp in one.stamps),
        len(steps),
    )
    return replace(first, source=files, times=times, called=called)


def _grid(raster: Raster) -> tuple[Any, ...]:
    return raster.rows, raster.cols, raster.transform, raster.crs


def _other_grid(called: str, first: str, grid: tuple[Any, ...], other: str, own: tuple[Any, ...]) -> SceneError:
    return SceneError(
        f"`{called}` has files of different grids.",
        expected=f"as {first}: {grid[0]} x {grid[1]} pixels at {grid[2][2::3]}",
        given=f"{other}: {own[0]} x {own[1]} pixels at {own[2][2::3]}",
        fix="resample them to one grid; for a model with an input for each resolution, give a dict of rasters",
    )


def of_files(
    paths: tuple[str, ...], called: str, layers: tuple[tuple[int, ...], ...] | None = None, names: Any = None
) -> Raster:
    """A raster of files, or of some layers of each, counted from 1, which may have other names than there.

    Raises
    ------
    SceneError
    """
    rasterio = needed("rasterio", "A raster file")
    paths = tuple(path if "://" in path else str(Path(path).expanduser()) for path in paths)
    grids: list[tuple[Any, ...]] = []
    found: list[str] = []
    taken: list[tuple[int, ...]] = []
    dtypes: list[Any] = []
    described = True
    for at, path in enumerate(paths):
        if not path.startswith("/vsi") and "://" not in path and not Path(path).exists():
            raise SceneError(f"`{called}` names a file that isn't there.", given=path)
        try:
            with rasterio.open(path) as file:
                transform = as_transform(file.transform)
                crs = file.crs.to_wkt() if file.crs else ""
                grids.append((file.height, file.width, transform, crs))
                own = tuple(file.indexes) if layers is None else layers[at]
                stem = Path(path).stem
                texts = [file.descriptions[layer - 1] for layer in own]
                described = described and all(texts)
                numbered = [stem if file.count == 1 else f"{stem}_{layer}" for layer in own]
                found += [text or number for text, number in zip(texts, numbered, strict=True)]
                taken.append(own)
                scaled = any(file.scales[layer - 1] != 1 or file.offsets[layer - 1] != 0 for layer in own)
                dtypes += [*(file.dtypes[layer - 1] for layer in own), *(["float64"] if scaled else [])]
        except rasterio.errors.RasterioError as error:
            raise SceneError(
                f"`{called}` can't be opened as a raster.",
                expected="files that rasterio reads",
                given=path,
                fix=f"rasterio says: {error}",
            ) from error
    for path, grid in zip(paths, grids, strict=True):
        if not _same_grid(grids[0], grid):
            raise _other_grid(called, paths[0], grids[0], path, grid)
    rows, cols, transform, crs = grids[0]
    _check_north_up(transform, called)
    dtype = str(np.result_type(*map(floating, dtypes)))
    bands = tuple(found if names is None else names)
    files = Files(paths, tuple(taken), dtype, tuple(map(stamp_of, paths)))
    unknown = (float("nan"),) * len(bands)
    return Raster(files, rows, cols, bands, unknown, transform, crs, called, described=described or names is not None)


def held(values: np.ndarray, bands: tuple[str, ...], transform: Any, crs: str, called: str) -> Raster:
    """A raster of an array (rows, cols, bands) in memory, NaN where there is no data."""
    source = Held(needed("xarray", "A raster").Variable(("y", "x", "band"), values), None, str(values.dtype))
    unknown = (float("nan"),) * len(bands)
    rows, cols = values.shape[:2]
    return Raster(source, rows, cols, bands, unknown, as_transform(transform), crs, called)


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
