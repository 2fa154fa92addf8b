"""Scores per step in time: bands at steps, on any axis, of one input or of several."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens.data.times import time_names
from bandlens.errors import BandError, OptionError
from keras import ops

STEPS, BANDS = 5, 3
DATES = np.array(["2024-05-01", "2024-05-11", "2024-06-01", "2024-06-11", "2024-07-01"], "datetime64[D]")
FEWER: dict[str, dict[str, Any]] = {
    **{method: {"n_samples": 40} for method in ("smoothgrad", "vargrad", "expected_gradients")},
    "integrated_gradients": {"n_steps": 200},
    "lime": {"n_samples": 400},
    "shapley": {"max_exact": 2, "max_permutations": 40},
}
ADDITIVE = ("gradient_x_input", "integrated_gradients", "expected_gradients", "deepshap")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(9, STEPS, BANDS)).astype("float32")
BACKGROUND = RANDOM.normal(size=(6, STEPS, BANDS)).astype("float32")
Y = np.arange(9) % 3


@pytest.fixture(scope="module")
def model() -> Any:
    """A convolution over time."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    inputs = keras.Input((STEPS, BANDS))
    hidden = layers.Conv1D(6, 2, activation="relu")(inputs)
    hidden = layers.Dense(4, activation="relu")(layers.Flatten()(hidden))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(hidden))


def table(model: Any, x: Any = X, y: Any = Y, **options: Any) -> bl.BandImportance:
    return bl.band_importance(model, x, y, **{"background": BACKGROUND, "time_axis": 1, **options})


def test_rows_are_bands_at_steps(model: Any) -> None:
    result = table(model, times=DATES, bands=["red", "nir", "vv"], wavelengths=[660, 840, None])
    assert result.bands == tuple(np.repeat(["red", "nir", "vv"], STEPS))
    assert result.times == tuple(map(str, DATES)) * BANDS
    assert result.time_kind == "date"
    assert result.inputs is None
    assert result.wavelengths[STEPS] == 840
    np.testing.assert_allclose(result.band_means, np.moveaxis(X, 1, 2).reshape(9, -1), rtol=1e-6)
    np.testing.assert_allclose(result.table.share.sum(axis=1), 1)


@pytest.mark.parametrize("method", ADDITIVE)
def test_steps_of_a_band_sum_to_what_it_has_without_them(model: Any, method: str) -> None:
    options = {"method": method, **FEWER.get(method, {})}
    found = table(model, **options).scores
    expected = bl.band_importance(model, X, Y, background=BACKGROUND, **options).scores
    summed = found.reshape(*found.shape[:2], BANDS, STEPS).sum(axis=-1)
    np.testing.assert_allclose(summed, expected, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["deepshap", "integrated_gradients", "shapley", "occlusion"])
def test_linear_models_have_a_closed_form(keras: Any, method: str) -> None:
    model = keras.Sequential([keras.Input((STEPS, BANDS)), keras.layers.Flatten(), keras.layers.Dense(2)])
    weights = model.get_weights()[0].astype("float64").reshape(STEPS, BANDS, 2)
    found = table(model, y=None, method=method, target="all").scores
    difference = X.astype("float64") - BACKGROUND.mean(axis=0, dtype="float64")
    expected = np.einsum("tbk,ntb->nkbt", weights, difference).reshape(found.shape)
    tolerance = 1e-6 if method in ("deepshap", "integrated_gradients") else 1e-5  # differences of outputs in float32
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


AT = (2, 3)


def planted(x: Any) -> Any:
    """Classes that depend on one band at one step."""
    value = x[:, AT[1], AT[0] : AT[0] + 1] + 0 * ops.sum(x, axis=(1, 2))[:, None]
    return ops.concatenate([2 * value, ops.relu(-3 * value), ops.sin(value)], axis=1)


@pytest.mark.parametrize("method", ["deepshap", "permutation"])
def test_functions_of_series_are_explained_at_their_step(method: str) -> None:
    """Models and all methods: `test_planted_kinds.py`."""
    x = np.random.default_rng(0).normal(size=(24, STEPS, BANDS)).astype("float32")
    y = np.asarray(ops.convert_to_numpy(planted(ops.convert_to_tensor(x)))).argmax(axis=1)
    result = bl.band_importance(planted, x, y, time_axis=1, times=DATES, method=method)
    importance = result.overall.importance[0]
    first = importance.argmax()
    assert (result.bands[first], result.times[first]) == ("band_3", "2024-06-11")
    assert np.delete(np.abs(importance), first).max() <= 1e-5 * importance.max()


