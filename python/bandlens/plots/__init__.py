"""Pictures of the tidy tables, one kind per file, drawn from frames only.

A kind is a function ``draw(result, *, base_size=8, width=175, **options)`` that returns a complete plotnine ggplot. R
draws the same pictures with ggplot2; both read their colours from `palette.csv` and names of methods from `labels.csv`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from . import (
    bars,
    comparison,
    deletion,
    distribution,
    effect,
    heatmap,
    maps,
    null,
    randomization,
    ranks,
    spectrum,
    stability,
)

if TYPE_CHECKING:
    import plotnine

    from ..checks import Check
    from ..result import BandImportance

KINDS = {
    "heatmap": heatmap.draw,
    "bars": bars.draw,
    "effect": effect.draw,
    "spectrum": spectrum.draw,
    "ranks": ranks.draw,
    "distribution": distribution.draw,
}

# by the function that made them
CHECKS: dict[str, Callable[..., plotnine.ggplot]] = {
    "check_deletion": deletion.draw,
    "check_null": null.draw,
    "check_randomization": randomization.draw,
    "check_stability": stability.draw,
    "compare_importance": comparison.draw,
}


def draw(result: BandImportance, kind: str = "heatmap", **options: Any) -> plotnine.ggplot:
    """Draw a result.

    Parameters
    ----------
    result : BandImportance
    kind : str
        A key of `KINDS`: "heatmap" and "effect" (tiles of shares and of signed means), "bars" (importance with
        intervals), "spectrum" (lines of importance over wavelength), "ranks" (bands in order of importance),
        "distribution" (scores of single images).
    **options
        What this kind takes. All take `width`, the width in mm at which the picture will be shown (175, two columns
        of a journal), and `base_size`, the font size in points (8); they decide how names are wrapped and thinned.

    Returns
    -------
    plotnine.ggplot
        A complete plot to which layers, scales and themes can be added.

    Raises
    ------
    OptionError
        If there is no such kind, or it does not take these options.
    """
    if kind not in KINDS:
        raise OptionError("There is no such plot.", expected=f"kind {_listed(KINDS)}", given=repr(kind))
    return _drawn(KINDS[kind], kind, result, options)


def draw_check(check: Check, **options: Any) -> plotnine.ggplot:
    """Draw a check; options and errors as for `draw`."""
    return _drawn(CHECKS[check.name], check.name, check, options)


# of `BandMaps`
draw_maps = maps.draw


def _drawn(picture: Callable[..., plotnine.ggplot], kind: str, result: Any, options: Any) -> plotnine.ggplot:
    known = list(inspect.signature(picture).parameters)[1:]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise OptionError(
            f"The plot {kind!r} has no such option.", expected=_listed(known), given=", ".join(map(repr, unknown))
        )
    return picture(result, **options)


def _listed(names: Any) -> str:
    return " or ".join(repr(name) for name in names)
