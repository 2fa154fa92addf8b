"""DeepSHAP against its peers and against the floor, in one process, by medians of alternating repeats.

    python tests/benchmarks/deepshap.py              # all
    python tests/benchmarks/deepshap.py peers table  # some
    python tests/benchmarks/deepshap.py --small      # quick, to see that it runs

The floor is what anybody must pay who explains each output, image and background image by itself: outputs x n x m
forward passes at the speed of plain inference in large batches. PyTorch (for captum) is used if it is installed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from common import REPEATS, alternate, captum, images, network, row, seconds  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras
import tensorflow as tf


def floor_of(model: Any, side: int, bands: int, passes: int) -> Callable[[], Any]:
    """So many forward passes in batches of 128."""
    predict = tf.function(lambda x: model(x, training=False))
    batch = tf.constant(images(min(128, passes), side, bands))

    def run() -> None:
        for _ in range(-(-passes // len(batch))):
            predict(batch)

    return run


def peers(small: bool) -> None:
    """shap.DeepExplainer and captum's DeepLiftShap at equal work: n = m = 16, all ten outputs, equal results."""
    n = 2 if small else 16
    model, x, background = network(), images(n), images(n, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        explainer = shap.DeepExplainer(model, background)

        def by_shap() -> np.ndarray:
            return np.moveaxis(np.asarray(explainer.shap_values(x, check_additivity=False)), -1, 1)

        def ours() -> bl.BandImportance:
            return bl.band_importance(model, x, background=background, target="all")

        theirs = by_shap().sum(axis=(2, 3))
        worst = np.abs(ours().scores - theirs).max() / np.abs(theirs).max()
        times = alternate(
            {"ours": ours, "shap": by_shap, "floor": floor_of(model, 64, 13, 10 * n * n)}, 2 if small else 3
        )
    row("shap.DeepExplainer / bandlens, equal work", f"{times['shap'] / times['ours']:.1f}x", f"{times['shap']:.2f} s")
    row("largest difference of a band score from shap's, relative", f"{worst:.0e}")
    wanted = (model.predict(x, verbose=0)[:, None] - model.predict(background, verbose=0)).mean(axis=1)
    residual = np.abs(theirs.sum(axis=-1) - wanted).max() / np.abs(wanted).max()
    row("shap's largest completeness residual, relative", f"{residual:.0e}")
    row("bandlens / floor", f"{times['ours'] / times['floor']:.2f}", f"{times['ours']:.2f} s")
    captum(model, x, background, times["ours"], ours())


def limit(small: bool) -> None:
    """Against the multiplications that no method can do without: those of the passes per pair, as one matrix product.

    Backward passes from the outputs to the second convolution's input; the first convolution is linear in the bands.
    """
    n = 2 if small else 16
    model, x, background = network(), images(n), images(n, seed=1)
    passes = 10 * n * n
    convolutions = [(32, 64, 32), (64, 128, 16)]  # channels in and out, side
    each = sum(2 * 9 * i * o * side * side for i, o, side in convolutions) + 2 * 64 * (8 * 8 * 128 + 10)
    size = 512 if small else 2048
    matrix = tf.random.normal((size, size))
    product = tf.function(lambda: tf.reduce_sum(matrix @ matrix), autograph=False)
    times = alternate(
        {
            "ours": lambda: bl.band_importance(model, x, background=background, target="all"),
            "product": lambda: [float(product()) for _ in range(8)],
        },
        2 if small else REPEATS,
    )
    rate = 8 * 2 * size**3 / times["product"]
    row(
        "bandlens / multiplications of its passes at the speed of a matrix product",
        f"{times['ours'] / (passes * each / rate):.2f}",
        f"{rate / 1e9:.0f} GFLOP/s",
    )


# whose first calls are measured
DEEP = ("ResNet50", "MobileNetV2", "EfficientNetB0")


def first(small: bool) -> None:
    """The first call of a process, against what Keras takes to build the network and predict for the first time.

    Medians of several processes, as either varies by a third.
    """
    for name, side in (("MobileNetV2", 32),) if small else ((name, 64) for name in DEEP):
        command = [sys.executable, __file__, "--first", name, str(side)]
        found = []
        for _ in range(1 if small else REPEATS):
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found.append([float(word) for word in output.split()[-4:]])
        times = np.array(found)
        ratios = times[:, 1:] / times[:, :1]
        for what, ratio, taken in zip(
            (
                f"first call, {name}, {side} x {side} x 13, 4 images / Keras's own",
                "next calls",
                "another such network",
            ),
            ratios.T,
            times[:, 1:].T,
            strict=True,
        ):
            spread = f"{ratio.min():.2f} to {ratio.max():.2f}; {np.median(taken):.1f} s"
            row(what, f"{np.median(ratio):.2f}", spread)


def first_call(name: str, side: int) -> None:
    """Print seconds: Keras builds and predicts, bandlens explains for the first time, again, and another network.

    Again is the median of three: into one of them, mostly the first, Python's search of all memory for garbage falls.
    """
    x, background = images(4, side), images(4, side, seed=1)

    def build() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = getattr(keras.applications, name)(weights=None, input_shape=(side, side, 13), classes=10)
        model.predict(x, verbose=0)
        models.append(model)

    models: list[Any] = []
    times = [seconds(build)]
    calls = [seconds(lambda: bl.band_importance(models[0], x, background=background)) for _ in range(4)]
    times += [calls[0], float(np.median(calls[1:]))]
    build()
    times.append(seconds(lambda: bl.band_importance(models[1], x, background=background)))
    print(*times)


def applications(small: bool) -> None:
    """Where shap can't: ResNet50 and MobileNetV2 at 96 x 96 with 13 bands, against the floor only."""
    n, side = (2, 32) if small else (6, 96)
    for name in ("ResNet50", "MobileNetV2"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = getattr(keras.applications, name)(weights=None, input_shape=(side, side, 13), classes=10)
        x, background = images(n, side), images(n, side, seed=1)

        def ours(model: Any = model, x: np.ndarray = x, background: np.ndarray = background) -> Any:
            return bl.band_importance(model, x, background=background, target="all")

        times = alternate({"ours": ours, "floor": floor_of(model, side, 13, 10 * n * n)}, 2)
        row(f"{name}, {side} x {side} x 13: bandlens / floor", f"{times['ours'] / times['floor']:.2f}", f"n = m = {n}")


def table(small: bool) -> None:
    """The class x band table of 200 images, against looping shap over all (extrapolated from two images).

    The network is trained first, on classes that differ in their spectra: of random weights on noise, every table is
    noise.
    """
    n, m, probe = (20, 10, 2) if small else (200, 100, 2)
    model, x, background, y = network(), images(n), images(m, seed=1), np.arange(n) % 10
    spectra = np.random.default_rng(2).normal(size=(10, 13)).astype("float32")
    x, background = x + spectra[y][:, None, None], background + spectra[np.arange(m) % 10][:, None, None]
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(x, y, epochs=3, batch_size=20, verbose=0)

    def explain(draws: int | None) -> Any:
        return bl.band_importance(model, x, y, background=background, n_background=m, background_per_image=draws)

    full, whole = explain(None), seconds(lambda: explain(None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        explainer = shap.DeepExplainer(model, background)
        explainer.shap_values(x[:1], check_additivity=False)
        slow = seconds(lambda: explainer.shap_values(x[:probe], check_additivity=False)) / probe * n
    row("shap over all images, classes and background / own class only", f"{slow / whole:.0f}x", f"{whole:.1f} s")
    for draws in (4, 16):
        cheap, fast = explain(draws), np.median([seconds(lambda draws=draws: explain(draws)) for _ in range(3)])
        table, true = cheap.table, full.table.importance
        error = np.abs(table.importance - true).sum() / true.sum()
        covered = ((table.conf_low <= true) & (true <= table.conf_high)).mean()
        row(f"the same, {draws} draws per image", f"{slow / fast:.0f}x", f"{fast:.1f} s")
        row(
            "error of the class x band table",
            f"{error:.1%}",
            f"{covered:.0%} of intervals cover the full table's value",
        )


def onednn(small: bool) -> None:
    """Kernels and memory on CPUs: TensorFlow left to itself, what we have it use, and oneDNN for all, as ratios.

    In processes of their own: it is settled at start. Where TensorFlow uses oneDNN by itself, the second is the third.
    """
    settings: dict[str, dict[str, str]] = {
        "TensorFlow's own": {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPU_ALLOCATOR_USE_BFC": "false"},
        "ours": {},
        "oneDNN for all": {"TF_ENABLE_ONEDNN_OPTS": "1"},
    }
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("TF_ENABLE_ONEDNN", "TF_CPU_ALL"))}
    times = {}
    for name, setting in settings.items():
        command = [sys.executable, __file__, "--kernels", str(2 if small else 16)]
        output = subprocess.run(command, env={**plain, **setting}, capture_output=True, text=True, check=True).stdout
        times[name] = [float(word) for word in output.split()[-3:]]
    for name in ("TensorFlow's own", "oneDNN for all"):
        for what, taken, ours in zip(
            ("all outputs", "own class", "3-D convolutions"), times[name], times["ours"], strict=True
        ):
            row(f"{name} / what we have it use, {what}", f"{taken / ours:.2f}", f"{ours:.2f} s")


def kernels(n: int) -> None:
    """Print seconds of warm calls: all outputs, each image's own class, and a network of 3D convolutions."""
    layers = keras.layers
    model, x, background = network(), images(n), images(n, seed=1)
    cube = keras.Sequential([
        keras.Input((9, 9, 60)), layers.Reshape((9, 9, 60, 1)), layers.Conv3D(8, (3, 3, 7), activation="relu"),
        layers.Conv3D(16, (3, 3, 5), activation="relu"), layers.Conv3D(32, 3, activation="relu"),
        layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10),
    ])  # fmt: skip
    patches, others = images(n, 9, 60), images(n, 9, 60, seed=1)
    times = alternate(
        {
            "all": lambda: bl.band_importance(model, x, background=background, target="all"),
            "own": lambda: bl.band_importance(model, x, background=background),
            "cube": lambda: bl.band_importance(cube, patches, background=others),
        }
    )
    print(*times.values())


def memory(small: bool) -> None:
    """Peak memory of whole processes that differ in n or m."""
    grid = [(8, 4), (16, 4), (8, 8)] if small else [(64, 16), (512, 16), (64, 128)]
    peaks = {}
    for n, m in grid:
        command = [sys.executable, __file__, "--peak", str(n), str(m)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        peaks[n, m] = float(output.split()[-1])
    first, *others = grid
    for n, m in others:
        grown = peaks[n, m] / peaks[first] - 1
        row(f"peak memory from n, m = {first} to {(n, m)}", f"{grown:+.0%}", f"{peaks[first]:.0f} MB")


def peak(n: int, m: int) -> None:
    """Explain n images against m and print the process's peak in MB, less what the images themselves take."""
    model, x, background = network(), images(n), images(m, seed=1)
    bl.band_importance(model, x, np.arange(n) % 10, background=background, n_background=m)
    held = (x.nbytes + background.nbytes) / 2**20
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10 - held)


def main() -> None:
    """Run the chosen parts."""
    parts = {
        "peers": peers,
        "limit": limit,
        "first": first,
        "applications": applications,
        "table": table,
        "onednn": onednn,
        "memory": memory,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; default: all")
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    parser.add_argument("--peak", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--first", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--kernels", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    if arguments.peak:
        peak(*arguments.peak)
        return
    if arguments.first:
        first_call(arguments.first[0], int(arguments.first[1]))
        return
    if arguments.kernels:
        kernels(arguments.kernels)
        return
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {os.cpu_count()} cores")
    for name in arguments.parts or parts:
        parts[name](arguments.small)


if __name__ == "__main__":
    main()
