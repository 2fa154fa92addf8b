"""Is the band that a table ranks first also first in most resamples? What that says of each class, and in words.

A ranking can be an outlier of its own resamples: the one background sample that made the table may have been unusual,
and neither shares nor their intervals show it. That contradicts the table, and is said before all else.
"""

from __future__ import annotations

import numpy as np

from ..data.words import and_more
from ..results.cells import cell_names
from ..results.importance import BandImportance

# a band that is first in so many of the resamples is called the most important without reserve
SURE = 0.95
# the table's first band contradicts its resamples where it is first in fewer than that, and another in more than half
OUTLIER = 0.25
MAJORITY = 0.5
# what a class may be, by how often its first band is first in the resamples
OUTCOMES = ("sure", "open", "outlier")
# classes that a sentence lists
MOST = 5


def judged(rank: np.ndarray, first: np.ndarray) -> dict[str, np.ndarray]:
    """Of each cell, how often its first band is first in resamples, the band that rivals it, and what that means.

    Parameters
    ----------
    rank, first : ndarray, shape (cells, bands)
        Ranks in the table, and how often each band is first in resamples (NaN where nothing was resampled).
    """
    rows, top = np.arange(len(rank)), rank.argmin(axis=1)
    own = first[rows, top]
    known = np.isfinite(own)
    others = np.nan_to_num(first)
    others[rows, top] = -1.0
    rival = np.where(known & (rank.shape[1] > 1), others.argmax(axis=1), -1)
    rival_first = np.where(rival >= 0, others[rows, rival], np.nan)
    # one of `OUTCOMES`, or missing
    outcome = np.select([~known, own >= SURE, (own < OUTLIER) & (rival_first > MAJORITY)], [-1, 0, 2], 1)
    return {"band": top, "first": own, "rival": rival, "rival_first": rival_first, "outcome": outcome}


def outliers(table: BandImportance, names: list[str], by_class: dict[str, np.ndarray]) -> list[str]:
    """What to say first: classes whose table contradicts its own resamples."""
    rows = np.nonzero(by_class["outcome"] == OUTCOMES.index("outlier"))[0]
    if not len(rows):
        return []
    rows = rows[np.argsort(by_class["first"][rows], kind="stable")]
    bands = cell_names(table)
    listed = [
        f"{names[row]} ({bands[by_class['band'][row]]} is first in the table and in "
        f"{percent(by_class['first'][row])} of the resamples, {bands[by_class['rival'][row]]} in "
        f"{percent(by_class['rival_first'][row])})"
        for row in rows
    ]
    return [
        f"The table is an outlier of its own resamples for {and_more(listed, MOST, '; ')}: don't report its first band "
        "there as the most important one."
    ]


def firsts(table: BandImportance, names: list[str], by_class: dict[str, np.ndarray], known: np.ndarray) -> list[str]:
    """How often the table's first bands are first."""
    sure = by_class["first"]
    reserved = [row for row in known[np.argsort(sure[known], kind="stable")] if sure[row] < SURE]
    sentences = [
        f"The most important band is first in at least {percent(SURE)} of the resamples for "
        f"{len(known) - len(reserved)} of {len(known)} classes."
    ]
    # outliers have been said already
    left = [row for row in reserved if by_class["outcome"][row] != OUTCOMES.index("outlier")]
    if left:
        # rounded down: what is just below the limit must not look as if it reached it
        often = np.floor(100 * sure) / 100
        bands = cell_names(table)
        listed = []
        for row in left:
            rival, more = bands[by_class["rival"][row]], by_class["rival_first"][row]
            other = f"; {rival} more often, {percent(more)}" if more > sure[row] else ""
            listed.append(f"{names[row]} ({bands[by_class['band'][row]]}, {percent(often[row])}{other})")
        sentences.append(f"Not so for {and_more(listed, MOST)}.")
    return sentences


def cell(table: BandImportance, row: int) -> str:
    """Name of a row of the table: its class, and its output where that is another."""
    name, output = table.classes[table.cells[row, 0]], table.outputs[table.cells[row, 1]]
    return f"'{name}'" if name == output else f"'{name}' -> '{output}'"


def percent(part: float) -> str:
    """A part of 1 in words."""
    return f"{100 * part:.0f} %"
