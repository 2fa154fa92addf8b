"""A convolution over joined channels is pulled back part by part: the same numbers as at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.methods import deepshap

RANDOM = np.random.default_rng(5)
X, BACKGROUND = RANDOM.normal(size=(2, 4, 6, 6, 3)).astype("float32")

# what reads two or three tensors that were joined, and by how many steps the plan is shorter
READERS: dict[str, tuple[Callable[..., Any], int]] = {
    "same": (lambda layers, *x: layers.Conv2D(4, 3, padding="same")(layers.Concatenate()(x)), 1),
    "strided": (lambda layers, *x: layers.Conv2D(4, 3, strides=2)(layers.Concatenate()(x)), 1),
    "dilated": (lambda layers, *x: layers.Conv2D(4, 2, dilation_rate=2)(layers.Concatenate()(x)), 1),
    "grouped": (lambda layers, *x: layers.Conv2D(4, 3, groups=2)(layers.Concatenate()(x)), 1),
    "rows": (lambda layers, *x: layers.Conv2D(4, 3, padding="same")(layers.Concatenate(axis=1)(x)), 1),
    "three": (lambda layers, *x: layers.Conv2D(4, 3, padding="same")(layers.Concatenate()([*x, x[0]])), 1),
    "read twice": (
        lambda layers, *x: layers.Add()(
            [
                layers.Conv2D(4, 3, padding="same")(joined := layers.Concatenate()(x)),
                layers.Conv2D(4, 1)(joined),
            ]
        ),
        0,
    ),
}


@pytest.mark.not_torch
@pytest.mark.parametrize("outputs", [2, 5])  # multipliers back, and differences of three bands forward
@pytest.mark.parametrize("name", READERS)
def test_joined_steps_give_the_same(keras: Any, monkeypatch: pytest.MonkeyPatch, name: str, outputs: int) -> None:
    layers, (reader, fewer) = keras.layers, READERS[name]
    inputs = keras.Input(X.shape[1:])
    one, other = (layers.Conv2D(2, 3, padding="same", activation=kind)(inputs) for kind in ("relu", "tanh"))
    read = layers.ReLU()(reader(layers, one, other))
    model = keras.Model(inputs, layers.Dense(outputs, activation="softmax")(layers.Flatten()(read)))
    joined, shorter = deepshap.joined, []

    def count(plan: Any) -> Any:
        found = joined(plan)
        shorter.append(len(plan.steps) - len(found.steps))
        return found

    def scores() -> np.ndarray:
        copy = keras.models.clone_model(model)  # plans are kept with a model
        copy.set_weights(model.get_weights())
        found: np.ndarray = bl.band_importance(copy, X, background=BACKGROUND, target="all").scores
        return found

    monkeypatch.setattr(deepshap, "joined", count)
    at_once = scores()
    assert shorter[0] == fewer
    monkeypatch.setattr(deepshap, "joined", lambda plan: plan)
    np.testing.assert_allclose(at_once, scores(), rtol=1e-4, atol=1e-6)
