"""Pictures: what they show, in which order and colours; drawn for 4 to 200 bands and 1 to 20 classes."""

import csv
import itertools
from dataclasses import fields
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import plotnine as p9
import pytest
from bandlens.errors import OptionError, ResultError
from bandlens.methods import METHODS
from bandlens.methods.reduction import STATISTICS
from bandlens.plots import KINDS, draw, palette
from bandlens.plots.axes import band_ticks, panel_columns
from bandlens.plots.labels import label, wrap
from bandlens.results.importance import BandImportance
from matplotlib.colors import to_hex, to_rgb

FIXTURES = Path(__file__).parents[1] / "fixtures"
CLASSES = ("water", "forest", "city")  # neither these nor the bands are in alphabetical order
BANDS = ("red", "green", "blue", "nir")
PLAIN = [kind for kind in KINDS if kind != "curves"]  # which needs a time axis: test_plots_cells.py


def result_of(
    classes=CLASSES,
    bands=BANDS,
    *,
    n=(5, 8, 3),
    target="class",
    wavelengths=None,
    method="deepshap",
    statistic="band_sum",
    output="logit",
    signed=True,
    directed=False,
):
    """A result with random scores; class k has n[k] images."""
    random = np.random.default_rng(3)
    codes = np.repeat(np.arange(len(classes)), n)
    if target == "class":
        outputs = codes[:, None]
    elif target == "all":
        outputs = np.tile(np.arange(len(classes)), (len(codes), 1))
    else:
        outputs = np.full((len(codes), 1), target)
    shape = outputs.shape
    centre = random.normal(0, 2, (len(classes), 1, len(bands)))
    scores = centre[codes] + random.normal(0, 0.5, (*shape, len(bands)))
    return BandImportance(
        scores=scores if signed else np.abs(scores),
        image_class=codes,
        prediction=codes,
        image_output=outputs,
        output_values=scores.sum(axis=-1),
        base_values=np.zeros(shape),
        band_means=np.zeros((len(codes), len(bands))),
        classes=tuple(classes),
        outputs=tuple(classes),
        bands=tuple(bands),
        wavelengths=tuple([float("nan")] * len(bands) if wavelengths is None else wavelengths),
        method=method,
        statistic=statistic,
        output=output,
        signed=signed,
        directed=directed,
        residuals=np.zeros(shape) if signed else None,
    )


def many(n_bands, n_classes=3):
    """A result with that many bands and classes."""
    return result_of(
        [f"land cover {index}" for index in range(n_classes)],
        [f"band_{index + 1}" for index in range(n_bands)],
        n=4,
        wavelengths=np.linspace(400, 2400, n_bands),
    )


@pytest.fixture
def axes_of():
    """Draws a plot for real and gives the axes of its panels."""

    def drawn(plot):
        figure = plot.draw()
        figure.canvas.draw()
        return figure.axes

    yield drawn
    plt.close("all")


def texts(labels):
    return [text.get_text() for text in labels]


def painted(collection):
    """Shapes and their colours."""
    paths, colours = collection.get_paths(), [to_hex(colour).upper() for colour in collection.get_facecolor()]
    return paths, colours if len(colours) == len(paths) else colours * len(paths)


def place(point):
    """Column and row of a tile."""
    return round(point[0]), round(point[1])


def bar_colours(axes):
    """Colours of the bars from left to right."""
    paths, colours = painted(axes.collections[0])
    return [colours[index] for index in np.argsort([path.vertices[:, 0].min() for path in paths])]


def whiskers(axes):
    """Lower and upper end of the interval of each band that has one."""
    points = np.concatenate([path.vertices for lines in axes.collections[1:] for path in lines.get_paths()])
    bands = np.unique(np.round(points[:, 0]))
    return np.array([np.nanquantile(points[np.round(points[:, 0]) == band, 1], [0, 1]) for band in bands])


# --- the dictionary of kinds -----------------------------------------------------------------------------------------


def test_unknown_kind_is_named_with_those_there_are():
    with pytest.raises(OptionError, match="'heatmap' or 'bars'") as error:
        result_of().plot("pie")
    assert "'pie'" in str(error.value)


