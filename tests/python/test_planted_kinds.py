"""What was planted is found in models of every kind: in one input at one time, in the pixels of a zone, for a label.

The models have weights set by hand, so that nothing is trained and all seeds share what was compiled: a seed makes the
images, the background and what a method draws. (Networks that are trained: `test_planted_truth.py`.)
"""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest

SEEDS = range(5)
FEWER: dict[str, dict[str, Any]] = {
    **{method: {"n_samples": 20} for method in ("smoothgrad", "vargrad", "expected_gradients")},
    "integrated_gradients": {"n_steps": 20},
    "lime": {"n_samples": 200},
    "shapley": {"max_exact": 4, "max_permutations": 10},
    "owen": {"max_exact": 4, "max_permutations": 10},
    "permutation": {"n_repeats": 2},
    "sage": {"metric": "log_loss", "max_permutations": 10},
}
N, SIDE, BANDS, STEPS = 24, 5, 3, 4
SHAPES = {"optical": (STEPS, 4, 4, BANDS), "radar": (STEPS, 2)}
PLACE = ("radar", "band_2", "2")  # the second band at the third step, as steps are counted from 0
# to each class what is right of a value, what is left of it, and a constant; every class is the largest somewhere
ENDS = np.array([[2.0, -2.0, 0.5], [-2.0, 3.0, 0.5], [0.0, 0.0, 1.0]], "float32")
LEFT_RIGHT = np.concatenate([2 * np.eye(BANDS, 2), -1.5 * np.eye(BANDS, 2)]).astype("float32")


