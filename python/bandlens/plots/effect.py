"""Mean signed band score as class x band tiles: which bands speak for a class, and which against it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from ..errors import ResultError
from .labels import subtitle, unit
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
    """Class x band tiles of effects, on a scale that is symmetric about zero.

    Parameters
    ----------
    result : BandImportance
    values : bool, optional
        Whether to print each effect in its tile; by default where there is room and every band is named.
    scales : {"fixed", "free"}
        Whether colours mean the same effect everywhere, or run to the largest effect of each class.
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
    free = is_free(scales)
    frame = result.to_frame()
    frame["value"] = frame["effect"]
    largest = frame["value"].abs().max()
    largest = largest if largest > 0 else 1.0
    ends = np.full(len(frame), largest)
    if free:
        part = of_largest(frame, "effect")
        ends = np.where(part != 0, frame["effect"] / part, 1.0)
        frame["value"], largest = part, 1.0
    frame["text"] = [value_text(value, end) for value, end in zip(frame["effect"], ends, strict=True)]
    own = f"; {OWN_COLOURS.format(alone(result))}largest" if free else ""
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
        title="Effect of each band by class" if result.times is None else "Effect over time",
        subtitle=wrap_lines(
            subtitle(result, frame, f"positive values raise the {result.output}{stepless(result)}{own}"),
            width,
            base_size,
        ),
        fill=f"Mean band score ({f'part of the largest in its {alone(result)}' if free else unit(result)})",
    )


def value_text(value: float, largest: float) -> str:
    """A number with as many digits as give the largest two significant ones."""
    if not math.isfinite(value):
        return ""
    digits = max(0, 1 - math.floor(math.log10(largest)))
    return f"{round(value, digits) + 0.0:.{digits}f}"