def test_unknown_option_is_named_with_those_there_are():
    with pytest.raises(OptionError, match="'base_size'") as error:
        result_of().plot("bars", colour="red")
    assert "'colour'" in str(error.value)


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize(("n_bands", "n_classes"), [(4, 1), (13, 20), (200, 2)])
@pytest.mark.parametrize("width", [85, 175])
def test_every_kind_can_be_drawn_and_extended(kind, n_bands, n_classes, width, axes_of):
    plot = draw(many(n_bands, n_classes), kind, width=width)
    assert isinstance(plot, p9.ggplot)
    assert plot.theme.getp("figure_size")[0] == pytest.approx(width / 25.4)
    extended = plot + p9.labs(title="mine") + p9.theme(text=p9.element_text(size=9))
    assert axes_of(extended)[0].figure.findobj(lambda artist: getattr(artist, "get_text", str)() == "mine")


@pytest.mark.parametrize("kind", PLAIN)
def test_drawing_does_not_change_the_result(kind):
    result = result_of()
    before = result.to_frame()
    result.plot(kind)
    assert result.to_frame().equals(before)


# --- heatmap ---------------------------------------------------------------------------------------------------------


def test_heatmap_shows_shares_in_the_users_order(axes_of):
    result = result_of()
    plot = result.plot()
    axes = axes_of(plot)[0]
    assert texts(axes.get_xticklabels()) == list(BANDS)
    assert texts(axes.get_yticklabels()) == list(CLASSES[::-1])
    low, high = axes.get_ylim()
    assert low < high  # so the last label, the first class, is on top

    shown = {(round(t.get_position()[0]), round(t.get_position()[1])): t.get_text() for t in axes.texts}
    shares = result.table.share
    expected = {
        (band + 1, len(CLASSES) - row): f"{100 * shares[row, band]:.0f}"
        for row, band in itertools.product(range(len(CLASSES)), range(len(BANDS)))
    }
    assert shown == expected


def test_heatmap_fills_run_from_zero_to_the_largest_share():
    result = result_of()
    plot = result.plot()
    scale = plot.scales.get_scales("fill")
    assert tuple(scale.limits) == (0.0, pytest.approx(100 * result.table.share.max()))
    assert scale.map([0.0, scale.limits[1]]) == [
        colour.lower() for colour in palette.colours("share")[:: len(palette.colours("share")) - 1]
    ]


def test_heatmap_prints_values_only_where_they_fit():
    def prints(result, **options):
        return any(isinstance(layer.geom, p9.geom_text) for layer in result.plot("heatmap", **options).layers)

    assert prints(many(4), width=85)
    assert prints(many(13), width=85)
    assert not prints(many(26), width=85)
    assert not prints(many(200))
    assert prints(many(26), width=175)
    assert not prints(many(60), width=600)  # single digits in hundreds of tiles without names
    assert prints(many(60), values=True)
    assert prints(many(26), width=85, values=True)
    assert not prints(many(4), values=False)


@pytest.mark.parametrize("kind", ["heatmap", "effect"])
def test_text_contrasts_with_its_tile(kind, axes_of):
    axes = axes_of(many(13, 20).plot(kind))[0]
    tiles = axes.collections[0]
    fills = {place(path.vertices[:4].mean(axis=0)): colour for path, colour in zip(*painted(tiles), strict=True)}
    inks = {place(text.get_position()): to_hex(text.get_color()).upper() for text in axes.texts}
    assert fills.keys() == inks.keys()
    assert len(inks) == 13 * 20
    assert set(inks.values()) == {palette.ink("text"), palette.ink("paper")}
    assert min(palette.contrast(inks[at], fills[at]) for at in inks) > 4


def test_a_class_without_importance_has_empty_tiles(axes_of):
    result = result_of()
    result.scores[result.image_class == 1] = 0
    axes = axes_of(result.plot())[0]
    assert len(axes.texts) == (len(CLASSES) - 1) * len(BANDS)
    missing = [to_hex(colour).upper() for colour in axes.collections[0].get_facecolor()]
    assert missing.count(palette.ink("missing")) == len(BANDS)


