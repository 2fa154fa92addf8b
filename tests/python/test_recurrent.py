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


@pytest.mark.filterwarnings("ignore::bandlens.errors.CompletenessWarning")
@pytest.mark.skipif(BACKEND != "tensorflow", reason="others have their steps written out for all methods")
@pytest.mark.parametrize(
    ("name", "output", "options"),
    [
        ("LSTM", "logit", {"method": "smoothgrad", "n_samples": 4}),
        ("GRU", "probability", {"method": "saliency"}),
        ("both directions", "logit", {"method": "integrated_gradients", "n_steps": 4, "baseline": "zero"}),
    ],
)
def test_gradients_through_a_loop_are_those_of_its_steps(
    keras: Any, monkeypatch: pytest.MonkeyPatch, name: str, output: str, options: dict[str, Any]
) -> None:
    from bandlens.engine.backends.tensorflow.looping import Looping

    asked: list[Any] = []
    value = Looping.value
    monkeypatch.setattr(Looping, "value", lambda *given: asked.append(found := value(*given)) or found)
    layers = keras.layers
    hidden = LAYERS[name](layers)
    model = keras.Sequential(
        [keras.Input((STEPS, BANDS)), layers.Masking(-9.0), hidden, layers.Dense(3, activation="softmax")]
    )
    x = X.copy()
    x[2, 3:] = -9.0  # masked

    def scores(most: int) -> np.ndarray:
        monkeypatch.setattr("bandlens.methods.gradients.MOST_BY_LOOPS", most)
        return bl.band_importance(model, x, target="all", output=output, time_axis=1, **options).scores

    by_loops = scores(10_000)
    assert asked
    assert all(one is not None for one in asked)
    asked.clear()
    written_out = scores(0)
    assert not asked
    np.testing.assert_allclose(by_loops, written_out, rtol=0, atol=2e-6 * np.abs(written_out).max())


@pytest.mark.filterwarnings("ignore::bandlens.errors.CompletenessWarning")
def test_all_gradient_methods_share_one_model(keras: Any) -> None:
    model = network(keras, LAYERS["LSTM"](keras.layers))
    for method in ("saliency", "integrated_gradients", "expected_gradients"):
        fresh = keras.models.clone_model(model)
        fresh.set_weights(model.get_weights())
        found, expected = (bl.band_importance(one, X, method=method, seed=1).scores for one in (model, fresh))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.tensorflow
def test_loops_within_loops_have_as_many_derivatives_as_are_asked_for(keras: Any) -> None:
    import tensorflow as tf

    class Powers(keras.layers.Layer):  # type: ignore[misc]
        """x^6, by a loop of two steps in a loop of three; the number of steps is not known before."""

        def call(self, x: Any) -> Any:
            steps = tf.shape(x)[0] * 0 + 3

            def outer(i: Any, power: Any) -> Any:
                squared = tf.while_loop(lambda j, _: j < steps - 1, lambda j, p: (j + 1, p * x), (0, power))[1]
                return i + 1, squared

            return tf.while_loop(lambda i, _: i < steps, outer, (0, tf.ones_like(x)))[1]

    inputs = keras.Input((2, BANDS))
    outputs = keras.layers.Lambda(lambda x: tf.reduce_sum(x, axis=[1, 2])[:, None])(Powers()(inputs))
    model = keras.Model(inputs, outputs)
    x = np.random.default_rng(0).uniform(0.5, 1.5, size=(3, 2, BANDS)).astype(np.float32)
    settings: dict[str, Any] = {"task": "regression"}
    for _ in range(2):
        slopes = bl.band_importance(model, x, method="gradient_x_input", **settings).scores
        np.testing.assert_allclose(slopes[..., :], (6 * x**6).sum(axis=1).reshape(slopes.shape), rtol=1e-4)
        found = bl.band_importance(model, x, method="integrated_gradients", baseline="zero", **settings).scores
        np.testing.assert_allclose(found, (x**6).sum(axis=1).reshape(found.shape), rtol=1e-2)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="others have their steps written out for all methods")
