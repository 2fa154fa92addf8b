"""Bands that stand for each other: what is filled in, closed forms of Gaussian bands, and planted truth."""

from __future__ import annotations

import pickle
from itertools import combinations
from math import factorial
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.arrays import as_array
from bandlens.data.images import check_images
from bandlens.errors import BackgroundError, OptionError
from bandlens.methods.conditional import Conditional
from bandlens.methods.neighbours import Nearest
from keras import ops

COVARIANCE = np.array([[1.0, 0.9, 0.2], [0.9, 1.0, 0.0], [0.2, 0.0, 1.0]])
MEAN = np.array([1.0, -2.0, 0.5])
WEIGHTS = np.array([1.0, 0.0, 2.0])
ALL = ("shapley", "owen", "sage", "occlusion", "permutation", "lime")


def gaussian(n: int, seed: int, pixels: int = 1, covariance: np.ndarray = COVARIANCE) -> np.ndarray:
    values = np.random.default_rng(seed).multivariate_normal(np.zeros(len(covariance)), covariance, (n, pixels, pixels))
    return (values + MEAN[: len(covariance)]).astype(np.float32)


def linear(images: Any) -> Any:
    return ops.sum(ops.mean(images, axis=(1, 2)) * ops.convert_to_tensor(WEIGHTS.astype("float32")), axis=1)[:, None]


