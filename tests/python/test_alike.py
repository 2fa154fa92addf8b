"""Models of the same operations share what was compiled, and nothing else; weights are read at each call."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.models import following, patterns

pytestmark = pytest.mark.tensorflow

BANDS = 4
METHODS = ("deepshap", "saliency", "integrated_gradients")


class Known:
    """What was compiled for any model, and which were traced."""

    def clear(self) -> None:
        """Let a model be the first one."""
        from bandlens.engine.backends.tensorflow import shared

        shared._LATEST.clear()
        patterns._LATEST.clear()


@pytest.fixture
def nothing_compiled() -> Known:
    """Nothing is known when a test begins."""
    known = Known()
    known.clear()
    return known


def collect() -> None:
    """TensorFlow's graphs take themselves apart when they are found to be garbage, one by one."""
    for _ in range(3):
        gc.collect()


def scores(model: Any, method: str = "deepshap") -> np.ndarray:
    images, background = np.random.default_rng(0).normal(size=(2, 3, 8, 8, BANDS)).astype("float32")
    given = {"background": background} if bl.METHODS[method].uses_background else {}
    return bl.band_importance(model, images, target="all", method=method, **given).scores


def network(keras: Any, seed: int, filters: int = 6, scale: float = 2.0) -> Any:
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((8, 8, BANDS)), layers.Rescaling(scale), layers.Conv2D(filters, 3, padding="same"),
        layers.BatchNormalization(), layers.Activation("relu"), layers.GlobalAveragePooling2D(), layers.Dense(3),
    ])  # fmt: skip
    random = np.random.default_rng(seed)
    model.set_weights(
        [random.uniform(0.2, 1, weight.shape) - 0.5 * (weight.ndim > 1) for weight in model.get_weights()]
    )
    return model


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the functions that were written since then; that of a model that is traced is "call"."""
    import tensorflow as tf

    found: list[str] = []
    wrap = tf.compat.v1.wrap_function

    def noting(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        found.append(function.__name__)
        return wrap(function, *arguments, **options)

    monkeypatch.setattr(tf.compat.v1, "wrap_function", noting)
    return found


@pytest.mark.parametrize("method", METHODS)
def test_a_second_model_costs_its_weights(keras: Any, method: str, nothing_compiled: Known, written: list[str]) -> None:
    """It is neither traced, nor is a step written; so it is for a third, when the others are gone or trained."""
    models = [network(keras, seed) for seed in (1, 2, 3)]
    one = scores(models[0], method)
    steps = written.count("step")
    assert written.count("call") == 1
    assert steps
    written.clear()
    other = scores(models[1], method)
    models[1].set_weights(models[0].get_weights())
    np.testing.assert_array_equal(scores(models[1], method), one)
    # and the first is still itself
    np.testing.assert_array_equal(scores(models[0], method), one)
    last = models.pop()
    models.clear()
    collect()
    third = scores(last, method)
    assert not written
    for seed, found in ((2, other), (3, third)):
        nothing_compiled.clear()
        np.testing.assert_array_equal(scores(network(keras, seed), method), found)
        assert written.count("call") == 1
        assert written.count("step") == steps
        written.clear()
    assert np.abs(one - other).max() > 0.01


def test_a_model_whose_trace_another_uses_leaves_no_weights(keras: Any, nothing_compiled: Known) -> None:
    first, second = network(keras, 1), network(keras, 2)
    scores(first)
    found = scores(second)
    weights = [weakref.ref(variable.value.handle) for variable in first.weights]
    del first
    collect()
    assert not any(weight() is not None for weight in weights)
    np.testing.assert_array_equal(scores(second), found)


def test_a_model_that_changes_while_it_is_traced_is_no_pattern(keras: Any, nothing_compiled: Known) -> None:
    """As one that another thread trains: what was traced is not what it was."""
    first, second = network(keras, 1), network(keras, 1)
    trace = following._new_trace

    def changed(*arguments: Any) -> Any:
        first.layers[0].scale = -3.0
        return trace(*arguments)

    following._new_trace = changed  # not by monkeypatch, for tests with which nothing is shared
    try:
        other = scores(first)
    finally:
        following._new_trace = trace
    assert not patterns._LATEST
    assert np.abs(scores(second) - other).max() > 0.01


def test_layers_are_called_by_the_names_that_each_model_gives_them(keras: Any, nothing_compiled: Known) -> None:
    def named(word: str) -> Any:
        layers = keras.layers
        inner = keras.Sequential([keras.Input((8, 8, 5)), layers.Conv2D(4, 3, name=f"{word}_inner")], name=word)
        hidden = [layers.Conv2D(5, 3, padding="same", name=f"{word}_first"), inner, layers.Flatten(name=f"{word}_row")]
        return keras.Sequential([keras.Input((8, 8, BANDS)), *hidden, layers.Dense(3, name=f"{word}_last")])

    models = [named(word) for word in ("spring", "autumn")]
    layers = []
    for model in models:
        scores(model)
        (trace,) = following.MEMORIES[model].traces
        layers.append([operation.layer for operation in trace.graph(trace.logit).operations])
    assert len(patterns._LATEST) == 1
    assert {"spring_first", "spring_inner", "spring_last"} <= set(layers[0])
    assert layers[1] == [name.replace("spring", "autumn") for name in layers[0]]


def wide(keras: Any, **options: Any) -> Any:
    """A network of which one thing at a time is another."""
    layers = keras.layers
    given = {"activation": "relu", "padding": "same", "use_bias": True, "dtype": "float32"} | options
    names, twice, outputs = given.pop("names", ("a", "b")), given.pop("twice", False), given.pop("outputs", 1)
    inputs = keras.Input((8, 8, BANDS))
    ways = [layers.Conv2D(4, 3, **given) for _ in range(2)]
    x = ways[0](inputs)
    x = layers.Add()([x, ways[0 if twice else 1](inputs)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, [layers.Dense(3, name=name)(x) for name in names[:outputs]])


@pytest.mark.parametrize(
    "other",
    [
        {"activation": "tanh"}, {"padding": "valid"}, {"use_bias": False}, {"dtype": "float64"}, {"twice": True},
        {"outputs": 2, "names": ("c", "d")},
    ],
    ids=str,
)  # fmt: skip
def test_models_that_differ_in_more_than_weights_are_traced(
    keras: Any, nothing_compiled: Known, written: list[str], other: dict[str, Any]
) -> None:
    head = {"head": 0} if "outputs" in other else {}
    first = wide(keras, **({"outputs": 2} if head else {}))
    x = np.random.default_rng(0).normal(size=(3, 8, 8, BANDS))
    bl.band_importance(first, x, method="saliency", **head)
    written.clear()
    second = wide(keras, **other)
    found = bl.band_importance(second, x, method="saliency", **head)
    assert written.count("call") == 1
    assert found.head == ("c" if head else None)


@pytest.mark.parametrize("other", [{"filters": 5}, {"scale": -1.0}])
def test_models_of_other_operations_share_nothing(keras: Any, nothing_compiled: Any, other: dict[str, Any]) -> None:
    scores(network(keras, 1))
    found = scores(network(keras, 2, **other))
    nothing_compiled.clear()
    np.testing.assert_array_equal(found, scores(network(keras, 2, **other)))


def test_lengths_of_weights_tell_models_apart(keras: Any) -> None:
    """The operations are the same, to their last attribute."""
    layers = keras.layers

    def dense(units: int) -> Any:
        inner = layers.Dense(units, activation="relu", kernel_initializer="ones")
        hidden = [keras.Input((8, 8, BANDS)), layers.GlobalAveragePooling2D(), inner]
        return keras.Sequential([*hidden, layers.Dense(3, kernel_initializer="ones")])

    few, many = (scores(dense(units)) for units in (2, 6))
    np.testing.assert_allclose(many, 3 * few, atol=1e-5)


def test_normalisations_of_another_kind_are_other_steps(keras: Any, nothing_compiled: Any) -> None:
    """Whether constants matter is found out by trying, with the weights as they are."""

    def normalising(epsilon: float) -> Any:
        class Centred(keras.layers.Layer):
            def build(self, shape: Any) -> None:
                self.share = self.add_weight(shape=(), initializer=keras.initializers.Constant(epsilon))

            def call(self, x: Any) -> Any:
                mean = keras.ops.mean(x, -1, keepdims=True)
                spread = keras.ops.mean((x - mean) ** 2, -1, keepdims=True)
                return (x - self.share * mean) / keras.ops.sqrt(spread + 1e-3)

        layers = keras.layers
        model = keras.Sequential([
            keras.Input((8, 8, BANDS)), layers.Dense(6), Centred(), layers.GlobalAveragePooling2D(), layers.Dense(3),
        ])  # fmt: skip
        random = np.random.default_rng(3)
        for layer in model.layers:
            if isinstance(layer, layers.Dense):
                layer.set_weights([random.normal(size=weight.shape) for weight in layer.get_weights()])
        return model

    found = [scores(normalising(share)) for share in (1.0, 0.5)]
    for share, together in zip((1.0, 0.5), found, strict=True):
        nothing_compiled.clear()
        np.testing.assert_array_equal(together, scores(normalising(share)))
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_numbers_that_a_layer_holds_are_its_models(keras: Any, nothing_compiled: Any, written: list[str]) -> None:
    """They are no variables, but arguments of steps as these are."""
    layers = keras.layers

    def normalizing(mean: float) -> Any:
        found = [layers.Normalization(mean=[mean] * BANDS, variance=[4.0] * BANDS), layers.Activation("gelu")]
        dense = layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(seed=1))
        return keras.Sequential([keras.Input((8, 8, BANDS)), *found, layers.GlobalAveragePooling2D(), dense])

    first = scores(normalizing(0.0))
    written.clear()
    second = scores(normalizing(3.0))
    assert written == ["call"]  # of the model, whose numbers are part of what was traced
    nothing_compiled.clear()
    np.testing.assert_array_equal(second, scores(normalizing(3.0)))
    assert np.abs(first - second).max() > 0.01


def test_what_steps_read_themselves_is_not_shared(keras: Any, nothing_compiled: Any) -> None:
    """Whole numbers among the weights are no arguments, so that steps belong to their model."""
    import tensorflow as tf

    def picking(band: int) -> Any:
        place = tf.Variable([band])
        return lambda x: tf.gather(tf.reduce_mean(x, (1, 2)) ** 3, tf.tile(place, [2]), axis=1)

    for band in (0, 3):
        share = np.abs(scores(picking(band), "saliency")).mean(axis=(0, 1))
        assert (share > 0).tolist() == [position == band for position in range(BANDS)]


@pytest.mark.parametrize("method", bl.METHODS)
def test_what_is_kept_keeps_no_weights(keras: Any, method: str, nothing_compiled: Any) -> None:
    model = network(keras, 1)
    scores(model, method)
    weights = [weakref.ref(variable.value.handle) for variable in model.weights]
    assert nothing_compiled
    del model
    collect()
    assert [weight() for weight in weights] == [None] * len(weights)


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_those_of_each_call(keras: Any, method: str) -> None:
    model, other = network(keras, 1), network(keras, 2)
    before = scores(model, method)
    model.set_weights(other.get_weights())
    np.testing.assert_array_equal(scores(model, method), scores(other, method))
    for variable in model.weights:
        variable.assign(variable * 0)
    assert np.abs(scores(model, method)).max() == 0 < np.abs(before).max()


def test_weights_inside_of_functions_and_loops_are_found(keras: Any) -> None:
    """Parts of the trace can't be cut out of functions that it calls, and are written then."""
    import tensorflow as tf

    class Nested(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(BANDS, 3), initializer="glorot_uniform")

        def call(self, x: Any) -> Any:
            return tf.nn.relu(tf.function(lambda x: x @ (2 * self.kernel))(x))

    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, BANDS)), layers.GlobalAveragePooling2D(), Nested()])
    kernel = np.random.default_rng(0).normal(size=(BANDS, 3)).astype("float32")
    model.set_weights([kernel])
    images = np.random.default_rng(0).normal(size=(2, 3, 8, 8, BANDS)).astype("float32")[0]
    means = images.mean(axis=(1, 2))
    expected = np.where(means @ kernel > 0, 1, 0)[:, :, None] * np.abs(2 * kernel.T)
    found = scores(model, "saliency")
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), atol=1e-5)


