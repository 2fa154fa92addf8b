"""Class x band tiles: what the kinds have in common that show one number per cell as a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from ..errors import OptionError
from ..results.cells import unique
from . import time_tiles
from .axes import NAMED, band_axis, band_ticks, panel_columns
from .labels import longest, several_outputs, wrap
from .palette import colours, ink, ramp, text_on
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    import pandas as pd

    from ..results.importance import BandImportance


# of what, the picture knows
OWN_COLOURS = "colours can't be compared between {0}s: each {0} has its own scale, up to its "


def alone(result: BandImportance) -> str:
    """What shows one class for itself: a row of tiles, or where these are bands and steps, a panel."""
    return "panel" if result.times is not None and any(result.bands) else "row"


def of_largest(frame: pd.DataFrame, column: str) -> pd.Series:
    """Values as parts of the largest of their row; where that is 0, all are 0."""
    largest = frame[column].abs().groupby([frame["class"], frame["output"]], observed=True).transform("max")
    return frame[column] / largest.where(largest != 0, 1.0)


def draw_tiles(
    result: BandImportance,
    frame: pd.DataFrame,
    *,
    palette: str,
    limits: tuple[float, float],
    values: bool | None,
    base_size: float,
    width: float,
) -> p9.ggplot:
    """Tiles filled by the column `value`, the column `text` printed in them, one facet per output where needed.

    Parameters
    ----------
    result : BandImportance
    frame : DataFrame
        The class x band table with columns `value` and `text` added.
    palette : str
        Name of a sequential or diverging palette.
    limits : (float, float)
        Values of its two ends.
    values : bool or None
        Whether to print `text`; ``None`` prints it where it fits and where every band is named, and there are no steps.
    base_size, width : float
        Font size in points, width of the picture in mm.
    """
    if result.times is not None:
        if values:
            raise OptionError("Tiles of steps have no room for values.", expected="values=None", given=repr(values))
        return time_tiles.draw_tiles(result, frame, palette=palette, limits=limits, base_size=base_size, width=width)
    n_bands = len(result.bands)
    room = characters(width, base_size)
    classes = [name for name in result.classes if name in set(frame["class"])]
    names = [wrap(name, int(min(0.35 * room, 30))) for name in classes]
    room -= longest(names) + 2
    several = several_outputs(frame)
    outputs = [name for name in result.outputs if name in set(frame["output"])] if several else []
    inputs = unique(result.inputs or ())
    columns = 1 if inputs else panel_columns(len(outputs) or 1, n_bands, room)
    titles = {
        name: wrap(f"{result.output} of {name}", 16 if inputs else int(SMALL * room / columns)) for name in outputs
    }
    axis = band_axis(result, room=room / columns)
    if inputs:  # names may come again in another input, so that bands stand by their places
        frame = frame.assign(band=np.tile(np.arange(n_bands) + 1.0, len(frame) // n_bands))
        places = [at + 1 for at in band_ticks(result.bands, result.wavelengths)[0]]
        axis.parts[0] = p9.scale_x_continuous(breaks=places, labels=axis.parts[0].labels, expand=(0, 0))

    rows = -(-len(outputs) // columns) or 1
    strip = 1.5 + max(title.count("\n") for title in titles.values()) if several else 1.5 * bool(inputs)
    height = sum(1.7 + 0.8 * name.count("\n") for name in names)
    tile = room / columns / n_bands
    plot = (
        p9.ggplot(frame, p9.aes("band", "class"))
        + p9.geom_tile(p9.aes(fill="value"), color=ink("paper"), size=0.4 if tile > 2 else 0)
        + p9.scale_fill_gradientn(colors=colours(palette), limits=limits, na_value=ink("missing"))
        + p9.scale_y_discrete(limits=classes[::-1], labels=names[::-1], expand=(0, 0))
        + theme_bandlens(base_size, width=width, lines=9 + rows * (max(height, 5) + strip) + axis.lines)
        + axis.parts
        + p9.labs(y="")
        + p9.theme(axis_title_y=p9.element_blank())
    )
    known = frame[frame["value"].notna()]
    printed = longest(known["text"]) + 1 if len(known) else 0
    if n_bands <= NAMED and 0.85 * printed <= tile if values is None else values:
        low, high = limits
        inks = text_on(ramp(palette, (known["value"] - low) / (high - low)))
        size = (SMALL if printed <= tile else 0.75) * base_size
        plot += p9.geom_text(p9.aes(label="text", color="ink"), data=known.assign(ink=inks), size=size)
        plot += p9.scale_color_identity()
    if inputs:
        widths = {name: int(SMALL * room * result.inputs.count(name) / n_bands) for name in inputs}  # type: ignore[union-attr]
        above = {name: wrap(name, max(widths[name], 1)) for name in inputs}
        labeller = p9.labeller(rows=titles.get, cols=above.get)
        return plot + p9.facet_grid(
            "output" if several else None, "input", scales="free_x", space="free_x", labeller=labeller
        )
    if several:
        plot += p9.facet_wrap("output", ncol=columns, labeller=p9.as_labeller(titles))
    return plot
