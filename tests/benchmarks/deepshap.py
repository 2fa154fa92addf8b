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
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[2] / "python"))

import bandlens as bl
import keras
import numpy as np
import tensorflow as tf

REPEATS = 5


def network(bands: int = 13, side: int = 64, outputs: int = 10) -> Any:
    """Three blocks of convolution, batch norm, ReLU and max pooling (32, 64, 128) and two dense layers, to logits."""
    layers = keras.layers
    inputs = x = keras.Input((side, side, bands))
    for channels in (32, 64, 128):
        x = layers.Conv2D(channels, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    model = keras.Model(inputs, layers.Dense(outputs)(x))
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([
                random.uniform(0.5, 1.5, gamma.shape), random.normal(0, 0.1, beta.shape),
                random.normal(0, 0.1, mean.shape), random.uniform(0.5, 1.5, variance.shape),
            ])  # fmt: skip
    return model


def images(n: int, side: int = 64, bands: int = 13, seed: int = 0) -> np.ndarray:
    """Random images, float32."""
    return np.random.default_rng(seed).normal(size=(n, side, side, bands)).astype("float32")


def seconds(function: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def alternate(functions: dict[str, Callable[[], Any]], repeats: int = REPEATS) -> dict[str, float]:
    """Median seconds of each, run in turn so that a change in the machine's speed meets them all."""
    for function in functions.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].append(seconds(function))
    return {name: float(np.median(measured)) for name, measured in times.items()}


def floor_of(model: Any, side: int, bands: int, passes: int) -> Callable[[], Any]:
    """So many forward passes in batches of 128."""
    predict = tf.function(lambda x: model(x, training=False))
    batch = tf.constant(images(min(128, passes), side, bands))

    def run() -> None:
        for _ in range(-(-passes // len(batch))):
            predict(batch)

    return run


def row(what: str, value: str, against: str = "") -> None:
    """One line of the printed table."""
    print(f"| {what} | {value} | {against} |", flush=True)


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

        def ours() -> np.ndarray:
            return bl.band_importance(model, x, background=background, target="all").scores

        theirs = by_shap().sum(axis=(2, 3))
        worst = np.abs(ours() - theirs).max() / np.abs(theirs).max()
        times = alternate(
            {"ours": ours, "shap": by_shap, "floor": floor_of(model, 64, 13, 10 * n * n)}, 2 if small else 3
        )
    row("shap.DeepExplainer / bandlens, equal work", f"{times['shap'] / times['ours']:.1f}x", f"{times['shap']:.2f} s")
    row("largest difference of a band score from shap's, relative", f"{worst:.0e}")
    wanted = (model.predict(x, verbose=0)[:, None] - model.predict(background, verbose=0)).mean(axis=1)
    residual = np.abs(theirs.sum(axis=-1) - wanted).max() / np.abs(wanted).max()
    row("shap's largest completeness residual, relative", f"{residual:.0e}")
    row("bandlens / floor", f"{times['ours'] / times['floor']:.2f}", f"{times['ours']:.2f} s")
    _captum(model, x, background, times["ours"], ours())


def _captum(model: Any, x: np.ndarray, background: np.ndarray, ours: float, scores: np.ndarray) -> None:
    """The same network in PyTorch."""
    try:
        import torch
        from captum.attr import DeepLiftShap
    except ImportError:
        row("captum DeepLiftShap / bandlens", "not measured", "PyTorch and captum are not installed")
        return
    parts: list[Any] = []
    for layer in model.layers:
        kind, weights = type(layer).__name__, [torch.tensor(w) for w in layer.get_weights()]
        if kind == "Conv2D":
            conv = torch.nn.Conv2d(*weights[0].shape[2:], 3, padding=1)
            conv.weight.data, conv.bias.data = weights[0].permute(3, 2, 0, 1).contiguous(), weights[1]
            parts.append(conv)
        elif kind == "BatchNormalization":
            norm = torch.nn.BatchNorm2d(len(weights[0]), eps=layer.epsilon)
            norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var = weights
            parts.append(norm)
        elif kind == "ReLU":
            parts.append(torch.nn.ReLU())
        elif kind == "MaxPooling2D":
            parts.append(torch.nn.MaxPool2d(2))
        elif kind == "Flatten":
            parts.append(torch.nn.Flatten())
        elif kind == "Dense":
            kernel = weights[0]
            if not any(isinstance(part, torch.nn.Linear) for part in parts):
                kernel = kernel.reshape(8, 8, 128, -1).permute(2, 0, 1, 3).reshape(8192, -1)
            dense = torch.nn.Linear(*kernel.shape)
            dense.weight.data, dense.bias.data = kernel.T.contiguous(), weights[1]
            parts.append(dense)
            if layer.activation.__name__ == "relu":
                parts.append(torch.nn.ReLU())
    net = torch.nn.Sequential(*parts).eval()
    inputs, references = (torch.tensor(np.moveaxis(array, -1, 1).copy()) for array in (x, background))
    explainer = DeepLiftShap(net)

    def theirs() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [explainer.attribute(inputs, references, target=k).detach().numpy() for k in range(10)]
        return np.stack(found, 1).sum(axis=(3, 4))

    result, taken = theirs(), seconds(theirs)
    row("captum DeepLiftShap / bandlens, equal work", f"{taken / ours:.1f}x", f"{taken:.2f} s")
    # captum's max pooling is not complete, so that its scores differ from everybody else's
    wanted = (model.predict(x, verbose=0)[:, None] - model.predict(background, verbose=0)).mean(axis=1)
    for who, found in (("captum's", result), ("bandlens's", scores)):
        residual = np.abs(found.sum(axis=-1) - wanted).max() / np.abs(wanted).max()
        row(f"{who} largest completeness residual, relative", f"{residual:.0e}")


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
    parts = {"peers": peers, "applications": applications, "table": table, "memory": memory}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; default: all")
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    parser.add_argument("--peak", nargs=2, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    if arguments.peak:
        peak(*arguments.peak)
        return
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {os.cpu_count()} cores")
    for name in arguments.parts or parts:
        parts[name](arguments.small)


if __name__ == "__main__":
    main()
