"""Several threads may use one model at once, through bandlens and otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
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