def published(x: np.ndarray, weights: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Conditional Shapley values of a linear model of Gaussian features, as Aas, Jullum & Loland 2021 state them."""
    n = len(weights)

    def value(present: tuple[int, ...]) -> float:
        absent = [band for band in range(n) if band not in present]
        filled, there = x.copy(), list(present)
        slopes = covariance[np.ix_(absent, there)] @ np.linalg.inv(covariance[np.ix_(there, there)])
        filled[absent] = mean[absent] + slopes @ (x[there] - mean[there])
        return float(weights @ filled)

    found = np.zeros(n)
    for band in range(n):
        others = [one for one in range(n) if one != band]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for present in combinations(others, size):
                found[band] += weight * (value(tuple(sorted((*present, band)))) - value(present))
    return found


# ---- Known answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"max_exact": 1}], ids=["exact", "sampled"])
def test_conditional_shapley_values_of_a_linear_model_are_the_published_ones(options: dict[str, Any]) -> None:
    x, background = gaussian(6, 1), gaussian(8000, 2)
    found = bl.band_importance(
        linear, x, background=background, n_background=400, method="shapley", absent="conditional", **options
    )
    # the mean is that of the background images used; of the covariance, 8000 pixels tell all but about 1 %
    mean = background[found.background].mean(axis=(0, 1, 2), dtype=np.float64)
    expected = np.stack([published(one.ravel().astype(float), WEIGHTS, mean, COVARIANCE) for one in x])
    error = 0.02 * np.abs(x - mean).max()
    np.testing.assert_allclose(found.scores[:, 0], expected, atol=error)
    marginal = bl.band_importance(linear, x, background=background, n_background=400, method="shapley", **options)
    assert np.abs(marginal.scores[:, 0] - expected).max() > 5 * error  # or this would not tell them apart
    assert found.completeness < 1e-5


def test_two_equal_bands_share_what_one_of_them_does() -> None:
    covariance = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    x, background = gaussian(30, 1, covariance=covariance), gaussian(500, 2, covariance=covariance)
    tables = {
        absent: bl.band_importance(linear, x, background=background, method="shapley", absent=absent).overall
        for absent in ("marginal", "conditional", "nearest")
    }
    assert tables["marginal"].share[0, 1] < 1e-6
    for absent in ("conditional", "nearest"):
        first, second = tables[absent].share[0, :2]
        assert first == pytest.approx(second, rel=0.1)
        assert first + second == pytest.approx(tables["marginal"].share[0, 0], rel=0.25)


def test_a_band_that_tells_of_another_is_found_though_the_model_ignores_it() -> None:
    x, background = gaussian(40, 1), gaussian(500, 2)
    y = linear(x)[:, 0]
    for method in ("shapley", "sage"):
        given = {"y": as_array(y), "task": "regression"}
        marginal, conditional = (
            bl.band_importance(linear, x, background=background, method=method, absent=absent, **given).overall.share[0]
            for absent in ("marginal", "conditional")
        )
        assert abs(marginal[1]) < 1e-5
        assert conditional[1] > 0.05


def test_a_band_that_others_tell_of_is_hardly_missed() -> None:
    x, background = gaussian(200, 1), gaussian(500, 2)
    y = as_array(linear(x)[:, 0])
    for method, options in (("occlusion", {"background": background}), ("permutation", {}), ("lime", {})):
        options = {"background": background} if method == "lime" else options
        shares = [
            bl.band_importance(linear, x, y, method=method, absent=absent, task="regression", **options).overall
            for absent in ("marginal", "conditional", "nearest")
        ]
        first = [table.importance[0, 0] for table in shares]
        assert first[1] < 0.7 * first[0], method
        assert first[2] < 0.7 * first[0], method


def test_interactions_with_conditional_bands_see_that_two_tell_the_same() -> None:
    x, background = gaussian(30, 1), gaussian(500, 2)
    marginal, conditional = (
        bl.band_interactions(linear, x, background=background, absent=absent) for absent in ("marginal", "conditional")
    )
    assert marginal.to_frame("image")["interaction"].abs().max() < 1e-5
    assert conditional.to_frame("image")["interaction"].abs().max() > 0.1
    assert (marginal.absent, conditional.absent) == ("marginal", "conditional")
    assert "given the others" in repr(conditional)
    assert "given the others" not in repr(marginal)


# ---- What is filled in -----------------------------------------------------------------------------------------------


def test_conditional_bands_are_the_gaussian_formula() -> None:
    background = gaussian(3000, 2, pixels=3)
    filling = Conditional.of(check_images(background), 0)
    x, other = gaussian(2, 3, pixels=3), gaussian(4, 4, pixels=3)
    present = np.array([True, False, True])
    filled = filling.fill(x, other[None], present[None, None, None], np.arange(4)).reshape(2, 4, 3, 3, 3)
    slopes = np.linalg.solve(COVARIANCE[np.ix_([0, 2], [0, 2])], COVARIANCE[[0, 2], 1])
    expected = other[None, ..., 1] + (x[:, None] - other)[..., [0, 2]] @ slopes
    # of pixels that don't depend on those nearby
    np.testing.assert_allclose(filled[..., 1], expected, atol=0.15)
    np.testing.assert_array_equal(filled[..., [0, 2]], np.broadcast_to(x[:, None], filled.shape)[..., [0, 2]])


def test_surroundings_tell_what_a_noisy_pixel_does_not() -> None:
    random = np.random.default_rng(0)
    smooth = np.repeat(random.normal(size=(400, 1, 1, 1)), 4, axis=1).repeat(4, axis=2)
    images = np.concatenate([smooth + 2 * random.normal(size=(400, 4, 4, 1)), smooth], axis=-1).astype(np.float32)
    filling = Conditional.of(check_images(images), 0)
    present = np.array([True, False])[None, None, None]
    there = filling.fill(images[:50], images[None, 50:51], present, np.arange(1))[..., 1]
    # the residual is that of another image
    alone = images[50:51, ..., 1] + (images[:50] - images[50:51])[..., 0] / 5
    wrong = [float(((one - images[:50, ..., 1]) ** 2).mean()) for one in (there, alone)]
    assert wrong[0] < wrong[1]


def test_constant_bands_and_copies_are_filled_with_what_they_are() -> None:
    random = np.random.default_rng(0)
    own = random.normal(size=(100, 2, 2, 1))
    images = np.concatenate([own, own, np.full_like(own, 7)], axis=-1).astype(np.float32)
    for filling in (Conditional.of(check_images(images), 0), Nearest.of(check_images(images[10:]), 0)):
        present = np.array([[True, False, False], [False, False, True]])
        filled = filling.fill(images[:2], images[None, 10:12], present[None, None], np.arange(2))
        filled = filled.reshape(2, 2, 2, 2, 2, 3)
        np.testing.assert_allclose(filled[..., 2], 7)
        tolerance = 0.02 if isinstance(filling, Conditional) else 0.3
        np.testing.assert_allclose(filled[:, :, 0, ..., 1], filled[:, :, 0, ..., 0], atol=tolerance)


def test_nearest_pixels_are_those_of_a_search_by_hand_and_never_the_image_itself() -> None:
    background = gaussian(50, 2)
    x = background[:3]
    filling = Nearest.of(check_images(background), 0)
    present = np.array([True, False, True])
    filled = filling.fill(x, background[None, :2], present[None, None, None], np.array([0, 6])).reshape(3, 2, 3)
    spectra = background.reshape(50, 3)
    for at, one in enumerate(spectra[:3]):
        distance = (((spectra - one) / spectra.std(axis=0))[:, present] ** 2).sum(axis=1)
        distance[at] = np.inf
        order = np.argsort(distance)
        np.testing.assert_array_equal(filled[at, :, 1], spectra[order[[0, 1]], 1])  # 6 is 1 around 5 neighbours


@pytest.mark.parametrize("absent", ["conditional", "nearest"])
@pytest.mark.parametrize("layout", ["spectra", "first", "cubes", "time", "two"])
def test_every_layout_is_filled_alike(absent: str, layout: str) -> None:
    x, background = gaussian(4, 1, pixels=2), gaussian(40, 2, pixels=2)
    options: dict[str, Any] = {"method": "shapley", "absent": absent, "task": "regression", "n_background": 6}
    plain = bl.band_importance(
        lambda t: ops.sum(t**2, axis=(1, 2)) @ ops.ones((3, 1)), x, background=background, **options
    )
    if layout == "spectra":
        x, background = x[:, 0, 0, :, None], background[:, 0, 0, :, None]
        found = bl.band_importance(lambda t: ops.sum(t**2, axis=1), x, background=background, band_axis=1, **options)
        again = bl.band_importance(
            lambda t: ops.sum(t**2, axis=(1, 2)) @ ops.ones((3, 1)), x[:, None, None, :, 0],
            background=background[:, None, None, :, 0], **options,
        )  # fmt: skip
        np.testing.assert_allclose(found.scores, again.scores, atol=1e-4)
        return
    if layout == "two":
        pair = {"a": x, "b": x[:, :1, :1] * 2}
        others = {"a": background, "b": background[:, :1, :1] * 2}
        import keras

        one, two = keras.Input((2, 2, 3), name="a"), keras.Input((1, 1, 3), name="b")
        parts = [keras.layers.Flatten()(one), keras.layers.Flatten()(two)]
        model = keras.Model([one, two], keras.layers.Dense(1)(keras.layers.Concatenate()(parts)))
        found = bl.band_importance(model, pair, background=others, **options)
        assert found.scores.shape == (4, 1, 6)
        assert found.completeness < 1e-4
        return
    move, axes = {
        "first": (lambda t: np.moveaxis(t, -1, 1), {"band_axis": 1}),
        "cubes": (lambda t: t[..., None], {"band_axis": 3}),
        "time": (lambda t: t[:, None], {"time_axis": 1}),
    }[layout]
    found = bl.band_importance(
        lambda t: ops.sum(ops.reshape(t, (-1, 12)) ** 2, axis=1)[:, None], move(x), background=move(background),
        **axes, **options,
    )  # fmt: skip
    np.testing.assert_allclose(found.scores, plain.scores, atol=2e-4)


@pytest.mark.parametrize("absent", ["conditional", "nearest"])
@pytest.mark.parametrize("method", ALL)
def test_results_do_not_depend_on_the_batch_size_and_say_what_was_asked(method: str, absent: str) -> None:
    x, background = gaussian(5, 1, pixels=2), gaussian(40, 2, pixels=2)
    options: dict[str, Any] = {} if method == "permutation" else {"background": background, "n_background": 7}
    many = {"permutation": {"n_repeats": 2}}.get(method, {})
    y = np.arange(5.0)
    found = [
        bl.band_importance(
            linear, x, y, method=method, absent=absent, batch_size=size, task="regression", **options, **many
        )
        for size in (None, 2)
    ]
    np.testing.assert_allclose(found[0].scores, found[1].scores, rtol=1e-5, atol=1e-6)
    assert found[0].options["absent"] == absent
    assert "absent bands" in repr(found[0])
    assert "absent bands" in found[0].plot("bars").labels.subtitle
    assert pickle.loads(pickle.dumps(found[0])).options["absent"] == absent


def test_marginal_is_what_it_was() -> None:
    x, background = gaussian(5, 1, pixels=2), gaussian(40, 2, pixels=2)
    for method in ("shapley", "occlusion", "lime"):
        plain = bl.band_importance(linear, x, background=background, method=method)
        asked = bl.band_importance(linear, x, background=background, method=method, absent="marginal")
        np.testing.assert_array_equal(plain.scores, asked.scores)
        assert "absent bands" not in repr(asked)


def test_pixels_of_a_segmentation_model_are_shuffled_as_other_bands_allow() -> None:
    random = np.random.default_rng(0)
    own = random.normal(size=(30, 3, 3, 1))
    x = np.concatenate([own, own + 0.01 * random.normal(size=own.shape)], axis=-1).astype(np.float32)

    def model(images: Any) -> Any:
        return ops.softmax(5 * ops.concatenate([images[..., :1], -images[..., :1]], axis=-1), axis=-1)

    falls = [
        bl.band_importance(
            model, x, (x[..., 0] < 0).astype(int), method="permutation", absent=absent, n_repeats=2,
            task="segmentation",
        ).overall.importance[0, 0]
        for absent in ("marginal", "conditional", "nearest")
    ]  # fmt: skip
    assert falls[0] > 0.3
    assert max(falls[1:]) < 0.1


def test_deletion_takes_bands_away_as_others_allow() -> None:
    covariance = np.array([[1.0, 0.999, 0.0], [0.999, 1.0, 0.0], [0.0, 0.0, 1.0]])
    x, background = gaussian(30, 1, covariance=covariance), gaussian(300, 2, covariance=covariance)
    table = bl.band_importance(linear, x, background=background, method="occlusion")

    def first_fall(**options: Any) -> Any:
        check = bl.check_deletion(linear, table, x, background=background, **options)
        frame = check.to_frame()
        one = frame[(frame["order"] == "reverse") & (frame["class"] == "all") & (frame["removed"] == 2)]
        assert check.facts["absent"] == options["absent"]
        return float(one["estimate"].iloc[0])

    falls = {absent: first_fall(absent=absent) for absent in ("marginal", "conditional", "nearest")}
    assert falls["conditional"] >= falls["marginal"] - 0.3  # the copy was taken before, or is there
    mean = first_fall(absent="conditional", replacement="background_mean")
    assert np.isfinite(mean)


# ---- What is refused -------------------------------------------------------------------------------------------------


def test_what_does_not_go_together_is_refused() -> None:
    x, background = gaussian(5, 1, pixels=2), gaussian(40, 2, pixels=2)

    def table(**options: Any) -> Any:
        return bl.band_importance(linear, x, background=background, **options)

    with pytest.raises(OptionError, match="absent"):
        table(method="shapley", absent="gone")
    with pytest.raises(OptionError, match="absent"):
        table(method="deepshap", absent="conditional")
    with pytest.raises(OptionError, match="filled from the background"):
        table(method="occlusion", absent="conditional", replacement="zero")
    with pytest.raises(OptionError, match="filled from the background"):
        table(method="occlusion", absent="nearest", replacement="background_mean")
    with pytest.raises(OptionError, match="Superpixels"):
        table(method="lime", absent="conditional", features="superpixels")
    weighted = bl.BackgroundImages(background[:7], weights=np.arange(1.0, 8.0))
    with pytest.raises(OptionError, match="Neighbours"):
        bl.band_importance(linear, x, background=weighted, method="shapley", absent="nearest")
    with pytest.raises(BackgroundError, match="single image"):
        bl.band_importance(linear, x, background=background[:1], method="shapley", absent="conditional")
    with pytest.raises(OptionError, match="check_null"):
        bl.check_null(linear, x, background=background, method="shapley", absent="conditional")
