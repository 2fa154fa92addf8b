"""Tables of a scene's scores: the importance of bands in polygons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..data.words import few
from ..errors import LocationError
from .needed import needed
from .pictures import checked_scores
from .places import column_of, kind_of, read_places
from .work import SCORE


def zonal_importance(scores: Any, zones: Any, *, by: str | None = None) -> pd.DataFrame:
    """Importance of every band in every polygon, from the scores of a scene.

    Parameters
    ----------
    scores : xarray.Dataset, str or pathlib.Path
        What `score_scene` gives, or the path of a zarr store that it wrote. It is read polygon by polygon.
    zones : GeoDataFrame, or path of a vector file
        Polygons, brought to the reference system of the scores.
    by : str, optional
        Column of `zones`: polygons of the same value are one zone. By default each polygon is one.

    Returns
    -------
    pandas.DataFrame
        One row per zone, output (where several were explained) and band: `zone` (row of `zones`, or the value of
        `by`), `output`, `band`, `wavelength`, `importance` (mean of the absolute score over the cells whose centre
        lies in the zone), `effect` (mean score), `share` (of the importance, which sums to 1 over bands), `std_error`
        (of the importance), `n` (cells with a score), and with `by` `polygons` (how many of them have cells). Zones
        without cells have `n` 0 and NaN.

    Raises
    ------
    LocationError, SceneError
        If there are no polygons, none of their cells has a score, or `scores` are none.

    Notes
    -----
    Cells near each other are alike, and patches that overlap share pixels. For a single polygon, `std_error` takes
    cells for independent draws, and is too small by a factor that may be large: read it as a lower bound. With `by`,
    it is that of the mean over polygons, each of which is one draw however many cells it has (the linearised ratio
    estimator of cluster sampling, [1]_), which holds as far as polygons are independent of each other; of a zone of
    one polygon it is NaN.

    References
    ----------
    .. [1] Cochran, W. G. (1977). Sampling Techniques, 3rd ed., Wiley: chapter 9A (9A.5).
    """
    xarray = needed("xarray", "Scores of a scene")
    if isinstance(scores, str | Path):
        scores = xarray.open_zarr(scores, decode_coords="all", chunks=None)
    scores = checked_scores(scores)
    crs = scores.rio.crs
    polygons = read_places(zones, crs.to_wkt() if crs else "", "zones")
    if kind_of(polygons, "zones") != "polygons":
        raise LocationError("`zones` are points.", expected="polygons")
    values = None if by is None else column_of(polygons, by, "zones")
    names = list(range(len(polygons))) if values is None else list(pd.unique(values))
    members = [[at] for at in range(len(polygons))]
    if values is not None:
        members = [np.flatnonzero(values.to_numpy() == name).tolist() for name in names]
    cells = [_cells_in(scores, shape) for shape in polygons.geometry]
    if not any(own.shape[-1] for own in cells):
        raise LocationError(
            "No cell with a score has its centre in one of the polygons.",
            expected=f"x {float(scores.x.min()):g} to {float(scores.x.max()):g}, "
            f"y {float(scores.y.min()):g} to {float(scores.y.max()):g}",
            given=f"bounds {few(f'{value:g}' for value in polygons.total_bounds)}",
        )
    outputs = list(map(str, scores["output"].values)) if "output" in scores[SCORE].dims else None
    bands = list(map(str, scores["band"].values))
    waves = scores["wavelength"].values if "wavelength" in scores.coords else np.full(len(bands), np.nan)
    grouped = [[cells[at] for at in own] for own in members]
    frame = zone_table(grouped, names, outputs, bands, waves, clustered=by is not None)
    for column, levels in (("output", outputs), ("band", bands)):
        if column in frame:
            frame[column] = pd.Categorical(frame[column], levels, ordered=True)
    return frame


def _cells_in(scores: Any, shape: Any) -> np.ndarray:
    """Scores of the cells of a polygon, (outputs, bands, cells), float64, of those that have one."""
    shapely = needed("shapely", "Points and polygons")
    left, bottom, right, top = shape.bounds
    near = scores[SCORE].isel(
        x=np.flatnonzero((scores.x.values >= left) & (scores.x.values <= right)),
        y=np.flatnonzero((scores.y.values >= bottom) & (scores.y.values <= top)),
    )
    x, y = np.meshgrid(near.x.values, near.y.values)
    inside = np.asarray(shapely.intersects_xy(shape, x, y))
    found = np.asarray(near.values, np.float64)
    found = (found if "output" in near.dims else found[None])[..., inside]
    return found[..., np.isfinite(found).all(axis=(0, 1))]


def zone_table(
    cells: Sequence[Sequence[np.ndarray]],
    names: Sequence[Any],
    outputs: Sequence[str] | None,
    bands: Sequence[str],
    wavelengths: np.ndarray,
    *,
    clustered: bool,
) -> pd.DataFrame:
    """The table of zones, from the cells in their polygons; R finds these by itself.

    Parameters
    ----------
    cells : sequence of sequence of ndarray of float64, shape (outputs, bands, cells)
        For each zone, for each of its polygons.
    names : sequence
        Of the zones.
    outputs : sequence of str or None
        Explained ones, where there are several.
    bands : sequence of str
    wavelengths : ndarray of float64
        In nm.
    clustered : bool
        Whether polygons are the draws, rather than cells.
    """
    parts = []
    for name, polygons in zip(names, cells, strict=True):
        columns: dict[str, Any] = {"zone": [name] * (len(outputs or (None,)) * len(bands))}
        if outputs is not None:
            columns["output"] = np.repeat(outputs, len(bands))
        columns |= {"band": np.tile(bands, len(outputs or (None,)))}
        columns |= {"wavelength": np.tile(wavelengths, len(outputs or (None,)))}
        parts.append(pd.DataFrame(columns | _measured(polygons, clustered)))
    return pd.concat(parts, ignore_index=True)


def _measured(polygons: Sequence[np.ndarray], clustered: bool) -> dict[str, Any]:
    """Columns of one zone, which may be of several polygons, in rows of outputs and bands."""
    filled = [own for own in polygons if own.shape[-1]]
    counts = np.array([own.shape[-1] for own in filled], np.float64)
    n = int(counts.sum())
    shape = polygons[0].shape[:2]
    importance = effect = std_error = np.full(shape, np.nan)
    if n:
        every = np.concatenate(filled, axis=-1)
        importance, effect = np.abs(every).mean(axis=-1), every.mean(axis=-1)
        if not clustered and n > 1:
            std_error = np.abs(every).std(axis=-1, ddof=1) / np.sqrt(n)
        elif clustered and len(filled) > 1:
            # how far each polygon's sum is from what the zone's mean would make it
            off = np.stack([np.abs(own).sum(axis=-1) - own.shape[-1] * importance for own in filled])
            std_error = np.sqrt((off**2).sum(axis=0) * len(filled) / (len(filled) - 1)) / n
    total = importance.sum(axis=1, keepdims=True)
    share = np.divide(importance, total, out=np.full(shape, np.nan), where=total > 0)
    found = {"importance": importance, "effect": effect, "share": share, "std_error": std_error}
    columns: dict[str, Any] = {name: values.ravel() for name, values in found.items()}
    return columns | {"n": n} | ({"polygons": len(filled)} if clustered else {})
