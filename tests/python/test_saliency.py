"""Saliency is the framework's own gradient, reduced by name."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from keras import ops


def own_gradients(keras: Any, model: Any, images: np.ndarray, output: int) -> np.ndarray:
    """Gradient of a logit of a model that ends in a softmax layer, without bandlens."""
    logits, last = keras.Model(model.inputs, model.layers[-1].input), model.layers[-1]

    def value(x: Any) -> Any:
        return ops.sum((logits(x, training=False) @ last.kernel + last.bias)[:, output])

    if keras.config.backend() == "jax":
        import jax

        return np.asarray(jax.grad(value)(images))
    if keras.config.backend() == "torch":
        import torch

        x = torch.tensor(images, requires_grad=True)
        value(x).backward()
        return x.grad.numpy()
    import tensorflow as tf

    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = value(x)
    return tape.gradient(found, x).numpy()


def test_equals_the_framework(keras: Any, small_cnn: Any, images: np.ndarray) -> None:
    maps = bl.band_maps(small_cnn, images, method="saliency", target="all")
    for output in range(3):
        expected = own_gradients(keras, small_cnn, images, output)
        np.testing.assert_allclose(maps.values[:, output], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("statistic", ["band_sum", "pixel_mean_abs"])
def test_reductions(keras: Any, small_cnn: Any, images: np.ndarray, statistic: str) -> None:
    gradient = own_gradients(keras, small_cnn, images, 1)
    result = bl.band_importance(small_cnn, images, method="saliency", target=1, statistic=statistic)
    expected = gradient.sum(axis=(1, 2)) if statistic == "band_sum" else np.abs(gradient).mean(axis=(1, 2))
    np.testing.assert_allclose(result.scores[:, 0], expected, rtol=1e-4, atol=1e-6)
    assert result.signed == (statistic == "band_sum")
    assert np.isnan(result.table.effect).all() == (statistic != "band_sum")


def test_absolute_gradients_are_the_default(small_cnn: Any, images: np.ndarray) -> None:
    assert bl.band_importance(small_cnn, images, method="saliency").statistic == "pixel_mean_abs"
