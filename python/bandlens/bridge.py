"""The only module that R imports: functions that take and give plain scalars, strings, lists, dictionaries and arrays.

Results hold no data frame (reticulate converts pandas differently from version to version) and no live Python object
(it would not survive `saveRDS`). Errors that bandlens raises come back as values, because versions of reticulate differ
in what they make of a Python exception; R rebuilds them as conditions. R has turned its positions into positions from 0
and turns those in results back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._version import __version__
from .columns import class_columns
from .counting import counting_from
from .errors import BandlensError

if TYPE_CHECKING:
    from .result import BandImportance

Answer = dict[str, Any]


def version() -> str:
    """Version of the core, which must be that of the R package."""
    return __version__


def _answer(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Give the value, or the error if bandlens raised it, in a dictionary."""

    @functools.wraps(function)
    def call(*arguments: Any) -> Answer:
        try:
            with counting_from(1):
                return {"ok": True, "value": function(*arguments)}
        except BandlensError as error:
            parts = {name: getattr(error, name) for name in ("kind", "message", "expected", "given", "fix")}
            return {"ok": False, **parts}
        except ModuleNotFoundError as error:
            message = f"Python lacks the module {error.name!r}."
            return {"ok": False, "kind": "python_missing", "message": message}

    return call


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

    return _importance(compute(model, x, y, **dict(arguments), progress=progress or False))


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

    maps = compute(model, x, y, **dict(arguments), progress=progress or False)
    return {
        **_fields(maps, _column, ("values", "image_class", "prediction", "image_output")),
        **_fields(maps, list, ("classes", "outputs", "bands", "wavelengths")),
        **_fields(maps, _plain, ("band_axis", "method", "output", "seed", "model")),
    }


def _importance(result: BandImportance) -> Answer:
    scores = ("scores", "output_values", "base_values", "residuals", "band_means")
    codes = ("image_class", "prediction", "image_output", "background")
    what = ("method", "statistic", "output", "signed", "completeness", "background_source", "options")
    origin = ("seed", "model", "versions", "seconds")
    return {
        "table": {name: _column(values) for name, values in class_columns(result).items()},
        **_fields(result, _column, scores + codes),
        **_fields(result, list, ("classes", "outputs", "bands", "wavelengths")),
        **_fields(result, _plain, what + origin),
    }


def _fields(result: object, convert: Callable[[Any], Any], names: Sequence[str]) -> Answer:
    return {name: convert(getattr(result, name)) for name in names}


def _column(values: np.ndarray | None) -> np.ndarray | None:
    """An array of a type that R has: 32-bit integers, doubles, logicals."""
    if values is None:
        return None
    values = np.asarray(values)
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
