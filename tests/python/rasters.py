"""Scenes whose scores are known, and the files that hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import rasterio

TRANSFORM = rasterio.Affine(10, 0, 500000, 0, -20, 5000000)
CRS = "EPSG:32633"
BANDS = ("blue", "green", "red")


def values(rows: int = 9, cols: int = 11, bands: int = 3) -> np.ndarray:
    """Numbers that tell where they are from: 1000 band + 100 row + col, all counted from 1, (rows, cols, bands)."""
    row, col, band = np.mgrid[1 : rows + 1, 1 : cols + 1, 1 : bands + 1]
    return (1000 * band + 100 * row + col).astype(np.float32)


def written(
    path: Path,
    array: np.ndarray,
    *,
    nodata: float | None = None,
    names: Any = BANDS,
    transform: Any = TRANSFORM,
    crs: str | None = CRS,
    **more: Any,
) -> Path:
    """A GeoTIFF of an array (rows, cols, bands)."""
    rows, cols, bands = array.shape
    described = {"width": cols, "height": rows, "count": bands, "dtype": array.dtype, "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **described, **more) as file:
        file.write(np.moveaxis(array, -1, 0))
        for at, name in enumerate(names[:bands] if names else (), start=1):
            file.set_band_description(at, name)
    return path


def linear(weights: np.ndarray, activation: str | None = None) -> Any:
    """A model of patches: outputs are weighted sums, `weights` (rows, cols, bands, outputs)."""
    dense = keras.layers.Dense(weights.shape[-1], use_bias=False, activation=activation)
    model = keras.Sequential([keras.Input(weights.shape[:-1]), keras.layers.Flatten(), dense])
    dense.set_weights([weights.reshape(-1, weights.shape[-1])])
    return model


def known_model() -> Any:
    """The first output: blue at the upper right of 3 x 3 pixels, less twice green at the left of the middle row.

    The second: half of red in the middle.
    """
    weights = np.zeros((3, 3, 3, 2), np.float32)
    weights[0, 2, 0, 0], weights[1, 0, 1, 0], weights[1, 1, 2, 1] = 1, -2, 0.5
    return linear(weights)


NOTHING = np.zeros((1, 3, 3, 3), np.float32)
MIDDLE = np.array([1505, 2505, 3505], np.float32)
PIXEL_WEIGHTS = np.array([[-2, 1, 0], [0, 0, 0], [0, 0, 1]], np.float32) / 100


def pixel_model(size: int | None = 4, activation: str = "softmax", weights: np.ndarray = PIXEL_WEIGHTS) -> Any:
    """A model of pixels one by one: logits of classes are weighted sums of the distance from the middle."""
    image = keras.Input((size, size, len(weights)))
    last = keras.layers.Conv2D(weights.shape[1], 1, activation=activation)
    model = keras.Model(image, last(image))
    last.set_weights([weights[None, None], -MIDDLE @ weights])
    return model


PLAIN = np.tile(MIDDLE, (1, 4, 4, 1))


def patchy(rows: int = 9, cols: int = 11) -> np.ndarray:
    """Every class somewhere, in no order."""
    random = np.random.default_rng(1)
    return values(rows, cols) + random.normal(0, 300, (rows, cols, 3)).astype(np.float32)


def pixel_scores(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class of each pixel of `pixel_model`, and its scores, (bands, rows, cols)."""
    classes = ((array - MIDDLE) @ PIXEL_WEIGHTS).argmax(axis=-1)
    return classes, np.moveaxis(PIXEL_WEIGHTS.T[classes] * (array - MIDDLE), -1, 0)
