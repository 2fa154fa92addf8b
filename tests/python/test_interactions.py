"""Interactions of bands: the values of other packages and of sums by hand, closed forms, and what a result promises."""

from __future__ import annotations

import csv
import pickle
import sys
from itertools import chain, combinations
from math import comb, factorial
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens.methods.interactions import BERNOULLI, HALVES, INDICES, band_sets, index_weights
from bandlens.r import bridge

FIXTURES = Path(__file__).parents[1] / "fixtures"
sys.path.append(str(FIXTURES))
from shapiq_interactions import FILE, GAMES, game  # noqa: E402

COLUMNS = ["interaction", "importance", "rank", "std_error", "conf_low", "conf_high", "n", "se_images", "se_background"]


def sets_of(n: int, order: int) -> list[tuple[int, ...]]:
    return [tuple(band for band in members if band >= 0) for members in band_sets(n, order).tolist()]


def found(n: int, order: int, index: str, values: np.ndarray) -> dict[tuple[int, ...], float]:
    return dict(zip(sets_of(n, order), (index_weights(n, order, index) @ values).tolist(), strict=True))


# ---- Values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "order"), GAMES)
@pytest.mark.parametrize("index", INDICES)
def test_games_have_the_values_of_shapiq(n: int, order: int, index: str) -> None:
    own, alone = found(n, order, index, game(n)), found(n, 1, index, game(n))
    compared = 0
    with FILE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["index"], int(row["players"]), int(row["order"])) != (index, n, order):
                continue
            members = tuple(map(int, row["set"].split()))
            # of single players, shapiq has Shapley and Banzhaf values, which contain parts of interactions
            whole = index in ("sii", "banzhaf") and len(members) == 1
            assert abs((alone if whole else own)[members] - float(row["value"])) < 1e-8
            compared += 1
    assert compared == len(own)


def subsets(members: Any) -> Any:
    members = tuple(members)
    return chain.from_iterable(combinations(members, size) for size in range(len(members) + 1))


def derivative(values: np.ndarray, inner: tuple[int, ...], others: tuple[int, ...]) -> float:
    """By its definition, a sum over the subsets of a set."""
    total = 0.0
    for part in subsets(inner):
        total += (-1) ** (len(inner) - len(part)) * values[sum(1 << band for band in (*part, *others))]
    return total


def by_hand(values: np.ndarray, n: int, order: int, index: str) -> dict[tuple[int, ...], float]:
    """Each index by sums over sets."""

    def mean(members: tuple[int, ...]) -> float:
        s, total = len(members), 0.0
        for others in subsets(set(range(n)) - set(members)):
            t = len(others)
            weight = 0.5 ** (n - s)
            if index in ("sii", "k-sii"):
                weight = factorial(t) * factorial(n - t - s) / factorial(n - s + 1)
            if index == "stii":
                weight = order / (n * comb(n - 1, t)) if s == order else float(t == 0)
            total += weight * derivative(values, members, others)
        return total

    every = sets_of(n, order)
    means = {members: mean(members) for members in every}
    if index == "stii":
        return means
    parts = HALVES if index == "banzhaf" else BERNOULLI
    purged = {
        members: sum(parts[len(other) - len(members)] * means[other] for other in every if set(members) <= set(other))
        for members in every
    }
    return purged if index == "k-sii" else {**means, **{(band,): purged[band,] for band in range(n)}}


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_games_have_the_values_of_sums_by_hand(index: str, order: int) -> None:
    values = np.random.default_rng(order).normal(size=2**5)  # nobody has a value here, too
    own, expected = found(5, order, index, values), by_hand(values, 5, order, index)
    assert own.keys() == expected.keys()
    for members, value in expected.items():
        assert abs(own[members] - value) < 1e-12


