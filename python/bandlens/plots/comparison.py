"""Agreement between results, class by class: where they name the same bands, and where they don't."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import plotnine as p9

from .labels import label, longest, wrap
from .palette import colours, ink
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    from ..checks import Check

# pairs of results that can be told apart by colour; more are a row each, over all classes
COLOURED = 6


def draw(check: Check, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Estimates with 95 % intervals, a panel per measure, a row per class, a colour per pair of results.

    With more than six pairs of results, each pair is a row, which shows the agreement over all classes.

    Parameters
    ----------
    check : Check
        From `compare_importance`.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped.

    Returns
    -------
    plotnine.ggplot
    """
    frame = check.to_frame()
    pairs = dict.fromkeys(zip(frame["first"], frame["second"], strict=True))
    names = {pair: " and ".join(label("method", name) for name in pair) for pair in pairs}
    of_row = [names[pair] for pair in zip(frame["first"], frame["second"], strict=True)]
    # axes count from below: the first pair is the last
    frame["pair"] = pd.Categorical(of_row, categories=pd.Index(names.values())[::-1], ordered=True)
    whole = frame["class"].cat.categories[-1]
    by_pair = len(pairs) > COLOURED
    if by_pair and (frame["class"] == whole).any():
        frame = frame[frame["class"] == whole]
    several = frame["output"].dropna().nunique() > 1 and bool(
        (frame["class"].astype(str) != frame["output"].astype(str))[frame["output"].notna()].any()
    )
    row = "pair" if by_pair else "class"
    order = list(names.values()) if by_pair else list(frame["class"].cat.categories)
    present = [name for name in order if name in set(frame[row])]
    room = characters(width, base_size)
    shown = {whole: "all classes"} if len(frame["class"].cat.categories) > 1 else {}
    titles = [wrap(shown.get(name, name), int(min(0.35 * room, 30))) for name in present]
    room -= longest(titles) + 4
    outputs = [name for name in frame["output"].cat.categories if name in set(frame["output"])] if several else []
    if several:
        # rows over all classes of each image's own output belong to no panel of one
        frame = frame[frame["output"].notna()].assign(output=lambda part: part["output"].cat.set_categories(outputs))
    strip = int(SMALL * room / 3)
    measures = {
        "kendall_tau": "Kendall's tau",
        "spearman_rho": "Spearman's rho",
        "top_overlap": f"Top-{check.facts['top']} overlap",
    }
    measures = {name: wrap(text, strip) for name, text in measures.items()}
    each = 1 if by_pair else max(1.0, 0.55 * len(pairs))
    height = sum(max(1.5, each + 0.4, 1.0 + name.count("\n")) for name in titles) * (len(outputs) or 1)
    # the legend is centred below the panels
    legend = [wrap(name, int(room) - 5) for name in names.values()]
    side_by_side = max(1, min(len(legend), int(room / (longest(legend) + 5))))
    note = wrap(_subtitle(check, by_pair, bool(frame["conf_low"].notna().any())), int(characters(width, base_size)))
    lines = 7 + note.count("\n") + max(height, 4)
    if not by_pair:
        lines += 1.3 * sum(1 + name.count("\n") for name in legend[::side_by_side])
    dodge = p9.position_dodge(width=0 if by_pair else 0.7)
    known = frame[frame["conf_low"].notna()]
    # a measure's whole range, so that panels of different comparisons look alike
    least = min(0.0, frame["estimate"].min(), frame["conf_low"].min())
    ends = [
        {"measure": name, row: present[0], "estimate": end, **({"output": outputs[0]} if several else {})}
        for name, low in (("kendall_tau", -1.0), ("spearman_rho", -1.0), ("top_overlap", 0.0))
        for end in (low if least < 0 else 0.0, 1.0)
    ]
    painted = {} if by_pair else {"color": "pair", "group": "pair"}
    plain = {"color": ink("text")} if by_pair else {}
    plot = (
        p9.ggplot(frame, p9.aes(row, "estimate", **painted))
        + p9.geom_blank(
            p9.aes(row, "estimate"),
            data=pd.DataFrame(ends).astype({"measure": frame["measure"].dtype}),
            inherit_aes=False,
        )
        + p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
        + p9.geom_linerange(
            p9.aes(ymin="conf_low", ymax="conf_high"), data=known, position=dodge, size=0.6, show_legend=False, **plain
        )
        + p9.geom_point(position=dodge, size=1.5, **plain)
        + p9.scale_x_discrete(limits=present[::-1], labels=titles[::-1])
        + p9.scale_y_continuous(breaks=[-1, -0.5, 0, 0.5, 1], labels=["-1", "", "0", "", "1"])
        + p9.coord_flip()
        + theme_bandlens(base_size, width=width, lines=lines)
        + p9.theme(panel_grid_major=p9.element_line(color=ink("grid"), size=0.4), panel_spacing_x=0.03)
        + p9.labs(
            title="Agreement on the importance of bands",
            subtitle=note,
            x="",
            y="",
            color="",
        )
        + p9.theme(axis_title=p9.element_blank(), legend_title=p9.element_blank(), legend_key_width=1.5 * base_size)
        + p9.theme(legend_text=p9.element_text(ma="left"))
    )
    if several:
        labels = {name: wrap(f"output {name}", 14) for name in outputs}
        plot += p9.facet_grid("output", "measure", labeller=p9.labeller(rows=labels.get, cols=measures.get))
    else:
        plot += p9.facet_wrap("measure", nrow=1, scales="free_x", labeller=p9.as_labeller(measures))
    if not by_pair:
        paints = dict(zip(names.values(), colours("band"), strict=False))
        plot += p9.scale_color_manual(values=paints, breaks=list(names.values()), labels=legend)
        plot += p9.guides(color=p9.guide_legend(ncol=side_by_side))
    return plot


def _subtitle(check: Check, by_pair: bool, intervals: bool) -> str:
    facts = check.facts
    drawn = "images" if set(facts["resampled"]) == {"images"} else " or ".join(sorted(set(facts["resampled"])))
    what = f"{facts['bands']} bands" + (", over all classes" if by_pair else "")
    return f"{what}; {f'lines: 95 % bootstrap interval over {drawn}' if intervals else 'no interval'}"
