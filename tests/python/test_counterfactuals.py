"""Counterfactual spectra: known answers, what a result promises, and what is refused."""

from __future__ import annotations

import pickle
from itertools import combinations
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.outlying import share_farther
from bandlens.explain import changing

BANDS = ["blue", "green", "red", "nir"]
ASKED: dict[str, Any] = {"bands": BANDS, "output": "logit", "progress": False}


def levels(x: Any) -> np.ndarray:
    own: np.ndarray = np.asarray(x).mean(axis=(1, 2))
    return own


def flat(spectra: Any) -> np.ndarray:
    """Images all of whose pixels have one spectrum."""
    own = np.asarray(spectra, np.float32)
    return np.repeat(np.repeat(own[:, None, None], 2, axis=1), 2, axis=2)


def two(score: np.ndarray) -> np.ndarray:
    return np.stack([-score, score], axis=1)


def red_decides(x: np.ndarray) -> np.ndarray:
    return two(levels(x)[:, 2] - 0.5)


def both_needed(x: np.ndarray) -> np.ndarray:
    """Red and nir must both be high."""
    own = levels(x)
    return two(np.minimum(own[:, 2], own[:, 3]) - 0.5)


def either_not_both(x: np.ndarray) -> np.ndarray:
    """XOR of red and nir."""
    own = levels(x) > 0.5
    return two(np.where(own[:, 2] ^ own[:, 3], 1.0, -1.0))


def three_classes(x: np.ndarray) -> np.ndarray:
    own = levels(x)
    return np.stack([own[:, 0] + own[:, 1], own[:, 1] + own[:, 2], 1.1 * own[:, 3] + own[:, 0] * own[:, 2]], axis=1)


def noise(n: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(n, 2, 2, 4)).astype(np.float32)


def spread_out(n: int = 60, seed: int = 0) -> np.ndarray:
    """Images whose means differ more than their pixels."""
    random = np.random.default_rng(seed)
    return (flat(random.uniform(size=(n, 4))) + random.normal(0, 0.01, (n, 2, 2, 4))).astype(np.float32)


