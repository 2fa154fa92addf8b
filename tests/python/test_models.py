"""Kinds of models: Keras 3 and Keras 2, half and double precision, layouts, callables, and what can't be explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import ModelTypeError, UnsupportedOperationError
from keras import ops
from own_process import printed


def complete(result: bl.BandImportance, tolerance: float = 1e-4) -> bool:
    difference = result.output_values - result.base_values
    return bool(np.abs(result.scores.sum(axis=-1) - difference).max() <= tolerance * np.abs(difference).max())


def layers_for(keras: Any) -> list[Any]:
    layers = keras.layers
    return [
        layers.Conv2D(6, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(2),
        layers.LayerNormalization(),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_half_precision_is_explained_in_single(keras: Any, images: np.ndarray, policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((8, 8, 4)), *layers_for(keras)])
    finally:
        keras.config.set_dtype_policy("float32")
    result = bl.band_importance(model, images, target="all", output="probability")
    assert complete(result)
    # the outputs are those of the model, without its rounding
    np.testing.assert_allclose(result.output_values, model.predict(images, verbose=0).astype("float32"), atol=0.03)


def test_sequential_without_input(keras: Any, images: np.ndarray) -> None:
    assert complete(bl.band_importance(keras.Sequential(layers_for(keras)), images, target="all"))


def test_nested_models_name_their_layers(keras: Any, images: np.ndarray) -> None:
    inner = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(4, 3, name="inside"), keras.layers.ReLU()])
    outer = keras.Sequential([keras.Input((8, 8, 4)), inner, keras.layers.Flatten(), keras.layers.Dense(3)])
    assert complete(bl.band_importance(outer, images, target="all"))


@pytest.mark.tensorflow
def test_keras_2(tmp_path: Path) -> None:
    # a process of its own: Keras 2 warns on import, and R users of `keras` have it as the only Keras
    code = """
import numpy as np, tf_keras, bandlens as bl
layers = tf_keras.layers
tf_keras.utils.set_random_seed(1)
model = tf_keras.Sequential([layers.Input((8, 8, 4)), layers.Conv2D(6, 3, activation="relu"),
    layers.BatchNormalization(), layers.MaxPooling2D(2),
    layers.Conv2D(4, 2, activation="swish"), layers.LayerNormalization(),
    layers.Flatten(), layers.Dense(3, activation="softmax")])
x = np.random.default_rng(0).normal(size=(6, 8, 8, 4))
result = bl.band_importance(model, x, target="all")
assert result.output == "logit" and result.completeness < 1e-4, result
assert np.abs(bl.band_importance(model, x, target="all", output="probability").output_values
              - model.predict(x, verbose=0)).max() < 1e-5
model.save("model.h5")
again = bl.band_importance("model.h5", x, target="all")
assert np.abs(again.scores - result.scores).max() < 1e-5
print("fine")
"""
    assert printed("-c", code, cwd=tmp_path).endswith("fine")


def test_mixing_images_of_a_batch_is_refused(images: np.ndarray) -> None:
    def model(x: Any) -> Any:
        return ops.mean(x - ops.mean(x, axis=0, keepdims=True), axis=(1, 2))

    with pytest.raises(
        UnsupportedOperationError, match=r"depends on the other images of a batch: (Mean|reduce_sum|mean)"
    ):
        bl.band_importance(model, images, method="saliency")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_plain_callable_in_either_precision(images: np.ndarray, background: np.ndarray, dtype: str) -> None:
    weights = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(256, 3)), dtype)

    def model(x: Any) -> Any:
        return ops.relu(ops.reshape(x, (-1, 256)) @ weights)

    assert complete(bl.band_importance(model, images, background=background, target="all"))


def test_another_backend_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, keras: Any, images: np.ndarray) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), *layers_for(keras)])
    monkeypatch.setattr(keras.config, "backend", lambda: "openvino")
    with pytest.raises(
        ModelTypeError, match=r"expected: tensorflow or jax or torch\n.*given: openvino\n.*KERAS_BACKEND"
    ):
        bl.band_importance(model, images)
