"""Maps of where an output comes from, over a composite of the image: images in rows, outputs or bands in columns.

All maps share one scale, which a colour bar shows. Over a composite, which is grey there so that colours are the map's
alone, a map is the more opaque the larger it is; it is interpolated between its places, for the picture only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotnine as p9

from ..data.images import check_images
from ..data.words import shape_text
from ..errors import InputError, OptionError
from ..results.cells import unique
from .composites import (
    band_names,
    chosen_bands,
    composite,
    composite_bands,
    composite_name,
    false_colours,
    greys,
)
from .labels import label
from .maps import QUANTILE, bands_first, panel_columns, position, scale_end, scale_tick
from .palette import colours, ink, ramp
from .pictures import check_number, drawn, pixel_frame
from .theme import characters

if TYPE_CHECKING:
    from ..localization import ActivationMaps

MOST_IMAGES = 12
FIRST = 4  # images that are drawn where none are named
COLUMNS = 7  # maps of an image that stand in a row of several images
PAIR = 2  # panels of an image with which several images stand in a row
MOST_BANDS = 25  # of one image
SIDE = 96  # pixels along a side of a panel; more would not be seen
TINT = (0.1, 0.8)  # opacity of a map over its image, from 0 to the largest value
STEPS = 256  # colours of a map


@dataclass(frozen=True)
class Shown:
    """The bands of the input of which composites are made; see `composites.Banded`."""

    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]


def draw(
    maps: ActivationMaps,
    image: int | Sequence[int] | None = None,
    *,
    x: Any = None,
    rgb: Sequence[str | int] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Maps of images, over composites where the images are given.

    Parameters
    ----------
    maps : ActivationMaps
    image : int or sequence of int, optional
        Positions in `maps`, at most 12; by default the first four, of maps by band the first.
    x : array_like, optional
        The images of `maps`, all of them; of several inputs, a dict or a list of their images.
    rgb : sequence of three str or int, optional
        Bands of the composite, see `composites`.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError, BandError, InputError
        If there are no such images or bands, or `x` are not the images of `maps`.
    """
    places = _places(maps, image)
    if rgb is not None and x is None:
        raise OptionError("There is nothing to make a composite of.", expected="the images `x`", given="rgb without x")
    values = maps.values[places].astype(np.float64)
    if maps.by is not None:
        values = values[:, 0]
    facts = []
    columns = np.arange(values.shape[1])
    most = MOST_BANDS if len(places) == 1 else COLUMNS
    if len(columns) > most:
        sizes = np.abs(values).sum(axis=(0, 2, 3))
        columns = np.sort(np.argsort(-sizes, kind="stable")[:most])
        what = "bands" if maps.by else "outputs"
        facts.append(f"{most} of {values.shape[1]} {what}, those with the largest sum of |values|")
    values = values[:, columns]
    limit, beyond = scale_end(values)
    if beyond:
        facts.append(f"the strongest colour stands for all beyond {limit:.2g}, {100 * (1 - QUANTILE):.4g} % of values")
    empty = int((~values.any(axis=(2, 3))).sum())
    if empty:
        facts.append(f"{empty} of {values.shape[0] * values.shape[1]} maps are 0 everywhere")
    signed = bool((values < 0).any())
    palette = np.array(_palette(signed))

    panels: list[np.ndarray] = []
    titles: dict[str, str] = {}
    pictures, shown = (None, None) if x is None else _pictures(maps, x)
    if pictures is not None and shown is not None:
        chosen = composite_bands(shown.bands, shown.wavelengths) if rgb is None else chosen_bands(rgb, shown.bands)
        facts.append(false_colours(shown, chosen) or f"first: {composite_name(shown, chosen)}")
        thin = slice(None, None, -(-max(pictures.shape[2:]) // SIDE))
        pictures = pictures[:, :, thin, thin]
    names = band_names(maps, columns.tolist()) if maps.by else None
    for row, place in enumerate(places):
        at = position(place, maps.n, "image")
        if pictures is not None:
            below = composite(pictures, at if maps.images is None else int(maps.images[at]), chosen)
            titles[f"{row}"] = _image_name(maps, at)
            panels.append(below)
        for column, index in enumerate(columns.tolist()):
            own = f"{maps.outputs[maps.image_output[at, index]]}" if names is None else names[column]
            titles[f"{row}_{column}"] = own if pictures is not None else _alone(maps, at, own)
            one = values[row, column]
            if pictures is not None:
                one = between(one, maps.row_at, maps.col_at, below.shape)
            strength = np.clip(one / limit, -1, 1)
            coloured = palette[_steps(strength, signed)]
            panels.append(coloured if pictures is None else over(greys(below), coloured, np.abs(strength)))
    check_number(len(panels), "panels")
    of_each = len(columns) + (pictures is not None)
    picture = drawn(
        pixel_frame(list(titles), np.stack(panels), "colour"),
        titles,
        (panels[0].shape[0], panels[0].shape[1]),
        title=_title(maps),
        notes=[_source(maps, places), "; ".join(facts)] if facts else [_source(maps, places)],
        width=width,
        base_size=base_size,
        columns=_side_by_side(of_each, len(places), width, base_size) if len(places) > 1 else None,
        scale_below=True,
    )
    return picture + _colour_bar(maps, limit, list(titles), signed=signed)


def _side_by_side(of_each: int, images: int, width: float, base_size: float) -> int:
    """Panels in a row: those of one image, or of as many images as have room where these have one map each."""
    most = panel_columns(of_each * images, characters(width, base_size))
    return of_each * max(1, min(images, most // of_each)) if of_each <= PAIR else of_each


def _places(maps: ActivationMaps, image: Any) -> list[int]:
    if image is None:
        return list(range(min(maps.n, 1 if maps.by else FIRST)))
    given = list(image) if np.ndim(image) == 1 else [image]
    if not 0 < len(given) <= MOST_IMAGES:
        raise OptionError(
            "These are not the images for one picture.", expected=f"1 to {MOST_IMAGES} images", given=str(len(given))
        )
    return [position(one, maps.n, "image") for one in given]


def _pictures(maps: ActivationMaps, x: Any) -> tuple[np.ndarray, Shown]:
    """Images (n, bands, rows, cols) of the input that is shown, and its bands."""
    name, own = None, x
    if maps.inputs is not None:
        names = unique(maps.inputs)
        each = dict(zip(names, x, strict=False)) if isinstance(x, list | tuple) else x
        if not isinstance(each, Mapping):
            each = {names[0]: x}
        name = next((one for one in names if one in each and np.ndim(each[one]) == 4), None)
        if name is None:
            raise InputError(
                "`x` holds no images with rows and columns.",
                expected=f"a dict of the images of the inputs {', '.join(map(repr, names))}",
                given=type(x).__name__,
            )
        own = each[name]
    mine = [at for at in range(len(maps.bands)) if maps.inputs is None or maps.inputs[at] == name]
    axis = int(maps.band_axes[mine[0]])
    images = check_images(own, axis) if np.ndim(own) == 4 else None
    rows = 0 if images is None else images.n
    n = maps.n if maps.images is None else max(rows, int(maps.images.max()) + 1)
    if images is None or images.n != n or images.n_bands != len(mine):
        raise InputError(
            "`x` are not the images of the maps.",
            expected=f"{n} images with rows, columns and {len(mine)} bands",
            given=shape_text(np.shape(own)),
        )
    found = np.stack([bands_first(one, axis) for one in images.take(slice(None), np.float64)])
    return found, Shown(tuple(maps.bands[at] for at in mine), tuple(maps.wavelengths[at] for at in mine))


def between(values: np.ndarray, row_at: np.ndarray, col_at: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A map as large as an image: linear between its places, constant beyond the outermost."""
    down, across = (
        np.stack([np.interp((np.arange(length) + 0.5) / length, at, one) for one in np.eye(len(at))], axis=1)
        for at, length in zip((row_at, col_at), shape, strict=True)
    )
    return np.asarray(down @ values @ across.T)


def _palette(signed: bool) -> list[str]:
    return ramp("signed" if signed else "band_ramp", np.linspace(0, 1, STEPS))


def _steps(strength: np.ndarray, signed: bool) -> np.ndarray:
    """Which of the palette's colours each value from -1 or 0 to 1 has."""
    part = (strength + 1) / 2 if signed else np.maximum(strength, 0)
    return np.floor(part * (STEPS - 1) + 0.5 + 1e-6).astype(int)


def over(below: np.ndarray, colour: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Colours over others, the more opaque the larger they stand for; `below` are greys from 0 to 255."""
    opaque = TINT[0] + (TINT[1] - TINT[0]) * size
    channels = []
    for start in (1, 3, 5):
        own = np.vectorize(lambda one, start=start: int(one[start : start + 2], 16), otypes=[float])(colour)
        # the tiny offset makes halves round up here and in R alike
        channels.append(np.floor(opaque * own + (1 - opaque) * below + 0.5 + 1e-6).astype(int))
    return np.vectorize("#{:02X}{:02X}{:02X}".format, otypes=[object])(*channels)


def _image_name(maps: ActivationMaps, at: int) -> str:
    number = at if maps.images is None else int(maps.images[at])
    if len(maps.classes) == 1:
        return f"image {number}"
    name, predicted = maps.classes[maps.image_class[at]], maps.classes[maps.prediction[at]]
    return f"{number}: {name}" + (f", as {predicted}" if predicted != name else "")


def _alone(maps: ActivationMaps, at: int, own: str) -> str:
    """What a panel is called that stands without its image: that of the image, and its output or band."""
    name = _image_name(maps, at)
    one = maps.by is None and maps.image_output.shape[1] == 1 and own == maps.classes[maps.image_class[at]]
    return name if one else f"{name}; {own}"


def _title(maps: ActivationMaps) -> str:
    if maps.method == "occlusion":
        return "Occlusion maps" + (", band by band" if maps.by else "")
    return "Class activation maps" + (": what each band adds" if maps.by else "")


def _source(maps: ActivationMaps, places: Sequence[int]) -> str:
    """The method, where it looked, and what is explained."""
    at = "" if maps.layer is None else f", layer '{maps.layer}'"
    source = f"{label('map', maps.method)}{at}"
    if maps.by is not None:
        explained = {maps.outputs[maps.image_output[place, 0]] for place in places}
        return f"{source}; {maps.output} of {explained.pop() if len(explained) == 1 else 'the class'}; panels: bands"
    return f"{source}; panels: {maps.output} of the class that is named"


def _colour_bar(maps: ActivationMaps, limit: float, panels: list[str], *, signed: bool) -> list[Any]:
    """A scale whose bar stands below, though pixels have colours of their own."""
    end = scale_tick(limit)
    ticks = [-end, 0.0, end] if signed else [0.0, end]
    where = pd.Categorical(panels[:1], categories=pd.Index(panels), ordered=True)
    nothing = pd.DataFrame({"panel": where, "row": [0], "col": [0], "value": [0.0]})
    if maps.method == "occlusion":
        name = f"Fall of the {maps.output}"
    else:
        name = "Change of the map with the band" if maps.by else f"Class activation ({maps.output})"
    return [
        p9.geom_point(p9.aes("col", "row", color="value"), data=nothing, alpha=0, inherit_aes=False),
        p9.scale_color_gradientn(
            colors=colours("signed" if signed else "band_ramp"),
            limits=(-limit if signed else 0, limit),
            breaks=ticks,
            labels=[f"{tick:.4g}" for tick in ticks],
            na_value=ink("missing"),
        ),
        p9.labs(color=name),
    ]
