"""What is given as a model and can't be followed: what gives numbers, programs, and models for fixed numbers of images.

A model is followed by its operations. What only gives numbers, like `model.predict`, shows none: then the errors here
are the answer to whoever asks for derivatives, and `functions` serves those who ask for outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..data.positions import spelled
from ..data.words import argument
from ..engine.backends import functions
from ..errors import ModelError, ModelTypeError
from .packing import is_program
from .saved import as_layer

# numbers of images that a model may have been written for, to find out which; most values to try it with
BATCHES = (1, 2, 4, 8, 10, 16, 20, 32, 50, 64, 100, 128, 256)
MOST_VALUES = 1 << 24


def outputs_only() -> str:
    """What to ask for of a model that has no derivative."""
    return argument("method", "occlusion", "shapley", "owen", "permutation", "sage", "lime")


class GivesNumbersError(ModelTypeError):
    """A function gives numbers, so that it can't be followed; it may still be asked for outputs."""

    @classmethod
    def of(cls, kind: str) -> GivesNumbersError:
        """The error for a function that gives a kind of numbers."""
        ops = spelled("keras.ops", "op_*() of keras3")
        return cls(
            "`model` is a function that predicts or computes with arrays: it gives numbers and shows no operations.",
            expected="a Keras model, or a function of tensors, for a method that needs derivatives",
            given=f"a function that gives {kind}",
            fix=f"pass the model itself, not its `predict`, or write the function with {ops}; or use a method that "
            f"only asks for outputs: {outputs_only()}",
        )


def numbers_at_sight(model: Any) -> ModelTypeError | None:
    """What to tell those who need derivatives, if it is plain without a call that a model gives numbers."""
    owner, name = getattr(model, "__self__", None), getattr(model, "__name__", "")
    own = spelled(f"model.{name}", f"model${name}")
    if hasattr(owner, "layers") and name not in ("call", "__call__"):
        return GivesNumbersError(
            f"`model` is the method `{name}` of a model, which gives numbers and shows no operations.",
            expected="the model itself",
            given=own,
            fix=f"pass the model itself: `model` instead of `{own}`; or use {outputs_only()}",
        )
    return GivesNumbersError.of("numbers") if getattr(model, "bandlens_backend", None) is functions else None


def is_function(model: Any) -> bool:
    """Whether a callable may be one that gives numbers, not a model of a framework."""
    return not hasattr(model, "layers") and not is_program(model)


def check_is_model(model: Any) -> None:
    """Refuse a SavedModel's object and its signatures.

    Raises
    ------
    ModelTypeError
    """
    if not callable(model) and hasattr(model, "signatures"):
        raise ModelTypeError(
            "`model` is a SavedModel as TensorFlow loads it, a program without layers.",
            expected="a Keras model",
            given=type(model).__name__,
            fix=as_layer("path"),
        )
    positional, named = getattr(model, "structured_input_signature", None) or ((), {})
    if not positional and named:
        first, *_ = named
        outputs = getattr(model, "structured_outputs", None)
        key = next(iter(outputs)) if isinstance(outputs, dict) and outputs else "output_0"
        raise ModelTypeError(
            "`model` is a signature of a SavedModel, which is called by name and gives a dictionary.",
            expected="a Keras model, or a function of the images",
            given=type(model).__name__,
            fix=spelled(f"wrap it: lambda x: signature({first}=x)[{key!r}]", as_layer("path")),
        )


def check_gives_tensors(found: Any) -> None:
    """Refuse what a function gave if it is made of numbers."""
    if _is_numbers(found):
        raise GivesNumbersError.of(type(found).__name__)


def check_failure(call: Callable[[Any], Any], shape: tuple[int, ...], dtype: str, *, numbers: bool = False) -> None:
    """Find out why a model could not be followed: whether it gives numbers, or takes one number of images only.

    Parameters
    ----------
    call : callable
        The model.
    shape : tuple of int
        Of one image.
    dtype : str
    numbers : bool
        Whether it may give numbers.

    Raises
    ------
    ModelTypeError, ModelError
    """
    possible, refused = [], []
    for n in BATCHES:
        if n * int(np.prod(shape)) > MOST_VALUES:
            break
        try:
            found = call(np.zeros((n, *shape), dtype))
        except Exception:  # the model is the user's code and may raise anything
            refused.append(n)
            continue
        if not numbers:
            check_gives_tensors(found)
        possible.append(n)
        if len(possible) > 1:
            return
    if len(possible) == 1 and refused:
        n = possible[0]
        raise ModelError(
            f"The model takes {n} image{'s' * (n > 1)} at once, and no other number.",
            expected="a model that takes batches of any size",
            given=f"it fails with {refused[0]} image{'s' * (refused[0] > 1)}",
            fix=f"write -1, or the length of its input, where the model has {n}",
        )


def _is_numbers(found: Any) -> bool:
    """Whether a value is an array, a data frame, a number, or a list of such."""
    if isinstance(found, list):
        return bool(found) and all(map(_is_numbers, found))
    return isinstance(found, int | float | np.ndarray | np.generic) or hasattr(found, "to_numpy")
