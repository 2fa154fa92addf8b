"""Names, values, shapes and calls as those who read messages write them: Python users in Python, R users in R.

What is spelled here is quoted back to people, so that they can type it: a shape of (3, 3, 4) is no such thing in R. And
what nearly is a known name is likely to be meant as it, so that the name is offered.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .positions import first, spelled

# values that a message shows of a vector, and characters of any value
MOST_VALUES = 8
MOST_CHARACTERS = 200

_CONSTANTS = {"None": "NULL", "True": "TRUE", "False": "FALSE"}


def argument(name: str, *values: Any) -> str:
    """An argument in a call, and the values that it may have: method='occlusion' or 'shapley'."""
    *others, last = map(shown, values)
    return spelled(f"{name}=", f"{name} = ") + (f"{', '.join(others)} or {last}" if others else last)


def flags() -> str:
    """The two values of a switch."""
    return spelled("True or False", "TRUE or FALSE")


def quoted(name: Any) -> str:
    """A name in quotes."""
    if first() == 0:
        return repr(str(name))
    return '"' + str(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def choices(names: Iterable[Any], last: str = " or ", most: int | None = None) -> str:
    """Names in quotes, joined; the first few of many, where `most` is given."""
    all_names = list(names)
    shown_names = all_names if most is None else all_names[:most]
    return last.join(map(quoted, shown_names)) + (", ..." if len(shown_names) < len(all_names) else "")


def few(values: Iterable[Any], most: int = MOST_VALUES, join: str = ", ") -> str:
    """The first few of many, and how many there are: a, b, ... (12 in all)."""
    texts = [str(value) for value in values]
    return join.join(texts[:most]) + (f"{join}... ({len(texts)} in all)" if len(texts) > most else "")


def and_more(texts: Sequence[str], most: int, join: str = ", ") -> str:
    """The first few of many, in a sentence: a, b and 10 more."""
    return join.join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def shape_text(lengths: Sequence[Any] | None) -> str:
    """A shape; lengths that are not known are "any"."""
    if lengths is None:
        return "an unknown shape"
    sides = ["any" if length is None else str(length) for length in lengths]
    if first() == 0:
        return f"({', '.join(sides)}{',' if len(sides) == 1 else ''})"
    return " x ".join(sides) or "a single number"


def type_text(dtype: Any) -> str:
    """What an array holds."""
    return spelled(f"dtype {dtype}", f"values of Python's type {dtype}")


def number_text(value: Any) -> str:
    """A number, which need not be finite."""
    if first() == 0 or np.isfinite(value):
        return str(value)
    return "NaN" if np.isnan(value) else "Inf" if value > 0 else "-Inf"


def shown(value: Any) -> str:
    """A value that a user gave."""
    text = repr(value) if first() == 0 else _in_r(value)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."


def _in_r(value: Any) -> str:
    if value is None or isinstance(value, bool | np.bool_):
        return _CONSTANTS[str(value)]
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float | np.number):
        return f"{value:.7g}" if np.isfinite(value) else number_text(value)
    if isinstance(value, np.ndarray) and value.ndim != 1:
        return f"an array of {shape_text(value.shape)}" if value.ndim else _in_r(value.item())
    if isinstance(value, dict):
        entries = [f"{name} = {_in_r(entry)}" for name, entry in list(value.items())[:MOST_VALUES]]
        return f"list({', '.join(entries)}{', ...' if len(value) > MOST_VALUES else ''})"
    if isinstance(value, Sequence | np.ndarray):
        entries = [_in_r(entry) for entry in value[:MOST_VALUES]]
        return f"c({', '.join(entries)}{', ...' if len(value) > MOST_VALUES else ''})"
    return f"<{type(value).__name__}>"


def nearest(given: Any, known: Iterable[Any], fix: str | None = None) -> str | None:
    """How to mend a name, or several, that may be misspelt: the nearest known one, then what else there is to say.

    Parameters
    ----------
    given : object
        A name or several; what is no text is like no name.
    known : iterable
        Names that there are.
    fix : str, optional
        What helps in any case.

    Returns
    -------
    str or None
        None if there is nothing to say.
    """
    several = list(given) if isinstance(given, list | tuple | set | frozenset) else [given]
    names = list(dict.fromkeys(str(name) for name in known))
    found = {name: near for name in several if isinstance(name, str) and (near := _near(name, names)) is not None}
    if not found:
        return fix
    offers = [quoted(near) + (f" for {quoted(name)}" if len(several) > 1 else "") for name, near in found.items()]
    meant = f"did you mean {', '.join(offers)}?"
    return meant if fix is None else f"{meant} Else {fix}"


def _near(name: str, names: list[str]) -> str | None:
    """The known name that is most like another; neither case nor "_", "-", "." and spaces matter."""
    plain: dict[str, str] = {}
    for known in names:
        plain.setdefault(_plain(known), known)
    if name.isdigit():
        return None  # numbers near each other have nothing to do with each other
    found = difflib.get_close_matches(_plain(name), list(plain), n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return re.sub(r"[-_. ]", "", name.casefold())
