"""Shared by all tests: the backend, quiet TensorFlow, seeds, small models.

The tests run on the Keras backend that the environment variable KERAS_BACKEND names. On another than TensorFlow, they
run as if that were not installed: nothing may need it.
"""

from __future__ import annotations

import gc
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

BACKEND = os.environ.setdefault("KERAS_BACKEND", "tensorflow")


class NoTensorFlow(MetaPathFinder):
    """Let no import find TensorFlow."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.split(".")[0] in ("tensorflow", "tf_keras"):
            raise ModuleNotFoundError(f"No module named {name!r}: this run is on {BACKEND}", name=name)


if BACKEND == "torch":
    import torch._dynamo  # looks for TensorFlow, without importing it

    # what is compared with models' own outputs is compared in full float32 on a GPU, too
    torch.backends.cudnn.allow_tf32 = False
if BACKEND != "tensorflow" and find_spec("tensorflow") is not None:
    sys.meta_path.insert(0, NoTensorFlow())


if BACKEND == "jax":
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about one backend, on others, and there mark as slow what TensorFlow alone goes through daily.

    This comes before pytest chooses by marks.
    """
    if BACKEND != "tensorflow":
        for item in items:
            if item.get_closest_marker("slow_elsewhere") is not None:
                item.add_marker(pytest.mark.slow)
    others = {"tensorflow", "jax", "torch", f"not_{BACKEND}"} - {BACKEND}
    kept = [item for item in items if all(item.get_closest_marker(name) is None for name in others)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


# Keras computes parts of a float64 model in float32 wherever it is not on TensorFlow (its type promotion knows no
# float64 there): batch normalisation, tanh and others
KERAS_IS_DOUBLE = BACKEND == "tensorflow"


def double_precision() -> AbstractContextManager[Any]:
    """Where JAX computes in float64, which by default it does not."""
    if BACKEND != "jax":
        return nullcontext()
    import jax

    return jax.enable_x64(True)


@pytest.fixture(autouse=True)
def _double(request: pytest.FixtureRequest) -> Iterator[None]:
    parameters = request.node.callspec.params.values() if hasattr(request.node, "callspec") else ()
    with double_precision() if "float64" in parameters else nullcontext():
        yield


@pytest.fixture(autouse=True)
def _own_steps(request: pytest.FixtureRequest) -> Iterator[None]:
    """Steps of other tests are not known to a test; where it patches something, nor are those of its other models.

    Models of the same operations would share what was traced and compiled before, and be patched in vain.
    """
    on_tensorflow = os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"
    patches = "monkeypatch" in request.fixturenames and "nothing_compiled" not in request.fixturenames
    if not on_tensorflow or not (patches or "bandlens.engine.backends.tensorflow.shared" in sys.modules):
        yield
        return
    from bandlens.engine.backends.tensorflow import fusing, shared
    from bandlens.models import patterns

    fusing.FEW = 0  # what large calls do is tested with small ones
    most, latest = shared.MOST, patterns._LATEST
    shared._LATEST.clear()
    patterns._LATEST = deque(maxlen=0 if patches else patterns.MOST)
    shared.MOST = 0 if patches else most
    yield
    shared.MOST, patterns._LATEST = most, latest
    shared._LATEST.clear()


@pytest.fixture(scope="module")
def _imported() -> None:
    """Let what a file's tests find there be passed over when memory is freed.

    Frameworks make half a million objects when they are imported: to look through them after each test took more than
    half of the suite's time.
    """
    import keras  # noqa: F401

    gc.collect()
    gc.freeze()


@pytest.fixture
def keras(_imported: None) -> Iterator[Any]:
    """Keras with seeded weights; names and graphs of a test don't leak into the next."""
    import keras

    keras.utils.set_random_seed(7)
    yield keras
    keras.backend.clear_session(free_memory=False)  # Python frees memory by itself, less often than after each test


def settled(model: Any, scale: float = 0.3) -> Any:
    """Give batch norm statistics and biases that are not trivial, so that outputs vary."""
    random = np.random.default_rng(3)
    for weight in model.weights:
        name = weight.path.rsplit("/", 1)[-1]
        if name in ("moving_variance", "gamma"):
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        elif name in ("moving_mean", "beta", "bias"):
            weight.assign(random.normal(0, scale, weight.shape))
    return model


@pytest.fixture
def settle() -> Callable[..., Any]:
    """What `settled` does."""
    return settled


@pytest.fixture
def small_cnn(keras: Any, settle: Callable[[Any], Any]) -> Any:
    """Convolution, batch norm, ReLU, pooling, dropout, softmax over three classes, for 8 x 8 x 4 images."""
    layers = keras.layers
    return settle(
        keras.Sequential(
            [
                keras.Input((8, 8, 4)),
                layers.Conv2D(6, 3, padding="same"),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.MaxPooling2D(),
                layers.Conv2D(8, 3, activation="relu"),
                layers.Dropout(0.5),
                layers.Flatten(),
                layers.Dense(10, activation="relu"),
                layers.Dense(3, activation="softmax"),
            ]
        )
    )


def same_kernels(model: Any, seed: int) -> Any:
    """Draw kernels by NumPy (Glorot's way), so that they are the same on every backend."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.path.endswith("/kernel"):
            *field, inputs, outputs = weight.shape
            limit = np.sqrt(6 / (np.prod(field) * (inputs + outputs)))
            weight.assign(random.uniform(-limit, limit, weight.shape))
    return model


def weighted(model: Any, seed: int) -> Any:
    """Draw all weights by NumPy, so that they are the same on every backend, and outputs vary."""
    random, weights = np.random.default_rng(seed), []
    for weight in model.weights:
        name, shape = weight.path.rsplit("/", 1)[-1], tuple(weight.shape)
        if name in ("gamma", "moving_variance"):
            weights.append(random.uniform(0.5, 1.5, shape))
        else:
            weights.append(random.normal(0, 0.3 if len(shape) < 2 else 1 / np.sqrt(np.prod(shape[:-1])), shape))
    model.set_weights(weights)
    return model


def out_of_memory(model: Any) -> Exception:
    """What the model's framework raises when there is no memory left."""
    from bandlens.engine.backends import backend_of

    kind: Any = backend_of(model).OutOfMemory
    return kind(None, None, "simulated") if kind.__module__.startswith("tensorflow") else kind("simulated")


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, list[Any]]]:
    """Make all kinds of compiled functions run out of memory at their first calls; gives the shapes of all calls."""

    from bandlens.engine.backends import backend_of
    from bandlens.models.following import MEMORIES

    def starve(model: Any, failures: int = 2) -> dict[str, list[Any]]:
        backend, calls = backend_of(model), defaultdict[str, list[Any]](list)
        compile_ = backend.compile

        def compile(trace: Any, function: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[..., Any]:
            compiled = compile_(trace, function, *arguments, **options)
            kind = function.__qualname__

            def call(*arrays: Any) -> Any:
                calls[kind].append([tuple(array.shape) for array in arrays])
                if len(calls[kind]) <= failures:
                    raise out_of_memory(model)
                return compiled(*arrays)

            return call

        MEMORIES.pop(model, None)
        monkeypatch.setattr(backend, "compile", compile)
        return calls

    return starve


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[Any]]:
    """Watch a function of a module: what it returns from now on, call by call."""

    def watch(module: Any, name: str) -> list[Any]:
        found: list[Any] = []
        function = getattr(module, name)

        def watching(*arguments: Any) -> Any:
            found.append(function(*arguments))
            return found[-1]

        monkeypatch.setattr(module, name, watching)
        return found

    return watch


@pytest.fixture
def images() -> np.ndarray:
    """Twelve images of 8 x 8 pixels and 4 bands."""
    return np.random.default_rng(0).normal(size=(12, 8, 8, 4)).astype("float32")


@pytest.fixture
def background() -> np.ndarray:
    """Nine other images of the same kind."""
    return np.random.default_rng(1).normal(size=(9, 8, 8, 4)).astype("float32")


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets a test say which kernels TensorFlow is taken to use."""
    from bandlens.engine.backends.tensorflow import devices

    def use(*, onednn: bool, on_cpu: bool = True, by_name: bool = False) -> None:
        monkeypatch.setattr(devices, "uses_onednn", lambda *_: onednn)
        monkeypatch.setattr(devices, "on_cpu", lambda: on_cpu)
        monkeypatch.setenv(devices.ONEDNN, "1" if by_name else "0")

    return use
