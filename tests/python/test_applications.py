"""Every architecture in keras.applications, with 4 and 13 bands, is explained completely in float32."""

from __future__ import annotations

from typing import Any

import applications
import bandlens as bl
import numpy as np
import pytest

OTHERS = [name for name in applications.NAMES if name not in applications.REPRESENTATIVES]

pytestmark = pytest.mark.filterwarnings("ignore:This model usually expects 1 or 3 input channels")


def check(keras: Any, name: str, bands: int) -> None:
    model = applications.build(keras, name, bands)
    side = model.input_shape[1]
    images = applications.images_for(side, bands, 2, seed=0)
    background = applications.images_for(side, bands, 2, seed=1)
    result = bl.band_importance(model, images, background=background, target="all")
    difference = result.output_values - result.base_values
    assert np.abs(difference).max() > 0
    assert np.abs(result.scores.sum(axis=-1) - difference).max() <= 1e-3 * np.abs(difference).max()


# half a minute to a minute each, of layers that others here have, too
LONGEST = ("NASNetMobile", "DenseNet121", "EfficientNetV2B0")


def parameters(name: str, bands: int) -> Any:
    """Keras has no NASNet on PyTorch."""
    marks = [pytest.mark.not_torch] * name.startswith("NASNet") + [pytest.mark.slow] * (name in LONGEST)
    return pytest.param(name, bands, marks=marks)


@pytest.mark.parametrize(
    ("name", "bands"), [parameters(name, 4 if at % 2 else 13) for at, name in enumerate(applications.REPRESENTATIVES)]
)
def test_representatives(keras: Any, name: str, bands: int) -> None:
    check(keras, name, bands)


@pytest.mark.applications
@pytest.mark.parametrize(("name", "bands"), [parameters(name, bands) for name in OTHERS for bands in (4, 13)])
def test_all_others(keras: Any, name: str, bands: int) -> None:
    check(keras, name, bands)
