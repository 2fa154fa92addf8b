"""What PyTorch makes of functions: steps, derivatives, loops; and what it says of the device.

Everything is computed eagerly, as it is written: nothing is compiled, under the name that other frameworks give it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from ...precision import shared, tf32_allowed
from ...processor import processor
from ..contract import Pull
from .arrays import nd
from .unvalued import without_values

OutOfMemory = torch.cuda.OutOfMemoryError


class Placed(Protocol):
    """What compiling needs of a trace."""

    device: torch.device


def compile(
    trace: Placed, function: Callable[..., Any], *arguments: np.ndarray, any_n: int = 0, alike: Hashable = None
) -> Callable[..., Any]:
    """Make a function of arrays of one of tensors on the trace's device; the options are not needed."""

    def call(*values: Any) -> Any:
        # tensors that the function makes itself are to be on the same device
        with torch.device(trace.device), torch.no_grad(), full_precision():
            return _arrays(function(*(_tensor(value, trace.device) for value in values)))

    return call


def _tensor(value: Any, device: torch.device) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    return torch.tensor(np.ascontiguousarray(value), device=device)  # a copy: arrays may be read-only


def _arrays(found: Any) -> Any:
    if isinstance(found, torch.Tensor):
        return found.cpu().numpy()
    if isinstance(found, dict):
        return {key: _arrays(value) for key, value in found.items()}
    return type(found)(map(_arrays, found))


@shared
@contextmanager
def full_precision() -> Iterator[None]:
    """Products of float32 in float32, also where the device could be faster with less, unless somebody wants that.

    For convolutions TF32 is on in PyTorch unless it is turned off, for products of matrices it is off.
    """
    cudnn, before = torch.backends.cudnn, (torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision())
    if tf32_allowed():
        torch.set_float32_matmul_precision("high" if before[1] == "highest" else before[1])
    elif before[1] == "highest":
        cudnn.allow_tf32 = False
    try:
        yield
    finally:
        cudnn.allow_tf32 = before[0]
        torch.set_float32_matmul_precision(before[1])


def fused(function: Callable[..., Any], /, **static: Any) -> Callable[..., Any]:
    """A formula ``function(nd, *tensors)``; nothing is fused here."""
    return partial(function, nd, **static)


def fuses() -> bool:
    """Never."""
    return False


def to_device(array: np.ndarray) -> torch.Tensor:
    """An array where models are as a rule, to be given to functions several times."""
    return _tensor(array, devices()[0])


def devices() -> list[torch.device]:
    """Where a model can be, the likeliest first."""
    return [torch.device("cuda"), torch.device("cpu")] if torch.cuda.is_available() else [torch.device("cpu")]


def device() -> str:
    """What computes, by its name."""
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else processor()


def version() -> dict[str, str]:
    """Versions that belong into a result."""
    return {"torch": str(torch.__version__)}  # a class of its own


def free_memory() -> int | None:
    """Bytes that are free on the device, those included that PyTorch keeps for itself; None where there is no GPU."""
    if not torch.cuda.is_available():
        return None
    return int(torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated())


def vjp(
    function: Callable[..., list[Any]], inputs: Sequence[Any], *, valueless: bool = False
) -> tuple[list[Any], Pull]:
    """Apply a function, and get the one that pulls cotangents of its outputs back to its inputs.

    Where there is no path, gradients are 0. What is pulled back can itself be differentiated inside another `vjp`.
    """
    nested = any(source.requires_grad for source in inputs)
    with torch.enable_grad(), without_values() if valueless else nullcontext():
        # a view of its own: what the outer function does with the same tensor is not differentiated here
        held = [source.view_as(source) if source.requires_grad else _leaf(source) for source in inputs]
        outputs = function(*held)

    def pull(cotangents: Sequence[Any]) -> list[Any]:
        given = [(o, c.to(o.dtype)) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
        wanted = [source for source in held if source.requires_grad]
        found: dict[int, Any] = {}
        if given and wanted:
            again = torch.is_grad_enabled() and (nested or any(cotangent.requires_grad for _, cotangent in given))
            parts = torch.autograd.grad(
                [output for output, _ in given],
                wanted,
                [cotangent for _, cotangent in given],
                retain_graph=True,  # outputs are pulled back one after the other
                create_graph=again,
                allow_unused=True,
            )
            found = {id(source): part for source, part in zip(wanted, parts, strict=True) if part is not None}
        return [found.get(id(source), torch.zeros_like(source)) for source in held]

    return outputs if nested else [output.detach() for output in outputs], pull


def _leaf(source: torch.Tensor) -> torch.Tensor:
    return source.detach().requires_grad_(source.is_floating_point())


def loop_over(add: Callable[[Any, Any], Any], elements: Any, initial: Any) -> Any:
    """Go through the first axis of a tensor: ``state = add(state, element)``."""
    state = initial
    for element in elements:
        state = add(state, element)
    return state
