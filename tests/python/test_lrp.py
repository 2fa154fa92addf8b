"""Layer-wise relevance propagation: zennit's values, formulas by hand, and what is conserved."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"
sys.path.insert(0, str(FIXTURES))

from bandlens.errors import CompletenessWarning, OptionError, UnsupportedOperationError  # noqa: E402
from conftest import KERAS_IS_DOUBLE  # noqa: E402
from zennit_relevances import OPTIONS  # noqa: E402  # beside the file it made

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(5, 6, 6, 4)).astype(np.float32)


def relevance(model: Any, x: np.ndarray = X, **options: Any) -> np.ndarray:
    """Maps of all outputs, whatever biases hold."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CompletenessWarning)
        return bl.band_maps(model, x, method="lrp", target="all", output="logit", progress=False, **options).values


def filled(model: Any, *, biases: bool = False, seed: int = 0) -> Any:
    """The model with random weights; all that is added in it is 0 unless `biases`."""
    random, weights = np.random.default_rng(seed), []
    for weight in model.weights:
        name = weight.path.rsplit("/", 1)[-1]
        shape = tuple(weight.shape)
        if name in ("gamma", "moving_variance"):
            weights.append(random.uniform(0.5, 1.5, shape))
        elif name in ("beta", "moving_mean") or "bias" in name:
            weights.append(random.normal(0, 0.3, shape) * biases)
        else:
            weights.append(random.normal(0, 1 / np.sqrt(max(1, np.prod(shape[:-1]))), shape))
    model.set_weights(weights)
    return model


def built(keras: Any, layers: Any, **how: Any) -> Any:
    """A model of some layers between bands and three logits."""
    inputs = keras.Input((6, 6, 4))
    x = keras.layers.Flatten()(layers(keras.layers, inputs))
    return filled(keras.Model(inputs, keras.layers.Dense(3)(x)), **how)


def reference(keras: Any, name: str, held: Any, dtype: str) -> Any:
    """The network of the fixture, in Keras."""
    layers, options = keras.layers, {"dtype": dtype}
    inputs = keras.Input((6, 6, 3), dtype=dtype)
    if name == "dense":
        x = layers.Flatten(**options)(inputs)
        for units in (8, 6):
            x = layers.Dense(units, activation="relu", **options)(x)
    elif name == "conv":
        x = layers.BatchNormalization(epsilon=1e-9, **options)(layers.Conv2D(5, 3, **options)(inputs))
        x = layers.MaxPooling2D(2, **options)(layers.ReLU(**options)(x))
        x = layers.Flatten(**options)(layers.Conv2D(4, 2, activation="relu", **options)(x))
    else:
        x = layers.Conv2D(4, 1, activation="relu", **options)(inputs)
        x = layers.Add(**options)([x, layers.Conv2D(4, 3, padding="same", **options)(x)])
        x = layers.Flatten(**options)(layers.AveragePooling2D(2, **options)(x))
    model = keras.Model(inputs, layers.Dense(3, **options)(x))
    kinds = ("kernel", "bias", "gamma", "beta", "mean", "variance")
    weighted = [layer for layer in model.layers if layer.weights]
    for index, layer in enumerate(weighted):
        layer.set_weights([held[f"{name}/{index}/{kind}"] for kind in kinds if f"{name}/{index}/{kind}" in held])
    return model


@pytest.mark.parametrize("name", ["dense", "conv", "residual"])
def test_zennit_agrees(keras: Any, name: str) -> None:
    # small sums are divided by, so that rounding of float32 shows
    dtype, most = ("float64", 1e-6) if KERAS_IS_DOUBLE else ("float32", 2e-4)
    with np.load(FIXTURES / "zennit_relevances.npz") as held:
        model = reference(keras, name, held, dtype)
        for setting, options in OPTIONS.items():
            expected = held[f"{name}/{setting}"]
            found = relevance(model, held["x"].astype(dtype), **options)
            np.testing.assert_allclose(found, expected, rtol=0, atol=most * np.abs(expected).max(), err_msg=setting)


