"""How alike tables are to the trained model's while more and more of its layers are randomised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotnine as p9

from ..data.words import nearest
from ..errors import OptionError
from .labels import label, longest, wrap
from .palette import colours, ink
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..checks import Check

NAMES = {"spearman_rho": "Spearman's rho", "kendall_tau": "Kendall's tau", "share_overlap": "overlap of shares"}
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")
# classes of which lines can be told apart
MOST_CLASSES = 8


def draw(
    check: Check, *, by: str = "measure", measure: str = "spearman_rho", base_size: float = 8, width: float = 175
) -> p9.ggplot:
    """Similarity against the layers that are random, with 95 % intervals over repeats.

    Parameters
    ----------
    check : Check
        From `check_randomization`.
    by : {"measure", "class"}
        A line per measure, for the mean over classes; or one per class, of one measure.
    measure : {"spearman_rho", "kendall_tau", "share_overlap"}
        The one that is drawn by class.
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
        If there is no such line or measure, or there are more classes than lines can be told apart.
    """
    if by not in ("measure", "class") or measure not in NAMES:
        wrong = by if measure in NAMES else measure
        raise OptionError(
            "There is no such line.",
            expected=f"by='measure' or 'class', measure={' or '.join(map(repr, NAMES))}",
            given=repr(wrong),
            fix=nearest(wrong, ("measure", "class", *NAMES)),
        )
    frame, facts = check.to_frame(), check.facts
    classes = [name for name in frame["class"].cat.categories if name in set(frame["class"])]
    if by == "class" and len(classes) - 1 > MOST_CLASSES:
        raise OptionError(
            "There are too many classes to tell their lines apart.",
            expected=f"at most {MOST_CLASSES}",
            given=f"{len(classes) - 1}",
            fix="draw by='measure'",
        )
    room = characters(width, base_size) - 8
    if by == "measure":
        frame = frame[frame["class"] == classes[-1]]
        names = NAMES
    else:
        frame = frame[frame["measure"] == measure]
        single = classes[:-1] if len(classes) > 1 else classes
        frame = frame[frame["class"].isin(single)]
        names = {name: wrap(name, 25) for name in single}
    layers = list(check.levels["layer"])
    # paths of layers in nested models are too long to print: their ends tell
    short = [layer.rsplit("/", 1)[-1] for layer in layers]
    shown = [name if index % _every(len(layers), room) == 0 else "" for index, name in enumerate(short)]
    fills = dict(zip(names, colours("band"), strict=False))
    shapes = dict(zip(names, SHAPES, strict=False))
    note = (
        f"{label('method', facts['method'])}; {facts['images']} images; n = {facts['repeats']} sets of random weights"
    )
    note += "; bars: 95 % interval" if facts["repeats"] > 1 else ""
    if by == "class":
        note += f"; {NAMES[measure]} of importances"
    chance = facts.get("chance_high") if by == "measure" else None
    if chance is not None:
        note += "; dashed: 95 % of Spearman's rho by chance are below, with all layers random"
    note = wrap(note, int(characters(width, base_size)))
    mode = "from the output down to" if facts["cascade"] else "alone"
    rotated = 0.42 * longest(shown)
    dodge = p9.position_dodge(width=0.25)
    plot = (
        p9.ggplot(frame, p9.aes("layer", "estimate", color=by, shape=by, group=by))
        + p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
        + p9.geom_point(size=1.6, position=dodge)
        + p9.scale_color_manual(values=fills, limits=list(names), labels=list(names.values()))
        + p9.scale_shape_manual(values=shapes, limits=list(names), labels=list(names.values()))
        + p9.scale_x_discrete(limits=layers, labels=shown)
        + theme_bandlens(base_size, width=width, lines=26 + note.count("\n") + rotated)
        + p9.theme(
            axis_text_x=p9.element_text(rotation=45, ha="right", va="top"),
            legend_key_width=2 * base_size,
            legend_title=p9.element_blank(),
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
        )
        + p9.labs(
            title="Similarity to the trained model's table",
            subtitle=note,
            x=f"Layers randomised, {mode}",
            y="Similarity",
        )
    )
    if facts["cascade"]:  # else one step doesn't lead to the next
        plot += p9.geom_line(size=0.6, position=dodge)
    known = frame[frame["conf_low"].notna() & (frame["step"] > 0)]
    if len(known):
        plot += p9.geom_linerange(
            p9.aes(ymin="conf_low", ymax="conf_high"), data=known, size=0.5, position=dodge, show_legend=False
        )
    if chance is not None:
        plot += p9.geom_hline(yintercept=chance, linetype="dashed", color=ink("subtle"), size=0.5)
    if width < 120:
        plot += p9.theme(legend_direction="vertical", legend_key_height=1.3 * base_size)
    return plot


def _every(n: int, room: float) -> int:
    """Every how many layers one is named, so that names in lines fit."""
    return max(1, int(-(-n * 2 // room)))
