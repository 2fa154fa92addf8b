"""What is found is what was planted: kernels in known bands, closed forms of linear models, objectives by hand."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import errors
from scipy import optimize

SIDE, KERNEL, BANDS = 24, 9, 6
PLANTED = {1: 1.0, 4: -0.7}

# a few steps of features that start bright lead below the start; `test_features_silent.py` is about that
pytestmark = pytest.mark.filterwarnings("ignore:The ascent did not rise above its start")


def wave() -> np.ndarray:
    """A plane wave, (KERNEL, KERNEL)."""
    rows, cols = np.mgrid[:KERNEL, :KERNEL] - KERNEL // 2
    return np.cos(2 * np.pi * (cols * np.cos(0.6) + rows * np.sin(0.6)) / 5)


def template() -> np.ndarray:
    """The wave in two bands, with different weights."""
    found = np.zeros((KERNEL, KERNEL, BANDS))
    for band, weight in PLANTED.items():
        found[..., band] = weight * wave()
    return found


@pytest.fixture
def planted(keras: Any) -> Any:
    """A convolution of which channel 1 looks for the template, and what lies behind it."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, BANDS)),
            layers.Conv2D(3, KERNEL, activation="relu", name="conv"),
            layers.GlobalMaxPooling2D(name="pool"),
            layers.Dense(2),
        ]
    )
    kernel = np.random.default_rng(0).normal(size=(KERNEL, KERNEL, BANDS, 3))
    kernel[..., 1] = template()
    model.layers[0].set_weights([kernel, np.zeros(3)])
    return model


def correlation(image: np.ndarray, wanted: np.ndarray) -> float:
    """With the template at its best shift."""
    rows, cols = (image.shape[axis] - wanted.shape[axis] + 1 for axis in (0, 1))
    places = [image[r : r + KERNEL, c : c + KERNEL] for r in range(rows) for c in range(cols)]
    return max(float(np.corrcoef(place.reshape(-1), wanted.reshape(-1))[0, 1]) for place in places)


@pytest.mark.parametrize(("layer", "seed"), [("conv", 0), ("conv", 1), ("pool", 0), ("pool", 1)])
def test_a_planted_template_is_found(planted: Any, layer: str, seed: int) -> None:
    low, high = np.arange(BANDS) * 100.0, np.arange(BANDS) * 100.0 + 50 * (1 + np.arange(BANDS))
    kernel, bias = planted.layers[0].get_weights()
    planted.layers[0].set_weights([kernel / (high - low)[:, None], bias])  # bands in units of their own
    found = bl.visualize_features(planted, layer, 1, value_range=(low, high), seed=seed)
    image = (found.values[0] - (low + high) / 2) / (high - low)
    energy = (image.astype(np.float64) ** 2).mean(axis=(0, 1))
    others = np.delete(energy, list(PLANTED))
    assert min(energy[list(PLANTED)]) > 10 * max(others)
    assert correlation(image, template()) > 0.9
    assert np.sqrt(energy[4] / energy[1]) == pytest.approx(0.7, abs=0.05)
    np.testing.assert_allclose(found.contrast[0], np.sqrt(energy), rtol=1e-5, atol=1e-6)
    assert (found.values >= low).all()
    assert (found.values <= high * (1 + 1e-6)).all()
    assert found.activation_after[0] > 3 * found.activation_before[0]


@pytest.fixture
def linear(keras: Any) -> tuple[Any, np.ndarray]:
    """A linear model of images and its weights per unit, (units, rows, cols, bands)."""
    model = keras.Sequential([keras.Input((5, 6, 4)), keras.layers.Flatten(), keras.layers.Dense(3, name="units")])
    weights = model.layers[-1].get_weights()[0]
    return model, weights.T.reshape(3, 5, 6, 4)


LINEAR: dict[str, Any] = {"objective": "mean_activity", "value_range": (-2, 6), "jitter": 0}


def relative(weights: np.ndarray) -> np.ndarray:
    """Weights in units of the largest of each unit."""
    return weights / np.abs(weights).max(axis=(1, 2, 3), keepdims=True)


