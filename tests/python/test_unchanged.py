"""A model that is what it was is not traced anew, and whatever changes its operations is seen."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bandlens.models import following, unchanged

import bandlens as bl  # isort: skip

BANDS = 3


@pytest.fixture
def model(keras: Any) -> Any:
    """Made of Keras's own layers and operations, a model within."""
    layers = keras.layers
    within = [keras.Input((6, 6, 4)), layers.Conv2D(4, 3, name="deep"), layers.ReLU(name="kink")]
    inside = keras.Sequential(within, name="inside")
    inputs = x = keras.Input((8, 8, BANDS))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = inside(x)
    x = layers.Dropout(0.5)(layers.MaxPooling2D(2, name="pool")(x))
    x = keras.ops.mean(x, axis=(1, 2)) + keras.ops.max(x, axis=(1, 2))
    keras.utils.set_random_seed(0)
    model = keras.Model(inputs, layers.Dense(2, activation="sigmoid", name="last")(x))
    model.get_layer("norm").set_weights([np.full(4, value) for value in (1.5, 0.5, 0.1, 0.7)])
    return model


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 8, 8, BANDS)).astype("float32")


@pytest.fixture
def traced(watched: Callable[[Any, str], list[Any]]) -> list[Any]:
    """A trace for each time that a model was traced."""
    return watched(following, "_new_trace")


def scores(model: Any, pictures: np.ndarray) -> np.ndarray:
    return bl.band_importance(model, pictures, target="all", output="probability", method="gradient_x_input").scores


def test_a_model_that_is_what_it_was_is_traced_once(model: Any, pictures: np.ndarray, traced: list[Any]) -> None:
    first = scores(model, pictures)
    again = scores(model, pictures)
    bl.band_importance(model, pictures[:2])
    bl.band_importance(model, pictures, method="occlusion")
    assert len(traced) == 1
    np.testing.assert_array_equal(again, first)


def swap(model: Any, name: str, **attributes: Any) -> None:
    for attribute, value in attributes.items():
        setattr(model.get_layer(name), attribute, value)


def call_backwards(layer: Any) -> None:
    """Another `call` for one layer."""
    kept = layer.call
    layer.call = lambda inputs, **options: -kept(inputs, **options)


def of_class(kind: type, name: str, patch: pytest.MonkeyPatch) -> None:
    """Another method for all layers of a class."""
    kept = getattr(kind, name)
    patch.setattr(kind, name, lambda self, *inputs: -kept(self, *inputs))


def deeper(model: Any) -> None:
    """Another kink inside the model within."""
    model.get_layer("inside").get_layer("kink").negative_slope = 0.5


def replaced(keras: Any, model: Any) -> None:
    """A new variable in the place of another."""
    layer = model.get_layer("last")
    vars(layer)["_kernel"] = keras.Variable(np.ones(layer.kernel.shape, "float32"))  # as a built layer doesn't allow


def longer(keras: Any, model: Any) -> None:
    """The model within ends in one layer more."""
    model.get_layer("inside").add(keras.layers.Rescaling(2.0))


