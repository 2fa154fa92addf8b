"""What a picture draws of results with several inputs or a time axis: sums over steps or bands, and cells in words.

Most kinds know bands by name alone. They are given results whose bands are called as cells are ("sar: VV"), each once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import pandas as pd
import plotnine as p9

from ..data.naming import cell_label
from ..data.words import choices
from ..errors import OptionError
from ..results.cells import Celled, cell_names, date_texts, unique
from .panels import wrap_lines

Result = TypeVar("Result", bound=Celled)

# these draw inputs and steps themselves
THEMSELVES = ("heatmap", "effect", "curves")
# these show bands, not bands at steps
OF_BANDS = ("bars", "spectrum", "runs")
# titles of pictures in which steps or inputs take the place of bands, and which of their axes has the bands
TITLES = {
    "heatmap": ("Share of importance by class and {}", "x"),
    "effect": ("Effect of each {} by class", "x"),
    "bars": ("Importance of each {} by class", "x"),
    "ranks": ("{}s in order of importance, by class", ""),
    "distribution": ("Band scores of the images, by class", "y"),
    "waterfall": ("Band scores of one image", "y"),
}
SUMMED = {
    "band": "summed over steps",
    "time": "summed over bands",
    "input": "summed over all of an input",
    "group": "summed over the bands of each group",
}


def in_words(result: Result) -> Result:
    """The result with bands called as cells are, each once, and no inputs and steps."""
    if result.inputs is None and result.times is None:
        return result
    names = {"bands": cell_names(result), "inputs": None, "times": None, "time_kind": None}
    return replace(result, **names)  # type: ignore[type-var]  # all are dataclasses


def words_of(frame: pd.DataFrame) -> pd.Series:
    """The band of each row of a table in words, as cells are called; missing where there is none."""
    band = frame["band"]
    if "input" not in frame and "time" not in frame:
        return band
    empty = pd.Series("", frame.index)
    inputs = frame["input"].astype(str) if "input" in frame else empty
    times = empty
    if "time" in frame:
        of = frame["time"]
        dated, numbers = pd.api.types.is_datetime64_dtype(of), pd.api.types.is_float_dtype(of)
        texts = date_texts(of.to_numpy()) if dated else [f"{one:.10g}" for one in of] if numbers else of.astype(str)
        times = pd.Series(list(texts), frame.index).where(of.notna(), "")
    names = [cell_label(*cell) for cell in zip(band.astype(str), inputs, times, strict=True)]
    levels = unique(name for name, known in zip(names, band.notna(), strict=True) if known)
    return pd.Series(pd.Categorical(names, categories=pd.Index(levels), ordered=True), frame.index)


def drawable(result: Any, kind: str, level: str | None) -> Any:
    """The result that this kind draws at this level, of a BandImportance or a PooledImportance.

    Raises
    ------
    OptionError
        If the kind can't show what the result holds at this level.
    """
    if level is not None:
        result = result.sums(level)
        needs = {"spectrum": ("band", "group"), "dependence": ("band", "group"), "curves": ("time",)}.get(
            kind, (level,)
        )
        if level not in needs:
            raise OptionError(
                f"The plot {kind!r} does not show these sums.",
                expected=f"level {choices(needs)}, or none",
                given=repr(level),
            )
    elif result.times is not None and kind in OF_BANDS:
        raise OptionError(
            f"The plot {kind!r} shows bands, and the result has bands at steps.",
            expected="level='band', which sums scores over the steps",
            given="level=None",
            fix="draw the kind 'heatmap' or 'curves', which show bands and steps",
        )
    if kind == "curves" and result.times is None:
        raise OptionError(
            "The plot 'curves' needs a time axis.",
            expected="a result with scores per step",
            given="none",
            fix="compute importance with `time_axis`, or draw the kind 'heatmap' or 'bars'",
        )
    return result if kind in THEMSELVES and (result.times is not None or any(result.bands)) else in_words(result)


def told(plot: Any, kind: str, level: str | None, *, base_size: float = 8, width: float = 175) -> Any:
    """The picture, with words for what was summed."""
    if level is None:
        return plot
    note = wrap_lines(f"{plot.labels.subtitle}; scores {SUMMED[level]}", width, base_size)
    plot += p9.labs(subtitle=note)
    if level == "band" or kind not in TITLES:
        return plot
    noun = {"time": "step", "input": "input", "group": "group"}[level]
    title, axis = TITLES[kind]
    plot += p9.labs(title=title.format(noun if "{}" in title[1:] else noun.capitalize()))
    if axis and getattr(plot.labels, axis).startswith("Band"):
        plot += p9.labs(**{axis: noun.capitalize()})
    return plot
