"""Index formulas and normalisations on data with pixels that are zero, against exact Shapley values.

Ratios are huge there: layer by layer, such parts have multipliers of 1 / epsilon that cancel in the sum, so that
completeness can't see them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.deepshap.rules.exchange import coalitions
from conftest import weighted

Formula = Callable[[Any, Any], Any]
BLUE, GREEN, RED, NIR = range(4)

# pixels that are filled with zeros, which are warned of, are what this is about
pytestmark = pytest.mark.filterwarnings("ignore:.* are 0 in ")


def band(index: int) -> Callable[[Any], Any]:
    """One band of a batch of images."""
    return lambda t: t[..., index]


blue, green, red, nir = (band(index) for index in (BLUE, GREEN, RED, NIR))

INDICES: dict[str, Formula] = {
    "ndvi": lambda ops, t: (nir(t) - red(t)) / (nir(t) + red(t) + 1e-3),
    "ndvi, tiny epsilon": lambda ops, t: (t[..., 3:] - t[..., 2:3]) / (t[..., 3:] + t[..., 2:3] + 1e-7),
    "ndvi, guarded": lambda ops, t: (nir(t) - red(t)) / ops.maximum(nir(t) + red(t), 1e-6),
    "ndwi": lambda ops, t: (green(t) - nir(t)) / (green(t) + nir(t) + 1e-3),
    "savi": lambda ops, t: 1.5 * (nir(t) - red(t)) / (nir(t) + red(t) + 0.5),
    "evi": lambda ops, t: 2.5 * (nir(t) - red(t)) / (nir(t) + 6 * red(t) - 7.5 * blue(t) + 10.0),
    "simple ratio": lambda ops, t: nir(t) / (red(t) + 1e-2),
    "log ratio": lambda ops, t: ops.log((nir(t) + 1e-3) / (red(t) + 1e-3)),
    "msavi": lambda ops, t: (2 * nir(t) + 1 - ops.sqrt((2 * nir(t) + 1) ** 2 - 8 * (nir(t) - red(t)) + 9)) / 2,
    "transformed": lambda ops, t: ops.sqrt(ops.abs((nir(t) - red(t)) / (nir(t) + red(t) + 1e-3)) + 0.5),
    "burned area": lambda ops, t: 1 / ((0.1 - red(t)) ** 2 + (0.06 - nir(t)) ** 2 + 0.01),
    "share of four": lambda ops, t: red(t) / (blue(t) + green(t) + red(t) + nir(t) + 1e-4),
    "stacked": lambda ops, t: ops.stack(
        [(nir(t) - red(t)) / (nir(t) + red(t) + 1e-3), (green(t) - nir(t)) / (green(t) + nir(t) + 1e-3)], axis=-1
    ),
}


def moments(ops: Any, t: Any, axes: Any) -> tuple[Any, Any]:
    """Mean and standard deviation."""
    return ops.mean(t, axis=axes, keepdims=True), ops.std(t, axis=axes, keepdims=True)


def standardised(ops: Any, t: Any, axes: Any) -> Any:
    """Deviations from the mean, in standard deviations."""
    mean, deviation = moments(ops, t, axes)
    return (t - mean) / (deviation + 1e-6)


NORMALIZATIONS: dict[str, Any] = {
    "l2": lambda ops, t: ops.normalize(t, axis=-1),
    "l2, squeezed": lambda ops, t: t / ops.expand_dims(ops.sqrt(ops.sum(t * t, axis=-1) + 1e-9), -1),
    "share of the sum": lambda ops, t: t / (ops.sum(t, axis=-1, keepdims=True) + 1e-6),
    "share of the maximum": lambda ops, t: t / (ops.max(t, axis=-1, keepdims=True) + 1e-6),
    "standardised bands": lambda ops, t: standardised(ops, t, -1),
    "standardised image": lambda ops, t: standardised(ops, t, (1, 2, 3)),
    "variance as mean square": lambda ops, t: (
        (t - ops.mean(t, axis=-1, keepdims=True))
        / ops.sqrt(ops.mean(t * t, axis=-1, keepdims=True) - ops.mean(t, axis=-1, keepdims=True) ** 2 + 1e-4)
    ),
    "unit": "UnitNormalization",
    "rms": "RMSNormalization",
    "layer": "LayerNormalization",
    "layer, all axes": ("LayerNormalization", {"axis": (1, 2, 3)}),
    "group": ("GroupNormalization", {"groups": 2}),
    "instance": ("GroupNormalization", {"groups": -1}),
}


def around(layers: Any, x: Any) -> Any:
    """Another tensor that keeps bands apart."""
    return layers.Activation("tanh")(layers.AveragePooling2D(3, strides=1, padding="same")(x))


# what is normalised, where it is not the images themselves
SIX = np.random.default_rng(1).uniform(0.1, 1.0, (6, 3)).astype("float32")  # features of three classes
SPECTRA = np.random.default_rng(1).uniform(0.1, 1.0, (4, 3)).astype("float32")  # of three materials


def norm(ops: Any, t: Any) -> Any:
    """Lengths of spectra."""
    return ops.sqrt(ops.sum(t * t, axis=-1, keepdims=True))


def scaled(ops: Any, t: Any, axes: Any) -> Any:
    """From the least to the largest."""
    least, largest = (f(t, axis=axes, keepdims=True) for f in (ops.min, ops.max))
    return (t - least) / (largest - least + 1e-6)


def correlation(ops: Any, t: Any) -> Any:
    """Of the bands with the wavelengths."""
    deviations = t - ops.mean(t, axis=-1, keepdims=True)
    covariance = ops.sum(deviations * ops.convert_to_tensor([-3.0, -1.0, 1.0, 3.0]), axis=-1, keepdims=True)
    return covariance / (np.sqrt(20) * norm(ops, deviations) + 1e-6)


# made of several statistics of the same elements
STATISTICS: dict[str, Formula] = {
    "cosines": lambda ops, t: ops.matmul(t, SPECTRA) / (norm(ops, t) * norm(ops, ops.transpose(SPECTRA))[:, 0] + 1e-7),
    "cosines by reciprocal root": lambda ops, t: (
        ops.matmul(t, SPECTRA) * ops.rsqrt(ops.sum(t * t, axis=-1, keepdims=True) + 1e-12)
    ),
    "cosine, squeezed": lambda ops, t: (
        ops.sum(t * ops.convert_to_tensor(SPECTRA[:, 0]), axis=-1) / (ops.sqrt(ops.sum(t * t, axis=-1)) + 1e-7)
    ),
    "scaled": lambda ops, t: scaled(ops, t, -1),
    "saturation": lambda ops, t: (
        (ops.max(t[..., :3], axis=-1) - ops.min(t[..., :3], axis=-1)) / (ops.max(t[..., :3], axis=-1) + 1e-6)
    ),
    "mean over deviation": lambda ops, t: ops.mean(t, -1, keepdims=True) / (ops.std(t, axis=-1, keepdims=True) + 1e-6),
    "deviation over mean": lambda ops, t: ops.std(t, axis=-1, keepdims=True) / (ops.mean(t, -1, keepdims=True) + 1e-6),
    "cumulative share": lambda ops, t: ops.cumsum(t, axis=-1) / (ops.sum(t, axis=-1, keepdims=True) + 1e-6),
    "correlation": correlation,
    "kurtosis": lambda ops, t: ops.mean(t**4, -1, keepdims=True) / (ops.mean(t * t, -1, keepdims=True) ** 2 + 1e-8),
    "cosines of means": lambda ops, t: (
        ops.matmul(ops.mean(t, (1, 2)), SPECTRA) / (norm(ops, ops.mean(t, (1, 2))) + 1e-7)
    ),
    "attention": lambda ops, t: ops.softmax(50 * t, axis=-1),
}


BEFORE: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda layers, x: layers.Add()([x, around(layers, x)]),
    "maximum": lambda layers, x: layers.Maximum()([x, around(layers, x)]),
    "pooling": lambda layers, x: layers.MaxPooling2D(2)(x),
    "mean": lambda layers, x: layers.GlobalAveragePooling2D(keepdims=True)(x),
    "layer": lambda layers, x: layers.Conv2D(6, 1, use_bias=False)(x),
    "activation": lambda layers, x: layers.Conv2D(6, 3, padding="same", activation="relu", use_bias=False)(x),
    "normalisation": lambda layers, x: layers.LayerNormalization()(x),
    "positive part of a maximum": lambda layers, x: layers.ReLU()(layers.GlobalMaxPooling2D(keepdims=True)(x)),
}


def model_of(keras: Any, front: Any, outputs: int, before: str | None = None, bands: int = 4) -> Any:
    """A front, of the images or of what something before makes of them, and a linear head on all that it gives."""
    if callable(front):
        layer = keras.layers.Lambda(lambda t: front(keras.ops, t))
    elif isinstance(front, tuple):
        layer = getattr(keras.layers, front[0])(**front[1])
    else:
        layer = getattr(keras.layers, front)()
    inputs = x = keras.Input((4, 4, bands))
    if before is not None:
        x = BEFORE[before](keras.layers, inputs)
    return keras.Model(inputs, keras.layers.Dense(outputs)(keras.layers.Flatten()(layer(x))))


def tables(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scores by DeepSHAP, and exact Shapley values of bands."""
    random, shape = np.random.default_rng(4), model.input_shape[1:]
    images, background = random.uniform(0.05, 0.6, (4, *shape)), random.uniform(0.05, 0.6, (3, *shape))
    images[0, :2] = images[1, :, :, RED:] = 0  # pixels, and bands of them
    background[0, 1:3] = background[1] = 0
    found = [
        bl.band_importance(model, images, background=background, target="all", method=method)
        for method in ("deepshap", "shapley")
    ]
    assert found[0].completeness is not None
    assert found[0].completeness <= 1e-3
    return found[0].scores, found[1].scores


