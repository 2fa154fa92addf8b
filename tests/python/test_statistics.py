"""Moments, intervals, shares and ranks against NumPy and SciPy on the whole sample."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from bandlens.data.moments import Moments
from bandlens.results.statistics import class_band_table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats


def sample(n: int = 60, bands: int = 4, cells: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    return random.normal(1, 2, (n, bands)), random.integers(0, cells, n)


def test_moments_are_those_of_numpy() -> None:
    values, cell = sample()
    moments = Moments.of(values, cell, 3)
    for index in range(3):
        mine = values[cell == index]
        np.testing.assert_allclose(moments.mean[index], mine.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(moments.squares[index], mine.var(axis=0) * len(mine), rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 60), max_size=6))
def test_merging_any_parts_gives_the_whole(cuts: list[int]) -> None:
    values, cell = sample()
    whole = Moments.of(values, cell, 3)
    merged = Moments.empty(3, 4)
    edges = [0, *sorted(cuts), 60]
    for start, stop in itertools.pairwise(edges):
        merged = merged.merge(Moments.of(values[start:stop], cell[start:stop], 3))
    np.testing.assert_allclose(merged.count, whole.count)
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(merged.squares, whole.squares, rtol=1e-10)


def test_large_offsets_do_not_cancel() -> None:
    values = np.array([[1e8 + 1], [1e8 + 2], [1e8 + 3]])
    assert Moments.of(values, np.zeros(3, int), 1).squares[0, 0] == pytest.approx(2.0)


def test_interval_is_students() -> None:
    values, cell = sample()
    table = class_band_table(values, np.abs(values), cell, 3, signed=True)
    mine = np.abs(values[cell == 1])
    error = stats.sem(mine, axis=0)
    low, high = stats.t.interval(0.95, len(mine) - 1, loc=mine.mean(axis=0), scale=error)
    np.testing.assert_allclose(table.std_error[1], error, rtol=1e-12)
    np.testing.assert_allclose(table.conf_low[1], low, rtol=1e-9)
    np.testing.assert_allclose(table.conf_high[1], high, rtol=1e-9)
    np.testing.assert_allclose(table.effect[1], values[cell == 1].mean(axis=0), rtol=1e-12)


def test_intervals_cover_at_their_nominal_rate() -> None:
    random = np.random.default_rng(11)
    truth = stats.halfnorm.mean()
    hits = 0
    for _ in range(400):
        scores = random.normal(size=(20, 5))
        table = class_band_table(scores, np.abs(scores), np.zeros(20, int), 1, signed=True)
        hits += int(((table.conf_low < truth) & (truth < table.conf_high)).sum())
    assert 0.92 < hits / 2000 < 0.975


def test_shares_sum_to_one_and_ranks_follow_importance() -> None:
    values, cell = sample()
    table = class_band_table(values, np.abs(values), cell, 3, signed=True)
    np.testing.assert_allclose(table.share.sum(axis=1), 1)
    for importance, rank in zip(table.importance, table.rank, strict=True):
        assert list(np.argsort(rank)) == list(np.argsort(-importance))
        assert sorted(rank) == [1, 2, 3, 4]


def test_one_image_has_no_interval_and_unsigned_scores_no_effect() -> None:
    table = class_band_table(np.array([[1.0, 3.0]]), np.array([[1.0, 3.0]]), np.zeros(1, int), 1, signed=False)
    assert table.importance.tolist() == [[1.0, 3.0]]
    assert np.isnan(table.std_error).all()
    assert np.isnan(table.conf_low).all()
    assert np.isnan(table.effect).all()


def test_no_importance_at_all_has_no_share() -> None:
    table = class_band_table(np.zeros((3, 2)), np.zeros((3, 2)), np.zeros(3, int), 1, signed=True)
    assert np.isnan(table.share).all()
    assert table.rank.tolist() == [[1, 2]]
