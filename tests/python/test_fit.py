"""A model that does not fit the data is noticed, and data that fits is let pass.

Models are made by hand, so that what they should say is known: `levels` tells classes apart by the brightness of a
band, on a scale of 0 to 255.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens import errors
from bandlens.errors import AccuracyWarning, DataWarning, LabelError

CENTRES = np.array([40.0, 90.0, 140.0, 190.0, 240.0])
NAMES = ["water", "forest", "field", "soil", "city"]


def levels(keras: Any, before: Any = (), scale: float = 1.0) -> Any:
    """A model that calls an image the class whose centre its first band is nearest to."""
    dense = keras.layers.Dense(5, activation="softmax")
    model = keras.Sequential([keras.Input((4, 4, 3)), *before, keras.layers.GlobalAveragePooling2D(), dense])
    centres = CENTRES * scale
    kernel = np.zeros((3, 5))
    kernel[0] = centres
    dense.set_weights([kernel / centres[0] ** 2 * 5, -(centres**2) / 2 / centres[0] ** 2 * 5])
    return model


def scene(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images of 0 to 255, classes in turn, and their classes."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 5
    x = random.uniform(20, 250, (n, 4, 4, 3))
    x[..., 0] = CENTRES[y][:, None, None] + random.normal(0, 3, (n, 4, 4))
    return x.astype("float32"), y


def told(call: Callable[[], Any]) -> tuple[Any, list[tuple[type, str]]]:
    """What a call gives, and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = call()
    assert all(one.filename == __file__ for one in caught)
    return found, [(one.category, str(one.message)) for one in caught]


def said(*arguments: Any, **options: Any) -> list[tuple[type, str]]:
    return told(lambda: bl.band_importance(*arguments, **{"method": "saliency", **options}))[1]


def only(found: list[tuple[type, str]], kind: type) -> str:
    assert [category for category, _ in found] == [kind], found
    return found[0][1]


# ---- Accuracy


@pytest.mark.parametrize("method", ["saliency", "occlusion", "deepshap"])
def test_accuracy_and_what_chance_would_give(keras: Any, method: str) -> None:
    x, y = scene(10)
    wrong = np.array([0, 1, 2, 3, 4, 0, 1, 3, 3, 3])
    result = bl.band_importance(levels(keras), x, wrong, method=method, n_background=4)
    assert result.correct.tolist() == (wrong == y).tolist()
    assert result.accuracy == 0.8
    # two of each class are predicted; labels are 2, 2, 1, 4, 1 of ten
    assert result.chance == pytest.approx(0.2 * (0.2 + 0.2 + 0.1 + 0.4 + 0.1))
    assert "accuracy 0.80 (by chance 0.20)" in repr(result)
    assert result.summary().startswith(repr(result))
    part = result.subset([0, 7])
    assert (part.accuracy, part.chance) == (0.5, 0.25)
    assert "2 of 5 classes x 3 bands" in repr(part)
    again = bl.combine(part, result.subset([1, 2, 3, 4, 5, 6, 8, 9]))
    assert (again.accuracy, again.chance) == (result.accuracy, pytest.approx(result.chance))
    assert result.subset([0, 5]).chance is None  # of a single class


def test_without_labels_there_is_no_accuracy(keras: Any) -> None:
    x, _ = scene(10)
    result = bl.band_importance(levels(keras), x, method="saliency")
    assert (result.accuracy, result.chance, result.correct) == (None, None, None)
    assert "accuracy" not in repr(result)
    maps = bl.band_maps(levels(keras), x[:3], method="saliency")
    assert (maps.accuracy, maps.chance) == (None, None)


def test_maps_and_files_have_it_too(keras: Any, tmp_path: Any) -> None:
    x, y = scene(10)
    maps = bl.band_maps(levels(keras), x, y, method="saliency")
    assert (maps.accuracy, maps.chance) == (1.0, pytest.approx(0.2))
    assert "accuracy 1.00 (by chance 0.20)" in repr(maps)
    result = bl.band_importance(levels(keras), x, y, method="saliency")
    result.save(tmp_path / "result.npz")
    assert bl.BandImportance.load(tmp_path / "result.npz").accuracy == 1.0


def test_pieces_with_and_without_labels_have_no_accuracy_together(keras: Any) -> None:
    x, y = scene(10)
    options: dict[str, Any] = {"method": "saliency", "classes": NAMES}
    model = levels(keras)
    one = bl.band_importance(model, x[:5], y[:5], **options)
    other = bl.band_importance(model, x[5:], **options)
    assert one.accuracy == 1.0
    assert bl.combine(one, other).accuracy is None


