"""How outputs answer to the level of a band at each step in time: a panel per class and band, a line per step.

The colour of a line is when its step is, so that it is seen how the answer changes along time. Of one step, there is
the picture with intervals, in `response`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from ..results.cells import cell_names, unique
from .choosing import band_titles, coloured_classes, level_axis, shown_bands, some_of
from .labels import label, several_outputs, two_lines, wrap
from .palette import colours, ink
from .panels import more_lines, present, strip_width, wrap_lines
from .steps import axis_title, labelled, places
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.response import BandResponse

MOST = 4  # bands and classes


def draws(result: BandResponse) -> bool:
    """Whether there are curves of several steps of a band."""
    return result.kind == "ale" and len({time for time in result.times or () if time}) > 1


def draw(
    result: BandResponse,
    *,
    top: int | None = None,
    bands: Sequence[str | int] | None = None,
    classes: Sequence[str] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Curves of the steps, a panel per class and band.

    Parameters
    ----------
    result : BandResponse
        With a time axis.
    top : int, optional
        How many bands to show, those whose curves span most on average over classes and steps; by default at most four.
    bands : sequence of str or int, optional
        Which bands to show, by name ("sar: VV" where there are several inputs) or position among the bands.
    classes : sequence of str, optional
        Which classes to show, at most eight; by default at most four, those whose curves span most.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped.

    Returns
    -------
    plotnine.ggplot
    """
    words = np.array(cell_names(replace(result, times=None, time_kind=None)))
    when, names = _numbers(result)
    frame = result.to_frame().assign(panel=words[result.row_band], when=when[result.row_band], cell=result.row_band)
    every, occurring = unique(words), present(result.to_frame(), "class")
    spans = frame.groupby(["panel", "class", "output", "cell"], observed=True)["effect"].agg(np.ptp).reset_index()
    strength = spans.groupby("panel")["effect"].mean()
    of_band = np.array([strength.get(name, 0.0) for name in every])
    chosen = [every[at] for at in shown_bands(every, of_band, bands, top, most=MOST, many=MOST)]
    strength = spans.groupby("class", observed=True)["effect"].mean()
    most = MOST if classes is None else 0
    shown = coloured_classes(occurring, [strength.get(name, 0.0) for name in occurring], classes, most)
    frame = frame[frame["panel"].isin(chosen) & frame["class"].isin(shown)]
    own = frame["class"].astype(str) == frame["output"].astype(str)
    if several_outputs(frame) and own.any():  # a class is shown by its own output where that is there
        frame = frame[own]
    row = frame["class"].astype(str)
    if several_outputs(frame):
        row += " -> " + frame["output"].astype(str)
    rows = list(unique(row))
    frame = frame.assign(
        row=pd.Categorical(row, categories=pd.Index(rows)),
        panel=pd.Categorical(frame["panel"], categories=pd.Index(chosen)),
        line=frame["cell"].astype(str) + row,
    )
    stepless, stepped = frame[frame["when"].isna()], frame[frame["when"].notna()]

    room = characters(width, base_size) - 12
    first = [int(np.flatnonzero(words == name)[0]) for name in every]
    waves = [result.wavelengths[at] for at in first]
    strip = strip_width(room, len(chosen))
    titles = band_titles(every, waves, [every.index(name) for name in chosen])
    titles = {name: wrap(text, strip) for name, text in titles.items()}
    steps = np.unique(when[np.isfinite(when)])
    marked = steps[labelled(steps, 0.22)]
    note = f"a line for each of {len(steps)} steps, its interval in the table"
    if len(stepless):
        note += "; black: bands without steps"
    note += some_of(len(chosen), len(every), "bands" + ("" if bands is not None else ", those with the largest curves"))
    note += some_of(
        len(shown), len(occurring), "classes" + ("" if classes is not None else ", those with the largest curves")
    )
    note = wrap_lines(two_lines([label("response", result.kind)], result, frame, note), width, base_size)
    beside = {name: wrap(name, 14) for name in rows}
    plot = p9.ggplot(stepped, p9.aes("level", "effect", group="line"))
    plot += p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
    if len(stepless):
        plot += p9.geom_line(data=stepless, color=ink("text"), size=0.5)
    return (
        plot
        + p9.geom_line(p9.aes(color="when"), size=0.5)
        + p9.scale_color_gradientn(
            colors=colours("band_ramp"),
            limits=(steps[0], steps[-1]),
            breaks=marked.tolist(),
            labels=[names[one] for one in marked.tolist()],
        )
        + p9.scale_x_continuous(expand=(0.02, 0), **level_axis())
        + p9.facet_grid("row", "panel", scales="free_x", labeller=p9.labeller(rows=beside.get, cols=titles.get))
        + theme_bandlens(base_size, width=width, lines=11 + note.count("\n") + 10 * len(rows) + more_lines(titles))
        + p9.theme(
            legend_key_width=0.5 * width * 72 / 25.4,
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
            panel_spacing_x=0.03,
            plot_margin_right=0.03,
        )
        + p9.labs(
            title="Response to the level of a band at each step",
            subtitle=note,
            x=label("axis", "level"),
            y=f"Effect on the output ({result.output})",
            color=axis_title(result),
        )
    )


def _numbers(result: BandResponse) -> tuple[np.ndarray, dict[float, str]]:
    """When each cell's step is, as a number that is missing where it has none, and what steps are called."""
    at = places(result)
    if result.time_kind == "date":
        known = ~np.isnat(at)
        at = np.where(known, at.astype("datetime64[s]").astype(np.int64) / 86400, np.nan)
    times = result.times or ()
    return at, {number: time for number, time in zip(at.tolist(), times, strict=True) if time}
