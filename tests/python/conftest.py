"""Shared by all tests: quiet TensorFlow, seeds, small models."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def keras() -> Iterator[Any]:
    """Keras with seeded weights; names and graphs of a test don't leak into the next."""
    import keras

    keras.utils.set_random_seed(7)
    yield keras
    keras.backend.clear_session()


@pytest.fixture
def settle() -> Callable[[Any], Any]:
    """Give batch norm statistics and biases that are not trivial, so that outputs vary."""

    def settle(model: Any, scale: float = 0.3) -> Any:
        random = np.random.default_rng(3)
        for weight in model.weights:
            name = weight.path.rsplit("/", 1)[-1]
            if name in ("moving_variance", "gamma"):
                weight.assign(random.uniform(0.5, 1.5, weight.shape))
            elif name in ("moving_mean", "beta", "bias"):
                weight.assign(random.normal(0, scale, weight.shape))
        return model

    return settle


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


@pytest.fixture
def images() -> np.ndarray:
    """Twelve images of 8 x 8 pixels and 4 bands."""
    return np.random.default_rng(0).normal(size=(12, 8, 8, 4)).astype("float32")


@pytest.fixture
def background() -> np.ndarray:
    """Nine other images of the same kind."""
    return np.random.default_rng(1).normal(size=(9, 8, 8, 4)).astype("float32")
