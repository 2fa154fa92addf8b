"""Importance along the spectrum, a line per class with its 95 % interval: where in the spectrum a model looks.

Lines of up to eight classes share a panel. More could not be told apart: then each class has a panel of its own, with
the other classes as grey lines behind it. Where several outputs are explained, they have the panels. Where wavelengths
are known, parts of the spectrum are shaded and named.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotnine as p9

from .axes import NAMED, STEPS, TICKS, Bands, band_axis
from .labels import longest, mean_score, several_outputs, subtitle, unit, wrap
from .palette import colours, ink
from .panels import OWN_SCALES, class_titles, interval_note, is_free, more_lines, present, strip_width, wrap_lines
from .ranges import Shades, shades
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.importance import BandImportance

HOLE = 4  # times the usual step between bands: bands were taken out there, and the line stops


def draw(result: BandImportance, *, scales: str = "fixed", base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Lines of importance over wavelength, or over bands where wavelengths are unknown, with 95 % intervals as ribbons.

    Parameters
    ----------
    result : BandImportance
    scales : {"fixed", "free"}
        Whether classes share a scale, or each has a panel with its own (of several outputs: each output).
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and panels arranged.

    Returns
    -------
    plotnine.ggplot
    """
    free = is_free(scales)
    frame = result.to_frame()
    classes = present(frame, "class")
    outputs = present(frame, "output") if several_outputs(frame) else []
    together = len(classes) <= len(colours("class"))
    by_class = not outputs and (free or not together)
    # on scales of their own, the other classes would not be where they seem to be
    behind = not together and not (by_class and free)
    panels = classes if by_class else outputs
    room = characters(width, base_size) - 10
    columns = max(1, min(int(room / 18), math.ceil(math.sqrt(len(panels)))))
    strip = strip_width(room, columns)

    measured = in_nm(result.wavelengths)
    codes = frame["band"].cat.codes.to_numpy()
    run = runs(result.wavelengths)[codes] if measured else np.zeros(len(frame), int)
    frame["place"] = frame["wavelength"] if measured else frame["band"]
    frame["line"] = frame["class"].cat.codes.astype(int) * len(result.bands) + run
    axis, axis_lines = spectral_axis(result, room / columns - (5 if free else 0), width)

    titles = {name: wrap(f"{result.output} of {name}", strip) for name in outputs}
    titles = titles or class_titles(frame, panels, strip)
    # with many classes, a panel of an output shows the class of that name
    own = frame["class"].astype(str) == frame["output"].astype(str)
    front = frame[own] if outputs and not together else frame
    known = front[front["std_error"].notna()]
    # a line of a single band is a point
    alone = np.bincount(runs(result.wavelengths))[run] == 1 if measured else np.zeros(len(frame), bool)
    # and so are the values of a single image, which have no ribbon
    alone |= frame["std_error"].isna().to_numpy()
    dots = front if len(result.bands) <= NAMED else front[alone[front.index]]

    note = interval_note("shaded", front)
    if behind:
        note += f"; {'coloured: the class of the output; ' if outputs else ''}grey: the other classes"
    if free and panels:
        note += f"; {OWN_SCALES}"
    note = wrap_lines(subtitle(result, frame, note), width, base_size)
    names = [wrap(name, 25) for name in classes]
    keys = max(1, min(len(names), int(room / (longest(names) + 6))))
    keyed = together and not by_class
    key_lines = sum(1.3 * (1 + name.count("\n")) for name in names[::keys]) if keyed else 0
    rows = -(-len(panels) // columns) or 1
    high = rows * (10 + more_lines(titles)) if panels else min(18, 0.33 * room)
    paints = colours("class") if together else colours("class")[:1] * len(classes)

    parts = Shades([], [], 0.0)
    if measured:
        parts = shades(result.wavelengths, room / columns, base_size)
    plot = p9.ggplot(front, p9.aes("place", "importance", group="line")) + parts.behind
    plot += p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
    if behind:
        others = frame if outputs else frame.drop(columns="class")
        plot += p9.geom_line(data=others, color=ink("missing"), size=0.3)
    if len(known):
        ribbon = p9.aes(ymin="conf_low", ymax="conf_high", fill="class")
        plot += p9.geom_ribbon(ribbon, data=known, alpha=0.25, color="none", show_legend=False)
    plot += p9.geom_line(p9.aes(color="class"), size=0.6)
    if len(dots):
        plot += p9.geom_point(p9.aes(color="class"), data=dots, size=1.1 if len(result.bands) <= NAMED else 0.5)
    plot += [
        *parts.front,
        p9.scale_color_manual(
            values=dict(zip(classes, paints, strict=False)),
            limits=classes,
            labels=names,
            guide=p9.guide_legend(ncol=keys) if keyed else None,
        ),
        p9.scale_fill_manual(values=dict(zip(classes, paints, strict=False)), limits=classes, guide=None),
        p9.scale_y_continuous(expand=(0.02, 0, 0.06 + parts.kept, 0)),
        theme_bandlens(base_size, width=width, lines=8 + note.count("\n") + high + axis_lines + key_lines),
        p9.theme(
            legend_key_width=2 * base_size,
            legend_text=p9.element_text(ma="left"),
            legend_title=p9.element_blank(),
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
        ),
        *axis,
        p9.labs(
            title="Importance along the spectrum, by class" if measured else "Importance of the bands, by class",
            subtitle=note,
            y=f"{mean_score(result)}\n({unit(result)})",
        ),
    ]
    if panels:
        by = "output" if outputs else "class"
        plot += p9.facet_wrap(by, ncol=columns, scales="free_y" if free else "fixed", labeller=p9.as_labeller(titles))
    return plot


def in_nm(wavelengths: Sequence[float]) -> bool:
    """Whether bands can stand at their wavelengths: all are known, and no two are the same."""
    return bool(np.isfinite(wavelengths).all()) and len(set(wavelengths)) == len(wavelengths)


def runs(wavelengths: Sequence[float]) -> np.ndarray:
    """Each band's run of neighbours, counted from 0; few bands are one run, whatever their steps."""
    order = np.argsort(wavelengths)
    run = np.zeros(len(order), int)
    if len(order) > NAMED:
        steps = np.diff(np.asarray(wavelengths)[order])
        run[order[1:]] = np.cumsum(steps > HOLE * np.median(steps))
    return run


def spectral_axis(bands: Bands | BandImportance, room: float, width: float) -> tuple[list[Any], float]:
    """Parts of the axis of a panel, and its lines of text: wavelengths where they are known, else bands by name."""
    if in_nm(bands.wavelengths):
        return nm_axis(bands.wavelengths, room, width), 1.0
    named = band_axis(bands, room=room - 1, expand=0.3)
    return named.parts, named.lines


def nm_axis(wavelengths: Sequence[float], room: float, width: float) -> list[Any]:
    """Scale and title of an axis of wavelengths, `room` characters wide, in a picture `width` mm wide."""
    low, high = min(wavelengths), max(wavelengths)
    most = max(2, min(TICKS, int(room / 5)))
    step = next(step for step in STEPS if (high - low) / step < most)
    ticks = list(range(math.ceil(low / step) * step, math.floor(high / step) * step + 1, step))
    return [
        p9.scale_x_continuous(breaks=ticks, labels=[str(tick) for tick in ticks], expand=(0.02, 0)),
        p9.labs(x="Wavelength (nm)"),
        # the last number of a panel and the first of the next one need some room
        p9.theme(panel_spacing_x=5.5 / width),
    ]
