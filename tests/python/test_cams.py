"""Class activation maps: closed forms, the formulas of others written out in NumPy, bands that draw attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens.errors import LayerError, ModelError, ModelTypeError, OptionError, ResultError, UnsupportedOperationError
from bandlens.localization.eigencam import projected
from bandlens.localization.scorecam import corner_weights
from bandlens.r.conversions import column
from conftest import same_kernels
from scipy import ndimage

SIDE, BANDS, CLASSES = 10, 4, 3
METHODS = list(bl.CAM_METHODS)
X = np.random.default_rng(0).normal(size=(5, SIDE, SIDE + 2, BANDS)).astype("float32")
BACKGROUND = np.random.default_rng(1).normal(size=(4, SIDE, SIDE + 2, BANDS)).astype("float32")
Y = [0, 1, 2, 0, 1]


def cams(model: Any, x: Any = X, y: Any = None, **options: Any) -> bl.ActivationMaps:
    return bl.class_activation_maps(model, x, y, progress=False, **options)


@pytest.fixture
def net(keras: Any) -> Any:
    """Two convolutions and two dense layers, so that gradients differ between places and have both signs."""
    layers = keras.layers
    parts = [
        layers.Conv2D(6, 3, activation="relu", name="first"),
        layers.MaxPooling2D(),
        layers.Conv2D(5, 2, activation="relu", name="last"),
        layers.Flatten(name="flat"),
        layers.Dense(8, activation="relu", name="hidden"),
        layers.Dense(CLASSES, activation="softmax", name="out"),
    ]
    return same_kernels(keras.Sequential([keras.Input(X.shape[1:]), *parts]), 5)


@pytest.fixture
def pooled(keras: Any, settle: Callable[[Any], Any]) -> Any:
    """A convolution, global average pooling, and one dense layer."""
    layers = keras.layers
    parts = [
        layers.Conv2D(7, 3, activation="relu", name="conv"),
        layers.GlobalAveragePooling2D(name="pool"),
        layers.Dense(CLASSES, activation="softmax", name="out"),
    ]
    return settle(same_kernels(keras.Sequential([keras.Input(X.shape[1:]), *parts]), 3))


def numbers(tensor: Any) -> np.ndarray:
    """Of a tensor of any framework, float64."""
    from keras import ops

    return np.asarray(ops.convert_to_numpy(tensor)).astype(np.float64)


def layer_output(keras: Any, model: Any, name: str, x: np.ndarray = X) -> np.ndarray:
    return numbers(keras.Model(model.inputs, model.get_layer(name).output)(x))


def inside(keras: Any, model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Activations (n, rows, cols, features) of `net`'s last convolution, and gradients (n, k, rows, cols, features)."""
    activations = layer_output(keras, model, "last")
    hidden = layer_output(keras, model, "hidden")
    first, second = (numbers(model.get_layer(name).kernel) for name in ("hidden", "out"))
    gradients = np.einsum("pj,nj,jk->nkp", first, hidden > 0, second)
    return activations, gradients.reshape(len(hidden), CLASSES, *activations.shape[1:])


def oracle(method: str, a: np.ndarray, g: np.ndarray, **options: Any) -> np.ndarray:
    """Formulas as tf-keras-vis 0.8.7 has them, and as published where it has none; signed, not rescaled."""
    a = a[:, None]
    if method == "gradcam":
        return (g.mean(axis=(2, 3), keepdims=True) * a).sum(axis=-1)
    if method == "hirescam":
        return (g * a).sum(axis=-1)
    if method == "layercam":
        return (np.maximum(g, 0) * a).sum(axis=-1)
    below = 2 * g**2 + g**3 * a.sum(axis=(2, 3), keepdims=True)
    alphas = np.where(g == 0, 0, g**2 / np.where(g == 0, 1, below))
    if options.get("normalize_alphas"):
        total = alphas.sum(axis=(2, 3), keepdims=True)
        alphas = alphas / np.where(total == 0, 1, total)
    return ((alphas * np.maximum(g, 0)).sum(axis=(2, 3), keepdims=True) * a).sum(axis=-1)


