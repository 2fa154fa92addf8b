"""Panels and their titles, and what else the kinds share that have one panel per class or output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from ..errors import OptionError
from .labels import wrap
from .theme import SMALL, characters

if TYPE_CHECKING:
    import pandas as pd


def present(frame: pd.DataFrame, column: str) -> list[str]:
    """Classes or outputs that occur, in their order."""
    return [name for name in frame[column].cat.categories if name in set(frame[column])]


def class_titles(frame: pd.DataFrame, classes: Sequence[str], width: int) -> dict[str, str]:
    """Each class with the number of its images, which is never broken over lines."""
    counts = frame.groupby("class", observed=True)["n"].first()
    titles = {name: wrap(f"{name} (n\u00a0=\u00a0{counts[name]})", width) for name in classes}
    return {name: title.replace("\u00a0", " ") for name, title in titles.items()}


def class_panels(
    titles: dict[str, str], outputs: dict[str, str], columns: int, *, free: bool
) -> list[p9.facet_wrap | p9.facet_grid | p9.theme]:
    """A panel per class, or per class and output where there are several; titles of panels by names."""
    scales = "free_y" if free else "fixed"
    if not outputs:
        return [p9.facet_wrap("class", ncol=columns, scales=scales, labeller=p9.as_labeller(titles))]
    return [
        p9.facet_grid("class", "output", scales=scales, labeller=p9.labeller(rows=titles.get, cols=outputs.get)),
        p9.theme(plot_margin_right=0.03),  # plotnine sets two-line strips too close to the edge
    ]


def strip_width(room: float, columns: int) -> int:
    """Characters that fit above a panel."""
    return int(SMALL * room / columns)


def wrap_lines(text: str, width: float, base_size: float) -> str:
    """Break the lines of a subtitle where they are too long for a picture of this width."""
    return "\n".join(wrap(line, int(characters(width, base_size))) for line in text.split("\n"))


def more_lines(titles: Sequence[str] | dict[str, str]) -> int:
    """Lines of the highest title beyond its first."""
    texts = titles.values() if isinstance(titles, dict) else titles
    return max((text.count("\n") for text in texts), default=0)


# a note for pictures whose panels can't be compared
OWN_SCALES = "scales differ between panels"


def interval_note(drawn: str, frame: pd.DataFrame) -> str:
    """What intervals are over, and where there are none."""
    unknown = frame["std_error"].isna()
    if unknown.all():
        return "no interval from single images"
    return f"{drawn}: 95 % interval over {interval_over(frame)}{', none from single images' if unknown.any() else ''}"


def interval_over(frame: pd.DataFrame) -> str:
    """What intervals of a table cover, in words."""
    over = ["images"] if (frame["se_images"] > 0).any() or "se_runs" not in frame else []
    if frame["se_images"].isna().all():
        over = ["repeats"]
    elif (frame["se_background"] > 0).any():
        over.append("background")
    if "se_runs" in frame:
        over.insert(0, "training runs")
    return " and ".join([", ".join(over[:-1]), over[-1]] if over[1:] else over)


def is_free(scales: str) -> bool:
    """Whether each class has a scale of its own, so that weak classes can be seen."""
    if scales not in ("fixed", "free"):
        raise OptionError("There are no such scales.", expected="scales 'fixed' or 'free'", given=repr(scales))
    return scales == "free"


def most_of(top: int | None, n_bands: int) -> int:
    """How many bands the user wants to see: `top`, if it is a number of bands."""
    if top is None:
        return n_bands
    if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
        raise OptionError("The number of bands can't be shown.", expected="top, a whole number from 1", given=repr(top))
    return min(int(top), n_bands)
