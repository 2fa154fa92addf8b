"""From a model to what can be computed of it: a trace of its operations, or a function that is asked for numbers.

A callable is followed by the framework that it is made of. One that gives numbers can't be; it is tried as a function
of arrays, before any framework is imported if none is yet: a framework would only be in the way.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..data.images import Images
from ..engine.backends import backend_of, framework_imported, functions
from ..engine.backends.contract import Backend, Trace
from ..engine.reasons import reason
from ..engine.uncollected import uncollected
from ..errors import BandlensError, ModelError, UnsupportedOperationError
from . import patterns
from .callables import GivesNumbersError, check_failure, check_gives_tensors, is_function, numbers_at_sight
from .functions import tried
from .outputs import Head, OutputReader, output_names
from .packing import taking_rows
from .unchanged import State, state_of

# models are built and traced by one thread at a time: Keras builds a model that two threads call at once twice, and
# layers that are marked while they are called belong to all threads
_TRACING = threading.RLock()


class Followed(NamedTuple):
    """What was made of a model.

    Attributes
    ----------
    backend : Backend
    trace : Trace
    names : tuple of str
        Names of the outputs, if a function gave any.
    refusal : BandlensError or None
        What to tell a method that differentiates, where the model is a function that can't be followed.
    shape : tuple of int
        Of the outputs for one image, before they were put into one row.
    head : str or None
        Which of several outputs they are.
    """

    backend: Backend
    trace: Trace
    names: tuple[str, ...] = ()
    refusal: BandlensError | None = None
    shape: tuple[int, ...] = ()
    head: str | None = None


@dataclass
class Memory:
    """What is kept of a model.

    Attributes
    ----------
    traces : list of Trace
        With all that was compiled for each.
    state : State or None
        What the model was when it was traced last.
    answers : dict
        What was found then, by what was asked: while the model is what it was, it need not be traced anew.
    """

    traces: list[Trace] = field(default_factory=list)
    state: State | None = None
    answers: dict[Any, Followed] = field(default_factory=dict)

    def recall(self, state: State | None, asked: Any) -> Followed | None:
        """What was found when the model was what it is now; what was found of anything else is forgotten."""
        if state is None or state != self.state:
            self.state = None
            self.answers.clear()
        return self.answers.get(asked)

    def keep(self, state: State, asked: Any, found: Followed) -> None:
        """Note what was found of a model of a state; to be recalled first."""
        self.state = state
        self.answers[asked] = found

    def known(self, trace: Trace) -> Trace:
        """An earlier trace that a new one is equal to, or the new one."""
        for earlier in self.traces:
            if earlier.renewed_by(trace):
                return earlier
        self.traces.append(trace)
        return trace


# it outlives a call, but not its model
MEMORIES: weakref.WeakKeyDictionary[Any, Memory] = weakref.WeakKeyDictionary()


def followed(
    model: Any,
    images: Images,
    around: Callable[[Backend], AbstractContextManager] | None = None,
    head: Head = None,
) -> Followed:
    """Trace a model, or try a function that can't be traced.

    Parameters
    ----------
    model : callable
    images : Images
    around : callable, optional
        From the backend to a context in which the model is called when it is traced, by one thread at a time; then
        nothing but a trace will do.
    head : str or int, optional
        Name or position of one of several outputs.

    Raises
    ------
    ModelTypeError, ModelError
        If the model can't take such images, or does not give one row of outputs per image.
    OptionError
        If it has no such head.
    """
    function = is_function(model) and around is None
    at_sight = numbers_at_sight(model)
    if at_sight is not None:
        return _scored(model, images, at_sight, head)
    early = None
    if function and not framework_imported():
        early = _scored(model, images, GivesNumbersError.of("numbers"), head)
        if not framework_imported():
            return early
    backend = backend_of(model)
    backend.ready()
    try:
        return _trace(backend, model, images, around, head)
    except GivesNumbersError as error:
        if not function:
            raise
        return early or _scored(model, images, error, head)
    except UnsupportedOperationError as error:  # what it does depends on numbers that it looks at
        if not function:
            raise
        return early or _scored(model, images, error, head)
    except _NotFollowedError as error:
        return early or _not_followed(model, images, error, function, head)


def _scored(model: Any, images: Images, refusal: BandlensError, head: Head = None) -> Followed:
    """A function that gives numbers, tried."""
    read = OutputReader(taking_rows(model, inference(model), images.cells), head, output_names(model))
    trace, names, tensors = tried(read, images)
    if not tensors and not isinstance(refusal, GivesNumbersError):
        refusal = GivesNumbersError.of("numbers, and fails for tensors")
    backend: Backend[functions.Trace] = functions  # mypy compares it with the contract
    return Followed(backend, trace, names, refusal, read.shape, read.head)


class _NotFollowedError(Exception):
    """A framework could not follow a model.

    Attributes
    ----------
    dtype : str
        In which it was tried last.
    refusal : ModelError
        What there is to say of it.
    """

    def __init__(self, dtype: str, cause: Exception | None, shape: str) -> None:
        super().__init__()
        self.dtype = dtype
        self.refusal = ModelError(
            f"The model can't be called with these images: {reason(cause)}",
            given=f"images of shape {shape}",
        )
        self.refusal.__cause__ = cause


def _not_followed(model: Any, images: Images, error: _NotFollowedError, function: bool, head: Head = None) -> Followed:
    """A function that fails for tensors as one of arrays; raises what is wrong if it fails for both."""
    failed = None
    if function:
        try:
            return _scored(model, images, error.refusal, head)
        except ModelError as other:
            failed = other
    call = taking_rows(model, inference(model), images.cells)
    check_failure(call, images.shape, error.dtype, numbers=function)
    raise failed or error.refusal


def _trace(
    backend: Backend,
    model: Any,
    images: Images,
    around: Callable[[Backend], AbstractContextManager] | None = None,
    head: Head = None,
) -> Followed:
    """Trace, or find an earlier trace of the same operations on the same weights with all that was compiled for it."""
    call = taking_rows(model, inference(model), images.cells, backend.nd)
    read = OutputReader(call, head, output_names(model), backend.nd)
    with _TRACING:
        memory = _memory(model)
        asked = (images.cells, images.shape, head)
        # what is called in a context of its own, or asked for by something else than a name or a number, is new
        lasting = around is None and (head is None or type(head) in (int, str))
        state = state_of(model, backend.settings()) if lasting else None
        recalled = memory.recall(state, asked) if lasting else None
        if recalled is not None:
            return recalled
        with uncollected():
            pattern = None if state is None else patterns.known(state, asked, backend)
            if state is None or pattern is None:
                trace = memory.known(_new_trace(backend, model, images, read, around))
                found = Followed(backend, trace, shape=read.shape, head=read.head)
            else:
                trace = memory.known(pattern.make(state.weights, [layer.name for layer in _layers(model)]))
                found = Followed(backend, trace, shape=pattern.shape, head=pattern.head)
        if state is not None:  # of before: if this call has built the model, or another thread trains it, it is another
            memory.keep(state, asked, found)
            if pattern is None:
                now = partial(state_of, model, backend.settings())
                patterns.keep(state, now, asked, backend, trace, read.shape, read.head)
    return found


def _memory(model: Any) -> Memory:
    """What is kept of a model; nothing is kept of one that can't be found again."""
    try:
        return MEMORIES.setdefault(model, Memory())
    except TypeError:
        return Memory()