def close(found: np.ndarray, wanted: np.ndarray, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("gradcam", {}),
        ("gradcam++", {}),
        ("gradcam++", {"normalize_alphas": True}),
        ("hirescam", {}),
        ("layercam", {}),
    ],
)
def test_gradient_maps_are_their_formulas(keras: Any, net: Any, method: str, options: dict[str, Any]) -> None:
    wanted = oracle(method, *inside(keras, net), **options)
    assert (wanted < 0).any() or method in ("layercam", "gradcam++")
    signed = cams(net, method=method, layer="last", target="all", relu=False, **options)
    close(signed.values, wanted)
    assert signed.values.shape == (5, CLASSES, 3, 4)
    positive = cams(net, method=method, layer="last", target="all", relu=True, **options)
    close(positive.values, np.maximum(wanted, 0))
    usual = cams(net, X, Y, method=method, layer="last", **options)
    expected = wanted[np.arange(5), Y][:, None]
    close(usual.values, expected if method == "hirescam" else np.maximum(expected, 0))
    assert usual.relu == (method != "hirescam")


@pytest.mark.parametrize("weights", ["softmax", "output"])
def test_score_cam_masks_images_by_features(keras: Any, net: Any, weights: str) -> None:
    a, _ = inside(keras, net)
    scores = np.empty((5, CLASSES, a.shape[-1]))
    for feature in range(a.shape[-1]):
        zoom = (1, X.shape[1] / a.shape[1], X.shape[2] / a.shape[2])
        masks = ndimage.zoom(a[..., feature], zoom, order=1, mode="nearest")
        low, high = (extreme(masks, axis=(1, 2), keepdims=True) for extreme in (np.min, np.max))
        masked = X * ((masks - low) / np.maximum(high - low, 1e-12))[..., None]
        scores[..., feature] = numbers(net(masked.astype("float32")))
    options = {"output": "probability"} if weights == "output" else {}
    if weights == "softmax":
        # of logits, not of probabilities
        logits = cams_logits(keras, net, a)
        scores = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    wanted = np.maximum(np.einsum("nkc,nrsc->nkrs", scores, a), 0)
    found = cams(net, method="scorecam", layer="last", target="all", channel_weights=weights, **options)
    close(found.values, wanted)


def cams_logits(keras: Any, net: Any, a: np.ndarray) -> np.ndarray:
    """Logits of `net` for images masked by each feature, (n, k, features)."""
    cut = keras.Model(net.inputs, net.get_layer("hidden").output)
    kernel, bias = (np.asarray(one, np.float64) for one in net.get_layer("out").get_weights())
    found = []
    for feature in range(a.shape[-1]):
        zoom = (1, X.shape[1] / a.shape[1], X.shape[2] / a.shape[2])
        masks = ndimage.zoom(a[..., feature], zoom, order=1, mode="nearest")
        low, high = (extreme(masks, axis=(1, 2), keepdims=True) for extreme in (np.min, np.max))
        masked = X * ((masks - low) / np.maximum(high - low, 1e-12))[..., None]
        found.append(numbers(cut(masked.astype("float32"))) @ kernel + bias)
    return np.stack(found, axis=-1)


def test_masks_are_enlarged_as_by_scipy() -> None:
    values = np.random.default_rng(2).normal(size=(3, 4))
    for small, large in ((3, 10), (1, 5), (4, 4), (5, 1)):
        assert corner_weights(small, large).sum(axis=1) == pytest.approx(np.ones(large))
    found = corner_weights(3, 10) @ values @ corner_weights(4, 9).T
    np.testing.assert_allclose(found, ndimage.zoom(values, (10 / 3, 9 / 4), order=1, mode="nearest"), atol=1e-12)


def test_eigen_cam_is_the_first_singular_vector(keras: Any, net: Any) -> None:
    a, _ = inside(keras, net)
    flat = a.reshape(5, -1, a.shape[-1])
    _, _, right = np.linalg.svd(flat, full_matrices=False)
    wanted = np.abs(np.einsum("npc,nc->np", flat, right[:, 0]))  # activations behind a ReLU: one sign
    found = cams(net, method="eigencam", layer="last", target="all")
    close(found.values, np.repeat(wanted[:, None], CLASSES, 1).reshape(found.values.shape))


@pytest.mark.parametrize("shape", [(3, 12, 4), (3, 4, 12)])
def test_eigen_cam_has_one_sign(shape: tuple[int, ...]) -> None:
    a = np.random.default_rng(3).normal(size=shape)
    left, sizes, _ = np.linalg.svd(a, full_matrices=False)
    first = left[..., 0] * sizes[:, :1]
    found = projected(a)
    np.testing.assert_allclose(np.abs(found), np.abs(first), atol=1e-10)
    assert (found.sum(axis=1) > 0).all()
    np.testing.assert_allclose(projected(-a), found, atol=1e-10)
    np.testing.assert_array_equal(projected(np.zeros(shape)), np.zeros(shape[:2]))
    balanced = np.array([[[1.0], [-2.0], [1.0]]])  # whose sum is 0: the largest is positive
    np.testing.assert_allclose(projected(balanced), [[-1, 2, -1]])


