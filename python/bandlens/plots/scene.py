"""Scores all over a scene, a panel per band: where in the scene each band raises the output, and where it lowers it.

All panels share one scale that is symmetric about zero, as for single images. A composite of three bands of the scene
stands in front, if it is given, to see what lies where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotnine as p9

from ..data.words import few
from ..errors import BandError, SceneError
from ..scenes.opening import opened
from ..scenes.pictures import pixels_at, scores_of
from .axes import NAMED
from .composites import chosen_bands, composite, composite_bands, composite_name, false_colours
from .labels import label, wrap
from .maps import MOST, QUANTILE, panel_columns, pixel_frame, scale_end, scale_tick
from .palette import colours
from .panels import more_lines, strip_width, wrap_lines
from .theme import characters, theme_bandlens

MOST_CELLS = 2**18  # cells that are drawn of each band; of more, one in so many


class _Banded(NamedTuple):
    """Bands of a scene."""

    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]


def draw(
    scores: Any,
    *,
    scene: Any = None,
    output: int | str = 0,
    bands: Sequence[str | int] | None = None,
    rgb: Sequence[str | int] | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Scores of a scene, as `bandlens.plot_scene` says.

    Parameters
    ----------
    scores : xarray.Dataset
    scene, output, bands, rgb, base_size, width
        As for `bandlens.plot_scene`.

    Returns
    -------
    plotnine.ggplot
    """
    found = scores_of(scores, output)
    rows, cols = found.sizes["y"], found.sizes["x"]
    step = int(np.ceil((rows * cols / MOST_CELLS) ** 0.5))
    names = [str(name) for name in found["band"].values]
    cells = found.isel(y=slice(step // 2, None, step), x=slice(step // 2, None, step)).transpose("band", "y", "x")
    values = np.asarray(cells.values, np.float64)
    known = np.isfinite(values)
    if not known.any():
        raise SceneError("`scores` holds no scores.", given="no data everywhere")
    shown = _chosen(bands, names, np.where(known, np.abs(values), 0).sum(axis=(1, 2)))
    values, known = values[shown], known[shown]
    limit, beyond = scale_end(values[known]) if known.any() else (1.0, False)
    per_pixel = scores.attrs.get("task") == "segmentation"
    facts = _facts(scores, found, (rows, cols), step, per_pixel)
    if len(shown) < len(names) and bands is None:
        facts.append(f"{len(shown)} of {len(names)} bands, those with the largest sum of |score|")
    if beyond:
        facts.append(f"the darkest colours stand for all beyond ±{limit:.2g}, {100 * (1 - QUANTILE):.4g} % of values")
    panels = [str(at) for at in shown]
    titles = {str(at): names[at] for at in shown}
    frame = pixel_frame(values, panels, "value", np.clip(values, -limit, limit))[known.reshape(-1)]
    front = None
    if scene is not None:
        front, titles["scene"], doubt = _front(scene, scores, cells, rgb)
        panels = ["scene", *panels]
        facts += [doubt] if doubt else []
    elif rgb is not None:
        raise SceneError("There is nothing to make a composite of.", expected="`scene`", given="rgb without scene")

    room = characters(width, base_size)
    columns = panel_columns(len(panels), room)
    titles = {key: wrap(titles[key], strip_width(room, columns) - 1) for key in panels}
    subtitle = wrap_lines("\n".join([_source(scores, found), "; ".join(facts)]), width, base_size)
    ratio = abs(_spacing(scores.y) / _spacing(scores.x))
    high = 0.93 * width / columns * ratio * values.shape[1] / values.shape[2] / (25.4 * 1.25 * base_size / 72)
    end = scale_tick(limit)

    def ordered(part: pd.DataFrame) -> pd.DataFrame:
        return part.assign(panel=pd.Categorical(part["panel"], categories=pd.Index(panels), ordered=True))

    plot = p9.ggplot(ordered(frame), p9.aes("col", "row")) + p9.geom_raster(p9.aes(fill="value"))
    if front is not None:
        front = ordered(front)
        plot += p9.geom_raster(data=front, fill=front["colour"].tolist())
    lines = 6.3 + subtitle.count("\n") + -(-len(panels) // columns) * (high + 2 + more_lines(titles))
    plot += [
        p9.facet_wrap("panel", ncol=columns, labeller=p9.as_labeller(titles)),
        p9.scale_fill_gradientn(
            colors=colours("signed"),
            limits=(-limit, limit),
            breaks=[-end, 0.0, end],
            labels=[f"{tick:.4g}" for tick in (-end, 0.0, end)],
        ),
        p9.scale_x_continuous(expand=(0, 0), limits=(-0.5, values.shape[2] - 0.5)),
        p9.scale_y_continuous(expand=(0, 0), limits=(0.5 - values.shape[1], 0.5)),
        p9.coord_fixed(ratio=ratio),
        theme_bandlens(base_size, width=width, lines=lines),
        p9.theme(
            axis_text=p9.element_blank(),
            axis_ticks=p9.element_blank(),
            axis_title=p9.element_blank(),
            strip_text_x=p9.element_text(
                ha="left", va="baseline", ma="left", margin={"t": 2, "b": 2, "l": 0, "r": 0, "units": "pt"}
            ),
        ),
        p9.labs(
            title=f"Score of each {'pixel' if per_pixel else 'patch'}, by band",
            subtitle=subtitle,
            fill=f"Score ({found.attrs.get('units', 'output')})",
        ),
    ]
    return plot


def _spacing(axis: Any) -> float:
    values = np.asarray(axis.values, np.float64)
    return float(values[1] - values[0]) if len(values) > 1 else 1.0


def _chosen(bands: Sequence[str | int] | None, names: list[str], sizes: np.ndarray) -> list[int]:
    """Positions of the bands that are drawn."""
    if bands is None:
        if len(names) <= NAMED:
            return list(range(len(names)))
        return np.sort(np.argsort(-sizes, kind="stable")[:MOST]).tolist()
    given = [bands] if isinstance(bands, str | int) else list(bands)
    places = [names.index(one) if isinstance(one, str) and one in names else one for one in given]
    numbers = [one for one in places if isinstance(one, int | np.integer) and not isinstance(one, bool)]
    if not given or len(numbers) < len(given) or not set(numbers) <= set(range(len(names))):
        raise BandError(
            "`bands` names bands that `scores` doesn't have.",
            expected=f"names among {few(names, 20)}, or their positions",
            given=few(map(repr, given)),
        )
    return list(dict.fromkeys(map(int, numbers)))


def _source(scores: Any, found: Any) -> str:
    """What was computed, and of which output."""
    scale, method = found.attrs.get("units", "output"), label("method", str(scores.attrs.get("method", "")))
    if "output" in found.coords:
        return f"{method}, {scale} of {found['output'].item()}"
    target = str(scores.attrs.get("target", ""))
    return f"{method}, {scale} of {'the predicted class' if target == 'predicted' else target}"


def _facts(scores: Any, found: Any, size: tuple[int, int], step: int, per_pixel: bool) -> list[str]:
    facts = [
        f"{size[0]} x {size[1]} {'pixels' if per_pixel else 'cells'}"
        + ("" if per_pixel else "; each holds the scores of the patch around it")
    ]
    if step > 1:
        facts.append(f"one in {step} x {step} is drawn")
    return facts


def _front(scene: Any, scores: Any, cells: Any, rgb: Any) -> tuple[pd.DataFrame, str, str | None]:
    """Colours of a composite in the cells, what it is called, and what there is to say of it."""
    raster = opened(scene)
    known = _Banded(raster.bands, raster.wavelengths)
    chosen = composite_bands(*known) if rgb is None else chosen_bands(rgb, raster.bands)
    cell = abs(_spacing(scores.x)), abs(_spacing(scores.y))
    pictures = pixels_at(raster, cells.x.values, cells.y.values, cell)
    blank = ~np.isfinite(pictures[chosen]).all(axis=0)
    if blank.all():
        raise SceneError("`scene` holds nothing where the scores are.", given="no data everywhere")
    for band in set(chosen):
        pictures[band][blank] = np.median(pictures[band][~blank])  # are drawn blank
    colour = composite(pictures[None], 0, chosen)
    frame = pixel_frame(colour[None], ["scene"], "colour", colour[None])[~blank.reshape(-1)]
    return frame, composite_name(known, chosen), false_colours(known, chosen)
