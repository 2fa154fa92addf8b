"""Band scores of the images against the level of the band, a panel per band.

They show from which level on a band speaks for a class, and whether it does so for all images alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotnine as p9

from ..errors import ResultError
from .choosing import band_titles, coloured_classes, level_axis, shown_bands, some_of
from .distribution import sample
from .labels import label, longest, subtitle, unit, wrap
from .palette import colours, ink
from .panels import more_lines, present, strip_width, wrap_lines
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.importance import BandImportance

POINTS = 1000  # per panel; more hide each other and make heavy files


def draw(
    result: BandImportance,
    *,
    top: int | None = None,
    bands: Sequence[str | int] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Scores of images as points over their band means, coloured by class.

    Parameters
    ----------
    result : BandImportance
    top : int, optional
        How many bands to show, those with the largest mean share of importance; by default all up to nine, else six.
    bands : sequence of str or int, optional
        Which bands to show, by name or position.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and panels arranged.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    ResultError
        If images have no scores of their own, or their band means are not known.
    """
    if result.drops is not None or not np.isfinite(result.band_means).all():
        raise ResultError(
            "The plot 'dependence' needs band scores and band means of single images.",
            expected="a method that scores each image",
            given=f"method {result.method!r} with a metric that is computed for a class at once"
            if result.drops is not None
            else "a result without band means",
            fix="draw the kind 'heatmap' or 'bars'",
        )
    table = result.to_frame()
    share = table.groupby("band", observed=False)["share"].mean().to_numpy()
    chosen = shown_bands(result.bands, share, bands, top)
    every = present(table, "class")
    mean = table[table["band"].cat.codes.isin(chosen)].groupby("class", observed=True)["importance"].mean()
    named = coloured_classes(every, [mean[name] for name in every], None)

    frame = result.to_frame("image")
    codes = frame["band"].cat.codes.to_numpy()
    # an image may have several rows of scores
    row = np.repeat(np.arange(len(result.scores)), result.scores[0].size)
    frame["level"] = result.band_means[row, codes]
    frame = frame[np.isin(codes, chosen)]
    images = max(1, POINTS // result.scores.shape[1])
    every_image = np.arange(result.n) if result.images is None else np.unique(result.images)
    drawn = frame[frame["image"].isin(sample(every_image, images, result.seed))]
    front, behind = drawn[drawn["class"].isin(named)], drawn[~drawn["class"].isin(named)]

    room = characters(width, base_size) - 9
    columns = max(1, min(int(room / 20), math.ceil(math.sqrt(len(chosen)))))
    strip = strip_width(room, columns)
    texts = band_titles(result.bands, result.wavelengths, chosen)
    titles = {name: wrap(text, strip) for name, text in texts.items()}
    note = "points: images"
    if images < result.n:
        note = f"points: {images} images, drawn with seed {result.seed}"
    which = "bands" if bands is not None else "bands, those with the largest mean share"
    note += some_of(len(chosen), len(result.bands), which)
    note += some_of(len(named), len(every), "classes in colour, those with the largest importance")
    note = wrap_lines(subtitle(result, table, note), width, base_size)
    names = [wrap(name, 25) for name in named]
    keys = max(1, min(len(names), int(room / (longest(names) + 4))))
    key_lines = sum(1.3 * (1 + name.count("\n")) for name in names[::keys])
    rows = -(-len(chosen) // columns)
    plot = p9.ggplot(front, p9.aes("level", "score")) + p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
    if len(behind):
        plot += p9.geom_point(data=behind, color=ink("missing"), size=0.7, stroke=0)
    return (
        plot
        + p9.geom_point(p9.aes(color="class"), size=0.9, stroke=0, alpha=0.8)
        + p9.scale_color_manual(
            values=dict(zip(named, colours("class"), strict=False)),
            limits=named,
            labels=names,
            guide=p9.guide_legend(ncol=keys, override_aes={"size": 2, "alpha": 1}),
        )
        + p9.scale_x_continuous(**level_axis())
        + p9.facet_wrap("band", ncol=columns, scales="free_x", labeller=p9.as_labeller(titles))
        + theme_bandlens(
            base_size, width=width, lines=9 + note.count("\n") + rows * (11 + more_lines(titles)) + key_lines
        )
        + p9.theme(
            legend_key_width=1.5 * base_size,
            legend_position="bottom" if len(every) > 1 else "none",
            legend_text=p9.element_text(ma="left"),
            legend_title=p9.element_blank(),
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
            panel_spacing_x=0.03,
            plot_margin_right=0.03,
        )
        + p9.labs(
            title="Band scores against the level of the band",
            subtitle=note,
            x=label("axis", "level"),
            y=f"Band score ({unit(result)})",
        )
    )
