"""The other methods against plain inference and against their peers, by medians of alternating repeats.

    python tests/benchmarks/methods.py                    # all
    python tests/benchmarks/methods.py saliency shapley   # some
    python tests/benchmarks/methods.py --small            # quick, to see that it runs

Plain inference is the model as a compiled function on batches in memory, no gradients. Peers: tf-keras-vis where it is
installed, and shap.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from common import alternate, images, network, row  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras
import tensorflow as tf


def inference(model: Any, x: np.ndarray, passes: int) -> Callable[[], Any]:
    """So many forward passes over images in memory, in batches of 128, answers brought back."""
    predict = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    size = min(128, len(x))

    def run() -> None:
        for _ in range(-(-passes // size)):
            predict(tf.constant(x[:size])).numpy()

    return run


def saliency(small: bool) -> None:
    """Band saliency of each image's own class."""
    n = 8 if small else 256
    model, x, y = network(), images(n), np.arange(n) % 10
    functions: dict[str, Callable[[], Any]] = {
        "ours": lambda: bl.band_importance(model, x, y, method="saliency"),
        "inference": inference(model, x, n),
    }
    try:
        from tf_keras_vis.saliency import Saliency
        from tf_keras_vis.utils.scores import CategoricalScore
    except ImportError:
        row("saliency: tf-keras-vis / bandlens", "not measured", "tf-keras-vis is not installed")
    else:
        peer = Saliency(model, clone=False)
        functions["peer"] = lambda: peer(CategoricalScore(y.tolist()), x, keepdims=True)
    times = alternate(functions, 2 if small else 5)
    row("saliency / plain inference", f"{times['ours'] / times['inference']:.2f}x", f"{times['ours']:.2f} s")
    if "peer" in times:
        row("saliency: tf-keras-vis / bandlens", f"{times['peer'] / times['ours']:.1f}x", f"{times['peer']:.2f} s")


