"""Every band of every image, a strip per feature: which bands a neuron looks at, and what it wants to see there.

All tiles share one diverging scale about the middle of each band's range, so that bands can be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from ..errors import OptionError
from .axes import NAMED
from .curves import band_names
from .feature_grid import image_names, need_pixels, source, title
from .labels import longest, wrap
from .palette import ink
from .panels import wrap_lines
from .pictures import signed_scale
from .theme import SMALL, characters, theme_bandlens

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
    return tiles(
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


def tiles(
    values: np.ndarray,
    row_names: list[str],
    band_labels: list[str],
    limit: float,
    *,
    title: str,
    notes: list[str],
    fill: str,
    width: float,
    base_size: float,
) -> p9.ggplot:
    """Tiles of images x bands on the diverging scale; `values` has shape (images, bands, rows, cols)."""
    n, n_bands, rows, cols = values.shape
    gap = max(0.08 * cols, 0.4)
    high = max(0.08 * rows, 0.4)
    image, band, row, col = (at.reshape(-1) for at in np.indices(values.shape))
    frame = pd.DataFrame(
        {
            "x": band * (cols + gap) + col,
            "y": -(image * (rows + high) + row),
            "value": values.reshape(-1),
        }
    )
    room = characters(width, base_size)
    names = [wrap(name, int(min(0.25 * room, 16))) for name in row_names]
    left = longest(names) + 1
    pitch = (room - left) / n_bands
    turned = longest(band_labels) + 0.5 > pitch
    middle = np.arange(n_bands) * (cols + gap) + (cols - 1) / 2
    across = n_bands * (cols + gap)
    subtitle = wrap_lines("\n".join(notes), width, base_size)
    line = 25.4 * 1.25 * base_size / 72
    tall = (room - left) / room * width * n * (rows + high) / across / line
    above = 0.5 * longest(band_labels) if turned else 1.2
    return (
        p9.ggplot(frame, p9.aes("x", "y"))
        + p9.geom_tile(p9.aes(fill="value"), width=1, height=1)
        + signed_scale(limit)
        + p9.scale_x_continuous(breaks=middle.tolist(), labels=band_labels, expand=(0, 0))
        + p9.scale_y_continuous(
            breaks=(-(np.arange(n) * (rows + high) + (rows - 1) / 2)).tolist(), labels=names, expand=(0, 0)
        )
        + p9.coord_fixed()
        + theme_bandlens(base_size, width=width, lines=8 + subtitle.count("\n") + tall + above)
        + p9.theme(
            axis_text_x=p9.element_text(
                rotation=90 if turned else 0, ha="center", va="top", size=SMALL * base_size, color=ink("subtle")
            ),
            axis_title=p9.element_blank(),
        )
        + p9.labs(title=title, subtitle=subtitle, fill=fill)
    )
