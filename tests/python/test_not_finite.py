"""Outputs that are not finite: one error for all methods that names the first such image, and what to do."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import ModelError
from bandlens.methods import METHODS
from bandlens.r.bridge import band_importance as bridge
from keras import ops

# the negative of images is a background that makes logarithms fail, and rightly warned of
pytestmark = pytest.mark.filterwarnings("ignore:`x` and `background` are on different scales")
WITH_BACKGROUND = ["integrated_gradients", "expected_gradients", "deepshap", "occlusion", "shapley", "lime"]


def logarithm(x: Any) -> Any:
    """The logarithm of a mean, which is NaN where that is negative."""
    return ops.log(ops.mean(x, axis=(1, 2))[:, :3])


def ratio(x: Any) -> Any:
    """Shares of a sum that is 0 for an image without light."""
    means = ops.mean(x, axis=(1, 2))
    return means[:, :3] / ops.sum(ops.relu(means), axis=1, keepdims=True)


@pytest.fixture
def bright() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 1, (6, 4, 4, 4)).astype("float32")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("labelled", [False, True])
def test_every_method_names_the_image(bright: np.ndarray, method: str, labelled: bool) -> None:
    spoiled = bright.copy()
    spoiled[4] *= -1
    y = [0, 1, 2, 0, 1, 2] if labelled else None
    with pytest.raises(
        ModelError, match=r"not finite for an image in `x`.*\n.*\n.*nan for image 4, output 0.*\n.*guard"
    ):
        bl.band_importance(logarithm, spoiled, y, method=method, background=bright)
    spoiled[2] = 0
    with pytest.raises(ModelError, match=r"nan for image 2, output 0"):
        bl.band_importance(ratio, spoiled, y, method=method, background=bright)


@pytest.mark.parametrize("method", [name for name in METHODS if METHODS[name].maps and name != "lime"])
def test_maps_name_the_image(bright: np.ndarray, method: str) -> None:
    spoiled = bright.copy()
    spoiled[4] *= -1
    with pytest.raises(ModelError, match=r"nan for image 4, output 0"):
        bl.band_maps(logarithm, spoiled, method=method, background=bright)


@pytest.mark.parametrize("method", [name for name in WITH_BACKGROUND if name != "integrated_gradients"])
def test_the_background_is_named(bright: np.ndarray, method: str) -> None:
    background = np.concatenate([bright] * 3)
    background[13] *= -1
    chosen = {"n_background": 15, "seed": 1}
    message = r"not finite for an image in `background`.*\n.*\n.*nan for image 13"
    with pytest.raises(ModelError, match=message):
        bl.band_importance(logarithm, bright, method=method, background=background, **chosen)


def test_the_baseline_is_named(bright: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"not finite for an image in the baseline.*\n.*\n.*-inf for image 0"):
        bl.band_importance(logarithm, bright, method="integrated_gradients", baseline="zero")


def between(x: Any) -> Any:
    """Finite where two bands have the same sign, so in images and background, but not in mixtures of both."""
    means = ops.mean(x, axis=(1, 2))
    return ops.concatenate([ops.log(means[:, :1] * means[:, 1:2]), means[:, 2:]], axis=1)


@pytest.mark.parametrize(
    ("method", "options", "bands"),
    [
        ("occlusion", {}, "band 0"),
        ("shapley", {}, "bands 1, 2, 3"),
        ("shapley", {"max_exact": 2}, "bands? "),
        ("lime", {}, "band 0"),
        ("lime", {"features": "superpixels", "n_segments": 2}, "pixels"),
    ],
)
def test_mixtures_are_named(bright: np.ndarray, method: str, options: dict[str, Any], bands: str) -> None:
    x = bright[:, :2, :2]  # so that the first superpixels are decisive
    message = rf"when bands of an image are replaced.*\n.*\n.*nan for image 0 with its {bands}.* replaced"
    with pytest.raises(ModelError, match=message):
        bl.band_importance(between, x, method=method, background=-4 * x, target=0, batch_size=3, **options)


def test_mixtures_of_later_batches_are_named(bright: np.ndarray) -> None:
    x = bright.copy()
    x[5] *= -1  # all others are of the background's sign
    for method in ("occlusion", "shapley", "owen", "permutation", "sage"):
        with pytest.raises(ModelError, match=r"nan for image [0-5] with its"):
            bl.band_importance(between, x, method=method, background=bright, target=0, batch_size=1)
    with pytest.raises(ModelError, match=r"nan for image 5 with its band 0 replaced"):
        bl.band_importance(between, x, method="occlusion", background=bright, target=0, batch_size=1)


def test_the_deletion_check_names_mixtures(bright: np.ndarray) -> None:
    result = bl.band_importance(between, bright, method="saliency", target=0)
    with pytest.raises(ModelError, match=r"nan for image \d with its band"):
        bl.check_deletion(between, result, bright, background=-bright)


@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_points_on_the_way_to_the_background_are_not_passed_over(bright: np.ndarray, method: str) -> None:
    # 1 / x is a finite derivative of a logarithm that is NaN
    def model(x: Any) -> Any:
        means = ops.mean(x, axis=(1, 2))
        return ops.concatenate([ops.log(means[:, :1] ** 2 - 0.01), means[:, 1:]], axis=1)

    with pytest.raises(ModelError, match=r"output or its derivative is not finite.*\n.*\n.*image 0"):
        bl.band_importance(model, bright, method=method, background=-bright, target=0)


@pytest.mark.parametrize("method", ["smoothgrad", "vargrad"])
def test_noise_is_not_passed_over(bright: np.ndarray, method: str) -> None:
    x = np.concatenate([bright + 100, bright])  # only the later images come near 0
    with pytest.raises(ModelError, match=r"(SmoothGrad|VarGrad) is not finite.*\n.*with noise\n.*image ([6-9]|1[01])"):
        bl.band_importance(logarithm, x, method=method, noise_level=1.0, batch_size=2)


@pytest.mark.parametrize("method", ["saliency", "gradient_x_input"])
def test_derivatives_are_named(method: str) -> None:
    x = np.ones((3, 1, 1, 2), "float32")
    x[1, ..., 0] = 0

    def model(image: Any) -> Any:
        return ops.sqrt(image[:, 0, 0])  # finite at 0, where its derivative is not

    with pytest.raises(ModelError, match=r"derivative is not finite.*\n.*\n.*image 1 .*\n.*'occlusion'"):
        bl.band_importance(model, x, method=method, target=0)
    assert np.isfinite(bl.band_importance(model, x, method="occlusion", target=0).scores).all()


def test_r_counts_from_1(bright: np.ndarray) -> None:
    bright[4] *= -1
    answer = bridge(logarithm, bright, None, {"method": "saliency"}, None)
    assert answer["kind"] == "model"
    assert answer["given"] == "NaN for image 5, output 1 (counted from 1)"
