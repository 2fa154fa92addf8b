"""Derivatives of convolutions are those of TensorFlow's own kernels, whatever they are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
Kernels = Callable[..., None]

# sides of the image, kernel, steps, padding
CASES = {
    "same": ((7, 6), (3, 3), (1, 1), "SAME"),
    "even kernel": ((7, 6), (2, 4), (1, 1), "SAME"),
    "inside": ((7, 6), (3, 2), (1, 1), "VALID"),
    "the whole image": ((5, 4), (5, 4), (1, 1), "VALID"),
    "larger than the image": ((2, 1), (5, 3), (1, 1), "SAME"),
    "one row": ((1, 9), (1, 5), (1, 1), "SAME"),
    "padding of its own": ((7, 6), (3, 3), (1, 1), [[0, 0], [2, 1], [0, 2], [0, 0]]),
    "more padding than the kernel reaches": ((7, 6), (2, 2), (1, 1), [[0, 0], [2, 2], [0, 0], [0, 0]]),
    "points": ((5, 4), (1, 1), (1, 1), "SAME"),
    "points in steps": ((8, 7), (1, 1), (2, 3), "VALID"),
    "points, some steps left out": ((9, 7), (1, 1), (3, 2), "SAME"),
    "steps": ((8, 7), (3, 3), (2, 2), "SAME"),
    "steps inside": ((9, 8), (3, 3), (2, 2), "VALID"),
    "steps that leave elements out": ((10, 9), (2, 3), (4, 3), "VALID"),
    "uneven steps": ((8, 7), (5, 3), (2, 1), "SAME"),
    "steps as long as the kernel": ((8, 6), (2, 2), (2, 2), "SAME"),
    "steps, padding of its own": ((8, 7), (7, 7), (2, 2), [[0, 0], [3, 3], [3, 3], [0, 0]]),
    "steps, more padding": ((8, 7), (3, 3), (2, 2), [[0, 0], [2, 2], [2, 2], [0, 0]]),
}
# where TensorFlow's own kernels stay
OWN = {"more padding than the kernel reaches", "steps, more padding", "the whole image"}


def derivative(case: str, rows: int | None = 3, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray, set[str]]:
    """As the engine makes it, as TensorFlow does, and the kinds of operations that the engine's is made of."""
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow.gradients import gradients

    sides, size, steps, padding = CASES[case]
    random = np.random.default_rng(0)
    image, kernel = (tf.constant(random.normal(size=shape), dtype) for shape in ((3, *sides, 5), (*size, 5, 4)))
    kinds = set()

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec((rows, *sides, 5), dtype), tf.TensorSpec(None, dtype)],
    )
    def both(image: Any, cotangent: Any) -> Any:
        graph = tf.compat.v1.get_default_graph()
        made = tf.nn.conv2d(image, kernel, steps, padding)
        cotangent = tf.ensure_shape(cotangent, made.shape)
        before = len(graph.get_operations())
        ours = gradients([made], [image], [cotangent], [made.op])
        kinds.update(op.type for op in graph.get_operations()[before:])
        return ours[0], tf.gradients(made, image, cotangent)[0]

    shape = tf.nn.conv2d(image, kernel, steps, padding).shape
    ours, theirs = both(image, tf.constant(random.normal(size=shape), dtype))
    return ours.numpy(), theirs.numpy(), kinds


def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all kernels be worth a convolution."""
    from bandlens.engine.backends.tensorflow import transposed

    monkeypatch.setattr(transposed, "LARGE", 0)


@pytest.mark.parametrize("rows", [3, None], ids=["images", "any number of images"])
@pytest.mark.parametrize("case", CASES)
def test_convolutions_give_the_derivative(
    monkeypatch: pytest.MonkeyPatch, kernels: Kernels, case: str, rows: int | None
) -> None:
    kernels(onednn=False)
    all_large(monkeypatch)
    ours, theirs, kinds = derivative(case, rows)
    assert ("Conv2DBackpropInput" in kinds) == (case in OWN)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("case", "convolves"),
    [("same", True), ("points", True), ("inside", False), ("steps", False), ("points in steps", False)],
)
def test_small_kernels_are_convolved_where_nothing_is_added(kernels: Kernels, case: str, convolves: bool) -> None:
    kernels(onednn=False)
    _, _, kinds = derivative(case)
    assert ("Conv2DBackpropInput" not in kinds) == convolves


@pytest.mark.parametrize(("on_cpu", "onednn"), [(True, True), (False, False)], ids=["oneDNN", "GPU"])
def test_fast_kernels_are_used_where_there_are(kernels: Kernels, on_cpu: bool, onednn: bool) -> None:
    kernels(on_cpu=on_cpu, onednn=onednn)
    _, _, kinds = derivative("same")
    assert "Conv2DBackpropInput" in kinds
    assert "Conv2D" not in kinds


@pytest.mark.parametrize("method", ["deepshap", "integrated_gradients", "lrp"])
def test_tables_are_the_same_with_either(
    monkeypatch: pytest.MonkeyPatch, kernels: Kernels, keras: Any, method: str
) -> None:
    layers = keras.layers
    all_large(monkeypatch)
    found = []
    x = np.random.default_rng(0).normal(size=(4, 12, 12, 5)).astype("float32")
    for onednn in (True, False):
        kernels(onednn=onednn)
        keras.utils.set_random_seed(0)
        model = keras.Sequential([
            keras.Input((12, 12, 5)), layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(8, 3, padding="same", activation="tanh"), layers.Conv2D(8, 1, strides=2, activation="relu"),
            layers.Flatten(), layers.Dense(3),
        ])  # fmt: skip
        found.append(bl.band_importance(model, x, method=method, target="all").scores)
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5 * np.abs(found[0]).max())
