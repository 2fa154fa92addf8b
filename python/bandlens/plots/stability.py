"""Shares with intervals over images and background samples, a panel per class, to see which differences would last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotnine as p9

from ..data.words import and_more
from .axes import NAMED, Bands, band_axis, panel_columns
from .labels import label, own_output, several_outputs, wrap
from .palette import band_colours, ink
from .rows import words_of
from .theme import SMALL, characters, theme_bandlens

if TYPE_CHECKING:
    from ..checks import Check


def draw(check: Check, *, base_size: float = 8, width: float = 175) -> p9.ggplot:
    """Shares of importance with 95 % intervals, faceted by class; above them, how often the band is ranked first.

    Parameters
    ----------
    check : Check
        From `check_stability`.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown; decides how names are wrapped and panels arranged.

    Returns
    -------
    plotnine.ggplot
    """
    frame = check.to_frame()
    for name in ("share", "share_low", "share_high"):
        frame[name] = 100 * frame[name]
    frame = frame.assign(band=words_of(frame))
    bands = tuple(frame["band"].cat.categories)
    waves = frame.groupby("band", observed=True)["wavelength"].first()
    wavelengths = tuple(float(waves[band]) for band in bands)
    n_bands = len(bands)
    few = n_bands <= NAMED
    room = characters(width, base_size) - 8
    classes = [name for name in frame["class"].cat.categories if name in set(frame["class"])]
    several = several_outputs(frame)
    columns = frame["output"].nunique() if several else panel_columns(len(classes), n_bands, room)
    rows = len(classes) if several else -(-len(classes) // columns)
    axis = band_axis(Bands(bands, wavelengths), room=room / columns - 1, expand=0.6)
    strip = int(SMALL * room / columns)
    titles = {name: wrap(name, 14 if several else strip) for name in classes}
    if several:
        outputs = {name: wrap(f"output {name}", strip) for name in frame["output"].cat.categories}
        facets = [
            p9.facet_grid("class", "output", labeller=p9.labeller(rows=titles.get, cols=outputs.get)),
            p9.theme(plot_margin_right=0.03),
        ]
    else:
        facets = [p9.facet_wrap("class", ncol=columns, labeller=p9.as_labeller(titles))]

    known = frame[frame["share_low"].notna()]
    often = known[known["first"].round(2) > 0].assign(text=lambda part: (100 * part["first"]).map("{:.0f}".format))
    printed = few and len(often) > 0 and (room / columns - 1) / n_bands > 1.7  # two digits
    note = _subtitle(check.facts, len(known) > 0, printed, own_output(frame), int(characters(width, base_size)))
    if against := _contradicted(check):
        note += "\n" + wrap(against, int(characters(width, base_size)))
    lines = 4 + note.count("\n") + rows * (9 + max(title.count("\n") for title in titles.values())) + axis.lines
    plot = (
        p9.ggplot(frame, p9.aes("band", "share", color="band"))
        + p9.geom_point(size=1.8 if few else 0.4, show_legend=False)
        + p9.scale_color_manual(values=dict(zip(bands, band_colours(bands, wavelengths), strict=True)))
        + p9.scale_y_continuous(expand=(0.03, 0, 0.14 if printed else 0.06, 0))
        + p9.expand_limits(y=0)
        + theme_bandlens(base_size, width=width, lines=lines)
        + facets
        + p9.theme(panel_grid_major_y=p9.element_line(color=ink("grid"), size=0.4))
        + axis.parts
        + p9.labs(
            title="Stability of the share of each band",
            subtitle=note,
            y="Share (%)",
        )
    )
    if len(known):
        extent = p9.aes(ymin="share_low", ymax="share_high")
        plot += p9.geom_linerange(extent, data=known, size=0.8 if few else 0.3, show_legend=False)
    if printed:
        plot += p9.geom_text(
            p9.aes(y="share_high", label="text"),
            data=often,
            va="bottom",
            nudge_y=0.02 * float(known["share_high"].max()),
            size=SMALL * base_size,
            color=ink("text"),
        )
    return plot


# classes that a subtitle names
MOST_NAMED = 5


def _contradicted(check: Check) -> str:
    """Which classes' first bands the resamples contradict; empty if none, also of checks saved by earlier versions."""
    ranks = check.to_frame("rank")
    if "outcome" not in ranks or not (ranks["outcome"] == "outlier").any():
        return ""
    names = list(dict.fromkeys(ranks.loc[ranks["outcome"] == "outlier", "class"].astype(str)))
    return f"resamples contradict the table's first band for: {and_more(names, MOST_NAMED)}"


def _subtitle(facts: dict[str, Any], intervals: bool, printed: bool, own: bool, width: int) -> str:
    scale = f"class {facts['output']}" if own else facts["output"]
    what = label("method", facts["method"]), label("statistic", facts["statistic"]), scale
    source = f"{', '.join(what)}; n = {facts['images']} images"
    if facts["backgrounds"]:
        source += f", {facts['n_background']} background images drawn {facts['backgrounds']} times"
    over = " and ".join(facts["resampled"]).replace("background", "background samples")
    note = f"lines: 95 % interval over {over}" if intervals else "no interval from single images"
    if printed:
        note += "; numbers: in how many % of resamples the band is first"
    return f"{wrap(source, width)}\n{wrap(note, width)}"
