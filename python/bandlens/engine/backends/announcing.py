"""Formulas that will be asked for, where nothing is compiled before it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def announce(trace: Any, function: Callable[..., Any], shapes: Sequence[tuple[int, ...]], /, **static: Any) -> None:
    """Nothing: formulas are compiled with what they are in, or not at all."""
