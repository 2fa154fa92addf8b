"""The only module that R imports: functions that take and give plain scalars, strings, lists, dictionaries and arrays.

Results hold no data frame (reticulate converts pandas differently from version to version) and no live Python object
(it would not survive `saveRDS`). Errors and warnings of bandlens come back as values, because versions of reticulate
differ in what they make of Python's; R rebuilds them as conditions. R has turned its positions into positions from 0
and turns those in results back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._version import __version__
from ..engine import precision
from ..progress import drawn_elsewhere, keeping_on_interrupt
from ..results.schema import restored
from ..results.sums import sums_of
from ..results.tables import WHOLE
from . import pictures
from .checks import check_plausibility, check_quality, outcome  # noqa: F401 - R calls the checks
from .conversions import Answer, all_fields, answer, by_input, column, columns, fields, labels, plain
from .counterfactuals import counterfactual_spectra  # noqa: F401 - R calls it
from .describing import described
from .functions import RFunction as r_function  # noqa: F401, N813 - R makes models of functions with it
from .images import images_and_options
from .interactions import band_interactions  # noqa: F401 - R calls it
from .interrupts import mend_signals
from .localization import class_activation_maps, occlusion_maps  # noqa: F401 - R calls them
from .pooling import pool_importance, pool_models  # noqa: F401 - R calls them
from .scenes import score_scene  # noqa: F401 - R calls it
from .selection import select_bands  # noqa: F401 - R calls it
from .streams import RStream as r_stream  # noqa: F401, N813 - R makes streams of functions with it
from .watching import Watching
from .windows import model_inputs, pixel_scores, window_outputs, zonal_importance  # noqa: F401 - R calls them
from .zones import wavelength_zones  # noqa: F401 - R calls it

if TYPE_CHECKING:
    from ..results.importance import BandImportance

# what a result says of itself that is made of its fields
DERIVED = (
    *("completeness", "cancellation", "accuracy", "chance", "background_part"),
    *("precision_reached", "converged"),
)

hears_interrupts = mend_signals()
drawn_elsewhere()


def version() -> str:
    """Version of the core, which must be that of the R package."""
    return __version__


def finish() -> None:
    """Let threads that compile come to an end: R ends the process without Python's own end, which waits for threads."""
    compiling = sys.modules.get("bandlens.engine.backends.tensorflow.fusing")
    if compiling is not None:
        compiling.finish()


def allow_tf32(allow: bool) -> None:
    """Whether GPUs may be less precise, to be faster."""
    precision.allow_tf32(allow)


@answer
def loaded_model(path: str) -> Any:
    """A saved model, a Python object, for several calls."""
    from ..models.saved import loaded

    return loaded(path)