def fitted(weights: np.ndarray) -> np.ndarray:
    """What steps along constant gradients lead to, in parts of half the range, when images are fitted into it.

    A step adds w / 4, and then all is divided by s: where nothing is cut off, that comes to rest at k w with
    k = 1 / 4 / (s - 1). The size after a step, weighted by w^2, is s / sqrt(2).
    """

    def rest(w: np.ndarray) -> np.ndarray:
        def excess(k: float) -> float:
            after = np.clip(k * w, -1, 1) + w / 4
            return float(np.sqrt((w**2 * after**2).sum() / (w**2).sum()) * 2**0.5 - (1 + 1 / 4 / k))

        return np.clip(optimize.brentq(excess, 0.1, 100) * w, -1, 1)

    return np.stack([rest(w) for w in relative(weights)])


def test_each_step_of_a_linear_model_is_an_eighth_of_the_range(linear: Any) -> None:
    model, weights = linear
    found = bl.visualize_features(model, "units", start="grey", clamp="none", steps=10, **LINEAR)
    np.testing.assert_allclose(found.values, 2 + 10 * relative(weights), rtol=1e-5, atol=1e-5)


def test_a_linear_model_is_fitted_into_the_range(linear: Any) -> None:
    model, weights = linear
    found = bl.visualize_features(model, "units", **LINEAR)
    np.testing.assert_allclose(found.values, 2 + 4 * fitted(weights), atol=1e-3)
    inside = np.abs(found.values - 2) < 3.99
    assert inside.mean() > 0.8
    part = (found.values - 2)[inside] / np.broadcast_to(weights, found.values.shape)[inside]
    assert np.unique(part.round(2)).size <= 6  # pixels and bands keep their proportions, in each image


def test_a_single_pixel_does_not_hold_the_others_back(keras: Any) -> None:
    """One pixel counts twenty times as much as each of the others, which count more together."""
    model = keras.Sequential(
        [keras.Input((20, 20, 3)), keras.layers.Flatten(), keras.layers.Dense(2, activation="relu", name="units")]
    )
    weights = np.full((1200, 2), -0.05)
    weights[0] = 1.0
    model.layers[-1].set_weights([weights, weights.sum(axis=0) * -0.5])  # zero at the middle
    found = bl.visualize_features(model, "units", 0, value_range=(0, 1), jitter=0)
    assert found.activation_after[0] > 0.4 * np.abs(weights[:, 0]).sum() / 2  # of what the range allows


def test_optimum_of_a_linear_model_in_a_box(linear: Any) -> None:
    model, weights = linear
    found = bl.visualize_features(model, "units", clamp="clip", steps=256, step_size=1.0, **LINEAR)
    far = np.abs(relative(weights)) > 0.02
    np.testing.assert_allclose(found.values[far], (2 + 4 * np.sign(weights))[far], atol=1e-4)


def test_optimum_of_a_linear_model_with_a_penalty(linear: Any) -> None:
    model, weights = linear
    found = bl.visualize_features(model, "units", clamp="none", l2=5.0, **LINEAR)
    np.testing.assert_allclose(found.values, 2 + 8 / 5 * relative(weights), atol=1e-4)


def test_logits_are_those_of_classes(keras: Any) -> None:
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    weights = model.layers[-1].get_weights()[0].T.reshape(3, 4, 4, 3)
    found = bl.visualize_features(
        model, None, ["corn", "wheat"], objective="logit", classes=["wheat", "oats", "corn"], value_range=(-1, 1),
        jitter=0,
    )  # fmt: skip
    assert found.names == ("corn", "wheat")
    assert found.feature.tolist() == [2, 0]
    assert found.layer == "logit"
    np.testing.assert_allclose(found.values, fitted(weights)[[2, 0]], atol=1e-3)


def test_both_classes_of_one_sigmoid_unit(keras: Any) -> None:
    model = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")]
    )
    found = bl.visualize_features(model, objective="logit", value_range=(-1, 1), jitter=0)
    np.testing.assert_allclose(found.values[0], -found.values[1], atol=1e-4)


