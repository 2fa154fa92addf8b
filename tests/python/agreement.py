"""Small networks of a dozen kinds, with weights that don't depend on the backend, and the tables of all methods.

As a program, it writes these tables into a file: `python agreement.py FILE`, on the backend that KERAS_BACKEND names;
with `python agreement.py FILE series`, those of DeepSHAP for time series.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np

SHAPE = (8, 8, 4)
# noise is drawn by the framework itself
METHODS = [name for name in bl.METHODS if name not in ("smoothgrad", "vargrad")]


def plain(layers: Any, x: Any) -> Any:
    """Convolutions, ReLU and max pooling."""
    x = layers.MaxPooling2D(2)(layers.Conv2D(6, 3, padding="same", activation="relu")(x))
    return layers.Flatten()(layers.Conv2D(8, 2, activation="relu")(x))


def batch_norm(layers: Any, x: Any) -> Any:
    """Convolution, batch normalisation, overlapping pooling with padding."""
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(6, 3)(x)))
    return layers.Flatten()(layers.MaxPooling2D(3, strides=2, padding="same")(x))


def residual(layers: Any, x: Any) -> Any:
    """Two residual blocks, global average."""
    x = layers.Conv2D(6, 1)(x)
    for _ in range(2):
        inner = layers.BatchNormalization()(layers.Conv2D(6, 3, padding="same", activation="relu")(x))
        x = layers.ReLU()(layers.Add()([x, inner]))
    return layers.GlobalAveragePooling2D()(x)


def inception(layers: Any, x: Any) -> Any:
    """Parallel branches, concatenated."""
    branches = [layers.Conv2D(3, size, padding="same", activation="elu")(x) for size in (1, 3)]
    pooled = layers.Conv2D(3, 1)(layers.AveragePooling2D(3, strides=1, padding="same")(x))
    return layers.Flatten()(layers.MaxPooling2D(4)(layers.Concatenate()([*branches, pooled])))


def mobile(layers: Any, x: Any) -> Any:
    """Separable convolutions, ReLU6, hard swish."""
    x = layers.SeparableConv2D(6, 3, padding="same", activation="relu6")(x)
    x = layers.DepthwiseConv2D(3, strides=2, activation="hard_silu")(x)
    return layers.Flatten()(x)


def squeeze_excite(layers: Any, x: Any) -> Any:
    """SiLU and gates per channel."""
    x = layers.Conv2D(6, 3, activation="silu")(x)
    gate = layers.Dense(6, activation="sigmoid")(layers.Dense(3, activation="silu")(layers.GlobalAveragePooling2D()(x)))
    return layers.GlobalMaxPooling2D()(layers.Multiply()([x, layers.Reshape((1, 1, 6))(gate)]))


def layer_norm(layers: Any, x: Any) -> Any:
    """Layer normalisation and GELU."""
    x = layers.Conv2D(6, 2, strides=2)(x)
    return layers.Flatten()(layers.Conv2D(6, 1, activation="gelu")(layers.LayerNormalization()(x)))


def group_norm(layers: Any, x: Any) -> Any:
    """Group normalisation, transposed convolution."""
    x = layers.GroupNormalization(2)(layers.Conv2D(4, 3, strides=2, activation="selu")(x))
    return layers.Flatten()(layers.Conv2DTranspose(5, 3, strides=2, activation="tanh")(x))


def attention(layers: Any, x: Any) -> Any:
    """Pixels as a sequence, self-attention."""
    x = layers.Reshape((16, 6))(layers.Conv2D(6, 2, strides=2)(x))
    return layers.GlobalAveragePooling1D()(layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)]))


def encoder_decoder(layers: Any, x: Any) -> Any:
    """Down, up and a skip, as in a U-net."""
    down = layers.MaxPooling2D(2)(layers.Conv2D(5, 3, padding="same", activation="relu")(x))
    up = layers.UpSampling2D(2)(layers.Conv2D(5, 3, padding="same", activation="softplus")(down))
    joined = layers.Concatenate()([x, up])
    return layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="leaky_relu")(joined))


def grouped(layers: Any, x: Any) -> Any:
    """Grouped and dilated convolutions."""
    x = layers.Conv2D(6, 3, groups=2, activation="mish")(x)
    return layers.Flatten()(layers.AveragePooling2D(2)(layers.Conv2D(4, 2, dilation_rate=2, activation="relu")(x)))


def spectra(layers: Any, x: Any) -> Any:
    """Dense layers on pixels, and bands that multiply each other."""
    x = layers.Dense(6, activation="tanh")(x)
    return layers.Flatten()(layers.Multiply()([x, layers.Dense(6, activation="softsign")(x)]))


def recurrent(layers: Any, x: Any) -> Any:
    """Rows as steps: layers that remember."""
    x = layers.Reshape((8, 32))(x)
    return layers.Concatenate()([layers.LSTM(3)(x), layers.GRU(3, go_backwards=True)(x)])


ARCHITECTURES: dict[str, Callable[[Any, Any], Any]] = {
    function.__name__: function
    for function in (
        *(plain, batch_norm, residual, inception, mobile, squeeze_excite),
        *(layer_norm, group_norm, attention, encoder_decoder, grouped, spectra, recurrent),
    )
}


# what remembers many steps
SERIES: dict[str, tuple[tuple[int, ...], Callable[[Any, Any], Any]]] = {
    "lstm": ((24, 10), lambda layers, x: layers.LSTM(16)(x)),
    "gru": ((8, 10), lambda layers, x: layers.GRU(16)(x)),
    "conv_lstm": (
        (4, 5, 5, 3),
        lambda layers, x: layers.GlobalAveragePooling2D()(layers.ConvLSTM2D(4, 3, padding="same")(x)),
    ),
}


def build(name: str) -> Any:
    """A network, with weights from NumPy's random numbers."""
    import keras

    shape, function = SERIES[name] if name in SERIES else (SHAPE, ARCHITECTURES[name])
    inputs = keras.Input(shape)
    x = function(keras.layers, inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x), name=name)
    random = np.random.default_rng(len(name))
    weights = []
    for weight in model.weights:
        kind, shape = weight.path.rsplit("/", 1)[-1], tuple(weight.shape)
        if kind in ("moving_variance", "gamma"):
            weights.append(random.uniform(0.5, 1.5, shape))
        else:
            spread = 0.3 if len(shape) == 1 else 1 / np.sqrt(np.prod(shape[:-1]))
            weights.append(random.normal(0, spread, shape))
    model.set_weights(weights)
    return model


