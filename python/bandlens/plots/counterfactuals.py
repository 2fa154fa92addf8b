"""What changes the class: how often each band does from class to class, and spectra of images before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from ..data.positions import first
from ..errors import OptionError, ResultError
from .axes import NAMED, Bands, band_axis
from .labels import longest, wrap
from .palette import colours, ink, ramp, text_on
from .panels import more_lines, strip_width
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.counterfactuals import Counterfactuals

TO = " to "  # an arrow is no character of PDF's own fonts
PAIRS = 20  # pairs of classes, of which those with most images are shown
IMAGES = 12  # panels of spectra
COLUMNS = 3
WHO = ("image", "changed", "neighbour")


def draw_tiles(result: Counterfactuals, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Pairs of classes x bands: in what share of the images the band changes, and how far in standard deviations.

    Parameters
    ----------
    result : Counterfactuals
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
        If no class was changed.
    """
    frame = result.to_frame("class")
    if frame.empty:
        raise ResultError("No class was changed, so that there is nothing to draw.", fix="see `summary()`")
    frame = frame.assign(pair=_pairs(frame))
    often = frame.drop_duplicates("pair").sort_values("n", ascending=False, kind="stable")["pair"].head(PAIRS)
    shown = [pair for pair in frame["pair"].drop_duplicates() if pair in set(often)]
    tiles = frame[frame["pair"].isin(shown)].copy()
    room = characters(width, base_size)
    counts = tiles.drop_duplicates("pair").set_index("pair")["n"]
    names = [wrap(f"{pair} ({counts[pair]})", int(0.35 * room)) for pair in shown]
    room -= longest(names) + 2
    axis = band_axis(Bands(result.bands, result.wavelengths), room=room)
    tiles["text"] = [_text(share, change) for share, change in zip(tiles["share"], tiles["change_sd"], strict=True)]
    tiles["ink"] = text_on(ramp("share", tiles["share"]))
    left = (
        f"; {len(counts)} of {frame['pair'].nunique()} pairs of classes" if len(often) < frame["pair"].nunique() else ""
    )
    note = (
        f"{len(result.found)} of {result.n} images; colour: share of images in which the band changes; below: mean "
        f"change in standard deviations; in brackets: images{left}"
    )
    subtitle = wrap(note, int(characters(width, base_size)))
    height = 2.2 + 0.9 * max(name.count("\n") for name in names)
    lines = 6 + subtitle.count("\n") + height * len(shown) + axis.lines
    plot = (
        p9.ggplot(tiles, p9.aes("band", "pair"))
        + p9.geom_tile(p9.aes(fill="share"), color=ink("paper"), size=0.4 if len(result.bands) <= NAMED else 0)
        + p9.scale_fill_gradientn(colors=colours("share"), limits=(0, 1), labels=_percent)
        + p9.scale_y_discrete(limits=shown[::-1], labels=names[::-1], expand=(0, 0))
        + theme_bandlens(base_size, width=width, lines=lines)
        + axis.parts
        + p9.theme(axis_title_y=p9.element_blank())
        + p9.labs(title="Which bands change the class?", subtitle=subtitle, fill="Images")
    )
    if len(result.bands) <= NAMED and room / len(result.bands) > 5:
        for colour, part in tiles.groupby("ink"):
            plot += p9.geom_text(p9.aes(label="text"), part, size=SMALL * base_size, color=colour, lineheight=1)
    return plot


