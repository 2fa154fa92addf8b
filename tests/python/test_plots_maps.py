"""Pictures and tables of attributions: tiles, lines and composites in their places and colours."""

import csv
import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.errors import BandError, InputError, OptionError, ResultError
from bandlens.plots import composites, palette
from bandlens.plots import maps as picture
from bandlens.plots.axes import Bands
from bandlens.results.maps import BandMaps
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from test_plots import axes_of, painted, texts  # noqa: F401

CLASSES = ("water", "forest", "city")
SENTINEL = (443, 490, 560, 665, 705, 740, 783, 842, 865, 945, 1375, 1610, 2190)
BANDS = ("green", "red", "nir1", "nir2")
NM = (550, 650, 750, 950)


def maps_of(shape=(3, 3, 4), bands=BANDS, wavelengths=None, *, band_axis=None, every=False, method="deepshap", n=3):
    random = np.random.default_rng(5)
    k = 3 if every else 1
    return BandMaps(
        values=random.normal(size=(n, k, *shape)).astype(np.float32),
        image_class=np.arange(n) % 3,
        prediction=np.array([0, 0, 2])[np.arange(n) % 3],
        image_output=np.tile(np.arange(3), (n, 1)) if every else np.arange(n)[:, None] % 3,
        band_axis=len(shape) if band_axis is None else band_axis,
        classes=CLASSES,
        outputs=CLASSES,
        bands=tuple(bands),
        wavelengths=tuple([float("nan")] * len(bands) if wavelengths is None else wavelengths),
        method=method,
        output="logit",
    )


def images_of(maps):
    shape = (maps.n, *maps.values.shape[2:])
    return np.random.default_rng(6).uniform(40, 130, shape)


def many(n_bands=60, shape=(4, 6)):
    names = [f"b{band}" for band in range(n_bands)]
    return maps_of((*shape, n_bands), names, np.linspace(400, 2400, n_bands))


def spectra():
    return maps_of((40, 1), [f"b{band}" for band in range(40)], np.linspace(400, 2400, 40), band_axis=1)


def tiles(axes):
    """Colours by row and column."""
    found = {}
    for shape in axes.collections:
        if isinstance(shape, PolyCollection):
            paths, colours = painted(shape)
            for path, colour in zip(paths, colours, strict=True):
                col, row = np.round(path.vertices[:4].mean(axis=0)).astype(int)
                found[-row, col] = colour
    return found


def titles(axes):
    return [text.replace("\n", " ") for text in texts(axes.figure.findobj(plt.Text)) if text]


def test_every_tile_has_the_colour_of_its_attribution_on_one_scale(axes_of):  # noqa: F811
    maps = maps_of(every=True)
    plot = maps.plot(1, 2)
    values = maps.values[1, 2]
    limit = np.abs(values).max()
    for band, axes in enumerate(axes_of(plot)[:4]):
        found = tiles(axes)
        assert len(found) == 9
        for row, col in itertools.product(range(3), range(3)):
            expected = palette.ramp("signed", [(values[row, col, band] + limit) / (2 * limit)])[0]
            np.testing.assert_allclose(to_rgb(found[row, col]), to_rgb(expected), atol=3 / 255)
    assert "DeepSHAP, logit of city\nimage 1: forest, predicted as water; positive values raise" in plot.labels.subtitle
    assert set(BANDS) <= set(titles(axes_of(plot)[0]))
    assert maps.plot(1, "city").labels.subtitle == plot.labels.subtitle
    assert "raise" not in maps_of(method="saliency").plot().labels.subtitle


def test_the_composite_stands_in_front_stretched_over_all_images(axes_of):  # noqa: F811
    maps = maps_of(wavelengths=NM)
    x = images_of(maps)
    axes = axes_of(maps.plot(2, x=x))
    assert "RGB: nir1, red, green" in titles(axes[0])
    low, high = np.quantile(x, [0.02, 0.98], axis=(0, 1, 2))
    bright = np.clip((x[2] - low) / (high - low), 0, 1)[..., [2, 1, 0]]
    for (row, col), colour in tiles(axes[0]).items():
        np.testing.assert_allclose(to_rgb(colour), bright[row, col], atol=0.51 / 255)
    assert len(tiles(axes[1])) == 9

    chosen = [tiles(axes_of(maps.plot(2, x=x, rgb=rgb))[0]) for rgb in (("nir2", "red", "red"), (3, 1, 1))]
    assert chosen[0] == chosen[1] != tiles(axes[0])
    assert tiles(axes_of(maps.plot(2, x=list(x)))[0]) == tiles(axes[0])


