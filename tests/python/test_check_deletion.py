"""Removing bands: areas that can be computed by hand, rankings that are right, wrong and arbitrary."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import bandlens as bl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.errors import BackgroundError, BandError, BandlensError, LabelError, OptionError, ResultError

BANDS = ["blue", "green", "red", "nir"]
CLASSES = ["water", "soil", "crop"]


@pytest.fixture
def weights() -> np.ndarray:
    """Weights of bands x classes: class k is told by band k above all, and a bit by nir."""
    return np.array([[5.0, -1, 0], [0, 4.0, -1], [-1, 0, 4.5], [0.5, 0.5, 0.5]])


@pytest.fixture
def linear(keras: Any, weights: np.ndarray) -> Any:
    """Outputs are linear in the band means; a softmax follows."""
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((4, 4, 4)), layers.GlobalAveragePooling2D(), layers.Dense(3), layers.Softmax()]
    )
    model.layers[1].set_weights([weights, np.zeros(3)])
    return model


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    """Images in which band k is bright for class k, and their classes."""
    random = np.random.default_rng(2)
    y = np.arange(30) % 3
    x = random.normal(0.5, 0.3, size=(30, 4, 4, 4))
    x[np.arange(30), ..., y] += 1
    return x, y


@pytest.fixture
def result(linear: Any, data: Any) -> bl.BandImportance:
    return bl.band_importance(linear, *data, bands=BANDS, classes=CLASSES)


def of(check: bl.Check, level: str, **values: Any) -> Any:
    """Rows of a table of a check."""
    frame = check.to_frame(level)
    for name, value in values.items():
        frame = frame[frame[name] == value]
    return frame


def test_columns(linear: Any, result: bl.BandImportance, data: Any) -> None:
    check = bl.check_deletion(linear, result, *data)
    columns = ["order", "class", "removed", "band", "measure", "estimate", "conf_low", "conf_high", "n"]
    assert list(check.to_frame().columns) == columns
    assert list(check.to_frame("area").columns) == ["class", "measure", "area", "conf_low", "conf_high", "n"]
    assert list(check.to_frame()["class"].cat.categories) == [*CLASSES, "all"]
    assert len(check.to_frame()) == 3 * 4 * 5 * 3  # orders, classes and all, numbers removed, measures
    assert of(check, "area", measure="accuracy")["n"].tolist() == [10, 10, 10, 30]


def test_right_ranking_passes_and_wrong_ones_fail(linear: Any, result: bl.BandImportance, data: Any) -> None:
    right = bl.check_deletion(linear, result, *data)
    assert right.passed
    first = of(right, "curve", order="importance", removed=1, measure="probability").dropna(subset="band")
    assert first["band"].tolist() == BANDS[:3]
    assert (of(right, "area", measure="probability")["conf_low"] > 0).all()

    turned = replace(result, scores=1 / (0.1 + np.abs(result.scores)))
    wrong = bl.check_deletion(linear, turned, *data)
    assert wrong.passed is False
    assert "worse than chance" in wrong.verdict[0]
    forwards = of(right, "curve", order="importance")["estimate"].to_numpy()
    np.testing.assert_allclose(of(wrong, "curve", order="reverse")["estimate"], forwards)


def test_a_class_that_is_worse_than_chance_is_said_first(linear: Any, result: bl.BandImportance, data: Any) -> None:
    right = bl.check_deletion(linear, result, *data)
    assert right.verdict[1] == "By class, it is better than random orders, with its whole interval, for 3 of 3."
    scores = result.scores.copy()
    soil = result.image_class == 1
    scores[soil] = 1 / (0.1 + np.abs(scores[soil]))
    check = bl.check_deletion(linear, replace(result, scores=scores), *data)
    assert check.passed  # over all images
    assert check.verdict[0].startswith("The ranking is worse than chance for 'soil' (area -")
    assert check.verdict[0].endswith("n = 10).")
    assert "for 2 of 3" in check.verdict[2]


def test_ranking_that_knows_nothing_is_not_passed(linear: Any, result: bl.BandImportance, data: Any) -> None:
    # each class is given the order of another one, by turns: as often better as worse than chance
    passed = []
    for order in permutations(range(4)):
        scores = np.broadcast_to(np.argsort(order) + 1.0, result.scores.shape).copy()
        check = bl.check_deletion(linear, replace(result, scores=scores), *data, output="logit")
        passed.append(of(check, "area", **{"class": "all", "measure": "logit"})["area"].item())
    assert abs(np.mean(passed)) < 1e-9
    assert min(passed) < 0 < max(passed)


def test_areas_of_a_linear_model_by_hand(
    linear: Any, result: bl.BandImportance, data: Any, weights: np.ndarray
) -> None:
    x, y = data
    check = bl.check_deletion(linear, result, x, y, replacement="zero", output="logit")
    parts = x.mean(axis=(1, 2)) * weights.T[y]  # what each band adds to the logit of the image's class
    ranking = np.argsort(-result.table.importance, axis=1)
    for code, name in enumerate(CLASSES):
        mine = parts[y == code]
        left = mine.sum(axis=1, keepdims=True) - np.cumsum(mine[:, ranking[code]], axis=1)
        curve = np.concatenate([mine.sum(axis=1, keepdims=True), left], axis=1)
        line = mine.sum(axis=1, keepdims=True) * np.linspace(1, 0, 5)  # the mean over all orders
        found = of(check, "curve", **{"class": name, "measure": "logit", "order": "importance"})
        np.testing.assert_allclose(found["estimate"], curve.mean(axis=0), atol=1e-5)
        found = of(check, "curve", **{"class": name, "measure": "logit", "order": "random"})
        np.testing.assert_allclose(found["estimate"], line.mean(axis=0), atol=1e-5)
        areas = ((line - curve)[:, 1:] + (line - curve)[:, :-1]).mean(axis=1) / 2
        found = of(check, "area", **{"class": name, "measure": "logit"})
        assert found["area"].item() == pytest.approx(areas.mean(), abs=1e-5)
        half = 2.2622 * areas.std(ddof=1) / np.sqrt(10)  # Student, 9 degrees of freedom
        assert found["conf_high"].item() == pytest.approx(areas.mean() + half, abs=1e-4)


def test_replacements(linear: Any, result: bl.BandImportance, data: Any, weights: np.ndarray) -> None:
    x, y = data
    background = np.random.default_rng(5).normal(size=(3, 4, 4, 4))
    for kind in ("background", "background_mean"):  # three background images are all used; outputs are linear in them
        check = bl.check_deletion(linear, result, x, y, replacement=kind, background=background, output="logit")
        end = of(check, "curve", **{"class": "soil", "measure": "logit", "removed": 4})["estimate"]
        np.testing.assert_allclose(end, background.mean(axis=(0, 1, 2)) @ weights[:, 1], atol=1e-5)


def test_an_image_does_not_replace_itself(linear: Any, data: Any) -> None:
    x, y = data[0][:2], data[1][:2]
    result = bl.band_importance(linear, x, y)
    check = bl.check_deletion(linear, result, x, y, output="logit")
    ends = of(check, "curve", measure="logit", order="reverse", removed=4)["estimate"].to_numpy()
    other = bl.band_importance(linear, x[::-1], y).output_values[:, 0]
    np.testing.assert_allclose(ends[:2], other, atol=1e-5)
    assert of(check, "area", measure="logit")["conf_low"].isna().tolist() == [True, True, False]


def test_neither_batches_nor_calls_change_the_result(linear: Any, result: bl.BandImportance, data: Any) -> None:
    one = bl.check_deletion(linear, result, *data, orders=5, seed=3)
    two = bl.check_deletion(linear, result, *data, orders=5, seed=3, batch_size=7)
    other = bl.check_deletion(linear, result, *data, orders=5, seed=4)
    estimates = [check.tables["curve"]["estimate"] for check in (one, two, other)]
    np.testing.assert_allclose(estimates[0], estimates[1], atol=1e-6)
    assert np.abs(estimates[0] - estimates[2]).max() > 1e-3


def test_drawn_orders_widen_intervals(linear: Any, result: bl.BandImportance, data: Any) -> None:
    every, drawn = (bl.check_deletion(linear, result, *data, replacement="zero", orders=orders) for orders in (24, 3))
    assert every.facts["every_order"]
    assert not drawn.facts["every_order"]
    widths = [
        np.subtract(*of(c, "area", **{"class": "all"})[["conf_high", "conf_low"]].to_numpy().T) for c in (every, drawn)
    ]
    assert (widths[1] > 1.5 * widths[0]).all()


def test_groups_go_together(linear: Any, data: Any) -> None:
    groups = {"visible": ["blue", "green", "red"]}
    result = bl.band_importance(linear, *data, bands=BANDS, classes=CLASSES, groups=groups)
    check = bl.check_deletion(linear, result, *data, bands=BANDS)
    assert check.passed
    assert check.to_frame()["removed"].max() == 2
    assert check.to_frame()["band"].cat.categories.tolist() == ["visible", "nir"]
    assert bl.check_deletion(linear, result, *data).verdict == check.verdict
    with pytest.raises(BandError, match="names of all bands"):  # which results of earlier versions don't know
        bl.check_deletion(linear, replace(result, image_bands=None), *data)
    with pytest.raises(BandError, match="of the result in another order"):
        bl.check_deletion(linear, result, *data, bands=["nir", "green", "red", "blue"])


def test_many_bands_go_in_steps(keras: Any) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(8, 60, 1))
    model = keras.Sequential([keras.Input((60, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    result = bl.band_importance(model, x, band_axis=1)
    check = bl.check_deletion(model, result, x, band_axis=1, steps=6, orders=4)
    assert check.passed  # a regression: the output is left faster
    assert set(check.to_frame()["measure"]) == {"fidelity"}
    assert check.to_frame()["removed"].unique().tolist() == [0, 10, 20, 30, 40, 50, 60]
    assert set(check.to_frame()["class"]) == {"all"}


def test_classes_are_those_of_y(linear: Any, data: Any) -> None:
    x, y = data
    predicted = bl.band_importance(linear, x, classes=CLASSES)
    names = np.array(CLASSES)[y]
    check = bl.check_deletion(linear, predicted, x, names)
    assert of(check, "curve", measure="accuracy", order="random", removed=0)["estimate"].max() <= 1
    only = bl.band_importance(linear, x[y == 0], y[y == 0], classes=CLASSES)
    with pytest.raises(ResultError, match="soil"):
        bl.check_deletion(linear, only, x[y == 0], np.ones(10, int))
    with pytest.raises(LabelError):
        bl.check_deletion(linear, predicted, x, y[:5])


def wrong_calls() -> dict[str, tuple[Any, type[BandlensError], str]]:
    return {
        "other number": (lambda x: {"x": x[:5]}, ResultError, "30 images"),
        "other images": (lambda x: {"x": x[::-1]}, ResultError, "other means"),
        "other bands": (lambda x: {"x": x[..., :3]}, ResultError, "3 bands"),
        "names": (lambda x: {"bands": ["b", "g", "r", "n"]}, BandError, "other bands than the result"),
        "replacement": (lambda x: {"replacement": "mean"}, OptionError, "background_mean"),
        "orders": (lambda x: {"orders": 0}, OptionError, "orders"),
        "background": (lambda x: {"background": x[..., :2]}, BackgroundError, "another shape"),
    }


@pytest.mark.parametrize("what", wrong_calls())
def test_what_does_not_fit_is_named(what: str, linear: Any, result: bl.BandImportance, data: Any) -> None:
    change, error, text = wrong_calls()[what]
    arguments = {"x": data[0], **change(data[0])}
    with pytest.raises(error, match=text):
        bl.check_deletion(linear, result, **arguments)


def test_another_model_is_noticed(keras: Any, linear: Any, result: bl.BandImportance, data: Any) -> None:
    other = keras.models.clone_model(linear)
    other.layers[1].set_weights([-linear.layers[1].get_weights()[0], np.zeros(3)])
    with pytest.raises(ResultError, match="not the one that was explained"):
        bl.check_deletion(other, result, *data)
    single = bl.band_importance(linear, *data, groups={"every": [0, 1, 2, 3]})
    with pytest.raises(ResultError, match="single band"):
        bl.check_deletion(linear, single, *data)


def test_progress_counts_images(linear: Any, result: bl.BandImportance, data: Any) -> None:
    told: list[tuple[int, int]] = []
    bl.check_deletion(linear, result, *data, progress=lambda *counts: told.append(counts))
    assert told[-1] == (30, 30)


@pytest.mark.parametrize("width", [85, 175])
def test_plot(width: int, linear: Any, result: bl.BandImportance, data: Any) -> None:
    check = bl.check_deletion(linear, result, *data)
    for measure in (None, "accuracy", "fidelity"):
        figure = check.plot(width=width, measure=measure).draw()
        titles = figure.findobj(lambda artist: "water (n = 10)" in getattr(artist, "get_text", str)())
        assert titles
    named = check.plot(width=175).draw().findobj(lambda artist: getattr(artist, "get_text", str)() == "nir")
    assert len(named) == 3  # once in each class
    plt.close("all")
    with pytest.raises(OptionError, match="probability"):
        check.plot(measure="speed")
