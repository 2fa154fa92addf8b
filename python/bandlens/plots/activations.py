"""What the features of a layer make of one image, all on one scale.

Maps where they have rows and columns, lines where there is one axis of positions, bars where there are no positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from ..data.positions import first
from ..errors import OptionError, ResultError
from .labels import wrap
from .palette import colours, ink
from .panels import strip_width, wrap_lines
from .pictures import check_number, drawn, pixel_frame, signed_scale
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..features import LayerActivations


def draw(result: LayerActivations, image: int = 0, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Activations by one image: a panel per feature, or a bar where there are no positions.

    Parameters
    ----------
    result : LayerActivations
        At most 64 features, if they have positions.
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
        If there are more than two axes of positions.
    OptionError
        If there is no such image, or there are more features.
    """
    axes = result.values.ndim - 2
    if axes > 2:
        raise ResultError(
            "The activations can't be drawn: they have more than two axes of positions.",
            expected="a layer with rows and columns, or fewer",
            given=f"layer '{result.layer}', activations of shape {result.values.shape}",
            fix="take `to_frame()`, and draw slices",
        )
    n = len(result.values)
    if isinstance(image, bool) or not isinstance(image, (int, np.integer)) or not 0 <= image < n:
        raise OptionError("There is no such image.", expected=f"image from 0 to {n - 1}", given=repr(image))
    if axes:
        check_number(len(result.names), "features")
    values = result.values[image].astype(np.float64)
    silent = int((values == 0).reshape(-1, len(result.names)).all(axis=0).sum())
    note = f"image {image}; {result.kind}, all features on one scale"
    if silent:
        note += f"; {silent} of {len(result.names)} features silent"
    return (_bars, _lines, _maps)[axes](result, values, note, width=width, base_size=base_size)


def _maps(result: LayerActivations, values: np.ndarray, note: str, *, width: float, base_size: float) -> p9.ggplot:
    maps = np.moveaxis(values, -1, 0)
    panels = [str(at) for at in range(len(maps))]
    largest = float(np.abs(maps).max()) or 1.0
    if maps.min() < 0:
        scale = signed_scale(largest)
    else:
        scale = p9.scale_fill_gradientn(colors=colours("share"), limits=(0, largest))
    return drawn(
        pixel_frame(panels, maps, "value"),
        dict(zip(panels, _titles(result), strict=True)),
        (maps.shape[1], maps.shape[2]),
        title=_title(result),
        notes=[note],
        width=width,
        base_size=base_size,
        scale=scale,
        fill="Activation",
    )


def _lines(result: LayerActivations, values: np.ndarray, note: str, *, width: float, base_size: float) -> p9.ggplot:
    positions, features = values.shape
    room = characters(width, base_size) - 8
    columns = max(1, min(int(room // 18), int(np.ceil(np.sqrt(features)))))
    panels = [str(at) for at in range(features)]
    frame = pd.DataFrame(
        {
            "panel": pd.Categorical(np.repeat(panels, positions), categories=pd.Index(panels), ordered=True),
            "position": np.tile(first() + np.arange(positions), features),
            "value": values.T.reshape(-1),
        }
    )
    titles = {
        panel: wrap(title, strip_width(room, columns)) for panel, title in zip(panels, _titles(result), strict=True)
    }
    subtitle = wrap_lines(note, width, base_size)
    return (
        p9.ggplot(frame, p9.aes("position", "value"))
        + p9.geom_hline(yintercept=0, color=ink("missing"), size=0.35)
        + p9.geom_line(color=colours("class")[0], size=0.5)
        + p9.facet_wrap("panel", ncol=columns, labeller=p9.as_labeller(titles))
        + p9.scale_x_continuous(expand=(0.02, 0))
        + theme_bandlens(base_size, width=width, lines=6 + subtitle.count("\n") + 7 * -(-features // columns))
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + p9.labs(title=_title(result), subtitle=subtitle, x="Position", y="Activation")
    )


def _bars(result: LayerActivations, values: np.ndarray, note: str, *, width: float, base_size: float) -> p9.ggplot:
    names = list(result.names)
    room = characters(width, base_size) - 8
    every = max(1, int(np.ceil(len(names) * (max(map(len, names)) + 1.5) / room)))
    labelled = list(range(0, len(names), every))
    frame = pd.DataFrame({"place": np.arange(len(names)), "value": values})
    subtitle = wrap_lines(note, width, base_size)
    return (
        p9.ggplot(frame, p9.aes("place", "value"))
        + p9.geom_col(fill=colours("share")[6], width=0.8)
        + p9.geom_hline(yintercept=0, color=ink("missing"), size=0.35)
        + p9.scale_x_continuous(breaks=labelled, labels=[names[at] for at in labelled], expand=(0, 0.6))
        + theme_bandlens(base_size, width=width, lines=20 + subtitle.count("\n"))
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + p9.labs(title=_title(result), subtitle=subtitle, x="Feature", y="Activation")
    )


def _title(result: LayerActivations) -> str:
    return f"Activations of layer '{result.layer}'"


def _titles(result: LayerActivations) -> list[str]:
    return [f"feature {name}" for name in result.names]
