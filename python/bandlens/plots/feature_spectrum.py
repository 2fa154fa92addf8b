"""Mean and spread of each band in the image of each feature: what a neuron wants to see along the spectrum.

The grey band is the range of the data; the line is the mean over the image's pixels, the ribbon one standard deviation
to both sides. A band that a feature does not look at stays in the middle, without spread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from .axes import NAMED, Bands
from .feature_grid import image_names, source, title
from .labels import wrap
from .palette import colours, ink
from .panels import more_lines, strip_width, wrap_lines
from .pictures import check_number
from .spectrum import in_nm, runs, spectral_axis
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..features import FeatureImages


def draw(result: FeatureImages, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """A panel per image with the mean and the spread of its bands.

    Parameters
    ----------
    result : FeatureImages
        At most 64 images.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    check_number(result.n, "images")
    frame = result.to_frame("band")
    panels = [str(at) for at in range(result.n)]
    frame["panel"] = np.repeat(panels, len(result.bands))
    single = result.values.shape[1] * result.values.shape[2] == 1
    note = "grey: range of the data"
    if not single:
        note = "line: mean over pixels; ribbon: one standard deviation; " + note
    return lines(
        frame,
        dict(zip(panels, image_names(result), strict=True)),
        Bands(result.bands, result.wavelengths),
        title=title(result, "Spectra that {} look for"),
        notes=[source(result), note],
        width=width,
        base_size=base_size,
    )


def lines(
    frame: pd.DataFrame,
    titles: dict[str, str],
    bands: Bands,
    *,
    title: str,
    notes: Sequence[str],
    width: float,
    base_size: float,
) -> p9.ggplot:
    """Lines with ribbons over bands, in panels.

    Parameters
    ----------
    frame : DataFrame
        `panel`, `band`, `wavelength`, `mean`, `std`, `low`, `high`; perhaps `line`, a categorical: several lines per
        panel.
    titles : dict of str
        Of each panel.
    bands : Bands
    title : str
    notes : sequence of str
        Lines of the subtitle.
    width, base_size : float
    """
    room = characters(width, base_size) - 8
    measured = in_nm(bands.wavelengths)
    columns = max(1, min(int(room / 18), math.ceil(math.sqrt(len(titles)))))
    wrapped = {key: wrap(text, strip_width(room, columns) - 1) for key, text in titles.items()}
    codes = frame["band"].cat.codes.to_numpy()
    run = runs(bands.wavelengths)[codes] if measured else np.zeros(len(frame), int)
    frame = frame.assign(
        panel=pd.Categorical(frame["panel"], categories=pd.Index(list(titles)), ordered=True),
        place=frame["wavelength"] if measured else frame["band"],
        under=frame["mean"] - frame["std"],
        over=frame["mean"] + frame["std"],
    )
    several = "line" in frame
    frame["group"] = run + (1000 * frame["line"].cat.codes.to_numpy().astype(int) if several else 0)
    axis, axis_lines = spectral_axis(bands, room / columns, width)
    subtitle = wrap_lines("\n".join(notes), width, base_size)
    rows = -(-len(titles) // columns)
    paint = colours("class")
    mapping = p9.aes(color="line") if several else p9.aes()
    ribbon = p9.aes(ymin="under", ymax="over", **({"fill": "line"} if several else {}))
    fixed = {} if several else {"color": paint[0]}
    plot = (
        p9.ggplot(frame, p9.aes("place", "mean", group="group"))
        + p9.geom_ribbon(p9.aes(ymin="low", ymax="high"), fill=ink("grid"), color="none")
        + p9.geom_ribbon(ribbon, alpha=0.3, color="none", **({} if several else {"fill": paint[0]}))
        + p9.geom_line(mapping, size=0.6, **fixed)
        + p9.facet_wrap("panel", ncol=columns, labeller=p9.as_labeller(wrapped))
        + p9.scale_y_continuous(expand=(0.02, 0))
        + theme_bandlens(
            base_size,
            width=width,
            lines=6 + 2.5 * several + subtitle.count("\n") + axis_lines + rows * (9 + more_lines(wrapped)),
        )
        + axis
        + p9.labs(title=title, subtitle=subtitle, y="Value (units of the data)")
    )
    if several:
        names = list(frame["line"].cat.categories)
        plot += [
            p9.scale_color_manual(values=dict(zip(names, paint, strict=False)), limits=names),
            p9.scale_fill_manual(values=dict(zip(names, paint, strict=False)), limits=names, guide=None),
            p9.theme(legend_key_width=2 * base_size, legend_title=p9.element_blank()),
        ]
    if len(bands.bands) <= NAMED:
        plot += p9.geom_point(mapping, size=1.0, **fixed)
    return plot
