"""A few background images per image, drawn from a pool: how they are drawn, and what is learnt from all of them."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.deepshap import averaged, own_draws
from conftest import same_kernels


@pytest.fixture
def trained(keras: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """A network that has learnt something, nearly the same on every backend, and images of four classes."""
    random = np.random.default_rng(0)
    y = np.arange(240) % 4
    x = (random.normal(size=(240, 1, 1, 4)) + 0.5 * random.normal(size=(240, 6, 6, 4))).astype("float32")
    x[np.arange(240), :, :, y] += 1.5
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 4)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )
    same_kernels(model, seed=2).compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=5, shuffle=False, verbose=0)
    return model, x, y


@pytest.mark.parametrize(
    ("draws", "rate", "most"), [(4, 0.85, 0.06), pytest.param(8, 0.95, 0.04, marks=pytest.mark.slow)]
)
def test_own_background_estimates_the_whole(
    trained: tuple[Any, np.ndarray, np.ndarray], draws: int, rate: float, most: float
) -> None:
    # networks trained on real images do better, see tests/benchmarks/deepshap.py: there, draws have more in common
    model, x, y = trained
    whole = bl.band_importance(model, x, y)
    covered, errors = [], []
    for seed in range(5):
        cheap = bl.band_importance(model, x, y, background_per_image=draws, seed=seed, background=x[whole.background])
        table = cheap.table
        covered.append((table.conf_low < whole.table.importance) & (whole.table.importance < table.conf_high))
        errors.append(np.abs(table.importance - whole.table.importance).sum() / whole.table.importance.sum())
        assert cheap.completeness is not None
        assert cheap.completeness < 1e-4
        np.testing.assert_allclose(cheap.scores.sum(axis=-1), cheap.output_values - cheap.base_values, atol=1e-4)
        np.testing.assert_allclose(cheap.base_values, whole.base_values, rtol=1e-4, atol=1e-5)
    assert np.mean(covered) >= rate
    assert np.mean(errors) < most


def test_own_background_is_drawn_evenly_and_reproducibly(trained: tuple[Any, np.ndarray, np.ndarray]) -> None:
    values = np.random.default_rng(0).normal(size=(20, 40))
    groups = np.arange(4000) % 40
    draws = own_draws(values, groups, 3, seed=1)
    counts = np.bincount(draws.ravel(), minlength=20)
    assert counts.sum() == 12000
    assert np.abs(counts / 600 - 1).max() < 0.2
    # one from each third of the pool, in the order of the outputs, to 48 levels of these
    levels = np.rint((values - values.min(axis=0)) / np.ptp(values, axis=0) * 48)
    ranks = levels.argsort(axis=0, kind="stable").argsort(axis=0)[draws, groups[:, None]]
    assert (np.floor(ranks[:, 0] / 20 * 3) == 0).all()
    assert (np.ceil((ranks[:, 2] + 1) / 20 * 3) == 3).all()
    model, x, _ = trained
    first = bl.band_importance(model, x[:9], background=x, background_per_image=2, batch_size=4)
    second = bl.band_importance(model, x[:9], background=x, background_per_image=2)
    np.testing.assert_allclose(first.scores, second.scores, rtol=1e-5, atol=1e-6)


def test_rounding_changes_no_draw() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(2000, 50))
    rounded = values * (1 + 1e-7 * random.normal(size=values.shape))
    groups = np.arange(50) % 5
    np.testing.assert_array_equal(own_draws(rounded, groups, 4, seed=0), own_draws(values, groups, 4, seed=0))
    assert (values.argsort(axis=0) != rounded.argsort(axis=0)).any()


def test_what_draws_have_in_common_is_learnt(keras: Any) -> None:
    # the scores depend on the background's band means alone, linearly
    random = np.random.default_rng(0)
    images, background = random.normal(size=(40, 8, 8, 4)), random.normal(size=(30, 8, 8, 4))
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    whole = bl.band_importance(model, images, background=background, target=1)
    cheap = bl.band_importance(model, images, background=background, target=1, background_per_image=2)
    assert np.abs(cheap.scores - whole.scores).max() < 0.05 * np.abs(whole.scores).max()


@pytest.fixture
def pairs() -> tuple[np.ndarray, ...]:
    """Scores of 60 images against a pool of 50, features of both, and four draws of each image."""
    random = np.random.default_rng(3)
    background, images = random.normal(size=(50, 5)), random.normal(size=(60, 5))
    scores = np.tanh(images @ random.normal(size=(5, 3)))[:, None] * np.tanh(background @ random.normal(size=(5, 3)))
    return scores, background, images, random.permuted(np.tile(np.arange(50), (60, 1)), axis=1)[:, :4]


def test_averages_of_draws_take_out_what_features_explain(pairs: tuple[np.ndarray, ...]) -> None:
    scores, background, images, draws = pairs
    drawn, whole = np.take_along_axis(scores, draws[..., None], axis=1), scores.mean(axis=1)
    together = np.zeros(60, int)
    plain = np.sqrt(((drawn.mean(axis=1) - whole) ** 2).mean())
    found, _ = averaged(drawn, draws, background, images, together)
    assert np.sqrt(((found - whole) ** 2).mean()) < 0.6 * plain
    # the same weights for all columns: an estimated sum is the sum of the estimates
    both, _ = averaged(np.concatenate([drawn, drawn.sum(-1, keepdims=True)], -1), draws, background, images, together)
    np.testing.assert_allclose(both[:, :3].sum(axis=1), both[:, 3], atol=1e-12)
    # features that say nothing do no harm
    noise = np.random.default_rng(4).normal(size=(110, 5))
    unrelated, _ = averaged(drawn, draws, noise[:50], noise[50:], together)
    assert np.sqrt(((unrelated - whole) ** 2).mean()) < 1.1 * plain


def test_averages_over_the_whole_pool_are_its_mean(pairs: tuple[np.ndarray, ...]) -> None:
    scores, background, images, _ = pairs
    every = np.tile(np.arange(50), (60, 1))
    found, errors = averaged(scores, every, background, images, np.arange(60) // 30)
    np.testing.assert_allclose(found, scores.mean(axis=1), atol=1e-12)
    np.testing.assert_array_equal(errors, 0)