def draw(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def balanced(kinds: np.ndarray) -> np.ndarray:
    """Positions of N values, as many of each kind: with other numbers, other seeds would be compiled anew."""
    every = np.unique(kinds)
    chosen = np.concatenate([np.flatnonzero(kinds == kind)[: N // len(every)] for kind in every])
    assert len(chosen) == N
    return chosen


def ramps(values: np.ndarray) -> np.ndarray:
    """What is right of each value, then what is left: smooth, as VarGrad needs slopes that vary."""
    return np.logaddexp(0, np.concatenate([values, -values], axis=-1))


def halves(bands: int) -> np.ndarray:
    """Weights of a layer that gives them."""
    return np.concatenate([np.eye(bands), -np.eye(bands)], axis=1).astype("float32")


@pytest.fixture(scope="module")
def of_series() -> Any:
    """Two inputs with time: classes by one band of one of them at one step. All else is looked at, for nothing."""
    import keras

    layers = keras.layers
    optical, radar = (keras.Input(shape, name=name) for name, shape in SHAPES.items())
    parts = layers.Conv1D(4, 1, activation="softplus")
    seen = layers.Flatten()(parts(radar))
    other = layers.Dense(4, activation="relu")(layers.Flatten()(optical))
    last = layers.Dense(3, activation="softmax")
    model = keras.Model({"optical": optical, "radar": radar}, last(layers.Concatenate()([seen, other])))
    parts.set_weights([halves(2)[None], np.zeros(4, "float32")])
    weights = np.zeros((4 * STEPS + 4, 3), "float32")
    weights[[4 * 2 + 1, 4 * 2 + 3]] = ENDS[:2]
    last.set_weights([weights, ENDS[2]])
    return model


def of_bands(last: str) -> Any:
    """Whether there is a label, by the band of its position: of a whole image, or of each of its pixels."""
    import keras

    layers = keras.layers
    image = keras.Input((SIDE, SIDE, BANDS))
    parts, end = layers.Conv2D(2 * BANDS, 1, activation="softplus"), layers.Conv2D(2, 1, activation="sigmoid")
    if last == "image":
        end = layers.Dense(2, activation="sigmoid")
        model = keras.Model(image, end(layers.GlobalAveragePooling2D()(parts(image))))
    else:
        model = keras.Model(image, end(parts(image)))
    parts.set_weights([halves(BANDS)[None, None], np.zeros(2 * BANDS, "float32")])
    end.set_weights([LEFT_RIGHT if last == "image" else LEFT_RIGHT[None, None], np.zeros(2, "float32")])
    return model


@pytest.fixture(scope="module")
def of_labels() -> Any:
    return of_bands("image")


@pytest.fixture(scope="module")
def of_pixels() -> Any:
    return of_bands("pixel")


def check(result: Any, own: np.ndarray, method: str) -> None:
    """Each class's own cell is first, and all else is zero, for LIME, a fit to random draws, next to nothing."""
    assert (result.table.importance.argmax(axis=1) == own).all()
    scores = np.abs(result.table.importance)
    planted = np.take_along_axis(scores, own[:, None], axis=1)
    assert (planted > 0).all()
    others = np.delete(scores, own[:, None] + np.arange(len(own))[:, None] * scores.shape[1])
    allowed = np.repeat((0.1 if method == "lime" else 1e-5) * planted[:, 0], scores.shape[1] - 1)
    assert (others <= allowed).all()


@pytest.mark.parametrize("method", bl.METHODS)
def test_in_one_input_at_one_time(of_series: Any, method: str) -> None:
    for seed in SEEDS:
        x, background = (
            {name: draw(10 * seed + at, n, *shape) for name, shape in SHAPES.items()} for at, n in ((0, 4 * N), (1, 6))
        )
        y = (ramps(x["radar"][:, 2, 1:]) @ ENDS[:2] + ENDS[2]).argmax(axis=1)
        chosen = balanced(y)
        x, y = {name: values[chosen] for name, values in x.items()}, y[chosen]
        result = bl.band_importance(
            of_series, x, y, background=background, time_axis=1, method=method, seed=seed, **FEWER.get(method, {})
        )
        assert result.inputs is not None
        assert result.times is not None
        cells = list(zip(result.inputs, result.bands, result.times, strict=True))
        check(result, np.full(len(result.table.importance), cells.index(PLACE)), method)


@pytest.mark.parametrize("method", bl.METHODS)
def test_for_each_label(of_labels: Any, method: str) -> None:
    for seed in SEEDS:
        x, background = draw(10 * seed, 4 * N, SIDE, SIDE, BANDS), draw(10 * seed + 1, 6, SIDE, SIDE, BANDS)
        x += 2 * draw(10 * seed + 2, 4 * N, 1, 1, BANDS)
        y = (ramps(x) @ LEFT_RIGHT).mean(axis=(1, 2)) > 0
        chosen = balanced(y @ (1, 2))
        x, y = x[chosen], y[chosen]
        result = bl.band_importance(
            of_labels, x, y, background=background, method=method, seed=seed, **FEWER.get(method, {})
        )
        check(result, np.array([0, 1]), method)


@pytest.mark.parametrize("method", bl.METHODS)
def test_in_a_zone(of_pixels: Any, method: str) -> None:
    for seed in SEEDS:
        x, background = draw(10 * seed, N, SIDE, SIDE, BANDS), draw(10 * seed + 1, 6, SIDE, SIDE, BANDS)
        y = ramps(x) @ LEFT_RIGHT > 0
        given = {"background": background, "method": method, "seed": seed, **FEWER.get(method, {})}
        check(bl.band_importance(of_pixels, x, y, **given), np.array([0, 1]), method)
        if bl.METHODS[method].maps is None or method == "lime":  # which looks at regions, not pixels
            continue
        maps = bl.band_maps(of_pixels, x[:4], y[:4], **given)
        assert maps.images is not None
        for values, image, code in zip(maps.values[:, 0], maps.images, maps.image_class, strict=True):
            zone = y[image, ..., code]
            assert np.abs(values[zone][:, code]).max() > 0
            assert not np.abs(values[~zone]).any()
            assert not np.abs(np.delete(values, code, axis=-1)).any()
