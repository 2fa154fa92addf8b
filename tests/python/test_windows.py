"""Windows of scenes: scores of pixels where a model that looks at pixels one by one tells them beforehand."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BandlensError, LabelError, ModelError, OptionError
from bandlens.explain.question import Question
from bandlens.explain.windows import pixel_scores, window_outputs
from bandlens.r import windows as crossing

RANDOM = np.random.default_rng(3)
BANDS = 4
X = RANDOM.normal(size=(5, 6, 6, BANDS)).astype("float32")
BACKGROUND = RANDOM.normal(size=(7, 6, 6, BANDS)).astype("float32")
WEIGHTS = RANDOM.normal(size=(BANDS, 3)).astype("float32")
CODES = RANDOM.integers(-1, 3, (5, 6, 6))
CODES[1] = 2


def of_pixels(keras: Any, weights: np.ndarray, activation: str | None, *behind: Any) -> Any:
    image = keras.Input((6, 6, BANDS))
    last = keras.layers.Conv2D(weights.shape[1], 1, activation=activation)
    output = last(image)
    last.set_weights([weights[None, None], np.arange(weights.shape[1], dtype="float32")])
    for layer in behind:
        output = layer(output)
    return keras.Model(image, output)


@pytest.fixture
def model(keras: Any) -> Any:
    return of_pixels(keras, WEIGHTS, "softmax")


def asked(model: Any, x: Any = X, **arguments: Any) -> Question:
    return Question.of(model, x, None, **{"background": BACKGROUND, "target": "predicted", **arguments})


@pytest.mark.parametrize("method", ["deepshap", "integrated_gradients", "gradient_x_input", "saliency"])
def test_a_pixel_has_the_score_of_its_own_class(model: Any, method: str) -> None:
    found = pixel_scores(asked(model, method=method), CODES)
    weights = WEIGHTS.T[CODES]
    expected = {
        "deepshap": weights * (X - BACKGROUND.mean(axis=0)),
        "integrated_gradients": weights * (X - BACKGROUND.mean(axis=0)),
        "gradient_x_input": weights * X,
        "saliency": weights,
    }[method]
    np.testing.assert_allclose(found.values[:, :, :, 0], np.where(CODES[..., None] < 0, 0, expected), atol=1e-5)
    assert found.explained == ()
    assert found.bands == ("band_1", "band_2", "band_3", "band_4")
    assert (found.completeness is None) == (method in ("gradient_x_input", "saliency"))
    assert (found.completeness or 0) < 1e-4


def test_outputs_that_are_named_are_explained_everywhere(model: Any) -> None:
    every = pixel_scores(asked(model, target="all", batch_size=2), CODES)
    one = pixel_scores(asked(model, target="forest", classes=["water", "forest", "city"]), CODES)
    known = (CODES >= 0)[..., None]
    for at in range(3):
        expected = np.where(known, WEIGHTS.T[at] * (X - BACKGROUND.mean(axis=0)), 0)
        np.testing.assert_allclose(every.values[:, :, :, at], expected, atol=1e-5)
    np.testing.assert_allclose(one.values[:, :, :, 0], every.values[:, :, :, 1], atol=1e-6)
    assert every.explained == (0, 1, 2)
    assert [one.outputs[at] for at in one.explained] == ["forest"]


def test_scores_are_the_maps_of_the_zones_of_classes(keras: Any) -> None:
    keras.utils.set_random_seed(2)
    image, layers = keras.Input((6, 6, BANDS)), keras.layers
    inner = layers.Conv2D(6, 3, padding="same", activation="relu")(image)
    model = keras.Model(image, layers.Conv2D(3, 3, padding="same", activation="softmax")(inner))
    codes = window_outputs(asked(model)).values.argmax(axis=-1)
    for method in ("deepshap", "gradient_x_input"):
        maps = bl.band_maps(model, X, background=BACKGROUND, method=method)
        expected = np.zeros_like(X)
        assert maps.images is not None
        for image_, code, values in zip(maps.images, maps.image_class, maps.values, strict=True):
            zone = codes[image_] == code
            expected[image_][zone] = values[0][zone] * zone.sum()
        found = pixel_scores(asked(model, method=method), codes)
        np.testing.assert_allclose(found.values[:, :, :, 0], expected, atol=1e-4)


def test_coarser_inputs_and_numbers_are_shared_by_the_pixels_they_are_seen_by(keras: Any) -> None:
    layers = keras.layers
    inputs = [keras.Input((6, 6, BANDS), name="fine"), keras.Input((3, 3, 2), name="coarse")]
    inputs += [keras.Input((2,), name="weather")]
    spread = layers.RepeatVector(36)(inputs[2])
    together = layers.Concatenate()([inputs[0], layers.UpSampling2D(2)(inputs[1]), layers.Reshape((6, 6, 2))(spread)])
    last = layers.Conv2D(3, 1, activation="softmax")
    model = keras.Model(inputs, last(together))
    weights = RANDOM.normal(size=(BANDS + 4, 3)).astype("float32")
    last.set_weights([weights[None, None], np.zeros(3, "float32")])

    def draw(n: int) -> dict[str, np.ndarray]:
        shapes = {"fine": (6, 6, BANDS), "coarse": (3, 3, 2), "weather": (2,)}
        return {name: RANDOM.normal(size=(n, *shape)).astype("float32") for name, shape in shapes.items()}

    def at_pixels(images: dict[str, np.ndarray]) -> np.ndarray:
        coarse = images["coarse"].repeat(2, axis=1).repeat(2, axis=2)
        numbers = np.broadcast_to(images["weather"][:, None, None], (*coarse.shape[:3], 2))
        return np.concatenate([images["fine"], coarse, numbers], axis=-1)

    x, background = draw(5), draw(4)
    found = pixel_scores(asked(model, x, background=background), CODES)
    expected = weights.T[CODES] * (at_pixels(x) - at_pixels(background).mean(axis=0))
    np.testing.assert_allclose(found.values[:, :, :, 0], np.where(CODES[..., None] < 0, 0, expected), atol=1e-5)
    assert found.inputs == ("fine",) * 4 + ("coarse",) * 2 + ("weather",) * 2
    assert found.completeness is not None
    assert found.completeness < 1e-4
    whole = pixel_scores(asked(model, x, background=background, groups="input"), CODES)
    np.testing.assert_allclose(whole.values[..., 1], found.values[..., 4:6].sum(axis=-1), atol=1e-5)


def test_groups_have_the_sums_of_their_bands(model: Any) -> None:
    single = pixel_scores(asked(model), CODES)
    found = pixel_scores(asked(model, groups={"visible": ["band_1", "band_3"]}), CODES)
    assert found.bands[0] == "visible"
    np.testing.assert_allclose(found.values[..., 0], single.values[..., 0] + single.values[..., 2], atol=1e-5)
    np.testing.assert_allclose(found.values[..., 1:], single.values[..., [1, 3]], atol=1e-6)


@pytest.mark.parametrize("output", ["logit", "probability"])
def test_a_single_sigmoid_tells_two_classes(keras: Any, output: str) -> None:
    model = of_pixels(keras, WEIGHTS[:, :1], "sigmoid")
    codes = np.where(CODES > 1, -1, CODES)
    found = pixel_scores(asked(model, output=output), codes)
    assert found.completeness is not None
    assert found.completeness < 1e-4
    if output == "logit":
        signs = np.where(codes == 1, 1, np.where(codes == 0, -1, 0))[..., None]
        expected = signs * WEIGHTS[:, 0] * (X - BACKGROUND.mean(axis=0))
        np.testing.assert_allclose(found.values[:, :, :, 0], expected, atol=1e-5)
    said = window_outputs(asked(model))
    np.testing.assert_allclose(said.values.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(said.values[..., 1], 1 / (1 + np.exp(-X @ WEIGHTS[:, 0])), atol=1e-5)


def test_pixels_of_several_classes_are_explained_for_those_that_are_asked_for(keras: Any) -> None:
    model = of_pixels(keras, WEIGHTS, "sigmoid")
    found = pixel_scores(asked(model), CODES)
    expected = WEIGHTS.T[CODES] * (X - BACKGROUND.mean(axis=0))
    np.testing.assert_allclose(found.values[:, :, :, 0], np.where(CODES[..., None] < 0, 0, expected), atol=1e-5)


def test_what_the_model_says_comes_as_probabilities(keras: Any, model: Any) -> None:
    logits = X @ WEIGHTS + np.arange(3)
    expected = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    found = window_outputs(asked(model, classes=["water", "forest", "city"], batch_size=2))
    assert (found.task, found.names) == ("segmentation", ("water", "forest", "city"))
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    bare = window_outputs(asked(of_pixels(keras, WEIGHTS, None)))
    np.testing.assert_allclose(bare.values, logits, atol=1e-5)
    row = of_pixels(keras, WEIGHTS, None, keras.layers.GlobalAveragePooling2D(), keras.layers.Activation("sigmoid"))
    labels = window_outputs(asked(row))
    assert labels.task == "multilabel"
    np.testing.assert_allclose(labels.values, 1 / (1 + np.exp(-logits.mean(axis=(1, 2)))), atol=1e-5)


def test_r_gets_plain_arrays_as_its_rasters_run(model: Any) -> None:
    arguments = {"background": BACKGROUND, "target": "all", "classes": ["a", "b", "c"]}
    assert crossing.model_inputs(model)["value"] == {model.input.name: [6, 6, BANDS]}
    assert crossing.model_inputs(lambda x: x)["value"] == {}
    said = crossing.window_outputs(model, X, arguments)["value"]
    assert (said["task"], said["names"]) == ("segmentation", ["a", "b", "c"])
    np.testing.assert_array_equal(said["values"].swapaxes(1, 2), window_outputs(asked(model)).values)
    found = crossing.pixel_scores(model, X, (CODES + 1).astype(np.int32), arguments, True)["value"]
    assert (found["explained"], found["bands"], found["inputs"]) == (
        ["a", "b", "c"],
        [f"band_{at + 1}" for at in range(BANDS)],
        None,
    )
    expected = pixel_scores(asked(model, target="all"), CODES).values
    assert found["values"].dtype == np.float64
    np.testing.assert_allclose(found["values"].reshape(5, 6, 6, 3, BANDS).swapaxes(1, 2), expected, atol=1e-6)
    error = crossing.pixel_scores(model, X, np.zeros((5, 6, 6), np.int32), arguments, False)
    assert (error["ok"], error["kind"]) == (False, "labels")


def test_what_has_no_scores_of_pixels_is_refused(keras: Any, model: Any) -> None:
    coarse = of_pixels(keras, WEIGHTS, "softmax", keras.layers.AveragePooling2D(2))
    row = of_pixels(keras, WEIGHTS, None, keras.layers.GlobalAveragePooling2D())
    cases: list[tuple[type[BandlensError], str, Any]] = [
        (OptionError, "no values of single pixels", asked(model, method="occlusion")),
        (OptionError, "no values of single pixels", asked(model, method="lime", features="superpixels")),
        (OptionError, "not reduced over pixels", asked(model, statistic="band_sum")),
        (OptionError, "names no output", asked(model, target="sea")),
        (OptionError, "no such method", asked(model, method="deepshop")),
        (ModelError, "no pixels of its images", asked(coarse)),
        (ModelError, "no pixels of its images", asked(row)),
    ]
    for kind, text, question in cases:
        with pytest.raises(kind, match=text):
            pixel_scores(question, CODES)
    with pytest.raises(LabelError, match="No pixel of the windows has a class"):
        pixel_scores(asked(model), np.full_like(CODES, -1))
