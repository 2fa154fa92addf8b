"""What R is told of methods: their options with defaults as R writes them."""

from __future__ import annotations

from typing import Any

from ..data.positions import first
from ..methods import Method
from .conversions import Answer, fields


def described(method: Method) -> Answer:
    """A method as a dictionary."""
    options = [
        {
            "option": name,
            "default": written(option.default),
            "meaning": option.meaning.replace("counted from 0", f"counted from {first()}"),
        }
        for name, option in method.options.items()
    ]
    return {
        **fields(method, str, ("name", "label", "summary", "cost", "statistic", "reference")),
        "additive": method.additive,
        "maps": method.maps is not None,
        "background": method.uses_background,
        "options": options,
    }


def written(default: Any) -> str:
    """The default of an option, as R writes it, strings without quotes."""
    if default is None:
        return "NULL"
    if isinstance(default, bool):
        return str(default).upper()
    return f"{default:g}" if isinstance(default, float) else str(default)
