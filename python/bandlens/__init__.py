"""Which input bands of multispectral and hyperspectral images a Keras CNN relies on, per class, with uncertainty.

The main verb is `band_importance`; `band_maps` gives the attributions themselves; `visualize_features` shows what
neurons look for. No framework is imported before a model needs it; one that is imported later, TensorFlow, keeps its
memory (`engine.allocation`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .engine import allocation
from .errors import MissingPackageError
from .results import drawing

allocation.keep()

if TYPE_CHECKING:
    from . import datasets, errors
    from .checks import (
        Check,
        check_deletion,
        check_null,
        check_plausibility,
        check_quality,
        check_randomization,
        check_stability,
        compare_importance,
    )
    from .data.backgrounds import BackgroundImages
    from .data.labelled import LabelledImages
    from .engine.precision import allow_tf32
    from .errors import BandlensError
    from .explain.counterfactuals import counterfactual_spectra
    from .explain.importance import band_importance
    from .explain.interactions import band_interactions
    from .explain.maps import band_maps
    from .explain.response import band_response
    from .explain.selection import select_bands
    from .explain.zoning import wavelength_zones
    from .features import (
        FeatureImages,
        LayerActivations,
        LayerKernels,
        LayerList,
        TopImages,
        layer_activations,
        layer_kernels,
        list_layers,
        plot_layers,
        top_images,
        visualize_features,
    )
    from .localization import CAM_METHODS, ActivationMaps, class_activation_maps, occlusion_maps
    from .methods import METHODS
    from .models.bands import bands_of, set_bands
    from .results.by_input import ByInput
    from .results.combining import combine
    from .results.counterfactuals import Counterfactuals
    from .results.importance import BandImportance
    from .results.interactions import BandInteractions
    from .results.maps import BandMaps
    from .results.pooled import PooledImportance
    from .results.pooling import pool_importance
    from .results.response import BandResponse
    from .results.selection import BandSelection
    from .results.wavelength_zones import WavelengthZones
    from .scenes import ScenePatches, extract_patches, plot_scene, score_scene, zonal_importance

_HOMES = {
    "ActivationMaps": ".localization",
    "BackgroundImages": ".data.backgrounds",
    "BandImportance": ".results.importance",
    "BandInteractions": ".results.interactions",
    "BandMaps": ".results.maps",
    "BandResponse": ".results.response",
    "BandSelection": ".results.selection",
    "BandlensError": ".errors",
    "ByInput": ".results.by_input",
    "CAM_METHODS": ".localization",
    "Check": ".checks",
    "Counterfactuals": ".results.counterfactuals",
    "FeatureImages": ".features",
    "LabelledImages": ".data.labelled",
    "LayerActivations": ".features",
    "LayerKernels": ".features",
    "LayerList": ".features",
    "METHODS": ".methods",
    "PooledImportance": ".results.pooled",
    "ScenePatches": ".scenes",
    "TopImages": ".features",
    "WavelengthZones": ".results.wavelength_zones",
    "allow_tf32": ".engine.precision",
    "band_importance": ".explain.importance",
    "band_interactions": ".explain.interactions",
    "band_maps": ".explain.maps",
    "band_response": ".explain.response",
    "bands_of": ".models.bands",
    "check_deletion": ".checks",
    "check_null": ".checks",
    "check_plausibility": ".checks",
    "check_quality": ".checks",
    "check_randomization": ".checks",
    "check_stability": ".checks",
    "class_activation_maps": ".localization",
    "combine": ".results.combining",
    "compare_importance": ".checks",
    "counterfactual_spectra": ".explain.counterfactuals",
    "extract_patches": ".scenes",
    "layer_activations": ".features",
    "layer_kernels": ".features",
    "list_layers": ".features",
    "occlusion_maps": ".localization",
    "plot_layers": ".features",
    "plot_scene": ".scenes",
    "pool_importance": ".results.pooling",
    "score_scene": ".scenes",
    "select_bands": ".explain.selection",
    "set_bands": ".models.bands",
    "top_images": ".features",
    "visualize_features": ".features",
    "wavelength_zones": ".explain.zoning",
    "zonal_importance": ".scenes",
}
_MODULES = ("datasets", "errors")

__all__ = [
    "CAM_METHODS",
    "METHODS",
    "ActivationMaps",
    "BackgroundImages",
    "BandImportance",
    "BandInteractions",
    "BandMaps",
    "BandResponse",
    "BandSelection",
    "BandlensError",
    "ByInput",
    "Check",
    "Counterfactuals",
    "FeatureImages",
    "LabelledImages",
    "LayerActivations",
    "LayerKernels",
    "LayerList",
    "PooledImportance",
    "ScenePatches",
    "TopImages",
    "WavelengthZones",
    "__version__",
    "allow_tf32",
    "band_importance",
    "band_interactions",
    "band_maps",
    "band_response",
    "bands_of",
    "check_deletion",
    "check_null",
    "check_plausibility",
    "check_quality",
    "check_randomization",
    "check_stability",
    "class_activation_maps",
    "combine",
    "compare_importance",
    "counterfactual_spectra",
    "datasets",
    "errors",
    "extract_patches",
    "layer_activations",
    "layer_kernels",
    "list_layers",
    "occlusion_maps",
    "plot_layers",
    "plot_scene",
    "pool_importance",
    "score_scene",
    "select_bands",
    "set_bands",
    "top_images",
    "visualize_features",
    "wavelength_zones",
    "zonal_importance",
]


def _draw() -> Any:
    """What draws; R's installed package brings its own pictures instead (`.Rinstignore`)."""
    plots = import_module(".plots", __name__)
    if not hasattr(plots, "draw"):
        raise MissingPackageError(
            "This copy of bandlens is the one inside the R package, which draws in R and has no pictures for Python.",
            fix="in R, autoplot(); for Python, `pip install` the sources of bandlens",
        )
    return plots.draw


# results draw themselves without knowing pictures, which need plotnine
drawing.drawn_by(_draw)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import bandlens` is instant."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'bandlens' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
