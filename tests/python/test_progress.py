"""What calls say while they work: nothing where nobody watches, else a bar, after two seconds, that says of what."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import progress
from bandlens.errors import OptionError

ROOT = Path(__file__).parents[2]


class Terminal(io.StringIO):
    """Standard error that is watched; pytest gives another one to each phase of a test, so that it is set inside."""

    def watch(self) -> None:
        sys.stderr = self

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(progress, "_elsewhere", False)
    monkeypatch.setattr(progress, "PATIENCE", 0.2)
    monkeypatch.delenv("BANDLENS_PROGRESS", raising=False)
    return Terminal()


def test_a_bar_appears_after_a_while_and_goes(terminal: Terminal) -> None:
    terminal.watch()
    with progress.ticker(None, 3, "Occlusion") as tick:
        tick(1)
        assert "Occlusion" not in terminal.getvalue()
        time.sleep(0.4)
        tick(1)
        assert "Occlusion" in terminal.getvalue()
    assert terminal.getvalue().rstrip(" ").endswith("\r")


def test_a_bar_appears_even_if_nothing_moves(terminal: Terminal) -> None:
    terminal.watch()
    with progress.ticker(None, 3, "Compiling"):
        time.sleep(0.6)
        assert "Compiling" in terminal.getvalue()


def test_a_bar_that_was_asked_for_appears_at_once(terminal: Terminal) -> None:
    terminal.watch()
    with progress.ticker(True, 3, "Asked"):
        assert "Asked" in terminal.getvalue()


def test_what_is_short_shows_nothing(terminal: Terminal) -> None:
    terminal.watch()
    with progress.ticker(None, 3, "Short") as tick:
        tick(3)
    time.sleep(0.4)
    assert "Short" not in terminal.getvalue()


@pytest.mark.parametrize(("said", "shown"), [("0", False), ("1", True), ("", True)])
def test_the_environment_says_for_all_calls(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, said: str, shown: bool
) -> None:
    terminal.watch()
    monkeypatch.setenv("BANDLENS_PROGRESS", said)
    with progress.ticker(None, 3, "Label"):
        time.sleep(0.4)
    assert ("Label" in terminal.getvalue()) is shown
    for asked in (True, False):  # an argument goes before
        terminal.truncate(0)
        with progress.ticker(asked, 3, "Label"):
            pass
        assert ("Label" in terminal.getvalue()) is asked


def test_another_value_in_the_environment_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.watch()
    monkeypatch.setenv("BANDLENS_PROGRESS", "no")
    with pytest.raises(OptionError, match=r"BANDLENS_PROGRESS(.*\n)+.*0 or 1(.*\n)+.*no"), progress.ticker(None, 1, ""):
        pass


def test_nothing_is_shown_where_nobody_watches_or_another_language_does(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.watch()
    progress.drawn_elsewhere()
    with progress.ticker(None, 3, "Label"), progress.status(None, "Status"):
        time.sleep(0.4)
    monkeypatch.setattr(progress, "_elsewhere", False)
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    with progress.ticker(None, 3, "Label"), progress.status(None, "Status"):
        time.sleep(0.4)
    assert terminal.getvalue() == ""


def test_a_saved_model_that_starts_keras_says_so(tmp_path: Path, small_cnn: Any) -> None:
    small_cnn.save(tmp_path / "model.keras")
    code = """
import sys, numpy as np, bandlens as bl
x = np.zeros((3, 8, 8, 4)) + np.arange(3).reshape(3, 1, 1, 1)
for progress in eval(sys.argv[2]):
    print("---", file=sys.stderr)
    bl.band_importance(sys.argv[1], x, method="saliency", progress=progress)
"""
    said = []
    for plan in ("(True, True)", "(False,)"):
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "model.keras"), plan],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "python"), "TF_CPP_MIN_LOG_LEVEL": "3"},
            check=True,
        )
        said.append([part.count("Starting Keras and loading the model") > 0 for part in run.stderr.split("---")[1:]])
    assert said == [[True, False], [False]]


def test_downloads_say_what_they_fetch(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal.watch()
    from bandlens.datasets import download

    def no_pip(wheel: Any, folder: Path) -> Path:
        raise bl.errors.DownloadError("no")

    monkeypatch.setattr(download, "_download", no_pip)
    wheel = download.Wheel("some", "1.0", "0", "extra")
    with pytest.raises(bl.errors.DownloadError):
        download.fetched(wheel, tmp_path)
    assert f"Downloading {wheel.name}" in terminal.getvalue()


def test_verbs_show_bars_that_say_what_they_do(terminal: Terminal, small_cnn: Any) -> None:
    terminal.watch()
    x = np.random.default_rng(0).normal(size=(6, 8, 8, 4)).astype("float32")
    found = bl.band_importance(small_cnn, x, method=["saliency", "occlusion"], progress=True)
    bl.band_maps(small_cnn, x, method="saliency", progress=True)
    bl.check_deletion(small_cnn, found["occlusion"], x, progress=True)
    bl.check_null(small_cnn, x, method="occlusion", progress=True)
    bl.check_stability(small_cnn, x, method="saliency", resamples=20, progress=True)
    bl.layer_activations(small_cnn, x, bl.list_layers(small_cnn).to_frame()["layer"].iloc[0], progress=True)
    for label in ("Saliency", "Band occlusion", "Deletion check", "Null check", "Stability", "Activations"):
        assert f"{label}:" in terminal.getvalue()
