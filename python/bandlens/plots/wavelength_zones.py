"""How bands go together along the spectrum: their correlations as tiles, with the zones outlined on the diagonal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from .axes import NAMED, band_ticks
from .labels import longest, wrap
from .palette import colours, ink
from .panels import wrap_lines
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.wavelength_zones import WavelengthZones

LINE = 0.45  # of a character, how high it is wide: a line of text is about two characters
MOST = 0.62  # of the width, what tiles may take
TOLD = 0.75  # of the width, what the subtitle may take: it begins above the names of the zones


def draw(result: WavelengthZones, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Band x band tiles of correlations, bands along the spectrum, zones outlined and named at the left.

    Parameters
    ----------
    result : WavelengthZones
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    n, order = len(result.bands), result.order
    place = np.arange(1, n + 1)
    tiles = pd.DataFrame(
        {"x": np.tile(place, n), "y": np.repeat(place, n), "value": result.correlation[np.ix_(order, order)].ravel()}
    )
    zone = result.zone[order]
    first = np.searchsorted(zone, np.arange(result.n))
    last = np.searchsorted(zone, np.arange(result.n), side="right")
    boxes = pd.DataFrame({"low": first + 0.5, "high": last + 0.5})

    room = MOST * characters(width, base_size)
    lines = LINE * room
    names = [wrap(name, 22) for name in result.zones]
    middles = (first + last + 1) / 2
    shown = _apart(middles, [1.2 * (1 + name.count("\n")) * n / lines for name in names])
    bands = [result.bands[at] for at in order]
    positions, labels, title = band_ticks(bands, [result.wavelengths[at] for at in order])
    upright = longest(labels) + 1 > room / len(labels)
    if not upright:  # round wavelengths are near each other where bands were taken out between them
        kept = _apart(np.array(positions), [(len(text) + 1) * n / room for text in labels])
        positions, labels = [positions[at] for at in kept], [labels[at] for at in kept]
    how = "chosen from the data" if result.chosen else "as asked for"
    note = (
        f"outlined: {result.n} zones of neighbours, {how}, which "
        f"share {1 - result.unshared_share:.0%} of the variance of their bands; {result.n_images} images"
    )
    note = wrap_lines(note, TOLD * width, base_size)
    axis_lines = 0.42 * longest(labels) if upright else 1
    return (
        p9.ggplot(tiles)
        + p9.geom_tile(p9.aes("x", "y", fill="value"), color=ink("paper"), size=0.2 if n <= NAMED else 0)
        + p9.geom_rect(
            p9.aes(xmin="low", xmax="high", ymin="low", ymax="high"),
            data=boxes,
            fill="none",
            color=ink("text"),
            size=0.5,
        )
        + p9.scale_fill_gradientn(colors=colours("signed"), limits=(-1, 1))
        + p9.scale_x_continuous(breaks=[at + 1 for at in positions], labels=labels, expand=(0, 0.02 * n))
        + p9.scale_y_reverse(
            breaks=[float(middles[at]) for at in shown],
            labels=[names[at] for at in shown],
            expand=(0, 0.02 * n),
        )
        + p9.coord_fixed()
        + theme_bandlens(base_size, width=width, lines=8 + note.count("\n") + lines + axis_lines)
        + p9.theme(axis_text_x=p9.element_text(rotation=90 if upright else 0), axis_title_y=p9.element_blank())
        + p9.labs(
            title="Zones of bands that carry the same information",
            subtitle=note,
            x=title,
            y="",
            fill="Correlation over pixels",
        )
    )


def _apart(middles: np.ndarray, heights: list[float]) -> list[int]:
    """Names that don't overlap, from the first on: those whose lower half ends before the next begins."""
    shown: list[int] = []
    for at, middle in enumerate(middles):
        if not shown or middle - middles[shown[-1]] >= (heights[at] + heights[shown[-1]]) / 2:
            shown.append(at)
    return shown
