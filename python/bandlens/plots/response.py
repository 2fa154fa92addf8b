"""How outputs answer to the level of a band: a curve per class in a panel per band, above the levels of the images.

The y axis is one for all panels, so that weak bands look weak. Of curves of single images, each panel shows one class
and one band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotnine as p9

from ..errors import ResultError
from .choosing import band_titles, coloured_classes, level_axis, shown_bands, some_of
from .distribution import sample
from .labels import label, longest, several_outputs, two_lines, wrap
from .palette import colours, ink
from .panels import class_titles, more_lines, present, strip_width, wrap_lines
from .theme import characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.response import BandResponse

BARS = 30  # of the histogram of levels
HIGH = 0.16  # of the panel's height
BEYOND = 0.5  # of the height of the curves, as far as intervals are drawn
OUTPUTS = 4  # rows of panels
LINES = 100  # of single images per panel
OWN = 4  # bands and classes with curves of single images


def draw(
    result: BandResponse,
    *,
    top: int | None = None,
    bands: Sequence[str | int] | None = None,
    classes: Sequence[str] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Curves of the classes with 95 % intervals, a panel per band.

    Parameters
    ----------
    result : BandResponse
    top : int, optional
        How many bands to show, those whose curves span most on average over classes; by default all up to nine, else
        six.
    bands : sequence of str or int, optional
        Which bands to show, by name or position.
    classes : sequence of str, optional
        Which classes to draw in colour, at most eight; by default all, or the eight whose curves span most. The others
        are grey.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and panels arranged.

    Returns
    -------
    plotnine.ggplot
    """
    frame = result.to_frame()
    chosen = shown_bands(result.bands, _spans(frame, "band", result.bands), bands, top)
    frame = _of_bands(frame, result, chosen)
    every = present(frame, "class")
    front_classes = coloured_classes(every, _spans(frame, "class", every), classes)
    outputs = present(frame, "output") if several_outputs(frame) else []
    all_outputs = len(outputs)
    outputs = coloured_classes(outputs, _spans(frame, "output", outputs), None, OUTPUTS) if outputs else []
    if outputs:
        frame = frame[frame["output"].isin(outputs)]
    frame = frame.assign(line=frame["class"].astype(str) + "\n" + frame["output"].astype(str))
    front = frame[frame["class"].isin(front_classes)]
    behind = frame[~frame["class"].isin(front_classes)]
    front, low, high, cut = _within(front)
    bars, floor = _histogram(result, chosen, low, high)

    room = characters(width, base_size) - 9
    columns = len(chosen) if outputs else max(1, min(int(room / 20), math.ceil(math.sqrt(len(chosen)))))
    strip = strip_width(room, columns)
    titles = {name: wrap(text, strip) for name, text in _titles(result, chosen).items()}
    note = _note(result, frame, "shaded: 95 % confidence interval" + (", cut at the edges" if cut else ""))
    note += "; grey bars: levels of the images"
    note += some_of(len(chosen), len(result.bands), _said(bands, "bands", "those with the largest curves"))
    note += some_of(
        len(front_classes), len(every), _said(classes, "classes in colour", "those with the largest curves")
    )
    note += some_of(len(outputs), all_outputs, "outputs, those with the largest curves")
    note = wrap_lines(note, width, base_size)
    rows = len(outputs) or -(-len(chosen) // columns)
    names = [wrap(name, 25) for name in front_classes]
    keys = max(1, min(len(names), int(room / (longest(names) + 6))))
    key_lines = sum(1.3 * (1 + name.count("\n")) for name in names[::keys])
    paints = dict(zip(front_classes, colours("class"), strict=False))

    plot = p9.ggplot(front, p9.aes("level", "effect", group="line"))
    plot += p9.geom_rect(
        p9.aes(xmin="left", xmax="right", ymin="bottom", ymax="top"), data=bars, inherit_aes=False, fill=ink("grid")
    )
    plot += p9.geom_hline(yintercept=0, color=ink("missing"), size=0.4)
    if len(behind):
        plot += p9.geom_line(data=behind, color=ink("missing"), size=0.3)
    plot += p9.geom_ribbon(
        p9.aes(ymin="conf_low", ymax="conf_high", fill="class"),
        data=front[front["std_error"].notna()], alpha=0.2, color="none", show_legend=False,
    )  # fmt: skip
    plot += [
        p9.geom_line(p9.aes(color="class"), size=0.6),
        p9.scale_color_manual(values=paints, limits=front_classes, labels=names, guide=p9.guide_legend(ncol=keys)),
        p9.scale_fill_manual(values=paints, limits=front_classes, guide=None),
        p9.scale_x_continuous(expand=(0.02, 0), **level_axis()),
        p9.scale_y_continuous(expand=(0, 0, 0.02, 0)),
        p9.coord_cartesian(ylim=(floor, max(high, behind["effect"].max() if len(behind) else high))),
        theme_bandlens(
            base_size, width=width,
            lines=9 + note.count("\n") + rows * (11 + more_lines(titles)) + key_lines,
        ),
        *_look(base_size, legend=len(every) > 1),
        p9.labs(
            title="Response to the level of a band, by class",
            subtitle=note,
            x=label("axis", "level"),
            y=f"Effect on the output ({result.output})",
        ),
    ]  # fmt: skip
    if outputs:
        above = {name: wrap(f"{result.output} of {name}", 16) for name in outputs}
        labeller = p9.labeller(rows=above.get, cols=titles.get)
        return plot + p9.facet_grid("output", "band", scales="free_x", labeller=labeller)
    return plot + p9.facet_wrap("band", ncol=columns, scales="free_x", labeller=p9.as_labeller(titles))


def draw_own(
    result: BandResponse,
    *,
    top: int | None = None,
    bands: Sequence[str | int] | None = None,
    classes: Sequence[str] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Curves of single images, a panel per class and band, with their mean; options as for `draw`, at most four."""
    frame, means = result.to_frame("image"), result.to_frame()
    chosen = shown_bands(result.bands, _spans(means, "band", result.bands), bands, top, most=OWN, many=OWN)
    means = _of_bands(means, result, chosen)
    every = present(means, "class")
    shown = coloured_classes(every, _spans(means, "class", every), classes, OWN if classes is None else 0)
    frame = frame[frame["band"].cat.codes.isin(chosen) & frame["class"].isin(shown)]
    # with several outputs, a class is shown by its own where that is there
    own = frame["class"].astype(str) == frame["output"].astype(str)
    if several_outputs(frame) and own.any():
        frame = frame[own]
    keep = [sample(np.flatnonzero(result.image_class == at), LINES, 0) for at in np.unique(result.image_class)]
    drawn = frame[frame["image"].isin(np.concatenate(keep))]
    by = ["class", "output", "band", "level"]
    mean = frame.groupby(by, observed=True)["value"].mean().reset_index()
    paints = dict(zip(shown, colours("class"), strict=False))
    drawn, mean = (
        part.assign(**{"class": pd.Categorical(part["class"].astype(str), categories=shown, ordered=True)})
        for part in (drawn, mean)
    )
    drawn = drawn.assign(line=drawn["image"].astype(str) + "\n" + drawn["output"].astype(str))
    mean = mean.assign(line=mean["output"].astype(str))

    room = characters(width, base_size) - 9
    strip = strip_width(room, len(chosen))
    titles = {name: wrap(text, strip) for name, text in _titles(result, chosen).items()}
    counts = pd.Series(result.image_class).value_counts()
    beside = class_titles(means, shown, 14)
    note = _note(result, frame, "lines: images; black: their mean, the partial dependence")
    most = max(counts[result.classes.index(name)] for name in shown)
    note += f"; at most {LINES} images of a class are drawn" if most > LINES else ""
    note += some_of(len(chosen), len(result.bands), _said(bands, "bands", "those with the largest curves"))
    note += some_of(len(shown), len(every), _said(classes, "classes", "those with the largest curves"))
    note = wrap_lines(note, width, base_size)
    return (
        p9.ggplot(drawn, p9.aes("level", "value", group="line"))
        + p9.geom_line(p9.aes(color="class"), size=0.25, alpha=0.45, show_legend=False)
        + p9.geom_line(data=mean, color=ink("text"), size=0.8)
        + p9.scale_color_manual(values=paints, limits=shown)
        + p9.scale_x_continuous(expand=(0.02, 0), **level_axis())
        + p9.facet_grid(
            "class", "band", scales="free", labeller=p9.labeller(rows=beside.get, cols=titles.get)
        )
        + theme_bandlens(base_size, width=width, lines=9 + note.count("\n") + 11 * len(shown) + more_lines(titles))
        + _look(base_size, legend=False)
        + p9.labs(
            title="Response of single images to the level of a band",
            subtitle=note,
            x=label("axis", "level"),
            y=f"Output of the image ({result.output})",
        )
    )  # fmt: skip


def _of_bands(frame: pd.DataFrame, result: BandResponse, chosen: Sequence[int]) -> pd.DataFrame:
    """Curves of some bands, of which at least one must have one."""
    found = frame[frame["band"].cat.codes.isin(chosen)]
    if found.empty:
        raise ResultError(
            "There is no curve of these bands.",
            expected="bands whose level varies within a class; `missing` lists the others",
            given=", ".join(result.bands[at] for at in chosen),
        )
    return found


def _look(base_size: float, *, legend: bool) -> list[Any]:
    return [
        p9.theme(
            legend_key_width=2 * base_size,
            legend_position="bottom" if legend else "none",
            legend_text=p9.element_text(ma="left"),
            legend_title=p9.element_blank(),
            panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4),
            panel_spacing_x=0.03,
            plot_margin_right=0.03,
        )
    ]


def _spans(frame: pd.DataFrame, column: str, names: Sequence[str]) -> np.ndarray:
    """How much curves span on average, by the names in a column."""
    curves = frame.groupby(["class", "output", "band"], observed=True)["effect"].agg(lambda e: e.max() - e.min())
    means = curves.groupby(level=column, observed=True).mean()
    return np.array([means.get(name, 0.0) for name in names])


def _within(front: pd.DataFrame) -> tuple[pd.DataFrame, float, float, bool]:
    """Intervals cut where they would make the curves flat, the ends of both, and whether any was cut."""
    low, high = float(front["effect"].min()), float(front["effect"].max())
    more = BEYOND * ((high - low) or 1.0)
    bounds = front[["conf_low", "conf_high"]]
    inside = bounds.clip(low - more, high + more)
    cut = bool((inside != bounds).where(bounds.notna(), other=False).any(axis=None))
    low, high = min(low, float(np.nanmin(inside, initial=low))), max(high, float(np.nanmax(inside, initial=high)))
    return front.assign(conf_low=inside["conf_low"], conf_high=inside["conf_high"]), low, high, cut


def _histogram(result: BandResponse, chosen: Sequence[int], low: float, high: float) -> tuple[pd.DataFrame, float]:
    """Bars of how many images have which levels, below the curves, and where they stand."""
    unit = HIGH * ((high - low) or 1.0)
    floor = low - 1.15 * unit
    parts = []
    for at in chosen:
        levels = result.band_levels[:, at]
        counts, edges = np.histogram(levels, bins=BARS)
        parts.append(
            pd.DataFrame(
                {
                    "band": result.bands[at],
                    "left": edges[:-1],
                    "right": edges[1:],
                    "bottom": floor,
                    "top": floor + unit * counts / counts.max(),
                }
            )
        )
    bars = pd.concat(parts, ignore_index=True)
    return bars.assign(band=pd.Categorical(bars["band"], categories=list(result.bands), ordered=True)), floor


def _titles(result: BandResponse, chosen: Sequence[int]) -> dict[str, str]:
    return band_titles(result.bands, result.wavelengths, chosen)


def _note(result: BandResponse, frame: pd.DataFrame, note: str) -> str:
    return two_lines([label("response", result.kind)], result, frame, note)


def _said(given: Any, what: str, which: str) -> str:
    return what if given is not None else f"{what}, {which}"
