"""The whole job on real data: train a small CNN on the shipped Landsat patches, explain it, write tables and pictures.

`python -m bandlens demo` runs it; `inst/examples/landsat.R` does the same from R.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from .datasets import Patches, landsat
from .explain.importance import band_importance
from .results.importance import BandImportance

METHODS = ("saliency", "deepshap")
N_BACKGROUND = 500  # with the usual 100, shares differ much from draw to draw: tests/benchmarks/background_draws.py
PICTURES = (("deepshap", "heatmap"), ("deepshap", "bars"), ("saliency", "heatmap"), ("saliency", "bars"))


def train(data: Patches, *, epochs: int = 30, seed: int = 1) -> Any:
    """Train a small CNN with batch normalisation, pooling and dropout.

    Parameters
    ----------
    data : Patches
    epochs, seed : int

    Returns
    -------
    keras.Model
        From digital numbers to class probabilities.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input(data.x_train.shape[1:]),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(64, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2, padding="same"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(len(data.classes), activation="softmax"),
        ],
        name="landsat_cnn",
    )
    batch_size = 64
    steps = epochs * -(-len(data.y_train) // batch_size)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.003, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(data.x_train, data.y_train, batch_size=batch_size, epochs=epochs, verbose=0)
    return model


def run(
    output: str | Path = "demo", *, epochs: int = 30, images: int | None = None, seed: int = 1
) -> dict[str, BandImportance]:
    """Train, explain by saliency and DeepSHAP, print both tables, write them, their pictures and the model.

    Parameters
    ----------
    output : path
        Folder to write into; made if missing.
    epochs : int
        How long to train; 30 reaches a test accuracy of about 0.91.
    images : int, optional
        Explain only so many test images, evenly spaced; by default all 2000.
    seed : int
        For training and for the choice of background images.

    Returns
    -------
    dict of BandImportance
        One per method.
    """
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    data = landsat()
    n_test = len(data.y_test)
    chosen = np.linspace(0, n_test - 1, images or n_test).round().astype(int)
    x, y = data.x_test[chosen], data.y_test[chosen]
    print(data)

    start = time.perf_counter()
    model = train(data, epochs=epochs, seed=seed)
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(data.x_test, data.y_test, verbose=0)
    model.save(folder / "landsat.keras")
    print(f"Trained {model.name} for {epochs} epochs in {seconds:.0f} s; test accuracy {accuracy:.4f}.")

    results = {}
    for method in METHODS:
        result = results[method] = band_importance(
            model,
            x,
            y,
            method=method,
            background=data.x_train if method == "deepshap" else None,
            n_background=N_BACKGROUND,
            bands=data.bands,
            wavelengths=data.wavelengths,
            classes=data.classes,
            seed=seed,
        )
        frame = result.to_frame()
        print(f"\n{result}\n{frame.to_string(index=False, float_format='{:.3g}'.format)}")
        _write(folder / f"class_band_{method}.csv", frame.to_csv(index=False, na_rep="NA"))
    print()
    for method, kind in PICTURES:
        path = folder / f"{kind}_{method}.png"
        results[method].plot(kind).save(path, dpi=200, verbose=False)
        print(f"Wrote {path}")
    return results


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
    print(f"Wrote {path}")
