"""Owen values: the formula written down, what zones have as a whole, and orders where there are too many coalitions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, permutations
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BandError, OptionError
from bandlens.methods.owen import n_coalitions, owen_weights, places
from keras import ops

RANDOM = np.random.default_rng(0)
X, BACKGROUND = (RANDOM.normal(size=(n, 2, 2, 5)).astype("float32") for n in (6, 4))
BANDS = list("abcde")
ZONES = {"visible": ["a", "b", "c"], "infrared": ["d", "e"]}
MIX = RANDOM.normal(size=(5, 4)).astype("float32")


def model(images: Any) -> Any:
    """Two outputs in which bands do much together."""
    means = ops.mean(images, axis=(1, 2))
    hidden = ops.tanh(means @ ops.convert_to_tensor(MIX, images.dtype))
    return ops.stack([ops.prod(hidden[:, :2], axis=1), ops.sum(hidden, axis=1) ** 2], axis=1)


def whole_model(images: Any) -> Any:
    """Much the same without a tanh: of whole numbers, it is computed without rounding, in any order of its sums."""
    hidden = ops.mean(images, axis=(1, 2)) @ ops.convert_to_tensor(np.round(MIX), images.dtype)
    return ops.stack([ops.prod(hidden[:, :3], axis=1), ops.prod(hidden[:, 1:], axis=1)], axis=1)


def explain(
    explained: Any = model, x: np.ndarray = X, background: np.ndarray = BACKGROUND, **options: Any
) -> bl.BandImportance:
    asked = {"method": "owen", "target": "all", "bands": BANDS, "groups": ZONES, **options}
    return bl.band_importance(explained, x, background=background, **asked)


def by_orders(value: Callable[[np.ndarray], float], zones: np.ndarray) -> np.ndarray:
    """The mean contribution of each band over all orders in which zones stay together (Owen 1977)."""
    n, found, count = len(zones), np.zeros(len(zones)), 0
    for order in permutations(range(n)):
        first = [int(zones[one]) for one in order]
        if sum(a != b for a, b in pairwise(first)) != len(set(first)) - 1:
            continue
        count += 1
        there = np.zeros(n, bool)
        for band in order:
            before = value(there)
            there[band] = True
            found[band] += value(there) - before
    return found / count


@pytest.mark.parametrize("zones", [[0, 0, 0, 1, 1], [0, 1, 0, 2, 1], [0, 1, 2, 3, 4], [0, 0, 0, 0, 0]])
def test_weights_are_those_of_all_orders_in_which_zones_stay_together(zones: list[int]) -> None:
    at = np.array(zones)
    coalitions, weights = owen_weights(at)
    assert len(coalitions) == n_coalitions(at)
    assert not coalitions[0].any()
    assert coalitions[-1].all()
    values = {coalition.tobytes(): RANDOM.normal() for coalition in coalitions}
    expected = by_orders(lambda there: values[there.tobytes()], at)
    found = weights @ [values[coalition.tobytes()] for coalition in coalitions]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_zone_has_its_shapley_value_and_bands_sum_to_it() -> None:
    owen = explain()
    zones = explain(method="shapley")
    assert zones.bands == tuple(ZONES)
    assert owen.bands == tuple(BANDS)
    assert owen.zone_bands == ZONES
    assert owen.groups is None
    sums = np.stack([owen.scores[..., :3].sum(axis=-1), owen.scores[..., 3:].sum(axis=-1)], axis=-1)
    np.testing.assert_allclose(sums, zones.scores, atol=1e-6)
    assert owen.completeness is not None
    assert owen.completeness < 1e-5


@pytest.mark.parametrize("zones", [{f"zone {name}": [name] for name in BANDS}, {"all": BANDS}])
def test_zones_of_one_band_or_one_zone_of_all_give_shapley_values(zones: dict[str, list[str]]) -> None:
    shapley = explain(method="shapley", groups=None)
    np.testing.assert_allclose(explain(groups=zones).scores, shapley.scores, atol=1e-6)


def test_orders_are_drawn_where_coalitions_are_too_many_and_errors_are_stated() -> None:
    exact, drawn = explain(), explain(max_exact=1, tolerance=0.005)
    assert exact.score_errors is None
    assert drawn.score_errors is not None
    assert (np.abs(drawn.scores - exact.scores) <= 5 * drawn.score_errors + 1e-6).all()
    assert np.ptp(drawn.scores - exact.scores) > 0
    few = explain(max_exact=1, tolerance=0.005, batch_size=2)
    np.testing.assert_allclose(drawn.scores, few.scores, rtol=0, atol=1e-6 * np.abs(drawn.scores).max())


def test_orders_that_are_drawn_give_the_same_bits_for_every_batch_size() -> None:
    """Of a model that doesn't round: frameworks sum a few rows in another order than many, on some processors."""
    x, background = np.round(X), np.round(BACKGROUND)
    found = [
        explain(whole_model, x, background, max_exact=1, tolerance=0.05, batch_size=size) for size in (None, 64, 7, 2)
    ]
    assert all(one.score_errors is not None and one.score_errors.any() for one in found)
    for other in found[1:]:
        np.testing.assert_array_equal(other.scores, found[0].scores)
        np.testing.assert_array_equal(other.score_errors, found[0].score_errors)


