"""Where multipliers meet the bands: windows of a pooling summed first, or not, the scores are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine import batching
from bandlens.engine.deepshap import chunks, meeting, walk

RANDOM = np.random.default_rng(8)
X, BACKGROUND = RANDOM.normal(size=(2, 5, 9, 7, 3)).astype("float32")

# from the images to what is pooled, and on; whether multipliers are of whole windows there
BEGINNINGS: dict[str, tuple[Callable[[Any, Any], Any], bool]] = {
    "run": (lambda layers, x: layers.MaxPooling2D(2)(layers.Conv2D(4, 3, padding="same", activation="relu")(x)), True),
    "linear": (lambda layers, x: layers.MaxPooling2D(2)(layers.Conv2D(4, 2)(x)), True),
    "images": (lambda layers, x: layers.MaxPooling2D(2)(x), False),
    "rows": (lambda layers, x: layers.MaxPooling2D((4, 1))(layers.Conv2D(4, 1, activation="gelu")(x)), True),
    "everything": (lambda layers, x: layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3, activation="relu")(x)), True),
    "overlapping": (lambda layers, x: layers.MaxPooling2D(3, 2)(layers.Conv2D(4, 3, activation="relu")(x)), False),
    "read twice": (
        lambda layers, x: layers.Concatenate()(
            [
                layers.Flatten()(layers.MaxPooling2D(2)(y := layers.Conv2D(4, 3, activation="relu")(x))),
                layers.Flatten()(y),
            ]
        ),
        False,
    ),
    "two ends": (
        lambda layers, x: layers.Add()(
            [layers.MaxPooling2D(2)(layers.Conv2D(4, 3, activation=kind)(x)) for kind in ("relu", "tanh")]
        ),
        True,
    ),
}


@pytest.mark.not_torch  # which fuses nothing, so that it is not done there
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", BEGINNINGS)
def test_sums_over_windows_give_the_same_scores(
    keras: Any, monkeypatch: pytest.MonkeyPatch, settle: Callable[[Any], Any], name: str, own: bool
) -> None:
    begin, whole = BEGINNINGS[name]
    inputs = keras.Input(X.shape[1:])
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(begin(keras.layers, inputs)))
    model = settle(keras.Model(inputs, outputs))
    met: list[str] = []

    def note(way: str) -> None:
        in_windows = getattr(meeting, way)

        def noted(*arguments: Any) -> Any:
            met.append(way)
            return in_windows(*arguments)

        monkeypatch.setattr(meeting, way, noted)

    for way in ("_met_in_blocks", "_met_in_rows"):
        note(way)
    # whether or not it is worth it
    monkeypatch.setattr(walk, "beginning", lambda plan, *_, **__: plan.start.operations)

    def scores(summed: bool) -> np.ndarray:
        for module in (meeting, chunks):
            monkeypatch.setattr(module, "in_blocks", lambda *_: summed)
        options = {"background_per_image": 2} if own else {}
        found: np.ndarray = bl.band_importance(
            keras.Model(model.inputs, model.outputs), X, background=BACKGROUND, target="all", **options
        ).scores
        return found

    one = scores(False)
    assert not met
    np.testing.assert_allclose(scores(True), one, rtol=0, atol=1e-5 * np.abs(one).max())
    assert bool(met) is whole
    if keras.backend.backend() == "tensorflow" and whole:  # the others know of no way to what bands bring in one go
        assert ("_met_in_rows" in met) is (name in ("run", "linear", "rows"))


@pytest.mark.tensorflow
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("how", [{}, {"strides": 2}, {"strides": (2, 1)}, {"dilation_rate": 2}, {"groups": 3}], ids=str)
def test_what_each_band_brings_alone_is_the_same_in_one_go(
    keras: Any, monkeypatch: pytest.MonkeyPatch, settle: Callable[[Any], Any], padding: str, how: dict[str, Any]
) -> None:
    from bandlens.engine.backends import functions, tensorflow

    inputs = keras.Input(X.shape[1:])
    x = keras.layers.Conv2D(6, 3, padding=padding, activation="relu", **how)(inputs)
    model = settle(keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x))))
    found: list[bool] = []
    apart = tensorflow.apart

    def noted(*arguments: Any) -> Any:
        made = apart(*arguments)
        found.append(made is not None)
        return made

    monkeypatch.setattr(walk, "beginning", lambda plan, *_, **__: plan.start.operations)

    def scores(way: Any) -> np.ndarray:
        monkeypatch.setattr(tensorflow, "apart", way)
        result = bl.band_importance(keras.Model(model.inputs, model.outputs), X, background=BACKGROUND, target="all")
        scores: np.ndarray = result.scores
        return scores

    one = scores(functions.apart)
    np.testing.assert_allclose(scores(noted), one, rtol=0, atol=1e-5 * np.abs(one).max())
    assert any(found) is (how in ({}, {"strides": 2}))


@pytest.mark.parametrize("target", ["all", 1])
@pytest.mark.parametrize("units", [2, 5], ids=["backward", "forward"])
@pytest.mark.parametrize("way", ["tanh", "pooling", "twice"])
def test_images_that_are_read_beside_the_first_convolution(keras: Any, way: str, units: int, target: Any) -> None:
    """What bands bring is asked for of the images, too, or of the convolution for two readers."""
    layers = keras.layers
    inputs = keras.Input(X.shape[1:])
    made = layers.Conv2D(4, 3, padding="same")(inputs)
    pooled = layers.MaxPooling2D(2)(layers.ReLU()(made))
    beside = {
        "tanh": lambda: layers.Activation("tanh")(inputs),
        "pooling": lambda: layers.MaxPooling2D(2)(inputs),
        "twice": lambda: layers.Activation("tanh")(made),
    }[way]()
    joined = layers.Concatenate()([layers.Flatten()(pooled), layers.Flatten()(beside)])
    model = keras.Model(inputs, layers.Dense(units)(joined))
    scores = bl.band_importance(model, X, background=BACKGROUND, target=target).scores
    maps = bl.band_maps(model, X, background=BACKGROUND, target=target).values  # made without what bands bring
    np.testing.assert_allclose(scores, maps.sum(axis=(2, 3)), rtol=0, atol=1e-5 * np.abs(scores).max())


@pytest.mark.not_torch
def test_a_step_takes_more_pairs_where_windows_are_summed(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.MaxPooling2D(4)(keras.layers.Conv2D(8, 3, padding="same", activation="relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    taken: list[int] = []
    choose = chunks.choose_chunk

    def noted(*arguments: Any) -> Any:
        found = choose(*arguments)
        taken.append(found.pairs)
        return found

    monkeypatch.setattr(chunks, "choose_chunk", noted)
    images = np.random.default_rng(1).normal(size=(2, 12, 32, 32, 3)).astype("float32")
    with batching.step_bytes_of(1 << 22):
        for summed in (False, True):
            monkeypatch.setattr(meeting, "in_blocks", lambda *_, summed=summed: summed)
            monkeypatch.setattr(chunks, "in_blocks", lambda *_, summed=summed: summed)
            bl.band_importance(keras.Model(model.inputs, model.outputs), images[0], background=images[1], target="all")
    assert taken[-1] > 1.3 * taken[0]
