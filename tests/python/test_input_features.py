"""Layers of models of several inputs: which there are, what excites their features, in which input."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BackgroundError, BandError, LayerError, OptionError
from keras import ops

SHAPES = {"optical": (8, 8, 3), "radar": (4, 4, 2), "weather": (4,)}


def arrays(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.normal(size=(n, *shape)).astype("float32") for name, shape in SHAPES.items()}


X = arrays(12)
SHORT: dict[str, Any] = {"steps": 16, "jitter": 0, "objective": "mean_activity"}


@pytest.fixture(scope="module")
def model() -> Any:
    """A feature of each input; the first of those that are fused is the second band of the radar, less the rain."""
    import keras

    inputs = {name: keras.Input(shape, name=name) for name, shape in SHAPES.items()}
    optical = keras.layers.Conv2D(2, 1, name="conv_optical")(inputs["optical"])
    radar = keras.layers.Conv2D(2, 1, name="conv_radar")(inputs["radar"])
    pooled = [keras.layers.GlobalAveragePooling2D()(one) for one in (optical, radar)]
    fused = keras.layers.Dense(2, name="fused")(keras.layers.Concatenate()([*pooled, inputs["weather"]]))
    made = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="scores")(fused))
    made.get_layer("conv_radar").set_weights([np.array([[[[0.0, 1], [1, 0]]]]), np.zeros(2)])
    made.get_layer("fused").set_weights([np.eye(8, 2, -2) + np.eye(8, 2, -4) * -1, np.zeros(2)])
    return made


def test_layers_are_listed(model: Any) -> None:
    listed = bl.list_layers(model)
    assert {"conv_optical", "conv_radar", "fused", "scores"} <= set(listed.names)
    assert listed.output_shapes[listed.names.index("conv_radar")] == (4, 4, 2)


def test_sizes_that_a_model_leaves_open_are_given(keras: Any) -> None:
    inputs = {"a": keras.Input((None, None, 3), name="a"), "b": keras.Input((4,), name="b")}
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 1, name="conv")(inputs["a"]))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()([pooled, inputs["b"]])))
    with pytest.raises(bl.errors.ModelError, match=r"how large the images of its inputs.*\n.*'a' \(n, any, any, 3\)"):
        bl.list_layers(model)
    listed = bl.list_layers(model, shape={"a": (5, 5, 3), "b": (4,)})
    assert listed.output_shapes[listed.names.index("conv")] == (5, 5, 2)


def test_images_that_excite_a_feature_are_shown_in_each_input(model: Any) -> None:
    top = bl.top_images(model, X, "fused", 0, n=3, statistic="mean", bands={"radar": ["VV", "VH"]})
    activation = X["radar"][..., 1].mean((1, 2)) - X["weather"][:, 0]
    best = np.argsort(-activation)[:3]
    for name, shape in SHAPES.items():
        one = top[name]
        assert one.input == name
        np.testing.assert_array_equal(one.index[0], best)
        np.testing.assert_allclose(one.activation[0], activation[best], rtol=1e-5)
        expected = X[name][best] if len(shape) == 3 else X[name][best][:, None, None]
        np.testing.assert_allclose(one.values[0], expected)
        np.testing.assert_allclose(one.all_mean, X[name].reshape(12, -1, shape[-1]).mean((0, 1)), atol=1e-6)
    assert top["radar"].bands == ("VV", "VH")
    table = top.to_frame("band")
    assert table.columns.tolist() == "feature place image input band wavelength mean std".split()
    assert len(table) == 3 * 9
    for options in ({"input": "radar"}, {"input": "weather", "kind": "spectrum"}):
        top.plot(**options).draw()


def test_an_image_is_made_for_each_input_that_matters(model: Any) -> None:
    found = bl.visualize_features(model, "fused", 0, background=X, bands={"radar": ["VV", "VH"]}, **SHORT)
    assert list(found) == ["radar", "weather"]  # no weight is on what comes from the optical images
    radar, weather = found["radar"], found["weather"]
    assert (radar.input, radar.bands, radar.values.shape) == ("radar", ("VV", "VH"), (1, 4, 4, 2))
    assert weather.values.shape == (1, 1, 1, 4)
    # others are held at the mean of the background, to which activations bear witness
    rest = -X["weather"][:, 0].mean()
    np.testing.assert_allclose(radar.activation_after, radar.values[0, ..., 1].mean() + rest, rtol=1e-4)
    contrast = radar.contrast[0]
    assert contrast[1] > 2 * contrast[0]
    only = bl.visualize_features(model, "fused", 0, background=X, input="radar", **SHORT)
    assert isinstance(only, bl.FeatureImages)
    np.testing.assert_array_equal(only.values, radar.values)
    assert found.to_frame("pixel").columns.tolist()[:5] == ["layer", "feature", "image", "input", "row"]


def test_what_is_held_is_the_backgrounds(model: Any) -> None:
    """A background of other weather is other weather, in the trace that was compiled before as well."""
    for rain in (0.0, 5.0):
        weather = np.full((12, 4), rain, "float32")
        background = {**X, "weather": weather}
        found = bl.visualize_features(model, "fused", 0, background=background, input="radar", **SHORT)
        np.testing.assert_allclose(found.activation_after, found.values[0, ..., 1].mean() - rain, rtol=1e-4)


def test_starts_and_ranges_of_each_input(model: Any) -> None:
    starts = {"radar": np.full((4, 4, 2), 0.5, "float32"), "weather": "grey"}
    options: dict[str, Any] = {**SHORT, "background": X, "steps": 0}
    ranges = {"radar": (0, 1), "weather": (-2, 2), "optical": (0, 1)}
    found = bl.visualize_features(model, "fused", 0, start={**starts, "optical": "grey"}, value_range=ranges, **options)
    np.testing.assert_array_equal(found["radar"].values, 0.5)
    assert found["weather"].low.tolist() == [-2] * 4
    np.testing.assert_array_equal(found["weather"].values, 0)
    assert (found["radar"].start, found["weather"].start) == ("given", "grey")


def test_logits_of_functions_of_several_inputs() -> None:
    def score(inputs: dict[str, Any]) -> Any:
        return ops.stack([ops.mean(inputs["radar"][..., 0], axis=(1, 2)), inputs["weather"][:, 1]], axis=1)

    x = {name: X[name] for name in ("radar", "weather")}
    found = bl.visualize_features(score, features=1, background=x, **{**SHORT, "objective": "logit"})
    assert list(found) == ["weather"]
    assert found["weather"].activation_after[0] > found["weather"].activation_before[0]


def test_found_images_stand_beside_those_of_the_data(model: Any) -> None:
    top = bl.top_images(model, X, "fused", 0, n=2)
    found = bl.visualize_features(model, "fused", 0, background=X, **SHORT)
    top.plot("radar", found=found).draw()
    with pytest.raises(bl.errors.InputError, match="`found` holds nothing for the input 'optical'"):
        top.plot("optical", found=found)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"background": None}, OptionError, r"several inputs: while an image.*\n.*`background`.*'optical'"),
    ({"background": X["radar"]}, BackgroundError, "`background` must hold an array for each"),
    ({"background": {"radar": X["radar"]}}, BackgroundError, "`background` does not hold what the model's inputs take"),
    ({"background": {**X, "radar": X["radar"][:3]}}, BackgroundError, "inputs in `background` hold different numbers"),
    ({"background": {**X, "radar": np.full((12, 4, 4, 2), np.nan)}}, BackgroundError, r"`background\['radar'\]` holds"),
    ({"bands": {"sar": ["VV"]}}, BandError, "`bands` names inputs that the model does not have"),
    ({"bands": {"radar": ["VV"]}}, BandError, "Input 'radar': the band names"),
    ({"input": "rader"}, OptionError, r"no such input.*\n.*\n.*\n.*did you mean 'radar'"),
    ({"input": "optical"}, LayerError, "features of layer 'fused' do not change with the input 'optical'"),
    ({"shape": (4, 4, 2)}, OptionError, "Shapes of several inputs are those of `background`"),
    ({"start": {"rader": "grey"}}, OptionError, "`start` says nothing of the input 'optical'"),
    ({"value_range": {"radar": (0, 1)}}, OptionError, "`value_range` says nothing of the input 'optical'"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "error", "message"), BAD, ids=[message[:30] for *_, message in BAD])
def test_what_is_wrong_is_said(model: Any, wrong: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bl.visualize_features(model, "fused", 0, **{"background": X, **SHORT, **wrong})


def test_a_model_of_one_input_has_no_others(keras: Any) -> None:
    model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(2, 1, name="conv")])
    with pytest.raises(OptionError, match=r"has one input.*\n.*no `input`"):
        bl.visualize_features(model, "conv", background=X["radar"], input="radar", **SHORT)
