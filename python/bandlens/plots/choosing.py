"""Which bands and classes a picture shows that has a panel per band: all of a few, else the strongest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mizani.breaks import breaks_extended

from ..data.positions import first
from ..errors import BandError, OptionError
from .palette import colours
from .panels import most_of

ALL = 9  # bands that are all shown
MANY = 6  # shown where there are more


def shown_bands(
    bands: Sequence[str], strength: np.ndarray, given: Any, top: int | None, *, most: int = ALL, many: int = MANY
) -> list[int]:
    """Positions of the bands that are shown, in their order.

    Parameters
    ----------
    bands : sequence of str
    strength : ndarray, shape (bands,)
        What says which are the strongest; NaN is none.
    given : sequence of str or int, optional
        Bands that the user wants to see, by name or position.
    top : int, optional
        How many the user wants to see.
    most, many : int
        Bands that are all shown by default; how many are where there are more.
    """
    if given is not None:
        if top is not None:
            raise OptionError("`bands` and `top` both say which bands to show.", expected="one of them", given="both")
        return _named(given, bands)
    n = most_of(top, len(bands)) if top is not None or len(bands) <= most else many
    return sorted(np.argsort(-np.nan_to_num(strength), kind="stable")[:n].tolist())


def _named(given: Any, bands: Sequence[str]) -> list[int]:
    wanted = [given] if isinstance(given, str | int) else list(given)
    places = {name: at for at, name in enumerate(bands)} | {at: at for at in range(len(bands))}
    wrong = [band for band in wanted if isinstance(band, bool) or band not in places]
    if wrong or not wanted:
        raise BandError(
            "There are no such bands to show.",
            expected=f"`bands`: names among {', '.join(bands[:8])}{', ...' if len(bands) > 8 else ''}, or positions "
            f"from {first()} to {len(bands) - 1 + first()}",
            given=", ".join(map(repr, wrong)) or "none",
        )
    return sorted({places[band] for band in wanted})


def coloured_classes(
    classes: Sequence[str], strength: Sequence[float] | np.ndarray, given: Any, most: int = 0
) -> list[str]:
    """Classes that have a colour, in their order: those given, else all, or the strongest where those are too many.

    `classes` are those that occur; `most` is the number of colours unless it is given.
    """
    most = most or len(colours("class"))
    if given is None:
        order = np.argsort(-np.nan_to_num(np.asarray(strength, np.float64)), kind="stable")[:most]
        return [classes[at] for at in sorted(order.tolist())]
    wanted = [given] if isinstance(given, str) else list(given)
    wrong = [name for name in wanted if name not in classes]
    if wrong or not 1 <= len(set(wanted)) <= most:
        raise OptionError(
            "`classes` does not say which classes to show.",
            expected=f"at most {most} of {', '.join(map(str, classes[:8]))}{', ...' if len(classes) > 8 else ''}",
            given=", ".join(map(repr, wrong or wanted)) or "none",
        )
    return [name for name in classes if name in wanted]


def some_of(n: int, every: int, which: str) -> str:
    """A note of what is not shown, empty where all is."""
    return "" if n == every else f"; {n} of {every} {which}"


def band_titles(bands: Sequence[str], wavelengths: Sequence[float], chosen: Sequence[int]) -> dict[str, str]:
    """Names of bands, with their wavelengths where they are known."""
    return {
        bands[at]: bands[at] + (f" ({wavelengths[at]:.0f} nm)" if np.isfinite(wavelengths[at]) else "") for at in chosen
    }


def level_axis() -> dict[str, Any]:
    """Breaks of an axis of levels in a narrow panel: a few, in numbers that are short."""
    return {"breaks": _few, "labels": lambda ticks: [f"{tick:.4g}" for tick in ticks]}


def _few(limits: tuple[float, float]) -> list[float]:
    ticks = breaks_extended(n=4)(limits)
    return [float(tick) for tick in ticks if limits[0] <= tick <= limits[1]]
