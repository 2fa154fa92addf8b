"""The one palette of bandlens, safe for colour-blind readers; R reads the same `palette.csv`.

Bands: up to eight get the colours of Okabe & Ito (2008), with a dark grey for their black; a band called blue, green or
red gets that colour. More bands than that get an ordered ramp (plasma), by wavelength where all are known, else by
position. Classes: eight of the nine colours that Paul Tol calls muted, without the one too light for lines, in an order
in which the first differ most. Shares and signed values use ColorBrewer's Blues and RdBu (Brewer & Harrower).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

import numpy as np


@cache
def table() -> dict[str, list[tuple[str, str]]]:
    """All palettes: (colour, name) of each entry, in order; the name is empty where a colour has none."""
    text = resources.files(__package__).joinpath("palette.csv").read_text(encoding="utf-8")
    palettes: dict[str, list[tuple[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        palettes.setdefault(row["palette"], []).append((row["colour"], row["name"]))
    return palettes


def colours(palette: str) -> list[str]:
    """Colours of one palette, in order."""
    return [colour for colour, _ in table()[palette]]


def ink(name: str) -> str:
    """Colour of text, lines and background: "text", "subtle", "paper", "grid" or "missing"."""
    return {entry: colour for colour, entry in table()["ink"]}[name]


def ramp(palette: str, positions: Iterable[float]) -> list[str]:
    """Colours at positions from 0 to 1 along a palette, linear in sRGB between its entries."""
    anchors = np.array([_channels(colour) for colour in colours(palette)])
    at = np.asarray(list(positions), dtype=np.float64) * (len(anchors) - 1)
    mixed = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)], axis=-1)
    # The tiny offset makes halves round up here and in R alike.
    return ["#{:02X}{:02X}{:02X}".format(*row) for row in np.floor(mixed + 0.5 + 1e-6).astype(int)]


def band_colours(bands: Sequence[str], wavelengths: Sequence[float] | None = None) -> list[str]:
    """One colour per band, in the order of the bands.

    Parameters
    ----------
    bands : sequence of str
    wavelengths : sequence of float, optional
        In nm; NaN where unknown.
    """
    if len(bands) > len(table()["band"]):
        order = np.arange(len(bands))
        if wavelengths is not None and np.isfinite(wavelengths).all():
            order = np.argsort(wavelengths, kind="stable")
        place = np.empty(len(bands))
        place[order] = np.linspace(0, 1, len(bands))
        return ramp("band_ramp", place)
    free = list(table()["band"])
    chosen: dict[str, str] = {}
    for band in bands:
        own = [entry for entry in free if entry[1] and entry[1] == band.lower()]
        if own:
            chosen[band] = own[0][0]
            free.remove(own[0])
    if chosen:  # then no other band is given the colour of another's name while there are colours without one
        free.sort(key=lambda entry: entry[1] != "")
    rest = iter(free)
    return [chosen[band] if band in chosen else next(rest)[0] for band in bands]


def text_on(fills: Iterable[str]) -> list[str]:
    """For each fill the text colour, dark or light, that contrasts most with it (WCAG 2 contrast ratio)."""
    inks = [ink("text"), ink("paper")]
    return [max(inks, key=lambda text: contrast(text, fill)) for fill in fills]


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _luminance(colour: str) -> float:
    value = np.array(_channels(colour)) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