def test_classes_without_images_are_left_out(axes_of):
    axes = axes_of(result_of(n=(5, 0, 3)).plot())[0]
    assert texts(axes.get_yticklabels()) == ["city", "water"]


def test_all_outputs_are_facets(axes_of):
    plot = result_of(target="all").plot()
    panels = axes_of(plot)[: len(CLASSES)]
    assert [axes.patch.get_visible() for axes in panels]
    strips = [t for t in texts(panels[0].figure.findobj(plt.Text)) if t.startswith("logit of ")]
    assert strips == ["logit of water", "logit of forest", "logit of city"]
    assert "logit of each output" in plot.labels.subtitle


# --- bars ------------------------------------------------------------------------------------------------------------


def test_bars_show_importance_by_class_coloured_by_band(axes_of):
    result = result_of()
    panels = axes_of(result.plot("bars"))
    assert len(panels) == len(CLASSES)
    for row, axes in enumerate(panels):
        heights = [path.vertices[:, 1].max() for path in axes.collections[0].get_paths()]
        np.testing.assert_allclose(heights, result.table.importance[row])
        assert bar_colours(axes) == palette.band_colours(BANDS)
    assert texts(panels[-1].get_xticklabels()) == list(BANDS)
    shown = texts(panels[0].figure.findobj(plt.Text))
    assert [text for text in shown if "(n = " in text] == ["water (n = 5)", "forest (n = 8)", "city (n = 3)"]


@pytest.mark.parametrize("n_bands", [4, 30])
def test_bars_have_the_interval_of_the_table(n_bands, axes_of):
    result = many(n_bands)
    plot = result.plot("bars")
    for row, axes in enumerate(axes_of(plot)):
        ends = np.stack([result.table.conf_low[row], result.table.conf_high[row]], axis=1)
        np.testing.assert_allclose(whiskers(axes), ends)
    assert "whiskers: 95 % interval over images" in plot.labels.subtitle


def test_a_single_image_has_a_bar_with_a_point_and_no_interval(axes_of):
    result = result_of(n=(5, 1, 3))
    plot = result.plot("bars")
    panels = axes_of(plot)
    assert [len(axes.collections[0].get_paths()) for axes in panels] == [len(BANDS)] * 3
    assert len(whiskers(panels[0])) == len(whiskers(panels[2])) == len(BANDS)
    _, points = panels[1].collections
    np.testing.assert_allclose(points.get_offsets()[:, 1], result.table.importance[1])
    assert "whiskers: 95 % interval over images, none from single images" in plot.labels.subtitle

    alone = result_of(("water",), n=1).plot("bars")
    assert len(alone.layers) == 2
    assert "no interval" in alone.labels.subtitle
    assert "n = 1 image;" in alone.labels.subtitle
    axes_of(alone)


def test_bars_below_zero_keep_off_the_edge(axes_of):
    result = result_of(method="permutation", statistic="whole_band", output="accuracy", directed=True)
    assert result.table.importance.min() < 0
    for axes in axes_of(result.plot("bars")):
        assert axes.get_ylim()[0] < result.table.conf_low.min()
    above = result_of(n=(200, 200, 200))
    assert above.table.conf_low.min() > 0
    assert axes_of(above.plot("bars"))[0].get_ylim()[0] == 0


def test_bars_of_many_bands_keep_their_order_and_colours(axes_of):
    result = many(200, 2)
    panels = axes_of(result.plot("bars"))
    assert bar_colours(panels[0]) == palette.band_colours(result.bands, result.wavelengths)
    assert texts(panels[-1].get_xticklabels()) == ["500", "750", "1000", "1250", "1500", "1750", "2000", "2250"]


def test_bars_of_all_outputs_are_a_grid(axes_of):
    assert len(axes_of(result_of(target="all").plot("bars"))) == len(CLASSES) ** 2


# --- effect ----------------------------------------------------------------------------------------------------------


