"""Interactive pictures of the class x band table, by plotly: what a tile, a bar or a point is, is said under the mouse.

A figure is what plotly.js takes, written down as it is, so that R can write down the same. The static pictures are for
papers; these are for looking closely, at many bands above all.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingPackageError, OptionError
from .axes import NAMED, band_ticks, panel_columns
from .labels import mean_score, several_outputs, subtitle, unit
from .palette import band_colours, colours, ink
from .panels import OWN_SCALES, interval_note, is_free, present
from .spectrum import in_nm, runs
from .tiles import OWN_COLOURS, of_largest

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from ..results.importance import BandImportance

ROOM = 100.0  # characters across a page, for panels side by side
HIGH = {"heatmap": 26, "bars": 210, "spectrum": 260}  # pixels of a row of tiles or panels

Spec = dict[str, Any]
Panel = tuple[str, list[Spec]]


def draw(result: BandImportance, kind: str, **options: Any) -> go.Figure:
    """Draw a table as a plotly figure.

    Parameters
    ----------
    result : BandImportance
    kind : {"heatmap", "bars", "spectrum"}
    **options
        `scales`, "fixed" or "free", as for the static pictures.

    Raises
    ------
    OptionError
        If this kind, or an option, is for static pictures only.
    MissingPackageError
        If plotly isn't there.
    """
    if kind not in INTERACTIVE:
        raise OptionError(
            f"The plot {kind!r} is not drawn interactively.",
            expected=f"kind {' or '.join(map(repr, INTERACTIVE))}, or interactive=False",
            given=repr(kind),
        )
    unknown = sorted(set(options) - {"scales"})
    if unknown:
        raise OptionError(
            "Interactive plots have no such option.", expected="'scales'", given=", ".join(map(repr, unknown))
        )
    free = is_free(options.get("scales", "fixed"))
    try:
        import plotly.graph_objects as go
    except ImportError:
        raise MissingPackageError(
            "Interactive plots need the Python package plotly.", fix="pip install 'bandlens[interactive]'"
        ) from None
    return go.Figure(specification(result, kind, free=free))


def specification(result: BandImportance, kind: str, *, free: bool) -> Spec:
    """The figure as plotly.js takes it."""
    frame = result.to_frame()
    frame["hover"] = [hover(result, row) for row in frame.to_dict("records")]
    return INTERACTIVE[kind](result, frame, free)


def hover(result: BandImportance, row: dict[Any, Any]) -> str:
    """What is said about a class and band."""
    lines = [f"<b>{html.escape(str(row['class']), quote=False)}</b>"]
    if row["output"] != row["class"]:
        lines.append(f"{result.output} of {html.escape(str(row['output']), quote=False)}")
    lines.append(f"band: {html.escape(str(row['band']), quote=False)}")
    if math.isfinite(row["wavelength"]):
        lines.append(f"wavelength: {row['wavelength']:.0f} nm")
    lines.append(f"importance: {row['importance']:.3g} {unit(result)}")
    if math.isfinite(row["std_error"]):
        lines.append(f"95 % interval: {row['conf_low']:.3g} to {row['conf_high']:.3g}")
    if math.isfinite(row["share"]):
        lines.append(f"share: {100 * row['share']:.1f} %, rank {row['rank']}")
    lines.append("1 image, no interval" if row["n"] == 1 else f"{row['n']} images")
    return "<br>".join(lines)


def _heatmap(result: BandImportance, frame: pd.DataFrame, free: bool) -> Spec:
    classes = present(frame, "class")[::-1]
    frame["value"] = 100 * (of_largest(frame, "share") if free else frame["share"])
    highest = frame["value"].max()
    by_output = _by(frame, "output" if several_outputs(frame) else None)
    panels = []
    for at, (title, part) in enumerate(by_output):
        rows = [part[part["class"] == name] for name in classes]
        panels.append(
            (
                f"{result.output} of {title}" if title else "",
                [
                    {
                        "type": "heatmap",
                        "x": list(result.bands),
                        "y": classes,
                        "z": [row["value"].tolist() for row in rows],
                        "text": [row["hover"].tolist() for row in rows],
                        "hoverinfo": "text",
                        "colorscale": _scale("share"),
                        "zmin": 0,
                        "zmax": float(highest) if highest > 0 else 100.0,
                        "showscale": at == 0,
                        "colorbar": {"title": {"text": "% of largest in row" if free else "Share (%)"}},
                        "xgap": 1 if len(result.bands) <= NAMED else 0,
                        "ygap": 1,
                    }
                ],
            )
        )
    note = f"{OWN_COLOURS.format('row')}largest share" if free else "each row adds up to 100 %"
    columns = panel_columns(len(panels), len(result.bands), ROOM)
    title = "Share of importance by class and band"
    return _figure(
        panels,
        columns,
        HIGH["heatmap"] * max(len(classes), 4),
        _title(title, subtitle(result, frame, note)),
        _band_axis(result),
        {"type": "category", "automargin": True, "tickmode": "array", "tickvals": classes, "ticktext": _texts(classes)},
    )


def _bars(result: BandImportance, frame: pd.DataFrame, free: bool) -> Spec:
    several = several_outputs(frame)
    fills = band_colours(result.bands, result.wavelengths)
    panels = []
    for name, of_class in _by(frame, "class"):
        for output, part in _by(of_class, "output" if several else None):
            known = part["std_error"].notna().all()
            trace: Spec = {
                "type": "bar",
                "x": list(result.bands),
                "y": part["importance"].tolist(),
                "text": part["hover"].tolist(),
                "hoverinfo": "text",
                "textposition": "none",
                "marker": {"color": fills},
                "showlegend": False,
            }
            if known:
                trace["error_y"] = {
                    "type": "data",
                    "symmetric": False,
                    "array": (part["conf_high"] - part["importance"]).tolist(),
                    "arrayminus": (part["importance"] - part["conf_low"]).tolist(),
                    "color": ink("text"),
                    "thickness": 1,
                    "width": 3 if len(result.bands) <= NAMED else 0,
                }
            counted = f"{name} (n = {part['n'].iloc[0]})"
            panels.append((f"{counted}: {result.output} of {output}" if several else counted, [trace]))
    columns = frame["output"].nunique() if several else panel_columns(len(panels), len(result.bands), ROOM)
    note = interval_note("whiskers", frame) + (f"; {OWN_SCALES}" if free else "")
    title = "Importance of each band by class"
    return _figure(
        panels,
        columns,
        HIGH["bars"],
        _title(title, subtitle(result, frame, note)),
        _band_axis(result),
        _value_axis(result),
        free=free,
    )


def _spectrum(result: BandImportance, frame: pd.DataFrame, free: bool) -> Spec:
    measured = in_nm(result.wavelengths)
    classes = present(frame, "class")
    together = len(classes) <= len(colours("class"))
    paints = dict(zip(classes, colours("class") if together else colours("class")[:1] * len(classes), strict=False))
    by = "output" if several_outputs(frame) else None if together and not free else "class"
    panels = []
    for at, (name, part) in enumerate(_by(frame, by)):
        traces: list[Spec] = []
        for one, line in _by(part, "class"):
            traces += _line(result, one, line, paints[one], measured, legend=at == 0 and by != "class")
        n = part["n"].iloc[0]
        panels.append((f"{result.output} of {name}" if by == "output" else f"{name} (n = {n})" if by else "", traces))
    note = interval_note("shaded", frame) + (f"; {OWN_SCALES}" if free and by else "")
    title = "Importance along the spectrum, by class" if measured else "Importance of the bands, by class"
    return _figure(
        panels,
        min(math.ceil(math.sqrt(len(panels))), 5),
        HIGH["spectrum"] if by else 1.4 * HIGH["spectrum"],
        _title(title, subtitle(result, frame, note)),
        {"title": {"text": "Wavelength (nm)"}} if measured else _band_axis(result),
        _value_axis(result),
        free=free,
    )


def _line(result: BandImportance, name: str, part: pd.DataFrame, paint: str, measured: bool, *, legend: bool) -> Any:
    """A class: a ribbon and a line for each run of bands."""
    places = np.asarray(result.wavelengths if measured else result.bands, dtype=object)
    order = np.argsort(np.asarray(result.wavelengths)) if measured else np.arange(len(places))
    run = runs(result.wavelengths)[order] if measured else np.zeros(len(places), int)
    part = part.iloc[order]
    group = {"legendgroup": name, "name": html.escape(name, quote=False)}
    traces: list[Spec] = []
    for at in range(run[-1] + 1):
        here = run == at
        x, piece = places[order][here].tolist(), part[here]
        if piece["std_error"].notna().all():
            ends = piece["conf_low"].tolist() + piece["conf_high"].tolist()[::-1]
            ribbon = {"x": x + x[::-1], "y": ends, "fill": "toself", "fillcolor": paint, "opacity": 0.25}
            hidden = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
            traces.append({"type": "scatter", **ribbon, **hidden, **group})
        dots = len(places) <= NAMED or len(x) == 1 or part["n"].iloc[0] == 1
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if dots else "lines",
                "x": x,
                "y": piece["importance"].tolist(),
                "text": piece["hover"].tolist(),
                "hoverinfo": "text",
                "line": {"color": paint, "width": 1.5},
                **({"marker": {"color": paint, "size": 5}} if dots else {}),
                "showlegend": legend and at == 0,
                **group,
            }
        )
    return traces


INTERACTIVE: dict[str, Callable[[BandImportance, Any, bool], Spec]] = {
    "heatmap": _heatmap,
    "bars": _bars,
    "spectrum": _spectrum,
}


def _by(frame: pd.DataFrame, column: str | None) -> list[tuple[str, pd.DataFrame]]:
    """Parts of a frame by class or output, in their order; all of it where there is no column."""
    if column is None:
        return [("", frame)]
    return [(name, frame[frame[column] == name]) for name in present(frame, column)]


def _texts(names: list[str]) -> list[str]:
    """Names as they are: plotly would read tags in them."""
    return [html.escape(name, quote=False) for name in names]


def _scale(palette: str) -> list[list[Any]]:
    entries = colours(palette)
    return [[at / (len(entries) - 1), colour] for at, colour in enumerate(entries)]


def _title(title: str, note: str) -> str:
    small = html.escape(note, quote=False).replace("\n", "<br>")
    return f"<b>{title}</b><br><span style='font-size:12px;color:{ink('subtle')}'>{small}</span>"


def _band_axis(result: BandImportance) -> Spec:
    positions, labels, title = band_ticks(result.bands, result.wavelengths)
    return {
        "type": "category",
        "title": {"text": title},
        "tickmode": "array",
        "tickvals": [result.bands[at] for at in positions],
        "ticktext": _texts(labels),
    }


def _value_axis(result: BandImportance) -> Spec:
    return {
        "title": {"text": f"{mean_score(result)} ({unit(result)})"},
        "rangemode": "tozero",
        "zerolinecolor": ink("missing"),
    }


def _figure(panels: list[Panel], columns: int, high: float, title: str, x: Spec, y: Spec, *, free: bool = True) -> Spec:
    """Panels in rows, each with its own axes and its title above it; titles of axes stand at the edges."""
    rows = -(-len(panels) // columns)
    data: list[Spec] = []
    above: list[Spec] = []
    axes: Spec = {}
    for at, (name, traces) in enumerate(panels):
        key = "" if at == 0 else str(at + 1)
        data += [{**trace, "xaxis": f"x{key}", "yaxis": f"y{key}"} for trace in traces]
        lowest = at + columns >= len(panels)
        axes[f"xaxis{key}"] = {"showgrid": False, **x, **({} if lowest else {"title": {"text": ""}})}
        own = {"gridcolor": ink("grid"), **y, **({} if at % columns == 0 else {"title": {"text": ""}})}
        axes[f"yaxis{key}"] = own if free or at == 0 else {**own, "matches": "y"}
        if name:
            place = {"xref": f"x{key} domain", "yref": f"y{key} domain", "x": 0, "y": 1, "xanchor": "left"}
            text = {"text": html.escape(name, quote=False), "showarrow": False, "yanchor": "bottom"}
            above.append({**place, **text})
    height = 190 + rows * high * (1.35 if rows > 1 else 1)
    layout = {
        "title": {"text": title, "x": 0, "xref": "paper", "y": 1 - 15 / height, "yref": "container", "yanchor": "top"},
        "grid": {"rows": rows, "columns": columns, "pattern": "independent", "ygap": 0.35 if rows > 1 else 0.1},
        "height": height,
        "margin": {"t": 100, "r": 20},
        "annotations": above,
        "font": {"color": ink("text"), "size": 12},
        "paper_bgcolor": ink("paper"),
        "plot_bgcolor": ink("paper"),
        "hoverlabel": {"align": "left"},
        "template": {},
        **axes,
    }
    return {"data": data, "layout": layout}
