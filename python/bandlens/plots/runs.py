"""Importance in each training run, a panel per class: how far trainings agree, and what is known of their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotnine as p9

from .axes import NAMED, Bands, band_axis, panel_columns
from .labels import mean_score, several_outputs, subtitle, unit, wrap
from .palette import band_colours, colours, ink
from .panels import (
    OWN_SCALES,
    class_panels,
    class_titles,
    interval_over,
    is_free,
    more_lines,
    present,
    strip_width,
    wrap_lines,
)
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    import pandas as pd

    from ..results.pooled import PooledImportance

# of the room of a band, how much the points of the runs take, left of its middle, and where the pooled one stands
SPREAD = 0.34
ASIDE = 0.24


def draw(result: PooledImportance, *, scales: str = "fixed", base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Each run's importance as a point, and beside them the pooled one with its 95 % interval, faceted by class.

    Of many bands, lines.

    Parameters
    ----------
    result : PooledImportance
    scales : {"fixed", "free"}
        Whether classes share a scale, or each has its own (of several outputs: each row of panels).
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and panels arranged.

    Returns
    -------
    plotnine.ggplot
    """
    free = is_free(scales)
    pooled, runs = result.to_frame(), result.to_frame("run")
    n_bands, k = len(result.bands), result.n_runs
    few = n_bands <= NAMED
    runs["place"] = places(runs["band"].cat.codes.to_numpy(), runs["run"].cat.codes.to_numpy(), k, few)
    pooled["place"] = pooled["band"].cat.codes + 1 + (ASIDE if few else 0.0)
    room = characters(width, base_size) - 10
    classes = present(pooled, "class")
    outputs = present(pooled, "output") if several_outputs(pooled) else []
    columns = len(outputs) or panel_columns(len(classes), n_bands, room)
    axis = band_axis(Bands(result.bands, result.wavelengths), room=room / columns - (5 if free and not outputs else 1))
    scale = axis.parts[0]
    positions = [result.bands.index(name) + 1 for name in scale.breaks]
    axis.parts[0] = p9.scale_x_continuous(
        breaks=positions, labels=scale.labels, limits=(0.4, n_bands + 0.6), expand=(0, 0)
    )
    titles = class_titles(pooled, classes, 14 if outputs else strip_width(room, columns))
    strip = strip_width(room, columns)
    above = {name: wrap(f"{result.output} of {name}", strip) for name in outputs}

    known = pooled[pooled["std_error"].notna()]
    note = f"light: {k} training runs; dark: their mean"
    if len(known):
        none = ", none from single images" if len(known) < len(pooled) else ""
        note += f" and 95 % interval over {interval_over(pooled)}{none}"
    if free:
        note += f"; {'scales differ between rows of panels' if outputs else OWN_SCALES}"
    note = wrap_lines(subtitle(result, pooled, note), width, base_size)
    rows = len(classes) if outputs else -(-len(classes) // columns)
    return (
        p9.ggplot(runs, p9.aes("place", "importance"))
        + p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
        + (_points(result, pooled, known) if few else _lines(pooled, known))
        + p9.scale_y_continuous(expand=(0.03, 0, 0.06, 0))
        + theme_bandlens(
            base_size, width=width, lines=5 + note.count("\n") + rows * (9.5 + more_lines(titles)) + axis.lines
        )
        + class_panels(titles, above, columns, free=free)
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + axis.parts
        + p9.labs(
            title="Importance of each band by class, in each training run",
            subtitle=note,
            y=f"{mean_score(result)}\n({unit(result)})",
        )
    )


def _points(result: PooledImportance, pooled: pd.DataFrame, known: pd.DataFrame) -> list[Any]:
    """Runs as points of the band's colour, their mean with its interval beside them."""
    fills = dict(zip(result.bands, band_colours(result.bands, result.wavelengths), strict=True))
    return [
        p9.geom_point(p9.aes(color="band"), size=1.4, alpha=0.6, stroke=0, show_legend=False),
        p9.scale_color_manual(values=fills),
        p9.geom_linerange(p9.aes(ymin="conf_low", ymax="conf_high"), data=known, size=0.6, color=ink("text")),
        p9.geom_point(data=pooled, size=1.5, stroke=0, color=ink("text")),
    ]


def _lines(pooled: pd.DataFrame, known: pd.DataFrame) -> list[Any]:
    """Of many bands, runs as light lines, their mean as a dark one on its interval."""
    interval = p9.aes(ymin="conf_low", ymax="conf_high")
    return [
        p9.geom_ribbon(interval, data=known, fill=ink("text"), alpha=0.2),
        p9.geom_line(p9.aes(group="run"), color=colours("class")[1], size=0.3, alpha=0.6),
        p9.geom_line(data=pooled, color=ink("text"), size=0.5),
    ]


def places(band: np.ndarray, run: np.ndarray, k: int, few: bool) -> np.ndarray:
    """Where points stand: those of a band side by side, in the order of the runs, so that a run can be followed."""
    if not few:
        return np.asarray(band + 1.0)
    return np.asarray(band + 1 - SPREAD + (SPREAD + 0.08) * run / max(k - 1, 1))
