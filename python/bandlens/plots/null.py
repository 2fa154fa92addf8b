"""What a method said of a band of noise and of two equal bands, next to what it should have said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotnine as p9

from .labels import label, several_outputs, wrap
from .palette import colours, ink
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..checks import Check


def draw(check: Check, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Importances as dots in rings that stand where they should be, a row per class and a panel per role.

    Parameters
    ----------
    check : Check
        From `check_null`.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped.

    Returns
    -------
    plotnine.ggplot
    """
    frame, facts = check.to_frame(), check.facts
    band = facts["duplicate"]
    room = characters(width, base_size)
    several = several_outputs(frame)
    frame["row"] = frame["class"].astype(str)
    if several:
        frame["row"] += " -> " + frame["output"].astype(str)
    rows = list(dict.fromkeys(frame["row"]))
    names = [wrap(name, int(0.3 * room)) for name in rows]
    columns = 4 if width >= 120 else 2
    panel = int((room - 0.3 * room) / columns)
    titles = {
        "noise": wrap("noise, ignored by the model", panel),
        "original": wrap(f"{band}, next to its copy", panel),
        "copy": wrap(f"copy of {band}", panel),
        "both": wrap(f"{band} and copy together", panel),
    }
    frame["result"] = frame["outcome"].astype(object).where(frame["outcome"].notna(), "nothing expected")
    kinds = {"passed": colours("band")[0], "failed": colours("band")[2], "nothing expected": ink("subtle")}
    used = [kind for kind in kinds if kind in set(frame["result"])]
    note = wrap(
        f"{label('method', facts['method'])}, {label('statistic', facts['statistic'])}; n = {facts['n']} images; "
        f"rings: what the method implies{'; a dot for each step' if 'time' in frame else ''}",
        int(room),
    )
    high = sum(1.7 + 0.8 * name.count("\n") for name in names)
    strips = 1 + max(title.count("\n") for title in titles.values())
    return (
        p9.ggplot(frame, p9.aes("importance", "row"))
        + p9.geom_vline(xintercept=0, color=ink("missing"), size=0.4)
        + p9.geom_point(
            p9.aes(x="expected"),
            data=frame[frame["expected"].notna()],
            shape="o",
            fill="none",
            color=ink("text"),
            size=2.8,
            stroke=0.4,
        )
        + p9.geom_point(p9.aes(color="result"), size=1.4)
        + p9.facet_wrap("role", ncol=columns, labeller=p9.as_labeller(titles))
        + p9.scale_color_manual(values=kinds, limits=used)
        + p9.scale_x_continuous(expand=(0.08, 0), breaks=_three)
        + p9.scale_y_discrete(limits=rows[::-1], labels=names[::-1])
        + theme_bandlens(
            base_size, width=width, lines=9 + note.count("\n") + (4 // columns) * (max(high, 5) + strips + 1)
        )
        + p9.theme(
            axis_title_y=p9.element_blank(),
            legend_key_width=2 * base_size,
            legend_title=p9.element_blank(),
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
            strip_text_x=p9.element_text(ha="left", va="bottom", ma="left", margin={"l": 0, "r": 0}),
        )
        + p9.labs(
            title="A band that is ignored, and two equal bands",
            subtitle=note,
            x=f"Importance ({_unit(facts['output'], facts['method'])})",
        )
    )


def _unit(output: str, method: str) -> str:
    per = label("unit", method)
    return output if per == method else f"{output} {per}"


def _three(limits: tuple[float, float]) -> list[float]:
    """Few breaks, for narrow panels."""
    from mizani.breaks import breaks_extended

    return list(breaks_extended(n=3)(limits))
