"""What intervals cost: time beside that of the call, and memory, of what is kept for them and while they are computed.

    python tests/benchmarks/interval_cost.py           # all
    python tests/benchmarks/interval_cost.py --small   # quick, to see that it runs

Scores of some images against single background images are kept; the table with its intervals is made of them, once.
The time is that of both tables, of the classes and of all images, with all that is in them.
"""

from __future__ import annotations

import argparse
import tracemalloc
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from common import images, network, row, seconds  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras

REPEATS = 5


def tables(result: Any) -> None:
    """Tables as if nobody had asked for them before."""
    fresh = replace(result)
    _ = fresh.table, fresh.overall


def cost(what: str, model: Any, x: np.ndarray, y: np.ndarray, background: np.ndarray, **options: Any) -> None:
    """One line: time and memory of a call, and of its intervals."""

    def call() -> Any:
        return bl.band_importance(model, x, y, background=background, n_background=len(background), **options)

    call()
    found: list[Any] = []
    spent = seconds(lambda: found.append(call()))
    result = found[0]
    taken = float(np.median([seconds(lambda: tables(result)) for _ in range(REPEATS)]))
    tracemalloc.start()
    tables(result)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    row(
        f"{what}: {len(x)} images, {len(background)} background images {options or ''}",
        f"{taken / spent:.1%}",
        f"of {spent:.2f} s; kept {result.pair_scores.nbytes / 2**20:.1f} MB, computing {peak / 2**20:.1f} MB more",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    warnings.simplefilter("ignore")
    data = bl.datasets.landsat()
    most = (100, 20) if small else (2000, 500)
    landsat = keras.saving.load_model(bl.datasets.landsat_model())
    x, y, background = data.x_test[: most[0]], data.y_test[: most[0]], data.x_train[: most[1]].astype("float32")
    cost("Landsat network", landsat, x, y, background)
    cost("Landsat network", landsat, x, y, background, background_per_image=4)
    n, m, side = (20, 10, 16) if small else (200, 100, 64)
    model, labels = network(side=side), np.arange(n) % 10
    cost("benchmark network", model, images(n, side), labels, images(m, side, seed=1))
    cost("benchmark network", model, images(n, side), labels, images(m, side, seed=1), background_per_image=4)


if __name__ == "__main__":
    main()