def test_an_importance_is_not_below_zero_nor_is_its_interval(keras: Any) -> None:
    x, y = scene(10)
    # whose intervals are over images alone
    frame = bl.band_importance(levels(keras), x, y, method="integrated_gradients", background=x).to_frame()
    half = 12.71 * frame["std_error"]  # of two images
    assert (frame["importance"] - half < 0).any()  # otherwise this test would be of nothing
    np.testing.assert_allclose(frame["conf_low"], np.maximum(frame["importance"] - half, 0), rtol=1e-3, atol=1e-6)
    directed = bl.band_importance(levels(keras), x, y, method="permutation", metric="log_loss", n_repeats=2).to_frame()
    assert (directed["conf_low"] < 0).any()
    check = bl.check_stability(levels(keras), x, y, background=x, backgrounds=2, resamples=4)
    assert (check.to_frame()["conf_low"].dropna() >= 0).all()


# ---- Labels


def test_a_model_that_fits_is_let_pass(keras: Any) -> None:
    x, y = scene()
    assert said(levels(keras), x, y, background=scene(50, 1)[0], method="deepshap", n_background=4) == []
    assert said(levels(keras), x) == []
    assert said(levels(keras), x[:1], y[:1]) == []


def test_no_better_than_chance(keras: Any) -> None:
    x, y = scene()
    mixed = np.random.default_rng(2).permutation(y)
    message = only(said(levels(keras), x, mixed), AccuracyWarning)
    hits = (mixed == y).sum()
    assert message.startswith(f"The model is right on {hits} of 60 images (")
    assert "no more than by chance (20 %). Its importances say little" in message
    assert said(levels(keras), x[:20], mixed[:20]) == []  # so few may be bad luck


def test_images_of_one_class_are_right_or_worse_than_guessed(keras: Any) -> None:
    x, y = scene(200)
    x = x[y == 2]
    assert said(levels(keras), x, np.full(len(x), 2)) == []
    message = only(said(levels(keras), x, np.full(len(x), 4), classes=NAMES), AccuracyWarning)
    assert "all of class 'city', and would be on more if it guessed: it takes them all for 'field'" in message


def test_a_few_images_of_other_classes_prove_nothing(keras: Any) -> None:
    x, _ = scene(500)
    x = x[2::5]
    labels = np.full(100, 2)
    labels[:9] = 3
    assert said(levels(keras), x, labels) == []
    labels[:12] = 3
    assert "it takes them all for '2'" in only(said(levels(keras), x, labels), AccuracyWarning)


@pytest.mark.parametrize(("shift", "call"), [(1, "y - 1"), (-1, "y + 1")])
def test_labels_that_are_shifted(keras: Any, shift: int, call: str) -> None:
    x, y = scene()
    inside = (y + shift >= 0) & (y + shift < 5)
    for n in (12, 48):
        found = said(levels(keras), x[inside][:n], (y + shift)[inside][:n])
        message = only(found, AccuracyWarning)
        assert f"(0 %), but with `{call}` it would be on {n}: labels seem to be shifted by one. In Python," in message
    with pytest.raises(LabelError, match=r"0 to 4: in Python, classes are counted from 0\n.*5\n.*use `y - 1`"):
        bl.band_importance(levels(keras), x, y + 1)
    with pytest.raises(LabelError, match=r"given: -1$"):
        bl.band_importance(levels(keras), x, y - 1)


def test_classes_in_another_order(keras: Any) -> None:
    x, y = scene()
    names = [NAMES[code] for code in y]
    assert said(levels(keras), x, names, classes=NAMES) == []
    for labels, options in ((names, {"classes": sorted(NAMES)}), (pd.Categorical(names), {})):
        message = only(said(levels(keras), x, labels, **options), AccuracyWarning)
        assert "but would be on 60 if classes were in another order" in message
        assert "what is labelled 'water' it calls 'city'" in message
    swapped = NAMES.copy()
    swapped[0], swapped[4] = swapped[4], swapped[0]
    message = only(said(levels(keras), x, names, classes=swapped), AccuracyWarning)
    assert message.count("what is labelled") == 2
    assert "what is labelled 'city' it calls 'water'" in message


def test_two_classes_the_wrong_way_round(keras: Any) -> None:
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")])
    x = np.random.default_rng(0).normal(size=(40, 4, 4, 3)).astype("float32")
    y = (np.asarray(model.predict(x, verbose=0))[:, 0] > 0.5).astype(int)
    assert said(model, x, y) == []
    assert "would be on 40 if classes were in another order" in only(said(model, x, 1 - y), AccuracyWarning)


