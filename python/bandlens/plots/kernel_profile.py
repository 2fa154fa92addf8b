"""How strongly each kernel weighs each band: kernels in rows, bands in columns, the share of each band as a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotnine as p9

from ..data.positions import first
from .axes import Bands, band_axis
from .palette import colours, ink
from .panels import wrap_lines
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..features import LayerKernels


def draw(result: LayerKernels, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Tiles of kernels x bands.

    Parameters
    ----------
    result : LayerKernels
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    frame = result.to_frame("band")
    names = [str(first() + at) for at in result.kernel.tolist()]
    frame["kernel"] = (first() + frame["kernel"]).astype(str)
    room = characters(width, base_size) - 8
    axis = band_axis(Bands(result.bands, result.wavelengths), room=room)
    every = max(1, -(-len(names) // 32))
    high = max(len(names) * (1.3 if len(names) <= 32 else 0.4), 4)
    note = "share of each band in the kernel's sum of norms over pixels"
    subtitle = wrap_lines(f"{result.kind}; {note}", width, base_size)
    tile = room / len(result.bands)
    return (
        p9.ggplot(frame, p9.aes("band", "kernel"))
        + p9.geom_tile(p9.aes(fill="share"), color=ink("paper"), size=0.4 if tile > 2 else 0)
        + p9.scale_fill_gradientn(
            colors=colours("share"),
            limits=(0, float(frame["share"].max())),
            labels=lambda breaks: [f"{100 * value:.0f} %" for value in breaks],
            na_value=ink("missing"),
        )
        + p9.scale_y_discrete(limits=names[::-1], breaks=names[::every], expand=(0, 0))
        + theme_bandlens(base_size, width=width, lines=8 + subtitle.count("\n") + high + axis.lines)
        + axis.parts
        + p9.labs(
            title=f"Bands that kernels of layer '{result.layer}' weigh", subtitle=subtitle, y="Kernel", fill="Share"
        )
    )
