"""SAGE: by its definition, in closed form, shared fairly, as sure as it says, of every kind of model."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from scipy import special

BANDS = 4


def flat(levels: np.ndarray) -> np.ndarray:
    """Images with these means of bands, (n, bands)."""
    return np.tile(np.asarray(levels, np.float32)[:, None, None], (1, 2, 2, 1))


def levels_of(x: Any) -> np.ndarray:
    return np.asarray(x, np.float64).mean(axis=(1, 2))


def logits(x: Any) -> np.ndarray:
    m = levels_of(x)
    return np.stack([m[:, 0] - m[:, 1], m[:, 1] * m[:, 2], m[:, 3] + 0.5 * m[:, 0]], axis=1)


RANDOM = np.random.default_rng(0)
X, BACKGROUND = flat(RANDOM.normal(size=(9, BANDS))), flat(RANDOM.normal(size=(7, BANDS)))
Y = np.arange(9) % 3


EVERY = [known for size in range(BANDS + 1) for known in combinations(range(BANDS), size)]


def by_hand(image: np.ndarray, predict: Any, worth: Any, weights: np.ndarray | None = None) -> np.ndarray:
    """Shapley values of what the mean prediction from some bands is worth, by sums over sets."""
    mixed = np.tile(BACKGROUND, (len(EVERY), 1, 1, 1, 1))
    for at, known in enumerate(EVERY):
        mixed[at, ..., list(known)] = np.moveaxis(image, -1, 0)[list(known), None]
    found = np.asarray(predict(mixed.reshape(-1, *image.shape)), np.float64)
    found = found.reshape(len(EVERY), len(BACKGROUND), *found.shape[1:])
    means = np.average(found, axis=1, weights=weights)
    of = {known: float(worth(mean)) for known, mean in zip(EVERY, means, strict=True)}
    values = np.zeros(BANDS)
    for known in EVERY:
        for band in set(range(BANDS)) - set(known):
            more = tuple(sorted((*known, band)))
            values[band] += (of[more] - of[known]) / (BANDS * comb(BANDS - 1, len(known)))
    return values


def probabilities(x: Any) -> np.ndarray:
    found: np.ndarray = special.softmax(logits(x), axis=1)
    return found


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
@pytest.mark.parametrize("output", ["logit", "probability"])
def test_scores_are_those_of_the_definition(metric: str, output: str) -> None:
    model = logits if output == "logit" else probabilities
    result = bl.band_importance(
        model, X, Y, method="sage", background=BACKGROUND, metric=metric, output=output, target="all"
    )
    assert result.output == ("accuracy" if metric == "accuracy" else "log-likelihood")
    for image in range(9):
        for output_index in range(3):

            def worth(mean: np.ndarray, wanted: int = output_index) -> float:
                return float(mean.argmax() == wanted) if metric == "accuracy" else float(np.log(mean[wanted]))

            expected = by_hand(X[image], probabilities, worth)
            np.testing.assert_allclose(result.scores[image, output_index], expected, rtol=1e-5, atol=1e-6)


def test_squared_errors_of_a_linear_model_have_a_closed_form() -> None:
    weights = np.array([1.0, -2.0, 0.5, 0.0])
    y = levels_of(X) @ weights  # what the model predicts is right, so that all of the error is bought off
    result = bl.band_importance(lambda x: levels_of(x) @ weights, X, y, method="sage", background=BACKGROUND)
    # (sum of a_j)^2 is shared out, and of each product of two, a half goes to either
    moved = weights * (levels_of(X) - levels_of(BACKGROUND).mean(axis=0))
    np.testing.assert_allclose(result.scores[:, 0], moved * moved.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(result.output_values, 0, atol=1e-10)
    np.testing.assert_allclose(result.base_values[:, 0], -(moved.sum(axis=1) ** 2), rtol=1e-4, atol=1e-5)
    assert result.output == "negative squared error"


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
@pytest.mark.parametrize("max_exact", [8, 2])
def test_scores_sum_to_what_all_bands_buy(metric: str, max_exact: int) -> None:
    options = {"background": BACKGROUND, "metric": metric, "output": "logit", "max_exact": max_exact}
    result = bl.band_importance(logits, X, Y, method="sage", **options)
    np.testing.assert_allclose(result.scores.sum(axis=-1), result.output_values - result.base_values, atol=1e-9)
    probability = special.softmax(logits(X), axis=1)
    if metric == "accuracy":
        np.testing.assert_array_equal(result.output_values[:, 0], probability.argmax(axis=1) == Y)
    else:
        np.testing.assert_allclose(result.output_values[:, 0], np.log(probability[np.arange(9), Y]), rtol=1e-5)


def test_bands_that_replace_each_other_share_what_either_buys() -> None:
    """Two bands with the same values, either of which is enough: permutation gives nothing to both."""
    y = np.arange(60) % 2
    levels = np.random.default_rng(1).normal(size=(60, 3)) * 0.1
    levels[:, 0] = levels[:, 1] = 2.0 * y - 1
    x = flat(levels)

    def either(images: Any) -> np.ndarray:
        m = levels_of(images)
        return 5 * np.stack([-np.maximum(m[:, 0], m[:, 1]), np.maximum(m[:, 0], m[:, 1])], axis=1)

    for metric in ("accuracy", "log_loss"):
        given = {"metric": metric, "output": "logit", "classes": ["no", "yes"]}
        sage = bl.band_importance(either, x, y, method="sage", background=x, **given)
        one, other, noise = sage.overall.importance[0]
        assert one == pytest.approx(other, rel=1e-9)
        assert one > 0.15
        assert abs(noise) < 1e-9
        lost = bl.band_importance(either, x, y, method="permutation", **given)
        yes = lost.to_frame().query("`class` == 'yes'")["importance"]
        np.testing.assert_allclose(yes, 0, atol=1e-4)  # the other band is still there
        if metric == "log_loss":
            assert (sage.to_frame().query("`class` == 'yes'")["importance"].iloc[:2] > 0.15).all()


def test_sampled_scores_are_the_exact_ones_but_for_their_errors() -> None:
    x, y = flat(np.random.default_rng(2).normal(size=(40, BANDS))), np.arange(40) % 3
    options = {"background": BACKGROUND, "metric": "log_loss", "output": "logit", "method": "sage"}
    exact = bl.band_importance(logits, x, y, **options)
    sampled = bl.band_importance(logits, x, y, max_exact=2, tolerance=0.01, **options)
    assert exact.score_errors is None
    assert sampled.score_errors is not None
    errors = np.sqrt((sampled.score_errors**2).sum(axis=0)) / 40
    deviations = (sampled.scores.mean(axis=0) - exact.scores.mean(axis=0)) / errors
    assert np.abs(deviations).max() < 4
    assert np.abs(deviations).max() > 0.1
    np.testing.assert_allclose(sampled.table.importance, exact.table.importance, atol=0.05)
    # what background images do is known as well as of exact scores
    ratio = sampled.table.se_background / exact.table.se_background
    assert 0.8 < np.median(ratio) < 1.25


def test_sampling_ends_when_orders_matter_little_any_more() -> None:
    asked = []
    x, y = flat(np.random.default_rng(2).normal(size=(30, BANDS))), np.arange(30) % 3
    for options in ({"tolerance": 1.0}, {"tolerance": 0.02}, {"tolerance": 1e-9, "max_permutations": 40}):
        seen = [0]

        def model(images: Any, seen: list[int] = seen) -> np.ndarray:
            seen[0] += len(images)
            return logits(images)

        bl.band_importance(
            model, x, y, method="sage", background=BACKGROUND, max_exact=2, metric="log_loss", output="logit", **options
        )
        asked.append(seen[0] / (30 * 7 * 2 * (BANDS - 1)))
    # pairs of an order and its reverse: the least, some more, the most
    assert 2 <= asked[0] < 2.5
    assert asked[0] < asked[1] < asked[2]
    assert 20 <= asked[2] < 20.5


def test_standard_errors_hold_what_other_images_and_backgrounds_do() -> None:
    random = np.random.default_rng(3)
    options = {"method": "sage", "metric": "log_loss", "output": "logit"}
    found, told, parts = [], [], []
    for _ in range(40):
        x, y = flat(random.normal(size=(60, BANDS))), random.integers(0, 3, 60)
        background = flat(random.normal(size=(25, BANDS)))
        result = bl.band_importance(logits, x, y, background=background, **options)
        found.append(result.overall.importance[0])
        told.append(result.overall.std_error[0])
        parts.append((result.overall.se_background[0] / told[-1]) ** 2)
    ratio = np.mean(told, axis=0) / np.std(found, axis=0, ddof=1)
    assert (ratio > 0.75).all()
    assert (ratio < 1.4).all()
    assert np.mean(parts) > 0.02
    single = bl.band_importance(logits, x, y, background=x[:1], **options)
    assert np.isnan(single.table.se_background).all()  # one background image tells nothing of others


def test_background_images_count_as_much_as_they_are_given() -> None:
    weights = np.array([3.0, 1, 1, 1, 0.5, 1, 1])
    given = bl.BackgroundImages(BACKGROUND, weights=weights)
    result = bl.band_importance(logits, X, Y, method="sage", background=given, metric="log_loss", output="logit")
    expected = by_hand(X[4], probabilities, lambda mean: np.log(mean[Y[4]]), weights)
    np.testing.assert_allclose(result.scores[4, 0], expected, rtol=1e-5, atol=1e-6)
    others = bl.band_importance(logits, X, Y, method="sage", background="others", metric="log_loss", output="logit")
    np.testing.assert_allclose(others.scores.sum(axis=-1), others.output_values - others.base_values, atol=1e-9)
    assert np.isfinite(others.table.se_background).all()


def test_labels_of_which_images_have_several_are_bought_one_by_one(keras: Any) -> None:
    model = keras.Sequential(
        [keras.Input((2, 2, BANDS)), keras.layers.Flatten(), keras.layers.Dense(3, activation="sigmoid")]
    )
    y = np.random.default_rng(0).integers(0, 2, (9, 3))
    y[0] = 1
    for metric in ("log_loss", "accuracy"):
        result = bl.band_importance(model, X, y, method="sage", background=BACKGROUND, metric=metric)
        assert result.images is not None
        for row in (0, 3, len(result.images) - 1):
            label = result.image_class[row]

            def worth(mean: np.ndarray, label: int = label, metric: str = metric) -> float:
                return float(np.log(mean[label])) if metric == "log_loss" else float(mean[label] > 0.5)

            expected = by_hand(X[result.images[row]], lambda x: model.predict(x, verbose=0), worth)
            np.testing.assert_allclose(result.scores[row, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_pixels_are_bought_over_the_zone_of_their_class(keras: Any, metric: str) -> None:
    model = keras.Sequential([keras.Input((2, 2, BANDS)), keras.layers.Conv2D(2, 1, activation="softmax")])
    random = np.random.default_rng(5)
    x, masks = random.normal(size=(3, 2, 2, BANDS)).astype("float32"), random.integers(0, 2, (3, 2, 2))
    masks[0] = [[0, 1], [1, 1]]
    result = bl.band_importance(model, x, masks, method="sage", background=BACKGROUND, metric=metric)
    assert result.images is not None
    for row in range(len(result.images)):
        label, zone = result.image_class[row], masks[result.images[row]] == result.image_class[row]

        def worth(mean: np.ndarray, label: int = label, zone: np.ndarray = zone) -> float:
            each = np.log(mean[..., label]) if metric == "log_loss" else mean.argmax(axis=-1) == label
            return float(each[zone].mean())

        expected = by_hand(x[result.images[row]], lambda x: model.predict(x, verbose=0), worth)
        np.testing.assert_allclose(result.scores[row, 0], expected, rtol=1e-4, atol=1e-5)


def test_parts_of_the_images_have_the_scores_of_all() -> None:
    options = {"method": "sage", "background": BACKGROUND, "metric": "log_loss", "output": "logit"}
    whole = bl.band_importance(logits, X, Y, **options)
    part = bl.band_importance(logits, X[3:6], Y[3:6], **options)
    np.testing.assert_allclose(part.scores, whole.scores[3:6], rtol=1e-6)


@pytest.mark.parametrize("max_exact", [8, 2])
def test_pairs_have_the_scores_as_their_mean(max_exact: int) -> None:
    result = bl.band_importance(
        logits, X, Y, method="sage", background=BACKGROUND, metric="log_loss", output="logit", max_exact=max_exact
    )
    assert result.pair_scores is not None
    np.testing.assert_allclose(result.pair_scores.mean(axis=2), result.scores[result.pair_images], atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "squared_error"}, r"does not suit a model that tells classes apart.*\n.*'accuracy' or 'log_loss'"),
        ({"metric": "f1"}, r"`metric` has a value"),
        ({"metric": "log_loss"}, r"needs probabilities.*\n.*metric='accuracy'.*\n.*\n.*output='logit'"),
        ({"max_permutations": 3}, r"`max_permutations` must be a whole number, 4 or more"),
        ({"tolerance": 0}, r"`tolerance` must be a number"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(bl.errors.OptionError, match=message):
        bl.band_importance(logits, X, Y, method="sage", background=BACKGROUND, **options)
