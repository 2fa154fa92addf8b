"""Attributions of several images, an image in a row and a band in a column, beside their composites.

One scale for all shows which images have the larger attributions; a scale for each shows where they are in weak ones. A
single image is drawn by `maps`, with more room for its bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotnine as p9

from ..errors import OptionError
from . import maps as single
from .composites import band_names, chosen_bands, composite, composite_bands, composite_name, false_colours
from .labels import label, longest, unit, wrap
from .mosaic import mosaic, row_room
from .panels import is_free
from .theme import characters

if TYPE_CHECKING:
    from ..results.maps import BandMaps

MOST_IMAGES = 12
ROOM = 7  # characters that a band needs at least


def draw(
    maps: BandMaps,
    image: int | Sequence[int] = 0,
    output: int | str = 0,
    *,
    x: Any = None,
    rgb: Sequence[str | int] | None = None,
    scales: str = "fixed",
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Attributions of one image or several.

    Parameters
    ----------
    maps : BandMaps
    image : int or sequence of int
        Positions of images in `maps`, 12 at most.
    output, x, rgb, base_size, width
        As for `maps.draw`; `output` is a position among the outputs explained for each image, or a name.
    scales : {"fixed", "free"}
        Whether several images share a scale, or each has its own.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If there are no such images or too many, or several without two axes of pixels; else as `maps.draw`.
    """
    free = is_free(scales)
    images: list[Any] = np.asarray(image).tolist() if np.ndim(image) == 1 else [image]
    if len(images) == 1:
        if free:
            raise OptionError(
                "A single image has one scale.", expected="scales='fixed', or several images", given=repr(scales)
            )
        return single.draw(maps, images[0], output, x=x, rgb=rgb, base_size=base_size, width=width)
    if not 0 < len(images) <= MOST_IMAGES:
        raise OptionError(
            "These are not the images for one picture.", expected=f"1 to {MOST_IMAGES} images", given=str(len(images))
        )
    places = [single.position(one, maps.n, "image") for one in images]
    explained = [single.explained_output(maps, place, output) for place in places]
    values = np.stack(
        [single.bands_first(maps.values[at, to], maps.band_axis) for at, to in zip(places, explained, strict=True)]
    ).astype(np.float64)
    if values.ndim != 4:
        raise OptionError(
            "Several images are drawn together where they have two axes of pixels.",
            expected="one image",
            given=f"{len(places)} images with {values.ndim - 2} axes of pixels",
        )
    if rgb is not None and x is None:
        raise OptionError("There is nothing to make composites of.", expected="the images `x`", given="rgb without x")

    rows, source = _names(maps, places, explained)
    facts = ["rows: images with their classes, as predicted where that differs"]
    if unit(maps) == maps.output:
        facts.append(f"positive values raise the {maps.output}")
    shown = _shown(maps, values, rows, x is not None, characters(width, base_size))
    if len(shown) < len(maps.bands):
        facts.append(f"{len(shown)} of {len(maps.bands)} bands, those with the largest sum of |attribution|")
    values, limit, beyond = _scaled(values, free)
    if free:
        facts.append("colours can't be compared between images: each has its own scale, up to its largest")
    if beyond:
        part = f"{100 * (1 - single.QUANTILE):.4g} % of values"
        facts.append(f"the darkest colours stand for all beyond {part if free else f'±{limit:.2g}, {part}'}")
    front = None
    if x is not None:
        pictures = single.pictures_of(maps, x)
        chosen = composite_bands(maps.bands, maps.wavelengths) if rgb is None else chosen_bands(rgb, maps.bands)
        front = np.stack([composite(pictures, place, chosen) for place in places])
        facts.append(false_colours(maps, chosen) or f"first: {composite_name(maps, chosen)}")
    return mosaic(
        np.clip(values[:, shown], -limit, limit),
        rows,
        [wrap(name, ROOM) for name in band_names(maps, shown)],
        limit,
        title="Attribution by image and band",
        notes=[source, "; ".join(facts)],
        fill=f"Attribution ({'part of the largest of its image' if free else unit(maps)})",
        width=width,
        base_size=base_size,
        front=front,
        raster=max(values.shape[2:]) > single.TILES,
    )


def _names(maps: BandMaps, places: Sequence[int], explained: Sequence[int]) -> tuple[list[str], str]:
    """What rows are called, and the first line of the subtitle: the method and what is explained."""
    outputs = [maps.outputs[maps.image_output[at, to]] for at, to in zip(places, explained, strict=True)]
    own = [maps.classes[maps.image_class[at]] for at in places]
    if len(set(outputs)) == 1:
        what = f"{maps.output} of {outputs[0]}"
    elif outputs == own:
        what = f"class {maps.output}"
    else:
        what = f"{maps.output} of outputs named in brackets"
    rows = []
    for at, name, output in zip(places, own, outputs, strict=True):
        predicted = maps.classes[maps.prediction[at]]
        number = single.image_number(maps, at)
        row = f"image {number}" if len(maps.classes) == 1 else f"{number}: {name}"
        row += f", as {predicted}" if predicted != name else ""
        rows.append(f"{row} [{output}]" if what.endswith("brackets") else row)
    return rows, f"{label('method', maps.method)}, {what}{single.own_input(maps)}"


def _shown(maps: BandMaps, values: np.ndarray, rows: list[str], beside: bool, room: float) -> list[int]:
    """Positions of the bands that have room, in their order."""
    names = band_names(maps, range(len(maps.bands)))
    needed = max(ROOM, longest([wrap(name, ROOM) for name in names]) + 1)
    most = max(1, int((room - row_room(rows, room)) / needed) - beside)
    order = np.argsort(-np.abs(values).sum(axis=(0, 2, 3)), kind="stable")
    return np.sort(order[:most]).tolist()


def _scaled(values: np.ndarray, free: bool) -> tuple[np.ndarray, float, bool]:
    """Values, the end of their scale, and whether some lie beyond."""
    if not free:
        return values, *single.scale_end(values)
    ends = [single.scale_end(one) for one in values]
    return values / np.array([end for end, _ in ends])[:, None, None, None], 1.0, any(beyond for _, beyond in ends)