def test_effect_is_symmetric_about_zero(axes_of):
    result = result_of()
    plot = result.plot("effect")
    scale = plot.scales.get_scales("fill")
    largest = np.abs(result.table.effect).max()
    assert tuple(scale.limits) == pytest.approx((-largest, largest))
    middle = palette.colours("signed")[len(palette.colours("signed")) // 2]
    np.testing.assert_allclose(to_rgb(scale.map([0.0])[0]), to_rgb(middle), atol=1.5 / 255)
    shown = set(texts(axes_of(plot)[0].texts))
    assert shown == {f"{value:.1f}".replace("-0.0", "0.0") for value in result.table.effect.ravel()}


def test_effect_needs_a_sign():
    result = result_of(method="saliency", statistic="pixel_mean_abs", signed=False)
    with pytest.raises(ResultError, match="sign"):
        result.plot("effect")


# --- words -----------------------------------------------------------------------------------------------------------


def test_subtitle_says_what_was_computed():
    assert result_of().plot().labels.subtitle == (
        "DeepSHAP, signed sum over pixels, class logit\nn = 16 images; each row adds up to 100 %"
    )
    saliency = result_of(method="saliency", statistic="pixel_mean_abs", output="probability", target=1, signed=False)
    plot = saliency.plot("bars")
    assert plot.labels.subtitle == (
        "Saliency, mean |attribution| over pixels, probability of forest\n"
        "n = 16 images; whiskers: 95 % interval over images"
    )
    assert plot.labels.y == "Mean |band score|\n(probability per unit of input)"
    assert result_of().plot("bars").labels.y == "Mean |band score|\n(logit)"
    permuted = result_of(method="permutation", statistic="whole_band", output="accuracy", directed=True)
    assert permuted.plot("bars").labels.y == "Mean band score\n(accuracy)"
    assert permuted.plot("effect").labels.fill == "Mean band score (accuracy)"


def test_every_method_and_statistic_has_its_name():
    assert {name: label("method", name) for name in METHODS} == {name: METHODS[name].label for name in METHODS}
    assert all(label("statistic", name) != name for name in STATISTICS)
    assert label("method", "my_own") == "my_own"


def test_names_are_wrapped_at_spaces():
    assert wrap("soil with vegetation stubble", 20) == "soil with vegetation\nstubble"
    assert wrap("Donaudampfschifffahrt on-the-water", 10) == "Donaudampfschifffahrt\non-the-water"


def test_long_names_are_shown_in_full(axes_of):
    long = "mixture of everything that the photo interpreters could not tell apart"
    result = result_of((long, "water"), ("near infrared, narrow", *BANDS), n=4)
    for kind in PLAIN:
        shown = texts(axes_of(result.plot(kind, width=85))[0].figure.findobj(plt.Text))
        # the picture of one image names its class in the subtitle
        assert any(long in text.replace("\n", " ") for text in shown)
        assert any(text.replace("\n", " ").startswith("near infrared, narrow") for text in shown)


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize(("n_bands", "width"), [(4, 85), (13, 85), (13, 175), (26, 175), (200, 85), (200, 175)])
def test_labels_do_not_overlap(kind, n_bands, width, axes_of):
    result = many(n_bands, 6)
    for axes in axes_of(result.plot(kind, width=width))[: 1 if kind != "bars" else 6]:
        for labels in (axes.get_xticklabels(), axes.get_yticklabels(), axes.texts):
            visible = [text for text in labels if text.get_text() and text.get_visible()]
            if any(text.get_rotation() % 90 for text in visible):
                continue  # boxes around slanted text say nothing
            boxes = [text.get_window_extent().padded(-0.5) for text in visible]
            assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


# --- the axis of bands -----------------------------------------------------------------------------------------------


def test_bands_are_named_while_they_are_few():
    assert band_ticks(BANDS, [np.nan] * 4) == ([0, 1, 2, 3], list(BANDS), "Band")


def test_many_bands_get_round_wavelengths():
    wavelengths = np.arange(400, 1000, 3.0)
    positions, labels, title = band_ticks([f"b{at}" for at in range(200)], wavelengths)
    assert labels == ["400", "500", "600", "700", "800", "900"]
    assert all(abs(wavelengths[at] - float(tick)) <= 1.5 for at, tick in zip(positions, labels, strict=True))
    assert title == "Wavelength (nm)"


def test_no_tick_where_bands_were_taken_out():
    wavelengths = np.concatenate([np.arange(400, 1350, 10.0), np.arange(1450, 1800, 10.0)])
    _, labels, _ = band_ticks([f"b{at}" for at in range(len(wavelengths))], wavelengths)
    assert labels == ["400", "600", "800", "1000", "1200", "1600"]


def test_many_bands_in_any_order_or_without_wavelength_get_every_kth_name():
    bands = [f"b{at + 1}" for at in range(100)]
    assert band_ticks(bands, [np.nan] * 100) == ([19, 39, 59, 79, 99], ["b20", "b40", "b60", "b80", "b100"], "Band")
    backwards = np.linspace(1000, 505, 100)
    assert band_ticks(bands, backwards)[1:] == (["905", "805", "705", "605", "505"], "Wavelength (nm)")


def test_panels_side_by_side():
    assert [panel_columns(6, n_bands, 109) for n_bands in (4, 13, 26, 200)] == [3, 3, 2, 2]
    assert [panel_columns(6, n_bands, 47) for n_bands in (4, 13, 26, 200)] == [2, 2, 1, 1]
    assert panel_columns(1, 4, 109) == 1


# --- colours ---------------------------------------------------------------------------------------------------------

# Machado, Oliveira & Fernandes 2009: what a reader without one kind of cone sees, in linear sRGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour, seen):
    """CIE L*a*b* (D65) of a colour as seen by a reader."""
    value = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.array(to_xyz) @ np.clip(np.array(seen) @ linear, 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("reader", BLINDNESS)
def test_band_colours_differ_for_every_reader(reader):
    seen = [lab(colour, BLINDNESS[reader]) for colour in palette.colours("band")]
    distances = [np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)]
    assert min(distances) > 16  # that of the original Okabe-Ito palette; about 2 can just be told apart


@pytest.mark.parametrize("reader", BLINDNESS)
@pytest.mark.parametrize("name", ["band_ramp", "share"])
def test_ramps_change_lightness_in_one_direction_for_every_reader(reader, name):
    lightness = [lab(colour, BLINDNESS[reader])[0] for colour in palette.ramp(name, np.linspace(0, 1, 50))]
    steps = np.diff(lightness)
    assert (steps > -0.2).all() or (steps < 0.2).all()


@pytest.mark.parametrize("reader", BLINDNESS)
def test_signs_differ_for_every_reader(reader):
    colours = palette.colours("signed")
    for low, high in zip(colours[:4], colours[::-1][:4], strict=True):
        assert np.linalg.norm(lab(low, BLINDNESS[reader]) - lab(high, BLINDNESS[reader])) > 25


def colour_cases():
    with (FIXTURES / "band_colours.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: list(group) for name, group in itertools.groupby(rows, key=lambda row: row["case"])}


@pytest.mark.parametrize("case", colour_cases().values(), ids=colour_cases().keys())
def test_band_colours_are_those_of_r(case):
    wavelengths = [float(row["wavelength"] or "nan") for row in case]
    colours = palette.band_colours([row["band"] for row in case], wavelengths)
    assert colours == [row["colour"] for row in case]
    assert len(set(colours)) == len(colours)


def test_a_band_named_after_a_colour_has_it():
    blue, green, red = palette.colours("band")[:3]
    assert palette.band_colours(["green", "red", "nir_1", "nir_2"])[:2] == [green, red]
    assert not {blue, green, red} & set(palette.band_colours(["green", "red", "nir_1", "nir_2"])[2:])
    assert palette.band_colours(["b1", "b2", "b3"]) == [blue, green, red]


def test_a_subclass_of_a_result_is_drawn_like_it():
    class Mine(BandImportance):
        pass

    result = result_of()
    mine = Mine(**{entry.name: getattr(result, entry.name) for entry in fields(result)})
    assert mine.plot("bars").labels.title == result.plot("bars").labels.title
