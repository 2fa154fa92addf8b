"""A model that is a function from arrays to scores: anything that predicts can be explained by what it predicts.

Such a function shows no operations, so that there are no derivatives; methods that only ask for outputs need none. It
is tried with a few of the images before anything is computed: what it gives must be one row of numbers per image, the
same whenever and beside whatever an image is asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..data.arrays import as_array
from ..data.cells import Cells
from ..data.images import Images
from ..data.positions import first, spelled
from ..data.words import argument, shape_text
from ..engine.backends import functions, is_tensor
from ..engine.reasons import reason
from ..errors import BandlensError, ModelError, OptionError

# images that a function is tried with
TRIED = 3
# scores of the same image may differ by so much, relative to the largest: frameworks add up in other orders
SAME = 1e-3


class Scored(NamedTuple):
    """A function that was tried.

    Attributes
    ----------
    trace : bandlens.engine.backends.functions.Trace
    names : tuple of str
        Names of the outputs, if it gives a table with names of columns.
    tensors : bool
        Whether what it gives are tensors of a framework, all the same.
    """

    trace: functions.Trace
    names: tuple[str, ...]
    tensors: bool


def tried(function: Callable[[Any], Any], images: Images) -> Scored:
    """Try a function with a few images, as arrays.

    Parameters
    ----------
    function : callable
        From an array ``(n, *shape)`` to scores ``(n, outputs)``: an array, a data frame whose columns are named, or one
        number per image.
    images : Images

    Raises
    ------
    ModelError
        If it fails, or what it gives is not one row of numbers per image, or not the same when it is asked again.
    """
    dtype = _dtype(images)
    few = images.take(slice(0, min(TRIED, images.n)), dtype)
    found = _called(function, few, images.cells)
    scores = found.values
    again = [len(few) - 1, 0] + [len(few) - 1] * (len(few) == 2)
    _check_same(scores[again], _called(function, few[again], images.cells).values)

    def call(batch: np.ndarray) -> np.ndarray:
        found = _called(function, batch, images.cells).values
        if found.shape[1] != scores.shape[1]:
            raise ModelError(
                "The function does not always give as many scores.",
                expected=f"{_count(scores.shape[1], 'score')} per image",
                given=f"{found.shape[1]} for a batch of {len(batch)}",
            )
        return found

    trace = functions.Trace(call, images.shape, dtype, n_outputs=scores.shape[1])
    return Scored(trace, found.names, found.tensors)


def check_probabilities(outputs: np.ndarray) -> None:
    """Refuse outputs that were said to be probabilities and can be none.

    Raises
    ------
    OptionError
    """
    outside = (outputs < -SAME) | (outputs > 1 + SAME)
    if outside.any():
        image, output = (int(at) for at in np.argwhere(outside)[0])
        raise OptionError(
            "The scores of the function are no probabilities.",
            expected=f"numbers from 0 to 1, or {argument('output', 'auto')}, which explains scores as they are",
            given=f"{outputs[image, output]:.6g} for image {image + first()}, output {output + first()} "
            f"(counted from {first()})",
        )


def _dtype(images: Images) -> str:
    """What the function is given: floating types as they are, since it was written for the user's own arrays."""
    kind = np.asarray(images.source[0]).dtype.name
    return kind if kind in ("float32", "float64") else "float32"


class _Scores(NamedTuple):
    """Scores of a batch, (n, outputs), names of the outputs, and whether they came as tensors."""

    values: np.ndarray
    names: tuple[str, ...]
    tensors: bool


def _called(function: Callable[[Any], Any], batch: np.ndarray, cells: Cells) -> _Scores:
    """Ask a function about a batch."""
    try:
        found = function(batch)
    except (BandlensError, MemoryError):
        raise
    except Exception as error:  # it is the user's code and may raise anything
        raise ModelError(
            f"The model can't be called with these images: {reason(error)}",
            expected=_wanted(),
            given=f"a dict of {len(batch)} images: {cells.shown}"
            if cells.packed
            else f"an array of shape {shape_text(batch.shape)}" + spelled(f", {batch.dtype}", ""),
            fix=spelled(
                "try the function with a few images; if it needs another shape, change it inside: "
                "lambda x: predict(x.reshape(len(x), -1))",
                "try the function with a few images; if it needs another shape, change it inside: "
                "`function(x) predict(fitted, matrix(x, nrow = dim(x)[1]))`",
            ),
        ) from error
    return _as_scores(found, len(batch))


