"""Does every method find the band that was planted? Output k depends on band k alone; a table of methods x seeds.

PYTHONPATH=python python tests/benchmarks/planted_truth.py [--seeds 5] [--write]

With --write the table replaces tests/benchmarks/planted_truth.md.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import bandlens as bl
import numpy as np

CLASSES = 4
BANDS = 6
# so that nothing takes long, and methods are judged at settings a user may choose
OPTIONS: dict[str, dict[str, Any]] = {
    "smoothgrad": {"n_samples": 20},
    "vargrad": {"n_samples": 20},
    "expected_gradients": {"n_samples": 60},
    "permutation": {"n_repeats": 5},
    "sage": {"metric": "log_loss"},
}


def images(present: np.ndarray, seed: int) -> np.ndarray:
    """Noise in all bands, and a brighter patch somewhere in band k where class k is present, shape (n, CLASSES)."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(len(present), 8, 8, BANDS))
    for image, band in np.argwhere(present):
        row, column = random.integers(0, 5, size=2)
        x[image, row : row + 4, column : column + 4, band] += 1.5
    return x.astype("float32")


def of_one_class(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images in each of which one class is present, and that class."""
    y = np.arange(n) % CLASSES
    return images(np.eye(CLASSES, dtype=bool)[y], seed), y


def train(seed: int) -> tuple[Any, float]:
    """A small CNN that says of each class whether it is present; its accuracy on new images of one class."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, BANDS)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy")
    present = np.random.default_rng(seed).random((2000, CLASSES)) < 0.5
    model.fit(images(present, seed), present.astype("float32"), epochs=8, batch_size=64, verbose=0)
    new, labels = of_one_class(400, seed + 1000)
    return model, float((model.predict(new, verbose=0).argmax(axis=1) == labels).mean())


def found(model: Any, method: str, seed: int, n: int = 60) -> np.ndarray:
    """Of each class, whether the planted band is ranked first, and that band's share of the importance."""
    x, y = of_one_class(n, seed + 2000)
    background = images(np.random.default_rng(seed).random((40, CLASSES)) < 0.5, seed + 3000)
    result = bl.band_importance(
        model, x, y, method=method, background=background, seed=seed, progress=False, **OPTIONS.get(method, {})
    )
    own = np.arange(CLASSES)
    return np.stack([result.table.rank[own, own] == 1, result.table.share[own, own]])


def table(seeds: int) -> str:
    """Markdown: classes whose planted band is ranked first, by method and seed, and the mean share of that band."""
    models = [train(seed) for seed in range(seeds)]
    head = ["method", *(f"seed {seed} ({accuracy:.0%})" for seed, (_, accuracy) in enumerate(models)), "share"]
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for name, method in bl.METHODS.items():
        results = [found(model, name, seed) for seed, (model, _) in enumerate(models)]
        cells = [f"{int(first.sum())} of {CLASSES}" for first, _ in results]
        lines.append(" | ".join([method.label, *cells, f"{np.mean([share for _, share in results]):.0%}"]))
        print(lines[-1], flush=True)
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    text = f"""# Planted truth

{BANDS} bands of noise; where class k of {CLASSES} is present, band k has a brighter patch. A small CNN with one output
for each class is trained with each seed (in brackets: how often the largest output is that of the only class present).
Entries: classes for which the planted band is ranked first. Share: of the planted band in the importance of its class.
Made by `planted_truth.py`.

{table(arguments.seeds)}
"""
    print(text)
    if arguments.write:
        Path(__file__).with_suffix(".md").write_text(text)