def composite_cases():
    with (Path(__file__).parents[1] / "fixtures" / "composites.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [list(group) for _, group in itertools.groupby(rows, key=lambda row: row["case"])]


@pytest.mark.parametrize("case", composite_cases(), ids=lambda case: case[0]["case"])
def test_composites_have_the_bands_of_red_green_and_blue_light_by_wavelength_else_by_name_as_in_r(case):
    bands = Bands(tuple(row["band"] for row in case), tuple(float(row["wavelength"] or "nan") for row in case))
    chosen = composites.composite_bands(*bands)
    assert [case[at]["shown"] for at in chosen] == ["red", "green", "blue"]
    assert (composites.false_colours(bands, chosen) is None) == (case[0]["true_colours"] == "yes")


def test_composites_of_one_band_are_grey():
    assert composites.composite_bands(["pan"], [500]) == [0, 0, 0]
    assert set(composites.composite(np.full((1, 3, 2, 2), 7.0), 0, [0, 1, 2]).flat) == {"#808080"}


def test_pictures_say_where_colours_are_false(axes_of):  # noqa: F811
    maps = maps_of(wavelengths=NM)
    x = images_of(maps)

    def note(**options):
        return maps.plot(x=x, **options).labels.subtitle.replace("\n", " ")

    assert "false colours, as bands of red, green and blue are not all known: nir1, red, green" in note()
    assert "false" not in note(rgb=("nir2", "nir1", "red"))
    maps = maps_of((3, 3, 13), [f"B{band:02d}" for band in range(1, 14)], wavelengths=SENTINEL)
    x = images_of(maps)
    assert "false" not in note()
    assert "RGB: B04, B03, B02" in titles(axes_of(maps.plot(x=x))[0])


def cell(axes, maps, row, column, beside=0):
    """Colours of an image's band (of its composite: column -1) in a picture of several, by row and column."""
    rows, cols, _ = maps.values.shape[2:]
    x, y = (column + beside) * (cols + max(0.08 * cols, 0.4)), row * (rows + max(0.08 * rows, 0.4))
    found = {}
    for shape in axes.collections:
        for path, colour in zip(*painted(shape), strict=True):
            across, up = path.vertices[:4].mean(axis=0) - [x, -y]
            at = (round(-up), round(across))
            if 0 <= at[0] < rows and 0 <= at[1] < cols and abs(across - at[1]) < 0.1:
                found[at] = colour
    return found


def test_several_images_stand_in_rows_on_one_scale_beside_their_composites(axes_of):  # noqa: F811
    maps = maps_of(wavelengths=NM)
    x = images_of(maps)
    plot = maps.plot([2, 0], x=x)
    axes = axes_of(plot)[0]
    limit = np.abs(maps.values[[2, 0], 0]).max()
    scale = plot.scales.get_scales("fill")
    np.testing.assert_allclose(scale.limits, (-limit, limit))
    for row, image in enumerate((2, 0)):
        for band in range(4):
            shown = cell(axes, maps, row, band, beside=1)
            assert len(shown) == 9
            for at, colour in shown.items():
                assert colour.lower() == scale.map([maps.values[image, 0][(*at, band)]])[0].lower()
        alone = tiles(axes_of(maps.plot(image, x=x))[0])
        assert cell(axes, maps, row, -1, beside=1) == alone
    assert texts(axes.get_yticklabels()) == ["2: city", "0: water"]
    assert texts(axes.get_xticklabels()) == ["RGB", *BANDS]
    note = plot.labels.subtitle.replace("\n", " ")
    assert note.startswith("DeepSHAP, class logit rows: images with their classes")
    assert "false colours" in note
    assert texts(axes_of(maps.plot(range(3)))[0].get_yticklabels())[1].replace("\n", " ") == "1: forest, as water"
    every = maps_of(every=True)
    assert every.plot([0, 1], "city").labels.subtitle.startswith("DeepSHAP, logit of city\n")
    mixed = every.plot([0, 2], 1)
    assert mixed.labels.subtitle.startswith("DeepSHAP, logit of forest\n")


def test_each_of_several_images_may_have_its_own_scale(axes_of):  # noqa: F811
    maps = maps_of()
    maps.values[1] /= 1000
    plot = maps.plot([0, 1], scales="free")
    scale = plot.scales.get_scales("fill")
    assert tuple(scale.limits) == (-1, 1)
    axes = axes_of(plot)[0]
    for image in (0, 1):
        values = maps.values[image, 0, ..., 0] / np.abs(maps.values[image]).max()
        for at, colour in cell(axes, maps, image, 0).items():
            np.testing.assert_allclose(to_rgb(colour), to_rgb(scale.map([values[at]])[0]), atol=1.5 / 255)
    assert "each has its own scale" in plot.labels.subtitle.replace("\n", " ")
    assert "own scale" not in maps.plot([0, 1]).labels.subtitle
    assert plot.labels.fill == "Attribution (part of the largest of its image)"


@pytest.mark.parametrize(("n_bands", "shown"), [(60, 11), (200, 11)])
def test_several_images_of_many_bands_show_those_that_have_room(n_bands, shown, axes_of):  # noqa: F811
    maps = many(n_bands, (20, 30))  # an image, not tiles
    plot = maps.plot([0, 1, 2], x=images_of(maps))
    axes = axes_of(plot)[0]
    labels = texts(axes.get_xticklabels())
    assert labels[0] == "RGB"
    best = np.sort(np.argsort(-np.abs(maps.values).sum(axis=(0, 1, 2, 3)), kind="stable")[: len(labels) - 1])
    assert labels[1:] == [f"{maps.wavelengths[band]:.0f} nm" for band in best]
    assert f"{len(best)} of {n_bands} bands, those with the largest sum" in plot.labels.subtitle.replace("\n", " ")
    assert abs(len(best) - shown) <= 1
    boxes = [text.get_window_extent() for text in axes.get_xticklabels()]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_several_images_that_cant_be_drawn_together_are_named():
    maps = maps_of()
    for images in ([], range(13)):
        with pytest.raises(OptionError, match="1 to 12 images"):
            maps.plot(images)
    with pytest.raises(OptionError, match="no such image"):
        maps.plot([0, 3])
    with pytest.raises(OptionError, match="single image"):
        maps.plot(0, scales="free")
    with pytest.raises(OptionError, match="two axes of pixels"):
        spectra().plot([0, 1])
    with pytest.raises(OptionError, match="rgb without x"):
        maps.plot([0, 1], rgb=(0, 1, 2))


def test_of_many_bands_those_that_matter_most_are_shown(axes_of):  # noqa: F811
    maps = many()
    plot = maps.plot()
    best = np.sort(np.argsort(-np.abs(maps.values[0, 0]).sum(axis=(0, 1)))[:25])
    shown = [title for title in titles(axes_of(plot)[0]) if title.endswith(" nm")]
    assert shown == [f"{maps.wavelengths[band]:.0f} nm" for band in best]
    assert "25 of 60 bands, those with the largest sum of |attribution|" in plot.labels.subtitle.replace("\n", " ")


def test_single_large_values_do_not_bleach_the_others(axes_of):  # noqa: F811
    maps = maps_of((16, 16, 4))
    assert "darkest" not in maps.plot().labels.subtitle
    maps.values[0, 0, 0, 0, 0] = 50
    plot = maps.plot()
    limit = np.quantile(np.abs(maps.values[0, 0].astype(float)), 0.999)
    expected = f"the darkest colours stand for all beyond \u00b1{limit:.2g}, 0.1 % of values"
    assert expected in plot.labels.subtitle.replace("\n", " ")
    assert axes_of(plot)[0].images  # so many pixels are an image
    assert picture.scale_end(np.zeros(3)) == (1.0, False)
    assert [picture.scale_tick(value) for value in (0.3, 0.3999, 12345)] == [0.3, 0.39, 12000]


def test_spectra_are_lines_along_their_wavelengths(axes_of):  # noqa: F811
    def line(axes):
        return next(np.array(one.get_xydata()) for one in axes.lines if len(one.get_xdata()) > 2)

    maps = spectra()
    expected = np.stack([np.array(maps.wavelengths), maps.values[1, 0, :, 0]], axis=1)
    np.testing.assert_allclose(line(axes_of(maps.plot(1))[0]), expected, rtol=1e-6)
    x = images_of(maps)
    above, below = axes_of(maps.plot(1, x=x))[:2]
    np.testing.assert_allclose(line(above)[:, 1], x[1, :, 0])
    np.testing.assert_allclose(line(below), expected, rtol=1e-6)
    assert {"Spectrum", "Attribution (logit)"} <= set(titles(above))
    assert texts(axes_of(maps_of((1, 1, 4)).plot())[0].get_xticklabels()) == list(BANDS)


def test_images_with_one_axis_of_pixels_have_a_line_per_band(axes_of):  # noqa: F811
    maps = maps_of((20, 4))
    for band, axes in enumerate(axes_of(maps.plot())[:4]):
        (line,) = [one for one in axes.lines if len(one.get_xdata()) == 20]
        np.testing.assert_allclose(line.get_ydata(), maps.values[0, 0, :, band], rtol=1e-6)


@pytest.mark.parametrize("width", [85, 175])
def test_no_picture_of_maps_fails(width, axes_of):  # noqa: F811
    for maps in (
        maps_of((32, 32, 13), [f"B{band}" for band in range(13)], SENTINEL),
        many(30, (20, 3)),
        maps_of((3, 3, 1), ["one"]),
        maps_of((2, 4, 5), ["a", "b"], band_axis=1),
    ):
        if maps.values.shape[2:] == (2, 4, 5):
            assert len(axes_of(maps.plot(width=width))[0].collections[0].get_paths()) == 20
        axes_of(maps.plot(x=images_of(maps), width=width))


def test_what_can_not_be_drawn_is_named():
    maps = maps_of()
    x = images_of(maps)
    with pytest.raises(ResultError, match="2 x 3 x 4"):
        maps_of((2, 3, 4, 4)).plot()
    for options in ({"image": 3}, {"image": True}, {"output": 1}, {"output": "city"}, {"rgb": (0, 1, 2)}):
        with pytest.raises(OptionError):
            maps.plot(**options)
    for rgb in (("red", "green", "swir"), (0, 1), "red", (0, 1, 4), 3):
        with pytest.raises(BandError, match="three bands"):
            maps.plot(x=x, rgb=rgb)
    with pytest.raises(InputError, match="3 images of 3 x 3 x 4"):
        maps.plot(x=x[:2])
    with pytest.raises(OptionError, match="composite"):
        spectra().plot(x=images_of(spectra()), rgb=(0, 1, 2))
    with pytest.raises(OptionError, match="one axis"):
        maps_of((20, 4)).plot(x=images_of(maps_of((20, 4))))


@pytest.mark.parametrize(("shape", "axis"), [((3, 2, 4), 3), ((4, 3, 2), 1), ((4, 1), 1), ((4,), 1), ((2, 3, 4, 5), 3)])
def test_the_table_has_every_position_in_step_with_its_value(shape, axis):
    maps = maps_of(shape, wavelengths=NM, band_axis=axis, every=True)
    frame = maps.to_frame()
    pixels = {0: [], 1: ["pixel"], 2: ["row", "col"], 3: ["pixel_1", "pixel_2", "pixel_3"]}[len(shape) - 1]
    assert list(frame) == ["image", "class", "output", *pixels, "band", "wavelength", "attribution"]
    assert len(frame) == maps.values.size
    bands, outputs = frame["band"].cat.codes.to_numpy(), frame["output"].cat.codes.to_numpy()
    assert bands[:4].tolist() == [0, 1, 2, 3]
    place = [frame["image"], outputs, *(frame[name] for name in pixels)]
    place.insert(axis + 1, bands)
    assert (frame["attribution"] == maps.values[tuple(place)]).all()
    assert (frame["wavelength"] == np.array(NM)[bands]).all()
    assert (frame["class"] == np.array(CLASSES)[frame["image"]]).all()
    assert frame["band"].cat.ordered
