"""reticulate's signal handler, played by a module that does what it does."""

from __future__ import annotations

import ctypes
from types import ModuleType

import pytest
from bandlens.r.interrupts import mend_signals


def handler(ask) -> ModuleType:
    """As in rpytools.signals of reticulate 1.28."""
    signals = ModuleType("rpytools.signals")
    signals._callback = ask

    def handle() -> None:
        if signals._callback(False):
            signals._callback(True)
            raise KeyboardInterrupt

    signals.handle = handle
    return signals


def interrupted(reset: bool) -> bool:
    raise RuntimeError("(Unknown exception occurred)")


def test_an_interrupted_answer_is_an_interrupt() -> None:
    signals = handler(interrupted)
    with pytest.raises(RuntimeError):
        signals.handle()
    mend_signals(signals)
    with pytest.raises(KeyboardInterrupt):
        signals.handle()


def test_other_answers_are_heard() -> None:
    asked = []
    pending = handler(lambda reset: asked.append(reset) or True)
    mend_signals(pending)
    with pytest.raises(KeyboardInterrupt):
        pending.handle()
    assert asked == [False, True]
    heard = handler(lambda reset: False)
    mend_signals(heard)
    heard.handle()


def test_it_is_mended_once_and_only_where_it_is() -> None:
    signals = handler(interrupted)
    mend_signals(signals)
    mended = signals._callback
    mend_signals(signals)
    assert signals._callback is mended
    current = ModuleType("rpytools")
    mend_signals(current)
    assert not hasattr(current, "_callback")
    mend_signals()


def test_python_looks_at_the_flag_of_r_and_asks_nobody() -> None:
    flag = ctypes.c_int(1)
    signals = handler(interrupted)
    assert mend_signals(signals, flag)
    with pytest.raises(KeyboardInterrupt):
        signals.handle()
    assert flag.value == 0  # so that R doesn't hear the same interrupt
    signals.handle()
    flag.value = 1
    with pytest.raises(KeyboardInterrupt):
        signals.handle()


def test_r_keeps_hearing_interrupts_where_python_cannot() -> None:
    assert not mend_signals(handler(interrupted))  # no R in this process, so no flag
    assert not mend_signals(ModuleType("rpytools"), ctypes.c_int(0))
