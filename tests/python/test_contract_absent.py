"""What every method promises, where absent bands are what the others allow: whatever the images come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from test_contract import CLASSES, container, layout_model

FILLED = [
    pytest.param(method, absent, id=f"{method}-{absent}")
    for method, known in bl.METHODS.items()
    if "absent" in known.options
    for absent in ("conditional", "nearest")
]


@pytest.mark.parametrize(("method", "absent"), FILLED)
@pytest.mark.parametrize("kind", ["fortran", "uint16", "list"])
def test_containers(method: str, absent: str, kind: str) -> None:
    model, shape, _ = layout_model("image", 4)
    x = np.random.default_rng(5).integers(0, 20, (7, *shape)).astype("float32")
    background = np.random.default_rng(6).integers(0, 20, (9, *shape)).astype("float32")
    call = {"method": method, "absent": absent, "classes": CLASSES}
    call |= {} if method == "permutation" else {"background": background}
    plain = bl.band_importance(model, x, np.arange(7) % 3, **call)
    held = bl.band_importance(model, container(x, kind), np.arange(7) % 3, **call)
    np.testing.assert_allclose(held.scores, plain.scores, rtol=1e-6, atol=1e-7)
    assert held.options["absent"] == absent


@pytest.mark.parametrize(("method", "absent"), FILLED)
def test_same_seed_same_numbers_and_one_band_alone(
    small_cnn: Any, images: np.ndarray, tmp_path: Path, method: str, absent: str
) -> None:
    first, again = (
        bl.band_importance(small_cnn, images, method=method, absent=absent, n_background=6, seed=3) for _ in range(2)
    )
    np.testing.assert_array_equal(first.scores, again.scores)
    first.save(tmp_path / "result.npz")
    assert bl.BandImportance.load(tmp_path / "result.npz").to_frame().equals(first.to_frame())
    # where there is no other band, nothing tells what it should be: it is what any band of the background is
    model, shape, _ = layout_model("image", 1)
    x = np.random.default_rng(1).normal(size=(6, *shape)).astype("float32")
    alone = bl.band_importance(model, x, method=method, absent=absent)
    assert np.isfinite(alone.scores).all()
    assert alone.scores.shape == (6, 1, 1)


@pytest.mark.parametrize(("method", "absent"), FILLED)
@pytest.mark.parametrize("layout", ["spectrum", "cube", "first"])
def test_layouts(method: str, absent: str, layout: str) -> None:
    model, shape, axis = layout_model(layout, 5)
    x = np.random.default_rng(0).normal(size=(7, *shape)).astype("float32")
    result = bl.band_importance(model, x, method=method, absent=absent, band_axis=axis, target="all")
    assert result.scores.shape == (7, 3, 5)
    assert np.isfinite(result.scores).all()
