"""The axis of time: steps stand at their dates or numbers, named ones side by side, and labels are those of steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotnine as p9

from ..results.cells import Celled, time_values, unique
from .labels import longest


class Spans(NamedTuple):
    """From where to where each cell's step lasts on the axis, shape (cells,); all of it where a cell has no step."""

    left: np.ndarray
    right: np.ndarray


class TimeAxis(NamedTuple):
    """What to add to a plot, and how many lines of text the labels are high."""

    parts: list[Any]
    lines: float


def places(result: Celled) -> np.ndarray:
    """Where each cell stands on the axis, dates or numbers; missing where it has no step."""
    found = time_values(result.times or (), result.time_kind)
    if result.time_kind in ("date", "number"):
        return found
    return np.where(found < 0, np.nan, found + 1.0)


def spans(result: Celled) -> Spans:
    """A step lasts from midway to the one before until midway to the next, of its own input."""
    at = places(result)
    dated = result.time_kind == "date"
    numbers = at.astype("datetime64[ns]").astype(np.int64).astype(np.float64) if dated else at
    known = ~np.isnat(at) if dated else np.isfinite(at)
    left, right = np.full(len(at), np.nan), np.full(len(at), np.nan)
    inputs = np.array(result.inputs or ("",) * len(at))
    for name in unique(inputs[known]):
        mine = known & (inputs == name)
        steps, which = np.unique(numbers[mine], return_inverse=True)
        half = np.diff(steps) / 2
        if not len(half):  # a single step: a day, or one
            half = np.array([0.5 * (86400e9 if dated else 1.0)])
        left[mine] = (steps - np.concatenate([half[:1], half[: len(steps) - 1]]))[which]
        right[mine] = (steps + np.concatenate([half[: len(steps) - 1], half[-1:]]))[which]
    left[~known], right[~known] = np.nanmin(left), np.nanmax(right)
    if dated:
        return Spans(*(side.round().astype(np.int64).astype("datetime64[ns]") for side in (left, right)))
    return Spans(left, right)


def time_axis(result: Celled, *, room: float, expand: float = 0.0) -> TimeAxis:
    """Scale, title and text of the x axis.

    Parameters
    ----------
    result : Celled
        With a time axis.
    room : float
        Characters that fit across a panel.
    expand : float
        Room at both ends, as a part of the axis.
    """
    at, names = places(result), np.array(result.times)
    at, first = np.unique(at[names != ""], return_index=True)
    names = names[names != ""][first]
    numbers = at.astype(np.int64) if result.time_kind == "date" else at
    flat = longest(names) + 1.0
    upright = fits(numbers, room) >= flat
    chosen = labelled(numbers, (flat if upright else 3.0) / room)
    breaks = at[chosen].tolist() if result.time_kind != "date" else [_moment(one) for one in at[chosen]]
    make = p9.scale_x_datetime if result.time_kind == "date" else p9.scale_x_continuous
    scale = make(breaks=breaks, labels=names[chosen].tolist(), expand=(expand, 0))
    if upright:
        return TimeAxis([scale, p9.labs(x=axis_title(result))], 1.0)
    text = p9.element_text(rotation=45, ha="right", va="top")
    return TimeAxis(
        [scale, p9.labs(x=axis_title(result)), p9.theme(axis_text_x=text)], 0.3 * longest(names[chosen]) + 1
    )


def fits(numbers: np.ndarray, room: float) -> float:
    """Characters from one step to the next, where they are nearest."""
    if len(numbers) < 2:
        return room
    return float(np.diff(numbers).min() / (numbers[-1] - numbers[0]) * room)


def labelled(numbers: np.ndarray, least: float) -> list[int]:
    """Steps, in order, with a label: from the first, each that is so far from the one before, as a part of the axis."""
    extent = float(numbers[-1] - numbers[0]) or 1.0
    chosen = [0]
    for step in range(1, len(numbers)):
        if (numbers[step] - numbers[chosen[-1]]) / extent >= least:
            chosen.append(step)
    return chosen


def _moment(date: np.datetime64) -> Any:
    return date.astype("datetime64[us]").item()


def axis_title(result: Celled) -> str:
    """What steps are."""
    return {"date": "Date", "number": "Time"}.get(str(result.time_kind), "Step")
