"""A function from arrays to numbers, behind the same protocol as the frameworks: one operation, with nothing inside.

What computes it may be anything: a forest, a service, a network of a framework that is not known here. Methods that
only ask for outputs need no more; a derivative it has none. NumPy mixes images, and no framework is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..graph import Family, Graph, Layout, Operation, Region
from ..processor import processor
from .advising import advice as advice
from .announcing import announce as announce
from .channels import apart as apart
from .contract import Arrays
from .once import Once

Built = TypeVar("Built")
State = TypeVar("State")

OutOfMemory = MemoryError

# what the function makes of a batch beside the batch itself can't be known: images in so many bytes are moderate
FREE_BYTES = 1 << 30

IMAGES, OUTPUTS = 0, 1


def _no_derivative(*arguments: Any, **options: Any) -> NoReturn:
    raise NotImplementedError("a function that gives numbers has no derivative")


nd = Arrays(
    abs=np.abs,
    asarray=np.asarray,
    astype=lambda array, dtype: np.asarray(array, dtype),
    broadcast_to=np.broadcast_to,
    concatenate=np.concatenate,
    einsum=np.einsum,
    exp=np.exp,
    eye=lambda n, dtype: np.eye(n, dtype=dtype),
    fft_filter=_no_derivative,  # of images that are made by climbing
    floor=np.floor,
    isfinite=np.isfinite,
    length=len,
    log=np.log,
    max=lambda array, axis: np.max(array, axis, keepdims=True),
    maximum=np.maximum,
    mean=lambda array, axis, keepdims=False: np.mean(array, axis, keepdims=keepdims),
    minimum=np.minimum,
    moveaxis=np.moveaxis,
    multiply=np.multiply,
    normal=_no_derivative,  # noise under a gradient
    once=lambda array: array,
    ones_like=np.ones_like,
    reshape=np.reshape,
    reshape_through=np.reshape,
    sqrt=np.sqrt,
    sum=lambda array, axis, keepdims=False: np.sum(array, axis, keepdims=keepdims),
    take=lambda array, index, axis: np.take(array, index, axis=axis),
    where=np.where,
    zeros=np.zeros,
    zeros_like=np.zeros_like,
)


class Trace:
    """A function from a batch of images to scores; see `bandlens.engine.backends.contract.Trace`.

    Parameters
    ----------
    call : callable
        From an array ``(n, *shape)`` to one ``(n, n_outputs)``.
    shape : tuple of int
    dtype : str
    layers : iterable of str
        There are none.
    n_outputs : int
    """

    head: str | None = None
    row: int | None = None
    logit = probability = OUTPUTS

    def __init__(
        self,
        call: Callable[[np.ndarray], np.ndarray],
        shape: tuple[int, ...],
        dtype: str,
        layers: Iterable[str] = (),
        n_outputs: int = 1,
    ) -> None:
        self.call = call
        self.shape = shape
        self.dtype = dtype
        self.n_outputs = n_outputs
        self.marks: dict[int, int] = {}
        self._once = Once()
        whole = Operation(
            kind="function", name="function", layer="", family=Family.UNSUPPORTED, pointwise=False, window=None,
            inputs=(IMAGES,), outputs=(OUTPUTS,), data=(IMAGES,), cost=0.0, handle=call,
        )  # fmt: skip
        layouts = {IMAGES: Layout(0, (1, *shape), True), OUTPUTS: Layout(0, (1, n_outputs), True)}
        self._graph = Graph((whole,), IMAGES, OUTPUTS, layouts)

    def graph(self, output: int) -> Graph:
        """The one operation."""
        return self._graph

    def compiled(self, key: Hashable, build: Callable[[], Built]) -> Built:
        """Something that was made for this trace, made by `build` on first use."""
        return self._once.get(key, build)

    def made_of(self) -> str | None:
        """Nobody knows."""
        return None

    def renewed_by(self, newer: Any) -> bool:
        """Whether another trace can be taken for this one: what a function refers to may have changed."""
        return False

    def pattern(self, weights: Sequence[Any]) -> None:
        """None: it is not known which weights a function has."""

    def differentiable(self, region: Region) -> bool:
        """It never is."""
        return False

    def zeros(self, value: int, layout: Layout, n: int) -> np.ndarray:
        """A stand-in of the right shape for `n` images."""
        return np.zeros((n * layout.shape[0], *layout.shape[1:]), self.dtype)

    def value_dtype(self, value: int) -> str:
        """The dtype that images are given and outputs are taken in."""
        return self.dtype

    def by_loops(self, value: int, images: np.ndarray) -> None:
        """There are no loops to be seen."""
        return


class Run:
    """The function, called for one batch."""

    def __init__(self, trace: Trace, tensors: Mapping[int, np.ndarray], graph: Graph | None = None, n: int = 0) -> None:
        self._values = dict(tensors)

    def apply(self, operation: Operation) -> None:
        """Call the function."""
        self._values[OUTPUTS] = operation.handle(self._values[IMAGES])

    def forward(self, operations: Sequence[Operation]) -> Run:
        """Call the function, where it is among the operations."""
        for operation in operations:
            self.apply(operation)
        return self

    def same(self, output: int, value: int) -> None:
        """Let a value be another."""
        self._values[output] = self._values[value]

    def value(self, value: int) -> np.ndarray:
        """The images or the outputs."""
        return self._values[value]


def compile(
    trace: Trace, function: Callable[..., Any], *arguments: np.ndarray, any_n: int = 0, alike: Hashable = None
) -> Callable[..., Any]:
    """There is nothing to compile: the function is called from where it is asked for, in the thread that asks."""
    return function


def loop_over(add: Callable[[State, Any], State], elements: Any, initial: State) -> State:
    """Go through the first axis of an array."""
    state = initial
    for element in elements:
        state = add(state, element)
    return state


def fused(function: Callable[..., Any], /, **static: Any) -> Callable[..., Any]:
    """A formula as a function of arrays."""
    return partial(function, nd, **static)


def fuses() -> bool:
    """No."""
    return False


def has_forward(operation: Operation) -> bool:
    """No."""
    return False


vjp: Callable[..., Any] = _no_derivative
jvp: Callable[..., Any] = _no_derivative


def to_device(array: np.ndarray) -> np.ndarray:
    """Where it is."""
    return array


def mark(tensor: Any, number: int) -> Any:
    """The same array: there is no place inside."""
    return tensor


def free_memory() -> int | None:
    """As if so much were free."""
    return FREE_BYTES


def ready() -> None:
    """Always."""


def settings() -> tuple[Any, ...]:
    """None: no operations are looked at."""
    return ()


def device() -> str:
    """As if it were the processor, as what computes is not known."""
    return processor()


def version() -> dict[str, str]:
    """What computes is not known."""
    return {}
