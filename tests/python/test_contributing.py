"""CONTRIBUTING.md is true: what it shows how to add can be added like that, and what it names is there."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import plots
from bandlens.engine.deepshap.rules import RULES
from bandlens.methods import METHODS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGE = Path(bl.__file__).parent


def added(room: str, name: str) -> Any:
    """What a block of code defines under a name, run as a file of a room."""
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if f"{name}" in block]
    assert len([line for line in code.splitlines() if line]) <= 12, "about ten lines"
    module = types.ModuleType(f"bandlens.{room}.added")
    module.__package__ = f"bandlens.{room}"
    exec(compile(code, name, "exec"), vars(module))
    return vars(module)[name]


def test_a_method(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    method = added("methods", "BRIGHTEST")
    monkeypatch.setitem(METHODS, method.name, method)
    model = keras.Sequential([keras.Input((3, 3, 2)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])
    model.layers[-1].set_weights([np.array([[2.0], [-1.0]]), np.zeros(1)])
    x = np.random.default_rng(0).uniform(1, 2, (5, 3, 3, 2)).astype("float32")
    found = bl.band_importance(model, x, method="brightest")
    np.testing.assert_allclose(found.scores[:, 0], (x**2).mean(axis=(1, 2)) * [2, -1], rtol=1e-5)


def test_a_rule(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "product", added("engine.deepshap.rules", "first"))
    inputs = keras.Input((2, 2, 2))
    # behind a kernel each, so that bands don't meet elementwise as in an index, which is shared out as a whole
    left, right = (keras.layers.Conv2D(1, 2, use_bias=False)(inputs[..., band : band + 1]) for band in range(2))
    model = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Multiply()([left, right])))
    x, background = np.random.default_rng(0).normal(size=(2, 4, 2, 2, 2)).astype("float32")
    found = bl.band_importance(model, x, background=background[:1])
    parts = keras.Model(inputs, [left, right])
    (u, v), (u_, v_) = ([part.reshape(-1) for part in parts.predict(of, verbose=0)] for of in (x, background[:1]))
    np.testing.assert_allclose(
        found.scores[:, 0], np.stack([(u - u_) * v, (v - v_) * u_], axis=1), rtol=1e-4, atol=1e-5
    )


@pytest.fixture
def result(small_cnn: Any, images: np.ndarray) -> bl.BandImportance:
    return bl.band_importance(small_cnn, images, method="saliency")


def test_a_picture(result: bl.BandImportance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(plots.KINDS, "dots", added("plots", "draw"))
    result.plot("dots").save(tmp_path / "dots.png", verbose=False, width=4, height=3)
    assert (tmp_path / "dots.png").stat().st_size > 1000


def test_a_check(result: bl.BandImportance) -> None:
    check = added("checks", "check_sizes")
    assert check(result).passed is False
    enough = check(result, least=1)
    assert enough.passed is True
    assert enough.to_frame().columns.tolist() == ["class", "n"]
    assert "All classes" in enough.summary()


def test_it_is_under_two_pages() -> None:
    prose = re.sub(r"```python\n.*?```", "", TEXT, flags=re.DOTALL)
    assert len(prose.split()) <= 1000


def test_rooms_and_files_that_are_named_exist() -> None:
    rooms = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert set(rooms) == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    files = [path.as_posix() for folder in ("python", "R", "tests") for path in (ROOT / folder).rglob("*.[pR]*")]
    for name in re.findall(r"`([\w/]+\.(?:py|R))`", TEXT):
        if not re.search(r"brightest|first|dots|sizes", name):  # those to be added
            assert any(path.endswith(f"/{name}") for path in files), name


def test_verbs_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for verbs in re.findall(r"`make ([\w -]+)`", TEXT):
        for verb in verbs.split():
            assert re.search(rf"^{verb}:", makefile, re.MULTILINE), verb