def patches(side: int = 3, bands: int = 4) -> Any:
    """A small network for patches of a few pixels, as land-cover maps are made with."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((side, side, bands)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(6),
        ]
    )


def expected_gradients(small: bool) -> None:
    """All outputs, with as many draws per image as shap.GradientExplainer; the floor is one backward pass per draw."""
    import shap

    samples = 10 if small else 50
    for model, n in ((patches(), 5 if small else 100), (network(), 2 if small else 4)):
        side, bands = model.input_shape[1], model.input_shape[3]
        x, background = images(n, side, bands), images(16, side, bands, seed=1)
        explainer = shap.GradientExplainer(model, background)

        def ours(model: Any = model, x: np.ndarray = x, background: np.ndarray = background) -> Any:
            return bl.band_importance(
                model, x, background=background, method="expected_gradients", target="all", n_samples=samples
            )

        def theirs(explainer: Any = explainer, x: np.ndarray = x) -> Any:
            return explainer.shap_values(x, nsamples=samples)

        times = alternate({"ours": ours, "peer": theirs}, 2 if small else 3)
        what = f"expected gradients, {side} x {side} x {bands}, {samples} draws, all outputs: shap / bandlens"
        row(what, f"{times['peer'] / times['ours']:.1f}x", f"{times['peer']:.1f} s, {times['ours']:.1f} s")


def shapley(small: bool) -> None:
    """Exact Shapley values of whole bands: evaluations per second against plain inference."""
    n, m, bands = (1, 2, 4) if small else (2, 4, 8)
    model, x, background = network(bands), images(n, bands=bands), images(m, bands=bands, seed=1)
    passes = 2**bands * n * m
    times = alternate(
        {
            "ours": lambda: bl.band_importance(model, x, background=background, method="shapley"),
            "inference": inference(model, images(128, bands=bands), passes),
        },
        2 if small else 3,
    )
    what = f"exact Shapley, {bands} bands: throughput / plain inference"
    row(what, f"{times['inference'] / times['ours']:.2f}x", f"{passes / times['ours']:.0f} passes per second")


def spectra(n: int, side: int, bands: int, seed: int = 0) -> np.ndarray:
    """Images whose bands go together, as neighbouring wavelengths do: mixtures of six materials, and noise."""
    random, materials = np.random.default_rng(seed), np.random.default_rng(99).normal(size=(6, bands))
    mean, varying = random.normal(size=(n, 1, 1, 6)) / 2, random.normal(size=(n, side, side, 6)) / 3
    noise = 0.3 * random.normal(size=(n, side, side, bands))
    return ((mean + varying) @ materials + noise).astype("float32")


def trained(bands: int, side: int, small: bool) -> Any:
    """A network that has learnt classes in which materials interact."""
    layers, random = keras.layers, np.random.default_rng(3)
    model = keras.Sequential([keras.Input((side, side, bands))])
    for channels in (32, 64):
        for layer in (layers.Conv2D(channels, 3, padding="same"), layers.BatchNormalization(), layers.ReLU()):
            model.add(layer)
        model.add(layers.MaxPooling2D(2))
    for layer in (layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")):
        model.add(layer)
    x = spectra(100 if small else 4000, side, bands, seed=7)
    hidden = np.tanh(x.mean(axis=(1, 2)) @ random.normal(size=(bands, 20)))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, (hidden @ random.normal(size=(20, 10))).argmax(axis=1), epochs=1 if small else 4, verbose=0)
    return model


def sampled_shapley(small: bool) -> None:
    """Sampled Shapley values: seconds and stated errors, of a trained network and one with random weights."""
    n, bands, side = (1, 14, 8) if small else (6, 30, 16)
    x = spectra(n, side, bands)
    for kind, model in (("trained", trained(bands, side, small)), ("random weights", network(bands, side))):
        for m in (5,) if small else (6, 100):
            background = spectra(m, side, bands, seed=1)
            found: list[Any] = []

            def ours(model: Any = model, background: Any = background, found: list[Any] = found) -> None:
                found.append(bl.band_importance(model, x, background=background, method="shapley"))

            taken = alternate({"ours": ours}, 1 if small else 3)["ours"]
            stated = (found[-1].score_errors.max(axis=-1) / np.ptp(found[-1].scores, axis=-1)).max()
            what = f"sampled Shapley, {kind}, {n} images, {bands} bands, {m} background images"
            row(what, f"{taken:.1f} s", f"largest stated error {stated:.3f} of the range")


def branches(bands: int, side: int, sliced: bool) -> Any:
    """Three branches of convolutions that start from a third of the bands each, or from all of them, and meet."""
    layers = keras.layers
    inputs, ends, third = keras.Input((side, side, bands)), [], bands // 3
    for number in range(3):
        x = inputs[..., number * third : (number + 1) * third] if sliced else inputs
        for channels in (16, 32):
            size = 3 if sliced else 2 * number + 1
            x = layers.Conv2D(channels, size, padding="same", activation="relu")(x)
        ends.append(layers.MaxPooling2D(2)(x))
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(layers.Concatenate()(ends))
    x = layers.Dense(64, activation="relu")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(10)(x))


def branched_shapley(small: bool) -> None:
    """Exact Shapley values of networks of three branches."""
    n, m, bands, side = (1, 2, 6, 8) if small else (2, 20, 12, 16)
    x, background = images(n, side, bands), images(m, side, bands, seed=1)
    for start, sliced in (("a third of the bands each", True), ("all bands", False)):
        model, passes = branches(bands, side, sliced), 2**bands * n * m
        times = alternate(
            {
                "ours": lambda model=model: bl.band_importance(model, x, background=background, method="shapley"),
                "inference": inference(model, images(128, side, bands), passes),
            },
            1 if small else 3,
        )
        what = f"exact Shapley, three branches from {start}, {bands} bands: throughput / plain inference"
        row(what, f"{times['inference'] / times['ours']:.2f}x", f"{times['ours']:.1f} s")


def perturbation(small: bool) -> None:
    """Occlusion and permutation importance against the forward passes they are made of."""
    n, m, repeats = (2, 2, 2) if small else (16, 4, 5)
    model, x, background = network(), images(n), images(m, seed=1)
    y = np.arange(n) % 10
    times = alternate(
        {
            "occlusion": lambda: bl.band_importance(model, x, y, background=background, method="occlusion"),
            "its passes": inference(model, images(128), 13 * n * m),
            "permutation": lambda: bl.band_importance(model, x, y, method="permutation", n_repeats=repeats),
            "its own passes": inference(model, images(128), 13 * n * repeats),
        },
        2 if small else 3,
    )
    for name, passes in (("occlusion", "its passes"), ("permutation", "its own passes")):
        row(f"{name}: throughput / plain inference", f"{times[passes] / times[name]:.2f}x", f"{times[name]:.1f} s")


def main() -> None:
    """Run the chosen parts."""
    parts = {
        f.__name__: f for f in (saliency, expected_gradients, shapley, sampled_shapley, branched_shapley, perturbation)
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; default: all")
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    warnings.simplefilter("ignore")
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {os.cpu_count()} cores")
    for name in arguments.parts or parts:
        parts[name](arguments.small)


if __name__ == "__main__":
    main()
