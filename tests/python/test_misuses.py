"""What users do wrong, one line each in `tests/fixtures/misuses.csv`: none of it may pass without a word.

The list is read by the tests of R as well (`tests/testthat/test-misuses.R`). Here stands how each is done in Python,
and a dozen correct calls, of other kinds of data each, none of which may give a warning.
"""

from __future__ import annotations

import csv
import functools
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens import errors

keras = pytest.importorskip("keras")

LISTED = Path(__file__).parents[1] / "fixtures" / "misuses.csv"
MISUSES = {row["misuse"]: row for row in csv.DictReader(LISTED.read_text(encoding="utf-8").splitlines())}
# what only R can do
ELSEWHERE = {"x_dropped_band"}


@functools.cache
def given() -> SimpleNamespace:
    """A trained model with ten test images of each class, and what belongs to them."""
    data = bl.datasets.landsat()
    chosen = np.concatenate([np.flatnonzero(data.y_test == code)[:10] for code in range(len(data.classes))])
    return SimpleNamespace(
        model=keras.saving.load_model(bl.datasets.landsat_model()),
        x=data.x_test[chosen],
        y=data.y_test[chosen],
        background=data.x_train[::40],
        bands=list(data.bands),
        wavelengths=list(data.wavelengths),
        classes=list(data.classes),
    )


def call(verb: Callable[..., Any] = bl.band_importance, /, **changed: Any) -> Any:
    """The correct call with something changed; what is None is left out."""
    g = given()
    arguments = {**vars(g), "method": "saliency", "background": None, **changed}
    positional = [arguments.pop(name) for name in ("model", "x", "y")]
    return verb(*positional, **{name: value for name, value in arguments.items() if value is not None})


def compared(**changed: Any) -> Any:
    """The same by a method that compares with a background."""
    return call(**{"method": "deepshap", "background": given().background, "n_background": 8, **changed})


def where(values: np.ndarray, chosen: Any, value: float) -> np.ndarray:
    """A copy with another value somewhere."""
    changed = np.array(values, dtype=np.result_type(values, type(value)))
    changed[chosen] = value
    return changed


def network(shape: tuple[int, ...], *layers: Any) -> Any:
    """An untrained network, the same in every run."""
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input(shape), *layers])


def classifier(shape: tuple[int, ...], n: int = 3) -> Any:
    """One that ends in a softmax over `n` classes."""
    return network(shape, keras.layers.Flatten(), keras.layers.Dense(n, activation="softmax"))


def of_spectra() -> Any:
    """A network over spectra of 60 bands."""
    layers = keras.layers
    return network((60, 1), layers.Conv1D(4, 5, activation="relu"), layers.GlobalMaxPooling1D(), layers.Dense(3))


def one_number() -> Any:
    """A network that predicts a number."""
    return network((3, 3, 4), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(1))


def mean_of_softmaxes() -> Any:
    """The mean of two classifiers."""
    x = keras.Input((3, 3, 4))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(x))
    heads = [keras.layers.Dense(6, activation="softmax")(flat) for _ in range(2)]
    return keras.Model(x, keras.layers.Average()(heads))


def silent() -> Any:
    """A network whose first feature is never active."""
    model = network((3, 3, 4), keras.layers.Conv2D(2, 1, activation="relu", name="conv"), keras.layers.Flatten())
    kernel = np.ones((1, 1, 4, 2), np.float32)
    kernel[..., 0] = -1
    model.layers[0].set_weights([kernel, np.zeros(2, np.float32)])
    return model


def in_other_order() -> Any:
    """Images with bands in another order than the model's."""
    g = given()
    model = keras.models.clone_model(g.model)
    model.set_weights(g.model.get_weights())
    bl.set_bands(model, g.bands)
    return call(model=model, x=g.x[..., ::-1], bands=g.bands[::-1], wavelengths=g.wavelengths[::-1])


def others_names() -> Any:
    """A model with the names of its bands, and other names given."""
    g = given()
    model = keras.models.clone_model(g.model)
    bl.set_bands(model, g.bands)
    return call(model=model, bands=["a", "b", "c", "d"])


def combined() -> Any:
    """Results of different bands put together."""
    x = given().x[:6]
    first, second = (call(x=x, y=None, bands=bands) for bands in (["a", "b", "c", "d"], ["e", "f", "g", "h"]))
    return bl.combine(first, second)


