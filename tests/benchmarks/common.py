"""What benchmarks share: the network and images that are explained, fair timing, a printed table, and captum."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[2] / "python"))

import bandlens as bl  # noqa: F401  # before TensorFlow, as where imports are sorted; so it keeps its memory
import keras
import numpy as np

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


def row(what: str, value: str, against: str = "") -> None:
    """One line of the printed table."""
    print(f"| {what} | {value} | {against} |", flush=True)


def captum(model: Any, x: np.ndarray, background: np.ndarray, ours: float, explained: Any) -> None:
    """captum's DeepLiftShap of the same network in PyTorch, on a GPU if there is one, against ours."""
    try:
        import torch
        from captum.attr import DeepLiftShap
    except ImportError:
        row("captum DeepLiftShap / bandlens", "not measured", "PyTorch and captum are not installed")
        return
    parts: list[Any] = []
    for layer in model.layers:
        kind, weights = type(layer).__name__, [torch.tensor(np.asarray(w)) for w in layer.get_weights()]
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
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = torch.nn.Sequential(*parts).eval().to(device)
    inputs, references = (torch.tensor(np.moveaxis(array, -1, 1).copy(), device=device) for array in (x, background))
    explainer = DeepLiftShap(net)

    def theirs() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [explainer.attribute(inputs, references, target=k).detach().cpu().numpy() for k in range(10)]
        return np.stack(found, 1).sum(axis=(3, 4))

    result, taken = theirs(), seconds(theirs)
    row("captum DeepLiftShap / bandlens, equal work", f"{taken / ours:.1f}x", f"{taken:.2f} s")
    # captum's max pooling is not complete, so that its scores differ from everybody else's
    wanted = explained.output_values - explained.base_values
    for who, found in (("captum's", result), ("bandlens's", explained.scores)):
        residual = np.abs(found.sum(axis=-1) - wanted).max() / np.abs(wanted).max()
        row(f"{who} largest completeness residual, relative", f"{residual:.0e}")
