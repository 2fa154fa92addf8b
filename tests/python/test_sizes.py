"""Sizes of scores that err: what is taken out of them, how far errors are known, and what importance makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.deepshap import averaged
from bandlens.engine.deepshap import draws as drawing
from bandlens.results.pairs import Pairs, deviations_of
from bandlens.results.sizes import FAR, remaining, size_of, sizes_of
from bandlens.results.uncertainty import bias_of, uncertainty
from scipy import integrate, stats


def mean_size(true: float, spread: float, error: float) -> float:
    """Mean size of scores about a true one that vary and err, by integration."""
    total = np.hypot(spread, error)
    at = np.linspace(true - 12 * total, true + 12 * total, 20001)
    return float(integrate.trapezoid(size_of(at, np.full_like(at, error)) * stats.norm.pdf(at, true, total), at))


def test_errors_are_taken_out_of_sizes() -> None:
    # scores that vary as much as they err, or twice or half as much, about 0 and elsewhere: sizes of normal variables
    for true in (0.0, 0.7, 3.0):
        for error in (0.5, 1.0):
            wanted = stats.foldnorm.mean(true)
            plain = stats.foldnorm.mean(true / np.hypot(1, error), scale=np.hypot(1, error))
            assert abs(mean_size(true, 1.0, error) - wanted) < 0.08 * error
            if true < 1:
                assert plain - wanted > 0.15 * error
    # scores that are all the same, far from 0 in errors
    assert mean_size(4.0, 0.0, 1.0) == pytest.approx(4, abs=0.05)


def test_of_nothing_but_errors_about_half_of_the_bias_remains() -> None:
    assert mean_size(0.0, 0.0, 1.0) == pytest.approx(remaining(), rel=1e-3)
    assert mean_size(0.0, 0.0, 0.2) == pytest.approx(0.2 * remaining(), rel=1e-3)
    assert remaining() < 0.6 * np.sqrt(2 / np.pi)


def test_sizes_without_errors_are_absolute_values() -> None:
    scores = np.array([-3.0, 0.0, 1e-3, 5.0])
    np.testing.assert_array_equal(size_of(scores, np.zeros(4)), np.abs(scores))
    np.testing.assert_allclose(size_of(scores * FAR * 1e3, np.ones(4))[[0, 3]], np.abs(scores * FAR * 1e3)[[0, 3]])
    random = np.random.default_rng(0)
    sizes = size_of(random.normal(size=1000), random.uniform(0.01, 2, 1000))
    assert (sizes >= 0).all()
    np.testing.assert_allclose(size_of(2 * scores, np.full(4, 2.0)), 2 * size_of(scores, np.ones(4)))


def test_weak_bands_get_their_share_although_scores_err() -> None:
    # six bands whose scores vary by 0.2 to 1.2, and all err by 0.4: plain sizes double the share of the weakest one
    random = np.random.default_rng(1)
    spread = np.linspace(0.2, 1.2, 6)
    scores = random.normal(size=(20000, 6)) * spread + 0.4 * random.normal(size=(20000, 6))
    sizes = size_of(scores, np.full_like(scores, 0.4)).mean(axis=0)
    wanted = spread / spread.sum()
    plain = np.abs(scores).mean(axis=0) / np.abs(scores).mean(axis=0).sum()
    assert np.abs(plain - wanted).max() > 0.035
    assert np.abs(sizes / sizes.sum() - wanted).max() < 0.6 * np.abs(plain - wanted).max()
    assert np.abs(sizes / sizes.sum() - wanted)[1:].max() < 0.01


@pytest.fixture
def drawn() -> tuple[np.ndarray, ...]:
    """Scores of 200 images against a pool of 100 that background and pair make, features, and four draws of each."""
    random = np.random.default_rng(3)
    background, images = random.normal(size=(100, 5)), random.normal(size=(200, 5))
    scores = 3 * (background @ random.normal(size=(5, 3))) + random.normal(size=(200, 100, 3)) * [0.5, 1, 2]
    places = random.permuted(np.tile(np.arange(100), (200, 1)), axis=1)[:, :4]
    return scores, background, images, places


def test_errors_are_those_of_what_could_not_be_learnt(drawn: tuple[np.ndarray, ...]) -> None:
    scores, background, images, places = drawn
    pairs, whole = np.take_along_axis(scores, places[..., None], axis=1), scores.mean(axis=1)
    found, errors = averaged(pairs, places, background, images, np.zeros(200, int))
    actual = ((found - whole) ** 2).mean(axis=0)
    said = (errors**2).mean(axis=0)
    assert (said > 0.9 * actual).all()
    assert (said < 1.5 * actual).all()
    # differences between draws, as they are, are far larger
    assert (pairs.var(axis=1, ddof=1).mean(axis=0) / 4 > 5 * actual).all()
    every = np.tile(np.arange(100), (200, 1))[:3]
    _, none = averaged(scores[:3], every, background, images[:3], np.zeros(3, int))
    np.testing.assert_array_equal(none, 0)
    _, unknown = averaged(pairs[:, :1], places[:, :1], background, images, np.zeros(200, int))
    assert np.isnan(unknown).all()


def test_what_an_image_is_held_against_is_learnt_from_the_others(
    drawn: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # with one penalty, the error of the last image is that of a fit to all others, made by hand
    monkeypatch.setattr(drawing, "PENALTIES", np.array([0.1]))
    scores, background, images, places = (one[:12] if len(one) == 200 else one for one in drawn)
    pairs = np.take_along_axis(scores, places[..., None], axis=1)
    kernel = background @ background.T
    alike = 1.0 + drawing._nearness(images)
    _, variances = drawing._explained(pairs, kernel, alike, places)

    image, reference = np.repeat(np.arange(12), 4), places.ravel()
    between = kernel[np.ix_(reference, reference)] * alike[np.ix_(image, image)]
    center = np.kron(np.eye(12), np.eye(4) - 0.25)
    within, deviations = center @ between @ center, center @ pairs.reshape(48, 3)
    penalty = 0.1 * np.trace(within) / (12 * 3)
    others, own = slice(0, 44), slice(44, 48)
    weights = np.linalg.solve(within[others, others] + penalty * np.eye(44), deviations[others])
    left = deviations[own] - within[own, others] @ weights
    np.testing.assert_allclose(variances[-1], (left**2).sum(axis=0) / 12, rtol=1e-6)


@pytest.fixture
def model() -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """A function that is not linear, images, labels, background."""
    random = np.random.default_rng(5)
    weights = random.normal(size=(4, 2)).astype("float32")
    x, background = (random.normal(size=(n, 2, 2, 4)).astype("float32") for n in (60, 40))
    from keras import ops

    def function(images: Any) -> Any:
        return ops.tanh(ops.mean(images, axis=(1, 2))) @ ops.convert_to_tensor(weights, images.dtype)

    return function, x, np.arange(60) % 2, background


def test_importance_of_few_draws_is_the_mean_of_such_sizes(model: Any, tmp_path: Path) -> None:
    function, x, y, background = model
    few = bl.band_importance(function, x, y, background=background, background_per_image=4)
    assert few.draw_errors is not None
    assert few.draw_errors.shape == few.scores.shape
    sizes = size_of(few.scores, few.draw_errors)[:, 0]
    np.testing.assert_allclose(few.table.importance, [sizes[y == code].mean(axis=0) for code in (0, 1)])
    np.testing.assert_array_equal(sizes_of(few)[:, 0], sizes)
    few.save(tmp_path / "few.npz")
    kept = bl.BandImportance.load(tmp_path / "few.npz")
    np.testing.assert_array_equal(kept.table.share_low, few.table.share_low)
    halves = bl.combine(few.subset(slice(0, 30)), few.subset(slice(30, 60)))
    np.testing.assert_allclose(halves.table.importance, few.table.importance)
    # all of the background, or a single image of it, of which no error is known: absolute scores
    for each in (None, 40, 1):
        plain = bl.band_importance(function, x, y, background=background, background_per_image=each)
        assert plain.draw_errors is None
        np.testing.assert_array_equal(sizes_of(plain), np.abs(plain.scores))


def test_an_interval_holds_0_where_scores_are_nothing_but_errors_of_draws() -> None:
    random, held = np.random.default_rng(6), []
    for _ in range(200):
        scores = random.normal(size=(60, 4, 2))
        places = np.stack([random.choice(2000, 4) for _ in range(60)])
        estimates, errors = scores.mean(axis=1), scores.std(axis=1, ddof=1) / 2
        pairs = Pairs(scores, np.ones(60), places, None, 2000, estimates=estimates, errors=errors)
        sizes = size_of(estimates, errors)
        found = uncertainty(sizes, np.zeros(60, int), sizes.mean(axis=0)[None], directed=False, pairs=[pairs])
        held.append(found.conf_low[0] <= 0)
    assert np.mean(held) > 0.8


def test_the_bias_of_sizes_has_three_parts() -> None:
    random = np.random.default_rng(7)
    scores, places = 0.1 * random.normal(size=(400, 4, 2)) + [0, 5], random.integers(0, 100, (400, 4))
    errors = np.full((400, 2), 0.05)
    pairs = Pairs(scores, np.ones(400), places, None, 100, estimates=scores.mean(axis=1), errors=errors)
    found = bias_of(deviations_of(pairs), pairs)
    np.testing.assert_array_equal(found.by_pairs, 0)
    # all of it where scores are as large as errors, next to nothing far from that
    np.testing.assert_allclose(found.unknown, [0.05 * remaining(), 0], rtol=0.25, atol=1e-6)
    # of 100 background images, a tenth of the deviation of one
    assert found.by_background[0] < np.sqrt(2) * 0.8 * 0.1 / 10 * 1.5
    assert found.by_background[1] < 1e-6
    plain = bias_of(deviations_of(pairs), Pairs(scores, np.ones(400), places, None, 100))
    assert plain.by_pairs[0] > 4 * found.by_background[0]
    np.testing.assert_array_equal(plain.by_background + plain.unknown, 0)
