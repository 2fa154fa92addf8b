"""Do 95 % intervals that were pooled over 10 trainings hold the mean of 50 further ones in 95 % of the cells?

    python tests/benchmarks/pooling.py                      # about half an hour, most of it training
    python tests/benchmarks/pooling.py --networks FOLDER    # keeps the networks there, or takes those that are there
    python tests/benchmarks/pooling.py --small              # quick, to see that it runs

Networks are trained on the Landsat patches as the one that ships, from other seeds. All data are some of the test and
training patches, on which each network is explained once. Each repetition pools ten of the networks, with images (300,
of every class as many as it has in all data) and background images drawn anew from all data, with replacement, the same
for all ten. The truth is the mean table of the other networks on all data. Scores of pairs of images don't depend on
what else is computed, so each repetition looks them up; that this is what calls give is checked with one repetition.

The mean of the other networks has an error of its own, S^2 / 50, which is no part of the interval: also printed is how
often intervals hold it that are as much wider, and, to compare with, intervals of one of the ten runs, and those of the
variance between runs alone, S^2 / K.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import row  # which also finds bandlens
from interval_coverage import AllPairs, _drawn, landsat

import bandlens as bl  # isort: skip
import keras
from bandlens.data.moments import half_width
from bandlens.datasets.make_landsat_model import train
from bandlens.methods.findings import evenly
from bandlens.results.statistics import share_of

POOLED = 10


def networks(count: int, epochs: int, folder: Path | None) -> list[Any]:
    """Trained networks, from a folder where they are there."""
    data, found = bl.datasets.landsat(), []
    for seed in range(count):
        path = None if folder is None else folder / f"{seed}.keras"
        if path is not None and path.exists():
            found.append(keras.saving.load_model(path))
            continue
        found.append(train(data, epochs=epochs, seed=seed))
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            found[-1].save(path)
    return found


class Network:
    """A network explained on all data, and what it gives for some of them."""

    def __init__(self, model: Any, x: np.ndarray, y: np.ndarray, background: np.ndarray) -> None:
        self.model, pairs = model, AllPairs()
        self.whole = pairs.learn(x, background, lambda: _explain(model, x, y, background))
        pairs.compute()
        self._scores = pairs._scores

    def drawn(self, mine: np.ndarray, chosen: np.ndarray) -> bl.BandImportance:
        """The result of a call for these images, against these background images."""
        scores = self._scores[mine][:, :, chosen].astype(np.float64)
        kept = np.flatnonzero(evenly(self.whole.image_class[mine], scores[0].size))
        parts = {name: getattr(self.whole, name)[mine] for name in ("image_class", "image_output", "band_means")}
        return replace(
            self.whole, **parts, scores=scores.mean(axis=2), background=np.arange(len(chosen)), pair_images=kept,
            pair_scores=scores[kept],
        )  # fmt: skip


def _explain(model: Any, x: np.ndarray, y: np.ndarray, background: np.ndarray) -> bl.BandImportance:
    return bl.band_importance(model, x, y, background=background, n_background=len(background))


def covered(
    every: list[Network], data: Any, repeats: int, n: int, m: int, pooled: int = POOLED
) -> dict[str, tuple[float, float]]:
    """How often each kind of interval holds the mean of the other networks: of importances, and of shares."""
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    part = []
    for repeat in range(repeats):
        random = np.random.default_rng(repeat)
        order = random.permutation(len(every))
        mine, chosen = _drawn(data.y, n, random), random.choice(len(data.background), m)
        results = [every[at].drawn(mine, chosen) for at in order[:pooled]]
        if repeat == 0:
            given = (every[order[0]].model, data.x[mine], data.y[mine], data.background[chosen])
            computed = bl.pool_importance([_explain(*given), results[1]]).table
            looked_up = bl.pool_importance(results[:2]).table
            np.testing.assert_allclose(looked_up.conf_high, computed.conf_high, rtol=1e-3, atol=1e-4)
        true = np.mean([every[at].whole.table.importance for at in order[pooled:]], axis=0)
        shares, result = share_of(true), bl.pool_importance(results)
        table, one, k = result.table, results[0].table, pooled
        found["pooled"].append((_holds(table, true), _holds(table, shares, "share")))
        between = result.se_runs[result.row_class >= 0]
        wider = np.sqrt(1 + (between / table.std_error) ** 2 * k / (len(every) - k))
        found["pooled, with the error of the mean of the others"].append((_holds(table, true, by=wider),) * 2)
        found["of one run"].append((_holds(one, true), _holds(one, shares, "share")))
        own = np.stack([each.table.share for each in results])
        alone = np.abs(own.mean(axis=0) - shares) <= half_width(own.std(axis=0, ddof=1) / np.sqrt(k), k - 1)
        found["by the variance between runs alone"].append(
            (np.abs(table.importance - true) <= half_width(between, k - 1), alone)
        )
        part.append(result.runs_part)
    rates = {name: tuple(float(np.mean(each)) for each in zip(*held, strict=True)) for name, held in found.items()}
    return {**rates, "part between runs": (float(np.mean(part)), np.nan)}  # type: ignore[dict-item]


def _holds(table: Any, true: np.ndarray, what: str = "importance", by: np.ndarray | float = 1.0) -> np.ndarray:
    """Whether intervals, made wider by a factor, hold the truth."""
    low, high = (table.conf_low, table.conf_high) if what == "importance" else (table.share_low, table.share_high)
    middle = getattr(table, what)
    held: np.ndarray = (middle - by * (middle - low) <= true) & (true <= middle + by * (high - middle))
    return held


def main() -> None:
    """Print coverage for each background size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--count", type=int, default=60, help="networks")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--networks", type=Path, help="folder of the trained networks")
    parser.add_argument("--backgrounds", type=int, nargs="*", default=[20, 100])
    given = parser.parse_args()
    if given.small:
        given.repeats, given.count, given.epochs, given.backgrounds = 3, 5, 1, [20]
    pooled, most, n = (3, 120, 60) if given.small else (POOLED, 500, 300)
    warnings.simplefilter("ignore")
    data = landsat(most)
    every = [
        Network(model, data.x, data.y, data.background) for model in networks(given.count, given.epochs, given.networks)
    ]
    accuracy = [each.whole.accuracy for each in every]
    row("networks", str(len(every)), f"accuracy {min(accuracy):.2f} to {max(accuracy):.2f}")
    for m in given.backgrounds:
        for name, (importance, share) in covered(every, data, given.repeats, n, m, pooled).items():
            shares = "" if np.isnan(share) or "error of" in name else f"share {share:.1%}"
            row(f"{m} background images, {name}", f"{importance:.1%}", shares)


if __name__ == "__main__":
    main()
