"""What is left of an output while bands are removed, a panel per class: in order of importance, random and reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from ..data.words import choices, nearest
from ..errors import OptionError
from ..results.background import absent_as
from .labels import label, wrap
from .palette import colours, ink
from .rows import words_of
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    import pandas as pd

    from ..checks import Check

TITLES = {
    "probability": "Probability of the class",
    "logit": "Logit of the class",
    "output": "Output of the class",
    "accuracy": "Accuracy",
    "fidelity": "Minus the distance\nfrom the whole image's output",
    "iou": "Intersection over union",
}
# of a model that gives outputs for every pixel
OF_ZONES = {"accuracy": "Part of the zone taken for the class"}
ZONES = {
    "label": "labelled pixels",
    "predicted": "pixels predicted as the class",
    "image": "all pixels",
    "mask": "those given",
}
BOUNDED = ("probability", "accuracy", "iou")
NAMES = {"importance": "most important first", "random": "random orders (mean)", "reverse": "least important first"}
DASHES = {"importance": "solid", "random": "dashed", "reverse": "dotted"}
# up to here each removed band is named
NAMED = 6


def draw(check: Check, *, measure: str | None = None, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Curves of one measure with 95 % intervals, faceted by class; the area between two of them in each title.

    Parameters
    ----------
    check : Check
        From `check_deletion`.
    measure : str, optional
        A level of the column `measure`; the first by default.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and panels arranged.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If there is no such measure.
    """
    known = check.levels["measure"]
    measure = known[0] if measure is None else measure
    if measure not in known:
        raise OptionError(
            "There is no such measure.", expected=choices(known), given=repr(measure), fix=nearest(measure, known)
        )
    frame, area = (table[table["measure"] == measure] for table in (check.to_frame("curve"), check.to_frame("area")))
    if measure in BOUNDED:  # Student intervals know no bounds
        frame = frame.assign(**{name: frame[name].clip(0, 1) for name in ("conf_low", "conf_high")})
    room = characters(width, base_size) - (8 if "\n" not in TITLES[measure] else 12)
    classes = [name for name in frame["class"].cat.categories if name in set(frame["class"])]
    columns = max(1, min(int(room / 22), int(np.ceil(np.sqrt(len(classes))))))
    rows = -(-len(classes) // columns)
    titles = {row["class"]: _title(row, int(SMALL * room / columns)) for _, row in area.iterrows()}
    steps = frame["removed"].nunique()
    fills = dict(zip(NAMES, (colours("band")[0], ink("subtle"), colours("band")[4]), strict=True))
    facts = check.facts
    random = "all orders there are" if facts["every_order"] else f"{facts['orders']} random orders"
    absent = "".join(f", {told}" for told in absent_as(facts.get("absent")))
    note = (
        f"{label('method', facts['method'])}; n = {facts['n']} images; removed bands replaced by "
        f"{_REPLACED[facts['replacement']]}{absent}; {random}; shaded: 95 % interval; area: between random orders and "
        f"most important first"
    )
    titles_of = TITLES
    if "zone" in facts:
        titles_of = {**TITLES, **OF_ZONES}
        note += f"; zones: {ZONES[facts['zone']]}"
    note = wrap(note, int(characters(width, base_size)))
    lines = 9 + note.count("\n") + rows * (9.5 + max(title.count("\n") for title in titles.values()))
    plot = (
        p9.ggplot(frame, p9.aes("removed", "estimate", color="order", fill="order", linetype="order"))
        + p9.geom_ribbon(p9.aes(ymin="conf_low", ymax="conf_high"), alpha=0.2, color="none", show_legend=False)
        + p9.geom_line(size=0.7)
        + p9.facet_wrap("class", ncol=columns, labeller=p9.as_labeller(titles))
        + p9.scale_color_manual(values=fills, labels=list(NAMES.values()), limits=list(NAMES))
        + p9.scale_fill_manual(values=fills, limits=list(NAMES), guide=None)
        + p9.scale_linetype_manual(values=DASHES, labels=list(NAMES.values()), limits=list(NAMES))
        + theme_bandlens(base_size, width=width, lines=lines)
        + p9.theme(
            legend_key_width=3 * base_size,
            legend_title=p9.element_blank(),
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
        )
        + p9.labs(
            title="Removing bands one after the other" if steps == _removed(check) + 1 else "Removing bands in steps",
            subtitle=note,
            x="Bands removed",
            y=titles_of[measure],
        )
    )
    if width < 120:
        plot += p9.theme(legend_direction="vertical", legend_key_height=1.3 * base_size)
    if steps <= NAMED + 1:
        removed = sorted(frame["removed"].unique().tolist())
        plot += p9.scale_x_continuous(breaks=removed, expand=(0.08, 0, 0.14, 0))
        named = frame[(frame["order"] == "importance") & frame["band"].notna()]
        named = named.assign(text=words_of(named).astype(str))
        if len(named) and max(map(len, named["text"])) * steps < 1.2 * room / columns:
            plot += p9.geom_point(data=named, size=1, show_legend=False)
            plot += p9.geom_text(
                p9.aes(label="text"),
                data=named,
                va="top",
                nudge_y=-0.04 * float(np.ptp(frame[["conf_low", "conf_high"]].to_numpy())),
                size=0.8 * base_size,
                color=fills["importance"],
                show_legend=False,
            )
            plot += p9.scale_y_continuous(expand=(0.14, 0, 0.05, 0))
    return plot


_REPLACED = {
    "background": "those of background images",
    "background_mean": "the mean background image",
    "zero": "0",
}


def _title(row: pd.Series, width: int) -> str:
    """Class, number of its images, and the area with its interval."""
    name = wrap(f"{row['class']} (n\u00a0=\u00a0{row['n']})", width)
    found, low, high = (round(row[name], 2) + 0.0 for name in ("area", "conf_low", "conf_high"))  # no "-0.00"
    interval = "" if np.isnan(low) else f" ({low:.2f}\u00a0to\u00a0{high:.2f})"
    # digits are narrow: some more fit
    area = wrap(f"area\u00a0{found:.2f}{interval}", int(1.15 * width))
    return f"{name}\n{area}".replace("\u00a0", " ")


def _removed(check: Check) -> int:
    return int(check.tables["curve"]["removed"].max())
