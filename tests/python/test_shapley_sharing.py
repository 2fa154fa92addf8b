"""What makes Shapley values fast leaves them right: errors that hold where sampling ends early, branches that share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.methods import mixtures, orders
from bandlens.methods.sharing import columns, n_columns
from keras import ops

BANDS = 12


def interacting(x: Any) -> Any:
    """Two outputs of twelve bands that saturate, multiply in threes and compete."""
    weights = ops.convert_to_tensor(np.linspace(-1, 1.5, BANDS), x.dtype)
    weighted = x * weights
    first = ops.mean(ops.tanh(weighted) * ops.max(x, axis=-1, keepdims=True), axis=(1, 2, 3))
    triples = ops.mean(weighted[..., 0::3] * weighted[..., 1::3] * weighted[..., 2::3], axis=(1, 2, 3))
    second = ops.relu(ops.mean(ops.sum(weighted, axis=-1), axis=(1, 2))) + triples
    return ops.stack([first, second], axis=1)


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Background images that each image visits at each step."""
    found: list[int] = []
    mixed_outputs = orders.mixed_outputs

    def counting(task: Any, seeds: Any, images: Any, references: Any, present: Any, **options: Any) -> Any:
        found.append(len(references))
        return mixed_outputs(task, seeds, images, references, present, **options)

    monkeypatch.setattr(orders, "mixed_outputs", counting)
    return found


@pytest.fixture
def used(watched: Callable[[Any, str], list[Any]]) -> list[Any]:
    """What was found worth sharing, in each call."""
    return watched(mixtures, "_worthwhile_start")


@pytest.mark.parametrize("m", [3, 30])
def test_errors_of_twelve_sampled_bands_hold(m: int) -> None:
    random = np.random.default_rng(m)
    x, background = random.normal(size=(24, 2, 2, BANDS)), random.normal(size=(m, 2, 2, BANDS))
    options: dict[str, Any] = {"background": background, "method": "shapley", "target": "all"}
    exact = bl.band_importance(interacting, x, **options)
    sampled = bl.band_importance(interacting, x, **options, max_exact=BANDS - 1, tolerance=0.05)
    assert exact.score_errors is None
    assert sampled.score_errors is not None
    deviation = np.abs(sampled.scores - exact.scores) / sampled.score_errors
    # of normal numbers, 0.683 and 0.954
    assert 0.62 < (deviation < 1).mean() < 0.75
    assert 0.91 < (deviation < 2).mean() < 0.985
    # a band's own error may miss rare contributions; that of the least certain band, which ends sampling, doesn't
    assert (np.abs(sampled.scores - exact.scores).max(axis=-1) < 4.5 * sampled.score_errors.max(axis=-1)).all()
    assert (sampled.score_errors.max(axis=-1) <= 0.05 * np.ptp(sampled.scores, axis=-1)).mean() > 0.9
    # scores add up exactly, wherever sampling ended
    np.testing.assert_allclose(sampled.scores.sum(axis=-1), exact.scores.sum(axis=-1), atol=1e-5)


def test_sampling_ends_when_the_error_is_small(visited: list[int]) -> None:
    random = np.random.default_rng(0)
    x, background = random.normal(size=(4, 2, 2, BANDS)), random.normal(size=(30, 2, 2, BANDS))
    options: dict[str, Any] = {"background": background, "method": "shapley", "max_exact": 1}
    bl.band_importance(interacting, x, **options, tolerance=10.0)
    # every background image once, and as many again as an error must rest on: less than a step beyond
    assert 50 <= sum(visited) < 50 + visited[0]
    visited.clear()
    bl.band_importance(interacting, x, **options, tolerance=0, max_permutations=200)
    assert 100 - visited[0] < sum(visited) <= 100
    visited.clear()
    bl.band_importance(interacting, x, **options, tolerance=0, max_permutations=1)
    assert 50 <= sum(visited) < 50 + visited[0]


def test_additive_models_have_no_error_of_sampling() -> None:
    random = np.random.default_rng(0)
    x, background = random.normal(size=(3, 2, 2, BANDS)), random.normal(size=(25, 2, 2, BANDS))

    def additive(x: Any) -> Any:
        return ops.stack([ops.sum(x**2, axis=(1, 2, 3)), ops.sum(ops.tanh(x), axis=(1, 2, 3))], axis=1)

    result = bl.band_importance(additive, x, background=background, method="shapley", target="all", max_exact=1)
    one, other = (f(x).sum(axis=(1, 2)) - f(background).sum(axis=(1, 2)).mean(axis=0) for f in (np.square, np.tanh))
    np.testing.assert_allclose(result.scores, np.stack([one, other], axis=1), atol=1e-4)
    assert result.score_errors is not None
    assert result.score_errors.max() < 1e-5


