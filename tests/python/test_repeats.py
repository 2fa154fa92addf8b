"""Same call, same numbers, bit by bit: in one process, and in two with the same number of threads."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import bandlens as bl
import pytest
from bandlens.errors import CompletenessWarning
from repeats import cases, digests

REPEATS = 5


def of(method: str) -> Callable[[str], bool]:
    """Which cases are those of a method; DeepSHAP's of all outputs are tested on their own."""
    return lambda case: case.split(" ", 1)[0] == method and not (method == "deepshap" and case.endswith("all"))


@pytest.mark.parametrize("method", bl.METHODS)
def test_repeats_in_one_process_are_equal(method: str) -> None:
    first, *others = digests(REPEATS, of(method))
    assert first
    for other in others:
        assert other == first


def test_two_processes_are_equal() -> None:
    script = Path(__file__).with_name("repeats.py")
    found = []
    for _ in range(2):
        run = subprocess.run([sys.executable, str(script), "1"], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        found.append(json.loads(run.stdout.splitlines()[-1])[0])
    assert len(found[0]) == 3 * len(cases())
    differ = {case for case in found[0] if found[0][case] != found[1][case]}
    assert {case for case in differ if not ("deepshap" in case and case.endswith("all"))} == set()


def test_repeats_of_all_outputs_by_deepshap_are_equal() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CompletenessWarning)
        first, *others = digests(REPEATS, lambda case: case.startswith("deepshap") and case.endswith("all"))
    assert first
    for other in others:
        assert other == first
