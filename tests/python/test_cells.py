"""Tables of several inputs and of a time axis: their columns, what a row is called, and sums over steps and bands."""

from __future__ import annotations

from dataclasses import replace

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens.checks import compare_importance
from bandlens.errors import BandError, OptionError
from bandlens.r.conversions import all_fields
from bandlens.results.cells import cell_names, time_values
from bandlens.results.response import BandResponse
from bandlens.results.schema import restored
from bandlens.results.tables import CLASS_COLUMNS, IMAGE_COLUMNS
from cells import DATES, fused, timed
from test_pieces import assert_same
from test_plots import result_of


def with_cells(columns, *, inputs=False, times=False):
    """The contracted columns, with those in brackets."""
    before, after = ["input"] * inputs, ["time"] * times
    at = columns.index("band")
    return [*columns[:at], *before, "band", *after, *columns[at + 1 :]]


def test_one_input_without_time_has_the_columns_it_had():
    result = result_of()
    assert tuple(result.to_frame()) == CLASS_COLUMNS
    assert tuple(result.to_frame("image")) == IMAGE_COLUMNS
    assert cell_names(result) == result.bands


@pytest.mark.parametrize(
    ("result", "inputs", "times"), [(timed(), False, True), (fused(), True, False), (fused(DATES, "date"), True, True)]
)
def test_columns_stand_where_they_were_agreed_to(result, inputs, times):
    for level in ("class", "overall"):
        assert list(result.to_frame(level)) == with_cells(CLASS_COLUMNS, inputs=inputs, times=times)
    frame = result.to_frame("image")
    assert list(frame) == with_cells(IMAGE_COLUMNS, inputs=inputs, times=times)
    cells = len(result.bands)
    assert len(frame) == result.n * cells
    first = frame.head(cells)
    assert tuple(first["band"]) == result.bands
    assert first["band"].cat.ordered
    assert list(first["band"].cat.categories) == list(dict.fromkeys(result.bands))
    if inputs:
        assert tuple(first["input"]) == result.inputs
        assert list(first["input"].cat.categories) == ["optical", "sar", "terrain"]
    shares = result.to_frame().groupby(["class", "output"], observed=True)["share"].sum()
    np.testing.assert_allclose(shares, 1)


def test_steps_are_what_they_are():
    dates = timed().to_frame()["time"]
    assert str(dates.dtype) == "datetime64[ns]"
    assert dates[:3].dt.strftime("%Y-%m-%d").tolist() == list(DATES)
    hours = timed(("2024-04-01T06:30", "2024-04-01T18:00", "2024-04-02T06:30")).to_frame()["time"]
    assert hours[0] == pd.Timestamp("2024-04-01 06:30")
    assert timed(("1", "2.5", "10"), "number").to_frame()["time"][:3].tolist() == [1, 2.5, 10]
    names = timed(("sowing", "flowering", "harvest"), "name").to_frame()["time"]
    assert names.cat.ordered
    assert list(names.cat.categories) == ["sowing", "flowering", "harvest"]  # not in alphabetical order
    for kind, times in (("date", DATES), ("number", ("1", "2", "3")), ("name", ("a", "b", "c"))):
        last = fused(times, kind).to_frame().iloc[len(fused(times, kind).bands) - 1]
        assert pd.isna(last["time"])
    assert time_values((), "date").dtype == "datetime64[ns]"


def test_a_cell_is_called_the_same_everywhere():
    assert cell_names(timed())[1] == "NDVI at 2024-05-01"
    assert cell_names(fused()) == ("optical: blue", "optical: nir", "sar: VV", "sar: blue", "terrain: slope")
    both = fused(DATES, "date")
    assert cell_names(both)[0] == "optical: blue at 2024-04-01"
    assert cell_names(both)[-1] == "terrain: slope"
    for result in (timed(), fused(), both):
        assert len(set(cell_names(result))) == len(result.bands)
        best = result.table.rank[0].argmin()
        assert cell_names(result)[best] in result.summary().splitlines()[2]
        assert result.to_shap().feature_names == list(cell_names(result))
    assert "3 classes x 2 bands x 3 steps" in repr(timed())
    assert "3 classes x 5 bands of 3 inputs x 3 steps" in repr(both)


