"""How well images whose bands were filled in are told from real ones, for each way to fill them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotnine as p9

from .labels import wrap
from .palette import colours, ink
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..checks import Check

TITLES = {"pixel": "by spectra of pixels", "image": "by means and spread of bands"}


def draw(check: Check, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """AUC with intervals, a row per way and a panel per unit; the line is that of guessing.

    Parameters
    ----------
    check : Check
        From `check_plausibility`.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    frame, facts = check.to_frame(), check.facts
    ways = [way for way in frame["absent"].cat.categories if way in set(frame["absent"])]
    units = [unit for unit in frame["unit"].cat.categories if unit in set(frame["unit"])]
    columns = len(units) if width >= 120 else 1
    note = wrap(
        f"AUC of a classifier of filled against real images, n = {facts['n']} images, {facts['folds']} folds; "
        "line: guessing; bars: 95 % interval",
        int(characters(width, base_size)),
    )
    lines = 7 + note.count("\n") + (len(units) // columns) * (2 + 2 * len(ways))
    return (
        p9.ggplot(frame, p9.aes("auc", "absent"))
        + p9.geom_vline(xintercept=0.5, color=ink("missing"), size=0.6)
        + p9.geom_segment(p9.aes(x="conf_low", xend="conf_high", yend="absent"), size=0.7, color=colours("band")[0])
        + p9.geom_point(size=1.8, color=colours("band")[0])
        + p9.facet_wrap("unit", ncol=columns, labeller=p9.as_labeller(TITLES))
        + p9.scale_y_discrete(limits=ways[::-1])
        + p9.scale_x_continuous(breaks=[0.5, 0.75, 1.0])
        + p9.coord_cartesian(xlim=(min(0.45, float(frame["conf_low"].min())), 1))
        + theme_bandlens(base_size, width=width, lines=lines)
        + p9.theme(
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
            strip_text_x=p9.element_text(ha="left", margin={"l": 0, "r": 0}),
        )
        + p9.labs(title="Are filled images told from real ones?", subtitle=note, x="AUC", y="Absent bands")
    )
