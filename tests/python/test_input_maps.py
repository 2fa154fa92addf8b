"""Maps of models of several inputs: an array for each input, which together are what the scores are made of."""

from __future__ import annotations

import pickle
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import InputError, OptionError
from keras import ops

SHAPES = {"optical": (6, 6, 3), "radar": (3, 3, 2), "weather": (4,)}
MAPPED = [name for name, method in bl.METHODS.items() if method.maps is not None and name not in ("lime", "vargrad")]


def arrays(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.normal(size=(n, *shape)).astype("float32") for name, shape in SHAPES.items()}


X, BACKGROUND = arrays(5), arrays(8, seed=1)
Y = np.arange(5) % 2


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    inputs = {name: keras.Input(shape, name=name) for name, shape in SHAPES.items()}
    pooled = [
        keras.layers.GlobalAveragePooling2D()(
            keras.layers.Conv2D(4, 2, activation="relu", name=f"conv_{name}")(inputs[name])
        )
        for name in ("optical", "radar")
    ]
    hidden = keras.layers.Dense(6, activation="relu", name="fused")(
        keras.layers.Concatenate()([*pooled, inputs["weather"]])
    )
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(hidden))


def linear(keras: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """A model that is linear in all inputs, and its weights in the shapes of the inputs."""
    inputs = {name: keras.Input(shape, name=name) for name, shape in SHAPES.items()}
    flat = [keras.layers.Flatten()(values) for values in inputs.values()]
    made = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()(flat)))
    weights = made.get_weights()[0].astype("float64")
    parts = np.split(weights, np.cumsum([int(np.prod(shape)) for shape in SHAPES.values()])[:-1])
    pairs = zip(parts, SHAPES.items(), strict=True)
    return made, {name: part.T.reshape(2, *shape) for part, (name, shape) in pairs}


@pytest.mark.parametrize("method", ["deepshap", "integrated_gradients", "saliency"])
def test_linear_models_have_a_closed_form(keras: Any, method: str) -> None:
    model, weights = linear(keras)
    maps = bl.band_maps(model, X, background=BACKGROUND, method=method, target="all")
    assert maps.inputs == tuple(maps) == tuple(SHAPES)
    for name, weight in weights.items():
        expected = weight[None] * (X[name].astype("float64") - BACKGROUND[name].mean(axis=0, dtype="float64"))[:, None]
        if method == "saliency":
            expected = np.broadcast_to(np.abs(weight)[None], expected.shape)
        found = maps[name]
        assert (found.input, found.band_axis) == (name, len(SHAPES[name]))
        assert found.values.shape == (5, 2, *SHAPES[name])
        np.testing.assert_allclose(np.abs(found.values) if method == "saliency" else found.values, expected, atol=2e-6)
        np.testing.assert_array_equal(maps.arrays[name], found.values)


@pytest.mark.slow_elsewhere
@pytest.mark.parametrize("method", MAPPED)
def test_maps_add_up_to_scores(model: Any, method: str) -> None:
    options: dict[str, Any] = {"background": BACKGROUND, "method": method, "bands": {"radar": ["VV", "VH"]}}
    if "n_samples" in bl.METHODS[method].options:
        options["n_samples"] = 20
    maps = bl.band_maps(model, X, Y, **options)
    table = bl.band_importance(model, X, Y, statistic="band_sum" if method == "deepshap" else None, **options)
    additive = table.statistic == "band_sum"
    sums = []
    for name, one in maps.items():
        values = one.values if additive else np.abs(one.values)
        pixels = tuple(range(2, 2 + len(SHAPES[name]) - 1))
        sums.append(values.sum(axis=pixels) if additive else values.mean(axis=pixels))
    found = np.concatenate(sums, axis=-1)
    np.testing.assert_allclose(found, table.scores, atol=2e-5 * np.abs(table.scores).max())
    assert maps["radar"].bands == ("VV", "VH")
    assert maps["optical"].bands == ("band_1", "band_2", "band_3")
    if table.residuals is not None:
        np.testing.assert_allclose(maps["radar"].residuals, table.residuals, atol=1e-5)


@pytest.mark.slow_elsewhere
def test_superpixels_of_each_input(keras: Any) -> None:
    """Of a model that is linear, LIME finds what each region of each input contributes."""
    pytest.importorskip("skimage")
    model, weights = linear(keras)
    x = {name: values[:2] for name, values in X.items()}
    options: dict[str, Any] = {"method": "lime", "features": "superpixels", "n_segments": 3}
    options |= {"n_samples": 600, "ridge": 1e-8}
    maps = bl.band_maps(model, x, background=BACKGROUND, target="all", **options)
    table = bl.band_importance(model, x, background=BACKGROUND, target="all", **options)
    sums = []
    for name, weight in weights.items():
        terms = weight[None] * (x[name].astype("float64") - BACKGROUND[name].mean(axis=0, dtype="float64"))[:, None]
        found, pixels = maps[name].values, tuple(range(2, 1 + terms.ndim - 2))
        assert len(np.unique(found[0, 0, ..., 0])) > 1 or name == "weather"
        sums.append(found.sum(axis=pixels))
        np.testing.assert_allclose(sums[-1], terms.sum(axis=pixels), atol=1e-3)
        for value in np.unique(found[0, 0, ..., 0]):  # the mean of what its pixels contribute
            region = found[0, 0, ..., 0] == value
            np.testing.assert_allclose(terms[0, 0, ..., 0][region].mean(), value, atol=1e-3)
    np.testing.assert_allclose(np.concatenate(sums, axis=-1), table.scores, atol=1e-5)
    whole = bl.band_importance(model, x, background=BACKGROUND, target="all", groups="input", **options).scores
    np.testing.assert_allclose(whole, np.stack([one.sum(axis=-1) for one in sums], axis=-1), atol=2e-3)
    mixed = {"both": ["optical:band_1", "radar:band_1"]}
    grouped = bl.band_importance(model, x, background=BACKGROUND, target="all", groups=mixed, **options)
    both = grouped.scores[..., grouped.bands.index("both")]
    np.testing.assert_allclose(both, sums[0][..., 0] + sums[1][..., 0], atol=2e-3)


