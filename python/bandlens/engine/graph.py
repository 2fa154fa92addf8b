"""The traced model as a list of primitive operations: what a tracer makes and the DeepSHAP walker reads.

It knows no framework. A tracer (one per framework, in `backends`) names for each operation the *family* it belongs to,
that is how its output depends on the inputs that carry image data; the walker has one rule per family. To support a new
operation is to put its name into a tracer's table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any


class Family(Enum):
    """How an operation depends on its data-carrying inputs."""

    LINEAR = "jointly linear (affine) in its data inputs"
    ELEMENTWISE = "each output element depends on one element of each data input"
    PRODUCT = "elementwise product of two data inputs"
    QUOTIENT = "elementwise quotient of two data inputs"
    SQUARED_DIFFERENCE = "elementwise squared difference of two data inputs"
    CONTRACTION = "bilinear in two data inputs, such as a matrix product"
    MAXIMUM = "maximum over a set of elements of one data input"
    SOFTMAX = "softmax over the last axis"
    LOG_SOFTMAX = "logarithm of the softmax over the last axis"
    NORMALIZATION = "deviation from the mean of a set, over its standard deviation"
    LOOP = "repeats operations a number of times that may depend on data"
    SMOOTH = "differentiable without kinks in its data inputs, and none of the above"
    UNSUPPORTED = "no rule"


@dataclass(frozen=True, eq=False)
class Operation:
    """One primitive operation on the way from the image to the explained output.

    Attributes
    ----------
    kind, name, layer : str
        The framework's name of the primitive, of this use of it, and of the model's layer it belongs to.
    family : Family
    pointwise : bool
        Whether output elements depend on single elements (true of all but some linear operations and contractions).
    window : tuple of int or None
        For `Family.MAXIMUM`, `Family.NORMALIZATION` and sums and means over whole axes: lengths of the sets along each
        axis of the data input, where the sets are disjoint blocks that start at 0; None where they overlap or are
        padded, and for all other operations.
    inputs, outputs : tuple of int
        Values; an input that carries no image data (weights, shapes) is listed too.
    data : tuple of int
        Those of `inputs` that carry image data, each once.
    cost : float
        Multiplications per image, roughly.
    handle : object
        The tracer's own object.
    epsilon : float
        For `Family.NORMALIZATION`: what is added to the variance.
    weight : float
        Of each element in a sum or mean over whole axes; NaN for all other operations.
    reshapes : bool
        Whether the output has the input's elements in the same order, or repeats them along axes of length 1.
    selects : bool
        Whether outputs are parts of the input, such as single bands.
    copies : bool
        Whether outputs are elements of the inputs, or constants, wherever these stand.
    shifts : bool
        Whether a constant, if anything, is added to the only input.
    offset : bool
        Whether one number is added to all elements of the only input, or taken from them, or they from it: activations
        are written so, while a bias is a number for each channel.
    homogeneous : bool
        Whether f(c x) = c f(x) for every c > 0, with a derivative of 0 at 0.
    weights : tuple of int
        Of products of data with weights, such as a convolution: the weights, the kernel first.
    """

    kind: str
    name: str
    layer: str
    family: Family
    pointwise: bool
    window: tuple[int, ...] | None
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    data: tuple[int, ...]
    cost: float
    handle: Any
    epsilon: float = 0.0
    weight: float = float("nan")
    reshapes: bool = False
    selects: bool = False
    copies: bool = False
    shifts: bool = False
    offset: bool = False
    homogeneous: bool = False
    weights: tuple[int, ...] = ()

    @property
    def linear(self) -> bool:
        """Whether the operation is linear in its data inputs."""
        return self.family is Family.LINEAR

    @property
    def convolves(self) -> bool:
        """Whether it is a convolution of any kind, which all frameworks call so."""
        return "conv" in self.kind.lower()

    def __str__(self) -> str:
        return f"{self.kind} in layer '{self.layer}'" if self.layer else f"{self.kind} ('{self.name}')"


@dataclass(frozen=True)
class Layout:
    """Where a value keeps its images.

    Attributes
    ----------
    axis : int
        Axis that grows with the number of images.
    shape : tuple of int
        Shape for a single image, in the value's own axis order.
    real : bool
        Whether the value is of a floating type (else boolean or integer).
    """

    axis: int
    shape: tuple[int, ...]
    real: bool

    @property
    def size(self) -> int:
        """Elements per image."""
        product = 1
        for length in self.shape:
            product *= length
        return product


@dataclass(frozen=True)
class Graph:
    """Data-carrying operations in topological order, and what is known of their values.

    Attributes
    ----------
    operations : tuple of Operation
    input, output : int
        Values that hold the images and the explained outputs ``(n, outputs)``.
    layouts : dict of int to Layout
        Of every value that carries image data as one block per image.
    """

    operations: tuple[Operation, ...]
    input: int
    output: int
    layouts: dict[int, Layout]

    @cached_property
    def readers(self) -> Counter[int]:
        """How many operations read each value."""
        return Counter(value for operation in self.operations for value in operation.data)


@dataclass(frozen=True)
class LinearStart:
    """The beginning of a model, as far as it is linear in the images.

    Attributes
    ----------
    values : frozenset of int
        The images, and all that is linear in them.
    operations, rest : tuple of Operation
        Those that make these values, and all others.
    ends : tuple of int
        Those of the values that others need; the output, where there are no others.
    """

    values: frozenset[int]
    operations: tuple[Operation, ...]
    rest: tuple[Operation, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True)
class Region:
    """Operations between two values, none of which touches anything else that carries image data."""

    entry: int
    exit: int
    operations: tuple[Operation, ...]


def between(graph: Graph, given: Collection[int], wanted: Collection[int]) -> list[Operation]:
    """Operations that lead from given values to wanted ones, in order."""
    needed, kept = set(wanted), []
    for operation in reversed(graph.operations):
        if needed.isdisjoint(operation.outputs) or all(value in given for value in operation.outputs):
            continue
        kept.append(operation)
        needed.update(value for value in operation.data if value not in given)
    return kept[::-1]


def linear_start(graph: Graph, without: Collection[Operation] = ()) -> LinearStart:
    """Follow a graph from the images on while it is linear in them, passing over operations in `without`."""
    values, operations, rest = {graph.input}, [], []
    for operation in graph.operations:
        if operation.linear and operation not in without and values.issuperset(operation.data):
            values.update(operation.outputs)
            operations.append(operation)
        else:
            rest.append(operation)
    ends = dict.fromkeys(value for operation in rest for value in operation.data if value in values)
    return LinearStart(frozenset(values), tuple(operations), tuple(rest), tuple(ends) or (graph.output,))
