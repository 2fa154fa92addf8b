"""A model of several inputs as one of rows: each row is taken apart, and the model called as it wants to be.

Keras models are called in the structure that they were made with, a list, a dict or one inside the other; any other
callable with a dict by the names that the user has given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.cells import Cells
from ..data.inputs import listed
from ..data.positions import spelled
from ..data.words import few, nearest, quoted, shape_text
from ..engine.reasons import reason
from ..errors import InputError, ModelError


def is_program(model: Any) -> bool:
    """Whether a model is a compiled function of TensorFlow, whose `inputs` are all that it reads."""
    return hasattr(model, "structured_input_signature")


@dataclass(frozen=True)
class _Stated:
    """An input of a model that has no tensors for its inputs, but knows on what it was called.

    Attributes
    ----------
    name : str
    shape : tuple
        Of unknown lengths: only its rank is known, since the model may take images of any size.
    """

    name: str
    shape: tuple[None, ...]


def model_inputs(model: Any) -> list[Any]:
    """What stands for a Keras model's inputs, in order; nothing where a model does not say.

    Subclassed models say it once they were called on a list or a dict.
    """
    return _declared(model)[1]


def input_names(model: Any) -> tuple[str, ...]:
    """Names of a Keras model's inputs: the keys that it is called with, where it was made with a dict."""
    structure, inputs = _declared(model)
    if isinstance(structure, Mapping) and len(structure) == len(inputs):
        keys = {id(tensor): str(key) for key, tensor in structure.items()}
        if set(keys) == set(map(id, inputs)):
            return tuple(keys[id(tensor)] for tensor in inputs)
    return tuple(str(getattr(tensor, "name", place)).split(":")[0] for place, tensor in enumerate(inputs))


def called_on(model: Any, given: Sequence[Any]) -> None:
    """Let a model that was never called find out what it takes, by a call on the first image of each of several arrays.

    Only where arrays differ in shape, so that they can't be images, and where the model has no inputs of its own yet.

    Raises
    ------
    ModelError
        If it can't be called with them.
    """
    shapes = [tuple(np.shape(one)) for one in given]
    subclassed = hasattr(model, "layers") and getattr(model, "built", True) is False and not model_inputs(model)
    if not subclassed or len({shape[1:] for shape in shapes}) < 2 or len({shape[:1] for shape in shapes}) > 1:
        return
    if any(len(shape) < 2 for shape in shapes):
        return
    first = [np.asarray(one[:1], "float32") for one in given]
    try:
        model.call(first)  # what fails here does not make Keras believe that the model is ready
    except Exception as error:  # the model is the user's code and may raise anything
        raise ModelError(
            f"`x` is a list of arrays of different shapes, and the model can't be called on them: {reason(error)}",
            expected="an array for each of the model's inputs in their order, or images of one shape",
            given=few(map(shape_text, shapes)),
            fix=spelled("if the model takes a dict, give one", "if the model takes a named list, give one"),
        ) from error
    model(first, training=False)


def in_order_of(model: Any, given: Any, what: str) -> dict[str, Any]:
    """What was given for each input, by the inputs' names, in the model's order.

    Parameters
    ----------
    model : object
    given : mapping or sequence
        By name, in order, or in the structure that the model was made with.
    what : str
        What it is called in errors.

    Raises
    ------
    InputError
        If it is not one entry for each input; it lists the inputs with their shapes.
    """
    structure, inputs = _declared(model)
    if not inputs:
        return {str(name): value for name, value in given.items()}
    names = input_names(model)
    if isinstance(given, Mapping) and set(given) == set(names):
        return {name: given[name] for name in names}
    found = _matched(structure, given)
    if found is not None and len(found) == len(inputs):
        return {name: found[id(tensor)] for name, tensor in zip(names, inputs, strict=True)}
    if isinstance(given, Sequence) and len(given) == len(names):
        return dict(zip(names, given, strict=True))
    unknown = [str(name) for name in given if name not in names] if isinstance(given, Mapping) else []
    raise InputError(
        f"`{what}` does not hold what the model's inputs take.",
        expected=f"one array for each of {len(names)} inputs: "
        + listed(names, [("n", *tuple(tensor.shape)[1:]) for tensor in inputs]),
        given=few(map(quoted, given)) if isinstance(given, Mapping) else f"{len(given)} arrays",
        fix=nearest(unknown, names),
    )


