"""From attributions per pixel to one score per band: the named reductions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..data.cells import Cells
from ..data.words import choices, nearest, shown
from ..errors import OptionError

STATISTICS = {
    "band_sum": "signed sum over pixels",
    "pixel_mean_abs": "mean over pixels of the absolute value",
    "whole_band": "nothing to reduce: the band was changed as a whole",
}

SIGNED = {"band_sum": True, "pixel_mean_abs": False, "whole_band": True}


def reduce_pixels(nd: Any, attributions: Any, statistic: str, cells: Cells, before: int) -> Any:
    """Reduce an array or tensor over the pixels of each cell.

    Parameters
    ----------
    nd : module
        NumPy, or a backend's array functions.
    attributions : array or tensor, shape (..., *image shape)
    statistic : {"band_sum", "pixel_mean_abs"}
    cells : Cells
        Of the images.
    before : int
        Axes before those of the image.
    """
    if statistic == "band_sum":
        return cells.sums(nd, attributions, before)
    return cells.means(nd, nd.abs(attributions), before)


def check_statistic(statistic: str | None, allowed: Sequence[str], default: str, method: str) -> str:
    """The statistic's name, or the method's own where the user named none."""
    if statistic is None:
        return default
    if statistic not in STATISTICS:
        raise OptionError(
            "There is no such statistic.",
            expected=choices(STATISTICS),
            given=shown(statistic),
            fix=nearest(statistic, STATISTICS),
        )
    if statistic not in allowed:
        raise OptionError(
            f"The method '{method}' has no values that could be reduced in this way.",
            expected=choices(allowed),
            given=shown(statistic),
        )
    return statistic
