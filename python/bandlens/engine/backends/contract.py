"""What a framework has to offer, as types: all that methods and DeepSHAP know of TensorFlow, JAX or PyTorch.

A backend is a module that has the names of `Backend`. It traces a model (`Trace`), computes parts of the trace for
batches of our own (`Run`), and has a few array functions under NumPy's names (`Arrays`), derivatives and loops. mypy
checks each of the three where it is imported, in `bandlens.engine.backends`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from ..graph import Graph, Layout, Operation, Region

# a framework's own: frameworks come without types, or with types of their own
Tensor = Any
DType = Any
Pull = Callable[[Sequence[Tensor]], list[Tensor]]

Built = TypeVar("Built")
State = TypeVar("State")


class Reduction(Protocol):
    """A sum or mean over axes; None are all axes, () are none."""

    def __call__(self, array: Tensor, axis: int | tuple[int, ...] | None, keepdims: bool = False) -> Tensor:
        """Reduce; with `keepdims`, to axes of length 1."""
        ...


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """Array functions that rules and methods are written with, under NumPy's names and with NumPy's meaning.

    Shapes are static but for the number of images. What NumPy has not, or otherwise:

    Attributes
    ----------
    astype, zeros, eye
        Types are given by name, or as a tensor's own.
    multiply
        Of tensors of the same rank, however many of their axes are broadcast.
    max
        Keeps the axes.
    where
        Of three tensors of one shape.
    take
        By positions that exist.
    length
        Of the first axis, where it may be unknown.
    once
        The same tensor, which is computed once, however often it is used.
    reshape_through
        Perhaps the tensor that it was before other reshapes: not for what derivatives are asked of.
    normal
        From keys, int32 of shape (keys, 2), a shape and a type: standard normal numbers of shape (keys, *shape), each
        of which depends on its key alone.
    fft_filter
        From images (n, rows, cols, bands) and a gain, real and symmetric, of shape (rows, cols): images whose spatial
        frequencies are multiplied by it.
    """

    abs: Callable[[Tensor], Tensor]
    asarray: Callable[[Any], Tensor]
    astype: Callable[[Tensor, DType], Tensor]
    broadcast_to: Callable[[Tensor, Sequence[int]], Tensor]
    concatenate: Callable[[Sequence[Tensor], int], Tensor]
    einsum: Callable[..., Tensor]
    exp: Callable[[Tensor], Tensor]
    eye: Callable[[int, DType], Tensor]
    fft_filter: Callable[[Tensor, Tensor], Tensor]
    floor: Callable[[Tensor], Tensor]
    isfinite: Callable[[Tensor], Tensor]
    length: Callable[[Tensor], Any]
    log: Callable[[Tensor], Tensor]
    max: Callable[[Tensor, int | tuple[int, ...]], Tensor]
    maximum: Callable[[Tensor, Tensor], Tensor]
    mean: Reduction
    minimum: Callable[[Tensor, Tensor], Tensor]
    moveaxis: Callable[[Tensor, int | tuple[int, ...], int | tuple[int, ...]], Tensor]
    multiply: Callable[[Tensor, Tensor], Tensor]
    normal: Callable[[Tensor, Sequence[int], str], Tensor]
    once: Callable[[Tensor], Tensor]
    ones_like: Callable[[Tensor], Tensor]
    reshape: Callable[[Tensor, Sequence[Any]], Tensor]
    reshape_through: Callable[[Tensor, Sequence[Any]], Tensor]
    sqrt: Callable[[Tensor], Tensor]
    sum: Reduction
    take: Callable[[Tensor, Any, int], Tensor]
    where: Callable[[Tensor, Tensor, Tensor], Tensor]
    zeros: Callable[[Sequence[Any], DType], Tensor]
    zeros_like: Callable[[Tensor], Tensor]


class Run(Protocol):
    """Values of a trace for one batch of images, each computed when it is asked for."""

    def apply(self, operation: Operation, /) -> None:
        """Compute an operation's outputs from what is known."""
        ...

    def forward(self, operations: Sequence[Operation], /) -> Run:
        """Compute operations in order; gives itself."""
        ...

    def same(self, output: int, value: int, /) -> None:
        """Let a value be another, where its operation doesn't matter."""
        ...

    def value(self, value: int, /) -> Tensor:
        """A value that is given, was computed, or carries no image data, in its own axis order."""
        ...


