"""Formulas are compiled while the graph around them is written: the same numbers, whether or not that succeeds."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest

X, BACKGROUND = np.random.default_rng(9).normal(size=(2, 4, 8, 8, 3)).astype("float32")

pytestmark = pytest.mark.tensorflow


def network(keras: Any, activation: str = "relu") -> Any:
    """Two convolutions of other shapes, each with a kink behind it."""
    layers = keras.layers
    inputs = keras.Input(X.shape[1:])
    x = layers.Conv2D(4, 3, activation=activation)(inputs)
    x = layers.Conv2D(5, 3, activation=activation)(x)
    x = layers.Conv2D(5, 1, activation=activation)(x)
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


def scores(model: Any, **options: Any) -> np.ndarray:
    found: np.ndarray = bl.band_importance(model, X, background=BACKGROUND, target="all", **options).scores
    return found


@pytest.mark.parametrize("options", [{}, {"background_per_image": 2}], ids=["all", "drawn"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_each_formula_is_begun_once_for_each_of_its_shapes(
    keras: Any, monkeypatch: pytest.MonkeyPatch, activation: str, options: dict[str, Any]
) -> None:
    from bandlens.engine.backends.tensorflow import fusing

    asked: list[Any] = []
    run_on_zeros = fusing._run_on_zeros

    def noted(concrete: Any) -> None:
        asked.append(tuple(tuple(tensor.shape) for tensor in concrete.inputs))
        run_on_zeros(concrete)

    def wait(begun: fusing.Begun) -> None:
        for future in begun._futures:
            future.result()

    monkeypatch.setattr(fusing, "_COMPILED", set())
    monkeypatch.setattr(fusing, "_run_on_zeros", noted)
    monkeypatch.setattr(fusing.Begun, "end", wait)
    model = network(keras, activation)
    before = scores(model, **options)
    # two shapes for three kinks, which are as they were announced: the last two convolutions are of one
    assert len(asked) == len(set(asked)) == 2
    np.testing.assert_array_equal(scores(model, **options), before)
    # another model of the same shapes needs nothing anew
    scores(network(keras, activation), **options)
    assert len(asked) == 2


def test_what_has_few_elements_is_not_compiled(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bandlens.engine.backends.tensorflow import fusing

    begun: list[tuple[int, ...]] = []
    begin = fusing.Begun.begin

    def noted(self: fusing.Begun, concrete: Any) -> None:
        begun.append(max(tuple(tensor.shape) for tensor in concrete.inputs))
        begin(self, concrete)

    monkeypatch.setattr(fusing.Begun, "begin", noted)
    wanted = scores(network(keras))
    convolutions = [(2, 4, 4, 144), (2, 4, 4, 80), (2, 4, 4, 80)]
    assert sorted(begun, reverse=True) == convolutions
    for few in (2 * 4 * 4 * 80, 2 * 4 * 4 * 144):
        begun.clear()
        monkeypatch.setattr(fusing, "FEW", few)
        keras.utils.set_random_seed(7)
        np.testing.assert_allclose(scores(network(keras)), wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
        assert begun == [shape for shape in convolutions if np.prod(shape) > few]
    # of one shape there are two
    begun.clear()
    monkeypatch.setattr(fusing, "OFTEN", 2)
    keras.utils.set_random_seed(7)
    np.testing.assert_allclose(scores(network(keras)), wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
    assert begun == [shape for shape in convolutions if shape[-1] == 80]


def test_what_is_compiled_for_a_step_depends_on_no_other(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the last digits of a table would depend on what was asked before."""
    from bandlens.engine.backends.tensorflow import fusing

    begun: list[Any] = []
    monkeypatch.setattr(fusing.Begun, "begin", lambda self, concrete: begun.append(concrete))
    monkeypatch.setattr(fusing, "FEW", 2**17)
    for often, compiled in ((3, 0), (2, 4)):
        monkeypatch.setattr(fusing, "OFTEN", often)
        model = network(keras)
        for maps in (False, True):  # two steps of the same formulas, of which two are of one shape
            explain = bl.band_maps if maps else bl.band_importance
            explain(model, X, background=BACKGROUND, target="all")
        assert len(begun) == compiled


@pytest.mark.parametrize("target", [1, "all"])
def test_what_is_announced_is_what_is_asked_for(keras: Any, monkeypatch: pytest.MonkeyPatch, target: Any) -> None:
    """Runs with a constant, maxima over windows that overlap and runs up to these, and not runs up to blocks."""
    from bandlens.engine.backends.tensorflow import fusing

    layers = keras.layers
    x = inputs = keras.Input(X.shape[1:])
    for pooling in (layers.MaxPooling2D(2, 1), layers.MaxPooling2D(2)):
        x = layers.BatchNormalization()(layers.Conv2D(4, 2, use_bias=False)(x))
        x = pooling(layers.ReLU()(x))
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(layers.Dense(5, activation="gelu")(x))))
    announced: list[Any] = []
    asked: list[Any] = []
    announce, begin = fusing.Begun.announce, fusing.Begun.begin

    def noted(begun: fusing.Begun, formula: fusing.Formula, signature: Any) -> None:
        announced.append(formula.of(signature))
        announce(begun, formula, signature)

    def begun(begun: fusing.Begun, concrete: Any) -> None:
        asked.append(concrete)
        begin(begun, concrete)

    monkeypatch.setattr(fusing.Begun, "announce", noted)
    monkeypatch.setattr(fusing.Begun, "begin", begun)
    bl.band_importance(model, X, background=BACKGROUND, target=target)
    assert len(set(announced)) == 3
    assert set(announced) <= set(asked)


