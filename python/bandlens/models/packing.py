"""A model of several inputs as one of rows: each row is taken apart, and the model called as it wants to be.

Keras models are called in the structure that they were made with, a list, a dict or one inside the other; any other
callable with a dict by the names that the user has given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..data.cells import Cells
from ..data.inputs import listed
from ..data.words import few, nearest, quoted
from ..errors import InputError


def is_program(model: Any) -> bool:
    """Whether a model is a compiled function of TensorFlow, whose `inputs` are all that it reads."""
    return hasattr(model, "structured_input_signature")


def model_inputs(model: Any) -> list[Any]:
    """Tensors that stand for a Keras model's inputs, in order; none where a model does not say."""
    inputs = getattr(model, "inputs", None)
    return inputs if isinstance(inputs, list) and not is_program(model) else []


def input_names(model: Any) -> tuple[str, ...]:
    """Names of a Keras model's inputs: the keys that it is called with, where it was made with a dict."""
    inputs, structure = model_inputs(model), _structure(model)
    if isinstance(structure, Mapping) and len(structure) == len(inputs):
        keys = {id(tensor): str(key) for key, tensor in structure.items()}
        if set(keys) == set(map(id, inputs)):
            return tuple(keys[id(tensor)] for tensor in inputs)
    return tuple(str(getattr(tensor, "name", place)).split(":")[0] for place, tensor in enumerate(inputs))


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
    inputs = model_inputs(model)
    if not inputs:
        return {str(name): value for name, value in given.items()}
    names = input_names(model)
    if isinstance(given, Mapping) and set(given) == set(names):
        return {name: given[name] for name in names}
    found = _matched(_structure(model), given)
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
    places = {id(tensor): place for place, tensor in enumerate(model_inputs(model))}
    structure = _filled(_structure(model), places) if places else dict(zip(names, range(len(names)), strict=True))
    return lambda given: call(_filled(structure, [given[name] for name in names]))


def _structure(model: Any) -> Any:
    """What a Keras model was made with, tensors for inputs."""
    structure = getattr(model, "input", None)
    return structure if isinstance(structure, Mapping | list | tuple) else model_inputs(model)


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