class Trace(Protocol):
    """A model as a graph of primitive operations, with all that was made of it.

    Attributes
    ----------
    shape : tuple of int
        Shape of one image.
    dtype : {"float32", "float64"}
        In which images are computed.
    n_outputs : int
        Units of the model.
    head : {"softmax", "sigmoid", None}
        What the model ends in.
    logit, probability : int
        Values before and behind the head, of shape ``(n, n_outputs)``; the same without one.
    row : int or None
        Over how many units a softmax at the end goes: all, or those of one pixel after the other, so that unit u stands
        for class ``u % row``; None where there is no softmax.
    marks : dict of int to int
        Values that were marked inside the model, by the number of the mark.
    """

    shape: tuple[int, ...]
    dtype: str
    n_outputs: int
    head: str | None
    row: int | None
    logit: int
    probability: int
    marks: dict[int, int]

    def graph(self, output: int, /) -> Graph:
        """Operations that lead from the images to a value.

        Raises
        ------
        UnsupportedOperationError
            If the model is random, or images of a batch meet.
        ModelError
            If the value doesn't depend on the images, or the model can't be followed for batches of other sizes.
        """
        ...

    def compiled(self, key: Hashable, build: Callable[[], Built], /) -> Built:
        """Something that was compiled for this trace, made by `build` on first use, by one thread."""
        ...

    def made_of(self) -> str | None:
        """What the outputs are made of, where that is probabilities alone, in words."""
        ...

    def renewed_by(self, newer: Any, /) -> bool:
        """Whether a newer trace is of the same operations, so that this one, with its weights, can stand for it."""
        ...

    def pattern(self, weights: Sequence[Any], /) -> Callable[[Sequence[Any], Iterable[str]], Any] | None:
        """How to make a trace of the same operations for another model, without calling it; it holds no weights.

        That is a function of what the other model's variables hold, in the order of these, and of the names of its
        layers. None where more is taken from outside than `weights`, or the framework has no such way.
        """
        ...

    def differentiable(self, region: Region, /) -> bool:
        """Whether the framework has a derivative of a region's exit in its entry."""
        ...

    def zeros(self, value: int, layout: Layout, n: int, /) -> Tensor:
        """A stand-in of the right shape for `n` images, where only shapes matter."""
        ...

    def value_dtype(self, value: int, /) -> DType:
        """The dtype that a value is computed in."""
        ...

    def by_loops(self, value: int, images: Tensor, /) -> Tensor | None:
        """A value for images, computed by the model's own loops where a graph has them written out; else None.

        To be called in a function that is compiled, which so has less to compile, and takes longer to run.
        """
        ...


OneTrace = TypeVar("OneTrace", bound=Trace)
# in the class below, these names are functions
_Run = Run


