"""Polygons of a GeoPackage, and which pixels of a raster they cover, with nothing but SQLite and NumPy.

A GeoPackage is an SQLite database whose geometries are well-known binary behind a header of their own. Only what land
cover needs is read: (multi)polygons in two dimensions.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

POLYGON, MULTIPOLYGON = 3, 6
ENVELOPE_BYTES = (0, 32, 48, 48, 64)  # by the code in the header's flags


def read_polygons(path: Path, *columns: str) -> Iterator[tuple]:
    """The rows of a GeoPackage's only layer: the columns asked for, then the rings of the geometry.

    Yields
    ------
    tuple
        Values of `columns`; a list of rings, arrays of x and y whose last point is the first one.
    """
    with closing(sqlite3.connect(path)) as database:
        ((table, geometry),) = database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns")
        names = ", ".join(f'"{name}"' for name in (*columns, geometry))
        for *values, blob in database.execute(f'SELECT {names} FROM "{table}" ORDER BY fid'):
            yield *values, read_rings(blob)


def read_rings(blob: bytes) -> list[np.ndarray]:
    """Rings of a geometry, those of holes too."""
    flags = blob[3]
    return _rings(blob, 8 + ENVELOPE_BYTES[flags >> 1 & 7])[0]


def _rings(blob: bytes, at: int) -> tuple[list[np.ndarray], int]:
    """Rings of the well-known binary that begins at a byte, and where it ends."""
    order = "<" if blob[at] else ">"
    kind, parts = struct.unpack_from(f"{order}II", blob, at + 1)
    if kind not in (POLYGON, MULTIPOLYGON):
        raise ValueError(f"geometries of type {kind} are neither polygons nor multipolygons")
    at += 9
    rings = []
    for _ in range(parts):
        if kind == MULTIPOLYGON:
            inner, at = _rings(blob, at)
            rings += inner
        else:
            (points,) = struct.unpack_from(f"{order}I", blob, at)
            rings.append(np.frombuffer(blob, f"{order}f8", 2 * points, at + 4).reshape(points, 2))
            at += 4 + 16 * points
    return rings, at


def covered_pixels(
    rings: list[np.ndarray], shape: tuple[int, int], origin: tuple[float, float], pixel: float
) -> np.ndarray:
    """Which pixels of a raster have their centre inside a polygon.

    Parameters
    ----------
    rings : list of ndarray
        Outlines and holes: inside is what an odd number of them surrounds.
    shape : tuple of int
        Rows and columns of the raster.
    origin : tuple of float
        x and y of the upper left corner.
    pixel : float
        Width and height of a pixel.

    Returns
    -------
    ndarray of bool
    """
    covered = np.zeros(shape, bool)
    start = np.concatenate([ring[:-1] for ring in rings])
    end = np.concatenate([ring[1:] for ring in rings])
    x = origin[0] + (np.arange(shape[1]) + 0.5) * pixel
    below = (origin[1] - start[:, 1]) / pixel
    for row in range(max(0, int(below.min())), min(shape[0], int(np.ceil(below.max())))):
        y = origin[1] - (row + 0.5) * pixel
        crosses = (start[:, 1] > y) != (end[:, 1] > y)
        (x1, y1), (x2, y2) = start[crosses].T, end[crosses].T
        crossings = np.sort(x1 + (y - y1) / (y2 - y1) * (x2 - x1))
        covered[row] = np.searchsorted(crossings, x) % 2 == 1
    return covered
