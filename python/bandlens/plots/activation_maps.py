"""Where in an image the features of a layer are active: a map per feature, all on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from ..errors import OptionError, ResultError
from .palette import colours
from .pictures import check_number, drawn, pixel_frame, signed_scale

if TYPE_CHECKING:
    from ..features import LayerActivations


def draw(result: LayerActivations, image: int = 0, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Maps of one image, a panel per feature.

    Parameters
    ----------
    result : LayerActivations
        At most 64 features, of a layer with rows and columns.
    image : int
        Position of the image.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    ResultError
        If the layer has no spatial output in two dimensions.
    OptionError
        If there is no such image, or there are more features.
    """
    if result.values.ndim != 4:
        raise ResultError(
            f"Layer '{result.layer}' has no spatial output that could be drawn as maps.",
            expected="a layer with rows and columns",
            given=f"activations of shape {result.values.shape}",
            fix="take `to_frame()`",
        )
    n = len(result.values)
    if isinstance(image, bool) or not isinstance(image, (int, np.integer)) or not 0 <= image < n:
        raise OptionError("There is no such image.", expected=f"image from 0 to {n - 1}", given=repr(image))
    check_number(len(result.names), "features")
    maps = np.moveaxis(result.values[image], -1, 0).astype(np.float64)
    panels = [str(at) for at in range(len(maps))]
    largest = float(np.abs(maps).max()) or 1.0
    if maps.min() < 0:
        scale = signed_scale(largest)
    else:
        scale = p9.scale_fill_gradientn(colors=colours("share"), limits=(0, largest))
    silent = int((maps == 0).all(axis=(1, 2)).sum())
    note = f"; {silent} of {len(maps)} features silent" if silent else ""
    return drawn(
        pixel_frame(panels, maps, "value"),
        {panel: f"feature {name}" for panel, name in zip(panels, result.names, strict=True)},
        (maps.shape[1], maps.shape[2]),
        title=f"Activations of layer '{result.layer}'",
        notes=[f"image {image}; {result.kind}, all features on one scale{note}"],
        width=width,
        base_size=base_size,
        scale=scale,
        fill="Activation",
    )
