"""The pictures `spectrum`, `ranks` and `distribution`: lines, tiles and points in their places and colours."""

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.errors import OptionError, ResultError
from bandlens.plots import distribution, palette, spectrum
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from test_plots import BANDS, BLINDNESS, CLASSES, axes_of, lab, many, result_of, texts  # noqa: F401

FIXTURES = Path(__file__).parents[1] / "fixtures"
NM = (650, 550, 480, 850)  # of BANDS: not in the order of the spectrum


def lines(axes):
    """Points of the visible lines, by colour, in the order drawn."""
    found = {}
    for line in axes.lines:
        if line.get_color() != "none" and len(line.get_xdata()) > 1:
            found.setdefault(to_hex(line.get_color()).upper(), []).append(np.array(line.get_xydata()))
    return found


def points(axes):
    """Places of all points, band by band for each class in the picture's order."""
    return np.concatenate([dots.get_offsets() for dots in axes.collections if type(dots) is PathCollection])


def words(axes):
    return [text.replace("\n", " ") for text in texts(axes.figure.findobj(plt.Text)) if text]


# --- spectrum --------------------------------------------------------------------------------------------------------


def test_spectrum_has_a_line_per_class_in_the_order_of_wavelengths(axes_of):  # noqa: F811
    result = result_of(wavelengths=NM)
    plot = result.plot("spectrum")
    axes = axes_of(plot)[0]
    drawn = lines(axes)
    assert list(drawn) == palette.colours("class")[:3]
    order = np.argsort(NM)
    for row, (line,) in enumerate(drawn.values()):
        np.testing.assert_allclose(line, np.stack([np.array(NM)[order], result.table.importance[row, order]], axis=1))
    assert plot.labels.x == "Wavelength (nm)"
    assert texts(axes.get_xticklabels()) == ["500", "550", "600", "650", "700", "750", "800", "850"]
    assert set(CLASSES) <= set(words(axes))


def test_spectrum_has_the_interval_of_the_table(axes_of):  # noqa: F811
    result = result_of(n=(5, 1, 3), wavelengths=NM)
    shapes = axes_of(result.plot("spectrum"))[0].collections
    _, *ribbons = [shape for shape in shapes if isinstance(shape, PolyCollection)]  # behind them, shaded ranges
    assert len(ribbons) == 2  # none for the class with one image
    for row, ribbon in zip((0, 2), ribbons, strict=True):
        heights = ribbon.get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(result.table.conf_low[row].min())
        assert heights.max() == pytest.approx(result.table.conf_high[row].max())
    alone = result_of(("water",), n=1).plot("spectrum")
    assert "no interval from single images" in alone.labels.subtitle
    axes_of(alone)


@pytest.mark.parametrize("wavelengths", [None, (650, 550, 650, 850), (650, float("nan"), 480, 850)])
def test_without_wavelengths_of_their_own_bands_stand_side_by_side(wavelengths, axes_of):  # noqa: F811
    plot = result_of(wavelengths=wavelengths).plot("spectrum")
    axes = axes_of(plot)[0]
    assert plot.labels.x == "Band"
    assert texts(axes.get_xticklabels()) == list(BANDS)
    assert all((line[:, 0] == [1, 2, 3, 4]).all() for (line,) in lines(axes).values())


def test_lines_stop_where_bands_were_taken_out(axes_of):  # noqa: F811
    wavelengths = np.concatenate([np.arange(400, 1350, 10.0), [1400.0], np.arange(1450, 1800, 10.0)])
    run = spectrum.runs(wavelengths)
    assert run.tolist() == [0] * 95 + [1] + [2] * 35
    assert spectrum.runs([443, 490, 560, 1610, 2190]).tolist() == [0] * 5  # few bands are far from each other

    result = replace(many(131, 2), wavelengths=tuple(wavelengths))
    axes = axes_of(result.plot("spectrum"))[0]
    assert [[len(line) for line in drawn] for drawn in lines(axes).values()] == [[95, 35]] * 2
    np.testing.assert_allclose(points(axes), [[1400, value] for value in result.table.importance[:, 95]])


