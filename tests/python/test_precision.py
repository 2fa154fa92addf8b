"""TF32 is off unless it is asked for; that it makes a difference shows only on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.precision import shared


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = bl.allow_tf32(False)
    yield
    bl.allow_tf32(before)


class Asked:
    """An array that asks for the setting at the moment when it is put on the device."""

    shape = (2, 2)
    dtype = np.dtype("float32")

    def __init__(self, setting: Any) -> None:
        self.setting, self.found = setting, []

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        self.found.append(self.setting())
        return np.ones(self.shape, self.dtype)


def test_what_is_allowed_is_remembered_and_told(small_cnn: Any, images: np.ndarray) -> None:
    plain = bl.band_importance(small_cnn, images, method="saliency")
    assert "float32" not in plain.versions
    assert bl.allow_tf32() is False
    assert bl.allow_tf32() is True
    allowed = bl.band_importance(small_cnn, images, method="saliency")
    assert allowed.versions["float32"] == "TF32 allowed"
    np.testing.assert_allclose(allowed.scores, plain.scores, rtol=1e-6)  # on a CPU
    with pytest.raises(bl.errors.OptionError, match="True or False"):
        bl.allow_tf32("yes")  # type: ignore[arg-type]


def test_the_last_thread_restores_a_setting() -> None:
    events = []

    @shared
    @contextmanager
    def setting() -> Iterator[None]:
        events.append("changed")
        yield
        events.append("restored")

    first, second = setting(), setting()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert events == ["changed"]
    second.__exit__(None, None, None)
    assert events == ["changed", "restored"]
    with pytest.raises(KeyError), setting():
        raise KeyError
    assert events == ["changed", "restored"] * 2


@pytest.mark.tensorflow
def test_tensorflow_is_precise_while_it_computes() -> None:
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow import compiling
    from bandlens.engine.backends.tensorflow.fusing import Begun

    class NoTrace:
        begun = Begun()
        weights = SimpleNamespace(specs={}, read=list)
        given = staticmethod(lambda graph, weights: None)

    option = tf.config.experimental
    asked = Asked(option.tensor_float_32_execution_enabled)
    compiled = compiling.compile(NoTrace(), lambda x: x @ x, np.ones((2, 2), "float32"))  # type: ignore[arg-type]
    before = option.tensor_float_32_execution_enabled()
    try:
        for user, allowed in ((True, False), (True, True), (False, True)):
            option.enable_tensor_float_32_execution(user)
            bl.allow_tf32(allowed)
            asked.found.clear()
            compiled(asked)
            assert set(asked.found) == {user and allowed}
            assert option.tensor_float_32_execution_enabled() is user
    finally:
        option.enable_tensor_float_32_execution(before)


@pytest.mark.jax
def test_jax_traces_precise_products(small_cnn: Any, images: np.ndarray) -> None:
    import jax
    from bandlens.models.following import MEMORIES

    def precisions() -> set[str]:
        operations = [entry for trace in MEMORIES[small_cnn].traces for entry in trace.flat.entries]
        return {str(e.params["precision"]) for e in operations if "precision" in e.params}

    with jax.default_matmul_precision(None):  # JAX as it comes; conftest.py asks for "highest"
        bl.band_importance(small_cnn, images, method="saliency")
        assert all("HIGHEST" in one for one in precisions())
        bl.allow_tf32()
        bl.band_importance(small_cnn, images, method="saliency")
        assert any("HIGHEST" not in one for one in precisions())
        bl.allow_tf32(False)
    with jax.default_matmul_precision("tensorfloat32"):  # the user's own setting
        bl.band_importance(small_cnn, images, method="saliency")
    assert any("HIGHEST" not in one and "None" not in one for one in precisions())


@pytest.mark.torch
def test_torch_is_precise_while_it_computes() -> None:
    import torch
    from bandlens.engine.backends.torch import compiling

    cudnn, before = torch.backends.cudnn, torch.get_float32_matmul_precision()
    convolved = cudnn.allow_tf32
    cudnn.allow_tf32 = True  # PyTorch as it comes; conftest.py turns it off
    try:
        for user, allowed, convolutions, products in (
            ("highest", False, False, "highest"),
            ("highest", True, True, "high"),
            ("medium", False, True, "medium"),
        ):
            torch.set_float32_matmul_precision(user)
            bl.allow_tf32(allowed)
            with compiling.full_precision():
                assert (cudnn.allow_tf32, torch.get_float32_matmul_precision()) == (convolutions, products)
            assert (cudnn.allow_tf32, torch.get_float32_matmul_precision()) == (True, user)
    finally:
        torch.set_float32_matmul_precision(before)
        cudnn.allow_tf32 = convolved
