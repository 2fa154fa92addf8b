"""Kinds of models and of containers on the workers of a Dask cluster: the same as in one process, to the bit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens.cluster import workers
from bandlens.errors import ClusterError, OptionError
from on_workers import doubled

pytest.importorskip("distributed")
import distributed

BANDS = 3


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def layers() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return keras.layers


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def same(client: Any, model: Any, x: Any, y: Any = None, **arguments: Any) -> Any:
    """What workers found, which is what one process finds."""
    with workers.at_work(client) as team:
        found = bl.band_importance(model, x, y, **arguments)
    assert len(team.moved.blocks) > 1
    alone = bl.band_importance(model, x, y, **arguments)
    np.testing.assert_array_equal(found.scores, alone.scores)
    pd.testing.assert_frame_equal(found.to_frame(), alone.to_frame(), rtol=1e-12, atol=0)
    np.testing.assert_array_equal(found.output_values, alone.output_values)
    return team


def test_zones_of_pixels(client: Any, layers: Any) -> None:
    import keras

    model = keras.Sequential([keras.Input((6, 6, BANDS)), layers.Conv2D(3, 3, padding="same", activation="softmax")])
    labels = np.random.default_rng(0).integers(0, 3, (7, 6, 6))
    same(client, model, numbers(7, 6, 6, BANDS), labels, background=numbers(3, 6, 6, BANDS, seed=1), batch_size=2)


@pytest.mark.parametrize("method", ["deepshap", "saliency", "shapley"])
def test_series_of_images(client: Any, layers: Any, method: str) -> None:
    import keras

    model = keras.Sequential([keras.Input((3, 4, 4, 2)), layers.Conv3D(3, (2, 3, 3), activation="relu")])
    model.add(layers.Flatten())
    model.add(layers.Dense(3))
    times = ["2024-05-01", "2024-06-01", "2024-07-01"]
    about = {"background": numbers(4, 3, 4, 4, 2, seed=1), "time_axis": 1, "times": times, "method": method}
    same(client, model, numbers(7, 3, 4, 4, 2), batch_size=2, **about)


def test_several_labels_and_inputs(client: Any, layers: Any) -> None:
    import keras

    inputs = {"optical": keras.Input((4, 4, 2), name="optical"), "weather": keras.Input((2,), name="weather")}
    joined = layers.Concatenate()([layers.Flatten()(inputs["optical"]), inputs["weather"]])
    model = keras.Model(inputs, layers.Dense(3, activation="sigmoid")(layers.Dense(4, activation="relu")(joined)))
    x = {"optical": numbers(9, 4, 4, 2), "weather": numbers(9, 2, seed=1)}
    flags = np.random.default_rng(2).integers(0, 2, (9, 3))
    flags[:, 0] = 1
    same(client, model, x, flags, n_background=4, batch_size=2)


@pytest.mark.parametrize("kind", ["npy", "h5", "zarr"])
def test_files_are_read_by_workers(client: Any, tmp_path: Path, kind: str) -> None:
    x, path = numbers(12, 4, 4, 4), tmp_path / f"x.{kind}"
    if kind == "npy":
        np.save(path, x)
    elif kind == "h5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file["x"] = x
    else:
        zarr = pytest.importorskip("zarr")
        zarr.save(str(path), x)
    team = same(client, doubled, str(path), method="occlusion", batch_size=2, n_background=3)
    assert team.moved.out == 0  # but where they are
    alone = bl.band_importance(doubled, x, method="occlusion", batch_size=2, n_background=3)
    found = bl.band_importance(doubled, str(path), method="occlusion", batch_size=2, n_background=3, client=client)
    np.testing.assert_array_equal(found.scores, alone.scores)


def test_a_file_that_workers_do_not_have_is_named(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "gone.npy"
    np.save(path, numbers(12, 4, 4, 4))

    def removed(done: int, total: int) -> None:
        path.unlink(missing_ok=True)

    with pytest.raises((ClusterError, bl.errors.SourceError), match=r"gone\.npy"):
        bl.band_importance(
            doubled, str(path), method="occlusion", batch_size=2, n_background=3, client=client, progress=removed
        )


def damaged(path: Path) -> None:
    """A block holds something else, and nothing tells that it was written."""
    block, about = path / "c/19/0/0/0", (path / "c/19/0/0/0").stat()
    block.write_bytes(b"?" * about.st_size)
    os.utime(block, ns=(about.st_atime_ns, about.st_mtime_ns))


def rewritten(path: Path) -> None:
    """A block was written anew."""
    os.utime(path / "c/19/0/0/0", (4e9, 4e9))


@pytest.mark.parametrize("by_workers", [False, True])
@pytest.mark.parametrize(
    ("meddle", "text"),
    [(damaged, r"Images 38 to 39 can't be read(.*\n)+.*x\.zarr"), (rewritten, r"x\.zarr' changed while it was read")],
)
def test_files_that_change_after_they_were_checked_are_named(
    client: Any, tmp_path: Path, meddle: Any, text: str, by_workers: bool
) -> None:
    zarr, path, done = pytest.importorskip("zarr"), tmp_path / "x.zarr", []
    made = zarr.create_array(str(path), shape=(40, 4, 4, 4), chunks=(2, 4, 4, 4), dtype="float32", compressors="auto")
    made[:] = numbers(40, 4, 4, 4)

    def meddled(count: int, total: int) -> None:
        if not done:
            meddle(path)
        done.append(count)

    arguments = {"method": "occlusion", "batch_size": 2, "n_background": 3, "progress": meddled}
    with pytest.raises(bl.errors.SourceError, match=text):
        bl.band_importance(doubled, str(path), client=client if by_workers else None, **arguments)
    assert done


def test_a_stream_goes_along_block_by_block(client: Any) -> None:
    x = numbers(12, 4, 4, 4)
    with workers.at_work(client) as team:
        found = bl.band_importance(doubled, lambda: iter([x[:5], x[5:]]), method="occlusion", batch_size=2)
    assert team.moved.out >= x.nbytes
    alone = bl.band_importance(doubled, x, method="occlusion", batch_size=2)
    np.testing.assert_array_equal(found.scores, alone.scores)


def test_checks_are_shared_out(client: Any, layers: Any) -> None:
    import keras

    model = keras.Sequential(
        [keras.Input((4, 4, BANDS)), layers.Flatten(), layers.Dense(6, activation="relu"), layers.Dense(2)]
    )
    x, y = numbers(8, 4, 4, BANDS), np.arange(8) % 2
    about = {"method": "deepshap", "batch_size": 4, "n_background": 4, "task": "classification", "progress": False}
    for check, own in (
        (bl.check_null, {}),
        (bl.check_stability, {"backgrounds": 2, "resamples": 10}),
        (bl.check_randomization, {"repeats": 1, "layers": 1}),
    ):
        with workers.at_work(client) as team:
            found = check(model, x, y, **about, **own)
        assert len(team.moved.blocks) > 2
        assert found.to_frame().equals(check(model, x, y, **about, **own).to_frame())


def test_quality_is_measured_of_scores_by_workers(client: Any, layers: Any) -> None:
    import keras

    model = keras.Sequential(
        [keras.Input((4, 4, BANDS)), layers.Flatten(), layers.Dense(6, activation="relu"), layers.Dense(2)]
    )
    x, y = numbers(8, 4, 4, BANDS), np.arange(8) % 2
    about = {"methods": ["saliency"], "draws": 1, "repeats": 1, "batch_size": 4, "n_background": 2, "progress": False}
    metrics = ["max_sensitivity", "random_logit", "mprt"]
    with workers.at_work(client) as team:
        found = bl.check_quality(model, x, y, metrics=metrics, **about)
    assert len(team.moved.blocks) > 4  # its own table, moved images, another logit, random weights
    assert found.to_frame().equals(bl.check_quality(model, x, y, metrics=metrics, **about).to_frame())
    found = bl.check_quality(model, x, y, metrics=["complexity"], client=client, **about)
    assert found.to_frame().equals(bl.check_quality(model, x, y, metrics=["complexity"], **about).to_frame())
    with pytest.raises(OptionError, match="`client` is none"):
        bl.check_quality(model, x, y, client=1.5, **about)


def test_rankings_are_checked_by_workers(client: Any, layers: Any, tmp_path: Path) -> None:
    import keras

    dense = keras.Sequential(
        [keras.Input((4, 4, BANDS)), layers.Flatten(), layers.Dense(6, activation="relu"), layers.Dense(2)]
    )
    pixels = keras.Sequential([keras.Input((4, 4, BANDS)), layers.Conv2D(2, 3, padding="same", activation="softmax")])
    dense.save(tmp_path / "dense.keras")
    x, labels = numbers(9, 4, 4, BANDS), np.random.default_rng(0).integers(0, 2, (9, 4, 4))
    for model, y, absent in (
        (dense, np.arange(9) % 2, "conditional"),
        (str(tmp_path / "dense.keras"), None, "marginal"),
        (pixels, labels, "marginal"),
    ):
        table = bl.band_importance(model, x, y, method="occlusion", n_background=3)
        about = {"batch_size": 4, "n_background": 2, "orders": 4, "absent": absent}
        with workers.at_work(client) as team:
            found = bl.check_deletion(model, table, x, y, **about)
        assert team.moved.out > x.nbytes
        assert len(team.moved.blocks) > 2
        alone = bl.check_deletion(model, table, x, y, **about)
        for level in ("curve", "area"):
            assert found.to_frame(level).equals(alone.to_frame(level))
        assert found.to_frame().equals(bl.check_deletion(model, table, x, y, client=client, **about).to_frame())


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("deepshap", {}),
        ("deepshap", {"background_per_image": 2}),
        ("smoothgrad", {"n_samples": 3}),
        ("integrated_gradients", {"n_steps": 100}),
        ("lime", {"features": "superpixels", "n_samples": 8}),
    ],
)
def test_maps_are_made_by_workers(client: Any, layers: Any, method: str, options: dict[str, Any]) -> None:
    import keras

    model = keras.Sequential(
        [keras.Input((6, 6, BANDS)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(2)]
    )
    x = numbers(9, 6, 6, BANDS)
    about = {"method": method, "batch_size": 2, "background": numbers(4, 6, 6, BANDS, seed=1), **options}
    with workers.at_work(client) as team:
        found = bl.band_maps(model, x, **about)
    assert len(team.moved.blocks) > 2
    assert team.moved.back >= found.values.nbytes
    np.testing.assert_array_equal(found.values, bl.band_maps(model, x, **about).values)
    np.testing.assert_array_equal(found.values, bl.band_maps(model, x, client=client, **about).values)


def test_scenes_are_scored_by_workers(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rasterio")
    xarray = pytest.importorskip("xarray")
    from bandlens.scenes import grid
    from rasters import known_model, values, written

    monkeypatch.setattr("bandlens.scenes.preparing.BLOCK_VALUES", 200)
    monkeypatch.setattr("bandlens.scenes.preparing.patch_grid", lambda *given, made=grid.patch_grid: made(*given, 200))
    path = written(tmp_path / "scene.tif", values(16, 20))
    places = {"y": np.arange(16.0, 0, -1), "x": np.arange(20.0)}
    array = xarray.DataArray(values(16, 20), places, dims=("y", "x", "band"))
    model, about = known_model(), {"stride": 1, "target": 0, "output": "auto", "n_background": 3}
    for scene, sent in ((path, False), (array, True)):
        with workers.at_work(client) as team:
            found = bl.score_scene(model, scene, **about)
        assert len(team.moved.blocks) > 1
        # beside the few windows that the model is tried with
        assert (team.moved.out > array.nbytes) == sent
        np.testing.assert_array_equal(found.score.values, bl.score_scene(model, scene, **about).score.values)
    with pytest.raises(OptionError, match="computed when they are asked for"):
        bl.score_scene(model, array.chunk(), client=client, **about)
