"""What other methods promise of any network, held to random ones: identities between methods, ranges, no NaN."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.lrp import LAYERS
from bandlens.errors import BandlensWarning
from conftest import weighted
from test_layer_matrix import IMAGE
from test_random_architectures import ANYWHERE, pixels, random_model, situation

# exact coalitions are few up to here
FEW = 4


def images(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """The three images of a seed, and as many of the background as conditional distributions take."""
    given, random = situation(seed), np.random.default_rng([seed, 4])
    x, background = pixels(seed)
    draw = random.uniform if given.reflectances else random.normal
    return x, np.concatenate([background, draw(size=(n - len(background), *x.shape[1:]))])


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far two arrays differ, relative to the largest number of the other."""
    assert np.isfinite(one).all()
    return float(np.abs(one - other).max() / max(1e-30, np.abs(other).max()))


def table(model: Any, seed: int, method: str, **options: Any) -> bl.BandImportance:
    x, background = images(seed)
    if method != "lrp":
        options["background"] = background
    return bl.band_importance(model, x, method=method, target="all", progress=False, **options)


def relevance(model: Any, seed: int) -> np.ndarray:
    """Layer-wise relevance by every rule: finite, and maps sum to scores; gives the default's."""
    x, _ = images(seed)
    for rule in LAYERS:
        assert np.isfinite(table(model, seed, "lrp", rule=rule, first="same").scores).all(), rule
    found = table(model, seed, "lrp").scores
    maps = bl.band_maps(model, x, method="lrp", target="all", progress=False).values
    assert apart(maps.sum(axis=(2, 3)), found) < 1e-4
    return found


# what makes something of nothing, and the constant part of a softmax, keep relevance to themselves
LOSING = {
    *("rescaling", "power", "power of two tensors", "threshold", "relu bounded"),
    *("softmax", "softmax pixels", "log softmax", "multi-head 2d", "sparsemax"),
}


def conserved(keras: Any, seed: int) -> None:
    """Where nothing is added in a network, relevance sums to the outputs, by the rules that lose none."""
    given, random = situation(seed), np.random.default_rng([seed, 7])
    inputs = x = keras.Input((8, 8, given.bands))
    x = keras.layers.Conv2D(4, 1)(x)
    kept = sorted(set(ANYWHERE) - LOSING)
    names = []
    for _ in range(random.integers(2, 5)):
        names.append(str(random.choice(kept)))
        x = IMAGE[names[-1]](keras, x)
        while min(x.shape[1:3]) < 6:
            x = keras.layers.UpSampling2D(2)(x)
        x = keras.layers.Conv2D(4, 1, activation=str(random.choice(["relu", "tanh", "gelu"])))(x)
    x = keras.layers.Dense(given.outputs)(keras.layers.GlobalAveragePooling2D()(x))
    model = weighted(keras.Model(inputs, x), seed)
    for weight in model.weights:
        if weight.path.rsplit("/", 1)[-1] in ("bias", "beta", "moving_mean"):
            weight.assign(keras.ops.zeros_like(weight))
    # of one band, the box has nothing where that is the least it can be
    for options in ({"rule": "epsilon"}, {"first": "same"}, *([{}] if given.bands > 1 else [])):
        found = table(model, seed, "lrp", **options)
        missed = np.abs(found.scores.sum(axis=-1) - found.output_values)
        assert missed.max() <= 1e-3 * np.abs(found.scores).sum(axis=-1).max(), (names, options)


def activation_maps(model: Any, seed: int) -> np.ndarray:
    """Class activation maps of a layer with rows and columns, drawn at random, by every method; gives Grad-CAM's."""
    x, _ = images(seed)
    listed = bl.list_layers(model)
    names = [
        name
        for name, shape in zip(listed.names, listed.output_shapes, strict=True)
        if len(shape) == 3 and max(shape[:2]) > 1
    ]
    layer = str(np.random.default_rng([seed, 5]).choice(names))
    found = {
        name: bl.class_activation_maps(model, x, method=name, layer=layer, target="all", progress=False).values
        for name in bl.CAM_METHODS
    }
    for name, values in found.items():
        assert np.isfinite(values).all(), name
        assert values.shape[:2] == (len(x), situation(seed).outputs), name
    for name in ("gradcam", "gradcam++", "layercam", "scorecam"):
        assert found[name].min() >= 0, name
    return found["gradcam"]


