"""Recurrent layers: loops with a known number of steps are explained as if they had been written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import UnsupportedOperationError
from conftest import BACKEND

STEPS, BANDS = 5, 4
RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(6, STEPS, BANDS)).astype(np.float32)
BACKGROUND = RANDOM.normal(size=(4, STEPS, BANDS)).astype(np.float32)

LAYERS: dict[str, Callable[..., Any]] = {
    "LSTM": lambda layers, **how: layers.LSTM(3, name="memory", **how),
    "GRU": lambda layers, **how: layers.GRU(3, name="memory", **how),
    "GRU of Keras 1": lambda layers, **how: layers.GRU(3, reset_after=False, name="memory", **how),
    "SimpleRNN": lambda layers, **how: layers.SimpleRNN(3, name="memory", **how),
    "backwards": lambda layers, **how: layers.SimpleRNN(3, go_backwards=True, name="memory", **how),
    "every step": lambda layers, **how: layers.GRU(3, return_sequences=True, name="memory", **how),
    "both directions": lambda layers, **how: layers.Bidirectional(layers.LSTM(2, **how), name="memory"),
}


def network(keras: Any, layer: Any, *before: Any, shape: tuple[int, ...] = (STEPS, BANDS)) -> Any:
    layers = keras.layers
    return keras.Sequential([keras.Input(shape), *before, layer, layers.Flatten(), layers.Dense(2)])


def explained(model: Any, x: np.ndarray = X, background: np.ndarray = BACKGROUND) -> bl.BandImportance:
    result = bl.band_importance(model, x, target="all", background=background)
    assert result.completeness is not None
    assert result.completeness < 1e-5
    return result


# PyTorch's are always written out, by Keras
@pytest.mark.not_torch
@pytest.mark.parametrize("name", LAYERS)
def test_a_loop_is_explained_as_its_steps_are(keras: Any, name: str) -> None:
    loop, steps = (network(keras, LAYERS[name](keras.layers, unroll=unroll)) for unroll in (False, True))
    steps.set_weights(loop.get_weights())
    found, expected = explained(loop), explained(steps)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=1e-5 * np.abs(expected.scores).max())


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_layers_that_remember_are_complete(keras: Any, name: str) -> None:
    explained(network(keras, LAYERS[name](keras.layers)))


def test_steps_that_are_masked_count_nothing(keras: Any) -> None:
    x, background = X.copy(), BACKGROUND.copy()
    x[:, 3:] = background[:, 3:] = 0
    masked = network(keras, keras.layers.LSTM(3, name="memory"), keras.layers.Masking())
    short = network(keras, keras.layers.LSTM(3, name="memory"), shape=(3, BANDS))
    short.set_weights(masked.get_weights())
    found, expected = explained(masked, x, background), explained(short, x[:, :3], background[:, :3])
    np.testing.assert_allclose(
        found.output_values - found.base_values, expected.output_values - expected.base_values, rtol=0, atol=1e-6
    )
    # the mask is made from the images: a region, shared out along a line, not by the rules of the layer's parts
    np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=0.1 * np.abs(expected.scores).max())


def test_images_in_time(keras: Any) -> None:
    random = np.random.default_rng(5)
    x, background = random.normal(size=(2, 4, 3, 5, 2)).astype(np.float32)
    layers = keras.layers
    model = network(keras, layers.ConvLSTM1D(2, 3, name="memory"), shape=x.shape[1:])
    explained(model, x, background)


def loop_that_depends_on_data(x: Any) -> Any:
    """Doubles the mean of each band until the batch's first number is large: how often is known to nobody."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        start = tf.reduce_mean(x, 1)
        return tf.while_loop(lambda value: tf.reduce_max(tf.abs(value)) < 9.0, lambda value: (2 * value,), (start,))[0]
    from jax import lax

    start = x.mean(1)
    return lax.while_loop(lambda value: abs(value).max() < 9.0, lambda value: 2 * value, start)


@pytest.mark.not_torch
def test_a_number_of_steps_that_depends_on_data_is_refused() -> None:
    with pytest.raises(UnsupportedOperationError, match=r"[Ww]hile"):
        bl.band_importance(loop_that_depends_on_data, X, background=BACKGROUND, target=0)


@pytest.mark.not_torch
def test_loops_that_would_become_too_large_are_refused_by_name(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "bandlens.engine.backends.{}.MOST_OPERATIONS"
    monkeypatch.setattr(module.format("tensorflow.flat" if BACKEND == "tensorflow" else "jax.loops"), 10)
    model = network(keras, LAYERS["LSTM"](keras.layers))
    with pytest.raises(UnsupportedOperationError, match=r"in layer 'memory'.*\n.*saliency"):
        bl.band_importance(model, X)
    # the method that the error names works
    assert np.isfinite(bl.band_importance(model, X, method="saliency").scores).all()
