"""How the band scores of one image lead from the mean output of the background to the image's own.

Only scores that sum to the difference of the two can be shown like this. What they miss of it has a bar of its own
where it is not negligible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotnine as p9

from ..errors import ResultError
from .labels import label, longest, unit, wrap
from .maps import explained_output, image_name, position
from .palette import colours, ink
from .panels import most_of, wrap_lines
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    from ..results.importance import BandImportance

MOST = 12  # bands that are all shown
MANY = 10  # shown where there are more
NEGLIGIBLE = 0.01  # of the difference or the largest score
MISSED = "missed by the scores"


def draw(
    result: BandImportance,
    *,
    image: int = 0,
    output: int | str = 0,
    top: int | None = None,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Bars from the base value to the output of one image, the largest score last.

    Parameters
    ----------
    result : BandImportance
        Of an additive method.
    image : int
        Position of the image; of its row of scores, where images have several, each for a class.
    output : int or str
        Which of the outputs that are explained for this image: its position among them, or its name.
    top : int, optional
        How many bands have a bar of their own, those with the largest |score|; by default all up to twelve, else ten.
        The others are taken together.
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
        If the scores of the method don't add up to the output.
    OptionError
        If there is no such image or output.
    """
    if result.residuals is None or not np.isfinite(result.base_values).all():
        raise ResultError(
            "The plot 'waterfall' needs band scores that add up to the output.",
            expected="an additive method, such as 'deepshap', 'expected_gradients' or 'shapley'",
            given=f"method {result.method!r} with statistic {result.statistic!r}",
            fix="draw the kind 'distribution' or 'bars'",
        )
    image = position(image, len(result.scores), "image")
    explained = explained_output(result, image, output)  # type: ignore[arg-type]  # has the same fields
    scores = result.scores[image, explained]
    base, value = float(result.base_values[image, explained]), float(result.output_values[image, explained])
    n = most_of(top, len(scores)) if top is not None or len(scores) <= MOST else MANY
    order = np.argsort(-np.abs(scores), kind="stable")
    kept, rest = order[:n], order[n:]
    names = [_name(result, image, at) for at in kept]
    steps = scores[kept].tolist()
    if len(rest):
        names.append(f"{len(rest)} other band{'s' * (len(rest) > 1)}")
        steps.append(float(scores[rest].sum()))
    missed = value - base - float(scores.sum())
    if abs(missed) > NEGLIGIBLE * max(abs(value - base), float(np.abs(scores).max())):
        names.append(MISSED)
        steps.append(missed)

    # from below: the background, the smallest, ..., the largest, the image
    names, steps = names[::-1], steps[::-1]
    ends = base + np.cumsum(steps)
    starts = np.concatenate([[base], ends[:-1]])
    place = np.arange(1, len(steps) + 1, dtype=float)
    digits = f".{_digits([*steps, value - base])}f"
    bars = pd.DataFrame(
        {
            "row": place,
            "left": np.minimum(starts, ends),
            "right": np.maximum(starts, ends),
            "end": ends,
            "sign": np.where(
                np.asarray(names) == "missed by the scores", "none", np.where(np.asarray(steps) < 0, "-", "+")
            ),
            "text": [f"{step:+{digits}}" for step in steps],
        }
    )
    points = pd.DataFrame({"row": [0.0, len(steps) + 1.0], "at": [base, value]})
    points["text"] = [f"{at:{digits}}" for at in points["at"]]
    room = characters(width, base_size)
    labels = [wrap(text, int(0.3 * room)) for text in [_start(result), *names, "this image"]]
    spread = float(bars["right"].max() - bars["left"].min()) or 1.0
    panel = room - longest(labels) - 4
    gap = 0.8 * spread / panel
    signed = colours("signed")
    paints = {"+": signed[-2], "-": signed[1], "none": ink("missing")}
    note = wrap_lines(_note(result, image, explained), width, base_size)
    lines = 8 + note.count("\n") + 1.75 * (len(steps) + 2) + sum(text.count("\n") for text in labels)
    return (
        p9.ggplot(bars)
        + p9.geom_vline(p9.aes(xintercept="at"), data=points, color=ink("missing"), linetype="dashed", size=0.4)
        + p9.geom_segment(p9.aes(x="end", xend="end", y="row - 0.35", yend="row + 1"), color=ink("missing"), size=0.3)
        + p9.geom_rect(p9.aes(xmin="left", xmax="right", ymin="row - 0.35", ymax="row + 0.35", fill="sign"))
        + p9.geom_point(p9.aes("at", "row"), data=points, color=ink("text"), size=1.6)
        + p9.geom_text(
            p9.aes("right", "row", label="text"), ha="left", nudge_x=gap, size=SMALL * base_size, color=ink("text")
        )
        + p9.geom_text(
            p9.aes("at", "row", label="text"), data=points, ha="left", nudge_x=1.4 * gap, size=SMALL * base_size,
            fontweight="bold", color=ink("text"),
        )
        + p9.scale_fill_manual(values=paints, guide=None)
        + p9.scale_y_continuous(
            breaks=list(range(len(labels))), labels=labels, limits=(-0.5, len(labels) - 0.5), expand=(0, 0)
        )
        + p9.scale_x_continuous(expand=(0.04, 0, 1.2 * (longest(bars["text"]) + 1) / panel, 0))
        + theme_bandlens(base_size, width=width, lines=lines)
        + p9.labs(
            title="Band scores of one image",
            subtitle=note,
            x=f"Output ({unit(result)})",
            y="Band (level in the image)" if np.isfinite(result.band_means[image]).all() else "Band",
        )
    )  # fmt: skip


def _name(result: BandImportance, image: int, band: int) -> str:
    level = result.band_means[image, band]
    return result.bands[band] + (f" ({level:.3g})" if np.isfinite(level) else "")


def _start(result: BandImportance) -> str:
    """What scores are counted from."""
    found = label("start", result.method)
    return "mean of the background" if found == result.method else found


def _sign(name: str, step: float) -> str:
    if name == MISSED:
        return "none"
    return "-" if step < 0 else "+"


def _digits(values: list[float]) -> int:
    """Decimals that show two significant digits of the largest value, or three."""
    largest = max(map(abs, values)) or 1.0
    return int(max(0, 2 - np.floor(np.log10(largest))))


def _note(result: BandImportance, image: int, explained: int) -> str:
    """Which output, by which method, and which image."""
    output = result.outputs[result.image_output[image, explained]]
    named = image_name(result, image)  # type: ignore[arg-type]  # has the same fields
    first = f"{label('method', result.method)}, {result.output} of {output}"
    return f"{first}\n{named}; positive values raise the {result.output}"