# ---- Numbers


def test_numbers_that_are_predicted_worse_than_by_their_mean(keras: Any) -> None:
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])
    model.layers[-1].set_weights([np.array([[1.0], [0], [0]]), np.zeros(1)])
    x, _ = scene()
    y = x[..., 0].mean(axis=(1, 2)).astype(float)
    assert said(model, x, y) == []
    assert "Both go together (r = 1.00)" in only(said(model, x, y + 500), AccuracyWarning)
    assert "With `x * 255` R^2 would be 1.00" in only(said(model, x / 255, y), AccuracyWarning)
    assert "and is `y` of these images?" in only(said(model, x, -y), AccuracyWarning)
    message = only(said(model, x, y > 120), AccuracyWarning)
    assert "like labels of two classes" in message
    assert message.endswith("say so with output='logit'.")
    assert said(model, x[:20], -y[:20]) == []


# ---- The scale of images


def test_images_on_another_scale_than_labels_say(keras: Any) -> None:
    x, y = scene()
    message = only(said(levels(keras), x / 255, y), AccuracyWarning)
    assert "(20 %), no more than by chance (20 %): it takes them all for '0'. With `x * 255` it would be" in message
    (saturated, _), (near_chance, message) = said(levels(keras, scale=1e-4), x, y)
    assert (saturated, near_chance) == (DataWarning, AccuracyWarning)
    assert "With `x / 10000` it would be right on 16 of 16 tried: `x` is on another scale." in message


def test_background_on_another_scale(keras: Any) -> None:
    x, y = scene()
    options: dict[str, Any] = {"method": "occlusion", "bands": ["red", "green", "blue"]}
    for mine, others in ((x, x / 255), (x, x * 257), (x, (x - x.mean()) / x.std())):
        message = only(said(levels(keras), mine, y, background=others, **options), DataWarning)
        assert message.startswith("`x` and `background` are on different scales: in band '")
        assert "; so it is in '" in message
    one = x.copy()
    one[..., 1] *= 1000
    message = only(said(levels(keras), x, y, background=one, **options), DataWarning)
    assert "in band 'green' `x` is 2" in message
    assert "; so it is" not in message


@pytest.mark.parametrize(
    "kind", ["zeros", "mean", "plain", "blurred", "black and white", "other classes", "single image", "few"]
)
def test_backgrounds_that_are_chosen_on_purpose(keras: Any, kind: str) -> None:
    x, y = scene()
    plain = np.broadcast_to(x.mean(axis=(1, 2), keepdims=True), x.shape)
    background = {
        "zeros": np.zeros((5, 4, 4, 3)),
        "mean": np.repeat(x.mean(axis=0, keepdims=True), 9, axis=0),
        "plain": plain,
        "blurred": (x + plain) / 2,
        "black and white": np.stack([np.zeros((4, 4, 3)), np.full((4, 4, 3), 255)]),
        "other classes": x[y > 3],
        "single image": x[:1] / 255,
        "few": x[:4] / 255,
    }[kind]
    if kind == "other classes":
        x, y = x[y < 1], y[y < 1]
    assert said(levels(keras), x, y, background=background, method="occlusion") == []


def normalization(keras: Any) -> Any:
    return keras.layers.Normalization(mean=[130.0, 130, 130], variance=[70.0**2] * 3)


def nested(keras: Any, layer: Any) -> Any:
    image = keras.Input((4, 4, 3))
    inner = keras.Input((4, 4, 3))
    start = keras.Model(inner, keras.layers.ReLU()(layer(inner)))
    model = keras.Model(image, keras.layers.Dense(5, "softmax")(keras.layers.Flatten()(start(image))))
    model.summary(print_fn=lambda *_, **__: None)
    return model


@pytest.mark.parametrize("wrap", [levels, nested])
def test_a_normalization_knows_what_it_was_adapted_to(keras: Any, wrap: Any) -> None:
    x, _ = scene()
    layer = normalization(keras)
    model = levels(keras, [layer]) if wrap is levels else nested(keras, layer)
    assert said(model, x) == []
    assert said(model, x[:5]) == []
    message = only(said(model, x / 255), DataWarning)
    assert f"in its layer '{layer.name}' values hardly differ" in message
    assert message.endswith("With `x * 255` they would be as usual.")
    message = only(said(model, x * 100), DataWarning)
    assert "standard deviations from those that it has seen in training. With `x / 100` they would be" in message
    message = only(said(model, (x - 130) / 70), DataWarning)
    assert f"looks normalised already, and the model's layer '{layer.name}' normalises again" in message


