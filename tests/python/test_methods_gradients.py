"""The gradient family against closed forms: linear and quadratic models, whose integrals and variances are known."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import errors
from bandlens.data.images import check_images
from bandlens.data.summaries import band_means, band_spread, mean_image
from keras import ops

WEIGHTS = np.array([1.0, -2.0, 0.5, 3.0])
SCALES = np.array([1.0, 10.0, 0.1, 100.0])


def linear(x: Any) -> Any:
    """Sum over pixels of weights x bands, for two outputs that differ in sign."""
    value = ops.sum(x * ops.convert_to_tensor(WEIGHTS, x.dtype), axis=(1, 2, 3))
    return ops.stack([value, -value], axis=1)


def quadratic(x: Any) -> Any:
    return linear(x * x)


@pytest.fixture
def scaled() -> np.ndarray:
    """Images whose bands differ in scale by orders of magnitude."""
    return np.random.default_rng(5).normal(size=(6, 5, 5, 4)) * SCALES


@pytest.fixture
def others() -> np.ndarray:
    return np.random.default_rng(6).normal(1, 1, size=(4, 5, 5, 4)) * SCALES


@pytest.fixture
def smooth_cnn(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            layers.Conv2D(6, 3, activation="softplus"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(6, activation="tanh"),
            layers.Dense(3, activation="softmax"),
        ]
    )


def test_gradient_x_input_of_a_linear_model_sums_to_its_output(scaled: np.ndarray) -> None:
    result = bl.band_importance(linear, scaled, method="gradient_x_input", target="all")
    np.testing.assert_allclose(result.scores[:, 0], scaled.sum(axis=(1, 2)) * WEIGHTS, rtol=1e-4)
    np.testing.assert_allclose(result.scores.sum(axis=-1), result.output_values, rtol=1e-4)
    maps = bl.band_maps(linear, scaled, method="gradient_x_input", target=1)
    np.testing.assert_allclose(maps.values[:, 0], -scaled * WEIGHTS, rtol=1e-5)


def test_noise_does_not_change_constant_gradients(scaled: np.ndarray) -> None:
    smooth = bl.band_maps(linear, scaled, method="smoothgrad", target="all", n_samples=3)
    np.testing.assert_allclose(smooth.values[:, 0], np.broadcast_to(WEIGHTS, scaled.shape), rtol=1e-6)
    assert np.abs(bl.band_importance(linear, scaled, method="vargrad", target="all").scores).max() == 0


def test_noise_is_relative_to_the_spread_of_each_band(scaled: np.ndarray) -> None:
    # the gradient of w x^2 is 2 w x, its variance under noise of standard deviation s is (2 w s)^2
    level, samples = 0.2, 300
    noise = 2 * WEIGHTS * level * scaled.std(axis=(0, 1, 2))
    found = bl.band_importance(quadratic, scaled, method="vargrad", target=0, noise_level=level, n_samples=samples)
    np.testing.assert_allclose(found.scores[:, 0], np.tile(noise**2, (6, 1)), rtol=0.15)
    maps = bl.band_maps(quadratic, scaled, method="smoothgrad", target=0, noise_level=level, n_samples=samples)
    deviation = (maps.values[:, 0] - 2 * WEIGHTS * scaled) / (np.abs(noise) / np.sqrt(samples))
    np.testing.assert_allclose(deviation.std(axis=(0, 1, 2)), 1, atol=0.25)


def test_noise_of_an_image_depends_on_its_position_and_the_seed(scaled: np.ndarray) -> None:
    same = np.repeat(scaled[:1], 3, axis=0)

    def scores(seed: int) -> np.ndarray:
        return bl.band_importance(quadratic, same, method="smoothgrad", target=0, n_samples=4, seed=seed).scores

    first = scores(0)
    assert len(np.unique(first[:, 0, 0])) == 3
    assert not np.isclose(first, scores(1)).any()


@pytest.mark.parametrize("baseline", ["background_mean", "zero", "image"])
def test_integrated_gradients_of_a_quadratic(scaled: np.ndarray, others: np.ndarray, baseline: str) -> None:
    image = {"background_mean": others.mean(axis=0), "zero": np.zeros((5, 5, 4)), "image": others[1]}[baseline]
    given = image if baseline == "image" else baseline
    options: dict[str, Any] = {"method": "integrated_gradients", "background": others, "baseline": given, "n_steps": 2}
    result = bl.band_importance(quadratic, scaled, target="all", **options)
    expected = ((scaled**2 - image**2) * WEIGHTS).sum(axis=(1, 2))
    np.testing.assert_allclose(result.scores[:, 0] / expected, 1, rtol=1e-3)
    at_baseline = (image**2 * WEIGHTS).sum()
    np.testing.assert_allclose(result.base_values, np.tile([at_baseline, -at_baseline], (6, 1)), rtol=1e-4)
    assert result.completeness is not None
    assert result.completeness < 1e-5
    assert (result.background is None) == (baseline != "background_mean")
    assert result.options == {"baseline": "array of shape (5, 5, 4)" if baseline == "image" else baseline, "n_steps": 2}
    maps = bl.band_maps(quadratic, scaled, target=0, **options)
    np.testing.assert_allclose(
        maps.values[:, 0], (scaled**2 - image**2) * WEIGHTS, rtol=1e-3, atol=1e-4 * np.abs(expected).max()
    )


@pytest.mark.filterwarnings("ignore:Integrated gradients:bandlens.errors.CompletenessWarning")
def test_integrated_gradients_report_what_kinks_cost(
    small_cnn: Any, smooth_cnn: Any, images: np.ndarray, background: np.ndarray
) -> None:
    def residual(model: Any, steps: int) -> float:
        result = bl.band_importance(
            model, images, background=background, method="integrated_gradients", target="all", n_steps=steps
        )
        assert result.completeness is not None
        return result.completeness

    assert residual(smooth_cnn, 20) < 1e-5
    assert 1e-3 < residual(small_cnn, 20) < 0.5
    assert residual(small_cnn, 500) < 0.2 * residual(small_cnn, 20)


def exact_expected_gradients(model: Any, images: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Mean over the background of integrated gradients, by many nodes."""
    parts = [
        bl.band_importance(model, images, method="integrated_gradients", baseline=reference, target="all", n_steps=40)
        for reference in background
    ]
    return np.mean([part.scores for part in parts], axis=0)


