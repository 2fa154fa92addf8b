"""DeepSHAP, saliency and Shapley values on a GPU, under JAX or PyTorch, by medians of alternating repeats.

    KERAS_BACKEND=jax python tests/benchmarks/gpu.py           # or torch
    KERAS_BACKEND=jax python tests/benchmarks/gpu.py --small   # tiny sizes, to see that it runs; also without a GPU

The floor is as many forward passes as explaining each output, image and background image by itself takes, at the speed
of plain inference of the same network on the same device. captum is measured where it and PyTorch are installed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from common import alternate, captum, images, network, row, seconds  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras

# seconds that a table may take while the largest one is looked for
PATIENCE = 20


def inference(model: Any) -> Callable[[np.ndarray], Any]:
    """Plain inference of a batch as the framework does it best, waited for."""
    if keras.config.backend() == "torch":
        import torch

        def run(batch: np.ndarray) -> Any:
            with torch.no_grad():
                return model(batch, training=False).cpu()

        return run
    import jax

    state = (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )
    predict = jax.jit(lambda state, x: model.stateless_call(*state, x, training=False)[0])
    return lambda batch: predict(state, batch).block_until_ready()


def floor_of(model: Any, batch: np.ndarray, passes: int) -> Callable[[], Any]:
    """So many forward passes, a batch at a time; what does not fill a batch counts in part."""
    run = inference(model)
    times = max(1, round(passes / len(batch)))

    def all_passes() -> None:
        for _ in range(times):
            run(batch)

    return all_passes


def on_device(array: np.ndarray) -> Any:
    """Where the model computes, so that the floor pays for no copies."""
    return keras.ops.convert_to_tensor(array)


def deepshap(small: bool) -> None:
    """Equal work for all: n = m, all ten outputs."""
    n = 2 if small else 32
    model, x, background = network(), images(n), images(n, seed=1)

    def ours() -> bl.BandImportance:
        return bl.band_importance(model, x, background=background, target="all")

    passes = 10 * n * n
    floor = floor_of(model, on_device(images(min(512, passes))), passes)
    times = alternate({"ours": ours, "floor": floor}, 2 if small else 5)
    row(f"DeepSHAP, n = m = {n}, all outputs: bandlens / floor", f"{times['ours'] / times['floor']:.2f}",
        f"{times['ours']:.3f} s")  # fmt: skip
    captum(model, x, background, times["ours"], ours())
    on_cpu(model, n, times["ours"], ours().scores)
    less_precise(model, x, background)


def on_cpu(model: Any, n: int, ours: float, scores: np.ndarray) -> None:
    """The same on this machine's CPU, in a process of its own, and how far its scores are from those here."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores.npz"
        # the same seed gives other weights on another device
        np.savez(Path(folder) / "weights.npz", *model.get_weights())
        subprocess.run(
            [sys.executable, __file__, "--cpu", str(n), str(file)],
            env={**os.environ, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
            check=True,
        )
        found = np.load(file)
        apart = np.abs(found["scores"] - scores).max(axis=(1, 2)) / np.abs(scores).max()
        row("the same on the CPU / here", f"{found['seconds'] / ours:.1f}x", f"{found['seconds']:.2f} s")
        # where two elements of a pooling window are the same but for rounding, either may be its maximum
        row("largest difference of an image's band scores from the CPU's, relative: median image, worst image",
            f"{np.median(apart):.0e}, {apart.max():.0e}")  # fmt: skip


def less_precise(model: Any, x: np.ndarray, background: np.ndarray) -> None:
    """What TF32 gains, and what it costs."""
    taken, residuals = [], []
    for allowed in (False, True):
        before = bl.allow_tf32(allowed)
        result = bl.band_importance(model, x, background=background, target="all")
        taken.append(seconds(lambda: bl.band_importance(model, x, background=background, target="all")))
        residuals.append(result.completeness)
        bl.allow_tf32(before)
    row("the same / with TF32 allowed", f"{taken[0] / taken[1]:.2f}x",
        f"largest residual {residuals[0]:.0e} / {residuals[1]:.0e}")  # fmt: skip


def cpu(n: int, file: str) -> None:
    """What `on_cpu` asks for."""
    model, x, background = network(), images(n), images(n, seed=1)
    with np.load(Path(file).with_name("weights.npz")) as weights:
        model.set_weights([weights[name] for name in weights.files])

    def ours() -> np.ndarray:
        return bl.band_importance(model, x, background=background, target="all").scores

    scores = ours()
    np.savez(file, scores=scores, seconds=seconds(ours))


def gradients(small: bool) -> None:
    """Saliency against inference of the same images."""
    n = 32 if small else 4096
    model, x = network(), images(n)
    batch = on_device(x[:512])
    times = alternate(
        {
            "ours": lambda: bl.band_importance(model, x, method="saliency"),
            "floor": floor_of(model, batch, n),
        },
        2 if small else 5,
    )
    row(f"saliency, n = {n}: bandlens / inference", f"{times['ours'] / times['floor']:.1f}", f"{times['ours']:.3f} s")
    predict = inference(model)
    sent = alternate({"sent": lambda: [predict(on_device(x[i : i + 512])) for i in range(0, n, 512)]}, 2)["sent"]
    row("saliency, against inference of images in the host's memory, as ours are", f"{times['ours'] / sent:.1f}",
        f"inference {sent:.3f} s")  # fmt: skip


def shapley(small: bool) -> None:
    """Exact Shapley values over 13 bands: 2^13 mixtures of every image and background image."""
    n, m, side = (1, 1, 8) if small else (8, 4, 32)
    model, x, background = network(side=side), images(n, side), images(m, side, seed=1)
    passes = 2**13 * n * m
    batch = on_device(images(min(2048, passes), side))
    times = alternate(
        {
            "ours": lambda: bl.band_importance(model, x, background=background, method="shapley", max_exact=13),
            "floor": floor_of(model, batch, passes),
        },
        1 if small else 3,
    )
    row(f"exact Shapley, 13 bands, {side} x {side}, n = {n}, m = {m}: bandlens / floor",
        f"{times['ours'] / times['floor']:.2f}", f"{times['ours']:.2f} s")  # fmt: skip


def largest(small: bool) -> None:
    """How many pairs fit: n = m is doubled until a table takes too long; memory bounds a step, not the table."""
    model, n, patience = network(), 8 if small else 128, 1 if small else PATIENCE
    done, took = 0, 0.0
    while took < patience:
        x, background = images(n), images(n, seed=1)
        start = time.perf_counter()
        bl.band_importance(model, x, np.arange(n) % 10, background=background, n_background=n)
        done, took = n, time.perf_counter() - start
        n *= 2
    row("largest n x m tried (one output per image); nothing ran out of memory", f"{done} x {done}", f"{took:.0f} s")


def resnet(small: bool) -> None:
    """ResNet50 with 13 bands."""
    n, side = (1, 32) if small else (8, 224)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = keras.applications.ResNet50(weights=None, input_shape=(side, side, 13), classes=10)
    x, background = images(n, side), images(n, side, seed=1)
    passes = 10 * n * n
    batch = on_device(images(min(64, passes), side))
    times = alternate(
        {
            "ours": lambda: bl.band_importance(model, x, background=background, target="all"),
            "floor": floor_of(model, batch, passes),
        },
        1 if small else 3,
    )
    row(f"ResNet50, {side} x {side} x 13, n = m = {n}, all outputs: bandlens / floor",
        f"{times['ours'] / times['floor']:.2f}", f"{times['ours']:.2f} s")  # fmt: skip


def machine() -> str:
    """Versions and hardware."""
    name = keras.config.backend()
    if name == "torch":
        import torch

        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
        version = torch.__version__
    else:
        import jax

        first = jax.devices()[0]
        device = first.device_kind if first.platform != "cpu" else "no GPU"
        version = jax.__version__
    return f"{name} {version}, Keras {keras.__version__}, {device}, {os.cpu_count()} cores"


def main() -> None:
    """Run the chosen parts."""
    parts = {"deepshap": deepshap, "gradients": gradients, "shapley": shapley, "largest": largest, "resnet": resnet}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; default: all")
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    parser.add_argument("--cpu", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    if arguments.cpu:
        cpu(int(arguments.cpu[0]), arguments.cpu[1])
        return
    print(machine())
    # random images have no classes, and random networks answer chance
    warnings.simplefilter("ignore", bl.errors.AccuracyWarning)
    for name in arguments.parts or parts:
        parts[name](arguments.small)


if __name__ == "__main__":
    main()