def test_a_batch_normalization_after_a_convolution_knows_too(keras: Any) -> None:
    x, _ = scene()
    layers = keras.layers
    start = [layers.Conv2D(6, 2), layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((4, 4, 3)), *start, layers.Flatten(), layers.Dense(5, "softmax")])
    assert said(model, x) == []  # never trained: it knows nothing
    seen = np.asarray(start[0](x / 255))
    gamma, beta, *_ = start[1].get_weights()
    start[1].set_weights([gamma, beta, seen.mean(axis=(0, 1, 2)), seen.var(axis=(0, 1, 2))])
    assert said(model, x / 255) == []
    assert "With `x / 255` they would be as usual." in only(said(model, x), DataWarning)
    one_kind = np.repeat(x[:1] / 255, 12, axis=0) + np.random.default_rng(0).normal(0, 1e-4, (12, 4, 4, 3))
    assert said(model, one_kind.astype("float32")) == []


@pytest.mark.tensorflow
def test_layers_of_keras_2_know_too() -> None:
    tf_keras = pytest.importorskip("tf_keras")
    x, _ = scene()
    layer = tf_keras.layers.Normalization(mean=[130.0, 130, 130], variance=[70.0**2] * 3)
    model = nested(tf_keras, layer)
    assert said(model, x) == []
    assert "With `x * 255` they would be as usual." in only(said(model, x / 255), DataWarning)


def test_a_rescaling_leaves_nothing_of_what_is_rescaled_already(keras: Any) -> None:
    x, y = scene()
    model = levels(keras, [keras.layers.Rescaling(1 / 255)], scale=1 / 255)
    assert said(model, x, y) == []
    assert said(model, (x > 100).astype("uint8")) == []  # a picture that is black and white
    found = said(model, x / 255)
    message = only(found, DataWarning)
    assert "layer 'rescaling" in message
    assert "divides by 255: all that the model sees is at most 0.0038. Don't rescale the images yourself" in message
    # who sees that the model knows these images, need not be told
    doubled = levels(keras, [keras.layers.Rescaling(1 / 255)], scale=1 / 255**2)
    assert said(doubled, x / 255, y) == []


def test_outputs_that_are_saturated(keras: Any) -> None:
    x, _ = scene()
    model = levels(keras, scale=1 / 255)
    message = only(said(model, x), DataWarning)
    assert "all probabilities are exactly 0 or 1. `x` looks unscaled: with `x / 255`, for one, they would" in message
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel, 0 * bias])  # as if it had never been trained
    assert said(model, x) == []


# ---- Bands and values


def test_wavelengths_in_micrometres(keras: Any) -> None:
    x, y = scene(5)
    message = only(said(levels(keras), x, y, wavelengths=[2.2, None, 0.48]), DataWarning)
    assert "0.48 to 2.2 would be shorter than any light. They look like micrometres: multiply them by 1000." in message
    for fine in ([2200, 660, 480], [None, None, None], [480, 11000, 5.6e7]):
        assert said(levels(keras), x, y, wavelengths=fine) == []


def test_the_band_axis_was_forgotten(keras: Any) -> None:
    layers = keras.layers
    series = keras.Sequential([keras.Input((30, 1)), layers.Flatten(), layers.Dense(3, "softmax")])
    x = np.random.default_rng(0).normal(size=(6, 30, 1)).astype("float32")
    message = only(said(series, x), DataWarning)
    assert "a single band on axis 2, which has all the importance, and 30 values on axis 1." in message
    assert message.endswith("say so with band_axis=1.")
    assert said(series, x, band_axis=1) == []
    # maps of a series in time are of its values
    assert told(lambda: bl.band_maps(series, x, method="saliency"))[1] == []
    cubes = keras.Sequential([keras.Input((3, 3, 12, 1)), layers.Flatten(), layers.Dense(3, "softmax")])
    x = np.random.default_rng(0).normal(size=(6, 3, 3, 12, 1)).astype("float32")
    assert only(said(cubes, x), DataWarning).endswith("say so with band_axis=3.")
    grey = keras.Sequential([keras.Input((12, 12, 1)), layers.Flatten(), layers.Dense(3, "softmax")])
    assert said(grey, np.random.default_rng(0).normal(size=(6, 12, 12, 1)).astype("float32")) == []