def by_hand(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray, rule: str, first: str, **given: float) -> Any:
    """Relevance of all outputs of dense layers with ReLU between, as the formulas are written, shape (n, k, inputs)."""

    def safe(z: np.ndarray, size: float = 1e-6) -> np.ndarray:
        size = size * np.sqrt((z**2).mean(-1, keepdims=True))
        return z + np.where(z < 0, -size, size)

    inputs = [x]
    for kernel, bias in layers:
        inputs.append(np.maximum(inputs[-1] @ kernel + bias, 0))
    kernel, bias = layers[-1]
    found = np.einsum("no,ko->nko", inputs[-2] @ kernel + bias, np.eye(kernel.shape[1]))
    for place, (given_to, (kernel, bias)) in reversed(list(enumerate(zip(inputs, layers, strict=False)))):
        parts = given_to[:, :, None] * kernel
        up, down = np.maximum(parts, 0), np.minimum(parts, 0)
        above, below = up.sum(1) + np.maximum(bias, 0), down.sum(1) + np.minimum(bias, 0)
        total = above + below
        name = first if place == 0 and first != "same" else rule
        if name == "epsilon":
            share = parts / safe(total, given["epsilon"])[:, None]
        elif name == "gamma":
            gamma, rises = given["gamma"], total > 0
            share = np.where(
                rises[:, None],
                (parts + gamma * up) / safe(total + gamma * above)[:, None],
                (parts + gamma * down) / safe(total + gamma * below)[:, None],
            )
        elif name == "alpha1beta0":
            share = up / safe(above)[:, None]
        elif name == "alpha2beta1":
            share = 2 * up / safe(above)[:, None] - down / safe(below)[:, None]
        elif name == "flat":
            share = np.full_like(parts, 1 / len(kernel))
        else:
            parts = parts - given["low"] * np.maximum(kernel, 0) - given["high"] * np.minimum(kernel, 0)
            share = parts / safe(parts.sum(1))[:, None]
        found = np.einsum("nio,nko->nki", share, found)
    return found


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        *(("epsilon", first) for first in ("same", "box", "flat")),
        *((rule, "same") for rule in ("gamma", "alpha1beta0", "alpha2beta1")),
    ],
)
def test_formulas_by_hand(keras: Any, rule: str, first: str) -> None:
    model = keras.Sequential(
        [keras.Input((5,)), *(keras.layers.Dense(units, activation="relu") for units in (7, 6)), keras.layers.Dense(2)]
    )
    filled(model, biases=True)
    x = RANDOM.normal(size=(4, 5)).astype(np.float32)
    options: dict[str, float] = {"epsilon": 0.01, "gamma": 0.4}
    if first == "box":
        options |= {"low": -5.0, "high": 6.0}
    layers = [tuple(np.float64(weight) for weight in layer.get_weights()) for layer in model.layers]
    expected = by_hand(layers, np.float64(x), rule, first, **options)
    found = relevance(model, x, rule=rule, first=first, **options)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


def test_of_relu_networks_without_bias_it_is_gradient_times_input(keras: Any) -> None:
    model = built(
        keras,
        lambda layers, x: layers.MaxPooling2D(2)(
            layers.Conv2D(5, 3, activation="relu")(layers.ZeroPadding2D(1)(layers.Conv2D(4, 2, activation="relu")(x)))
        ),
    )
    expected = bl.band_maps(model, X, method="gradient_x_input", target="all").values
    found = relevance(model, rule="epsilon", epsilon=1e-9)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def joined(name: str) -> Any:
    """Two branches and what joins them."""

    def layers_of(layers: Any, x: Any) -> Any:
        one = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        return getattr(layers, name)()([one, layers.Conv2D(4, 1)(x)])

    return layers_of


def gated(layers: Any, x: Any) -> Any:
    """Gates per channel, by a product that is broadcast; SiLU is a product, too, but one run."""
    x = layers.Conv2D(4, 3, activation="silu")(x)
    return layers.Multiply()(
        [x, layers.Conv2D(4, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))]
    )


