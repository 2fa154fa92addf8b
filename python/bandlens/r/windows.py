"""Windows of scenes, which R reads and writes: what a model says of them, and its scores, as rasters run in R.

The axis of columns comes before that of rows, and outputs and bands are one axis of layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.words import few
from ..errors import BandError
from ..explain.question import Question
from ..models.packing import input_names
from ..models.packing import model_inputs as inputs_of
from .conversions import Answer, answer, column, columns
from .images import images_and_options

# windows x rows x columns x outputs
DIMENSIONS = 4


@answer
def model_inputs(model: Any) -> Answer:
    """Shapes of a Keras model's inputs by their names, -1 where a size is open; empty where a model does not say."""
    inputs = inputs_of(model)
    shapes = [[-1 if size is None else int(size) for size in tuple(one.shape)[1:]] for one in inputs]
    return dict(zip(input_names(model), shapes, strict=True)) if inputs else {}


@answer
def window_outputs(model: Any, x: Any, arguments: Mapping[str, Any]) -> Answer:
    """What a model says of windows of a scene; arguments as for `band_importance`.

    Returns
    -------
    dict
        ``value``: `task`, `names` of the outputs, and `values`, (n, cols, rows, outputs), or (n, outputs).
    """
    from ..explain.windows import window_outputs as compute

    model, x, options = images_and_options(model, x, arguments)
    found = compute(Question.of(model, x, None, **options))
    values = found.values.swapaxes(1, 2) if found.values.ndim == DIMENSIONS else found.values
    return {"task": found.task, "names": list(found.names), "values": column(values)}


@answer
def pixel_scores(model: Any, x: Any, codes: np.ndarray, arguments: Mapping[str, Any], fit: bool) -> Answer:
    """Scores of the pixels of windows of a scene; arguments as for `band_importance`.

    Parameters
    ----------
    codes : array
        Class of each pixel, (n, rows, cols), counted from 1; 0 where it is not explained.
    fit : bool
        Whether to see if model and images fit together.

    Returns
    -------
    dict
        ``value``: `values`, (n, cols, rows, explained outputs x bands); `explained`, names of the explained outputs,
        none where each pixel is explained for its own class; `bands`, their `inputs`, and `completeness`.
    """
    from ..explain.windows import pixel_scores as compute

    model, x, options = images_and_options(model, x, arguments)
    found = compute(Question.of(model, x, None, **options), np.asarray(codes, np.int64) - 1, fit=fit)
    values = found.values.swapaxes(1, 2)
    return {
        "values": column(values.reshape(*values.shape[:3], -1)),
        "explained": [found.outputs[at] for at in found.explained],
        "bands": list(found.bands),
        "inputs": None if found.inputs is None else list(found.inputs),
        "completeness": found.completeness,
    }


@answer
def zonal_importance(
    values: Sequence[np.ndarray],
    zones: np.ndarray,
    outputs: Sequence[str],
    bands: Sequence[str],
    wavelengths: Sequence[float] | None,
    clustered: bool,
) -> Answer:
    """Importance of bands in zones; which cells lie in a polygon, R finds, where the scores are.

    Parameters
    ----------
    values : list of array
        Scores of each polygon's cells, (cells, outputs x bands), bands running fastest.
    zones : array
        Zone of each polygon, counted from 1.
    outputs : list of str
        Explained ones; empty where there is one.
    bands : list of str
    wavelengths : list of float or None
        Of the bands, in nm, NaN where unknown.
    clustered : bool
        Whether polygons are the draws, rather than cells.

    Returns
    -------
    dict
        ``value``: columns as of `bandlens.zonal_importance`; `zone`, `output` and `band` count from 0.
    """
    from ..scenes.zonal import zone_table

    waves = np.full(len(bands), np.nan) if wavelengths is None else np.array(wavelengths, np.float64)
    if len(waves) != len(bands):
        raise BandError(
            "`wavelengths` must have one entry per band.",
            expected=f"{len(bands)}, for {few(bands, 20)}",
            given=str(len(waves)),
            fix="what has no wavelength has a missing one",
        )
    shape = (max(1, len(outputs)), len(bands))
    cells = [np.asarray(own, np.float64).reshape(-1, *shape).transpose(1, 2, 0) for own in values]
    members = np.asarray(zones, np.int64).ravel() - 1
    grouped = [[cells[at] for at in np.flatnonzero(members == zone)] for zone in range(members.max() + 1)]
    numbers = [str(at) for at in range(len(bands))]
    frame = zone_table(
        grouped, range(len(grouped)), [str(at) for at in range(len(outputs))] or None, numbers,
        waves, clustered=clustered,
    )  # fmt: skip
    counted = [name for name in ("output", "band") if name in frame]
    return columns({str(name): values.to_numpy() for name, values in frame.astype(dict.fromkeys(counted, int)).items()})