def draw_spectra(
    result: Counterfactuals,
    *,
    images: Sequence[int] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Mean spectra of images, of the changed images, and of those that bands are taken from, a panel per image.

    Parameters
    ----------
    result : Counterfactuals
    images : sequence of int, optional
        Positions of at most 12 images whose class was changed; by default the first of each pair of classes.
    base_size, width : float
        Font size in points, width of the picture in mm.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If there are no such images, or too many.
    ResultError
        If no class was changed.
    """
    chosen = _chosen(result, images)
    panels = [str(at) for at in chosen]
    spectra = pd.concat([_spectra(result, at, panel) for at, panel in zip(chosen, panels, strict=True)])
    spectra["panel"] = pd.Categorical(spectra["panel"], panels, ordered=True)
    spectra["who"] = pd.Categorical(spectra["who"], WHO, ordered=True)
    spectra["band"] = pd.Categorical(spectra["band"], result.bands, ordered=True)
    columns = min(COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    room = characters(width, base_size)
    axis = band_axis(Bands(result.bands, result.wavelengths), room=(room - 6 * columns) / columns, expand=0.3)
    strip = strip_width(room - 6 * columns, columns)
    titles = {panel: wrap(_title(result, at), strip) for at, panel in zip(chosen, panels, strict=True)}
    marked = spectra[spectra["marked"]]
    before, after = colours("band")[0], colours("band")[2]
    note = "mean of each band over the pixels; points: bands that change, taken from the neighbour, a real image"
    subtitle = wrap(note, int(room))
    return (
        p9.ggplot(spectra, p9.aes("band", "level", group="who"))
        + p9.geom_line(p9.aes(color="who", linetype="who", size="who"))
        + p9.geom_point(p9.aes(color="who"), marked, size=1.6)
        + p9.scale_color_manual(values=dict(zip(WHO, (before, after, ink("subtle")), strict=True)), limits=list(WHO))
        + p9.scale_linetype_manual(values=dict(zip(WHO, ("solid", "solid", "dotted"), strict=True)), limits=list(WHO))
        + p9.scale_size_manual(values=dict(zip(WHO, (0.5, 0.9, 0.5), strict=True)), limits=list(WHO))
        + p9.facet_wrap("panel", ncol=columns, scales="free_y", labeller=p9.as_labeller(titles))
        + theme_bandlens(base_size, width=width, lines=8 + rows * (11 + more_lines(titles)) + axis.lines)
        + axis.parts
        + p9.theme(
            legend_position="bottom",
            legend_key_width=20,
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
        )
        + p9.labs(title="What would change the class?", subtitle=subtitle, y="Level", color="", linetype="", size="")
    )


def _chosen(result: Counterfactuals, images: Sequence[int] | None) -> list[int]:
    if not len(result.found):
        raise ResultError("No class was changed, so that there is nothing to draw.", fix="see `summary()`")
    if images is None:
        pairs = result.image_class[result.found] * len(result.classes) + result.counterfactual_class[result.found]
        at = np.sort(np.unique(pairs, return_index=True)[1])[:IMAGES]
        return [int(one) for one in result.found[at]]
    chosen = [int(one) for one in np.atleast_1d(np.asarray(images))]
    wrong = [one for one in chosen if one not in set(result.found.tolist())]
    if wrong or not 1 <= len(chosen) <= IMAGES:
        raise OptionError(
            "These images have no spectra to draw.",
            expected=f"1 to {IMAGES} of the {len(result.found)} images whose class was changed",
            given=f"image {wrong[0] + first()}" if wrong else f"{len(chosen)} images",
        )
    return chosen


def _title(result: Counterfactuals, at: int) -> str:
    own, other = result.classes[result.image_class[at]], result.classes[result.counterfactual_class[at]]
    return f"{at + first()}: {own}{TO}{other}"


def _spectra(result: Counterfactuals, at: int, panel: str) -> pd.DataFrame:
    levels = (result.before[at], result.after[at], result.neighbour_levels[at])
    parts = [
        pd.DataFrame({"panel": panel, "who": who, "band": result.bands, "level": own, "marked": False})
        for who, own in zip(WHO, levels, strict=True)
    ]
    for part in parts[:2]:
        part["marked"] = result.changed[at]
    return pd.concat(parts)


def _pairs(frame: pd.DataFrame) -> list[str]:
    both = zip(frame["class"], frame["counterfactual_class"], strict=True)
    return [f"{own}{TO}{other}" for own, other in both]


def _text(share: float, change: float) -> str:
    return "" if share == 0 else f"{100 * share:.0f} %\n{change:+.2f}"


def _percent(values: Sequence[float]) -> list[str]:
    return [f"{100 * value:.0f} %" for value in values]