def _wanted() -> str:
    images = spelled("(n, rows, cols, bands)", "(images x rows x columns x bands)")
    return f"a function from images {images} to scores, one row per image"


def _give_scores() -> str:
    return "return probabilities, such as those of " + spelled("`predict_proba`", '`type = "prob"`')


def _as_scores(found: Any, n: int) -> _Scores:
    """What a function gave as numbers (n, outputs), with the names of columns."""
    columns = getattr(found, "columns", None)
    names = () if columns is None else tuple(columns)
    try:
        values = as_array(found)
    except Exception as error:
        raise _no_scores(f"{type(found).__name__}: {reason(error)}") from error
    if hasattr(found, "layers"):
        raise ModelError(
            "The function makes a model instead of scores.",
            expected=_wanted(),
            given=type(found).__name__,
            fix="call it, and pass the model that it makes",
        )
    if values.dtype.kind in "OUST":
        _refuse_texts(found, values)
        values = values.astype(np.float64)
    if values.dtype.kind not in "buif" and values.dtype.name != "bfloat16":
        raise _no_scores(f"{type(found).__name__} of {values.dtype}")
    if values.ndim == 1 and len(values) == n and values.dtype.kind in "bui":
        raise ModelError(
            "The function gives one whole number per image, which looks like a class, not like scores.",
            expected=_wanted(),
            given=spelled(f"{values.dtype}: ", "") + ", ".join(map(str, values[:8])),
            fix=_give_scores() + "; if they are values of a quantity, give them as decimal numbers",
        )
    if values.ndim not in (1, 2) or len(values) != n or values.size == 0:
        raise _no_scores(f"shape {shape_text(values.shape)} for {_count(n, 'image')}")
    own = names if all(isinstance(name, str) for name in names) and len(names) > 1 else ()
    return _Scores(values.reshape(n, -1).astype(np.float64), own, is_tensor(found))


def _refuse_texts(found: Any, values: np.ndarray) -> None:
    """Names of classes and what is missing are no scores; numbers of several types in a data frame are."""
    for value in values.ravel():
        if isinstance(value, str | bytes) or value is None or not isinstance(value, int | float | np.number):
            raise ModelError(
                "The function gives classes or texts, not scores.",
                expected=_wanted(),
                given=spelled(f"{type(found).__name__} with ", "") + repr(value),
                fix=_give_scores(),
            )


def _check_same(scores: np.ndarray, again: np.ndarray) -> None:
    """Refuse a function that gives other scores for the same images, in another order and number."""
    size = np.nanmax(np.abs(scores), initial=0.0)
    if scores.shape == again.shape and np.allclose(scores, again, rtol=SAME, atol=SAME * size, equal_nan=True):
        return
    given = f"shape {shape_text(again.shape)}"
    if scores.shape == again.shape:
        differ = ~np.isclose(scores, again, rtol=SAME, atol=SAME * size, equal_nan=True)
        at = tuple(np.argwhere(differ)[0])
        given = f"{scores[at]:.6g} at first, and {again[at]:.6g} when asked again"
    raise ModelError(
        "The function gives other scores when it is asked about the same images again, or among other images.",
        expected="scores of an image that depend on the image alone",
        given=given,
        fix="turn randomness off and put layers into inference mode (`eval()` of PyTorch, "
        + spelled("training=False", "`training = FALSE`")
        + " of Keras)",
    )


def _no_scores(given: str) -> ModelError:
    return ModelError("The function does not give one row of scores per image.", expected=_wanted(), given=given)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