CHANGES: dict[str, Callable[[Any, Any, pytest.MonkeyPatch], Any]] = {
    "activation": lambda keras, model, patch: swap(model, "conv", activation=keras.activations.tanh),
    "number": lambda keras, model, patch: swap(model, "norm", epsilon=10.0),
    "flag": lambda keras, model, patch: swap(model, "norm", scale=False, center=False),
    "length": lambda keras, model, patch: swap(model, "pool", pool_size=(1, 1)),
    "user's function": lambda keras, model, patch: swap(model, "conv", activation=lambda x: x * x),
    "function with arguments": lambda keras, model, patch: swap(
        model, "conv", activation=functools.partial(keras.activations.relu, negative_slope=0.3)
    ),
    "within": lambda keras, model, patch: deeper(model),
    "longer": lambda keras, model, patch: longer(keras, model),
    "variable": lambda keras, model, patch: replaced(keras, model),
    "weights": lambda keras, model, patch: model.set_weights([w + 0.1 for w in model.get_weights()]),
    "call of a layer": lambda keras, model, patch: call_backwards(model.get_layer("pool")),
    "call of a model": lambda keras, model, patch: call_backwards(model.get_layer("inside")),
    "call of a class": lambda keras, model, patch: of_class(keras.layers.MaxPooling2D, "call", patch),
    "method of a class": lambda keras, model, patch: of_class(keras.layers.Conv2D, "convolution_op", patch),
    "method of its base": lambda keras, model, patch: of_class(keras.layers.Conv2D.__base__, "convolution_op", patch),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_a_model_is_seen(
    keras: Any, model: Any, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    before = scores(model, pictures)
    CHANGES[change](keras, model, monkeypatch)
    changed = scores(model, pictures)
    following.MEMORIES.pop(model)
    afresh = scores(model, pictures)
    assert np.abs(changed - before).max() > 1e-3 * np.abs(before).max()
    np.testing.assert_allclose(changed, afresh, rtol=1e-5, atol=1e-6)


def test_training_goes_on_between_calls(
    keras: Any, model: Any, pictures: np.ndarray, traced: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores(model, pictures)
    model.compile("adam", "mse")
    model.fit(pictures, np.zeros((6, 2)), epochs=3, verbose=0)
    trained = scores(model, pictures)
    following.MEMORIES.pop(model)
    np.testing.assert_allclose(scores(model, pictures), trained, rtol=1e-5, atol=1e-7)
    # TensorFlow's and PyTorch's traces are of the variables, JAX's of their numbers
    assert len(traced) == (3 if keras.backend.backend() == "jax" else 2)


@pytest.mark.torch
@pytest.mark.parametrize("layer", [None, "pool", "inside"])
def test_hooks_of_pytorch_are_seen(model: Any, pictures: np.ndarray, layer: str | None) -> None:
    before = bl.band_importance(model, pictures, method="saliency").scores
    hooked = model if layer is None else model.get_layer(layer)
    hooked.register_forward_hook(lambda module, inputs, output: output * 0.3)
    after = bl.band_importance(model, pictures, method="saliency").scores
    assert np.abs(after - before).max() > 1e-3 * np.abs(before).max()


@pytest.mark.torch
def test_what_holds_for_all_of_pytorch_is_seen(model: Any) -> None:
    import torch
    from bandlens.engine.backends import torch as backend

    state = unchanged.state_of(model, backend.settings())
    handle = torch.nn.modules.module.register_module_forward_hook(lambda module, inputs, output: None)
    try:
        assert state != unchanged.state_of(model, backend.settings())
    finally:
        handle.remove()
    with torch.autocast("cpu", torch.bfloat16):
        assert state != unchanged.state_of(model, backend.settings())
    assert state == unchanged.state_of(model, backend.settings())


def test_a_function_that_calls_itself_one_of_keras_is_none(keras: Any, model: Any) -> None:
    @functools.wraps(keras.activations.relu)
    def own(x: Any) -> Any:
        return x

    assert own.__module__.startswith("keras.src")
    model.get_layer("conv").activation = own
    assert unchanged.state_of(model) is None


def test_a_setting_of_keras_is_seen(keras: Any, model: Any) -> None:
    state, epsilon = unchanged.state_of(model), keras.config.epsilon()
    assert state == unchanged.state_of(model)
    assert state != unchanged.state_of(model, ["another setting of the framework"])
    keras.config.set_epsilon(0.1)
    try:
        assert state != unchanged.state_of(model)
    finally:
        keras.config.set_epsilon(epsilon)
    assert state == unchanged.state_of(model)


def own_layer(keras: Any) -> Any:
    class Own(keras.layers.Layer):  # type: ignore[name-defined, misc]
        factor = 1.0

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor

    return Own()


def own_model(keras: Any, **options: Any) -> Any:
    class Own(keras.Model):  # type: ignore[name-defined, misc]
        def call(self, inputs: Any) -> Any:
            return keras.ops.mean(inputs, axis=(1, 2))

    return Own(**options)


UNKNOWN: dict[str, Callable[[Any], Any]] = {
    "layer": own_layer,
    "function": lambda keras: keras.layers.Lambda(lambda x: x * 2),
    "activation": lambda keras: keras.layers.Dense(2, activation=lambda x: x * 2),
    "model": own_model,
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_a_user_wrote_is_traced_each_time(keras: Any, pictures: np.ndarray, traced: list[Any], kind: str) -> None:
    model = keras.Sequential([
        keras.Input((8, 8, BANDS)),
        UNKNOWN[kind](keras),
        *([] if kind == "model" else [keras.layers.GlobalAveragePooling2D()]),
        keras.layers.Dense(2),
    ])  # fmt: skip
    for _ in range(2):
        scores_of = bl.band_importance(model, pictures, background=pictures[:3], target="all").scores
    assert unchanged.state_of(model) is None
    assert len(traced) == 2
    assert np.isfinite(scores_of).all()


def test_a_class_that_was_changed_from_outside_is_seen(keras: Any, pictures: np.ndarray) -> None:
    own = own_layer(keras)
    layers = [keras.Input((8, 8, BANDS)), own, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    before = bl.band_importance(model, pictures, background=pictures[:3], target="all").scores
    type(own).factor = 3.0
    after = bl.band_importance(model, pictures, background=pictures[:3], target="all").scores
    np.testing.assert_allclose(after, 3 * before, rtol=1e-5, atol=1e-6)


def test_what_was_found_before_a_model_was_known_is_forgotten(
    keras: Any, model: Any, pictures: np.ndarray, traced: list[Any]
) -> None:
    kept = model.get_layer("conv").activation
    model.get_layer("conv").activation = lambda x: x * x
    squared = scores(model, pictures)
    model.get_layer("conv").activation = kept
    bl.band_importance(model, pictures[:, :, ::-1], method="saliency", head=0)  # another question in between
    assert np.abs(scores(model, pictures) - squared).max() > 1e-3 * np.abs(squared).max()


@pytest.mark.parametrize("head", [False, [0]])
def test_a_head_that_is_none_is_refused_again(model: Any, pictures: np.ndarray, head: Any) -> None:
    bl.band_importance(model, pictures, head=0, method="saliency")
    with pytest.raises(bl.errors.OptionError, match="head"):
        bl.band_importance(model, pictures, head=head, method="saliency")


def test_a_model_that_changes_while_it_is_traced_is_traced_again(
    model: Any, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that another thread trains."""
    trace = following._new_trace

    def changed(*arguments: Any) -> Any:
        found = trace(*arguments)
        model.get_layer("norm").epsilon = 10.0
        return found

    with monkeypatch.context() as patch:
        patch.setattr(following, "_new_trace", changed)
        before = bl.band_importance(model, pictures, method="saliency").scores
    after = bl.band_importance(model, pictures, method="saliency").scores
    assert np.abs(after - before).max() > 1e-3 * np.abs(before).max()


def test_memory_ends_with_the_model(keras: Any, pictures: np.ndarray) -> None:
    layers = [keras.Input((8, 8, BANDS)), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    bl.band_importance(model, pictures)
    assert following.MEMORIES[model].state is not None
    reference = weakref.ref(model)
    del model, layers
    keras.backend.clear_session()
    gc.collect()
    assert reference() is None
