"""How few bands suffice: planted truths, what a result promises, and what is refused."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.sensors import matched_sensors, presets
from bandlens.explain.paths import folds_of
from bandlens.explain.selection import selection
from bandlens.r import bridge

BANDS = ["blue", "green", "red", "nir", "swir1", "swir2"]
WAVELENGTHS = [490, 560, 665, 842, 1610, 2200]


def images(n: int = 240) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 2, 2, 6)).astype(np.float32)


def levels(x: Any) -> Any:
    return x.mean(axis=(1, 2))


def two_of_six(x: np.ndarray) -> np.ndarray:
    """Logits of two classes that depend on red, and less on swir1."""
    own = levels(x)
    score = 4 * own[:, 2] + 3 * own[:, 4]
    return np.stack([-score, score], axis=1)


def by_means(x: np.ndarray, y: np.ndarray, bands: list[str]) -> Any:
    """A model that takes each image for the class whose mean levels are nearest."""
    own = levels(np.asarray(x))
    centres = np.stack([own[y == code].mean(axis=0) for code in (0, 1)])
    return lambda new: -((levels(np.asarray(new))[:, None] - centres) ** 2).sum(axis=2)


@pytest.fixture(scope="module")
def planted() -> dict[str, Any]:
    x = images()
    return {"model": two_of_six, "x": x, "y": two_of_six(x).argmax(axis=1), "bands": BANDS, "output": "logit"}


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_the_two_bands_that_a_model_uses_are_the_knee(planted: dict[str, Any], method: str) -> None:
    found = bl.select_bands(**planted, method=method)
    assert found.selected == ("red", "swir1")
    assert found.knee == 2
    frame = found.to_frame()
    assert frame["n_bands"].tolist() == [1, 2, 3, 4, 5, 6]
    assert frame["bands"][1] == "red, swir1"
    assert frame["bands"][0] == "red"
    assert (frame["estimate"][1:] == 1).all()
    assert frame["estimate"][0] < 0.95
    assert frame["band"].isna().tolist() == [method == "backward" and n == 6 for n in range(1, 7)]
    assert "2 of 6 bands suffice: red, swir1; accuracy 1" in found.verdict
    assert "not trained again" in found.summary()


def test_all_bands_are_worth_what_the_model_is_and_steps_what_sums_by_hand_are(planted: dict[str, Any]) -> None:
    y = np.where(np.arange(240) % 7 == 0, 1 - planted["y"], planted["y"])
    x, background = planted["x"], images(3)[:, ::-1] + 0.1
    found = bl.select_bands(
        **{**planted, "y": y}, background=background, method="importance", importance=[*BANDS[2:], *BANDS[:2]]
    )
    frame = found.to_frame()
    assert frame["estimate"].iloc[-1] == pytest.approx((two_of_six(x).argmax(axis=1) == y).mean())
    assert frame["band"].tolist() == [*BANDS[2:], *BANDS[:2]]
    # three background images, each taken once
    right = np.zeros((240, 3))
    for at, other in enumerate(background):
        mixed = np.repeat(other[None], 240, axis=0)
        mixed[..., 2:4] = x[..., 2:4]
        right[:, at] = two_of_six(mixed).argmax(axis=1) == y
    own = right.mean(axis=1)
    assert frame["estimate"][1] == pytest.approx(own.mean())
    assert frame["std_error"][1] == pytest.approx(own.std(ddof=1) / np.sqrt(240))
    assert found.n_background == 3


def test_the_log_loss_is_that_of_the_softmax_and_a_regression_has_squared_errors(planted: dict[str, Any]) -> None:
    logits = two_of_six(planted["x"])
    found = bl.select_bands(**planted, metric="log_loss").to_frame()
    own = np.take_along_axis(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), planted["y"][:, None], axis=1)
    assert found["estimate"].iloc[-1] == pytest.approx(own.mean(), rel=1e-5)
    assert found["measure"].unique().tolist() == ["log-likelihood"]
    observed = levels(planted["x"])[:, 0] + 0.5
    result = bl.select_bands(lambda x: levels(x)[:, :1], planted["x"], observed, task="regression", bands=BANDS)
    assert result.selected == ("blue",)
    assert result.to_frame()["estimate"][0] == pytest.approx(-0.25, rel=1e-5)


def test_of_bands_that_tell_the_same_models_made_anew_need_one(planted: dict[str, Any]) -> None:
    x = planted["x"].copy()
    y = (np.arange(240) % 2).astype(int)
    x[..., 2] += 4 * y[:, None, None]
    x[..., 4] = x[..., 2]

    def both(new: np.ndarray) -> np.ndarray:
        own = levels(new)
        score = own[:, 2] + own[:, 4] - 4
        return np.stack([-score, score], axis=1)

    asked = {**planted, "model": both, "x": x, "y": y}
    again = bl.select_bands(**asked, fit=by_means, method="forward")
    assert again.selected == ("red",)
    assert again.retrained
    assert again.to_frame()["retrained"].all()
    # taking one of the two from other images harms the model as it is, not one that is made without it
    alone = bl.select_bands(**asked)
    assert set(alone.selected) == {"red", "swir1"}
    assert alone.curve.estimate[0] < again.curve.estimate[0] - 0.1


def test_models_are_judged_on_images_they_have_not_seen_and_runs_widen_intervals(planted: dict[str, Any]) -> None:
    seen: list[tuple[np.ndarray, tuple[int, ...], list[str]]] = []
    names = np.array(["a", "b"])[planted["y"]]

    def fit(x: np.ndarray, y: np.ndarray, bands: list[str]) -> Any:
        seen.append((y, x.shape, bands))
        return by_means(x, (y == "b").astype(int), bands)

    found = bl.select_bands(
        **{**planted, "y": names},
        classes=["a", "b"],
        fit=fit,
        method="importance",
        importance=BANDS,
        folds=4,
        repeats=3,
    )
    assert len(seen) == 6 * 4 * 3
    assert {(shape, len(bands)) for _, shape, bands in seen} == {((180, 2, 2, k), k) for k in range(1, 7)}
    folds = np.stack([folds_of(planted["y"], 4, 0, run) for run in range(3)])
    assert [y.tolist() for y, *_ in seen[:4]] == [names[folds[0] != fold].tolist() for fold in range(4)]
    expected = np.zeros((3, 240))
    for run, fold in enumerate(folds):
        for one in range(4):
            model = by_means(planted["x"][fold != one], planted["y"][fold != one], BANDS)
            held = fold == one
            expected[run, held] = model(planted["x"][held]).argmax(axis=1) == planted["y"][held]
    np.testing.assert_allclose(found.qualities[:, -1], expected.mean(axis=0))
    runs = expected.mean(axis=1)
    error = np.sqrt(expected.mean(axis=0).var(ddof=1) / 240 + runs.var(ddof=1) / 3)
    assert found.curve.std_error[-1] == pytest.approx(error)
    assert "3 x 4 folds" in repr(found)


def test_images_have_no_say_in_the_bands_that_they_are_scored_with() -> None:
    # labels of pure chance: what is chosen by all images looks right more often than by chance, on these
    random = np.random.default_rng(1)
    x = random.normal(size=(60, 1, 1, 20)).astype(np.float32)
    y = random.integers(0, 2, 60)

    def signs(new: np.ndarray) -> np.ndarray:
        own = levels(new)
        best = own[np.arange(len(own)), np.abs(own).argmax(axis=1)]
        return np.stack([-best, best], axis=1)

    zero = np.zeros((1, 1, 1, 20), np.float32)
    found = bl.select_bands(signs, x, y, background=zero, output="logit")
    first = int(found.moved[0])
    by_all = ((x[:, 0, 0, first] > 0) == y).mean()
    assert by_all > 0.55
    assert found.curve.estimate[0] < by_all - 0.05


def test_nothing_depends_on_the_batch_size(small_cnn: Any) -> None:
    x = np.random.default_rng(2).normal(size=(14, 8, 8, 4)).astype(np.float32)
    y = np.arange(14) % 3
    options = {"metric": "log_loss", "folds": 2, "n_background": 3, "method": "backward"}
    whole = bl.select_bands(small_cnn, x, y, **options)
    own = small_cnn.predict(x, verbose=0)[np.arange(14), y]
    assert whole.curve.estimate[-1] == pytest.approx(np.log(own).mean(), rel=1e-4)
    for size in (1, 5):
        cut = bl.select_bands(small_cnn, x, y, **options, batch_size=size)
        np.testing.assert_allclose(cut.qualities, whole.qualities, rtol=1e-5, atol=1e-6)
        assert (cut.sets == whole.sets).all()


def test_sensors_have_the_bands_nearest_to_theirs(planted: dict[str, Any]) -> None:
    sensors = ["landsat8", "rgb_nir", "planetscope"]
    found = bl.select_bands(**planted, wavelengths=WAVELENGTHS, sensors=sensors)
    frame = found.to_frame("sensor")
    assert frame["sensor"].tolist() == ["Landsat 8/9 OLI", "RGB + NIR", "PlanetScope"]
    assert frame["n_bands"].tolist() == [6, 4, 4]
    assert frame["bands"][1] == "blue, green, red, nir"
    assert frame["lacking"][0] == "coastal, cirrus"
    assert frame["estimate"].tolist()[0] == 1
    # of the two that matter, only red is there
    assert frame["estimate"][1] == pytest.approx(found.curve.estimate[0], abs=0.05)
    assert "PlanetScope: accuracy" in found.summary()
    named = bl.select_bands(**planted, sensors={"mine": ["red", "swir1"]})
    assert named.to_frame("sensor")["estimate"].tolist() == [1]
    assert len(bl.select_bands(**planted).to_frame("sensor")) == 0


def test_presets_name_their_sources() -> None:
    assert {key: len(bands) for key, (_, bands) in presets().items()} == {
        "landsat8": 8, "sentinel2": 13, "planetscope": 8, "rgb_nir": 4,
    }  # fmt: skip
    own = [band.centre for band in presets()["sentinel2"][1]]
    found = matched_sensors(["sentinel2", "landsat8"], list(map(str, own)), own)
    assert found[0].present.all()
    assert found[0].lacking == []
    assert [str(own[at]) for at in np.flatnonzero(found[1].present)] == [
        "442.7", "492.7", "559.8", "664.6", "864.7", "1373.5", "1613.7", "2202.4",
    ]  # fmt: skip


def test_landsat_bands_have_the_limits_that_usgs_publishes() -> None:
    """In hundredths of a micrometre: USGS, "What are the band designations for the Landsat satellites?"."""
    usgs = {
        "coastal": (43, 45), "blue": (45, 51), "green": (53, 59), "red": (64, 67), "nir": (85, 88),
        "cirrus": (136, 138), "swir1": (157, 165), "swir2": (211, 229),
    }  # fmt: skip
    ours = {
        band.name: (round((band.centre - band.width / 2) / 10), round((band.centre + band.width / 2) / 10))
        for band in presets()["landsat8"][1]
    }
    assert ours == usgs


def test_no_band_suffices_where_the_most_frequent_class_is_as_right(planted: dict[str, Any]) -> None:
    found = bl.select_bands(**planted)
    counts = np.bincount(found.image_class)
    named = (found.image_class == counts.argmax()).astype(float)[:, None].repeat(len(found.sets), axis=1)
    named[np.flatnonzero(named[:, 0])[0], 0] = 0  # a curve that is not quite flat
    flat = dataclasses.replace(found, qualities=named, runs=named.mean(axis=0)[None])
    assert "suffice can't be told" in flat.verdict
    assert f"{counts.max() / found.n:.3g}" in flat.verdict
    assert "bands suffice: " in found.verdict


@pytest.mark.parametrize("metric", ["accuracy", "squared_error"])
def test_intervals_of_accuracies_end_where_accuracies_do(planted: dict[str, Any], metric: str) -> None:
    found = bl.select_bands(**planted)
    few = np.zeros((4, found.qualities.shape[1]))
    few[0, 0], few[:3, 1] = 1, 1  # 1 and 3 of 4 are right: 1/4 and 3/4 with a standard error of 1/4
    curve = dataclasses.replace(found, metric=metric, qualities=few, runs=few.mean(axis=0)[None]).curve
    beyond = 0.25 * 3.182446305284263 - 0.25  # Student's t with 3 degrees of freedom, 97.5 %
    low, high = (0, 1) if metric == "accuracy" else (-beyond, 1 + beyond)
    assert curve.std_error[:2] == pytest.approx([0.25, 0.25])
    assert curve.conf_low[0] == pytest.approx(low)
    assert curve.conf_high[1] == pytest.approx(high)


def test_results_are_kept_and_importance_gives_the_order(planted: dict[str, Any], tmp_path: Path) -> None:
    importance = bl.band_importance(
        planted["model"], planted["x"][:40], planted["y"][:40], method="occlusion", bands=BANDS, output="logit"
    )
    found = bl.select_bands(
        **planted, method="importance", importance=importance, sensors={"mine": ["red"]}, groups=None
    )
    assert [BANDS[at] for at in found.moved[:2]] == ["red", "swir1"]
    found.save(tmp_path / "found.npz")
    back = bl.BandSelection.load(tmp_path / "found.npz")
    assert back.to_frame().equals(found.to_frame())
    assert back.to_frame("sensor").equals(found.to_frame("sensor"))
    assert pickle.loads(pickle.dumps(found)).summary() == found.summary()
    groups = {"visible": ["blue", "green", "red"], "swir": ["swir1", "swir2"]}
    grouped = bl.select_bands(**planted, groups=groups)
    assert set(grouped.selected) == {"visible", "swir"}


def test_pictures_name_bands_the_knee_and_sensors(planted: dict[str, Any]) -> None:
    for method in ("forward", "backward"):
        plot = bl.select_bands(
            **planted, method=method, wavelengths=WAVELENGTHS, sensors=["rgb_nir", "landsat8"]
        ).plot()
        plot.draw()
        assert "2 bands, the fewest within one standard error" in plot.labels.subtitle.replace("\n", " ")
        named = plot.data["text"].tolist()
        assert named[1] == ("swir1" if method == "forward" else named[1])
        assert (named[-1] == "all") == (method == "backward")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"method": "forwards"}, bl.errors.OptionError, "forward"),
        ({"method": "importance"}, bl.errors.OptionError, "needs it"),
        ({"importance": BANDS}, bl.errors.OptionError, "needs it"),
        ({"method": "importance", "importance": BANDS[:3]}, bl.errors.BandError, "of other bands"),
        ({"metric": "squared_error"}, bl.errors.OptionError, "does not suit"),
        ({"metric": "log_loss", "output": "auto"}, bl.errors.OptionError, "needs probabilities"),
        ({"sensors": "landsat"}, bl.errors.OptionError, "no such sensor"),
        ({"sensors": "landsat8"}, bl.errors.BandError, "by wavelength"),
        ({"sensors": {"mine": ["thermal"]}}, bl.errors.BandError, "thermal"),
        ({"sensors": "rgb_nir", "wavelengths": [3000 + n for n in range(6)]}, bl.errors.BandError, "sees none"),
        ({"repeats": 2}, bl.errors.OptionError, "nothing to repeat"),
        ({"folds": 1}, bl.errors.OptionError, "folds"),
        ({"folds": 500}, bl.errors.OptionError, "more folds than images"),
        ({"y": None}, bl.errors.LabelError, "Only labels"),
        ({"fit": "train"}, bl.errors.OptionError, "makes no models"),
        ({"fit": by_means, "background": images(3)}, bl.errors.OptionError, "no `background`"),
        ({"task": "multilabel", "y": np.ones((240, 2), bool)}, bl.errors.OptionError, "one class, or numbers"),
    ],
)
def test_what_does_not_fit_is_refused(planted: dict[str, Any], options: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        bl.select_bands(**{**planted, **options})


def test_bands_of_several_inputs_are_selected_together_and_all_may_be_needed(keras: Any) -> None:
    optical, radar = keras.Input((2, 2, 2), name="optical"), keras.Input((2, 2, 1), name="radar")
    pooled = [keras.layers.GlobalAveragePooling2D()(one) for one in (optical, radar)]
    model = keras.Model([optical, radar], keras.layers.Dense(2)(keras.layers.Concatenate()(pooled)))
    model.layers[-1].set_weights([np.array([[0, 2], [0, 0], [0, 2]], np.float32), np.zeros(2, np.float32)])
    own = images(80)
    x = {"optical": own[..., :2], "radar": own[..., 2:3]}
    y = model.predict(x, verbose=0).argmax(axis=1)
    options = {"bands": {"optical": ["red", "nir"], "radar": ["VV"]}, "output": "logit"}
    found = bl.select_bands(model, x, y, **options)
    assert found.selected == ("optical: red", "radar: VV")
    assert found.curve.estimate[-1] == 1
    with pytest.raises(bl.errors.OptionError, match="one input"):
        bl.select_bands(model, x, y, **options, fit=by_means)
    alone = bl.select_bands(model, x, y, **options, groups={"red": ["red"], "VV": ["VV"]}, metric="log_loss")
    assert alone.n == 80


def test_where_no_fewer_bands_are_as_good_it_says_so() -> None:
    x = images(100)[..., :2]
    found = bl.select_bands(two, x, two(x).argmax(axis=1), output="logit")
    assert found.verdict.startswith("All 2 bands are needed: accuracy 1, with fewer less.")


def two(x: np.ndarray) -> np.ndarray:
    score = levels(x).sum(axis=1)
    return np.stack([-score, score], axis=1)


def test_a_model_of_the_user_with_other_outputs_is_refused(planted: dict[str, Any]) -> None:
    def three(x: np.ndarray, y: np.ndarray, bands: list[str]) -> Any:
        return lambda new: levels(np.repeat(np.asarray(new)[..., :1], 3, axis=-1))

    with pytest.raises(bl.errors.ModelError, match=r"other outputs than `model`(.|\n)*3, for the bands swir2"):
        bl.select_bands(**planted, fit=three)


def test_labels_that_images_bring_are_as_good_as_those_beside_them(planted: dict[str, Any]) -> None:
    beside = bl.select_bands(**planted, fit=by_means)
    x, y, options = planted["x"], planted["y"], {k: v for k, v in planted.items() if k not in ("x", "y")}
    brought = bl.LabelledImages(x, y=y)
    stream = ((x[at : at + 30], y[at : at + 30]) for at in range(0, len(x), 30))
    for images in (brought, stream):
        found = bl.select_bands(x=images, y=None, **options, fit=by_means)
        np.testing.assert_array_equal(found.curve.estimate, beside.curve.estimate)
    with pytest.raises(bl.errors.LabelError, match="Only labels tell"):
        bl.select_bands(x=iter([x]), y=None, **options)


def test_a_model_of_the_user_for_other_bands_is_told_as_that(keras: Any, planted: dict[str, Any]) -> None:
    layers = keras.layers
    shape = planted["x"].shape[1:]
    all_bands = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(bl.errors.ModelError, match=r"`fit` gives can't take images(.|\n)*expected: 1 of them: "):
        bl.select_bands(**planted, fit=lambda x, y, bands: all_bands)


def test_what_r_gets_is_the_same(planted: dict[str, Any]) -> None:
    def fit(x: np.ndarray, rows: np.ndarray, bands: list[str]) -> dict[str, Any]:
        return {"model": by_means(x, planted["y"][rows], bands)}

    own = {
        "method": "forward", "importance": None, "metric": "auto", "sensors": None, "folds": 3, "repeats": 1,
        "n_background": 4,
    }  # fmt: skip
    asked = {"background": None, "output": "logit", "bands": BANDS, "seed": 0}
    names = [str(label) for label in planted["y"]]
    arguments = {**own, **asked, "classes": ["0", "1"]}
    value = bridge.select_bands(two_of_six, planted["x"], names, arguments, fit, None)["value"]
    same = selection(
        two_of_six, planted["x"], names, **own, fit=lambda _: lambda *a: fit(*a)["model"], progress=False,
        asked={**asked, "classes": ["0", "1"]},
    )  # fmt: skip
    np.testing.assert_array_equal(value["tables"]["curve"]["estimate"], same.curve.estimate)
    assert value["knee"] == same.knee
    failed = bridge.select_bands(two_of_six, planted["x"], names, arguments, lambda *_: {"error": "oh"}, None)
    assert not failed["ok"]
    assert failed["given"] == "oh"


def test_intervals_of_an_accuracy_end_where_it_does(planted: dict[str, Any]) -> None:
    y = np.where(np.arange(240) < 2, 1 - planted["y"], planted["y"])
    frame = bl.select_bands(**{**planted, "y": y}).to_frame()
    assert frame["conf_high"].max() == 1
    assert (frame["conf_low"] < frame["estimate"]).all()


def test_where_bands_make_no_difference_none_is_said_to_suffice(planted: dict[str, Any]) -> None:
    constant = {**planted, "model": lambda x: np.tile([1.0, 0.0], (len(x), 1))}
    assert "can't be told" in bl.select_bands(**constant).verdict
    found = bl.select_bands(**constant, metric="log_loss")
    assert "Bands make no difference" in found.verdict
    assert "suffice:" not in found.summary()
