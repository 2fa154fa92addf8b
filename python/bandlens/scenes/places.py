"""Points and polygons on a scene, and which pixels or cells belong to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..data.words import choices, few, shown
from ..errors import LocationError
from .needed import needed
from .rasters import Raster, same_crs

COORDINATES = (("x", "y"), ("lon", "lat"), ("longitude", "latitude"))
DEGREES = "EPSG:4326"
KINDS = {"Point": "points", "Polygon": "polygons", "MultiPolygon": "polygons"}
EXPECTED = "points or polygons: a GeoDataFrame, the path of a vector file, or a table with columns of coordinates"
# part of a pixel: a patch whose edge is the polygon's must not depend on rounding
HAIR = 1e-6
# places in a bounding box that are tried at random, at most, and together
MOST_TRIED, AT_ONCE = 1_000_000, 100_000


class Wanted(NamedTuple):
    """Where patches lie.

    Attributes
    ----------
    location : ndarray of int64
        Row of the places.
    top, left : ndarray of int64
        Their upper left pixels, which may lie outside the scene.
    empty : ndarray of int64
        Polygons without room for a patch.
    """

    location: np.ndarray
    top: np.ndarray
    left: np.ndarray
    empty: np.ndarray


def read_places(places: Any, crs: str, name: str) -> Any:
    """Places as a GeoDataFrame in the reference system of a scene.

    Raises
    ------
    LocationError
    """
    geopandas = needed("geopandas", "Points and polygons")
    if isinstance(places, str | Path):
        if "://" not in str(places) and not str(places).startswith("/vsi") and not Path(places).exists():
            raise LocationError(f"`{name}` names a file that isn't there.", given=str(places))
        try:
            places = geopandas.read_file(places)
        except Exception as error:  # each reader has exceptions of its own
            raise LocationError(f"`{name}` can't be read.", expected=EXPECTED, given=f"{places}: {error}") from error
    if isinstance(places, geopandas.GeoSeries):
        places = geopandas.GeoDataFrame(geometry=places)
    if not isinstance(places, geopandas.GeoDataFrame):
        places = _from_table(places, crs, name, geopandas)
    if (places.crs is None and crs) or (places.crs is not None and not crs):
        raise LocationError(
            f"{'The scene' if places.crs is not None else f'`{name}`'} has no coordinate reference system.",
            expected="one for both, so that places can be found",
            fix="set it, with `scene.rio.write_crs(...)` or `places.set_crs(...)`",
        )
    if crs and not same_crs(crs, places.crs.to_wkt()):
        places = places.to_crs(crs)
    return places


def kind_of(places: Any, name: str) -> str:
    """Whether places are "points" or "polygons"; both at once, and others, are refused."""
    missing = np.flatnonzero(places.geometry.isna() | places.geometry.is_empty)
    kinds = {KINDS.get(one, one) for one in places.geometry.drop(places.index[missing]).geom_type}
    if len(missing) or len(kinds) != 1 or not kinds <= {"points", "polygons"}:
        given = few(sorted(kinds)) or "nothing"
        raise LocationError(
            f"`{name}` holds neither points nor polygons alone.",
            expected=EXPECTED,
            given=f"{given}, and none in rows {few(missing)}" if len(missing) else given,
            fix="take single points out of others with `places.explode()`" if "MultiPoint" in kinds else None,
        )
    return kinds.pop()


def _from_table(table: Any, crs: str, name: str, geopandas: Any) -> Any:
    columns = {str(column).lower(): column for column in getattr(table, "columns", ())}
    pairs = [pair for pair in COORDINATES if set(pair) <= set(columns)]
    if len(pairs) != 1:
        raise LocationError(
            f"`{name}` holds no places." if not columns else f"`{name}` has {len(pairs) or 'no'} pairs of coordinates.",
            expected=f"{EXPECTED}: {choices([' and '.join(pair) for pair in COORDINATES])}",
            given=f"columns {few(columns)}" if columns else type(table).__name__,
        )
    x, y = (np.asarray(table[columns[one]], np.float64) for one in pairs[0])
    degrees = pairs[0] != COORDINATES[0]
    wrong = ~np.isfinite(x) | ~np.isfinite(y)
    if degrees:
        wrong |= (np.abs(x) > 360) | (np.abs(y) > 90)
    if wrong.any() or not len(x):
        raise LocationError(
            f"`{name}` has coordinates that are no places.",
            expected="numbers" + (" in degrees, latitudes from -90 to 90" if degrees else ""),
            given=f"rows {few(np.flatnonzero(wrong))}" if len(x) else "no rows",
        )
    points = geopandas.points_from_xy(x, y)
    return geopandas.GeoDataFrame(table, geometry=points, crs=DEGREES if degrees else crs or None)


def before_middle(size: int) -> int:
    """Rows or columns of a patch before the pixel that it lies around."""
    return (size + 1) // 2 - 1


def around_points(points: Any, scene: Raster, size: int) -> Wanted:
    """Upper left pixels of the patches around points."""
    width, height = scene.resolution
    x_min, x_max, y_min, y_max = scene.bounds
    x, y = points.geometry.x.to_numpy(), points.geometry.y.to_numpy()
    col, row = np.floor((x - x_min) / width).astype(np.int64), np.floor((y_max - y) / height).astype(np.int64)
    # the far edges belong to the last pixels
    col, row = np.where(x == x_max, scene.cols - 1, col), np.where(y == y_min, scene.rows - 1, row)
    outside = (x < x_min) | (x > x_max) | (y < y_min) | (y > y_max)
    before = before_middle(size)
    top, left = np.where(outside, -size, row - before), np.where(outside, -size, col - before)
    return Wanted(np.arange(len(points)), top, left, np.zeros(0, np.int64))


def in_polygons(
    polygons: Any, scene: Raster, size: int, *, random: bool, whole: bool, spacing: int, n: int, seed: int
) -> Wanted:
    """Upper left pixels of patches inside polygons; what is drawn in one does not depend on the others."""
    found = []
    for at, shape in enumerate(polygons.geometry):
        rows, cols = _limits(shape, scene, size)

        def fits(top: np.ndarray, left: np.ndarray, shape: Any = shape) -> np.ndarray:
            return _is_inside(shape, scene, size, top, left, whole)

        found.append(_at_random(rows, cols, n, fits, (seed, at)) if random else _on_grid(rows, cols, spacing, fits))
    each = np.array([len(top) for top, _ in found], np.int64)
    top, left = (np.concatenate([np.zeros(0, np.int64), *part]) for part in zip(*found, strict=True))
    return Wanted(np.arange(len(found)).repeat(each), top, left, np.flatnonzero(each == 0))


def _limits(shape: Any, scene: Raster, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last upper left pixels of patches whose middle is in a polygon's bounding box, inside the scene."""
    (width, height), before = scene.resolution, before_middle(size)
    x_min, _, _, y_max = scene.bounds
    left, bottom, right, top = shape.bounds

    def limits(start: float, stop: float, step: float, length: int) -> tuple[int, int]:
        first, last = int(np.floor(start / step)) - before, int(np.floor(stop / step)) - before
        return max(0, first), min(length - size, last)

    rows = limits(y_max - top, y_max - bottom, height, scene.rows)
    return rows, limits(left - x_min, right - x_min, width, scene.cols)


