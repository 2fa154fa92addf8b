"""Outputs for each pixel, in one row: what they end in, and that they are explained completely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.images import check_images
from bandlens.engine.deepshap import make_plan, unmoved
from bandlens.engine.deepshap.walk import make_step
from bandlens.models.following import followed
from bandlens.models.predictor import make_predictor
from keras import ops

CLASSES = 3


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


# ---- What they end in ------------------------------------------------------------------------------------------------

# what leaves the classes of a pixel next to each other
KEPT: dict[str, Callable[[Any], list[Any]]] = {
    "flatten": lambda layers: [layers.Flatten()],
    "reshapes": lambda layers: [layers.Reshape((-1, CLASSES)), layers.Reshape((-1,))],
    "columns first": lambda layers: [layers.Permute((2, 1, 3)), layers.Flatten()],
    "casts and identities": lambda layers: [
        layers.Activation("linear", dtype="float16"),
        layers.Flatten(dtype="float32"),
        layers.Dropout(0.5),
    ],
    "there and back": lambda layers: [layers.Permute((3, 1, 2)), layers.Permute((2, 3, 1)), layers.Flatten()],
}
# what doesn't, or leaves pixels out, or mixes them
NOT_KEPT: dict[str, Callable[[Any], list[Any]]] = {
    "classes first": lambda layers: [layers.Permute((3, 1, 2)), layers.Flatten()],
    "other order of classes": lambda layers: [layers.Lambda(lambda x: ops.flip(x, -1)), layers.Flatten()],
    "mean of pixels": lambda layers: [layers.GlobalAveragePooling2D()],
    "means of pixels": lambda layers: [layers.AveragePooling2D(2), layers.Flatten()],
    "largest of pixels": lambda layers: [layers.MaxPooling2D(2), layers.Flatten()],
    "larger": lambda layers: [layers.UpSampling2D(2), layers.Flatten()],
    "blurred": lambda layers: [layers.AveragePooling2D(3, strides=1, padding="same"), layers.Flatten()],
    "part of them": lambda layers: [layers.Cropping2D(1), layers.Flatten()],
    "one pixel for all": lambda layers: [
        layers.Lambda(lambda x: ops.repeat(x[:, :1, :1], 24, axis=1)), layers.Flatten(),
    ],
    "other scale": lambda layers: [layers.Flatten(), layers.Rescaling(2.0)],
}  # fmt: skip


def of_pixels(keras: Any, tail: list[Any], activation: str = "softmax") -> tuple[Any, Any]:
    """A model of 4 x 6 pixels, and the same one without its activation."""
    layers = keras.layers
    image = keras.Input((4, 6, 4))
    logits = layers.Conv2D(CLASSES, 1)(layers.Conv2D(5, 3, padding="same", activation="relu")(image))
    found = []
    for output in (layers.Activation(activation)(logits), logits):
        for layer in tail:
            output = layer(output)
        found.append(keras.Model(image, output))
    return found[0], found[1]


def trace_of(model: Any, x: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray]:
    """A model's trace, and what it computes before and behind its head."""
    predictor = make_predictor(model, check_images(x))
    trace, run = predictor.trace, predictor.backend.Run
    values = []
    for value in (trace.logit, trace.probability):
        graph = trace.graph(value)
        compute = predictor.backend.compile(
            trace, lambda x, graph=graph: run(trace, {graph.input: x}).forward(graph.operations).value(graph.output), x
        )
        values.append(compute(x))
    return trace, values[0], values[1]


@pytest.mark.parametrize("tail", KEPT)
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_head_for_each_pixel_is_found(keras: Any, tail: str, activation: str) -> None:
    model, without = of_pixels(keras, KEPT[tail](keras.layers), activation)
    x = images(3, 4, 6, 4)
    trace, logits, probabilities = trace_of(model, x)
    assert (trace.head, trace.row) == (activation, CLASSES if activation == "softmax" else None)
    half = 2e-3 if "casts" in tail else 1e-5
    np.testing.assert_allclose(logits, ops.convert_to_numpy(without(x)), rtol=1e-4, atol=half)
    np.testing.assert_allclose(probabilities, ops.convert_to_numpy(model(x)), atol=1e-3)
    if activation == "softmax":  # unit u stands for class u % row
        rows = np.exp(logits.reshape(3, -1, CLASSES))
        np.testing.assert_allclose(
            (rows / rows.sum(-1, keepdims=True)).reshape(3, -1), probabilities, rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("tail", NOT_KEPT)
def test_pixels_that_are_mixed_or_moved_are_no_head(keras: Any, tail: str) -> None:
    model, _ = of_pixels(keras, NOT_KEPT[tail](keras.layers))
    trace, before, behind = trace_of(model, images(3, 4, 6, 4))
    assert (trace.head, trace.row) == (None, None)
    np.testing.assert_array_equal(before, behind)


def test_one_softmax_goes_over_all_units(keras: Any, small_cnn: Any) -> None:
    trace, *_ = trace_of(small_cnn, images(3, 8, 8, 4))
    assert (trace.head, trace.row) == ("softmax", trace.n_outputs)


def test_many_pixels_of_an_image(keras: Any) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((256, 256, 2)), layers.Conv2D(5, 1), layers.Softmax(), layers.Permute((2, 1, 3)), layers.Flatten()]
    )
    _, trace, *_ = followed(model, check_images(images(1, 256, 256, 2)), None)
    assert (trace.head, trace.row) == ("softmax", 5)


# ---- Completeness ----------------------------------------------------------------------------------------------------