def test_expected_gradients_converge_within_their_errors(
    smooth_cnn: Any, images: np.ndarray, background: np.ndarray
) -> None:
    exact = exact_expected_gradients(smooth_cnn, images, background)
    mistakes = []
    for samples in (45, 720):
        result = bl.band_importance(
            smooth_cnn, images, background=background, method="expected_gradients", target="all", n_samples=samples
        )
        assert result.score_errors is not None
        assert result.score_errors.shape == result.scores.shape
        deviation = np.abs(result.scores - exact)
        assert (deviation <= 2 * result.score_errors).mean() > 0.9
        assert (deviation <= 4 * result.score_errors).all()
        mistakes.append(deviation.mean())
    assert mistakes[1] < mistakes[0] / 3


def test_expected_gradients_use_every_background_image_equally(scaled: np.ndarray, others: np.ndarray) -> None:
    # then a linear model's scores are exact, whatever the points on the line
    result = bl.band_importance(
        linear, scaled, background=others, method="expected_gradients", target=0, n_samples=8, output="auto"
    )
    expected = (scaled - others.mean(axis=0)).sum(axis=(1, 2)) * WEIGHTS
    np.testing.assert_allclose(result.scores[:, 0], expected, rtol=1e-4, atol=1e-4)
    assert result.completeness is not None
    assert result.completeness < 1e-5


def test_errors_of_draws_are_for_signed_sums_only(small_cnn: Any, images: np.ndarray) -> None:
    options: dict[str, Any] = {"method": "expected_gradients", "n_samples": 5}
    assert bl.band_importance(small_cnn, images, **options).score_errors is not None
    absolute = bl.band_importance(small_cnn, images, **options, statistic="pixel_mean_abs")
    assert absolute.score_errors is None
    maps = bl.band_maps(small_cnn, images, **options)
    np.testing.assert_allclose(absolute.scores, np.abs(maps.values).mean(axis=(2, 3)), rtol=1e-4, atol=1e-6)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("smoothgrad", {"n_samples": 1}, r"`n_samples` must be a whole number, 2 or more.*\n.*1"),
    ("smoothgrad", {"n_samples": 2.5}, r"whole number"),
    ("smoothgrad", {"noise_level": 0}, r"`noise_level` must be a number.*\n.*above 0.*\n.*0"),
    ("vargrad", {"noise_level": "much"}, r"must be a number"),
    ("vargrad", {"statistic": "band_sum"}, r"no values that could be reduced.*\n.*pixel_mean_abs.*\n.*band_sum"),
    ("integrated_gradients", {"n_steps": True}, r"whole number"),
    ("integrated_gradients", {"baseline": "black"}, r"no baseline.*\n.*'zero'.*\n.*'black'"),
    ("integrated_gradients", {"baseline": None}, r"no baseline"),
    ("integrated_gradients", {"baseline": np.full((8, 8, 4), np.nan)}, r"no baseline.*\n.*finite"),
    ("integrated_gradients", {"baseline": np.zeros((8, 8, 3))}, r"another shape.*\n.*\(8, 8, 4\).*\n.*\(8, 8, 3\)"),
    ("saliency", {"n_samples": 3}, r"no such option.*\n.*no options.*\n.*n_samples"),
]


@pytest.mark.parametrize(("method", "options", "message"), BAD)
def test_bad_options(small_cnn: Any, images: np.ndarray, method: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.OptionError, match=message):
        bl.band_importance(small_cnn, images, method=method, **options)


def test_whole_numbers_may_come_as_floats(small_cnn: Any, images: np.ndarray) -> None:
    result = bl.band_importance(small_cnn, images, method="smoothgrad", n_samples=2.0)
    assert result.options["n_samples"] == 2


def test_streaming_summaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandlens.data.summaries.BATCH_BYTES", 3 * 8 * 5 * 5 * 4)
    x = np.random.default_rng(0).normal(1e4, 1, size=(10, 5, 5, 4)).astype("float32")
    images = check_images(x)
    wide = x.astype("float64")
    np.testing.assert_allclose(band_spread(images), wide.std(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(band_means(images), wide.mean(axis=(1, 2)), rtol=1e-12)
    chosen = np.array([1, 4, 5, 9])
    np.testing.assert_allclose(mean_image(images, chosen), wide[chosen].mean(axis=0), rtol=1e-12)
