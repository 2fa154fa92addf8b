"""Agreement between results: class by class for a few of them, as a matrix for many."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pandas as pd
import plotnine as p9

from ..data.words import choices, nearest
from ..errors import OptionError
from .labels import label, longest, wrap
from .palette import colours, ink, ramp, text_on
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    from ..checks import Check

# pairs of results that can be told apart by colour
COLOURED = 6
LOWEST = {"kendall_tau": -1.0, "spearman_rho": -1.0, "top_overlap": 0.0}


def draw(check: Check, *, measure: str = "kendall_tau", base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Estimates with 95 % intervals: a panel per measure, a row per class, a colour per pair of results.

    With more than four results, a matrix of one measure over all classes, result by result.

    Parameters
    ----------
    check : Check
        From `compare_importance`.
    measure : {"kendall_tau", "spearman_rho", "top_overlap"}
        What the matrix shows.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If there is no such measure.
    """
    if measure not in LOWEST:
        raise OptionError(
            "There is no such measure.", expected=choices(LOWEST), given=repr(measure), fix=nearest(measure, LOWEST)
        )
    frame = check.to_frame()
    results = {name: label("method", name) for name in frame["first"].cat.categories}
    measures = {
        "kendall_tau": "Kendall's tau",
        "spearman_rho": "Spearman's rho",
        "top_overlap": f"Top-{check.facts['top']} overlap",
    }
    # rows over all classes of each image's own output belong to no panel of one
    explained = frame[frame["output"].notna()]
    own = bool((explained["class"].astype(str) == explained["output"].astype(str)).all())
    outputs = [] if own else [name for name in frame["output"].cat.categories if name in set(explained["output"])]
    if len(results) * (len(results) - 1) / 2 > COLOURED:
        return _matrix(check, frame, results, measure, measures[measure], base_size, width)
    if len(outputs) > 1:
        frame = explained.assign(output=explained["output"].cat.set_categories(outputs))
    else:
        outputs = []
    return _intervals(check, frame, results, measures, outputs, base_size, width)


def _intervals(
    check: Check,
    frame: pd.DataFrame,
    results: dict[str, str],
    measures: dict[str, str],
    outputs: list[str],
    base_size: float,
    width: float,
) -> p9.ggplot:
    pairs = [f"{one} and {other}" for one, other in combinations(results.values(), 2)]
    of_row = [
        f"{results[one]} and {results[other]}" for one, other in zip(frame["first"], frame["second"], strict=True)
    ]
    # axes count from below: the first pair is the last
    frame = frame.assign(pair=pd.Categorical(of_row, categories=pd.Index(pairs[::-1]), ordered=True))
    levels = list(frame["class"].cat.categories)
    present = [name for name in levels if name in set(frame["class"])]
    shown = {levels[-1]: "all classes"} if len(levels) > 1 else {}
    room = characters(width, base_size)
    titles = [wrap(shown.get(name, name), int(min(0.35 * room, 30))) for name in present]
    known = frame[frame["conf_low"].notna()]
    drawn = " or ".join(sorted(set(check.facts["resampled"])))
    note = f"lines: 95 % bootstrap interval over {drawn}" if len(known) else "no interval"
    note = wrap(f"{check.facts['bands']} bands; {note}", int(room))
    room -= longest(titles) + 4

    # the legend is centred below the panels
    legend = [wrap(pair, int(room) - 5) for pair in pairs]
    side_by_side = max(1, min(len(legend), int(room / (longest(legend) + 5))))
    strips = {name: wrap(text, int(SMALL * room / 3)) for name, text in measures.items()}
    each = max(1.5, 0.55 * len(pairs) + 0.4)
    height = sum(max(each, 1.0 + name.count("\n")) for name in titles) * (len(outputs) or 1)
    below = 1.3 * sum(1 + name.count("\n") for name in legend[::side_by_side])
    # as far as a measure can go, so that panels of different comparisons look alike
    negative = bool((frame[["estimate", "conf_low"]] < 0).any(axis=None))
    ends = [
        {"measure": name, "class": present[0], "estimate": end, **({"output": outputs[0]} if outputs else {})}
        for name, lowest in LOWEST.items()
        for end in (lowest if negative else 0.0, 1.0)
    ]
    dodge = p9.position_dodge(width=0.7)
    plot = (
        p9.ggplot(frame, p9.aes("class", "estimate", color="pair", group="pair"))
        + p9.geom_blank(
            p9.aes("class", "estimate"),
            data=pd.DataFrame(ends).astype({"measure": frame["measure"].dtype}),
            inherit_aes=False,
        )
        + p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
        + p9.geom_linerange(
            p9.aes(ymin="conf_low", ymax="conf_high"), data=known, position=dodge, size=0.6, show_legend=False
        )
        + p9.geom_point(position=dodge, size=1.5)
        + p9.scale_x_discrete(limits=present[::-1], labels=titles[::-1])
        + p9.scale_y_continuous(breaks=[-1, -0.5, 0, 0.5, 1], labels=["-1", "", "0", "", "1"])
        + p9.scale_color_manual(values=dict(zip(pairs, colours("band"), strict=False)), breaks=pairs, labels=legend)
        + p9.guides(color=p9.guide_legend(ncol=side_by_side))
        + p9.coord_flip()
        + theme_bandlens(base_size, width=width, lines=7 + note.count("\n") + max(height, 4) + below)
        + p9.theme(
            axis_title=p9.element_blank(),
            legend_key_width=1.5 * base_size,
            legend_text=p9.element_text(ma="left"),
            legend_title=p9.element_blank(),
            panel_grid_major=p9.element_line(color=ink("grid"), size=0.4),
            panel_spacing_x=0.03,
        )
        + p9.labs(title="Agreement on the importance of bands", subtitle=note)
    )
    if outputs:
        rows = {name: wrap(f"output {name}", 14) for name in outputs}
        return plot + p9.facet_grid("output", "measure", labeller=p9.labeller(rows=rows.get, cols=strips.get))
    return plot + p9.facet_wrap("measure", nrow=1, scales="free_x", labeller=p9.as_labeller(strips))