Fits = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _on_grid(rows: tuple[int, int], cols: tuple[int, int], spacing: int, fits: Fits) -> tuple[np.ndarray, np.ndarray]:
    """Places of a grid that starts in the scene's upper left corner; a few rows at a time, as polygons may be large."""
    tops, lefts = (
        np.arange(-(-first // spacing) * spacing, last + 1, spacing, dtype=np.int64) for first, last in (rows, cols)
    )
    kept_top, kept_left = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    at_once = max(1, AT_ONCE // max(1, len(lefts)))
    for start in range(0, len(tops), at_once):
        some = tops[start : start + at_once]
        top, left = some.repeat(len(lefts)), np.tile(lefts, len(some))
        keep = fits(top, left)
        kept_top.append(top[keep])
        kept_left.append(left[keep])
    return np.concatenate(kept_top), np.concatenate(kept_left)


def _at_random(
    rows: tuple[int, int], cols: tuple[int, int], n: int, fits: Fits, seed: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Up to n different places, each as likely as any other."""
    n_rows, n_cols = max(0, rows[1] - rows[0] + 1), max(0, cols[1] - cols[0] + 1)
    places = n_rows * n_cols
    if not places:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    tried = np.random.default_rng(seed).choice(places, min(places, MOST_TRIED), replace=False)
    found = np.zeros(0, np.int64)
    for start in range(0, len(tried), max(1000, 10 * n)):
        some = tried[start : start + max(1000, 10 * n)]
        found = np.concatenate([found, some[fits(rows[0] + some // n_cols, cols[0] + some % n_cols)]])
        if len(found) >= n:
            break
    return rows[0] + found[:n] // n_cols, cols[0] + found[:n] % n_cols


def _is_inside(shape: Any, scene: Raster, size: int, top: np.ndarray, left: np.ndarray, whole: bool) -> np.ndarray:
    """Which patches are inside a polygon, as a whole or with the centre of their middle pixel."""
    shapely = needed("shapely", "Points and polygons")
    (width, height), middle = scene.resolution, before_middle(size) + 0.5
    x_min, _, _, y_max = scene.bounds
    shapely.prepare(shape)
    found = np.asarray(shapely.intersects_xy(shape, x_min + (left + middle) * width, y_max - (top + middle) * height))
    if whole and found.any():
        at = np.flatnonzero(found)
        squares = shapely.box(
            x_min + (left[at] + HAIR) * width,
            y_max - (top[at] + size - HAIR) * height,
            x_min + (left[at] + size - HAIR) * width,
            y_max - (top[at] + HAIR) * height,
        )
        found[at] = shapely.contains(shape, squares)
    return found


def column_of(places: Any, column: Any, name: str) -> Any:
    """A column of a table of places.

    Raises
    ------
    LocationError
    """
    names = [str(one) for one in places.columns if one != places.geometry.name]
    if not isinstance(column, str) or column not in names:
        raise LocationError(
            f"`{name}` has no such column.",
            expected=few(names) if names else "a table with columns",
            given=shown(column),
        )
    values = places[column]
    if values.isna().any():
        rows = few(np.flatnonzero(values.isna()))
        raise LocationError(
            f"`{name}` has values that are missing in column {shown(column)}.", given=f"rows {rows}", fix="drop these"
        )
    return values
