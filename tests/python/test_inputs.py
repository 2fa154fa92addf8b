"""Models of several inputs: one table over all of them, with what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BackgroundError, BandError, InputError, InputTypeError, ModelError, OptionError
from keras import ops

SHAPES = {"optical": (6, 6, 3), "radar": (3, 3, 2), "weather": (4,)}
N_BANDS = (3, 2, 4)
SEEDED = {"n_samples": 40}
FEWER: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("smoothgrad", "vargrad", "expected_gradients"), SEEDED),
    "lime": {"n_samples": 64},
}


def arrays(n: int, seed: int = 0, shapes: dict[str, tuple[int, ...]] = SHAPES) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.normal(size=(n, *shape)).astype("float32") for name, shape in shapes.items()}


X, BACKGROUND = arrays(10), arrays(8, seed=1)
Y = np.arange(10) % 3


def late(layers: Any, inputs: dict[str, Any], activation: str = "relu") -> Any:
    """A branch for each input; what they find is put together at the end."""
    found = []
    for name, values in inputs.items():
        if len(SHAPES[name]) == 3:
            inner = layers.Conv2D(4, 2, padding="same")(values)
            again = layers.Conv2D(4, 2, padding="same")(layers.Activation(activation)(inner))
            values = layers.GlobalAveragePooling2D()(layers.Activation(activation)(layers.Add()([inner, again])))
        found.append(layers.Dense(4, activation=activation)(values))
    return layers.Concatenate()(found)


def middle(layers: Any, inputs: dict[str, Any]) -> Any:
    """Radar is brought to the optical images' resolution, the weather to each pixel; then they are one."""
    radar = layers.UpSampling2D(2, interpolation="bilinear")(layers.Conv2D(4, 2, padding="same")(inputs["radar"]))
    weather = layers.UpSampling2D(6)(layers.Reshape((1, 1, 4))(layers.Dense(4, activation="relu")(inputs["weather"])))
    optical = layers.Conv2D(4, 2, padding="same", activation="relu")(inputs["optical"])
    fused = layers.Concatenate()([optical, radar, weather])
    inner = layers.Conv2D(12, 3, padding="same")(layers.ReLU()(layers.BatchNormalization()(fused)))
    return layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([fused, inner])))


def network(
    keras: Any, build: Callable[..., Any], form: Callable[[dict[str, Any]], Any] = lambda inputs: inputs
) -> Any:
    inputs = {name: keras.Input(shape, name=name) for name, shape in SHAPES.items()}
    outputs = keras.layers.Dense(3, activation="softmax")(build(keras.layers, inputs))
    return keras.Model(form(inputs), outputs)


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return network(keras, late)


def test_the_table_has_all_inputs(model: Any) -> None:
    result = bl.band_importance(model, X, Y, background=BACKGROUND, bands={"radar": ["VV", "VH"]})
    assert result.inputs == ("optical",) * 3 + ("radar",) * 2 + ("weather",) * 4
    assert result.bands[:5] == ("band_1", "band_2", "band_3", "VV", "VH")
    assert result.times is None
    np.testing.assert_allclose(result.table.share.sum(axis=1), 1)
    means = np.concatenate([X["optical"].mean((1, 2)), X["radar"].mean((1, 2)), X["weather"]], axis=1)
    np.testing.assert_allclose(result.band_means, means, atol=1e-6)


@pytest.mark.parametrize("build", [late, middle])
def test_complete_over_all_inputs(keras: Any, build: Callable[..., Any]) -> None:
    result = bl.band_importance(network(keras, build), X, Y, background=BACKGROUND, target="all")
    assert result.completeness is not None
    assert result.completeness < 1e-4
    sums = result.scores.sum(axis=-1)
    np.testing.assert_allclose(sums, result.output_values - result.base_values, atol=1e-5)


def linear(keras: Any) -> tuple[Any, list[np.ndarray]]:
    """A model that is linear in all inputs, and its weights in the shapes of the inputs."""
    inputs = {name: keras.Input(shape, name=name) for name, shape in SHAPES.items()}
    flat = [keras.layers.Flatten()(values) for values in inputs.values()]
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()(flat)))
    weights = model.get_weights()[0].astype("float64")
    parts = np.split(weights, np.cumsum([int(np.prod(shape)) for shape in SHAPES.values()])[:-1])
    return model, [part.T.reshape(2, *shape) for part, shape in zip(parts, SHAPES.values(), strict=True)]


