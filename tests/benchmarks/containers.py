"""How much memory and time does it take to explain 20 GB of images in a zarr, and how much 20 MB of them?

    python tests/benchmarks/containers.py            # a quarter of an hour
    python tests/benchmarks/containers.py --small    # 200 MB against 20 MB, to see that it runs

Images are 64 x 64 x 13, float32, in blocks of 32, most of which are not written: zarr then gives the value that fills
them, so that they cost no room on the disk, and as much memory and nearly as much time as others. One block in 16 is
random. Each size is explained by itself, in a new process, whose memory is that of all processes it has started: the
largest sum that was seen, looked for 50 times a second. The network is so small (a convolution and a dense layer) that
reading weighs as much as it can; seconds in the model are those of its compiled steps, arrays brought there and back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (64, 64, 13)
IMAGE = 4 * int(np.prod(SHAPE))
BLOCK = 32
WRITTEN = 16
METHODS: dict[str, dict[str, Any]] = {"saliency": {}, "deepshap": {"n_background": 4}}
CLASSES = 10
EVERY = 0.02
MEGA = 1e6
# what a long run may take more than a short one
MOST_MORE = 300


def write(path: Path, n: int) -> None:
    """Images, most of which are one and the same, as nothing is written for them."""
    import zarr

    made = zarr.create_array(str(path), shape=(n, *SHAPE), chunks=(BLOCK, *SHAPE), dtype="float32", fill_value=0.25)
    for start in range(0, n, WRITTEN * BLOCK):
        count = min(BLOCK, n - start)
        made[start : start + count] = np.random.default_rng(start).uniform(size=(count, *SHAPE)).astype("float32")


class Memory(threading.Thread):
    """Watches how much memory this process and those that it has started take together."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self._ended = 0, threading.Event()

    def run(self) -> None:
        while not self._ended.wait(EVERY):
            self.most = max(self.most, self._now())

    def end(self) -> int:
        self._ended.set()
        self.join()
        return self.most

    @staticmethod
    def _now() -> int:
        import psutil

        def of(one: psutil.Process) -> int:
            with suppress(psutil.NoSuchProcess):  # it has just ended
                return int(one.memory_info().rss)
            return 0

        me = psutil.Process()
        return sum(map(of, (me, *me.children(recursive=True))))


def timed_backend() -> list[float]:
    """Have all compiled steps tell how long they take."""
    from bandlens.engine.backends import tensorflow as backend

    taken: list[float] = []
    make = backend.compile

    def compile(*arguments: Any, **options: Any) -> Callable[..., Any]:
        step = make(*arguments, **options)

        def call(*values: Any) -> Any:
            start = time.perf_counter()
            found = step(*values)
            taken.append(time.perf_counter() - start)
            return found

        return call

    backend.compile = compile
    return taken


def explain(path: Path, method: str) -> None:
    """Explain all images of a zarr, and print what it took."""
    memory = Memory()
    memory.start()
    from common import keras  # which also finds bandlens

    import bandlens as bl  # isort: skip

    taken = timed_backend()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input(SHAPE), layers.Conv2D(8, 4, strides=4, activation="relu"), layers.Flatten(), layers.Dense(CLASSES),
    ])  # fmt: skip
    from bandlens.data.sources import opened

    n = len(opened(path))
    y = np.arange(n) % CLASSES
    warnings.simplefilter("ignore", bl.errors.AccuracyWarning)
    background = np.random.default_rng(1).uniform(size=(4, *SHAPE)).astype("float32")
    start = time.perf_counter()
    result = bl.band_importance(model, path, y, method=method, background=background, **METHODS[method])
    result.to_frame()
    seconds = time.perf_counter() - start
    print(json.dumps({"memory": memory.end(), "seconds": seconds, "model": sum(taken), "n": n}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--explain", nargs=2)
    options = parser.parse_args()
    if options.explain:
        explain(Path(options.explain[0]), options.explain[1])
        return
    from common import row

    row("what", "measured", "more")
    sizes = {"20 MB": 20e6, **({"200 MB": 200e6} if options.small else {"20 GB": 20e9})}
    with tempfile.TemporaryDirectory() as folder:
        for method in METHODS:
            used = {}
            for name, size in sizes.items():
                path = Path(folder) / f"{name.replace(' ', '')}.zarr"
                if not path.exists():
                    write(path, max(1, round(size / IMAGE)))
                command = [sys.executable, __file__, "--explain", str(path), method]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                found = json.loads(done.stdout.splitlines()[-1])
                used[name] = found["memory"]
                outside = 1 - found["model"] / found["seconds"]
                row(
                    f"{method}, {name}: {found['n']} images",
                    f"{found['seconds']:.1f} s, {100 * outside:.0f} % outside the model",
                    f"{found['memory'] / MEGA:.0f} MB",
                )
            first, last = used.values()
            more = (last - first) / MEGA
            row(f"{method}: memory that {list(sizes)[1]} take more", f"{more:.0f} MB", f"at most {MOST_MORE} MB")
            assert more <= MOST_MORE


if __name__ == "__main__":
    main()