@functools.cache
def fused() -> SimpleNamespace:
    """A model of an optical and a radar image, and images for it."""
    layers, random = keras.layers, np.random.default_rng(1)
    shapes = {"optical": (4, 4, 3), "radar": (2, 2, 2)}
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    together = layers.Concatenate()([layers.GlobalAveragePooling2D()(one) for one in inputs.values()])
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(together))
    return SimpleNamespace(model=model, x={name: random.normal(size=(6, *shape)) for name, shape in shapes.items()})


def ask_fused(x: Any = None, **options: Any) -> Any:
    """Explain it, with something changed."""
    return bl.band_importance(fused().model, fused().x if x is None else x, **{"method": "saliency", **options})


PIXELS = np.random.default_rng(1).normal(size=(6, 4, 4, 3))
MASKS = np.arange(6 * 4 * 4).reshape(6, 4, 4) % 3


@functools.cache
def ending(kind: str) -> Any:
    """A network for images of 4 x 4 pixels and 3 bands, with other outputs than one row of class scores."""
    layers = keras.layers
    image = keras.Input((4, 4, 3))
    means = layers.GlobalAveragePooling2D()(image)
    outputs = {
        "classes": lambda: layers.Dense(3, activation="softmax")(means),
        "labels": lambda: layers.Dense(3, activation="sigmoid")(means),
        "numbers": lambda: layers.Dense(2)(means),
        "pixels": lambda: layers.Conv2D(3, 1, activation="softmax")(image),
        "heads": lambda: {"cover": layers.Dense(3, activation="softmax")(means), "soil": layers.Dense(2)(means)},
    }
    return keras.Model(image, outputs[kind]())


def ask(kind: str, y: Any = None, **options: Any) -> Any:
    """Explain it."""
    return bl.band_importance(ending(kind), PIXELS, y, **{"method": "saliency", **options})


def ask_series(**options: Any) -> Any:
    """Explain a network over five steps of three bands."""
    x = np.random.default_rng(1).normal(size=(6, 5, 3))
    return bl.band_importance(classifier((5, 3)), x, **{"method": "saliency", "time_axis": 1, **options})


FLAGS = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0]] * 2)