def changed_images(found: bl.Counterfactuals, x: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """The images as a user would change them: by the bands, the neighbour and the amount that a result names."""
    amount = found.amount[found.found, None, None, None].astype(np.float32)  # as the images: a step may lie between
    own, other = x[found.found], pool[found.neighbour[found.found]]
    return np.where(found.changed[found.found, None, None, :], own + amount * (other - own), own)


def test_one_decisive_band_changes_as_far_as_the_decision() -> None:
    x, pool = flat([[0.1, 0.2, 0.1, 0.4]]), flat([[0.1, 0.2, 0.1, 0.4], [0.9, 0.8, 0.9, 0.1]])
    frame = bl.counterfactual_spectra(red_decides, x, background=pool, **ASKED).to_frame()
    assert frame["band"].tolist() == ["red"]
    assert frame["amount"][0] == pytest.approx(0.5, abs=1e-3)  # 0.1 to 0.9 crosses 0.5 half way
    assert frame["from"][0] == pytest.approx(0.1)
    assert frame["to"][0] == pytest.approx(0.5, abs=1e-3)
    assert frame["change"][0] == pytest.approx(0.4, abs=1e-3)
    assert frame["change_sd"][0] == pytest.approx(0.4 / levels(pool)[:, 2].std(), abs=3e-3)
    whole = bl.counterfactual_spectra(red_decides, x, background=pool, shrink=False, **ASKED).to_frame()
    assert whole["amount"].tolist() == [1.0]
    assert whole["to"][0] == pytest.approx(0.9)


def test_two_bands_that_must_change_together_do_and_one_of_them_is_not_enough() -> None:
    x, pool = flat([[0.1, 0.2, 0.1, 0.1]]), flat([[0.1, 0.2, 0.9, 0.9]])
    pool = np.concatenate([x, pool])
    found = bl.counterfactual_spectra(both_needed, x, background=pool, **ASKED)
    assert found.to_frame()["band"].tolist() == ["red", "nir"]
    assert found.amount[0] == pytest.approx(0.5, abs=1e-3)
    assert found.exact.all()
    one = bl.counterfactual_spectra(both_needed, x, background=pool, max_bands=1, **ASKED)
    frame = one.to_frame("image")
    assert frame["status"].tolist() == ["unchanged"]
    assert frame["n_bands"].tolist() == [0]
    row = one.to_frame()
    assert len(row) == 1
    assert row[["band", "from", "to", "change", "change_sd", "amount", "counterfactual_class"]].isna().all(axis=None)
    assert "1 of 1 keep their class with at most 1 bands" in one.verdict


def test_one_band_of_an_exclusive_or_is_enough() -> None:
    corners = [[0, 0, red, nir] for red in (0.1, 0.9) for nir in (0.1, 0.9)]
    found = bl.counterfactual_spectra(either_not_both, flat(corners), **ASKED)
    assert (found.changed.sum(axis=1) == 1).all()
    assert not found.changed[:, :2].any()
    assert found.amount == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("model", [both_needed, three_classes, either_not_both])
def test_changed_images_are_taken_for_the_class_that_is_named(model: Any) -> None:
    x, pool = noise(), noise(80, seed=1)
    found = bl.counterfactual_spectra(model, x, background=pool, **ASKED)
    assert len(found.found) > 20
    after = changed_images(found, x, pool)
    outputs = np.asarray(model(after))
    assert outputs.argmax(axis=1).tolist() == found.counterfactual_class[found.found].tolist()
    assert (found.counterfactual_class[found.found] != found.image_class[found.found]).all()
    assert found.outputs_after[found.found] == pytest.approx(outputs, abs=1e-5)
    assert found.after[found.found] == pytest.approx(levels(after), abs=1e-5)
    # and a hair less of the way is not enough
    own, other = x[found.found], pool[found.neighbour[found.found]]
    mask, kept = found.changed[found.found, None, None, :], np.zeros(len(found.found), bool)
    for step in (1, 2, 3):  # two outputs may be equal in one of these places
        less = np.maximum(found.amount[found.found] - step / 4096, 0).astype(np.float32)[:, None, None, None]
        tried = np.where(mask, own + less * (other - own), own)
        kept |= np.asarray(model(tried)).argmax(axis=1) == found.image_class[found.found]
    assert kept.all()


def test_neighbours_are_the_nearest_of_other_classes_and_no_smaller_set_of_any_of_them_works() -> None:
    x, pool = spread_out(30), spread_out(50, seed=1)
    k = 3
    found = bl.counterfactual_spectra(three_classes, x, background=pool, neighbours=k, shrink=False, **ASKED)
    assert found.exact.all()
    own_class, pool_class = three_classes(x).argmax(axis=1), three_classes(pool).argmax(axis=1)
    unit = levels(pool).std(axis=0)
    assert set(found.changed.sum(axis=1)) > {1}
    for at in range(len(x)):
        distance = (((levels(x)[at] - levels(pool)) / unit) ** 2).sum(axis=1)
        near = np.argsort(np.where(pool_class == own_class[at], np.inf, distance), kind="stable")[:k]
        works: dict[int, list[float]] = {}
        reached: dict[tuple[int, ...], int] = {}
        for size in range(1, 5):
            for chosen in combinations(range(4), size):
                for one in near:
                    mixed = x[at : at + 1].copy()
                    mixed[..., list(chosen)] = pool[one : one + 1][..., list(chosen)]
                    if three_classes(mixed).argmax() != own_class[at]:
                        apart = ((levels(x)[at] - levels(pool)[one]) / unit)[list(chosen)]
                        works.setdefault(size, []).append(float((apart**2).sum()))
                        reached[(int(one), *chosen)] = size
        taken = np.flatnonzero(found.changed[at])
        assert len(taken) == min(works)
        assert (int(found.neighbour[at]), *taken) in reached
        apart = ((levels(x)[at] - levels(pool)[found.neighbour[at]]) / unit)[taken]
        assert (apart**2).sum() == pytest.approx(min(works[min(works)]), rel=1e-4)


def test_one_by_one_finds_sets_of_which_every_band_is_needed_and_says_which_may_not_be_smallest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, pool = spread_out(30), spread_out(50, seed=1)
    exact = bl.counterfactual_spectra(three_classes, x, background=pool, shrink=False, **ASKED)
    monkeypatch.setattr(changing, "MOST_SETS", 1)
    found = bl.counterfactual_spectra(three_classes, x, background=pool, shrink=False, **ASKED)
    counts = found.changed.sum(axis=1)  # no set was tried as a whole, but that there is none without bands
    assert found.exact.tolist() == (counts <= 1).tolist()
    assert (counts > 1).any()
    assert len(found.found) == len(exact.found) == 30
    assert (found.changed.sum(axis=1) >= exact.changed.sum(axis=1)).all()
    after = changed_images(found, x, pool)
    assert (three_classes(after).argmax(axis=1) == found.counterfactual_class).all()
    for band in range(4):
        back = np.where(np.arange(4) == band, x, after)
        several = found.changed[:, band] & (found.changed.sum(axis=1) > 1)
        assert (three_classes(back).argmax(axis=1) == found.image_class)[several].all()


def test_only_classes_that_are_asked_for_are_reached_and_no_image_is_left_out() -> None:
    x = spread_out()
    asked = {**ASKED, "classes": ["a", "b", "c"]}
    found = bl.counterfactual_spectra(three_classes, x, to="b", **asked)
    frame = found.to_frame("image")
    assert frame["image"].tolist() == list(range(60))
    assert set(frame["counterfactual_class"].dropna()) == {"b"}
    already = frame["class"] == "b"
    assert already.any()
    assert (frame["status"] == "already").tolist() == already.tolist()
    assert set(found.to_frame()["image"]) == set(range(60))
    two_of_them = bl.counterfactual_spectra(three_classes, x, to=["b", "c"], **asked).to_frame("image")
    assert set(two_of_them["counterfactual_class"].dropna()) == {"b", "c"}
    assert not (two_of_them["status"] == "already").any()
    # images of the only class that the background has are alone, the others are not
    of_b = x[three_classes(x).argmax(axis=1) == 1]
    some = bl.counterfactual_spectra(three_classes, x, background=of_b, **asked).to_frame("image")
    assert (some["status"] == "alone").tolist() == already.tolist()
    assert (some["neighbour"] == -1).tolist() == already.tolist()


def test_tables_per_pair_of_classes_are_sums_by_hand() -> None:
    x, pool = spread_out(), spread_out(80, seed=1)
    found = bl.counterfactual_spectra(three_classes, x, background=pool, **ASKED)
    frame = found.to_frame("class")
    unit = levels(pool).std(axis=0)
    assert found.spread == pytest.approx(unit, rel=1e-5)
    for (own, other), part in frame.groupby(["class", "counterfactual_class"], observed=True):
        rows = (found.image_class == found.classes.index(own)) & (
            found.counterfactual_class == found.classes.index(other)
        )
        assert (part["n"] == rows.sum()).all()
        assert part["share"].to_numpy() == pytest.approx(found.changed[rows].mean(axis=0))
        apart = (levels(pool)[found.neighbour[rows]] - levels(x)[rows]) / unit
        assert part["difference_sd"].to_numpy() == pytest.approx(apart.mean(axis=0), abs=1e-4)
        if rows.sum() > 1:
            error = apart.std(axis=0, ddof=1) / np.sqrt(rows.sum())
            assert part["std_error"].to_numpy() == pytest.approx(error, abs=1e-4)
        for band in range(4):
            own_rows = rows & found.changed[:, band]
            change = part["change_sd"].iloc[band]
            expected = ((found.after - found.before)[own_rows, band] / unit[band]).mean() if own_rows.any() else np.nan
            assert change == pytest.approx(expected, abs=1e-4, nan_ok=True)


def test_plausibility_is_a_share_of_the_data() -> None:
    others = np.random.default_rng(0).normal(size=(400, 3)) * [1, 10, 100]
    shares = share_farther(np.array([[0, 0, 0], [30, 0, 0], [2, 0, 0]]), others)
    assert shares[0] > 0.98
    assert shares[1] == 0
    assert shares[2] == pytest.approx(np.exp(-2) * 2, abs=0.1)  # near the tail of chi-square with 3 degrees: 0.26
    # copies of a band change nothing, and each of the data is as far out as itself
    assert share_farther(others, others).min() == pytest.approx(1 / 400)
    found = bl.counterfactual_spectra(three_classes, spread_out(), **ASKED)
    assert ((found.plausibility[found.found] >= 0) & (found.plausibility[found.found] <= 1)).all()
    assert found.plausibility_before.min() == pytest.approx(1 / 60)


def test_results_depend_on_neither_batch_size_nor_the_other_images(monkeypatch: pytest.MonkeyPatch) -> None:
    x, pool = spread_out(20), spread_out(40, seed=1)
    whole = bl.counterfactual_spectra(three_classes, x, background=pool, **ASKED)
    monkeypatch.setattr(changing, "BATCH_BYTES", 1)  # images one by one
    small = bl.counterfactual_spectra(three_classes, x, background=pool, batch_size=3, **ASKED)
    few = bl.counterfactual_spectra(three_classes, x[5:9], background=pool, **ASKED)
    for name in ("changed", "neighbour", "amount", "after", "outputs_after", "plausibility", "status"):
        np.testing.assert_array_equal(getattr(small, name), getattr(whole, name), err_msg=name)
        np.testing.assert_array_equal(getattr(few, name), getattr(whole, name)[5:9], err_msg=name)


def test_background_images_are_drawn_by_the_seed_and_keep_their_positions() -> None:
    x, pool = spread_out(20), spread_out(80, seed=1)
    asked = {**ASKED, "background": pool, "n_background": 30}
    first, again, other = (bl.counterfactual_spectra(three_classes, x, seed=seed, **asked) for seed in (0, 0, 1))
    assert first.n_background == 30
    assert first.neighbour.tolist() == again.neighbour.tolist()
    assert first.neighbour.tolist() != other.neighbour.tolist()
    assert first.neighbour_levels == pytest.approx(levels(pool)[first.neighbour], abs=1e-5)


def test_groups_change_as_a_whole_and_bands_may_stand_first() -> None:
    x, pool = spread_out(20), spread_out(40, seed=1)
    groups = {"visible": ["blue", "green", "red"], "infrared": ["nir"]}
    found = bl.counterfactual_spectra(three_classes, x, background=pool, groups=groups, **ASKED)
    assert found.bands == ("visible", "infrared")
    members = np.array([[1, 1, 1, 0], [0, 0, 0, 1]], bool)
    own, other = x[found.found], pool[found.neighbour[found.found]]
    amount = found.amount[found.found, None, None, None]
    mask = (found.changed[found.found] @ members)[:, None, None]
    after = np.where(mask, own + amount * (other - own), own)
    assert (three_classes(after).argmax(axis=1) == found.counterfactual_class[found.found]).all()

    def in_front(images: np.ndarray) -> np.ndarray:
        return three_classes(np.moveaxis(np.asarray(images), 1, -1))

    turned = bl.counterfactual_spectra(
        in_front, np.moveaxis(x, -1, 1), background=np.moveaxis(pool, -1, 1), groups=groups, band_axis=1, **ASKED
    )
    assert turned.changed.tolist() == found.changed.tolist()
    assert turned.amount == pytest.approx(found.amount, nan_ok=True)


def test_a_network_with_one_sigmoid_or_two_inputs_is_answered() -> None:
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((2, 2, 4))
    hidden = keras.layers.Dense(1, activation="sigmoid")(keras.layers.GlobalAveragePooling2D()(inputs))
    model = keras.Model(inputs, hidden)
    model.layers[-1].set_weights([np.array([[0.0], [0.0], [8.0], [0.0]], np.float32), np.array([-4.0], np.float32)])
    x = spread_out(12)
    found = bl.counterfactual_spectra(model, x, bands=BANDS, progress=False)
    assert found.changed.tolist() == [[False, False, True, False]] * 12
    assert found.to_frame()["to"].to_numpy() == pytest.approx(0.5, abs=2e-3)

    left, right = keras.Input((2, 2, 2), name="left"), keras.Input((2, 2, 2), name="right")
    joined = keras.layers.Concatenate()([left, right])
    both = keras.Model([left, right], model(joined))
    parts = {"left": x[..., :2], "right": x[..., 2:]}
    apart = bl.counterfactual_spectra(both, parts, progress=False)
    assert apart.changed.tolist() == found.changed.tolist()
    assert apart.amount == pytest.approx(found.amount, abs=1e-3)


def test_it_survives_saving_and_says_what_it_is(tmp_path: Path) -> None:
    found = bl.counterfactual_spectra(three_classes, spread_out(20), **ASKED)
    found.save(tmp_path / "found.npz")
    for back in (bl.Counterfactuals.load(tmp_path / "found.npz"), pickle.loads(pickle.dumps(found))):
        for level in ("change", "image", "class"):
            assert back.to_frame(level).equals(found.to_frame(level))
        assert back.summary() == found.summary()
    assert "of 20 images changed" in repr(found)
    assert "images change their class with" in found.verdict
    assert "real images" in found.summary()
    with pytest.raises(bl.errors.OptionError, match="level"):
        found.to_frame("band")


def test_pictures_are_drawn_and_refuse_images_without_a_change() -> None:
    found = bl.counterfactual_spectra(three_classes, spread_out(), to="1", **ASKED)
    found.plot().draw()
    found.plot("spectra", images=found.found[:2].tolist()).draw()
    still = int(np.flatnonzero(found.status != 0)[0])
    with pytest.raises(bl.errors.OptionError, match=f"image {still}"):
        found.plot("spectra", images=[still])
    with pytest.raises(bl.errors.OptionError, match="0 images"):
        found.plot("spectra", images=[])
    none = bl.counterfactual_spectra(
        both_needed, flat([[0, 0, 0.1, 0.1]]), background=flat([[0, 0, 0.9, 0.9]]), max_bands=1, **ASKED
    )
    for kind in ("tiles", "spectra"):
        with pytest.raises(bl.errors.ResultError, match="No class was changed"):
            none.plot(kind)


def numbers(x: np.ndarray) -> np.ndarray:
    return levels(x)[:, :1]


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (red_decides, {"to": "wood"}, "`to` names no class"),
        (red_decides, {"to": []}, "`to` names no class"),
        (red_decides, {"neighbours": 0}, "neighbours"),
        (red_decides, {"max_bands": 0}, "max_bands"),
        (red_decides, {"shrink": "yes"}, "`shrink` is neither True nor False"),
        (red_decides, {"n_background": 1}, "n_background"),
        (red_decides, {"background": flat([[0, 0, 0.1, 0.1], [0, 0, 0.2, 0.1]])[[0, 1, 0]]}, "BACKGROUND"),
        (numbers, {"output": "auto", "task": "regression"}, "one class"),
        (red_decides, {"task": "multilabel", "output": "logit"}, "one class"),
    ],
)
def test_what_can_not_be_answered_is_refused(model: Any, arguments: dict[str, Any], message: str) -> None:
    x = flat([[0, 0, 0.1, 0.1], [0, 0, 0.2, 0.3]])
    y = None
    if message == "BACKGROUND":
        message = "no image that the model takes for another class"
    else:
        x = spread_out(10)
    if arguments.get("task") == "regression":
        y = np.arange(10.0)
    if arguments.get("task") == "multilabel":
        y = np.eye(2, dtype=int)[np.arange(10) % 2]
    with pytest.raises(bl.BandlensError, match=message):
        bl.counterfactual_spectra(model, x, y, **{**ASKED, **arguments})