def test_more_classes_than_colours_have_a_panel_each_with_the_others_in_grey(axes_of):  # noqa: F811
    result = many(13, 9)
    panels = axes_of(result.plot("spectrum"))
    assert len(panels) == 9
    for row, axes in enumerate(panels):
        drawn = lines(axes)
        assert [len(drawn[colour]) for colour in (palette.ink("missing"), palette.colours("class")[0])] == [9, 1]
        np.testing.assert_allclose(drawn[palette.colours("class")[0]][0][:, 1], result.table.importance[row])
    assert "land cover 8 (n = 4)" in words(panels[0])
    assert "grey: the other classes" in result.plot("spectrum").labels.subtitle
    assert len(axes_of(many(13, 8).plot("spectrum"))) == 1


def test_outputs_have_the_panels_of_a_spectrum(axes_of):  # noqa: F811
    panels = axes_of(result_of(target="all", wavelengths=NM).plot("spectrum"))
    assert [sum(map(len, lines(axes).values())) for axes in panels] == [3, 3, 3]
    assert {"logit of water", "logit of forest", "logit of city"} <= set(words(panels[0]))

    names = [f"land cover {index}" for index in range(9)]
    result = result_of(names, n=3, target="all", wavelengths=NM)
    panels = axes_of(result.plot("spectrum"))
    assert len(panels) == 9
    own = lines(panels[4])[palette.colours("class")[0]]
    expected = result.table.importance[(result.cells == 4).all(axis=1)][0]
    np.testing.assert_allclose(own[0][:, 1], expected[np.argsort(NM)])


@pytest.mark.parametrize("reader", BLINDNESS)
def test_class_colours_differ_for_every_reader(reader):
    seen = [lab(colour, BLINDNESS[reader]) for colour in palette.colours("class")]
    apart = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in itertools.combinations(range(8), 2)}
    assert min(apart.values()) > 15  # about that of the bands; about 2 can just be told apart
    assert min(value for pair, value in apart.items() if max(pair) < 5) > 24  # of few classes even more
    assert min(palette.contrast(colour, palette.ink("paper")) for colour in palette.colours("class")) > 1.7


# --- ranks -----------------------------------------------------------------------------------------------------------


def test_ranks_name_the_bands_of_each_class_in_order(axes_of):  # noqa: F811
    result = result_of()
    axes = axes_of(result.plot("ranks"))[0]
    shown = {tuple(np.round(text.get_position()).astype(int)): text.get_text() for text in axes.texts}
    table = result.table
    expected = {
        (table.rank[row, band], len(CLASSES) - row): f"{BANDS[band]}\n{100 * table.share[row, band]:.0f} %"
        for row, band in itertools.product(range(len(CLASSES)), range(len(BANDS)))
    }
    assert shown == expected
    fills = dict(zip(BANDS, palette.band_colours(BANDS), strict=True))
    tiles = axes.collections[0]
    middles = [tuple(np.round(path.vertices[:4].mean(axis=0)).astype(int)) for path in tiles.get_paths()]
    colours = [to_hex(colour).upper() for colour in tiles.get_facecolor()]
    assert dict(zip(middles, colours, strict=True)) == {at: fills[text.split("\n")[0]] for at, text in shown.items()}
    assert texts(axes.get_yticklabels()) == list(CLASSES[::-1])


def test_ranks_of_many_bands_are_the_first_by_wavelength(axes_of):  # noqa: F811
    result = many(200)
    plot = result.plot("ranks", values=False)
    axes = axes_of(plot)[0]
    first = {f"{result.wavelengths[band]:.0f}" for row in result.table.rank for band in np.flatnonzero(row <= 10)}
    assert {text.get_text() for text in axes.texts} == first
    assert "first 10 of 200 bands" in plot.labels.subtitle
    assert {"Wavelength (nm)", "500", "2250"} <= set(words(axes))  # the key to the colours


