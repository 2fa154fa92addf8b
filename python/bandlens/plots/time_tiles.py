"""Band x time tiles, a panel per class: which bands matter when. Of sums over bands, class x time tiles.

A tile lasts from midway to the step before until midway to the next, so that dates keep their distances. A band of an
input without steps has one tile along the whole axis.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import plotnine as p9

from ..results.cells import cell_names, unique
from .axes import panel_columns
from .labels import longest, several_outputs, wrap
from .palette import colours, ink
from .panels import class_titles, more_lines, present, strip_width
from .steps import spans, time_axis
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    import pandas as pd

    from ..results.importance import BandImportance

GAP = 0.5  # between the rows of two inputs, in rows


def draw_tiles(
    result: BandImportance,
    frame: pd.DataFrame,
    *,
    palette: str,
    limits: tuple[float, float],
    base_size: float,
    width: float,
) -> p9.ggplot:
    """Tiles filled by the column `value`; arguments as for `tiles.draw_tiles`."""
    n_cells = len(result.bands)
    cell = np.tile(np.arange(n_cells), len(frame) // n_cells)
    room = characters(width, base_size)
    of_class = not any(result.bands)
    if of_class:
        names = present(frame, "class")
        row_at = -np.arange(len(names), dtype=float)
        place = row_at[[names.index(name) for name in frame["class"]]]
        panels, by = list(unique(result.inputs or ())), "input"
        titles = {name: name for name in panels}
    else:
        every = cell_names(replace(result, times=None, time_kind=None))
        names = list(unique(every))
        of_input = dict(zip(every, result.inputs or ("",) * n_cells, strict=True))
        order = list(unique(of_input.values()))
        row_at = np.array([-at - GAP * order.index(of_input[name]) for at, name in enumerate(names)])
        place = row_at[[names.index(name) for name in every]][cell]
        panels, by = present(frame, "class"), "class"
        titles = {}
    labels = [wrap(name, int(min(0.35 * room, 30))) for name in names]
    room -= longest(labels) + 2
    outputs = present(frame, "output") if several_outputs(frame) else []
    columns = len(outputs) or panel_columns(len(panels) or 1, _steps(result), room)
    strip = strip_width(room, columns)
    titles = titles or class_titles(frame, panels, 14 if outputs else strip)
    axis = time_axis(result, room=room / columns - 2)

    left, right = spans(result)
    frame = frame.assign(left=left[cell], right=right[cell], low=place - 0.5, high=place + 0.5)
    rows = (len(panels) or 1) if outputs else -(-len(panels) // columns) or 1
    high = max(1.3 * (row_at[0] - row_at[-1] + 1) + 0.8 * more_lines(labels), 4)
    thin = room / columns / _steps(result) < 2
    plot = (
        p9.ggplot(frame)
        + p9.geom_rect(
            p9.aes(xmin="left", xmax="right", ymin="low", ymax="high", fill="value"),
            color=ink("paper"),
            size=0 if thin else 0.4,
        )
        + p9.scale_fill_gradientn(colors=colours(palette), limits=limits, na_value=ink("missing"))
        + p9.scale_y_continuous(breaks=row_at[::-1].tolist(), labels=labels[::-1], expand=(0, 0))
        + theme_bandlens(
            base_size, width=width, lines=9 + rows * (high + (1.7 + more_lines(titles) if panels else 0)) + axis.lines
        )
        + axis.parts
        + p9.labs(y="")
        + p9.theme(
            axis_title_y=p9.element_blank(),
            panel_spacing_x=5.5 / width,
            strip_text_x=p9.element_text(
                ha="left", va="bottom", ma="left", margin={"t": 2, "b": 2, "l": 0, "r": 0, "units": "pt"}
            ),
        )
    )
    return plot + _panels(result, outputs, panels, by, columns, titles, strip)


def stepless(result: BandImportance) -> str:
    """A note where bands have no steps, else nothing."""
    return "; bands without steps: along the whole axis" if result.times is not None and "" in result.times else ""


def _panels(
    result: BandImportance,
    outputs: list[str],
    panels: list[str],
    by: str,
    columns: int,
    titles: dict[str, str],
    strip: int,
) -> list[Any]:
    if outputs:
        above = {name: wrap(f"{result.output} of {name}", strip) for name in outputs}
        labeller = p9.labeller(rows=titles.get, cols=above.get)
        grid = p9.facet_grid(by if panels else None, "output", labeller=labeller)
        return [grid, p9.theme(plot_margin_right=0.03)]
    return [p9.facet_wrap(by, ncol=columns, labeller=p9.as_labeller(titles))] if panels else []


def _steps(result: BandImportance) -> int:
    return len({time for time in result.times or () if time})
