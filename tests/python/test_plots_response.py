"""Pictures of curves, of one image's scores, and of scores against levels: what they show, for few and many bands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.errors import BandError, OptionError, ResultError
from bandlens.plots import draw
from bandlens.plots.palette import colours
from bandlens.results.importance import BandImportance
from bandlens.results.response import BandResponse
from bandlens.results.schema import fields_along
from curves import made_up
from matplotlib.colors import to_hex
from test_plots import result_of

SIZES = [(4, 2), (60, 6), (200, 20)]


@pytest.fixture
def panels():
    """Draws a plot for real and gives the axes of its panels."""

    def drawn(plot: Any) -> list[Any]:
        figure = plot.draw()
        figure.canvas.draw()
        return figure.axes

    yield drawn
    plt.close("all")


def subtitle(plot: Any) -> str:
    return " ".join(plot.labels.subtitle.split())


def scored(n_bands: int = 4, n_classes: int = 3, n: int = 20) -> BandImportance:
    """Scores that add up, and levels."""
    result = result_of(
        [f"land cover {index + 1}" for index in range(n_classes)],
        [f"band_{index + 1}" for index in range(n_bands)],
        n=n,
        wavelengths=np.linspace(400, 2400, n_bands),
    )
    base = np.full((result.n, 1), 0.25)
    levels = np.random.default_rng(0).gamma(3, 0.1, (result.n, n_bands))
    return replace(
        result,
        band_means=levels,
        base_values=base,
        output_values=base + result.scores.sum(axis=-1),
        residuals=np.zeros((result.n, 1)),
    )


@pytest.mark.parametrize(("n_bands", "n_classes"), SIZES)
def test_curves_have_a_panel_per_band_and_a_colour_per_class(n_bands: int, n_classes: int, panels: Any) -> None:
    result = made_up(n_bands, n_classes, n=20)
    plot = draw(result, "ale")
    axes = panels(plot)
    assert len(axes) == min(n_bands, 4 if n_bands == 4 else 6)
    text = subtitle(plot)
    assert text.startswith(f"Accumulated local effects, class logit n = {20 * n_classes} images; shaded: 95 %")
    assert ("6 of 200 bands, those with the largest curves" in text) == (n_bands == 200)
    assert ("8 of 20 classes in colour" in text) == (n_classes == 20)
    assert plot.labels.y == "Effect on the output (logit)"


def test_the_strongest_bands_are_shown_unless_others_are_wanted(panels: Any) -> None:
    result = made_up(20, 3)
    frame = result.to_frame()
    spans = frame.groupby(["class", "band"], observed=True)["effect"].agg(np.ptp).groupby("band", observed=True).mean()
    strongest = set(spans.sort_values().index[-6:])
    assert set(draw(result, "ale").data["band"]) == strongest
    assert len(set(draw(result, "ale", top=2).data["band"])) == 2
    plot = draw(result, "ale", bands=["band_7", 0], classes=["land cover 2"])
    assert set(plot.data["band"]) == {"band_1", "band_7"}
    assert set(plot.data["class"]) == {"land cover 2"}
    assert "2 of 20 bands; 1 of 3 classes in colour" in subtitle(plot)
    titles = {text.get_text() for text in panels(plot)[0].figure.findobj(plt.Text)}
    assert {"band_1 (400 nm)", "band_7 (1032 nm)"} <= titles


def test_intervals_that_would_make_curves_flat_are_cut_and_that_is_said() -> None:
    result = made_up(4, 2)
    wide = replace(result, conf_low=result.effect - 100, conf_high=result.effect + 100)
    plot = draw(wide, "ale")
    assert "cut at the edges" in subtitle(plot)
    span = np.ptp(result.effect)
    assert plot.data["conf_high"].max() == pytest.approx(result.effect.max() + span / 2)
    assert "cut" not in subtitle(draw(result, "ale"))


def test_levels_of_all_images_stand_below_the_curves() -> None:
    result = made_up(4, 2)
    bars = draw(result, "ale").layers[0]._data
    for at, (_, rows) in enumerate(bars.groupby("band", observed=True)):
        high = rows["top"] - rows["bottom"]
        counts = np.round(high / high.max() * np.histogram(result.band_levels[:, at], bins=30)[0].max())
        assert counts.sum() == result.n
        assert rows["left"].min() == pytest.approx(result.band_levels[:, at].min())
    assert bars["top"].max() <= result.effect.min()


def test_several_outputs_have_rows(panels: Any) -> None:
    result = made_up(4, 3, target="all", known=False)
    plot = draw(result, "ale", bands=["band_1", "band_3"])
    assert len(panels(plot)) == 6
    assert "logit of each output" in subtitle(plot)
    many = draw(made_up(4, 6, n=10, target="all"), "ale")
    assert "4 of 6 outputs" in subtitle(many)


@pytest.mark.parametrize(("n_bands", "n_classes"), SIZES)
def test_own_curves_have_a_panel_per_class_and_band(n_bands: int, n_classes: int, panels: Any) -> None:
    result = made_up(n_bands, n_classes, n=8, kind="ice")
    plot = result.plot()
    axes = panels(plot)
    assert len(axes) == 4 * min(n_classes, 4)
    # a line for each image, and their mean
    lines = [path for axes in axes for line in axes.collections for path in line.get_segments()]
    assert len(lines) + sum(len(one.lines) for one in axes) >= 8 * len(axes)
    assert "black: their mean, the partial dependence" in subtitle(plot)
    mean = plot.layers[1]._data
    frame = result.to_frame("image")
    row = mean.iloc[3]
    same = frame[(frame["class"] == row["class"]) & (frame["band"] == row["band"]) & (frame["level"] == row["level"])]
    assert row["value"] == pytest.approx(same["value"].mean())


def test_of_many_images_some_are_drawn() -> None:
    plot = made_up(4, 2, n=150, kind="ice").plot()
    assert plot.data["image"].nunique() == 200
    assert "at most 100 images of a class are drawn" in subtitle(plot)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bands": ["nir"]}, BandError, r"no such bands to show(.|\n)*'nir'"),
        ({"bands": [9]}, BandError, "positions from 0 to 3"),
        ({"bands": [True]}, BandError, "no such bands"),
        ({"bands": []}, BandError, "no such bands"),
        ({"bands": [1], "top": 2}, OptionError, "both say which bands"),
        ({"classes": ["sea"]}, OptionError, r"which classes to show(.|\n)*'sea'"),
        ({"classes": []}, OptionError, "which classes to show"),
        ({"top": 0}, OptionError, "top, a whole number from 1"),
        ({"image": 1}, OptionError, "no such option"),
    ],
)
def test_what_there_is_not_is_refused(options: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        made_up(4, 2).plot(**options)


def test_bands_without_a_curve_can_only_be_shown_with_others(panels: Any) -> None:
    result = made_up(4, 2)
    kept = result.row_band != 1
    rows = {name: getattr(result, name)[kept] for name in fields_along(BandResponse, "row")}
    lacking = replace(result, **rows, missing={"band_2": list(result.classes)})
    with pytest.raises(ResultError, match=r"no curve of these bands(.|\n)*band_2"):
        lacking.plot(bands=["band_2"])
    assert len(panels(lacking.plot())) == 4
    assert repr(lacking).endswith("2 classes x 4 bands, 2 curves missing>")


@pytest.mark.parametrize(("n_bands", "n_classes"), SIZES)
def test_a_waterfall_leads_from_the_background_to_the_image(n_bands: int, n_classes: int, panels: Any) -> None:
    result = scored(n_bands, n_classes)
    plot = draw(result, "waterfall", image=5)
    (axes,) = panels(plot)
    bars = plot.data
    names = [text.get_text().replace("\n", " ") for text in axes.get_yticklabels()]
    assert names[0] == "mean of the background"
    assert names[-1] == "this image"
    scores = result.scores[5, 0]
    order = np.argsort(-np.abs(scores))
    assert names[-2] == f"band_{order[0] + 1} ({result.band_means[5, order[0]]:.3g})"
    assert len(bars) == (4 if n_bands == 4 else 11)
    if n_bands > 4:
        assert names[1] == f"{n_bands - 10} other bands"
    assert bars["end"].iloc[-1] == pytest.approx(result.output_values[5, 0])
    steps = np.diff([0.25, *bars["end"]])
    np.testing.assert_allclose(steps[-1], scores[order[0]])
    np.testing.assert_allclose(steps.sum(), scores.sum())
    assert [text.startswith("-") for text in bars["text"]] == (steps < 0).tolist()
    raised, lowered = colours("signed")[-2], colours("signed")[1]
    (boxes,) = [one for one in axes.collections if len(one.get_facecolor()) == len(bars)]
    painted = [to_hex(colour).upper() for colour in boxes.get_facecolor()]
    assert sorted(painted) == sorted(np.where(steps < 0, lowered, raised).tolist())
    assert "image 5: land cover 1; positive values raise the logit" in subtitle(plot)


def test_what_scores_miss_has_a_bar_where_it_is_not_negligible() -> None:
    result = scored()
    short = replace(result, output_values=result.output_values + 0.4)
    bars = draw(short, "waterfall").data
    assert bars["sign"].tolist().count("none") == 1
    assert bars["text"].iloc[0] == "+0.40"
    assert bars["end"].iloc[-1] == pytest.approx(short.output_values[0, 0])
    rounding = replace(result, output_values=result.output_values + 1e-5)
    assert "none" not in draw(rounding, "waterfall").data["sign"].tolist()
    few = draw(result, "waterfall", top=1).data
    assert len(few) == 2


def test_scores_that_do_not_add_up_have_no_waterfall() -> None:
    with pytest.raises(ResultError, match=r"waterfall(.|\n)*additive method(.|\n)*'saliency'"):
        draw(replace(scored(), residuals=None, method="saliency"), "waterfall")
    for options, message in {
        ("image", 60): "no such image",
        ("output", 1): "no such output",
        ("output", "land cover 2"): "not explained for this image",
    }.items():
        with pytest.raises(OptionError, match=message):
            draw(scored(), "waterfall", **dict([options]))


def test_scores_of_integrated_gradients_start_at_the_baseline() -> None:
    plot = draw(replace(scored(), method="integrated_gradients"), "waterfall")
    assert plot.scales[1].labels[0] == "baseline"


@pytest.mark.parametrize(("n_bands", "n_classes"), SIZES)
def test_dependence_shows_scores_over_levels(n_bands: int, n_classes: int, panels: Any) -> None:
    result = scored(n_bands, n_classes)
    plot = draw(result, "dependence")
    axes = panels(plot)
    assert len(axes) == (4 if n_bands == 4 else 6)
    row = plot.data.iloc[7]
    band = result.bands.index(row["band"])
    assert row["level"] == result.band_means[row["image"], band]
    assert row["score"] == result.scores[row["image"], 0, band]
    share = result.to_frame().groupby("band", observed=False)["share"].mean()
    assert set(plot.data["band"]) == set(share.sort_values().index[-len(axes) :])
    text = subtitle(plot)
    assert ("8 of 20 classes in colour, those with the largest importance" in text) == (n_classes == 20)
    assert len(set(draw(result, "dependence", bands=[1]).data["band"])) == 1


def test_dependence_draws_at_most_a_thousand_images_and_needs_their_scores() -> None:
    result = scored(4, 2, n=800)
    plot = draw(result, "dependence")
    assert plot.data["image"].nunique() == 1000
    assert "points: 1000 images, drawn with seed 0" in subtitle(plot)
    with pytest.raises(ResultError, match="dependence"):
        draw(replace(scored(), drops=np.zeros((2, 4, 4))), "dependence")
    with pytest.raises(ResultError, match="without band means"):
        draw(replace(scored(), band_means=np.full((60, 4), np.nan)), "dependence")
