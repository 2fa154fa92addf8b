"""Names of the bands that a model takes, kept with it, so that later calls compare images with them.

Keras has no place for them: they are an attribute of the live model, which saving it loses, and a file beside a saved
one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data.band_order import Reference
from ..data.inputs import by_input
from ..data.positions import spelled
from ..data.words import few, nearest, quoted, shape_text
from ..errors import BandError, ModelError, ModelTypeError
from .packing import input_names, model_inputs

SUFFIX = ".bands.json"
# a text, since Keras wraps lists that are set on a model, and tells apart what it may save
ATTRIBUTE = "_bandlens_bands"

Kept = tuple[str, ...] | dict[str, tuple[str, ...]]


def set_bands(model: Any, bands: Sequence[str] | Mapping[str, Sequence[str]] | None) -> None:
    """Keep the names of the bands that a model takes with it, in the order in which it takes them.

    Every function that is given the model and images compares the names of their bands with these: another order is an
    error that offers ``reorder=True``, other names are an error. Images without names are taken to have them.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, callable, str or pathlib.Path
        A live model keeps the names as long as it lives: ``model.save()`` doesn't save them. For the path of a saved
        model they are written to a file beside it, ``model.keras.bands.json``, which is read whenever bandlens is given
        the path; move and copy both files together.
    bands : sequence of str, dict or None
        Of a model of several inputs a dict: names for each input, or for some of them, by the input's name. None
        forgets them.

    Raises
    ------
    BandError
        If names are not different texts, or not as many as the model takes bands.
    ModelError
        If there is no saved model at the path.
    ModelTypeError
        If nothing can be kept with the model.

    Examples
    --------
    >>> def model(x):
    ...     return x.mean(axis=(1, 2))
    >>> set_bands(model, ["red", "nir"])
    >>> bands_of(model)
    ('red', 'nir')
    """
    names = None if bands is None else _each_checked(bands)
    if isinstance(model, str | Path):
        path = Path(model)
        if not path.exists():
            raise ModelError("There is no saved model at this path.", given=str(path))
        if names is None:
            _beside(path).unlink(missing_ok=True)
        else:
            _beside(path).write_text(json.dumps({"bands": names}, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    if names is not None:
        _check_number(model, names)
    try:
        setattr(model, ATTRIBUTE, None if names is None else json.dumps(names))
    except (AttributeError, TypeError) as error:
        raise ModelTypeError(
            "Nothing can be kept with this model.",
            expected="a Keras model, a function, or the path of a saved model",
            given=type(model).__name__,
        ) from error


def bands_of(model: Any) -> Kept | None:
    """Names that are kept with a model by `set_bands`, or None.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, callable, str or pathlib.Path

    Returns
    -------
    tuple of str, dict of tuples by the input's name, or None

    Raises
    ------
    ModelError
        If the file beside a saved model is no list of names.
    """
    if isinstance(model, str | Path):
        beside = _beside(Path(model))
        if not beside.exists():
            return None
        try:
            return _as_kept(_each_checked(json.loads(beside.read_text(encoding="utf-8"))["bands"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{beside.name} does not hold names of bands.", expected='{"bands": ["red", "nir"]}', given=str(beside)
            ) from error
    found = getattr(model, ATTRIBUTE, None)
    return _as_kept(json.loads(found)) if isinstance(found, str) else None


def kept_bands(model: Any) -> Reference | None:
    """The same of a model of one input, to compare images with."""
    names = bands_of(model)
    if isinstance(names, dict):
        names = next(iter(names.values())) if len(names) == 1 else None
    return None if names is None else Reference(names, "the model")


def kept_by_input(model: Any, inputs: Sequence[str]) -> tuple[Reference | None, ...]:
    """The same for each of a model's inputs.

    Raises
    ------
    BandError
        If names are kept for other inputs, or for a single one.
    """
    names = bands_of(model)
    if isinstance(names, tuple) and len(inputs) == 1:
        names = {inputs[0]: names}
    if isinstance(names, tuple):
        raise BandError(
            "Names of bands are kept with the model, and it takes several inputs: nothing says whose names they are.",
            expected="`bands`, with names for each input",
            fix="forget those that are kept, by `set_bands` with no names, or keep names for each input",
        )
    kept = by_input(names or {}, inputs, "set_bands")
    return tuple(None if own is None else Reference(own, "the model") for own in kept)


def _as_kept(names: Any) -> Kept:
    return {name: tuple(own) for name, own in names.items()} if isinstance(names, dict) else tuple(names)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _each_checked(bands: Any) -> Any:
    """Names, or names for each input."""
    if not isinstance(bands, Mapping):
        return _checked(bands)
    if not bands:
        raise BandError("No input has names of bands.", expected='such as {"radar": ["VV", "VH"]}', given="no inputs")
    return {str(name): _checked(own, f" of input {quoted(name)}") for name, own in bands.items() if own is not None}


def _checked(bands: Any, of: str = "") -> list[str]:
    if isinstance(bands, str) or not all(isinstance(name, str) and name for name in bands) or not len(bands):
        raise BandError(f"Names of bands{of} must be texts.", expected='such as ["red", "nir"]', given=repr(bands))
    if len(set(bands)) < len(bands):
        raise BandError(f"Band names{of} must differ.", given=", ".join(bands))
    return [str(name) for name in bands]


def _check_number(model: Any, names: Any) -> None:
    """As many names as some axis of the model's images is long; which one holds the bands is not known here."""
    inputs = model_inputs(model)
    if isinstance(names, Mapping):
        _check_inputs(model, names)
        return
    if len(inputs) > 1:
        raise BandError(
            "The model has several inputs, and nothing says whose bands these are.",
            expected="names for each input: "
            + spelled("a dict by the inputs' names", "a list by the inputs' names")
            + f", of {few(map(quoted, input_names(model)))}",
            given=few(map(quoted, names)),
        )
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple | list) or not all(length is None or isinstance(length, int) for length in shape):
        return
    lengths = list(shape)[1:]
    if lengths and None not in lengths and len(names) not in lengths:
        raise BandError(
            "The model takes another number of bands.",
            expected=f"one name per band of images of shape {spelled(str(tuple(lengths)), _by_x(lengths))}",
            given=f"{len(names)}: {', '.join(names)}",
        )


def _check_inputs(model: Any, names: Mapping[str, Sequence[str]]) -> None:
    """Names for inputs that there are, each as many as some axis of it is long."""
    inputs = model_inputs(model)
    if not inputs:
        return
    shapes = {name: tuple(one.shape)[1:] for name, one in zip(input_names(model), inputs, strict=True)}
    unknown = [name for name in names if name not in shapes]
    if unknown:
        raise BandError(
            "These are names of bands for inputs that the model does not have.",
            expected=few(map(quoted, shapes)),
            given=few(map(quoted, unknown)),
            fix=nearest(unknown, shapes),
        )
    for name, own in names.items():
        if None not in shapes[name] and len(own) not in shapes[name]:
            raise BandError(
                f"The input {quoted(name)} takes another number of bands.",
                expected=f"one name per band of images of shape {shape_text(shapes[name])}",
                given=f"{len(own)}: {', '.join(own)}",
            )


def _by_x(lengths: Sequence[int]) -> str:
    return " x ".join(map(str, lengths))
