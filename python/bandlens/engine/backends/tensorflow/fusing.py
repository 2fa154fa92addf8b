"""Formulas as single passes over memory: compiled by XLA, while the graph around them is still being written.

XLA compiles a formula, for each combination of shapes, when it is run for the first time: one after the other, at the
end. So each is run by itself, on zeros, in a thread of its own, as soon as it is asked for. What was compiled is found
when the graph is run; what was not yet is compiled then, as ever, so that nothing has to be waited for. Formulas of so
few elements that they would never make up for it are written as they are, unless a step has several of one shape.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache, partial
from itertools import zip_longest
from math import prod
from typing import Any, Protocol
from weakref import WeakSet

import tensorflow as tf

from .arrays import nd

# a core is left to what writes the graph
MOST_THREADS = 4
# of a formula of so many elements, XLA saves less than a millisecond in a call, and takes a tenth of a second for it
FEW = 2**17
# where a step has so many of one shape, writing them all takes as long
OFTEN = 4


# what was compiled, for whichever graph
_COMPILED: WeakSet[Any] = WeakSet()


class Begun:
    """Formulas that are being compiled for the steps of a trace."""

    def __init__(self) -> None:
        self._known: set[Any] = set()
        self._uses = Counter[Any]()
        self._futures: list[Future[None]] = []

    def announce(self, formula: Formula, signature: Sequence[tf.TensorSpec]) -> None:
        """Begin to write and to compile a formula that will be asked for, unless that was begun."""
        key = (formula, _key(signature))
        self._uses[key] += 1
        if key not in self._known and self.compiles(formula, signature):
            self._known.add(key)
            self._futures.append(pool().submit(self._compile_announced, formula, signature))

    def compiles(self, formula: Formula, signature: Sequence[tf.TensorSpec]) -> bool:
        """Whether it pays to compile a formula for the step at hand, whatever was compiled for others."""
        return not _few(signature) or self._uses[formula, _key(signature)] >= OFTEN

    def step_is_written(self) -> None:
        """Count anew what is announced: the next step must not depend on the one before."""
        self._uses.clear()

    def _compile_announced(self, formula: Formula, signature: Sequence[tf.TensorSpec]) -> None:
        concrete = formula.of(signature)
        if self._is_new(concrete):
            _run_on_zeros(concrete)

    def begin(self, concrete: Any) -> None:
        """Begin to compile a formula that was asked for, unless that was begun."""
        if self._is_new(concrete):
            self._futures.append(pool().submit(_run_on_zeros, concrete))

    def _is_new(self, concrete: Any) -> bool:
        new = concrete not in self._known and concrete not in _COMPILED
        self._known.add(concrete)
        return new

    def end(self) -> None:
        """Drop what has not begun; what went wrong is met again where the formula is needed."""
        begun, self._futures = self._futures, []  # other threads may be here, too
        for future in begun:
            future.cancel()


class Fused(Protocol):
    """What announcing needs of a trace."""

    @property
    def dtype(self) -> str:
        """In which images are computed."""
        ...

    @property
    def begun(self) -> Begun:
        """What is being compiled for it."""
        ...


_BEGUN: ContextVar[Begun | None] = ContextVar("begun", default=None)


@contextmanager
def ahead(begun: Begun) -> Iterator[None]:
    """Compile formulas as soon as they are written into a graph inside."""
    token = _BEGUN.set(begun)
    try:
        yield
    finally:
        _BEGUN.reset(token)


class Formula:
    """A formula ``function(nd, *tensors)`` that XLA compiles, for each combination of shapes."""

    def __init__(self, function: Callable[..., Any], static: dict[str, Any]) -> None:
        self._written = partial(function, nd, **static)
        self._compiled = tf.function(self._written, jit_compile=True, autograph=False, reduce_retracing=False)
        # TensorFlow takes longer to look them up than to write down that one is called
        self._known: dict[Any, Any] = {}

    def __call__(self, *tensors: tf.Tensor) -> Any:
        """What it makes of tensors."""
        begun = _BEGUN.get()
        if begun is None or not all(tensor.shape.is_fully_defined() for tensor in tensors):
            return self._compiled(*tensors)
        signature = _signature(tensors)
        if not begun.compiles(self, signature):
            return self._written(*tensors)
        concrete = self.of(signature)
        begun.begin(concrete)
        return concrete(*tensors)

    def of(self, signature: Sequence[tf.TensorSpec]) -> Any:
        """The function for tensors that are known to be like these."""
        key = _key(signature)
        if key not in self._known:
            self._known[key] = self._compiled.get_concrete_function(*signature)
        return self._known[key]


@cache
def fused(function: Callable[..., Any], /, **static: Any) -> Callable[..., Any]:
    """A formula as a single pass over memory, by XLA where this TensorFlow has it."""
    return Formula(function, static) if fuses() else partial(function, nd, **static)


def announce(trace: Fused, function: Callable[..., Any], shapes: Sequence[tuple[int, ...]], /, **static: Any) -> None:
    """Begin to compile a formula for tensors that are still to be made."""
    formula = fused(function, **static)
    if isinstance(formula, Formula):
        trace.begun.announce(formula, [tf.TensorSpec(shape, trace.dtype) for shape in shapes])


def _few(signature: Iterable[tf.TensorSpec]) -> bool:
    """Whether a formula has few elements, of tensors of such shapes."""
    lengths = zip_longest(*(reversed(tuple(spec.shape)) for spec in signature), fillvalue=1)
    return prod(map(max, lengths)) <= FEW


def _key(signature: Sequence[tf.TensorSpec]) -> tuple[Any, ...]:
    return tuple((tuple(spec.shape), spec.dtype) for spec in signature)


def _signature(tensors: Sequence[Any]) -> list[tf.TensorSpec]:
    return [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]


def _run_on_zeros(concrete: Any) -> None:
    """Run a formula for the first time, in a graph, as it will be run again."""
    signature = _signature(concrete.inputs)
    alone = tf.compat.v1.wrap_function(lambda *tensors: concrete(*tensors), signature)
    alone(*(tf.zeros(spec.shape, spec.dtype) for spec in signature))
    _COMPILED.add(concrete)


@lru_cache(maxsize=1)
def pool() -> ThreadPoolExecutor:
    """Threads for what TensorFlow can get ready while Python writes graphs."""
    return ThreadPoolExecutor(max(1, min(MOST_THREADS, (os.cpu_count() or 1) - 1)), "bandlens-compiling")


def finish() -> None:
    """Wait for what is being compiled, and drop what has not begun: before the process ends, if Python does not end it.

    A compiler that still works while memory is given back ends in a crash.
    """
    if pool.cache_info().currsize:
        pool().shutdown(cancel_futures=True)
        pool.cache_clear()


@lru_cache(maxsize=1)
def asked() -> Future[bool]:
    """Ask whether XLA can compile here: TensorFlow for Windows comes without it.

    Its first use takes a tenth of a second, which passes while a model is followed if it is asked before.
    """
    return pool().submit(_compiles)


def fuses() -> bool:
    """Whether XLA can compile here."""
    return asked().result()


def _compiles() -> bool:
    try:
        tf.function(lambda x: x + 1, jit_compile=True)(tf.constant(1.0))
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, tf.errors.NotFoundError):
        return False
    return True
