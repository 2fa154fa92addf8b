"""Maxima over three-dimensional windows: each window's derivative goes to one element, also where several are equal."""

from __future__ import annotations

from itertools import product
from typing import Any

import bandlens as bl
import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow

SHAPES = [(4, 4, 4), (5, 6, 7), (1, 5, 3)]
WINDOWS = [((2, 2, 2), (2, 2, 2)), ((3, 3, 3), (2, 2, 2)), ((3, 2, 1), (1, 2, 3)), ((2, 2, 2), (1, 1, 1))]
# all of them whose windows fit
CASES = [
    (shape, *window, padding)
    for shape, window, padding in product(SHAPES, WINDOWS, ["VALID", "SAME"])
    if padding == "SAME" or all(k <= n for k, n in zip(window[0], shape, strict=True))
]


def by_windows(
    x: np.ndarray, found: np.ndarray, size: tuple[int, ...], step: tuple[int, ...], same: bool
) -> np.ndarray:
    """The derivative of the sum of all maxima, each of the first element that is one, written down."""
    lengths, ends = x.shape[1:4], found.shape[1:4]
    before = [max((e - 1) * s + k - n, 0) // 2 * same for n, e, k, s in zip(lengths, ends, size, step, strict=True)]
    result = np.zeros_like(x)
    for image, channel in product(range(len(x)), range(x.shape[-1])):
        for at in product(*map(range, ends)):
            first = [a * s - b for a, s, b in zip(at, step, before, strict=True)]
            window = [slice(max(f, 0), min(f + k, n)) for f, k, n in zip(first, size, lengths, strict=True)]
            values = x[(image, *window, channel)]
            place = np.unravel_index(values.argmax(), values.shape)
            result[(image, *(w.start + p for w, p in zip(window, place, strict=True)), channel)] += 1
    return result


@pytest.mark.parametrize(("shape", "size", "step", "padding"), CASES)
@pytest.mark.parametrize("values", ["few", "zeros", "all different"])
def test_the_first_of_equal_elements_has_it(
    monkeypatch: pytest.MonkeyPatch,
    values: str,
    shape: tuple[int, ...],
    size: tuple[int, ...],
    step: tuple[int, ...],
    padding: str,
) -> None:
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow import pooling
    from bandlens.engine.backends.tensorflow.gradients import gradients

    monkeypatch.setattr(pooling, "uses_onednn", lambda: False)
    monkeypatch.setattr(pooling, "on_cpu", lambda: True)
    random = np.random.default_rng(0)
    x = {
        "few": random.integers(-2, 1, (2, *shape, 3)),
        "zeros": np.zeros((2, *shape, 3)),
        "all different": random.permutation(2 * 3 * np.prod(shape)).reshape(2, *shape, 3),
    }[values].astype("float32")

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, *shape, 3))])
    def pooled(x: Any) -> Any:
        found = tf.nn.max_pool3d(x, size, step, padding)
        return found, gradients([found], [x], [tf.ones_like(found)], [found.op])[0]

    found, derivative = pooled(tf.constant(x))
    np.testing.assert_array_equal(derivative, by_windows(x, found.numpy(), size, step, padding == "SAME"))


@pytest.mark.parametrize("method", ["deepshap", "integrated_gradients"])
@pytest.mark.parametrize("size", [(2, 2), (3, 2)], ids=["blocks", "overlapping"])
def test_pixels_without_a_value_in_images_that_are_pooled_are_complete(
    keras: Any, method: str, size: tuple[int, int]
) -> None:
    """Zero-filled pixels are equal elements of windows, in the images and in the background."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((6, 6, 6, 2)), layers.MaxPooling3D(size[0], strides=size[1]),
        layers.Conv3D(4, 2, activation="tanh"), layers.Flatten(), layers.Dense(3),
    ])  # fmt: skip
    x, background = np.random.default_rng(0).normal(size=(2, 4, 6, 6, 6, 2)).astype("float32")
    x[:, :3], background[:, :, :4] = 0, 0
    options = {"n_steps": 400, "background": background[:1]} if method != "deepshap" else {"background": background}
    found = bl.band_importance(model, x, method=method, target="all", **options)
    assert found.completeness is not None
    assert found.completeness < (1e-5 if method == "deepshap" else 2e-2)