HOW: dict[str, Callable[[Path], Any]] = {
    "model_predict": lambda _: call(model=given().model.predict),
    "model_numbers": lambda _: call(model=lambda x: np.asarray(x).mean((1, 2))[:, :3]),
    "model_missing_file": lambda _: call(model="no_such.keras"),
    "model_not_keras": lambda path: call(model=str(LISTED)),
    "model_fitted_elsewhere": lambda _: call(model=pd.Series([1.0])),
    "model_nothing": lambda _: call(model=None),
    "model_other_size": lambda _: call(model=classifier((5, 5, 4)), classes=None, y=None),
    "model_not_finite": lambda _: call(
        model=lambda x: keras.ops.log(keras.ops.mean(x, (1, 2)) - 90.0), y=None, classes=None
    ),
    "model_untrained": lambda _: call(model=keras.models.clone_model(given().model)),
    "model_one_number": lambda _: call(model=one_number(), y=None),
    "x_vector": lambda _: call(x=np.arange(12.0)),
    "x_table": lambda _: call(x=pd.DataFrame({"red": [1.0]})),
    "x_text": lambda _: call(x=np.array([["a.tif"], ["b.tif"]])),
    "x_missing": lambda _: call(x=np.ma.masked_less(given().x, 50)),
    "x_not_finite": lambda _: call(x=where(given().x, (2, 0, 0, 1), np.inf)),
    "x_complex": lambda _: call(x=given().x * 1j),
    "x_no_images": lambda _: call(x=given().x[:0], y=given().y[:0]),
    "x_ragged": lambda _: call(x=[given().x[0], given().x[1, :2]], y=given().y[:2]),
    "x_dropped": lambda _: call(x=given().x[0], y=given().y[:1]),
    "x_channels_first": lambda _: call(x=np.moveaxis(given().x, -1, 1)),
    "x_fewer_bands": lambda _: call(x=given().x[..., :3], bands=None, wavelengths=None),
    "x_scaled": lambda _: call(x=given().x / 255),
    "x_unscaled_background": lambda _: compared(x=given().x / 255),
    "x_no_data": lambda _: call(x=where(given().x, (slice(0, 20), 0), -9999.0)),
    "x_constant_band": lambda _: call(x=where(given().x, (..., 2), 0.0)),
    "x_other_order": lambda _: in_other_order(),
    "x_spectra": lambda _: call(
        model=of_spectra(),
        x=np.random.default_rng(1).uniform(0, 1, (40, 60, 1)),
        y=None,
        bands=None,
        wavelengths=None,
        classes=None,
    ),
    "y_from_one": lambda _: call(x=given().x[:50], y=given().y[:50] + 1),
    "y_outside": lambda _: call(y=given().y + 1),
    "y_short": lambda _: call(y=given().y[:-1]),
    "y_unknown": lambda _: call(y=["forest"] * len(given().y)),
    "y_unnamed": lambda _: call(y=np.array(given().classes)[given().y], classes=None),
    "y_decimal": lambda _: call(y=given().y + 0.5),
    "y_missing": lambda _: call(y=where(given().y.astype(float), 3, np.nan)),
    "y_shuffled": lambda _: call(y=np.random.default_rng(1).permutation(given().y)),
    "y_one_hot": lambda _: call(y=np.ones((len(given().y), 6))),
    "classes_few": lambda _: call(classes=given().classes[:5]),
    "classes_twice": lambda _: call(classes=[*given().classes[:5], given().classes[0]]),
    "bands_few": lambda _: call(bands=given().bands[:3]),
    "bands_twice": lambda _: call(bands=["a", "b", "b", "c"]),
    "bands_other_names": lambda _: others_names(),
    "wavelengths_micrometres": lambda _: call(wavelengths=[0.55, 0.65, 0.75, 0.95]),
    "wavelengths_few": lambda _: call(wavelengths=given().wavelengths[:3]),
    "wavelengths_negative": lambda _: call(wavelengths=[-550.0, 650.0, 750.0, 950.0]),
    "band_axis_images": lambda _: call(band_axis=0),
    "band_axis_outside": lambda _: call(band_axis=4),
    "groups_unknown": lambda _: call(groups={"visible": ["green", "blue"]}),
    "groups_overlap": lambda _: call(groups={"a": ["green", "red"], "b": ["red", "nir1"]}),
    "background_none": lambda _: compared(background=given().background[:0]),
    "background_single": lambda _: compared(background=given().background[0]),
    "background_size": lambda _: compared(background=np.zeros((4, 5, 5, 4))),
    "background_not_finite": lambda _: compared(background=where(given().background, (1, 1, 1, 1), np.nan)),
    "strategy_misspelt": lambda _: compared(background="kmean"),
    "strategy_too_many": lambda _: compared(background="kmeans", n_background=60),
    "weights_too_few": lambda _: compared(background=bl.BackgroundImages(given().background, weights=[1, 2])),
    "weights_negative": lambda _: compared(
        background=bl.BackgroundImages(given().background[:2], weights=[1, -2]),
    ),
    "precision_points": lambda _: compared(precision=1),
    "precision_of_means": lambda _: compared(background="kmedoids", precision=0.05),
    "n_background_zero": lambda _: compared(n_background=0),
    "method_misspelt": lambda _: call(method="depshap"),
    "argument_misspelt": lambda _: call(backgroud=given().background),
    "option_elsewhere": lambda _: call(method="occlusion", n_steps=10),
    "target_unknown": lambda _: call(target="forest"),
    "target_outside": lambda _: call(target=7),
    "output_misspelt": lambda _: call(output="logits"),
    "statistic_other": lambda _: call(method="occlusion", statistic="pixel_mean_abs"),
    "batch_size_zero": lambda _: call(batch_size=0),
    "seed_decimal": lambda _: call(seed=1.5),
    "maps_whole_band": lambda _: call(bl.band_maps, method="occlusion"),
    "table_unknown": lambda _: call().to_frame("pixel"),
    "picture_unknown": lambda _: call().plot("pie"),
    "combine_others": lambda _: combined(),
    "layer_misspelt": lambda _: bl.top_images(given().model, given().x, layer="conv2"),
    "feature_outside": lambda _: bl.top_images(silent(), given().x, layer="conv", features=[7]),
    "feature_silent": lambda _: bl.top_images(silent(), given().x, layer="conv", features=[0]),
    "logit_of_mean": lambda _: call(model=mean_of_softmaxes(), output="logit", y=None),
    "inputs_missing": lambda _: ask_fused({"optical": fused().x["optical"]}),
    "inputs_unknown": lambda _: ask_fused({"optical": fused().x["optical"], "rader": fused().x["radar"]}),
    "inputs_many": lambda _: ask_fused([*fused().x.values(), fused().x["radar"]]),
    "inputs_array": lambda _: ask_fused(fused().x["optical"]),
    "inputs_of_one": lambda _: bl.band_importance(ending("classes"), [PIXELS, PIXELS[:, ::2, ::2]], method="saliency"),
    "inputs_unequal": lambda _: ask_fused({"optical": fused().x["optical"], "radar": fused().x["radar"][:5]}),
    "inputs_swapped": lambda _: ask_fused([fused().x["radar"], fused().x["optical"]]),
    "inputs_background": lambda _: ask_fused(method="deepshap", background=fused().x["optical"]),
    "inputs_background_unequal": lambda _: ask_fused(
        method="deepshap", background={"optical": fused().x["optical"], "radar": fused().x["radar"][:5]}
    ),
    "inputs_bands_unknown": lambda _: ask_fused(bands={"rader": ["VV", "VH"]}),
    "inputs_bands_few": lambda _: ask_fused(bands={"radar": ["VV"]}),
    "inputs_bands_alone": lambda _: ask_fused(bands=["blue", "green", "red", "VV", "VH"]),
    "inputs_groups_misspelt": lambda _: ask_fused(method="permutation", y=[0, 1, 2] * 2, groups="inputs"),
    "inputs_groups_one": lambda _: ask("classes", groups="input"),
    "time_axis_of_bands": lambda _: ask_series(time_axis=2),
    "time_axis_outside": lambda _: ask_series(time_axis=3),
    "times_few": lambda _: ask_series(times=["2024-05-01", "2024-06-01"]),
    "times_twice": lambda _: ask_series(times=["a", "b", "b", "c", "d"]),
    "times_alone": lambda _: ask_series(time_axis=None, times=list("abcde")),
    "pixels_one_label": lambda _: ask("pixels", [0, 1, 2] * 2),
    "pixels_other_size": lambda _: ask("pixels", MASKS[:, :2]),
    "pixels_unlabelled": lambda _: ask("pixels", where(MASKS, (0, 0), 255)),
    "pixels_classes_few": lambda _: ask("pixels", MASKS, classes=["water", "city"]),
    "zone_misspelt": lambda _: ask("pixels", MASKS, zone="labels"),
    "zone_without_labels": lambda _: ask("pixels", zone="label"),
    "zone_empty": lambda _: ask("pixels", MASKS, zone=np.zeros((4, 4), bool)),
    "zone_other_size": lambda _: ask("pixels", MASKS, zone=np.ones((2, 2), bool)),
    "zone_elsewhere": lambda _: ask("classes", zone="image"),
    "ignore_elsewhere": lambda _: ask("classes", ignore=255),
    "labels_few_columns": lambda _: ask("labels", FLAGS[:, :2]),
    "labels_counted": lambda _: ask("labels", 2 * FLAGS, task="multilabel"),
    "labels_unknown": lambda _: ask("labels", [{"water"}, {"city"}] * 3, classes=["water", "meadow", "forest"]),
    "labels_none": lambda _: ask("labels", 0 * FLAGS, task="multilabel"),
    "labels_of_classes": lambda _: ask("classes", [{0}, {1, 2}] * 3),
    "numbers_few_columns": lambda _: ask("numbers", PIXELS.mean((1, 2))[:, :1], task="regression"),
    "numbers_missing": lambda _: ask("numbers", np.full((6, 2), np.nan), task="regression"),
    "heads_unsaid": lambda _: ask("heads"),
    "head_misspelt": lambda _: ask("heads", head="sol"),
    "head_of_one": lambda _: ask("classes", head="cover"),
    "task_misspelt": lambda _: ask("classes", task="segmentaton"),
    "task_impossible": lambda _: ask("classes", task="multilabel"),
}
# Of several inputs, time and other outputs: their errors say what was expected or how to mend it, and what was given.
THOROUGH = list(HOW)[list(HOW).index("inputs_missing") :]


