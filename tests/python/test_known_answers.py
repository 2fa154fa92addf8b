"""Answers known in closed form or from peers' suites: they tell a right DeepSHAP from a plausible one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from keras import ops


def pixels(*values: float) -> np.ndarray:
    """One image of one pixel, a band per value."""
    return np.array(values, "float64").reshape(1, 1, 1, -1)


def shares(function: Callable[[Any], Any], x: np.ndarray, reference: np.ndarray, **options: Any) -> np.ndarray:
    """DeepSHAP of a function of ``(n, bands)``, for one image against one reference."""

    def model(batch: Any) -> Any:
        return function(ops.reshape(batch, (-1, batch.shape[-1])))[:, None]

    result = bl.band_importance(model, x, background=reference, target=0, **options)
    return result.scores[0, 0]


def test_two_relus() -> None:
    def function(x: Any) -> Any:
        return 2 * ops.relu(x[:, 0]) + 2 * ops.relu(x[:, 1] - 1.5)

    np.testing.assert_allclose(shares(function, pixels(1, 2), pixels(0, 0)), [2, 1], rtol=1e-6)


@pytest.mark.parametrize(("reference", "answer"), [((1, 2, 3, 9), (0, 0, 0, -8)), ((4, 8, 6, 7), (0, -7, 0, 0))])
def test_maximum_over_four(reference: tuple[float, ...], answer: tuple[float, ...]) -> None:
    found = shares(lambda x: ops.max(x, axis=1), pixels(1, 1, 1, 1), pixels(*reference))
    np.testing.assert_allclose(found, answer, atol=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])  # backwards, and forwards
@pytest.mark.parametrize("size", [(2, 2), (2, 1)])  # blocks, and windows that overlap
@pytest.mark.parametrize("apart", [0.0, 2.0**-10])
def test_a_maximum_that_stays_passes_on_what_its_bands_do(
    keras: Any, outputs: int, size: tuple[int, int], apart: float
) -> None:
    """Where a unit is the same for image and background, its bands may have done much: as where it nearly is."""
    window, stride = size
    model = keras.Sequential([
        keras.Input((2, 2, 2)), keras.layers.Conv2D(1, 1, kernel_initializer="ones"),
        keras.layers.MaxPooling2D(window, stride), keras.layers.Flatten(),
        keras.layers.Dense(outputs, kernel_initializer="ones"),
    ])  # fmt: skip
    image, background = np.zeros((2, 1, 2, 2, 2), "float32")
    image[0, 0, 0], background[0, 0, 0] = (3, 1 + apart), (1, 3)
    result = bl.band_importance(model, image, background=background, target="all", task="regression")
    np.testing.assert_allclose(result.scores[0], [[2, -2 + apart]] * outputs, atol=1e-6)


NORMALIZATIONS = {
    "layer": lambda layers: layers.LayerNormalization(),
    "group": lambda layers: layers.GroupNormalization(2),
    "unit": lambda layers: layers.UnitNormalization(),
    "share of a sum": lambda layers: layers.Lambda(lambda x: x / (ops.sum(ops.abs(x), -1, keepdims=True) + 0.1)),
    "share of the largest": lambda layers: layers.Lambda(lambda x: x / (ops.max(ops.abs(x), -1, keepdims=True) + 0.1)),
}


@pytest.mark.parametrize("kind", NORMALIZATIONS)
@pytest.mark.parametrize("outputs", [1, 3])  # backwards, and forwards
def test_an_element_that_stays_passes_on_what_its_bands_do(keras: Any, kind: str, outputs: int) -> None:
    """As it does where it is nearly the same: rounding must not decide."""
    layers, random = keras.layers, np.random.default_rng(0)
    units, output = layers.Dense(8, use_bias=False), layers.Dense(outputs, use_bias=False)
    inputs = keras.Input((1, 1, 2))
    model = keras.Model(inputs, output(layers.Flatten()(NORMALIZATIONS[kind](layers)(units(inputs)))))
    units.set_weights([np.concatenate([np.ones((2, 1)), random.normal(size=(2, 7))], axis=1)])
    output.set_weights([random.normal(size=(8, outputs))])

    def scores(apart: float) -> np.ndarray:
        image, background = np.array([[3, 1 + apart], [1, 3]], "float32").reshape(2, 1, 1, 1, 2)
        result = bl.band_importance(model, image, background=background, target="all", task="regression")
        np.testing.assert_allclose(result.scores.sum(-1), result.output_values - result.base_values, atol=1e-5)
        return result.scores

    nearly = scores(3e-3)
    np.testing.assert_allclose(scores(0), nearly, atol=0.05 * np.abs(nearly).max())


def test_sum_of_relus_is_neither_shapley_nor_occlusion() -> None:
    def function(x: Any) -> Any:
        hidden = ops.relu(x @ ops.ones((3, 4), x.dtype) + ops.convert_to_tensor([-10, 1, 1, 1], x.dtype))
        return ops.sum(hidden, axis=1) - 1

    np.testing.assert_allclose(shares(function, pixels(20, 50, 30), pixels(0, 0, 0)), [78, 195, 117], rtol=1e-5)


@pytest.mark.parametrize("method", ["deepshap", "saliency"])
def test_linear_model_has_a_closed_form(keras: Any, images: np.ndarray, background: np.ndarray, method: str) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(3)])
    weights = np.moveaxis(model.get_weights()[0].reshape(8, 8, 4, 3), -1, 0).astype("float64")
    result = bl.band_importance(model, images, background=background, method=method, target="all", statistic="band_sum")
    if method == "deepshap":
        difference = images.astype("float64") - background.mean(axis=0, dtype="float64")
        expected = np.einsum("khwb,nhwb->nkb", weights, difference)
    else:
        expected = np.broadcast_to(weights.sum(axis=(1, 2)), result.scores.shape)
    np.testing.assert_allclose(result.scores, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_linear_model_maps_have_a_closed_form(keras: Any, images: np.ndarray, background: np.ndarray) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(3)])
    weights = np.moveaxis(model.get_weights()[0].reshape(8, 8, 4, 3), -1, 0)
    maps = bl.band_maps(model, images, background=background, target="all")
    expected = weights[None] * (images - background.mean(axis=0))[:, None]
    np.testing.assert_allclose(maps.values, expected, rtol=1e-5, atol=1e-6)


def test_product_shares_equally_between_its_factors() -> None:
    found = shares(lambda x: x[:, 0] * x[:, 1], pixels(3, 5), pixels(1, 2))
    np.testing.assert_allclose(found, [(3 - 1) * (5 + 2) / 2, (5 - 2) * (3 + 1) / 2], rtol=1e-6)


def test_quotient_is_the_exact_shapley_value() -> None:
    found = shares(lambda x: x[:, 0] / x[:, 1], pixels(3, 5), pixels(1, 2))
    first = ((3 / 2 - 1 / 2) + (3 / 5 - 1 / 5)) / 2
    second = ((1 / 5 - 1 / 2) + (3 / 5 - 3 / 2)) / 2
    np.testing.assert_allclose(found, [first, second], rtol=1e-6)


def test_larger_of_two_is_the_exact_shapley_value() -> None:
    found = shares(lambda x: ops.maximum(x[:, 0], x[:, 1]), pixels(3, 5), pixels(4, 2))
    first = ((3 - 4) + (5 - 5)) / 2
    second = ((5 - 3) + (5 - 4)) / 2
    np.testing.assert_allclose(found, [first, second], rtol=1e-6)


def test_a_run_is_one_function_whatever_its_primitives() -> None:
    # x * sigmoid(x), a comparison and a selection, all of the same tensor
    def function(x: Any) -> Any:
        silu = x[:, 0] * ops.sigmoid(x[:, 0])
        return ops.where(silu > 0.1, silu, ops.square(x[:, 0]))

    def value(x: float) -> float:
        silu = x / (1 + np.exp(-x))
        return silu if silu > 0.1 else x**2

    found = shares(function, pixels(1.3), pixels(-2.0))
    np.testing.assert_allclose(found, [value(1.3) - value(-2.0)], rtol=1e-6)


def test_selection_by_another_tensor_is_shared_out() -> None:
    def function(x: Any) -> Any:
        return ops.where(x[:, 0] > 0, x[:, 1], x[:, 2])

    found = shares(function, pixels(1, 5, 2), pixels(-1, 3, 7))
    # Shapley value by its definition over the three inputs
    names = range(3)
    x, reference = np.array([1, 5, 2]), np.array([-1, 3, 7])

    def value(present: frozenset[int]) -> float:
        a, b, c = (x[i] if i in present else reference[i] for i in names)
        return float(b if a > 0 else c)

    from itertools import permutations

    expected = np.zeros(3)
    for order in permutations(names):
        present: frozenset[int] = frozenset()
        for player in order:
            expected[player] += (value(present | {player}) - value(present)) / 6
            present |= {player}
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_softmax_probability_is_complete_and_symmetric() -> None:
    def model(batch: Any) -> Any:
        return ops.softmax(ops.reshape(batch, (-1, 3)))

    x, reference = pixels(2, 0.5, 0.5), pixels(0, 0, 0)
    result = bl.band_importance(model, x, background=reference, target=0, output="probability")
    expected = np.exp(2) / (np.exp(2) + 2 * np.exp(0.5)) - 1 / 3
    np.testing.assert_allclose(result.scores.sum(), expected, rtol=1e-5)
    np.testing.assert_allclose(result.scores[0, 0, 1], result.scores[0, 0, 2], rtol=1e-5)


def test_no_difference_gives_no_attribution(small_cnn: Any, images: np.ndarray) -> None:
    result = bl.band_importance(small_cnn, images[:1], background=images[:1], target="all")
    assert np.abs(result.scores).max() == 0
    assert result.completeness == pytest.approx(0, abs=1e-6)
