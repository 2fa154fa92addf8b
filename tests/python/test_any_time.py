"""Interrupts that give what is finished, and calls that say how long they will take."""

from __future__ import annotations

import warnings

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import InterruptedWarning
from bandlens.explain import forecast
from bandlens.progress import keeping_on_interrupt

from test_rounds import BACKGROUND, X, explain, model  # isort: skip

METHODS = ["deepshap", "expected_gradients", "integrated_gradients", "shapley", "occlusion", "lime", "permutation"]
QUICK = {"expected_gradients": {"n_samples": 8}, "integrated_gradients": {"n_steps": 8}}


class Interrupting:
    """Ctrl-C when so many images are done."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, done: int, total: int) -> None:
        if done >= self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize("method", METHODS)
def test_the_table_so_far_is_returned(method: str) -> None:
    options = {"method": method, "batch_size": 10, "n_background": 8, **QUICK.get(method, {})}
    with keeping_on_interrupt(True), pytest.warns(InterruptedWarning, match=r"first \d+ of 600 images") as said:
        part = explain(progress=Interrupting(40), **options)
    assert any(one.filename == explain.__code__.co_filename for one in said if one.category is InterruptedWarning)
    whole = explain(**options)
    assert part.images is not None
    done = len(part.scores)
    assert 40 <= done < 600
    np.testing.assert_array_equal(part.images, np.arange(done))
    np.testing.assert_allclose(part.scores, whole.scores[:done], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(part.image_class, whole.image_class[:done])
    np.testing.assert_allclose(part.output_values, whole.output_values[:done], rtol=1e-5)
    assert np.nanmean(part.table.se_images) > np.nanmean(whole.table.se_images)
    if whole.pair_scores is not None:
        assert np.isfinite(part.table.se_background).all()


def test_without_anybody_at_a_prompt_an_interrupt_stays_one() -> None:
    for options in ({}, {"precision": 0.05}):
        with pytest.raises(KeyboardInterrupt):
            explain(progress=Interrupting(1), n_background=8, **options)
        with pytest.raises(KeyboardInterrupt), keeping_on_interrupt(False):
            explain(progress=Interrupting(1), n_background=8, **options)


def test_a_prompt_is_interactive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    with pytest.warns(InterruptedWarning):
        explain(progress=Interrupting(10), batch_size=10, n_background=8)
    # with several methods the others would lack
    with pytest.raises(KeyboardInterrupt):
        explain(progress=Interrupting(10), batch_size=10, n_background=8, method=["deepshap", "saliency"])


def test_nothing_finished_is_nothing_to_return() -> None:
    with keeping_on_interrupt(True), pytest.raises(KeyboardInterrupt):
        explain(progress=Interrupting(0), background_per_image=2, n_background=8)


def test_classes_that_are_not_there_are_named() -> None:
    y = np.repeat([0, 1], 300)
    with keeping_on_interrupt(True), pytest.warns(InterruptedWarning, match="None of class '1' was among them"):
        part = bl.band_importance(model, X, y, background=BACKGROUND[:8], batch_size=10, progress=Interrupting(40))
    assert part.table.n.tolist() == [len(part.scores)]


def test_an_interrupt_in_rounds_gives_the_last_one() -> None:
    class Once:
        reached = raised = False

        def __call__(self, done: int, total: int) -> None:
            if self.reached and not self.raised:
                self.raised = True
                raise KeyboardInterrupt

        def beside(self, text: str) -> None:
            self.reached = bool(text)

    with keeping_on_interrupt(True), pytest.warns(InterruptedWarning, match="shares are known to ±"):
        part = explain(progress=Once(), precision=0.02)
    assert part.converged is False
    assert part.n >= 64


class Reader:
    """Reads what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, done: int, total: int) -> None:
        pass

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_long_call_says_how_long_and_what_precision_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"batch_size": 20, "n_background": 60}
    whole = explain(**options)
    quick = Reader()
    explain(progress=quick, **options)
    assert quick.said == []  # it takes no two minutes
    monkeypatch.setattr(forecast, "LOOK", 0.0)
    monkeypatch.setattr(forecast, "LONG", 0.0)
    monkeypatch.setattr(forecast, "PRECISION", 0.1)
    reader = Reader()
    again = explain(progress=reader, **options)
    np.testing.assert_array_equal(again.scores, whole.scores)
    (text,) = reader.said
    assert text.startswith("DeepSHAP of 600 images will take about 10 seconds. With precision=0.1, every share")
    reader = Reader()
    explain(progress=reader, method="saliency", batch_size=20)
    assert reader.said[0].startswith("Saliency of 600 images will take about")


@pytest.mark.tensorflow
def test_a_long_call_says_what_would_make_it_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    from bandlens.engine.backends import tensorflow as backend

    monkeypatch.setattr(forecast, "LOOK", 0.0)
    monkeypatch.setattr(forecast, "LONG", 0.0)
    for advice in ("Do this.", None):
        monkeypatch.setattr(backend, "advice", lambda advice=advice: advice)
        reader = Reader()
        explain(progress=reader, method="saliency", batch_size=20)
        (text,) = reader.said
        assert text.endswith("seconds. Do this." if advice else "seconds.")


@pytest.mark.parametrize(
    ("seconds", "said"), [(7, "10 seconds"), (84, "80 seconds"), (200, "3 minutes"), (9e3, "2.5 hours")]
)
def test_times_are_spoken(seconds: float, said: str) -> None:
    assert forecast.spoken(seconds) == said


def test_a_message_changes_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "LOOK", 0.0)
    monkeypatch.setattr(forecast, "LONG", 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", InterruptedWarning)
        explain(progress=Reader(), batch_size=50, n_background=8)