@pytest.mark.parametrize("method", ["deepshap", "integrated_gradients", "shapley", "occlusion"])
def test_linear_models_have_a_closed_form(keras: Any, method: str) -> None:
    model, weights = linear(keras)
    found = bl.band_importance(model, X, background=BACKGROUND, method=method, target="all").scores
    expected = []
    for weight, x, background in zip(weights, X.values(), BACKGROUND.values(), strict=True):
        terms = weight[None] * (x.astype("float64") - background.mean(axis=0, dtype="float64"))[:, None]
        expected.append(terms.sum(axis=(2, 3)) if terms.ndim == 5 else terms)
    every = np.concatenate(expected, axis=-1)
    tolerance = 1e-6 if method in ("deepshap", "integrated_gradients") else 1e-5  # differences of outputs in float32
    np.testing.assert_allclose(found, every, atol=tolerance * np.abs(every).max())


@pytest.mark.tensorflow
def test_as_shap_for_two_inputs(keras: Any) -> None:
    shap = pytest.importorskip("shap")
    inputs = [keras.Input((5, 5, 3)), keras.Input((4,))]
    inner = keras.layers.Conv2D(4, 2, activation="relu")(inputs[0])
    both = [keras.layers.Flatten()(inner), keras.layers.Dense(4, activation="relu")(inputs[1])]
    hidden = keras.layers.Dense(6, activation="relu")(keras.layers.Concatenate()(both))
    model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
    x, background = (
        [one.astype("float32") for one in arrays(n, seed, {"a": (5, 5, 3), "b": (4,)}).values()]
        for n, seed in ((4, 0), (6, 1))
    )
    theirs = shap.DeepExplainer(model, background).shap_values(x, check_additivity=False)
    expected = np.concatenate([theirs[0].sum(axis=(1, 2)), theirs[1]], axis=1)
    found = bl.band_importance(model, x, background=background, target="all").scores
    np.testing.assert_allclose(found, np.moveaxis(expected, -1, 1), atol=1e-5 * np.abs(expected).max())


def planted(inputs: dict[str, Any]) -> Any:
    """Classes that depend on the second band of the radar alone."""
    values = ops.mean(inputs["radar"][..., 1], axis=(1, 2))[:, None]
    # the others are looked at, for nothing
    nothing = ops.mean(inputs["optical"], axis=(1, 2))[:, :1] * 0 + inputs["weather"][:, :1] * 0
    return ops.concatenate([2 * values + nothing, ops.relu(-3 * values), ops.sin(values)], axis=1)


@pytest.mark.parametrize("method", ["deepshap", "permutation"])
def test_functions_of_several_inputs_are_explained(method: str) -> None:
    """Models and all methods: `test_planted_kinds.py`."""
    x = arrays(30)
    y = np.asarray(ops.convert_to_numpy(planted({name: ops.convert_to_tensor(x[name]) for name in x}))).argmax(1)
    result = bl.band_importance(planted, x, y, method=method)
    importance = result.overall.importance[0]
    assert (result.inputs[importance.argmax()], result.bands[importance.argmax()]) == ("radar", "band_2")
    assert np.delete(np.abs(importance), 4).max() <= 1e-5 * importance.max()


@pytest.mark.parametrize("method", bl.METHODS)
def test_batches_don_t_matter(model: Any, method: str) -> None:
    options = {"background": BACKGROUND, "method": method, **FEWER.get(method, {})}
    one = bl.band_importance(model, X, Y, batch_size=3, **options).scores
    other = bl.band_importance(model, X, Y, **options).scores
    np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


def test_one_input_in_two_halves_is_one_input(keras: Any) -> None:
    """The bands of an image as two inputs, which the model puts together: nothing changes but the names."""
    plain = keras.Sequential([keras.Input((6, 6, 5)), keras.layers.Conv2D(4, 3, activation="relu")])
    plain.add(keras.layers.GlobalAveragePooling2D())
    plain.add(keras.layers.Dense(3, activation="softmax"))
    halves = [keras.Input((6, 6, 3)), keras.Input((6, 6, 2))]
    split = keras.Model(halves, plain(keras.layers.Concatenate()(halves)))
    x = np.random.default_rng(0).normal(size=(9, 6, 6, 5)).astype("float32")
    for method in ("deepshap", "permutation", "shapley", "saliency", "expected_gradients"):
        expected = bl.band_importance(plain, x, Y[:9], method=method).scores
        found = bl.band_importance(split, [x[..., :3], x[..., 3:]], Y[:9], method=method).scores
        np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max())


