"""Derivatives over three-dimensional windows are those of what is computed, with either of TensorFlow's kernels."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import own_process
import pytest

pytestmark = pytest.mark.tensorflow

SHAPES = [(4, 4, 4), (5, 6, 7), (1, 5, 3)]
WINDOWS = [((2, 2, 2), (2, 2, 2)), ((3, 3, 3), (2, 2, 2)), ((3, 2, 1), (1, 2, 1)), ((2, 2, 2), (1, 1, 1))]
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
    values: str,
    shape: tuple[int, ...],
    size: tuple[int, ...],
    step: tuple[int, ...],
    padding: str,
) -> None:
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow import cubes
    from bandlens.engine.backends.tensorflow.gradients import gradients

    random = np.random.default_rng(0)
    x = {
        "few": random.integers(-2, 1, (2, *shape, 3)),
        "zeros": np.zeros((2, *shape, 3)),
        "all different": random.permutation(2 * 3 * np.prod(shape)).reshape(2, *shape, 3),
    }[values].astype("float32")

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, *shape, 3))])
    def pooled(x: Any) -> Any:
        with tf.compat.v1.get_default_graph().gradient_override_map({"MaxPool3D": cubes.RIGHT}):
            found = tf.nn.max_pool3d(x, size, step, padding)
        return found, gradients([found], [x], [tf.ones_like(found)], [found.op])[0]

    found, derivative = pooled(tf.constant(x))
    np.testing.assert_array_equal(derivative, by_windows(x, found.numpy(), size, step, padding == "SAME"))


def printed(code: str, onednn: str) -> str:
    return own_process.printed("-c", code, TF_ENABLE_ONEDNN_OPTS=onednn, CUDA_VISIBLE_DEVICES="-1")


@pytest.mark.parametrize(("onednn", "dtype"), [("0", "float32"), ("1", "float32"), ("1", "float64")])
def test_steps_longer_than_windows(onednn: str, dtype: str) -> None:
    """All is linear in the image, or a maximum, so that the derivative times the image is the output."""
    code = """
from itertools import product
import bandlens as bl, keras, numpy as np

keras.config.set_floatx(DTYPE)
layers, random = keras.layers, np.random.default_rng(0)
for steps, size in product([(3, 3, 3), (2, 4, 1)], [(1, 1, 1), (1, 2, 1)]):
    options = {"strides": steps, "padding": "same"}
    pools = [layers.MaxPooling3D(size, **options), layers.AveragePooling3D(size, **options)]
    # TensorFlow has no pooling of numbers of 64 bits
    for layer in [layers.Conv3D(3, size, use_bias=False, **options), *(pools if DTYPE == "float32" else [])]:
        end = [layers.Flatten(), layers.Dense(2, use_bias=False)]
        model = keras.Sequential([keras.Input((7, 6, 4, 2)), layer, *end])
        x = random.normal(size=(2, 7, 6, 4, 2)).astype(DTYPE)
        found = bl.band_importance(model, x, method="gradient_x_input", target="all")
        print(*found.scores.sum(axis=-1).ravel(), *found.output_values.ravel())
"""
    rows = [line.split() for line in printed(code.replace("DTYPE", repr(dtype)), onednn).splitlines()]
    assert len(rows) == {"float32": 12, "float64": 4}[dtype]
    values = np.array(rows, float)
    np.testing.assert_allclose(values[:, :4], values[:, 4:], rtol=1e-4, atol=1e-5)


def test_models_with_loops_have_the_same_derivatives() -> None:
    """Models with loops are differentiated as a whole."""
    code = """
import bandlens as bl, keras, numpy as np

layers = keras.layers
keras.utils.set_random_seed(0)
model = keras.Sequential([
    keras.Input((6, 4, 4, 2)), layers.MaxPooling3D(2), layers.Reshape((3, 8)), layers.LSTM(4), layers.Dense(2)
])
x = np.random.default_rng(0).normal(size=(4, 6, 4, 4, 2)).astype("float32")
x[:, :4] = 0
print(*bl.band_importance(model, x, method="saliency", target="all").scores.ravel())
"""
    own, onednn = (np.array(printed(code, setting).split(), float) for setting in "01")
    np.testing.assert_allclose(own, onednn, rtol=1e-4)


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_saliency_of_pixels_without_a_value_is_one_per_window(onednn: str) -> None:
    code = """
import bandlens as bl, keras, numpy as np

layers = keras.layers
inputs = keras.Input((6, 6, 6, 2))
sums = layers.GlobalAveragePooling3D()(layers.MaxPooling3D(2)(inputs)) * 27
x = np.random.default_rng(0).normal(size=(4, 6, 6, 6, 2)).astype("float32")
x[:, :4] = 0
found = bl.band_importance(keras.Model(inputs, sums), x, method="saliency", target="all")
print(*found.scores.ravel())
"""
    scores = np.array(printed(code, onednn).split(), float).reshape(4, 2, 2)
    np.testing.assert_allclose(scores, np.broadcast_to(27 / 216 * np.eye(2), scores.shape), rtol=1e-6)


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_bodies_of_loops_and_branches_have_the_right_derivatives(onednn: str) -> None:
    """In loops TensorFlow takes its own kernels, whatever it takes elsewhere; sizes may not be known."""
    code = """
import bandlens as bl, numpy as np, tensorflow as tf

random = np.random.default_rng(0)
kernel = tf.Variable(random.normal(size=(1, 1, 1, 2, 2)).astype("float32"))
flag = tf.Variable(1.0)
kinds = {
    "equal": lambda y: tf.nn.max_pool3d(y, (2, 2, 2), (2, 2, 2), "SAME"),
    "maximum": lambda y: tf.nn.max_pool3d(y, (1, 1, 1), (3, 3, 3), "SAME"),
    "mean": lambda y: tf.nn.avg_pool3d(y, (1, 1, 1), (3, 3, 3), "SAME"),
    "convolution": lambda y: tf.nn.conv3d(y, kernel, (1, 3, 3, 3, 1), "SAME"),
}

def loop_of(kind):
    def model(images):
        def body(i, y):
            return i + 1, y + tf.reduce_mean(kind(y), (1, 2, 3), keepdims=True)

        # how often depends on images, as far as can be seen
        def goes_on(i, y):
            return tf.cast(i, tf.float32) < 2 + 0 * tf.reduce_sum(images)

        return tf.reduce_mean(tf.while_loop(goes_on, body, (0, images))[1], (1, 2, 3))
    return model

def branch_of(kind):
    def model(images):
        def taken():
            return images + tf.reduce_mean(kind(images), (1, 2, 3), keepdims=True)

        return tf.reduce_mean(tf.cond(flag > 0, taken, lambda: images), (1, 2, 3))
    return model

x = random.normal(size=(2, 7, 6, 4, 2)).astype("float32")
x[:, :4] = 1
for model in [made(kind) for made in (loop_of, branch_of) for kind in kinds.values()]:
    found = bl.band_importance(model, x, method="gradient_x_input", target="all")
    print(*found.scores.sum(axis=-1).ravel(), *found.output_values.ravel())
"""
    values = np.array([line.split() for line in printed(code, onednn).splitlines()], float)
    assert values.shape == (8, 8)
    np.testing.assert_allclose(values[:, :4], values[:, 4:], rtol=1e-4, atol=1e-5)
