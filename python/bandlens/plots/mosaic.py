"""Mosaics: a row of tiles per image, one tile per band, all on one diverging scale.

All of a block is one panel, so that hundreds of tiles are quick to draw. Where bands are few, blocks of rows stand side
by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from .labels import longest, wrap
from .palette import ink
from .panels import wrap_lines
from .pictures import signed_scale
from .theme import SMALL, characters, theme_bandlens

TILE_ROOM = 5  # characters of small print that a tile needs where rows are many
MOST_IN_BLOCK = 10  # rows that need no second block


def mosaic(
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
    front: np.ndarray | None = None,
    raster: bool = False,
) -> p9.ggplot:
    """Tiles of images x bands on the diverging scale; `values` has shape (images, bands, rows, cols).

    `front` are colours of pixels (images, rows, cols) that stand before each row; `raster` is quick for large images.
    """
    n, n_bands, rows, cols = values.shape
    beside = front is not None
    band_labels = ["RGB", *band_labels] if beside else band_labels
    n_bands += beside
    room = characters(width, base_size)
    names = _wrapped(row_names, room)
    left = row_room(row_names, room)
    blocks = max(1, int(room // (left + TILE_ROOM * n_bands))) if n > MOST_IN_BLOCK else 1
    down = -(-n // blocks)
    blocks = -(-n // down)
    x_pitch, y_pitch = cols + max(0.08 * cols, 0.4), rows + max(0.08 * rows, 0.4)
    if raster:  # on a grid of whole pixels
        x_pitch, y_pitch = round(x_pitch), round(y_pitch)

    def placed(part: np.ndarray, first: int, column: str, between: Any) -> pd.DataFrame:
        if raster:  # pixels without gaps
            gaps = [(0, 0), (0, 0), (0, int(y_pitch) - rows), (0, int(x_pitch) - cols)]
            part = np.pad(part, gaps, constant_values=between)
        image, band, row, col = (at.reshape(-1) for at in np.indices(part.shape))
        x, y = (band + first) * x_pitch + col, -(image * y_pitch + row)
        frame = pd.DataFrame({"x": x, "y": y, column: part.reshape(-1), "block": image // down})
        last = (image % down == down - 1) | (image == n - 1)
        return frame[((col < cols) | (band < part.shape[1] - 1)) & ((row < rows) | ~last)]

    frame = placed(values, int(beside), "value", np.nan)
    pixel, size = (p9.geom_raster, {}) if raster else (p9.geom_tile, {"width": 1, "height": 1})
    layers = [pixel(p9.aes(fill="value"), **size)]
    if front is not None:
        composites = placed(front[:, None], 0, "colour", ink("paper"))
        layers.append(pixel(data=composites, fill=composites["colour"].tolist(), **size))
    # the last block is as high as the others
    block = np.arange(blocks)
    ends = pd.DataFrame({"x": 0.0, "y": -(((block + 1) * down - 1) * y_pitch + rows - 1), "block": block})
    pitch = (room / blocks - left) / n_bands
    turned = longest(band_labels) + 0.5 > pitch
    high, across = (down - 1) * y_pitch + rows, (n_bands - 1) * x_pitch + cols
    subtitle = wrap_lines("\n".join(notes), width, base_size)
    line = 25.4 * 1.25 * base_size / 72
    tall = (room / blocks - left) / room * width * high / across / line
    above = 0.5 * longest(band_labels) if turned else 1.2
    return (
        p9.ggplot(frame, p9.aes("x", "y"))
        + p9.geom_blank(data=ends)
        + layers
        + p9.facet_wrap("block", nrow=1, scales="free_y")
        + signed_scale(limit, between=ink("paper"))
        + p9.scale_x_continuous(
            breaks=(np.arange(n_bands) * x_pitch + (cols - 1) / 2).tolist(), labels=band_labels, expand=(0, 0)
        )
        + p9.scale_y_continuous(
            breaks=(-(np.arange(n) * y_pitch + (rows - 1) / 2)).tolist(), labels=names, expand=(0, 0)
        )
        + theme_bandlens(base_size, width=width, lines=8 + subtitle.count("\n") + tall + above)
        + p9.theme(
            aspect_ratio=high / across,
            axis_text_x=p9.element_text(
                rotation=90 if turned else 0, ha="center", va="top", size=SMALL * base_size, color=ink("subtle")
            ),
            axis_title=p9.element_blank(),
            strip_text=p9.element_blank(),
        )
        + p9.labs(title=title, subtitle=subtitle, fill=fill)
    )


def row_room(names: list[str], room: float) -> int:
    """Characters that names of rows take."""
    return longest(_wrapped(names, room)) + 2


def _wrapped(names: list[str], room: float) -> list[str]:
    return [wrap(name, max(4, int(min(0.25 * room, 16)))) for name in names]
