"""Band scores of single images, a panel per class, to see whether a band matters for all its images or for a few.

Points spread in proportion to the density of scores, as in a violin. Their places follow a fixed sequence, not chance,
so that the picture is the same each time, and in R. Colour shows how bright an image is in the band: its rank among all
images, so that bands on different scales and single bright images do no harm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9
from mizani.breaks import breaks_extended
from scipy import stats

from ..errors import ResultError
from .axes import NAMED
from .labels import longest, several_outputs, subtitle, unit, wrap
from .palette import colours, ink
from .panels import OWN_SCALES, class_titles, is_free, more_lines, most_of, present, strip_width, wrap_lines
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.importance import BandImportance

MOST = 15  # bands that are all shown
MANY = 10  # shown where there are more
FEW = 30  # images of the largest class: then there is room for larger points
POINTS = 1000  # per panel; more hide each other and make heavy files
SPREAD = 0.42  # of the points of a band to either side, in bands
GOLDEN = (math.sqrt(5) - 1) / 2


def draw(
    result: BandImportance,
    *,
    top: int | None = None,
    scales: str = "fixed",
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Scores of images as points, a row per band and a panel per class, coloured by the images' band means.

    Parameters
    ----------
    result : BandImportance
    top : int, optional
        How many bands to show, those with the largest mean share of importance; by default all up to 15, else ten.
    scales : {"fixed", "free"}
        Whether panels share a scale, or each has its own.
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
        If images have no scores of their own.
    """
    if result.drops is not None:
        raise ResultError(
            "The plot 'distribution' needs band scores of single images.",
            expected="a method that scores each image",
            given=f"method {result.method!r} with a metric that is computed for a class at once",
            fix="draw the kind 'heatmap' or 'bars'",
        )
    free = is_free(scales)
    table = result.to_frame()
    chosen = _chosen(result, table, top)
    classes = present(table, "class")
    outputs = present(table, "output") if several_outputs(table) else []

    frame, drawn, every = _points(result, chosen)
    low, high = result.band_means.min(axis=0), result.band_means.max(axis=0)
    bright = bool(np.isfinite(result.band_means).all()) and bool((high > low).any())

    room = characters(width, base_size) - 4
    by_nm = len(result.bands) > NAMED and bool(np.isfinite(result.wavelengths).all())
    names = [f"{wave:.0f}" for wave in result.wavelengths] if by_nm else list(result.bands)
    names = [wrap(names[at], int(min(0.3 * room, 20))) for at in chosen]
    room -= longest(names)
    columns = len(outputs) or max(1, min(int(room / (26 if free else 18)), math.ceil(math.sqrt(len(classes)))))
    strip = strip_width(room, columns)
    titles = class_titles(table, classes, 14 if outputs else strip)
    above = {name: wrap(f"{result.output} of {name}", strip) for name in outputs}

    note = "black line: mean"
    if drawn < every:
        note += f"; points: at most {_images(len(chosen))} images per class, drawn with seed {result.seed}"
    if len(chosen) < len(result.bands):
        note += f"; {len(chosen)} of {len(result.bands)} bands, those with the largest mean share"
    if free:
        note += f"; {OWN_SCALES}"
    note = wrap_lines(subtitle(result, table, note), width, base_size)

    # a line would hide the point of a single image
    means = table[table["band"].cat.codes.isin(chosen) & (table["n"] > 1)]
    row = {at: len(chosen) - place for place, at in enumerate(chosen)}
    means = means.assign(
        mean=means["effect"] if result.signed else means["importance"],
        row=means["band"].cat.codes.map(row).astype(float),
    )
    if outputs and free:
        frame, means = _panels(frame, classes, outputs), _panels(means, classes, outputs)
    each = 1.15 + 0.9 * more_lines(names)
    rows = len(classes) if outputs else -(-len(classes) // columns)
    high_panel = max(9 if outputs else 5, each * len(chosen)) + 1.5 * free
    if free or not outputs:
        high_panel += 2 + more_lines(titles) + (1.3 if outputs else 0)
    plot = (
        p9.ggplot(frame, p9.aes("score", "row"))
        + p9.geom_vline(xintercept=0, color=ink("missing"), size=0.4)
        + p9.scale_y_continuous(
            breaks=list(range(len(chosen), 0, -1)), labels=names, limits=(0.5, len(chosen) + 0.5), expand=(0, 0)
        )
        + theme_bandlens(
            base_size, width=width, lines=9 + note.count("\n") + more_lines(above) + rows * high_panel + 3 * bright
        )
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + p9.labs(
            title="Band scores of the images, by class",
            subtitle=note,
            x=f"Band score ({unit(result)})",
            y="Wavelength (nm)" if by_nm else "Band",
        )
    )
    size = 0.7 if table["n"].max() > FEW else 1.4
    if bright:
        plot += p9.geom_point(p9.aes(color="brightness"), size=size, stroke=0)
        plot += p9.scale_color_gradientn(
            colors=colours("band_ramp"),
            limits=(0, 1),
            breaks=[0, 0.5, 1],
            labels=["lowest", "median", "highest"],
            name="Band mean of the image",
        )
    else:
        paints = colours("class") if len(classes) <= len(colours("class")) else colours("class")[:1] * len(classes)
        plot += p9.geom_point(p9.aes(color="class"), size=size, stroke=0, show_legend=False)
        plot += p9.scale_color_manual(values=dict(zip(classes, paints, strict=False)), limits=classes)
    if len(means):
        bar = p9.aes(x="mean", xend="mean", y="row - 0.36", yend="row + 0.36")
        plot += p9.geom_segment(bar, data=means, size=0.7, color=ink("text"))
    if free:  # the numbers of a panel and those of the next one need some room
        plot += p9.theme(panel_spacing_x=5.5 / width)
        plot += p9.scale_x_continuous(breaks=breaks_extended(n=4))
    if outputs and free:
        both = {f"{at}_{to}": f"{titles[at]}\n{above[to]}" for at in classes for to in outputs}
        plot += p9.facet_wrap("panel", ncol=columns, scales="free_x", labeller=p9.as_labeller(both))
    elif outputs:
        labels = p9.labeller(rows=titles.get, cols=above.get)
        plot += [
            p9.facet_grid("class", "output", labeller=labels),
            p9.theme(plot_margin_right=0.03),
        ]
    else:
        plot += p9.facet_wrap(
            "class", ncol=columns, scales="free_x" if free else "fixed", labeller=p9.as_labeller(titles)
        )
    return plot


def _panels(frame: pd.DataFrame, classes: list[str], outputs: list[str]) -> pd.DataFrame:
    """With a column for panels of a class and an output each."""
    panels = pd.Index([f"{one}_{output}" for one in classes for output in outputs])
    own = frame["class"].astype(str) + "_" + frame["output"].astype(str)
    return frame.assign(panel=pd.Categorical(own, categories=panels, ordered=True))


def _chosen(result: BandImportance, table: pd.DataFrame, top: int | None) -> list[int]:
    """Positions of the bands that are shown, in their order."""
    n_bands = len(result.bands)
    n = most_of(top, n_bands) if top is not None or n_bands <= MOST else MANY
    share = table.groupby("band", observed=False)["share"].mean().fillna(0).to_numpy()
    return sorted(np.argsort(-share, kind="stable")[:n].tolist())


def _images(n_bands: int) -> int:
    """How many images of a class are drawn."""
    return max(1, POINTS // n_bands)


def _points(result: BandImportance, chosen: list[int]) -> tuple[pd.DataFrame, int, int]:
    """Points with their places, how many there are and how many there would be without a limit."""
    frame = result.to_frame("image")
    means = result.band_means
    ranks = (stats.rankdata(means, axis=0) - 1) / max(len(means) - 1, 1)
    code = frame["band"].cat.codes.to_numpy()
    keep = np.concatenate(
        [
            sample(np.flatnonzero(result.image_class == at), _images(len(chosen)), result.seed)
            for at in np.unique(result.image_class)
        ]
    )
    shown = np.isin(code, chosen)
    part = frame[shown & frame["image"].isin(keep)].reset_index(drop=True)
    part["brightness"] = ranks[part["image"], part["band"].cat.codes]
    offset = part.groupby(["class", "output", "band"], observed=True)["score"].transform(lambda s: spread(s.to_numpy()))
    place = np.full(len(result.bands), 0)
    place[chosen] = np.arange(len(chosen), 0, -1)
    part["row"] = place[part["band"].cat.codes] + SPREAD * offset
    return part, len(part), int(shown.sum())


def sample(images: np.ndarray, n: int, seed: int) -> np.ndarray:
    """At most `n` of the images, spread evenly over them; the same in R, whose random numbers are others."""
    key = np.mod((np.arange(len(images)) + 1) * GOLDEN + seed * math.sqrt(2), 1)
    return images[np.sort(np.argsort(key, kind="stable")[:n])]


def spread(values: np.ndarray) -> np.ndarray:
    """Places from -1 to 1 next to each value: wide where values are dense, in a fixed sequence without clumps."""
    n = len(values)
    order = np.argsort(values, kind="stable")
    turn = np.empty(n)
    turn[order] = 2 * np.mod((np.arange(n) + 1) * GOLDEN, 1) - 1
    quartiles = np.quantile(values, [0.25, 0.75])
    widths = [width for width in (np.std(values), float(np.diff(quartiles)[0]) / 1.34) if width > 0]
    if n < 2 or not widths:
        return turn
    width = 0.9 * min(widths) * n**-0.2  # Silverman's rule
    density = np.exp(-0.5 * ((values[:, None] - values) / width) ** 2).sum(axis=1)
    return turn * density / density.max()