def test_inputs_come_in_any_form(keras: Any, model: Any) -> None:
    expected = bl.band_importance(model, X, Y).scores
    in_order = bl.band_importance(model, [X[tensor.name] for tensor in model.inputs], Y).scores
    np.testing.assert_array_equal(in_order, expected)

    def nested(inputs: dict[str, Any]) -> Any:
        return {"images": {"a": inputs["optical"], "b": [inputs["radar"]]}, "weather": inputs["weather"]}

    keras.utils.set_random_seed(1)
    inner = network(keras, late, nested)
    inner.set_weights(model.get_weights())
    for given in (X, nested(X)):
        np.testing.assert_allclose(bl.band_importance(inner, given, Y).scores, expected, rtol=1e-4, atol=1e-7)


def test_one_input_in_a_dict(keras: Any) -> None:
    model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    expected = bl.band_importance(model, X["optical"]).scores
    result = bl.band_importance(model, {model.inputs[0].name: X["optical"]})
    np.testing.assert_allclose(result.scores, expected, atol=1e-6)


def test_as_an_explanation_of_shap(model: Any) -> None:
    pytest.importorskip("shap")
    result = bl.band_importance(model, X, Y, background=BACKGROUND, bands={"radar": ["VV", "VH"]})
    explanation = result.to_shap()
    assert explanation.feature_names[2:5] == ["optical: band_3", "radar: VV", "radar: VH"]
    np.testing.assert_allclose(explanation.data[:, 5:], X["weather"], rtol=1e-6)
    sums = explanation.values.sum(axis=1) + explanation.base_values
    np.testing.assert_allclose(sums, result.output_values[:, 0], atol=1e-5)


def test_functions_of_arrays_take_a_dict() -> None:
    def score(inputs: dict[str, np.ndarray]) -> np.ndarray:
        assert isinstance(inputs["radar"], np.ndarray)
        rows = np.stack([inputs["radar"][..., 0].mean((1, 2)), inputs["weather"][:, 2]], axis=1)
        return np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)

    result = bl.band_importance(score, X, method="shapley")
    assert set(np.flatnonzero(np.abs(result.scores).max(axis=(0, 1)) > 1e-7)) == {3, 7}


def test_groups_of_inputs_and_of_bands(model: Any) -> None:
    single = bl.band_importance(model, X, Y, background=BACKGROUND, bands={"weather": ["t", "band_1", "p", "q"]})
    whole = bl.band_importance(model, X, Y, background=BACKGROUND, groups="input")
    assert whole.bands == whole.inputs == ("optical", "radar", "weather")
    sums = np.add.reduceat(single.scores, [0, 3, 5], axis=-1)
    np.testing.assert_allclose(whole.scores, sums, rtol=1e-5, atol=1e-7)
    groups = {"dry": ["t", "radar:band_2"], "wet": [("optical", "band_1"), ("weather", "band_1")]}
    bands = {"weather": ["t", "band_1", "p", "q"]}
    mixed = bl.band_importance(model, X, Y, background=BACKGROUND, groups=groups, bands=bands)
    assert mixed.bands == ("wet", "band_2", "band_3", "band_1", "dry", "p", "q")
    assert mixed.inputs[0] == "optical + weather"
    assert mixed.groups == {"dry": ["weather:t", "radar:band_2"], "wet": ["optical:band_1", "weather:band_1"]}
    np.testing.assert_allclose(
        mixed.scores[..., 4], single.scores[..., 5] + single.scores[..., 4], rtol=1e-5, atol=1e-7
    )


def test_names_come_with_each_input(model: Any) -> None:
    x = {**X, "radar": bl.LabelledImages(X["radar"], bands=["VV", "VH"], wavelengths=[5e7, 5e7])}
    result = bl.band_importance(model, bl.LabelledImages(x, y=Y, classes=["a", "b", "c"]))
    assert result.bands[3:5] == ("VV", "VH")
    assert result.wavelengths[3] == 5e7
    assert result.classes == ("a", "b", "c")


