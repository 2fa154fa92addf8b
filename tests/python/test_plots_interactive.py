"""Interactive pictures: what they show, and say under the mouse."""

import sys

import numpy as np
import pytest
from bandlens.errors import MissingPackageError, OptionError
from bandlens.plots import draw, interactive
from test_plots import BANDS, CLASSES, many, result_of
from test_plots_maps import maps_of
from test_plots_spectrum import NM


def figure(result, kind, *, free=False):
    return interactive.specification(result, kind, free=free)


def test_what_a_tile_a_bar_and_a_point_is_is_said_under_the_mouse():
    result = result_of(n=(5, 1, 3), wavelengths=NM)
    rows = result.to_frame().to_dict("records")
    said = [interactive.hover(result, row) for row in rows]
    row = rows[1]
    assert said[1] == (
        f"<b>water</b><br>band: green<br>wavelength: 550 nm<br>importance: {row['importance']:.3g} logit"
        f"<br>95 % interval: {row['conf_low']:.3g} to {row['conf_high']:.3g}"
        f"<br>share: {100 * row['share']:.1f} %, rank {row['rank']}<br>5 images"
    )
    assert all("1 image, no interval" in text and "95 %" not in text for text in said[4:8])
    every = result_of(target="all")
    row = every.to_frame().to_dict("records")[5]
    assert interactive.hover(every, row).startswith("<b>water</b><br>logit of forest<br>band: green<br>importance")
    odd = result_of(("a <b>x</b> & y", "water"), n=3)
    assert "<b>a &lt;b&gt;x&lt;/b&gt; &amp; y</b>" in interactive.hover(odd, odd.to_frame().to_dict("records")[0])

    for kind in interactive.INTERACTIVE:
        shown = [trace["text"] for trace in figure(result, kind)["data"] if "text" in trace]
        assert sorted(np.ravel(shown)) == sorted(said)


def test_figures_show_the_numbers_of_the_table():
    result = result_of(n=(5, 1, 3), wavelengths=NM)
    table = result.table
    tiles = figure(result, "heatmap")["data"][0]
    assert tiles["y"] == list(CLASSES[::-1])
    np.testing.assert_allclose(tiles["z"][::-1], 100 * table.share)
    assert figure(result, "heatmap", free=True)["data"][0]["zmax"] == 100

    bars = figure(result, "bars")
    np.testing.assert_allclose([trace["y"] for trace in bars["data"]], table.importance)
    whiskers = bars["data"][0]["error_y"]
    np.testing.assert_allclose(table.importance[0] + whiskers["array"], table.conf_high[0])
    np.testing.assert_allclose(table.importance[0] - whiskers["arrayminus"], table.conf_low[0])
    assert "error_y" not in bars["data"][1]
    above = [one["text"] for one in bars["layout"]["annotations"]]
    assert above == ["water (n = 5)", "forest (n = 1)", "city (n = 3)"]
    assert bars["layout"]["yaxis2"]["matches"] == "y"
    free = figure(result, "bars", free=True)["layout"]
    assert "matches" not in free["yaxis2"]
    assert "scales differ between panels" in free["title"]["text"]

    lines = figure(result, "spectrum")["data"]
    assert len(lines) == 5  # two of three classes have a ribbon
    order = np.argsort(NM)
    assert lines[1]["x"] == sorted(NM)
    np.testing.assert_allclose(lines[1]["y"], table.importance[0, order])
    np.testing.assert_allclose(lines[0]["y"], [*table.conf_low[0, order], *table.conf_high[0, order[::-1]]])
    assert len({trace["xaxis"] for trace in figure(many(200, 9), "spectrum")["data"]}) == 9
    assert len(figure(result_of(target="all"), "bars")["data"]) == 9


@pytest.mark.parametrize("kind", interactive.INTERACTIVE)
@pytest.mark.parametrize("free", [False, True])
def test_plotly_takes_the_figures(kind, free):
    import plotly.graph_objects as go

    scales = "free" if free else "fixed"
    for result in (result_of(n=(5, 1, 3)), many(200, 20), many(60, 1), result_of(target="all", wavelengths=NM)):
        drawn = result.plot(kind, interactive=True, scales=scales)  # plotly checks every name and value
        assert isinstance(drawn, go.Figure)
        assert len(drawn.data) == len(figure(result, kind, free=free)["data"])


def test_what_is_not_drawn_interactively_is_named():
    with pytest.raises(OptionError, match="'heatmap' or 'bars' or 'spectrum'"):
        result_of().plot("ranks", interactive=True)
    with pytest.raises(OptionError, match="no such option") as error:
        result_of().plot("bars", interactive=True, width=85)
    assert "'width'" in str(error.value)
    with pytest.raises(OptionError, match="not drawn interactively"):
        draw(maps_of(), "maps", interactive=True)
    assert set(BANDS) == set(figure(result_of(), "bars")["data"][0]["x"])


def test_without_plotly_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'bandlens\[interactive\]'"):
        result_of().plot(interactive=True)
