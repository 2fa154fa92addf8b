"""Scores all over a scene, where a linear model tells them beforehand; whatever they are read from and cut into."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import bandlens as bl
import keras
import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from bandlens.errors import (
    BandError,
    BandlensError,
    CompletenessWarning,
    MissingPackageError,
    ModelError,
    OptionError,
    SceneError,
)
from bandlens.scenes import grid
from bandlens.scenes.blocks import region, score_block, score_values
from bandlens.scenes.grid import window_starts, window_weights
from bandlens.scenes.opening import opened
from bandlens.scenes.rasters import Region
from rasters import (
    BANDS,
    CRS,
    MIDDLE,
    NOTHING,
    PLAIN,
    TRANSFORM,
    known_model,
    linear,
    patchy,
    pixel_model,
    pixel_scores,
    values,
    written,
)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return written(tmp_path / "scene.tif", values())


def test_scores_are_those_of_the_patch_around_each_cell(scene: Path) -> None:
    array = values()
    found = bl.score_scene(known_model(), scene, stride=1, background=NOTHING, target=0)
    assert found.score.dims == ("band", "y", "x")
    assert found.band.values.tolist() == list(BANDS)
    assert found.score.dtype == np.float32
    np.testing.assert_allclose(found.score.sel(band="blue"), array[:7, 2:, 0])
    np.testing.assert_allclose(found.score.sel(band="green"), -2 * array[1:8, :9, 1])
    np.testing.assert_array_equal(found.score.sel(band="red"), 0)
    # cells are the scene's pixels, less a margin of one
    assert found.rio.transform() == TRANSFORM @ rasterio.Affine.translation(1, 1)
    assert found.rio.crs == CRS
    np.testing.assert_allclose(found.x[:2], [500015, 500025])
    np.testing.assert_allclose(found.y[:2], [4999970, 4999950])
    assert found.attrs["n_scored"] == 63
    assert found.attrs["completeness"] < 1e-6

    tiles = bl.score_scene(known_model(), scene, background=NOTHING, target=0)
    np.testing.assert_allclose(tiles.score.sel(band="blue"), array[0:9:3, 2:11:3, 0])
    assert tiles.rio.transform() == TRANSFORM @ rasterio.Affine.scale(3)
    two = bl.score_scene(known_model(), scene, stride=2, background=NOTHING, target=0)
    np.testing.assert_allclose(two.score.sel(band="green"), -2 * array[1:8:2, 0:9:2, 1])
    # the centre of the first cell is that of the first patch
    assert (float(two.x[0]), float(two.y[0])) == (500015, 4999970)


def test_an_even_size_has_centres_between_pixels(scene: Path) -> None:
    weights = np.zeros((4, 4, 3, 1), np.float32)
    weights[0, 3, 1, 0] = 3
    found = bl.score_scene(linear(weights), scene, stride=1, background=np.zeros((1, 4, 4, 3)))
    np.testing.assert_allclose(found.score.sel(band="green"), 3 * values()[:6, 3:, 1])
    assert found.rio.transform() == TRANSFORM @ rasterio.Affine.translation(1.5, 1.5)


def test_outputs_predictions_and_groups(scene: Path) -> None:
    array = values()
    names = ["open water", "forest"]
    every = bl.score_scene(known_model(), scene, background=NOTHING, target="all", classes=names, prediction=True)
    assert every.score.dims == ("output", "band", "y", "x")
    np.testing.assert_allclose(every.score.sel(output="forest", band="red"), array[1:9:3, 1:10:3, 2] / 2)
    # the first output is below 0 everywhere, the second above
    assert every.prediction.dtype == np.int16
    np.testing.assert_array_equal(every.prediction, 2)
    assert every.prediction.attrs["flag_meanings"] == "open_water forest"
    assert every.prediction.attrs["flag_values"].tolist() == [1, 2]
    assert every.prediction.attrs["classes"] == names
    predicted = bl.score_scene(known_model(), scene, background=NOTHING)
    np.testing.assert_allclose(predicted.score, every.score.sel(output="forest"))
    groups = {"visible": ["blue", "green"]}
    grouped = bl.score_scene(known_model(), scene, background=NOTHING, target=0, groups=groups)
    assert grouped.band.values.tolist() == ["visible", "red"]
    summed = every.score.sel(output="open water", band=["blue", "green"]).sum("band")
    np.testing.assert_allclose(grouped.score.sel(band="visible"), summed)


def test_several_labels_have_a_probability_each(scene: Path) -> None:
    weights = np.zeros((3, 3, 3, 3), np.float32)
    weights[1, 1, 0, 0], weights[1, 1, 1, 1] = 1e-3, -1e-3
    names = ["water", "forest", "city"]
    model = linear(weights, "sigmoid")
    found = bl.score_scene(model, scene, background=NOTHING, classes=names, prediction=True)
    centres = values()[1:9:3, 1:10:3]
    likely = 1 / (1 + np.exp(-np.stack([centres[..., 0], -centres[..., 1], 0 * centres[..., 2]]) / 1000))
    assert found.probability.dims == ("label", "y", "x")
    np.testing.assert_allclose(found.probability, likely, rtol=1e-5)
    np.testing.assert_array_equal(found.prediction, 1)
    np.testing.assert_allclose(found.score.sel(band="blue"), centres[..., 0] / 1000, rtol=1e-5)


def as_array(scene: Path, **more: Any) -> Any:
    return rioxarray.open_rasterio(scene, **more)


def test_whatever_holds_a_scene_gives_the_same(scene: Path, tmp_path: Path) -> None:
    model = known_model()
    kw: dict[str, Any] = {"stride": 2, "background": NOTHING, "target": "all"}
    expected = bl.score_scene(model, scene, **kw)
    arrays = values()
    singles = [
        str(written(tmp_path / f"{name}.tif", arrays[..., at : at + 1], names=None)) for at, name in enumerate(BANDS)
    ]
    array = as_array(scene)
    named = array.assign_coords(band=list(BANDS)).drop_attrs()
    moved = named.transpose("y", "x", "band").rio.write_crs(CRS)
    masked = as_array(scene, masked=True)
    for given in (str(scene), singles, array, moved, masked, moved.chunk({"y": 4, "x": 5, "band": 2})):
        found = bl.score_scene(model, given, **kw)
        xr.testing.assert_equal(found.score.compute(), expected.score)
        assert found.rio.transform() == expected.rio.transform()
        assert found.rio.crs == expected.rio.crs


def test_missing_values_have_no_score(tmp_path: Path) -> None:
    array = values()
    array[4, 4, 2] = -1
    marked = written(tmp_path / "marked.tif", array, nodata=-1)
    plain = array.copy()
    plain[4, 4, 2] = np.nan
    bare = written(tmp_path / "bare.tif", plain)
    masked = written(tmp_path / "masked.tif", array.astype(np.int16))
    with rasterio.open(masked, "r+") as file:
        file.write_mask(array[..., 2] != -1)
    for given in (marked, bare, masked, as_array(marked), as_array(marked, masked=True)):
        found = bl.score_scene(known_model(), given, background=NOTHING, target=0, prediction=True)
        lacking = np.zeros((3, 3), bool)
        lacking[1, 1] = True
        np.testing.assert_array_equal(np.isnan(found.score.sel(band="blue")), lacking)
        np.testing.assert_array_equal(found.prediction == 0, lacking)
        assert (found.attrs["n_scored"], found.attrs["n_missing"]) == (8, 1)
    nothing = written(tmp_path / "nothing.tif", np.full_like(array, -1), nodata=-1)
    with pytest.raises(SceneError, match="No patch without missing values"):
        bl.score_scene(known_model(), nothing)


def test_no_data_is_known_although_numbers_are_read_as_wider_ones(tmp_path: Path) -> None:
    array = values(6, 6).astype(np.float32)
    array[2, 3] = -9999.9  # GDAL gives the number as float32 has it
    path = written(tmp_path / "scaled.tif", array, nodata=-9999.9)
    with rasterio.open(path, "r+") as file:
        file.scales = (0.5,) * array.shape[-1]
    found = opened(path).read(Region(0, 0, 6, 6))
    assert found.dtype == np.float64
    assert np.argwhere(np.isnan(found).all(axis=-1)).tolist() == [[2, 3]]
    assert np.isnan(found).sum() == array.shape[-1]


def test_scale_and_offset_of_a_file_are_applied(tmp_path: Path) -> None:
    path = written(tmp_path / "scaled.tif", values().astype(np.uint16))
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,) * 3, (7.0,) * 3
    found = bl.score_scene(known_model(), path, background=NOTHING, target=1)
    np.testing.assert_allclose(found.score.sel(band="red"), (values()[1:9:3, 1:10:3, 2] / 2 + 7) / 2)


def test_a_background_is_drawn_from_the_scene(scene: Path) -> None:
    model = known_model()
    one = bl.score_scene(model, scene, target=0, n_background=5)
    again = bl.score_scene(model, scene, target=0, n_background=5)
    other = bl.score_scene(model, scene, target=0, n_background=5, seed=1)
    xr.testing.assert_identical(one, again)
    assert not one.score.equals(other.score)
    # differences between cells don't depend on it
    np.testing.assert_allclose(one.score.diff("x").sel(band="blue"), 3)
    every = bl.score_scene(known_model(), scene, target=0, stride=1, n_background=100)  # all 63 places
    np.testing.assert_allclose(every.score.mean(["y", "x"]), 0, atol=1e-2)


def cut(monkeypatch: pytest.MonkeyPatch, numbers: int) -> None:
    """Cut scenes into blocks of so many numbers, and batches that are smaller still."""
    monkeypatch.setattr("bandlens.scenes.preparing.BLOCK_VALUES", numbers)
    for kind in ("patch_grid", "pixel_grid"):
        made = getattr(grid, kind)
        monkeypatch.setattr(f"bandlens.scenes.preparing.{kind}", lambda *a, made=made: made(*a, numbers))


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((5, 5, 3)), *layers, keras.layers.Dense(3, activation="softmax")])


def test_blocks_of_any_size_give_the_result_of_one(network: Any, tmp_path: Path, monkeypatch: Any) -> None:
    array = np.random.default_rng(0).normal(size=(14, 17, 3)).astype(np.float32)
    array[3, 5] = np.nan
    path = written(tmp_path / "scene.tif", array)
    for method in ("deepshap", "saliency"):
        with monkeypatch.context() as patch:
            whole = bl.score_scene(network, path, stride=1, target="all", method=method, prediction=True)
            cut(patch, 150)
            pieces = bl.score_scene(network, path, stride=1, target="all", method=method, prediction=True)
        xr.testing.assert_allclose(pieces, whole, rtol=1e-5, atol=1e-6)
        assert np.isnan(whole.score).any()


def test_scores_are_those_of_band_importance(network: Any, tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=(12, 10, 3)).astype(np.float32)
    background = np.random.default_rng(1).normal(size=(8, 5, 5, 3)).astype(np.float32)
    path = written(tmp_path / "scene.tif", array)
    found = bl.score_scene(network, path, stride=1, background=background)
    patches = np.stack([array[row : row + 5, col : col + 5] for row, col in ((0, 0), (3, 5), (7, 2))])
    table = bl.band_importance(network, patches, background=background, target="predicted", bands=BANDS)
    there = [found.score.values[:, row, col] for row, col in ((0, 0), (3, 5), (7, 2))]
    np.testing.assert_allclose(there, table.scores[:, 0], rtol=1e-4, atol=1e-6)


def test_a_block_can_be_sent_elsewhere(scene: Path) -> None:
    from bandlens.explain.question import Question
    from bandlens.scenes.preparing import prepared

    asked = Question(model=None, x=None, background=NOTHING, target=0)
    for given in (scene, as_array(scene)):
        model = known_model()
        work, *_ = prepared(model, given, None, 1, asked, False)
        (block,) = work.grid.blocks()
        sent, there = pickle.loads(pickle.dumps((work, block)))
        expected = score_block(model, work, block)
        np.testing.assert_array_equal(score_block(model, sent, there).values["score"], expected.values["score"])
        read = work.ground.raw(region(work, block))
        described = pickle.loads(pickle.dumps(work.elsewhere()))
        found = score_values(model, described, block, read)
        np.testing.assert_array_equal(found.values["score"], expected.values["score"])
        assert found.tally == expected.tally


def test_pixels_have_the_scores_of_their_class(tmp_path: Path, monkeypatch: Any) -> None:
    array, names = patchy(), ["water", "forest", "city"]
    path = written(tmp_path / "scene.tif", array)
    model = pixel_model()
    classes, expected = pixel_scores(array)
    assert set(classes.ravel()) == {0, 1, 2}
    for stride in (None, 1, 3, 4):
        found = bl.score_scene(model, path, stride=stride, background=PLAIN, classes=names, prediction=True)
        assert found.rio.transform() == TRANSFORM
        np.testing.assert_allclose(found.score, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(found.prediction, classes + 1)
    logits = (array - MIDDLE) @ (model.layers[-1].get_weights()[0][0, 0])
    likely = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found.confidence, likely.max(axis=-1), rtol=1e-5)
    every = bl.score_scene(model, path, background=PLAIN, classes=names, target="all")
    city = bl.score_scene(model, path, background=PLAIN, classes=names, target="city")
    np.testing.assert_allclose(every.score.sel(output="city"), city.score)
    np.testing.assert_allclose(city.score.sel(band="red"), (array[..., 2] - MIDDLE[2]) / 100, rtol=1e-4, atol=1e-5)
    cut(monkeypatch, 300)
    pieces = bl.score_scene(model, path, background=PLAIN, classes=names, prediction=True)
    np.testing.assert_allclose(pieces.score, expected, rtol=1e-5, atol=1e-5)


def test_a_network_of_pixels_is_the_same_in_pieces(tmp_path: Path, monkeypatch: Any) -> None:
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    inner = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    model = keras.Model(image, keras.layers.Conv2D(3, 3, padding="same", activation="softmax")(inner))
    array = np.random.default_rng(3).normal(size=(40, 37, 3)).astype(np.float32)
    array[10:12, 30, 1] = np.nan
    path = written(tmp_path / "scene.tif", array)
    background = np.random.default_rng(4).normal(size=(4, 8, 8, 3)).astype(np.float32)
    whole = bl.score_scene(model, path, background=background, prediction=True)
    cut(monkeypatch, 3000)
    pieces = bl.score_scene(model, path, background=background, prediction=True)
    xr.testing.assert_allclose(pieces, whole, rtol=1e-5, atol=1e-6)
    assert np.isnan(whole.score).sum() == 6
    assert int((whole.prediction == 0).sum()) == 2
    lazy = bl.score_scene(model, as_array(path, chunks={"y": 11, "x": 13}), background=background, prediction=True)
    assert lazy.score.chunks is not None
    xr.testing.assert_equal(lazy.compute().drop_attrs(), pieces.drop_attrs())
    # a part of it is computed alone, with the same values
    part = lazy.score[:, 30:33, 5:9].compute()
    np.testing.assert_array_equal(part, pieces.score[:, 30:33, 5:9])


def test_windows_cover_all_and_add_up_to_one() -> None:
    assert window_starts(11, 4, 2).tolist() == [0, 2, 4, 6, 7]
    assert window_starts(4, 4, 2).tolist() == [0]
    weights = window_weights(4)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights[:2, :2] + weights[2:, :2] + weights[:2, 2:] + weights[2:, 2:], 1)


def two_inputs() -> Any:
    """2 x green at the upper left of 4 x 4 fine pixels, 3 x swir2 at the lower right of 2 x 2 coarse ones, and rain."""
    fine, coarse, rain = (
        keras.Input((4, 4, 3), name="fine"),
        keras.Input((2, 2, 2), name="coarse"),
        keras.Input((2,), name="rain"),
    )
    flat = [keras.layers.Flatten()(one) for one in (fine, coarse)]
    dense = keras.layers.Dense(1, use_bias=False)
    model = keras.Model([fine, coarse, rain], dense(keras.layers.Concatenate()([*flat, rain])))
    weights = np.zeros((48 + 8 + 2, 1), np.float32)
    weights[1], weights[48 + 7], weights[-1] = 2, 3, 5
    dense.set_weights([weights])
    return model


def test_several_inputs_of_several_resolutions(tmp_path: Path) -> None:
    array, model = values(8, 12), two_inputs()
    small = array[::2, ::2, :2] / 10
    fine = written(tmp_path / "fine.tif", array)
    coarse = written(
        tmp_path / "coarse.tif", small, names=("swir1", "swir2"), transform=TRANSFORM @ rasterio.Affine.scale(2)
    )
    given = {"rain": {"today": 1.0, "tomorrow": 2.0}, "coarse": coarse, "fine": as_array(fine)}
    background = {"fine": np.zeros((1, 4, 4, 3)), "coarse": np.zeros((1, 2, 2, 2)), "rain": np.zeros((1, 2))}
    found = bl.score_scene(model, given, stride=2, background=background)
    names = ["fine.blue", "fine.green", "fine.red", "coarse.swir1", "coarse.swir2", "rain.today", "rain.tomorrow"]
    assert found.band.values.tolist() == names
    assert found.input.values.tolist() == ["fine"] * 3 + ["coarse"] * 2 + ["rain"] * 2
    np.testing.assert_allclose(found.score.sel(band="fine.green"), 2 * array[0:5:2, 0:9:2, 1])
    np.testing.assert_allclose(found.score.sel(band="coarse.swir2"), 3 * small[1:, 1:, 1], rtol=1e-6)
    np.testing.assert_allclose(found.score.sel(band="rain.tomorrow"), 10)
    assert found.rio.transform() == TRANSFORM @ rasterio.Affine.translation(1, 1) @ rasterio.Affine.scale(2)
    cases: list[tuple[type[BandlensError], str, Any, dict[str, Any]]] = [
        (SceneError, "several inputs, and `scene` is one raster", fine, {}),
        (SceneError, "does not hold what the model's inputs take", {"fine": fine}, {}),
        (SceneError, "no row of numbers", {**given, "rain": [1.0]}, {}),
        (OptionError, "cut pixels of the coarser", given, {"stride": 3}),
        (BandError, "other bands than the model takes", {**given, "coarse": fine}, {}),
    ]
    for kind, text, scene, more in cases:
        with pytest.raises(kind, match=text):
            bl.score_scene(model, scene, background=background, **more)
    shifted = as_array(coarse).assign_coords(x=as_array(coarse).x + 40)
    with pytest.raises(SceneError, match="covers other ground"):
        bl.score_scene(model, {**given, "coarse": shifted}, background=background)


def test_a_series_has_scores_per_band_and_time(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(9, 11, 2, 3)).astype("float32")  # rows, columns, times, bands
    values[0, 0, 1, 2] = np.nan
    dates = np.array(["2024-05-01", "2024-06-01"], "datetime64[ns]")
    axes = {"y": 90.0 - 10 * np.arange(9), "x": 10.0 * np.arange(11), "time": dates, "band": list(BANDS)}
    series = xr.DataArray(values, axes, tuple(axes)).rio.write_crs(32633)
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inner = [layers.Conv3D(4, (1, 2, 2), activation="relu"), layers.Flatten(), layers.Dense(2)]
    model = keras.Sequential([keras.Input((2, 4, 4, 3)), *inner])
    background = random.normal(size=(3, 2, 4, 4, 3)).astype("float32")
    options: dict[str, Any] = {"background": background, "target": 1}
    found = bl.score_scene(model, series.transpose("time", "band", "y", "x"), stride=3, prediction=True, **options)
    places = [(row, col) for row in (0, 3) for col in (0, 3, 6)]
    windows = np.stack([np.moveaxis(values[row : row + 4, col : col + 4], 2, 0) for row, col in places[1:]])
    one = bl.band_importance(model, windows, time_axis=1, times=dates, bands=BANDS, **options)
    cells = found.score.values.reshape(6, -1)
    assert np.isnan(cells[:, 0]).all()
    np.testing.assert_allclose(cells[:, 1:].T, one.scores[:, 0], rtol=1e-5, atol=1e-6)
    assert found.prediction.values.ravel()[1:].tolist() == (one.prediction + 1).tolist()
    assert found.band_name.values.tolist() == list(one.bands)
    assert [f"{name}.{time}" for name, time in zip(one.bands, one.times, strict=True)] == list(found.band.values)
    np.testing.assert_array_equal(found.time.values, np.array(one.times, "datetime64[ns]"))
    for name in ("scores.tif", "scores.zarr"):
        kept = bl.score_scene(model, series, stride=3, prediction=True, path=tmp_path / name, **options)
        np.testing.assert_array_equal(kept.score.values, found.score.values)
        np.testing.assert_array_equal(kept.time.values, found.time.values)
    lazy = bl.score_scene(model, series.chunk(y=5), stride=3, prediction=True, **options)
    np.testing.assert_allclose(lazy.score.values, found.score.values, rtol=1e-5, atol=1e-6)
    drawn = bl.score_scene(model, series, target=1, n_background=4)
    assert np.isfinite(drawn.score.values).any()
    # a file for each date; of the second the bands are in two
    first, second = (values[:, :, at] for at in range(2))
    files: dict[Any, Any] = {
        str(dates[0])[:10]: written(tmp_path / "first.tif", first, transform=series.rio.transform()),
        str(dates[1])[:10]: [
            written(tmp_path / "blue.tif", second[..., :1], transform=series.rio.transform()),
            written(tmp_path / "others.tif", second[..., 1:], names=BANDS[1:], transform=series.rio.transform()),
        ],
    }
    read = bl.score_scene(model, files, stride=3, prediction=True, **options)
    xr.testing.assert_equal(read.drop_vars("spatial_ref"), found.drop_vars("spatial_ref"))
    once = written(tmp_path / "other.tif", first, names=BANDS[::-1], transform=series.rio.transform())
    moved = written(tmp_path / "moved.tif", first)
    for other, said in ((once, "other bands than"), (moved, "different grids"), (series, "what is no file")):
        with pytest.raises(SceneError, match=said):
            bl.score_scene(model, {**files, str(dates[1])[:10]: other}, **options)
    for wrong in (series.isel(time=[0]), series.isel(time=0)):
        with pytest.raises(SceneError, match="takes series of images"):
            bl.score_scene(model, wrong, **options)
    with pytest.raises(BandError, match="other bands"):
        bl.score_scene(model, series.isel(band=[0, 1]), **options)
    mapper = keras.Sequential([keras.Input((2, 4, 4, 3)), layers.Permute((2, 3, 1, 4)), layers.Reshape((4, 4, 6))])
    mapper.add(layers.Conv2D(2, 1, activation="softmax"))
    with pytest.raises(ModelError, match="every pixel of a series"):
        bl.score_scene(mapper, series, task="segmentation")


def test_what_r_reads_otherwise_is_named(scene: Path, tmp_path: Path) -> None:
    from bandlens.r.bridge import score_scene

    with rasterio.open(scene) as file:
        there = file.read()[:, 1, 2]
    step = {"bands": BANDS[::-1], "paths": [str(scene)], "layers": [[3, 2, 1]], "pixels": np.array([[1, 2]])}
    path = str(tmp_path / "scores.tif")
    arguments = {"background": NOTHING, "target": 0, "path": path}
    for off, ok in ((0, True), (1, False), (np.nan, False)):
        steps = [{**step, "read": there[None, ::-1] + np.array([0, 0, off])}]
        answer = score_scene(known_model(), [{"called": "raster", "steps": steps}], arguments, None)
        assert answer["ok"] is ok
        assert Path(path).exists() is ok
        Path(path).unlink(missing_ok=True)
    assert answer["message"] == "`raster` is read differently by terra and by rasterio."
    assert answer["given"] == f"{there[0]:g} at row 2, column 3 of layer blue"


def test_what_can_not_be_scored_is_named(scene: Path, tmp_path: Path) -> None:
    model, array = known_model(), as_array(scene)
    odd = written(tmp_path / "odd.tif", values(10, 10))
    cases: list[tuple[type[BandlensError], str, Any, dict[str, Any]]] = [
        (SceneError, "is no raster", np.zeros((4, 4, 3)), {}),
        (SceneError, "names a file that isn't there", tmp_path / "none.tif", {}),
        (SceneError, "files of different grids", [scene, odd], {}),
        (SceneError, "not north up", array[:, ::-1], {}),
        (SceneError, "not evenly spaced", array.isel(x=[0, 1, 2, 3, 5]), {}),
        (SceneError, "more axes", array.expand_dims(time=2), {}),
        (SceneError, "no axes of rows", array.rename(x="u", y="v"), {}),
        (BandError, "other bands than the model takes", array[:2], {}),
        (BandError, "in another order", array, {"bands": ["red", "green", "blue"]}),
        (OptionError, "larger than the scene", array[:, :2, :2], {}),
        (OptionError, "`stride` must be", scene, {"stride": 0}),
        (OptionError, "Permutation swaps", scene, {"method": "permutation"}),
        (OptionError, "`prediction` must be", scene, {"prediction": "yes"}),
        (OptionError, "predicts numbers, not classes", scene, {"prediction": True, "task": "regression"}),
        (OptionError, "names no output", scene, {"target": "forest"}),
        (OptionError, "no such option", scene, {"strid": 3}),
        (OptionError, "`path` is none for scores", scene, {"path": "scores.csv"}),
        (OptionError, "is the file of the scene", scene, {"path": scene, "overwrite": True}),
        (OptionError, "exists already", scene, {"path": odd}),
    ]
    for kind, text, given, more in cases:
        with pytest.raises(kind, match=text):
            bl.score_scene(model, given, background=NOTHING, **more)
    with pytest.raises(OptionError, match="no values of single pixels"):
        bl.score_scene(pixel_model(), scene, method="shapley")
    with pytest.raises(OptionError, match="pixels between the windows"):
        bl.score_scene(pixel_model(), scene, stride=5)
    with pytest.raises(OptionError, match="does not say how large"):
        bl.score_scene(pixel_model(None), scene)
    image = keras.Input((4, 4, 3))
    halved = keras.Model(image, keras.layers.Conv2D(2, 2, strides=2, activation="softmax")(image))
    with pytest.raises(ModelError, match="no pixels of the windows"):
        bl.score_scene(halved, scene)


def test_a_missing_package_says_how_to_get_it(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(MissingPackageError, match=r"bandlens\[scenes\]"):
        bl.score_scene(known_model(), scene)


def test_wrong_scores_are_warned_of_once(tmp_path: Path, monkeypatch: Any) -> None:
    def model(x: Any) -> Any:
        # so far from zero that float32 rounds it
        return keras.ops.mean(x, axis=(1, 2)) * 0.3 + 3e6

    array = np.random.default_rng(0).uniform(0, 1, (12, 12, 3)).astype(np.float32)
    path = written(tmp_path / "scene.tif", array)
    cut(monkeypatch, 40)
    with pytest.warns(CompletenessWarning, match="This is of one part of the scene") as caught:
        bl.score_scene(model, path, size=3, background=np.zeros((1, 3, 3, 3), np.float32), target=1)
    assert len(caught) == 1
