"""Intervals over images and background images: known variances, a linear model's closed form, and what pieces keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.methods.findings import LEAST_PAIRED, MOST_PAIRED, evenly
from bandlens.results.pairs import Pairs, Shared, deviations_of
from bandlens.results.uncertainty import folded, moves_of, uncertainty
from keras import ops
from scipy import stats

NEW = ["share_low", "share_high", "p_first", "se_images", "se_background"]


def sampled(random: np.random.Generator, n: int, m: int, *, own: int | None = None, strata: Any = None) -> Any:
    """Scores against background images: 5 + image + background image + pair, with variances 1, 0.36 and 4."""
    shift = np.zeros(m) if strata is None else 3.0 * strata
    scores = 5 + random.normal(size=(n, 1, 1)) + (0.6 * random.normal(size=(m, 1)) + shift[:, None])
    scores = scores + 2 * random.normal(size=(n, m, 1))
    places = None
    if own is not None:
        places = np.stack([random.choice(m, own) for _ in range(n)])
        scores = np.take_along_axis(scores, places[..., None], axis=1)
    return np.repeat(scores, 2, axis=2), places


def errors(scores: np.ndarray, places: Any, strata: Any, m: int) -> Any:
    sizes = np.abs(scores.mean(axis=1))
    pairs = Pairs(scores, np.ones(len(scores)), places, strata, m)
    return uncertainty(sizes, np.zeros(len(sizes), int), sizes.mean(axis=0)[None], directed=False, pairs=[pairs])


@pytest.mark.parametrize(
    ("own", "groups", "m"),
    [(None, 1, 25), (4, 1, 25), (60, 1, 25), (None, 4, 24), (4, 4, 24), (60, 4, 24)],
)
def test_the_part_of_the_background_is_that_of_its_own_variance(own: int | None, groups: int, m: int) -> None:
    # 0.36 / m, whatever the pairs do by themselves; strata that are drawn in fixed numbers add nothing to it
    random, found = np.random.default_rng(2), []
    strata = None if groups == 1 else np.repeat(np.arange(groups), m // groups)
    for _ in range(300):
        scores, places = sampled(random, 30, m, own=own, strata=strata)
        pairs = Pairs(scores, np.ones(30), places, strata, m)
        shared = Shared.of([pairs] * 6)
        found.append(moves_of(deviations_of(pairs), np.zeros(2), pairs, shared).estimate[0])
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - 0.36 / m) < 4 * error
    assert error < 0.15 * 0.36 / m


@pytest.mark.parametrize("own", [4, 12])
def test_strata_are_no_error_of_estimates_from_few_background_images(own: int) -> None:
    # scores of all background images are estimated from each image's own; strata differ by 3, which is fixed
    random, m, strata, found = np.random.default_rng(12), 40, np.repeat(np.arange(4), 10), []
    for _ in range(200):
        every = random.normal(size=(30, 1, 1)) + 3.0 * strata[:, None] + 0.6 * random.normal(size=(m, 1))
        every = 5 + every + 2 * random.normal(size=(30, m, 1))
        places = np.stack([random.choice(m, own) for _ in range(30)])
        scores = np.take_along_axis(every, places[..., None], axis=1)
        pairs = Pairs(scores, np.ones(30), places, strata, m, estimates=every.mean(axis=1), errors=np.ones((30, 1)))
        shared = Shared.of([pairs] * 6)
        found.append(moves_of(deviations_of(pairs), np.zeros(1), pairs, shared).estimate[0] * m)
    error = np.std(found) / np.sqrt(len(found))
    assert error < 0.1
    assert abs(np.mean(found) - 0.36) < 3 * error + 0.03  # of few products, it is taken a little too large
    unknown = replace(pairs, strata=None)
    every = moves_of(deviations_of(unknown), np.zeros(1), unknown, shared)
    assert every.estimate[0] * m > 4  # with that of strata, 11.25


def test_cells_of_few_common_background_images_learn_from_each_other() -> None:
    # 20 images with 4 of 400 each: eight products in a cell, from which alone the deviation would be 0.6
    random, found = np.random.default_rng(6), []
    for _ in range(12):
        background = np.arange(2.0) + 1, random.normal(size=(400, 1, 2))
        cells = []
        for _ in range(20):
            places = np.stack([random.choice(400, 4) for _ in range(20)])
            scores = 5 + background[0] * (background[1][places, 0] + random.normal(size=(20, 4, 2)))
            cells.append(Pairs(scores, np.ones(20), places, None, 400))
        sizes = np.concatenate([np.abs(cell.scores.mean(axis=1)) for cell in cells])
        code = np.repeat(np.arange(20), 20)
        means = sizes.reshape(20, 20, 2).mean(axis=1)
        got = uncertainty(sizes, code, means, directed=False, pairs=list(cells))
        found.append(got.se_background**2 * 400)
    # half of each pair's variance, 2 and 8, is the background's; it comes out a little too large, as it is meant to
    np.testing.assert_allclose(np.mean(found, axis=(0, 1)), [1.05, 4.2], rtol=0.1)
    assert np.std(found, axis=(0, 1))[0] < 0.35


def test_where_no_background_image_is_met_twice_all_is_taken_to_be_shared() -> None:
    random = np.random.default_rng(8)
    scores, places = 5 + random.normal(size=(30, 4, 2)), np.arange(120).reshape(30, 4)
    found = errors(scores, places, None, 500)
    np.testing.assert_allclose(found.se_background[0] ** 2, scores.var(axis=1, ddof=1).mean(axis=0) / 500)


def test_one_background_image_for_each_image_tells_nothing_of_the_others() -> None:
    random = np.random.default_rng(7)
    found = errors(*sampled(random, 30, 20, own=1), None, 20)
    assert np.isnan(found.se_background).all()
    np.testing.assert_array_equal(found.std_error, found.se_images)


def test_intervals_cover_where_images_and_background_vary() -> None:
    random, held, alone = np.random.default_rng(3), [], []
    for _ in range(300):
        scores, _ = sampled(random, 40, 12)
        found = errors(scores, None, None, 12)
        held.append(found.conf_low[0, 0] <= 5 <= found.conf_high[0, 0])
        alone.append(abs(np.abs(scores.mean(axis=1)).mean() - 5) < 2 * found.se_images[0, 0])
    assert 0.92 < np.mean(held) < 0.98
    assert np.mean(alone) < 0.95


def test_the_size_of_a_mean_that_errs_is_too_large_by_that_of_a_folded_normal() -> None:
    size, error = np.array([0.0, 0.5, 3.0, 1.0]), np.array([1.0, 2.0, 0.5, 0.0])
    wanted = stats.foldnorm.mean(size[:3] / error[:3], scale=error[:3]) - size[:3]
    np.testing.assert_allclose(folded(size, error)[:3], wanted, atol=1e-12)
    assert folded(size, error)[3] == 0


@pytest.mark.parametrize(("true", "rate"), [(0.0, 0.8), (0.15, 0.95)])
def test_an_interval_holds_what_is_smaller_than_its_bias(true: float, rate: float) -> None:
    # weak bands: each score has an error from its background of 0.32, and the mean of such sizes is 0.25 and more
    random, held, sizes = np.random.default_rng(4), [], []
    for _ in range(200):
        scores = true + np.repeat(random.normal(size=(40, 10, 1)), 2, axis=2)
        held.append(errors(scores, None, None, 10).conf_low[0, 0] <= true)
        sizes.append(np.abs(scores.mean(axis=1)).mean())
    assert np.mean(sizes) > true + 0.12
    assert np.mean(held) > rate


@pytest.fixture(scope="module")
def linear() -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A linear function whose scores all have one sign, images, labels, background, weights (bands, outputs)."""
    random = np.random.default_rng(5)
    weights = random.uniform(0.5, 2, (3, 2)).astype("float32")
    x = random.normal(6, 0.7, (30, 2, 2, 3)).astype("float32")
    background = 3 + random.normal(0, 1.5, (20, 2, 2, 3)).astype("float32") * np.array([0.7, 1, 1.3], "float32")

    def model(images: Any) -> Any:
        return ops.mean(images, axis=(1, 2)) @ ops.convert_to_tensor(weights, images.dtype)

    return model, x, np.arange(30) % 2, background, weights


