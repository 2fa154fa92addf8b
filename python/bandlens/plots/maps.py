"""Attributions of one image, a panel per band: where in the image each band raises the output, and where it lowers it.

All panels share one scale that is symmetric about zero, so that bands can be compared. Where the images are given, a
composite of three bands stands in front, to see what lies where. Images without two axes of pixels are drawn by
`curves`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotnine as p9

from ..data.images import check_images
from ..data.words import choices
from ..data.words import nearest as near_name
from ..errors import InputError, OptionError, ResultError
from . import curves
from .axes import NAMED
from .composites import band_names, chosen_bands, composite, composite_bands, composite_name, false_colours
from .labels import label, unit, wrap
from .palette import colours, ink
from .panels import more_lines, strip_width, wrap_lines
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.maps import BandMaps

MOST = 25  # bands that are shown where there are more than are named
QUANTILE = 0.999  # where the scale ends if single values are far beyond
FAR = 2.0  # times that quantile
TILES = 12  # pixels along a side that are drawn as tiles with borders; more are an image


def draw(
    maps: BandMaps,
    image: int = 0,
    output: int | str = 0,
    *,
    x: Any = None,
    rgb: Sequence[str | int] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Attributions of an image, a panel per band, on one scale.

    Parameters
    ----------
    maps : BandMaps
    image : int
        Position of the image in `maps`.
    output : int or str
        Which of the outputs that are explained for this image: its position among them, or its name.
    x : array_like, optional
        The images of `maps`, all of them, to show this one beside its attributions: a composite of three bands, the
        spectrum itself for spectra.
    rgb : sequence of three str or int, optional
        Bands of the composite by name or position, for red, green and blue; by default those of such light, else false
        colours (see `composites`).
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and panels arranged.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    ResultError
        If images have more than two axes of pixels.
    OptionError, BandError, InputError
        If there is no such image or output, no such bands, or `x` are not the images of `maps`.
    """
    place = position(image, maps.n, "image")
    explained = explained_output(maps, place, output)
    values = bands_first(maps.values[place, explained], maps.band_axis)
    n_axes = values.ndim - 1
    if n_axes > 2:
        raise ResultError(
            "The maps can't be drawn: their images have more than two axes of pixels.",
            expected="images with two axes of pixels, or spectra",
            given=f"pixels {' x '.join(map(str, values.shape[1:]))}",
            fix="take `values` or `to_frame()`, and draw slices",
        )
    if rgb is not None and (x is None or n_axes < 2):
        raise OptionError(
            "There is nothing to make a composite of.",
            expected="the images `x`, with two axes of pixels",
            given="rgb without x" if x is None else f"images with {n_axes} axes of pixels",
        )
    name = maps.outputs[maps.image_output[place, explained]]
    source = f"{label('method', maps.method)}, {maps.output} of {name}{own_input(maps)}"
    facts = [image_name(maps, place)]
    if unit(maps) == maps.output:  # not for gradients, which tell of changes of the band
        facts.append(f"positive values raise the {maps.output}")
    pictures = None if x is None else pictures_of(maps, x)
    if n_axes < 2:
        return curves.draw(
            maps, values, source, facts, None if pictures is None else pictures[place], base_size=base_size, width=width
        )

    n_bands = len(maps.bands)
    order = np.argsort(-np.abs(values).sum(axis=(1, 2), dtype=np.float64), kind="stable")
    shown = np.sort(order[:MOST]).tolist() if n_bands > NAMED else list(range(n_bands))
    if len(shown) < n_bands:
        facts.append(f"{len(shown)} of {n_bands} bands, those with the largest sum of |attribution|")
    limit, beyond = scale_end(values)
    if beyond:
        facts.append(
            f"the darkest colours stand for all beyond \u00b1{limit:.2g}, {100 * (1 - QUANTILE):.4g} % of values"
        )

    names = dict(zip(map(str, shown), band_names(maps, shown), strict=True))
    frame = pixel_frame(values[shown], [str(at) for at in shown], "value", np.clip(values[shown], -limit, limit))
    panels = [str(at) for at in shown]
    front = None
    if pictures is not None:
        chosen = composite_bands(maps.bands, maps.wavelengths) if rgb is None else chosen_bands(rgb, maps.bands)
        hexes = composite(pictures, place, chosen)
        front = pixel_frame(hexes[None], ["rgb"], "colour", hexes[None])
        names = {"rgb": composite_name(maps, chosen), **names}
        facts += [note for note in [false_colours(maps, chosen)] if note]
        panels = ["rgb", *panels]

    room = characters(width, base_size)
    columns = panel_columns(len(panels), room)
    titles = {key: wrap(text, strip_width(room, columns) - 1) for key, text in names.items()}
    subtitle = wrap_lines("\n".join([source, "; ".join(facts)]), width, base_size)
    rows = -(-len(panels) // columns)
    high = 0.93 * width / columns * values.shape[1] / values.shape[2] / (25.4 * 1.25 * base_size / 72)
    tiled = max(values.shape[1:]) <= TILES
    end = scale_tick(limit)
    ticks = [-end, 0.0, end]
    border: dict[str, Any] = {"color": ink("paper"), "size": 0.3} if tiled else {}
    pixel = p9.geom_tile if tiled else p9.geom_raster

    def ordered(part: pd.DataFrame) -> pd.DataFrame:
        return part.assign(panel=pd.Categorical(part["panel"], categories=pd.Index(panels), ordered=True))

    plot = p9.ggplot(ordered(frame), p9.aes("col", "row")) + pixel(p9.aes(fill="value"), **border)
    if front is not None:
        front = ordered(front)
        plot += pixel(data=front, fill=front["colour"].tolist(), **border)
    plot += [
        p9.facet_wrap("panel", ncol=columns, labeller=p9.as_labeller(titles)),
        p9.scale_fill_gradientn(
            colors=colours("signed"), limits=(-limit, limit), breaks=ticks, labels=[f"{tick:.4g}" for tick in ticks]
        ),
        p9.scale_x_continuous(expand=(0, 0)),
        p9.scale_y_continuous(expand=(0, 0)),
        p9.coord_fixed(),
        theme_bandlens(
            base_size,
            width=width,
            lines=6.3 + subtitle.count("\n") + rows * (high + 2 + more_lines(titles)),
        ),
        p9.theme(
            axis_text=p9.element_blank(),
            axis_ticks=p9.element_blank(),
            axis_title=p9.element_blank(),
            strip_text_x=p9.element_text(
                ha="left", va="bottom", ma="left", margin={"t": 2, "b": 2, "l": 0, "r": 0, "units": "pt"}
            ),
        ),
        p9.labs(title="Attribution of each pixel, by band", subtitle=subtitle, fill=f"Attribution ({unit(maps)})"),
    ]
    return plot


def panel_columns(n_panels: int, room: float) -> int:
    """Panels side by side: as many as can be read, in rows as even as possible."""
    rows = -(-n_panels // max(1, int(room / 14)))
    return -(-n_panels // rows)


def scale_end(values: np.ndarray) -> tuple[float, bool]:
    """Where the scale ends on both sides of zero, and whether single values lie beyond."""
    size = np.abs(values.astype(np.float64))
    largest, usual = float(size.max()), float(np.quantile(size, QUANTILE))
    if 0 < FAR * usual < largest:
        return usual, True
    return (largest if largest > 0 else 1.0), False


def scale_tick(limit: float) -> float:
    """The last number of two digits before the end of the scale, to be written next to it."""
    unit_of = 10.0 ** (math.floor(math.log10(limit)) - 1)
    # the tiny factor keeps such numbers themselves
    return float(f"{math.floor(limit / unit_of * (1 + 1e-9)) * unit_of:.2g}")


def image_name(maps: BandMaps, image: int) -> str:
    """Which image it is, and whether the model takes it for something else."""
    number = image_number(maps, image)
    if len(maps.classes) == 1:
        return f"image {number}"
    name, predicted = maps.classes[maps.image_class[image]], maps.classes[maps.prediction[image]]
    return f"image {number}: {name}" + (f", predicted as {predicted}" if predicted != name else "")


def own_input(maps: BandMaps) -> str:
    """Which input the maps are of, where there are several."""
    return "" if maps.input is None else f"; input {maps.input}"


def image_number(maps: BandMaps, place: int) -> int:
    """Which image some maps are of: one may have maps for several classes."""
    return place if maps.images is None else int(maps.images[place])


def bands_first(array: np.ndarray, band_axis: int) -> np.ndarray:
    """One image as bands x pixels, without axes of a single pixel."""
    moved = np.moveaxis(array, band_axis - 1, 0)
    return moved.reshape(moved.shape[0], *(size for size in moved.shape[1:] if size > 1))


def pictures_of(maps: BandMaps, x: Any) -> np.ndarray:
    """The images, each as `bands_first` gives it."""
    images = check_images(x, maps.band_axis)
    shape = maps.values.shape[2:]
    n = maps.n if maps.images is None else max(images.n, int(maps.images.max()) + 1)
    if (images.n, *images.shape) != (n, *shape):
        raise InputError(
            "`x` are not the images of the maps.",
            expected=f"{n} images of {' x '.join(map(str, shape))}",
            given=f"{images.n} of {' x '.join(map(str, images.shape))}",
        )
    found = np.stack([bands_first(one, maps.band_axis) for one in images.take(slice(None), np.float64)])
    return found if maps.images is None else found[maps.images]


def pixel_frame(values: np.ndarray, panels: Sequence[str], name: str, shown: np.ndarray) -> pd.DataFrame:
    """One row per panel and pixel; rows of pixels count downwards."""
    n, rows, cols = values.shape
    return pd.DataFrame(
        {
            "panel": np.repeat(np.asarray(panels, dtype=object), rows * cols),
            "row": np.tile(np.repeat(-np.arange(rows), cols), n),
            "col": np.tile(np.arange(cols), n * rows),
            name: shown.reshape(-1),
        }
    )


def position(given: Any, n: int, name: str) -> int:
    """A position that there is."""
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or not 0 <= given < n:
        raise OptionError(f"There is no such {name}.", expected=f"{name} from 0 to {n - 1}", given=repr(given))
    return int(given)


def explained_output(maps: BandMaps, image: int, given: Any) -> int:
    """Position of an output among those explained for an image."""
    if isinstance(given, str):
        names = [maps.outputs[at] for at in maps.image_output[image]]
        if given not in names:
            raise OptionError(
                "This output is not explained for this image.",
                expected=choices(names),
                given=repr(given),
                fix=near_name(given, names),
            )
        return names.index(given)
    return position(given, maps.image_output.shape[1], "output")