def test_the_list_is_done_here() -> None:
    assert set(MISUSES) - set(HOW) == ELSEWHERE
    assert not set(HOW) - set(MISUSES)
    assert len(MISUSES) >= 100
    assert len(THOROUGH) >= 25


@pytest.mark.parametrize("name", HOW)
def test_misuse_is_never_silent(name: str, tmp_path: Path) -> None:
    expected = MISUSES[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        raised = None
        try:
            HOW[name](tmp_path)
        except Exception as error:  # of whatever kind: it is looked at below
            raised = error
    if expected["outcome"] == "error":
        assert isinstance(raised, errors.BandlensError), raised
        told = [raised]
    else:
        assert raised is None, raised
        told = [one.message for one in caught if isinstance(one.message, errors.BandlensWarning)]
    fitting = [one for one in told if one.kind == expected["kind"]]
    assert fitting, told
    assert any(re.search(expected["says"], str(one)) for one in fitting), fitting
    if name in THOROUGH:
        assert isinstance(raised, errors.BandlensError)
        assert raised.given
        assert raised.expected or raised.fix


def test_the_correct_call_is_one() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call().accuracy > 0.5
        compared()


def smooth(shape: tuple[int, ...], low: float, high: float) -> np.ndarray:
    """Images of a kind that occurs: levels that differ by image and band, with some texture."""
    random = np.random.default_rng(2)
    level = random.uniform(0.2, 0.8, (shape[0], *[1] * (len(shape) - 2), shape[-1]))
    return low + (high - low) * np.clip(level + random.normal(0, 0.1, shape), 0, 1)


CORRECT: dict[str, Callable[[], Any]] = {}


def correct(data: Callable[[], Any]) -> Callable[[], Any]:
    """Put a correct call into the list."""
    CORRECT[data.__name__] = data
    return data


@correct
def digital_numbers() -> Any:
    return compared(x=given().x.astype(np.uint8), background=given().background.astype(np.uint8))


@correct
def reflectances() -> Any:
    return bl.band_importance(classifier((8, 8, 6)), smooth((40, 8, 8, 6), 0, 0.6), n_background=8)


@correct
def scaled_reflectances() -> Any:
    x = smooth((40, 8, 8, 6), 200, 6000).astype(np.int16)
    normalize = keras.layers.Normalization(mean=x.mean((0, 1, 2)), variance=x.var((0, 1, 2)))
    model = network((8, 8, 6), normalize, keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax"))
    return bl.band_importance(model, x, n_background=8)


@correct
def photographs() -> Any:
    x = smooth((40, 8, 8, 3), -30, 280).clip(0, 255).astype(np.uint8)
    model = network((8, 8, 3), keras.layers.Rescaling(1 / 127.5, -1), keras.layers.Flatten(), keras.layers.Dense(2))
    return bl.band_importance(model, x, bands=["red", "green", "blue"], n_background=8)


@correct
def radar_in_decibels() -> Any:
    return bl.band_importance(classifier((8, 8, 2)), smooth((40, 8, 8, 2), -28, -2), bands=["VV", "VH"], n_background=8)


@correct
def standardised() -> Any:
    x = smooth((40, 8, 8, 4), 0, 1)
    x = (x - x.mean((0, 1, 2))) / x.std((0, 1, 2))
    return bl.band_importance(classifier((8, 8, 4)), x, n_background=8)


@correct
def spectra() -> Any:
    x = smooth((40, 60), 0, 0.5)[..., None]
    return bl.band_importance(of_spectra(), x, band_axis=1, wavelengths=np.linspace(400, 2400, 60), n_background=8)


@correct
def black_as_background() -> Any:
    return compared(background=np.zeros((1, 3, 3, 4)))


@correct
def a_single_image() -> Any:
    return call(x=given().x[:1], y=given().y[:1])


@correct
def masks_among_the_bands() -> Any:
    x = smooth((40, 8, 8, 3), 0, 1)
    x[..., 2] = x[..., 2] > 0.5
    return bl.band_importance(classifier((8, 8, 3)), x, n_background=8)


@correct
def a_number_to_predict() -> Any:
    values = np.asarray(one_number()(given().x))[:, 0]
    return call(model=one_number(), y=values, classes=None, method="permutation")


@correct
def images_of_one_class() -> Any:
    return compared(x=given().x[:10], y=given().y[:10])


@correct
def black_borders() -> Any:
    x = smooth((40, 8, 8, 3), 40, 255).astype(np.uint8)
    x[3, 0] = 0
    model = network((8, 8, 3), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2))
    return bl.band_importance(model, x, n_background=8)


@pytest.mark.parametrize("name", CORRECT)
def test_correct_calls_give_no_warning(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CORRECT[name]()
