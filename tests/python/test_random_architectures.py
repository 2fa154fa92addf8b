"""Random architectures, drawn from the layer matrix and from what is hard: what no list of cases would think of.

Scores sum to what they should, come out the same in both directions, and are no larger than outputs account for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import bandlens as bl
import numpy as np
import pytest
from bandlens.explain import selfcheck
from conftest import KERAS_IS_DOUBLE, weighted
from directions import Measured, in_both_directions, in_double, measured, of_one_output
from test_layer_matrix import ACTIVATIONS, IMAGE, Build, activation, layer, operation

# The largest among all 230 networks is 74, of bands that oppose each other. No bound is known: a layer's rule knows
# nothing of what the next one cancels.
MOST_CANCELLATION = 2e2

# Outputs that differ by less than this part of them say nothing of float32's scores.
LEAST_VARIATION = 1e-3

# these end the image (no rows and columns left), or are shapes that nothing after them takes
LAST = {
    "masked",
    "global average",
    "global max",
    "flatten",
    "repeat",
    "std",
    "gram",
    "einsum",
    "adaptive",
    "logsumexp",
    "index",
}
SEQUENCE = {name for name in IMAGE if "attention" in name or name.startswith(("multi-head", "grouped query"))} - {
    "multi-head 2d"
}
UNSAFE = {"dot", "dot normalized", "time distributed", "center crop", "permute", "stack", "pad reflect", "einsum dense"}
ANYWHERE = sorted(
    set(IMAGE) - LAST - SEQUENCE - UNSAFE - {"reshape", "take", "glu", "split", "normalization", "matmul"}
)


def index(formula: Callable[[Any, Any], Any]) -> Build:
    """Indices of neighbouring channels that can't be negative, as reflectances can't be, and often are zero."""

    def build(keras: Any, x: Any) -> Any:
        def indices(t: Any) -> Any:
            last = t.shape[-1]
            pairs = [
                (t[..., place : place + 1], t[..., (place + 1) % last : (place + 1) % last + 1]) for place in (0, 1)
            ]
            return keras.ops.concatenate([formula(one, other) for one, other in pairs], axis=-1)

        return keras.layers.Lambda(indices)(keras.layers.ReLU()(x))

    return build


def behind_relu(build: Build) -> Build:
    """A layer of what is often zero."""
    return lambda keras, x: build(keras, keras.layers.ReLU()(x))


INDICES: dict[str, Build] = {
    "normalised difference": index(lambda a, b: (a - b) / (a + b + 1e-3)),
    "normalised difference, hardly guarded": index(lambda a, b: (a - b) / (a + b + 1e-7)),
    "soil adjusted": index(lambda a, b: 1.5 * (a - b) / (a + b + 0.5)),
    "simple ratio": index(lambda a, b: a / (b + 0.1)),
}

HARD: dict[str, Build] = {
    **INDICES,
    **{
        f"{name} behind ReLU": behind_relu(IMAGE[name])
        for name in ("unit norm", "rms norm", "layer norm", "layer norm all", "group norm", "instance norm")
    },
    "l2 normalize behind ReLU": behind_relu(IMAGE["l2 normalize"]),
    "share of a sum": behind_relu(operation(lambda ops, t: t / (ops.sum(t, axis=-1, keepdims=True) + 1e-3))),
    **{
        f"max pool {size}, stride 1, {padding}": layer("MaxPooling2D", size, strides=1, padding=padding)
        for size in (2, 3)
        for padding in ("same", "valid")
    },
    **{
        f"resizing {direction}, {way}": layer("Resizing", *sizes, interpolation=way)
        for direction, sizes in (("up", (13, 11)), ("down", (5, 4)))
        for way in ("bilinear", "bicubic", "nearest")
    },
    "up bicubic": layer("UpSampling2D", 2, interpolation="bicubic"),
}


class Situation(NamedTuple):
    """What is explained, but for the layers."""

    bands: int
    outputs: int
    target: str
    reflectances: bool

    @property
    def forward(self) -> bool:
        """Whether it is differences of bands that are sent forward."""
        return self.bands < (self.outputs if self.target == "all" else 1)


def situation(seed: int) -> Situation:
    """Every number of bands meets every number of outputs in turn, with images that may be negative or can't."""
    random = np.random.default_rng([seed, 1])
    bands, outputs = (1, 2, 4, 13)[seed % 4], (1, 2, 5, 12)[seed // 4 % 4]
    return Situation(bands, outputs, str(random.choice(["class", "all", "all"])), bool(random.random() < 0.5))


def random_model(keras: Any, seed: int) -> Any:
    """The first network of a seed whose outputs vary: ReLU of what is never positive leaves nothing to explain.

    It is the same on every backend and in every precision.
    """
    batch = np.concatenate(pixels(seed))
    for attempt in count():
        model = weighted(drawn(keras, seed, attempt), seed)
        outputs = keras.ops.convert_to_numpy(model(batch))
        if np.ptp(outputs, axis=0).max() > LEAST_VARIATION * np.abs(outputs).max():
            return model
    raise AssertionError


def drawn(keras: Any, seed: int, attempt: int) -> Any:
    """Three to six random layers on images, each followed by a projection to four channels, then a random end."""
    random = np.random.default_rng([seed, 3, attempt] if attempt else seed)
    given = situation(seed)
    inputs = x = keras.Input((8, 8, given.bands))
    if given.bands > 1 and given.reflectances and random.random() < 0.5:
        x = INDICES[str(random.choice(list(INDICES)))](keras, x)
    if x.shape[-1] != 4:
        x = keras.layers.Conv2D(4, int(random.choice([1, 3])), padding="same")(x)
    for _ in range(random.integers(3, 7)):
        kind = random.random()
        if kind < 0.25:
            name = str(random.choice(ACTIVATIONS))
            x = activation(name)(keras, x)
            if name == "exponential":  # of values that others have scaled up, it would leave no precision to anything
                x = keras.layers.LayerNormalization()(x)
        elif kind < 0.6:
            x = HARD[str(random.choice(list(HARD)))](keras, x)
        else:
            x = IMAGE[str(random.choice(ANYWHERE))](keras, x)
        if x.shape[1] * x.shape[2] > 400:
            x = keras.layers.AveragePooling2D(2)(x)
        while min(x.shape[1], x.shape[2]) < 6:
            x = keras.layers.UpSampling2D(2)(x)
        if x.shape[-1] != 4 or random.random() < 0.5:
            x = keras.layers.Conv2D(4, 1)(x)
        if random.random() < 0.3:
            x = keras.layers.LayerNormalization()(x)
    end = str(random.choice(sorted(LAST - {"adaptive", "index", "repeat"} | SEQUENCE - {"multi-head masked"})))
    x = keras.layers.Flatten()(IMAGE[end](keras, x))
    if random.random() < 0.5:
        x = keras.layers.Dense(6, activation=str(random.choice(["relu", "gelu", "tanh", "softmax"])))(x)
    return keras.Model(inputs, keras.layers.Dense(given.outputs)(x))


def explained(model: Any, seed: int, target: str | None = None) -> bl.BandImportance:
    """Scores of three images against two, of whose pixels some are zero."""
    given = situation(seed)
    images, background = pixels(seed)
    with warnings.catch_warnings(record=True) as said:
        warnings.filterwarnings("always", category=bl.errors.CompletenessWarning)
        result = bl.band_importance(model, images, background=background, target=target or given.target)
    # outputs that hardly vary are lost in rounding, and bands may oppose each other: nothing else is warned of
    rounded, cancels = result.completeness > selfcheck.MOST_RESIDUAL, result.cancellation > selfcheck.MOST_CANCELLATION
    assert not said or rounded or cancels
    return result


def pixels(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three images and two of the background, of whose pixels some are zero."""
    given, random = situation(seed), np.random.default_rng([seed, 2])
    shape = (8, 8, given.bands)
    draw = random.uniform if given.reflectances else random.normal
    images, background = draw(size=(3, *shape)), draw(size=(2, *shape))
    images[0, :4] = images[1, :, 5:] = background[1, 3:] = 0.0
    return images, background


class Limits(NamedTuple):
    """What is asked of a table: parts of the largest difference of outputs and of outputs, and of the largest score."""

    missed: float
    rounded: float
    apart: float


SINGLE = Limits(1e-3, 1e-5, 1e-5)
# where Keras computes parts of a float64 model in float32, the others make it right to that
DOUBLE = Limits(1e-6, 1e-12, 1e-9) if KERAS_IS_DOUBLE else SINGLE


def right(found: Measured, limits: Limits) -> bool:
    """Whether scores sum to what they should, come out the same in both directions, and are not too large."""
    complete = found.missed <= limits.missed or found.rounded <= limits.rounded
    return complete and found.apart <= limits.apart and found.cancels <= MOST_CANCELLATION


def check(keras: Any, seed: int, *, both: bool, every: bool = False) -> Measured:
    """Measure a random network's tables, in float32 or, where that can't tell, in float64; they must be right.

    Those of its own target, in one direction or in `both`; or `every` one, of which one output's must be part of all's.
    """

    def measure() -> Measured:
        model = random_model(keras, seed)
        explain = partial(explained, seed=seed, target="all" if every else None)
        found = in_both_directions(keras, model, explain) if both else [explain(model)]
        return of_one_output(found, explained(model, seed, "class")) if every else measured(found)

    found = measure()
    if not right(found, SINGLE):
        # float32 can't tell apart what some architectures hold; then float64 must
        with in_double(keras):
            found = measure()._replace(double=True)
            assert right(found, DOUBLE), found
    return found


# sixteen are every number of bands with every number of outputs
@pytest.mark.parametrize(
    "seed", [*range(16), *(pytest.param(seed, marks=pytest.mark.slow_elsewhere) for seed in range(16, 30))]
)
def test_complete(keras: Any, seed: int) -> None:
    check(keras, seed, both=situation(seed).forward)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 230))
def test_complete_on_many(keras: Any, seed: int) -> None:
    check(keras, seed, both=True)
