"""Scores of a scene as an `xarray.Dataset` with its place on the ground, from arrays of NumPy or Dask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._version import __version__
from ..data.options import plain
from ..results.cells import time_values
from .needed import needed
from .work import CONFIDENCE, NO_CLASS, PREDICTION, PROBABILITY, SCORE, SceneWork, Tally

AXES = {
    PREDICTION: ("y", "x"),
    CONFIDENCE: ("y", "x"),
    PROBABILITY: ("label", "y", "x"),
}


def dataset(work: SceneWork, arrays: Mapping[str, Any], about: Mapping[str, Any]) -> Any:
    """Arrays of all of a scene, by name, as a dataset.

    Parameters
    ----------
    work : SceneWork
    arrays : dict of array
        As `Layers.shapes` has them.
    about : dict
        Attributes.
    """
    xarray = needed("xarray", "Scores of a scene")
    needed("rioxarray", "Scores of a scene")
    grid = work.grid
    variables = {name: (axes_of(work, name), values, attributes(work, name)) for name, values in arrays.items()}
    found = xarray.Dataset(variables, coords=coordinates(work), attrs=dict(about))
    found = found.rio.write_transform(needed("affine", "A grid").Affine(*grid.transform))
    return found.rio.write_crs(grid.crs) if grid.crs else found


def axes_of(work: SceneWork, name: str) -> tuple[str, ...]:
    """Names of an array's axes."""
    if name != SCORE:
        return AXES[name]
    return ("output", "band", "y", "x") if work.layers.outputs else ("band", "y", "x")


def coordinates(work: SceneWork) -> dict[str, Any]:
    """What lies along the axes."""
    layers = work.layers
    found: dict[str, Any] = {"y": work.grid.y, "x": work.grid.x, "band": list(layers.bands)}
    if not all(np.isnan(layers.wavelengths)):
        found["wavelength"] = ("band", list(layers.wavelengths), {"units": "nm"})
    if layers.inputs is not None:
        found["input"] = ("band", list(layers.inputs))
    if layers.base is not None and layers.times is not None:
        times = layers.times if layers.time_kind == "name" else time_values(layers.times, layers.time_kind)
        found |= {"band_name": ("band", list(layers.base)), "time": ("band", list(times))}
    if layers.outputs:
        found["output"] = list(layers.outputs)
    if layers.labels:
        found["label"] = list(layers.labels)
    return found


def attributes(work: SceneWork, name: str) -> dict[str, Any]:
    """Attributes of an array."""
    layers = work.layers
    if name == PREDICTION:
        return {
            "long_name": "predicted class",
            "flag_values": np.arange(1, len(layers.classes) + 1, dtype=np.int16),
            # as CF has it, words between blanks
            "flag_meanings": " ".join("_".join(one.split()) for one in layers.classes),
            "classes": list(layers.classes),
            "_FillValue": np.int16(NO_CLASS),
        }
    said = {
        CONFIDENCE: "probability of the predicted class" if layers.scale != "output" else "output of the class",
        PROBABILITY: "probability of each label",
        SCORE: "band score",
    }
    units = {"units": layers.scale} if name == SCORE else {}
    return {"long_name": said[name], **units, "_FillValue": np.float32(np.nan)}


def about(work: SceneWork, model: Any, tally: Tally | None) -> dict[str, Any]:
    """Attributes that say what was asked and found; without a tally, only the former."""
    asked = work.asked
    said: dict[str, Any] = {
        "Conventions": "CF-1.8",
        "title": "band scores of pixels" if work.pixels else "band scores of the patch around each cell",
        "method": asked.method,
        "options": json.dumps(plain(asked.method_options), default=str, sort_keys=True),
        "target": str(asked.target),
        "task": work.task,
        "size": work.size,
        "stride": work.stride,
        "seed": asked.seed,
        "model": str(getattr(model, "name", None) or getattr(model, "__name__", type(model).__name__)),
        "bandlens": __version__,
    }
    if tally is not None:
        said.update(n_scored=tally.scored, n_missing=tally.missing)
        if tally.completeness is not None:
            said["completeness"] = tally.completeness
    return said


def plain_attribute(value: Any) -> Any:
    """An attribute as JSON has it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