def _matrix(
    check: Check,
    frame: pd.DataFrame,
    results: dict[str, str],
    measure: str,
    title: str,
    base_size: float,
    width: float,
) -> p9.ggplot:
    """Every pair of results once, below the diagonal; mean over the rows where there is none over all classes."""
    whole = frame["class"] == frame["class"].cat.categories[-1]
    every = bool(whole.any())
    frame = frame[(whole | (not every)) & (frame["measure"] == measure)]
    tiles = frame.groupby(["first", "second"], observed=True, sort=False)["estimate"].mean().reset_index()
    lowest = LOWEST[measure]
    palette = "signed" if lowest < 0 else "share"
    known = tiles[tiles["estimate"].notna()]
    inks = text_on(ramp(palette, (known["estimate"] - lowest) / (1 - lowest)))
    known = known.assign(text=known["estimate"].round(2).add(0.0).map("{:.2f}".format), ink=inks)

    names = list(results)
    room = characters(width, base_size)
    beside = [wrap(results[name], int(min(0.35 * room, 24))) for name in names[:0:-1]]
    room -= longest(beside) + 2
    tile = room / (len(names) - 1)
    if tile > 5:
        below, text = (
            [wrap(results[name], 14) for name in names[:-1]],
            p9.element_text(rotation=45, ha="right", va="top"),
        )
    else:
        below, text = [results[name] for name in names[:-1]], p9.element_text(rotation=90, ha="center", va="top")
    note = f"{check.facts['bands']} bands; {'over all classes' if every else 'mean over classes'}"
    plot = (
        p9.ggplot(tiles, p9.aes("first", "second"))
        + p9.geom_tile(p9.aes(fill="estimate"), color=ink("paper"), size=0.4)
        + p9.scale_fill_gradientn(colors=colours(palette), limits=(lowest, 1.0), na_value=ink("missing"))
        + p9.scale_x_discrete(limits=names[:-1], labels=below, expand=(0, 0))
        + p9.scale_y_discrete(limits=names[:0:-1], labels=beside, expand=(0, 0))
        + theme_bandlens(base_size, width=width, lines=9 + 1.7 * len(names) + 0.42 * longest(below))
        + p9.theme(axis_title=p9.element_blank(), axis_text_x=text)
        + p9.labs(title="Agreement on the importance of bands", subtitle=note, fill=title)
    )
    if len(known) and tile > 4:
        size = SMALL * base_size
        plot += p9.geom_text(p9.aes(label="text", color="ink"), data=known, size=size)
        plot += p9.scale_color_identity()
    return plot