class Backend(Protocol[OneTrace]):
    """A framework. It understands its own traces alone."""

    @property
    def nd(self) -> Arrays:
        """Array functions."""
        ...

    @property
    def OutOfMemory(self) -> type[Exception]:  # noqa: N802 - a class
        """What is raised when the device has no memory left."""
        ...

    def Trace(  # noqa: N802 - a class
        self, call: Callable[[Tensor], Any], shape: tuple[int, ...], dtype: str, layers: Iterable[str] = (), /
    ) -> OneTrace:
        """Trace a model.

        Parameters
        ----------
        call : callable
            From a batch of images to outputs ``(n, outputs)``, at inference.
        shape : tuple of int
            Shape of one image.
        dtype : str
            Floating type the model computes its input in.
        layers : iterable of str
            Names of the model's layers, to say where an operation belongs.

        Raises
        ------
        ModelError
            If it has not one row of outputs per image. What the model itself raises is passed on.
        """
        ...

    def Run(  # noqa: N802 - a class
        self, trace: OneTrace, tensors: Mapping[int, Tensor], graph: Graph | None = None, n: int = 0, /
    ) -> _Run:
        """Begin to compute parts of a trace, inside a function that is compiled.

        Parameters
        ----------
        trace : Trace
        tensors : mapping of int to tensor
            Values that are given: the images, or any values in the middle.
        graph : Graph, optional
        n : int, optional
            With these, a value that is needed for its shape alone need not be given; `n` is the number of images in
            the batch.
        """
        ...

    def compile(
        self,
        trace: OneTrace,
        function: Callable[..., Any],
        /,
        *arguments: np.ndarray,
        any_n: int = 0,
        alike: Hashable = None,
    ) -> Callable[..., Any]:
        """Make a function of tensors, which may run parts of the trace, one of arrays.

        Parameters
        ----------
        trace : Trace
        function : callable
        *arguments : ndarray
            Of the shapes and dtypes that it will be given; of the first `any_n` axes, any lengths.
        alike : hashable, optional
            Equal for functions that do the same with traces of the same operations, whatever the weights: what is
            compiled for one model may serve another.

        Returns
        -------
        callable
            Of arrays, or of what `to_device` gave, to arrays. Raises `OutOfMemory`.
        """
        ...

    def vjp(
        self, function: Callable[..., list[Tensor]], inputs: Sequence[Tensor], /, *, valueless: bool = False
    ) -> tuple[list[Tensor], Pull]:
        """Apply a function, and get the one that pulls cotangents of its outputs back to its inputs, 0 without a path.

        With `valueless`, the function is linear and only pulled back: its outputs need not be computed, where they are
        not dropped anyway when a step is compiled.

        Raises
        ------
        LookupError or NotImplementedError
            If an operation has no derivative; perhaps only when something is pulled back.
        """
        ...

    def has_forward(self, operation: Operation, /) -> bool:
        """Whether there is a reliable derivative forwards of an operation, see `jvp`."""
        ...

    def jvp(
        self,
        trace: OneTrace,
        graph: Graph,
        operation: Operation,
        inputs: Mapping[int, Tensor],
        tangents: Mapping[int, Tensor],
        n: int,
        /,
    ) -> dict[int, Tensor]:
        """Differences of an operation's outputs from those of its inputs, to first order.

        Parameters
        ----------
        trace : Trace
        graph : Graph
        operation : Operation
            One that has a derivative forwards.
        inputs, tangents : mapping of int to tensor
            Of all its inputs with data: values, which matter only where it is not linear, and differences.
        n : int
            Number of images in the batch.
        """
        ...

    def apart(self, trace: OneTrace, operation: Operation, images: Tensor, /) -> Tensor | None:
        """What each channel of images alone brings to an operation's output, in one go.

        Parameters
        ----------
        trace : Trace
        operation : Operation
            One that is linear in the images and has no other data.
        images : tensor, shape (n, ..., channels)

        Returns
        -------
        tensor, shape (*output shape, but for its last axis, channels, last axis), or None
            Without what is added to all, such as a bias. None where there is no such way.
        """
        ...

    def loop_over(self, add: Callable[[State, Tensor], State], elements: Tensor, initial: State, /) -> State:
        """Go through the first axis of a tensor, inside a function that is compiled: ``state = add(state, element)``.

        States are tensors, or tuples or lists of them, whose shapes stay the same.
        """
        ...

    def fused(self, function: Callable[..., Tensor], /, **static: Any) -> Callable[..., Tensor]:
        """A formula ``function(nd, *tensors)`` as one of tensors, in a single pass over memory where that can be."""
        ...

    def announce(
        self, trace: Any, function: Callable[..., Tensor], shapes: Sequence[tuple[int, ...]], /, **static: Any
    ) -> None:
        """Say that a step of a trace will ask for a formula, of tensors of these shapes and of the trace's dtype."""
        ...

    def fuses(self) -> bool:
        """Whether formulas that are `fused` are single passes over memory."""
        ...

    def to_device(self, array: np.ndarray, /) -> Tensor:
        """An array on the device, to be given to compiled functions several times."""
        ...

    def mark(self, tensor: Tensor, number: int, /) -> Tensor:
        """The same tensor; a trace's `marks` tell which value it is."""
        ...

    def free_memory(self) -> int | None:
        """Bytes that are free on the device; None where it doesn't say."""
        ...

    def ready(self) -> None:
        """Raise a ModelError where nothing can be computed, as inside a function that is being compiled."""
        ...

    def settings(self) -> tuple[Any, ...]:
        """What the framework is set to that decides which operations a model is traced as."""
        ...

    def device(self) -> str:
        """What computes, by its name; what is called the same rounds alike."""
        ...

    def advice(self) -> str | None:
        """What would make it faster on this machine, in a sentence, if there is anything."""
        ...

    def version(self) -> dict[str, str]:
        """Versions that belong into a result."""
        ...