def test_direction_is_a_mix_of_features(linear: Any) -> None:
    model, weights = linear
    direction = np.array([3.0, 0.0, -4.0])
    options = {**LINEAR, "objective": "direction"}
    found = bl.visualize_features(model, "units", directions=direction, **options)
    mixed = np.tensordot(direction, weights, axes=1)[None]
    np.testing.assert_allclose(found.values, 2 + 4 * fitted(mixed), atol=1e-3)
    np.testing.assert_allclose(found.activation_after, [(found.values * mixed / 5).sum()], rtol=1e-4)


def test_a_neuron_sees_its_own_part_of_the_image(planted: Any) -> None:
    found = bl.visualize_features(
        planted, "conv", 1, objective="neuron", position=(2, 10), value_range=(0, 1), jitter=0, start="grey"
    )
    seen = found.values[0, 2 : 2 + KERNEL, 10 : 10 + KERNEL] - 0.5
    outside = found.values[0].copy()
    outside[2 : 2 + KERNEL, 10 : 10 + KERNEL] = 0.5
    np.testing.assert_allclose(outside, 0.5, atol=1e-6)
    assert np.corrcoef(seen.reshape(-1), template().reshape(-1))[0, 1] > 0.999


def test_deep_dream_excites_the_layers_as_they_are_weighted(planted: Any) -> None:
    image = np.random.default_rng(4).uniform(size=(SIDE, SIDE, BANDS)).astype("float32")
    found = bl.visualize_features(
        planted, {"conv": 1.0, "pool": 0.5}, objective="deep_dream", start=image, value_range=(0, 1), steps=8
    )
    assert found.values.shape == (1, SIDE, SIDE, BANDS)
    assert found.layer == "conv, pool"

    def by_hand(values: np.ndarray) -> float:
        maps = bl.layer_activations(planted, values, "conv").values.astype(np.float64)
        pooled = maps.max(axis=(1, 2))
        return float(np.sqrt((maps**2).mean() + 0.5 * (pooled**2).mean()))

    assert found.activation_before[0] == pytest.approx(by_hand(image[None]), rel=1e-4)
    assert found.activation_after[0] == pytest.approx(by_hand(found.values), rel=1e-4)
    assert found.activation_after[0] > 1.5 * found.activation_before[0]


@pytest.mark.parametrize(
    ("objective", "over"),
    [("squared_activity", "rms"), ("mean_activity", "mean")],
)
def test_activation_is_that_of_the_layer(planted: Any, objective: str, over: str) -> None:
    found = bl.visualize_features(planted, "conv", objective=objective, value_range=(0, 1), steps=5)
    frame = bl.layer_activations(planted, found.values, "conv").to_frame()
    own = frame[frame["image"].to_numpy() == frame["feature"].cat.codes.to_numpy()]
    np.testing.assert_allclose(found.activation_after, own[over], rtol=1e-4)


def test_images_of_a_feature_are_pushed_apart(planted: Any) -> None:
    planted.layers[0].set_weights([np.random.default_rng(1).normal(size=(9, 9, 6, 3)), np.zeros(3)])

    def likeness(diversity: float) -> float:
        found = bl.visualize_features(planted, "conv", 0, n_images=3, diversity=diversity, value_range=(0, 1), steps=60)
        assert found.image.tolist() == [0, 1, 2]
        maps = bl.layer_activations(planted, found.values, "conv").values.reshape(3, -1, 3).astype(np.float64)
        gram = np.einsum("npc,npd->ncd", maps, maps).reshape(3, -1)
        gram /= np.linalg.norm(gram, axis=1, keepdims=True)
        return float((gram @ gram.T)[np.triu_indices(3, 1)].mean())

    assert likeness(1.0) < likeness(0.0) - 0.01


