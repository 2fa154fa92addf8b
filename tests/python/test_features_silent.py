"""Features that nothing excites, and ascents that lead downhill: both are said, and neither looks like a finding."""

from __future__ import annotations

import warnings
from typing import Any

import bandlens as bl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.errors import DeadFeatureWarning
from bandlens.plots.feature_grid import image_names
from keras import ops

X = np.random.default_rng(0).random((12, 6, 6, 3)).astype("float32")


@pytest.fixture
def half_dead(keras: Any) -> Any:
    """A layer whose second feature is never active."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            layers.Conv2D(3, 3, activation="relu", name="first"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    kernel, bias = model.layers[0].get_weights()
    model.layers[0].set_weights([np.abs(kernel), bias + np.array([1.0, -100.0, 1.0])])
    return model


def test_top_images_of_a_silent_feature_are_said_to_be_arbitrary(half_dead: Any) -> None:
    with pytest.warns(
        DeadFeatureWarning, match=r"1 of 3 features of layer 'first' are equally active in all 12 images"
    ):
        top = bl.top_images(half_dead, X, "first", n=4)
    assert top.silent is not None
    assert top.silent.tolist() == [False, True, False]
    frame = top.to_frame()
    assert list(frame.columns) == ["feature", "place", "image", "activation", "silent"]
    assert frame["silent"].tolist() == [False] * 4 + [True] * 4 + [False] * 4
    plot = top.plot()
    assert "equally active in all images, which are just the first ones: feature 1" in plot.labels.subtitle
    plot.draw()
    plt.close("all")


def test_active_features_are_not_called_silent(half_dead: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeadFeatureWarning)
        top = bl.top_images(half_dead, X, "first", [0, 2], n=4)
        one = bl.top_images(half_dead, X[:1], "first", [0], n=4)  # the only image is its best
    assert not top.silent.any()
    assert not one.silent.any()
    assert "just the first ones" not in top.plot().labels.subtitle


def bell(x: Any) -> Any:
    """Outputs that are largest at 0.5 in every pixel, and fall off on both sides."""
    far = ops.mean(ops.square(x - 0.5), axis=(1, 2))
    return ops.concatenate([ops.exp(-8 * far), x[:, 0, 0, :1]], axis=1)


SEEK: dict[str, Any] = {"objective": "logit", "value_range": (0, 1), "shape": (2, 2, 1), "features": [0], "jitter": 0}


def test_an_ascent_that_ends_below_its_start_keeps_the_best_image() -> None:
    start = np.full((2, 2, 1), 0.52)
    with pytest.warns(DeadFeatureWarning, match="did not rise above its start for 1 of 1 images"):
        found = bl.visualize_features(bell, **SEEK, start=start, step_size=0.4, steps=15)
    assert found.not_risen.tolist() == [True]
    assert not found.dead.any()
    np.testing.assert_allclose(found.values, start[None], atol=1e-6)
    np.testing.assert_allclose(found.activation_after, found.activation_before)
    assert found.trace[0, 1] < found.trace[0, 0]  # the walk is told as it was
    assert "not above its start" in image_names(found)[0]


def test_the_best_image_may_lie_on_the_way(keras: Any) -> None:
    layers = keras.layers
    waves = layers.Lambda(lambda x: ops.sin(9 * x))  # steps of a whole range overshoot
    model = keras.Sequential(
        [keras.Input((6, 6, 3)), waves, layers.Conv2D(32, 3, name="deep"), layers.Flatten(), layers.Dense(2)]
    )
    model.get_layer("deep").set_weights([np.random.default_rng(1).normal(size=(3, 3, 3, 32)), np.zeros(32)])
    options: dict[str, Any] = {
        "value_range": (0, 1), "step_size": 1.0, "steps": 17, "objective": "mean_activity", "start": "background",
        "background": X,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeadFeatureWarning)
        kept = bl.visualize_features(model, "deep", **options)
        walk = bl.visualize_features(model, "deep", **options, l2=1e-30)  # with a prior, images are left as they end
    below = walk.activation_after < walk.activation_before
    assert below.any()
    assert (kept.activation_after >= kept.activation_before).all()
    np.testing.assert_array_equal(kept.values[~below], walk.values[~below])
    risen = below & (kept.activation_after > kept.activation_before)
    assert risen.any()


def test_an_ascent_that_rises_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeadFeatureWarning)
        found = bl.visualize_features(bell, **SEEK, start=np.full((2, 2, 1), 0.9), steps=15)
    assert not found.not_risen.any()
    assert found.activation_after > found.activation_before
