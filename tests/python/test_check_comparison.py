"""Agreement between results: measures against scipy, the bootstrap against tables of images that are really drawn."""

from __future__ import annotations

import dataclasses
from typing import Any

import bandlens as bl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.checks import agreement, comparison, resampling
from bandlens.errors import BandError, LabelError, OptionError, ResultError
from bandlens.results.importance import BandImportance
from scipy import stats

CLASSES = ("water", "forest", "city")
BANDS = ("red", "green", "blue", "nir", "swir")


def result_of(seed: int = 0, *, n: Any = (9, 14, 6), target: Any = "class", noise: float = 1.0, **changed: Any) -> Any:
    """A result with random scores about the same class means, n[k] images of class k."""
    random = np.random.default_rng(seed)
    n_classes, n_bands = len(changed.get("classes", CLASSES)), len(changed.get("bands", BANDS))
    codes = np.repeat(np.arange(n_classes), n)
    outputs = codes[:, None]
    if target == "all":
        outputs = np.tile(np.arange(n_classes), (len(codes), 1))
    elif target == "predicted":
        outputs = np.random.default_rng(5).integers(n_classes, size=(len(codes), 1))
    elif target != "class":
        outputs = np.full((len(codes), 1), target)
    centre = np.random.default_rng(99).normal(0, 2, (n_classes, 1, n_bands))
    fields: dict[str, Any] = {
        "scores": centre[codes] + random.normal(0, noise, (*outputs.shape, n_bands)),
        "image_class": codes,
        "prediction": codes,
        "image_output": outputs,
        "output_values": np.zeros(outputs.shape),
        "base_values": np.zeros(outputs.shape),
        "band_means": np.zeros((len(codes), n_bands)),
        "classes": CLASSES,
        "outputs": changed.get("classes", CLASSES),
        "bands": BANDS,
        "wavelengths": (float("nan"),) * n_bands,
        "method": "deepshap",
        "statistic": "band_sum",
        "output": "logit",
        "signed": True,
    }
    return BandImportance(**{**fields, **changed})


def drawn(result: BandImportance, images: np.ndarray) -> BandImportance:
    """The same result had these images been explained."""
    per_image = ("scores", "image_class", "prediction", "image_output", "output_values", "base_values", "band_means")
    return dataclasses.replace(result, **{name: getattr(result, name)[images] for name in per_image})


# --- first bands, which readers take away ----------------------------------------------------------------------------


def test_verdict_says_first_where_first_bands_differ() -> None:
    one = result_of(noise=0.01)
    first = one.table.rank.argmin(axis=1)
    second = (one.table.rank == 2).argmax(axis=1)
    scores = one.scores.copy()
    of_city = one.image_class == 2
    scores[np.ix_(of_city, [0], [second[2]])] = 2 * np.abs(scores[of_city]).max()  # one band moves to the top
    other = dataclasses.replace(one, scores=scores)
    check = bl.compare_importance(one, other, names=["a", "b"], resamples=20)
    assert check.verdict[0] == "Both results rank the same band first for 2 of 3 classes."
    assert check.verdict[1] == f"Not so for 'city' ({BANDS[first[2]]} by a, {BANDS[second[2]]} by b)."
    assert (check.facts["same_first_band"], check.facts["cells_compared"]) == (2, 3)
    three = bl.compare_importance(one, one, one, resamples=20)
    assert three.verdict[0] == "All 3 results rank the same band first for 3 of 3 classes."
    assert "Not so" not in three.verdict[1]


# --- measures --------------------------------------------------------------------------------------------------------


def test_measures_are_those_of_scipy_with_ties() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(0, 5, (2, 40, 7)).astype(float)
    expected = [stats.kendalltau(one, other).statistic for one, other in zip(a, b, strict=True)]
    np.testing.assert_allclose(agreement.kendall(a, b), expected, atol=1e-12)
    expected = [stats.spearmanr(one, other).statistic for one, other in zip(a, b, strict=True)]
    np.testing.assert_allclose(agreement.spearman(a, b), expected, atol=1e-12)