METHODS: list[tuple[str, dict[str, Any]]] = [
    ("deepshap", {}),
    ("deepshap", {"target": "all"}),
    ("expected_gradients", {"n_samples": 40}),
    ("occlusion", {}),
    ("shapley", {}),
    ("shapley", {"max_exact": 1}),
]


@pytest.mark.parametrize(("method", "options"), METHODS)
def test_errors_of_a_linear_model_are_those_of_its_two_samples(linear: Any, method: str, options: Any) -> None:
    model, x, y, background, weights = linear
    result = bl.band_importance(model, x, y, background=background, method=method, **options)
    table = result.table
    own, other = (weights.T[result.cells[:, 1]] for _ in range(2))
    of_background = stats.sem(background.mean(axis=(1, 2)), axis=0)
    np.testing.assert_allclose(table.se_background, own * of_background, rtol=1e-3)
    for row, (code, _) in enumerate(result.cells):
        wanted = other[row] * stats.sem(x[y == code].mean(axis=(1, 2)), axis=0)
        np.testing.assert_allclose(table.se_images[row], wanted, rtol=1e-3)
    np.testing.assert_allclose(table.std_error**2, table.se_images**2 + table.se_background**2, rtol=1e-9)
    np.testing.assert_allclose(table.p_first.sum(axis=1), 1)
    assert (table.share_low < table.share).all()
    assert (table.share < table.share_high).all()


