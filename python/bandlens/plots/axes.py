"""The axis of bands, for 4 to 250 of them.

Every band is named while names fit; beyond that, round wavelengths where they are known, else every k-th band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotnine as p9

from .labels import longest, wrap

if TYPE_CHECKING:
    from ..results.importance import BandImportance

NAMED = 26  # up to here every band is named
TICKS = 9  # at most, beyond that
STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000)


class Bands(NamedTuple):
    """Names, and wavelengths in nm (NaN where unknown), where there is no result to take them from."""

    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]


@dataclass(frozen=True)
class BandAxis:
    """What to add to a plot, and how many lines of text the labels are high."""

    parts: list[Any]
    lines: float


def band_axis(result: BandImportance | Bands, *, room: float, expand: float = 0.0) -> BandAxis:
    """Scale, title and text of the x axis.

    Parameters
    ----------
    result : BandImportance or Bands
    room : float
        Characters that fit across a panel.
    expand : float
        Room left of the first and right of the last band, in bands.
    """
    positions, labels, title = band_ticks(result.bands, result.wavelengths)
    pitch = room / len(labels)
    wrapped = [wrap(name, max(int(pitch) - 1, 1)) for name in labels]
    if longest(wrapped) + 1 <= pitch:
        labels, lines, text = wrapped, 1.0 + max(name.count("\n") for name in wrapped), p9.element_text()
    elif pitch >= 3:
        lines = 0.3 * longest(labels) + 1
        text = p9.element_text(rotation=45, ha="right", va="top")
    else:
        lines = 0.42 * longest(labels) + 0.5
        text = p9.element_text(rotation=90, ha="center", va="top")
    breaks = [result.bands[at] for at in positions]
    scale = p9.scale_x_discrete(breaks=breaks, labels=labels, expand=(0, expand))
    return BandAxis([scale, p9.labs(x=title), p9.theme(axis_text_x=text)], lines)


def band_ticks(bands: Sequence[str], wavelengths: Sequence[float]) -> tuple[list[int], list[str], str]:
    """Which bands are labelled (positions), how, and the title of the axis."""
    n_bands = len(bands)
    if n_bands <= NAMED:
        return list(range(n_bands)), list(bands), "Band"
    known = bool(np.isfinite(wavelengths).all())
    if known and (np.diff(wavelengths) > 0).all():
        # Round wavelengths, each at the band next to it; none where the bands leave a hole.
        step = _step(wavelengths[-1] - wavelengths[0])
        ticks = np.arange(math.ceil(wavelengths[0] / step), math.floor(wavelengths[-1] / step) + 1) * step
        distance = np.abs(np.subtract.outer(ticks, np.asarray(wavelengths)))
        near = distance.min(axis=1) <= np.median(np.diff(wavelengths))
        return distance.argmin(axis=1)[near].tolist(), [str(tick) for tick in ticks[near]], "Wavelength (nm)"
    step = _step(n_bands)
    positions = list(range(step - 1, n_bands, step))
    if known:
        return positions, [f"{wavelengths[at]:.0f}" for at in positions], "Wavelength (nm)"
    return positions, [bands[at] for at in positions], "Band"


def panel_columns(n_panels: int, n_bands: int, room: float) -> int:
    """Panels side by side: as square as possible, but each wide enough for its bands.

    Parameters
    ----------
    n_panels, n_bands : int
    room : float
        Characters that fit across all panels.
    """
    needed = max(18, 1.8 * n_bands) if n_bands <= NAMED else 50
    return max(1, min(int(room / needed), math.ceil(math.sqrt(n_panels))))


def _step(span: float) -> int:
    """Smallest round step that gives at most `TICKS` ticks."""
    return next(step for step in STEPS if span / step < TICKS)
