"""What bands do together: bands x bands tiles, and bands on a circle with a line for each pair.

Tiles show numbers, with the main effects on the diagonal; a circle shows which few pairs there are to talk about. Each
has a panel per class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9
from mizani.breaks import breaks_extended

from ..data.options import whole_number
from ..errors import ResultError
from ..results.background import absent_as
from .axes import NAMED, Bands, band_axis, band_ticks
from .choosing import coloured_classes, some_of
from .effect import value_text
from .labels import label, longest, several_outputs, two_lines, wrap
from .palette import colours, ink, ramp, text_on
from .panels import class_titles, interval_note, more_lines, present, strip_width, wrap_lines
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.interactions import BandInteractions

PANELS = 9  # of classes, shown unless they are asked for
LINES = 20  # of a circle
THICK = (0.2, 3.0)  # mm
BESIDE = 0.1  # cosine from which on a name stands beside its band, not above or below it
AROUND = 1.12  # where names stand, in radii
HIGH = 1.3  # half of a panel's height, in radii
ASPECT = 0.42  # a character of small print is so many lines wide
TILE = 2.2  # characters that a tile is wide if it is no higher than wide
POSITIVE, NEGATIVE = 0.9, 0.1  # along the palette of signed values
SIGNS = ("positive", "negative", "not sure")
MEANING = "positive: together more than both add up to"


def draw_heatmap(
    result: BandInteractions,
    *,
    main: bool = True,
    classes: Sequence[str] | None = None,
    values: bool | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Band x band tiles of mean interactions on a scale that is symmetric about zero, a panel per class.

    Parameters
    ----------
    result : BandInteractions
    main : bool
        Whether the diagonal shows the main effects, in the same colours; without them, colours run to the largest
        interaction.
    classes : sequence of str, optional
        Which classes to show; by default all up to nine, else those with the largest interactions.
    values : bool, optional
        Whether to print the numbers in the tiles; by default where there is room and every band is named.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and what is printed.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    ResultError
        If no pairs of bands were computed.
    """
    frame, left_out = _pairs(result, classes)
    note = f"{MEANING}; {'diagonal: main effects' if main else 'main effects are not shown'}{left_out}"
    tiles = _tiles(result, frame, main=main)
    largest = tiles["value"].abs().max()
    largest = largest if largest > 0 else 1.0
    tiles["text"] = [value_text(value, largest) for value in tiles["value"]]

    n_bands, room = len(result.bands), characters(width, base_size)
    names = [result.bands[at] for at in band_ticks(result.bands, result.wavelengths)[0]]
    beside = [wrap(name, 16) for name in names]
    room -= longest(beside) + 2
    panels = present(frame, "panel")
    columns = _columns(len(panels), room, max(18, TILE * n_bands))
    titles = _titles(frame, panels, strip_width(room, columns))
    axis = band_axis(Bands(result.bands, result.wavelengths), room=room / columns)
    rows, tile = -(-len(panels) // columns), room / columns / n_bands
    # tiles about as high as wide: a character is 0.6 of a line wide
    lines = 9 + rows * (2.5 + more_lines(titles) + n_bands * min(max(0.5 * tile, 0.9), 3.5)) + rows * axis.lines
    plot = (
        p9.ggplot(tiles, p9.aes("other", "band"))
        + p9.geom_tile(p9.aes(fill="value"), color=ink("paper"), size=0.4 if tile > 2 else 0)
        + p9.scale_fill_gradientn(colors=colours("signed"), limits=(-largest, largest), na_value=ink("grid"))
        + p9.scale_y_discrete(limits=list(result.bands)[::-1], breaks=names, labels=beside, expand=(0, 0))
        + theme_bandlens(base_size, width=width, lines=lines)
        + axis.parts
        + p9.facet_wrap("panel", ncol=columns, labeller=p9.as_labeller(titles))
        + p9.theme(axis_title_y=p9.element_blank(), panel_spacing=0.03)
        + p9.labs(
            y="",
            title="Interactions of bands by class",
            subtitle=_subtitle(result, frame, note, width, base_size),
            fill=f"Mean interaction{', and main effect' if main else ''} ({result.output})",
        )
    )
    known = tiles[tiles["value"].notna()]
    printed = longest(known["text"]) + 1
    if n_bands <= NAMED and 0.85 * printed <= tile if values is None else values:
        inks = text_on(ramp("signed", (known["value"] + largest) / (2 * largest)))
        size = (SMALL if printed <= tile else 0.75) * base_size
        plot += p9.geom_text(p9.aes(label="text", color="ink"), data=known.assign(ink=inks), size=size)
        plot += p9.scale_color_identity()
    return plot


def draw_network(
    result: BandInteractions,
    *,
    top: int | None = None,
    classes: Sequence[str] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Bands on a circle, with a line for each pair: as thick as its mean size, its colour says what it does.

    Parameters
    ----------
    result : BandInteractions
    top : int, optional
        How many lines to draw in each panel, those of the largest interactions; by default 20.
    classes, base_size, width
        As for `draw_heatmap`.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    ResultError
        If no pairs of bands were computed.
    """
    most = LINES if top is None else whole_number("top", top)
    frame, left_out = _pairs(result, classes)
    n_pairs = len(frame) // frame.groupby(["class", "output"], observed=True).ngroups
    lines = frame[(frame["rank"] <= most) & (frame["importance"] > result.rounding)].sort_values("importance")
    sign = np.select([lines["conf_low"] > 0, lines["conf_high"] < 0], SIGNS[:2], SIGNS[2])
    lines = lines.assign(sign=pd.Categorical(sign, SIGNS))
    at = _circle(len(result.bands))
    for end in ("1", "2"):
        place = lines[f"band_{end}"].cat.codes.to_numpy()
        lines[f"x{end}"], lines[f"y{end}"] = at[place].T
    panels = present(frame, "panel")
    room = characters(width, base_size)
    names = [wrap(name, 12) for name in result.bands]
    columns = _columns(len(panels), room, 20 + 2 * longest(names))
    titles = _titles(frame, panels, strip_width(room, columns))
    # in every panel, also where there is no line
    nodes = pd.DataFrame({"x": at[:, 0], "y": at[:, 1], "band": names}).merge(
        frame[["panel"]].drop_duplicates(), how="cross"
    )
    note = f"{MEANING}{some_of(min(most, n_pairs), n_pairs, 'pairs of a panel, those that interact most')}; "
    note += interval_note("sign", frame) + left_out
    paints = dict(zip(SIGNS, [*ramp("signed", (POSITIVE, NEGATIVE)), ink("missing")], strict=True))
    # room for names beside the circle, in radii, whose panel is as wide as its share of the picture
    few = breaks_extended(n=4)
    panel, thickest = room / columns, frame["importance"].max()
    wide = 1 / max(1 - 2 * (longest(names) + 1) / panel, 0.3) * AROUND
    return (
        p9.ggplot(lines)
        + p9.geom_segment(p9.aes("x1", "y1", xend="x2", yend="y2", size="importance", color="sign"), lineend="round")
        + p9.geom_point(p9.aes("x", "y"), data=nodes, size=1.5, color=ink("text"))
        + [
            p9.geom_text(
                p9.aes("x", "y", label="band"), data=part.assign(x=AROUND * part["x"], y=AROUND * part["y"]),
                ha=ha, va=va, size=SMALL * base_size, color=ink("text"),
            )
            for part, ha, va in _names(nodes)
        ]
        + p9.scale_size_continuous(range=THICK, limits=(0, thickest if thickest > 0 else 1), breaks=few)
        + p9.scale_color_manual(values=paints, limits=list(SIGNS))
        + p9.guides(size=p9.guide_legend(order=2), color=p9.guide_legend(order=1, override_aes={"size": 1.5}))
        + p9.scale_x_continuous(limits=(-wide, wide), breaks=[], expand=(0, 0))
        + p9.scale_y_continuous(limits=(-HIGH, HIGH), breaks=[], expand=(0, 0))
        + p9.coord_fixed()
        + theme_bandlens(
            base_size, width=width,
            lines=10.5 + -(-len(panels) // columns) * (2.5 + more_lines(titles) + ASPECT * panel * HIGH / wide),
        )
        + p9.facet_wrap("panel", ncol=columns, labeller=p9.as_labeller(titles))
        + p9.theme(axis_title=p9.element_blank(), legend_key_width=2 * base_size, legend_box="vertical")
        + p9.labs(
            title="Interactions of bands by class",
            subtitle=_subtitle(result, frame, note, width, base_size),
            color="Sign of the mean interaction",
            size=f"Mean |interaction| ({result.output})",
        )
    )  # fmt: skip


def _pairs(result: BandInteractions, classes: Sequence[str] | None) -> tuple[pd.DataFrame, str]:
    """Interactions of the pairs of some classes, with the `panel` of each row, and a note of what is left out."""
    if result.order < 2:
        raise ResultError(
            "There are no interactions to draw.",
            expected="a result of order 2 or 3",
            given=f"order {result.order}, main effects alone",
            fix="compute it with order=2",
        )
    frame = result.to_frame(order=2)
    # with several outputs, a class is shown by its own where that is there
    own = frame["class"].astype(str) == frame["output"].astype(str)
    others = several_outputs(frame) and own.any()
    frame = frame[own] if others else frame
    every = present(frame, "class")
    strength = frame.groupby("class", observed=True)["importance"].max()
    shown = coloured_classes(every, strength.reindex(every).to_numpy(), classes, PANELS)
    frame = frame[frame["class"].isin(shown)]
    which = "classes" if classes is not None else "classes, those whose bands interact most"
    note = some_of(len(shown), len(every), which) + ("; the output of each class" if others else "")
    return frame.assign(panel=_panel(frame)), note


def _panel(frame: pd.DataFrame) -> pd.Categorical[str]:
    """What each row is drawn in: its class, and its output where several are explained."""
    names = frame["class"].astype(str)
    if several_outputs(frame):
        names = names + ": " + frame["output"].astype(str)
    return pd.Categorical(names, list(dict.fromkeys(names)))


def _columns(n_panels: int, room: float, needed: float) -> int:
    """Panels side by side: as square as possible, each with as many characters as it needs."""
    return max(1, min(int(room / needed), math.ceil(math.sqrt(n_panels))))


def _subtitle(result: BandInteractions, frame: pd.DataFrame, note: str, width: float, base_size: float) -> str:
    sources = [label("index", result.index), *absent_as(result.absent)]
    return wrap_lines(two_lines(sources, result, frame, note), width, base_size)


def _titles(frame: pd.DataFrame, panels: Sequence[str], width: int) -> dict[str, str]:
    named = frame.assign(**{"class": frame["panel"]})
    return class_titles(named, panels, width)


def _tiles(result: BandInteractions, frame: pd.DataFrame, *, main: bool) -> pd.DataFrame:
    """A row per tile of each panel: interactions on both sides of the diagonal, and on it the main effects, or none."""
    panels = frame.set_index(["class", "output"])["panel"]
    singles = result.to_frame(order=1).set_index(["class", "output"])
    singles = singles.join(panels[~panels.index.duplicated()], how="inner")
    diagonal = singles["interaction"] if main else np.nan
    parts = [
        frame.assign(band=frame["band_1"], other=frame["band_2"], value=frame["interaction"]),
        frame.assign(band=frame["band_2"], other=frame["band_1"], value=frame["interaction"]),
        singles.assign(band=singles["band_1"], other=singles["band_1"], value=diagonal),
    ]
    return pd.concat([part[["panel", "band", "other", "value"]] for part in parts], ignore_index=True)


def _circle(n: int) -> np.ndarray:
    """Places of bands, clockwise from the top, shape (n, 2)."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


def _names(nodes: pd.DataFrame) -> list[tuple[pd.DataFrame, str, str]]:
    """Parts of the names, and how each is set at its place: beside the circle, or above and below it."""
    right, left = nodes["x"] > BESIDE, nodes["x"] < -BESIDE
    middle = ~right & ~left
    parts = [
        (nodes[right], "left", "center"),
        (nodes[left], "right", "center"),
        (nodes[middle & (nodes["y"] > 0)], "center", "bottom"),
        (nodes[middle & (nodes["y"] <= 0)], "center", "top"),
    ]
    return [part for part in parts if len(part[0])]