@pytest.mark.parametrize("result", [timed(n=6), timed(n=6, signed=False, target="all"), fused(DATES, "date", n=6)])
def test_sums_are_of_signed_scores_of_each_image(result):
    bands, times = np.array(result.bands), np.array(result.times)
    inputs = np.array(result.inputs or [""] * len(bands))
    for level, of in (("band", (inputs, bands)), ("time", (inputs, times)), ("input", (inputs,))):
        if level == "input" and result.inputs is None:
            continue
        sums = result.sums(level)
        keys = list(zip(*of, strict=True))
        for at, key in enumerate(dict.fromkeys(keys)):
            own = [other == key for other in keys]
            np.testing.assert_allclose(sums.scores[..., at], result.scores[..., own].sum(axis=-1))
            np.testing.assert_allclose(sums.band_means[:, at], result.band_means[:, own].mean(axis=-1))
        frame = result.to_frame(level)
        assert frame.equals(sums.to_frame())
        np.testing.assert_allclose(frame.groupby(["class", "output"], observed=True)["share"].sum(), 1)
        water = sums.scores[result.image_class == 0, 0, 0]
        assert frame["importance"][0] == pytest.approx(np.abs(water).mean())
        assert frame["std_error"][0] == pytest.approx(np.abs(water).std(ddof=1) / np.sqrt(len(water)))
        assert {"band", "time", "input"} & set(frame) == {level} | ({"input"} if result.inputs else set())
        assert ("wavelength" in frame) == (level == "band")
        assert len(set(cell_names(sums))) == len(sums.bands)


def test_what_cancels_over_time_has_little_importance_as_a_whole():
    result = timed(bands=("NDVI",), n=6)
    scores = np.random.default_rng(0).normal(size=(18, 1, 1))
    swing = replace(result, scores=scores * np.array([1.0, -1.0, 0.0]))
    assert swing.to_frame()["importance"].max() > 0.5
    assert swing.to_frame("band")["importance"].max() < 1e-12
    assert swing.sums("time").bands == ("", "", "")
    assert cell_names(swing.sums("time")) == DATES


def test_falls_of_a_metric_are_summed_too():
    drops = np.arange(2 * 4 * 6, dtype=float).reshape(2, 4, 6)
    sums = replace(timed(directed=True), drops=drops).sums("band")
    np.testing.assert_allclose(sums.drops, drops.reshape(2, 4, 2, 3).sum(axis=-1))
    assert len(sums.to_frame()) == 6


def test_sums_that_there_are_not_say_so():
    with pytest.raises(OptionError, match="has not a time axis") as error:
        result_of().to_frame("time")
    assert "`time_axis`" in str(error.value)
    with pytest.raises(OptionError, match="has not several inputs"):
        timed().to_frame("input")
    with pytest.raises(OptionError, match="has not a time axis"):
        fused().sums("band")
    with pytest.raises(OptionError, match="did you mean 'time'"):
        timed().to_frame("tme")
    with pytest.raises(OptionError, match="There is no such table"):
        timed().sums("class")


@pytest.mark.parametrize("result", [timed(), fused(), fused(("a", "b"), "name")])
def test_they_are_saved_cut_put_together_and_cross(result, tmp_path):
    result.save(tmp_path / "result.npz")
    assert_same(bl.BandImportance.load(tmp_path / "result.npz"), result)
    assert_same(bl.combine(result.subset(slice(0, 7)), result.subset(slice(7, None))), result)
    assert_same(restored(bl.BandImportance, all_fields(result)), result)


def test_curves_of_cells_have_their_columns():
    cells = fused(DATES, "date")
    row, floats = np.array([0, 12]), np.zeros(2)
    response = BandResponse(
        kind="ale",
        row_class=row * 0,
        row_output=row * 0,
        row_band=row,
        level=floats,
        effect=floats,
        std_error=floats,
        conf_low=floats,
        conf_high=floats,
        n_images=row,
        image_class=cells.image_class,
        image_output=cells.image_output,
        band_levels=cells.band_means,
        classes=cells.classes,
        outputs=cells.outputs,
        bands=cells.bands,
        wavelengths=cells.wavelengths,
        output="logit",
        steps=3,
        inputs=cells.inputs,
        times=cells.times,
        time_kind="date",
    )
    frame = response.to_frame()
    assert list(frame)[:6] == ["class", "output", "input", "band", "time", "wavelength"]
    assert frame["input"].tolist() == ["optical", "terrain"]
    assert pd.isna(frame["time"][1])
    assert "5 bands of 3 inputs x 3 steps" in repr(response)


def test_checks_name_cells_in_words():
    one, two = timed(), timed()
    flipped = replace(two, scores=two.scores[..., ::-1])
    verdict = " ".join(compare_importance(one, flipped, resamples=20).verdict)
    assert " at 2024-0" in verdict
    other = replace(one, times=("2023-04-01", *one.times[1:]))
    with pytest.raises(BandError, match="NDVI at 2023-04-01"):
        compare_importance(one, other)