def test_top_overlap() -> None:
    table = np.array([5.0, 4, 3, 2, 1])
    assert agreement.top_overlap(table, table, 2) == 1
    assert agreement.top_overlap(table, table[::-1], 2) == 0
    assert agreement.top_overlap(table, table[::-1], 3) == pytest.approx(1 / 3)
    # three bands share the second place, whatever their order
    tied = np.array([5.0, 1, 1, 1, 0])
    assert agreement.top_overlap(tied, table, 2) == pytest.approx((1 + 1 / 3) / 2)


def test_tables_that_rank_nothing_have_no_agreement() -> None:
    flat, table, missing = np.ones(4), np.arange(4.0), np.array([1, np.nan, 2, 3])
    for measure in (agreement.kendall, agreement.spearman, lambda a, b: agreement.top_overlap(a, b, 2)):
        assert np.isnan(measure(flat, table))
        assert np.isnan(measure(table, missing))


def test_kendall_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 23, 6))
    whole = agreement.kendall(a, b)
    monkeypatch.setattr(resampling, "CHUNK", 40)
    np.testing.assert_array_equal(agreement.kendall(a, b), whole)


# --- the bootstrap ---------------------------------------------------------------------------------------------------


def test_resamples_keep_the_classes_sizes_and_vary_as_a_bootstrap_does() -> None:
    groups = np.array([2, 0, 0, 2, 2, 1])
    counts = resampling.draw_counts(groups, 20_000, np.random.default_rng(1))
    for group, size in ((0, 2), (1, 1), (2, 3)):
        inside = counts[:, groups == group]
        assert (inside.sum(axis=1) == size).all()
        # counts are multinomial: mean 1, variance 1 - 1 / size
        np.testing.assert_allclose(inside.mean(axis=0), 1, atol=0.03)
        np.testing.assert_allclose(inside.var(axis=0), 1 - 1 / size, atol=0.03)


@pytest.mark.parametrize("target", ["class", "all", "predicted", 1])
@pytest.mark.parametrize("rule", ["size", "directed", "balanced"])
def test_a_resample_is_the_table_of_its_images(target: Any, rule: str) -> None:
    result = result_of(target=target, directed=rule != "size", balanced=rule == "balanced")
    counts = resampling.draw_counts(resampling.strata(result), 20, np.random.default_rng(0))
    rows = resampling.table_rows(result).tolist()
    tables = resampling.importances(result, counts)
    for resample, found in zip(counts, tables, strict=True):
        again = drawn(result, np.repeat(np.arange(result.n), resample.astype(int)))
        expected, _ = resampling.measured(again)
        places = [rows.index(row) for row in resampling.table_rows(again).tolist()]
        if rule == "balanced" and len(again.cells) < len(result.cells):
            places, expected = places[:-1], expected[:-1]  # averages over cells of which one is empty
        np.testing.assert_allclose(found[places], expected, rtol=1e-10)
        assert np.isnan(found[np.setdiff1d(np.arange(len(rows) - 1), places)]).all()


def test_repeats_are_resampled_where_images_have_no_scores() -> None:
    drops = np.random.default_rng(0).normal(size=(6, len(CLASSES) + 1, len(BANDS)))
    result = result_of(drops=drops, directed=True)
    counts = resampling.draw_counts(resampling.strata(result), 5, np.random.default_rng(0))
    assert counts.shape == (5, 6)
    again = np.repeat(np.arange(6), counts[0].astype(int))
    np.testing.assert_allclose(resampling.importances(result, counts)[0], drops[again].mean(axis=0))


