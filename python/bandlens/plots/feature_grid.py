"""Images of features, a composite of three bands each: what the neurons of a layer look for, at a glance.

Mid-grey is the middle of each band's range. Several results, of an early, a middle and a deep layer, stand below each
other, a layer in a row: from edges and textures to objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotnine as p9

from ..data.options import whole
from ..errors import OptionError, ResultError
from .pictures import brightness, check_number, check_stretch, composite_name, drawn, hexes, pixel_frame, rgb_bands

if TYPE_CHECKING:
    from ..features import FeatureImages


def draw(
    result: FeatureImages,
    *,
    rgb: Sequence[str | int] | str | None = None,
    stretch: str = "image",
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """A composite of each image.

    Parameters
    ----------
    result : FeatureImages
    rgb : sequence of three str or int, or "strongest", optional
        Bands for red, green and blue; by default as for maps (`BandMaps.plot`). "strongest": false colours of the three
        bands that hold most.
    stretch : {"image", "range"}
        Colours are full at each image's own largest deviations from the middle, or at the ends of the bands' ranges.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    ResultError
        If the images are spectra.
    OptionError, BandError
        If there are more than 64 images, or no such bands.
    """
    need_pixels(result)
    check_number(result.n, "images")
    chosen = rgb_bands(result, rgb, result.contrast)
    shown = brightness(result.values[..., chosen], result.low[chosen], result.high[chosen], check_stretch(stretch))
    panels = [str(at) for at in range(result.n)]
    return drawn(
        pixel_frame(panels, hexes(shown), "colour"),
        dict(zip(panels, image_names(result), strict=True)),
        result.values.shape[1:3],
        title=title(result, "What {} look for"),
        notes=[source(result), f"{composite_name(result, chosen)}; {stretch_name(stretch)}"],
        width=width,
        base_size=base_size,
    )


def draw_layers(
    results: Sequence[FeatureImages],
    *,
    rgb: Sequence[str | int] | str | None = None,
    stretch: str = "image",
    per_layer: int = 6,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Features of several layers, a layer in a row.

    Parameters
    ----------
    results : sequence of FeatureImages
        From early to deep, of one model.
    rgb, stretch, base_size, width
        As for `draw`; with "strongest", the bands that hold most in all layers.
    per_layer : int
        Images per layer: the first of each that are not dead.

    Returns
    -------
    plotnine.ggplot
    """
    if not results or len({(result.bands, result.values.shape[1:]) for result in results}) > 1:
        raise OptionError(
            "Layers can't be shown together.",
            expected="results of images of one shape, with the same bands",
            given=f"{len(results)} results",
        )
    most = whole()("per_layer", per_layer)
    for result in results:
        need_pixels(result)
    kept = [result.subset(np.flatnonzero(~result.dead)[:most]) for result in results]
    if any(result.n == 0 for result in kept):
        raise OptionError("All features of a layer are dead.", expected="features that are excited")
    chosen = rgb_bands(kept[0], rgb, np.concatenate([result.contrast for result in kept]))
    columns = max(result.n for result in kept)
    check_number(columns * len(kept), "images")
    rows, cols = kept[0].values.shape[1:3]
    pictures, titles = [], {}
    for row, result in enumerate(kept):
        shown = brightness(result.values[..., chosen], result.low[chosen], result.high[chosen], check_stretch(stretch))
        blank = np.full((columns - result.n, rows, cols), "#FFFFFF", dtype=object)
        pictures += [hexes(shown), blank]
        names = [name.removeprefix("feature ") for name in image_names(result)]
        for column, name in enumerate([*names, *[" "] * (columns - result.n)]):
            titles[f"{row}_{column}"] = f"{result.layer}: {name}" if column == 0 else name
    return drawn(
        pixel_frame(list(titles), np.concatenate(pictures), "colour"),
        titles,
        (rows, cols),
        title="What features look for, layer by layer",
        notes=[source(kept[0]), f"{composite_name(kept[0], chosen)}; {stretch_name(stretch)}"],
        width=width,
        base_size=base_size,
        columns=columns,
    )


def need_pixels(result: Any) -> None:
    """Refuse spectra."""
    if result.values.shape[-3] * result.values.shape[-2] == 1:
        raise ResultError("Spectra are no pictures.", expected="kind='spectrum'")


def image_names(result: FeatureImages) -> list[str]:
    """What each image is of."""
    word = {"logit": "", "direction": "direction ", "deep_dream": "dream "}.get(result.objective, "feature ")
    several = len(set(result.image.tolist())) > 1
    names = [
        f"{word}{'' if result.objective == 'deep_dream' else name}".strip() + (f", image {image}" if several else "")
        for name, image in zip(result.names, result.image.tolist(), strict=True)
    ]
    states = np.select([result.dead, result.not_risen], [" (dead)", " (not above its start)"], "")
    return [f"{name}{state}" for name, state in zip(names, states, strict=True)]


def title(result: FeatureImages, text: str) -> str:
    """A title that says whose images these are, in the place of {}."""
    return text.format("the model's outputs" if result.layer == "logit" else f"features of layer '{result.layer}'")


def source(result: FeatureImages) -> str:
    """First line of subtitles: how the images came about."""
    what = result.objective.replace("_", " ")
    held = "" if result.input is None else f"; input {result.input}, the others held at the mean of their background"
    about = f"{what}, {result.steps} steps from {result.start} start"
    return about + (", interrupted" if result.interrupted else "") + held


def stretch_name(stretch: str) -> str:
    """What colours mean."""
    ends = "each image's largest deviations" if stretch == "image" else "the ends of the bands' ranges"
    return f"mid-grey: middle of the bands' ranges; full colours: {ends}"
