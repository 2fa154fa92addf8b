"""What a model computes, noted while it does: PyTorch's primitive operations in order, on numbered tensors.

Every operation of PyTorch, however a model calls it, passes through a dispatcher, and a dispatch mode (documented under
"Extending PyTorch") sees it there. Nothing global is touched, and the model is only called. Operations that write into
their arguments are turned into those that don't, and those that mean several things at once are taken apart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode  # the documented place of this class

from ....errors import UnsupportedOperationError
from . import operations as table
from .parts import PARTS

# what looks at a tensor's numbers without an operation of PyTorch
LOOKING = frozenset({torch.Tensor.numpy, torch.Tensor.__array__, torch.Tensor.tolist, torch.Tensor.__dlpack__})


@dataclass(frozen=True)
class Value:
    """Stands for a tensor in the arguments of an operation."""

    number: int


class Node(NamedTuple):
    """An operation that was computed."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[int]
    outputs: list[int]
    layer: str


class Recording(TorchDispatchMode):
    """All operations that are computed while it is entered.

    Attributes
    ----------
    nodes : list of Node
    tensors : list of Tensor
        By their numbers; kept, as a tensor's identity is all that tells it apart.
    data : set of int
        Those that carry image data.
    """

    def __init__(self, images: torch.Tensor, layers: frozenset[str]) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.tensors: list[torch.Tensor] = []
        self._numbers: dict[int, int] = {}
        self._layers = layers
        self.data = {self.number(images)}

    def number(self, tensor: torch.Tensor) -> int:
        """The number of a tensor, a new one where it was not seen before."""
        if id(tensor) not in self._numbers:
            self._numbers[id(tensor)] = len(self.tensors)
            self.tensors.append(tensor)
        return self._numbers[id(tensor)]

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with self:
            found = PARTS.get(function, function.decompose)(*args, **kwargs)
        if found is not NotImplemented:
            return found
        written = self._written(function, args)
        found = function(*args, **kwargs)
        outputs = [part for part in leaves(found) if isinstance(part, torch.Tensor)]
        inputs = [self.number(part) for part in leaves((args, kwargs)) if isinstance(part, torch.Tensor)]
        carries = not self.data.isdisjoint(inputs) and kind(function) not in table.FILLED
        layer = self._layer()
        if carries and not outputs:
            raise self._looked(kind(function), layer)
        held_args, held_kwargs = mapped(
            (args, kwargs), lambda part: Value(self.number(part)) if _is_tensor(part) else part
        )
        for part in written:
            del self._numbers[id(part)]
        numbers = [self.number(part) for part in outputs]
        if carries:
            self.data.update(numbers)
        if not set(numbers) <= set(inputs):  # else it handed back what it was given
            self.nodes.append(Node(function, held_args, held_kwargs, inputs, numbers, layer))
        return found

    def numbers_of(self, tensor: torch.Tensor, function: Any) -> torch.Tensor:
        """What a tensor stands for while its operations are taken apart: then it has no memory, and reads as garbage.

        Raises
        ------
        UnsupportedOperationError
            If images had part in it.
        """
        torch._sync(tensor)
        found: torch.Tensor = torch._from_functional_tensor(tensor)
        if self._numbers.get(id(found)) in self.data:
            raise self._looked(function.__name__, self._layer())
        return found

    def _looked(self, name: str, layer: str) -> UnsupportedOperationError:
        return UnsupportedOperationError(
            f"What the model computes depends on numbers that it takes from the images: {name} in layer '{layer}'.",
            fix="use tensors, such as torch.where, in place of Python's numbers and conditions",
        )

    def _written(self, function: Any, args: Any) -> list[torch.Tensor]:
        """Tensors that an operation writes into: some that images had no part in, and that nothing else refers to.

        Before anything is written, and as all other writing was turned into operations that don't.
        """
        if not function._schema.is_mutable:
            return []
        places = [
            place for place, one in enumerate(function._schema.arguments) if one.alias_info and one.alias_info.is_write
        ]
        written = [args[place] for place in places if place < len(args)]
        made = {number for node in self.nodes for number in node.outputs}
        memory = {part.untyped_storage().data_ptr() for part in written}
        others = [one for one in self.tensors if all(one is not part for part in written)]
        if any(self.number(part) not in made for part in written) or any(
            other.untyped_storage().data_ptr() in memory for other in others
        ):
            raise UnsupportedOperationError(
                f"The model writes into a tensor that it keeps: {kind(function)} in layer '{self._layer()}'.",
                fix="let it make a new one; a torch.nn.Module that trains has to be told `eval()`",
            )
        return written

    def _layer(self) -> str:
        """The innermost of the model's layers that is being called."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_name in ("call", "forward"):
                name = getattr(frame.f_locals.get("self"), "name", None)
                if name in self._layers:
                    return name
            frame = frame.f_back
        return ""


class _Looking(TorchFunctionMode):
    """Where a model leaves PyTorch for NumPy or Python's lists, it gets the numbers that a recording has."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in LOOKING and torch._is_functional_tensor(args[0]):
            args = (self._recording.numbers_of(args[0], function), *args[1:])
        return function(*args, **(kwargs or {}))


def record(call: Callable[[Any], Any], images: torch.Tensor, layers: frozenset[str]) -> tuple[Recording, list[Any]]:
    """Call a model, and note what it computes; its outputs too."""
    found: list[Any] = []

    def function(x: torch.Tensor) -> torch.Tensor:
        found[:] = leaves(call(x))
        return found[0] if len(found) == 1 and _is_tensor(found[0]) else x

    recording = Recording(images, layers)
    # attention as it is written in papers; elsewhere it is one operation, of which little is known
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), recording, _Looking(recording):
        output = torch.func.functionalize(function, remove="mutations")(images)
    return recording, [output] if len(found) == 1 and _is_tensor(found[0]) else found


def kind(function: Any) -> str:
    """An operation's name without its namespace and variant; a division with rounding is no division.

    What writes into its input is given a copy (`flat.Entry`), so that it is the operation that returns its result.
    """
    overload = function._overloadname
    name: str = function._schema.name.split("::")[-1]
    return "floor_divide" if overload.endswith("_mode") else name.rstrip("_") if function._schema.is_mutable else name


def leaves(structure: Any) -> Iterator[Any]:
    """All that lists, tuples and dictionaries hold."""
    if isinstance(structure, list | tuple):
        for part in structure:
            yield from leaves(part)
    elif isinstance(structure, dict):
        yield from leaves(list(structure.values()))
    else:
        yield structure


def mapped(structure: Any, function: Callable[[Any], Any]) -> Any:
    """The same lists, tuples and dictionaries of other things."""
    if isinstance(structure, list):
        return [mapped(part, function) for part in structure]
    if isinstance(structure, tuple):  # shapes too
        return tuple(mapped(part, function) for part in structure)
    if isinstance(structure, dict):
        return {key: mapped(part, function) for key, part in structure.items()}
    return function(structure)


def _is_tensor(part: Any) -> bool:
    return isinstance(part, torch.Tensor)