def absent_bands(model: Any, seed: int) -> None:
    """Shapley values sum to what they should, whatever absent bands are."""
    if situation(seed).bands <= FEW:
        for absent in ("marginal", "conditional", "nearest"):
            found = table(model, seed, "shapley", absent=absent)
            missed = found.scores.sum(axis=-1) - (found.output_values - found.base_values)
            assert np.abs(missed).max() <= 1e-5 * np.abs(found.output_values).max(), absent


def zones_and_orders(model: Any, seed: int) -> np.ndarray | None:
    """Owen values of zones of one band, and main effects alone, are Shapley values; gives these."""
    bands = [f"b{place}" for place in range(situation(seed).bands)]
    if not 1 < len(bands) <= FEW:
        return None
    shapley = table(model, seed, "shapley", bands=bands).scores
    zones = {f"zone {name}": [name] for name in bands}
    assert apart(table(model, seed, "owen", bands=bands, groups=zones).scores, shapley) < 1e-5
    x, background = images(seed)
    alone = bl.band_interactions(model, x, background=background, order=1, target="all", progress=False)
    assert apart(alone.scores, shapley) < 1e-5
    return shapley


def all_bands(model: Any, seed: int) -> None:
    """All bands are worth what the model is."""
    given = situation(seed)
    x, background = images(seed)
    x = np.concatenate([x, background])
    if given.bands == 1:
        return
    outputs = model.predict(x, verbose=0)
    random = np.random.default_rng([seed, 6])
    if given.outputs == 1:
        y = outputs[:, 0] + random.normal(size=len(x))
        expected = -np.square(outputs[:, 0] - y).mean()
    else:
        y = random.integers(given.outputs, size=len(x))
        y[: given.outputs] = np.arange(given.outputs)[: len(x)]
        expected = (outputs.argmax(axis=1) == y).mean()
    found = bl.select_bands(model, x, y, method="importance", importance=[f"band_{i + 1}" for i in range(given.bands)])
    np.testing.assert_allclose(found.to_frame()["estimate"].iloc[-1], expected, rtol=1e-3)


BETWEEN: dict[str, Callable[[int], tuple[float, float]]] = {
    **dict.fromkeys(
        ("faithfulness_correlation", "sensitivity_n", "monotonicity", "random_logit", "mprt"), lambda _: (-1.0, 1.0)
    ),
    **dict.fromkeys(("max_sensitivity", "local_lipschitz"), lambda _: (0.0, np.inf)),
    "sparseness": lambda bands: (0.0, 1 - 1 / bands),
    "complexity": lambda bands: (0.0, float(np.log(bands))),
    "efficient_mprt": lambda _: (-1.0, np.inf),
}


def quality(model: Any, seed: int) -> None:
    """Metrics of explanations are in their ranges, of as many images as there are at most."""
    bands = situation(seed).bands
    if bands < 3:
        return
    x, background = images(seed)
    options = {"draws": 1, "repeats": 1, "subsets": 10, "methods": ("deepshap", "occlusion")}
    frame = bl.check_quality(model, x, background=background, progress=False, **options).to_frame()
    assert set(frame["metric"]) <= set(BETWEEN)
    for row in frame.itertuples():
        low, high = BETWEEN[row.metric](bands)
        assert row.n in range(len(x) + 1), row.metric
        assert (row.n == 0) == np.isnan(row.value), row.metric
        if row.n:
            assert low - 1e-6 <= row.value <= high + 1e-6, row.metric


QUESTIONS: dict[str, Callable[[Any, int], np.ndarray | None]] = {
    "conserved": conserved,
    **{
        question.__name__: lambda keras, seed, question=question: question(random_model(keras, seed), seed)
        for question in (relevance, activation_maps, absent_bands, zones_and_orders, all_bands, quality)
    },
}


def answer(keras: Any, seed: int, name: str) -> np.ndarray | None:
    """Ask one question of a random network; what warnings say of networks that were never trained is not asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BandlensWarning)
        return QUESTIONS[name](keras, seed)


# of four bands, so that all questions are asked; sorting, and thirteen bands. `truth.py` has all seeds and backends.
SEEDS = [(name, 6) for name in QUESTIONS] + [("conserved", 96), ("absent_bands", 2), ("activation_maps", 7)]


@pytest.mark.slow_elsewhere
@pytest.mark.parametrize(("name", "seed"), SEEDS)
def test_random_networks_answer(keras: Any, name: str, seed: int) -> None:
    answer(keras, seed, name)
