"""Mean signed band score as class x band tiles: which bands speak for a class, and which against it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import plotnine as p9

from ..errors import ResultError
from .labels import subtitle, unit
from .tiles import draw_tiles

if TYPE_CHECKING:
    from ..results.importance import BandImportance


def draw(result: BandImportance, *, values: bool | None = None, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Class x band tiles of effects, on a scale that is symmetric about zero.

    Parameters
    ----------
    result : BandImportance
    values : bool, optional
        Whether to print each effect in its tile; by default where there is room.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and what is printed.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    ResultError
        If the band scores have no sign.
    """
    if not result.signed:
        raise ResultError(
            "The plot 'effect' needs band scores with a sign.",
            expected="a result whose statistic keeps the sign, such as 'band_sum'",
            given=f"method {result.method!r} with statistic {result.statistic!r}",
            fix="draw the kind 'heatmap' or 'bars'",
        )
    frame = result.to_frame()
    frame["value"] = frame["effect"]
    largest = frame["value"].abs().max()
    largest = largest if largest > 0 else 1.0
    digits = max(0, 1 - math.floor(math.log10(largest)))  # two significant ones in the largest
    frame["text"] = [f"{round(value, digits) + 0.0:.{digits}f}" for value in frame["value"]]
    plot = draw_tiles(
        result,
        frame,
        palette="signed",
        limits=(-largest, largest),
        values=values,
        base_size=base_size,
        width=width,
    )
    return plot + p9.labs(
        title="Effect of each band by class",
        subtitle=subtitle(result, frame, f"positive values raise the {result.output}"),
        fill=f"Mean band score ({unit(result)})",
    )
