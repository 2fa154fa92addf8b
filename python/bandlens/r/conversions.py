"""Values that R has: what crosses between the languages is made of these, and of nothing else.

Whole numbers are of 32 bits and other numbers doubles; texts are lists; errors that bandlens raises are values.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..data.labels import NumbersFromR
from ..data.positions import counting_from
from ..errors import BandlensError, BandlensWarning, MissingPackageError
from ..progress import hearing
from ..results.by_input import ByInput
from ..results.cells import date_texts
from ..results.schema import Field, schema

Answer = dict[str, Any]

# what `pip install 'bandlens[extra]'` brings: in R the package is not pip's, so its extras have to be named one by one
MISSING = np.iinfo(np.int32).min  # NA of R's integers
EXTRAS = {
    "interactive": ["plotly"],
    "lime": ["scikit-learn", "scikit-image"],
    "sentinel2": ["pillow", "pip"],
    "zarr": ["zarr>=2.18"],
    "scenes": ["xarray", "rasterio", "rioxarray", "zarr>=2.18", "geopandas"],
    "dask": ["dask[array]", "distributed"],
    "tensorflow": ["tensorflow>=2.16"],
    "jax": ["jax>=0.4.36", "keras>=3.3"],
    "torch": ["torch>=2.2", "keras>=3.3"],
}


def answer(function: Callable[..., Any]) -> Callable[..., Answer]:
    """Give the value, or the error if bandlens raised it, in a dictionary, and with it what bandlens said besides."""

    @functools.wraps(function)
    def call(*arguments: Any) -> Answer:
        with counting_from(1), warnings_as_values() as warned, hearing() as announced:
            found = _value_or_error(function, arguments)
        said = {"warnings": warned, "messages": announced}
        return {**found, **{name: texts for name, texts in said.items() if texts}}

    return call


def _value_or_error(function: Callable[..., Any], arguments: Sequence[Any]) -> Answer:
    try:
        return {"ok": True, "value": function(*arguments)}
    except BandlensError as error:
        parts = {name: getattr(error, name) for name in ("kind", "message", "expected", "given", "fix")}
        if isinstance(error, MissingPackageError):
            parts["packages"] = _extra_packages(error.fix or "")
        return {"ok": False, **parts}
    except ModuleNotFoundError as error:
        message = f"Python lacks the module {error.name!r}."
        return {"ok": False, "kind": "python_missing", "message": message}


@contextmanager
def warnings_as_values() -> Iterator[list[Answer]]:
    """Warnings of bandlens as values, which R makes its own of; others go their way when all is done."""
    values: list[Answer] = []
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", BandlensWarning)
            yield values
    finally:
        for one in caught:
            if issubclass(one.category, BandlensWarning):
                values.append({"kind": one.category.kind, "message": str(one.message)})
            else:
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _extra_packages(fix: str) -> list[str]:
    """Packages of the extras that a Python user is told to install."""
    return [package for extra, packages in EXTRAS.items() if f"[{extra}]" in fix for package in packages]


def for_r(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is given arrays of types that R has: whole numbers stay such, so that R can tell classes."""

    @functools.wraps(function)
    def call(*arrays: np.ndarray) -> Any:
        return function(*map(column, arrays))

    return call


def labels(y: Any) -> Any:
    """Labels as the core takes them: what R has as numbers are classes counted from 1, or what was observed."""
    return NumbersFromR(y) if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind == "f" else y


def fields(result: object, convert: Callable[[Any], Any], names: Sequence[str]) -> Answer:
    """Fields of a result, converted."""
    return {name: convert(getattr(result, name)) for name in names}


def by_input(found: Any, convert: Callable[[Any], Answer]) -> Answer:
    """A result, or one for each input of a model: then `inputs`, their names, and `results`, in their order."""
    if not isinstance(found, ByInput):
        return convert(found)
    return {"inputs": list(found.inputs), "results": [convert(one) for one in found.values()]}


def all_fields(result: object) -> Answer:
    """All fields of a result that its class declares, converted as they are declared."""
    return {name: _field(entry, getattr(result, name)) for name, entry in schema(type(result)).items()}


def _field(entry: Field, value: Any) -> Any:
    if entry.array:
        return column(value)
    return list(value) if entry.kind in ("names", "numbers") and value is not None else plain(value)


def columns(table: Mapping[str, np.ndarray]) -> Answer:
    """Columns of a table, as R has them."""
    return {name: column(values) for name, values in table.items()}


def column(values: np.ndarray | None) -> np.ndarray | list[str] | None:
    """An array of a type that R has: 32-bit integers, doubles, logicals; or a list of texts, dates among them.

    What is masked of integers is `NA`.
    """
    if values is None:
        return None
    if isinstance(values, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(values), MISSING, values.data).astype(np.int32)
    values = np.asarray(values)
    if values.dtype.kind == "M":
        return date_texts(values)
    if values.dtype.kind == "U":
        return values.tolist()
    return values.astype({"b": np.bool_, "i": np.int32, "u": np.int32, "f": np.float64}[values.dtype.kind])


def plain(value: Any) -> Any:
    """A value that survives conversion to R, or its text."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return column(value) if value.dtype.kind in "biuf" and value.ndim else plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(entry) for entry in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