@pytest.mark.tensorflow
def test_diversity_has_the_derivative_that_it_claims() -> None:
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow import nd
    from bandlens.features.objectives import unlike

    random = np.random.default_rng(0)
    activation = random.normal(size=(4, 5, 3))
    towards = -np.asarray(unlike(nd, tf.constant(activation), tf.zeros((4, 5, 3), "float64"), 2, 1.0))

    def likeness(values: np.ndarray) -> float:
        gram = np.einsum("npc,npd->ncd", values, values).reshape(4, -1)
        gram /= np.linalg.norm(gram, axis=1, keepdims=True)
        return float(gram[0] @ gram[1] + gram[2] @ gram[3])

    numeric = np.zeros_like(activation)
    for at in np.ndindex(activation.shape):
        step = np.zeros_like(activation)
        step[at] = 1e-6
        numeric[at] = (likeness(activation + step) - likeness(activation - step)) / 2e-6
    numeric /= np.linalg.norm(numeric, axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(towards, numeric, atol=1e-6)


def test_fourier_and_decorrelated_ascent_is_that_in_those_coordinates(linear: Any) -> None:
    """A step in coordinates c of image = A c is A A' times the gradient."""
    model, weights = linear
    background = np.random.default_rng(2).normal(size=(50, 5, 6, 4)) @ np.random.default_rng(3).normal(size=(4, 4))
    options = {**LINEAR, "value_range": None, "start": "grey", "clamp": "none", "steps": 1}
    found = bl.visualize_features(
        model, "units", background=background, parametrization="fourier", decorrelate=True, **options
    )
    span = found.high - found.low
    covariance = np.cov((background / span).reshape(-1, 4), rowvar=False, bias=True)
    root = np.linalg.cholesky(covariance)
    frequency = np.maximum(np.hypot(np.fft.fftfreq(5)[:, None], np.fft.fftfreq(6)[None]), 1 / 6)

    def adjoint(gradient: np.ndarray) -> np.ndarray:
        return np.fft.fft2(gradient @ root, axes=(0, 1)) / frequency[..., None]

    def image(coordinates: np.ndarray) -> np.ndarray:
        return np.fft.ifft2(coordinates / frequency[..., None], axes=(0, 1)).real @ root.T

    wanted = np.stack([image(adjoint(one * span)) for one in weights])
    np.testing.assert_allclose(
        (found.values - (found.low + found.high) / 2) / span, relative(wanted) / 8, rtol=1e-4, atol=1e-5
    )


def test_smoothness(linear: Any) -> None:
    model, _ = linear

    def roughness(strength: float) -> float:
        options = {**LINEAR, "total_variation": strength, "clamp": "none", "l2": 1.0}
        found = bl.visualize_features(model, "units", steps=64, **options)
        return float(np.abs(np.diff(found.values, axis=1)).mean())

    assert roughness(2.0) < 0.5 * roughness(0.0)


def test_what_is_silent_is_said(planted: Any) -> None:
    kernel, bias = planted.layers[0].get_weights()
    planted.layers[0].set_weights([kernel, bias + np.array([0, -1e6, 0])])
    with pytest.warns(
        errors.DeadFeatureWarning,
        match=r"1 of 3 features of 'conv' do not change with the image .their activation stays zero.*: 1\.",
    ):
        found = bl.visualize_features(planted, "conv", value_range=(0, 1), steps=5)
    assert found.dead.tolist() == [False, True, False]
    assert found.activation_after[1] == 0
    start = bl.visualize_features(planted, "conv", [0, 2], value_range=(0, 1), steps=0)
    assert not start.dead.any()


def test_what_is_silent_around_the_middle_gets_other_starts(planted: Any) -> None:
    """A channel that answers to a dark band 0 and a bright band 5 alone."""
    kernel = np.zeros((KERNEL, KERNEL, BANDS, 3))
    kernel[..., 0, :], kernel[..., 5, :] = -1, 1
    planted.layers[0].set_weights([kernel, np.array([1.0, -0.4 * KERNEL**2, -2.0 * KERNEL**2])])
    with pytest.warns(errors.DeadFeatureWarning, match="1 of 3"):
        found = bl.visualize_features(planted, "conv", value_range=(0, 1), steps=20)
    assert found.dead.tolist() == [False, False, True]
    assert found.restarts[0] == 0
    assert found.restarts[1] > 0
    alone = bl.visualize_features(planted, "conv", 1, value_range=(0, 1), steps=20)
    np.testing.assert_allclose(alone.values[0], found.values[1], atol=1e-5)