def test_bands_of_an_input_are_brought_into_order(model: Any) -> None:
    turned = {**X, "radar": bl.LabelledImages(X["radar"][..., ::-1], bands=["VH", "VV"])}
    background = {**BACKGROUND, "radar": bl.LabelledImages(BACKGROUND["radar"], bands=["VV", "VH"])}
    with pytest.raises(BandError, match="another order"):
        bl.band_importance(model, turned, Y, background=background)
    found = bl.band_importance(model, turned, Y, background=background, reorder=True)
    expected = bl.band_importance(model, X, Y, background=BACKGROUND)
    assert found.bands[3:5] == ("VV", "VH")
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)


def test_axes_of_each_input(keras: Any) -> None:
    first = {"optical": (3, 6, 6), "weather": (4,)}
    inputs = {name: keras.Input(shape, name=name) for name, shape in first.items()}
    pooled = keras.layers.Lambda(lambda x: ops.mean(x, axis=(2, 3)), output_shape=(3,))(inputs["optical"])
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()([pooled, inputs["weather"]])))
    x = {"optical": np.moveaxis(X["optical"], -1, 1), "weather": X["weather"]}
    for axis in (1, {"optical": 1}, [1, -1]):
        result = bl.band_importance(model, x, band_axis=axis)
        assert len(result.bands) == 7
        np.testing.assert_allclose(result.band_means[:, :3], X["optical"].mean((1, 2)), rtol=1e-5, atol=1e-7)


def test_a_baseline_of_each_input(model: Any) -> None:
    zero = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    options = {"method": "integrated_gradients"}
    found = bl.band_importance(model, X, Y, baseline=zero, **options)
    np.testing.assert_array_equal(found.scores, bl.band_importance(model, X, Y, baseline="zero", **options).scores)


@pytest.mark.filterwarnings("ignore::bandlens.errors.BandlensWarning")
def test_checks_ask_again(model: Any) -> None:
    options: dict[str, Any] = {"background": BACKGROUND, "bands": {"radar": ["VV", "VH"]}}
    table = bl.band_importance(model, X, Y, **options)
    stable = bl.check_stability(model, X, Y, backgrounds=2, resamples=20, **{**options, "n_background": 4})
    assert list(stable.to_frame())[:5] == ["class", "output", "input", "band", "wavelength"]
    assert "radar: VV" in stable.levels["rival"]
    assert stable.plot().data["band"].cat.categories.tolist()[3:5] == ["radar: VV", "radar: VH"]
    random = bl.check_randomization(model, X, Y, repeats=1, layers=2, **options)
    assert random.facts
    gone = bl.check_deletion(model, table, X, Y, background=BACKGROUND, orders=3, bands=options["bands"])
    curve = gone.to_frame()
    assert list(curve)[:6] == ["order", "class", "removed", "input", "band", "measure"]
    last = curve[curve["order"] == "reverse"].dropna(subset=["input"])
    assert set(zip(last["input"], last["band"], strict=True)) == set(zip(table.inputs, table.bands, strict=True))
    grouped = bl.band_importance(model, X, Y, groups="input")
    whole = bl.check_deletion(model, grouped, X, Y, orders=3)
    assert whole.levels["band"] == whole.levels["input"] == ("optical", "radar", "weather")
    alike = bl.compare_importance(table, bl.band_importance(model, X, Y, method="occlusion", **options))
    assert alike.facts["bands"] == 9
    response = bl.band_response(model, X, Y, only=["radar: band_1"], steps=3)
    assert (response.inputs, response.bands) == (("radar",), ("band_1",))
    with pytest.raises(bl.errors.ResultError, match="bands"):
        bl.check_deletion(model, table, X, Y, bands={"radar": ["VH", "VV"]})


def test_what_does_not_fit_is_said_of_the_input(model: Any) -> None:
    random = np.random.default_rng(3)
    x = {name: random.uniform(0.1, 1, (20, *shape)).astype("float32") for name, shape in SHAPES.items()}
    x["radar"][..., 1] = 3
    larger = {**x, "optical": 1000 * x["optical"]}
    with pytest.warns(bl.errors.DataWarning) as said:
        bl.band_importance(model, x, background=larger, method="occlusion", replacement="background_mean")
    messages = sorted(str(one.message) for one in said)
    assert "Band 'band_2' (3) has one value in all of `x['radar']` and `background['radar']`" in messages[0]
    assert "`x['optical']` and `background['optical']` are on different scales" in messages[1]