def test_constant_bands_are_named(keras: Any) -> None:
    x, y = scene()
    flat = x.copy()
    flat[..., 1] = 7
    options: dict[str, Any] = {"bands": ["red", "green", "blue"]}
    message = only(said(levels(keras), flat, y, **options), DataWarning)
    assert message.startswith("Band 'green' (7) has one value in all of `x`:")
    options["method"] = "occlusion"
    message = only(said(levels(keras), flat, y, background=flat[:20], **options), DataWarning)
    assert "one value in all of `x` and `background`" in message
    assert said(levels(keras), flat, y, background=x, **options) == []
    assert said(levels(keras), flat[:9], y[:9], **options) == []
    # one pixel in all of many is enough, wherever it is
    many = np.repeat(flat, 20, axis=0)
    many[777, 3, 3, 1] = 8
    assert said(levels(keras), many, np.repeat(y, 20), method="saliency") == []


@pytest.mark.parametrize(("value", "bands", "where"), [(-9999, [1], "a band"), (0, [0, 1, 2], "all bands")])
def test_values_that_stand_for_no_data(keras: Any, value: float, bands: list[int], where: str) -> None:
    x, y = scene()
    for part in np.arange(3):
        x[::6, part, :2, bands] = value
    message = only(said(levels(keras), x, y), DataWarning)
    share = f"{100 * 6 / 16 / 6:.2g} %"
    assert message.startswith(f"{share} of the pixels in `x` are {value} in {where}, apart from all other values")
    good, _ = scene(50, 1)
    message = only(said(levels(keras), good, background=x, method="occlusion"), DataWarning)
    assert f"of the pixels in `background` are {value}" in message


def test_data_of_many_kinds_is_let_pass() -> None:
    random = np.random.default_rng(0)
    shape = (30, 4, 4, 3)
    kinds: dict[str, np.ndarray] = {
        "pictures with black": np.maximum(random.normal(60, 60, shape), 0).astype("uint8"),
        "reflectance": random.beta(2, 8, shape),
        "reflectance x 10000": (random.beta(2, 8, shape) * 1e4).astype("int16"),
        "radar in dB": random.normal(-14, 4, shape),
        "radar in power": 10 ** (random.normal(-14, 4, shape) / 10),
        "standardised": random.normal(size=shape),
        "binary": random.random(shape) < 0.1,
        "one-hot": (random.integers(0, 3, (30, 4, 4, 1)) == np.arange(3)).astype("uint8"),
        "codes": np.repeat(random.integers(0, 5, (30, 4, 4, 1)), 3, axis=-1),
        "counts": random.poisson(0.2, shape),
        "saturated": np.minimum(random.gamma(2, 3e4, shape), 65535).astype("uint16"),
        "black": np.zeros(shape),
        "indices": random.uniform(-1, 1, shape),
    }

    def model(x: Any) -> Any:
        return x[:, 0, 0] * 1e-6

    for name, x in kinds.items():
        found = said(model, x, background=x[::-1], method="occlusion", n_background=2)
        assert found == [], name
        assert said(model, x[:1], background=x, method="occlusion", n_background=2) == [], name


def test_the_data_of_the_package_is_let_pass() -> None:
    data = bl.datasets.landsat()

    def model(x: Any) -> Any:
        return x[:, 1, 1] * 1e-2

    for code in range(6):
        mine, others = (images[labels == code] for images, labels in ((data.x_test, data.y_test),) * 2)
        others = data.x_train[data.y_train == (code + 1) % 6]
        for background in (data.x_train, others):
            assert said(model, mine[:40], background=background, method="occlusion", n_background=2) == []


# ---- Once for each call


def test_checks_say_it_once(keras: Any) -> None:
    x, y = scene(30)
    y = np.roll(y, 7)
    wavelengths = [0.48, 0.56, 0.66]
    model = levels(keras)
    result, _ = told(lambda: bl.band_importance(model, x, method="saliency"))
    for call in (
        lambda: bl.check_stability(model, x, y, wavelengths=wavelengths, backgrounds=2, resamples=4, n_background=2),
        lambda: bl.check_null(model, x, y, wavelengths=wavelengths, method="saliency"),
        lambda: bl.check_randomization(model, x, y, wavelengths=wavelengths, method="saliency", repeats=1, layers=1),
    ):
        _, found = told(call)
        assert [kind for kind, _ in found] == [DataWarning, AccuracyWarning], found
    flat = x.copy()
    flat[..., 1] = 1
    result, _ = told(lambda: bl.band_importance(model, flat, method="saliency"))
    _, found = told(lambda: bl.check_deletion(model, result, flat, y, orders=2, n_background=2))
    assert [kind for kind, _ in found] == [DataWarning, AccuracyWarning], found


def test_both_are_warnings_of_bandlens() -> None:
    assert issubclass(DataWarning, errors.BandlensWarning)
    assert issubclass(AccuracyWarning, errors.BandlensWarning)