def test_one_table_of_all_inputs(model: Any) -> None:
    maps = bl.band_maps(model, X, Y, background=BACKGROUND, wavelengths={"optical": [480, 560, 660]})
    table = maps.to_frame()
    assert table.columns.tolist() == "image class output input row col band wavelength attribution".split()
    assert len(table) == 5 * (6 * 6 * 3 + 3 * 3 * 2 + 4)
    assert table["input"].cat.categories.tolist() == list(SHAPES)
    assert table["band"].cat.categories.tolist() == ["band_1", "band_2", "band_3", "band_4"]
    assert table["row"].isna().sum() == 5 * 4
    for at in (0, 17, 541, 600, 640):
        row = table.iloc[at]
        band = maps[row["input"]].bands.index(row["band"])
        place = (row["row"], row["col"]) if row["input"] != "weather" else ()
        assert row["attribution"] == maps[row["input"]].values[(row["image"], 0, *place, band)]
    assert (table["wavelength"] == 560).sum() == 5 * 36


def test_segmentation_with_several_inputs(keras: Any) -> None:
    inputs = {"optical": keras.Input((6, 6, 3), name="optical"), "dem": keras.Input((3, 3, 1), name="dem")}
    fused = keras.layers.Concatenate()([inputs["optical"], keras.layers.UpSampling2D(2)(inputs["dem"])])
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1, activation="softmax")(fused))
    weights = model.get_weights()[0][0, 0].astype("float64")
    x, background = ({"optical": one["optical"], "dem": one["radar"][..., :1]} for one in (X, BACKGROUND))
    y = np.random.default_rng(0).integers(0, 3, (5, 6, 6))
    maps = bl.band_maps(model, x, y, background=background)
    scores = bl.band_importance(model, x, y, background=background).scores
    sums = [one.values.sum(axis=(2, 3)) for one in maps.values()]
    np.testing.assert_allclose(np.concatenate(sums, axis=-1), scores, atol=1e-5)
    # the logit of a class, in the mean over the pixels that are labelled with it
    optical = maps["optical"]
    assert optical.images is not None
    for row in (0, 4, 11):
        image, code = optical.images[row], optical.image_class[row]
        zone = (y[image] == code) / (y[image] == code).sum()
        difference = x["optical"][image] - background["optical"].mean(axis=0)
        np.testing.assert_allclose(optical.values[row, 0], zone[..., None] * difference * weights[:3, code], atol=1e-5)


def test_functions_and_a_single_input_in_a_dict() -> None:
    def score(inputs: dict[str, Any]) -> Any:
        return ops.stack([ops.mean(inputs["radar"], axis=(1, 2, 3)), inputs["weather"][:, 1]], axis=1)

    maps = bl.band_maps(score, {name: X[name] for name in ("radar", "weather")}, method="gradient_x_input")
    assert list(maps) == ["radar", "weather"]
    only = bl.band_maps(lambda inputs: ops.mean(inputs["a"], axis=(1, 2)), {"a": X["optical"]}, method="saliency")
    assert list(only) == ["a"]


def test_they_are_plain_data(model: Any) -> None:
    maps = bl.band_maps(model, X, Y, background=BACKGROUND)
    again = pickle.loads(pickle.dumps(maps))
    for name in SHAPES:
        np.testing.assert_array_equal(again[name].values, maps[name].values)
    assert "3 inputs" in repr(maps)
    assert "of input 'radar'" in repr(maps["radar"])


@pytest.mark.slow_elsewhere
def test_an_input_is_chosen_for_a_picture(model: Any) -> None:
    maps = bl.band_maps(model, X, Y, background=BACKGROUND)
    for given in ({"input": "radar", "x": X}, {"input": 1, "x": list(X.values())}, {"input": "weather"}, {}):
        maps.plot(**given).draw()
    drawn = maps.plot("radar", image=[0, 1], x=X)
    assert "input radar" in drawn.labels.subtitle.replace("\n", " ")
    for wrong in ("rader", 3, True, None):
        with pytest.raises(OptionError, match="no such input"):
            maps.plot(wrong)
    with pytest.raises(OptionError, match="did you mean 'radar'"):
        maps.plot("rader")
    with pytest.raises(InputError, match="holds nothing for the input 'radar'"):
        maps.plot("radar", x={"optical": X["optical"]})
    with pytest.raises(InputError, match="not the images of the maps"):
        maps.plot("radar", x={"radar": X["optical"]})