def test_standard_errors_are_those_of_other_images() -> None:
    bands = tuple("abcdefgh")
    centre = np.linspace(1, 2, 8)

    def sample(seed: int) -> list[Any]:
        random = np.random.default_rng(seed)
        shared = random.normal(0, 1.5, (60, 1, 8))
        scores = [10 + way * centre + shared + random.normal(0, 1.5, (60, 1, 8)) for way in (1, 1)]
        return [result_of(n=(20, 20, 20), bands=bands, scores=one) for one in scores]

    def rho(a: Any, b: Any) -> float:
        return float(agreement.spearman(a.overall.importance, b.overall.importance)[0])

    truth = np.std([rho(*sample(seed)) for seed in range(400)], ddof=1)
    errors = []
    for seed in range(30):
        check = bl.compare_importance(*sample(1000 + seed), resamples=300)
        frame = check.to_frame()
        row = frame[(frame["class"] == "all") & (frame["measure"] == "spearman_rho")].iloc[0]
        errors.append(row["std_error"])
    # the bootstrap of a rank correlation adds the noise of resampling to that of sampling
    assert 0.75 * truth < np.mean(errors) < 1.5 * truth


def test_the_same_images_are_resampled_together() -> None:
    one = result_of(0, noise=3)
    other = dataclasses.replace(one, scores=one.scores * 2)
    paired = bl.compare_importance(one, other, resamples=200)
    assert paired.facts["same_resamples"] == [True]
    assert (paired.to_frame()["std_error"] == 0).all()  # equal rankings in every resample

    elsewhere = drawn(other, np.arange(other.n)[::-1])
    independent = bl.compare_importance(one, elsewhere, resamples=200)
    assert independent.facts["same_resamples"] == [False]
    np.testing.assert_allclose(independent.to_frame()["estimate"], 1)
    assert (independent.to_frame().query("measure == 'kendall_tau'")["std_error"] > 0).all()


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    results = [result_of(seed) for seed in range(3)]
    whole = bl.compare_importance(*results, resamples=50).to_frame()
    monkeypatch.setattr(resampling, "CHUNK", 100)
    assert bl.compare_importance(*results, resamples=50).to_frame().equals(whole)
    assert not bl.compare_importance(*results, resamples=50, seed=1).to_frame().equals(whole)


# --- the table -------------------------------------------------------------------------------------------------------


def test_table_of_a_comparison() -> None:
    results = [result_of(seed, method=method) for seed, method in enumerate(("deepshap", "saliency", "lime"))]
    check = bl.compare_importance(*results, resamples=100)
    frame = check.to_frame()
    assert list(frame.columns) == [
        "first", "second", "class", "output", "measure", "estimate", "std_error", "conf_low", "conf_high", "n",
    ]  # fmt: skip
    assert len(frame) == 3 * 4 * 3
    assert frame["class"].cat.categories.tolist() == [*CLASSES, "all"]
    assert frame["output"].isna().eq(frame["class"] == "all").all()
    assert frame["n"].tolist()[:12] == [9] * 3 + [14] * 3 + [6] * 3 + [29] * 3
    assert (frame["conf_low"] <= frame["conf_high"]).all()
    row = frame[(frame["first"] == "saliency") & (frame["second"] == "lime") & (frame["class"] == "forest")]
    tables = [result.table.importance[1] for result in results]
    expected = [
        stats.kendalltau(tables[1], tables[2]).statistic,
        stats.spearmanr(tables[1], tables[2]).statistic,
        len(set(np.argsort(tables[1])[-3:]) & set(np.argsort(tables[2])[-3:])) / 3,
    ]
    np.testing.assert_allclose(row["estimate"], expected)
    overall = frame[(frame["first"] == "deepshap") & (frame["second"] == "lime") & (frame["class"] == "all")]
    tau = stats.kendalltau(results[0].overall.importance[0], results[2].overall.importance[0]).statistic
    assert overall["estimate"].iloc[0] == pytest.approx(tau)
    assert check.passed is None
    assert any("agree least" in sentence for sentence in check.verdict)


