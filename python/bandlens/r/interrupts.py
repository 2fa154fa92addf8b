"""Interrupts while R waits for Python: in the end one of the two must hear them.

reticulate up to 1.36 makes Python ask R whether an interrupt is pending. R's answer is itself R code, which that very
interrupt may stop; then Python is told of an unknown error, and what would have been kept on an interrupt is lost.
"""

from __future__ import annotations

import functools
import sys
from types import ModuleType


def mend_signals(signals: ModuleType | None = None) -> None:
    """Make reticulate's signal handler take R's interrupted answer for the interrupt that it is.

    Parameters
    ----------
    signals : module, optional
        reticulate's `rpytools.signals`, where there is one.
    """
    signals = signals or sys.modules.get("rpytools.signals")
    ask = getattr(signals, "_callback", None)
    if ask is None or hasattr(ask, "__wrapped__"):
        return

    @functools.wraps(ask, assigned=())
    def asked(reset: bool) -> bool:
        try:
            return bool(ask(reset))
        except RuntimeError:
            return True

    signals._callback = asked  # type: ignore[union-attr]
