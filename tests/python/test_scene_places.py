"""Patches of a scene around points and in polygons, and tables of scores by polygon."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import bandlens as bl
import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from bandlens.errors import (
    BandError,
    BandlensError,
    InputError,
    InputTypeError,
    LabelError,
    LocationError,
    OptionError,
    SceneError,
)
from rasters import BANDS, CRS, NOTHING, TRANSFORM, known_model, values, written
from shapely import Point, box


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return written(tmp_path / "scene.tif", values(20, 24))


def pixel(row: float, col: float) -> tuple[float, float]:
    """Coordinates of the middle of a pixel."""
    return 500000 + 10 * (col + 0.5), 5000000 - 20 * (row + 0.5)


def rectangle(rows: tuple[int, int], cols: tuple[int, int]) -> Any:
    """Around pixels, edges included."""
    return box(500000 + 10 * cols[0], 5000000 - 20 * (rows[1] + 1), 500000 + 10 * (cols[1] + 1), 5000000 - 20 * rows[0])


def points(rows: list[int], cols: list[int], labels: list[str], crs: str = CRS) -> Any:
    shapes = [Point(*pixel(*at)) for at in zip(rows, cols, strict=True)]
    return geopandas.GeoDataFrame({"label": labels}, geometry=shapes, crs=CRS).to_crs(crs)


def test_patches_lie_around_points(scene: Path) -> None:
    array, places = values(20, 24), points([5, 10, 3], [4, 20, 8], ["water", "forest", "water"])
    found = bl.extract_patches(scene, places, size=5, wavelengths=[490, 560, 665])
    assert found.x.shape == (3, 5, 5, 3)
    np.testing.assert_array_equal(found.x[1], array[8:13, 18:23])
    assert (found.classes, found.y.tolist()) == (("forest", "water"), [1, 0, 1])
    assert (found.bands, list(found.wavelengths)) == (BANDS, [490, 560, 665])
    np.testing.assert_allclose(found.centre[1], pixel(10, 20))
    assert found.corner[1].tolist() == [8, 18]
    even = bl.extract_patches(scene, places, size=4, classes=["water", "forest"])
    np.testing.assert_array_equal(even.x[1], array[9:13, 19:23])
    assert even.y.tolist() == [0, 1, 0]
    np.testing.assert_allclose(even.centre[1], pixel(10.5, 20.5))
    assert "2 classes" not in repr(even)
    assert "water (2), forest (1)" in repr(even)
    frame = found.to_frame()
    assert list(frame) == ["location", "x", "y", "row", "col", "class"]
    assert frame["class"].tolist() == ["water", "forest", "water"]
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.x, found.x)


def test_places_come_in_several_forms(scene: Path, tmp_path: Path) -> None:
    places = points([5, 10], [4, 20], ["water", "forest"])
    expected = bl.extract_patches(scene, places, size=3)
    file = tmp_path / "places.gpkg"
    places.to_file(file)
    x, y = np.transpose([pixel(5, 4), pixel(10, 20)])
    degrees = places.to_crs("EPSG:4326")
    given = (
        file,
        places.to_crs("EPSG:3035"),
        pd.DataFrame({"X": x, "y": y, "label": places.label}),
        pd.DataFrame({"lon": degrees.geometry.x, "lat": degrees.geometry.y, "label": places.label}),
    )
    for one in given:
        found = bl.extract_patches(scene, one, size=3)
        np.testing.assert_array_equal(found.x, expected.x)
        np.testing.assert_array_equal(found.y, expected.y)
    bare = bl.extract_patches(scene, places.geometry, size=3, label=None)
    assert bare.y is None
    np.testing.assert_array_equal(bare.x, expected.x)


def test_patches_lie_on_a_grid_in_polygons(scene: Path) -> None:
    shapes = [rectangle((2, 9), (1, 8)), rectangle((10, 15), (12, 20))]
    places = geopandas.GeoDataFrame({"label": ["a", "b"]}, geometry=shapes, crs=CRS)
    found = bl.extract_patches(scene, places, size=3)
    assert found.corner[found.location == 0].tolist() == [[3, 3], [3, 6], [6, 3], [6, 6]]
    assert found.corner[found.location == 1].tolist() == [[12, 12], [12, 15], [12, 18]]
    more = bl.extract_patches(scene, places, size=3, inside="centre")
    middle = more.corner + 1
    for at, (rows, cols) in enumerate((((2, 9), (1, 8)), ((10, 15), (12, 20)))):
        own = middle[more.location == at]
        assert ((own >= (rows[0], cols[0])) & (own <= (rows[1], cols[1]))).all()
    assert len(more.corner) > len(found.corner)
    dense = bl.extract_patches(scene, places, size=3, spacing=1)
    assert (dense.location == 0).sum() == 36
    whole = bl.extract_patches(scene, size=6, label=None)
    assert len(whole.x) == 3 * 4


def test_random_places_are_different_ones_inside(scene: Path) -> None:
    shapes = [rectangle((2, 9), (1, 8)), rectangle((10, 13), (12, 15)), rectangle((10, 12), (2, 4))]
    places = geopandas.GeoDataFrame({"label": ["a", "b", "c"]}, geometry=shapes, crs=CRS)
    found = bl.extract_patches(scene, places, size=3, placement="random", n=8)
    assert np.bincount(found.location).tolist() == [8, 4, 1]
    assert len(np.unique(found.corner, axis=0)) == 13
    inside = found.corner[found.location == 0]
    assert ((inside >= (2, 1)) & (inside <= (7, 6))).all()
    again = bl.extract_patches(scene, places.iloc[[0]], size=3, placement="random", n=8)
    np.testing.assert_array_equal(again.corner, inside)
    other = bl.extract_patches(scene, places, size=3, placement="random", n=8, seed=1)
    assert not np.array_equal(other.corner, found.corner)


def test_incomplete_patches_are_refused_or_dropped(tmp_path: Path) -> None:
    array = values(20, 24)
    array[10, 20, 1] = -1
    scene = written(tmp_path / "scene.tif", array, nodata=-1)
    places = points([5, 10, 0, 3], [4, 20, 8, 40], ["a", "b", "c", "d"])
    with pytest.raises(LocationError, match="2 patches over the edge of the scene") as caught:
        bl.extract_patches(scene, places, size=3)
    assert "rows 2, 3" in str(caught.value.given)
    with pytest.raises(LocationError, match="1 patch with missing values"):
        bl.extract_patches(scene, places.iloc[:2], size=3)
    found = bl.extract_patches(scene, places, size=3, on_missing="drop")
    assert found.location.tolist() == [0]
    assert found.dropped == {"edge": 2, "missing": 1, "empty": 0}
    with pytest.raises(LocationError, match="No patch is left"):
        bl.extract_patches(scene, places.iloc[1:], size=3, on_missing="drop")
    small = geopandas.GeoDataFrame({"label": ["a"]}, geometry=[rectangle((3, 3), (3, 3))], crs=CRS)
    with pytest.raises(LocationError, match="1 polygon without room for a patch"):
        bl.extract_patches(scene, small, size=3)


def test_labels_of_pixels(scene: Path, tmp_path: Path) -> None:
    codes = (values(20, 24)[..., :1] % 3 + 1).astype(np.int16)
    codes[0, 0] = 0
    label = written(tmp_path / "label.tif", codes, nodata=0, names=None)
    found = bl.extract_patches(scene, size=6, label=label, classes=["x", "y", "z"])
    assert found.y.shape == (12, 6, 6)
    np.testing.assert_array_equal(found.y[1], codes[:6, 6:12, 0] - 1)
    assert found.y[0, 0, 0] == -1
    assert bl.extract_patches(scene, size=6, label=label).classes == ("1", "2", "3")
    coarse = written(
        tmp_path / "coarse.tif", codes[::2, ::2], nodata=0, names=None, transform=TRANSFORM @ rasterio.Affine.scale(2)
    )
    wide = bl.extract_patches(scene, size=6, label=coarse, classes=["x", "y", "z"])
    assert wide.y.shape == (12, 3, 3)
    with pytest.raises(LabelError, match="not among `classes`"):
        bl.extract_patches(scene, size=6, label=label, classes=["x", "y"])


def test_several_inputs_are_cut_together(scene: Path, tmp_path: Path) -> None:
    array = values(20, 24)
    coarse = written(
        tmp_path / "coarse.tif", array[::2, ::2, :2], names=("s1", "s2"), transform=TRANSFORM @ rasterio.Affine.scale(2)
    )
    places = points([5, 10], [4, 20], ["a", "b"])
    found = bl.extract_patches({"fine": scene, "coarse": coarse}, places, size=4, wavelengths={"coarse": [1600, 2200]})
    assert {name: one.x.shape for name, one in found.x.items()} == {"fine": (2, 4, 4, 3), "coarse": (2, 2, 2, 2)}
    row, col = found.corner[0]
    assert row % 2 == col % 2 == 0
    np.testing.assert_array_equal(found.x["fine"].x[0], array[row : row + 4, col : col + 4])
    np.testing.assert_array_equal(found.x["coarse"].x[0], array[row : row + 4 : 2, col : col + 4 : 2, :2])
    assert found.x["coarse"].bands == ("s1", "s2")


def test_patches_of_several_scenes_are_joined(scene: Path, tmp_path: Path) -> None:
    other, array = written(tmp_path / "other.tif", 2 * values(20, 24)), values(20, 24)
    near = bl.extract_patches(scene, points([5, 10], [4, 20], ["water", "forest"]), size=3)
    far = bl.extract_patches(other, points([7], [6], ["bog"]), size=3)
    found = bl.ScenePatches.joined({"near": near, "far": far})
    np.testing.assert_array_equal(found.x[2], 2 * array[6:9, 5:8])
    assert (found.classes, found.y.tolist()) == (("forest", "water", "bog"), [1, 0, 2])
    frame = found.to_frame()
    assert frame["scene"].tolist() == ["near", "near", "far"]
    assert frame["location"].tolist() == [0, 1, 0]
    assert frame["class"].tolist() == ["water", "forest", "bog"]
    assert found.crs == {"near": near.crs, "far": far.crs}
    # pixels without a label stay without one, and inputs are joined one by one
    masks = [replace(near, y=np.array([[[-1, 0]], [[1, 1]]])), replace(far, y=np.array([[[0, -1]]]))]
    assert bl.ScenePatches.joined(masks).y.tolist() == [[[-1, 0]], [[1, 1]], [[2, -1]]]
    two = bl.extract_patches({"a": scene, "b": other}, points([5], [4], ["x"]), size=3)
    three = bl.ScenePatches.joined([two, two, two])
    assert {name: one.x.shape for name, one in three.x.items()} == {"a": (3, 3, 3, 3), "b": (3, 3, 3, 3)}
    assert three.scene.tolist() == ["0", "1", "2"]
    unlike: list[tuple[type[BandlensError], str, Any]] = [
        (InputTypeError, "no patches of several scenes", array),
        (BandError, "other inputs", two),
        (BandError, "in another order", replace(far, bands=BANDS[::-1])),
        (BandError, "other bands", replace(far, bands=("a", "b", "c"))),
        (BandError, "other wavelengths", replace(far, wavelengths=[490, 560, 665])),
        (InputError, "another size", bl.extract_patches(other, points([7], [6], ["bog"]), size=5)),
        (LabelError, "different kinds", replace(far, y=None, classes=None)),
    ]
    for error, message, part in unlike:
        with pytest.raises(error, match=message):
            bl.ScenePatches.joined({"near": near, "far": part})


def test_patches_are_what_band_importance_takes(scene: Path) -> None:
    places = points([5, 10, 3], [4, 20, 8], ["water", "forest", "water"])
    patches = bl.extract_patches(scene, places, size=3, classes=["water", "forest"])
    table = bl.band_importance(known_model(), patches, background=NOTHING)
    assert table.bands == BANDS
    assert table.classes == ("water", "forest")
    np.testing.assert_allclose(table.scores[1, 0, 2], values(20, 24)[10, 20, 2] / 2)


def test_wrong_places_are_named(scene: Path) -> None:
    places = points([5], [4], ["a"])
    mixed = pd.concat([places, places.assign(geometry=places.buffer(30))])
    cases: list[tuple[type[BandlensError], str, Any, dict[str, Any]]] = [
        (LocationError, "isn't there", "none.gpkg", {}),
        (LocationError, "no pairs of coordinates", pd.DataFrame({"u": [1]}), {}),
        (LocationError, "holds no places", [1, 2], {}),
        (LocationError, "coordinates that are no places", pd.DataFrame({"lon": [10.0], "lat": [95.0]}), {}),
        (LocationError, "neither points nor polygons", mixed, {}),
        (LocationError, "no coordinate reference system", places.set_crs(None, allow_override=True), {}),
        (LocationError, "no such column", places, {"label": "class"}),
        (LocationError, "values that are missing", places.assign(label=[None]), {}),
        (LabelError, "not among `classes`", places, {"classes": ["b"]}),
        (OptionError, "larger than the scene", places, {"size": 30}),
        (OptionError, "`placement` has a value", places, {"placement": "grids"}),
        (OptionError, "`size` must be", places, {"size": 0}),
    ]
    for kind, text, given, more in cases:
        with pytest.raises(kind, match=text):
            bl.extract_patches(scene, given, **{"size": 3, **more})


def test_importance_of_zones_is_that_of_their_cells(scene: Path) -> None:
    scores = bl.score_scene(known_model(), scene, stride=1, background=NOTHING, target="all", classes=["a", "b"])
    shapes = [rectangle((2, 5), (3, 4)), rectangle((10, 11), (12, 20)), rectangle((2, 3), (10, 10)), box(0, 0, 1, 1)]
    zones = geopandas.GeoDataFrame({"use": ["x", "y", "x", "z"]}, geometry=shapes, crs=CRS)
    array = scores.score.values  # the first cell is pixel 1, 1
    own = array[:, :, 1:5, 2:4].reshape(2, 3, -1).astype(float)
    table = bl.zonal_importance(scores, zones)
    assert list(table) == ["zone", "output", "band", "wavelength", "importance", "effect", "share", "std_error", "n"]
    first = table[table.zone == 0]
    np.testing.assert_allclose(first.importance, np.abs(own).mean(axis=-1).ravel())
    np.testing.assert_allclose(first.effect, own.mean(axis=-1).ravel())
    np.testing.assert_allclose(first.std_error, np.abs(own).std(axis=-1, ddof=1).ravel() / 8**0.5)
    assert (first.n == 8).all()
    np.testing.assert_allclose(first.groupby("output", observed=True).share.sum(), 1)
    nowhere = table[table.zone == 3]
    assert (nowhere.n == 0).all()
    assert nowhere.importance.isna().all()

    grouped = bl.zonal_importance(scores, zones.to_crs("EPSG:3035"), by="use")
    two = array[:, :, 1:3, 9:10].reshape(2, 3, -1).astype(float)
    both = np.abs(np.concatenate([own, two], axis=-1))
    x = grouped[grouped.zone == "x"]
    np.testing.assert_allclose(x.importance, both.mean(axis=-1).ravel())
    off = np.stack([np.abs(one).sum(axis=-1) - one.shape[-1] * both.mean(axis=-1) for one in (own, two)])
    np.testing.assert_allclose(x.std_error, (np.sqrt((off**2).sum(axis=0) * 2) / 10).ravel())
    assert (x.polygons == 2).all()
    assert grouped[grouped.zone == "y"].std_error.isna().all()
    assert list(grouped.band.cat.categories) == list(BANDS)


def test_zones_are_read_from_files(scene: Path, tmp_path: Path) -> None:
    path, file = tmp_path / "scores.zarr", tmp_path / "zones.gpkg"
    scores = bl.score_scene(known_model(), scene, stride=1, background=NOTHING, target=0, path=path)
    geopandas.GeoDataFrame(geometry=[rectangle((2, 5), (3, 4))], crs=CRS).to_file(file)
    expected = bl.zonal_importance(scores.compute(), file)
    pd.testing.assert_frame_equal(bl.zonal_importance(path, file), expected)
    assert "output" not in expected
    with pytest.raises(LocationError, match="No cell with a score"):
        bl.zonal_importance(path, geopandas.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs=CRS))
    with pytest.raises(SceneError, match="no scores of a scene"):
        bl.zonal_importance(xr.Dataset(), file)
    with pytest.raises(LocationError, match="are points"):
        bl.zonal_importance(path, points([5], [4], ["a"]))


POLYGONS = (
    "POLYGON ((500013 5000355, 500121 5000331, 500094 5000185, 500031 5000190, 500013 5000355))",
    "POLYGON ((500130 5000300, 500230 5000300, 500230 5000040, 500130 5000040, 500130 5000300), "
    "(500160 5000240, 500160 5000160, 500190 5000160, 500190 5000240, 500160 5000240))",
)
POINTS = ("POINT (500045 5000290)", "POINT (500200 5000190)", "POINT (500085.5 5000321)")


def test_patches_are_those_of_r(tmp_path: Path) -> None:
    # what R's extract_patches() gives for these shapes; test-extract_patches.R holds R to it
    fixture = pd.read_csv(Path(__file__).parents[1] / "fixtures" / "scene_patches.csv")
    scene = written(tmp_path / "scene.tif", values(20, 24), transform=rasterio.Affine(10, 0, 500000, 0, -20, 5000400))
    polygons = geopandas.GeoDataFrame({"label": ["a", "b"]}, geometry=geopandas.GeoSeries.from_wkt(POLYGONS), crs=CRS)
    points = geopandas.GeoDataFrame({"label": ["a", "b", "a"]}, geometry=geopandas.GeoSeries.from_wkt(POINTS), crs=CRS)
    cases: dict[str, tuple[Any, dict[str, Any]]] = {
        "points_3": (points, {"size": 3}),
        "points_4": (points, {"size": 4}),
        "patch_3": (polygons, {"size": 3}),
        "centre_3": (polygons, {"size": 3, "inside": "centre"}),
        "centre_4_by_2": (polygons, {"size": 4, "spacing": 2, "inside": "centre"}),
        "patch_2_by_1": (polygons, {"size": 2, "spacing": 1}),
    }
    assert set(fixture.kind) == set(cases)
    for kind, (places, more) in cases.items():
        found, expected = bl.extract_patches(scene, places, **more), fixture[fixture.kind == kind]
        frame = found.to_frame()
        for column in ("location", "row", "col"):
            np.testing.assert_array_equal(frame[column] + 1, expected[column])
        np.testing.assert_allclose(frame[["x", "y"]], expected[["x", "y"]])
        assert frame["class"].tolist() == expected.label.tolist()
        np.testing.assert_array_equal(found.x[:, 0, 0, 0], expected["first"])
