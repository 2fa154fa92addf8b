"""Names of the bands that a model takes, kept with it, so that later calls compare images with them.

Keras has no place for them: they are an attribute of the live model, which saving it loses, and a file beside a saved
one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.band_order import Reference
from ..data.positions import spelled
from ..errors import BandError, ModelError, ModelTypeError

SUFFIX = ".bands.json"
# a text, since Keras wraps lists that are set on a model, and tells apart what it may save
ATTRIBUTE = "_bandlens_bands"


def set_bands(model: Any, bands: Sequence[str] | None) -> None:
    """Keep the names of the bands that a model takes with it, in the order in which it takes them.

    Every function that is given the model and images compares the names of their bands with these: another order is an
    error that offers ``reorder=True``, other names are an error. Images without names are taken to have them.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, callable, str or pathlib.Path
        A live model keeps the names as long as it lives: ``model.save()`` doesn't save them. For the path of a saved
        model they are written to a file beside it, ``model.keras.bands.json``, which is read whenever bandlens is given
        the path; move and copy both files together.
    bands : sequence of str or None
        None forgets them.

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
    names = None if bands is None else _checked(bands)
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


def bands_of(model: Any) -> tuple[str, ...] | None:
    """Names that are kept with a model by `set_bands`, or None.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, callable, str or pathlib.Path

    Returns
    -------
    tuple of str or None

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
            return tuple(_checked(json.loads(beside.read_text(encoding="utf-8"))["bands"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{beside.name} does not hold names of bands.", expected='{"bands": ["red", "nir"]}', given=str(beside)
            ) from error
    found = getattr(model, ATTRIBUTE, None)
    return tuple(json.loads(found)) if isinstance(found, str) else None


def kept_bands(model: Any) -> Reference | None:
    """The same, to compare images with."""
    names = bands_of(model)
    return None if names is None else Reference(names, "the model")


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _checked(bands: Any) -> list[str]:
    if isinstance(bands, str) or not all(isinstance(name, str) and name for name in bands) or not len(bands):
        raise BandError("Names of bands must be texts.", expected='such as ["red", "nir"]', given=repr(bands))
    if len(set(bands)) < len(bands):
        raise BandError("Band names must differ.", given=", ".join(bands))
    return [str(name) for name in bands]


def _check_number(model: Any, names: Sequence[str]) -> None:
    """As many names as some axis of the model's images is long; which one holds the bands is not known here."""
    inputs = getattr(model, "inputs", None)
    if isinstance(inputs, list) and len(inputs) > 1 and hasattr(model, "layers"):
        raise BandError(
            "Names of bands are kept for models of one input.",
            expected="one input",
            given=f"{len(inputs)} inputs",
            fix="give `bands` with each call, as a dict by the inputs' names",
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


def _by_x(lengths: Sequence[int]) -> str:
    return " x ".join(map(str, lengths))
