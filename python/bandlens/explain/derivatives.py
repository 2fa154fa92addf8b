"""Where a model's derivative ends: a method that needs it must say so, not that bands don't matter.

The derivative of a rounded number, a comparison or a cast to whole numbers is 0 wherever there is one, and a function
of NumPy inside a model has none that a framework knows. What depends on a band in such a way only has a derivative of 0
whatever the band matters. The operations of the trace tell, before anything is computed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..data.images import Images
from ..engine.backends.contract import Trace
from ..engine.graph import Family, Graph, Operation, Region, linear_start
from ..errors import NoDerivativeWarning, UnsupportedOperationError
from ..methods import Task
from ..methods.mixtures import compiled_start
from ..methods.saliency import SALIENCY
from ..models.predictor import Predictor

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

OUTPUTS_ONLY = "method='occlusion', 'shapley' or 'permutation'"
USE_OUTPUTS = f"use a method that only asks for outputs: {OUTPUTS_ONLY}"
MOST_NAMED = 4
# images whose bands are exchanged to see whether they matter
EXCHANGED = 32


def check_derivative(predictor: Predictor, images: Images, bands: Sequence[str], label: str) -> None:
    """Refuse a model without a derivative in the images, and name bands in which it has none.

    Parameters
    ----------
    predictor : Predictor
    images : Images
        For their layout.
    bands : sequence of str
        Names of all bands.
    label : str
        The method that needs the derivative.

    Raises
    ------
    UnsupportedOperationError
        If the derivative ends on every way from the images to the output; it names where.

    Warns
    -----
    NoDerivativeWarning
        If it does so for some bands.
    """
    trace, output = predictor.trace, predictor.output
    ends = derivative_ends(trace, output)
    if not ends:
        return
    require_derivative(trace, output, label)
    lost = _lost_bands(predictor, images)
    if lost.any():
        names = [bands[at] for at in np.flatnonzero(lost).tolist()]
        _warn_of(names, label, ends, "on every way the derivative ends", stacklevel=5)


def check_zeros(task: Task, scores: np.ndarray, features: Sequence[str], label: str) -> None:
    """Name features that score nothing though the output changes with them, where a derivative may be the reason.

    A straight-through estimator, ``x + stop_gradient(round(x) - x)``, has a way past the rounding, but on both ways
    together the derivative is 0.

    Parameters
    ----------
    task : Task
    scores : ndarray, shape (n, k, features)
    features : sequence of str
        Their names.
    label : str
        The method, which needs the derivative.

    Warns
    -----
    NoDerivativeWarning
        If an image's output changes when such a feature is exchanged with another image's.
    """
    ends = derivative_ends(task.predictor.trace, task.predictor.output)
    if not ends:
        return
    told = task.members @ _lost_bands(task.predictor, task.images)
    silent = np.flatnonzero(~np.any(scores, axis=(0, 1)) & ~told)
    if not silent.size:
        return
    few = slice(0, min(task.images.n, EXCHANGED))
    explained = task.image_output[few]
    images = task.images.take(few, task.predictor.trace.dtype)
    sample = replace(
        task, images=task.images.holding(images), seeds=task.seeds[few], options={}, tick=lambda done: None
    )
    # scores may be 0 for other reasons: a variance of gradients is, where the model is linear
    slopes = np.concatenate([part.values for part in SALIENCY.scores(replace(sample, statistic=SALIENCY.statistic))])
    silent = silent[~np.any(slopes, axis=(0, 1))[silent]]
    shape = [1] * images.ndim
    shape[task.images.band_axis] = -1
    others = np.roll(images, 1, axis=0)
    mixed = [np.where(task.members[feature].reshape(shape), others, images) for feature in silent]
    outputs = task.predictor.outputs(task.images.holding(np.concatenate([images, *mixed])), task.images_per_batch)
    own, *exchanged = (np.take_along_axis(part, explained, 1) for part in np.split(outputs, 1 + len(silent)))
    names = [features[at] for at, found in zip(silent.tolist(), exchanged, strict=True) if not np.allclose(found, own)]
    if names:
        _warn_of(names, label, ends, "all ways together have a derivative of 0, as it ends", stacklevel=4)


def _warn_of(names: Sequence[str], label: str, ends: Sequence[Operation], why: str, stacklevel: int) -> None:
    several = len(names) > 1
    warnings.warn(
        f"{label} gives 0 for {'bands' if several else 'band'} {_some(names)}, whatever the model makes of "
        f"{'them' if several else 'it'}: from there to the output, {why}, at {_some(ends)}. To see what "
        f"{'they matter' if several else 'it matters'}, use {OUTPUTS_ONLY}.",
        NoDerivativeWarning,
        stacklevel=stacklevel,
    )


def require_derivative(trace: Trace, output: int, label: str, fix: str = USE_OUTPUTS) -> None:
    """Raise an UnsupportedOperationError if the derivative ends on every way from the images to a value."""
    ends = derivative_ends(trace, output)
    if ends and output not in _reached(trace, trace.graph(output), ends):
        raise UnsupportedOperationError(
            f"{label} needs the derivative of the model in the images, and there is none: it ends at {_some(ends)}.",
            expected="a way from the images to the output on which every operation has a derivative other than 0",
            fix=fix,
        )


def derivative_ends(trace: Trace, output: int) -> tuple[Operation, ...]:
    """Operations of the graph of a value that a derivative reaches, coming from the images, and does not pass."""
    found: tuple[Operation, ...] = trace.compiled(
        ("derivative ends", output), lambda: _ends(trace, trace.graph(output))
    )
    return found


def _ends(trace: Trace, graph: Graph) -> tuple[Operation, ...]:
    reached, ends = {graph.input}, []
    for operation in graph.operations:
        if reached.isdisjoint(operation.data):
            continue
        passing = _passing(trace, graph, operation, reached)
        if passing:
            reached.update(passing)
        else:
            ends.append(operation)
    return tuple(ends)


def _reached(trace: Trace, graph: Graph, ends: tuple[Operation, ...]) -> set[int]:
    """Values that depend on the images with a derivative."""
    reached = {graph.input}
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


def _lost_bands(predictor: Predictor, images: Images) -> np.ndarray:
    trace, output = predictor.trace, predictor.output
    key = ("no derivative", output, images.band_axis)
    lost: np.ndarray = trace.compiled(key, lambda: _lost(predictor, images, derivative_ends(trace, output)))
    return lost


def _lost(predictor: Predictor, images: Images, ends: tuple[Operation, ...]) -> np.ndarray:
    """Bands that the output depends on, but with no derivative; of bool, shape (bands,).

    Bands are told apart as long as the model is linear in them, where numbers show what depends on which; from then on
    a value depends on all the bands that its operation's inputs depend on.
    """
    trace = predictor.trace
    graph, n_bands = trace.graph(predictor.output), images.n_bands
    start = trace.compiled(("linear start", predictor.output), lambda: linear_start(graph))
    arriving = {graph.output}
    for operation in reversed(start.rest):
        if operation not in ends and any(value in arriving and _is_real(trace, value) for value in operation.outputs):
            arriving.update(operation.data)
    if arriving.issuperset(start.ends):
        return np.zeros(n_bands, bool)  # as it is mostly: a comparison beside a way that has a derivative
    shape = [1] * len(images.shape)
    shape[images.band_axis - 1] = n_bands
    # no band, and each band alone; numbers at random, so that none cancel
    alone = np.concatenate([np.zeros((1, n_bands)), np.eye(n_bands)]).reshape(-1, *shape)
    noise = np.random.default_rng(0).uniform(0.5, 1.5, images.shape)
    layouts = [graph.layouts.get(end) for end in start.ends]
    if any(layout is None or layout.axis != 0 or layout.shape[0] != 1 for layout in layouts):
        return np.zeros(n_bands, bool)  # bands can't be told apart
    linear = compiled_start(predictor, start)
    size = predictor.images_per_batch
    rows = [linear((alone[at : at + size] * noise).astype(trace.dtype)) for at in range(0, len(alone), size)]
    anyhow: dict[int, np.ndarray] = {}
    for number, end in enumerate(start.ends):
        values = np.concatenate([part[number] for part in rows])
        values = values.reshape(len(alone), -1)
        anyhow[end] = (values[1:] != values[:1]).any(axis=1)
    smooth = dict(anyhow)
    nothing = np.zeros(n_bands, bool)
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


def _some(things: Sequence[object]) -> str:
    """The first few by their names."""
    names = list(dict.fromkeys(map(_name, things)))
    return ", ".join(names[:MOST_NAMED]) + (f", ... ({len(names)} in all)" if len(names) > MOST_NAMED else "")