def taking_rows(model: Any, call: Callable[[Any], Any], cells: Cells, nd: Any = np) -> Callable[[Any], Any]:
    """A model's call as one that takes packed rows; the call itself where there is one input.

    Parameters
    ----------
    model : object
        It is not kept alive.
    call : callable
    cells : Cells
    nd : module
        Array functions of what it will be called with; arrays are always taken.
    """
    if not cells.packed:
        return call
    by_name = taking_dict(model, call, cells)

    def rows(x: Any) -> Any:
        parts = cells.split(np if isinstance(x, np.ndarray) else nd, x, 1)
        return by_name({part.name: values for part, values in parts})

    return rows


def taking_dict(model: Any, call: Callable[[Any], Any], cells: Cells) -> Callable[[Mapping[str, Any]], Any]:
    """A model's call as one that takes a dict by the inputs' names."""
    names = [part.name for part in cells.parts]
    declared, inputs = _declared(model)
    places = {id(tensor): place for place, tensor in enumerate(inputs)}
    structure = _filled(declared, places) if places else dict(zip(names, range(len(names)), strict=True))
    return lambda given: call(_filled(structure, [given[name] for name in names]))


def _declared(model: Any) -> tuple[Any, list[Any]]:
    """What a Keras model was made with or called on, with something that stands for each input, and these in order."""
    inputs = getattr(model, "inputs", None)
    if isinstance(inputs, list):
        inputs = [] if is_program(model) else inputs
        structure = getattr(model, "input", None) if inputs else None
        return (structure if isinstance(structure, Mapping | list | tuple) else inputs), inputs
    config = model.get_build_config() if hasattr(model, "get_build_config") and hasattr(model, "layers") else None
    stated: list[Any] = []
    structure = _stated((config or {}).get("input_shape"), "", stated)
    return (structure, stated) if len(stated) > 1 else ([], [])


def _stated(shapes: Any, name: str, found: list[Any]) -> Any:
    """The same structure with an input for each shape in it, which are added to what was found."""
    if isinstance(shapes, Mapping):
        return {key: _stated(one, str(key), found) for key, one in shapes.items()}
    shape = shapes.as_list() if hasattr(shapes, "as_list") else shapes
    if not isinstance(shape, list | tuple):
        return None
    if all(length is None or isinstance(length, int) for length in shape):
        found.append(_Stated(name or f"input_{len(found) + 1}", (None,) * len(shape)))
        return found[-1]
    return (
        tuple(_stated(one, "", found) for one in shape)
        if isinstance(shape, tuple)
        else [_stated(one, "", found) for one in shape]
    )


def _filled(structure: Any, values: Any) -> Any:
    """The same structure with other leaves; tensors are found by what they are."""
    if isinstance(structure, Mapping):
        return {key: _filled(one, values) for key, one in structure.items()}
    if isinstance(structure, list | tuple):
        made = [_filled(one, values) for one in structure]
        return type(structure)(*made) if hasattr(structure, "_fields") else type(structure)(made)
    return values[structure if isinstance(structure, int) else id(structure)]


def _matched(structure: Any, given: Any) -> dict[int, Any] | None:
    """What is given for each tensor of a structure, by what they are; None where it is of another form."""
    if isinstance(structure, Mapping):
        if not isinstance(given, Mapping) or set(given) != set(structure):
            return None
        pairs = [(one, given[key]) for key, one in structure.items()]
    elif isinstance(structure, list | tuple):
        if not isinstance(given, list | tuple) or len(given) != len(structure):
            return None
        pairs = list(zip(structure, given, strict=True))
    else:
        return {id(structure): given}
    found: dict[int, Any] = {}
    for one, value in pairs:
        inside = _matched(one, value)
        if inside is None:
            return None
        found.update(inside)
    return found
