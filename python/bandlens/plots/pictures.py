"""Pictures of images side by side: what grids of features, kernels and top images have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotnine as p9

from ..data.words import choices, nearest
from ..errors import BandError, OptionError
from .composites import COLOURS, band_names, chosen_bands, composite_bands, false_colours
from .labels import wrap
from .maps import panel_columns
from .palette import colours
from .panels import more_lines, strip_width, wrap_lines
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..features import FeatureImages, TopImages

# quantile of deviations from the middle at which colours end; single pixels beyond are as colourful
FULL = 0.99
STRETCHES = ("image", "range")
MOST = 64  # images in one picture


def rgb_bands(result: FeatureImages | TopImages, rgb: Any, contrast: np.ndarray) -> list[int]:
    """Positions of the bands shown as red, green and blue.

    Parameters
    ----------
    result : FeatureImages or TopImages
        For its bands and wavelengths.
    rgb : sequence of three str or int, "strongest", or None
        "strongest": the three with the largest sum of `contrast`, the longest wavelength (else the last band) as red.
    contrast : ndarray, shape (n, bands)
    """
    if rgb is None:
        return composite_bands(result.bands, result.wavelengths)
    if isinstance(rgb, str):
        if rgb != "strongest" or len(result.bands) < 3:
            raise BandError(
                "`rgb` does not name three bands.", expected="three bands, or 'strongest' of three or more", given=rgb
            )
        strongest = np.sort(np.argsort(-np.nansum(contrast, axis=0), kind="stable")[:3])
        waves = np.asarray(result.wavelengths, np.float64)[strongest]
        place = waves if np.isfinite(waves).all() else strongest
        return strongest[np.argsort(-place, kind="stable")].tolist()
    return chosen_bands(rgb, result.bands)


def composite_name(result: FeatureImages | TopImages, chosen: Sequence[int]) -> str:
    """Which bands are red, green and blue, as a note."""
    names = band_names(result, chosen)
    if len(set(chosen)) == 1:
        return f"grey: {names[0]}"
    if [name.lower() for name in names] == COLOURS:
        return "colours: red, green, blue"
    return false_colours(result, chosen) or "red, green, blue: " + ", ".join(names)


def brightness(values: np.ndarray, low: np.ndarray, high: np.ndarray, stretch: str) -> np.ndarray:
    """From 0 to 1, of images (n, rows, cols, bands): the middle of each band's range is 0.5.

    "range": the ends of the bands' ranges are 0 and 1. "image": the largest deviations from the middle within an image
    are, by one factor for all bands, so that bands can be compared and faint images are seen.
    """
    span = np.where(high > low, high - low, 1.0)
    inside = (values.astype(np.float64) - (low + high) / 2) / span
    if stretch == "image":
        largest = np.quantile(np.abs(inside), FULL, axis=(1, 2, 3), keepdims=True)
        inside = inside / np.where(largest > 0, 2 * largest, 1.0)
    return np.clip(0.5 + inside, 0, 1)


def check_stretch(stretch: Any) -> str:
    """One of the two ways of `brightness`."""
    if stretch not in STRETCHES:
        raise OptionError(
            "There is no such stretch.",
            expected=choices(STRETCHES),
            given=repr(stretch),
            fix=nearest(stretch, STRETCHES),
        )
    return str(stretch)


def hexes(bright: np.ndarray) -> np.ndarray:
    """Colours of pixels with three channels from 0 to 1 on the last axis."""
    channels = np.floor(255 * bright + 0.5 + 1e-6).astype(int)
    return np.vectorize("#{:02X}{:02X}{:02X}".format, otypes=[object])(*np.moveaxis(channels, -1, 0))


def pixel_frame(panels: Sequence[str], images: np.ndarray, column: str) -> pd.DataFrame:
    """One row per panel and pixel of images (n, rows, cols); rows count downwards, panels keep their order."""
    n, rows, cols = images.shape
    return pd.DataFrame(
        {
            "panel": pd.Categorical(np.repeat(panels, rows * cols), categories=pd.Index(panels), ordered=True),
            "row": np.tile(np.repeat(-np.arange(rows), cols), n),
            "col": np.tile(np.arange(cols), n * rows),
            column: images.reshape(-1),
        }
    )


def check_number(n: int, what: str) -> None:
    """Refuse pictures that nobody could read."""
    if n > MOST:
        raise OptionError(
            f"There are too many {what} for one picture.",
            expected=f"at most {MOST}",
            given=str(n),
            fix="take some: `subset` of a result, or fewer `features`",
        )


def drawn(
    frame: pd.DataFrame,
    titles: dict[str, str],
    shape: tuple[int, int],
    *,
    title: str,
    notes: Sequence[str],
    width: float,
    base_size: float,
    columns: int | None = None,
    scale: Any = None,
    fill: str = "",
    scale_below: bool = False,
) -> p9.ggplot:
    """Images in panels, each with a title.

    Parameters
    ----------
    frame : DataFrame
        From `pixel_frame`, with the column "colour" (colours as they are) or "value" (for `scale`).
    titles : dict of str
        Of each panel.
    shape : (int, int)
        Rows and columns of an image.
    title : str
    notes : sequence of str
        Lines of the subtitle.
    width, base_size : float
    columns : int, optional
        Panels side by side; as many as can be read by default.
    scale : scale, optional
        Of fill, for "value".
    fill : str
        Title of its legend.
    scale_below : bool
        Whether room is left for a legend that is added later.
    """
    room = characters(width, base_size)
    columns = columns or panel_columns(len(titles), room)
    wrapped = {key: wrap(text, max(strip_width(room, columns) - 1, 3)) for key, text in titles.items()}
    subtitle = wrap_lines("\n".join(notes), width, base_size)
    rows = -(-len(titles) // columns)
    line = 25.4 * 1.25 * base_size / 72
    high = 0.96 * width / columns * shape[0] / shape[1] / line
    legend = 3.5 if scale is not None or scale_below else 0
    lines = 3.2 + subtitle.count("\n") + legend + rows * (high + 1.6 + more_lines(wrapped))
    return (
        p9.ggplot(frame, p9.aes("col", "row"))
        + p9.geom_raster(p9.aes(fill="colour" if scale is None else "value"))
        + p9.facet_wrap("panel", ncol=columns, labeller=p9.as_labeller(wrapped))
        + (p9.scale_fill_identity() if scale is None else scale)
        + p9.scale_x_continuous(expand=(0, 0))
        + p9.scale_y_continuous(expand=(0, 0))
        + p9.coord_fixed()
        + theme_bandlens(base_size, width=width, lines=lines)
        + p9.theme(
            axis_text=p9.element_blank(),
            axis_ticks=p9.element_blank(),
            axis_title=p9.element_blank(),
            panel_spacing=0.012,
            strip_text_x=p9.element_text(
                ha="left", va="bottom", ma="left", margin={"t": 2, "b": 2, "l": 0, "r": 0, "units": "pt"}
            ),
        )
        + p9.labs(title=title, subtitle=subtitle, fill=fill)
    )


def signed_scale(limit: float, between: str = "#7F7F7F") -> p9.scale_fill_gradientn:
    """The diverging scale, symmetric about zero; `between` is the colour of what has no value."""
    from .maps import scale_tick

    end = scale_tick(limit)
    ticks = [-end, 0.0, end]
    return p9.scale_fill_gradientn(
        colors=colours("signed"),
        limits=(-limit, limit),
        breaks=ticks,
        labels=[f"{tick:.4g}" for tick in ticks],
        na_value=between,
    )
