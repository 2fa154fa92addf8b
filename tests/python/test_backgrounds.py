"""What images are compared with: strategies and weights against closed forms, and against images that are repeated."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import errors
from bandlens.data import backgrounds
from bandlens.data.centres import grouped, mean_images
from bandlens.data.images import check_images
from bandlens.results.pairs import Pairs
from bandlens.results.uncertainty import uncertainty
from keras import ops

CLASSES = ["water", "soil", "forest"]
BANDS = 4
N, M = 9, 12
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(N, 3, 3, BANDS)).astype("float32"), np.arange(N) % 3
BACKGROUND, OF = RANDOM.normal(size=(M, 3, 3, BANDS)).astype("float32"), np.arange(M) % 3
WEIGHTS = RANDOM.uniform(0.5, 3, M)
SLOPES = RANDOM.normal(size=(3, 3, BANDS, 3))

METHODS: list[tuple[str, dict[str, Any]]] = [
    ("deepshap", {}),
    ("deepshap", {"statistic": "pixel_mean_abs"}),
    ("shapley", {}),
    ("shapley", {"max_exact": 2, "max_permutations": 30}),
    ("occlusion", {}),
    ("occlusion", {"replacement": "background_mean"}),
    ("integrated_gradients", {}),
    ("expected_gradients", {"n_samples": 16}),
    ("lime", {"ridge": 1e-9}),
]

# those whose draws don't depend on how often an image is there
EXACT = [one for one in METHODS if "n_samples" not in one[1] and "max_exact" not in one[1]]


def linear(x: Any) -> Any:
    return ops.reshape(x, (-1, SLOPES[..., 0].size)) @ ops.convert_to_tensor(SLOPES.reshape(-1, 3), x.dtype)


def curved(x: Any) -> Any:
    """Three outputs of which no band's part depends on that band alone."""
    return linear(ops.tanh(x) * ops.max(x, axis=-1, keepdims=True))


def differences(baselines: np.ndarray) -> np.ndarray:
    """Band scores of a linear model: slopes times what sets images apart from their baselines, (n, 1, bands)."""
    return np.einsum("nrcb,rcbn->nb", X - baselines, SLOPES[..., Y])[:, None]


def of_others() -> np.ndarray:
    return np.stack([BACKGROUND[code != OF].mean(axis=0) for code in Y])


def importance(background: Any, model: Any = linear, **options: Any) -> bl.BandImportance:
    return bl.band_importance(model, X, Y, background=background, classes=CLASSES, **options)


WEIGHTED = bl.BackgroundImages(BACKGROUND, weights=WEIGHTS)
OTHERS = bl.BackgroundImages(BACKGROUND, OF, strategy="others")

# ---- Closed forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "options"), [one for one in METHODS if "statistic" not in one[1]])
def test_scores_of_a_linear_model_are_counted_from_the_weighted_mean(method: str, options: dict[str, Any]) -> None:
    mean = np.tensordot(WEIGHTS / WEIGHTS.sum(), BACKGROUND, 1)
    wanted = {"weighted": (WEIGHTED, mean[None]), "others": (OTHERS, of_others())}
    for strategy, (background, baselines) in wanted.items():
        # draws of unequal weights are a multiple of them on average only
        few = method == "expected_gradients" and strategy == "weighted"
        result = importance(background, method=method, **(options | ({"n_samples": 2000} if few else {})))
        np.testing.assert_allclose(result.scores, differences(baselines), atol=0.02 if few else 2e-5)
        assert result.background_strategy == strategy
        if not few and result.completeness is not None:
            assert result.completeness < 1e-5


def test_base_values_are_weighted_means() -> None:
    outputs = ops.convert_to_numpy(linear(ops.convert_to_tensor(BACKGROUND)))
    found = importance(WEIGHTED, target="all").base_values
    np.testing.assert_allclose(found, np.tile(WEIGHTS @ outputs / WEIGHTS.sum(), (N, 1)), rtol=1e-5)
    found = importance(OTHERS, target="all").base_values
    np.testing.assert_allclose(found, [outputs[code != OF].mean(axis=0) for code in Y], rtol=1e-5)


