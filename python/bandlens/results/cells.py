"""What a row of a table stands for: a band; with several inputs one of which, with a time axis at which step.

The last axis of scores holds such cells: inputs in the model's order, their bands, and a band's steps. Everything that
looks up or writes down a cell asks here how it is called, so that it is called the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np

from ..data.naming import cell_label

# in a table they stand where the band stands; the first and third only if there are several inputs, or a time axis
COLUMNS = ("input", "band", "time", "wavelength")


class Celled(Protocol):
    """A result whose tables have rows of cells."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Name of each cell's band; empty in sums over bands."""

    @property
    def wavelengths(self) -> tuple[float, ...]:
        """Its wavelength."""

    @property
    def inputs(self) -> tuple[str, ...] | None:
        """Name of each cell's input, where there are several."""

    @property
    def times(self) -> tuple[str, ...] | None:
        """Each cell's step, where there is a time axis; empty for what has none."""

    @property
    def time_kind(self) -> str | None:
        """What steps are: "date", "number" or "name"."""


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Names in their order, each once."""
    return tuple(dict.fromkeys(names))


def cell_names(of: Celled) -> tuple[str, ...]:
    """Each cell in words: "VV", "sar: VV", "VV at 2024-05-01", "sar: VV at 2024-05-01"."""
    if of.inputs is None and of.times is None:
        return of.bands
    inputs = of.inputs or ("",) * len(of.bands)
    times = of.times or ("",) * len(of.bands)
    cells = zip(of.bands, inputs, times, strict=True)
    # in sums over bands there is none, and an input may itself be a band
    return tuple(cell_label(band or own, own, time) if band or own else time for band, own, time in cells)


def cell_columns(of: Celled, at: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of `COLUMNS` that there are, for cells at these positions; names as codes into `cell_levels`."""
    columns = {"wavelength": np.array(of.wavelengths, np.float64)[at]}
    if any(of.bands):
        columns["band"] = _codes(of.bands)[at]
    else:  # sums over bands
        del columns["wavelength"]
    if of.inputs is not None:
        columns["input"] = _codes(of.inputs)[at]
    if of.times is not None:
        columns["time"] = time_values(of.times, of.time_kind)[at]
    return columns


def in_cells(of: Celled, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns of a table whose `band` holds positions of cells, -1 where there is none, with those of `COLUMNS` there.

    They are the same columns where cells are bands and nothing else.
    """
    if of.inputs is None and of.times is None:
        return dict(columns)
    at = columns["band"]
    found = cell_columns(of, at)
    for values in found.values():
        values[at < 0] = -1 if values.dtype.kind == "i" else "NaT" if values.dtype.kind == "M" else np.nan
    if "wavelength" not in columns:
        found.pop("wavelength", None)
    return in_order({**{name: own for name, own in columns.items() if name != "band"}, **found}, tuple(columns))


def cell_levels(of: Celled) -> dict[str, tuple[str, ...]]:
    """What codes in the columns of cells stand for."""
    levels = {"band": unique(of.bands)}
    if of.inputs is not None:
        levels["input"] = unique(of.inputs)
    if of.times is not None and of.time_kind == "name":
        levels["time"] = _steps(of.times)
    return levels


def time_values(times: Sequence[str], kind: str | None) -> np.ndarray:
    """Steps as what they are: dates, numbers, or codes of names; missing where a cell has none."""
    if kind == "date":
        return np.array([time or "NaT" for time in times], "datetime64[ns]")
    if kind == "number":
        return np.array([float(time) if time else np.nan for time in times])
    place = {name: at for at, name in enumerate(_steps(times))}
    return np.array([place.get(time, -1) for time in times], np.int64)


def date_texts(dates: np.ndarray) -> list[str]:
    """Dates as they are written in `times`: days, with the time of day where there is one; empty where missing."""
    known = dates[~np.isnat(dates)]
    unit: Literal["D", "s"] = "D" if (known == known.astype("datetime64[D]")).all() else "s"
    return ["" if np.isnat(date) else str(np.datetime_as_string(date, unit=unit)) for date in dates]


def in_order(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Those of the columns that there are, by their contracted names; those of cells stand where the band stands."""
    order = [part for name in names for part in (COLUMNS if name == "band" else (name,))]
    return {name: columns[name] for name in dict.fromkeys(order) if name in columns}


def _steps(times: Sequence[str]) -> tuple[str, ...]:
    return unique(time for time in times if time)


def _codes(names: Sequence[str]) -> np.ndarray:
    place = {name: at for at, name in enumerate(unique(names))}
    return np.array([place[name] for name in names], np.int64)


def counted(of: Celled) -> str:
    """How many bands, inputs and steps there are, in words."""
    pairs = of.bands if of.inputs is None else tuple(zip(of.inputs, of.bands, strict=True))
    bands = f"{len(set(pairs))} bands" if any(of.bands) else ""
    inputs = f"{len(set(of.inputs))} inputs" if of.inputs is not None else ""
    steps = f"{len(_steps(of.times))} steps" if of.times is not None else ""
    return " x ".join(part for part in (" of ".join(part for part in (bands, inputs) if part), steps) if part)