@pytest.mark.parametrize("index", ["k-sii", "stii"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_all_sets_sum_to_what_all_bands_do(index: str, order: int) -> None:
    values = np.random.default_rng(0).normal(size=2**6)
    assert abs(sum(found(6, order, index, values).values()) - (values[-1] - values[0])) < 1e-12


@pytest.mark.parametrize("index", INDICES)
def test_main_effects_and_interactions_of_a_polynomial_are_its_coefficients(index: str) -> None:
    random = np.random.default_rng(1)
    single, pair, triple = random.normal(size=5), np.triu(random.normal(size=(5, 5)), 1), random.normal()
    present = (np.arange(32)[:, None] >> np.arange(5)) & 1
    quadratic = 3 + present @ single + np.einsum("si,ij,sj->s", present, pair, present)
    own = found(5, 2, index, quadratic)
    np.testing.assert_allclose([own[band,] for band in range(5)], single, atol=1e-12)
    np.testing.assert_allclose(
        [own[i, j] for i, j in combinations(range(5), 2)], pair[np.triu_indices(5, 1)], atol=1e-12
    )
    # with triples, main effects are free of these, too
    cubic = quadratic + triple * present[:, 0] * present[:, 1] * present[:, 2]
    own = found(5, 3, index, cubic)
    np.testing.assert_allclose([own[band,] for band in range(5)], single, atol=1e-12)
    assert abs(own[0, 1, 2] - triple) < 1e-12
    part = 0.5 * triple if index in ("sii", "banzhaf") else 0.0
    assert abs(own[0, 1] - pair[0, 1] - part) < 1e-12


# ---- Models ----------------------------------------------------------------------------------------------------------


def of_means(function: Any) -> Any:
    """A model of the means of bands."""
    return lambda x: function(np.asarray(x, np.float64).mean(axis=(1, 2)))


def flat(levels: np.ndarray) -> np.ndarray:
    """Images with these means of bands, (n, bands)."""
    return np.tile(np.asarray(levels, np.float32)[:, None, None], (1, 2, 2, 1))


@pytest.mark.parametrize("index", INDICES)
def test_exclusive_or_is_an_interaction_and_nothing_else(index: str) -> None:
    # of values of -1 and 1, the product is exclusive or; a band alone tells nothing, as the background has all four
    corners = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    x = flat(corners)
    either = of_means(lambda m: m[:, 0] * m[:, 1])
    result = bl.band_interactions(either, x, background=x, index=index, task="regression", bands=["a", "b", "c"])
    np.testing.assert_allclose(result.to_frame("image", order=1)["interaction"], 0, atol=1e-6)
    pairs = result.to_frame("image").pivot_table(
        index="image", columns=["band_1", "band_2"], values="interaction", observed=True
    )
    np.testing.assert_allclose(pairs["a", "b"], corners[:, 0] * corners[:, 1], atol=1e-6)
    np.testing.assert_allclose(pairs[[("a", "c"), ("b", "c")]], 0, atol=1e-6)
    shapley = bl.band_importance(either, x, background=x, method="shapley", task="regression")
    assert shapley.to_frame()["importance"].iloc[:2].min() > 0.49  # which does not tell it from two main effects


@pytest.mark.parametrize("index", INDICES)
def test_a_product_against_zero_is_an_interaction_alone(index: str) -> None:
    levels = np.random.default_rng(0).uniform(1, 2, (6, 4)).astype(np.float32)
    product = of_means(lambda m: m[:, 1] * m[:, 3])
    result = bl.band_interactions(
        product, flat(levels), background=np.zeros((1, 2, 2, 4)), index=index, task="regression"
    )
    pairs = result.scores[:, 0, result.sizes == 2]
    expected = np.zeros((6, 6))
    expected[:, sets_of(4, 2)[4:].index((1, 3))] = levels[:, 1] * levels[:, 3]
    np.testing.assert_allclose(pairs, expected, atol=1e-6)
    np.testing.assert_allclose(result.scores[:, 0, result.sizes == 1], 0, atol=1e-6)


@pytest.mark.parametrize("index", INDICES)
def test_bands_of_a_linear_model_do_nothing_together(keras: Any, index: str) -> None:
    model = keras.Sequential([keras.Input((4, 4, 5)), keras.layers.Flatten(), keras.layers.Dense(2)])
    random = np.random.default_rng(0)
    x, background = random.normal(size=(5, 4, 4, 5)), random.normal(size=(6, 4, 4, 5))
    result = bl.band_interactions(model, x, background=background, index=index, order=3, target="all")
    np.testing.assert_allclose(result.scores[..., result.sizes > 1], 0, atol=2e-6)
    shapley = bl.band_importance(model, x, background=background, method="shapley", target="all")
    np.testing.assert_allclose(result.scores[..., result.sizes == 1], shapley.scores, atol=1e-5)


def test_images_are_explained_as_by_sums_over_coalitions(
    small_cnn: Any, images: np.ndarray, background: np.ndarray
) -> None:
    options = {"background": background, "output": "probability", "target": 1}
    result = bl.band_interactions(small_cnn, images[:3], order=3, index="k-sii", **options)
    present = (np.arange(16)[:, None] >> np.arange(4)) & 1 == 1
    mixed = np.where(present[:, None, None], images[:3, None, None], background[:, None])
    outputs = small_cnn.predict(mixed.reshape(-1, *images.shape[1:]), verbose=0)[:, 1].astype(np.float64)
    values = outputs.reshape(3, len(background), 16).mean(axis=1)
    for image in range(3):
        expected = by_hand(values[image], 4, 3, "k-sii")
        np.testing.assert_allclose(result.scores[image, 0], list(expected.values()), rtol=1e-4, atol=1e-6)
    assert result.completeness < 1e-5
    assert bl.band_interactions(small_cnn, images[:3], **options).completeness is None


class Counted:
    """A function as a model, which counts the images that it is asked about."""

    def __init__(self) -> None:
        self.images = 0

    def __call__(self, x: Any) -> np.ndarray:
        self.images += len(x)
        means = np.asarray(x, np.float64).mean(axis=(1, 2))
        return np.stack([means[:, 0] * means[:, 1], means[:, 2] - means[:, 3] ** 2], axis=1)


def test_no_output_is_computed_beyond_those_of_shapley_values(images: np.ndarray, background: np.ndarray) -> None:
    asked = {}
    for order in (0, 1, 2, 3):
        model = Counted()
        if order == 0:
            bl.band_importance(model, images, background=background, method="shapley")
        else:
            bl.band_interactions(model, images, background=background, order=order)
        asked[order] = model.images
    assert asked[0] > 12 * 9 * 14  # all mixtures of each image with each background image
    assert len(set(asked.values())) == 1


def test_results_do_not_depend_on_batches(small_cnn: Any, images: np.ndarray, background: np.ndarray) -> None:
    whole = bl.band_interactions(small_cnn, images, background=background)
    for size in (1, 5):
        cut = bl.band_interactions(small_cnn, images, background=background, batch_size=size)
        np.testing.assert_allclose(cut.scores, whole.scores, rtol=1e-6, atol=1e-6 * np.abs(whole.scores).max())


# ---- Tables ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def result(small_cnn: Any, images: np.ndarray, background: np.ndarray) -> bl.BandInteractions:
    return bl.band_interactions(
        small_cnn, images, np.arange(12) % 3, background=background, order=3, classes=["water", "soil", "forest"],
        bands=["blue", "green", "red", "nir"],
    )  # fmt: skip


def test_tables_are_as_contracted(result: bl.BandInteractions) -> None:
    for order, n_sets in ((1, 4), (2, 6), (3, 4)):
        frame = result.to_frame(order=order)
        bands = [f"band_{place + 1}" for place in range(order)]
        assert list(frame.columns) == ["class", "output", *bands, *COLUMNS]
        assert len(frame) == 3 * n_sets
        for column in bands:
            assert frame[column].dtype == pd.CategoricalDtype(["blue", "green", "red", "nir"], ordered=True)
        assert frame[bands].drop_duplicates().shape[0] == n_sets
        codes = frame[bands].apply(lambda column: column.cat.codes).to_numpy()
        assert (np.diff(codes, axis=1) > 0).all()
        own = result.to_frame("image", order=order)
        assert list(own.columns) == ["image", "class", "output", *bands, "interaction"]
        by = own.groupby(["class", *bands], observed=True)["interaction"]
        np.testing.assert_allclose(frame["interaction"], by.mean(), rtol=1e-12)
        np.testing.assert_allclose(frame["se_images"], by.sem(), rtol=1e-9)
        np.testing.assert_allclose(frame["importance"], by.apply(lambda column: column.abs().mean()), rtol=1e-12)
        order_of = frame.groupby(["class"], observed=True)["importance"].rank(ascending=False)
        np.testing.assert_array_equal(frame["rank"], order_of)
    assert result.to_frame().equals(result.to_frame(order=3))
    overall = result.to_frame("overall", order=2)
    assert (overall["n"] == 12).all()
    by = result.to_frame("image", order=2).groupby(["band_1", "band_2"], observed=True)["interaction"]
    np.testing.assert_allclose(overall["interaction"], by.mean(), rtol=1e-12)
    with pytest.raises(bl.errors.OptionError, match=r"so many bands were not computed.*\n.*order 1 to 3.*\n.*4"):
        result.to_frame(order=4)


def test_intervals_cover_what_other_images_and_backgrounds_give() -> None:
    """Of a model whose interaction is known: means of products over both populations."""
    random = np.random.default_rng(0)
    product = of_means(lambda m: m[:, 0] * m[:, 1])
    # the interaction of a and b against a' and b' is (a - a')(b - b'), whose expectation is 2 * 2
    held, parts = [], []
    for _ in range(60):
        x, background = flat(random.normal(2, 1, (25, 2))), flat(random.normal(0, 1, (15, 2)))
        row = bl.band_interactions(product, x, background=background, task="regression").to_frame().iloc[0]
        held.append(row["conf_low"] <= 4 <= row["conf_high"])
        parts.append((row["se_images"], row["se_background"]))
        assert row["std_error"] == pytest.approx(np.hypot(row["se_images"], row["se_background"]))
    assert 0.85 <= np.mean(held) <= 1
    assert min(part[1] for part in parts) > 0


def test_results_survive(result: bl.BandInteractions, tmp_path: Path) -> None:
    result.save(tmp_path / "result.npz")
    for copy in (pickle.loads(pickle.dumps(result)), bl.BandInteractions.load(tmp_path / "result.npz")):
        pd.testing.assert_frame_equal(copy.to_frame(), result.to_frame())
        pd.testing.assert_frame_equal(copy.to_frame("image", 1), result.to_frame("image", 1))
        assert repr(copy) == repr(result)
        assert copy.summary() == result.summary()
    with pytest.raises(bl.errors.ResultError, match="holds no BandImportance"):
        bl.BandImportance.load(tmp_path / "result.npz")


def test_what_results_say(result: bl.BandInteractions) -> None:
    assert repr(result).startswith("<BandInteractions: sii of order 3 (logit), 12 images, 3 classes x 4 bands, 9 backg")
    assert f"accuracy {result.accuracy:.2f}" in repr(result)
    first = result.to_frame().query("`class` == 'water' and rank == 1").iloc[0]
    line = next(line for line in result.summary().split("\n") if line.startswith("water"))
    assert f"{first['band_1']} x {first['band_2']} x {first['band_3']} {first['interaction']:+.2g}" in line


def test_summary_leaves_out_what_is_rounding(keras: Any, images: np.ndarray, background: np.ndarray) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(2)])
    assert "bands do nothing together" in bl.band_interactions(model, images, background=background).summary()