def test_all_images_together_count_the_same_although_few_of_a_large_class_have_pairs(linear: Any) -> None:
    # of 400 images of the first class 64 have pairs, of the second all 20: over all, the first makes the error
    model, x, _, background, weights = linear
    many = np.concatenate([x] * 14)
    y = np.repeat([0, 1], [400, 20])
    result = bl.band_importance(model, many, y, background=background)
    mean = (400 * weights[:, 0] + 20 * weights[:, 1]) / 420
    of_background = stats.sem(background.mean(axis=(1, 2)), axis=0)
    np.testing.assert_allclose(result.overall.se_background[0], mean * of_background, rtol=0.01)


def test_equal_bands_share_the_probability_of_being_first() -> None:
    sizes = np.random.default_rng(7).uniform(1, 2, (20, 1)) @ np.array([[1.0, 1.0, 0.5]])
    found = uncertainty(sizes, np.zeros(20, int), sizes.mean(axis=0)[None], directed=False, pairs=None)
    np.testing.assert_allclose(found.p_first[0], [0.5, 0.5, 0])


def test_draws_of_their_own_know_the_pool_too(linear: Any) -> None:
    model, x, y, background, weights = linear
    pool = np.concatenate([background] * 3)[:50] + np.random.default_rng(6).normal(size=(50, 1, 1, 3)) * 0.3
    result = bl.band_importance(model, x, y, background=pool.astype("float32"), background_per_image=4)
    wanted = weights.T * stats.sem(pool.mean(axis=(1, 2)), axis=0)
    np.testing.assert_allclose(result.table.se_background, wanted, rtol=0.5)


def test_what_is_not_known_is_not_said(linear: Any) -> None:
    model, x, y, background, _ = linear
    unknown = bl.band_importance(model, x, y, background=background, method="integrated_gradients").table
    assert np.isnan(unknown.se_background).all()
    np.testing.assert_array_equal(unknown.std_error, unknown.se_images)
    without = bl.band_importance(model, x, y, method="saliency").table
    assert (without.se_background == 0).all()
    single = bl.band_importance(model, x, y, background=background[:1]).table
    assert np.isnan(single.se_background).all()
    assert np.isfinite(single.std_error).all()


def test_pieces_files_and_sums_keep_what_tells_of_the_background(linear: Any, tmp_path: Path) -> None:
    model, x, y, background, _ = linear
    whole = bl.band_importance(model, x, y, background=background)
    together = bl.combine(whole.subset(range(0, 30, 2)), whole.subset(range(1, 30, 2)))
    for frame in (together.to_frame(), together.to_frame("overall")):
        assert (frame["se_background"] > 0).all()
    np.testing.assert_allclose(together.to_frame()[NEW], whole.to_frame()[NEW], rtol=1e-6, atol=1e-6)
    whole.save(tmp_path / "it.npz")
    kept = bl.BandImportance.load(tmp_path / "it.npz")
    np.testing.assert_array_equal(kept.to_frame()[NEW], whole.to_frame()[NEW])
    old = replace(whole, pair_images=None, pair_scores=None)  # as earlier versions saved it
    assert old.to_frame()["se_background"].isna().all()
    np.testing.assert_array_equal(old.table.importance, whole.table.importance)
    # steps that move together move their sum further than each
    steps = np.stack([x, x], axis=1)
    back = np.stack([background, background], axis=1)
    timed = bl.band_importance(lambda images: model(ops.mean(images, axis=1)), steps, y, background=back, time_axis=1)
    sums = timed.to_frame("band")
    np.testing.assert_allclose(sums["se_background"], whole.to_frame()["se_background"], rtol=1e-3)


def test_batches_and_repetitions_change_nothing(linear: Any) -> None:
    model, x, y, background, _ = linear
    frames = [
        bl.band_importance(model, x, y, background=background, batch_size=size).to_frame() for size in (None, None, 7)
    ]
    np.testing.assert_array_equal(frames[0][NEW], frames[1][NEW])
    np.testing.assert_allclose(frames[0][NEW], frames[2][NEW], rtol=1e-4, atol=1e-5)


def test_pairs_of_few_images_of_each_class_are_kept() -> None:
    codes = np.repeat([0, 1], [500, 3])
    kept = evenly(codes, 100)
    assert kept[codes == 0].sum() == MOST_PAIRED
    assert kept[codes == 1].all()
    assert evenly(codes, 10**7)[codes == 0].sum() == LEAST_PAIRED


def test_the_part_of_the_background_is_said_where_it_is_known(linear: Any) -> None:
    model, x, y, background, _ = linear
    result = bl.band_importance(model, x, y, background=background)
    table = result.table
    assert result.background_part == pytest.approx(np.median(table.se_background**2 / table.std_error**2))
    assert bl.band_importance(model, x, y, method="gradient_x_input").background_part == 0
    assert bl.band_importance(model, x, y, background=background, method="integrated_gradients").background_part is None
    # without any score that is not 0 there is no error to be part of
    assert replace(result, scores=0 * result.scores, pair_scores=0 * result.pair_scores).background_part is None
