"""Columns of the tidy tables, in their contracted order: the one place where they are listed and filled.

They are plain arrays, so that pandas (`frames`) and R (`bridge`) show the same numbers without converting each other's
tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .maps import BandMaps
    from .result import BandImportance
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


def pixel_names(n_axes: int) -> list[str]:
    """What positions of pixels are called that have so many axes."""
    if n_axes < 3:
        return [[], ["pixel"], ["row", "col"]][n_axes]
    return [f"pixel_{axis + 1}" for axis in range(n_axes)]
