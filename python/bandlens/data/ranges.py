"""What parts of the spectrum are called: blue, green, red, red edge, NIR, SWIR1, SWIR2.

Names and limits are those of the common names of bands in STAC (extension "eo" 1.0: blue to 500 nm, green to 600, red
to 700, red edge to 790). Its infrared names cover what satellites have and leave gaps: here, the near infrared (NIR)
ends at 1300 nm, with the plateau of leaves, and the short waves (SWIR) are parted at 1900 nm, where water vapour lets
no light through. R reads the same `ranges.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

VISIBLE = ("blue", "green", "red")


class Range(NamedTuple):
    """A part of the spectrum.

    Attributes
    ----------
    name : str
    shown : str
        What it is a part of in pictures; empty where these don't show it.
    low, high : float
        In nm; `low` is in it.
    shaded : bool
        Whether pictures shade it: every other one.
    """

    name: str
    shown: str
    low: float
    high: float
    shaded: bool = False


@cache
def ranges() -> tuple[Range, ...]:
    """All of them, in order, without gaps."""
    text = resources.files(__package__).joinpath("ranges.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(Range(row["name"], row["shown"], float(row["low"]), float(row["high"])) for row in rows)


def shown_ranges(wavelengths: Sequence[float]) -> list[Range]:
    """Parts of the spectrum in which there are bands, as pictures show them, within what the bands reach."""
    first, last = min(wavelengths), max(wavelengths)
    found: dict[str, Range] = {}
    for one in ranges():
        if one.shown:
            before = found.get(one.shown, Range(one.shown, one.shown, one.low, one.high, len(found) % 2 == 0))
            found[one.shown] = before._replace(high=one.high)
    return [
        one._replace(low=max(one.low, first), high=min(one.high, last))
        for one in found.values()
        if any(one.low <= wavelength < one.high for wavelength in wavelengths)
    ]


def zone_names(
    zones: Sequence[Sequence[int]],
    bands: Sequence[str],
    wavelengths: Sequence[float] | None,
    *,
    taken: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Names of zones of neighbouring bands, which differ: their parts of the spectrum, else their first and last band.

    Parameters
    ----------
    zones : sequence of sequence of int
        Positions of the bands of each, in order.
    bands : sequence of str
    wavelengths : sequence of float or None
        In nm, if all are known.
    taken : sequence of str, optional
        What the bands are called where groups of them are made, if not the same: a group must not be called like a band
        that is not in it.
    """
    if wavelengths is None:
        return _numbered([_from_to(*(bands[zone[at]] for at in (0, -1))) for zone in zones])
    found = _numbered([_spectral([wavelengths[at] for at in zone]) for zone in zones])
    taken = bands if taken is None else taken
    clash = any(name in taken and taken.index(name) not in zone for name, zone in zip(found, zones, strict=True))
    return zone_names(zones, bands, None) if clash else found


def _spectral(wavelengths: Sequence[float]) -> str:
    """The part of the spectrum that these are in, or from which to which."""
    names = [one.name for one in ranges() if any(one.low <= value < one.high for value in wavelengths)]
    if names[0] == VISIBLE[0] and names[-1] == VISIBLE[-1]:
        return "visible"
    return _from_to(names[0], names[-1])


def _from_to(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


def _numbered(names: Sequence[str]) -> tuple[str, ...]:
    """Names that differ: those that come several times are counted."""
    count = dict.fromkeys(names, 0)
    found = []
    for name in names:
        count[name] += 1
        found.append(f"{name} {count[name]}" if names.count(name) > 1 else name)
    return tuple(found)


def all_known(wavelengths: Sequence[float]) -> bool:
    """Whether every wavelength is known."""
    return bool(np.isfinite(wavelengths).all())
