"""Share of importance as class x band tiles: which bands matter for which class, at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotnine as p9

from .labels import subtitle
from .panels import is_free, wrap_lines
from .tiles import OWN_COLOURS, alone, draw_tiles, of_largest
from .time_tiles import stepless

if TYPE_CHECKING:
    from ..results.importance import BandImportance


def draw(
    result: BandImportance,
    *,
    values: bool | None = None,
    scales: str = "fixed",
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Class x band tiles of shares.

    Parameters
    ----------
    result : BandImportance
    values : bool, optional
        Whether to print each share in its tile; by default where there is room and every band is named.
    scales : {"fixed", "free"}
        Whether colours mean the same share everywhere, or run from 0 to the largest share of each class.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and what is printed.

    Returns
    -------
    plotnine.ggplot
    """
    frame = result.to_frame()
    free = is_free(scales)
    frame["value"] = 100 * (of_largest(frame, "share") if free else frame["share"])
    frame["text"] = (100 * frame["share"]).map("{:.0f}".format)
    highest = frame["value"].max()
    each = alone(result)
    limits = (0.0, highest if highest > 0 else 100.0)
    plot = draw_tiles(result, frame, palette="share", limits=limits, values=values, base_size=base_size, width=width)
    return plot + p9.labs(
        title="Share of importance by class and band" if result.times is None else "Share of importance over time",
        subtitle=wrap_lines(
            subtitle(
                result,
                frame,
                f"{OWN_COLOURS.format(each)}largest share"
                if free
                else f"each {each} adds up to 100 %{stepless(result)}",
            ),
            width,
            base_size,
        ),
        fill=f"Share (% of the largest in its {each})" if free else "Share (%)",
    )