def test_as_many_ranks_as_fit_or_as_the_user_wants(axes_of):  # noqa: F811
    def ranks(result, **options):
        return len(axes_of(result.plot("ranks", **options))[0].get_xticks())

    assert ranks(many(13)) == 13
    assert ranks(many(13), width=85) == 6
    assert ranks(many(13), top=3) == 3
    assert ranks(many(4), top=9) == 4


def test_shares_are_printed_where_they_fit(axes_of):  # noqa: F811
    def prints(result, **options):
        return "%" in axes_of(result.plot("ranks", **options))[0].texts[0].get_text()

    bands = [f"B{index}" for index in range(1, 21)]
    assert prints(result_of(bands=bands[:4]))
    assert not prints(result_of(bands=bands), width=85)
    assert prints(result_of(bands=bands), width=85, values=True)
    assert not prints(result_of(), values=False)


def test_a_class_without_importance_has_no_ranks(axes_of):  # noqa: F811
    result = result_of()
    result.scores[result.image_class == 1] = 0
    assert len(axes_of(result.plot("ranks"))[0].texts) == 2 * len(BANDS)


def test_ranks_of_all_outputs_are_facets(axes_of):  # noqa: F811
    panels = axes_of(result_of(target="all").plot("ranks"))
    assert [len(axes.texts) for axes in panels[:3]] == [12, 12, 12]


# --- distribution ----------------------------------------------------------------------------------------------------


def with_means(result, seed=4):
    means = np.random.default_rng(seed).normal(size=(result.n, len(result.bands)))
    return replace(result, band_means=means)


def test_distribution_has_a_point_per_image_and_band(axes_of):  # noqa: F811
    result = with_means(result_of())
    plot = result.plot("distribution")
    panels = axes_of(plot)
    for row, axes in enumerate(panels[:3]):
        dots = points(axes)
        scores = result.scores[result.image_class == row, 0]
        for band in range(len(BANDS)):
            here = np.round(dots[:, 1]) == len(BANDS) - band
            np.testing.assert_allclose(np.sort(dots[here, 0]), np.sort(scores[:, band]))
        assert np.abs(dots[:, 1] - np.round(dots[:, 1])).max() <= distribution.SPREAD
    assert texts(panels[0].get_yticklabels()) == list(BANDS)
    assert "Band mean of the image" in words(panels[0])
    assert plot.labels.x == "Band score (logit)"


def test_distribution_marks_the_mean_of_all_images(axes_of):  # noqa: F811
    def marks(axes):
        vertical = [path.vertices[0, 0] for shape in axes.collections for path in shape.get_paths() if _upright(path)]
        return sorted(value for value in vertical if value != 0)

    result = with_means(result_of())
    for row, axes in enumerate(axes_of(result.plot("distribution"))[:3]):
        np.testing.assert_allclose(marks(axes), sorted(result.table.effect[row]))
    unsigned = with_means(result_of(method="saliency", statistic="pixel_mean_abs", signed=False))
    for row, axes in enumerate(axes_of(unsigned.plot("distribution"))[:3]):
        np.testing.assert_allclose(marks(axes), sorted(unsigned.table.importance[row]))


def _upright(path):
    return len(path.vertices) == 2 and path.vertices[0, 0] == path.vertices[1, 0]


def test_distribution_draws_few_of_many_images_and_says_so(axes_of):  # noqa: F811
    result = with_means(result_of(n=(600, 20, 30)))
    plot = result.plot("distribution")
    assert [len(points(axes)) for axes in axes_of(plot)[:3]] == [1000, 80, 120]
    assert "points: at most 250 images per class, drawn with seed 0" in plot.labels.subtitle.replace("\n", " ")
    other = replace(result, seed=5).plot("distribution")
    scores = [set(points(axes_of(drawn)[0])[:, 0]) for drawn in (plot, other)]
    assert scores[0] != scores[1]
    assert "drawn" not in with_means(result_of()).plot("distribution").labels.subtitle