CONSERVED: dict[str, Any] = {
    "dense": lambda layers, x: layers.Dense(5, activation="gelu")(layers.Dense(6, activation="tanh")(x)),
    "separable": lambda layers, x: layers.SeparableConv2D(5, 3, padding="same", activation="relu6")(x),
    "grouped, strided": lambda layers, x: layers.Conv2D(6, 3, groups=2, strides=2, activation="elu")(x),
    "dilated": lambda layers, x: layers.Conv2D(5, 2, dilation_rate=2, activation="relu")(x),
    "transposed": lambda layers, x: layers.Conv2DTranspose(3, 3, strides=2, activation="relu")(x),
    "batch norm": lambda layers, x: layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(5, 3)(x))),
    "batch norm before": lambda layers, x: layers.Conv2D(5, 3)(layers.ReLU()(layers.BatchNormalization()(x))),
    "overlapping maxima": lambda layers, x: layers.MaxPooling2D(3, strides=2, padding="same")(x),
    "global maximum": lambda layers, x: layers.GlobalMaxPooling2D()(layers.Conv2D(5, 3)(x)),
    "means": lambda layers, x: layers.GlobalAveragePooling2D()(layers.AveragePooling2D(3, padding="same")(x)),
    "upsampling": lambda layers, x: layers.Cropping2D(1)(
        layers.UpSampling2D(2, interpolation="bilinear")(layers.UpSampling2D(2)(x))
    ),
    "rescaled, permuted": lambda layers, x: layers.Conv2D(4, 2)(layers.Permute((2, 1, 3))(layers.Rescaling(-3.0)(x))),
    "layer norm": lambda layers, x: layers.LayerNormalization()(layers.Conv2D(5, 3)(x)),
    "group norm": lambda layers, x: layers.GroupNormalization(2)(layers.Conv2D(6, 3)(x)),
    "RMS norm": lambda layers, x: layers.RMSNormalization()(layers.Conv2D(5, 3)(x)),
    "unit norm": lambda layers, x: layers.UnitNormalization()(layers.Conv2D(5, 3)(x)),
    "dot": lambda layers, x: layers.Dot((3, 3))([layers.Conv2D(3, 2)(x), layers.Conv2D(3, 3)(x)]),
    "gated": gated,
    # what activations add is no bias, and keeps nothing
    **{
        name: lambda layers, x, name=name: layers.Dense(5, activation=name)(x)
        for name in ("hard_sigmoid", "hard_silu", "hard_tanh", "softsign", "selu")
    },
    "gated by hard sigmoids": lambda layers, x: layers.Multiply()(
        [x, layers.Conv2D(4, 1, activation="hard_sigmoid")(layers.GlobalMaxPooling2D(keepdims=True)(x))]
    ),
    "rescaled behind": lambda layers, x: layers.Conv2D(4, 2)(layers.Rescaling(0.5, -1.0)(layers.Conv2D(5, 3)(x))),
    "bent at a threshold": lambda layers, x: layers.ReLU(1.5, 0.1, 0.2)(layers.Conv2D(5, 3)(x)),
    **{name: joined(name) for name in ("Add", "Subtract", "Multiply", "Maximum", "Average", "Concatenate")},
}


@pytest.mark.slow_elsewhere
@pytest.mark.parametrize("name", CONSERVED)
def test_relevance_is_conserved(keras: Any, name: str) -> None:
    model = built(keras, CONSERVED[name])
    outputs = model.predict(X, verbose=0)
    for options in ({}, {"rule": "epsilon"}):
        totals = relevance(model, **options).sum((2, 3, 4))
        np.testing.assert_allclose(totals, outputs, rtol=0, atol=3e-4 * np.abs(outputs).max(), err_msg=str(options))


FORMULAS: dict[str, Any] = {
    # the top has it all; both sides of a difference in proportion; a power by the sizes of x df/dx
    "quotient": (
        lambda ops, a, b: (a - b) / (a + b),
        lambda a, b, r: (r * a / (a - b), -r * b / (a - b)),
    ),
    "squared difference": (
        lambda ops, a, b: ops.square(a - b),
        lambda a, b, r: (r * a / (a - b), -r * b / (a - b)),
    ),
    "power": (
        lambda ops, a, b: ops.power(a, b),
        lambda a, b, r: (r / (1 + np.abs(np.log(a))), r * np.abs(np.log(a)) / (1 + np.abs(np.log(a)))),
    ),
    "maximum": (lambda ops, a, b: ops.maximum(a, b), lambda a, b, r: (r * (a > b), r * (b > a))),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_bands_that_a_formula_joins(keras: Any, name: str) -> None:
    formula, shares = FORMULAS[name]
    x = np.random.default_rng(5).uniform(1, 3, (4, 2, 2, 2)).astype(np.float32)

    def model(x: Any) -> Any:
        return keras.ops.sum(formula(keras.ops, x[..., 0], x[..., 1]), axis=(1, 2))[:, None] * 2.0

    bands = np.moveaxis(np.float64(x), -1, 0)
    expected = np.stack(shares(*bands, 2 * formula(np, *bands)), axis=-1)
    found = relevance(model, x)[:, 1]  # of two classes that one logit tells apart
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4 * np.abs(expected).max())


