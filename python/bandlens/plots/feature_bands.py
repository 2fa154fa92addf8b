"""Every band of every image, a strip per feature: which bands a neuron looks at, and what it wants to see there.

All tiles share one diverging scale about the middle of each band's range, so that bands can be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from ..errors import OptionError
from .axes import NAMED
from .composites import band_names
from .feature_grid import image_names, need_pixels, source, title
from .mosaic import mosaic

if TYPE_CHECKING:
    from ..features import FeatureImages

MOST_FEATURES = 16
FAR = 0.999


def draw(result: FeatureImages, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """A row of tiles per image, one tile per band.

    Parameters
    ----------
    result : FeatureImages
        At most 16 images; of more than 26 bands, the 26 that hold most are shown.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    need_pixels(result)
    if result.n > MOST_FEATURES:
        raise OptionError(
            "There are too many images for one picture of all bands.",
            expected=f"at most {MOST_FEATURES}",
            given=str(result.n),
            fix="result.subset([...]).plot('bands')",
        )
    strongest = np.argsort(-np.nansum(result.contrast, axis=0), kind="stable")[:NAMED]
    shown = np.sort(strongest)
    names = band_names(result, shown.tolist())
    span = np.where(result.high > result.low, result.high - result.low, np.nan)
    inside = ((result.values.astype(np.float64) - (result.low + result.high) / 2) / span)[..., shown]
    limit = float(np.nanquantile(np.abs(inside), FAR)) or 0.5
    return mosaic(
        np.moveaxis(np.clip(inside, -limit, limit), -1, 1),
        image_names(result),
        names,
        limit,
        title=title(result, "What {} look for, by band"),
        notes=[source(result), _note(len(shown), len(result.bands))],
        fill="Deviation from the middle of the band's range (parts of the range)",
        width=width,
        base_size=base_size,
    )


def _note(shown: int, of: int) -> str:
    note = "all tiles on one scale"
    return note if shown == of else f"{note}; {shown} of {of} bands, those that hold most"
