"""Completeness on random architectures drawn from the layer matrix: what no list of cases would think of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from conftest import double_precision
from test_layer_matrix import ACTIVATIONS, IMAGE, activation

# some architectures have outputs that don't vary: relative to their differences, any rounding is large
pytestmark = pytest.mark.filterwarnings("ignore::bandlens.errors.CompletenessWarning")

# these end the image (no rows and columns left), or are shapes that nothing after them takes
LAST = {
    "masked",
    "global average",
    "global max",
    "flatten",
    "repeat",
    "std",
    "gram",
    "einsum",
    "adaptive",
    "logsumexp",
    "index",
}
SEQUENCE = {name for name in IMAGE if "attention" in name or name.startswith(("multi-head", "grouped query"))} - {
    "multi-head 2d"
}
UNSAFE = {"dot", "dot normalized", "time distributed", "center crop", "permute", "stack", "pad reflect", "einsum dense"}
ANYWHERE = sorted(
    set(IMAGE) - LAST - SEQUENCE - UNSAFE - {"reshape", "take", "glu", "split", "normalization", "matmul"}
)


def random_model(keras: Any, seed: int) -> Any:
    """Three to six random layers on images, each followed by a projection to four channels, then a random end."""
    random = np.random.default_rng(seed)
    inputs = x = keras.Input((8, 8, 4))
    for _ in range(random.integers(3, 7)):
        if random.random() < 0.4:
            name = str(random.choice(ACTIVATIONS))
            x = activation(name)(keras, x)
            if name == "exponential":  # of values that others have scaled up, it would leave no precision to anything
                x = keras.layers.LayerNormalization()(x)
        else:
            x = IMAGE[str(random.choice(ANYWHERE))](keras, x)
        if x.shape[1] * x.shape[2] > 400:
            x = keras.layers.AveragePooling2D(2)(x)
        while min(x.shape[1], x.shape[2]) < 6:
            x = keras.layers.UpSampling2D(2)(x)
        if x.shape[-1] != 4 or random.random() < 0.5:
            x = keras.layers.Conv2D(4, 1)(x)
        if random.random() < 0.3:
            x = keras.layers.LayerNormalization()(x)
    end = str(random.choice(sorted(LAST - {"adaptive", "index", "repeat"} | SEQUENCE - {"multi-head masked"})))
    x = keras.layers.Flatten()(IMAGE[end](keras, x))
    if random.random() < 0.5:
        x = keras.layers.Dense(6, activation=str(random.choice(["relu", "gelu", "tanh", "softmax"])))(x)
    return keras.Model(inputs, keras.layers.Dense(3)(x))


def complete(model: Any, seed: int, tolerance: float, rounding: float) -> bool:
    """Whether scores sum to the differences of outputs, to a part of the largest of them and of the outputs."""
    random = np.random.default_rng(seed)
    images, background = random.normal(size=(3, 8, 8, 4)), random.normal(size=(2, 8, 8, 4))
    result = bl.band_importance(model, images, background=background, target="all")
    difference = result.output_values - result.base_values
    assert np.isfinite(result.scores).all()
    error = np.abs(result.scores.sum(axis=-1) - difference).max()
    return bool(error <= tolerance * np.abs(difference).max() + rounding * np.abs(result.output_values).max())


def check(keras: Any, settle: Callable[[Any], Any], seed: int) -> None:
    keras.utils.set_random_seed(seed)
    model = settle(random_model(keras, seed))
    if not complete(model, seed, 1e-3, 1e-5):
        # float32 can't tell apart what some architectures hold; then float64 must
        weights, floatx, policy = model.get_weights(), keras.config.floatx(), keras.config.dtype_policy()
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        try:
            with double_precision():
                model = random_model(keras, seed)
                model.set_weights(weights)
                assert complete(model, seed, 1e-6, 1e-12)
        finally:
            keras.config.set_floatx(floatx)
            keras.config.set_dtype_policy(policy)


@pytest.mark.parametrize("seed", range(30))
def test_complete(keras: Any, settle: Callable[[Any], Any], seed: int) -> None:
    check(keras, settle, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 230))
def test_complete_on_many(keras: Any, settle: Callable[[Any], Any], seed: int) -> None:
    check(keras, settle, seed)