def test_bands_without_a_derivative_are_named() -> None:
    def model(inputs: dict[str, Any]) -> Any:
        steps = ops.round(ops.mean(inputs["radar"], axis=(1, 2)))
        return ops.concatenate([steps[:, :1] + inputs["weather"][:, :1], steps[:, 1:]], axis=1) * 2.0

    with pytest.warns(bl.errors.NoDerivativeWarning, match="bands radar: band_1, radar: band_2,"):
        bl.band_importance(model, X, method="saliency")


def test_a_function_that_fails_is_told_what_it_got() -> None:
    def score(inputs: dict[str, Any]) -> Any:
        raise KeyError(next(iter(inputs)) + "!")

    with pytest.raises(ModelError, match=r"optical!(.|\n)*\(6, 6, 3\) as 'optical', \(3, 3, 2\) as 'radar'"):
        bl.band_importance(score, X, method="occlusion")


@pytest.mark.parametrize("method", ["deepshap", "occlusion", "saliency", "permutation"])
def test_pixels_of_several_inputs_and_steps(keras: Any, method: str) -> None:
    """A map of classes from an image and a time series: the other end of a model makes no difference."""
    layers = keras.layers
    image, series = keras.Input((4, 4, 2), name="image"), keras.Input((3, 2), name="series")
    rows = layers.UpSampling2D(4)(layers.Reshape((1, 1, 6))(series))
    model = keras.Model([image, series], layers.Conv2D(3, 1, activation="softmax")(layers.Concatenate()([image, rows])))
    random = np.random.default_rng(0)
    x = {"image": random.normal(size=(6, 4, 4, 2)), "series": random.normal(size=(6, 3, 2))}
    y = random.integers(0, 3, (6, 4, 4))
    result = bl.band_importance(model, x, y, method=method, time_axis={"series": 1})
    assert result.scores.shape[-1] == 2 + 2 * 3
    if method == "deepshap":
        assert result.completeness is not None
        assert result.completeness < 1e-4


@pytest.mark.parametrize("method", ["deepshap", "occlusion", "integrated_gradients"])
@pytest.mark.parametrize("band", ["radar:VV", "optical:band_2", ("weather", "band_4")])
def test_two_bands_more_of_one_input(model: Any, method: str, band: Any) -> None:
    options: dict[str, Any] = {"bands": {"radar": ["VV", "VH"]}, "wavelengths": {"radar": [5e7, 5e7]}}
    if method == "integrated_gradients":
        options["baseline"] = {name: np.full(shape, 0.1) for name, shape in SHAPES.items()}
        options["n_steps"] = 100
    found = bl.check_null(model, X, Y, method=method, background=BACKGROUND, duplicate=band, **options)
    assert found.passed
    own = found.to_frame()
    assert list(own)[:5] == ["class", "output", "role", "input", "band"]
    name, copied = band if isinstance(band, tuple) else band.split(":")
    assert set(own["input"]) == {name}
    assert own["band"].unique().tolist() == ["noise", copied, f"{copied} (copy)"]


def test_the_band_to_copy_must_be_one(model: Any) -> None:
    with pytest.raises(BandError, match=r"Several inputs have(.|\n)*optical:band_1"):
        bl.check_null(model, X, Y, duplicate="band_1")


