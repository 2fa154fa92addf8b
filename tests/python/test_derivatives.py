"""Models without a derivative: gradient methods refuse them or name the bands, and nobody advises one of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import NoDerivativeWarning, UnsupportedOperationError
from bandlens.methods import METHODS
from keras import ops

GRADIENTS = ["saliency", "smoothgrad", "vargrad", "gradient_x_input", "integrated_gradients", "expected_gradients"]
OTHERS = ["occlusion", "shapley", "owen", "permutation", "sage", "lime"]
X = np.random.default_rng(0).uniform(0, 4, (6, 3, 3, 4)).astype("float32")


def means(x: Any) -> Any:
    return ops.mean(x, axis=(1, 2))


# functions of four band means (n, 4) that are constant but for jumps
JUMPS: dict[str, Callable[[Any], Any]] = {
    "integers": lambda y: ops.cast(ops.cast(10 * y, "int32"), "float32"),
    "round": lambda y: ops.round(10 * y),
    "floor": ops.floor,
    "ceil": ops.ceil,
    "sign": lambda y: ops.sign(y - 2),
    "floor_divide": lambda y: ops.floor_divide(y, 0.5),
    "comparison": lambda y: ops.cast(y > 2, "float32"),
    "where": lambda y: ops.where(y > 2, 1.0, 0.0),
    "argmax": lambda y: ops.cast(ops.argmax(y, axis=-1)[:, None] == ops.arange(4)[None], "float32"),
    "embedding": lambda y: ops.take(ops.convert_to_tensor([[1.0], [3.0], [2.0], [5.0]]), ops.cast(y, "int32"), 0)[
        ..., 0
    ],
    "twice": lambda y: ops.relu(ops.round(y)) * ops.floor(y),
}


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("method", GRADIENTS)
def test_gradient_methods_refuse_jumps(jump: str, method: str) -> None:
    def model(x: Any) -> Any:
        return JUMPS[jump](means(x)) @ ops.ones((4, 2))

    with pytest.raises(UnsupportedOperationError, match=r"there is none: it ends at .*\n.*\n.*'occlusion'"):
        bl.band_importance(model, X, method=method, target=0)
    if METHODS[method].maps:
        with pytest.raises(UnsupportedOperationError, match="there is none"):
            bl.band_maps(model, X, method=method, target=0)


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("method", OTHERS)
def test_methods_that_are_advised_work(jump: str, method: str) -> None:
    def model(x: Any) -> Any:
        return JUMPS[jump](means(x)) @ ops.convert_to_tensor([[3.0, -1], [1, 2], [-2, 1], [0, 0]])

    scores = bl.band_importance(model, X, method=method, target=0).scores
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() > 0


def test_layers_are_named(keras: Any) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((3, 3, 4)), layers.Lambda(ops.round, name="rounding"), layers.Flatten(), layers.Dense(2)]
    )
    with pytest.raises(UnsupportedOperationError, match=r"[Rr]ound in layer 'rounding'"):
        bl.band_importance(model, X, method="saliency")


SMOOTH: dict[str, Callable[[Any], Any]] = {
    "mask": lambda y: ops.where(y > 2, y, 0.0),
    "straight": lambda y: ops.relu(y) + ops.round(y),
    "remainder": lambda y: ops.mod(y, 1.0),
    "clip": lambda y: ops.clip(y, 1, 3),
    "largest": lambda y: ops.max(y, axis=-1, keepdims=True) * ops.ones_like(y),
    "sorted": lambda y: ops.sort(y, axis=-1),
}


@pytest.mark.parametrize("kind", SMOOTH)
def test_jumps_beside_a_derivative_are_no_reason_to_refuse(kind: str) -> None:
    def model(x: Any) -> Any:
        return SMOOTH[kind](means(x)) @ ops.ones((4, 2))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = bl.band_importance(model, X, method="saliency", target=0).scores
    assert scores.max() > 0


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_loops_have_a_derivative(keras: Any, layer: str) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((3, 3, 4)), layers.Reshape((9, 4)), getattr(layers, layer)(3), layers.Dense(2)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoDerivativeWarning)
        scores = bl.band_importance(model, X, method="saliency").scores
    assert scores.min() > 0


def some_bands(x: Any) -> Any:
    """The third band only says where, the fourth is rounded, the first two count as they are."""
    y = means(x)
    found = ops.relu(y[:, :2] * 2) * ops.cast(y[:, 2:3] > 0.1, "float32") + ops.round(y[:, 3:])
    return found @ ops.ones((2, 2))


# what methods that share out the output miss for these bands is warned of besides
@pytest.mark.filterwarnings("ignore::bandlens.errors.CompletenessWarning")
@pytest.mark.parametrize("method", GRADIENTS)
def test_bands_without_a_derivative_are_named(method: str) -> None:
    with pytest.warns(NoDerivativeWarning, match=r"0 for bands red, nir, .*[Rr]ound.*'occlusion'") as caught:
        result = bl.band_importance(
            some_bands, X, method=method, target=0, bands=["blue", "green", "red", "nir"], background=X[:1] * 0
        )
    assert [one.filename for one in caught if one.category is NoDerivativeWarning] == [__file__]
    assert (result.scores[..., 2:] == 0).all()
    others = bl.band_importance(some_bands, X, method="occlusion", target=0, background=X[:1] * 0).scores
    assert (others[..., 2:] != 0).any(axis=(0, 1)).all()


def test_a_check_warns_of_the_line_that_calls_it() -> None:
    with pytest.warns(NoDerivativeWarning) as caught:
        bl.check_stability(some_bands, X, method="saliency", target=0, backgrounds=2, resamples=4)
    assert {one.filename for one in caught if one.category is NoDerivativeWarning} == {__file__}


@pytest.mark.filterwarnings("ignore::bandlens.errors.CompletenessWarning")
@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("method", ["saliency", "integrated_gradients"])
def test_straight_through_estimators_are_named(method: str, maps: bool, n: int) -> None:
    """Beside the rounding there is a way, but on both together the derivative is 0."""

    def model(x: Any) -> Any:
        y = means(x)
        rounded = y[:, :2] + ops.stop_gradient(ops.round(y[:, :2]) - y[:, :2])
        return (ops.concatenate([rounded, y[:, 2:3]], axis=-1) + 0 * y[:, 3:]) @ ops.ones((3, 2))

    explain = bl.band_maps if maps else bl.band_importance
    with pytest.warns(NoDerivativeWarning, match=r"0 for bands band_1, band_2, .*[Rr]ound.*'occlusion'") as caught:
        explain(model, X[:n], method=method, target=0)
    assert [one.filename for one in caught if one.category is NoDerivativeWarning] == [__file__]


def test_bands_are_told_apart_behind_layers_and_on_other_axes(keras: Any) -> None:
    layers = keras.layers
    image = keras.Input((4, 3, 3))  # bands first
    scaled = layers.Rescaling(0.5)(image)
    cover = layers.Lambda(lambda y: ops.cast(y[:, 1, 0, 0], "int32"))(scaled)
    code = layers.Embedding(4, 2)(cover)
    optical = layers.Flatten()(layers.Lambda(lambda y: ops.concatenate([y[:, :1], y[:, 2:]], axis=1))(scaled))
    model = keras.Model(image, layers.Dense(2)(layers.Concatenate()([optical, code])))
    x = np.moveaxis(X, 3, 1)
    with pytest.warns(NoDerivativeWarning, match="0 for band cover, whatever the model makes of it"):
        bl.band_importance(model, x, method="saliency", bands=["a", "cover", "b", "c"], band_axis=1)


def test_a_band_that_is_not_used_is_not_named() -> None:
    def model(x: Any) -> Any:
        y = means(x)
        return (ops.relu(y[:, :2]) + 0 * ops.round(y[:, 1:3])) @ ops.ones((2, 2))

    with pytest.warns(NoDerivativeWarning, match="0 for band band_3,"):
        bl.band_importance(model, X, method="saliency", target=0)


def test_deepshap_advises_nothing_that_needs_a_derivative() -> None:
    def model(x: Any) -> Any:
        return JUMPS["argmax"](means(x)) @ ops.ones((4, 2))

    with pytest.raises(UnsupportedOperationError, match=r"DeepSHAP can't explain.*\n.*'occlusion' or 'shapley'$"):
        bl.band_importance(model, X, target=0)


@pytest.mark.tensorflow
@pytest.mark.parametrize("function", ["numpy_function", "py_function"])
def test_functions_of_python_are_refused(function: str) -> None:
    import tensorflow as tf

    def model(x: Any) -> Any:
        found = getattr(tf, function)(lambda a: np.asarray(a).mean((1, 2)), [x], tf.float32)
        return tf.ensure_shape(found, (None, 4))[:, :3]

    for method in GRADIENTS:
        with pytest.raises(UnsupportedOperationError, match=r"PyFunc.*\n.*\n.*'occlusion'"):
            bl.band_importance(model, X, method=method)
    with pytest.raises(UnsupportedOperationError, match=r"PyFunc.*\n.*'occlusion' or 'shapley'$"):
        bl.band_importance(model, X)
    right = np.abs(X.mean((1, 2)) - X.mean((0, 1, 2)))
    found = bl.band_importance(model, X, method="occlusion", target=0)
    np.testing.assert_allclose(np.abs(found.scores[:, 0]), right * [1, 0, 0, 0], atol=1e-6)


@pytest.mark.tensorflow
def test_an_operation_that_tensorflow_has_no_derivative_of_is_named() -> None:
    import tensorflow as tf

    def model(x: Any) -> Any:
        return tf.reduce_mean(tf.raw_ops.ResizeArea(images=x, size=[2, 2]), (1, 2))[:, :3]

    with pytest.raises(UnsupportedOperationError, match=r"it ends at ResizeArea.*\n.*\n.*'occlusion'"):
        bl.band_importance(model, X, method="saliency")


def test_features_of_a_layer_without_a_derivative_are_refused(keras: Any) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((3, 3, 4)), layers.Lambda(ops.round), layers.Conv2D(2, 2, name="conv"), layers.Flatten()]
    )
    with pytest.raises(
        UnsupportedOperationError, match=r"'conv'.* there is none: it ends at .*\n.*\n.*layer before it"
    ):
        bl.visualize_features(model, "conv", background=X, steps=2)
    assert bl.layer_activations(model, X, "conv").values.shape == (6, 2, 2, 2)


def test_bands_are_named_where_images_are_not_on_the_first_axis() -> None:
    def model(x: Any) -> Any:
        # images on the last axis, between which bands can't be told apart: only exchanging them does
        y = ops.transpose(means(x))
        return ops.transpose(ops.relu(y[:2]) + ops.round(y[2:]))

    with pytest.warns(NoDerivativeWarning, match=r"0 for band band_3, .*[Rr]ound"):
        assert bl.band_importance(model, X, method="saliency", target=0).scores[..., 0].min() > 0
