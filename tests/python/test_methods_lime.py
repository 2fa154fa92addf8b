"""LIME recovers models that are linear, says how well it fits others, and names what it lacks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import errors
from bandlens.data.images import check_images
from bandlens.methods import lime


@pytest.fixture
def linear(keras: Any) -> Any:
    return keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(3)])


def contributions(model: Any, images: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """What each pixel of each band contributes to a linear model, shape (n, outputs, rows, cols, bands)."""
    weights = np.moveaxis(model.get_weights()[0].reshape(8, 8, 4, 3), -1, 0)
    return weights[None] * (images - reference)[:, None]


@pytest.mark.parametrize("replacement", ["background_mean", "zero"])
def test_linear_models_are_recovered(linear: Any, images: np.ndarray, background: np.ndarray, replacement: str) -> None:
    def explain(**options: Any) -> bl.BandImportance:
        return bl.band_importance(
            linear, images, background=background, method="lime", target="all", replacement=replacement, **options
        )

    reference = background.mean(axis=0) if replacement == "background_mean" else np.zeros((8, 8, 4))
    expected = contributions(linear, images, reference).sum(axis=(2, 3))
    plain = explain(ridge=0)
    np.testing.assert_allclose(plain.scores, expected, rtol=1e-4, atol=1e-4)
    assert plain.local_fit is not None
    np.testing.assert_allclose(plain.local_fit, 1, atol=1e-6)
    np.testing.assert_allclose(explain().scores, expected, atol=0.02 * np.abs(expected).max())
    assert (plain.background is None) == (replacement == "zero")


def test_superpixels_of_linear_models_are_recovered(linear: Any, images: np.ndarray) -> None:
    options: dict[str, Any] = {
        "method": "lime",
        "features": "superpixels",
        "replacement": "zero",
        "target": "all",
        "n_segments": 6,
        "n_samples": 200,
        "ridge": 0,
    }
    result = bl.band_importance(linear, images[:3], **options)
    each = contributions(linear, images[:3], np.zeros((8, 8, 4)))
    np.testing.assert_allclose(result.scores, each.sum(axis=(2, 3)), rtol=1e-4, atol=1e-4)
    maps = bl.band_maps(linear, images[:3], **options).values
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), result.scores, rtol=1e-4, atol=1e-4)
    # within a superpixel, the map is the mean of its pixels' contributions
    for image in range(3):
        for band in range(4):
            for value in np.unique(maps[image, 0, ..., band]):
                inside = maps[image, 0, ..., band] == value
                np.testing.assert_allclose(each[image, 0, ..., band][inside].mean(), value, rtol=1e-3, atol=1e-4)


def test_fit_is_a_weighted_regression(small_cnn: Any, images: np.ndarray, background: np.ndarray) -> None:
    result = bl.band_importance(
        small_cnn, images[:2], background=background, method="lime", target=1, output="probability", ridge=1e-9
    )
    kept = np.array([[bool(number >> band & 1) for band in range(4)] for number in range(16)])
    weights = np.exp(-0.5 * ((1 - np.sqrt(kept.mean(axis=1))) / 0.25) ** 2)
    for image in range(2):
        x = np.where(kept[:, None, None, :], images[image], background.mean(axis=0)).astype("float32")
        outputs = small_cnn.predict(x, verbose=0)[:, 1].astype("float64")
        design = np.column_stack([np.ones(16), kept])
        root = np.sqrt(weights)
        solution = np.linalg.lstsq(design * root[:, None], outputs * root, rcond=None)[0]
        np.testing.assert_allclose(result.scores[image, 0], solution[1:], atol=1e-4)
        left = weights @ (outputs - design @ solution) ** 2
        around = weights @ (outputs - weights @ outputs / weights.sum()) ** 2
        assert result.local_fit is not None
        np.testing.assert_allclose(result.local_fit[image, 0], 1 - left / around, atol=1e-4)
    assert result.completeness is None


def test_many_bands_are_sampled(keras: Any) -> None:
    model = keras.Sequential([keras.Input((3, 3, 30)), keras.layers.Flatten(), keras.layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(4, 3, 3, 30)).astype("float32")

    def scores(seed: int) -> np.ndarray:
        return bl.band_importance(model, x, method="lime", n_samples=100, seed=seed).scores

    np.testing.assert_array_equal(scores(0), scores(0))
    assert not np.allclose(scores(0), scores(1), rtol=1e-6)
    np.testing.assert_allclose(scores(0), scores(1), atol=0.1 * np.abs(scores(0)).max())


def test_regions_follow_any_band() -> None:
    # an edge that one of three bands shows, none of the others
    image = np.zeros((12, 12, 3))
    image[:, 5:, 2] = 5
    task = SimpleNamespace(images=check_images(image[None]), options={"n_segments": 4})
    part = task.images.cells.parts[0]
    regions = lime._segmented(task, part, image, np.array([1, 1, 2.5]))  # type: ignore[arg-type]
    assert regions.shape == (12, 12)
    assert set(regions[:, :5].ravel()).isdisjoint(regions[:, 5:].ravel())


def test_fit_is_shown_and_kept(small_cnn: Any, images: np.ndarray, tmp_path: Path) -> None:
    result = bl.band_importance(small_cnn, images, method="lime")
    assert "median R^2 of local fits 0." in repr(result)
    result.save(tmp_path / "result.npz")
    np.testing.assert_array_equal(bl.BandImportance.load(tmp_path / "result.npz").local_fit, result.local_fit)
    assert bl.band_importance(small_cnn, images, method="saliency").local_fit is None


def test_missing_packages_are_named(small_cnn: Any, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lime, "find_spec", lambda name: None if name == "skimage" else object())
    bl.band_importance(small_cnn, images, method="lime")
    with pytest.raises(errors.MissingPackageError, match=r"scikit-image.\n.*pip install 'bandlens\[lime\]'"):
        bl.band_importance(small_cnn, images, method="lime", features="superpixels")
    monkeypatch.setattr(lime, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="scikit-learn"):
        bl.band_importance(small_cnn, images, method="lime")


def test_maps_need_superpixels(small_cnn: Any, images: np.ndarray) -> None:
    with pytest.raises(errors.OptionError, match=r"only where its features are regions.*\n.*features='superpixels'"):
        bl.band_maps(small_cnn, images, method="lime")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"features": "pixels"}, r"`features`.*\n.*'superpixels'.*\n.*'pixels'"),
    ({"replacement": "background"}, r"`replacement`.*\n.*'background_mean' or 'zero' or 'blur'"),
    ({"n_samples": 1}, r"`n_samples` must be a whole number, 2 or more"),
    ({"kernel_width": 0}, r"`kernel_width` must be a number.*\n.*above 0"),
    ({"ridge": -1}, r"`ridge` must be a number.*\n.*from 0"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options(small_cnn: Any, images: np.ndarray, options: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.OptionError, match=message):
        bl.band_importance(small_cnn, images, method="lime", **options)


def test_superpixels_need_two_or_three_dimensions() -> None:
    from keras import ops

    x = np.zeros((2, 2, 2, 2, 2, 3))
    with pytest.raises(errors.OptionError, match=r"two or three dimensions.*\n.*features='bands'"):
        bl.band_importance(lambda b: ops.reshape(b, (-1, 48)), x, method="lime", features="superpixels")
