"""The whole job on real data: train a small CNN on the shipped Landsat patches, explain it, write tables and pictures.

`python -m bandlens demo` runs it; `inst/examples/landsat.R` does the same from R.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from .datasets import landsat
from .datasets.make_landsat_model import train
from .explain.importance import band_importance
from .results.importance import BandImportance

METHODS = ("saliency", "deepshap")
N_BACKGROUND = 500  # with the usual 100, shares differ much from draw to draw: tests/benchmarks/background_draws.py
PICTURES = (("deepshap", "heatmap"), ("deepshap", "bars"), ("saliency", "heatmap"), ("saliency", "bars"))


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
