"""Scores from the workers of a Dask cluster: those of one process to the bit, whoever dies on the way."""

from __future__ import annotations

import inspect
import os
import pickle
import random
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import bandlens as bl
import keras
import numpy as np
import pandas as pd
import pytest
from bandlens import errors
from bandlens.cluster import giving, workers, working
from bandlens.cluster.blocks import Rows
from bandlens.cluster.carried import brought, carried
from bandlens.data.positions import counting_from
from bandlens.errors import ClusterError, OptionError

distributed = pytest.importorskip("distributed")

N, BANDS, CLASSES = 22, 4, 3
METHODS = {
    "deepshap": {},
    "gradient_x_input": {},
    "saliency": {},
    "smoothgrad": {"n_samples": 3},
    "vargrad": {"n_samples": 3},
    "integrated_gradients": {"n_steps": 4},
    "expected_gradients": {"n_samples": 4},
    "occlusion": {},
    "shapley": {},
    "permutation": {"metric": "log_loss", "n_repeats": 2},
    "lime": {"n_samples": 8},
}


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, BANDS)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 8, 8, BANDS)).astype(np.float32)
    background = rng.normal(size=(6, 8, 8, BANDS)).astype(np.float32)
    return {"x": x, "y": rng.integers(0, CLASSES, N), "background": background, "batch_size": 4}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two processes; a third starts when one is killed."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster, set_as_default=False) as found,
    ):
        yield found


def same(one: Any, other: Any) -> None:
    """Scores to the bit, tables to 1e-12."""
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.prediction, other.prediction)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), rtol=1e-12, atol=0)
    pd.testing.assert_frame_equal(one.to_frame("image"), other.to_frame("image"), rtol=0, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_scores_are_those_of_one_process(
    client: Any, model: keras.Model, data: dict[str, Any], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, made = [], giving._Giving.stop
    monkeypatch.setattr(giving._Giving, "stop", lambda self: (given.append(self.moved), made(self))[1])
    arguments = {**data, "method": method, **METHODS[method]}
    found = bl.band_importance(model, client=client, **arguments)
    # several blocks came back, with bytes in both directions
    assert given[-1].blocks > 2
    assert given[-1].back > 0
    same(found, bl.band_importance(model, **arguments))


def test_every_method_is_shared_out() -> None:
    assert set(METHODS) == set(bl.METHODS)


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "deepshap", "background_per_image": 2},
        {"method": "deepshap", "target": "all"},
        {"method": "deepshap", "statistic": "pixel_mean_abs"},
        {"method": "deepshap", "groups": {"first": [0, 1]}},
        {"method": "saliency", "y": None},
        {"method": "deepshap", "y": None, "background": None},
        {"method": "occlusion", "background": bl.BackgroundImages("others")},
        {"precision": 0.2, "batch_size": 16},
        {"method": "expected_gradients", "n_samples": 4, "precision": 0.2},
        {"method": ["deepshap", "saliency"]},
    ],
    ids=lambda one: " ".join(f"{name}" for name in one),
)
def test_other_questions_are_the_same(
    client: Any, model: keras.Model, data: dict[str, Any], arguments: dict[str, Any]
) -> None:
    arguments = {**data, **arguments}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.BandlensWarning)
        found = bl.band_importance(model, client=client, **arguments)
        alone = bl.band_importance(model, **arguments)
    for one, other in [(found, alone)] if not isinstance(found, dict) else zip(found.values(), alone.values()):
        same(one, other)


def doubled(x: np.ndarray) -> np.ndarray:
    """A function that gives numbers, slowly enough to be killed at work."""
    time.sleep(0.02)
    sums = x.mean(axis=(1, 2))
    return np.stack([sums[:, 0] * sums[:, 1], sums[:, 2] + sums[:, 3] ** 2], axis=1)
