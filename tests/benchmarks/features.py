"""Images of features against tf-keras-vis' ActivationMaximization: how active features get, and how many per second.

    python tests/benchmarks/features.py           # 13 bands and RGB
    python tests/benchmarks/features.py --small   # quick, to see that it runs

Both get the same trained network, features (such as the start excites), starts (our default) and number of steps
(tf-keras-vis' default, 200), and all else is as each has it by default, but for the objective: ours is told to make the
mean activation grow, which is what its CategoricalScore does. Activations are those of the images that each returns, by
the network itself. The peer gets all features in one batch too, by its own means, which is faster than one after the
other, and the network is cut at the layer for it; data are in its default range, 0 to 255. Where tf-keras-vis is not
installed, ours are measured alone.
"""

from __future__ import annotations

import argparse
import os
import warnings
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from common import alternate, row  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras
import tensorflow as tf

LAYERS = ("relu_1", "relu_2", "relu_3")
CLASSES = 6


def data(n: int, bands: int, side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes that differ in a pattern and in the bands it is in, in units of 0 to 255."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % CLASSES
    rows, cols = np.mgrid[:side, :side]
    x = random.normal(110, 25, (n, side, side, bands))
    for image, label in enumerate(y):
        angle, period = np.pi * label / CLASSES + random.normal(0, 0.1), 5 + 2 * (label % 3)
        phase = random.uniform(0, 2 * np.pi)
        pattern = np.sin(2 * np.pi * (rows * np.sin(angle) + cols * np.cos(angle)) / period + phase)
        amplitude = np.where(np.arange(bands) % 3 == label % 3, 45, 5)
        x[image] += pattern[..., None] * amplitude
    return np.clip(x, 0, 255).astype("float32"), y


def trained(bands: int, side: int, small: bool) -> tuple[Any, float]:
    """A network with three blocks of convolution, batch norm, ReLU and max pooling, and its accuracy on new images."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((side, side, bands))
    x = layers.Rescaling(1 / 50, offset=-110 / 50)(inputs)
    for block, channels in enumerate((32, 64, 128), 1):
        x = layers.Conv2D(channels, 3, padding="same", name=f"conv_{block}")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU(name=f"relu_{block}")(x)
        x = layers.MaxPooling2D(2)(x)
    outputs = layers.Dense(CLASSES, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = data(120 if small else 900, bands, side, seed=1)
    model.fit(images, labels, epochs=1 if small else 4, batch_size=32, verbose=0)
    _, accuracy = model.evaluate(*data(120, bands, side, seed=2), verbose=0)
    return model, accuracy


def peer_of(model: Any, layer: str, features: np.ndarray, starts: np.ndarray, steps: int) -> Any:
    """What makes the peer's images."""
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer
    from tf_keras_vis.utils.scores import CategoricalScore

    peer = ActivationMaximization(model, ExtractIntermediateLayer(layer), clone=True)
    score = CategoricalScore(features.tolist())
    return lambda: np.asarray(peer(score, seed_input=tf.constant(starts), steps=steps))


def compare(bands: int, small: bool, with_peer: bool) -> None:
    """One network, three layers."""
    side, n, steps = (16, 4, 20) if small else (48, 16, 200)
    model, accuracy = trained(bands, side, small)
    given = {"objective": "mean_activity", "value_range": (0, 255), "progress": False}
    what = f"{bands} bands"
    row(f"{what}: accuracy of the network", f"{accuracy:.2f}")
    for layer in LAYERS:
        features = awake(model, layer, n, given)
        starts = bl.visualize_features(model, layer, features, steps=0, **given).values
        found: dict[str, np.ndarray] = {}

        def ours(layer: str = layer, features: Any = features, found: Any = found) -> None:
            found["ours"] = bl.visualize_features(model, layer, features, steps=steps, **given).values

        making = {"ours": ours}
        if with_peer:
            peer = peer_of(model, layer, features, starts, steps)
            making["peer"] = lambda found=found, peer=peer: found.update(peer=peer())
        times = alternate(making, 1 if small else 3)
        reached = {name: mean_activity(model, layer, features, values) for name, values in found.items()}
        if not with_peer:
            row(f"{what}, {layer}: features per second", f"{n / times['ours']:.1f}")
            continue
        better = float((reached["ours"] >= reached["peer"]).mean())
        ratio = reached["ours"].sum() / reached["peer"].sum()
        row(
            f"{what}, {layer}: activation reached, bandlens / tf-keras-vis",
            f"{ratio:.2f}x",
            f"higher for {better:.0%} of {n} features; {reached['ours'].mean():.2f}, {reached['peer'].mean():.2f}",
        )
        row(
            f"{what}, {layer}: features per second, bandlens / tf-keras-vis",
            f"{times['peer'] / times['ours']:.1f}x",
            f"{n / times['ours']:.1f}, {n / times['peer']:.1f}",
        )


def awake(model: Any, layer: str, n: int, given: dict[str, Any]) -> np.ndarray:
    """The first features of a layer that the start excites at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = bl.visualize_features(model, layer, steps=0, **given)
    return np.flatnonzero(start.activation_before > 0)[:n]


def mean_activity(model: Any, layer: str, features: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean over positions of each image's own feature, by the network itself."""
    cut = keras.Model(model.inputs, model.get_layer(layer).output)
    activations = np.asarray(cut(values, training=False))
    return activations[np.arange(len(features)), :, :, features].mean(axis=(1, 2))


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    small = parser.parse_args().small
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {os.cpu_count()} cores")
    try:
        import tf_keras_vis  # noqa: F401
    except ImportError:
        row("tf-keras-vis / bandlens", "not measured", "tf-keras-vis is not installed")
        with_peer = False
    else:
        with_peer = True
    for bands in (13, 3):
        compare(bands, small, with_peer)


if __name__ == "__main__":
    main()
