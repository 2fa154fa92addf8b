"""The scores of a scene as a picture: what is drawn of scores and of the scene; `plots` draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.words import choices, few, quoted, shown
from ..errors import OptionError, SceneError
from ..results import drawing
from .needed import needed
from .rasters import Raster, Region, extent_text
from .work import SCORE

if TYPE_CHECKING:
    import plotnine

# rows and columns of pixels around the centre of a cell whose mean is its colour, at most
MOST_PIXELS = 4


def plot_scene(scores: Any, scene: Any = None, **options: Any) -> plotnine.ggplot:
    """Draw the scores of a scene, a panel per band, on one scale that is symmetric about zero.

    Parameters
    ----------
    scores : xarray.Dataset
        What `score_scene` gives.
    scene : xarray.DataArray, path or list of paths, optional
        The scene that was scored, for a composite of three bands in front, each stretched from its 2 % to its 98 %
        quantile.
    **options
        `output`, name or position of one of several explained outputs (0); `bands`, names or positions of those to
        draw (all; of more than 26 the 25 with the largest sum of absolute scores); `rgb`, three bands of the composite
        by name or position; `base_size` (8 points) and `width` (175 mm).

    Returns
    -------
    plotnine.ggplot
        Cells without a score are blank. Of more than 2 ** 18 cells, a regular sample is drawn. Where single values lie
        far beyond all others, the scale ends at the 99.9 % quantile. The subtitle says so.

    Raises
    ------
    SceneError, OptionError, BandError
        If `scores` are none, or `scene` lies elsewhere, or there is no such output or band.
    """
    return drawing.draw(checked_scores(scores), "scores", scene=scene, **options)


def checked_scores(scores: Any) -> Any:
    """Scores of a scene, with the axes that they have.

    Raises
    ------
    SceneError
    """
    xarray = needed("xarray", "Scores of a scene")
    needed("rioxarray", "Scores of a scene")
    is_scored = isinstance(scores, xarray.Dataset) and SCORE in scores
    if not is_scored or not {"x", "y", "band"} <= set(scores[SCORE].dims):
        raise SceneError(
            "`scores` are no scores of a scene.",
            expected="the dataset that `score_scene` gives",
            given=f"a dataset of {few(map(quoted, scores.data_vars))}"
            if isinstance(scores, xarray.Dataset)
            else type(scores).__name__,
        )
    return scores


def scores_of(scores: Any, output: Any) -> Any:
    """Scores of one output, (band, y, x).

    Raises
    ------
    OptionError
        If there is no such output.
    """
    found = scores[SCORE]
    if "output" not in found.dims:
        if output not in (0, None):
            raise OptionError("One output is explained.", expected="no `output`", given=shown(output))
        return found
    names = list(map(str, found["output"].values))
    at = names.index(output) if output in names else output
    if isinstance(at, bool) or not isinstance(at, int | np.integer) or not 0 <= at < len(names):
        raise OptionError(
            "There is no such output.", expected=f"{choices(names)}, or its position", given=shown(output)
        )
    return found.isel(output=int(at))


def pixels_at(scene: Raster, x: np.ndarray, y: np.ndarray, cell: tuple[float, float]) -> np.ndarray:
    """Means of the pixels around the centres of cells, (bands, rows, cols), float64; NaN outside.

    Raises
    ------
    SceneError
        If the scene lies elsewhere.
    """
    x_min, x_max, y_min, y_max = scene.bounds
    if not len(x) or x[-1] < x_min or x[0] > x_max or y[0] < y_min or y[-1] > y_max:
        raise SceneError(
            "`scene` is not the scene of these scores: they lie elsewhere.",
            expected=f"x {x[0]:g} to {x[-1]:g}, y {y[-1]:g} to {y[0]:g}",
            given=extent_text(scene),
        )
    width, height = scene.resolution
    fold = [int(np.clip(own // pixel, 1, MOST_PIXELS)) for own, pixel in zip(cell, (width, height), strict=True)]
    left = np.floor((x - x_min) / width - fold[0] / 2 + 0.5).astype(int)
    top = np.floor((y_max - y) / height - fold[1] / 2 + 0.5).astype(int)
    cols = np.clip(left[:, None] + np.arange(fold[0]), 0, scene.cols - 1)
    found = np.empty((len(scene.bands), len(y), len(x)))
    for at, row in enumerate(np.clip(top, 0, scene.rows - fold[1])):
        values = scene.read(Region(int(row), 0, fold[1], scene.cols))[:, cols].astype(np.float64)
        known = np.isfinite(values)
        counts = known.sum(axis=(0, 2))
        sums = np.where(known, values, 0).sum(axis=(0, 2))
        found[:, at] = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0).T
    return found