def test_side_effects_are_no_part_of_weights(keras: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """Order among side effects, which TensorFlow keeps while a model runs, makes none of them part of a weight."""
    import tensorflow as tf

    kernel = tf.Variable(np.random.default_rng(0).normal(size=(BANDS, 3)).astype("float32"))
    before = kernel.numpy()

    def model(x: Any) -> Any:
        tf.print("called")
        kernel.assign_add(tf.ones((BANDS, 3)))
        return tf.reduce_mean(x, (1, 2)) @ (3 * kernel)

    found = scores(model, "saliency")
    expected = np.abs(before.T)
    np.testing.assert_allclose(found[0] / found.max(), expected / expected.max(), rtol=1e-5)
    np.testing.assert_array_equal(kernel.numpy(), before)
    assert "called" not in capfd.readouterr().err


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_a_function_that_makes_new_weights_in_each_call_is_refused(keras: Any) -> None:
    def model(x: Any) -> Any:
        return keras.layers.Dense(3)(keras.ops.mean(x, (1, 2)))

    with pytest.raises(bl.errors.ModelError, match="other scores when it is asked about the same images again"):
        scores(model, "saliency")


def test_half_precision_weights_are_widened(keras: Any) -> None:
    """A part of the trace would be computed in half precision; DeepSHAP's table of it is not complete."""
    layers, policy = keras.layers, keras.mixed_precision.DTypePolicy("mixed_float16")
    model = keras.Sequential([
        keras.Input((8, 8, BANDS)), layers.Conv2D(6, 3, dtype=policy), layers.BatchNormalization(dtype=policy),
        layers.Activation("relu", dtype=policy), layers.GlobalAveragePooling2D(dtype=policy), layers.Dense(3),
    ])  # fmt: skip
    images, background = np.random.default_rng(0).normal(size=(2, 3, 8, 8, BANDS)).astype("float32")
    result = bl.band_importance(model, images, target="all", background=background)
    assert result.completeness is not None
    assert result.completeness < 1e-5
