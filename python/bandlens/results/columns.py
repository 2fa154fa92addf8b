"""Columns of the tidy tables, in their contracted order: the one place where they are listed and filled.

They are plain arrays, so that pandas (`frames`) and R (`bridge`) show the same numbers without converting each other's
tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..features import FeatureImages, LayerActivations, LayerKernels, LayerList, TopImages
    from .importance import BandImportance
    from .maps import BandMaps
    from .statistics import ClassBandTable

CLASS_COLUMNS = (
    "class",
    "output",
    "band",
    "wavelength",
    "importance",
    "effect",
    "share",
    "rank",
    "std_error",
    "conf_low",
    "conf_high",
    "n",
)

# the one class of a regression, and of the table over all classes
WHOLE = "all"

IMAGE_COLUMNS = ("image", "class", "output", "band", "wavelength", "score")


def class_columns(result: BandImportance) -> dict[str, np.ndarray]:
    """Columns of the class x band table; `class`, `output` and `band` as codes."""
    return _table_columns(result, result.table, result.cells)


def overall_columns(result: BandImportance) -> dict[str, np.ndarray]:
    """Columns of the table over all classes; `class` is 0 and `output` -1 where each image has an output of its own."""
    outputs = result.overall_outputs
    return _table_columns(result, result.overall, np.stack([np.zeros_like(outputs), outputs], axis=1))


def _table_columns(result: BandImportance, table: ClassBandTable, cells: np.ndarray) -> dict[str, np.ndarray]:
    n_bands = len(result.bands)
    columns = {
        "class": np.repeat(cells[:, 0], n_bands),
        "output": np.repeat(cells[:, 1], n_bands),
        "band": np.tile(np.arange(n_bands), len(cells)),
        "wavelength": np.tile(np.array(result.wavelengths), len(cells)),
        "n": np.repeat(table.n, n_bands),
    }
    for name in ("importance", "effect", "share", "rank", "std_error", "conf_low", "conf_high"):
        columns[name] = getattr(table, name).reshape(-1)
    return {name: columns[name] for name in CLASS_COLUMNS}


def image_columns(result: BandImportance) -> dict[str, np.ndarray]:
    """Columns of the image x band table; `class`, `output` and `band` as codes, `image` counted from 0."""
    n, k, n_bands = result.scores.shape
    columns = {
        "image": np.repeat(np.arange(n), k * n_bands),
        "class": np.repeat(result.image_class, k * n_bands),
        "output": np.repeat(result.image_output.reshape(-1), n_bands),
        "band": np.tile(np.arange(n_bands), n * k),
        "wavelength": np.tile(np.array(result.wavelengths), n * k),
        "score": result.scores.reshape(-1),
    }
    return {name: columns[name] for name in IMAGE_COLUMNS}


def map_columns(maps: BandMaps) -> dict[str, np.ndarray]:
    """Columns of the table of maps, the band varying fastest; positions counted from 0, the rest as in the others."""
    values = np.moveaxis(maps.values, maps.band_axis + 1, -1)
    image, explained, *pixels, band = (at.reshape(-1) for at in np.indices(values.shape, dtype=np.int64))
    return {
        "image": image,
        "class": maps.image_class[image],
        "output": maps.image_output[image, explained],
        **dict(zip(pixel_names(len(pixels)), pixels, strict=True)),
        "band": band,
        "wavelength": np.array(maps.wavelengths, dtype=np.float64)[band],
        "attribution": values.reshape(-1),
    }


def layer_columns(layers: LayerList) -> dict[str, np.ndarray]:
    """Columns of the table of layers; shapes as texts, empty without a kernel; -1 features where that is unknown."""
    from ..features.listing import shape_text

    return {
        "layer": np.array(layers.names, np.str_),
        "kind": np.array(layers.kinds, np.str_),
        "output_shape": np.array([shape_text(shape) for shape in layers.output_shapes], np.str_),
        "kernel_shape": np.array([shape_text(shape) for shape in layers.kernel_shapes], np.str_),
        "n_features": np.array([-1 if n is None else n for n in layers.n_features], np.int64),
    }


def feature_columns(result: FeatureImages, level: str) -> dict[str, np.ndarray]:
    """Columns of a table of feature images, by level; `layer`, `feature` and `band` as codes."""
    n, rows, cols, n_bands = result.values.shape
    codes = {name: code for code, name in enumerate(dict.fromkeys(result.names))}
    own = {
        "layer": np.zeros(n, np.int64),
        "feature": np.array([codes[name] for name in result.names], np.int64),
        "image": result.image,
    }
    waves = np.array(result.wavelengths, np.float64)
    if level == "feature":
        return {
            **own,
            "activation_before": result.activation_before,
            "activation_after": result.activation_after,
            "steps": result.done,
            "restarts": result.restarts,
            "dead": result.dead,
        }
    if level == "trace":
        steps = result.trace.shape[1]
        return {
            **{name: np.repeat(column, steps) for name, column in own.items()},
            "step": np.tile(np.arange(steps), n),
            "activation": result.trace.reshape(-1),
        }
    if level == "band":
        pixels = result.values.reshape(n, rows * cols, n_bands).astype(np.float64)
        return {
            **{name: np.repeat(column, n_bands) for name, column in own.items()},
            "band": np.tile(np.arange(n_bands), n),
            "wavelength": np.tile(waves, n),
            "mean": pixels.mean(axis=1).reshape(-1),
            "std": pixels.std(axis=1).reshape(-1),
            "low": np.tile(result.low, n),
            "high": np.tile(result.high, n),
            "contrast": result.contrast.reshape(-1),
        }
    at, row, col, band = (index.reshape(-1) for index in np.indices(result.values.shape, dtype=np.int64))
    return {
        **{name: column[at] for name, column in own.items()},
        "row": row,
        "col": col,
        "band": band,
        "wavelength": waves[band],
        "value": result.values.reshape(-1),
    }


def kernel_columns(result: LayerKernels, level: str) -> dict[str, np.ndarray]:
    """Columns of a table of kernels, by level; `band` as codes, `kernel` by its position in the layer."""
    waves = np.array(result.wavelengths, np.float64)
    if level == "band":
        n, n_bands = result.profile.shape
        total = result.profile.sum(axis=1, keepdims=True)
        share = np.divide(result.profile, total, out=np.full((n, n_bands), np.nan), where=total > 0)
        return {
            "kernel": np.repeat(result.kernel, n_bands),
            "band": np.tile(np.arange(n_bands), n),
            "wavelength": np.tile(waves, n),
            "norm": result.profile.reshape(-1),
            "share": share.reshape(-1),
            "sum": result.values.sum(axis=(1, 2)).reshape(-1),
        }
    at, row, col, band = (index.reshape(-1) for index in np.indices(result.values.shape, dtype=np.int64))
    return {
        "kernel": result.kernel[at],
        "row": row,
        "col": col,
        "band": band,
        "wavelength": waves[band],
        "weight": result.values.reshape(-1),
    }


def activation_columns(result: LayerActivations, level: str) -> dict[str, np.ndarray]:
    """Columns of a table of activations, by level; `feature` as codes."""
    from ..features.activations import STATISTICS, over_positions

    n, k = len(result.values), len(result.names)
    if level == "image":
        return {
            "image": np.repeat(np.arange(n), k),
            "feature": np.tile(np.arange(k), n),
            **{name: over_positions(result.values, name).reshape(-1) for name in STATISTICS},
        }
    image, *pixels, feature = (index.reshape(-1) for index in np.indices(result.values.shape, dtype=np.int64))
    return {
        "image": image,
        **dict(zip(pixel_names(len(pixels)), pixels, strict=True)),
        "feature": feature,
        "activation": result.values.reshape(-1),
    }


def top_columns(result: TopImages, level: str) -> dict[str, np.ndarray]:
    """Columns of a table of the images that excite features most, by level; `feature` and `band` as codes."""
    n, k, n_bands = result.mean.shape
    own = {
        "feature": np.repeat(np.arange(n), k),
        "place": np.tile(np.arange(1, k + 1), n),
        "image": result.index.reshape(-1),
    }
    if level == "image":
        return {**own, "activation": result.activation.reshape(-1)}
    return {
        **{name: np.repeat(column, n_bands) for name, column in own.items()},
        "band": np.tile(np.arange(n_bands), n * k),
        "wavelength": np.tile(np.array(result.wavelengths, np.float64), n * k),
        "mean": result.mean.reshape(-1),
        "std": result.std.reshape(-1),
    }


def pixel_names(n_axes: int) -> list[str]:
    """What positions of pixels are called that have so many axes."""
    if n_axes < 3:
        return [[], ["pixel"], ["row", "col"]][n_axes]
    return [f"pixel_{axis + 1}" for axis in range(n_axes)]
