"""Occlusion, Shapley values and permutation importance against their definitions, written out as loops."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import errors
from bandlens.methods import mixtures
from bandlens.methods.coalitions import coalition_weights
from keras import ops
from scipy import ndimage

CLASSES = ["water", "soil", "forest"]


def crossing(x: Any) -> Any:
    """Two outputs in which the bands of a pixel multiply, saturate and compete: nothing is additive."""
    weights = ops.convert_to_tensor(np.linspace(-1, 1.5, x.shape[-1]), x.dtype)
    first = ops.mean(ops.tanh(x * weights) * ops.max(x, axis=-1, keepdims=True), axis=(1, 2, 3))
    second = ops.relu(ops.sum(x[:, 0, 0] ** 2, axis=-1) - 1)
    return ops.stack([first, second], axis=1)


def logits(model: Any, x: np.ndarray) -> np.ndarray:
    return np.log(model.predict(x, verbose=0).astype("float64"))


def sample(n: int, bands: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3, 3, bands))


# ---- Known answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("deepshap", (78, 195, 117)),
        ("shapley", (230 / 3, 590 / 3, 350 / 3)),
        ("occlusion", (80, 200, 120)),
    ],
)
def test_one_tiny_model_tells_three_methods_apart(method: str, answer: tuple[float, ...]) -> None:
    def model(x: Any) -> Any:
        flat = ops.reshape(x, (-1, 3))
        hidden = ops.relu(flat @ ops.ones((3, 4), x.dtype) + ops.convert_to_tensor([-10, 1, 1, 1], x.dtype))
        return ops.sum(hidden, axis=1, keepdims=True) - 1

    x = np.array([20.0, 50.0, 30.0]).reshape(1, 1, 1, 3)
    result = bl.band_importance(model, x, background=np.zeros_like(x), method=method)
    np.testing.assert_allclose(result.scores[0, 0], answer, rtol=1e-6)


# ---- Shapley ---------------------------------------------------------------------------------------------------------


def shapley_by_definition(x: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Mean over all orders and background images of what a band adds to those before it; (n, outputs, bands)."""
    n, bands = len(x), x.shape[-1]
    found = np.zeros((n, 2, bands))
    orders = list(permutations(range(bands)))
    for reference in background:
        for order in orders:
            mixed = np.repeat(reference[None], n, axis=0)
            before = ops.convert_to_numpy(crossing(ops.convert_to_tensor(mixed)))
            for band in order:
                mixed[..., band] = x[..., band]
                after = ops.convert_to_numpy(crossing(ops.convert_to_tensor(mixed)))
                found[..., band] += (after - before) / len(orders) / len(background)
                before = after
    return found


@pytest.mark.parametrize("bands", [1, 3, 4, 5])
def test_exact_shapley_equals_its_definition(bands: int) -> None:
    x, background = sample(4, bands), sample(3, bands, 1)
    result = bl.band_importance(crossing, x, background=background, method="shapley", target="all")
    expected = shapley_by_definition(x, background)
    np.testing.assert_allclose(result.scores, expected, rtol=1e-4, atol=1e-6)
    assert result.score_errors is None


def test_sampled_shapley_covers_exact_within_its_errors(keras: Any) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 6)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    random = np.random.default_rng(0)
    x, background = random.normal(size=(20, 6, 6, 6)) * 2, random.normal(size=(5, 6, 6, 6)) * 2
    options: dict[str, Any] = {"background": background, "method": "shapley", "target": "all"}
    exact = bl.band_importance(model, x, **options)
    sampled = bl.band_importance(model, x, **options, max_exact=5, tolerance=0.03)
    assert sampled.score_errors is not None
    deviation = np.abs(sampled.scores - exact.scores) / sampled.score_errors
    assert 0.9 < (deviation < 2).mean() < 0.99
    assert (deviation < 5).all()
    spread = np.ptp(sampled.scores, axis=-1)
    assert (sampled.score_errors.max(axis=-1) <= 0.03 * spread).mean() > 0.9
    coarse = bl.band_importance(model, x, **options, max_exact=5, max_permutations=1)
    assert coarse.score_errors is not None
    assert coarse.score_errors.mean() > 2 * sampled.score_errors.mean()


