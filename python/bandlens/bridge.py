"""The only module that R imports: functions that take and give plain scalars, strings, lists, dictionaries and arrays.

Results hold no data frame (reticulate converts pandas differently from version to version) and no live Python object
(it would not survive `saveRDS`). Errors that bandlens raises come back as values, because versions of reticulate differ
in what they make of a Python exception; R rebuilds them as conditions. R has turned its positions into positions from 0
and turns those in results back.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._version import __version__
from .columns import WHOLE, class_columns, overall_columns
from .counting import counting_from, first
from .errors import BandlensError, MissingPackageError, ResultError

if TYPE_CHECKING:
    from .checks import Check
    from .methods import Method
    from .result import BandImportance

Answer = dict[str, Any]

# what `pip install 'bandlens[extra]'` brings: in R the package is not pip's, so its extras have to be named one by one
EXTRAS = {"lime": ["scikit-learn", "scikit-image"], "sentinel2": ["pillow", "pip"]}


def version() -> str:
    """Version of the core, which must be that of the R package."""
    return __version__


def _answer(function: Callable[..., Any]) -> Callable[..., Answer]:
    """Give the value, or the error if bandlens raised it, in a dictionary."""

    @functools.wraps(function)
    def call(*arguments: Any) -> Answer:
        try:
            with counting_from(1):
                return {"ok": True, "value": function(*arguments)}
        except BandlensError as error:
            parts = {name: getattr(error, name) for name in ("kind", "message", "expected", "given", "fix")}
            if isinstance(error, MissingPackageError):
                parts["packages"] = _extra_packages(error.fix or "")
            return {"ok": False, **parts}
        except ModuleNotFoundError as error:
            message = f"Python lacks the module {error.name!r}."
            return {"ok": False, "kind": "python_missing", "message": message}

    return call


def _extra_packages(fix: str) -> list[str]:
    """Packages of the extras that a Python user is told to install."""
    return [package for extra, packages in EXTRAS.items() if f"[{extra}]" in fix for package in packages]


@_answer
def band_importance(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Importance of every band for every class.

    Parameters
    ----------
    model : object
        Keras model, callable, or path.
    x : array or list of arrays
    y : list of str, array or None
    arguments : dict
        The other arguments of `bandlens.band_importance`, by name.
    progress : callable or None
        Called with images done and images in all.

    Returns
    -------
    dict
        ``value``: columns of the class x band table, arrays and metadata of the result.
    """
    from . import band_importance as compute

    return _importance(compute(model, x, y, **_arguments(arguments), progress=progress or False))


