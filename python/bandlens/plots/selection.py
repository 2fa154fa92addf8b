"""How right a model is against the number of its bands, with the band that each step brings and other sensors."""

from __future__ import annotations

import pandas as pd
import plotnine as p9

from ..results.selection import BandSelection
from .labels import wrap
from .palette import colours, ink
from .theme import SMALL, characters, theme_bandlens

TITLES = {
    "accuracy": "Accuracy",
    "log_loss": "Log-likelihood",
    "squared_error": "Negative squared error",
}
ORDERS = {
    "forward": "each point: the band that was added",
    "backward": "each point: the band that was removed last",
    "importance": "each point: the next band in the order of importance",
}
# up to here each step is named
NAMED = 20


def draw(result: BandSelection, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """The curve with 95 % intervals, names of bands along it, the knee, and sensors as points.

    Parameters
    ----------
    result : BandSelection
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    frame, sensors = result.to_frame(), result.to_frame("sensor")
    every = pd.concat([frame, sensors])
    low, high = every[["estimate", "conf_low"]].min().min(), every[["estimate", "conf_high"]].max().max()
    extent = (high - low) or 1.0
    paint, other = colours("band")[0], colours("band")[4]
    full = float(frame["estimate"].iloc[-1])
    room = characters(width, base_size)
    names = frame["band"].astype(object).where(frame["band"].notna(), "all")
    # along the lower edge of the curve, upright so that they don't run into each other
    frame = frame.assign(text=names.astype(str), place=frame[["estimate", "conf_low"]].min(axis=1) - 0.04 * extent)
    longest = max(map(len, frame["text"])) if len(frame) <= NAMED else 0
    subtitle = wrap(_note(result), int(room))
    lines = 24 + subtitle.count("\n") + 0.5 * longest
    plot = (
        p9.ggplot(frame, p9.aes("n_bands", "estimate"))
        + p9.geom_hline(yintercept=full, color=ink("subtle"), linetype="dotted", size=0.5)
        + p9.geom_ribbon(p9.aes(ymin="conf_low", ymax="conf_high"), fill=paint, alpha=0.2)
        + p9.geom_line(color=paint, size=0.7)
        + p9.geom_point(color=paint, size=1.2)
        + p9.geom_point(data=frame[frame["knee"]], color=paint, fill="none", shape="o", size=4, stroke=0.7)
        + p9.scale_x_continuous(breaks=_breaks(len(frame)), expand=(0.06, 0))
        + p9.scale_y_continuous(expand=(0.03 + 0.022 * longest, 0, 0.08, 0))
        + theme_bandlens(base_size, width=width, lines=lines)
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + p9.labs(title="How few bands suffice?", subtitle=subtitle, x="Bands", y=TITLES[result.metric])
    )
    text = {"size": SMALL * base_size, "color": ink("text")}
    if longest:
        plot += p9.geom_text(p9.aes(y="place", label="text"), angle=90, va="top", ha="center", **text)
    if len(sensors):
        names_of = {"size": SMALL * base_size, "color": other}
        shown = sensors.assign(text=sensors["sensor"].astype(str))
        right = shown["n_bands"] > len(frame) / 2  # names run towards the middle
        plot += p9.geom_point(data=shown, color=other, shape="D", size=2)
        for own, side in ((shown[right], "right"), (shown[~right], "left")):
            plot += p9.geom_text(p9.aes(label="text"), own, nudge_y=0.05 * extent, va="bottom", ha=side, **names_of)
    return plot


def _breaks(count: int) -> list[int]:
    step = max(1, -(-count // NAMED))
    return list(range(1, count + 1, step))


def _note(result: BandSelection) -> str:
    how = (
        f"models trained for each set of bands, {result.repeats} x {result.folds} folds"
        if result.retrained
        else f"not trained again: other bands from {result.n_background} background images each"
    )
    sensors = "; diamonds: bands nearest to those of a sensor" if result.sensors else ""
    return (
        f"n = {result.n} images; {how}; {ORDERS[result.method]}; shaded: 95 % interval; dotted: all bands; circled: "
        f"{result.knee} bands, the fewest within one standard error of the best{sensors}"
    )