@pytest.mark.parametrize("max_exact", [12, 1])
def test_shapley_is_efficient(small_cnn: Any, images: np.ndarray, background: np.ndarray, max_exact: int) -> None:
    result = bl.band_importance(
        small_cnn, images, background=background, method="shapley", target="all", max_exact=max_exact
    )
    raised = logits(small_cnn, images)[:, None] - logits(small_cnn, background)[None]
    differences = (raised - raised.mean(axis=-1, keepdims=True)).mean(axis=1)
    sums = result.scores.sum(axis=-1)
    # softmax leaves the sum of the logits open
    np.testing.assert_allclose(sums - sums.mean(axis=-1, keepdims=True), differences, atol=1e-5)
    assert result.completeness is not None
    assert result.completeness < 1e-5


def test_sampled_shapley_depends_on_image_and_seed_only() -> None:
    x, background = sample(5, 6), sample(4, 6, 1)

    def scores(seed: int, batch_size: int | None) -> np.ndarray:
        result = bl.band_importance(
            crossing, x, background=background, method="shapley", max_exact=1, seed=seed, batch_size=batch_size
        )
        return result.scores

    np.testing.assert_allclose(scores(0, 7), scores(0, None), rtol=1e-6)
    assert not np.isclose(scores(0, None), scores(1, None)).all()


@pytest.mark.parametrize("kind", ["images", "skip", "linear"])
def test_sums_of_contributions_equal_mixtures(keras: Any, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    # the first layers are linear in the bands: the same scores with and without use of that
    layers = keras.layers
    inputs = keras.Input((6, 6, 5))
    first = layers.Conv2D(2, 3, padding="same", bias_initializer="ones")(inputs)
    first = layers.BatchNormalization()(first)
    hidden = first if kind == "linear" else layers.ReLU()(first)
    if kind == "skip":
        hidden = layers.Concatenate()([hidden, layers.Conv2D(1, 1)(first), layers.ReLU()(layers.Conv2D(1, 1)(inputs))])
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(hidden)))
    random = np.random.default_rng(0)
    x, background = random.normal(size=(3, 6, 6, 5)), random.normal(size=(4, 6, 6, 5))

    def scores(least: int) -> np.ndarray:
        monkeypatch.setattr(mixtures, "LEAST_MIXTURES", least)
        return bl.band_importance(model, x, background=background, method="shapley", target="all").scores

    summed, mixed = scores(1), scores(10**9)
    np.testing.assert_allclose(summed, mixed, rtol=1e-4, atol=1e-5 * np.abs(mixed).max())
    assert not np.array_equal(summed, mixed)


def test_weights_of_coalitions_are_probabilities() -> None:
    coalitions = (np.arange(16)[:, None] >> np.arange(4)) & 1 == 1
    weights = coalition_weights(coalitions)
    np.testing.assert_allclose(np.where(weights > 0, weights, 0).sum(axis=1), 1)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-15)


# ---- Occlusion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replacement", ["background", "background_mean", "zero", "blur"])
def test_occlusion_is_a_loop_over_bands(
    small_cnn: Any, images: np.ndarray, background: np.ndarray, replacement: str
) -> None:
    result = bl.band_importance(
        small_cnn,
        images,
        background=background,
        method="occlusion",
        target="all",
        output="probability",
        replacement=replacement,
    )
    before = small_cnn.predict(images, verbose=0)
    for band in range(4):
        changed = {
            "background": list(background[..., band]),
            "background_mean": [background[..., band].mean(axis=0)],
            "zero": [np.zeros((8, 8))],
            "blur": [ndimage.gaussian_filter(images[..., band], (0, 2, 2))],
        }[replacement]
        after = []
        for values in changed:
            x = images.copy()
            x[..., band] = values
            after.append(small_cnn.predict(x, verbose=0))
        np.testing.assert_allclose(result.scores[..., band], before - np.mean(after, axis=0), atol=1e-6)
    assert (result.background is None) == (replacement in ("zero", "blur"))
    assert result.completeness is None


