"""Importance as bars with 95 % intervals, one panel per class: how much each band matters, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotnine as p9

from .axes import NAMED, band_axis, panel_columns
from .labels import mean_score, several_outputs, subtitle, unit, wrap
from .palette import band_colours, ink
from .panels import OWN_SCALES, class_panels, class_titles, interval_note, is_free, more_lines, strip_width, wrap_lines
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.importance import BandImportance


def draw(result: BandImportance, *, scales: str = "fixed", base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Bars of importance with 95 % intervals, faceted by class, coloured by band.

    Parameters
    ----------
    result : BandImportance
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
    frame = result.to_frame()
    n_bands = len(result.bands)
    few = n_bands <= NAMED
    room = characters(width, base_size) - 10
    classes = [name for name in result.classes if name in set(frame["class"])]
    several = several_outputs(frame)
    columns = frame["output"].nunique() if several else panel_columns(len(classes), n_bands, room)
    rows = len(classes) if several else -(-len(classes) // columns)
    axis = band_axis(result, room=room / columns - (5 if free and not several else 1), expand=0.2)
    strip = strip_width(room, columns)
    titles = class_titles(frame, classes, 14 if several else strip)
    outputs = {name: wrap(f"{result.output} of {name}", strip) for name in result.outputs} if several else {}

    known = frame[frame["std_error"].notna()]
    note = interval_note("whiskers", frame)
    if free:
        note += f"; {'scales differ between rows of panels' if several else OWN_SCALES}"
    note = wrap_lines(subtitle(result, frame, note), width, base_size)
    lines = 5 + note.count("\n") + rows * (9 + more_lines(titles)) + axis.lines
    below = 0.06 if (frame[["importance", "conf_low"]] < 0).any(axis=None) else 0
    fills = band_colours(result.bands, result.wavelengths)
    plot = (
        p9.ggplot(frame, p9.aes("band", "importance", fill="band"))
        + p9.geom_col(width=0.8 if few else 1.0, show_legend=False)
        + p9.scale_fill_manual(values=dict(zip(result.bands, fills, strict=True)))
        + p9.scale_y_continuous(expand=(below, 0, 0.06, 0))
        + theme_bandlens(base_size, width=width, lines=lines)
        + class_panels(titles, outputs, columns, free=free)
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + axis.parts
        + p9.labs(
            title="Importance of each band by class",
            subtitle=note,
            y=f"{mean_score(result)}\n({unit(result)})",
        )
    )
    if len(known):
        whiskers = p9.aes(ymin="conf_low", ymax="conf_high")
        if few:
            plot += p9.geom_errorbar(whiskers, data=known, width=0.25, size=0.35, color=ink("text"))
        else:
            plot += p9.geom_linerange(whiskers, data=known, size=0.2, color=ink("text"))
    single = frame[frame["n"] == 1]
    if len(single):
        plot += p9.geom_point(data=single, size=1.2 if few else 0.5, color=ink("text"), fill=ink("text"))
    return plot
