"""Errors of images and of backgrounds against a linear model, for which both are known, and all around them."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.checks import firsts, stability
from bandlens.errors import BandlensError, OptionError
from keras import ops

CLASSES = ("water", "forest", "city")
N_BANDS = 5
WEIGHTS = np.random.default_rng(7).uniform(0.5, 2, (N_BANDS, len(CLASSES))).astype("float32")


def linear(x: Any) -> Any:
    """Outputs are weighted sums of the bands' sums over pixels."""
    return ops.sum(x, axis=(1, 2)) @ ops.convert_to_tensor(WEIGHTS, x.dtype)


def bent(x: Any) -> Any:
    """Saliency differs between images."""
    return ops.square(linear(x))


def images(n: int = 24, seed: int = 0, centre: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, 1, (n, 1, 1, N_BANDS)).astype("float32")


# on purpose far from each other, so that all scores are positive and errors have closed forms; that is warned of
pytestmark = pytest.mark.filterwarnings("ignore:`x` and `background` are on different scales")
X, Y, BACKGROUND = images(), np.arange(24) % 3, images(50, 1, 0.0)
OPTIONS: dict[str, Any] = {"classes": CLASSES}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Arguments of each table that is asked for."""
    made: list[dict[str, Any]] = []
    importance_of = stability.importance_of

    def spy(question: Any, progress: Any, **how: Any) -> Any:
        made.append(vars(question))
        return importance_of(question, progress, **how)

    monkeypatch.setattr(stability, "importance_of", spy)
    return made


# --- the numbers -----------------------------------------------------------------------------------------------------


def test_background_error_of_a_linear_model() -> None:
    check = bl.check_stability(
        linear, X, Y, background=BACKGROUND, n_background=20, backgrounds=60, resamples=120, **OPTIONS
    )
    frame = check.to_frame()
    # scores are w (x - mean background), all positive; drawn with replacement, so the pool's variance over m
    spread = BACKGROUND[:, 0, 0].astype(float).std(axis=0) / np.sqrt(20)
    expected = (WEIGHTS * spread[:, None]).T.reshape(-1)
    ratio = frame["std_error_background"] / expected
    assert 0.7 < ratio.min() < ratio.max() < 1.3  # a standard deviation of 60 has an error of 9 %
    assert 0.93 < ratio.mean() < 1.07
    within = np.array([X[code::3, 0, 0].astype(float).std(axis=0, ddof=1) / np.sqrt(8) for code in range(3)])
    np.testing.assert_allclose(frame["std_error_images"], (within * WEIGHTS.T).reshape(-1), rtol=1e-4)
    total = frame["std_error_images"] ** 2 + frame["std_error_background"] ** 2
    np.testing.assert_allclose(frame["std_error"] ** 2, total)


def test_the_nested_bootstrap_has_both_variances() -> None:
    table = bl.band_importance(linear, X, Y, background=BACKGROUND, n_background=20, **OPTIONS)
    found = [
        stability._resampled(
            bl.band_importance(linear, X, Y, background=images(20, 100 + place, 0.0), **OPTIONS), 400, 0, place
        )
        for place in range(8)
    ]
    frame = stability._check(table, found, 3200).to_frame()
    again = np.concatenate([one.resamples for one in found])
    # resamples vary by (n - 1) / n of the variance over images, and by (R - 1) / R of that between 8 backgrounds
    expected = frame["std_error_images"] ** 2 * 7 / 8 + frame["std_error_background"] ** 2 * 7 / 8
    np.testing.assert_allclose(again.var(axis=0).reshape(-1), expected, rtol=0.1)


def test_intervals_hold_the_truth() -> None:
    n_bands, truth, held, alone, naive = 20, [], [], [], []
    weights = np.random.default_rng(3).uniform(0.5, 2, (n_bands, 2)).astype("float32")
    # half of the bands vary in the background, so that its error exceeds that of the images
    spread = np.where(np.arange(n_bands) % 2, 2.0, 0.2)

    def model(x: Any) -> Any:
        return ops.reshape(x, (-1, n_bands)) @ ops.convert_to_tensor(weights, x.dtype)

    truth = 4 * weights.T.reshape(-1).astype(float)
    shares = (weights / weights.sum(axis=0)).T.reshape(-1)
    for seed in range(12):
        random = np.random.default_rng(seed)
        x = random.normal(4, 1, (60, 1, 1, n_bands)).astype("float32")
        pool = (random.normal(0, 1, (300, 1, 1, n_bands)) * spread).astype("float32")
        y = np.arange(60) % 2
        options = {"background": pool, "n_background": 15, "seed": seed}
        frame = bl.check_stability(model, x, y, backgrounds=6, resamples=60, **options).to_frame()
        inside = (frame["conf_low"] <= truth) & (truth <= frame["conf_high"])
        share = (frame["share_low"] <= shares) & (shares <= frame["share_high"])
        held.append([inside.mean(), share.mean()])
        plain = bl.band_importance(model, x, y, **options).to_frame()
        plain = plain[spread[plain["band"].cat.codes] > 1]
        known = truth[plain.index]
        alone.append(((plain["conf_low"] <= known) & (known <= plain["conf_high"])).mean())
        naive.append((np.abs(plain["importance"] - known) <= 2 * plain["se_images"]).mean())
    importance, share = np.mean(held, axis=0)
    assert 0.92 < importance < 0.98  # of 480; nominal 0.95
    assert 0.92 < share < 0.985
    assert 0.9 < np.mean(alone) < 0.98  # one call knows nearly as much
    assert np.mean(naive) < 0.75  # what images alone know


def test_the_table_is_that_of_band_importance() -> None:
    options = {**OPTIONS, "background": BACKGROUND, "n_background": 20, "wavelengths": [410, 420, 430, 440, 455.5]}
    frame = bl.check_stability(linear, X, Y, backgrounds=2, resamples=20, seed=3, **options).to_frame()
    table = bl.band_importance(linear, X, Y, seed=3, **options).to_frame()
    for name in ("class", "output", "band", "wavelength", "importance", "share", "rank"):
        assert frame[name].equals(table[name])


def test_columns_and_ranks() -> None:
    check = bl.check_stability(linear, X, Y, background=BACKGROUND, backgrounds=4, resamples=200, **OPTIONS)
    frame = check.to_frame()
    assert list(frame.columns) == [
        "class", "output", "band", "wavelength", "importance", "share", "std_error_images", "std_error_background",
        "std_error", "conf_low", "conf_high", "share_low", "share_high", "rank", "rank_low", "rank_high", "first",
    ]  # fmt: skip
    np.testing.assert_allclose(frame.groupby("class", observed=True)["first"].sum(), 1)
    assert (frame["rank_low"] <= frame["rank_high"]).all()
    assert (frame["rank_low"] % 1 == 0).all()
    assert frame[["share_low", "share_high"]].to_numpy().min() >= 0
    assert frame[["share_low", "share_high"]].to_numpy().max() <= 1
    ranks = check.to_frame("rank")
    assert list(ranks.columns) == [
        "class", "output", "rank_stability", "conf_low", "conf_high", "n", "band", "first", "rival", "rival_first",
        "outcome",
    ]  # fmt: skip
    top = frame[frame["rank"] == 1]
    assert ranks["band"].astype(str).tolist() == top["band"].astype(str).tolist()
    assert ranks["first"].tolist() == top["first"].tolist()
    for row in ranks.itertuples():
        mine = frame[frame["class"] == row[1]].set_index("band")["first"].drop(row.band)
        assert row.rival_first == mine.max() == mine[row.rival]
    assert ranks["n"].tolist() == [8, 8, 8]
    assert (ranks["conf_low"] <= ranks["rank_stability"]).all()
    assert check.passed is None
    assert "first in at least 95 %" in check.verdict[0]


def test_rankings_that_nothing_can_change() -> None:
    def model(x: Any) -> Any:
        return linear(x * ops.convert_to_tensor([1000.0, 100, 10, 1, 0.1], x.dtype))

    check = bl.check_stability(model, X, Y, background=BACKGROUND, backgrounds=3, resamples=60, **OPTIONS)
    frame = check.to_frame()
    assert frame["rank_low"].equals(frame["rank"].astype(float))
    assert frame["rank_high"].equals(frame["rank"].astype(float))
    assert frame["first"].tolist() == [1.0, 0, 0, 0, 0] * 3
    assert (check.to_frame("rank")["rank_stability"] == 1).all()
    assert "for 3 of 3 classes" in check.verdict[0]


def test_results_are_reproducible() -> None:
    def frame(seed: int) -> Any:
        options = {**OPTIONS, "background": BACKGROUND, "n_background": 10}
        return bl.check_stability(linear, X, Y, backgrounds=3, resamples=30, seed=seed, **options).to_frame()

    assert frame(1).equals(frame(1))
    assert not frame(1).equals(frame(2))


# --- methods without a background ------------------------------------------------------------------------------------


def test_without_a_background_only_images_count(calls: list[dict[str, Any]]) -> None:
    check = bl.check_stability(bent, X, Y, method="saliency", resamples=200, **OPTIONS)
    assert len(calls) == 1
    table = bl.band_importance(bent, X, Y, method="saliency", **OPTIONS).to_frame()
    frame = check.to_frame()
    assert (frame["std_error_background"] == 0).all()
    for name in ("std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(frame[name], table[name])
    assert check.facts["backgrounds"] == 0
    assert check.facts["resampled"] == ["images"]
    assert "no background" in check.verdict[-1]


def test_a_metric_of_whole_classes_resamples_its_repeats() -> None:
    def agreement(truth: np.ndarray, predicted: np.ndarray) -> float:
        return float((truth == predicted).mean())

    check = bl.check_stability(
        linear, X, Y, method="permutation", metric=agreement, n_repeats=6, resamples=60, **OPTIONS
    )
    assert check.facts["resampled"] == ["repeats"]
    frame = check.to_frame()
    table = bl.band_importance(linear, X, Y, method="permutation", metric=agreement, n_repeats=6, **OPTIONS).to_frame()
    np.testing.assert_allclose(frame["conf_high"], table["conf_high"])


# --- how backgrounds are drawn ---------------------------------------------------------------------------------------


def test_backgrounds_are_drawn_with_replacement(calls: list[dict[str, Any]]) -> None:
    bl.check_stability(linear, X, Y, background=BACKGROUND, n_background=30, backgrounds=4, resamples=20, **OPTIONS)
    assert len(calls) == 5
    assert calls[0]["background"] is BACKGROUND
    pool = {row.tobytes() for row in BACKGROUND}
    drawn = [call["background"] for call in calls[1:]]
    for sample in drawn:
        assert sample.shape == (30, 1, 1, N_BANDS)
        assert {row.tobytes() for row in sample} < pool
        assert len({row.tobytes() for row in sample}) < 30
    assert not np.array_equal(drawn[0], drawn[1])


def test_backgrounds_from_x_are_as_balanced_as_those_of_band_importance(calls: list[dict[str, Any]]) -> None:
    y = np.repeat([0, 1, 2], [16, 4, 4])
    bl.check_stability(linear, X, y, n_background=9, backgrounds=3, resamples=20, **OPTIONS)
    label = {row.tobytes(): code for row, code in zip(X, y, strict=True)}
    for call in calls[1:]:
        assert sorted(label[row.tobytes()] for row in call["background"]) == [0] * 3 + [1] * 3 + [2] * 3


def test_containers_are_never_copied_whole() -> None:
    class Store:
        """Slices along the first axis, as h5py does."""

        shape, dtype, largest = BACKGROUND.shape, BACKGROUND.dtype, 0

        def __getitem__(self, index: Any) -> np.ndarray:
            return BACKGROUND[index]

    arrays = bl.check_stability(linear, X, Y, background=BACKGROUND, n_background=7, backgrounds=2, **OPTIONS)
    for container in (Store(), list(BACKGROUND)):
        same = bl.check_stability(linear, list(X), Y, background=container, n_background=7, backgrounds=2, **OPTIONS)
        assert same.to_frame().equals(arrays.to_frame())


def test_a_saved_model_is_loaded_once(keras: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = keras.Sequential([keras.Input((1, 1, N_BANDS)), keras.layers.Flatten(), keras.layers.Dense(3)])
    path = tmp_path / "model.keras"
    model.save(path)
    loads, load = [], keras.saving.load_model
    monkeypatch.setattr(
        keras.saving, "load_model", lambda *given, **options: loads.append(1) or load(*given, **options)
    )
    bl.check_stability(path, X, Y, background=BACKGROUND, backgrounds=2, resamples=20)
    assert len(loads) == 1


@pytest.mark.parametrize("method", ["deepshap", "saliency"])
def test_progress_is_told_of_all_images(method: str) -> None:
    told: list[tuple[int, int]] = []
    bl.check_stability(
        bent, X, Y, method=method, backgrounds=3, resamples=20, progress=lambda *numbers: told.append(numbers)
    )
    done = [count for count, _ in told]
    assert done == sorted(done)
    assert told[-1] == (24 * 4, 24 * 4)


# --- a table that its own resamples contradict ------------------------------------------------------------------------


def unusual() -> Any:
    """A check of a table whose one background image is unlike all others of the pool, which resamples draw."""
    x = np.full((12, 1, 1, 2), 5.0, "float32") + images(12)[..., :2] / 100
    background = np.zeros((20, 1, 1, 2), "float32") + np.array([4.0, 0.0], "float32")
    background[7] = [0.0, 4.0]

    def model(batch: Any) -> Any:
        bands = ops.sum(batch, axis=(1, 2))
        return ops.concatenate([bands @ ops.ones((2, 1)), -bands @ ops.ones((2, 1))], axis=1)

    options = {"background": background, "n_background": 1, "classes": ["near", "far"], "bands": ["nir2", "red"]}
    y = np.arange(12) % 2
    for seed in range(200):
        if bl.band_importance(model, x, y, seed=seed, **options).background.tolist() == [7]:
            return bl.check_stability(model, x, y, seed=seed, backgrounds=10, resamples=100, **options)
    raise AssertionError("no seed draws the unusual image")


def test_a_table_that_is_an_outlier_of_its_resamples_has_not_passed() -> None:
    check = unusual()
    frame, ranks = check.to_frame(), check.to_frame("rank")
    table = frame[frame["rank"] == 1]
    assert table["band"].tolist() == ["nir2", "nir2"]
    assert (table["first"] < firsts.OUTLIER).all()
    assert ranks["outcome"].tolist() == ["outlier", "outlier"]
    assert ranks["rival"].tolist() == ["red", "red"]
    assert check.passed is False
    assert "not passed" in repr(check)
    assert check.verdict[0].startswith("The table is an outlier of its own resamples for 'near' (nir2 is first in the")
    assert "red in" in check.verdict[0]
    assert "for 0 of 2 classes" in check.verdict[1]
    assert not any("Not so for" in sentence for sentence in check.verdict)  # they were said
    assert (check.facts["classes_judged"], check.facts["classes_sure"], check.facts["classes_outlier"]) == (2, 0, 2)
    subtitle = check.plot().labels.subtitle
    assert "near, far" in subtitle
    assert "contradict" in subtitle


@pytest.mark.parametrize(
    ("first", "outcome", "rival"),
    [
        ([0.95, 0.05, 0.0], "sure", 1),
        ([0.94, 0.06, 0.0], "open", 1),
        ([0.48, 0.52, 0.0], "open", 1),  # as good as tied
        ([0.24, 0.51, 0.25], "outlier", 1),
        ([0.25, 0.15, 0.6], "open", 2),
        ([0.24, 0.38, 0.38], "open", 1),  # no other band instead
        ([np.nan] * 3, None, None),
    ],
)
def test_what_a_class_is_called(first: list[float], outcome: str | None, rival: int | None) -> None:
    found = firsts.judged(np.array([[1, 2, 3]]), np.array([first]))
    assert found["band"].tolist() == [0]
    assert found["outcome"].tolist() == [-1 if outcome is None else firsts.OUTCOMES.index(outcome)]
    assert found["rival"].tolist() == [-1 if rival is None else rival]


def test_a_single_band_has_no_rival() -> None:
    found = firsts.judged(np.array([[1]]), np.array([[1.0]]))
    assert found["rival"].tolist() == [-1]
    assert np.isnan(found["rival_first"]).all()
    assert found["outcome"].tolist() == [firsts.OUTCOMES.index("sure")]


# --- corners ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["all", "predicted", "forest"])
def test_targets(target: str) -> None:
    frame = bl.check_stability(
        linear, X, Y, background=BACKGROUND, target=target, backgrounds=2, resamples=20, **OPTIONS
    ).to_frame()
    assert len(frame) == len(frame[["class", "output"]].drop_duplicates()) * N_BANDS


def test_single_images_have_no_errors() -> None:
    y = np.repeat([0, 1, 2], [1, 12, 11])
    check = bl.check_stability(linear, X, y, background=BACKGROUND, backgrounds=3, resamples=30, **OPTIONS)
    frame = check.to_frame()
    unknown = ["std_error", "std_error_background", "conf_low", "share_high", "rank_low", "first"]
    assert frame.loc[frame["class"] == "water", unknown].isna().all(axis=None)
    assert frame.loc[frame["class"] != "water", unknown].notna().all(axis=None)
    assert check.to_frame("rank")["rank_stability"].isna().tolist() == [True, False, False]
    alone = bl.check_stability(linear, X[:1], Y[:1], background=BACKGROUND, backgrounds=2, resamples=20, **OPTIONS)
    assert "Nothing can be said" in alone.verdict[0]


def test_a_band_that_is_not_used_has_no_variance() -> None:
    def model(x: Any) -> Any:
        return linear(x * ops.convert_to_tensor([1.0, 1, 0, 1, 1], x.dtype))

    frame = bl.check_stability(model, X, Y, background=BACKGROUND, backgrounds=3, resamples=30, **OPTIONS).to_frame()
    unused = frame[frame["band"] == "band_3"]
    assert (unused[["importance", "std_error", "conf_low", "conf_high", "share_high", "first"]] == 0).all(axis=None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"backgrounds": 1}, "`backgrounds` must be a whole number, 2 or more"),
        ({"resamples": 19}, "`resamples` must be a whole number, 20 or more"),
        ({"seed": 0.5}, "`seed`"),
        ({"method": "magic"}, "no such method"),
    ],
)
def test_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        bl.check_stability(linear, X, Y, **options)


def test_errors_of_band_importance_pass() -> None:
    with pytest.raises(BandlensError, match="background"):
        bl.check_stability(linear, X, Y, background=BACKGROUND[:0])


# --- the plot --------------------------------------------------------------------------------------------------------


def many(n_bands: int) -> Any:
    weights = np.random.default_rng(0).normal(size=(n_bands, 3)).astype("float32")
    x = np.random.default_rng(1).normal(1, 1, (18, 1, 1, n_bands)).astype("float32")
    return bl.check_stability(
        lambda batch: ops.reshape(batch, (-1, n_bands)) @ ops.convert_to_tensor(weights),
        x,
        np.arange(18) % 3,
        backgrounds=2,
        resamples=40,
        classes=CLASSES,
        wavelengths=np.linspace(400, 2400, n_bands),
    )


@pytest.mark.parametrize(("n_bands", "printed"), [(4, True), (13, True), (60, False)])
def test_plot(n_bands: int, printed: bool) -> None:
    check = many(n_bands)
    for width in (85, 175):
        plot = check.plot(width=width)
        figure = plot.draw()
        figure.canvas.draw()
        shown = {text.get_text() for text in figure.findobj(plt.Text)}
        assert set(CLASSES) <= shown
    assert ("the band is first" in plot.labels.subtitle) is printed
    frame = check.to_frame()
    for row, axes in enumerate(figure.axes[:3]):
        mine = frame[frame["class"] == CLASSES[row]]
        points = axes.collections[0].get_offsets()
        np.testing.assert_allclose(points[np.argsort(points[:, 0]), 1], 100 * mine["share"])
        numbers = [int(text.get_text()) for text in axes.texts]
        assert numbers == ([round(100 * often) for often in mine["first"] if round(often, 2) > 0] if printed else [])
    plt.close("all")


def test_plot_without_intervals_and_of_all_outputs() -> None:
    alone = bl.check_stability(linear, X[:3], Y[:3], background=BACKGROUND, backgrounds=2, resamples=20).plot()
    alone.draw()
    assert "no interval" in alone.labels.subtitle
    every = bl.check_stability(linear, X, Y, target="all", background=BACKGROUND, backgrounds=2, resamples=20).plot()
    assert len(every.draw().axes) >= 9
    plt.close("all")
