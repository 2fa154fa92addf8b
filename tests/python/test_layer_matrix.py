"""DeepSHAP is complete on every Keras layer that can stand in an image classifier, in float32 and float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.deepshap import make_plan
from conftest import KERAS_IS_DOUBLE, double_precision
from directions import in_both_directions, measured

Build = Callable[[Any, Any], Any]


def layer(name: str, *arguments: Any, **options: Any) -> Build:
    """Apply a layer from keras.layers."""
    return lambda keras, x: getattr(keras.layers, name)(*arguments, **options)(x)


def activation(name: str) -> Build:
    """Apply an activation by name, after a shift that puts values on both sides of every kink."""
    return lambda keras, x: keras.layers.Activation(name)(keras.layers.Rescaling(3.0, 0.4)(x))


def branches(keras: Any, x: Any) -> tuple[Any, Any]:
    """Two tensors of one shape that depend on the image differently."""
    return x, keras.layers.Conv2D(4, 3, padding="same", activation="tanh")(x)


def merge(name: str, **options: Any) -> Build:
    """Join two branches with a merging layer."""
    return lambda keras, x: getattr(keras.layers, name)(**options)(branches(keras, x))


def operation(function: Callable[[Any, Any], Any]) -> Build:
    """A Lambda layer on keras.ops."""
    return lambda keras, x: keras.layers.Lambda(lambda t: function(keras.ops, t))(x)


def sequence(build: Build) -> Build:
    """Pixels as a sequence, for attention."""
    return lambda keras, x: build(keras, keras.layers.Reshape((-1, 4))(x))


def squeeze_excite(keras: Any, x: Any) -> Any:
    """Gates per channel, broadcast over pixels."""
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    return keras.layers.Multiply()([x, keras.layers.Conv2D(4, 1, activation="sigmoid")(gate)])


def squeeze_excite_max(keras: Any, x: Any) -> Any:
    """Gates from a global maximum, by a dense layer."""
    gate = keras.layers.Dense(4, activation="hard_sigmoid")(keras.layers.GlobalMaxPooling2D()(x))
    return keras.layers.Multiply()([x, keras.layers.Reshape((1, 1, 4))(gate)])


def shared(keras: Any, x: Any) -> Any:
    """One layer used twice, on different tensors."""
    conv = keras.layers.Conv2D(4, 3, padding="same", activation="relu")
    return keras.layers.Add()([conv(x), conv(conv(x))])


def nested(keras: Any, x: Any) -> Any:
    """A model within a model."""
    inputs = keras.Input(x.shape[1:], dtype=x.dtype)
    inner = keras.Model(inputs, keras.layers.Conv2D(4, 3, activation="relu")(inputs))
    return keras.Sequential([inner, keras.layers.MaxPooling2D(2)])(x)


def spectral(keras: Any, x: Any) -> Any:
    """Spectral normalization of a convolution."""
    return keras.layers.SpectralNormalization(keras.layers.Conv2D(4, 3, activation="relu"))(x)


def masked(keras: Any, x: Any) -> Any:
    """A mask that the images decide, in masked attention and pooling."""
    rows = keras.layers.Masking(mask_value=0.0)(keras.layers.Reshape((-1, 4))(keras.layers.ReLU()(x)))
    return keras.layers.GlobalAveragePooling1D()(keras.layers.MultiHeadAttention(2, 3)(rows, rows))


def normalization(keras: Any, x: Any) -> Any:
    """Feature-wise normalization with given statistics."""
    return keras.layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 0.5, 1.5])(x)


IMAGE: dict[str, Build] = {
    "conv": layer("Conv2D", 5, 3, activation="relu"),
    "conv strided": layer("Conv2D", 5, 3, strides=2, padding="same"),
    "conv dilated": layer("Conv2D", 5, 3, dilation_rate=2),
    "conv grouped": layer("Conv2D", 6, 3, groups=2),
    "depthwise": layer("DepthwiseConv2D", 3, depth_multiplier=2, activation="relu"),
    "depthwise strided": layer("DepthwiseConv2D", 3, strides=2, padding="same"),
    "separable": layer("SeparableConv2D", 5, 3, activation="relu6"),
    "transposed": layer("Conv2DTranspose", 5, 3, strides=2, activation="relu"),
    "transposed same": layer("Conv2DTranspose", 5, 3, strides=2, padding="same"),
    "dense": layer("Dense", 5, activation="relu"),
    "einsum dense": layer("EinsumDense", "abcd,de->abce", output_shape=(6, 6, 5), bias_axes="e"),
    "max pool": layer("MaxPooling2D", 2),
    "max pool rest": layer("MaxPooling2D", 4),
    "max pool overlapping": layer("MaxPooling2D", 3, strides=2),
    "max pool same": layer("MaxPooling2D", 3, strides=2, padding="same"),
    "max pool gaps": layer("MaxPooling2D", 2, strides=3),
    "average pool": layer("AveragePooling2D", 2),
    "average pool same": layer("AveragePooling2D", 3, strides=2, padding="same"),
    "global average": layer("GlobalAveragePooling2D"),
    "global max": layer("GlobalMaxPooling2D"),
    "global max kept": layer("GlobalMaxPooling2D", keepdims=True),
    "adaptive": operation(lambda ops, t: ops.max(ops.reshape(t, (-1, 2, 3, 2, 3, 4)), axis=(2, 4))),
    "batch norm": layer("BatchNormalization"),
    "layer norm": layer("LayerNormalization"),
    "layer norm all": layer("LayerNormalization", axis=(1, 2, 3)),
    "rms norm": layer("RMSNormalization"),
    "group norm": layer("GroupNormalization", 2),
    "instance norm": layer("GroupNormalization", -1),
    "unit norm": layer("UnitNormalization"),
    "spectral norm": spectral,
    "normalization": normalization,
    "rescaling": layer("Rescaling", 0.5, -1.0),
    "add": merge("Add"),
    "subtract": merge("Subtract"),
    "multiply": merge("Multiply"),
    "average": merge("Average"),
    "maximum": merge("Maximum"),
    "minimum": merge("Minimum"),
    "concatenate": merge("Concatenate"),
    "dot": merge("Dot", axes=(3, 3)),
    "dot normalized": merge("Dot", axes=(3, 3), normalize=True),
    "squeeze-excite": squeeze_excite,
    "squeeze-excite max": squeeze_excite_max,
    "zero padding": layer("ZeroPadding2D", ((1, 2), (0, 1))),
    "cropping": layer("Cropping2D", ((1, 0), (1, 1))),
    "up nearest": layer("UpSampling2D", 2),
    "up bilinear": layer("UpSampling2D", 2, interpolation="bilinear"),
    "resizing": layer("Resizing", 5, 7),
    "resizing nearest": layer("Resizing", 9, 4, interpolation="nearest"),
    "resizing bicubic": layer("Resizing", 9, 4, interpolation="bicubic"),
    "center crop": layer("CenterCrop", 4, 4),
    "reshape": layer("Reshape", (4, 9, 4)),
    "permute": layer("Permute", (3, 1, 2)),
    "flatten": layer("Flatten"),
    "repeat": lambda keras, x: keras.layers.RepeatVector(3)(keras.layers.Flatten()(x)),
    "dropout": layer("Dropout", 0.5),
    "spatial dropout": layer("SpatialDropout2D", 0.5),
    "gaussian noise": layer("GaussianNoise", 0.5),
    "activity": layer("ActivityRegularization"),
    "identity": layer("Identity"),
    "leaky relu": layer("LeakyReLU", negative_slope=0.2),
    "prelu": layer("PReLU", alpha_initializer="random_normal", shared_axes=[1, 2]),
    "relu bounded": layer("ReLU", max_value=0.5, negative_slope=0.1, threshold=0.1),
    "elu": layer("ELU", 0.7),
    "softmax": layer("Softmax"),
    "softmax pixels": layer("Softmax", axis=(1, 2)),
    "attention": sequence(lambda keras, x: keras.layers.Attention()([x, keras.layers.Dense(4)(x)])),
    "attention scaled": sequence(lambda keras, x: keras.layers.Attention(use_scale=True)([x, x])),
    "attention concat": sequence(lambda keras, x: keras.layers.Attention(score_mode="concat")([x, x])),
    "additive attention": sequence(lambda keras, x: keras.layers.AdditiveAttention()([x, keras.layers.Dense(4)(x)])),
    "multi-head": sequence(lambda keras, x: keras.layers.MultiHeadAttention(2, 3)(x, x)),
    "grouped query": sequence(lambda keras, x: keras.layers.GroupQueryAttention(3, 4, 2)(x, x)),
    "multi-head 2d": lambda keras, x: keras.layers.MultiHeadAttention(2, 3, attention_axes=(1, 2))(x, x),
    "time distributed": lambda keras, x: keras.layers.TimeDistributed(keras.layers.Conv1D(3, 2, activation="relu"))(x),
    "multi-head causal": sequence(lambda keras, x: keras.layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)),
    "multi-head masked": sequence(
        lambda keras, x: keras.layers.MultiHeadAttention(2, 3)(x, x, attention_mask=np.tril(np.ones((1, 36, 36), bool)))
    ),
    "shared": shared,
    "nested": nested,
    "masked": masked,
    "sparsemax": lambda keras, x: keras.layers.Activation("sparsemax")(x),
    "sort": operation(lambda ops, t: ops.sort(t, axis=1) * ops.mean(t, axis=(1, 2, 3), keepdims=True)),
    "l2 normalize": operation(lambda ops, t: ops.normalize(t, axis=-1)),
    "logsumexp": operation(lambda ops, t: ops.logsumexp(t, axis=-1)),
    "log softmax": operation(lambda ops, t: ops.log_softmax(t)),
    "glu": operation(lambda ops, t: ops.glu(t)),
    "threshold": operation(lambda ops, t: ops.threshold(t, 0.1, 0.2)),
    "clip": operation(lambda ops, t: ops.clip(t, -0.3, 0.4)),
    "power": operation(lambda ops, t: ops.power(ops.abs(t) + 0.1, 1.7)),
    "power of two tensors": operation(lambda ops, t: ops.power(ops.abs(t) + 0.1, ops.tanh(ops.flip(t, -1)))),
    "where": operation(lambda ops, t: ops.where(t > ops.flip(t, -1), t, 2 * ops.flip(t, -1))),
    "ratio": operation(lambda ops, t: t / (1.0 + ops.sum(ops.square(t), axis=-1, keepdims=True))),
    "std": operation(lambda ops, t: ops.std(t, axis=(1, 2))),
    "index": operation(lambda ops, t: (t[..., 0] - t[..., 1]) / (2.0 + ops.abs(t[..., 0] + t[..., 1]))),
    "matmul": operation(lambda ops, t: ops.matmul(t, ops.transpose(t, (0, 1, 3, 2)))),
    "einsum": operation(lambda ops, t: ops.einsum("nhwc,nhvc->nwv", t, t)),
    "cumsum": operation(lambda ops, t: ops.cumsum(t, axis=1)),
    "flip and roll": operation(lambda ops, t: ops.roll(ops.flip(t, axis=1), 1, axis=2)),
    "stack": operation(lambda ops, t: ops.stack([t, ops.relu(t)], axis=2)),
    "split": operation(lambda ops, t: ops.split(t, 2, axis=-1)[0] * ops.split(t, 2, axis=-1)[1]),
    "take": operation(lambda ops, t: ops.take(t, [0, 2, 2], axis=-1)),
    "tile": operation(lambda ops, t: ops.tile(t, (1, 1, 2, 1))),
    "pad reflect": operation(lambda ops, t: ops.pad(t, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")),
    "gram": operation(lambda ops, t: ops.einsum("nhwc,nhwd->ncd", t, t)),
}

ACTIVATIONS = (
    "relu relu6 leaky_relu elu selu celu gelu silu softplus softsign tanh tanh_shrink hard_tanh soft_shrink "
    "hard_shrink sparse_plus sigmoid hard_sigmoid hard_silu log_sigmoid log_softmax softmax squareplus mish "
    "exponential linear sparse_sigmoid"
).split()

SPECTRUM: dict[str, Build] = {
    "conv": layer("Conv1D", 4, 3, activation="relu"),
    "conv causal": layer("Conv1D", 4, 3, padding="causal", dilation_rate=2),
    "conv grouped": layer("Conv1D", 4, 3, groups=2),
    "depthwise": layer("DepthwiseConv1D", 3),
    "separable": layer("SeparableConv1D", 4, 3, activation="swish"),
    "transposed": layer("Conv1DTranspose", 4, 3, strides=2),
    "max pool": layer("MaxPooling1D", 2),
    "max pool overlapping": layer("MaxPooling1D", 3, strides=1),
    "average pool": layer("AveragePooling1D", 2),
    "global max": layer("GlobalMaxPooling1D"),
    "global average": layer("GlobalAveragePooling1D"),
    "zero padding": layer("ZeroPadding1D", 2),
    "cropping": layer("Cropping1D", 1),
    "up": layer("UpSampling1D", 2),
}

CUBE: dict[str, Build] = {
    "conv": layer("Conv3D", 3, 2, activation="relu"),
    "conv strided": layer("Conv3D", 3, 2, strides=2),
    "transposed": layer("Conv3DTranspose", 3, 2),
    "max pool": layer("MaxPooling3D", 2),
    "max pool overlapping": layer("MaxPooling3D", 3, strides=2, padding="same"),
    "average pool": layer("AveragePooling3D", 2),
    "global max": layer("GlobalMaxPooling3D"),
    "global average": layer("GlobalAveragePooling3D"),
    "zero padding": layer("ZeroPadding3D", 1),
    "cropping": layer("Cropping3D", 1),
    "up": layer("UpSampling3D", 2),
}

LAYOUTS: dict[str, tuple[tuple[int, ...], int, str]] = {
    "image": ((6, 6, 4), -1, "Conv2D"),
    "spectrum": ((9, 2), 1, "Conv1D"),
    "cube": ((4, 4, 5, 2), 3, "Conv3D"),
}

CASES = [
    *(("image", name, build) for name, build in IMAGE.items()),
    *(("image", f"activation {name}", activation(name)) for name in ACTIVATIONS),
    *(("spectrum", name, build) for name, build in SPECTRUM.items()),
    *(("cube", name, build) for name, build in CUBE.items()),
]


# TensorFlow has no kernels for these in float64, so no such model exists
ONLY_FLOAT32 = {"cube-max pool", "cube-max pool overlapping", "cube-average pool", "cube-global max"}

# TensorFlow resizes in float32 whatever the dtype of the model
SINGLE_PRECISION = {"image-up bilinear", "image-resizing", "image-resizing bicubic", "image-resizing nearest"}

# where float64 is run, both directions say the same of float32 below, as fast
AGAIN = [pytest.mark.slow] if KERAS_IS_DOUBLE else []
PARAMETERS = [
    pytest.param(
        *(layout, build, dtype),
        id=f"{layout}-{name}-{dtype}",
        marks=AGAIN if dtype == "float32" and f"{layout}-{name}" not in ONLY_FLOAT32 else [],
    )
    for layout, name, build in CASES
    for dtype in (("float32", "float64") if KERAS_IS_DOUBLE else ("float32",))
    if dtype == "float32" or f"{layout}-{name}" not in ONLY_FLOAT32
]


def network(
    keras: Any, settle: Callable[[Any], Any], layout: str, build: Build, dtype: str, bands: int, outputs: int
) -> Any:
    """The layer between a convolution that makes four channels of the bands, and two dense layers."""
    shape, axis, conv = shape_of(layout, bands), LAYOUTS[layout][1], LAYOUTS[layout][2]
    assert shape[axis if axis < 0 else axis - 1] == bands
    keras.config.set_dtype_policy(dtype)
    try:
        inputs = keras.Input(shape, dtype=dtype)
        x = getattr(keras.layers, conv)(4, 3 if layout == "image" else 1, padding="same")(inputs)
        x = keras.layers.Flatten()(build(keras, x))
        x = keras.layers.Dense(5, activation="tanh")(x)
        return settle(keras.Model(inputs, keras.layers.Dense(outputs)(x)))
    finally:
        keras.config.set_dtype_policy("float32")


def shape_of(layout: str, bands: int) -> tuple[int, ...]:
    """Shape of an image with so many bands."""
    shape, axis, _ = LAYOUTS[layout]
    place = axis if axis < 0 else axis - 1
    sizes = list(shape)
    sizes[place] = bands
    return tuple(sizes)


def explained(model: Any, layout: str, bands: int, target: str = "all") -> bl.BandImportance:
    """Scores of three images against two, some of whose pixels are zero."""
    random, shape = np.random.default_rng(2), shape_of(layout, bands)
    images, background = random.normal(size=(3, *shape)), random.normal(size=(2, *shape))
    images[0, : shape[0] // 2] = background[1, shape[0] // 2 :] = 0.0
    return bl.band_importance(model, images, background=background, band_axis=LAYOUTS[layout][1], target=target)


def assert_complete(result: bl.BandImportance, tolerance: float) -> None:
    """Scores of an image sum to what they should, relative to the largest such sum."""
    difference = result.output_values - result.base_values
    assert np.abs(result.scores.sum(axis=-1) - difference).max() <= tolerance * np.abs(difference).max()


@pytest.mark.parametrize(("layout", "build", "dtype"), PARAMETERS)
def test_complete_on_every_layer(
    keras: Any,
    settle: Callable[[Any], Any],
    request: pytest.FixtureRequest,
    layout: str,
    build: Build,
    dtype: str,
) -> None:
    single = any(f"[{name}-" in request.node.name for name in SINGLE_PRECISION)
    tolerance = 1e-4 if dtype == "float32" else 1e-6 if single else 1e-9
    bands = shape_bands(layout)
    result = explained(network(keras, settle, layout, build, dtype, bands, 3), layout, bands)
    assert np.abs(result.output_values - result.base_values).max() > 1e-3
    assert_complete(result, tolerance)


def shape_bands(layout: str) -> int:
    """The bands that images of a layout have, where nothing else is asked for."""
    shape, axis, _ = LAYOUTS[layout]
    return shape[axis if axis < 0 else axis - 1]


# activations are runs, of which a few will do
BOTH = [
    pytest.param(
        *case[::2],
        id="-".join(case[:2]),
        marks=[pytest.mark.slow] if case[1].startswith("activation ") and not case[1].endswith("lu") else [],
    )
    for case in CASES
]


# on each backend the test above has every layer once, and those with few bands and many outputs the other direction
@pytest.mark.slow_elsewhere
@pytest.mark.parametrize(("layout", "build"), BOTH)
def test_both_directions_agree_on_every_layer(
    keras: Any, settle: Callable[[Any], Any], layout: str, build: Build
) -> None:
    bands = 2 if layout == "image" else shape_bands(layout)
    model = network(keras, settle, layout, build, "float32", bands, bands + 3)
    found = measured(in_both_directions(keras, model, lambda model: explained(model, layout, bands)))
    assert found.missed <= 1e-4
    assert found.apart <= 1e-5


@pytest.mark.parametrize("name", [name for name in IMAGE if name.startswith(("up ", "resizing"))])
def test_resizing_is_linear_and_works_in_both_directions(
    keras: Any, settle: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made = []

    def make(*arguments: Any) -> Any:
        made.append(make_plan(*arguments))
        return made[-1]

    monkeypatch.setattr("bandlens.methods.deepshap.make_plan", make)
    explained(network(keras, settle, "image", IMAGE[name], "float32", 2, 3), "image", 2)
    (plan,) = made
    assert plan.forward
    assert {step.rule for step in plan.steps} <= {"linear", "run", "product"}


def test_normalization_computed_in_a_precision_of_its_own(keras: Any) -> None:
    def normalized(t: Any) -> Any:
        t = keras.ops.cast(t, "float64")
        return keras.ops.cast(t / keras.ops.sqrt(keras.ops.sum(t * t, -1, keepdims=True) + 1e-6), "float32")

    with double_precision():
        x = inputs = keras.Input((6, 6, 2))
        x = keras.layers.Flatten()(keras.layers.Lambda(normalized)(x))
        assert_complete(explained(keras.Model(inputs, keras.layers.Dense(3)(x)), "image", 2), 1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_of_squares_of_others_is_never_negative(keras: Any, settle: Callable[[Any], Any], seed: int) -> None:
    """Of it without one, rounding could leave less than nothing; its root is guarded only behind it."""
    keras.utils.set_random_seed(seed)
    norm = operation(lambda ops, t: t / (ops.sqrt(ops.sum(t * t, -1, keepdims=True)) + 1e-6))

    def behind_relu(keras: Any, x: Any) -> Any:
        return norm(keras, keras.layers.Conv2D(4, 1, activation="relu")(x))

    with double_precision():  # float32 rounds off 1e-4 of what cancels so
        model = network(keras, settle, "image", behind_relu, "float64", 4, 3)
        assert_complete(explained(model, "image", 4), 1e-9 if KERAS_IS_DOUBLE else 1e-4)


@pytest.mark.parametrize("name", ["layer norm", "rms norm", "group norm", "unit norm"])
def test_normalizations_of_float64_models(keras: Any, settle: Callable[[Any], Any], name: str) -> None:
    """Keras on JAX and PyTorch computes parts of them in float32, so that two precisions meet in one step."""
    with double_precision():
        model = network(keras, settle, "image", IMAGE[name], "float64", 2, 3)
        assert_complete(explained(model, "image", 2), 1e-9 if KERAS_IS_DOUBLE else 1e-4)


# every number of bands meets every number of outputs, both less and more than it
SIZES = [
    (bands, outputs, target) for bands in (1, 2, 4, 13) for outputs in (1, 2, 5, 12) for target in ("class", "all")
]


@pytest.mark.parametrize("place", range(len(SIZES)))
def test_complete_whatever_the_numbers_of_bands_and_outputs(
    keras: Any, settle: Callable[[Any], Any], place: int
) -> None:
    bands, outputs, target = SIZES[place]
    layout, _name, build = IMAGES_IN_TURN[place % len(IMAGES_IN_TURN)]
    model = network(keras, settle, layout, build, "float32", bands, outputs)
    assert_complete(explained(model, layout, bands, target), 1e-4)


# of different kinds, so that each meets few and many bands
IMAGES_IN_TURN = [
    case
    for case in CASES
    if case[0] == "image"
    and case[1]
    in {"max pool same", "rms norm", "up bilinear", "squeeze-excite", "index", "multi-head", "group norm", "separable"}
    | {"global max", "layer norm", "resizing bicubic"}
]


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(SIZES)))
@pytest.mark.parametrize(
    ("layout", "build"), [pytest.param(*case[::2], id="-".join(case[:2])) for case in CASES if case[0] == "image"]
)
def test_complete_on_every_layer_whatever_the_numbers(
    keras: Any, settle: Callable[[Any], Any], layout: str, build: Build, place: int
) -> None:
    bands, outputs, target = SIZES[place]
    model = network(keras, settle, layout, build, "float32", bands, outputs)
    assert_complete(explained(model, layout, bands, target), 1e-4)
