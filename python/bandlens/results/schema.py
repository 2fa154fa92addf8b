"""What a result consists of, read from its class: a field is described once, where it is declared.

Saving, loading, taking images out, putting pieces together and the way to R and back all follow from it, so that a new
field is one line. The type of a field mostly says what it is. Where it doesn't, `Annotated` adds what an array holds,
along which axes, and what pieces of one computation have in common:

    scores: Annotated[np.ndarray, Numbers("image", "explained", "band")]
    image_class: Annotated[np.ndarray, Positions("image", of="classes")]
    bands: Annotated[tuple[str, ...], Names("band"), Same("the bands")]
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..errors import ResultError

Result = TypeVar("Result")


class Holds:
    """What an array or a tuple holds, and along which axes.

    Parameters
    ----------
    *axes : str
        What each axis is called; "..." stands for any number of them. An axis has the names that a field of `Names`
        gives it.
    of : str, optional
        The field of names that positions point into.
    newer : bool
        Whether results lack it that earlier versions saved, although they could have it.
    """

    kind: ClassVar[str]

    def __init__(self, *axes: str, of: str = "", newer: bool = False) -> None:
        self.axes = axes
        self.of = of
        self.newer = newer


class Numbers(Holds):
    """Numbers, NaN where one is missing."""

    kind = "numbers"


class Positions(Holds):
    """Positions, which count from 0 here and from 1 in R; -1 is missing."""

    kind = "positions"


class Counts(Holds):
    """Whole numbers that are the same in all languages."""

    kind = "counts"


class Flags(Holds):
    """True or False."""

    kind = "flags"


class Names(Holds):
    """Names of what lies along an axis."""

    kind = "names"


class Plain(Holds):
    """One value."""

    kind = "plain"


class Lists(Holds):
    """Lists of texts by name."""

    kind = "lists"


@dataclass(frozen=True)
class Same:
    """Pieces that are put together must have this in common."""

    meaning: str


@dataclass(frozen=True)
class Field:
    """A field of a result.

    Attributes
    ----------
    name : str
    kind : str
        "numbers", "positions", "counts", "flags" or "names", as above; "plain" for one value; "texts" by name; "lists"
        of texts by name; or a "record" of any values by name.
    array : bool
        Whether it is an array, not a tuple.
    axes, of, newer
        As in `Holds`.
    same : str
        What to call it where pieces differ in it; empty where they may.
    required : bool
        Whether it has no default.
    """

    name: str
    kind: str
    array: bool
    axes: tuple[str, ...]
    of: str
    newer: bool
    same: str
    required: bool


# what types say by themselves
_KINDS = {
    **dict.fromkeys((str, bool, int, float), "plain"),
    tuple[str, ...]: "names",
    tuple[float, ...]: "numbers",
    dict[str, Any]: "record",
    dict[str, str]: "texts",
    dict[str, list[str]]: "lists",
}
_DTYPES = {"numbers": np.float64, "positions": np.int64, "counts": np.int64, "flags": np.bool_}


def schema(result_class: type) -> dict[str, Field]:
    """Fields of a class of results, by name, in order.

    Raises
    ------
    TypeError
        If neither type nor `Annotated` say what a field is.
    """
    if result_class not in _read:
        types = typing.get_type_hints(result_class, include_extras=True)
        _read[result_class] = {
            entry.name: _field(entry, types[entry.name]) for entry in dataclasses.fields(result_class)
        }
    return _read[result_class]


_read: dict[type, dict[str, Field]] = {}


def _field(entry: dataclasses.Field, declared: Any) -> Field:
    notes = getattr(declared, "__metadata__", ())
    bare = declared.__origin__ if notes else declared
    bare = next((one for one in typing.get_args(bare) if one is not NoneType), bare) if _may_be_none(bare) else bare
    holds = next((note for note in notes if isinstance(note, Holds)), None)
    kind = holds.kind if holds else _KINDS.get(bare)
    if kind is None or bare not in (np.ndarray, *_KINDS):
        raise TypeError(f"It is not said what {entry.name!r} of type {declared} is, see `bandlens.results.schema`.")
    return Field(
        name=entry.name,
        kind=kind,
        array=bare is np.ndarray,
        axes=holds.axes if holds else (),
        of=holds.of if holds else "",
        newer=holds.newer if holds else False,
        same=next((note.meaning for note in notes if isinstance(note, Same)), ""),
        required=entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING,
    )


def _may_be_none(declared: Any) -> bool:
    return NoneType in typing.get_args(declared)


def fields_along(result_class: type, axis: str) -> tuple[str, ...]:
    """Names of the fields whose first axis this is."""
    return tuple(field.name for field in schema(result_class).values() if field.axes[:1] == (axis,))


def taken(result: Result, axis: str, at: np.ndarray) -> dict[str, Any]:
    """Those fields of a result that have this first axis, at positions along it only."""
    found = {name: getattr(result, name) for name in fields_along(type(result), axis)}
    return {name: _taken(values, at) for name, values in found.items() if values is not None}


def _taken(values: Any, at: np.ndarray) -> Any:
    return values[at] if isinstance(values, np.ndarray) else tuple(np.asarray(values, dtype=object)[at].tolist())


def joined(results: Sequence[Result], axis: str) -> dict[str, np.ndarray | None]:
    """Those fields that have this first axis, of all results; None where one lacks it."""
    columns = {name: [getattr(one, name) for one in results] for name in fields_along(type(results[0]), axis)}
    return {
        name: None if any(values is None for values in column) else np.concatenate(column)
        for name, column in columns.items()
    }


def restored(result_class: Callable[..., Result], given: Mapping[str, Any]) -> Result:
    """A result from its fields, which a file or another language has kept as lists, arrays and numbers.

    Parameters
    ----------
    result_class : type
    given : dict
        Fields by name. None stands for a field's default.

    Raises
    ------
    ResultError
        If fields are missing that have no default, or are not known.
    """
    entries = schema(result_class)  # type: ignore[arg-type]  # a class, whose call mypy shall know
    unknown = ", ".join(name for name in given if name not in entries)
    if unknown:
        raise ResultError("The result is of a later version.", expected=", ".join(entries), given=unknown)
    parts = {name: _restored(entries[name], value) for name, value in given.items() if value is not None}
    needed = [name for name, entry in entries.items() if entry.required]
    missing = [name for name in needed if name not in parts]
    if missing:
        raise ResultError("The result is not complete.", expected=", ".join(needed), given=f"no {', '.join(missing)}")
    return result_class(**parts)


def _restored(field: Field, value: Any) -> Any:
    if field.array:
        return np.array(value, _DTYPES[field.kind], order="C")
    if field.kind in ("names", "numbers"):
        return tuple(map(str if field.kind == "names" else float, value))
    if field.kind == "plain":
        return value
    return dict(value or {})  # R has one kind of empty list