def test_names_of_each_input_are_kept_with_the_model(model: Any, tmp_path: Any) -> None:
    path = tmp_path / "model.keras"
    model.save(path)
    bl.set_bands(path, {"radar": ["VV", "VH"]})
    assert bl.bands_of(path) == {"radar": ("VV", "VH")}
    assert bl.band_importance(path, X, Y, method="saliency").bands[3:5] == ("VV", "VH")
    turned = {**X, "radar": bl.LabelledImages(X["radar"][..., ::-1], bands=["VH", "VV"])}
    with pytest.raises(BandError, match=r"`x\['radar'\]` has the bands of the model in another order"):
        bl.band_importance(path, turned, Y, method="saliency")
    found = bl.band_importance(path, turned, Y, method="saliency", reorder=True)
    np.testing.assert_allclose(found.scores, bl.band_importance(model, X, Y, method="saliency").scores, rtol=1e-6)
    bl.set_bands(path, {"radar": ["VV", "VH"], "sar": ["VV"]})
    with pytest.raises(BandError, match="inputs that the model does not have"):
        bl.band_importance(path, X, Y, method="saliency")
    bl.set_bands(path, ["VV", "VH"])
    with pytest.raises(BandError, match="nothing says whose"):
        bl.band_importance(path, X, Y, method="saliency")
    bl.set_bands(path, None)
    assert bl.bands_of(path) is None
    bl.set_bands(planted, {"sar": ["VV"]})
    with pytest.raises(BandError, match="`set_bands` names inputs that the model does not have"):
        bl.band_importance(planted, X, method="saliency")
    bl.set_bands(planted, ["VV"])
    with pytest.raises(BandError, match="nothing says whose names they are"):
        bl.band_importance(planted, X, method="saliency")
    bl.set_bands(planted, None)
    bad: list[tuple[Any, str]] = [
        ({"rader": ["VV", "VH"]}, r"inputs that the model does not have.*\n.*\n.*'rader'\n.*did you mean 'radar'"),
        ({"radar": ["VV"]}, r"'radar' takes another number of bands"),
        ({"radar": "VV"}, "of input 'radar' must be texts"),
        ({"radar": ["VV", "VV"]}, "of input 'radar' must differ"),
        ({}, "No input has names"),
    ]
    for wrong, message in bad:
        with pytest.raises(BandError, match=message):
            bl.set_bands(model, wrong)


