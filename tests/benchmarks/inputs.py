"""Two inputs against the same network with the inputs stacked, by medians of alternating repeats.

    python tests/benchmarks/inputs.py            # all
    python tests/benchmarks/inputs.py --small    # quick, to see that it runs

The network has a branch for ten bands and one for three, which are put together in the middle. As one input it is given
all thirteen bands, and takes them apart itself.
"""

from __future__ import annotations

import argparse
import os
import warnings
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from common import alternate, images, row  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras

BANDS = (10, 3)
METHODS = {"deepshap": 16, "integrated_gradients": 16, "saliency": 64, "occlusion": 16, "permutation": 32}


def fused(first: Any, second: Any) -> Any:
    """Two branches of convolution and pooling, then both together, to ten logits."""
    layers, found = keras.layers, []
    for x in (first, second):
        x = layers.Conv2D(24, 3, padding="same")(x)
        found.append(layers.MaxPooling2D(2)(layers.ReLU()(layers.BatchNormalization()(x))))
    x = layers.ReLU()(layers.Conv2D(48, 3, padding="same")(layers.Concatenate()(found)))
    return layers.Dense(10)(layers.Dense(32, activation="relu")(layers.Flatten()(layers.MaxPooling2D(2)(x))))


def networks(side: int) -> tuple[Any, Any]:
    """With two inputs, and with one; the same weights."""
    two = [keras.Input((side, side, bands)) for bands in BANDS]
    one = keras.Input((side, side, sum(BANDS)))
    parts = [one[..., : BANDS[0]], one[..., BANDS[0] :]]
    models = keras.Model(two, fused(*two)), keras.Model(one, fused(*parts))
    models[1].set_weights(models[0].get_weights())
    return models


def main() -> None:
    """Print a row for each method."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    warnings.simplefilter("ignore")
    side = 16 if small else 48
    two, one = networks(side)
    for method, count in METHODS.items():
        n = 4 if small else count
        x, y = images(n, side, sum(BANDS)), np.arange(n) % 10
        both = [np.ascontiguousarray(part) for part in np.split(x, [BANDS[0]], axis=-1)]

        def apart(method: str = method, both: Any = both, y: Any = y) -> Any:
            return bl.band_importance(two, both, y, method=method, n_background=16)

        def stacked(method: str = method, x: Any = x, y: Any = y) -> Any:
            return bl.band_importance(one, x, y, method=method, n_background=16)

        np.testing.assert_allclose(apart().scores, stacked().scores, rtol=1e-3, atol=1e-4)
        times = alternate({"two inputs": apart, "stacked": stacked}, 2 if small else 5)
        ratio = times["two inputs"] / times["stacked"]
        row(f"{method}: two inputs / stacked", f"{ratio:.2f}x", f"{times['stacked']:.2f} s")


if __name__ == "__main__":
    main()
