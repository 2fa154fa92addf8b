"""What JAX makes of functions: compiled steps, derivatives, loops; and what it says of the device."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ...precision import tf32_allowed
from ...processor import processor
from ..contract import Pull
from .arrays import nd
from .once import never
from .options import compiler_options


class OutOfMemory(MemoryError):  # noqa: N818 - the name by which every backend has it
    """The device has no memory left; JAX has no error of its own for that."""


class Weighted(Protocol):
    """What compiling needs of a trace."""

    @property
    def weights(self) -> tuple[Any, ...]:
        """The model's arrays."""
        ...

    def reading(self, weights: tuple[Any, ...]) -> AbstractContextManager[None]:
        """Let parts of the trace that are run in this thread use other arrays."""
        ...


def compile(
    trace: Weighted, function: Callable[..., Any], *arguments: np.ndarray, any_n: int = 0, alike: Hashable = None
) -> Callable[..., Any]:
    """Compile a function of arrays, anew for other shapes than before; the options are not needed for that.

    The function may run parts of `trace`, whose weights are arguments of what is compiled: no part of it, nor copied.
    """

    def step(weights: tuple[Any, ...], switch: Any, *values: Any) -> Any:
        with trace.reading(weights), full_precision(), never(switch):
            return function(*values)

    compiled = jax.jit(step, **compiler_options())

    def call(*values: np.ndarray) -> Any:
        try:
            return jax.tree.map(np.asarray, compiled(trace.weights, False, *values))
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" in str(error):
                raise OutOfMemory(str(error).splitlines()[0]) from error
            raise

    return call


def full_precision() -> AbstractContextManager[Any]:
    """Products of float32 in float32, also where the device could be faster with less, unless somebody wants that.

    To be entered where functions are traced: what is computed later has the precision of then.
    """
    if tf32_allowed() or jax.config.jax_default_matmul_precision is not None:
        return nullcontext()
    return jax.default_matmul_precision("highest")


def fused(function: Callable[..., Any], /, **static: Any) -> Callable[..., Any]:
    """A formula ``function(nd, *tensors)``; all that is compiled is fused anyway."""
    return partial(function, nd, **static)


def fuses() -> bool:
    """Always: all that is compiled is fused."""
    return True


def to_device(array: np.ndarray) -> jax.Array:
    """An array on the device, to be given to compiled functions several times."""
    return jnp.asarray(array)


def device() -> str:
    """What computes, by its name."""
    first = jax.devices()[0]
    return processor() if first.platform == "cpu" else str(first.device_kind)


def version() -> dict[str, str]:
    """Versions that belong into a result."""
    return {"jax": jax.__version__}


def free_memory() -> int | None:
    """Bytes that are free on the device; None where it doesn't say."""
    statistics = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" not in statistics:
        return None
    return int(statistics["bytes_limit"] - statistics.get("bytes_in_use", 0))


def vjp(
    function: Callable[..., list[Any]], inputs: Sequence[Any], *, valueless: bool = False
) -> tuple[list[Any], Pull]:
    """Apply a function, and get the one that pulls cotangents of its outputs back to its inputs."""
    outputs, back = jax.vjp(function, *inputs)

    def pull(cotangents: Sequence[Any]) -> list[Any]:
        given = zip(cotangents, outputs, strict=True)
        return list(back([cotangent.astype(output.dtype) for cotangent, output in given]))

    return outputs, pull


def loop_over(add: Callable[[Any, Any], Any], elements: Any, initial: Any) -> Any:
    """Go through the first axis of a tensor inside the function being compiled: ``state = add(state, element)``."""

    def body(state: Any, element: Any) -> tuple[Any, None]:
        return jax.tree.map(lambda new, old: new.astype(old.dtype), add(state, element), state), None

    return jax.lax.scan(body, initial, elements)[0]
