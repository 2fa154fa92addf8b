"""Rows of one image are explained at once: the same numbers as one after the other."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.methods import together
from bandlens.methods.together import Together, TogetherSeeds

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("images", "most"), [([0, 1, 2], 1), ([0, 0, 0, 2, 2, 2, 5, 5, 5], 3), ([0, *[1] * 9, 2, 2, 3, 3, 3, 4], 3)]
)
def test_blocks_hold_each_row_once(images: list[int], most: int) -> None:
    rows = np.array(images)
    found = Together.of(rows)
    assert found.rows.shape[1] == most
    assert found.rows[found.rows >= 0].tolist() == list(range(len(rows)))
    for block in found.rows:
        assert len(np.unique(rows[block[block >= 0]])) == 1
        assert (block[(block >= 0).sum() :] == -1).all()
    ticks: list[int] = []
    tick = found.ticks(ticks.append)
    tick(1)
    tick(len(found.rows) - 1)
    assert ticks == [(found.rows[0] >= 0).sum(), len(rows) - (found.rows[0] >= 0).sum()]


def test_seeds_of_blocks_are_those_of_their_rows() -> None:
    seeds = RANDOM.normal(size=(6, 2, 5))
    blocks = Together(np.array([[0, 1, 2], [3, -1, -1], [4, 5, -1]]))
    found = TogetherSeeds(seeds, blocks)
    assert found.shape == (3, 6, 5)
    np.testing.assert_array_equal(found[1:3][1].reshape(3, 2, 5), [seeds[4], seeds[5], np.zeros((2, 5))])
    apart = list(blocks.apart(iter([(slice(0, 2), found[0:2]), (slice(2, 3), found[2:3])])))
    assert [part for part, _ in apart] == [slice(0, 4), slice(4, 6)]
    np.testing.assert_array_equal(np.concatenate([values for _, values in apart]), seeds)


def pixels(keras: Any) -> tuple[Any, np.ndarray]:
    layers = keras.layers
    inputs = keras.Input((4, 4, 3))
    x = layers.ReLU()(layers.Conv2D(5, 3, padding="same")(inputs))
    # images of one class, of two, and of all four
    labels = np.stack([np.full((4, 4), 1), np.arange(16).reshape(4, 4) % 4, np.arange(16).reshape(4, 4) // 8 + 2])
    return keras.Model(inputs, layers.Conv2D(4, 1, activation="softmax")(x)), labels


def labels(keras: Any) -> tuple[Any, np.ndarray]:
    layers = keras.layers
    inputs = keras.Input((4, 4, 3))
    x = layers.Flatten()(layers.ReLU()(layers.Conv2D(5, 3)(inputs)))
    return keras.Model(inputs, layers.Dense(4, activation="sigmoid")(x)), np.array(
        [[0, 1, 0, 0], [1] * 4, [0, 0, 1, 1]]
    )


@pytest.mark.parametrize("settings", [{}, {"target": "all"}, {"statistic": "pixel_mean_abs"}, {"batch_size": 1}])
@pytest.mark.parametrize("kind", [pixels, labels])
def test_rows_together_are_rows_alone(
    keras: Any, monkeypatch: pytest.MonkeyPatch, kind: Any, settings: dict[str, Any]
) -> None:
    model, y = kind(keras)
    x, background = RANDOM.normal(size=(2, 3, 4, 4, 3)).astype("float32")

    def scores() -> np.ndarray:
        found: np.ndarray = bl.band_importance(model, x, y, background=background, **settings).scores
        return found

    at_once = scores()
    assert len(at_once) == 7
    monkeypatch.setattr(together, "SHARED", 0.0)
    assert Together.of(np.array([0, 0])).rows.shape == (2, 1)
    np.testing.assert_allclose(at_once, scores(), rtol=1e-4, atol=1e-6)
