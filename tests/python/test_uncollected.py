"""Looking for garbage is put off, and goes on as it was."""

from __future__ import annotations

import gc

import pytest
from bandlens.engine.uncollected import uncollected


def test_collecting_goes_on_whatever_happens() -> None:
    def fail() -> None:
        with uncollected():
            assert not gc.isenabled()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled()


def test_who_has_turned_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with uncollected(), uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
