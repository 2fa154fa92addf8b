"""Options of a method: each with its default, its meaning, and a check that runs before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import OptionError
from .words import choices, flags, nearest, shown


@dataclass(frozen=True)
class Option:
    """One option of a method.

    Attributes
    ----------
    default : object
    meaning : str
    check : callable
        ``(name, value) -> value`` as the method wants it (R has no whole numbers: 50.0 means 50); raises OptionError.
    """

    default: Any
    meaning: str
    check: Callable[[str, Any], Any]


def whole_number(name: str, value: Any, least: int = 1) -> int:
    """A whole number of Python's or NumPy's integer types, at least `least`; else an OptionError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise OptionError(f"`{name}` must be a whole number, {least} or more.", given=shown(value))
    return int(value)


def whole(least: int = 1) -> Callable[[str, Any], int]:
    """A whole number, which may be written as 50.0."""

    def check(name: str, value: Any) -> int:
        if not _is_number(value) or value != int(value) or value < least:
            raise OptionError(f"`{name}` must be a whole number, {least} or more.", given=shown(value))
        return int(value)

    return check


def optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """None, or what another check allows."""
    return lambda name, value: None if value is None else check(name, value)


def number(least: float, most: float = float("inf"), *, above: bool = False) -> Callable[[str, Any], float]:
    """A finite number of at least `least` (or above it), at most `most`."""

    def check(name: str, value: Any) -> float:
        if not _is_number(value) or not least <= value <= most or (above and value == least):
            bounds = f"{'above' if above else 'from'} {least:g}" + (f" to {most:g}" if np.isfinite(most) else "")
            raise OptionError(f"`{name}` must be a number.", expected=bounds, given=shown(value))
        return float(value)

    return check


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise OptionError(f"`{name}` must be {flags()}.", given=shown(value))
    return bool(value)


def one_of(*allowed: str) -> Callable[[str, Any], str]:
    """One of some words."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise OptionError(
                f"`{name}` has a value that is not among those allowed.",
                expected=choices(allowed),
                given=shown(value),
                fix=nearest(value, allowed),
            )
        return value

    return check


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a result keeps them: arrays and functions by what they are, everything else as it is."""
    return {name: _plain(value) for name, value in options.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and bool(np.isfinite(value))
