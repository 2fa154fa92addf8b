"""The outcome of a check as R takes it, and checks that make no table of their own; see `bridge` for the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .conversions import Answer, answer, columns, fields, labels, plain
from .images import images_and_options

if TYPE_CHECKING:
    from ..checks import Check


def outcome(check: Check) -> Answer:
    """What the functions give that wrap a check."""
    return {
        "name": check.name,
        "tables": {level: columns(table) for level, table in check.tables.items()},
        "levels": {column: list(names) for column, names in check.levels.items()},
        "dates": any(column.dtype.kind == "M" for table in check.tables.values() for column in table.values()),
        **fields(check, plain, ("passed", "verdict", "facts")),
        # in R, a list of one value would look like a value
        "single": [name for name, fact in check.facts.items() if isinstance(fact, str) or np.ndim(fact) == 0],
    }


@answer
def check_plausibility(
    model: Any, x: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Check of how far filled images lie from the data; arguments of `bandlens.check_plausibility`, by name."""
    from ..checks import check_plausibility as check

    model, x, options = images_and_options(model, x, arguments)
    return outcome(check(model, x, **options, progress=progress or False))


@answer
def check_quality(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Metrics of the quality of explanations; arguments of `bandlens.check_quality`, by name."""
    from ..checks import check_quality as check

    model, x, options = images_and_options(model, x, arguments)
    return outcome(check(model, x, labels(y), **options, progress=progress or False))