def test_classes_and_outputs_in_common() -> None:
    own, every = result_of(0), result_of(1, target="all")
    check = bl.compare_importance(own, every, resamples=20)
    frame = check.to_frame()
    assert frame["class"].tolist() == frame["output"].tolist() == [name for name in CLASSES for _ in range(3)]
    assert len(check.facts["left_out"]) == 6
    assert "lacks them" in check.verdict[-1]
    both = bl.compare_importance(every, result_of(2, target="all"), resamples=20).to_frame()
    assert len(both) == (9 + 3) * 3
    with pytest.raises(ResultError, match="no class and output in common"):
        bl.compare_importance(result_of(target=0), result_of(target=1))


def test_classes_that_only_one_result_has() -> None:
    check = bl.compare_importance(result_of(n=(4, 4, 4)), result_of(1, n=(4, 4, 0)), resamples=20)
    assert set(check.to_frame()["class"]) == {"water", "forest", "all"}
    assert check.facts["left_out"] == ["deepshap 1 and deepshap 2: city -> city"]


def test_single_images_have_no_interval() -> None:
    results = [result_of(seed, n=(1, 5, 5)) for seed in range(2)]
    frame = bl.compare_importance(*results, resamples=20).to_frame()
    alone = frame["class"] == "water"
    assert frame.loc[alone, ["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    assert frame.loc[~alone, "std_error"].notna().all()
    assert frame["estimate"].notna().all()
    every = [result_of(seed, n=1) for seed in range(2)]
    assert bl.compare_importance(*every, resamples=20).to_frame()["std_error"].isna().all()


def test_constant_tables_are_missing() -> None:
    flat = result_of()
    flat.scores[flat.image_class == 1] = 2.0
    frame = bl.compare_importance(flat, result_of(1), resamples=20).to_frame()
    assert frame["estimate"].isna().eq(frame["class"] == "forest").all()
    assert frame["conf_low"].isna().eq(frame["class"] == "forest").all()
    flat = dataclasses.replace(flat, scores=np.full_like(flat.scores, 2.0))
    assert "equally important" in bl.compare_importance(flat, result_of(1), resamples=20).verdict[0]


def test_repeats_and_images() -> None:
    drops = np.random.default_rng(0).normal(size=(6, len(CLASSES) + 1, len(BANDS)))
    measured = result_of(method="permutation", drops=drops, directed=True)
    check = bl.compare_importance(result_of(), measured, resamples=50)
    assert check.facts["resampled"] == ["images", "repeats"]
    assert check.facts["same_resamples"] == [False]
    assert check.to_frame()["std_error"].notna().all()
    tau = stats.kendalltau(result_of().table.importance[0], drops[:, 0].mean(axis=0)).statistic
    assert check.to_frame()["estimate"].iloc[0] == pytest.approx(tau)


def test_a_regression_has_one_row_per_measure() -> None:
    results = [result_of(seed, n=8, classes=("all",), outputs=("output",)) for seed in range(2)]
    frame = bl.compare_importance(*results, resamples=20).to_frame()
    assert frame["class"].tolist() == ["all"] * 3
    assert frame["output"].tolist() == ["output"] * 3


def test_a_class_called_all() -> None:
    results = [result_of(seed, classes=("all", "none", "some")) for seed in range(2)]
    frame = bl.compare_importance(*results, resamples=20).to_frame()
    assert frame["class"].cat.categories.tolist() == ["all", "none", "some", "all classes"]


def test_names_of_results() -> None:
    def names(*results: Any, **options: Any) -> Any:
        return bl.compare_importance(*results, resamples=2, **options).facts["results"]

    assert names(result_of(method="deepshap"), result_of(method="lime")) == ["deepshap", "lime"]
    assert names(result_of(model="vgg"), result_of(model="resnet")) == ["vgg", "resnet"]
    mixed = result_of(method="lime"), result_of(), result_of()
    assert names(*mixed) == ["lime", "deepshap 1", "deepshap 2"]
    assert names(result_of(), result_of(), names=["a", "b"]) == ["a", "b"]


def test_few_bands_compare_fewer_of_them() -> None:
    three = [result_of(seed, bands=("r", "g", "b")) for seed in range(2)]
    assert bl.compare_importance(*three, resamples=2).facts["top"] == 2
    with pytest.raises(OptionError, match="leave a band out"):
        bl.compare_importance(*three, top=3)


@pytest.mark.parametrize(
    ("others", "options", "error", "words"),
    [
        ([], {}, ResultError, "two results"),
        (["result"], {}, ResultError, "given: str"),
        ([result_of(bands=tuple("abcde"))], {}, BandError, "bands of result 2"),
        ([result_of(classes=tuple("xyz"))], {}, LabelError, "classes of result 2"),
        ([result_of(outputs=tuple("xyz"))], {}, LabelError, "outputs of result 2"),
        ([result_of()], {"names": ["a"]}, OptionError, "tell the results apart"),
        ([result_of()], {"names": ["a", "a"]}, OptionError, "2 different names"),
        ([result_of()], {"top": 0}, OptionError, "`top`"),
        ([result_of()], {"resamples": 1}, OptionError, "`resamples`"),
        ([result_of()], {"seed": -1}, OptionError, "`seed`"),
    ],
)
def test_errors(others: list[Any], options: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        bl.compare_importance(result_of(), *others, **options)


def test_a_single_band_has_no_ranking() -> None:
    with pytest.raises(BandError, match="no ranking"):
        bl.compare_importance(*[result_of(bands=("pan",))] * 2)


# --- the plot --------------------------------------------------------------------------------------------------------


def words(plot: Any) -> set[str]:
    figure = plot.draw()
    figure.canvas.draw()
    return {text.get_text().replace("\n", " ") for text in figure.findobj(plt.Text)}


@pytest.fixture(autouse=True)
def close() -> Any:
    yield
    plt.close("all")


@pytest.mark.parametrize("width", [85, 175])
@pytest.mark.parametrize(("n_results", "target"), [(2, "class"), (4, "class"), (3, "all")])
def test_plot(n_results: int, target: str, width: float) -> None:
    results = [result_of(seed, target=target) for seed in range(n_results)]
    shown = words(bl.compare_importance(*results, resamples=20).plot(width=width))
    assert {"Kendall's tau", "Spearman's rho", "Top-3 overlap"} <= shown
    assert {*CLASSES, "all classes", "deepshap 1 and deepshap 2"} <= shown
    assert ("output forest" in shown) is (target == "all")


@pytest.mark.parametrize("width", [85, 175])
def test_plot_of_many_results_is_a_matrix(width: float) -> None:
    check = bl.compare_importance(*[result_of(seed) for seed in range(6)], resamples=20)
    shown = words(check.plot(width=width))
    assert {"deepshap 1", "deepshap 6", "Kendall's tau"} <= shown
    frame = check.to_frame().query("`class` == 'all' and measure == 'kendall_tau'")
    assert {f"{value:.2f}" for value in frame["estimate"]} <= shown
    assert "Top-3 overlap" in words(check.plot(measure="top_overlap", width=width))
    with pytest.raises(OptionError, match="no such measure"):
        check.plot(measure="tau")


def test_plot_shows_estimates_and_intervals() -> None:
    check = bl.compare_importance(result_of(0), result_of(1), resamples=50)
    figure = check.plot().draw()
    figure.canvas.draw()
    frame = check.to_frame()
    for axes, measure in zip(figure.axes, comparison.MEASURES, strict=True):
        expected = frame[frame["measure"] == measure]
        # rows from the top: the first class is the highest
        points = max(axes.collections, key=lambda drawn: len(drawn.get_offsets())).get_offsets()
        points = points[np.argsort(-points[:, 1])]
        np.testing.assert_allclose(points[:, 0], expected["estimate"])


def test_plot_without_intervals() -> None:
    plot = bl.compare_importance(*[result_of(seed, n=1) for seed in range(2)], resamples=10).plot()
    plot.draw()
    assert "no interval" in plot.labels.subtitle
