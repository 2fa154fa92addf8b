"""Every method finds the band that was planted, in a trained model (the table over seeds is in the benchmarks)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bandlens as bl
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import planted_truth

SEED = 0


@pytest.fixture(scope="module")
def trained() -> Any:
    model, accuracy = planted_truth.train(SEED)
    assert accuracy > 0.95
    return model


@pytest.mark.parametrize("method", bl.METHODS)
def test_planted_band_is_ranked_first(trained: Any, method: str) -> None:
    # accuracy moves in steps of one image, so that permutation needs more of them
    first, share = planted_truth.found(trained, method, SEED, n=128 if method == "permutation" else 32)
    assert first.all()
    assert share.min() > 1 / 3
