"""TensorFlow keeps memory where bandlens comes before it, and calls that take long say so where it came too late."""

from __future__ import annotations

import os
import sys
from typing import Any

import own_process
import pytest
from bandlens.engine import allocation

pytestmark = pytest.mark.tensorflow
LIMIT = "TF_CPU_BFC_MEM_LIMIT_IN_MB"
SHOWN = f"import os; print(os.environ.get('{allocation.KEEPS}'), os.environ.get('{LIMIT}'))"


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in allocation.VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("undecided")
def test_it_is_asked_to_before_it_starts() -> None:
    assert own_process.printed("-c", f"import bandlens; {SHOWN}") == "true 1048576"
    assert own_process.printed("-c", f"import tensorflow, bandlens; {SHOWN}") == "None None"


@pytest.mark.usefixtures("undecided")
def test_what_somebody_decided_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setenv(allocation.KEEPS, "false")
    allocation.keep()
    assert (os.environ[allocation.KEEPS], os.environ.get(LIMIT)) == ("false", None)
    monkeypatch.delenv(allocation.KEEPS)
    monkeypatch.setenv(LIMIT, "1000")
    with monkeypatch.context() as inner:
        inner.setattr("platform.system", lambda: "Windows")
        allocation.keep()
        assert allocation.KEEPS not in os.environ
    allocation.keep()
    assert (os.environ[allocation.KEEPS], os.environ[LIMIT]) == ("true", "1000")


A_LOOP = """
import bandlens, resource
import tensorflow as tf

double = tf.function(lambda x: tf.reduce_sum(tf.sqrt(tf.stack([x, x])) + 1))
x = tf.ones((16, 1024, 1024))
for _ in range(2):
    double(x).numpy()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    double(x).numpy()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not allocation.applies(), reason="for Linux only")
@pytest.mark.usefixtures("undecided")
def test_memory_is_not_asked_for_again() -> None:
    """Of 128 MB in each call, in pages of 4 KB."""
    kernels = {"TF_ENABLE_ONEDNN_OPTS": "0"}
    kept, given_back = (
        int(own_process.printed("-c", A_LOOP, **kernels, **setting)) for setting in ({}, {allocation.KEEPS: "false"})
    )
    assert kept < 5000
    assert given_back > 50_000


@pytest.mark.usefixtures("undecided")
@pytest.mark.parametrize("system", ["Linux", "Windows", "Darwin"])
@pytest.mark.parametrize("uses", [False, True], ids=["its own kernels", "oneDNN"])
@pytest.mark.parametrize("on_cpu", [False, True], ids=["GPU", "CPU"])
@pytest.mark.parametrize("decided", [None, "false", "true"])
def test_it_is_advised_where_it_came_too_late(
    monkeypatch: pytest.MonkeyPatch, system: str, uses: bool, on_cpu: bool, decided: str | None
) -> None:
    from bandlens.engine.backends.tensorflow import devices

    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(devices, "on_cpu", lambda: on_cpu)
    monkeypatch.setattr(devices, "uses_onednn", lambda: uses)
    if decided:
        monkeypatch.setenv(allocation.KEEPS, decided)
    wanted = system == "Linux" and not uses and on_cpu and decided is None
    advice: Any = devices.advice()
    assert (advice is not None) == wanted
    if wanted:
        assert "TF_CPU_ALLOCATOR_USE_BFC=true, set before TensorFlow starts, as importing bandlens first does" in advice
