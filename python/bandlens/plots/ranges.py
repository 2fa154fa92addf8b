"""Parts of the spectrum behind lines along it: every other one shaded, with its name on top where that has room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotnine as p9

from ..data.ranges import Range, shown_ranges
from .palette import ink
from .theme import SMALL

SHADE = 0.45  # how opaque
LINE = 0.05  # of a panel's height, that a line of names takes


class Shades(NamedTuple):
    """Layers behind and in front of the lines, and the part of the panel's height that is kept for names."""

    behind: list[Any]
    front: list[Any]
    kept: float


def shades(wavelengths: Sequence[float], room: float, base_size: float) -> Shades:
    """Shades and names for a panel in which so many characters fit side by side; nothing for a single part."""
    found = shown_ranges(wavelengths)
    if len(found) < 2:
        return Shades([], [], 0.0)
    frame = pd.DataFrame(found)
    names = _fitting(found, (max(wavelengths) - min(wavelengths)) / max(room, 1))
    lines = max((1 + name.count("\n") for name in names), default=0)
    named = frame.assign(middle=(frame["low"] + frame["high"]) / 2, text=names).query("text != ''")
    rectangle = p9.aes(xmin="low", xmax="high", ymin=-np.inf, ymax=np.inf)
    shaded = p9.geom_rect(
        rectangle, data=frame[frame["shaded"]], inherit_aes=False, fill=ink("grid"), alpha=SHADE, color="none"
    )
    text = p9.geom_text(
        p9.aes("middle", np.inf, label="text"), data=named, inherit_aes=False, va="top", size=SMALL * base_size,
        color=ink("subtle"), lineheight=1.1,
    )  # fmt: skip
    return Shades([shaded], [text] if len(named) else [], LINE * lines)


def _fitting(found: Sequence[Range], per_character: float) -> list[str]:
    """Names that stand beside each other, in lines of a word each; empty where there is no room."""
    names, end = [], found[0].low - per_character
    last = found[-1].high + per_character
    for one in found:
        text = one.name.replace(" ", "\n")
        half = (max(map(len, text.split("\n"))) + 1) / 2 * per_character
        middle = (one.low + one.high) / 2
        fits = middle - half >= end and middle + half <= last
        names.append(text if fits else "")
        end = middle + half if fits else end
    return names
