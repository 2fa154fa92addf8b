"""What models end in: heads that something reshapes, and what is no logit whoever says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import AccuracyWarning, LabelError, OptionError
from keras import ops

# what keeps every number: layers after a head over one pixel
TAILS: dict[str, Callable[[Any], list[Any]]] = {
    "nothing but a flatten": lambda layers: [layers.Flatten()],
    "reshape": lambda layers: [layers.Reshape((-1,))],
    "mean over one pixel": lambda layers: [layers.GlobalAveragePooling2D()],
    "largest of one pixel": lambda layers: [layers.GlobalMaxPooling2D()],
    "pooling of one pixel": lambda layers: [layers.AveragePooling2D(1), layers.MaxPooling2D(1), layers.Flatten()],
    "squeeze": lambda layers: [layers.Lambda(lambda x: ops.squeeze(x, (1, 2)))],
    "index": lambda layers: [layers.Lambda(lambda x: x[:, 0, 0, :])],
    "its own shape": lambda layers: [layers.Lambda(lambda x: ops.reshape(x, (ops.shape(x)[0], ops.shape(x)[3])))],
    "identities": lambda layers: [layers.Identity(), layers.Flatten(), layers.Activation("linear")],
    "axes": lambda layers: [layers.Permute((3, 1, 2)), layers.Flatten()],
    "casts": lambda layers: [layers.Flatten(dtype="float16"), layers.Activation("linear", dtype="float32")],
    "dropout": lambda layers: [layers.Dropout(0.5), layers.Flatten()],
    "scale of one": lambda layers: [layers.Flatten(), layers.Rescaling(1.0)],
}
NO_TAILS: dict[str, Callable[[Any], list[Any]]] = {
    "other scale": lambda layers: [layers.Flatten(), layers.Rescaling(2.0)],
    "whole numbers": lambda layers: [
        layers.Flatten(),
        layers.Lambda(lambda x: ops.cast(ops.cast(10 * x, "int32"), "float32")),
    ],
    "limits": lambda layers: [layers.Flatten(), layers.Lambda(lambda x: ops.clip(x, 1e-7, 1 - 1e-7))],
}


def ending(keras: Any, units: int, activation: str | None, tail: list[Any], pixels: int = 1) -> tuple[Any, Any]:
    """A model, and the same one without its activation and what comes after that."""
    layers = keras.layers
    image = keras.Input((8, 8, 4))
    hidden = layers.AveragePooling2D(8 // pixels)(layers.Conv2D(5, 3, padding="same", activation="relu")(image))
    logits = layers.Conv2D(units, 1)(hidden)
    output = layers.Activation(activation)(logits)
    for layer in tail:
        output = layer(output)
    return keras.Model(image, output), keras.Model(image, logits)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(("units", "activation"), [(1, "sigmoid"), (3, "sigmoid"), (3, "softmax")])
def test_what_only_reshapes_hides_no_head(
    keras: Any, images: np.ndarray, units: int, activation: str, tail: str
) -> None:
    model, without = ending(keras, units, activation, TAILS[tail](keras.layers))
    logits = ops.convert_to_numpy(without(images))[:, 0, 0, :]
    if units == 1:  # two classes
        logits = np.concatenate([-logits, logits], axis=1)
    labels = np.arange(12) % logits.shape[1]
    method = "deepshap" if units == 1 else "saliency"
    result = bl.band_importance(model, images, labels, method=method, target="all")
    assert result.output == "logit"
    np.testing.assert_allclose(result.output_values, logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result.image_class, labels)
    if method == "deepshap":
        assert result.completeness is not None
        assert result.completeness < 1e-4
    options = {"method": "saliency", "target": "all", "output": "probability", "task": "classification"}
    probability = bl.band_importance(model, images, **options)
    theirs = ops.convert_to_numpy(model(images)).astype("float64")
    theirs = np.concatenate([1 - theirs, theirs], axis=1) if units == 1 else theirs
    np.testing.assert_allclose(probability.output_values, theirs, atol=1e-3)


@pytest.mark.parametrize("tail", NO_TAILS)
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_what_changes_numbers_is_no_part_of_a_head(keras: Any, images: np.ndarray, activation: str, tail: str) -> None:
    model, _ = ending(keras, 3, activation, NO_TAILS[tail](keras.layers))
    result = bl.band_importance(model, images, method="occlusion", target="all")
    assert result.output == "output"
    np.testing.assert_allclose(result.output_values, ops.convert_to_numpy(model(images)), rtol=1e-4, atol=1e-6)


def test_pixels_that_are_mixed_are_no_head(keras: Any, images: np.ndarray) -> None:
    layers = keras.layers
    of_classes = ending(keras, 3, "softmax", [layers.GlobalAveragePooling2D()], pixels=2)[0]
    of_pixels = ending(keras, 1, None, [layers.Permute((3, 1, 2)), layers.Softmax(), layers.Flatten()], pixels=2)[0]
    for model in (of_classes, of_pixels):
        assert bl.band_importance(model, images, method="saliency", target="all").output == "output"
        with pytest.raises(OptionError, match=r"no logits: they are made of the values of a softmax \("):
            bl.band_importance(model, images, output="logit")
    # sigmoids have no sums, so that each pixel is a class of its own
    each = ending(keras, 1, "sigmoid", [layers.Flatten()], pixels=2)[0]
    assert bl.band_importance(each, images, method="saliency", target="all").output == "logit"


@pytest.mark.not_torch  # whose functions with a derivative of their own can't be recorded
def test_a_derivative_of_its_own_hides_no_head(keras: Any, small_cnn: Any, images: np.ndarray) -> None:
    expected = bl.band_importance(small_cnn, images, target="all")
    identity = identity_with_derivative(keras.config.backend())
    result = bl.band_importance(lambda x: identity(small_cnn(x, training=False)), images, target="all")
    assert result.output == "logit"
    np.testing.assert_allclose(result.scores, expected.scores, rtol=1e-4, atol=1e-6)


def identity_with_derivative(backend: str) -> Callable[[Any], Any]:
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.custom_gradient(lambda x: (tf.identity(x), lambda up: -up))
    import jax

    reversing = jax.custom_vjp(lambda x: x)
    reversing.defvjp(lambda x: (x, None), lambda _, up: (-up,))
    return reversing


@pytest.mark.tensorflow
def test_heads_of_keras_2(images: np.ndarray) -> None:
    import tf_keras

    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.Input((8, 8, 4)),
            layers.Conv2D(1, 8, activation="sigmoid"),
            layers.GlobalAveragePooling2D(),
            layers.Reshape((1,)),
        ]
    )
    result = bl.band_importance(model, images, np.arange(12) % 2, classes=["no", "yes"])
    assert (result.output, result.outputs) == ("logit", ("no", "yes"))


# ---- What is no logit ------------------------------------------------------------------------------------------------

Endings = dict[str, tuple[Callable[[Any, Callable[..., Any]], Any], str]]

# from layers and a maker of dense ones to outputs, and what these are made of
BLENDS: Endings = {
    "mean": (lambda layers, dense: layers.Average(name="mix")([dense("softmax") for _ in range(4)]), "4 softmaxes"),
    "sum": (lambda layers, dense: layers.Add(name="mix")([dense("softmax"), dense("softmax")]), "2 softmaxes"),
    "several answers": (
        lambda layers, dense: layers.Concatenate(name="mix")([dense("softmax"), dense("softmax")]),
        "2 softmaxes",
    ),
    "labels one by one": (
        lambda layers, dense: layers.Concatenate(name="mix")([dense("sigmoid", 1) for _ in range(3)]),
        "3 sigmoids",
    ),
    "one that is switched": (
        lambda layers, dense: layers.Multiply(name="mix")([dense("sigmoid", 1), dense("softmax")]),
        "a (softmax and a sigmoid|sigmoid and a softmax)",
    ),
    "largest": (lambda layers, dense: layers.Maximum(name="mix")([dense("softmax"), dense("softmax")]), "2 softmaxes"),
    "smoothed": (lambda layers, dense: layers.Rescaling(0.9, 0.1 / 3, name="mix")(dense("softmax")), "a softmax"),
    "a mean of experts by a gate": (
        lambda layers, dense: layers.Dot(1, name="mix")([dense("softmax", 2), layers.Reshape((2, 3))(
            layers.Concatenate()([dense("softmax"), dense("softmax")]))]),
        "3 softmaxes",
    ),
    "written out": (
        lambda layers, dense: layers.Lambda(
            lambda x: ops.exp(x) / ops.sum(ops.exp(x), axis=-1, keepdims=True), name="mix"
        )(dense(None)),
        "an exponential",
    ),
    "geometric mean": (
        lambda layers, dense: layers.Lambda(lambda x: ops.exp(x), name="mix")(
            layers.Average()([dense("log_softmax"), dense("log_softmax")])
        ),
        "an exponential",
    ),
}  # fmt: skip
# outputs that may be logits, which only the user knows
WORDS: dict[str, Callable[[Any, Callable[..., Any]], Any]] = {
    "dense": lambda layers, dense: dense(None),
    "stacked": lambda layers, dense: layers.Dense(3)(layers.Concatenate()([dense("softmax"), dense("softmax")])),
    "logarithm": lambda layers, dense: dense("log_softmax"),
    "logarithm of a mean": lambda layers, dense: layers.Lambda(lambda x: ops.log(x))(
        layers.Average()([dense("softmax"), dense("softmax")])
    ),
    "gated": lambda layers, dense: layers.Multiply()([dense(None), dense("sigmoid")]),
    "swish": lambda layers, dense: dense("swish"),
    "elu": lambda layers, dense: dense("elu"),
    "softplus": lambda layers, dense: dense("softplus"),
    "tanh": lambda layers, dense: dense("tanh"),
    "normalised": lambda layers, dense: layers.BatchNormalization()(dense(None)),
}


def of(keras: Any, make: Callable[[Any, Callable[..., Any]], Any]) -> Any:
    layers = keras.layers
    image = keras.Input((8, 8, 4))
    hidden = layers.Flatten()(layers.Conv2D(4, 3, activation="swish")(image))
    return keras.Model(image, make(layers, lambda activation, units=3: layers.Dense(units, activation)(hidden)))


@pytest.mark.parametrize("name", BLENDS)
def test_probabilities_are_not_called_logits(keras: Any, images: np.ndarray, name: str) -> None:
    make, made_of = BLENDS[name]
    model = of(keras, make)
    if name == "written out" and keras.config.backend() == "jax":  # whose own softmax is written like that
        assert bl.band_importance(model, images, method="occlusion").output == "logit"
        return
    for output, word in (("logit", "no logits"), ("probability", "not known to be probabilities")):
        message = rf"outputs are {word}: they are made of the values of {made_of} \(\w+ in layer 'mix'\)\.\n.*'auto'"
        with pytest.raises(OptionError, match=message):
            bl.band_importance(model, images, output=output)
    result = bl.band_importance(model, images, method="occlusion", target="all")
    assert result.output == "output"
    np.testing.assert_allclose(result.output_values, ops.convert_to_numpy(model(images)), rtol=1e-4, atol=1e-6)
    with pytest.raises(OptionError, match=r"no logits.*\n.*an objective for a layer"):
        bl.visualize_features(model, objective="logit", value_range=(0, 1))


@pytest.mark.parametrize("name", WORDS)
def test_the_user_knows_what_other_outputs_are(keras: Any, images: np.ndarray, name: str) -> None:
    model = of(keras, WORDS[name])
    result = bl.band_importance(model, images, method="saliency", target="all", output="logit")
    assert result.output == "logit"
    np.testing.assert_allclose(result.output_values, ops.convert_to_numpy(model(images)), rtol=1e-4, atol=1e-5)
    assert bl.band_importance(model, images, method="saliency", target="all").output == "output"
    with pytest.raises(OptionError, match="ends in neither softmax nor sigmoid"):
        bl.band_importance(model, images, output="probability")


def test_the_advice_for_log_loss_is_one_that_can_be_followed(keras: Any, images: np.ndarray) -> None:
    for make, advised in ((WORDS["dense"], True), (BLENDS["mean"][0], False)):
        with pytest.raises(OptionError, match="log-loss needs probabilities") as raised:
            bl.band_importance(of(keras, make), images, method="permutation", metric="log_loss")
        assert ("output='logit'" in str(raised.value)) == advised


# ---- One output ------------------------------------------------------------------------------------------------------


def test_a_logit_of_one_unit_tells_two_classes_apart(keras: Any, images: np.ndarray) -> None:
    layers = keras.layers
    image = keras.Input((8, 8, 4))
    logit = layers.Dense(1)(layers.Flatten()(image))
    models = keras.Model(image, logit), keras.Model(image, layers.Activation("sigmoid")(logit))
    y = np.array(["no", "yes"] * 6)
    for options in ({}, {"method": "permutation", "metric": "log_loss"}):
        found, expected = (
            bl.band_importance(model, images, y, classes=["no", "yes"], output="logit", **options) for model in models
        )
        assert found.outputs == ("no", "yes")
        np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5, atol=1e-6)


@pytest.fixture
def number(keras: Any) -> Any:
    return keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(1)])


NO_USE = r"`{}` has no use: the model has one output.*\n  expected: no `{}`{}\n  given: `{}` with {}\n.*1 - p and p{}$"


@pytest.mark.parametrize("method", [name for name in bl.METHODS if name != "permutation"])
def test_numbers_say_how_well_a_regression_fits(number: Any, images: np.ndarray, method: str) -> None:
    advice = "; if it is the logit of that class, say so with output='logit'"
    fitted = np.asarray(number.predict(images, verbose=0), np.float64)[:, 0]
    y = fitted + np.linspace(-0.1, 0.1, 12)
    result = bl.band_importance(number, images, y, method=method, n_background=4)
    np.testing.assert_allclose(result.fitted, fitted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result.observed, y)
    expected = 1 - ((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert (result.accuracy, result.chance) == (pytest.approx(expected, rel=1e-3), 0.0)
    assert f"R^2 {expected:.2f}" in repr(result)
    with pytest.raises(LabelError, match="`y` must hold numbers: the model is a regression"):
        bl.band_importance(number, images, ["no", "yes"] * 6, method=method)
    with pytest.raises(LabelError, match=NO_USE.format("classes", "classes", "", "classes", "2 entries", advice)):
        bl.band_importance(number, images, method=method, classes=["no", "yes"])
    if bl.METHODS[method].maps is not None and not bl.METHODS[method].maps_options:
        maps = bl.band_maps(number, images, y, method=method)
        assert maps.accuracy == pytest.approx(expected, rel=1e-3)
        assert f"R^2 {expected:.2f}" in repr(maps)


def test_classes_of_a_regression_are_not_ignored_by_permutation(number: Any, images: np.ndarray) -> None:
    with pytest.raises(LabelError, match="`classes` has no use"):
        bl.band_importance(number, images, np.arange(12.0), method="permutation", classes=["number"])
    with pytest.raises(LabelError, match=r"must hold numbers.*\n(.*\n)*.*1 - p and p"):
        bl.band_importance(number, images, ["no", "yes"] * 6, method="permutation")


def test_checks_take_the_numbers_of_a_regression(number: Any, images: np.ndarray) -> None:
    result = bl.band_importance(number, images, method="occlusion")
    deletions = [bl.check_deletion(number, result, images, y, orders=4) for y in (None, np.arange(12.0))]
    assert deletions[0].verdict == deletions[1].verdict
    for call in (
        lambda y: bl.check_deletion(number, result, images, y),
        lambda y: bl.check_stability(number, images, y, method="saliency"),
        lambda y: bl.check_null(number, images, y, method="saliency"),
        lambda y: bl.check_randomization(number, images, y, method="saliency"),
    ):
        with pytest.raises(LabelError, match="`y` must hold one finite number per image"):
            call(np.arange(11.0))
    assert bl.check_null(number, images, np.arange(12.0), method="saliency").passed


def test_a_probability_that_is_not_seen_as_one_is_named(keras: Any, images: np.ndarray) -> None:
    model = of(keras, lambda layers, dense: layers.Average()([dense("sigmoid", 1), dense("sigmoid", 1)]))
    y = np.arange(12) % 2
    with pytest.warns(AccuracyWarning, match=r"`y` is 0 or 1, like labels of two classes.*1 - p and p\.$"):
        bl.band_importance(model, images, y, method="saliency")
    with pytest.raises(LabelError, match=NO_USE.format("classes", "classes", "", "classes", "2 entries", "")):
        bl.band_importance(model, images, classes=["no", "yes"])

    def both(x: Any) -> Any:  # as the error says
        p = model(x, training=False)
        return ops.concatenate([1 - p, p], axis=-1)

    result = bl.band_importance(both, images, y, method="saliency", classes=["no", "yes"])
    assert (result.output, result.outputs) == ("output", ("no", "yes"))
    np.testing.assert_array_equal(result.image_class, y)
