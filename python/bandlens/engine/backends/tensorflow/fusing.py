"""Formulas as single passes over memory: compiled by XLA, while the graph around them is still being written.

XLA compiles a formula, for each combination of shapes, when it is run for the first time: one after the other, at the
end. So each is run by itself, on zeros, in a thread of its own, as soon as it is asked for. What was compiled is found
when the graph is run; what was not yet is compiled then, as ever, so that nothing has to be waited for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any
from weakref import WeakSet

import tensorflow as tf

from .arrays import nd

# a core is left to what writes the graph
MOST_THREADS = 4


# what was compiled, for whichever graph
_COMPILED: WeakSet[Any] = WeakSet()


class Begun:
    """Formulas that are being compiled for a graph."""

    def __init__(self) -> None:
        self._known: set[Any] = set()
        self._futures: list[Future[None]] = []

    def begin(self, concrete: Any) -> None:
        """Begin to compile a formula for its shapes, unless that was begun."""
        if concrete not in self._known and concrete not in _COMPILED:
            self._known.add(concrete)
            self._futures.append(_pool().submit(_run_on_zeros, concrete))

    def end(self) -> None:
        """Drop what has not begun; what went wrong is met again where the formula is needed."""
        while self._futures:
            self._futures.pop().cancel()


_BEGUN: ContextVar[Begun | None] = ContextVar("begun", default=None)


@contextmanager
def ahead() -> Iterator[Begun]:
    """Compile formulas as soon as they are written into a graph inside."""
    begun = Begun()
    token = _BEGUN.set(begun)
    try:
        yield begun
    finally:
        _BEGUN.reset(token)


@cache
def fused(function: Callable[..., Any], /, **static: Any) -> Callable[..., Any]:
    """A formula ``function(nd, *tensors)`` as a single pass over memory, by XLA where this TensorFlow has it."""

    def apply(*tensors: tf.Tensor) -> Any:
        return function(nd, *tensors, **static)

    if not fuses():
        return apply
    compiled = tf.function(apply, jit_compile=True, autograph=False, reduce_retracing=False)

    def call(*tensors: tf.Tensor) -> Any:
        begun = _BEGUN.get()
        if begun is None or not all(tensor.shape.is_fully_defined() for tensor in tensors):
            return compiled(*tensors)
        concrete = compiled.get_concrete_function(*_signature(tensors))
        begun.begin(concrete)
        return concrete(*tensors)

    return call


def _signature(tensors: Sequence[Any]) -> list[tf.TensorSpec]:
    return [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]


def _run_on_zeros(concrete: Any) -> None:
    """Run a formula for the first time, in a graph, as it will be run again."""
    signature = _signature(concrete.inputs)
    alone = tf.compat.v1.wrap_function(lambda *tensors: concrete(*tensors), signature)
    alone(*(tf.zeros(spec.shape, spec.dtype) for spec in signature))
    _COMPILED.add(concrete)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, min(MOST_THREADS, (os.cpu_count() or 1) - 1)), "bandlens-compiling")


@lru_cache(maxsize=1)
def asked() -> Future[bool]:
    """Ask whether XLA can compile here: TensorFlow for Windows comes without it.

    Its first use takes a tenth of a second, which passes while a model is followed if it is asked before.
    """
    return _pool().submit(_compiles)


def fuses() -> bool:
    """Whether XLA can compile here."""
    return asked().result()


def _compiles() -> bool:
    try:
        tf.function(lambda x: x + 1, jit_compile=True)(tf.constant(1.0))
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, tf.errors.NotFoundError):
        return False
    return True
