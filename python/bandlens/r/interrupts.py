"""Interrupts while R waits for Python: in the end one of the two must hear them.

reticulate up to 1.36 makes Python ask R whether an interrupt is pending, and runs more R code, in C++, before and
behind each function of R that Python calls. That very interrupt may stop such code; then Python is told of an unknown
error, or the error leaps over Python's frames. So R lets interrupts wait while Python works (`R/interrupts.R`), and
Python looks by itself whether there is one.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from types import ModuleType
from typing import Any


def mend_signals(signals: ModuleType | None = None, flag: Any = None) -> bool:
    """Make reticulate's signal handler hear interrupts without R.

    Where R's flag is not found (Windows), R is asked, and its interrupted answer is the interrupt that it is.

    Parameters
    ----------
    signals : module, optional
        reticulate's `rpytools.signals`, where there is one.
    flag : object with a value, optional
        What R says is pending, not 0 where an interrupt is; R's own by default.

    Returns
    -------
    bool
        Whether R may let interrupts wait while Python works: Python hears them.
    """
    signals = signals or sys.modules.get("rpytools.signals")
    ask = getattr(signals, "_callback", None)
    if ask is None:
        return False
    flag = _pending() if flag is None else flag
    if not hasattr(ask, "__wrapped__"):
        signals._callback = _asking(ask) if flag is None else _looking(ask, flag)  # type: ignore[union-attr]
    return flag is not None


def _pending() -> Any:
    try:
        return ctypes.c_int.in_dll(ctypes.CDLL(None), "R_interrupts_pending")
    except (ValueError, OSError, TypeError):  # no such symbol, or no way to ask for it
        return None


def _asking(ask: Any) -> Any:
    @functools.wraps(ask, assigned=())
    def asked(reset: bool) -> bool:
        try:
            return bool(ask(reset))
        except RuntimeError:
            return True

    return asked


def _looking(ask: Any, flag: Any) -> Any:
    @functools.wraps(ask, assigned=())
    def looked(reset: bool) -> bool:
        pending = bool(flag.value)
        if reset:
            flag.value = 0
        return pending

    return looked
