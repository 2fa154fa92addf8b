"""Kernels of a convolution: one tile per kernel and band on one diverging scale, a kernel in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from ..data.positions import first
from ..errors import OptionError
from .axes import NAMED
from .composites import band_names
from .mosaic import mosaic

if TYPE_CHECKING:
    from ..features import LayerKernels

MOST_KERNELS = 128


def draw(result: LayerKernels, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """A row of tiles per kernel, one tile per band.

    Parameters
    ----------
    result : LayerKernels
        At most 128 kernels; of more than 26 bands, the 26 with the largest weights are shown.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    n = len(result.values)
    if n > MOST_KERNELS:
        raise OptionError(
            "There are too many kernels for one picture.",
            expected=f"at most {MOST_KERNELS}",
            given=str(n),
            fix="choose some: layer_kernels(..., features=[...])",
        )
    shown = np.sort(np.argsort(-result.profile.sum(axis=0), kind="stable")[:NAMED])
    limit = float(np.abs(result.values[..., shown]).max()) or 1.0
    rows, cols = result.values.shape[1:3]
    note = "one scale for all"
    if len(shown) < len(result.bands):
        note += f"; {len(shown)} of {len(result.bands)} bands, those with the largest weights"
    return mosaic(
        np.moveaxis(result.values[..., shown], -1, 1),
        [str(first() + at) for at in result.kernel.tolist()],
        band_names(result, shown.tolist()),
        limit,
        title=f"Kernels of layer '{result.layer}'",
        notes=[f"{result.kind}, {rows} x {cols}; a kernel in a row, a band in a column; {note}"],
        fill="Weight",
        width=width,
        base_size=base_size,
    )