def test_before_global_pooling_maps_are_the_classic_ones(keras: Any, pooled: Any) -> None:
    a = layer_output(keras, pooled, "conv")
    kernel, bias = (np.asarray(one, np.float64) for one in pooled.get_layer("out").get_weights())
    classic = np.einsum("nrsc,ck->nkrs", a, kernel) / (a.shape[1] * a.shape[2])
    close(cams(pooled, target="all", relu=False).values, classic)
    hires = cams(pooled, target="all", method="hirescam")
    close(hires.values, classic)
    logits = a.mean(axis=(1, 2)) @ kernel + bias
    np.testing.assert_allclose(hires.values.sum(axis=(2, 3)), logits - bias, rtol=1e-4, atol=1e-5)
    assert hires.layer == "conv"
    assert hires.output == "logit"
    # of probabilities, gradients are those of the softmax
    found = cams(pooled, target=1, method="hirescam", output="probability")
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    slopes = p[:, 1:2] * (np.eye(CLASSES)[1] - p)
    close(found.values[:, 0], np.einsum("nk,nkrs->nrs", slopes, classic))


@pytest.mark.parametrize("method", METHODS)
def test_maps_do_not_depend_on_batches(net: Any, method: str) -> None:
    given = {"method": method, "layer": "last", "target": "all"}
    whole = cams(net, **given).values
    close(cams(net, batch_size=2, **given).values, whole, 1e-6)
    close(cams(net, X[2:3], **given).values, whole[2:3], 1e-6)


@pytest.mark.parametrize("method", ["gradcam", "scorecam", "eigencam"])
def test_where_memory_is_short_there_are_smaller_batches(
    net: Any, little_memory: Callable[..., dict[str, list[Any]]], method: str
) -> None:
    wanted = cams(net, X, Y, method=method, layer="last").values
    little_memory(net, failures=2)
    close(cams(net, X, Y, method=method, layer="last").values, wanted, 1e-6)


def test_outputs_beyond_those_of_one_step(keras: Any) -> None:
    layers = keras.layers
    parts = [layers.Conv2D(3, 3, name="conv"), layers.GlobalAveragePooling2D(), layers.Dense(12)]
    model = keras.Sequential([keras.Input(X.shape[1:]), *parts])
    kernel = numbers(model.layers[-1].kernel)
    a = layer_output(keras, model, "conv")
    found = cams(model, target="all", relu=False).values
    close(found, np.einsum("nrsc,ck->nkrs", a, kernel) / found[0, 0].size)


@pytest.mark.parametrize("replacement", ["background", "background_mean", "zero"])
def test_bands_of_a_linear_layer_add_what_they_hold(keras: Any, replacement: str) -> None:
    layers = keras.layers
    parts = [layers.Conv2D(3, 1, use_bias=False, name="mix"), layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)]
    model = keras.Sequential([keras.Input(X.shape[1:]), *parts])
    kernel = numbers(model.get_layer("mix").kernel)[0, 0] @ numbers(model.layers[-1].kernel)
    given = {"target": "all", "by": "band", "replacement": replacement, "background": BACKGROUND, "relu": False}
    found = cams(model, batch_size=7, **given)
    without = 0 if replacement == "zero" else BACKGROUND.mean(axis=0)
    wanted = np.einsum("nrsb,bk->nkbrs", X - without, kernel) / (SIDE * (SIDE + 2))
    assert found.values.shape == (5, CLASSES, BANDS, SIDE, SIDE + 2)
    close(found.values, wanted)
    assert found.n_background == (None if replacement == "zero" else 4)
    close(cams(model, **given).values, found.values, 1e-6)


def test_weights_of_background_images_count(keras: Any) -> None:
    layers = keras.layers
    parts = [layers.Conv2D(2, 1, use_bias=False, name="mix"), layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)]
    model = keras.Sequential([keras.Input(X.shape[1:]), *parts])
    kernel = numbers(model.get_layer("mix").kernel)[0, 0] @ numbers(model.layers[-1].kernel)
    weights = np.array([4.0, 1.0, 2.0, 3.0])
    background = bl.BackgroundImages(BACKGROUND, weights=weights)
    found = cams(model, target="all", by="band", background=background, relu=False)
    without = np.average(BACKGROUND, axis=0, weights=weights)
    close(found.values, np.einsum("nrsb,bk->nkbrs", X - without, kernel) / (SIDE * (SIDE + 2)))