def test_distribution_of_many_bands_shows_those_that_matter_most(axes_of):  # noqa: F811
    result = many(40)
    best = np.sort(np.argsort(-result.table.share.mean(axis=0))[:10])
    plot = result.plot("distribution")
    axes = axes_of(plot)[0]
    assert texts(axes.get_yticklabels()) == [f"{result.wavelengths[band]:.0f}" for band in best]
    assert "10 of 40 bands, those with the largest mean share" in plot.labels.subtitle.replace("\n", " ")
    assert len(axes_of(result.plot("distribution", top=3))[0].get_yticks()) == 3
    assert len(axes_of(many(13).plot("distribution"))[0].get_yticks()) == 13


def test_without_band_means_classes_give_the_colours(axes_of):  # noqa: F811
    result = result_of()  # its band means are all 0
    for row, axes in enumerate(axes_of(result.plot("distribution"))[:3]):
        (dots,) = [shape for shape in axes.collections if type(shape) is PathCollection]
        assert {to_hex(colour).upper() for colour in dots.get_facecolor()} == {palette.colours("class")[row]}
    missing = replace(result, band_means=np.full_like(result.band_means, np.nan))
    assert "Band mean of the image" not in words(axes_of(missing.plot("distribution"))[0])


def test_distribution_of_all_outputs_is_a_grid(axes_of):  # noqa: F811
    panels = axes_of(with_means(result_of(target="all")).plot("distribution"))
    assert [len(points(axes)) for axes in panels[:9]] == [20] * 3 + [32] * 3 + [12] * 3


def test_distribution_needs_scores_of_images():
    result = result_of(method="permutation", statistic="whole_band", output="balanced_accuracy", directed=True)
    drops = np.random.default_rng(1).normal(size=(5, 4, 4))
    whole = replace(result, scores=np.full_like(result.scores, np.nan), drops=drops)
    with pytest.raises(ResultError, match="single images"):
        whole.plot("distribution")
    for kind in ("spectrum", "ranks"):
        whole.plot(kind).draw()
    plt.close("all")


@pytest.mark.parametrize("top", [0, -1, 2.5, "all", True])
@pytest.mark.parametrize("kind", ["ranks", "distribution"])
def test_a_number_of_bands_that_is_none_is_named(kind, top):
    with pytest.raises(OptionError, match="whole number") as error:
        result_of().plot(kind, top=top)
    assert repr(top) in str(error.value)


def test_places_of_points_are_those_of_r():
    with (FIXTURES / "point_places.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for _, group in itertools.groupby(rows, key=lambda row: row["case"]):
        case = list(group)
        values = np.array([float(row["value"]) for row in case])
        np.testing.assert_allclose(distribution.spread(values), [float(row["place"]) for row in case], atol=1e-9)
        drawn = distribution.sample(np.arange(len(case)), 4, seed=7)
        assert [row["drawn"] == "yes" for row in case] == [index in drawn for index in range(len(case))]


def test_parts_of_the_spectrum_are_shaded_and_named_where_wavelengths_are_known(axes_of):  # noqa: F811
    bands = tuple(f"B{at}" for at in range(6))
    known = result_of(bands=bands, wavelengths=(490, 560, 720, 850, 1600, 2200))
    names = [name.replace("\n", " ") for name in texts(axes_of(known.plot("spectrum"))[0].texts)]
    assert names == ["visible", "red edge", "NIR", "SWIR1", "SWIR2"]
    narrow = texts(axes_of(known.plot("spectrum", width=60))[0].texts)
    assert 0 < len(narrow) < 5  # what has no room is not named
    assert not axes_of(result_of(bands=bands).plot("spectrum"))[0].texts
    assert not axes_of(result_of(wavelengths=(450, 500, 550, 600)).plot("spectrum"))[0].texts  # all is visible
