"""Class activation maps against tf-keras-vis: that they are the same, and how long they take.

    python tests/benchmarks/cams.py           # 13 bands, 64 x 64 pixels, 32 images
    python tests/benchmarks/cams.py --small   # quick, to see that it runs

Both get the same network, images and layer. Maps are those of every class for every image; tf-keras-vis has one score
of an image at a time, so that it is asked once for each class, with all images in a batch. Its maps are left as they
are, not enlarged and not normalised, as ours are, and it is told not to look for another layer. Its Grad-CAM++ holds a
factor exp(logit) that is divided by, and ours is told to normalise its coefficients as it does; its Score-CAM takes
probabilities as weights, and ours is told to, for fewer images. Where tf-keras-vis is not installed, ours are measured
alone.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from common import alternate, images, row  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras
import tensorflow as tf

LAYER = "last"
# images of Score-CAM, which takes a pass for each feature
MASKED = 4
METHODS: dict[str, dict[str, Any]] = {
    "gradcam": {},
    "gradcam++": {"normalize_alphas": True},
    "layercam": {},
    "scorecam": {"channel_weights": "output", "output": "probability"},
}


def network(bands: int, side: int, outputs: int) -> Any:
    """Three blocks of convolution, batch norm, ReLU and max pooling, global average pooling and a softmax."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = x = keras.Input((side, side, bands))
    for block, channels in enumerate((32, 64, 128)):
        x = layers.Conv2D(channels, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(name=LAYER if block == 2 else None)(x)
        if block < 2:
            x = layers.MaxPooling2D(2)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(outputs, activation="softmax", kernel_initializer="random_normal")(x))


def peers(model: Any, x: np.ndarray, outputs: int) -> dict[str, Callable[[], np.ndarray]]:
    """What makes the peer's maps of every class, (n, outputs, rows, cols), by method."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.layercam import Layercam
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    kinds = {"gradcam": Gradcam, "gradcam++": GradcamPlusPlus, "layercam": Layercam, "scorecam": Scorecam}
    made = {name: kind(model, model_modifier=ReplaceToLinear(), clone=True) for name, kind in kinds.items()}
    plain = {"penultimate_layer": LAYER, "expand_cam": False, "normalize_cam": False}

    def of(name: str) -> np.ndarray:
        images = x[:MASKED] if name == "scorecam" else x
        score = [CategoricalScore([c] * len(images)) for c in range(outputs)]
        every = [made[name](one, images, seek_penultimate_conv_layer=False, **plain) for one in score]
        return np.stack([np.asarray(one) for one in every], axis=1)

    return {name: (lambda name=name: of(name)) for name in kinds}


def logits(model: Any, x: np.ndarray) -> np.ndarray:
    """Of the model's dense layer, (n, outputs)."""
    *_, pooled, dense = model.layers
    kernel, bias = dense.get_weights()
    found: np.ndarray = keras.Model(model.inputs, pooled.output).predict(x, verbose=0) @ kernel + bias
    return found


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    small = parser.parse_args().small
    side, n, outputs, repeats = (16, 4, 3, 1) if small else (64, 32, 10, 3)
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {os.cpu_count()} cores")
    model, x = network(13, side, outputs), images(n, side)
    try:
        theirs = peers(model, x, outputs)
    except ImportError:
        theirs = {}
        row("tf-keras-vis / bandlens", "not measured", "tf-keras-vis is not installed")
    warnings.simplefilter("ignore")
    for method, options in METHODS.items():
        found: dict[str, np.ndarray] = {}

        def ours(method: str = method, options: Any = options, found: Any = found) -> None:
            given = {"target": "all", "layer": LAYER, "progress": False, **options}
            images = x[:MASKED] if method == "scorecam" else x
            found["ours"] = bl.class_activation_maps(model, images, method=method, **given).values

        making: dict[str, Callable[[], Any]] = {"ours": ours}
        if method in theirs:
            making["peer"] = lambda found=found, method=method: found.update(peer=theirs[method]())
        times = alternate(making, 1 if method == "scorecam" else repeats)
        if method not in theirs:
            row(f"{method}: seconds", f"{times['ours']:.3g}")
            continue
        peer = found["peer"]
        if method == "gradcam++":
            peer = peer / np.exp(logits(model, x))[..., None, None]
        apart = np.abs(found["ours"] - peer).max() / np.abs(peer).max()
        row(f"{method}: largest difference, relative to the largest value", f"{apart:.1e}")
        row(
            f"{method}: tf-keras-vis / bandlens",
            f"{times['peer'] / times['ours']:.1f}x",
            f"{times['peer']:.3g} s, {times['ours']:.3g} s, {len(peer)} images x {outputs} classes",
        )


if __name__ == "__main__":
    main()
