"""DeepSHAP of a segmentation against the floor of its passes, and its peak memory.

    python tests/benchmarks/segmentation.py                # all
    python tests/benchmarks/segmentation.py speed          # some
    python tests/benchmarks/segmentation.py --small        # quick, to see that it runs
    python tests/benchmarks/segmentation.py --images 8 speed

The floor is that of `deepshap.py`: a forward pass for each explained row (image and class) and background image, at the
speed of plain inference. The network is a U-Net that takes 13 bands to 5 classes; every class occurs in every image.
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

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from common import REPEATS, alternate, images, row  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras
import tensorflow as tf

BANDS, CLASSES, BATCH = 13, 5, 32


def unet(side: int, width: int = 16) -> Any:
    """Two convolutions at each of three sizes, down and up again, joined by skips; to logits of every pixel."""
    layers = keras.layers

    def block(x: Any, channels: int) -> Any:
        for _ in range(2):
            x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(channels, 3, padding="same")(x)))
        return x

    inputs = keras.Input((side, side, BANDS))
    full = block(inputs, width)
    half = block(layers.MaxPooling2D()(full), 2 * width)
    x = block(layers.MaxPooling2D()(half), 4 * width)
    for beside, channels in ((half, 2 * width), (full, width)):
        x = layers.Conv2DTranspose(channels, 2, strides=2)(x)
        x = block(layers.Concatenate()([x, beside]), channels)
    return keras.Model(inputs, layers.Conv2D(CLASSES, 1)(x))


def masks(n: int, side: int) -> np.ndarray:
    """Stripes of all classes, moved along from image to image."""
    stripes = np.arange(side) * CLASSES // side
    return np.stack([np.broadcast_to((stripes + i) % CLASSES, (side, side)) for i in range(n)])


def floor_of(model: Any, side: int, passes: int) -> Callable[[], None]:
    """So many forward passes, in batches."""
    predict = tf.function(lambda x: model(x, training=False))
    batch = tf.constant(images(min(BATCH, passes), side, BANDS))

    def run() -> None:
        for _ in range(-(-passes // len(batch))):
            predict(batch)

    return run


def speed(small: bool, n: int) -> None:
    """The table of n images of all classes, each against 16 background images."""
    side, m = (32, 4) if small else (128, 16)
    model, x, y, background = unet(side), images(n, side), masks(n, side), images(m, side, seed=1)

    def table() -> Any:
        return bl.band_importance(model, x, y, background=background, n_background=m)

    assert len(table().images) == n * CLASSES
    times = alternate({"table": table, "floor": floor_of(model, side, CLASSES * n * m)}, 2 if small else REPEATS)
    what = f"U-Net, {side} x {side} x {BANDS}, {CLASSES} classes, {n} images, {m} background images each"
    row(f"{what}: bandlens / floor", f"{times['table'] / times['floor']:.2f}", f"{times['table']:.1f} s")


def memory(small: bool, _: int) -> None:
    """Peak memory of whole processes that differ in the number of images."""
    side, counts = (64, (2, 8)) if small else (256, (4, 16))
    peaks = []
    for n in counts:
        command = [sys.executable, __file__, "--peak", str(side), str(n)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        peaks.append(float(output.split()[-1]))
    grown = peaks[1] / peaks[0] - 1
    row(
        f"peak memory, {side} x {side} x {BANDS}, from {counts[0]} to {counts[1]} images",
        f"{grown:+.0%}",
        f"{peaks[0]:.0f} MB",
    )


def peak(side: int, n: int) -> None:
    """Explain n images and print the process's peak in MB, less what images and masks themselves take."""
    m = 4
    model, x, y, background = unet(side), images(n, side), masks(n, side), images(m, side, seed=1)
    bl.band_importance(model, x, y, background=background, n_background=m)
    held = (x.nbytes + y.nbytes + background.nbytes) / 2**20
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10 - held)


def main() -> None:
    """Run the chosen parts."""
    parts = {"speed": speed, "memory": memory}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; default: all")
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    parser.add_argument("--images", type=int, default=0, help="explain so many (default: 32)")
    parser.add_argument("--peak", nargs=2, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    warnings.simplefilter("ignore")
    if arguments.peak:
        peak(*arguments.peak)
        return
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {os.cpu_count()} cores")
    for name in arguments.parts or parts:
        parts[name](arguments.small, arguments.images or (4 if arguments.small else 32))


if __name__ == "__main__":
    main()
