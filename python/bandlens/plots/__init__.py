"""Pictures of the tidy tables, one kind per file, drawn from frames only.

A kind is a function ``draw(result, *, base_size=8, width=175, **options)`` that returns a complete plotnine ggplot. R
draws the same pictures with ggplot2; both read their colours from `palette.csv` and names of methods from `labels.csv`.

Imports `data`, `results`, `scenes`, `features`, `localization` and `checks`; nothing imports it: `results.drawing` is
told of `draw`, and `r` has pictures of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..data.words import nearest
from ..errors import OptionError
from . import (
    activations,
    bars,
    comparison,
    counterfactuals,
    deletion,
    dependence,
    distribution,
    effect,
    feature_bands,
    feature_grid,
    feature_spectrum,
    feature_trace,
    heatmap,
    interactions,
    kernel_profile,
    kernel_tiles,
    map_rows,
    null,
    plausibility,
    quality,
    randomization,
    ranks,
    response,
    response_steps,
    runs,
    scene,
    selection,
    spectrum,
    stability,
    time_curves,
    top_images,
    waterfall,
    wavelength_zones,
    where,
)
from .interactive import draw as draw_interactive
from .rows import drawable, in_words, told

Draw = Callable[..., Any]

# Of each kind of result, its pictures by name; a picture is a file in this folder and a line here.
KINDS: dict[str, Draw] = {
    "heatmap": heatmap.draw,
    "bars": bars.draw,
    "effect": effect.draw,
    "spectrum": spectrum.draw,
    "curves": time_curves.draw,
    "ranks": ranks.draw,
    "distribution": distribution.draw,
    "dependence": dependence.draw,
    "waterfall": waterfall.draw,
}
FEATURES: dict[str, Draw] = {
    "grid": feature_grid.draw,
    "bands": feature_bands.draw,
    "spectrum": feature_spectrum.draw,
    "trace": feature_trace.draw,
}
# of what was pooled over training runs, which has no scores of images
POOLED: dict[str, Draw] = {
    **{name: KINDS[name] for name in ("heatmap", "bars", "effect", "spectrum", "curves", "ranks")},
    "runs": runs.draw,
}
TABLES = (KINDS, POOLED)
PICTURES: dict[str, dict[str, Draw]] = {
    "ActivationMaps": {"where": where.draw},
    "BandImportance": KINDS,
    "BandInteractions": {"heatmap": interactions.draw_heatmap, "network": interactions.draw_network},
    "BandMaps": {"maps": map_rows.draw},
    "BandSelection": {"curve": selection.draw},
    "BandResponse": {"ale": response.draw, "ice": response.draw_own},
    "Check": {
        "check_deletion": deletion.draw,
        "check_null": null.draw,
        "check_plausibility": plausibility.draw,
        "check_quality": quality.draw,
        "check_randomization": randomization.draw,
        "check_stability": stability.draw,
        "compare_importance": comparison.draw,
    },
    "Counterfactuals": {"tiles": counterfactuals.draw_tiles, "spectra": counterfactuals.draw_spectra},
    "FeatureImages": FEATURES,
    "LayerActivations": {"activations": activations.draw},
    "Dataset": {"scores": scene.draw},
    "LayerKernels": {"tiles": kernel_tiles.draw, "profile": kernel_profile.draw},
    "PooledImportance": POOLED,
    "TopImages": {"images": top_images.draw_images, "spectrum": top_images.draw_spectrum},
    "WavelengthZones": {"correlation": wavelength_zones.draw},
    # of several `FeatureImages`
    "tuple": {"layers": feature_grid.draw_layers},
}


def draw(
    result: Any, kind: str = "heatmap", *, level: str | None = None, interactive: bool = False, **options: Any
) -> Any:
    """Draw a result.

    Parameters
    ----------
    result : ActivationMaps, BandImportance, BandInteractions, BandMaps, BandResponse, Check, FeatureImages or others
        Also LayerActivations, LayerKernels, TopImages or PooledImportance. Or several FeatureImages, in a tuple.
    kind : str
        A picture of this kind of result in `PICTURES`. Of importance: "heatmap" and "effect" (tiles of shares and of
        signed means, with a time axis band x time), "bars" (importance with intervals), "spectrum" (lines of importance
        over wavelength), "curves" (lines of importance over time), "ranks" (bands in order of importance),
        "distribution" (scores of single images), "dependence" (those against the level of the band), "waterfall" (those
        of one image, from the background's output to its own). Of a PooledImportance: those without scores of images,
        and "runs" (importance in each training run, with the pooled one). Of BandInteractions: "heatmap" (bands x
        bands) and "network" (bands on a circle, a line for each pair).
    level : {"band", "time", "input", "group"}, optional
        Of importance with a time axis or several inputs: draw scores that were summed over steps, over bands, or over
        all of an input; of Owen values, over the bands of each group; as `BandImportance.sums` does.
    interactive : bool
        Draw "heatmap", "bars" or "spectrum" by plotly, which says under the mouse what is where.
    **options
        What this kind takes. All take `width`, the width in mm at which the picture will be shown (175, two columns
        of a journal), and `base_size`, the font size in points (8); they decide how names are wrapped and thinned.

    Returns
    -------
    plotnine.ggplot or plotly.graph_objects.Figure
        A complete plot to which layers, scales and themes can be added; a figure where it is interactive.

    Raises
    ------
    OptionError
        If there is no such kind, or it does not take these options, or is not drawn interactively.
    MissingPackageError
        If plotly, which draws interactively, isn't there.
    """
    kinds = next(PICTURES[one.__name__] for one in type(result).__mro__ if one.__name__ in PICTURES)
    if kind not in kinds:
        raise OptionError(
            "There is no such plot.", expected=f"kind {_listed(kinds)}", given=repr(kind), fix=nearest(kind, kinds)
        )
    if level is not None and kinds is not KINDS:
        fix = "pool the sums: `pool_importance(results, level=...)`" if kinds is POOLED else None
        given = type(result).__name__
        raise OptionError("This kind of result has no sums.", expected="a BandImportance", given=given, fix=fix)
    if interactive:
        if kinds not in TABLES:
            raise OptionError(
                "This kind of result is not drawn interactively.",
                expected="a BandImportance",
                given=type(result).__name__,
            )
        return draw_interactive(in_words(result if level is None else result.sums(level)), kind, **options)
    picture = kinds[kind]
    known = list(inspect.signature(picture).parameters)[1:]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise OptionError(
            f"The plot {kind!r} has no such option.",
            expected=_listed(known),
            given=", ".join(map(repr, unknown)),
            fix=nearest(unknown if len(unknown) > 1 else unknown[0], known),
        )
    if kinds in TABLES:
        drawn = picture(drawable(result, kind, level), **options)
        return told(drawn, kind, level, **{name: options[name] for name in ("base_size", "width") if name in options})
    if kinds is PICTURES["BandResponse"]:
        return (
            response_steps.draw(result, **options)
            if response_steps.draws(result)
            else picture(in_words(result), **options)
        )
    return picture(result, **options)


def _listed(names: Any) -> str:
    return " or ".join(repr(name) for name in names)
