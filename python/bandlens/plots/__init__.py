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
    activations,
    bars,
    comparison,
    deletion,
    distribution,
    effect,
    feature_bands,
    feature_grid,
    feature_spectrum,
    feature_trace,
    heatmap,
    kernel_profile,
    kernel_tiles,
    maps,
    null,
    randomization,
    ranks,
    spectrum,
    stability,
    top_images,
)

if TYPE_CHECKING:
    import plotnine

    from ..checks import Check
    from ..features import FeatureImages, LayerActivations, LayerKernels, TopImages
    from ..results.importance import BandImportance

KINDS = {
    "heatmap": heatmap.draw,
    "bars": bars.draw,
    "effect": effect.draw,
    "spectrum": spectrum.draw,
    "ranks": ranks.draw,
    "distribution": distribution.draw,
}

# of `FeatureImages`, `LayerKernels` and `TopImages`
FEATURES = {
    "grid": feature_grid.draw,
    "bands": feature_bands.draw,
    "spectrum": feature_spectrum.draw,
    "trace": feature_trace.draw,
}
KERNELS = {"tiles": kernel_tiles.draw, "profile": kernel_profile.draw}
TOP: dict[str, Callable[..., plotnine.ggplot]] = {
    "images": top_images.draw_images,
    "spectrum": top_images.draw_spectrum,
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
    return _one_of(KINDS, kind, result, options)


def draw_check(check: Check, **options: Any) -> plotnine.ggplot:
    """Draw a check; options and errors as for `draw`."""
    return _drawn(CHECKS[check.name], check.name, check, options)


def draw_features(result: FeatureImages, kind: str = "grid", **options: Any) -> plotnine.ggplot:
    """Draw images of features: a key of `FEATURES`; options and errors as for `draw`."""
    return _one_of(FEATURES, kind, result, options)


def draw_kernels(result: LayerKernels, kind: str = "tiles", **options: Any) -> plotnine.ggplot:
    """Draw kernels: a key of `KERNELS`; options and errors as for `draw`."""
    return _one_of(KERNELS, kind, result, options)


def draw_top(result: TopImages, kind: str = "images", **options: Any) -> plotnine.ggplot:
    """Draw the images that excite features most: a key of `TOP`; options and errors as for `draw`."""
    return _one_of(TOP, kind, result, options)


def draw_activations(result: LayerActivations, image: int = 0, **options: Any) -> plotnine.ggplot:
    """Draw activations of one image; options and errors as for `draw`."""
    return _drawn(activations.draw, "activations", result, {"image": image, **options})


# of `BandMaps`, and of several `FeatureImages`
draw_maps = maps.draw
draw_layers = feature_grid.draw_layers


def _one_of(kinds: dict[str, Callable[..., plotnine.ggplot]], kind: Any, result: Any, options: Any) -> plotnine.ggplot:
    if kind not in kinds:
        raise OptionError("There is no such plot.", expected=f"kind {_listed(kinds)}", given=repr(kind))
    return _drawn(kinds[kind], kind, result, options)


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