@pytest.mark.slow_elsewhere
@pytest.mark.parametrize("method", METHODS)
def test_a_band_that_is_not_read_draws_nothing(keras: Any, net: Any, method: str) -> None:
    kernel, bias = net.get_layer("first").get_weights()
    kernel[:, :, 2] = 0
    net.get_layer("first").set_weights([kernel, bias])
    found = cams(net, X, Y, method=method, layer="last", by="band", background=BACKGROUND[:2])
    # Score-CAM multiplies the band with masks, and nobody reads it
    assert np.abs(found.values[:, :, 2]).max() <= 1e-6 * np.abs(found.values).max()
    table = found.to_frame("class")
    assert list(table.columns) == [*bl.band_importance(net, X, Y, method="saliency").to_frame().columns]
    own = table[table["class"] == "0"].set_index("band")
    np.testing.assert_allclose(
        own["importance"].to_numpy(), np.abs(found.values[[0, 3]]).mean(axis=(0, 1, 3, 4)), rtol=1e-5, atol=1e-9
    )
    np.testing.assert_allclose(
        own["effect"].to_numpy(), found.values[[0, 3]].mean(axis=(0, 1, 3, 4)), rtol=1e-4, atol=1e-6
    )
    assert own["rank"].to_numpy()[2] == BANDS
    assert own["share"].sum() == pytest.approx(1)
    assert own["se_background"].isna().all()  # nobody has measured it
    assert "no band matters" not in found.summary()


