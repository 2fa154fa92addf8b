"""Do 95 % intervals of importance and share hold the value from all data in 95 % of the class x band cells?

    python tests/benchmarks/coverage.py              # all networks
    python tests/benchmarks/coverage.py landsat      # some
    python tests/benchmarks/coverage.py --small      # quick, to see that it runs

All data are a finite number of images and background images, whose table is computed once. Each repetition is a whole
call with images (300, from every class as many as it has in all data) and background images drawn anew from them.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from common import images, network, row  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras


class Data(NamedTuple):
    """A trained network, all images with their labels, and all background images."""

    model: Any
    x: np.ndarray
    y: np.ndarray
    background: np.ndarray


def landsat(most: int) -> Data:
    """The network that ships with the package."""
    data = bl.datasets.landsat()
    random = np.random.default_rng(0)
    test, train = (random.permutation(len(part))[:most] for part in (data.x_test, data.x_train))
    x, y = data.x_test[test].astype("float32"), data.y_test[test]
    return Data(keras.saving.load_model(bl.datasets.landsat_model()), x, y, data.x_train[train].astype("float32"))


def benchmark(most: int) -> Data:
    """The network of the other benchmarks, at 16 x 16 pixels, trained on ten spectra in noise."""
    model, y, own = network(16), np.arange(most) % 10, np.arange(most) % 10
    spectra = np.random.default_rng(2).normal(size=(10, 13)).astype("float32")
    x, background = (images(most, 16, seed=seed) + spectra[one][:, None, None] for seed, one in enumerate((y, own)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x[: most // 2], y[: most // 2], epochs=3, batch_size=20, verbose=0)
    return Data(model, x, y, background)


NETWORKS: dict[str, Callable[[int], Data]] = {"landsat": landsat, "benchmark": benchmark}


def covered(data: Data, repeats: int, n: int, m: int, options: dict[str, Any]) -> dict[str, float]:
    """How often intervals hold the value from all data, over cells and repetitions."""

    def explain(x: np.ndarray, y: np.ndarray, background: np.ndarray, **more: Any) -> Any:
        return bl.band_importance(data.model, x, y, background=background, n_background=len(background), **more).table

    true = explain(data.x, data.y, data.background)
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("importance", "share", "images alone", "first")}
    for repeat in range(repeats):
        random = np.random.default_rng(repeat)
        mine = _drawn(data.y, n, random)
        chosen = random.choice(len(data.background), m, replace=False)
        table = explain(data.x[mine], data.y[mine], data.background[chosen], seed=repeat, **options)
        found["importance"].append((table.conf_low <= true.importance) & (true.importance <= table.conf_high))
        found["share"].append((table.share_low <= true.share) & (true.share <= table.share_high))
        found["images alone"].append(np.abs(table.importance - true.importance) <= 1.96 * table.se_images)
        best = true.importance.argmax(axis=1)[:, None]
        found["first"].append(np.take_along_axis(table.p_first, best, axis=1))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _drawn(y: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """About n images, of each class the same part."""
    parts = [np.flatnonzero(y == code) for code in np.unique(y)]
    return np.concatenate([random.choice(mine, max(2, round(n * len(mine) / len(y))), replace=False) for mine in parts])


def main() -> None:
    """Print coverage for each network, background size and number of draws per image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", choices=[*NETWORKS, []], default=list(NETWORKS))
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--method", default="deepshap")
    given = parser.parse_args()
    repeats, most = (3, 200) if given.small else (given.repeats, 1500)
    warnings.simplefilter("ignore")
    for name in given.networks:
        data = NETWORKS[name](most)
        for m in (20,) if given.small else (20, 100, 500):
            for each in (None, 4) if given.method == "deepshap" else (None,):
                options = {"method": given.method, **({} if each is None else {"background_per_image": each})}
                rates = covered(data, repeats, 100 if given.small else 300, m, options)
                row(
                    f"{name}, {m} background images, {'all' if each is None else each} per image",
                    f"{rates['importance']:.1%}",
                    f"share {rates['share']:.1%}, by images alone {rates['images alone']:.1%}, "
                    f"probability given to the first {rates['first']:.2f}",
                )


if __name__ == "__main__":
    main()
