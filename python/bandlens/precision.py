"""How precise products of float32 numbers have to be: GPUs offer to round them to TF32, which is faster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from .errors import OptionError

_allowed = False


def allow_tf32(allow: bool = True) -> bool:
    """Say whether GPUs may round float32 numbers to TF32, of 10 bits, before they multiply them.

    By default they may not, whatever the framework does for the model itself: what tells an image from a background
    image may be a small difference of large numbers, so that scores would hardly be complete. A setting of
    `jax_default_matmul_precision` or of `torch.set_float32_matmul_precision` is obeyed, too. Makes no difference on a
    CPU.

    Parameters
    ----------
    allow : bool
        Holds for all that is computed from now on. Results tell in their `versions`.

    Returns
    -------
    bool
        What held before.

    Raises
    ------
    OptionError
        If `allow` is neither True nor False.

    Examples
    --------
    >>> before = allow_tf32()
    >>> allow_tf32(before)
    True
    """
    global _allowed
    if not isinstance(allow, bool):
        raise OptionError("Whether TF32 is allowed is not clear.", expected="True or False", given=repr(allow))
    before, _allowed = _allowed, allow
    return before


def tf32_allowed() -> bool:
    """What `allow_tf32` said."""
    return _allowed


def shared(context: Callable[[], AbstractContextManager[Any]]) -> Callable[[], AbstractContextManager[None]]:
    """A context around a setting of the whole process: the first thread that comes enters it, the last leaves it."""
    lock = threading.Lock()
    inside: list[AbstractContextManager[Any]] = []  # the same one for each that is inside

    @contextmanager
    def enter() -> Iterator[None]:
        with lock:
            inside.append(inside[0] if inside else context())
            if len(inside) == 1:
                inside[0].__enter__()
        try:
            yield
        finally:
            with lock:
                held = inside.pop()
                if not inside:
                    held.__exit__(None, None, None)

    return enter


def precision_note() -> dict[str, str]:
    """What belongs into the versions of a result, if anything."""
    return {"float32": "TF32 allowed"} if _allowed else {}
