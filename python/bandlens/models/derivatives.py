"""Where a model's derivative ends: on the way from the images to the output, and for which bands.

The derivative of a rounded number, a comparison or a cast to whole numbers is 0 wherever there is one, and a function
of NumPy inside a model has none that a framework knows. What depends on a band in such a way only has a derivative of 0
whatever the band matters. The operations of the trace tell, before anything is computed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.images import Images
from ..data.words import few
from ..engine.backends.contract import Trace
from ..engine.graph import Family, Graph, Operation, Region
from ..errors import UnsupportedOperationError
from .beginning import bands_at_ends, linear_beginning
from .callables import outputs_only
from .predictor import Predictor

# constant but for jumps, by the names that TensorFlow, JAX and PyTorch have for them; whole numbers and truth values go
# without saying
STEPS = frozenset(
    """
    Round Rint Floor Ceil Sign FloorDiv TruncateDiv
    round floor ceil trunc sign sgn heaviside floor_divide
    """.split()
)

# functions of Python inside a graph: nothing shows what they do, and where it is NumPy they have no derivative
OPAQUE = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})

MOST_NAMED = 4


def require_derivative(
    trace: Trace, output: int, label: str, fix: str | None = None, *, source: int | None = None, where: str = "images"
) -> None:
    """Raise an UnsupportedOperationError if the derivative ends on every way from a source to a value.

    Parameters
    ----------
    trace : Trace
    output : int
        The value.
    label : str
        What needs the derivative.
    fix : str, optional
    source : int, optional
        A value inside the model, which `where` names; the images by default.
    where : str
    """
    ends = derivative_ends(trace, output, source)
    if ends and output not in _reached(trace, trace.graph(output), ends, source):
        raise UnsupportedOperationError(
            f"{label} needs the derivative of the model in the {where}, and there is none: it ends at {some_of(ends)}.",
            expected=f"a way from the {where} to the output on which every operation has a derivative other than 0",
            fix=fix or f"use a method that only asks for outputs: {outputs_only()}",
        )


def derivative_ends(trace: Trace, output: int, source: int | None = None) -> tuple[Operation, ...]:
    """Operations of the graph of a value that a derivative reaches, and does not pass.

    It comes from the images, or from another `source`.
    """
    found: tuple[Operation, ...] = trace.compiled(
        ("derivative ends", output, source), lambda: _ends(trace, trace.graph(output), source)
    )
    return found


def _ends(trace: Trace, graph: Graph, source: int | None) -> tuple[Operation, ...]:
    reached, ends = {graph.input if source is None else source}, []
    for operation in graph.operations:
        if reached.isdisjoint(operation.data):
            continue
        passing = _passing(trace, graph, operation, reached)
        if passing:
            reached.update(passing)
        else:
            ends.append(operation)
    return tuple(ends)


def _reached(trace: Trace, graph: Graph, ends: tuple[Operation, ...], source: int | None = None) -> set[int]:
    """Values that depend on the images, or on another source, with a derivative."""
    reached = {graph.input if source is None else source}
    for operation in graph.operations:
        if operation not in ends and not reached.isdisjoint(operation.data):
            reached.update(value for value in operation.outputs if _is_real(trace, value))
    return reached


def _passing(trace: Trace, graph: Graph, operation: Operation, reached: set[int]) -> list[int]:
    """Outputs that a derivative comes to."""
    if operation.kind in STEPS or operation.kind in OPAQUE:
        return []
    real = [value for value in operation.outputs if _is_real(trace, value)]
    if operation.family is not Family.UNSUPPORTED and operation.kind != "while":
        return real
    # the framework is asked; operations inside of which a batch has another shape are given the benefit of the doubt
    sources = [value for value in operation.data if value in reached]
    if any(value not in graph.layouts for value in (*operation.data, *real)):
        return real
    return [
        value for value in real if any(trace.differentiable(Region(source, value, (operation,))) for source in sources)
    ]


def _is_real(trace: Trace, value: int) -> bool:
    """Whether a value is of a type that has derivatives; frameworks agree on the names of types.

    TensorFlow's variants are lists of tensors, which loops fill.
    """
    return any(name in str(trace.value_dtype(value)) for name in ("float", "complex", "variant"))


def lost_bands(predictor: Predictor, images: Images) -> np.ndarray:
    """Bands that the output depends on, but with no derivative; of bool, shape (cells,).

    Bands are told apart as long as the model is linear in them, where numbers show what depends on which; from then on
    a value depends on all the bands that its operation's inputs depend on.
    """
    trace, output = predictor.trace, predictor.output
    key = ("no derivative", output, images.cells)
    lost: np.ndarray = trace.compiled(key, lambda: _lost(predictor, images, derivative_ends(trace, output)))
    return lost


def _lost(predictor: Predictor, images: Images, ends: tuple[Operation, ...]) -> np.ndarray:
    trace = predictor.trace
    graph, start = trace.graph(predictor.output), linear_beginning(predictor)
    nothing = np.zeros(len(images.cells), bool)
    arriving = {graph.output}
    for operation in reversed(start.rest):
        if operation not in ends and any(value in arriving and _is_real(trace, value) for value in operation.outputs):
            arriving.update(operation.data)
    if arriving.issuperset(start.ends):
        return nothing  # as it is mostly: a comparison beside a way that has a derivative
    layouts = [graph.layouts.get(end) for end in start.ends]
    if any(layout is None or layout.axis != 0 or layout.shape[0] != 1 for layout in layouts):
        return nothing  # bands can't be told apart
    anyhow = bands_at_ends(predictor, start, images, predictor.images_per_batch)
    smooth = dict(anyhow)
    for operation in start.rest:
        for known in (anyhow, smooth):
            joined: np.ndarray = np.any([known[source] for source in operation.data], axis=0)
            known.update(dict.fromkeys(operation.outputs, joined))
        stopped = [value for value in operation.outputs if operation in ends or not _is_real(trace, value)]
        smooth.update(dict.fromkeys(stopped, nothing))
    lost: np.ndarray = anyhow[graph.output] & ~smooth[graph.output]
    return lost


def _name(thing: object) -> str:
    if not isinstance(thing, Operation):
        return str(thing)
    return f"{thing.kind} in layer '{thing.layer}'" if thing.layer else thing.kind


def some_of(things: Sequence[object]) -> str:
    """The first few by their names."""
    return few(dict.fromkeys(map(_name, things)), MOST_NAMED)