@answer
def band_importance(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer | list[Answer]:
    """Importance of every band for every class.

    Parameters
    ----------
    model : object
        Keras model, callable, what `r_function` gives, or path.
    x : array or list of arrays
    y : list of str, array or None
        Names, one-hot rows, or numbers as R counts them, as float64.
    arguments : dict
        The other arguments of `bandlens.band_importance`, by name; `method` may be a list.
    progress : callable or None
        Called as `Watching` says.

    Returns
    -------
    dict
        ``value``: columns of the class x band table, arrays and metadata of the result; of several methods, a list of
        such.
    """
    from ..explain.importance import band_importance as compute

    model, x, options = images_and_options(model, x, arguments)
    with keeping_on_interrupt(bool(options.pop("keep_on_interrupt", False))):
        found = compute(model, x, labels(y), **options, progress=Watching(progress) if progress else False)
    return [_importance(one) for one in found.values()] if isinstance(found, dict) else _importance(found)


@answer
def band_maps(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Attributions per image, pixel and band; arguments as for `band_importance`.

    Returns
    -------
    dict
        ``value``: arrays and metadata of the result; of a model of several inputs as `by_input` gives them.
    """
    from ..explain.maps import band_maps as compute

    model, x, options = images_and_options(model, x, arguments)
    return by_input(compute(model, x, labels(y), **options, progress=progress or False), pictures.maps)


@answer
def band_response(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Curves of outputs against levels of bands, as the fields of the result; arguments as for `band_importance`."""
    from ..explain.response import band_response as compute

    model, x, options = images_and_options(model, x, arguments)
    return all_fields(compute(model, x, labels(y), **options, progress=progress or False))


@answer
def sentinel2(seed: int, cache: str) -> Answer:
    """Patches of the Sentinel-2 scene, see `bandlens.datasets.sentinel2`.

    Returns
    -------
    dict
        ``value``: for each part of the split `x`, `y`, `polygon` and `centre`, and what there is to say of all.
    """
    from ..datasets import sentinel2 as read

    patches = read(seed=seed, cache=cache)
    parts = {
        part: {name: column(getattr(patches, f"{name}_{part}")) for name in ("x", "y", "polygon", "centre")}
        for part in ("train", "test")
    }
    return {**parts, **fields(patches, plain, ("bands", "wavelengths", "classes", "crs", "source", "licence", "title"))}


@answer
def sentinel2_scene(cache: str) -> Answer:
    """The Sentinel-2 scene, see `bandlens.datasets.sentinel2_scene`."""
    from ..datasets import sentinel2_scene as read

    return fields(read(cache=cache), plain, ("values", "bands", "extent", "crs"))


@answer
def subset(result: Mapping[str, Any], images: np.ndarray) -> Answer:
    """Result of some of the images; `result` as R keeps it, see `_result`, `images` positions counted from 0."""
    return _importance(_result(result).subset(np.array(images, np.int64)))


@answer
def sums(result: Mapping[str, Any], level: str) -> Answer:
    """Result of scores summed over steps or bands; `result` as R keeps it, see `_result`."""
    return _importance(_result(result).sums(level))


@answer
def combine(results: Sequence[Mapping[str, Any]]) -> Answer:
    """One result of several that explain different images; `results` as R keeps them, see `_result`."""
    from ..results.combining import combine as together

    return _importance(together(*map(_result, results)))


@answer
def compare_importance(results: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any]) -> Answer:
    """How far results agree.

    Parameters
    ----------
    results : list of dict
        Results as R keeps them, see `_result`.
    arguments : dict
        The other arguments of `bandlens.compare_importance`, by name.

    Returns
    -------
    dict
        ``value``: tables, verdict and facts, as from all checks.
    """
    from ..checks import compare_importance as compare

    return outcome(compare(*map(_result, results), **arguments))


@answer
def check_stability(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Check of the table against other images and backgrounds; arguments as for `band_importance`."""
    from ..checks import check_stability as check

    model, x, options = images_and_options(model, x, arguments)
    return outcome(check(model, x, labels(y), **options, progress=progress or False))


@answer
def check_randomization(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Check of the table against those of random weights; arguments as for `band_importance`."""
    from ..checks import check_randomization as check

    model, x, options = images_and_options(model, x, arguments)
    return outcome(check(model, x, labels(y), **options, progress=progress or False))


@answer
def check_null(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Check of the method by a band that is ignored and two equal ones; arguments as for `band_importance`."""
    from ..checks import check_null as check

    model, x, options = images_and_options(model, x, arguments)
    return outcome(check(model, x, labels(y), **options, progress=progress or False))


@answer
def check_deletion(
    model: Any,
    result: Mapping[str, Any],
    x: Any,
    y: Any,
    arguments: Mapping[str, Any],
    progress: Callable[[int, int], Any] | None,
) -> Answer:
    """Check of the ranking by removing bands; `result` as R keeps it, see `_result`."""
    from ..checks import check_deletion as check

    model, x, options = images_and_options(model, x, arguments)
    return outcome(check(model, _result(result), x, labels(y), **options, progress=progress or False))


@answer
def bands_of(model: Any) -> Any:
    """Names of bands that are kept with a model, a list or a dict of lists; see `bandlens.bands_of`."""
    from ..models.bands import bands_of as kept

    return plain(kept(model))


@answer
def set_bands(model: Any, bands: Sequence[str] | Mapping[str, Sequence[str]] | None) -> None:
    """Keep names of bands with a model, see `bandlens.set_bands`."""
    from ..models.bands import set_bands as keep

    keep(model, bands)


@answer
def band_methods() -> list[Answer]:
    """Every method and its options.

    Returns
    -------
    dict
        ``value``: a dictionary per method, in the order of `bandlens.METHODS`.
    """
    from ..methods import METHODS

    return [described(method) for method in METHODS.values()]


def _importance(result: BandImportance) -> Answer:
    return {
        "table": columns(result.columns("class").columns),
        "overall": columns(result.columns("overall").columns),
        "sums": {level: _sums(result, level) for level in sums_of(result)},
        "whole": WHOLE,
        "median_local_fit": None if result.local_fit is None else float(np.median(result.local_fit)),
        **all_fields(result),
        **fields(result, plain, DERIVED),
    }


def _sums(result: BandImportance, level: str) -> Answer:
    """Columns of a table of sums; groups, and the inputs of each, are no names of the result's, and come as texts."""
    table = result.columns(level)
    texts = ("band", "input") if level == "group" else ()
    named = {name: np.array(table.levels[name])[table.columns[name]] for name in texts if name in table.columns}
    return columns({**table.columns, **named})


def _result(given: Mapping[str, Any]) -> BandImportance:
    """A result that R has kept, from its fields as `_importance` gives them."""
    from ..results.importance import BandImportance

    return restored(BandImportance, given)


@answer
def list_layers(model: Any, arguments: Mapping[str, Any]) -> Answer:
    """Layers of a model; `arguments` of `bandlens.list_layers`, by name.

    Returns
    -------
    dict
        ``value``: `table`, the columns of `to_frame()` (-1 features where that is unknown), and `model`.
    """
    from ..features import list_layers as layers_of

    found = layers_of(model, **arguments)
    return {"table": columns(found.columns().columns), "model": found.model}


@answer
def layer_kernels(model: Any, arguments: Mapping[str, Any]) -> Answer:
    """Kernels of a convolution; `arguments` of `bandlens.layer_kernels`, by name, `features` counted from 0.

    Returns
    -------
    dict
        ``value``: `values` (kernels, rows, cols, bands), `kernel` (counted from 0), `tables` "weight" and "band"
        (`band` as a code into `bands`, counted from 0), `bands`, `wavelengths`, `layer`, `kind`, `model`.
    """
    from ..features import layer_kernels as read

    found = read(model, **arguments)
    return {
        "tables": {level: columns(found.columns(level).columns) for level in ("weight", "band")},
        **all_fields(found),
    }


@answer
def visualize_features(model: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None) -> Answer:
    """Images of features; `arguments` of `bandlens.visualize_features`, by name, positions counted from 0.

    Returns
    -------
    dict
        ``value``: the fields of `FeatureImages`, and `tables` "feature", "band" and "trace" (`layer`, `feature` and
        `band` as codes into `levels`, counted from 0). The "pixel" table is `values` written out. Of several inputs
        as `by_input` gives them.
    """
    from ..features import visualize_features as compute

    model, _, options = images_and_options(model, None, arguments)
    return by_input(compute(model, **options, progress=progress or False), pictures.feature_images)


@answer
def layer_activations(
    model: Any, x: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Activations of a layer; `arguments` of `bandlens.layer_activations`, by name, `features` counted from 0.

    Returns
    -------
    dict
        ``value``: `values` (n, *positions, features), `feature` (counted from 0), `names`, `tables` "image" (`image`
        and `feature` counted from 0, the latter into `names`), `layer`, `kind`, `model`.
    """
    from ..features import layer_activations as compute

    model, x, options = images_and_options(model, x, arguments)
    found = compute(model, x, **options, progress=progress or False)
    return {
        "tables": {"image": columns(found.columns("image").columns)},
        **all_fields(found),
    }


@answer
def top_images(model: Any, x: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None) -> Answer:
    """Images that excite features most; `arguments` of `bandlens.top_images`, by name, `features` counted from 0.

    Returns
    -------
    dict
        ``value``: the fields of `TopImages`, `index` counted from 0, and `tables` "image" and "band" (`image`,
        `feature` and `band` counted from 0, the latter two into `names` and `bands`; `place` from 1). Of several inputs
        as `by_input` gives them.
    """
    from ..features import top_images as compute

    model, x, options = images_and_options(model, x, arguments)
    return by_input(compute(model, x, **options, progress=progress or False), pictures.top_images)
