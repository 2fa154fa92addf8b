"""Several threads may use one model at once, through bandlens and otherwise."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.images import check_images
from bandlens.models.predictor import make_predictor
from keras import ops

# features that an untrained network never shows are warned of
pytestmark = pytest.mark.filterwarnings("ignore:.* equally active in all ")

N_THREADS = 8
NAMES = ("first", "second", "flat", "head")


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Let threads take turns often."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def model(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            layers.Conv2D(6, 3, activation="relu", name="first"),
            layers.Conv2D(6, 3, activation="relu", name="second"),
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )


def everything(model: Any, images: np.ndarray, name: str) -> list[Callable[[], np.ndarray]]:
    """What looks at layers, and what doesn't."""
    return [
        lambda: bl.layer_activations(model, images, name).values,
        lambda: bl.top_images(model, images, name, n=2).activation,
        lambda: bl.visualize_features(model, name, [0], steps=2, value_range=(-1, 1)).values,
        lambda: np.array(bl.list_layers(model).names),
        lambda: bl.band_importance(model, images, method="saliency").scores,
        lambda: ops.convert_to_numpy(model(images)),  # predict() may not be called twice at once on JAX
    ]


def test_layers_are_found_whatever_other_threads_do(model: Any, images: np.ndarray) -> None:
    calls = [call for name in NAMES for call in everything(model, images, name)]
    alone = [call() for call in calls]
    with ThreadPoolExecutor(N_THREADS) as pool:
        found = list(pool.map(lambda at: calls[at](), list(range(len(calls))) * 4))
    for at, values in enumerate(found):
        expected = alone[at % len(calls)]
        if expected.dtype.kind == "U":
            assert values.tolist() == expected.tolist()
        else:
            np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-6)
    assert not any("call" in vars(layer) for layer in model.layers)  # nothing of ours stays behind


def test_a_model_that_is_not_built_is_built_once(keras: Any, images: np.ndarray) -> None:
    layers = keras.layers
    for _ in range(5):
        model = keras.Sequential([layers.Conv2D(5, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)])
        with ThreadPoolExecutor(N_THREADS) as pool:
            several = [pool.submit(bl.band_importance, model, images, method="saliency") for _ in range(N_THREADS)]
            scores = [one.result().scores for one in several]
        assert len(model.weights) == 8
        np.testing.assert_allclose(scores, np.broadcast_to(scores[0], np.shape(scores)), rtol=1e-4, atol=1e-6)


def numbers(images: Any) -> np.ndarray:
    """A model that no framework can follow."""
    return np.asarray(images).sum((1, 2))


@pytest.mark.parametrize("followed", [True, False])
def test_what_is_made_of_a_model_is_made_by_one_thread(model: Any, images: np.ndarray, followed: bool) -> None:
    predictor = make_predictor(model if followed else numbers, check_images(images))
    made: list[int] = []

    def build() -> object:
        made.append(1)
        time.sleep(0.01)  # others come meanwhile
        return object()

    for key in range(10):
        with ThreadPoolExecutor(N_THREADS) as pool:
            asked = [pool.submit(predictor.trace.compiled, key, build) for _ in range(N_THREADS)]
            graphs = [pool.submit(predictor.trace.graph, predictor.output) for _ in range(N_THREADS)]
        assert len({id(one.result()) for one in asked}) == 1
        assert len({id(one.result()) for one in graphs}) == 1
    assert len(made) == 10


@pytest.mark.tensorflow
def test_threads_take_turns_at_what_models_share() -> None:
    # keys hold Python's objects, so that threads change while they are compared: it crashed the process
    from bandlens.engine.backends.tensorflow import shared

    class Key:
        def __init__(self, number: int) -> None:
            self.number = number

        def __hash__(self) -> int:
            time.sleep(0)
            return hash(self.number % 4)

        def __eq__(self, other: object) -> bool:
            time.sleep(0)
            return isinstance(other, Key) and self.number == other.number

    class Step:
        captured_inputs = ()

        def __init__(self, number: int) -> None:
            self.number = number

    def ask(seed: int) -> None:
        for number in random.Random(seed).choices(range(12), k=300):
            assert shared.shared(Key(number), lambda number=number: Step(number)).number == number

    with ThreadPoolExecutor(N_THREADS) as pool:
        list(pool.map(ask, range(N_THREADS)))
    assert len(shared._LATEST) == shared.MOST


@pytest.mark.tensorflow
def test_numbers_of_threads_change_no_choice_and_scores_by_rounding_only(tmp_path: Path) -> None:
    # in processes of their own, as TensorFlow has its threads from the start
    found = []
    for threads in ("1", "2"):
        file = tmp_path / f"{threads}.npz"
        command = [sys.executable, str(Path(__file__).parent / "chosen.py"), str(file)]
        subprocess.run(command, check=True, env={**os.environ, "TF_NUM_INTRAOP_THREADS": threads})
        with np.load(file) as arrays:
            found.append(dict(arrays))
    one, two = found
    assert one.keys() == two.keys()
    assert "rounds images" in one
    for name, values in one.items():
        if values.dtype.kind == "i":
            np.testing.assert_array_equal(two[name], values, err_msg=name)
        else:
            np.testing.assert_allclose(two[name], values, rtol=1e-4, atol=1e-5 * np.abs(values).max(), err_msg=name)
