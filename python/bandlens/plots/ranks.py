"""Bands in order of importance, a row of tiles per class: who comes first, second, third, and whether classes agree.

A tile has the colour and the name of its band, so that a band can be followed from class to class by its colour. Where
there are many bands only the first few are shown, by their wavelengths, and the colours tell parts of the spectrum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from .axes import NAMED, band_ticks
from .labels import longest, several_outputs, subtitle, wrap
from .palette import band_colours, ink, text_on
from .panels import more_lines, most_of, present, strip_width, wrap_lines
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.importance import BandImportance

MANY = 10  # ranks shown where there are more bands than are named on an axis
FEW = 5  # as many are always shown, in smaller print if need be


def draw(
    result: BandImportance,
    *,
    top: int | None = None,
    values: bool | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Class x rank tiles with the names of bands, in the bands' colours.

    Parameters
    ----------
    result : BandImportance
    top : int, optional
        How many ranks to show; by default as many as fit, of more than 26 bands at most ten.
    values : bool, optional
        Whether to print each band's share of importance below its name; by default where there is room.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and how many ranks are shown.

    Returns
    -------
    plotnine.ggplot
    """
    frame = result.to_frame()
    n_bands = len(result.bands)
    classes = present(frame, "class")
    outputs = present(frame, "output") if several_outputs(frame) else []
    room = characters(width, base_size)
    names = [wrap(name, int(min(0.35 * room, 30))) for name in classes]
    room -= longest(names) + 2

    by_nm = n_bands > NAMED and bool(np.isfinite(result.wavelengths).all())
    texts = [f"{wave:.0f}" for wave in result.wavelengths] if by_nm else [wrap(name, 1) for name in result.bands]
    needed = 0.85 * (longest(texts) + 1)
    shown = most_of(top, n_bands)
    if top is None:
        shown = min(n_bands, MANY if n_bands > NAMED else NAMED, max(int(room / needed), FEW))
    columns = max(1, min(len(outputs), int(room / (needed * shown))))
    tile = room / columns / shown
    if not by_nm:
        texts = [wrap(name, max(int(tile / 0.85) - 1, 1)) for name in result.bands]
    size = base_size * float(np.clip(tile / (longest(texts) + 1), 0.6, SMALL))
    printed = 0.85 * len("100 %") <= tile if values is None else values

    frame = frame[frame["rank"] <= shown]
    fills = dict(zip(result.bands, band_colours(result.bands, result.wavelengths), strict=True))
    known = frame[frame["share"].notna()]
    known = known.assign(
        text=[
            texts[code] + (f"\n{100 * share:.0f} %" if printed else "")
            for code, share in zip(known["band"].cat.codes, known["share"], strict=True)
        ],
        ink=text_on([fills[band] for band in known["band"]]),
    )
    note = "below each name: share of importance" if printed else "1: most important"
    if shown < n_bands:
        note += f"; first {shown} of {n_bands} bands"
    note = wrap_lines(subtitle(result, frame, note), width, base_size)

    titles = {name: wrap(f"{result.output} of {name}", strip_width(room, columns)) for name in outputs}
    line = size / base_size
    inside = line * (1 + max(text.count("\n") for text in texts) + printed) + 0.7
    height = sum(max(inside, 1.7 + 0.8 * name.count("\n")) for name in names)
    rows = -(-len(outputs) // columns) or 1
    strip = 1.5 + more_lines(titles) if outputs else 0
    plot = (
        p9.ggplot(frame, p9.aes("rank", "class"))
        + p9.geom_tile(p9.aes(fill="band"), data=known, color=ink("paper"), size=0.4)
        + p9.geom_text(p9.aes(label="text", color="ink"), data=known, size=size, lineheight=1.1)
        + p9.scale_color_identity()
        + p9.scale_x_continuous(breaks=list(range(1, shown + 1)), limits=(0.5, shown + 0.5), expand=(0, 0))
        + p9.scale_y_discrete(limits=classes[::-1], labels=names[::-1], expand=(0, 0))
        + theme_bandlens(
            base_size, width=width, lines=8 + note.count("\n") + rows * (max(height, 4) + strip) + 3 * (n_bands > NAMED)
        )
        + p9.theme(axis_title_y=p9.element_blank(), legend_key_width=2 * base_size)
        + p9.labs(title="Bands in order of importance, by class", subtitle=note, x="Rank", y="")
    )
    positions, ticks, title = band_ticks(result.bands, result.wavelengths)
    # a key to the colours, which follow the spectrum, unless names of bands at steps are too long for it
    if n_bands > NAMED and (longest(ticks) + 6) * len(ticks) < 2 * characters(width, base_size):
        breaks = [result.bands[at] for at in positions]
        keys = p9.guide_legend(nrow=1 if (longest(ticks) + 6) * len(ticks) < characters(width, base_size) else 2)
        plot += p9.scale_fill_manual(
            values=fills, limits=list(result.bands), breaks=breaks, labels=ticks, name=title, guide=keys
        )
    else:
        plot += p9.scale_fill_manual(values=fills, guide=None)
    if outputs:
        plot += p9.facet_wrap("output", ncol=columns, labeller=p9.as_labeller(titles))
    return plot
