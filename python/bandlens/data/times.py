"""Names of steps in time: dates, numbers or names, as text, and which of these they are."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np

from ..errors import BandError
from .positions import first, spelled
from .words import few, shown

# kinds of steps
DATE, NUMBER, NAME = "date", "number", "name"

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?")


def time_names(times: Any, n_steps: int, name: str = "times") -> tuple[tuple[str, ...], str]:
    """Names of the steps and their kind, "date", "number" or "name"; their positions where there are none.

    Parameters
    ----------
    times : sequence or None
        Numbers, dates (`numpy.datetime64`, `datetime.date`, pandas' own, texts such as "2024-05-01"), or names.
    n_steps : int
    name : str
        What to call them in errors.

    Raises
    ------
    BandError
        If there is not one name per step, one is missing, or one comes twice.
    """
    if times is None:
        return tuple(str(step + first()) for step in range(n_steps)), NUMBER
    values = [times] if isinstance(times, str) or not hasattr(times, "__len__") else list(times)
    if len(values) != n_steps:
        raise BandError(
            f"`{name}` don't match the steps on `time_axis`.",
            expected=f"{n_steps} dates, numbers or names, one per step",
            given=f"{len(values)}: {few(values)}",
            fix="if the steps are on another axis, set `time_axis`",
        )
    found, kind = _read(values, name)
    if len(set(found)) != len(found):
        twice = sorted({one for one in found if found.count(one) > 1})
        raise BandError(
            f"`{name}` must differ.",
            expected=f"{n_steps} different dates, numbers or names",
            given=f"more than once: {few(twice)}",
        )
    return found, kind


def needs_axis() -> BandError:
    """For names of steps where it isn't said what is one."""
    return BandError(
        "`times` needs an axis of steps in time.",
        expected="`time_axis`, the axis of `x` that holds the steps",
        given="`times` alone",
        fix="say which it is, by `time_axis`",
    )


def _read(values: list[Any], name: str) -> tuple[tuple[str, ...], str]:
    missing = [place for place, value in enumerate(values) if value is None or value != value]
    if missing:
        raise BandError(f"`{name}` has missing entries.", given=f"none for step {missing[0] + first()}")
    if all(isinstance(value, str) and _ISO.fullmatch(value) for value in values) or all(map(_is_date, values)):
        try:
            return _dates(values), DATE
        except ValueError as error:
            raise BandError(
                f"`{name}` holds texts that look like dates and are none.", given=few(values), fix=str(error)
            ) from error
    if all(isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_) for value in values):
        if not np.isfinite(np.array(values, np.float64)).all():
            raise BandError(f"`{name}` must be finite numbers.", given=few(values))
        return tuple(f"{float(value):.10g}" for value in values), NUMBER
    if all(isinstance(value, str) and value for value in values):
        return tuple(str(value) for value in values), NAME
    raise BandError(
        f"`{name}` must be dates, numbers or names.",
        expected=spelled('such as ["2024-05-01", "2024-06-01"]', 'such as as.Date(c("2024-05-01", "2024-06-01"))'),
        given=few(map(shown, values)),
    )


def _is_date(value: Any) -> bool:
    return isinstance(value, datetime.date | np.datetime64) or hasattr(value, "to_datetime64")


def _dates(values: list[Any]) -> tuple[str, ...]:
    """As ISO writes them; with the time of day where there is one."""
    moments = np.array([value.to_datetime64() if hasattr(value, "to_datetime64") else value for value in values])
    moments = moments.astype("datetime64[ns]")
    if (moments == moments.astype("datetime64[D]")).all():
        return tuple(np.datetime_as_string(moments, unit="D").tolist())
    return tuple(np.datetime_as_string(moments, unit="s").tolist())
