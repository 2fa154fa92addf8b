"""Filled images told from real ones: the AUC of correlated bands, and of a sample against itself."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.checks.telling_apart import Scored, auc_of
from bandlens.errors import BackgroundError, BandError, InputError, OptionError
from sklearn.metrics import roc_auc_score


def model(images: Any) -> Any:
    return images[:, 0, 0, :1]


def correlated(n: int, seed: int, correlation: float = 0.95) -> np.ndarray:
    covariance = np.array([[1, correlation, 0], [correlation, 1, 0], [0, 0, 1.0]])
    return np.random.default_rng(seed).multivariate_normal(np.zeros(3), covariance, (n, 2, 2)).astype(np.float32)


def test_only_marginal_images_are_told_from_correlated_ones() -> None:
    check = bl.check_plausibility(model, correlated(120, 0), background=correlated(200, 1))
    frame = check.to_frame()
    assert list(frame) == ["absent", "unit", "auc", "std_error", "conf_low", "conf_high", "n"]
    auc = frame.set_index(["absent", "unit"])["auc"]
    assert auc["marginal", "pixel"] > 0.65
    assert auc["marginal", "image"] > 0.6
    low = frame.set_index(["absent", "unit"])["conf_low"]
    assert low["conditional", "pixel"] < 0.5
    assert low["conditional", "image"] < 0.5
    assert auc["conditional", "pixel"] < 0.55
    assert auc["nearest", "pixel"] < 0.6
    removed = check.to_frame("removed")
    assert list(removed)[:4] == ["absent", "unit", "removed", "auc"]
    assert set(removed["removed"]) == {1, 2}
    assert (removed.groupby(["absent", "unit"], observed=True)["n"].sum() == 120).all()
    assert check.passed is None
    assert "conditional" in check.verdict[-1]
    assert check.facts == {"background_source": "background", "n": 120, "folds": 5, "seed": 0}
    same = bl.check_plausibility(model, correlated(120, 0), background=correlated(200, 1)).to_frame()
    np.testing.assert_array_equal(frame["auc"], same["auc"])
    plot = check.plot()
    plot.draw()
    assert "120 images" in plot.labels.subtitle


def test_independent_bands_are_not_told_apart() -> None:
    check = bl.check_plausibility(model, correlated(80, 0, 0.0), background=correlated(80, 1, 0.0), absent=["marginal"])
    assert check.to_frame()["conf_low"].max() < 0.5
    assert len(check.verdict) == 1


def test_images_of_x_stand_for_a_background_and_several_inputs_are_told_by_means() -> None:
    x = correlated(30, 0)
    check = bl.check_plausibility(model, x, n_images=20, folds=3, absent="conditional")
    assert check.facts["background_source"] == "x"
    assert check.facts["n"] == 20
    import keras

    one, two = keras.Input((2, 2, 3), name="a"), keras.Input((1, 1, 3), name="b")
    parts = [keras.layers.Flatten()(one), keras.layers.Flatten()(two)]
    pair = keras.Model([one, two], keras.layers.Dense(1)(keras.layers.Concatenate()(parts)))
    check = bl.check_plausibility(pair, {"a": x, "b": x[:, :1, :1]})
    assert set(check.to_frame()["unit"]) == {"image"}


def test_areas_are_those_of_scikit_learn_and_errors_count_images() -> None:
    random = np.random.default_rng(0)
    made, image = np.repeat([False, True], 60), np.tile(np.repeat(np.arange(20), 3), 2)
    scores = random.normal(size=120).round(1) + made
    found = auc_of(Scored(scores, made, image, np.zeros(120, int)))
    assert found.auc == pytest.approx(roc_auc_score(made, scores))
    assert found.n == 20
    # rows that are there three times tell no more
    once = auc_of(Scored(scores[::3], made[::3], image[::3], np.zeros(40, int)))
    thrice = auc_of(Scored(np.repeat(scores[::3], 3), made, image, np.zeros(120, int)))
    assert once == pytest.approx(thrice)


def test_standard_errors_are_those_of_repeated_samples() -> None:
    random = np.random.default_rng(0)
    made, image = np.repeat([False, True], 80), np.tile(np.repeat(np.arange(40), 2), 2)
    areas, errors = [], []
    for _ in range(300):
        own = np.tile(np.repeat(random.normal(size=40), 2), 2)
        found = auc_of(Scored(own + 0.5 * random.normal(size=160) + made, made, image, np.zeros(160, int)))
        areas.append(found.auc)
        errors.append(found.std_error)
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.2)


def test_what_can_not_be_checked_is_refused() -> None:
    x = correlated(30, 0)
    with pytest.raises(OptionError, match="absent"):
        bl.check_plausibility(model, x, absent=["gone"])
    with pytest.raises(OptionError, match="each once"):
        bl.check_plausibility(model, x, absent=["marginal", "marginal"])
    with pytest.raises(BandError, match="single band"):
        bl.check_plausibility(model, x[..., :1])
    with pytest.raises(InputError, match="folds"):
        bl.check_plausibility(model, x[:3])
    with pytest.raises(BackgroundError, match="too few"):
        bl.check_plausibility(model, x, background=x[:1])
