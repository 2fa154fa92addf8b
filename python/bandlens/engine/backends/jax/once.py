"""Tensors that are computed once, however often they are used.

XLA fuses elementwise operations into each operation that uses what they make, and computes them anew there. What is
handed on from step to step, as multipliers are through a recurrent layer or a dense block, is then computed from the
very beginning in each use: compiled programs grow with the square of the steps. On CPUs, XLA removes optimisation
barriers first; the result of a branch that it can't foresee is nothing that it can fuse.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

_compiling = threading.local()


@contextmanager
def never(switch: Any) -> Iterator[None]:
    """While a function is traced in this thread: an argument of it that is False, which XLA doesn't know."""
    before = getattr(_compiling, "switch", None)
    _compiling.switch = switch
    try:
        yield
    finally:
        _compiling.switch = before


def once(tensor: Any) -> Any:
    """The same tensor, as one that is kept in memory; outside of what is compiled all are."""
    switch = getattr(_compiling, "switch", None)
    if jax.default_backend() != "cpu":  # where branches wait for the device
        return jax.lax.optimization_barrier(tensor)
    return tensor if switch is None else jax.lax.cond(switch, jnp.zeros_like, lambda same: same, tensor)