@pytest.mark.parametrize("method", ["deepshap", "shapley", "smoothgrad", "permutation", "saliency"])
def test_batches_don_t_matter(model: Any, method: str) -> None:
    options = {"method": method, **FEWER.get(method, {})}
    one, other = (table(model, batch_size=size, **options).scores for size in (2, None))
    np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "between", "last"])
def test_steps_may_be_on_any_axis(keras: Any, place: int) -> None:
    """Images of several steps: wherever their axis is, the numbers are the same."""
    layers, random = keras.layers, np.random.default_rng(0)
    x = random.normal(size=(6, 4, 4, BANDS, STEPS)).astype("float32")
    axis = (1, 3, 4)[place]

    def built(shape: tuple[int, ...], order: Callable[[Any], Any]) -> Any:
        keras.utils.set_random_seed(3)
        inputs = keras.Input(shape)
        moved = layers.Lambda(order, output_shape=(STEPS, 4, 4, BANDS))(inputs)
        hidden = layers.TimeDistributed(layers.Conv2D(3, 2, activation="relu"))(moved)
        return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(hidden)))

    plain = built((STEPS, 4, 4, BANDS), lambda x: x)
    moved = np.moveaxis(x, -1, 1)
    given = np.ascontiguousarray(np.moveaxis(x, -1, axis))
    model = built(given.shape[1:], lambda x: ops.moveaxis(x, axis, 1))
    bands = -1 if axis != 4 else 3
    for method in ("deepshap", "occlusion", "saliency", "smoothgrad"):
        options = {"method": method, **FEWER.get(method, {})}
        found = bl.band_importance(model, given, time_axis=axis, band_axis=bands, **options)
        expected = bl.band_importance(plain, moved, time_axis=1, band_axis=-1, **options)
        assert found.bands == expected.bands
        if method != "smoothgrad" or axis == 1:  # noise is drawn in the order of the axes
            np.testing.assert_allclose(found.scores, expected.scores, atol=2e-6 * np.abs(expected.scores).max())


def test_one_of_two_inputs_has_steps(keras: Any) -> None:
    layers = keras.layers
    series, terrain = keras.Input((STEPS, BANDS), name="series"), keras.Input((4, 4, 2), name="terrain")
    hidden = layers.Flatten()(layers.Conv1D(4, 2, activation="relu")(series))
    both = layers.Concatenate()([hidden, layers.Flatten()(layers.Conv2D(3, 2, activation="relu")(terrain))])
    model = keras.Model([series, terrain], layers.Dense(3, activation="softmax")(both))
    x = {"series": X, "terrain": RANDOM.normal(size=(9, 4, 4, 2))}
    result = bl.band_importance(model, x, Y, time_axis={"series": 1}, times={"series": DATES})
    assert result.inputs == ("series",) * STEPS * BANDS + ("terrain",) * 2
    assert result.times == (*map(str, DATES),) * BANDS + ("", "")
    assert result.completeness is not None
    assert result.completeness < 1e-4
    whole = bl.band_importance(model, x, Y, time_axis={"series": 1}, groups="input")
    assert whole.bands == ("series",) * STEPS + ("terrain",)
    with pytest.raises(BandError, match=r"different steps in time(.|\n)*series:band_1: 5 steps"):
        bl.band_importance(
            model, x, Y, time_axis=[1, None], groups={"both": ["series:band_1", "terrain:band_1"]}
        )  # fmt: skip
    with pytest.raises(BandError, match="Input 'series': `times` don't match"):
        bl.band_importance(model, x, Y, time_axis={"series": 1}, times={"series": [1, 2]})


