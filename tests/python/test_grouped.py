"""Convolutions over groups of channels are those with kernels that are zero between groups."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest

CASES = {
    "each channel": {"channels": 6, "groups": 6, "filters": 6, "padding": "same"},
    "each channel, several filters": {"channels": 4, "groups": 4, "filters": 8, "strides": 2},
    "each channel, uneven steps": {"channels": 4, "groups": 4, "filters": 4, "strides": (2, 1)},
    "each channel, dilated": {"channels": 4, "groups": 4, "filters": 8, "dilation_rate": 2},
    "few": {"channels": 6, "groups": 3, "filters": 9, "strides": (1, 2), "padding": "same"},
    "few, dilated": {"channels": 8, "groups": 2, "filters": 4, "dilation_rate": 2},
    "many": {"channels": 80, "groups": 40, "filters": 80},
}


def models(keras: Any, channels: int, groups: int, filters: int, outputs: int, **options: Any) -> list[Any]:
    """The same network with a convolution over groups, and with a whole one that has the same kernel."""
    layers, made = keras.layers, []
    for number in (groups, 1):
        inputs = keras.Input((8, 9, 3))
        x = layers.Conv2D(channels, 1, activation="tanh")(inputs)
        x = layers.Conv2D(filters, 3, groups=number, activation="relu", name="convolution", **options)(x)
        made.append(keras.Model(inputs, layers.Dense(outputs)(layers.Flatten()(x))))
    first, whole = made
    own, every = (model.get_layer("convolution").kernel for model in made)
    for weight, same in zip(first.weights, whole.weights, strict=True):
        if weight is not own:
            same.assign(weight)
    kernel, given = np.zeros(every.shape, "float32"), keras.ops.convert_to_numpy(own)
    into, of = channels // groups, filters // groups
    for group in range(groups):
        kernel[:, :, group * into : (group + 1) * into, group * of : (group + 1) * of] = given[
            ..., group * of : (group + 1) * of
        ]
    every.assign(kernel)
    return made


@pytest.mark.parametrize("method", ["deepshap", "saliency", "lrp", "occlusion"])
@pytest.mark.parametrize("outputs", [2, 5], ids=["backward", "forward"])
@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_the_whole_kernel(keras: Any, case: str, outputs: int, method: str) -> None:
    random = np.random.default_rng(0)
    x, background = random.normal(size=(3, 8, 9, 3)), random.normal(size=(2, 8, 9, 3))
    given = {"background": background} if bl.METHODS[method].uses_background else {}
    grouped, whole = (
        bl.band_importance(model, x, method=method, target="all", **given).scores
        for model in models(keras, **CASES[case], outputs=outputs)
    )
    np.testing.assert_allclose(grouped, whole, rtol=1e-4, atol=1e-5 * np.abs(whole).max())