def test_what_is_compiled_for_a_gradient_does_not_grow_with_the_steps(keras: Any) -> None:
    import tensorflow as tf
    from bandlens.data.images import check_images
    from bandlens.models.predictor import make_predictor

    def operations(steps: int) -> int:
        x = np.zeros((2, steps, BANDS), np.float32)
        predictor = make_predictor(network(keras, LAYERS["LSTM"](keras.layers), shape=x.shape[1:]), check_images(x))
        traced = tf.function(lambda x: predictor.trace.by_loops(predictor.output, x), autograph=False)
        return len(traced.get_concrete_function(tf.TensorSpec(x.shape)).graph.get_operations())

    assert operations(4) == operations(9) < 200


@pytest.mark.skipif(BACKEND != "tensorflow", reason="others have their steps written out for all methods")
def test_steps_are_written_out_where_they_are_computed_in_another_precision(keras: Any) -> None:
    from bandlens.data.images import check_images
    from bandlens.models.predictor import make_predictor

    plain = keras.Sequential([keras.Input((STEPS, BANDS)), keras.layers.Flatten(), keras.layers.Dense(2)])
    half = network(keras, keras.layers.LSTM(3, dtype="mixed_float16"))
    for model in (plain, half):
        predictor = make_predictor(model, check_images(X))
        assert predictor.trace.by_loops(predictor.output, None) is None
    assert np.isfinite(bl.band_importance(half, X, method="saliency").scores).all()


# ---- Models of time series -------------------------------------------------------------------------------------------


def temporal_cnn(layers: Any, x: Any) -> Any:
    for _ in range(2):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv1D(4, 3, padding="same")(x)))
    return layers.Flatten()(x)


def transformer(layers: Any, x: Any) -> Any:
    x = layers.Dense(6)(x)
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)]))
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(6)(layers.Dense(8, activation="gelu")(x))]))
    return layers.GlobalAveragePooling1D()(x)


def of_patches(layers: Any, x: Any) -> Any:
    x = layers.TimeDistributed(layers.Conv2D(3, 3, activation="relu"))(x)
    return layers.LSTM(3)(layers.TimeDistributed(layers.GlobalMaxPooling2D())(x))


OVER_TIME: dict[str, tuple[tuple[int, ...], Callable[[Any, Any], Any], float]] = {
    "TempCNN": ((8, 4), temporal_cnn, 1e-5),
    "transformer": ((6, 4), transformer, 1e-4),
    "patches": ((3, 5, 5, 2), of_patches, 1e-5),
}


@pytest.mark.parametrize("name", OVER_TIME)
def test_models_over_time_are_complete(keras: Any, settle: Callable[[Any], Any], name: str) -> None:
    shape, make, bound = OVER_TIME[name]
    series = keras.Input(shape)
    model = settle(keras.Model(series, keras.layers.Dense(3)(make(keras.layers, series))))
    x, background = np.random.default_rng(6).normal(size=(2, 4, *shape)).astype(np.float32)
    result = bl.band_importance(model, x, target="all", background=background)
    assert result.completeness is not None
    assert result.completeness < bound


def test_a_band_that_matters_at_one_step_is_found(keras: Any) -> None:
    """A memory that opens for one band, which is about nothing at all other steps."""
    layer = keras.layers.SimpleRNN(2, name="memory")
    model = network(keras, layer)
    kernel = np.zeros((BANDS, 2), np.float32)
    kernel[2, 0] = kernel[1, 1] = 0.5
    model.set_weights([kernel, 0.9 * np.eye(2, dtype=np.float32), np.zeros(2), np.eye(2), np.zeros(2)])
    x, background = np.zeros_like(X), np.zeros_like(BACKGROUND)
    x[:, :, [0, 3]], background[:, :, [0, 3]] = (
        X[:, :, [0, 3]],
        BACKGROUND[:, :, [0, 3]],
    )  # bands that nothing is made of
    x[:, 3, 2], x[:, 1, 1] = X[:, 3, 2], 3 * X[:, 1, 1]
    found = explained(model, x, background).scores
    np.testing.assert_allclose(found[..., [0, 3]], 0, atol=1e-7)
    assert (np.abs(found[:, 0, 2]) > 1e-3).all()
    assert (np.abs(found[:, 1, 1]) > 1e-3).all()
    np.testing.assert_allclose([found[:, 0, 1], found[:, 1, 2]], 0, atol=1e-7)