def unet(layers: Any, x: Any) -> Any:
    """Down twice and up twice, by either way of going up, with skips."""
    skips = []
    for filters in (4, 6):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(x)))
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = layers.Concatenate()([layers.Conv2DTranspose(6, 2, strides=2)(x), skips.pop()])
    x = layers.Concatenate()([layers.UpSampling2D()(layers.Conv2D(4, 1, activation="relu")(x)), skips.pop()])
    return layers.Conv2D(CLASSES, 1)(x)


def fcn(layers: Any, x: Any) -> Any:
    """Scores at two resolutions, added and enlarged."""
    fine = layers.MaxPooling2D()(layers.Conv2D(5, 3, padding="same", activation="relu")(x))
    coarse = layers.MaxPooling2D()(layers.Conv2D(6, 3, padding="same", activation="relu")(fine))
    coarse = layers.Conv2DTranspose(CLASSES, 4, strides=2, padding="same")(layers.Conv2D(CLASSES, 1)(coarse))
    joined = layers.Add()([coarse, layers.Conv2D(CLASSES, 1)(fine)])
    return layers.Conv2DTranspose(CLASSES, 4, strides=2, padding="same")(joined)


def deeplab(layers: Any, x: Any) -> Any:
    """Dilated convolutions and the mean of the image side by side; bilinear resizing."""
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    branches = [layers.Conv2D(3, 3, dilation_rate=rate, padding="same", activation="relu")(x) for rate in (1, 2, 3)]
    pooled = layers.Conv2D(3, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    pooled = layers.UpSampling2D(8, interpolation="bilinear")(pooled)
    x = layers.Conv2D(CLASSES, 1)(layers.Concatenate()([*branches, pooled]))
    return layers.Resizing(16, 16, interpolation="bilinear")(x)


def segformer(layers: Any, x: Any) -> Any:
    """Attention among overlapping patches, a mixing convolution, and a decoder of two resolutions."""
    x = layers.Conv2D(4, 3, strides=2, padding="same")(x)
    levels = [layers.Resizing(16, 16, interpolation="bilinear")(layers.Conv2D(4, 1)(x))]
    tokens = layers.Reshape((16, 6))(layers.Conv2D(6, 3, strides=2, padding="same")(x))
    normed = layers.LayerNormalization()(tokens)
    tokens = layers.Add()([tokens, layers.MultiHeadAttention(2, 3)(normed, normed)])
    inner = layers.Reshape((4, 4, 6))(layers.Dense(6)(layers.LayerNormalization()(tokens)))
    inner = layers.Activation("gelu")(layers.DepthwiseConv2D(3, padding="same")(inner))
    x = layers.Add()([layers.Reshape((4, 4, 6))(tokens), layers.Conv2D(6, 1)(inner)])
    levels.append(layers.Resizing(16, 16, interpolation="bilinear")(layers.Conv2D(4, 1)(x)))
    return layers.Conv2D(CLASSES, 1)(layers.Conv2D(4, 1, activation="relu")(layers.Concatenate()(levels)))


# attention in single precision loses digits on the way
NETWORKS: dict[str, tuple[Callable[[Any, Any], Any], float]] = {
    "U-Net": (unet, 1e-4),
    "FCN": (fcn, 1e-4),
    "DeepLab": (deeplab, 1e-4),
    "SegFormer": (segformer, 2e-4),
}


@pytest.mark.slow_elsewhere
@pytest.mark.parametrize("name", NETWORKS)
def test_maps_of_classes_are_explained_completely(keras: Any, settle: Callable[[Any], Any], name: str) -> None:
    layers, (make, bound) = keras.layers, NETWORKS[name]
    image = keras.Input((16, 16, 4))
    logits = make(layers, image)
    assert logits.shape[1:] == (16, 16, CLASSES)
    x, background = images(5, 16, 16, 4)[:3], images(5, 16, 16, 4)[3:]
    every = settle(keras.Model(image, layers.Flatten()(layers.Softmax()(logits))))
    means = keras.Model(image, layers.GlobalAveragePooling2D()(logits))
    result = bl.band_importance(means, x, background=background, target="all")
    assert result.completeness is not None
    assert result.completeness < bound
    # single pixels, of the logits that are behind the softmax
    predictor = make_predictor(means, check_images(x))
    assert predictor.n_outputs == CLASSES
    backend, trace, *_ = followed(every, check_images(x), None)
    assert (trace.head, trace.row) == ("softmax", CLASSES)
    graph = trace.graph(trace.logit)
    plan = make_plan(graph, trace.differentiable, backend.has_forward, unmoved(backend, trace, graph))
    units = np.array([0, 1, 16 * 7 * CLASSES + 2, 16 * 16 * CLASSES - 1])
    seeds = np.eye(trace.n_outputs, dtype=np.float32)[units][:, None].repeat(3, 1)
    step = make_step(backend, trace, plan, cells=check_images(x).cells, own=False, maps=False)
    weights = np.full(2, 0.5, np.float32)
    found = backend.compile(trace, step, x, background, seeds, weights)(x, background, seeds, weights)
    run = backend.compile(
        trace,
        lambda batch: backend.Run(trace, {graph.input: batch}).forward(graph.operations).value(trace.logit),
        x,
        any_n=1,
    )
    expected = np.moveaxis((run(x)[:, None] - run(background))[..., units], -1, 0)  # of every pair
    np.testing.assert_allclose(found.sum(-1), expected, rtol=0, atol=bound * np.abs(expected).max())
