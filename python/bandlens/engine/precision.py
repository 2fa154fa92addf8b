"""How precise products of float32 numbers have to be: GPUs offer to round them to TF32, which is faster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from ..data.words import flags, shown
from ..errors import OptionError

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
        raise OptionError("Whether TF32 is allowed is not clear.", expected=flags(), given=shown(allow))
    before, _allowed = _allowed, allow
    return before


def tf32_allowed() -> bool:
    """What `allow_tf32` said."""
    return _allowed


def shared(context: Callable[[], AbstractContextManager[Any]]) -> Callable[[], AbstractContextManager[None]]:
    """A context around a setting of the whole process: the first thread that comes enters it, the last leaves it."""
    lock, held, inside = threading.Lock(), ExitStack(), 0

    @contextmanager
    def enter() -> Iterator[None]:
        nonlocal inside
        with lock:
            if inside == 0:
                held.enter_context(context())
            inside += 1
        try:
            yield
        finally:
            with lock:
                inside -= 1
                if inside == 0:
                    held.close()

    return enter
