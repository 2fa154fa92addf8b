"""Training runs that are pooled: intervals of known variances, what runs share, every method, and what is refused."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BandlensError, DataWarning, ModelTypeError, OptionError, ResultError
from bandlens.results.pooled import PooledImportance
from bandlens.results.schema import schema
from bandlens.results.statistics import class_band_table
from bandlens.results.tables import CLASS_COLUMNS
from cells import fused, timed
from keras import ops
from scipy import stats
from test_plots import result_of

pytestmark = pytest.mark.filterwarnings("ignore:Runs .* have the same scores")

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(6, 0.7, (30, 2, 2, 3)).astype("float32")
Y = np.arange(30) % 2
BACKGROUND = RANDOM.normal(3, 1.0, (20, 2, 2, 3)).astype("float32")


def made(pairs: np.ndarray, *, images: Any = None, places: Any = None, own: Any = None) -> bl.BandImportance:
    """A result of one class from scores against background images, shape (n, m, bands)."""
    n, m, n_bands = pairs.shape
    images = np.arange(n) if images is None else images
    start = result_of(classes=("a",), bands=[f"b{band}" for band in range(n_bands)], n=(n,))
    return replace(
        start,
        scores=pairs.mean(axis=1)[:, None],
        band_means=np.repeat(np.asarray(images, float)[:, None], n_bands, axis=1),
        background=np.arange(20 if own is not None else m) if places is None else places,
        background_source="background",
        background_strategy="sample",
        pair_images=np.arange(n),
        pair_scores=pairs[:, None],
        pair_places=own,
    )


def simulated(random: np.random.Generator, k: int, n: int, m: int, spread: Any = (0.3, 1.0, 0.6, 0.5, 1.5)) -> Any:
    """Pairs of k runs: 5 + run + image + background image + run x image + pair, with these standard deviations."""
    of_run, of_image, of_background, both, of_pair = spread
    return (
        5
        + of_run * random.normal(size=(k, 1, 1, 2))
        + of_image * random.normal(size=(n, 1, 2))
        + of_background * random.normal(size=(m, 2))
        + both * random.normal(size=(k, n, 1, 2))
        + of_pair * random.normal(size=(k, n, m, 2))
    )


@pytest.mark.parametrize("k", [2, 8])
def test_intervals_cover_where_runs_images_and_background_vary(k: int) -> None:
    random, held, shares, alone = np.random.default_rng(1), [], [], []
    for _ in range(200):
        result = bl.pool_importance([made(pairs) for pairs in simulated(random, k, 25, 12)])
        table = result.table
        held.append((table.conf_low <= 5) & (table.conf_high >= 5))
        shares.append((table.share_low[:, 0] <= 0.5) & (table.share_high[:, 0] >= 0.5))
        within = stats.t.ppf(0.975, k - 1) * result.se_runs[:1]
        alone.append(np.abs(table.importance - 5) <= within)
    # with one degree of freedom, Satterthwaite's may hold as little as 0.89
    assert (0.86 if k == 2 else 0.92) < np.mean(held) < 0.99
    assert (0.84 if k == 2 else 0.92) < np.mean(shares) < 1
    assert np.mean(alone) < (0.98 if k == 2 else 0.75)


def test_parts_of_the_variance_are_what_they_were_made_of() -> None:
    random, found = np.random.default_rng(2), []
    for _ in range(150):
        result = bl.pool_importance([made(pairs) for pairs in simulated(random, 5, 25, 12)])
        found.append([result.se_runs[0] ** 2, result.se_images[0] ** 2, result.se_background[0] ** 2])
    between = (0.3**2 + 0.5**2 / 25 + 1.5**2 / 25 / 12) / 5
    wanted = [between, 1.0 / 25, 0.6**2 / 12]
    error = np.std(found, axis=(0, 2)) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=(0, 2)) - wanted) < 4 * error).all()
    np.testing.assert_allclose(error / wanted, 0, atol=0.06)


def test_the_same_run_several_times_has_the_interval_of_one() -> None:
    one = made(simulated(np.random.default_rng(3), 1, 25, 12)[0])
    result = bl.pool_importance([one] * 4)
    for name in ("importance", "share", "std_error", "se_images", "se_background"):
        np.testing.assert_allclose(getattr(result.table, name), getattr(one.table, name), rtol=1e-10)
    for name in ("conf_low", "conf_high", "share_low", "share_high"):
        np.testing.assert_allclose(getattr(result.table, name), getattr(one.table, name), rtol=1e-6)
    np.testing.assert_allclose(result.between_runs, 0, atol=1e-20)
    assert result.same_images
    assert result.same_background
    assert result.n == one.n


def test_what_runs_share_is_k_v_less_w_over_k_less_one() -> None:
    runs = [made(pairs) for pairs in simulated(np.random.default_rng(4), 6, 25, 12)]
    sizes = np.abs(np.stack([run.scores[:, 0] for run in runs]))
    table = class_band_table(sizes.mean(axis=0), sizes.mean(axis=0), np.zeros(25, int), 1, signed=True)
    own = np.mean([run.table.se_images**2 for run in runs], axis=0)
    result = bl.pool_importance(runs)
    np.testing.assert_allclose(result.table.se_images**2, (6 * table.se_images**2 - own) / 5, rtol=1e-9)
    total = result.se_images**2 + result.se_background**2 + result.se_runs**2
    np.testing.assert_allclose(result.std_error**2, total, rtol=1e-12)
    np.testing.assert_allclose(result.between_runs, result.se_runs**2 / total, rtol=1e-12)


def test_other_images_and_another_background_are_between_runs_already() -> None:
    pairs = simulated(np.random.default_rng(5), 4, 25, 12)
    runs = [made(own, images=np.arange(25) + 100 * at, places=np.arange(12) + 50 * at) for at, own in enumerate(pairs)]
    result = bl.pool_importance(runs)
    means = np.stack([run.table.importance[0] for run in runs])
    np.testing.assert_allclose(result.std_error[0], stats.sem(means), rtol=1e-12)
    assert (result.se_images == 0).all()
    assert (result.se_background == 0).all()
    assert (result.between_runs == 1).all()
    assert not result.same_images
    assert not result.same_background
    assert result.n == 100
    assert result.row_n.tolist() == [100, 100]
    assert "100 images in all" in repr(result)


def test_runs_of_other_images_share_a_background_and_some_share_both() -> None:
    random, found, half = np.random.default_rng(6), [], []
    for _ in range(120):
        pairs = simulated(random, 4, 20, 12, (0.3, 0, 0.6, 0.5, 1.5))
        runs = [made(own, images=np.arange(20) + 100 * at) for at, own in enumerate(pairs)]
        found.append(bl.pool_importance(runs).se_background[0] ** 2)
        # two runs each have the same images, in another order, and half of their background
        runs = [
            made(own[::-1], images=np.arange(20)[::-1] + 100 * (at // 2), places=np.arange(12) + 6 * (at % 2))
            for at, own in enumerate(pairs)
        ]
        half.append(bl.pool_importance(runs).se_background[0] ** 2)
    np.testing.assert_allclose(np.mean(found), 0.6**2 / 12, rtol=0.15)
    assert np.mean(half) < np.mean(found)


def test_images_are_known_in_any_order() -> None:
    pairs = simulated(np.random.default_rng(7), 3, 25, 12)
    turned = [made(pairs[0]), made(pairs[1][::-1], images=np.arange(25)[::-1]), made(pairs[2])]
    one, other = bl.pool_importance([made(own) for own in pairs]), bl.pool_importance(turned)
    for name in ("std_error", "se_images", "se_background", "conf_low", "share_high"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)


def test_draws_of_their_own_are_compared_where_they_are_the_same() -> None:
    random, found, others = np.random.default_rng(8), [], []
    for _ in range(60):
        whole = simulated(random, 4, 30, 20)
        draws = [np.stack([random.choice(20, 6) for _ in range(30)]) for _ in range(4)]
        same = [made(np.take_along_axis(own, draws[0][..., None], axis=1), own=draws[0]) for own in whole]
        found.append(bl.pool_importance(same).se_background[0] ** 2)
        runs = [
            made(np.take_along_axis(own, drawn[..., None], axis=1), own=drawn)
            for own, drawn in zip(whole, draws, strict=True)
        ]
        others.append(bl.pool_importance(runs).se_background[0] ** 2)
        assert (others[-1] >= 0).all()
    np.testing.assert_allclose(np.mean(found), 0.6**2 / 20, rtol=0.3)
    assert np.mean(others) >= 0.8 * 0.6**2 / 20  # rather too wide than too narrow


def test_what_is_not_known_is_not_said() -> None:
    pairs = simulated(np.random.default_rng(9), 3, 25, 12)
    old = [replace(made(own), pair_images=None, pair_scores=None) for own in pairs]
    result = bl.pool_importance(old)
    assert np.isnan(result.se_background).all()
    np.testing.assert_allclose(result.std_error**2, result.se_images**2 + result.se_runs**2, rtol=1e-12)
    assert np.isfinite(result.conf_low).all()
    single = bl.pool_importance([made(own[:1]) for own in pairs])
    assert np.isnan(single.std_error).all()
    assert np.isnan(single.conf_low).all()
    assert np.isnan(single.p_first).all()
    assert np.isfinite(single.importance).all()
    # images of which each run has one of its own are between runs
    apart = bl.pool_importance([made(own[:1], images=[at]) for at, own in enumerate(pairs)])
    assert np.isfinite(apart.std_error).all()


def test_two_runs_have_one_degree_of_freedom() -> None:
    pairs = np.full((2, 20, 5, 2), 5.0)
    pairs[1] += 1
    result = bl.pool_importance([made(own) for own in pairs])
    np.testing.assert_allclose(result.conf_high[0] - 5.5, stats.t.ppf(0.975, 1) * 0.5, rtol=1e-9)


def test_a_band_is_first_as_often_as_errors_say() -> None:
    pairs = np.full((6, 20, 5, 2), 5.0)
    pairs[:, :, :, 0] += np.linspace(-1, 1, 6)[:, None, None]
    result = bl.pool_importance([made(own) for own in pairs])
    np.testing.assert_allclose(result.p_first[0], 0.5, atol=0.05)
    pairs[:, :, :, 0] += 3
    assert bl.pool_importance([made(own) for own in pairs]).p_first[0, 0] > 0.99


# ---- calls of several models ----


def linear(seed: int, outputs: int = 2) -> Any:
    weights = np.random.default_rng(seed).normal(1.2, 0.1, (3, outputs)).astype("float32")

    def model(images: Any) -> Any:
        return ops.mean(images, axis=(1, 2)) @ ops.convert_to_tensor(weights, images.dtype)

    return model


@pytest.mark.filterwarnings("ignore::bandlens.errors.AccuracyWarning")
@pytest.mark.parametrize("method", bl.METHODS)
def test_every_method_is_pooled_and_a_list_of_models_is_what_results_give(method: str) -> None:
    options: dict[str, Any] = {"background": BACKGROUND, "method": method}
    models = {f"seed {seed}": linear(seed) for seed in range(3)}
    results = {name: bl.band_importance(model, X, Y, **options) for name, model in models.items()}
    found, pooled = bl.band_importance(models, X, Y, **options), bl.pool_importance(results)
    assert isinstance(found, PooledImportance)
    assert found.runs == ("seed 0", "seed 1", "seed 2")
    for name in ("importance", "std_error", "conf_low", "share_low", "between_runs", "run_importance"):
        np.testing.assert_allclose(getattr(found, name), getattr(pooled, name), rtol=1e-5, atol=1e-8)
    frame = found.to_frame()
    assert list(frame)[: len(CLASS_COLUMNS)] == list(CLASS_COLUMNS)
    assert list(frame)[len(CLASS_COLUMNS) :] == ["se_runs", "between_runs"]
    shares = frame.groupby("class", observed=True)["share"].sum()
    np.testing.assert_allclose(shares, 0 if method == "vargrad" else 1)  # the gradient of a linear model is the same
    assert len(frame) == 6
    assert len(found.to_frame("overall")) == 3
    own = found.to_frame("run")
    assert list(own)[:3] == ["run", "class", "output"]
    assert len(own) == 18
    wanted = np.concatenate([result.to_frame()["importance"] for result in results.values()])
    np.testing.assert_allclose(own["importance"], wanted, rtol=1e-5, atol=1e-8)
    unknown = np.isnan(results["seed 0"].table.se_background).all()
    assert np.isnan(found.se_background).all() == unknown


@pytest.mark.filterwarnings("ignore::bandlens.errors.AccuracyWarning")
@pytest.mark.parametrize("target", ["class", "all", 0])
def test_overall_rows_are_those_of_the_runs(target: Any) -> None:
    results = [bl.band_importance(linear(seed), X, Y, background=BACKGROUND, target=target) for seed in range(2)]
    result = bl.pool_importance(results)
    for name in ("importance", "effect"):
        wanted = np.mean([one.to_frame("overall")[name] for one in results], axis=0)
        np.testing.assert_allclose(result.to_frame("overall")[name], wanted, rtol=1e-9)
    one = bl.pool_importance([results[0]] * 3)
    np.testing.assert_allclose(one.to_frame("overall")["std_error"], results[0].to_frame("overall")["std_error"])


@pytest.mark.filterwarnings("ignore::bandlens.errors.AccuracyWarning")
@pytest.mark.parametrize("metric", ["balanced_accuracy", lambda true, found: float((true == found).mean())])
def test_falls_of_a_metric_are_pooled(metric: Any) -> None:
    options = {"method": "permutation", "metric": metric, "n_repeats": 4}
    results = [bl.band_importance(linear(seed), X, Y, **options) for seed in range(3)]
    result = bl.pool_importance(results)
    np.testing.assert_allclose(result.table.importance, np.mean([one.table.importance for one in results], axis=0))
    assert np.isnan(result.se_images).all() == callable(metric)
    same = bl.pool_importance([results[0]] * 3)
    np.testing.assert_allclose(same.table.std_error, results[0].table.std_error, atol=1e-12)
    np.testing.assert_allclose(same.to_frame("overall")["std_error"], results[0].overall.std_error[0], atol=1e-12)
    assert result.n == 30
    assert result.table.n.tolist() == [15, 15]


def dense(keras: Any, seed: int, activation: str | None, pixels: bool = False) -> Any:
    keras.utils.set_random_seed(seed)
    image = keras.Input((2, 2, 3))
    layer = keras.layers.Dense(2, activation=activation)
    return keras.Model(image, layer(image if pixels else keras.layers.GlobalAveragePooling2D()(image)))


FLAGS = (np.arange(60).reshape(30, 2) % 4 < 2).astype(int)
TASKS = {
    "multilabel": ("sigmoid", False, FLAGS),
    "regression": (None, False, RANDOM.normal(size=(30, 2))),
    "segmentation": ("softmax", True, RANDOM.integers(0, 2, (30, 2, 2))),
}


@pytest.mark.filterwarnings("ignore::bandlens.errors.BandlensWarning")
@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_pooled(keras: Any, task: str) -> None:
    activation, pixels, y = TASKS[task]
    models = [dense(keras, seed, activation, pixels) for seed in range(2)]
    result = bl.band_importance(models, X, y, background=BACKGROUND, task=task)
    results = [bl.band_importance(model, X, y, background=BACKGROUND, task=task) for model in models]
    assert result.task == task
    assert result.n == results[0].n
    for level in ("class", "overall"):
        wanted = np.mean([one.to_frame(level)["importance"] for one in results], axis=0)
        np.testing.assert_allclose(result.to_frame(level)["importance"], wanted, rtol=1e-5)
        assert result.to_frame(level)["n"].tolist() == results[0].to_frame(level)["n"].tolist()
    same = bl.pool_importance([results[0]] * 2)
    for level in ("class", "overall"):
        np.testing.assert_allclose(same.to_frame(level)["std_error"], results[0].to_frame(level)["std_error"])
    assert ("R^2" in repr(result)) == (task == "regression")


@pytest.mark.parametrize("result", [timed(), fused(), fused(("2024-04-01", "2024-05-01"), "date")])
def test_inputs_and_steps_are_pooled_and_their_sums(result: bl.BandImportance) -> None:
    other = replace(result, scores=result.scores * 1.2)
    pooled = bl.pool_importance([result, other])
    names = [name for name in result.to_frame() if name not in CLASS_COLUMNS]
    assert [name for name in pooled.to_frame() if name in names] == names
    np.testing.assert_allclose(pooled.to_frame()["importance"], 1.1 * result.to_frame()["importance"])
    assert pooled.plot("heatmap") is not None
    for level in ("band", "time") if result.times is not None else ("input",):
        sums = bl.pool_importance([result, other], level=level)
        np.testing.assert_allclose(sums.to_frame()["importance"], 1.1 * result.to_frame(level)["importance"])
        assert list(sums.to_frame())[:3] == list(result.to_frame(level))[:3]
        assert sums.plot("bars" if level == "band" else "heatmap") is not None
    if result.times is not None:
        with pytest.raises(OptionError, match="level"):
            pooled.plot("runs")


def test_models_that_are_wrong_are_named_before_anything_is_computed(keras: Any, tmp_path: Path) -> None:
    told: list[Any] = []
    good, more = linear(0), linear(1, outputs=3)
    wrong: list[tuple[Any, type[BandlensError], str]] = [
        ([], ResultError, "fewer than two"),
        ([good], ResultError, "fewer than two"),
        ({"only": good}, ResultError, "fewer than two"),
        ([good, good], ModelTypeError, "'run 1' and 'run 2' are one and the same"),
        ([good, [linear(2)]], ModelTypeError, "'run 2' is no model"),
        ({"a": good, "b": 3}, ModelTypeError, "Model 'b'"),
        ({"a": good, "b": str(tmp_path / "none.keras")}, BandlensError, "Model 'b'"),
        ({"a": good, "b": dense(keras, 1, None, pixels=True)}, BandlensError, "'b'"),
        ({"a": good, "b": more}, ResultError, "'a' and 'b' differ in the classes"),
        ({1: good, "1": linear(1), "b": linear(2)}, ResultError, "don't name the runs"),
    ]
    for models, kind, text in wrong:
        with pytest.raises(kind, match=text):
            bl.band_importance(models, X, method="saliency", progress=lambda done, total: told.append(done))
    assert not told


@pytest.mark.filterwarnings("ignore::bandlens.errors.AccuracyWarning")
def test_progress_is_told_over_all_models() -> None:
    told: list[tuple[int, int]] = []
    bl.band_importance(
        [linear(0), linear(1)], X, Y, method="saliency", progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (60, 60)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("arguments", [{"precision": 0.1}, {"max_seconds": 5}, {"method": ["saliency", "occlusion"]}])
def test_what_several_models_do_not_take(arguments: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"one model|one method") as caught:
        bl.band_importance([linear(0), linear(1)], X, Y, **arguments)
    assert caught.value.fix


def test_warnings_of_several_models_are_said_once_and_name_those_they_are_about() -> None:
    with pytest.warns(bl.errors.BandlensWarning) as caught:
        bl.band_importance({"a": linear(0), "b": linear(1), "c": linear(2)}, X, Y, background=1000 * BACKGROUND)
    texts = [str(one.message) for one in caught if issubclass(one.category, DataWarning)]
    assert len(texts) == len(set(texts))
    assert not any(text.startswith("Model") for text in texts)
    assert all(one.filename == __file__ for one in caught)
    accuracies = [str(one.message) for one in caught if issubclass(one.category, bl.errors.AccuracyWarning)]
    assert all(text.startswith("Model") or "'a'" not in text for text in accuracies)


# ---- results that can't be pooled ----


def test_results_that_differ_are_refused_by_name() -> None:
    one = result_of()
    cases: list[tuple[Any, dict[str, Any], str]] = [
        ([one], {}, "fewer than two"),
        (one, {}, "fewer than two"),
        ([], {}, "fewer than two"),
        ([one, 3], {}, "Run 'run 2' can't be pooled"),
        ([one, one], {"names": ["a"]}, "`names`"),
        ([one, one], {"names": ["a", "a"]}, "`names`"),
        ({"a": one, "b": result_of(bands=("x", "y", "z", "w"))}, {}, "'a' and 'b' differ in the bands"),
        ([one, result_of(classes=("x", "y", "z"))], {}, "differ in the classes"),
        ([one, result_of(method="saliency")], {}, "differ in the method"),
        ([one, result_of(output="probability")], {}, "differ in the scale of the output"),
        ([one, result_of(target="all")], {}, "differ in the number of outputs"),
        ([one, replace(one, options={"steps": 3})], {}, "differ in the options"),
        ([replace(one, task="regression"), replace(one, task="classification")], {}, "what the outputs stand for"),
        ([one, bl.pool_importance([one, one])], {}, "'run 2' can't be pooled"),
    ]
    for results, options, text in cases:
        with pytest.raises(ResultError, match=text):
            bl.pool_importance(results, **options)
    allowed = replace(one, seed=4, model="other", task=None, versions={"bandlens": "0"}, background_source=None)
    pooled = bl.pool_importance([one, allowed], names=["a", "b"])
    assert pooled.models[1] == "other"
    assert pooled.runs == ("a", "b")


def test_classes_that_some_runs_lack_are_left_out_and_named() -> None:
    one, other = result_of(n=(5, 8, 3)), result_of(n=(5, 11, 0))
    with pytest.warns(DataWarning, match=r"1 of 3 rows .* left out.*: forest|city") as caught:
        result = bl.pool_importance({"a": one, "b": other})
    assert caught[0].filename == __file__
    assert result.left_out == (one.classes[2],)
    assert len(result.cells) == 2
    assert f"without {one.classes[2]}" in repr(result)
    with pytest.raises(ResultError, match="no class that all"):
        bl.pool_importance([result_of(n=(5, 0, 0)), result_of(n=(0, 5, 0))])


def test_a_pooled_result_is_no_result_of_one_model() -> None:
    pooled = bl.pool_importance([result_of(), result_of()])
    with pytest.raises(ResultError, match="one model") as caught:
        bl.check_deletion(linear(0), pooled, X, Y)
    assert "each training run" in str(caught.value)
    with pytest.raises(ResultError, match="Only results"):
        bl.compare_importance(pooled, result_of())


def test_runs_that_are_one_training_are_told() -> None:
    with pytest.warns(DataWarning, match="Runs 'a' and 'c' have the same scores") as caught:
        bl.pool_importance(
            {"a": result_of(), "b": replace(result_of(), scores=1 + result_of().scores), "c": result_of()}
        )
    assert caught[0].filename == __file__


# ---- what stays ----


def test_a_pooled_result_is_plain_data(tmp_path: Path) -> None:
    result = bl.pool_importance([result_of(), replace(result_of(), scores=result_of().scores + 1)], names=["a", "b"])
    result.save(tmp_path / "pooled.npz")
    for back in (PooledImportance.load(tmp_path / "pooled.npz"), pickle.loads(pickle.dumps(result))):
        for name in schema(PooledImportance):
            np.testing.assert_array_equal(getattr(back, name), getattr(result, name))
    with pytest.raises(ResultError, match="holds no BandImportance"):
        bl.BandImportance.load(tmp_path / "pooled.npz")
    with pytest.raises(OptionError, match="no such table"):
        result.to_frame("image")
    text = result.summary()
    assert "Runs:" in text
    assert "over 2 training runs" in text


def test_runs_tell_how_often_they_are_right_and_what_they_were_made_with() -> None:
    labelled = replace(result_of(), correct=np.arange(16) % 2 == 0, seconds=2.0, background=np.arange(7))
    result = bl.pool_importance([labelled, replace(labelled, correct=np.ones(16, bool))])
    assert result.accuracy == 0.75
    assert "accuracy 0.50 to 1.00" in repr(result)
    assert result.run_background.tolist() == [7, 7]
    assert result.run_seconds.tolist() == [2, 2]
    assert bl.pool_importance([result_of(), labelled]).accuracy is None


@pytest.mark.parametrize("kind", ["heatmap", "bars", "effect", "spectrum", "ranks", "runs"])
@pytest.mark.parametrize("target", ["class", "all"])
@pytest.mark.parametrize("many", [False, True])
def test_pictures_of_a_pooled_result(kind: str, target: str, many: bool) -> None:
    bands = [f"band {at}" for at in range(60)] if many else ("red", "green", "blue")
    waves = np.linspace(400, 2400, 60) if many else None
    one = result_of(bands=bands, wavelengths=waves, target=target, n=(5, 8, 1))
    pooled = bl.pool_importance([one, replace(one, scores=1.3 * one.scores)])
    plot = pooled.plot(kind)
    if kind in ("bars", "spectrum", "runs"):
        assert "training runs" in plot.labels.subtitle.replace("\n", " ")
        assert "none from single images" in plot.labels.subtitle.replace("\n", " ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot.draw()
    if kind == "runs":
        assert pooled.plot(kind, scales="free", width=85) is not None
    with pytest.raises(OptionError, match="no such plot"):
        pooled.plot("waterfall")
    with pytest.raises(OptionError, match="no sums"):
        pooled.plot(kind, level="band")


BACKGROUNDS: list[dict[str, Any]] = [
    {"background": "others"},
    {"background": "balanced", "n_background": 8},
    {"background": "kmeans", "n_background": 5},
    {"background": bl.BackgroundImages(BACKGROUND, weights=np.arange(1, 21))},
    {"background": BACKGROUND, "background_per_image": 4},
    {},
]


@pytest.mark.filterwarnings("ignore::bandlens.errors.AccuracyWarning")
@pytest.mark.parametrize("given", BACKGROUNDS, ids=str)
def test_backgrounds_of_every_kind_are_pooled(given: dict[str, Any]) -> None:
    results = [bl.band_importance(linear(seed), X, Y, **given) for seed in range(3)]
    pooled, one = bl.pool_importance(results), results[0].table
    assert np.isnan(pooled.se_background).all() == np.isnan(one.se_background).all()
    assert np.isfinite(pooled.std_error).all()
    # the same run has the same errors, except that what draws have in common is estimated anew
    same, tolerance = bl.pool_importance([results[0]] * 3).table, 1e-6 if "background_per_image" not in given else 0.3
    np.testing.assert_allclose(same.se_background, one.se_background, rtol=tolerance)
    np.testing.assert_allclose(same.conf_low, one.conf_low, rtol=tolerance, atol=tolerance)