def test_groups_interact_as_one(small_cnn: Any, images: np.ndarray, background: np.ndarray) -> None:
    groups = {"first": [0, 1]}
    result = bl.band_interactions(small_cnn, images, background=background, groups=groups, index="stii")
    assert result.bands == ("first", "band_3", "band_4")
    assert result.scores.shape == (12, 1, 6)
    assert result.completeness < 1e-4


def test_steps_in_time_are_named(keras: Any) -> None:
    model = keras.Sequential([keras.Input((2, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    result = bl.band_interactions(model, x, time_axis=1, times=["2024-05-01", "2024-06-01"], bands=["VV", "VH", "B"])
    assert "VV at 2024-05-01" in set(result.to_frame()["band_1"])
    assert len(result.to_frame("overall")) == 15


def test_labels_of_which_images_have_several(keras: Any, images: np.ndarray) -> None:
    model = keras.Sequential(
        [keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(3, activation="sigmoid")]
    )
    y = np.random.default_rng(0).integers(0, 2, (12, 3))
    y[0] = 1
    result = bl.band_interactions(model, images, y, n_background=4)
    assert result.n == y.any(axis=1).sum()
    assert len(result.scores) == y.sum()
    assert (result.to_frame("overall")["n"] == result.n).all()


# ---- Misuse ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"order": 4}, "OptionError", r"`order` must be a whole number from 1 to 3.*\n.*4"),
        ({"order": 0}, "OptionError", r"`order` must be a whole number"),
        ({"index": "shapley"}, "OptionError", r"`index` has a value.*\n.*'sii'.*\n.*'shapley'"),
        (
            {"order": 3, "groups": {"a": [0, 1], "b": [2, 3]}},
            "BandError",
            r"fewer bands.*\n.*at least 3.*\n.*2 and order=3",
        ),
        ({"max_exact": 3}, "BandError", r"too many bands.*\n.*at most 3.*`max_exact`.*\n.*4, .*2\^4.*\n.*`groups`"),
    ],
)
def test_bad_questions_are_refused_before_anything_is_computed(
    images: np.ndarray, options: dict[str, Any], kind: str, message: str
) -> None:
    model = Counted()
    with pytest.raises(getattr(bl.errors, kind), match=message):
        bl.band_interactions(model, images, **options)
    assert model.images < len(images)  # the model was tried with a few of them


def test_the_bridge_gives_all_tables(small_cnn: Any, images: np.ndarray) -> None:
    arguments = {"order": 2, "index": "sii", "n_background": 4}
    answer = bridge.band_interactions(small_cnn, images, None, arguments, None)["value"]
    assert [
        len(table["interaction"]) % size for table, size in zip(answer["tables"]["class"], (4, 6), strict=True)
    ] == [0, 0]
    assert set(answer["tables"]) == {"class", "overall"}


# ---- Pictures --------------------------------------------------------------------------------------------------------


def test_tiles_are_symmetric_with_main_effects_between_them(result: bl.BandInteractions) -> None:
    plot = result.plot()
    for name in ("water", "soil", "forest"):
        own = plot.data[plot.data["panel"] == name]
        matrix = own.pivot_table(index="band", columns="other", values="value", observed=False).to_numpy()
        np.testing.assert_array_equal(matrix, matrix.T)
        singles = result.to_frame(order=1).query("`class` == @name")["interaction"]
        np.testing.assert_array_equal(np.diag(matrix), singles)
    assert result.plot(main=False).data["value"].isna().sum() == 12
    assert "main effects are not shown" in result.plot(main=False).labels.subtitle
    plot.draw()


def test_lines_have_the_colour_of_a_sign_where_it_is_known(result: bl.BandInteractions) -> None:
    plot = result.plot("network", top=4, classes=["soil"])
    lines = plot.data
    assert lines["rank"].tolist() == [4, 3, 2, 1]  # the strongest is drawn last
    known = (lines["conf_low"] > 0) | (lines["conf_high"] < 0)
    assert ((lines["sign"] == "not sure") == ~known).all()
    assert (lines["interaction"][lines["sign"] == "positive"] > 0).all()
    assert (lines["interaction"][lines["sign"] == "negative"] < 0).all()
    text = plot.labels.subtitle.replace("\n", " ")
    assert "4 of 6 pairs of a panel, those that interact most" in text
    assert "1 of 3 classes" in text
    plot.draw()


@pytest.mark.parametrize("kind", ["heatmap", "network"])
def test_every_output_is_drawn_where_no_class_has_its_own(keras: Any, images: np.ndarray, kind: str) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(3)])
    result = bl.band_interactions(model, images, np.arange(12) % 2, target=2, n_background=3)
    plot = result.plot(kind)
    assert "output of 2" in plot.labels.subtitle
    assert len(plot.data) == (2 * 16 if kind == "heatmap" else 0)  # of a linear model, there is no line
    plot.draw()


def test_what_cannot_be_drawn_is_refused(small_cnn: Any, images: np.ndarray, result: bl.BandInteractions) -> None:
    alone = bl.band_interactions(small_cnn, images, order=1, n_background=3)
    for kind in ("heatmap", "network"):
        with pytest.raises(bl.errors.ResultError, match=r"no interactions to draw.*\n.*\n.*order 1"):
            alone.plot(kind)
    with pytest.raises(bl.errors.OptionError, match=r"has no such option.*\n.*'classes'"):
        result.plot("heatmap", top=3)
    with pytest.raises(bl.errors.OptionError, match="There is no such plot"):
        result.plot("bars")
