"""Scales of their own for weak classes, which the subtitle admits; single images: points without intervals."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from bandlens.errors import OptionError
from bandlens.plots import KINDS, palette, ranges
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text
from test_plots import BANDS, CLASSES, axes_of, many, painted, result_of, texts  # noqa: F401
from test_plots_spectrum import NM, lines, points, with_means

WITH_SCALES = sorted(set(KINDS) - {"ranks", "dependence", "waterfall", "curves"})


def weak(**options):
    """A result whose scores fall by a factor of a hundred from class to class."""
    result = result_of(**options)
    factor = 100.0 ** -result.image_class.astype(float)
    return with_means(replace(result, scores=result.scores * factor[:, None, None]))


def note(plot):
    return plot.labels.subtitle.replace("\n", " ")


def highest(axes):
    """The upper end of the axis over the largest value drawn."""
    return axes.get_ylim()[1]


@pytest.mark.parametrize("kind", WITH_SCALES)
def test_free_scales_are_admitted_and_fixed_ones_not_mentioned(kind):
    said = (
        "scales differ between panels"
        if kind not in ("heatmap", "effect")
        else "colours can't be compared between rows"
    )
    assert said in note(weak().plot(kind, scales="free"))
    assert said not in note(weak().plot(kind))
    with pytest.raises(OptionError, match="'fixed' or 'free'"):
        weak().plot(kind, scales="free_y")


@pytest.mark.parametrize("kind", WITH_SCALES)
@pytest.mark.parametrize(("n_bands", "n_classes"), [(4, 1), (60, 2), (13, 20), (200, 2)])
def test_every_kind_can_be_drawn_on_free_scales(kind, n_bands, n_classes, axes_of):  # noqa: F811
    axes_of(with_means(many(n_bands, n_classes)).plot(kind, scales="free", width=85))


def test_bars_of_weak_classes_fill_their_panels(axes_of):  # noqa: F811
    result = weak()
    for row, axes in enumerate(axes_of(result.plot("bars", scales="free"))):
        assert 1 < highest(axes) / result.table.conf_high[row].max() < 1.1
    shared = {highest(axes) for axes in axes_of(result.plot("bars"))}
    assert len(shared) == 1
    grid = weak(target="all").plot("bars", scales="free")
    assert "scales differ between rows of panels" in note(grid)
    heights = [highest(axes) for axes in axes_of(grid)]
    assert [len(set(heights[row : row + 3])) for row in (0, 3, 6)] == [1, 1, 1]
    assert len(set(heights)) == 3


def test_spectra_of_weak_classes_have_panels_of_their_own(axes_of):  # noqa: F811
    result = weak(wavelengths=NM)
    panels = axes_of(result.plot("spectrum", scales="free"))
    assert len(panels) == len(CLASSES)
    for row, axes in enumerate(panels):
        (line,) = lines(axes)[palette.colours("class")[row]]
        np.testing.assert_allclose(line[:, 1], result.table.importance[row, np.argsort(NM)])
        # of the room above, a line is kept for the names of parts of the spectrum
        assert 1 + ranges.LINE < highest(axes) / result.table.conf_high[row].max() < 1.1 + ranges.LINE

    panels = axes_of(many(13, 9).plot("spectrum", scales="free"))
    assert len(panels) == 9
    assert all(palette.ink("missing") not in lines(axes) for axes in panels)  # the others would be misplaced
    assert "grey" not in note(many(13, 9).plot("spectrum", scales="free"))


def test_outputs_have_panels_of_spectra_on_free_scales(axes_of):  # noqa: F811
    plot = weak(target="all", wavelengths=NM).plot("spectrum", scales="free")
    panels = axes_of(plot)
    assert [sum(map(len, lines(axes).values())) for axes in panels] == [3, 3, 3]
    assert set(CLASSES) <= set(texts(panels[0].figure.findobj(Text)))


@pytest.mark.parametrize("target", ["class", "all"])
def test_points_of_weak_classes_fill_their_panels(target, axes_of):  # noqa: F811
    result = weak(target=target)
    panels = axes_of(result.plot("distribution", scales="free"))[: 3 if target == "class" else 9]
    for (row, column), axes in zip(itertools.product(range(3), range(len(panels) // 3)), panels, strict=True):
        scores = result.scores[result.image_class == row, column]
        np.testing.assert_allclose(np.sort(points(axes)[:, 0]), np.sort(scores.ravel()))
        low, high = axes.get_xlim()
        assert (high - low) < 1.2 * (max(scores.max(), 0) - min(scores.min(), 0))


@pytest.mark.parametrize(("kind", "column"), [("heatmap", "share"), ("effect", "effect")])
def test_each_row_of_tiles_has_its_own_full_colour(kind, column, axes_of):  # noqa: F811
    result = weak()
    plot = result.plot(kind, scales="free")
    axes = axes_of(plot)[0]
    values = getattr(result.table, column)
    parts = values / np.abs(values).max(axis=1, keepdims=True)
    scale = plot.scales.get_scales("fill")
    for path, colour in zip(*painted(axes.collections[0]), strict=True):
        band, row = np.round(path.vertices[:4].mean(axis=0)).astype(int) - 1
        part = parts[len(CLASSES) - 1 - row, band]
        assert colour == to_hex(scale.map([100 * part if kind == "heatmap" else part])[0]).upper()
    assert "largest in its row" in plot.labels.fill


def test_effects_of_weak_classes_have_digits(axes_of):  # noqa: F811
    result = weak()
    shown = {t.get_text() for t in axes_of(result.plot("effect", scales="free"))[0].texts}
    largest = result.table.effect[2, np.abs(result.table.effect[2]).argmax()]
    assert any(float(text) == pytest.approx(largest, rel=0.05) for text in shown)


def test_a_class_without_effects_keeps_its_row_on_free_scales(axes_of):  # noqa: F811
    result = result_of()
    result.scores[result.image_class == 1] = 0
    axes = axes_of(result.plot("effect", scales="free"))[0]
    assert [t.get_text() for t in axes.texts].count("0.0") == len(BANDS)


def test_single_images_have_points_that_nothing_hides(axes_of):  # noqa: F811
    result = with_means(result_of(n=(5, 1, 3), wavelengths=NM))
    panels = axes_of(result.plot("distribution"))[:3]

    def marks(axes):
        upright = [path for shape in axes.collections for path in shape.get_paths() if len(path.vertices) == 2]
        return sum(path.vertices[0, 0] == path.vertices[1, 0] != 0 for path in upright)

    assert [len(points(axes)) for axes in panels] == [20, 4, 12]
    assert [marks(axes) for axes in panels] == [4, 0, 4]
    axes_of(with_means(result_of(("water",), n=1)).plot("distribution"))

    many_bands = replace(
        result_of(bands=[f"b{at}" for at in range(60)], n=(5, 1, 3)), wavelengths=tuple(np.linspace(400, 2400, 60))
    )
    plot = many_bands.plot("spectrum")
    axes = axes_of(plot)[0]
    (dots,) = [shape for shape in axes.collections if type(shape) is PathCollection]
    np.testing.assert_allclose(dots.get_offsets()[:, 1], many_bands.table.importance[1])
    areas = [shape for shape in axes.collections if isinstance(shape, PolyCollection)]
    filled = [{to_hex(colour) for colour in shape.get_facecolor()} for shape in areas]
    shade, water, city = palette.ink("grid"), *palette.colours("class")[0:3:2]
    assert filled == [{shade.lower()}, {water.lower()}, {city.lower()}]  # parts of the spectrum lie behind
    assert "shaded: 95 % interval over images, none from single images" in note(plot)
