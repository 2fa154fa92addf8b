"""Quality of explanations: tiles of methods x metrics, coloured by rank, with the values in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotnine as p9

from .labels import label, wrap
from .palette import colours, ink, ramp, text_on
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    from ..checks import Check


def draw(check: Check, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Draw a row per metric and a column per method; the best is darkest.

    Parameters
    ----------
    check : Check
        From `check_quality`.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    frame, facts = check.to_frame(), check.facts
    methods, metrics = list(check.levels["method"]), list(check.levels["metric"])
    worst = max(len(methods), 2)
    frame["place"] = (worst - frame["rank"]) / (worst - 1)
    known = frame[frame["rank"].notna()]
    inks = text_on(ramp("share", known["place"]))
    known = known.assign(text=[_two_digits(value) for value in known["value"]], ink=inks)
    better = dict(zip(frame["metric"], frame["better"].astype(str), strict=True))
    named = [f"{label('quality', metric)} ({better[metric]} is better)" for metric in metrics]
    note = wrap(
        f"n = {facts['images']} images; means over images; the darker, the better the rank among these methods",
        int(characters(width, base_size)),
    )
    return (
        p9.ggplot(frame, p9.aes("method", "metric"))
        + p9.geom_tile(p9.aes(fill="place"), color=ink("paper"), size=0.6)
        + p9.geom_text(p9.aes(label="text", color="ink"), data=known, size=SMALL * base_size)
        + p9.scale_color_identity()
        + p9.scale_fill_gradientn(colors=colours("share"), limits=(0, 1), na_value=ink("missing"), guide=None)
        + p9.scale_x_discrete(
            limits=methods, labels=[wrap(label("method", name), 14) for name in methods], expand=(0, 0)
        )
        + p9.scale_y_discrete(limits=metrics[::-1], labels=named[::-1], expand=(0, 0))
        + theme_bandlens(base_size, width=width, lines=9 + 2 * len(metrics) + note.count("\n"))
        + p9.theme(axis_title=p9.element_blank())
        + p9.labs(title="Quality of explanations", subtitle=note)
    )


def _two_digits(value: float) -> str:
    """Two digits that count; all of a large number, which has no powers of ten in a tile."""
    return f"{value:.0f}" if abs(value) >= 99.5 else f"{value:.2g}"