def assert_bounded_and_near(model: Any) -> None:
    ours, exact = tables(model)
    assert np.abs(ours).max() <= 3 * np.abs(exact).max()
    table, wanted = (np.abs(scores).mean(axis=0) for scores in (ours, exact))
    assert np.linalg.norm(table - wanted) <= 0.5 * np.linalg.norm(wanted)


# backwards with fewer outputs than bands, forwards with more
DIRECTIONS = pytest.mark.parametrize("outputs", [2, pytest.param(12, marks=pytest.mark.slow_elsewhere)])


@DIRECTIONS
@pytest.mark.parametrize("name", INDICES)
def test_indices_equal_exact_shapley_values(keras: Any, name: str, outputs: int) -> None:
    ours, exact = tables(model_of(keras, INDICES[name], outputs))
    assert np.abs(ours - exact).max() <= 1e-5 * np.abs(exact).max()


@DIRECTIONS
@pytest.mark.parametrize("name", STATISTICS)
def test_ratios_of_statistics_equal_exact_shapley_values(keras: Any, name: str, outputs: int) -> None:
    """Up to a million times as large, or several times without a word, before."""
    ours, exact = tables(weighted(model_of(keras, STATISTICS[name], outputs), 5))
    np.testing.assert_allclose(ours, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())