def heads(keras: Any) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Models whose tail has no bias, so that activations times gradients sum to the output, by Euler's theorem."""
    layers = keras.layers
    keras.utils.set_random_seed(4)

    def trunk(x: Any) -> Any:
        x = layers.Conv2D(5, 3, padding="same", activation="relu")(x)
        return layers.Conv2D(4, 3, padding="same", activation="relu", name="seen")(x)

    def tail(x: Any, units: int, activation: str | None) -> Any:
        x = layers.Dense(6, activation="relu", use_bias=False)(layers.Flatten()(x))
        return layers.Dense(units, activation=activation, use_bias=False)(x)

    inputs = keras.Input(X.shape[1:])
    inner = keras.Model(inputs, trunk(inputs), name="backbone")
    outer = keras.Input(X.shape[1:])
    nested = keras.Model(outer, tail(inner(outer), CLASSES, "softmax"))

    class Subclassed(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv = layers.Conv2D(4, 3, activation="relu", name="seen")
            self.flat, self.dense = layers.Flatten(), layers.Dense(CLASSES, use_bias=False)

        def call(self, x: Any) -> Any:
            return self.dense(self.flat(self.conv(x)))

    subclassed = Subclassed()
    image, numbers = keras.Input(X.shape[1:], name="image"), keras.Input((3,), name="numbers")
    joined = layers.Multiply()([layers.Flatten()(trunk(image)), layers.Dense(480, activation="relu")(numbers)])
    several = keras.Model([image, numbers], layers.Dense(CLASSES, use_bias=False)(joined))
    seen = trunk(inputs)
    pixels = layers.Conv2D(CLASSES, 3, padding="same", use_bias=False, activation="softmax", name="classes")(
        layers.Conv2D(4, 3, padding="same", use_bias=False, activation="relu", name="later")(seen)
    )
    both = np.random.default_rng(2).normal(size=(5, 3)).astype("float32")
    masks = np.random.default_rng(3).integers(0, CLASSES, (5, *X.shape[1:3]))
    return {
        "nested": (nested, X, {"layer": "backbone/seen", "y": Y}),
        "subclassed": (subclassed, X, {"layer": "seen", "y": Y}),
        "several": (several, {"image": X, "numbers": both}, {"layer": "seen", "y": Y}),
        "labels": (
            keras.Model(inputs, tail(seen, CLASSES, "sigmoid")),
            X,
            {"layer": "seen", "y": [[0], [0, 2], [1], [2], [0, 1]], "task": "multilabel"},
        ),
        "regression": (keras.Model(inputs, tail(seen, 1, None)), X, {"layer": "seen", "y": [0.1, 2.0, 3.0, 1.5, 2.0]}),
        "zones": (keras.Model(inputs, pixels), X, {"layer": "seen", "y": masks}),
    }


@pytest.mark.slow_elsewhere
@pytest.mark.parametrize("kind", ["nested", "subclassed", "several", "labels", "regression", "zones"])
def test_any_kind_of_model(keras: Any, kind: str) -> None:
    model, x, given = heads(keras)[kind]
    found = cams(model, x, method="hirescam", **given)
    explained = bl.band_maps(model, x, given["y"], method="saliency", progress=False, task=given.get("task", "auto"))
    explained = explained if isinstance(explained, bl.BandMaps) else explained["image"]
    np.testing.assert_array_equal(found.image_output, explained.image_output)
    outputs = values_of(model, x, given)
    np.testing.assert_allclose(found.values.sum(axis=(2, 3)), outputs, rtol=1e-4, atol=1e-5 * np.abs(outputs).max())
    if kind in ("labels", "zones"):
        assert found.images is not None
        assert found.n > 5
    for method in ("gradcam", "scorecam", "eigencam"):
        other = cams(model, x, method=method, **given)
        assert other.values.shape == found.values.shape
        assert other.values.any()
    by = cams(model, x, by="band", replacement="zero", **given)
    assert by.values.shape[2] == BANDS + (3 if kind == "several" else 0)
    assert by.inputs == (None if kind != "several" else ("image",) * BANDS + ("numbers",) * 3)


def values_of(model: Any, x: Any, given: dict[str, Any]) -> np.ndarray:
    """f(x) of the explained outputs, as DeepSHAP has them."""
    result = bl.band_importance(
        model, x, given["y"], method="occlusion", replacement="zero", progress=False, task=given.get("task", "auto")
    )
    return np.asarray(result.output_values)


def test_the_layer_by_name_position_and_itself(keras: Any, net: Any) -> None:
    wanted = cams(net, layer="first").values
    listed = bl.list_layers(net).names
    for layer in (listed.index("first"), listed.index("first") - len(listed), net.get_layer("first")):
        np.testing.assert_array_equal(cams(net, layer=layer).values, wanted)
    assert cams(net).layer == "last"
    # a model for pixels ends in a layer with rows and columns, which is the output itself
    model, x, given = heads(keras)["zones"]
    assert cams(model, x, given["y"]).layer == "later"


def test_layers_that_can_not_be_mapped_are_refused(keras: Any, net: Any) -> None:
    with pytest.raises(LayerError, match=r"'hidden' has no rows and columns.\n.*'first', .*'last'\n.*\(n, 8\)"):
        cams(net, layer="hidden")
    with pytest.raises(LayerError, match="did you mean 'first'"):
        cams(net, layer="frist")
    with pytest.raises(LayerError, match="0 to 5"):
        cams(net, layer=6)
    with pytest.raises(OptionError, match="`layer` is no layer"):
        cams(net, layer=2.5)
    layers = keras.layers
    inputs = keras.Input(X.shape[1:])
    head = layers.Dense(CLASSES, name="one")(layers.Flatten()(layers.Conv2D(2, 3, name="way")(inputs)))
    aside = layers.GlobalAveragePooling2D(name="two")(layers.Conv2D(2, 3, name="aside")(inputs))
    model = keras.Model(inputs, [head, aside])
    # PyTorch leaves out what an output does not need when it traces
    with pytest.raises(LayerError, match=r"(does not depend on layer 'aside'.|does not call it.)\n.*'way'"):
        cams(model, layer="aside", head=0)
    assert cams(model, layer="aside", head=1, target="all").values.any()
    flat = keras.Sequential([keras.Input(X.shape[1:]), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(LayerError, match="occlusion_maps"):
        cams(flat)
    with pytest.raises(LayerError, match="`occlusion_maps`"):
        cams(lambda x: np.zeros((len(x), 2)))
    with pytest.raises(ModelTypeError):
        cams(3)


def test_what_is_asked_is_checked(net: Any) -> None:
    with pytest.raises(OptionError, match="did you mean 'gradcam'"):
        cams(net, method="gradcm")
    with pytest.raises(OptionError, match=r"no such option.(.|\n)*did you mean 'layer'"):
        cams(net, layr="last")
    with pytest.raises(OptionError, match="normalize_alphas"):
        cams(net, method="gradcam++", normalize_alphas="yes")
    with pytest.raises(OptionError, match="'softmax' or 'output'"):
        cams(net, method="scorecam", channel_weights="mean")
    for name, wrong in (("relu", 1), ("by", "pixel"), ("replacement", "blur")):
        with pytest.raises(OptionError, match=f"`{name}`"):
            cams(net, **{name: wrong})


def test_where_there_is_no_derivative(keras: Any) -> None:
    layers, ops = keras.layers, keras.ops
    inputs = keras.Input(X.shape[1:])
    a = layers.Conv2D(3, 3, activation="relu", name="conv")(ops.round(inputs))  # before the layer, it does no harm
    fine = keras.Model(inputs, layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(a)))
    close(cams(fine, np.round(X), relu=False).values, cams(fine, X, relu=False).values)
    lost = keras.Model(inputs, layers.Dense(CLASSES)(ops.round(5 * layers.GlobalAveragePooling2D()(a))))
    with pytest.raises(UnsupportedOperationError, match=r"in the layer 'conv', and there is none(.|\n)*'scorecam'"):
        cams(lost)
    assert cams(lost, method="scorecam").values.any()
    assert cams(lost, method="eigencam").values.any()


def test_maps_that_are_not_finite_are_refused(keras: Any) -> None:
    layers, ops = keras.layers, keras.ops
    inputs = keras.Input(X.shape[1:])
    a = layers.Conv2D(2, 1, use_bias=False, activation="relu", name="conv")(inputs)
    pooled = layers.GlobalAveragePooling2D()(a)
    model = keras.Model(inputs, layers.Dense(2)(ops.sqrt(pooled)))
    x = X.copy()
    x[3] = 0  # sqrt(0) is finite, its derivative is not
    with pytest.raises(ModelError, match=r"Grad-CAM is not finite for an image in `x`(.|\n)*image 3"):
        cams(model, x, layer="conv", target=0)
    assert np.isfinite(cams(model, x[:3], layer="conv", target=0).values).all()


def test_maps_that_are_empty_are_told(pooled: Any) -> None:
    kernel, bias = pooled.get_layer("out").get_weights()
    kernel[:, 1] = -np.abs(kernel[:, 1])
    pooled.get_layer("out").set_weights([kernel, bias])
    found = cams(pooled, target=1)
    assert found.empty.all()
    assert "5 of 5 maps are 0 everywhere" in repr(found)
    table = found.to_frame()
    assert table[["row", "col"]].isna().all(axis=None)  # what is nowhere has no place
    assert set(table.dtypes[["row", "col"]]) == {pd.Int64Dtype()}
    assert (column(found.columns().columns["row"]) == np.iinfo(np.int32).min).all()  # R's NA
    assert not cams(pooled, target=1, relu=False).empty.any()
    assert found.plot(x=X) is not None  # nor does a picture of nothing fail


def test_tables_and_files(net: Any, tmp_path: Any) -> None:
    found = cams(net, X, Y, bands=list("abcd"), classes=["x", "y", "z"], target="all")
    table = found.to_frame()
    assert list(table.columns) == ["image", "class", "output", "mean", "mean_abs", "peak", "row", "col"]
    for row in table.itertuples():
        own = found.values[row.image, ["x", "y", "z"].index(row.output)]
        if own.any():
            assert row.peak == own[row.row, row.col] == own.max()
        else:
            assert row.row is row.col is pd.NA
    pixels = found.to_frame("pixel")
    assert list(pixels.columns) == ["image", "class", "output", "row", "col", "value"]
    at = pixels.iloc[37]
    assert at["value"] == found.values[at["image"], "xyz".index(at["output"]), at["row"], at["col"]]
    with pytest.raises(OptionError, match="by='band'"):
        found.to_frame("class")
    assert "x -> y" in found.summary()
    by = cams(net, X, Y, by="band", bands=list("abcd"), background=BACKGROUND)
    pixels = by.to_frame("pixel")
    assert list(pixels.columns) == ["image", "class", "output", "row", "col", "band", "wavelength", "value"]
    at = pixels.iloc[101]
    assert at["value"] == by.values[at["image"], 0, "abcd".index(at["band"]), at["row"], at["col"]]
    assert by.options == {"replacement": "background"}
    for one in (found, by):
        one.save(tmp_path / "maps.npz")
        back = bl.ActivationMaps.load(tmp_path / "maps.npz")
        assert repr(back) == repr(one)
        np.testing.assert_array_equal(back.values, one.values)
        assert back.to_frame().equals(one.to_frame())
    bl.band_importance(net, X, method="saliency").save(tmp_path / "other.npz")
    with pytest.raises(ResultError):
        bl.ActivationMaps.load(tmp_path / "other.npz")
    assert found.accuracy == np.mean(found.prediction == Y)