def test_blur_spares_what_is_constant_and_needs_pixels(keras: Any) -> None:
    model = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 2)).astype("float32")
    x[..., 1] = 2
    scores = bl.band_importance(model, x, method="occlusion", replacement="blur").scores
    np.testing.assert_allclose(scores[..., 1], 0, atol=1e-5)
    assert np.abs(scores[..., 0]).min() > 1e-3
    spectra = keras.Sequential([keras.Input((5, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(errors.OptionError, match=r"nothing to blur.*\n.*'background_mean'"):
        bl.band_importance(spectra, np.zeros((2, 5, 1)), method="occlusion", replacement="blur", band_axis=1)


# ---- Permutation -----------------------------------------------------------------------------------------------------


@pytest.fixture
def labelled(small_cnn: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """A model, images, and labels that it gets right in three cases of four."""
    x = np.random.default_rng(2).normal(size=(80, 8, 8, 4)).astype("float32") * 3
    # every class is predicted, whatever weights the backend has drawn
    kernel, bias = small_cnn.layers[-1].get_weights()
    small_cnn.layers[-1].set_weights([kernel, bias - np.log(small_cnn.predict(x, verbose=0)).mean(axis=0)])
    y = small_cnn.predict(x, verbose=0).argmax(axis=1)
    y[::4] = (y[::4] + 1) % 3
    return small_cnn, x, y


def shuffled_predictions(model: Any, x: np.ndarray, repeats: int, seed: int) -> np.ndarray:
    """Probabilities after each band was shuffled between images; (repeats, bands, n, classes)."""
    found = []
    for repeat in range(repeats):
        order = np.random.default_rng([seed, repeat]).permutation(len(x))
        for band in range(x.shape[-1]):
            changed = x.copy()
            changed[..., band] = x[order][..., band]
            found.append(model.predict(changed, verbose=0))
    return np.reshape(found, (repeats, x.shape[-1], len(x), -1))


def balanced_accuracy(true: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([(predicted[true == code] == code).mean() for code in np.unique(true)]))


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "log_loss", "own"])
def test_permutation_is_a_loop(labelled: tuple[Any, np.ndarray, np.ndarray], metric: str) -> None:
    model, x, y = labelled
    repeats = 3
    given = balanced_accuracy if metric == "own" else metric
    result = bl.band_importance(
        model, x, y, method="permutation", classes=CLASSES, metric=given, n_repeats=repeats, seed=4
    )
    before = model.predict(x, verbose=0)
    after = shuffled_predictions(model, x, repeats, 4)

    def reached(probabilities: np.ndarray, chosen: np.ndarray) -> float:
        true, found = y[chosen], probabilities[chosen]
        if metric == "log_loss":
            return float(np.log(found[np.arange(len(true)), true]).mean())
        if metric == "accuracy":
            return float((found.argmax(axis=1) == true).mean())
        return balanced_accuracy(true, found.argmax(axis=1))

    def falls(chosen: np.ndarray) -> np.ndarray:
        return np.array([[reached(before, chosen) - reached(found, chosen) for found in repeat] for repeat in after])

    frame, overall = result.to_frame(), result.to_frame("overall")
    for code, name in enumerate(CLASSES):
        rows = frame[frame["class"] == name]
        np.testing.assert_allclose(rows["importance"], falls(y == code).mean(axis=0), rtol=1e-4, atol=1e-7)
        assert (rows["n"] == (y == code).sum()).all()
    np.testing.assert_allclose(overall["importance"], falls(y >= 0).mean(axis=0), rtol=1e-4, atol=1e-7)
    assert (overall["n"] == 80).all()
    np.testing.assert_array_equal(frame["importance"], frame["effect"])
    assert ((frame["conf_low"] < frame["importance"]) & (frame["importance"] < frame["conf_high"])).all()
    assert np.isnan(result.scores).all() == (metric == "own")
    if metric == "own":
        own = falls(y == 0)
        errors_by_hand = own.std(axis=0, ddof=1) / np.sqrt(repeats)
        np.testing.assert_allclose(frame["std_error"][:4], errors_by_hand, rtol=1e-6)
        assert result.options["metric"] == result.output == "balanced_accuracy"


def test_permutation_intervals_hold_for_other_images(labelled: tuple[Any, np.ndarray, np.ndarray]) -> None:
    # the error is over images as well as over shuffles: it predicts how far results for new images differ
    model, x, y = labelled
    halves = [
        bl.band_importance(model, x[part], y[part], method="permutation", metric="log_loss").overall
        for part in (slice(0, 40), slice(40, 80))
    ]
    difference = halves[0].importance - halves[1].importance
    expected = np.sqrt(halves[0].std_error ** 2 + halves[1].std_error ** 2)
    assert (np.abs(difference) < 4 * expected).all()
    assert (np.abs(difference) > 0.01 * expected).all()


def test_useless_bands_average_out(keras: Any) -> None:
    # an importance below 0 has no share
    model = keras.Sequential([keras.Input((1, 1, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.set_weights([np.array([[-9.0, 9.0], [-0.5, 0.5], [0, 0]]), np.zeros(2)])
    x = np.random.default_rng(0).normal(size=(400, 1, 1, 3))
    y = (x[:, 0, 0, 0] > 0).astype(int)
    result = bl.band_importance(model, x, y, method="permutation")
    useful, useless, unused = result.overall.importance[0]
    assert useful > 0.4
    assert abs(useless) < 0.02
    assert unused == 0
    assert (result.overall.share >= 0).all()
    np.testing.assert_allclose(result.overall.share.sum(), 1)


def test_without_labels_the_models_own_predictions_are_permuted(labelled: tuple[Any, np.ndarray, np.ndarray]) -> None:
    model, x, _ = labelled
    result = bl.band_importance(model, x, method="permutation")
    assert (result.output_values == 1).all()
    assert (result.scores >= 0).all()


def test_permutation_of_a_regression(keras: Any) -> None:
    model = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=(50, 2, 2, 3))
    values = model.predict(x, verbose=0)[:, 0]
    y = values + np.random.default_rng(1).normal(0, 0.1, 50)
    result = bl.band_importance(model, x, y, method="permutation", n_repeats=2)
    after = shuffled_predictions(model, x, 2, 0)[..., 0]
    expected = ((after - y) ** 2 - (values - y) ** 2).mean(axis=(0, 2))
    np.testing.assert_allclose(result.to_frame()["importance"], expected, rtol=1e-4)
    assert result.output == "negative squared error"
    unlabelled = bl.band_importance(model, x, method="permutation", n_repeats=2)
    np.testing.assert_allclose(unlabelled.table.importance[0], ((after - values) ** 2).mean(axis=(0, 2)), rtol=1e-4)
    np.testing.assert_allclose(unlabelled.overall.importance, unlabelled.table.importance)


def test_log_loss_of_every_kind_of_output(keras: Any, images: np.ndarray) -> None:
    def falls(units: int, activation: str | None, **options: Any) -> np.ndarray:
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(units, activation=activation)]
        )
        y = np.arange(12) % 2
        return bl.band_importance(model, images, y, method="permutation", metric="log_loss", **options).scores

    softmax = falls(2, "softmax")
    np.testing.assert_allclose(falls(2, "softmax", output="probability"), softmax, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(falls(2, None, output="logit"), softmax, rtol=1e-5)
    single = falls(1, "sigmoid")
    np.testing.assert_allclose(falls(1, "sigmoid", output="probability"), single, rtol=1e-3, atol=1e-5)
    with pytest.raises(errors.OptionError, match=r"log-loss needs probabilities.*\n(.*\n)*.*output='logit'"):
        falls(2, None)


# ---- Tables over all classes -----------------------------------------------------------------------------------------


def test_table_over_all_classes(small_cnn: Any, images: np.ndarray) -> None:
    y = np.arange(12) % 3
    own = bl.band_importance(small_cnn, images, y, method="occlusion", classes=CLASSES)
    frame = own.to_frame("overall")
    assert tuple(frame.columns) == tuple(own.to_frame().columns)
    assert frame["class"].astype(str).tolist() == ["all"] * 4
    assert frame["output"].isna().all()
    np.testing.assert_allclose(frame["importance"], np.abs(own.scores).mean(axis=(0, 1)))
    np.testing.assert_allclose(frame["effect"], own.scores.mean(axis=(0, 1)))
    every = bl.band_importance(small_cnn, images, y, method="occlusion", classes=CLASSES, target="all")
    frame = every.to_frame("overall")
    assert frame["output"].astype(str).tolist() == np.repeat(CLASSES, 4).tolist()
    np.testing.assert_allclose(frame["importance"], np.abs(every.scores).mean(axis=0).ravel())


def test_errors_of_balanced_tables(labelled: tuple[Any, np.ndarray, np.ndarray]) -> None:
    model, x, y = labelled
    result = bl.band_importance(model, x, y, method="permutation", metric="balanced_accuracy")
    np.testing.assert_allclose(result.overall.importance[0], result.table.importance.mean(axis=0))
    by_hand = np.sqrt((result.table.std_error**2).sum(axis=0)) / 3
    np.testing.assert_allclose(result.overall.std_error[0], by_hand)


# ---- Errors ----------------------------------------------------------------------------------------------------------

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("occlusion", {"replacement": "one"}, r"`replacement`.*\n.*'background' or .*'blur'.*\n.*'one'"),
    ("occlusion", {"statistic": "band_sum"}, r"no values that could be reduced.*\n.*whole_band"),
    ("shapley", {"max_exact": 0}, r"`max_exact` must be a whole number, 1 or more"),
    ("shapley", {"tolerance": -1}, r"`tolerance` must be a number.*\n.*from 0"),
    ("permutation", {"metric": "kappa"}, r"`metric`.*\n.*'balanced_accuracy'.*\n.*'kappa'"),
    ("permutation", {"metric": "squared_error"}, r"does not suit a model that tells classes apart.*\n.*'accuracy'"),
    ("permutation", {"metric": lambda true, predicted: "good"}, r"does not give a number.*\n.*\n.*str"),
    ("permutation", {"n_repeats": 1.5}, r"`n_repeats` must be a whole number"),
    ("saliency", {"statistic": "whole_band"}, r"no values that could be reduced.*\n.*'band_sum' or 'pixel_mean_abs'"),
]


@pytest.mark.parametrize(("method", "options", "message"), BAD)
def test_bad_options(small_cnn: Any, images: np.ndarray, method: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.OptionError, match=message):
        bl.band_importance(small_cnn, images, method=method, **options)


def test_regression_labels_are_checked(keras: Any, images: np.ndarray) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(1)])
    for y, message in (
        (["a"] * 12, "must hold numbers"),
        ([1.0], r"one finite number per image.*\n.*12 numbers.*\n.*\(1,\)"),
        ([np.nan] * 12, "one finite number"),
    ):
        with pytest.raises(errors.LabelError, match=message):
            bl.band_importance(model, images, y, method="permutation")
    with pytest.raises(errors.OptionError, match=r"does not suit a model that predicts a number.*\n.*'squared_error'"):
        bl.band_importance(model, images, method="permutation", metric="accuracy")