DEGREES: dict[str, Any] = {
    # n factors have an n-th each, of which the k-th output of a running product has k
    "product": (lambda ops, t: ops.prod(t, axis=-1, keepdims=True), lambda of: of / 4 * np.ones(4)),
    "running product": (
        lambda ops, t: ops.cumprod(t, axis=-1),
        lambda of: np.cumsum((of / np.arange(1, 5))[..., ::-1], axis=-1)[..., ::-1],
    ),
    # half to what is sorted, in its places, and half to the mean, by what each contributes to it
    "sorted times mean": (lambda ops, t: ops.sort(t, axis=-1) * ops.mean(t, axis=-1, keepdims=True), None),
}


@pytest.mark.parametrize("name", DEGREES)
def test_what_is_of_a_higher_degree_shares_out_no_more_than_there_is(keras: Any, name: str) -> None:
    """Input times derivative is n times a product of n factors."""
    function, expected = DEGREES[name]
    inputs = keras.Input((4,))
    layer = keras.layers.Lambda(lambda t: function(keras.ops, t))(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(layer)))
    x = np.random.default_rng(5).uniform(1, 2, (3, 4)).astype(np.float32)
    kernel = np.float64(model.get_weights()[0])[:, 0]
    of = np.float64(keras.ops.convert_to_numpy(function(keras.ops, keras.ops.convert_to_tensor(x)))) * kernel
    if expected is None:
        ranks = x.argsort(axis=-1).argsort(axis=-1)
        wanted = (
            np.take_along_axis(of, ranks, axis=-1) / 2 + x / x.sum(-1, keepdims=True) * of.sum(-1, keepdims=True) / 2
        )
    else:
        wanted = expected(of)
    found = relevance(model, x, rule="epsilon")[:, 1]  # of two classes that one logit tells apart
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


def test_scales_of_layers_make_no_difference(keras: Any) -> None:
    """Activations of a billionth are handed back as well as any."""
    model = built(keras, lambda layers, x: layers.Conv2D(5, 3, activation="relu")(x))
    expected = relevance(model)
    first, *others, last, bias = model.get_weights()
    model.set_weights([first * 1e-9, *others, last * 1e9, bias])
    np.testing.assert_allclose(relevance(model), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_pixels_of_a_zone(keras: Any) -> None:
    """The mean output of a class over its pixels is what is handed back."""
    inputs = keras.Input((6, 6, 4))
    hidden = keras.layers.Conv2D(5, 3, padding="same", activation="relu", use_bias=False)(inputs)
    model = filled(keras.Model(inputs, keras.layers.Conv2D(3, 1, use_bias=False, activation="softmax")(hidden)))
    y = RANDOM.integers(0, 3, (5, 6, 6))
    found = bl.band_importance(model, X, y, method="lrp", bands=list("abcd"))
    assert found.completeness < 1e-4
    np.testing.assert_allclose(found.scores.sum(-1), found.output_values, rtol=0, atol=1e-5)


def test_attention_by_hand(keras: Any) -> None:
    inputs = keras.Input((4, 3))
    attended = keras.layers.Attention()([inputs, inputs])
    model = filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(attended))))
    x = np.float64(RANDOM.normal(size=(3, 4, 3)))
    logits = x @ x.transpose(0, 2, 1)
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    outputs, kernel = weights @ x, np.float64(model.get_weights()[0])
    of_outputs = outputs[:, None] * kernel.T.reshape(2, 4, 3)
    halves = of_outputs / outputs[:, None] / 2
    of_weights = weights[:, None] * (halves @ x.transpose(0, 2, 1)[:, None])
    of_values = x[:, None] * (weights.transpose(0, 2, 1)[:, None] @ halves)
    of_logits = logits[:, None] * (of_weights - weights[:, None] * of_weights.sum(-1, keepdims=True))
    halves = of_logits / logits[:, None] / 2
    of_queries, of_keys = x[:, None] * (halves @ x[:, None]), x[:, None] * (np.swapaxes(halves, 2, 3) @ x[:, None])
    expected = of_values + of_queries + of_keys
    found = relevance(model, x.astype(np.float32), rule="epsilon", band_axis=2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_layer_normalisation_by_hand(keras: Any) -> None:
    inputs = keras.Input((5,))
    model = filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.LayerNormalization()(inputs))), biases=True)
    x = np.float64(RANDOM.normal(size=(3, 5)))
    gamma, beta, kernel, bias = (np.float64(weight) for weight in model.get_weights())
    scale = gamma / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    normal = scale * (x - x.mean(-1, keepdims=True)) + beta
    total = normal @ kernel + bias
    of_normal = np.einsum("ni,ik,nk->nki", normal, kernel, total / total)
    share = scale[:, None] * of_normal / normal[:, None]
    expected = x[:, None] * (share - share.mean(-1, keepdims=True))
    found = relevance(model, x.astype(np.float32), rule="epsilon")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_flat_tells_no_band_from_another(keras: Any) -> None:
    model = built(keras, lambda layers, x: layers.Conv2D(5, 3, activation="relu")(x))
    found = relevance(model, first="flat")
    np.testing.assert_allclose(found, np.broadcast_to(found[..., :1], found.shape), rtol=1e-5, atol=1e-7)