def branched(keras: Any, settle: Any, kind: str) -> tuple[Any, int]:
    """A network of branches that start from slices of the bands, or from a few maps of all of them."""
    layers = keras.layers
    bands = 9 if kind == "three" else 8
    inputs = keras.Input((6, 6, bands))
    cuts = {"three": (0, 3, 6, 9), "unequal": (0, 2, 8), "overlapping": (0, 4, 8)}[kind]
    ends = []
    for start, stop in pairwise(cuts):
        x = inputs[..., start : stop + (1 if kind == "overlapping" and stop < bands else 0)]
        x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", activation="tanh")(x))
        ends.append(layers.MaxPooling2D(2)(x))
    x = layers.Conv2D(6, 1)(layers.Concatenate()(ends))
    x = layers.Flatten()(layers.ReLU()(x))
    return settle(keras.Model(inputs, layers.Dense(3, activation="softmax")(x))), bands


@pytest.mark.parametrize(
    ("kind", "groups", "blocks"),
    [
        ("three", None, ((0, 1, 2), (3, 4, 5), (6, 7, 8))),
        ("unequal", None, ((0, 1), (2, 3, 4, 5, 6, 7))),
        ("unequal", {"last": [6, 7]}, ((0, 1), (2, 3, 4, 5, 6))),
        ("overlapping", None, ((0,), (1,), (2,), (3,), (4, 5, 6, 7))),
    ],
)
def test_branches_are_computed_once_for_what_they_see(
    keras: Any, settle: Any, monkeypatch: pytest.MonkeyPatch, used: list[Any], kind: str, groups: Any, blocks: Any
) -> None:
    model, bands = branched(keras, settle, kind)
    random = np.random.default_rng(0)
    x, background = random.normal(size=(2, 6, 6, bands)), random.normal(size=(3, 6, 6, bands))

    def scores(least: int) -> np.ndarray:
        monkeypatch.setattr(mixtures, "LEAST_MIXTURES", least)
        options: dict[str, Any] = {"background": background, "method": "shapley", "target": "all", "groups": groups}
        return bl.band_importance(model, x, **options).scores

    # 62 mixtures of the larger block for 254 of all bands
    shared, mixed = scores(1), scores(10**9)
    np.testing.assert_allclose(shared, mixed, rtol=1e-4, atol=1e-5 * np.abs(mixed).max())
    assert used[1] is None
    assert used[0].start.blocks == blocks
    assert len(used[0].seen) == sum(2 ** len(block) - 1 for block in blocks)


def test_branches_that_learn_to_see_more_are_followed(
    keras: Any, monkeypatch: pytest.MonkeyPatch, used: list[Any]
) -> None:
    # with weights of 0 a branch sees nothing of a band; the same model with others does
    layers = keras.layers
    inputs = keras.Input((6, 6, 8))
    ends = [layers.Conv2D(8, 3, activation="tanh")(layers.Conv2D(8, 3, activation="relu")(inputs)) for _ in range(2)]
    x = layers.Flatten()(layers.Conv2D(4, 1, activation="relu")(layers.Concatenate()(ends)))
    model = keras.Model(inputs, layers.Dense(3)(x))
    random = np.random.default_rng(0)
    x, background = random.normal(size=(2, 6, 6, 8)), random.normal(size=(3, 6, 6, 8))

    def scores(least: int) -> np.ndarray:
        monkeypatch.setattr(mixtures, "LEAST_MIXTURES", least)
        return bl.band_importance(model, x, background=background, method="shapley", target="all").scores

    firsts = [layer for layer in model.layers if layer.name.startswith("conv") and layer.kernel.shape[2:] == (8, 8)]
    firsts = [layer for layer in firsts if layer.input is inputs]
    dense = [layer.get_weights() for layer in firsts]
    for layer, (kernel, bias), part in zip(firsts, dense, (slice(0, 4), slice(4, 8)), strict=True):
        sparse = np.zeros_like(kernel)
        sparse[:, :, part] = kernel[:, :, part]
        layer.set_weights([sparse, bias])
    few, mixed = scores(1), scores(10**9)
    assert used[0].start.blocks == ((0, 1, 2, 3), (4, 5, 6, 7))
    np.testing.assert_allclose(few, mixed, rtol=1e-4, atol=1e-5 * np.abs(mixed).max())
    for layer, weights in zip(firsts, dense, strict=True):
        layer.set_weights(weights)
    many, mixed = scores(1), scores(10**9)
    np.testing.assert_allclose(many, mixed, rtol=1e-4, atol=1e-5 * np.abs(mixed).max())
    assert np.abs(many - few).max() > 1e-2 * np.abs(mixed).max()


def test_columns_add_up_to_mixtures() -> None:
    masks = np.random.default_rng(0).random((2, 3, 40, 7)) < 0.5
    blocks = ((0, 3, 6), (1,), (2, 4, 5))
    seen, where = columns(masks, blocks)
    np.testing.assert_array_equal(where.astype(int) @ seen, masks)
    assert len(seen) == where.shape[-1] == n_columns(masks, blocks) <= 7 + 1 + 7
    assert len(np.unique(seen, axis=0)) == len(seen)
    none = np.zeros((1, 1, 2, 7), bool)
    assert [part.shape for part in columns(none, blocks)] == [(0, 7), (1, 1, 2, 0)]
