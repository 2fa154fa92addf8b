"""Rasters: a grid with its place on the ground, whose values stay in a file or an array and are read in windows.

What is read are floating-point numbers with NaN wherever the raster says that there is no data. A file's scale and
offset are applied, as terra and other programs do; values of arrays are taken as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..errors import SceneError
from .needed import needed

# x = a col + b row + c, y = d col + e row + f
Transform = tuple[float, float, float, float, float, float]
# part of a pixel by which grids may differ and still be the same
CLOSE = 1e-2


class Region(NamedTuple):
    """Rows and columns of a raster: the first ones, and how many."""

    top: int
    left: int
    rows: int
    cols: int


class Source(Protocol):
    """Where values are."""

    @property
    def dtype(self) -> str:
        """Of what is read."""
        ...

    def raw(self, region: Region) -> Any:
        """What is there, (rows, cols, bands); an array, or one of Dask that is computed later."""
        ...

    def cleaned(self, raw: Any) -> np.ndarray:
        """Numbers, NaN where there is no data."""
        ...


@dataclass(frozen=True, eq=False)
class Raster:
    """A raster, north up.

    Attributes
    ----------
    source : Source
    rows, cols : int
    bands : tuple of str
    wavelengths : tuple of float
        In nm; NaN where unknown.
    transform : tuple of float
        From columns and rows, counted from the upper left corner, to coordinates.
    crs : str
        Coordinate reference system as WKT; empty if there is none.
    called : str
        In errors.
    times : tuple
        Steps of a series, of which each pixel has all bands; empty where there is no such axis.
    described : bool
        Whether names of bands were given, rather than made of names of files.
    """

    source: Source
    rows: int
    cols: int
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    transform: Transform
    crs: str
    called: str
    times: tuple[Any, ...] = ()
    described: bool = True

    def read(self, region: Region) -> np.ndarray:
        """Values of a region, shape (rows, cols, bands) or (rows, cols, times, bands), NaN where there is no data."""
        return self.source.cleaned(self.source.raw(region))

    @property
    def resolution(self) -> tuple[float, float]:
        """Width and height of a pixel."""
        return self.transform[0], -self.transform[4]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, greatest x, least y, greatest y."""
        width, height = self.resolution
        left, top = self.transform[2], self.transform[5]
        return left, left + self.cols * width, top - self.rows * height, top


def moved(transform: Transform, rows: float, cols: float, step: float = 1) -> Transform:
    """The grid that starts so many rows and columns further, with cells of `step` pixels."""
    a, b, c, d, e, f = transform
    return (a * step, b, c + cols * a, d, e * step, f + rows * e)


def as_transform(given: Any) -> Transform:
    """The six numbers of an affine transformation."""
    a, b, c, d, e, f = (float(value) for value in tuple(given)[:6])
    return a, b, c, d, e, f


def floating(dtype: Any) -> np.dtype:
    """Numbers that hold all of a type, and NaN."""
    return np.result_type(dtype, np.float32)