def test_boxes_are_of_all_images(keras: Any) -> None:
    """Each band's least and largest value: as given, where they are the same for all bands."""
    model = built(keras, lambda layers, x: layers.Conv2D(5, 3, activation="relu")(x))
    x = X.copy()
    x[0, 0, 0], x[1, 0, 0] = -9, 11
    np.testing.assert_array_equal(relevance(model, x), relevance(model, x, low=-9.0, high=11.0))


def test_what_biases_hold_is_reported(keras: Any) -> None:
    model = built(keras, lambda layers, x: layers.Conv2D(5, 3, activation="relu")(x), biases=True)
    found = bl.band_importance(model, X, method="lrp", target="all")
    missing = np.abs(found.scores.sum(-1) - found.output_values)
    size = np.abs(found.output_values)
    expected = (missing / np.maximum(size, size.mean())).max()
    assert 1e-3 < expected == pytest.approx(found.completeness, rel=1e-5)
    *weights, bias = model.get_weights()
    model.set_weights([*weights, bias - 0.8 * model.predict(X[:1], verbose=0)[0]])
    with pytest.warns(CompletenessWarning, match=r"biases.* hold more of the outputs than is left for bands"):
        bl.band_importance(model, X[:1], method="lrp", target="all")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "epsilom"}, r"`rule`.*not among.*\n.*composite.*\n.*epsilom"),
        ({"epsilon": 0}, r"`epsilon` must be a number.*\n.*above 0"),
        ({"rule": "epsilon", "low": 0}, r"`low` is for the box rule.*\n.*first='box'.*\n.*rule='epsilon'"),
        ({"low": 2, "high": 1}, r"`low` must be less than `high`.*\n.*low = 2, high = 1"),
        ({"low": 0}, r"Values of `x` lie beyond `low`.*\n.*or less.*\n.*0\n.*leave `low` out"),
    ],
)
def test_options_are_checked(small_cnn: Any, images: np.ndarray, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        bl.band_importance(small_cnn, images, method="lrp", **options)


def test_images_of_one_value_have_no_box(small_cnn: Any, images: np.ndarray) -> None:
    with pytest.raises(OptionError, match=r"one value throughout.*\n.*\n.*give `low` and `high`"):
        bl.band_importance(small_cnn, np.ones_like(images), method="lrp")


def test_an_operation_without_a_rule_is_named(keras: Any) -> None:
    inputs = keras.Input((6, 6, 4))
    ranks = keras.layers.Lambda(lambda t: keras.ops.cast(keras.ops.argsort(t, axis=-1), "float32"))(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(ranks)))
    with pytest.raises(UnsupportedOperationError, match=r"Layer-wise relevance propagation can't explain.*lambda"):
        bl.band_importance(model, X, method="lrp")