def subclassed(keras: Any) -> Any:
    """A model without inputs of its own, which takes a list."""

    class Fused(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv = keras.layers.Conv2D(4, 2, activation="relu")
            self.dense = keras.layers.Dense(3, activation="softmax")

        def call(self, inputs: Any) -> Any:
            optical, weather = inputs
            return self.dense(ops.concatenate([ops.mean(self.conv(optical), axis=(1, 2)), weather], axis=1))

    keras.utils.set_random_seed(1)
    return Fused()


@pytest.mark.parametrize("how", ["never", "list", "tuple"])
def test_a_subclassed_model_takes_a_list(keras: Any, how: str) -> None:
    model, x = subclassed(keras), [X["optical"], X["weather"]]
    if how != "never":
        model(x if how == "list" else tuple(x))
    result = bl.band_importance(model, x, Y, background=[BACKGROUND["optical"], BACKGROUND["weather"]])
    assert result.inputs == ("input_1",) * 3 + ("input_2",) * 4
    sums = result.scores.sum(axis=-1)[:, 0]
    outputs = np.log(np.asarray(ops.convert_to_numpy(model(x))))
    differences = result.output_values[:, 0] - result.base_values[:, 0]
    np.testing.assert_allclose(sums, differences, atol=1e-5)
    predicted = bl.band_importance(model, x, target="all", method="saliency")
    np.testing.assert_array_equal(predicted.prediction, outputs.argmax(axis=1))
    larger = [np.concatenate([X["optical"]] * 2, axis=1), X["weather"]]
    assert bl.band_importance(model, larger, method="saliency").n == 10
    named = bl.band_importance(model, {"input_1": x[0], "input_2": x[1]}, method="saliency", bands=[None, list("abcd")])
    assert named.bands[3:] == ("a", "b", "c", "d")
    with pytest.raises(InputError, match=r"`x` does not hold.*\n.*'input_1' \(n, any, any, any\)"):
        bl.band_importance(model, dict(zip(("optical", "weather"), x, strict=True)))
    with pytest.raises(ModelError, match="several inputs"):
        bl.band_importance(model, X["optical"])


def test_a_subclassed_model_takes_images_or_says_what_it_can_t(keras: Any) -> None:
    class Single(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv = keras.layers.Conv2D(2, 2)

        def call(self, inputs: Any) -> Any:
            return ops.mean(self.conv(inputs), axis=(1, 2))

    images = list(X["optical"][:4])
    assert bl.band_importance(Single(), images, method="saliency").n == 4
    with pytest.raises(
        ModelError, match=r"list of arrays of different shapes.*\n.*an array for each.*\n.*\n.*give one"
    ):
        bl.band_importance(Single(), [X["optical"], X["weather"]])


def test_activations_for_several_inputs(model: Any) -> None:
    layer = next(one for one in model.layers if one.name.startswith("concatenate"))
    found = bl.layer_activations(model, X, layer.name)
    inner = type(model)(model.inputs, layer.output)
    expected = inner.predict([X[tensor.name] for tensor in model.inputs], verbose=0)
    np.testing.assert_allclose(found.values.reshape(expected.shape), expected, atol=1e-5)


def without(name: str) -> dict[str, np.ndarray]:
    return {key: values for key, values in X.items() if key != name}


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"x": X["optical"]}, ModelError, r"several inputs.*\n.*'optical' \(n, 6, 6, 3\).*\n.*\n.*give a dict"),
    ({"x": without("radar")}, InputError, r"model's inputs take.*\n.*3 inputs.*'radar' \(n, 3, 3, 2\)"),
    ({"x": {**without("radar"), "rader": X["radar"]}}, InputError, "did you mean 'radar'"),
    ({"x": [X["optical"], X["radar"]]}, InputError, r"3 inputs.*\n.*2 arrays"),
    ({"x": {**X, "radar": X["radar"][:7]}}, InputError, r"different numbers of images.*\n.*\n.*'radar' \(7, 3, 3, 2\)"),
    ({"x": {**X, "radar": X["optical"]}}, InputError, r"as its input 'radar'.*\n.*\(n, 3, 3, 2\)"),
    ({"x": {**X, "radar": np.full_like(X["radar"], np.nan)}}, InputError, r"`x\['radar'\]` holds values that"),
    ({"x": {**X, "radar": {"a": X["radar"]}}}, InputTypeError, "'radar' in `x` is not an array"),
    ({"x": {**X, "radar": np.array(["a"] * 10)}}, InputTypeError, r"`x\['radar'\]` does not hold real numbers"),
    ({"background": X["optical"]}, BackgroundError, "an array for each of the model's inputs"),
    ({"background": without("radar")}, BackgroundError, "`background` does not hold what"),
    ({"background": {**X, "radar": X["radar"][:, :2]}}, BackgroundError, "background of input 'radar' has"),
    ({"background": {**X, "radar": X["radar"][:4]}}, BackgroundError, "different numbers of images"),
    ({"bands": {"sar": ["VV", "VH"]}}, BandError, "`bands` names inputs that the model does not have"),
    ({"bands": {"radar": ["VV"]}}, BandError, "Input 'radar': the band names don't match"),
    ({"bands": {"radar": ["VV", "VV"]}}, BandError, "Input 'radar': band names must differ"),
    ({"band_axis": [1, -1]}, BandError, "`band_axis` does not have one entry for each input"),
    ({"band_axis": {"radar": 7}}, BandError, r"`band_axis` = 7 is not an axis .* of `x\['radar'\]`"),
    ({"groups": {"all": ["band_1"]}}, BandError, r"several inputs have.*\n.*'optical:band_1' or 'radar:band_1'"),
    ({"groups": {"all": ["radar:VV"]}}, BandError, "a band that there is not"),
    ({"groups": {"all": [0]}}, BandError, "a band that there is not"),
    ({"method": "occlusion", "replacement": "blur"}, OptionError, "nothing to blur in input 'weather'"),
    ({"method": "integrated_gradients", "baseline": without("radar")}, InputError, "`baseline` does not hold"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "error", "message"), BAD, ids=[message[:40] for *_, message in BAD])
def test_what_is_wrong_is_said(model: Any, wrong: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"x": X, "y": Y, **wrong}
    with pytest.raises(error, match=message):
        bl.band_importance(model, **arguments)


def test_what_takes_one_input_says_so(model: Any) -> None:
    with pytest.raises(BandError, match=r"nothing says whose bands.*\n.*names for each input"):
        bl.set_bands(model, ["a", "b"])
    with pytest.raises(BandError, match="needs a model of several inputs"):
        bl.band_importance(lambda x: ops.mean(x, axis=(1, 2)), X["optical"], groups="input")
    layer = model.layers[-1].name
    with pytest.raises(ModelError, match=r"several inputs.*\n.*'optical' \(n, 6, 6, 3\)"):
        bl.top_images(model, X["optical"], layer)
    with pytest.raises(OptionError, match="several inputs: while an image is made for one"):
        bl.visualize_features(model, layer, shape=(6, 6, 3), value_range=(0, 1))