@pytest.mark.parametrize("bands", [6, pytest.param(9, marks=pytest.mark.slow_elsewhere)])
@pytest.mark.parametrize("name", ["scaled", "mean over deviation", "attention"])
def test_ratios_of_more_elements_are_near_exact(keras: Any, name: str, bands: int) -> None:
    ours, exact = tables(weighted(model_of(keras, STATISTICS[name], 2, bands=bands), 5))
    table, wanted = (np.abs(scores).mean(axis=0) for scores in (ours, exact))
    assert np.linalg.norm(table - wanted) <= 0.2 * np.linalg.norm(wanted)


@pytest.mark.parametrize("before", ["layer", "activation"])
@pytest.mark.parametrize("name", ["cosines", "scaled", "mean over deviation"])
def test_ratios_of_statistics_behind_layers_are_bounded_and_near_exact(keras: Any, name: str, before: str) -> None:
    fronts = {**STATISTICS, "cosines": lambda ops, t: ops.matmul(t, SIX) / (norm(ops, t) + 1e-7)}
    assert_bounded_and_near(weighted(model_of(keras, fronts[name], 2, before), 5))


@pytest.mark.parametrize(("name", "bands"), [("scaled image", 4), ("scaled image", 20), ("shares of bands", 4)])
def test_ratios_of_whole_images_are_bounded_and_near_exact(keras: Any, name: str, bands: int) -> None:
    fronts = {
        "scaled image": lambda ops, t: scaled(ops, t, (1, 2, 3)),
        "shares of bands": lambda ops, t: ops.mean(t, (1, 2)) / (ops.mean(t, (1, 2, 3))[:, None] + 1e-6),
    }
    assert_bounded_and_near(weighted(model_of(keras, fronts[name], 2, bands=bands), 5))


