"""Where counting starts in what people read: at 0 for Python users, at 1 for R users, and how calls are written there.

Positions in data always count from 0. Only messages, and the names of classes that nobody named, depend on this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FIRST: ContextVar[int] = ContextVar("first", default=0)


def first() -> int:
    """What the first of several things is called."""
    return _FIRST.get()


def spelled(python: str, r: str) -> str:
    """What to call, in the language of those who read it."""
    return python if first() == 0 else r


@contextmanager
def counting_from(number: int) -> Iterator[None]:
    """Count from `number` in messages and default names made inside."""
    token = _FIRST.set(number)
    try:
        yield
    finally:
        _FIRST.reset(token)
