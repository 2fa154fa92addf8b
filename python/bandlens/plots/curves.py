"""Attributions of a spectrum, or of an image with one axis of pixels, as lines.

A spectrum has one line along its wavelengths or bands, below the spectrum itself where it is given. An input of numbers
that are no spectrum, beside others, has bars. An image with one axis of pixels, such as a time series, has a panel per
band with a line along that axis, all on one scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotnine as p9

from ..errors import OptionError
from .axes import NAMED, Bands, band_axis
from .composites import band_names
from .labels import unit, wrap
from .palette import colours, ink
from .panels import more_lines, strip_width, wrap_lines
from .spectrum import in_nm, nm_axis, runs
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.maps import BandMaps

MOST = 25  # panels where there are more bands than are named


def draw(
    maps: BandMaps,
    values: np.ndarray,
    source: str,
    facts: Sequence[str],
    picture: np.ndarray | None,
    *,
    base_size: float,
    width: float,
) -> p9.ggplot:
    """Lines of attributions; what is in them has been chosen by `maps`.

    Parameters
    ----------
    maps : BandMaps
    values : ndarray, shape (bands,) or (bands, pixels)
        Attributions of one image for one output.
    source : str
    facts : sequence of str
        First and second line of the subtitle.
    picture : ndarray, shape (bands,), or None
        The spectrum itself.
    base_size, width : float
        Font size in points, width of the picture in mm.
    """
    if values.ndim == 1:
        return _spectrum(maps, values, source, facts, picture, base_size, width)
    if picture is not None:
        raise OptionError(
            "Images with one axis of pixels are not shown beside their attributions.",
            expected="x=None",
            given="x",
        )
    return _positions(maps, values, source, facts, base_size, width)


def _spectrum(
    maps: BandMaps,
    values: np.ndarray,
    source: str,
    facts: Sequence[str],
    picture: np.ndarray | None,
    base_size: float,
    width: float,
) -> p9.ggplot:
    room = characters(width, base_size) - 10
    measured = in_nm(maps.wavelengths)
    few = len(maps.bands) <= NAMED
    place = maps.wavelengths if measured else pd.Categorical(maps.bands, categories=pd.Index(maps.bands), ordered=True)
    run = runs(maps.wavelengths) if measured else np.zeros(len(maps.bands), int)
    parts = {"attribution": values} if picture is None else {"input": picture, "attribution": values}
    frame = pd.concat(
        [pd.DataFrame({"place": place, "run": run, "value": part, "panel": key}) for key, part in parts.items()],
        ignore_index=True,
    )
    frame["panel"] = pd.Categorical(frame["panel"], categories=pd.Index(list(parts)), ordered=True)
    if measured:
        axis, axis_lines = nm_axis(maps.wavelengths, room, width), 1.0
    else:
        named = band_axis(Bands(maps.bands, maps.wavelengths), room=room, expand=0.3)
        axis, axis_lines = named.parts, named.lines
    # of several inputs, the one without pixels holds whatever is known of a place: nothing lies between two of these
    apart = maps.input is not None and not measured
    # a line of a single band is a point
    dots = frame if few else frame[np.isin(frame["run"], np.flatnonzero(np.bincount(run) == 1))]
    colour = colours("class")[0]
    subtitle = wrap_lines("\n".join([source, "; ".join(facts)]), width, base_size)
    zero = pd.DataFrame({"panel": frame["panel"].iloc[-1:], "value": [0.0]})
    attribution = f"Attribution ({unit(maps)})"
    plot = (
        p9.ggplot(frame, p9.aes("place", "value", group="run"))
        + p9.geom_hline(p9.aes(yintercept="value"), data=zero, color=ink("missing"), size=0.4)
        + (p9.geom_col(fill=colour, width=0.6) if apart else p9.geom_line(color=colour, size=0.6))
        + p9.scale_y_continuous(expand=(0.04, 0))
        + theme_bandlens(base_size, width=width, lines=6 + subtitle.count("\n") + 13 * len(parts) ** 0.7 + axis_lines)
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + axis
        + p9.labs(
            title="Attribution along the spectrum" if measured else "Attribution of the bands",
            subtitle=subtitle,
            y=attribution,
        )
    )
    if len(dots) and not apart:
        plot += p9.geom_point(data=dots, color=colour, size=1.1 if few else 0.5)
    if picture is not None:
        titles = {"input": "Values" if apart else "Spectrum", "attribution": attribution}
        plot += p9.facet_wrap("panel", ncol=1, scales="free_y", labeller=p9.as_labeller(titles))
        plot += p9.theme(axis_title_y=p9.element_blank())
    return plot


def _positions(
    maps: BandMaps, values: np.ndarray, source: str, facts: Sequence[str], base_size: float, width: float
) -> p9.ggplot:
    n_bands, n_pixels = values.shape
    order = np.argsort(-np.abs(values).sum(axis=1, dtype=np.float64), kind="stable")
    shown = np.sort(order[:MOST]).tolist() if n_bands > NAMED else list(range(n_bands))
    note: list[str] = [*facts]
    if len(shown) < n_bands:
        note.append(f"{len(shown)} of {n_bands} bands, those with the largest sum of |attribution|")
    panels = [str(at) for at in shown]
    room = characters(width, base_size) - 8
    columns = max(1, min(int(room / 18), int(np.ceil(np.sqrt(len(panels))))))
    rows = -(-len(panels) // columns)
    names = zip(panels, band_names(maps, shown), strict=True)
    titles = {key: wrap(text, strip_width(room, columns) - 1) for key, text in names}
    frame = pd.DataFrame(
        {
            "panel": pd.Categorical(np.repeat(panels, n_pixels), categories=pd.Index(panels), ordered=True),
            "pixel": np.tile(np.arange(n_pixels), len(shown)),
            "value": values[shown].reshape(-1),
        }
    )
    subtitle = wrap_lines("\n".join([source, "; ".join(note)]), width, base_size)
    parts: list[Any] = [
        p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4),
        p9.geom_line(color=colours("class")[0], size=0.5),
        p9.facet_wrap("panel", ncol=columns, labeller=p9.as_labeller(titles)),
        p9.scale_x_continuous(expand=(0.02, 0)),
        theme_bandlens(base_size, width=width, lines=7 + subtitle.count("\n") + rows * (8 + more_lines(titles))),
        p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4)),
        p9.labs(
            title="Attribution of each pixel, by band",
            subtitle=subtitle,
            x="Pixel",
            y=f"Attribution ({unit(maps)})",
        ),
    ]
    return p9.ggplot(frame, p9.aes("pixel", "value")) + parts
