"""Activation over the steps: whether the images excite their features more and more, and have come to an end.

Each line is relative to its own largest value, so that features of any strength share an axis. The dark line is the
median.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from ..errors import ResultError
from .feature_grid import source
from .palette import colours, ink
from .panels import wrap_lines
from .theme import theme_bandlens

if TYPE_CHECKING:
    from ..features import FeatureImages


def draw(result: FeatureImages, *, base_size: float = 8, width: float = 85) -> p9.ggplot:
    """A line per image, and their median.

    Parameters
    ----------
    result : FeatureImages
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
        If there were no steps, or all features are dead.
    """
    alive = np.flatnonzero(~result.dead)
    if result.trace.shape[1] < 2 or not len(alive):
        raise ResultError("There is no trace to draw.", expected="at least two steps, and a feature that is excited")
    trace = result.trace[alive]
    largest = np.nanmax(np.abs(trace), axis=1, keepdims=True)
    part = trace / np.where(largest > 0, largest, 1.0)
    steps = trace.shape[1]
    frame = pd.DataFrame(
        {
            "image": np.repeat(alive, steps),
            "step": np.tile(np.arange(steps), len(alive)),
            "value": part.reshape(-1),
        }
    ).dropna()
    middle = frame.groupby("step", as_index=False)["value"].median()
    dead = f"; {int(result.dead.sum())} dead left out" if result.dead.any() else ""
    lines = "a line per image" if len(alive) == 1 else "a line per image, their median in front"
    notes = [source(result), f"activation: {result.activation}; {lines}{dead}"]
    subtitle = wrap_lines("\n".join(notes), width, base_size)
    return (
        p9.ggplot(frame, p9.aes("step", "value"))
        + p9.geom_line(p9.aes(group="image"), color=ink("missing"), size=0.4)
        + p9.geom_line(data=middle, color=colours("class")[0], size=0.8)
        + p9.scale_x_continuous(expand=(0.01, 0))
        + p9.scale_y_continuous(labels=lambda breaks: [f"{100 * value:.0f} %" for value in breaks], expand=(0.02, 0))
        + theme_bandlens(base_size, width=width, lines=20 + subtitle.count("\n"))
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + p9.labs(
            title=f"Activation of layer '{result.layer}' over the steps",
            subtitle=subtitle,
            x="Step",
            y="Activation (of each image's largest)",
        )
    )