@pytest.mark.parametrize("name", ["cosines", "scaled", "correlations"])
def test_ratios_of_many_elements_are_bounded_and_near_exact(keras: Any, name: str) -> None:
    spectra = np.random.default_rng(1).uniform(0.1, 1.0, (17, 3)).astype("float32")

    def correlations(ops: Any, t: Any) -> Any:
        deviations = t - ops.mean(t, axis=-1, keepdims=True)
        return ops.matmul(deviations, spectra) / (norm(ops, deviations) + 1e-6)

    fronts = {
        "cosines": lambda ops, t: ops.matmul(t, spectra) / (norm(ops, t) + 1e-7),
        "scaled": STATISTICS["scaled"],
        "correlations": correlations,
    }
    assert_bounded_and_near(weighted(model_of(keras, fronts[name], 2, bands=17), 5))


def test_what_reads_neighbours_is_no_ratio_at_a_position(keras: Any) -> None:
    """What is exchanged at a position would be counted there, also where it changes nothing."""
    front = lambda ops, t: ops.average_pool(t, 3, 1, "same") / (norm(ops, t) + 0.5)  # noqa: E731
    assert_bounded_and_near(weighted(model_of(keras, front, 2), 5))


@pytest.mark.parametrize(("columns", "places"), [(1, 1), (3, 9), (20, 400), (3, 600)])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9, 16])
def test_coalitions_share_out_all_and_treat_all_alike(count: int, columns: int, places: int) -> None:
    there, weights = coalitions(count, columns, places)
    random = np.random.default_rng(count)
    parts, size = random.normal(size=count), there.sum(axis=2)
    own = np.einsum("cxi,cx->xi", weights, there @ parts)  # of a sum: each its own
    np.testing.assert_allclose(own, np.tile(parts, (columns, 1)), atol=1e-12)
    anything = random.normal(size=there.shape[:2])
    shared = np.einsum("cxi,cx->x", weights, anything)
    every, none = (anything.T[(size == number).T] for number in (count, 0))
    np.testing.assert_allclose(shared, every - none, atol=1e-12)
    if count % columns == 0 or columns % count == 0 or places <= 256 or count <= 4:
        # what depends on nothing but how many there are: all the same, once columns have shared all orders out
        alike = np.einsum("cxi,cx->i", weights, np.exp(-size / 3)) / columns
        np.testing.assert_allclose(alike, np.full(count, (np.exp(-count / 3) - 1) / count), atol=1e-12)


@DIRECTIONS
@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_normalisations_are_bounded_and_near_exact(keras: Any, name: str, outputs: int) -> None:
    assert_bounded_and_near(model_of(keras, NORMALIZATIONS[name], outputs))


@pytest.mark.parametrize("before", ["sum", "pooling", pytest.param("maximum", marks=pytest.mark.slow_elsewhere)])
@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_what_is_made_of_tensors_is_normalised_as_one(keras: Any, name: str, before: str) -> None:
    """Behind residual connections and pooling: tensors and statistic by themselves gave 1e11 times the exact scores."""
    assert_bounded_and_near(model_of(keras, NORMALIZATIONS[name], 2, before))


@pytest.mark.parametrize("before", ["mean", "positive part of a maximum"])
@pytest.mark.parametrize("name", ["l2", "share of the sum", "standardised bands", "rms", "layer"])
def test_statistics_are_normalised_as_what_they_are(keras: Any, name: str, before: str) -> None:
    """As in heads of networks, a layer normalisation behind global average pooling."""
    assert_bounded_and_near(model_of(keras, NORMALIZATIONS[name], 2, before))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow_elsewhere) for seed in (1, 2))])
@pytest.mark.parametrize("name", ["l2", "rms", "layer"])
def test_what_a_layer_makes_of_bands_comes_and_goes_with_them(keras: Any, name: str, seed: int) -> None:
    """Zero-filled pixels against others: taken for independent, a layer's outputs had up to 22 times the exact scores.

    What ReLU leaves is less like what single bands would leave.
    """
    assert_bounded_and_near(weighted(model_of(keras, NORMALIZATIONS[name], 2, "layer"), seed))
    ours, exact = tables(weighted(model_of(keras, NORMALIZATIONS[name], 2, "activation"), seed))
    assert np.abs(ours).max() <= 3 * np.abs(exact).max()