def _new_trace(
    backend: Backend,
    model: Any,
    images: Images,
    read: OutputReader,
    around: Callable[[Backend], AbstractContextManager] | None,
) -> Trace:
    names = [layer.name for layer in _layers(model)]
    # a trace may call the model again later, when others may have it
    contexts = [] if around is None else [around]

    def call(x: Any) -> Any:
        with contexts[0](backend) if contexts else nullcontext():
            found = read(x)
        check_gives_tensors(found)
        return found

    last: Exception | None = None
    try:
        for dtype in _dtypes(model):
            try:
                if getattr(model, "built", True) is False:  # variables are not made while a model is traced
                    read(np.zeros((1, *images.shape), dtype))
                return backend.Trace(call, images.shape, dtype, names)
            except BandlensError:  # noqa: PERF203
                raise
            except Exception as error:  # the model is the user's code and may raise anything
                last = error
    finally:
        contexts.clear()
    raise _NotFollowedError(dtype, last, images.cells.shown)


def inference(model: Any) -> Callable[[Any], Any]:
    """Call a model as `predict` does, without keeping it alive through the cache of traces."""
    try:
        reference: Callable[[], Any] = weakref.ref(model)
    except TypeError:
        reference = lambda: model  # noqa: E731
    options: dict[str, Any] = {"training": False} if hasattr(model, "layers") else {}
    if hasattr(getattr(model, "__self__", None), "layers") and getattr(model, "__name__", "") == "predict":
        options = {"verbose": 0}  # Keras shows a bar for every batch

    def call(x: Any) -> Any:
        return reference()(x, **options)

    return call


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", []):
        yield layer
        yield from _layers(layer)


def _dtypes(model: Any) -> tuple[str, ...]:
    """Floating types to try, the likeliest first."""
    for holder in (*(getattr(model, "inputs", None) or []), model):
        dtype = str(getattr(holder, "compute_dtype", None) or getattr(holder, "dtype", None))
        if dtype == "float64":
            return ("float64",)
    return ("float32",) if hasattr(model, "layers") else ("float32", "float64")
