"""How well shares are known: the half width of their 95 % intervals, and what it is made of."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from .background import pairs_of
from .pairs import Shared
from .rows import Rows
from .sizes import sizes_of
from .statistics import ClassBandTable
from .uncertainty import ShareParts, share_parts


class Precise(Rows, Protocol):
    """What is asked of a result here; see `BandImportance`."""

    @property
    def table(self) -> ClassBandTable:
        """The table's numbers."""

    @property
    def precision(self) -> float | None:
        """What was asked for."""


class Widest(NamedTuple):
    """The share of which least is known.

    Attributes
    ----------
    cell, band : int
    half_width : float
        Infinite where the class has a single image, so that nothing is known.
    """

    cell: int
    band: int
    half_width: float


def half_widths(table: ClassBandTable) -> np.ndarray:
    """Of the intervals of shares, (cells, bands); infinite where a share has none, NaN where there is no share."""
    widths = (table.share_high - table.share_low) / 2
    return np.where(np.isfinite(table.share) & ~np.isfinite(widths), np.inf, widths)


def widest(table: ClassBandTable) -> Widest | None:
    """The share of which least is known; None where no band of any class has a share."""
    widths = half_widths(table)
    if np.isnan(widths).all():
        return None
    cell, band = np.unravel_index(np.nanargmax(widths), widths.shape)
    return Widest(int(cell), int(band), float(widths[cell, band]))


def reached(result: Precise) -> float | None:
    """Half width of the widest interval of a share, None where there is none."""
    known = half_widths(result.table)
    known = known[np.isfinite(known)]
    return float(known.max()) if known.size else None


def is_precise(result: Precise) -> bool | None:
    """Whether every share is known as well as it was asked for; None where nothing was asked for."""
    if result.precision is None:
        return None
    found = widest(result.table)
    return found is None or found.half_width <= result.precision


def parts_of(result: Precise) -> ShareParts:
    """What half widths are made of, each (cells, bands); NaN where there is no share."""
    n, k, n_bands = result.scores.shape
    every, cell = sizes_of(result).reshape(-1, n_bands), result.cell_of_rows
    pairs = pairs_of(result, cell.reshape(n, k), len(result.cells))
    shared = Shared.of(pairs)
    found = [np.full(result.table.share.shape, np.nan) for _ in ShareParts._fields]
    for row in range(len(result.cells)):
        sizes = every[cell == row]
        if len(sizes) > 1 and np.isfinite(result.table.share[row]).all():
            known = None if pairs is None else pairs[row]
            parts = share_parts(sizes, result.table.importance[row], known, shared)
            for values, part in zip(found, parts, strict=True):
                values[row] = part
    return ShareParts(*found)


def told(result: Precise) -> str:
    """How a result's line tells it, where it was asked for."""
    if result.precision is None:
        return ""
    found = reached(result)
    known = "no share is known" if found is None else f"shares known to \u00b1{100 * found:.2g} points"
    return f", {known} (\u00b1{100 * result.precision:.2g} asked for)"
