"""Same call, same numbers, bit by bit: in one process, and in two with the same number of threads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bandlens as bl
import pytest
from repeats import cases, digests, networks, of_all_outputs_by_deepshap

REPEATS = 5


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """Networks of all kinds of layers whose kernels work in parallel, traced once for all methods."""
    return networks()


def assert_repeats_are_equal(models: dict[str, Any], chosen: Callable[[str], bool]) -> None:
    first, *others = digests(models, REPEATS, chosen)
    assert first
    for other in others:
        assert other == first


# integrated gradients are asked for with too few steps, to be quick, and say so
@pytest.mark.filterwarnings("ignore:Integrated gradients:bandlens.errors.CompletenessWarning")
@pytest.mark.parametrize(
    "method",
    # what shares its way of computing with another is slow
    [pytest.param(name, marks=[pytest.mark.slow] * (name in ("vargrad", "expected_gradients"))) for name in bl.METHODS],
)
def test_repeats_in_one_process_are_equal(models: dict[str, Any], method: str) -> None:
    assert_repeats_are_equal(
        models, lambda case: case.split(" ", 1)[0] == method and not of_all_outputs_by_deepshap(case)
    )


def test_repeats_of_all_outputs_by_deepshap_are_equal(models: dict[str, Any]) -> None:
    assert_repeats_are_equal(models, of_all_outputs_by_deepshap)


@pytest.mark.slow
def test_two_processes_are_equal(models: dict[str, Any]) -> None:
    script = Path(__file__).with_name("repeats.py")
    found = []
    for _ in range(2):
        run = subprocess.run([sys.executable, str(script), "1"], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        found.append(json.loads(run.stdout.splitlines()[-1])[0])
    assert len(found[0]) == len(models) * sum(not of_all_outputs_by_deepshap(case) for case in cases())
    assert found[0] == found[1]
