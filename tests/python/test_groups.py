"""Groups of bands that are treated as one, for every method."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import errors

# bands keep their rows where groups share first
METHODS = tuple(name for name, method in bl.METHODS.items() if not method.nested)
BANDS = ["blue", "red", "green", "nir"]
GROUPS: dict[str, list[Any]] = {"visible": ["green", 0, "red"]}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_groups(small_cnn: Any, images: np.ndarray, background: np.ndarray, method: str) -> None:
    def explain(**options: Any) -> bl.BandImportance:
        return bl.band_importance(
            small_cnn,
            images,
            background=background,
            method=method,
            target="all",
            bands=BANDS,
            wavelengths=[450, 650, 550, 850],
            **options,
        )

    result, single = explain(groups=GROUPS), explain()
    assert result.bands == ("visible", "nir")
    assert result.wavelengths == (550, 850)
    assert result.groups == {"visible": ["green", "blue", "red"]}
    assert single.groups is None
    assert result.scores.shape == (12, 3, 2)
    np.testing.assert_allclose(result.band_means[:, 0], single.band_means[:, :3].mean(axis=1))
    if bl.METHODS[method].statistic != "whole_band":
        expected = np.stack([single.scores[..., :3].sum(axis=-1), single.scores[..., 3]], axis=-1)
        np.testing.assert_allclose(result.scores, expected, rtol=1e-5, atol=1e-6)
    if result.residuals is not None and single.residuals is not None:
        np.testing.assert_allclose(result.residuals, single.residuals, rtol=1e-3, atol=1e-6)
    assert list(result.to_frame()["band"].cat.categories) == ["visible", "nir"]
    renamed = explain(groups={"infrared": "nir"})
    assert renamed.bands == ("blue", "red", "green", "infrared")
    np.testing.assert_allclose(renamed.scores, single.scores, rtol=1e-6, atol=1e-7)


def test_bands_of_a_group_are_changed_together(small_cnn: Any, images: np.ndarray, background: np.ndarray) -> None:
    def explain(method: str, groups: dict[str, list[Any]], **options: Any) -> np.ndarray:
        return bl.band_importance(
            small_cnn, images, background=background, method=method, groups=groups, output="probability", **options
        ).scores[:, 0]

    every = {"all": [0, 1, 2, 3]}
    own = small_cnn.predict(images, verbose=0)
    code = own.argmax(axis=1)
    difference = own.max(axis=1) - small_cnn.predict(background, verbose=0).mean(axis=0)[code]
    for method in ("occlusion", "shapley"):
        np.testing.assert_allclose(explain(method, every)[:, 0], difference, rtol=1e-4, atol=1e-6)
    pair = explain("occlusion", {"pair": [1, 3]}, replacement="zero")[:, 1]
    changed = images.copy()
    changed[..., [1, 3]] = 0
    after = small_cnn.predict(changed, verbose=0)[np.arange(12), code]
    np.testing.assert_allclose(pair, own.max(axis=1) - after, rtol=1e-4, atol=1e-6)


def test_errors_of_groups_are_those_of_their_sums(small_cnn: Any, images: np.ndarray) -> None:
    result = bl.band_importance(small_cnn, images, method="expected_gradients", groups={"all": [0, 1, 2, 3]})
    single = bl.band_importance(small_cnn, images, method="expected_gradients")
    assert result.score_errors is not None
    assert single.score_errors is not None
    assert result.score_errors.shape == (12, 1, 1)
    assert not np.allclose(result.score_errors[..., 0] ** 2, (single.score_errors**2).sum(axis=-1), rtol=0.01)


def test_wavelength_of_a_group_is_unknown_where_a_bands_is(small_cnn: Any, images: np.ndarray) -> None:
    result = bl.band_importance(
        small_cnn, images, method="saliency", wavelengths=[100, 200, None, 400], groups={"b": [1, 2], "a": [3]}
    )
    assert result.bands == ("band_1", "b", "a")
    np.testing.assert_array_equal(result.wavelengths, [100, np.nan, 400])


def test_results_with_groups_survive_a_file(small_cnn: Any, images: np.ndarray, tmp_path: Any) -> None:
    result = bl.band_importance(small_cnn, images, method="saliency", groups={"b": [1, 2]})
    result.save(tmp_path / "result.npz")
    assert bl.BandImportance.load(tmp_path / "result.npz").groups == result.groups == {"b": ["band_2", "band_3"]}


BAD: list[tuple[Any, str]] = [
    (["red"], r"must name groups.*\n.*\"visible\".*\n.*list"),
    ({"a": ["red", "pink"]}, r"'a' holds a band that there is not.*\n.*blue, red, green, nir.*0 to 3.*\n.*'pink'"),
    ({"a": [4]}, r"there is not.*\n.*\n.*4"),
    ({"a": [-1]}, r"there is not"),
    ({"a": [True]}, r"there is not"),
    ({"a": []}, r"'a' is empty"),
    ({"a": ["red"], "b": ["nir", "red"]}, r"'red' comes more than once.*\n.*\n.*in 'a' and in 'b'"),
    ({"a": ["red", 1]}, r"'red' comes more than once.*\n.*\n.*twice in 'a'"),
    ({"nir": ["red", "blue"]}, r"'nir' is called like a band that is not in it"),
]


@pytest.mark.parametrize(("groups", "message"), BAD)
def test_bad_groups(small_cnn: Any, images: np.ndarray, groups: Any, message: str) -> None:
    with pytest.raises(errors.BandError, match=message):
        bl.band_importance(small_cnn, images, bands=BANDS, groups=groups)


def test_a_group_may_be_called_like_one_of_its_bands(small_cnn: Any, images: np.ndarray) -> None:
    result = bl.band_importance(small_cnn, images, method="saliency", bands=BANDS, groups={"red": ["red", "nir"]})
    assert result.bands == ("blue", "red", "green")
