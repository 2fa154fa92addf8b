"""Values of a graph with leading axes, and what can be computed with them in the middle of it.

Every tensor here has leading axes (outputs, images, background), followed by the value's shape for one image. A
leading axis has length 1 where the quantity doesn't depend on it, so each quantity lives at the smallest size at which
it is defined and is broadcast inside the arithmetic: multipliers of the last layer don't know the background, ratios
don't know the output. What compares nothing with a background has an axis of length 1 in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any

from ..backends.contract import Backend, Trace
from ..graph import Graph, Operation, between
from . import formulas
from .multiplier import Factor, Multiplier, terms_of
from .plan import Plan


class Rows:
    """Operations of a graph on rows: on all combinations of the leading axes, as one batch.

    Parameters
    ----------
    backend : Backend
    trace : Trace
    plan : Plan
    """

    def __init__(self, backend: Backend, trace: Trace, plan: Plan) -> None:
        self.backend = backend
        self.nd = backend.nd
        self.trace = trace
        self.plan = plan
        self.layouts = plan.graph.layouts

    def lifted(self, value: int, rows: Any, lead: Sequence[int]) -> Any:
        """From a value's own axis order to ``(*lead, *shape for one image)``, in the model's dtype."""
        layout = self.layouts[value]
        rows = self.nd.astype(rows, self.trace.dtype)
        if layout.axis != 0:
            split = (*layout.shape[: layout.axis], prod(lead), *layout.shape[layout.axis :])
            rows = self.nd.moveaxis(self.nd.reshape(rows, split), layout.axis, 0)
        return self.nd.reshape_through(rows, (*lead, *layout.shape))

    def lowered(self, value: int, tensor: Any, count: int, *, anew: bool = True) -> Any:
        """Inverse of `lifted`; if not `anew`, perhaps a tensor that was there before."""
        layout = self.layouts[value]
        shape = list(layout.shape)
        if layout.axis != 0:
            tensor = self.nd.moveaxis(self.nd.reshape(tensor, (count, *shape)), 0, layout.axis)
        shape[layout.axis] *= count
        return (self.nd.reshape if anew else self.nd.reshape_through)(tensor, tuple(shape))

    def dense(self, value: int, multiplier: Multiplier) -> Any:
        """Carry out a multiplier's product, shape (outputs or 1, images or 1, background or 1, *shape)."""
        core, shape, window = multiplier.core, self.layouts[value].shape, multiplier.window
        if window is not None:
            factors = multiplier.factors if multiplier.anew else (self.factor(value, multiplier.factors),)
            terms, tensors = terms_of(factors)
            return self.formula(formulas.product, core, *tensors, terms=terms, shape=shape, window=window)
        together, others = self._together(value, multiplier.factors)
        if together and multiplier.anew and tuple(core.shape[3:]) == shape:
            terms, tensors = terms_of(together)
            # one shape, and so one compiled formula, whether or not multipliers depend on the background yet
            core = self.nd.broadcast_to(core, (*self.lead_of([core, *tensors]), *shape))
            core = self.formula_in_a_row(formulas.product, core, *tensors, terms=terms)
        elif together:
            others = [self._at_once(together), *others]
        if others:
            core = self.nd.multiply(core, reduce(self.nd.multiply, others))
        return self.nd.broadcast_to(core, (*core.shape[:3], *shape))

    def factor(self, value: int, factors: Sequence[Any]) -> Any:
        """Factors of a multiplier, multiplied with each other, shape (1, images or 1, background or 1, *shape)."""
        together, others = self._together(value, factors)
        return reduce(self.nd.multiply, [self._at_once(together), *others] if together else others)

    def _together(self, value: int, factors: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Factors that are computed in one pass, if any has to be, and those that are only multiplied with."""
        shape = self.layouts[value].shape
        if not any(isinstance(factor, Factor) for factor in factors):
            return [], list(factors)
        parted: tuple[list[Any], list[Any]] = [], []
        for factor in factors:
            parted[not isinstance(factor, Factor) and tuple(factor.shape[3:]) != shape].append(factor)
        return parted

    def _at_once(self, factors: Sequence[Any]) -> Any:
        terms, tensors = terms_of(factors)
        shapes = {tuple(tensor.shape[3:]) for tensor in tensors}
        formula = self.formula_in_a_row if len(shapes) == 1 else self.formula
        return formula(formulas.factor, *tensors, terms=terms)

    def rows(self, value: int, tensor: Any, lead: Sequence[int], of: int | None = None, *, anew: bool = True) -> Any:
        """A tensor with leading axes as one batch in the value's own axis order and dtype, or in that of another."""
        shape = self.layouts[value].shape
        count = lead[0] * lead[1] * lead[2]
        dtype = self.trace.value_dtype(value if of is None else of)
        tensor = self.nd.broadcast_to(self.nd.astype(tensor, dtype), (*lead, *shape))
        return self.lowered(value, tensor, count, anew=anew)

    def pull_back(
        self,
        operations: Sequence[Operation],
        multipliers: Mapping[int, Multiplier],
        at: Mapping[int, Any] | None = None,
        held: Mapping[int, Any] | None = None,
    ) -> dict[int, Multiplier]:
        """Multipliers of the data inputs of one or more operations by their own vector-Jacobian product.

        Parameters
        ----------
        operations : sequence of Operation
            In order; only the first may need data that the others don't make.
        multipliers : mapping of int to Multiplier
            Of those outputs that have one.
        at : mapping of int to tensor, optional
            Values of the data inputs with leading axes; not needed where an operation is linear in them.
        held : mapping of int to tensor, optional
            Values without data, such as weights, that take the place of the model's own.
        """
        dense = {value: self.dense(value, multiplier) for value, multiplier in multipliers.items()}
        given = [*dense.values(), *(at or {}).values()]
        lead = tuple(max(tensor.shape[axis] for tensor in given) for axis in range(3))
        count = lead[0] * lead[1] * lead[2]
        inputs = {
            value: self.rows(value, at[value], lead) if at else self.trace.zeros(value, self.layouts[value], count)
            for value in operations[0].data
        }

        def outputs(*given: Any) -> list[Any]:
            known = {**dict(zip(inputs, given, strict=True)), **(held or {})}
            run = self.backend.Run(self.trace, known, self.plan.graph, count).forward(operations)
            return [run.value(value) for value in dense]

        _, pull = self.backend.vjp(outputs, list(inputs.values()), valueless=not at)
        found = pull([self.rows(value, tensor, lead, anew=False) for value, tensor in dense.items()])
        return {value: Multiplier(self.lifted(value, part, lead)) for value, part in zip(inputs, found, strict=True)}

    def evaluate(self, value: int, given: Mapping[int, Any]) -> Any:
        """An elementwise expression from values in the middle of the graph.

        Parameters
        ----------
        value : int
        given : mapping of int to tensor
            The expression's inputs, with leading axes, broadcast to the shape of `value`.
        """
        lead = self.lead_of(given.values())
        inputs = {source: self.rows(value, tensor, lead, source) for source, tensor in given.items()}
        result = self._elementwise(inputs, value, lead[0] * lead[1] * lead[2])
        return self.lifted(value, result, lead)

    def evaluate_with_slopes(self, value: int, given: Mapping[int, Any]) -> tuple[Any, dict[int, Any]]:
        """The same with the derivatives in its inputs; 0 where there is none."""
        lead = self.lead_of(given.values())
        inputs = {source: self.rows(value, tensor, lead, source) for source, tensor in given.items()}
        result, slopes = self._with_slopes(value, inputs, lead[0] * lead[1] * lead[2])
        found = {source: self.lifted(value, slope, lead) for source, slope in zip(inputs, slopes, strict=True)}
        return self.lifted(value, result, lead), found

    def lead_of(self, tensors: Iterable[Any]) -> tuple[int, int, int]:
        """Leading axes of all of some tensors."""
        every = [tuple(tensor.shape[:3]) for tensor in tensors]
        return (max(one[0] for one in every), max(one[1] for one in every), max(one[2] for one in every))

    def push_forward(
        self, operation: Operation, tangents: Mapping[int, Any], at: Mapping[int, Any] | None = None
    ) -> dict[int, Any]:
        """Differences of an operation's outputs from those of its inputs, by its own derivative.

        Parameters
        ----------
        operation : Operation
        tangents : mapping of int to tensor
            Of those data inputs that have one, with leading axes.
        at : mapping of int to tensor, optional
            Values of the data inputs with leading axes; not needed where the operation is linear in them.
        """
        lead = self.lead_of([*tangents.values(), *(at or {}).values()])
        count = lead[0] * lead[1] * lead[2]
        moved = {value: self.rows(value, tensor, lead) for value, tensor in tangents.items()}
        for value in operation.data:
            if value not in moved:
                moved[value] = self.trace.zeros(value, self.layouts[value], count)
        inputs = {
            value: self.rows(value, at[value], lead) if at else self.trace.zeros(value, self.layouts[value], count)
            for value in operation.data
        }
        found = self.backend.jvp(self.trace, self.plan.graph, operation, inputs, moved, count)
        return {value: self.lifted(value, tensor, lead) for value, tensor in found.items() if value in self.layouts}

    def formula(self, function: Callable[..., Any], *tensors: Any, **static: Any) -> Any:
        """Apply one of `formulas`, in one pass over memory where the backend can."""
        return self.backend.fused(function, **static)(*tensors)

    def formula_in_a_row(self, function: Callable[..., Any], *tensors: Any, **static: Any) -> Any:
        """The same of tensors of one shape behind the leading axes, to a tensor of that shape.

        Elements are given in a row, so that what is compiled serves all shapes of so many.
        """
        shape = tuple(tensors[0].shape[3:])
        rows = [self.nd.reshape_through(tensor, (*tensor.shape[:3], prod(shape))) for tensor in tensors]
        found = self.formula(function, *rows, **static)
        return self.nd.reshape_through(found, (*found.shape[:3], *shape))

    def announce_in_a_row(
        self, function: Callable[..., Any], value: int, leads: Sequence[tuple[int, int, int]], **static: Any
    ) -> None:
        """Say that `formula_in_a_row` will be asked for, of tensors of a value's shape with these leading axes."""
        shapes = [(*lead, self.layouts[value].size) for lead in leads]
        self.backend.announce(self.trace, function, shapes, **static)

    def unbroadcast(self, value: int, tensor: Any) -> Any:
        """Sum over the axes along which a value was broadcast."""
        shape = self.layouts[value].shape
        extra = len(tensor.shape) - 3 - len(shape)
        if extra:
            tensor = self.nd.sum(tensor, tuple(range(3, 3 + extra)))
        axes = tuple(
            axis + 3
            for axis, (length, full) in enumerate(zip(shape, tensor.shape[3:], strict=True))
            if length == 1 and full != 1
        )
        return self.nd.sum(tensor, axes, keepdims=True) if axes else tensor

    def stretch(self, tensor: Any, rank: int) -> Any:
        """Add axes of length 1 behind the leading ones, so that tensors of different rank broadcast."""
        missing = 3 + rank - len(tensor.shape)
        shape = tuple(tensor.shape)
        return self.nd.reshape(tensor, (*shape[:3], *(1,) * missing, *shape[3:])) if missing else tensor

    def _elementwise(self, inputs: Mapping[int, Any], value: int, count: int) -> Any:
        return elementwise(self.backend, self.trace, self.plan.graph, inputs, value, count)

    def _with_slopes(self, value: int, inputs: Mapping[int, Any], count: int) -> tuple[Any, list[Any]]:
        """An elementwise value, from `count` rows of others, and its derivatives in these; 0 where there is none."""
        nd = self.nd

        def outputs(*given: Any) -> list[Any]:
            return [self._elementwise(dict(zip(inputs, given, strict=True)), value, count)]

        (result,), pull = self.backend.vjp(outputs, list(inputs.values()))
        slopes = pull([nd.ones_like(result)])
        return result, [nd.where(nd.isfinite(slope), slope, nd.zeros_like(slope)) for slope in slopes]


def elementwise(backend: Backend, trace: Trace, graph: Graph, inputs: Mapping[int, Any], value: int, count: int) -> Any:
    """An elementwise value from rows of others, for `count` images.

    Statistics of sets are given for each of their elements, so that nothing is reshaped.
    """
    run = backend.Run(trace, inputs, graph, count)
    for operation in between(graph, inputs, {value}):
        if operation.reshapes:
            run.same(operation.outputs[0], operation.data[0])
        else:
            run.apply(operation)
    return run.value(value)