@pytest.mark.parametrize(("method", "options"), EXACT)
def test_a_whole_weight_is_an_image_that_comes_as_often(method: str, options: dict[str, Any]) -> None:
    counts = np.arange(M) % 3 + 1
    weighted = importance(bl.BackgroundImages(BACKGROUND, weights=7 * counts), curved, method=method, **options)
    repeated = importance(np.repeat(BACKGROUND, counts, axis=0), curved, method=method, **options)
    np.testing.assert_allclose(weighted.scores, repeated.scores, atol=2e-5)
    np.testing.assert_allclose(weighted.base_values, repeated.base_values, atol=1e-5)
    np.testing.assert_allclose(weighted.background_weights, counts / counts.sum())


@pytest.mark.parametrize(("method", "options"), EXACT)
def test_images_of_a_class_are_compared_with_those_of_others_as_if_alone(method: str, options: dict[str, Any]) -> None:
    together = importance(OTHERS, curved, method=method, **options)
    for code in range(3):
        mine = code == Y
        alone = bl.band_importance(
            curved, X[mine], Y[mine], background=BACKGROUND[code != OF], classes=CLASSES, method=method, **options
        )
        np.testing.assert_allclose(together.scores[mine], alone.scores, atol=2e-5)


@pytest.mark.parametrize(
    ("method", "options", "background"),
    [
        ("deepshap", {"n_background": 5}, "kmeans"),
        *((method, options, background) for background in (WEIGHTED, OTHERS) for method, options in METHODS),
    ],
)
def test_results_depend_on_no_batch_size(method: str, options: dict[str, Any], background: Any) -> None:
    one, other = (importance(background, curved, method=method, batch_size=size, **options) for size in (2, 64))
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(one.background, other.background)


def test_maps_sum_to_scores() -> None:
    for background in (WEIGHTED, OTHERS):
        for method in ("deepshap", "integrated_gradients", "expected_gradients"):
            options = {"background": background, "classes": CLASSES, "method": method, "target": "all"}
            maps = bl.band_maps(curved, X, Y, **options)
            scores = bl.band_importance(curved, X, Y, **options).scores
            np.testing.assert_allclose(maps.values.sum(axis=(2, 3)), scores, atol=2e-5)


# ---- Which images ----------------------------------------------------------------------------------------------------


def test_strategies_choose_from_the_images_themselves() -> None:
    balanced, default = importance("balanced", n_background=6), importance(None, n_background=6)
    assert balanced.background_strategy == default.background_strategy == "balanced"
    np.testing.assert_array_equal(balanced.scores, default.scores)
    np.testing.assert_array_equal(np.bincount(Y[balanced.background]), [2, 2, 2])
    sample = importance("sample", n_background=6)
    assert sample.background_strata is None
    assert sample.background_source == "x"
    others = importance("others", n_background=6)
    np.testing.assert_array_equal(others.background, balanced.background)
    np.testing.assert_array_equal(others.background_strata, Y[balanced.background])


def test_strategies_choose_from_a_background_by_its_labels_or_by_what_the_model_takes_it_for() -> None:
    assert importance(BACKGROUND).background_strategy == "sample"
    given = importance(bl.BackgroundImages(BACKGROUND, OF, strategy="balanced"), n_background=6)
    np.testing.assert_array_equal(np.bincount(OF[given.background]), [2, 2, 2])
    brought = bl.LabelledImages(BACKGROUND, [CLASSES[code] for code in OF])
    again = importance(bl.BackgroundImages(brought, strategy="balanced"), n_background=6)
    np.testing.assert_array_equal(again.background, given.background)
    predicted = ops.convert_to_numpy(linear(ops.convert_to_tensor(BACKGROUND))).argmax(axis=1)
    unlabelled = importance(bl.BackgroundImages(BACKGROUND, strategy="others"))
    np.testing.assert_array_equal(unlabelled.background_strata, predicted)


