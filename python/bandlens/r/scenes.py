"""Scenes that the core scores for R: what workers share out, and series.

R opens rasters by terra, and says which layers of which files they are made of, so that the core, or its workers, read
these themselves. Both must read the same numbers: files with masks, which terra does not look at, are refused, and some
pixels are compared before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.words import few
from ..errors import SceneError
from .conversions import Answer, answer
from .images import images_and_options
from .watching import Watching

if TYPE_CHECKING:
    from ..scenes.rasters import Raster

# part by which two programs may read a number differently, when they apply scale and offset
CLOSE = 1e-6


@answer
def score_scene(
    model: Any,
    rasters: Sequence[Any] | Mapping[str, Any],
    arguments: Mapping[str, Any],
    progress: Callable[[int, int], Any] | None,
) -> Answer:
    """Scores all over a scene, written to a GeoTIFF.

    Parameters
    ----------
    model : object
    rasters : list of one dict, or dict of dict by names of inputs
        Each with `called`, as in errors, and `numbers` and `names`, of a row of numbers; or `steps`, a list of dicts,
        one, or of a series one for each of `times`, which have

        - `bands`, names; `pixels`, an array (n, 2) of rows and columns, counted from 0, and `read`, (n, bands), what
          terra reads there;
        - `paths` and `layers`, for each path a list of layers, counted from 1; or `values`, (rows, cols, bands),
          `transform`, six numbers as of rasterio, and `crs`, as WKT.
    arguments : dict
        Of `bandlens.score_scene`, by name, with `path`.
    progress : callable or None

    Returns
    -------
    dict
        ``value``: `classes`, names of the predicted classes, empty without `prediction`; `scored` and `missing`, counts
        of cells; `pixels`, whether cells are pixels, `completeness`.
    """
    from ..scenes import score_scene as compute

    model, _, options = images_and_options(model, None, arguments)
    scene = _each(rasters) if isinstance(rasters, Mapping) else _opened(rasters[0])
    found = compute(model, scene, **options, progress=Watching(progress) if progress else False)
    return {
        "classes": list(found["prediction"].attrs["classes"]) if "prediction" in found else [],
        "scored": int(found.attrs["n_scored"]),
        "missing": int(found.attrs["n_missing"]),
        "pixels": found.attrs["task"] == "segmentation",
        "completeness": found.attrs.get("completeness"),
    }


def _each(rasters: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, given in rasters.items():
        if "numbers" not in given:
            found[name] = _opened(given)
        elif given.get("names"):
            found[name] = dict(zip(given["names"], given["numbers"], strict=True))
        else:
            found[name] = list(given["numbers"])
    return found


def _opened(given: Mapping[str, Any]) -> Raster:
    """The raster that R has described, or the series."""
    from ..scenes.opening import series_of

    called, times = given["called"], given.get("times")
    steps = [_step(one, called) for one in given["steps"]]
    if times is None:
        return steps[0]
    return series_of(steps, tuple(times), called)


def _step(given: Mapping[str, Any], called: str) -> Raster:
    from ..scenes.opening import held, of_files
    from ..scenes.rasters import Region

    bands = tuple(given["bands"])
    if "values" in given:
        return held(np.array(given["values"], np.float64), bands, given["transform"], given["crs"], called)
    layers = tuple(tuple(int(layer) for layer in own) for own in given["layers"])
    raster = of_files(tuple(given["paths"]), called, layers, bands)
    _check_no_masks(given["paths"], layers, called)
    places = np.asarray(given["pixels"], np.int64).reshape(-1, 2)
    ours = np.array([raster.read(Region(int(row), int(col), 1, 1))[0, 0] for row, col in places])
    theirs = np.asarray(given["read"], np.float64).reshape(ours.shape)
    off = _apart(ours, theirs)
    if off.any():
        at, band = np.argwhere(off)[0]
        row, col = places[at] + 1
        raise SceneError(
            f"`{called}` is read differently by terra and by rasterio.",
            expected=f"{theirs[at, band]:g}, as terra has it",
            given=f"{ours[at, band]:g} at row {row}, column {col} of layer {bands[band]}",
            fix="write it to a new file with `terra::writeRaster()`, and give that",
        )
    return raster


def _apart(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Which numbers are not the same, but for rounding; columns are bands."""
    finite = np.isfinite(ours) & np.isfinite(theirs)
    mine, other = np.where(finite, ours, 0), np.where(finite, theirs, 0)
    far = np.abs(mine - other) > CLOSE * np.abs(other).max(axis=0, initial=0)
    alike = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    found: np.ndarray = np.where(finite, far, ~alike)
    return found


def _check_no_masks(paths: Sequence[str], layers: Sequence[tuple[int, ...]], called: str) -> None:
    from ..scenes.needed import needed
    from ..scenes.rasters import masked

    hidden = []
    for path, own in zip(paths, layers, strict=True):
        with needed("rasterio", "A raster file").open(path) as file:
            if masked(file, own):
                hidden.append(path)
    if hidden:
        raise SceneError(
            f"`{called}` has a mask, which terra does not look at.",
            expected="files whose missing pixels have a number for no data",
            given=few(hidden),
            fix="write it to a new file with `terra::writeRaster()`, and give that",
        )
