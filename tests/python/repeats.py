"""Digests of what every method finds for small networks: run twice, in one process or in two, they must be the same.

python tests/python/repeats.py 2    # two runs of everything, as JSON: one dictionary of digests per run
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SIDE, BANDS, OUTPUTS, IMAGES, BACKGROUND = 16, 5, 6, 12, 7
# all that is computed of the model or drawn
ARRAYS = (
    "scores", "score_errors", "draw_errors", "output_values", "base_values", "residuals", "band_means", "local_fit",
    "drops", "image_output", "background",
)  # fmt: skip
FEW = {"n_samples": 20, "n_steps": 8, "n_repeats": 3, "max_permutations": 40}
# the same method in ways that compute differently
WAYS: dict[str, dict[str, dict[str, Any]]] = {
    "deepshap": {"class": {}, "drawn": {"background_per_image": 3}},
    "shapley": {"exact": {}, "sampled": {"max_exact": 2}},
    "owen": {"exact": {}, "sampled": {"max_exact": 1}},
    "lime": {"bands": {}, "superpixels": {"features": "superpixels"}},
    "permutation": {"log_loss": {"metric": "log_loss"}, "balanced": {"metric": "balanced_accuracy"}},
    "sage": {"exact": {"metric": "log_loss"}, "sampled": {"metric": "log_loss", "max_exact": 2}},
    "occlusion": {"background": {}, "blur": {"replacement": "blur"}},
}


def networks() -> dict[str, Any]:
    """One network of each kind of layer whose kernels work in parallel; the same weights in every process."""
    import keras

    layers = keras.layers

    def convolutional(x: Any) -> Any:
        x = layers.Conv2D(16, 3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D(3, strides=1, padding="same")(x)
        x = layers.DepthwiseConv2D(3, padding="same", activation="elu")(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.SeparableConv2D(24, 3, strides=2, activation="relu")(x)
        return layers.Dense(32, activation="relu")(layers.Flatten()(x))

    def resized(x: Any) -> Any:
        fine = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
        coarse = layers.Conv2D(8, 3, strides=2, padding="same", activation="swish")(x)
        coarse = layers.UpSampling2D(2, interpolation="bilinear")(layers.AveragePooling2D(2, 1, "same")(coarse))
        nearest = layers.UpSampling2D(2)(layers.MaxPooling2D(2)(fine))
        x = layers.Concatenate()([layers.Resizing(24, 24)(part) for part in (fine, coarse, nearest)])
        x = layers.Conv2DTranspose(8, 3, strides=2)(x)
        x = layers.LayerNormalization()(x)
        return layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])

    def attentive(x: Any) -> Any:
        x = layers.Conv2D(12, 3, strides=2, padding="same", activation="gelu")(x)
        x = layers.Conv2D(12, 3, padding="same", groups=3, activation="tanh")(x)
        x = layers.GroupNormalization(4)(keras.ops.take(x, [0, 1, 1, 2, 3, 5, 8, 11], axis=-1))
        x = layers.Resizing(5, 5, interpolation="nearest")(x)
        x = layers.Reshape((25, 8))(x)
        x = x + layers.MultiHeadAttention(2, 4)(x, x)
        return layers.Flatten()(layers.MaxPooling1D(3, strides=1, padding="same")(x))

    built = {}
    for number, body in enumerate((convolutional, resized, attentive)):
        inputs = keras.Input((SIDE, SIDE, BANDS))
        model = keras.Model(inputs, layers.Dense(OUTPUTS, activation="softmax")(body(inputs)))
        random = np.random.default_rng(number)
        for weight in model.weights:
            scale = 1 / np.sqrt(np.prod(weight.shape[:-1])) if len(weight.shape) > 1 else 0.2
            values = random.normal(0, scale, weight.shape)
            weight.assign(np.abs(values) + 0.5 if weight.path.endswith(("variance", "gamma")) else values)
        built[body.__name__] = model
    return built


def cases() -> dict[str, Callable[[Any], Any]]:
    """Every method, in every way, as a function of the model."""
    import bandlens as bl

    random = np.random.default_rng(0)
    x = random.normal(size=(IMAGES, SIDE, SIDE, BANDS))
    background = random.normal(size=(BACKGROUND, SIDE, SIDE, BANDS))
    y = np.arange(IMAGES) % OUTPUTS

    def case(name: str, target: str, way: dict[str, Any]) -> Callable[[Any], Any]:
        method = bl.METHODS[name]
        options = {key: value for key, value in FEW.items() if key in method.options} | way
        if method.uses_background and way.get("replacement") != "blur":
            options["background"] = background
        return lambda model: bl.band_importance(model, x, y, method=name, target=target, **options)

    found = {}
    for name in bl.METHODS:
        for kind, way in WAYS.get(name, {"": {}}).items():
            for target in ("class", "all")[: 1 if name == "permutation" else 2]:
                found[f"{name} {kind} {target}"] = case(name, target, way)
    return found


def of_all_outputs_by_deepshap(case: str) -> bool:
    """With fewer bands than outputs, DeepSHAP goes forward through the network, which is tested on its own."""
    return case.startswith("deepshap") and case.endswith("all")


def digest(result: Any) -> str:
    """Of all numbers of a result, bit by bit."""
    total = hashlib.sha256()
    for name in ARRAYS:
        array = getattr(result, name)
        total.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    total.update(result.to_frame().to_csv().encode())
    return total.hexdigest()[:16]


def digests(models: dict[str, Any], runs: int, chosen: Callable[[str], bool]) -> list[dict[str, str]]:
    """So many runs of all chosen cases."""
    functions = {name: function for name, function in cases().items() if chosen(name)}
    pairs = [(f"{network} {name}", model, name) for network, model in models.items() for name in functions]
    return [{key: digest(functions[name](model)) for key, model, name in pairs} for _ in range(runs)]


if __name__ == "__main__":
    print(json.dumps(digests(networks(), int(sys.argv[1]), lambda case: not of_all_outputs_by_deepshap(case))))