@dataclass(frozen=True)
class Files:
    """Bands in files, one after the other; opened for each read, so that this can go to other processes.

    Attributes
    ----------
    paths : tuple of str
    layers : tuple of tuple of int
        Which layers of each file, counted from 1.
    dtype : str
        Of what is read.
    stamps : tuple
        Size and time of each file when it was opened; None of what is no file of this machine.
    steps : int
        Of a series, how many steps follow each other, each of as many bands; 0 where there is no such axis.
    """

    paths: tuple[str, ...]
    layers: tuple[tuple[int, ...], ...]
    dtype: str
    stamps: tuple[tuple[int, int] | None, ...]
    steps: int = 0

    def raw(self, region: Region) -> np.ndarray:
        """Read a region; masks and no-data values become NaN."""
        rasterio = needed("rasterio", "A raster file")
        window = rasterio.windows.Window(region.left, region.top, region.cols, region.rows)
        parts = []
        for path, layers, stamp in zip(self.paths, self.layers, self.stamps, strict=True):
            if stamp is not None and stamp_of(path) != stamp:
                raise SceneError(
                    f"{Path(path).name} has changed, or is gone, since the scene was opened.",
                    given=path,
                    fix="ask again; what was written for another scene can't be gone on with",
                )
            try:
                with rasterio.open(path) as file:
                    parts.append(self._values(file, layers, window))
            except rasterio.errors.RasterioError as error:
                raise SceneError(
                    f"{Path(path).name} can't be read: {error}",
                    given=f"rows {region.top} to {region.top + region.rows - 1}, "
                    f"columns {region.left} to {region.left + region.cols - 1} of {path}",
                    fix="if it has moved, put it back; if it is damaged, get it anew",
                ) from error
        values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        return values.reshape(*values.shape[:2], self.steps, -1) if self.steps else values

    def _values(self, file: Any, layers: tuple[int, ...], window: Any) -> np.ndarray:
        """A window of layers of one file, (rows, cols, bands)."""
        # most files have no mask: one that says so is read several times as fast, straight to where values are wanted
        plain = not masked(file, layers)
        values = np.empty((window.height, window.width, len(layers)), self.dtype)
        own = np.moveaxis(values, -1, 0)
        mask = None
        if plain:
            file.read(layers, window=window, out=own)
        else:
            read = file.read(layers, window=window, masked=True)
            own[:], mask = read.data, np.ma.getmaskarray(read)
        for at, layer in enumerate(layers):
            no_data, scale, offset = (each[layer - 1] for each in (file.nodatavals, file.scales, file.offsets))
            empty = mask[at] if mask is not None else None
            if plain and no_data is not None and not np.isnan(no_data):
                empty = own[at] == no_data
            if scale != 1 or offset != 0:
                own[at] = own[at] * scale + offset
            if empty is not None:
                own[at][empty] = np.nan
        return values

    def cleaned(self, raw: Any) -> np.ndarray:
        """They already are."""
        return np.asarray(raw)


def masked(file: Any, layers: tuple[int, ...]) -> bool:
    """Whether layers of a file have a mask besides a number for no data."""
    flags = [[flag.name for flag in file.mask_flag_enums[layer - 1]] for layer in layers]
    return any(own not in (["all_valid"], ["nodata"]) for own in flags)


def stamp_of(path: str) -> tuple[int, int] | None:
    """Size and time of a file; None of what is none of this machine."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True, eq=False)
class Held:
    """An array (rows, cols, bands) of NumPy, Dask or xarray, sliced where it is.

    Attributes
    ----------
    array : xarray.DataArray or None
        None where values come from elsewhere, and only have to be cleaned.
    no_data : float or None
        Stands for "no data".
    dtype : str
        Of what is read.
    """

    array: Any = field(repr=False)
    no_data: float | None
    dtype: str

    def raw(self, region: Region) -> Any:
        """The region as it is, not computed."""
        rows = slice(region.top, region.top + region.rows)
        cols = slice(region.left, region.left + region.cols)
        return self.array[rows, cols].data

    def cleaned(self, raw: Any) -> np.ndarray:
        """Computed, with NaN for no data."""
        if hasattr(raw, "dask"):
            raw = raw.compute()
        values = np.asarray(raw)
        found = values.astype(self.dtype)
        if self.no_data is not None:
            found[values == self.no_data] = np.nan
        return found

    @property
    def lazy(self) -> bool:
        """Whether values are computed by Dask, later."""
        return hasattr(self.array, "chunks") and self.array.chunks is not None

    def elsewhere(self) -> Held:
        """The same without the array."""
        return replace(self, array=None)


def same_crs(one: str, other: str) -> bool:
    """Whether two texts are of one reference system."""
    if one == other:
        return True
    if not one or not other:
        return False
    crs = needed("rasterio.crs", "A reference system").CRS
    return bool(crs.from_user_input(one) == crs.from_user_input(other))


def crs_name(crs: str) -> str:
    """A reference system in few words."""
    if not crs:
        return "none"
    found = needed("rasterio.crs", "A reference system").CRS.from_user_input(crs)
    epsg = found.to_epsg()
    return f"EPSG:{epsg}" if epsg else crs.split('"')[1] if '"' in crs else crs


def extent_text(raster: Raster) -> str:
    """Where a raster lies, in words."""
    x_min, x_max, y_min, y_max = raster.bounds
    return f"x {x_min:g} to {x_max:g}, y {y_min:g} to {y_max:g}"
