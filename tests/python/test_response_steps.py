"""Curves of a band at each step in time, and of bands of several inputs at steps: closed forms, names, pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bandlens as bl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bandlens.errors import BandError, ResultError
from bandlens.plots import draw
from curves import made_up

STEPS, BANDS = 4, ("red", "nir", "vv")
DATES = np.array(["2024-05-01", "2024-05-11", "2024-06-01", "2024-06-11"], "datetime64[D]")
X = np.random.default_rng(0).normal(size=(40, STEPS, 3))
Y = np.arange(40) % 2


@pytest.fixture(scope="module")
def linear() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((STEPS, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])


@pytest.mark.parametrize("kind", ["ale", "ice"])
def test_a_band_is_moved_at_one_step_with_its_weight_there_as_slope(linear: Any, kind: str) -> None:
    weights = linear.get_weights()[0].reshape(STEPS, 3, 2)
    found = bl.band_response(linear, X, Y, kind=kind, time_axis=1, times=DATES, bands=BANDS)
    frame = found.to_frame()
    assert list(frame)[:6] == ["class", "output", "band", "time", "wavelength", "level"]
    assert len(frame.groupby(["class", "band", "time"], observed=True)) == 2 * 12
    for (name, band, step), rows in frame.groupby(["class", "band", "time"], observed=True):
        at = (list(DATES).index(step.to_datetime64()), BANDS.index(band))
        own = X[int(name) == Y, at[0], at[1]]
        slope = weights[(*at, int(name))]
        np.testing.assert_allclose(rows["effect"], slope * (rows["level"] - own.mean()), rtol=1e-4, atol=1e-5)
        assert (rows["level"].min(), rows["level"].max()) == pytest.approx((own.min(), own.max()))
    if kind == "ice":
        own_frame = found.to_frame("image")
        assert list(own_frame)[3:7] == ["band", "time", "wavelength", "level"]
        assert len(own_frame) == 40 * 12 * 21


def test_without_the_axis_a_band_is_moved_at_all_steps(linear: Any) -> None:
    weights = linear.get_weights()[0].reshape(STEPS, 3, 2)
    frame = bl.band_response(linear, X, Y, bands=BANDS, only="nir").to_frame()
    assert "time" not in frame
    rows = frame[frame["class"] == "1"]
    slope = np.polyfit(rows["level"], rows["effect"], 1)[0]
    assert slope == pytest.approx(weights[:, 1, 1].sum(), rel=1e-4)


def test_single_bands_and_steps_can_be_chosen(linear: Any) -> None:
    options: dict[str, Any] = {"time_axis": 1, "times": DATES, "bands": BANDS, "steps": 2}
    found = bl.band_response(linear, X, Y, only=["vv at 2024-05-11", "red"], **options)
    assert found.bands == ("red",) * STEPS + ("vv",)
    assert found.times == (*map(str, DATES), "2024-05-11")
    assert bl.band_response(linear, X, Y, only=[2], **options).bands == ("vv",) * STEPS
    with pytest.raises(
        BandError,
        match=r"`only` names no bands(.|\n)*red, nir, vv, or positions from 0 to 2; at one step: 'red at 2024-05-01'",
    ):
        bl.band_response(linear, X, Y, only=["vv at 2024-05-12"], **options)
    with pytest.raises(BandError, match="`times` don't match the steps"):
        bl.band_response(linear, X, Y, time_axis=1, times=DATES[:2])
    with pytest.raises(BandError, match="`times` needs an axis"):
        bl.band_response(linear, X, Y, times=DATES)


def test_of_several_inputs_some_have_steps(keras: Any) -> None:
    layers = keras.layers
    series, soil = keras.Input((STEPS, 2), name="series"), keras.Input((2,), name="soil")
    both = layers.Concatenate()([layers.Flatten()(series), soil])
    model = keras.Model([series, soil], layers.Dense(2)(both))
    x = {"series": X[..., :2], "soil": X[:, 0, 1:]}
    options: dict[str, Any] = {"time_axis": {"series": 1}, "times": {"series": DATES}, "steps": 2}
    names = {"series": ["vv", "clay"], "soil": ["clay", "sand"]}
    found = bl.band_response(model, x, Y, bands=names, **options)
    assert found.inputs == ("series",) * 8 + ("soil",) * 2
    frame = found.to_frame()
    assert list(frame)[:6] == ["class", "output", "input", "band", "time", "wavelength"]
    assert frame[frame["input"] == "soil"]["time"].isna().all()
    chosen = bl.band_response(model, x, Y, bands=names, only=["sand", "series: clay at 2024-06-11"], **options)
    assert list(zip(chosen.inputs, chosen.bands, chosen.times, strict=True)) == [
        ("series", "clay", "2024-06-11"),
        ("soil", "sand", ""),
    ]
    with pytest.raises(BandError, match=r"Several inputs have a band of that name(.|\n)*series:clay, soil:clay"):
        bl.band_response(model, x, Y, bands=names, only=["clay"], **options)
    assert "black: bands without steps" in draw(found, "ale").labels.subtitle.replace("\n", " ")


def timed(n_bands: int, n_classes: int, **options: Any) -> Any:
    """Made-up curves of three steps of each band."""
    made = made_up(3 * n_bands, n_classes, n=10, **options)
    bands = tuple(np.repeat([f"band_{at + 1}" for at in range(n_bands)], 3).tolist())
    return replace(made, bands=bands, times=("2024-04-01", "2024-05-01", "2024-06-10") * n_bands, time_kind="date")


def test_steps_are_lines_in_panels_of_bands_and_classes() -> None:
    plot = draw(timed(2, 3), "ale")
    axes = plot.draw().axes
    assert len(axes) == 6
    assert all(len(one.collections[-1].get_segments()) + len(one.lines) >= 3 for one in axes)
    texts = {text.get_text() for text in axes[0].figure.findobj(plt.Text)}
    assert {"band_1 (400 nm)", "2024-04-01", "2024-06-10", "Date"} <= texts
    plt.close("all")
    assert "a line for each of 3 steps" in plot.labels.subtitle
    many = draw(timed(7, 6), "ale")
    assert "4 of 7 bands, those with the largest curves; 4 of 6 classes" in many.labels.subtitle.replace("\n", " ")
    few = draw(timed(7, 6), "ale", bands=["band_7"], classes=["land cover 2"])
    assert set(few.data["panel"]) == {"band_7"}
    assert set(few.data["row"]) == {"land cover 2"}


def test_several_outputs_of_a_class_are_its_own_where_that_is_there() -> None:
    assert set(draw(timed(2, 3, target="all"), "ale").data["row"]) == {f"land cover {at}" for at in (1, 2, 3)}


def test_of_single_steps_there_is_the_picture_with_intervals() -> None:
    result = timed(1, 2)
    keep = result.row_band == 1
    rows = {
        name: getattr(result, name)[keep] for name in vars(result) if getattr(result, name) is not None and name in ROWS
    }
    rows["row_band"] = np.zeros(keep.sum(), np.int64)
    one = replace(
        result, **rows, bands=result.bands[:1], times=result.times[1:2], band_levels=result.band_levels[:, 1:2],
        wavelengths=result.wavelengths[:1],
    )  # fmt: skip
    plot = draw(one, "ale")
    assert set(plot.data["band"]) == {"band_1 at 2024-05-01"}
    assert "shaded: 95 % confidence interval" in plot.labels.subtitle
    with pytest.raises(BandError, match="no such bands to show"):
        draw(result, "ale", bands=["band_1 at 2024-05-01"])


ROWS = (
    "row_class", "row_output", "row_band", "level", "effect", "std_error", "conf_low", "conf_high", "n_images",
)  # fmt: skip


def test_results_with_steps_are_kept(linear: Any, tmp_path: Any) -> None:
    found = bl.band_response(linear, X, Y, time_axis=1, times=DATES, steps=2)
    found.save(tmp_path / "curves.npz")
    again = bl.BandResponse.load(tmp_path / "curves.npz")
    pd.testing.assert_frame_equal(again.to_frame(), found.to_frame())
    assert (again.times, again.time_kind) == (found.times, "date")
    assert "3 bands x 4 steps" in repr(again)
    with pytest.raises(ResultError):
        bl.BandImportance.load(tmp_path / "curves.npz")
