"""What interactions cost beside Shapley values, which are read from the same outputs.

    python tests/benchmarks/interactions.py                        # 13 bands, 32 images x 16 background images
    python tests/benchmarks/interactions.py --images 8 --background 4 --side 16
    python tests/benchmarks/interactions.py --small                # quick, to see that it runs

All 2^bands coalitions of every image with every background image are computed, for either: hours without a GPU. The
ratio of the times hardly depends on how many there are.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from common import images, network, row, seconds  # which also finds bandlens

import bandlens as bl  # isort: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--background", type=int, default=16)
    parser.add_argument("--bands", type=int, default=13)
    parser.add_argument("--side", type=int, default=64, help="pixels")
    given = parser.parse_args()
    side, n, m, bands = (16, 2, 2, 9) if given.small else (given.side, given.images, given.background, given.bands)
    warnings.simplefilter("ignore")
    model, x, background = network(bands, side), images(n, side, bands), images(m, side, bands, seed=1)
    y = np.arange(n) % 10
    options = {"background": background, "max_exact": bands}
    verbs = {
        "shapley": lambda: bl.band_importance(model, x, y, method="shapley", **options),
        **{
            f"interactions, order {order}": lambda order=order: bl.band_interactions(
                model, x, y, order=order, **options
            )
            for order in (2, 3)
        },
    }
    bl.band_importance(model, x[:1], y[:1], method="shapley", background=background[:1], max_exact=bands)
    times = {name: _taken(verb) for name, verb in verbs.items()}
    what = f"{side} x {side} x {bands}, {n} images x {m} background images"
    wall, cpu = times.pop("shapley")
    row(what, f"{2**bands} coalitions of each pair", f"Shapley values: {wall:.2f} s, {cpu:.2f} s of CPU")
    for name, (own_wall, own_cpu) in times.items():
        ratios = f"{own_wall / wall:.2f}x, of CPU time {own_cpu / cpu:.2f}x"
        row(f"{name} / Shapley values", ratios, f"{own_wall:.2f} s, {own_cpu:.2f} s of CPU")


def _taken(verb: Callable[[], Any]) -> tuple[float, float]:
    """Wall time, and CPU time, which other work on the machine changes less."""
    start = time.process_time()
    wall = seconds(verb)
    return wall, time.process_time() - start


if __name__ == "__main__":
    main()
