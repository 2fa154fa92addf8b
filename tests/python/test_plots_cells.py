"""Pictures of several inputs and of a time axis: which cell is where, and what the kinds say that don't suit."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import plotnine as p9
import pytest
from bandlens.errors import OptionError
from bandlens.plots import KINDS
from bandlens.plots.steps import labelled, places, spans
from cells import DATES, fused, timed
from test_plots import axes_of, bar_colours, painted, result_of, texts, whiskers  # noqa: F401

MANY = [f"2024-{month:02d}-{day:02d}" for month in range(1, 13) for day in (3, 20)]


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    ("result", "kinds"),
    [
        (timed(n=6), ["heatmap", "curves", "ranks", "distribution", "dependence", "waterfall"]),
        (timed(("a", "b", "c"), "name", n=6, target="all"), ["heatmap", "curves", "effect"]),
        (fused(n=6), ["heatmap", "bars", "effect", "spectrum", "ranks"]),
        (fused(target="all", n=6), ["heatmap"]),
        (fused(DATES, "date", n=1), ["heatmap", "curves"]),
        (timed(MANY, bands=[f"B{at}" for at in range(1, 11)], n=6), ["heatmap"]),
        (timed(("2024-05-01",), n=6), ["heatmap", "curves"]),
    ],
)
def test_every_kind_that_suits_is_drawn_and_can_be_extended(result, kinds):
    for kind in kinds:
        plot = result.plot(kind, width=85 if kind == "heatmap" else 175)
        assert isinstance(plot, p9.ggplot)
        (plot + p9.labs(title="mine")).draw()
        plt.close("all")


@pytest.mark.parametrize("level", ["band", "time", "input"])
def test_sums_are_drawn_by_what_shows_them(level):
    result = fused(DATES, "date", n=6)
    kinds = ["heatmap", "effect", "bars", "ranks", "distribution", "waterfall"]
    kinds += {"band": ["spectrum", "dependence"], "time": ["curves"], "input": []}[level]
    for kind in kinds:
        plot = result.plot(kind, level=level)
        assert "; scores summed over" in plot.labels.subtitle
        plt.close("all")
    for kind in set(KINDS) - set(kinds):
        with pytest.raises(OptionError, match=r"does not show these sums|needs a time axis"):
            result.plot(kind, level=level)
    assert result.plot("bars", level="input").labels.title == "Importance of each input by class"
    assert result.plot("bars", level="input").labels.x == "Input"
    assert result.plot("ranks", level="time").labels.title == "Steps in order of importance, by class"
    assert result.plot("bars", level="band").labels.title == result_of().plot("bars").labels.title


def test_steps_last_from_midway_to_midway_at_their_dates():
    left, right = spans(timed())
    assert left[:3].astype("datetime64[D]").astype(str).tolist() == ["2024-03-17", "2024-04-16", "2024-05-21"]
    np.testing.assert_array_equal(right[:2], left[1:3])
    assert right[2] == np.datetime64("2024-06-30")
    np.testing.assert_array_equal(left[3:], left[:3])
    left, right = spans(timed(("10", "1", "4"), "number"))  # not in order
    np.testing.assert_allclose(left[:3], [7, -0.5, 2.5])
    np.testing.assert_allclose(right[:3], [13, 2.5, 7])
    names = timed(("sowing", "harvest"), "name")
    np.testing.assert_allclose(places(names), [1, 2, 1, 2])
    left, right = spans(fused(("1", "2"), "number"))
    assert (left[-1], right[-1]) == (0.5, 2.5)  # no steps: all of the axis
    left, right = spans(timed(("5",), "number"))
    assert (left[0], right[0]) == (4.5, 5.5)


def test_labels_are_of_steps_and_have_room():
    assert labelled(np.array([0.0, 1, 2, 3, 4]), 0.4) == [0, 2, 4]
    assert labelled(np.array([0.0, 1, 2, 9, 10]), 0.15) == [0, 2, 3]
    assert labelled(np.array([3.0]), 0.5) == [0]


def test_tiles_show_each_band_at_each_step(axes_of):  # noqa: F811
    result = timed(n=6)
    frame = result.to_frame()
    axes = axes_of(result.plot("heatmap"))[:3]
    assert [len(painted(axis.collections[0])[0]) for axis in axes] == [6, 6, 6]
    assert texts(axes[0].get_yticklabels()) == ["red", "NDVI"]  # from below
    data = result.plot("heatmap").data
    water = data[data["class"] == "water"]
    assert (water["high"] - water["low"] == 1).all()
    assert water["low"].tolist() == [-0.5] * 3 + [-1.5] * 3
    np.testing.assert_allclose(water["value"], 100 * frame["share"][:6])
    assert "each panel adds up to 100 %" in result.plot("heatmap").labels.subtitle
    free = result.plot("heatmap", scales="free")
    assert "between panels" in free.labels.subtitle
    np.testing.assert_allclose(free.data.groupby("class", observed=True)["value"].max(), 100)
    with pytest.raises(OptionError, match="no room for values"):
        result.plot("heatmap", values=True)


def test_rows_of_inputs_stand_apart_and_those_without_steps_are_whole():
    result = fused(DATES, "date", n=6)
    data = result.plot("heatmap").data.head(len(result.bands))
    assert data["high"].max() == 0.5
    rows = data.drop_duplicates("low")
    np.testing.assert_allclose(rows["low"], [-0.5, -1.5, -3.0, -4.0, -5.5])
    slope = data.iloc[-1]
    assert slope["left"] == data["left"].min()
    assert slope["right"] == data["right"].max()
    assert "bands without steps" in result.plot("heatmap").labels.subtitle
    note = result.plot("curves").labels.subtitle
    assert "without steps, so not here: terrain: slope" in note.replace("\n", " ")


def test_inputs_have_panels_as_wide_as_their_bands(axes_of):  # noqa: F811
    result = fused(n=6)
    axes = axes_of(result.plot("heatmap"))[:3]
    widths = [axis.get_position().width for axis in axes]
    np.testing.assert_allclose(np.array(widths) / widths[2], [2, 2, 1], rtol=1e-3)
    assert [texts(axis.get_xticklabels()) for axis in axes] == [["blue", "nir"], ["VV", "blue"], ["slope"]]
    tiles = [len(painted(axis.collections[0])[0]) for axis in axes]
    assert tiles == [6, 6, 3]


def test_other_kinds_call_bands_by_their_input(axes_of):  # noqa: F811
    result = fused(n=6)
    water = axes_of(result.plot("bars"))[0]
    assert len(set(bar_colours(water))) == 5
    importance = result.table.importance[0]
    low, high = whiskers(water).T
    assert ((low < importance) & (importance < high)).all()
    assert list(result.plot("bars").data["band"].cat.categories) == [
        "optical: blue", "optical: nir", "sar: VV", "sar: blue", "terrain: slope"
    ]  # fmt: skip
    assert "sar: VV" in result.plot("bars", interactive=True).data[0].text[2]
    assert "NDVI at 2024-05-01" in timed(n=6).plot("heatmap", interactive=True).data[0].text[0][1]


def test_curves_have_a_line_per_class_and_interval():
    result = timed(n=6)
    plot = result.plot("curves")
    data = plot.data
    assert list(data["panel"].cat.categories) == ["NDVI", "red"]
    water = data[(data["class"] == "water") & (data["panel"] == "red")]
    np.testing.assert_allclose(water["importance"], result.table.importance[0, 3:])
    assert water["place"].astype(str).tolist() == list(DATES)
    assert "shaded: 95 % interval over images" in plot.labels.subtitle
    many = timed(bands=[f"B{at}" for at in range(12)], n=6)
    assert len(many.plot("curves").data["panel"].unique()) == 6
    assert many.plot("curves", bands=["B3", 0]).data["panel"].unique().tolist() == ["B0", "B3"]
    assert len(many.plot("curves", top=2).data["panel"].unique()) == 2
    strongest = many.to_frame().groupby("band", observed=True)["share"].sum().idxmax()
    assert many.plot("curves", top=1).data["panel"].unique().tolist() == [strongest]
    sums = result.plot("curves", level="time").data
    np.testing.assert_allclose(sums["importance"], result.sums("time").table.importance.reshape(-1))


def test_kinds_that_do_not_suit_say_so():
    for kind in ("bars", "spectrum"):
        with pytest.raises(OptionError, match="has bands at steps") as error:
            timed().plot(kind)
        assert "level='band'" in str(error.value)
        assert "'curves'" in str(error.value)
    with pytest.raises(OptionError, match="needs a time axis"):
        fused().plot("curves")
    with pytest.raises(OptionError, match="has not a time axis"):
        result_of().plot("heatmap", level="time")
    with pytest.raises(OptionError, match="such table"):
        timed().plot("heatmap", level="class")
    single = replace(timed(), scores=timed().scores)
    assert single.plot().data["class"].nunique() == 3
