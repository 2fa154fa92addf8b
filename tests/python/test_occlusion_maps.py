"""Occlusion maps: closed forms of a linear model, windows that cover all, any function, several inputs."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import InputError, OptionError

ROWS, COLS, BANDS = 7, 9, 3
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(4, ROWS, COLS, BANDS)).astype("float32")
BACKGROUND = RANDOM.normal(size=(6, ROWS, COLS, BANDS)).astype("float32")
WEIGHTS = RANDOM.normal(size=(ROWS, COLS, BANDS, 2)).astype("float32")


def linear(x: np.ndarray) -> np.ndarray:
    """A function of arrays, which has no layers and no derivative."""
    return np.tensordot(np.asarray(x, np.float64), WEIGHTS, 3)


def maps(model: Any = linear, x: Any = X, **options: Any) -> bl.ActivationMaps:
    given = {"background": BACKGROUND, "target": "all", **options}
    return bl.occlusion_maps(model, x, progress=False, **given)


def test_falls_of_a_linear_model_are_sums_over_windows() -> None:
    found = maps(window=(3, 4), stride=(2, 3))
    starts = [0, 2, 4], [0, 3, 5]  # the last ends at the edge
    part = np.einsum("nrcb,rcbk->nkrcb", X - BACKGROUND.mean(axis=0), WEIGHTS)
    wanted = np.array([[part[:, :, r : r + 3, c : c + 4].sum(axis=(2, 3, 4)) for c in starts[1]] for r in starts[0]])
    np.testing.assert_allclose(found.values, np.moveaxis(wanted, (0, 1), (2, 3)), rtol=1e-4, atol=1e-4)
    by = maps(window=(3, 4), stride=(2, 3), by="band")
    np.testing.assert_allclose(by.values.sum(axis=2), found.values, rtol=1e-4, atol=1e-4)
    for band in range(BANDS):
        own = part[:, :, 2:5, 5:9, band].sum(axis=(2, 3))
        np.testing.assert_allclose(by.values[:, :, band, 1, 2], own, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.row_at, (np.array([0, 2, 4]) + 1.5) / ROWS)
    np.testing.assert_allclose(found.col_at, (np.array([0, 3, 5]) + 2) / COLS)
    assert found.options == {"window": [3, 4], "stride": [2, 3], "replacement": "background"}
    np.testing.assert_allclose(maps(window=(3, 4), stride=(2, 3), batch_size=1).values, found.values, rtol=1e-5)


@pytest.mark.parametrize("replacement", ["background_mean", "zero"])
def test_single_pixels_and_other_replacements(replacement: str) -> None:
    without = BACKGROUND.mean(axis=0) if replacement == "background_mean" else 0
    found = maps(window=1, by="band", replacement=replacement)
    wanted = np.einsum("nrcb,rcbk->nkbrc", X - without, WEIGHTS)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-4, atol=1e-4)
    table = found.to_frame("class")
    own = table[(table["class"] == "0") & (table["output"] == "1")]
    mine = wanted[np.argmax(linear(X), axis=1) == 0, 1]
    np.testing.assert_allclose(own["importance"], np.abs(mine).mean(axis=(0, 2, 3)), rtol=1e-4)


def test_a_window_of_the_whole_image_is_the_whole_difference(small_cnn: Any, images: np.ndarray) -> None:
    found = bl.occlusion_maps(small_cnn, images, window=8, replacement="zero", target="all", progress=False)
    logits = [
        bl.band_importance(small_cnn, x, target="all", method="occlusion", replacement="zero", progress=False)
        for x in (images, np.zeros_like(images[:1]))
    ]
    np.testing.assert_allclose(
        found.values[:, :, 0, 0], logits[0].output_values - logits[1].output_values, rtol=1e-4, atol=1e-5
    )
    assert maps(window=3).values.shape[2:] == (5, 7)  # half of it further, which is 1
    assert maps().options["window"] == [2, 2]


def test_bands_first_and_several_inputs(keras: Any) -> None:
    turned = np.moveaxis(X, 3, 1)

    def first(x: np.ndarray) -> np.ndarray:
        return linear(np.moveaxis(x, 1, 3))

    found = maps(first, turned, background=np.moveaxis(BACKGROUND, 3, 1), band_axis=1, window=2, by="band")
    np.testing.assert_allclose(found.values, maps(window=2, by="band").values, rtol=1e-5, atol=1e-6)
    layers = keras.layers
    image, numbers = keras.Input(X.shape[1:], name="image"), keras.Input((2,), name="numbers")
    joined = layers.Concatenate()([layers.Flatten()(image), numbers])
    model = keras.Model([image, numbers], layers.Dense(2, use_bias=False, name="out")(joined))
    kernel = np.concatenate([WEIGHTS.reshape(-1, 2), np.ones((2, 2))])
    model.get_layer("out").set_weights([kernel])
    x = {"image": X, "numbers": np.ones((4, 2))}
    background = {"image": BACKGROUND, "numbers": np.zeros((6, 2))}
    both = bl.occlusion_maps(model, x, background=background, target="all", window=2, by="band", progress=False)
    np.testing.assert_allclose(both.values, maps(window=2, by="band").values, rtol=1e-3, atol=1e-4)
    assert both.inputs == ("image",) * BANDS
    assert len(both.bands) == BANDS
    with pytest.raises(InputError, match="none in input 'numbers'"):
        bl.occlusion_maps(model, x, background=background, input="numbers", progress=False)
    with pytest.raises(OptionError, match="'image'"):
        bl.occlusion_maps(model, x, background=background, input="images", progress=False)


def test_what_is_asked_is_checked() -> None:
    for name, wrong, said in (
        ("window", 8, "larger than the images"),
        ("window", (1, 2, 3), "one for rows and one for columns"),
        ("stride", 0, "`stride`"),
        ("by", "pixel", "`by`"),
        ("replacement", "blur", "`replacement`"),
        ("input", "image", "one input"),
    ):
        with pytest.raises(OptionError, match=said):
            maps(**{name: wrong})
    with pytest.raises(InputError, match="rows and columns"):
        bl.occlusion_maps(lambda x: x[..., 0] @ np.ones((5, 2)), np.ones((3, 5, 1)), band_axis=1, progress=False)


def test_strides_that_leave_gaps_between_windows_are_refused() -> None:
    with pytest.raises(OptionError, match=r"never be covered(.|\n)*at most 3 x 2(.|\n)*given: 3 x 3"):
        maps(window=(3, 2), stride=3)
    assert maps(window=3, stride=3).values.shape[-2:] == (3, 3)