def test_the_class_is_left_where_that_happens_first() -> None:
    """On the way from 0 to 1 the class changes at 0.2, back at 0.3, and again at 0.8."""

    def twice(x: np.ndarray) -> np.ndarray:
        own = levels(x)[:, 0]
        return two(np.where(((own > 0.2) & (own < 0.3)) | (own > 0.8), 1.0, -1.0))

    x = np.zeros((2, 1, 1, 2), np.float32)
    x[1, ..., 0] = 1
    found = bl.counterfactual_spectra(twice, x, output="logit", neighbours=1)
    assert found.amount == pytest.approx([0.2, 0.2], abs=1e-3)


def test_of_equally_small_sets_the_one_counts_that_moves_least() -> None:
    """One band changes the class on the last twentieth of its way, the other on the first seventh of a longer one."""

    def either(x: np.ndarray) -> np.ndarray:
        own = levels(x)
        return two(np.maximum(own[:, 0] - 0.95, own[:, 1] - 0.15))

    x = np.zeros((40, 1, 1, 2), np.float32)
    x[1::2, ..., 0], x[1::2, ..., 1] = 1.0, 1.1
    frame = bl.counterfactual_spectra(either, x, output="logit", neighbours=1).to_frame()
    first = frame[frame["image"] == 0]
    assert first["band"].tolist() == ["band_2"]
    assert first["to"].tolist() == pytest.approx([0.15], abs=2e-3)


def test_a_class_that_is_none_is_refused_before_all_images_are_computed() -> None:
    seen = []

    def counted(x: np.ndarray) -> np.ndarray:
        seen.append(len(x))
        return two(levels(x)[:, 0])

    with pytest.raises(bl.errors.OptionError, match="names no class"):
        bl.counterfactual_spectra(counted, noise(200), output="logit", to="nothing")
    assert sum(seen) < 50
