"""When a band matters: importance along time, a panel per band and a line per class with its 95 % interval.

Of sums over bands there is one panel, or one per input. Bands of inputs without steps have no line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from ..results.cells import cell_names, unique
from .choosing import coloured_classes, shown_bands, some_of
from .labels import longest, mean_score, several_outputs, subtitle, unit, wrap
from .palette import colours, ink
from .panels import OWN_SCALES, interval_note, is_free, more_lines, present, strip_width, wrap_lines
from .steps import places, time_axis
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.importance import BandImportance


def draw(
    result: BandImportance,
    *,
    top: int | None = None,
    bands: Sequence[str | int] | None = None,
    scales: str = "fixed",
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Lines of importance over time, with 95 % intervals as ribbons.

    Parameters
    ----------
    result : BandImportance
        With a time axis.
    top : int, optional
        How many bands to show, those with the largest share of importance over all steps; by default all up to nine,
        else six.
    bands : sequence of str or int, optional
        Which bands to show, by name ("sar: VV" where there are several inputs) or position among the bands.
    scales : {"fixed", "free"}
        Whether panels share a scale, or each has its own.
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
    n_cells = len(result.bands)
    cell = np.tile(np.arange(n_cells), len(frame) // n_cells)
    of_cell = np.array(cell_names(replace(result, times=None, time_kind=None)))
    frame = frame.assign(panel=of_cell[cell], place=places(result)[cell])
    stepless = unique(of_cell[np.array(result.times) == ""])
    every = [name for name in unique(of_cell) if name not in stepless]
    frame = frame[frame["panel"].isin(every)]
    shares = frame.groupby("panel")["share"].sum()
    chosen = [every[at] for at in shown_bands(every, shares[every].to_numpy(), bands, top)]
    frame = frame[frame["panel"].isin(chosen)]
    frame["panel"] = pd.Categorical(frame["panel"], categories=pd.Index(chosen), ordered=True)
    classes = present(frame, "class")
    mean = frame.groupby("class", observed=True)["importance"].mean()
    named = coloured_classes(classes, [mean[name] for name in classes], None)
    outputs = present(frame, "output") if several_outputs(frame) else []
    frame["line"] = frame["class"].astype(str) + "\n" + frame["output"].astype(str)
    front, behind = frame[frame["class"].isin(named)], frame[~frame["class"].isin(named)]

    room = characters(width, base_size) - 10
    columns = len(chosen) if outputs else max(1, min(int(room / 22), math.ceil(math.sqrt(len(chosen)))))
    strip = strip_width(room, columns)
    titles = {name: wrap(name, strip) for name in chosen}
    # named steps have room of their own, as bands have
    expand = 0.5 / max(len(unique(result.times or ())) - 1, 1) if result.time_kind == "name" else 0.02
    axis = time_axis(result, room=(room / columns - 2 - 5 * free) / (1 + 2 * expand), expand=expand)
    note = interval_note("shaded", front)
    note += some_of(len(chosen), len(every), "bands" + ("" if bands is not None else ", those with the largest share"))
    note += some_of(len(named), len(classes), "classes in colour, those with the largest importance")
    if stepless:
        note += f"; without steps, so not here: {', '.join(stepless)}"
    if free and len(chosen) > 1:
        note += f"; {OWN_SCALES}"
    note = wrap_lines(subtitle(result, frame, note), width, base_size)
    names = [wrap(name, 25) for name in named]
    keys = max(1, min(len(names), int(room / (longest(names) + 6))))
    key_lines = sum(1.3 * (1 + name.count("\n")) for name in names[::keys])
    rows = len(outputs) or -(-len(chosen) // columns)
    paints = dict(zip(named, colours("class"), strict=False))

    plot = p9.ggplot(front, p9.aes("place", "importance", group="line"))
    plot += p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
    if len(behind):
        plot += p9.geom_line(data=behind, color=ink("missing"), size=0.3)
    known = front[front["std_error"].notna()]
    if len(known):
        ribbon = p9.aes(ymin="conf_low", ymax="conf_high", fill="class")
        plot += p9.geom_ribbon(ribbon, data=known, alpha=0.25, color="none", show_legend=False)
    if frame["place"].nunique() > 1:
        plot += p9.geom_line(p9.aes(color="class"), size=0.6)
    plot += [
        p9.geom_point(p9.aes(color="class"), size=0.9, stroke=0),
        p9.scale_color_manual(
            values=paints, limits=named, labels=names, guide=p9.guide_legend(ncol=keys) if len(classes) > 1 else None
        ),
        p9.scale_fill_manual(values=paints, limits=named, guide=None),
        p9.scale_y_continuous(expand=(0.02, 0, 0.06, 0)),
        theme_bandlens(
            base_size,
            width=width,
            lines=8 + note.count("\n") + rows * (11 + more_lines(titles)) + axis.lines + key_lines,
        ),
        p9.theme(
            legend_key_width=2 * base_size,
            legend_text=p9.element_text(ma="left"),
            legend_title=p9.element_blank(),
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
            panel_spacing_x=5.5 / width,
        ),
        *axis.parts,
        p9.labs(
            title="Importance along time, by class" if not any(result.bands) else "Importance of each band along time",
            subtitle=note,
            y=f"{mean_score(result)}\n({unit(result)})",
        ),
    ]
    if outputs:
        above = {name: wrap(f"{result.output} of {name}", 16) for name in outputs}
        labeller = p9.labeller(rows=above.get, cols=titles.get)
        return plot + p9.facet_grid("output", "panel", scales="free_y" if free else "fixed", labeller=labeller)
    if chosen == [""]:
        return plot
    order = p9.facet_wrap("panel", ncol=columns, scales="free_y" if free else "fixed", labeller=p9.as_labeller(titles))
    return plot + order