def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of images that are far apart, in bands of very different spread; how many are in each."""
    sizes = np.array([10, 20, 30])
    cloud = np.repeat(np.arange(3), sizes)
    values = np.random.default_rng(1).normal(size=(60, 3, 3, BANDS)) + 50 * np.eye(BANDS)[cloud][:, None, None]
    return values * np.array([1.0, 1e4, 1.0, 1.0]), sizes


def test_a_summary_finds_groups_and_weighs_them() -> None:
    values, sizes = clouds()
    groups = grouped(check_images(values), 3, seed=0)
    np.testing.assert_allclose(groups.weights, sizes / 60)
    parts = np.split(np.arange(60), np.cumsum(sizes)[:-1])
    for mine, part in zip(groups.members, parts, strict=True):
        np.testing.assert_array_equal(mine, part)
    means = mean_images(check_images(values), groups)
    np.testing.assert_allclose(means, [values[part].mean(axis=0) for part in parts])
    for nearest, part in zip(groups.nearest, parts, strict=True):
        assert nearest in part


def test_means_and_medoids_have_a_background_of_so_many_images() -> None:
    values, sizes = clouds()
    outputs = ops.convert_to_numpy(linear(ops.convert_to_tensor(values.astype("float32"))))
    for strategy in ("kmeans", "kmedoids"):
        result = bl.band_importance(linear, values, background=strategy, n_background=3, classes=CLASSES)
        np.testing.assert_allclose(result.background_weights, sizes / 60)
        assert result.n_background == 3
        if strategy == "kmeans":  # the mean of a linear model is that over all images
            np.testing.assert_array_equal(result.background, -1)
            wanted = outputs.mean(axis=0)
        else:
            wanted = result.background_weights @ outputs[result.background]
        np.testing.assert_allclose(result.base_values[:, 0], wanted[result.image_class], rtol=1e-4)


def test_a_model_of_several_inputs_is_compared_with_groups_of_them_together(keras: Any) -> None:
    optical, radar = keras.Input((3, 3, 2), name="optical"), keras.Input((3, 3, 2), name="radar")
    joined = keras.layers.Concatenate()([optical, radar])
    model = keras.Model([optical, radar], keras.layers.Dense(3)(keras.layers.Flatten()(joined)))
    given = {"optical": X[..., :2], "radar": X[..., 2:]}
    background = {"optical": BACKGROUND[..., :2], "radar": BACKGROUND[..., 2:]}
    weighted = bl.band_importance(model, given, Y, background=bl.BackgroundImages(background, weights=WEIGHTS))
    outputs = model.predict(background, verbose=0)
    wanted = WEIGHTS @ outputs / WEIGHTS.sum()
    np.testing.assert_allclose(weighted.base_values[:, 0], wanted[Y], rtol=1e-4, atol=1e-5)
    for strategy in ("kmeans", "kmedoids", "others"):
        found = bl.band_importance(
            model, given, Y, background=bl.BackgroundImages(background, OF, strategy=strategy), n_background=6
        )
        assert found.completeness < 1e-4


# ---- Intervals -------------------------------------------------------------------------------------------------------


def test_an_interval_covers_the_background_where_that_is_a_sample() -> None:
    for background in (BACKGROUND, "sample", "balanced", "others", OTHERS):
        frame = importance(background, curved).to_frame()
        assert np.isfinite(frame["se_background"]).all(), background
    for background in (WEIGHTED, "kmeans", "kmedoids"):
        result = importance(background, curved, n_background=M if background is WEIGHTED else 4)
        frame = result.to_frame()
        assert frame["se_background"].isna().all()
        np.testing.assert_allclose(frame["std_error"], frame["se_images"])
        assert np.isfinite(frame["share_high"]).all()
        assert result.pair_scores is None


def test_intervals_of_others_are_those_of_a_class_alone() -> None:
    """Images of a class meet the same background images as if these were all there are."""
    together = importance(OTHERS)
    for code in range(3):
        part = together.subset(np.flatnonzero(code == Y)).to_frame()
        row = together.to_frame().query("`class` == @CLASSES[@code]")
        np.testing.assert_allclose(row["se_background"], part["se_background"])
    kept = OF != 0
    alone = bl.band_importance(
        linear, X[Y == 0], Y[Y == 0], background=bl.BackgroundImages(BACKGROUND[kept], OF[kept], strategy="others"),
        classes=CLASSES,
    )  # fmt: skip
    row = importance(OTHERS).to_frame().query("`class` == 'water'")
    np.testing.assert_allclose(row["se_background"], alone.to_frame()["se_background"], rtol=1e-4)


@pytest.mark.parametrize("every", [False, True])
def test_the_variance_of_others_is_that_between_backgrounds(every: bool) -> None:
    """Of images of one class, and of all classes, each with a background of its own."""
    random = np.random.default_rng(1)
    codes, strata = np.repeat(np.arange(4), 20), np.repeat(np.arange(4), 6)
    values, centres = random.normal(20, 1, (80, 2)), random.normal(0, 2, (4, 2))
    rows = np.arange(80) if every else np.arange(20)
    counts = (strata != codes[rows, None]) / 18.0
    found = []
    for _ in range(200):
        background = centres[strata] + random.normal(0, 1.5, (24, 2))
        pairs = Pairs(values[rows, None] - background, np.ones(len(rows)), None, strata, 24, counts)
        sizes = np.abs(pairs.means)
        mean = sizes.mean(axis=0)
        one = uncertainty(sizes, np.zeros(len(rows), int), mean[None], directed=False, pairs=[pairs])
        found.append((mean, one.se_background[0] ** 2))
    means, variances = (np.array(part) for part in zip(*found, strict=True))
    np.testing.assert_allclose(variances.mean(axis=0), means.var(axis=0, ddof=1), rtol=0.3)
    # with as many of each class, all of them count the same over all classes, but most count more for one
    np.testing.assert_allclose(variances.mean(axis=0), 1.5**2 / (24 if every else 18), rtol=0.1)


@pytest.mark.parametrize(
    ("method", "options"), [("deepshap", {"background_per_image": 4}), ("expected_gradients", {"n_samples": 40})]
)
def test_classes_that_are_balanced_are_no_error_whether_images_have_a_background_of_their_own(
    method: str, options: dict[str, Any]
) -> None:
    random = np.random.default_rng(5)
    classes, centres = np.arange(180) % 3, np.array([[3, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 3]])
    x = (centres[classes][:, None, None] + random.normal(size=(180, 3, 3, BANDS))).astype("float32")
    background = x[:60], classes[:60]

    def errors_of(strategy: str, method: str = "deepshap", **options: Any) -> float:
        given = bl.BackgroundImages(*background, strategy=strategy)
        images = (x[60:], classes[60:])
        result = bl.band_importance(linear, *images, background=given, classes=CLASSES, method=method, **options)
        return float(np.sqrt((result.table.se_background**2).mean()))

    everything = errors_of("balanced")
    assert 0.8 < errors_of("balanced", method, **options) / everything < 1.25
    assert errors_of("sample", method, **options) / everything > 1.5


# ---- Kept with the result --------------------------------------------------------------------------------------------


def test_a_result_says_how_its_background_was_chosen(tmp_path: Any) -> None:
    result = importance(WEIGHTED)
    assert "12 background images (weighted)" in repr(result)
    assert "of other classes" in repr(importance(OTHERS))
    result.save(tmp_path / "result.npz")
    loaded = bl.BandImportance.load(tmp_path / "result.npz")
    assert loaded.background_strategy == "weighted"
    np.testing.assert_array_equal(loaded.background_weights, result.background_weights)
    assert repr(WEIGHTED) == "<BackgroundImages: shape (12, 3, 3, 4), weighted>"
    assert repr(bl.BackgroundImages(strategy="kmeans")) == "<BackgroundImages: the explained images, kmeans>"


def test_pieces_must_have_the_same_strategy_and_weights() -> None:
    halves = [np.arange(5), np.arange(5, N)]

    def piece(part: np.ndarray, background: Any) -> bl.BandImportance:
        return bl.band_importance(linear, X[part], Y[part], background=background, classes=CLASSES)

    for background in (OTHERS, WEIGHTED):
        joined = bl.combine(*(piece(part, background) for part in halves))
        np.testing.assert_allclose(joined.scores, importance(background).scores, atol=1e-6)
    with pytest.raises(errors.ResultError, match="'sample' and 'weighted'"):
        bl.combine(piece(halves[0], BACKGROUND), piece(halves[1], WEIGHTED))
    other = bl.BackgroundImages(BACKGROUND, weights=WEIGHTS[::-1])
    with pytest.raises(errors.ResultError, match="other weights"):
        bl.combine(piece(halves[0], WEIGHTED), piece(halves[1], other))


# ---- What can't be done is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("background", "options", "kind", "says"),
    [
        ("kmean", {}, errors.OptionError, "did you mean 'kmeans'"),
        (bl.BackgroundImages(BACKGROUND, strategy=3), {}, errors.OptionError, "no such strategy"),
        (bl.BackgroundImages(BACKGROUND, strategy="kmeans", weights=WEIGHTS), {}, errors.OptionError, "all used"),
        (bl.BackgroundImages(BACKGROUND, weights=WEIGHTS[:3]), {}, errors.BackgroundError, "12 numbers"),
        (bl.BackgroundImages(BACKGROUND, weights=["a"] * M), {}, errors.BackgroundError, "12 numbers"),
        (bl.BackgroundImages(BACKGROUND, weights=WEIGHTS - 1), {}, errors.BackgroundError, "positive"),
        (WEIGHTED, {"n_background": 5}, errors.BackgroundError, "set `n_background` to 12"),
        ("kmeans", {}, errors.BackgroundError, "9 images can't be summarised by 100"),
        (bl.BackgroundImages(np.repeat(BACKGROUND[:2], 5, axis=0), strategy="kmedoids"), {"n_background": 3},
         errors.BackgroundError, "2 different images"),
        (WEIGHTED, {"background_per_image": 4}, errors.OptionError, "in which all count the same"),
        ("others", {"background_per_image": 4}, errors.OptionError, "in which all count the same"),
        (bl.BackgroundImages(BACKGROUND, ["sand"] * M, strategy="others"), {}, errors.BackgroundError,
         "Labels of the background"),
        (bl.BackgroundImages(BACKGROUND, np.zeros(M, int), strategy="others"), {}, errors.BackgroundError,
         "other classes than 'water'"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(background: Any, options: dict[str, Any], kind: Any, says: str) -> None:
    with pytest.raises(kind, match=says):
        importance(background, **options)


def test_classes_are_asked_for_only_where_images_have_one_each() -> None:
    def numbers(x: Any) -> Any:
        return ops.mean(x, axis=(1, 2, 3))[:, None]

    with pytest.raises(errors.OptionError, match="one class each"):
        bl.band_importance(numbers, X, background="others", task="regression")
    result = bl.band_importance(numbers, X, background="kmeans", n_background=3, task="regression")
    assert result.completeness < 1e-4


def test_verbs_that_draw_themselves_take_images_only() -> None:
    result = importance(BACKGROUND)
    with pytest.raises(errors.OptionError, match="check_deletion draws from the background by itself"):
        bl.check_deletion(linear, result, X, background="kmeans")
    for background, options in (("kmeans", {"n_background": 3}), (WEIGHTED, {})):
        with pytest.raises(errors.OptionError, match="drawn at random"):
            bl.check_stability(linear, X, Y, background=background, classes=CLASSES, **options)
    check = bl.check_stability(linear, X, Y, background="sample", classes=CLASSES, backgrounds=2, resamples=20)
    assert check.facts["n_background"] == N


def test_without_scikit_learn_groups_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backgrounds, "find_spec", lambda name: None)
    with pytest.raises(errors.MissingPackageError, match="scikit-learn"):
        importance("kmeans", n_background=3)