def test_groups_of_bands_keep_their_steps(model: Any) -> None:
    single, grouped = table(model), table(model, groups={"both": [0, 2]})
    assert grouped.bands == ("both",) * STEPS + ("band_2",) * STEPS
    assert grouped.groups == {"both": ["band_1", "band_3"]}
    expected = single.scores[..., :STEPS] + single.scores[..., 2 * STEPS :]
    np.testing.assert_allclose(grouped.scores[..., :STEPS], expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore::bandlens.errors.BandlensWarning")
def test_checks_keep_steps(model: Any) -> None:
    options: dict[str, Any] = {"background": BACKGROUND, "time_axis": 1, "times": DATES}
    result = table(model, times=DATES)
    stable = bl.check_stability(model, X, Y, backgrounds=2, resamples=20, n_background=4, **options)
    assert list(stable.to_frame())[:5] == ["class", "output", "band", "time", "wavelength"]
    pd.testing.assert_frame_equal(
        stable.to_frame()[["class", "output", "band", "time", "importance"]],
        table(model, times=DATES, n_background=4).to_frame()[["class", "output", "band", "time", "importance"]],
    )
    ranks = stable.to_frame("rank")
    assert list(ranks)[-8:] == ["conf_high", "n", "band", "time", "first", "rival", "rival_first", "outcome"]
    assert " at 2024-" in str(ranks["rival"][0])
    gone = bl.check_deletion(model, result, X, Y, background=BACKGROUND, orders=3, time_axis=1)
    curve = gone.to_frame()
    assert list(curve)[:6] == ["order", "class", "removed", "band", "time", "measure"]
    own = curve[(curve["class"] == "0") & (curve["order"] == "importance") & (curve["measure"] == "probability")]
    rows = result.to_frame().query("`class` == '0'").sort_values("rank")
    assert own["band"].tolist()[1:] == rows["band"].tolist()
    assert own["time"].tolist()[1:] == rows["time"].tolist()
    none = curve[(curve["order"] == "random") | (curve["removed"] == 0)]
    assert none[["band", "time"]].isna().all(axis=None)
    assert bl.check_randomization(model, X, Y, repeats=1, layers=1, **options).facts
    with pytest.raises(bl.errors.ResultError, match="not those of the result"):
        bl.check_deletion(model, result, X, Y, background=BACKGROUND, orders=3)


@pytest.mark.filterwarnings("ignore::bandlens.errors.BandlensWarning")
@pytest.mark.parametrize("method", ["deepshap", "saliency", "shapley", "permutation"])
def test_noise_and_copies_of_a_band_have_steps(model: Any, method: str) -> None:
    used = {"background": BACKGROUND} if bl.METHODS[method].uses_background else {}
    options = {**FEWER.get(method, {}), **({"metric": "log_loss"} if method == "permutation" else {})}
    check = bl.check_null(model, X, Y, method=method, duplicate=1, time_axis=1, times=DATES, **used, **options)
    assert check.passed, check.summary()
    frame = check.to_frame()
    assert list(frame)[:6] == ["class", "output", "role", "band", "time", "importance"]
    assert len(frame) == 3 * 4 * STEPS
    assert check.facts["duplicate"] == "band_2"
    np.testing.assert_allclose(frame[frame["role"] == "noise"]["importance"], 0, atol=1e-5)
    assert set(frame[frame["role"] == "copy"]["band"]) == {"band_2 (copy)"}
    if method in ("deepshap", "saliency"):
        alone = bl.band_importance(model, X, Y, method=method, time_axis=1, **used, **options).to_frame()
        both = frame[frame["role"] == "both"]
        np.testing.assert_allclose(both["importance"], alone[alone["band"] == "band_2"]["importance"], rtol=1e-3)
        assert frame["time"].tolist() == [*pd.to_datetime(DATES)] * 12
    assert "a dot for each step" in check.plot().labels.subtitle


def test_a_method_that_fails_at_one_step_fails(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bandlens.methods.findings import Findings, Scores
    from bandlens.methods.kinds import BandMethod

    def scores(task: Any) -> Findings:
        for part, batch in task.images.batches(task.images_per_batch, np.float64):
            size = np.abs(np.moveaxis(batch, 1, 2))
            size[:, BANDS : BANDS + 1, : STEPS - 1] = 0  # the noise, but for its last step
            yield Scores(part, np.repeat(size.reshape(len(batch), 1, -1), task.image_output.shape[1], axis=1))

    bad = BandMethod(name="bad", label="Bad", summary="", cost="", reference="", scores=scores)
    monkeypatch.setitem(bl.METHODS, "bad", bad)
    check = bl.check_null(model, X, Y, method="bad", time_axis=1)
    assert check.passed is False
    noise = check.to_frame().query("role == 'noise'")
    assert (noise["outcome"] == "failed").tolist() == 3 * ([False] * (STEPS - 1) + [True])
    # the band with most over all its steps is copied
    overall = bl.band_importance(model, X, Y, method="bad", time_axis=1).sums("band").overall.importance[0]
    assert check.facts["duplicate"] == f"band_{overall.argmax() + 1}"


@pytest.mark.parametrize(
    ("times", "names", "kind"),
    [
        (None, ("0", "1", "2"), "number"),
        ([1, 2.5, 10], ("1", "2.5", "10"), "number"),
        ((*np.arange(3),), ("0", "1", "2"), "number"),
        (["2024-05-01", "2024-05-02", "2024-05-03"], ("2024-05-01", "2024-05-02", "2024-05-03"), "date"),
        ([*pd.date_range("2024-05-01", periods=3)], ("2024-05-01", "2024-05-02", "2024-05-03"), "date"),
        ([datetime.date(2024, 5, day) for day in (1, 2, 3)], ("2024-05-01", "2024-05-02", "2024-05-03"), "date"),
        ([*pd.date_range("2024-05-01", periods=3, freq="12h")], None, "date"),
        (["sowing", "flowering", "harvest"], ("sowing", "flowering", "harvest"), "name"),
        (["2024-05-01", "later", "last"], ("2024-05-01", "later", "last"), "name"),
    ],
)
def test_names_of_steps(times: Any, names: tuple[str, ...] | None, kind: str) -> None:
    found = time_names(times, 3)
    assert found[1] == kind
    assert found[0] == (names or ("2024-05-01T00:00:00", "2024-05-01T12:00:00", "2024-05-02T00:00:00"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"time_axis": 0}, "`time_axis` = 0 is not an axis"),
        ({"time_axis": 3}, "`time_axis` = 3 is not an axis that can hold the steps in time"),
        ({"time_axis": "t"}, "`time_axis` must be an integer"),
        ({"time_axis": -1}, r"the same axis of `x`(.|\n)*axis 2"),
        ({"time_axis": 1, "band_axis": 1}, "the same axis"),
        ({"times": DATES, "time_axis": None}, "`times` needs an axis"),
        ({"times": DATES[:3]}, r"don't match the steps(.|\n)*5 dates(.|\n)*given: 3"),
        ({"times": [*DATES[:4], DATES[0]]}, "`times` must differ"),
        ({"times": ["2024-13-01", "2024-05-11", "2024-06-01", "2024-06-11", "2024-07-01"]}, "look like dates"),
        ({"times": [1, 2, 3, 4, None]}, r"missing entries(.|\n)*step 4"),
        ({"times": [1, 2, 3, 4, np.inf]}, "finite"),
        ({"times": [1, 2, 3, 4, "x"]}, "dates, numbers or names"),
        ({"times": [*DATES[:4], np.datetime64("NaT")]}, "missing entries"),
        ({"time_axis": {"series": 1}}, "`time_axis` must be an integer"),
    ],
)
def test_what_is_wrong_is_said(model: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(BandError, match=message):
        table(model, **wrong)


class Coordinates(np.ndarray):
    """As much of an xarray.DataArray as says what is along its axes."""

    dims = ("image", "time", "band")
    coords: dict[str, np.ndarray]


def test_times_come_with_images(model: Any) -> None:
    x = X.view(Coordinates)
    x.coords = {"time": DATES, "band": np.array(["red", "nir", "vv"])}
    result = bl.band_importance(model, x, Y, time_axis=1, method="saliency")
    assert result.times == tuple(map(str, DATES)) * BANDS
    assert result.bands == tuple(np.repeat(["red", "nir", "vv"], STEPS))
    said = bl.band_importance(model, x, Y, time_axis=1, times=range(STEPS), method="saliency")
    assert said.times[:STEPS] == ("0", "1", "2", "3", "4")


def test_superpixels_have_no_steps(model: Any) -> None:
    with pytest.raises(OptionError, match="without an axis of time"):
        table(model, method="lime", features="superpixels")