def test_drawn_orders_keep_zones_together() -> None:
    zones = np.array([0, 1, 0, 2, 1])
    found = places(zones, np.random.default_rng(0), 4000)
    order = found.argsort(axis=1)
    assert (np.sort(found, axis=1) == np.arange(5)).all()
    assert ((np.diff(zones[order], axis=1) != 0).sum(axis=1) == 2).all()
    assert len(np.unique(order, axis=0)) == 6 * 2 * 2  # all such orders


def test_two_bands_that_are_the_same_share_within_their_zone() -> None:
    x, background = (images.copy() for images in (X, BACKGROUND))
    for images in (x, background):
        images[..., 1] = images[..., 0]

    def either(images: Any) -> Any:  # one of the two is enough, and one more band counts
        means = ops.mean(images, axis=(1, 2))
        return ops.maximum(means[:, :1], means[:, 1:2]) + means[:, 3:4]

    asked = {"background": background, "task": "regression", "bands": BANDS, "groups": {"same": ["a", "b"]}}
    owen = bl.band_importance(either, x, method="owen", **asked).scores[:, 0]
    zone = bl.band_importance(either, x, method="shapley", **asked).scores[:, 0]
    np.testing.assert_allclose(owen[:, 0], owen[:, 1], atol=1e-6)
    np.testing.assert_allclose(owen[:, 0] + owen[:, 1], zone[:, 0], atol=1e-6)


def test_zones_are_learnt_where_none_are_given() -> None:
    random = np.random.default_rng(1)
    hidden = random.normal(size=(200, 2, 2, 2))
    images = (hidden[..., [0, 0, 1, 1, 1]] + 0.1 * random.normal(size=(200, 2, 2, 5))).astype("float32")
    asked = {"background": images[50:], "method": "owen", "n_background": 8, "bands": BANDS}
    found = bl.band_importance(model, images[:4], **asked)
    assert found.zone_bands == {"a-b": ["a", "b"], "c-e": ["c", "d", "e"]}
    zones = bl.wavelength_zones(images[50:], bands=BANDS)
    for groups in (zones, "auto"):
        np.testing.assert_array_equal(
            bl.band_importance(model, images[:4], **asked, groups=groups).scores, found.scores
        )
    together = bl.band_importance(model, images[:4], background=images[50:], groups="auto", n_background=8, bands=BANDS)
    assert together.bands == ("a-b", "c-e")


def test_sums_of_groups_are_their_shapley_values() -> None:
    owen, zones = explain(), explain(method="shapley")
    sums = owen.sums("group")
    assert sums.bands == zones.bands
    np.testing.assert_allclose(sums.scores, zones.scores, atol=1e-6)
    np.testing.assert_allclose(sums.band_means, zones.band_means, atol=1e-6)
    frame = owen.to_frame("group")
    assert frame["band"].cat.categories.tolist() == list(ZONES)
    np.testing.assert_allclose(frame["importance"], zones.to_frame()["importance"], atol=1e-6)
    assert explain(groups={"infrared": ["d", "e"]}).sums("group").bands == ("a", "b", "c", "infrared")
    with pytest.raises(OptionError, match="groups of bands that share first"):
        zones.sums("group")


def test_inputs_and_steps_share_first() -> None:
    random = np.random.default_rng(2)
    inputs = {"optical": random.normal(size=(5, 3, 2, 2)), "radar": random.normal(size=(5, 3, 2))}

    def both(x: dict[str, Any]) -> Any:
        optical = np.asarray(x["optical"]).mean(axis=2)
        return np.stack([(optical.sum(axis=2) * np.asarray(x["radar"])[..., 0]).sum(axis=1), optical[..., 0].sum(1)], 1)

    asked = {"time_axis": 1, "bands": {"optical": ["a", "b"], "radar": ["a", "c"]}, "groups": "input", "target": "all"}
    owen = bl.band_importance(both, inputs, method="owen", **asked)
    zones = bl.band_importance(both, inputs, method="shapley", **asked)
    assert owen.zone_bands == {"optical": ["optical:a", "optical:b"], "radar": ["radar:a", "radar:c"]}
    sums = owen.sums("group")
    assert (sums.bands, sums.inputs, sums.times) == (zones.bands, zones.inputs, zones.times)
    np.testing.assert_allclose(sums.scores, zones.scores, atol=1e-9)


def test_zones_that_are_none_are_refused() -> None:
    with pytest.raises(BandError, match="more than once"):
        explain(groups={"one": ["a", "b"], "two": ["b"]})
    with pytest.raises(OptionError, match="no such option"):
        explain(n_samples=3)


def test_weights_of_the_same_zones_are_made_once() -> None:
    zones = np.array([0, 0, 1, 2, 2, 2])
    first, again = owen_weights(zones), owen_weights(zones.copy())
    other = owen_weights(np.array([0, 1, 1, 2, 2, 2]))
    for made, same in zip(first, again, strict=True):
        assert made is same
        assert not made.flags.writeable
    assert not np.array_equal(first[1], other[1])