@_answer
def band_maps(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Attributions per image, pixel and band; arguments as for `band_importance`.

    Returns
    -------
    dict
        ``value``: arrays and metadata of the result.
    """
    from . import band_maps as compute

    maps = compute(model, x, y, **_arguments(arguments), progress=progress or False)
    return {
        **_fields(maps, _column, ("values", "image_class", "prediction", "image_output")),
        **_fields(maps, list, ("classes", "outputs", "bands", "wavelengths")),
        **_fields(maps, _plain, ("band_axis", "method", "output", "seed", "model")),
    }


@_answer
def sentinel2(seed: int, cache: str) -> Answer:
    """Patches of the Sentinel-2 scene, see `bandlens.datasets.sentinel2`.

    Returns
    -------
    dict
        ``value``: for each part of the split `x`, `y`, `polygon` and `centre`, and what there is to say of all.
    """
    from .datasets import sentinel2 as read

    patches = read(seed=seed, cache=cache)
    parts = {
        part: {name: _column(getattr(patches, f"{name}_{part}")) for name in ("x", "y", "polygon", "centre")}
        for part in ("train", "test")
    }
    return {**parts, **_fields(patches, _plain, ("bands", "wavelengths", "classes", "crs", "source", "licence"))}


@_answer
def sentinel2_scene(cache: str) -> Answer:
    """The Sentinel-2 scene, see `bandlens.datasets.sentinel2_scene`."""
    from .datasets import sentinel2_scene as read

    return _fields(read(cache=cache), _plain, ("values", "bands", "extent", "crs"))


@_answer
def subset(result: Mapping[str, Any], images: np.ndarray) -> Answer:
    """Result of some of the images; `result` as R keeps it, see `_result`, `images` positions counted from 0."""
    return _importance(_result(result).subset(np.array(images, np.int64)))


@_answer
def combine(results: Sequence[Mapping[str, Any]]) -> Answer:
    """One result of several that explain different images; `results` as R keeps them, see `_result`."""
    from . import combine as together

    return _importance(together(*map(_result, results)))


@_answer
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
    from . import compare_importance as compare

    return _check(compare(*map(_result, results), **arguments))


@_answer
def check_stability(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Check of the table against other images and backgrounds; arguments as for `band_importance`."""
    from . import check_stability as check

    return _check(check(model, x, y, **_arguments(arguments), progress=progress or False))


@_answer
def check_randomization(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Check of the table against those of random weights; arguments as for `band_importance`."""
    from . import check_randomization as check

    return _check(check(model, x, y, **_arguments(arguments), progress=progress or False))


@_answer
def check_null(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Check of the method by a band that is ignored and two equal ones; arguments as for `band_importance`."""
    from . import check_null as check

    return _check(check(model, x, y, **_arguments(arguments), progress=progress or False))


@_answer
def check_deletion(
    model: Any,
    result: Mapping[str, Any],
    x: Any,
    y: Any,
    arguments: Mapping[str, Any],
    progress: Callable[[int, int], Any] | None,
) -> Answer:
    """Check of the ranking by removing bands; `result` as R keeps it, see `_result`."""
    from . import check_deletion as check

    return _check(check(model, _result(result), x, y, **arguments, progress=progress or False))


@_answer
def classifies(model: Any, x: Any, band_axis: int, output: str) -> bool:
    """Whether a model tells classes apart, so that numbers in `y` are classes, which R counts from 1.

    Returns
    -------
    dict
        ``value``: False for a regression, whose `y` holds values.
    """
    from .inputs import check_images
    from .models import make_predictor

    return make_predictor(model, check_images(x, band_axis), output).classifies


def _arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _for_r(value) if callable(value) else value for name, value in given.items()}


def _for_r(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is given arrays of types that R has: whole numbers stay such, so that R can tell classes."""

    @functools.wraps(function)
    def call(*arrays: np.ndarray) -> Any:
        return function(*map(_column, arrays))

    return call


@_answer
def band_methods() -> list[Answer]:
    """Every method and its options.

    Returns
    -------
    dict
        ``value``: a dictionary per method, in the order of `bandlens.METHODS`.
    """
    from .methods import METHODS

    return [_method(method) for method in METHODS.values()]


def _method(method: Method) -> Answer:
    options = [
        {
            "option": name,
            "default": _text(option.default),
            "meaning": option.meaning.replace("counted from 0", f"counted from {first()}"),
        }
        for name, option in method.options.items()
    ]
    return {
        **_fields(method, str, ("name", "label", "summary", "cost", "statistic", "reference")),
        "additive": method.additive,
        "maps": method.maps is not None,
        "background": method.uses_background,
        "options": options,
    }


def _text(default: Any) -> str:
    """The default of an option, as R writes it, strings without quotes."""
    if default is None:
        return "NULL"
    if isinstance(default, bool):
        return str(default).upper()
    return f"{default:g}" if isinstance(default, float) else str(default)


# arrays of a result
_SCORES = ("scores", "output_values", "base_values", "residuals", "band_means", "score_errors", "local_fit", "drops")
_CODES = ("image_class", "prediction", "image_output", "background")


def _importance(result: BandImportance) -> Answer:
    what = ("method", "statistic", "output", "signed", "directed", "balanced", "completeness", "groups")
    origin = ("background_source", "options", "seed", "model", "versions", "seconds")
    return {
        "table": _columns(class_columns(result)),
        "overall": _columns(overall_columns(result)),
        "whole": WHOLE,
        "median_local_fit": None if result.local_fit is None else float(np.median(result.local_fit)),
        **_fields(result, _column, _SCORES + _CODES),
        **_fields(result, list, ("classes", "outputs", "bands", "wavelengths")),
        **_fields(result, _plain, what + origin),
    }


def _result(given: Mapping[str, Any]) -> BandImportance:
    """A result that R has kept, from plain arrays and lists; the inverse of `_importance`.

    Parameters
    ----------
    given : dict
        Fields of `BandImportance` by name, positions counted from 0. None stands for a field's default.

    Raises
    ------
    ResultError
        If fields are missing that have no default.
    """
    from .result import BandImportance

    convert: dict[str, Callable[[Any], Any]] = {
        **dict.fromkeys(("classes", "outputs", "bands"), lambda names: tuple(map(str, names))),
        **dict.fromkeys(_CODES, lambda codes: np.array(codes, np.int64)),
        **dict.fromkeys(_SCORES, lambda numbers: np.array(numbers, np.float64, order="C")),
        "wavelengths": lambda waves: tuple(map(float, waves)),
        # R has one kind of empty list
        **dict.fromkeys(("options", "versions"), lambda entries: dict(entries or {})),
    }
    parts = {name: convert.get(name, lambda value: value)(value) for name, value in given.items() if value is not None}
    needed = [entry.name for entry in dataclasses.fields(BandImportance) if _has_no_default(entry)]
    missing = [name for name in needed if name not in parts]
    if missing:
        raise ResultError("The result is not complete.", expected=", ".join(needed), given=f"no {', '.join(missing)}")
    return BandImportance(**parts)


def _has_no_default(entry: dataclasses.Field) -> bool:
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def _check(check: Check) -> Answer:
    """The outcome of a check: what the functions here give that wrap one."""
    return {
        "name": check.name,
        "tables": {level: _columns(table) for level, table in check.tables.items()},
        "levels": {column: list(names) for column, names in check.levels.items()},
        **_fields(check, _plain, ("passed", "verdict", "facts")),
        # in R, a list of one value would look like a value
        "single": [name for name, fact in check.facts.items() if isinstance(fact, str) or np.ndim(fact) == 0],
    }


def _fields(result: object, convert: Callable[[Any], Any], names: Sequence[str]) -> Answer:
    return {name: convert(getattr(result, name)) for name in names}


def _columns(table: Mapping[str, np.ndarray]) -> Answer:
    return {name: _column(values) for name, values in table.items()}


def _column(values: np.ndarray | None) -> np.ndarray | list[str] | None:
    """An array of a type that R has: 32-bit integers, doubles, logicals; or a list of texts."""
    if values is None:
        return None
    values = np.asarray(values)
    if values.dtype.kind == "U":
        return values.tolist()
    return values.astype({"b": np.bool_, "i": np.int32, "u": np.int32, "f": np.float64}[values.dtype.kind])


def _plain(value: Any) -> Any:
    """A value that survives conversion to R, or its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _column(value) if value.dtype.kind in "biuf" and value.ndim else _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(entry) for entry in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