@pytest.mark.parametrize("name", ["l2", "rms", "layer"])
def test_what_is_normalised_twice_is_bounded_and_near_exact(keras: Any, name: str) -> None:
    assert_bounded_and_near(model_of(keras, NORMALIZATIONS[name], 2, "normalisation"))


def test_global_response_normalisation_is_bounded_and_near_exact(keras: Any) -> None:
    """ConvNeXt V2's: norms of channels over all pixels, relative to their mean (Woo et al. 2023)."""

    def front(ops: Any, t: Any) -> Any:
        norm = ops.sqrt(ops.sum(t * t, axis=(1, 2), keepdims=True) + 1e-12)
        return t * (norm / (ops.mean(norm, axis=-1, keepdims=True) + 1e-6)) + t

    assert_bounded_and_near(model_of(keras, front, 2))


def test_what_is_done_with_a_deviation_is_no_part_of_a_normalisation(keras: Any) -> None:
    """Multiplied with its own size, it is no longer proportional: taken for layer normalisation, scores are 7 times."""

    def front(ops: Any, t: Any) -> Any:
        deviation = t - ops.mean(t, axis=-1, keepdims=True)
        return deviation * ops.abs(deviation) / (ops.var(t, axis=-1, keepdims=True) + 1e-4)

    ours, exact = tables(model_of(keras, front, 2))
    assert np.abs(ours).max() <= 3 * np.abs(exact).max()


def test_published_pixel(keras: Any) -> None:
    """Red 0.2 and near infrared 0.4 against zeros: -133.4 and 133.8 layer by layer."""
    inputs = keras.Input((1, 1, 2))
    index = keras.layers.Lambda(lambda t: (t[..., 1] - t[..., 0]) / (t[..., 1] + t[..., 0] + 1e-3))(inputs)
    model = keras.Model(inputs, keras.layers.Flatten()(index))
    pixel = np.array([0.2, 0.4]).reshape(1, 1, 1, 2)
    result = bl.band_importance(model, pixel, background=np.zeros_like(pixel))

    def ndvi(r: float, n: float) -> float:
        return (n - r) / (n + r + 1e-3)

    of_red = (ndvi(0.2, 0) + ndvi(0.2, 0.4) - ndvi(0, 0.4)) / 2
    of_nir = (ndvi(0, 0.4) + ndvi(0.2, 0.4) - ndvi(0.2, 0)) / 2
    np.testing.assert_allclose(result.scores[0, 0], [of_red, of_nir], rtol=1e-5)
    np.testing.assert_allclose([of_red, of_nir], [-0.83, 1.16], atol=0.005)


def test_published_norm(keras: Any) -> None:
    """(3, 4, 0, 0) / 5 against zeros: (960000, -959999, 0, 0) layer by layer, for its first element."""
    inputs = keras.Input((4,))
    unit = keras.layers.Lambda(lambda t: keras.ops.normalize(t, axis=-1)[..., :1])(inputs)
    model = keras.Model(inputs, unit)
    pixel = np.array([[3.0, 4.0, 0.0, 0.0]])
    result = bl.band_importance(model, pixel, background=np.zeros_like(pixel))
    np.testing.assert_allclose(result.scores[0, 0], [0.8, -0.2, 0, 0], atol=1e-5)


@pytest.mark.parametrize("layer", ["UnitNormalization", "RMSNormalization", "LayerNormalization"])
def test_dead_pixels_behind_relu_are_bounded(keras: Any, layer: str) -> None:
    """1e10 and 48 times the output without a word, before."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6, 6, 4))
    x = keras.layers.Conv2D(6, 3, activation="relu", padding="same")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(getattr(keras.layers, layer)()(x))
    model = keras.Model(inputs, keras.layers.Dense(3)(x))
    random = np.random.default_rng(0)
    images, background = random.normal(size=(4, 6, 6, 4)), random.normal(size=(3, 6, 6, 4))
    images[:2, :4] = background[0] = 0
    ours = bl.band_importance(model, images, background=background, target="all")
    assert np.abs(ours.scores).max() <= 3 * np.abs(ours.output_values).max()