def series(name: str) -> dict[str, np.ndarray]:
    """What DeepSHAP gives for each of a few series, in float64: of one, float32 is 3e-4 off that on any backend."""
    import keras

    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # which no longer follows, once a layer was made
    try:
        model, random = build(name), np.random.default_rng(1)
        x, background = random.normal(size=(2, 6, *SERIES[name][0]))
        return {name: bl.band_importance(model, x, background=background, target="all").scores}
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def tables(name: str) -> dict[str, np.ndarray]:
    """The class x band table of every method, as arrays of importance and effect."""
    # where an image nearly has the value of a background image, either backend is 2e-5 off its own float64: not here
    model, random = build(name), np.random.default_rng(1)
    x, background = random.normal(size=(6, *SHAPE)), random.normal(size=(5, *SHAPE))
    found = {}
    for method in METHODS:
        # accuracy on a few images may not fall at all; 50 steps miss what ReLUs add up to by 6 % on one of these images
        others = {
            "permutation": {"metric": "log_loss"},
            "sage": {"metric": "log_loss"},
            "integrated_gradients": {"n_steps": 200},
            # what a box hands to bands depends on where a recurrent layer adds its bias, which is not the same
            "lrp": {"first": "same"},
        }
        options = others.get(method, {})
        table = bl.band_importance(model, x, np.arange(6) % 3, background=background, method=method, **options).table
        found[f"{name}/{method}"] = np.stack([table.importance, table.effect])
    return found


if __name__ == "__main__":
    names, found = (SERIES, series) if sys.argv[2:] == ["series"] else (ARCHITECTURES, tables)
    np.savez(sys.argv[1], **{key: table for name in names for key, table in found(name).items()})
