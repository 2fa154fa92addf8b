"""What every method promises, whatever it computes: one suite for all of them."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens.results.tables import CLASS_COLUMNS, IMAGE_COLUMNS
from conftest import out_of_memory

# 50 steps are few for noise as images
pytestmark = pytest.mark.filterwarnings("ignore:Integrated gradients:bandlens.errors.CompletenessWarning")

METHODS = tuple(bl.METHODS)
CLASSES = ["water", "soil", "forest"]


@cache
def layout_model(layout: str, bands: int) -> tuple[Any, tuple[int, ...], int]:
    """A classifier of three classes for images, spectra, cubes or channels-first images; its shape and band axis."""
    import keras

    keras.utils.set_random_seed(7)
    layers = keras.layers
    shapes = {"image": (6, 6, bands), "spectrum": (bands, 1), "cube": (4, 4, bands, 1), "first": (bands, 6, 6)}
    first = {
        "image": [layers.Conv2D(4, 3)],
        "spectrum": [layers.Conv1D(4, 2, padding="same")],
        "cube": [layers.Conv3D(4, 2, padding="same")],
        "first": [layers.Permute((2, 3, 1)), layers.Conv2D(4, 3)],
    }
    axis = {"image": -1, "spectrum": 1, "cube": 3, "first": 1}[layout]
    model = keras.Sequential(
        [
            keras.Input(shapes[layout]),
            *first[layout],
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    return model, shapes[layout], axis


def container(x: np.ndarray, kind: str) -> Any:
    """The same images as users hold them."""
    if kind == "fortran":
        x = np.asfortranarray(x.astype("float64"))
        x.flags.writeable = False
        return x
    if kind == "uint16":
        return x.astype("uint16")
    return list(x) if kind == "list" else x.astype("float32")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["c_order", "fortran", "uint16", "list"])
@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("bands", [1, 4, 13])
def test_containers_and_sizes(method: str, kind: str, n: int, bands: int) -> None:
    model, shape, _ = layout_model("image", bands)
    x = np.random.default_rng(n).integers(0, 20, (n, *shape)).astype("float64")
    held = container(x, kind)
    copy = [np.array(image) for image in held]
    result = bl.band_importance(model, held, np.arange(n) % 3, method=method, classes=CLASSES)
    plain = bl.band_importance(model, x.astype("float32"), np.arange(n) % 3, method=method, classes=CLASSES)
    np.testing.assert_allclose(result.scores, plain.scores, rtol=1e-6, atol=1e-7)
    for before, after in zip(copy, held, strict=True):
        np.testing.assert_array_equal(before, after)
    frame = result.to_frame()
    assert tuple(frame.columns) == CLASS_COLUMNS
    assert len(frame) == min(n, 3) * bands
    assert frame["n"].to_numpy()[::bands].sum() == n


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layout", ["image", "spectrum", "cube", "first"])
def test_layouts(method: str, layout: str) -> None:
    model, shape, axis = layout_model(layout, 5)
    x = np.random.default_rng(0).normal(size=(7, *shape)).astype("float32")
    result = bl.band_importance(model, x, method=method, band_axis=axis, target="all")
    assert result.scores.shape == (7, 3, 5)
    if bl.METHODS[method].maps is None:
        with pytest.raises(bl.errors.OptionError, match=rf"'{method}' treats a band as a whole.*\n.*'deepshap'"):
            bl.band_maps(model, x, method=method, band_axis=axis)
        return
    options = bl.METHODS[method].maps_options
    result = bl.band_importance(model, x, method=method, band_axis=axis, target="all", **options)
    maps = bl.band_maps(model, x, method=method, band_axis=axis, target="all", **options)
    assert maps.values.shape == (7, 3, *shape)
    pixels = tuple(a for a in range(2, maps.values.ndim) if a != maps.band_axis + 1)
    reduced = maps.values.sum(axis=pixels) if result.signed else np.abs(maps.values).mean(axis=pixels)
    np.testing.assert_allclose(result.scores, reduced, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_batch_size_does_not_matter(small_cnn: Any, images: np.ndarray, background: np.ndarray, method: str) -> None:
    def scores(batch_size: int | None) -> np.ndarray:
        return bl.band_importance(
            small_cnn, images, background=background, method=method, batch_size=batch_size, target="all"
        ).scores

    whole = scores(None)
    for size in (1, 5):
        np.testing.assert_allclose(scores(size), whole, rtol=1e-6, atol=1e-6 * np.abs(whole).max())


@pytest.mark.parametrize("method", METHODS)
def test_out_of_memory_halves_and_goes_on(
    small_cnn: Any, images: np.ndarray, background: np.ndarray, little_memory: Any, method: str
) -> None:
    def explain() -> bl.BandImportance:
        return bl.band_importance(small_cnn, images, np.arange(12) % 3, method=method, background=background)

    whole = explain()
    calls = little_memory(small_cnn)
    cut = explain()
    np.testing.assert_allclose(cut.scores, whole.scores, rtol=1e-4, atol=1e-5 * np.abs(whole.scores).max())
    explain()
    calls.pop("compiled_start.<locals>.step", None)  # goes before the one that is halved
    for shapes in calls.values():
        assert len(shapes) > 3
        assert all(failed not in shapes[2:] for failed in shapes[:2])  # what fits is remembered, for later calls, too


@pytest.mark.parametrize("method", ["saliency", "occlusion", "integrated_gradients"])
def test_out_of_memory_for_a_single_image_is_raised(
    small_cnn: Any, images: np.ndarray, little_memory: Any, method: str
) -> None:
    calls = little_memory(small_cnn, failures=1000)
    with pytest.raises(type(out_of_memory(small_cnn))):
        bl.band_importance(small_cnn, images, method=method)
    assert max(map(len, calls.values())) < 20


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_numbers(small_cnn: Any, images: np.ndarray, method: str) -> None:
    def result(seed: int) -> bl.BandImportance:
        return bl.band_importance(small_cnn, images, method=method, n_background=4, seed=seed)

    np.testing.assert_array_equal(result(3).scores, result(3).scores)
    if bl.METHODS[method].uses_background:
        assert not np.array_equal(result(3).background, result(4).background)


@pytest.mark.parametrize("method", METHODS)
def test_permuting_bands_permutes_rows(small_cnn: Any, keras: Any, images: np.ndarray, method: str) -> None:
    order = [2, 0, 3, 1]
    permuted = keras.models.clone_model(small_cnn)
    weights = small_cnn.get_weights()
    weights[0] = weights[0][:, :, order]
    permuted.set_weights(weights)

    def scores(model: Any, x: np.ndarray, seed: int = 0) -> np.ndarray:
        return bl.band_importance(model, x, method=method, target="all", seed=seed).scores

    plain = scores(small_cnn, images)
    moved = scores(permuted, images[..., order])
    # draws over pixels and bands fall differently on bands in another order, as they do with another seed
    chance = 3 * np.abs(scores(small_cnn, images, 1) - plain).max() if bl.METHODS[method].random else 0
    np.testing.assert_allclose(moved, plain[..., order], rtol=1e-4, atol=1e-5 + chance)


@pytest.mark.parametrize("method", METHODS)
def test_tables_are_as_contracted(small_cnn: Any, images: np.ndarray, method: str) -> None:
    y = np.arange(12) % 3
    bands, waves = ["nir", "green", "red", "blue"], [850, 560, 665, None]
    result = bl.band_importance(
        small_cnn, images, y, method=method, classes=CLASSES, bands=bands, wavelengths=waves, target="all"
    )
    frame = result.to_frame()
    assert tuple(frame.columns) == CLASS_COLUMNS
    for column, levels in (("class", CLASSES), ("output", CLASSES), ("band", bands)):
        assert frame[column].dtype == pd.CategoricalDtype(levels, ordered=True)
    assert len(frame) == 3 * 3 * 4
    grouped = frame.groupby(["class", "output"], observed=True)
    some = grouped["importance"].max() > 0
    np.testing.assert_allclose(grouped["share"].sum()[some], 1)
    assert grouped["share"].apply(lambda share: share.isna().all())[~some].all()
    assert some.all() or bl.METHODS[method].directed
    assert (grouped["rank"].apply(sorted).map(tuple) == (1, 2, 3, 4)).all()
    assert np.isnan(frame["wavelength"].to_numpy()[3::4]).all()
    assert (frame["conf_low"] <= frame["importance"]).all()
    assert (frame["importance"] <= frame["conf_high"]).all()
    assert (frame["n"] == 4).all()
    per_image = result.to_frame("image")
    assert tuple(per_image.columns) == IMAGE_COLUMNS
    assert per_image["image"].tolist() == np.repeat(np.arange(12), 12).tolist()
    if not bl.METHODS[method].directed:
        per_image["score"] = per_image["score"].abs()
    by_hand = per_image.groupby(["class", "output", "band"], observed=True)["score"]
    np.testing.assert_allclose(frame["importance"], by_hand.mean(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(frame["se_images"], by_hand.sem(), rtol=1e-9)
    both = np.sqrt(frame["se_images"] ** 2 + frame["se_background"].fillna(0) ** 2)
    np.testing.assert_allclose(frame["std_error"], both, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_results_are_plain_data(small_cnn: Any, images: np.ndarray, method: str, tmp_path: Path) -> None:
    result = bl.band_importance(small_cnn, images, np.arange(12) % 3, method=method, classes=CLASSES)
    result.save(tmp_path / "result.npz")
    for copy in (pickle.loads(pickle.dumps(result)), bl.BandImportance.load(tmp_path / "result.npz")):
        pd.testing.assert_frame_equal(copy.to_frame(), result.to_frame())
        pd.testing.assert_frame_equal(copy.to_frame("image"), result.to_frame("image"))
        assert repr(copy) == repr(result)
        assert copy.options == result.options
        assert copy.versions == result.versions
    assert method in repr(result)
    assert "water" in result.summary()


@pytest.mark.parametrize("method", METHODS)
def test_to_shap(small_cnn: Any, images: np.ndarray, method: str) -> None:
    result = bl.band_importance(small_cnn, images, method=method, bands=list("abcd"))
    explanation = result.to_shap()
    np.testing.assert_array_equal(explanation.values, result.scores[:, 0])
    np.testing.assert_allclose(explanation.data, images.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)
    assert list(explanation.feature_names) == list("abcd")
    if not bl.METHODS[method].additive:
        assert result.completeness is None
        return
    lacking = result.output_values[:, 0] - explanation.values.sum(axis=1) - explanation.base_values
    difference = np.abs(result.output_values - result.base_values)[:, 0]
    expected = np.abs(lacking) / np.maximum(difference, difference.mean())
    np.testing.assert_allclose(result.residuals[:, 0], expected, rtol=1e-6, atol=1e-12)
    if bl.METHODS[method].exact:
        assert result.completeness < 1e-4


@pytest.mark.parametrize("target", ["class", "predicted", "all", "soil", 1])
def test_targets(small_cnn: Any, images: np.ndarray, target: Any) -> None:
    y = np.arange(12) % 3
    every = bl.band_importance(small_cnn, images, y, classes=CLASSES, method="saliency", target="all")
    result = bl.band_importance(small_cnn, images, y, classes=CLASSES, method="saliency", target=target)
    predicted = small_cnn.predict(images, verbose=0).argmax(axis=1)
    np.testing.assert_array_equal(result.prediction, predicted)
    wanted = {"class": y, "predicted": predicted, "soil": np.ones(12, int), 1: np.ones(12, int)}.get(target)
    if wanted is None:
        np.testing.assert_array_equal(result.scores, every.scores)
    else:
        np.testing.assert_array_equal(result.image_output[:, 0], wanted)
        np.testing.assert_allclose(result.scores[:, 0], every.scores[np.arange(12), wanted], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("output", ["logit", "probability"])
def test_single_sigmoid_is_two_classes(keras: Any, images: np.ndarray, method: str, output: str) -> None:
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 4)), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    result = bl.band_importance(model, images, method=method, target="all", output=output, classes=["no", "yes"])
    assert result.outputs == ("no", "yes")
    sign = -1 if result.signed else 1
    np.testing.assert_allclose(result.scores[:, 0], sign * result.scores[:, 1], rtol=1e-6)
    np.testing.assert_array_equal(result.prediction, (model.predict(images, verbose=0)[:, 0] > 0.5).astype(int))
    if output == "probability":
        np.testing.assert_allclose(result.output_values.sum(axis=1), 1, rtol=1e-6)
    if result.completeness is not None and bl.METHODS[method].exact:
        assert result.completeness < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_single_linear_unit_is_a_regression(keras: Any, images: np.ndarray, method: str) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(1)])
    frame = bl.band_importance(model, images, method=method).to_frame()
    assert len(frame) == 4
    assert (frame["n"] == 12).all()


def test_saved_models(small_cnn: Any, images: np.ndarray, tmp_path: Path) -> None:
    expected = bl.band_importance(small_cnn, images).scores
    for name in ("model.keras", "model.h5"):
        if name.endswith("h5"):
            from keras.src.legacy.saving import legacy_h5_format

            legacy_h5_format.save_model_to_hdf5(small_cnn, str(tmp_path / name), include_optimizer=False)
        else:
            small_cnn.save(tmp_path / name)
        for path in (tmp_path / name, str(tmp_path / name)):
            np.testing.assert_allclose(bl.band_importance(path, images).scores, expected, rtol=1e-5, atol=1e-6)


def test_progress_is_told(small_cnn: Any, images: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[int, int]] = []
    bl.band_importance(small_cnn, images, batch_size=5, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (12, 12)
    assert len(seen) > 1
    bl.band_importance(small_cnn, images)
    assert capsys.readouterr().err == ""
    bl.band_importance(small_cnn, images, progress=True)
    assert "DeepSHAP" in capsys.readouterr().err


def test_background_is_balanced_over_classes_seeded_and_recorded(small_cnn: Any) -> None:
    x = np.random.default_rng(0).normal(size=(60, 8, 8, 4)).astype("float32")
    y = np.array([0] * 50 + [1] * 7 + [2] * 3)
    result = bl.band_importance(small_cnn, x, y, n_background=12)
    assert result.background is not None
    assert np.bincount(y[result.background]).tolist() == [5, 4, 3] or np.bincount(y[result.background]).tolist() == [
        4,
        5,
        3,
    ]
    assert result.background_source == "x"
    given = bl.band_importance(small_cnn, x[:5], background=x, n_background=12)
    assert given.n_background == 12
    assert given.background_source == "background"
    assert len(set(given.background.tolist())) == 12


def test_mapped_files_are_read_in_place(small_cnn: Any, images: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", images)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        bl.band_importance(small_cnn, mapped).scores, bl.band_importance(small_cnn, images).scores
    )
