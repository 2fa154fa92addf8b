"""Composites: which three bands are shown as red, green and blue, and the colours of an image's pixels.

The user's choice, else the bands that hold red, green and blue light: by their wavelengths, else by their names (also
those of Sentinel-2, and of Landsat 8 and 9). Where these are not all there, colours are false, and the picture says so.
R has the same rule; both read what light and names are from `composites.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.words import nearest
from ..errors import BandError
from .axes import NAMED

if TYPE_CHECKING:
    from typing import Protocol

    class Banded(Protocol):
        """Whatever has bands."""

        @property
        def bands(self) -> tuple[str, ...]:
            """Their names."""

        @property
        def wavelengths(self) -> tuple[float, ...]:
            """Theirs, in nm; NaN where unknown."""


COLOURS = ["red", "green", "blue"]
STRETCH = (0.02, 0.98)  # quantiles that are the darkest and the brightest of a composite


@cache
def _rules(rule: str) -> list[list[str]]:
    """Red, green and blue in the lines of `composites.csv` of a rule."""
    text = resources.files(__package__).joinpath("composites.csv").read_text(encoding="utf-8")
    return [[row[colour] for colour in COLOURS] for row in csv.DictReader(text.splitlines()) if row["rule"] == rule]


def true_colours(bands: Sequence[str], wavelengths: Sequence[float]) -> list[int] | None:
    """Positions of the bands of red, green and blue light; None where one of them is not known."""
    waves = np.asarray(wavelengths, dtype=np.float64)
    if np.isfinite(waves).any():
        nearest, low, high = (np.array(_rules(rule)[0], dtype=np.float64) for rule in ("nearest", "from", "to"))
        found = np.array([int(np.nanargmin(np.abs(waves - middle))) for middle in nearest])
        if ((low <= waves[found]) & (waves[found] <= high)).all():
            return found.tolist()
    lower = [band.lower() for band in bands]
    for names in _rules("name"):
        if all(name in lower for name in names):
            return [lower.index(name) for name in names]
    return None


def composite_bands(bands: Sequence[str], wavelengths: Sequence[float]) -> list[int]:
    """Positions of the bands that are shown as red, green and blue, unless the user chooses them.

    False colours are the first three bands, those with known wavelengths in falling order, as near infrared, red and
    green usually are. Of many bands, neighbours would look alike: then they are from all parts of the spectrum.
    """
    n_bands = len(bands)
    if n_bands < 3:
        return [0, 0, 0]
    light = true_colours(bands, wavelengths)
    if light is not None:
        return light
    waves = np.asarray(wavelengths, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(waves))
    if n_bands > NAMED:
        order = np.argsort(waves, kind="stable") if len(known) == n_bands else np.arange(n_bands)
        return order[[n_bands * part // 6 for part in (5, 3, 1)]].tolist()
    first = known[:3]
    return first[np.argsort(-waves[first], kind="stable")].tolist() if len(first) == 3 else [0, 1, 2]


def false_colours(result: Banded, chosen: Sequence[int]) -> str | None:
    """What a picture says where red, green and blue are not all there, so that other bands stand for them."""
    bands, waves = result.bands, result.wavelengths
    if len(bands) < 3 or true_colours(bands, waves) is not None or list(chosen) != composite_bands(bands, waves):
        return None
    return f"false colours, as bands of red, green and blue are not all known: {', '.join(band_names(result, chosen))}"


def band_names(result: Banded, shown: Sequence[int]) -> list[str]:
    """What panels of bands are called: their wavelengths where there are many."""
    by_nm = len(result.bands) > NAMED and bool(np.isfinite(result.wavelengths).all())
    return [f"{result.wavelengths[at]:.0f} nm" if by_nm else result.bands[at] for at in shown]


def composite(pictures: np.ndarray, image: int, chosen: Sequence[int]) -> np.ndarray:
    """Colours of the pixels of an image, stretched over all images so that they can be compared."""
    channels = []
    for band in chosen:
        low, high = np.quantile(pictures[:, band], STRETCH)
        part = pictures[image, band]
        bright = np.clip((part - low) / (high - low), 0, 1) if high > low else np.full(part.shape, 0.5)
        # The tiny offset makes halves round up here and in R alike.
        channels.append(np.floor(255 * bright + 0.5 + 1e-6).astype(int))
    red, green, blue = channels
    return np.vectorize("#{:02X}{:02X}{:02X}".format, otypes=[object])(red, green, blue)


def greys(hexes: np.ndarray) -> np.ndarray:
    """Brightness of colours, from 0 to 255, as luma weighs red, green and blue (ITU-R BT.709)."""

    def luma(colour: str) -> float:
        red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    return np.asarray(np.vectorize(luma, otypes=[float])(hexes))


def composite_name(result: Banded, chosen: Sequence[int]) -> str:
    """What the panel of a composite is called."""
    names = band_names(result, chosen)
    if len(set(chosen)) == 1:
        return f"image: {names[0]}"
    short = ", ".join(name.removesuffix(" nm") for name in names)
    return "RGB" if [name.lower() for name in names] == COLOURS else f"RGB: {short}"


def chosen_bands(given: Any, bands: Sequence[str]) -> list[int]:
    """Positions of the three bands that the user names or counts."""
    given = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    known = [
        (isinstance(band, str) and band in bands)
        or (isinstance(band, (int, np.integer)) and not isinstance(band, bool) and 0 <= band < len(bands))
        for band in given
    ]
    if len(given) != 3 or not all(known):
        raise BandError(
            "`rgb` does not name three bands.",
            fix=nearest([band for band, is_known in zip(given, known, strict=True) if not is_known], bands),
            expected=f"three of {', '.join(map(repr, bands[:8]))}{', ...' if len(bands) > 8 else ''}, or positions",
            given=repr(given),
        )
    return [list(bands).index(band) if isinstance(band, str) else int(band) for band in given]
