"""A model as a graph of primitive operations: the tracer that the DeepSHAP walker reads.

The trace refers to the model's own variables, so it holds no second copy of the weights and sees them as they are at
each call. Nothing global is touched, and the model is only called.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

from ...graph import Family, Graph, Layout, Operation, Region
from .. import heads, refusals
from ..flat import block_per_image
from ..trace import BaseTrace, window_of_reduction
from . import operations as table
from .arrays import zeros
from .entry import Entry
from .flat import HEADS, Flat
from .fusing import Begun, asked
from .gradients import has_gradient
from .looping import Looping, can_be_kept
from .run import Run, computed_in
from .tracing import Traced, traced
from .weights import Weights

# so many images tell where a value has them: a prime number that no length is a multiple of by chance
MANY = 100_003
# families whose operations work on sets of elements
SETS = (Family.MAXIMUM, Family.NORMALIZATION)


class Trace(BaseTrace[Entry]):
    """A model as TensorFlow's operations.

    Attributes
    ----------
    flat : Flat
    architecture : tuple
        Equal for traces of the same operations on weights of any values.
    """

    def __init__(
        self, call: Callable[[Any], Any], shape: tuple[int, ...], dtype: str, layers: Iterable[str] = ()
    ) -> None:
        names = list(layers)
        asked()
        self._read(traced(call, tf.TensorSpec((None, *shape), dtype)), shape, dtype, names, names)

    def pattern(self, weights: Sequence[Any]) -> Callable[[Sequence[Any], Iterable[str]], Trace] | None:
        """How to make a trace of the same operations on other weights; it holds none, and knows their order alone."""
        places = {id(_outside(weight)): place for place, weight in enumerate(weights)}
        taken = [places.get(id(outer)) for outer, _ in self._traced.captures]
        if None in taken:
            return None
        return partial(_on, self._traced.of(taken), self.shape, self._given_dtype, self._scopes)

    def _read(self, traced: Traced, shape: tuple[int, ...], dtype: str, scopes: list[str], layers: list[str]) -> None:
        """Read what was traced; layers are those that operations are named after as `scopes`."""
        super().__init__()
        self.shape = shape
        self._given_dtype = dtype
        self.dtype = computed_in(tf.as_dtype(dtype)).name
        self._scopes = scopes
        self._layers = dict(zip(scopes, layers, strict=True))
        self._fixed: weakref.WeakKeyDictionary[tf.Graph, dict[int, tf.Tensor]] = weakref.WeakKeyDictionary()
        self._given: weakref.WeakKeyDictionary[tf.Graph, dict[int, tf.Tensor]] = weakref.WeakKeyDictionary()
        self._traced = traced
        self._check_output()
        self.flat = Flat(traced)
        self.n_outputs = int(traced.outputs[0].shape[-1])
        self._read_ends(self.flat, HEADS)
        self.fingerprint = self.flat.fingerprint
        self.architecture = (self.shape, self.dtype, self.flat.architecture)

    def by_loops(self, value: int, images: tf.Tensor) -> tf.Tensor | None:
        """A value for images by the model's own loops; None where there are none, or in half precision."""
        if not can_be_kept(self.flat):
            return None
        looping: Looping = self.compiled("looping", lambda: Looping(self._traced))
        made_by = self.flat.producers[value]
        return looping.value(made_by, made_by.outputs.index(value), images)

    def fixed(self, graph: tf.Graph) -> dict[int, tf.Tensor]:
        """Values that don't depend on the images, made once for all that is computed in a graph."""
        if graph not in self._fixed:
            around: Any = graph
            while around is not None and around not in self._given:
                around = getattr(around, "outer_graph", None)
            self._fixed[graph] = {} if around is None else dict(self._given[around])
        return self._fixed[graph]

    @cached_property
    def weights(self) -> Weights:
        """What all that is compiled is given of the model's weights."""
        return Weights(self, self._traced)

    @cached_property
    def begun(self) -> Begun:
        """Formulas that are being compiled, behind what is got ready to make the weights: all steps wait for these."""
        self.weights  # noqa: B018  # which begins it
        return Begun()

    def given(self, graph: tf.Graph, weights: dict[int, tf.Tensor]) -> None:
        """Let parts of the trace that are written into a graph, or into one within it, use these tensors."""
        self._given[graph] = weights

    def _take_weights(self, newer: Trace) -> None:
        """Nothing to do: traces are alike only if they are of the same variables, whatever their values."""

    def _check_output(self) -> None:
        outputs = self._traced.outputs
        shapes = [tuple(output.shape) if output.shape.rank is not None else None for output in outputs]
        if len(outputs) != 1 or shapes[0] is None or len(shapes[0]) != 2 or shapes[0][1] is None:
            raise refusals.no_row_per_image(shapes)

    def _shape_of_two(self, value: int) -> tuple[int, ...] | None:
        entry = self.flat.producers[value]
        shape = entry.op.outputs[entry.outputs.index(value)].shape
        # only the number of images is open
        known = shape.rank is not None and tuple(shape).count(None) == 1
        return tuple(length or heads.TRIED for length in shape) if known else None

    def _behind(self, value: int, given: np.ndarray) -> np.ndarray:
        """The model's output for two images, a value given."""

        def compute() -> tf.Tensor:
            images = tf.zeros((heads.TRIED, *self.shape), self.dtype)  # only the shapes of what depends on them matter
            held = {self.flat.input: images, value: tf.constant(given, self.value_dtype(value))}
            return Run(self, held).value(self.flat.output)

        # called as a function of each model, TensorFlow would warn of many traces of one
        return tf.function(compute, autograph=False).get_concrete_function()().numpy()

    def _make_graph(self, output: int) -> Graph:
        kept = [entry for entry in self._leading_to(output) if entry.kind not in table.SHAPE_ONLY]
        layouts = self._layouts(kept)
        operations = tuple(self._operation(entry, layouts) for entry in kept)
        return Graph(operations, self.flat.input, output, layouts)

    def _is_random(self, entry: Entry) -> bool:
        return entry.kind in table.RANDOM

    def _operation(self, entry: Entry, layouts: dict[int, Layout]) -> Operation:
        kind = entry.kind
        carries = [value in self.flat.data for value in entry.inputs]
        family = table.TABLE.family(kind, carries)
        if kind == "Cast" and _cuts_off(entry.op.inputs[0].dtype, entry.op.outputs[0].dtype):
            family = Family.ELEMENTWISE
        epsilon = 0.0
        if kind.startswith("FusedBatchNorm"):
            epsilon = entry.op.get_attr("epsilon")
            family = Family.LINEAR
            if entry.op.get_attr("is_training"):
                # within each image, as in Keras 2's layer normalisation
                family = Family.NORMALIZATION
                if entry.inputs[0] not in layouts or layouts[entry.inputs[0]].axis != _channel_axis(entry.op):
                    raise refusals.mixes_images(self._where(entry))
        if family is Family.LINEAR and not has_gradient(entry.op):
            family = Family.UNSUPPORTED
        weights = [
            i for i, carried in zip(entry.op.inputs, carries, strict=True) if not carried and i.dtype.is_floating
        ]
        shapes = [tuple(w.shape) for w in weights if w.shape.is_fully_defined() and w.shape.rank > 1]
        sets = family in SETS or kind in table.TABLE.reductions
        return table.TABLE.operation(
            entry,
            name=entry.name,
            layer=self._layer(entry),
            family=family,
            window=self._window(entry, layouts) if sets and entry.inputs[0] in layouts else None,
            data=self.flat.data,
            layouts=layouts,
            uses=max((np.prod(shape) / shape[-1] for shape in shapes), default=1.0),
            is_weight=self.flat.is_real,
            is_number=lambda value: entry.op.inputs[entry.inputs.index(value)].shape.rank == 0,
            epsilon=epsilon,
        )

    @staticmethod
    def _window(entry: Entry, layouts: dict[int, Layout]) -> tuple[int, ...] | None:
        op = entry.op
        if op.type.startswith("FusedBatchNorm"):
            shape = layouts[entry.inputs[0]].shape
            return tuple(1 if axis == _channel_axis(op) else length for axis, length in enumerate(shape))
        if op.type == "Max" or op.type in table.TABLE.reductions:
            axes = tf.get_static_value(op.inputs[1])
            layout = layouts[entry.inputs[0]]
            if axes is None:
                return None
            reduced = {int(axis) % len(layout.shape) for axis in np.atleast_1d(axes)}
            if layout.axis in reduced:
                return None
            return window_of_reduction(layout.shape, reduced)
        if op.type in ("MaxPool", "MaxPool3D"):
            sizes, steps = op.get_attr("ksize"), op.get_attr("strides")
            lengths = layouts[entry.inputs[0]].shape
            whole = all(length % size == 0 for length, size in zip(lengths, sizes, strict=True))
            if sizes == steps and (whole or op.get_attr("padding") in (b"VALID", "VALID")):
                return tuple(int(size) for size in sizes)
        return None

    def _layer(self, entry: Entry) -> str:
        """The innermost of the model's layers in an operation's scoped name."""
        parts = entry.name.split("/")
        for part in reversed(parts[:-1]):
            # each call of a layer adds a number to the scope, so that of layer "conv" is "conv_1"
            for candidate in (re.sub(r"_\d+$", "", part), part):
                if candidate in self._layers:
                    return self._layers[candidate]
        return parts[-2] if len(parts) > 1 else ""

    def _layouts(self, entries: list[Entry]) -> dict[int, Layout]:
        """Shapes for one image and batch axes, found for many images without computing anything; not of all values.

        Most operations leave the number of rows as it is, or keep the number of elements, so that the shapes in the
        trace tell. The others are created anew, in a graph of their own.
        """
        layouts = {self.flat.input: Layout(0, (1, *self.shape), True)}
        used = {value for entry in entries for value in entry.inputs}

        def probe() -> tf.Tensor:
            held = Graph((), self.flat.input, self.flat.output, layouts)
            for entry in entries:
                shapes = self._known_shapes(entry, layouts)
                if shapes is None:
                    run = Run(self, {}, held, MANY)
                    run.compute(entry)
                    made = [run.tensors[value].shape for value in entry.outputs]
                    shapes = [tuple(shape) if shape.rank is not None else (None,) for shape in made]
                for value, shape in zip(entry.outputs, shapes, strict=True):
                    real = self.flat.dtypes[value].is_floating
                    if real and None not in shape and not _growing(shape) and value in used:
                        raise refusals.mixes_images(self._where(entry))
                    found = block_per_image(shape, _growing(shape), MANY, real)
                    if found is not None:
                        layouts[value] = found
            return tf.zeros(())

        tf.function(probe, autograph=False).get_concrete_function()
        return layouts

    def _known_shapes(self, entry: Entry, layouts: dict[int, Layout]) -> list[tuple[int | None, ...]] | None:
        """Shapes of outputs for `MANY` images, if the trace tells them."""
        held = [layouts.get(value) for value in entry.inputs if value in self.flat.data]
        if entry.op.type in table.CUTS_IMAGES or any(layout is None for layout in held):
            return None
        rows = {layout.shape[layout.axis] * MANY for layout in held if layout is not None}
        sizes = {layout.size * MANY for layout in held if layout is not None}
        found: list[tuple[int | None, ...]] = []
        for output in entry.op.outputs:
            if output.shape.rank is None or tuple(output.shape).count(None) != 1:
                return None
            known = prod(length for length in output.shape if length is not None)
            number, left = min(sizes) // max(known, 1), min(sizes) % max(known, 1)
            if entry.op.type != "Reshape":
                number, left = min(rows), len(rows) - 1
            if left:
                return None
            found.append(tuple(number if length is None else length for length in output.shape))
        return found

    def differentiable(self, region: Region) -> bool:
        """Whether TensorFlow has a derivative of a region's exit in its entry."""
        found: list[bool] = []

        def probe() -> tf.Tensor:
            graph = self._graph_of(region.entry)
            at = self.zeros(region.entry, graph.layouts[region.entry], 1)
            result = Run(self, {region.entry: at}, graph, 1).forward(region.operations).value(region.exit)
            try:
                found.append(tf.gradients(result, at)[0] is not None)
            except LookupError:
                found.append(False)
            return at

        tf.function(probe, autograph=False).get_concrete_function()
        return found[0]

    def zeros(self, value: int, layout: Layout, n: int) -> tf.Tensor:
        """A stand-in of the right shape for `n` images, where only shapes matter."""
        shape = list(layout.shape)
        shape[layout.axis] *= n
        return zeros(shape, self.value_dtype(value))

    def value_dtype(self, value: int) -> tf.DType:
        """The dtype that a value is computed in."""
        return computed_in(self.flat.dtypes[value])


def _on(
    traced: Traced, shape: tuple[int, ...], dtype: str, scopes: list[str], weights: Sequence[Any], layers: Iterable[str]
) -> Trace:
    """A trace of what was traced, which takes weights from outside by their places."""
    found = object.__new__(Trace)
    outside = [_outside(weights[place]) for place, _ in traced.captures]
    found._read(traced.of(outside), shape, dtype, scopes, list(layers))
    return found


def _outside(weight: Any) -> Any:
    """What a function takes from outside to read a weight."""
    return getattr(weight, "handle", weight)


def settings() -> tuple[Any, ...]:
    """What TensorFlow is set to that decides which operations a model is traced as."""
    return (tf.config.functions_run_eagerly(),)


def _cuts_off(stored: tf.DType, wanted: tf.DType) -> bool:
    """Whether a cast cuts off fractions, so that it is not linear."""
    return stored.is_floating and (wanted.is_integer or wanted.is_bool)


def _growing(shape: tuple[int | None, ...]) -> list[int]:
    """Axes that grow with the images."""
    return [axis for axis, length in enumerate(shape) if length is not None and length % MANY == 0 < length]


def _channel_axis(op: tf.Operation) -> int:
    return op.get_attr("data_format").index(b"C")