@pytest.mark.parametrize(
    ("options", "early"),
    [
        ({}, True),
        ({"target": "all"}, True),
        ({"statistic": "pixel_mean_abs"}, True),
        ({"background_per_image": 2}, True),
        ({"task": "regression"}, True),
        ({"max_seconds": 0.1}, False),
        ({"task": "multilabel"}, False),
    ],
    ids=str,
)
def test_what_is_certain_is_announced_before_the_model_is_asked_for_outputs(
    keras: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], early: bool
) -> None:
    """The step that is written then is the only one."""
    from bandlens.engine.backends import tensorflow
    from bandlens.models.predictor import Predictor

    said: list[Any] = []
    announce, units = tensorflow.announce, Predictor.units_at_once

    def announced(trace: Any, function: Any, shapes: Any, **static: Any) -> None:
        said.append("formulas")
        announce(trace, function, shapes, **static)

    def asked(predictor: Any, batch: Any) -> Any:
        said.append("outputs")
        return units(predictor, batch)

    monkeypatch.setattr(tensorflow, "announce", announced)
    monkeypatch.setattr(Predictor, "units_at_once", asked)
    found = bl.band_importance(network(keras), X, background=BACKGROUND, **options)
    assert found.scores.any()
    assert said.index("formulas") < said.index("outputs") if early else said[0] == "outputs"
    assert said.count("formulas") == 3  # one for each run, each once


def test_runs_without_a_constant_share_what_is_compiled_for_those_with_one(
    keras: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bandlens.engine.backends.tensorflow import fusing

    asked: list[Any] = []
    begin = fusing.Begun.begin

    def noted(begun: fusing.Begun, concrete: Any) -> None:
        asked.append(concrete)
        begin(begun, concrete)

    monkeypatch.setattr(fusing.Begun, "begin", noted)
    layers = keras.layers
    inputs = keras.Input(X.shape[1:])
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(3, 1)(inputs)))
    x = layers.ReLU()(layers.Add()([inputs, layers.Conv2D(3, 1)(x)]))
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    found = bl.band_importance(model, X, background=BACKGROUND)
    assert len(asked) == 2
    assert len(set(asked)) == 1
    assert found.residuals is not None
    assert np.abs(found.residuals).max() < 1e-4


def test_what_can_not_be_compiled_ahead_is_compiled_when_it_is_needed(
    keras: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bandlens.engine.backends.tensorflow import fusing

    wanted = scores(network(keras))

    def fail(concrete: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(fusing, "_COMPILED", set())
    monkeypatch.setattr(fusing, "_run_on_zeros", fail)
    keras.utils.set_random_seed(7)
    np.testing.assert_array_equal(scores(network(keras)), wanted)


def test_a_graph_is_rewritten_as_little_as_it_needs_unless_a_user_wants_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow import running
    from tensorflow.python.eager import context

    def rewriting() -> tuple[int, bool]:
        options = context.context().function_call_options.as_attrs()["config_proto"]
        found = tf.compat.v1.ConfigProto.FromString(options).graph_options.rewrite_options
        return found.meta_optimizer_iterations, found.disable_meta_optimizer

    before = rewriting()
    for gpus in ([], ["a GPU"]):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind, gpus=gpus: gpus)
        for least in (True, False):
            with running.rewritten(least=least):
                assert rewriting() == (1, least and not gpus)
            assert rewriting() == before
    options = context.context().function_call_options
    config = tf.compat.v1.ConfigProto.FromString(options.as_attrs()["config_proto"])
    config.graph_options.rewrite_options.meta_optimizer_iterations = 2
    context.context().function_call_options = context.FunctionCallOptions(options.executor_type, config)
    try:
        with running.rewritten(least=True):
            assert rewriting() == (2, False)
    finally:
        context.context().function_call_options = options


def test_normalisations_share_a_formula_whatever_their_epsilons(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bandlens.engine.backends import tensorflow as backend
    from bandlens.engine.deepshap import variances

    made: list[Any] = []
    fused = backend.fused

    def noted(function: Any, /, **static: Any) -> Any:
        if function is variances.share_by_root:
            made.append(fused(function, **static))
        return fused(function, **static)

    monkeypatch.setattr(backend, "fused", noted)
    layers = keras.layers
    x = inputs = keras.Input(X.shape[1:])
    for epsilon in (1e-3, 2e-3):
        x = layers.LayerNormalization(epsilon=epsilon)(layers.Conv2D(4, 1)(x))
    result = bl.band_importance(keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x))), X, background=BACKGROUND)
    assert len(made) == 2
    assert made[0] is made[1]
    assert result.completeness < 1e-4
