"""Image and background values side by side, and the multipliers that travel between them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..backends.contract import Backend, Trace
from ..graph import Operation, between
from .plan import Plan
from .rows import Rows

# a difference this small, relative to the values, is rounding: the derivative takes the place of the ratio
ROUNDING = {"float32": 1e-6, "float64": 1e-11}


class Pairing(Rows):
    """How many images of a chunk are paired with how many background images, whatever their values.

    Parameters
    ----------
    backend : Backend
    trace : Trace
    plan : Plan
    n, m : int
        Images, and background images of each.
    own : bool
        Whether each image has background images of its own.
    """

    def __init__(self, backend: Backend, trace: Trace, plan: Plan, n: int, m: int, own: bool) -> None:
        super().__init__(backend, trace, plan)
        self.n = n
        self.m = m
        self.own = own
        self.rounding = ROUNDING[trace.dtype]
        self._ones: dict[tuple[int, ...], Any] = {}

    def ones(self, value: int) -> Any:
        """Ones of a value's shape, (1, 1, 1, *shape); the same for all values of a shape."""
        shape = (1, 1, 1, *self.layouts[value].shape)
        if shape not in self._ones:
            self._ones[shape] = self.nd.ones_like(self.nd.zeros(shape, self.trace.dtype))
        return self._ones[shape]

    @property
    def leads(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Leading axes of what is the images', and of what is the background's."""
        return (1, self.n, 1), (1, self.n if self.own else 1, self.m)

    @cached_property
    def pooled(self) -> frozenset[int]:
        """Values of which maxima over blocks are taken."""
        maxima = (step for step in self.plan.steps if step.rule == "maximum")
        return frozenset(step.inputs[0] for step in maxima if step.operation.window is not None)

    def is_homogeneous(self, value: int, root: int) -> bool:
        """Whether a run is homogeneous in its root: see `bandlens.engine.graph.Operation`."""
        return all(operation.homogeneous for operation in between(self.plan.graph, {root}, {value}))

    def only_shifts(self, value: int, root: int) -> bool:
        """Whether a run adds constants to its root, and does nothing else."""
        operations = () if value == root else between(self.plan.graph, {root}, {value})
        return all(self.shifts(operation) for operation in operations)

    def shifts(self, operation: Operation) -> bool:
        """Whether an operation adds constants to its first input, so that differences stay what they are."""
        first, *others = operation.inputs
        shapes = {self.layouts[value].shape for value in (*operation.data, *operation.outputs)}
        alone = operation.data == (first,) and first not in others
        return operation.shifts and operation.linear and alone and len(shapes) == 1


class Pairs(Pairing):
    """Values of a chunk of images and of its background, and the operations on pairs of them.

    Parameters
    ----------
    backend, trace, plan, own
        As for `Pairing`.
    images, references : tensor
        Images ``(n, *shape)`` and background ``(m, *shape)``; with `own`, ``(n * m, *shape)``: m for each image.
    """

    def __init__(self, backend: Backend, trace: Trace, plan: Plan, images: Any, references: Any, own: bool) -> None:
        n, count = images.shape[0], references.shape[0]
        super().__init__(backend, trace, plan, n, count // n if own else count, own)
        source = plan.graph.input
        self.image_run = backend.Run(trace, {source: images})
        self.reference_run = backend.Run(trace, {source: references})
        self._sides: dict[int, tuple[Any, Any]] = {}

    def sides(self, value: int) -> tuple[Any, Any]:
        """A value for the images, shape (1, n, 1, ...), and for the background, shape (1, 1 or n, m, ...)."""
        if value not in self._sides:
            runs = zip((self.image_run, self.reference_run), self.leads, strict=True)
            image, reference = (self.lifted(value, run.value(value), lead) for run, lead in runs)
            self._sides[value] = image, reference
        return self._sides[value]

    def derivative(self, value: int, root: int) -> Any:
        """Derivative of a run at the images, shape (1, n, 1, ...); where it has none, 0."""
        _, (slope,) = self._with_slopes(value, {root: self.image_run.value(root)}, self.n)
        return self.lifted(root, slope, (1, self.n, 1))

    def slope(self, value: int, root: int) -> list[Any]:
        """Constant derivative of a run that is linear in its root, shape (1, 1, 1, ...); nothing where that is 1."""
        if self.only_shifts(value, root):
            return []
        tangents = {root: self.ones(root)}
        for operation in between(self.plan.graph, {root}, {value}):
            if self.shifts(operation):
                tangents[operation.outputs[0]] = tangents[operation.data[0]]
                continue
            given = {source: tangents[source] for source in operation.data}
            tangents.update(self.push_forward(operation, given))
        return [tangents[value]]
