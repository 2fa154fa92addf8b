"""A model as a graph of primitive operations: the tracer that the DeepSHAP walker reads.

The trace refers to the model's own variables, so it holds no second copy of the weights and sees them as they are at
each call. Nothing global is touched, and the model is only called.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterable
from math import nan, prod
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from ...graph import Family, Graph, Layout, Operation
from .. import common, heads
from . import operations as table
from .arrays import zeros
from .flat import HEADS, Entry, Flat
from .gradients import has_gradient
from .run import Run, computed_in

if TYPE_CHECKING:
    from ...deepshap.regions import Region

# so many images tell where a value has them: a prime number that no length is a multiple of by chance
MANY = 100_003
# families whose operations work on sets of elements
SETS = (Family.MAXIMUM, Family.NORMALIZATION)


class Trace(common.BaseTrace):
    """A model as primitive operations, from a batch of images to its outputs.

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

    Attributes
    ----------
    head : {"softmax", "sigmoid", None}
        What the model ends in; the explained output (`graph.output`) lies before it.
    n_outputs : int
    """

    def __init__(
        self, call: Callable[[Any], Any], shape: tuple[int, ...], dtype: str, layers: Iterable[str] = ()
    ) -> None:
        super().__init__()
        self.shape = shape
        self.dtype = computed_in(tf.as_dtype(dtype)).name
        self._layers = frozenset(layers)
        self._fixed: weakref.WeakKeyDictionary[tf.Graph, dict[int, tf.Tensor]] = weakref.WeakKeyDictionary()
        function = tf.function(call, autograph=False)
        self._concrete = function.get_concrete_function(tf.TensorSpec((None, *shape), dtype))
        self._check_output()
        flat = Flat(self._concrete)
        self._flat = flat
        self.n_outputs = int(self._concrete.outputs[0].shape[-1])
        self.probability = flat.output
        self.head, self.logit = heads.find_head(flat, HEADS, self.n_outputs, self._shape_of_two, self._behind)
        self.fingerprint = flat.fingerprint
        self.marks = flat.marks

    def fixed(self, graph: tf.Graph) -> dict[int, tf.Tensor]:
        """Values that don't depend on the images, made once for all that is computed in a graph."""
        if graph not in self._fixed:
            self._fixed[graph] = {}
        return self._fixed[graph]

    def renewed_by(self, newer: Trace) -> bool:
        """Whether a newer trace is of the same operations on the same variables, whatever their values."""
        return self.likeness == newer.likeness

    def _check_output(self) -> None:
        outputs = self._concrete.outputs
        shapes = [tuple(output.shape) if output.shape.rank is not None else None for output in outputs]
        if len(outputs) != 1 or shapes[0] is None or len(shapes[0]) != 2 or shapes[0][1] is None:
            raise common.no_row_per_image(shapes)

    def made_of(self) -> str | None:
        """What the outputs are made of, where that is probabilities alone: see `find_blend`."""
        blend = heads.find_blend(self._flat, HEADS)
        return blend and f"{blend} ({self._where(blend.entry)})"

    def _shape_of_two(self, value: int) -> tuple[int, ...] | None:
        entry = self._flat.producers[value]
        shape = entry.op.outputs[entry.outputs.index(value)].shape
        # only the number of images is open
        known = shape.rank is not None and tuple(shape).count(None) == 1
        return tuple(length or heads.TRIED for length in shape) if known else None

    def _behind(self, value: int, given: np.ndarray) -> np.ndarray:
        """The model's output for two images, a value given."""

        def compute() -> tf.Tensor:
            images = tf.zeros((heads.TRIED, *self.shape), self.dtype)  # only the shapes of what depends on them matter
            held = {self._flat.input: images, value: tf.constant(given, self.value_dtype(value))}
            return Run(self, held).value(self._flat.output)

        return tf.function(compute, autograph=False)().numpy()

    def _make_graph(self, output: int) -> Graph:
        flat = self._flat
        wanted = common.leading_to(output, flat.inputs_of)
        data = {flat.input}
        kept = []
        for entry in flat.entries:
            if wanted.isdisjoint(entry.outputs):
                continue
            if entry.op.type in table.RANDOM:
                raise common.random(self._where(entry))
            if entry.op.type in table.SHAPE_ONLY or data.isdisjoint(entry.inputs):
                continue
            data.update(entry.outputs)
            kept.append(entry)
        if output not in data:
            raise common.independent()
        layouts = self._layouts(kept, data)
        operations = tuple(self._operation(entry, data, layouts) for entry in kept)
        return Graph(operations, flat.input, output, layouts)

    def _where(self, entry: Entry) -> str:
        return f"{entry.op.type} in layer '{self._layer(entry.name)}'"

    def _operation(self, entry: Entry, data: set[int], layouts: dict[int, Layout]) -> Operation:
        kind = entry.op.type
        carries = [value in data for value in entry.inputs]
        family = table.family(kind, carries)
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
                    raise common.mixes_images(self._where(entry))
        if family is Family.LINEAR and not has_gradient(entry.op):
            family = Family.UNSUPPORTED
        pointwise = family in table.POINTWISE_FAMILIES or (kind in table.POINTWISE and family is Family.LINEAR)
        size = sum(layouts[value].size for value in entry.outputs if value in layouts)
        weights = [
            i for i, carried in zip(entry.op.inputs, carries, strict=True) if not carried and i.dtype.is_floating
        ]
        shapes = [tuple(w.shape) for w in weights if w.shape.is_fully_defined() and w.shape.rank > 1]
        cost = size * max((np.prod(shape) / shape[-1] for shape in shapes), default=1.0)
        sets = family in SETS or kind in table.REDUCTIONS
        window = self._window(entry, layouts) if sets and entry.inputs[0] in layouts else None
        weight = table.REDUCTIONS[kind](prod(window)) if window is not None and kind in table.REDUCTIONS else nan
        return Operation(
            kind,
            entry.name,
            self._layer(entry.name),
            family,
            pointwise,
            window,
            tuple(entry.inputs),
            tuple(entry.outputs),
            tuple(dict.fromkeys(value for value in entry.inputs if value in data)),
            float(cost),
            entry.op,
            epsilon,
            weight,
            kind in table.RESHAPES,
            kind in table.SELECTS,
        )

    @staticmethod
    def _window(entry: Entry, layouts: dict[int, Layout]) -> tuple[int, ...] | None:
        op = entry.op
        if op.type.startswith("FusedBatchNorm"):
            shape = layouts[entry.inputs[0]].shape
            return tuple(1 if axis == _channel_axis(op) else length for axis, length in enumerate(shape))
        if op.type == "Max" or op.type in table.REDUCTIONS:
            axes = tf.get_static_value(op.inputs[1])
            layout = layouts[entry.inputs[0]]
            if axes is None:
                return None
            reduced = {int(axis) % len(layout.shape) for axis in np.atleast_1d(axes)}
            if layout.axis in reduced:
                return None
            return tuple(length if axis in reduced else 1 for axis, length in enumerate(layout.shape))
        if op.type in ("MaxPool", "MaxPool3D"):
            sizes, steps = op.get_attr("ksize"), op.get_attr("strides")
            lengths = layouts[entry.inputs[0]].shape
            whole = all(length % size == 0 for length, size in zip(lengths, sizes, strict=True))
            if sizes == steps and (whole or op.get_attr("padding") in (b"VALID", "VALID")):
                return tuple(int(size) for size in sizes)
        return None

    def _layer(self, name: str) -> str:
        """The innermost of the model's layers in an operation's scoped name."""
        parts = name.split("/")
        for part in reversed(parts[:-1]):
            # each call of a layer adds a number to the scope, so that of layer "conv" is "conv_1"
            for candidate in (re.sub(r"_\d+$", "", part), part):
                if candidate in self._layers:
                    return candidate
        return parts[-2] if len(parts) > 1 else ""

    def _layouts(self, entries: list[Entry], data: set[int]) -> dict[int, Layout]:
        """Shapes for one image and batch axes, found for many images without computing anything; not of all values.

        Most operations leave the number of rows as it is, or keep the number of elements, so that the shapes in the
        trace tell. The others are created anew, in a graph of their own.
        """
        layouts = {self._flat.input: Layout(0, (1, *self.shape), True)}
        used = {value for entry in entries for value in entry.inputs}

        def probe() -> tf.Tensor:
            held = Graph((), self._flat.input, self._flat.output, layouts)
            for entry in entries:
                shapes = self._known_shapes(entry, layouts, data)
                if shapes is None:
                    run = Run(self, {}, held, MANY)
                    run.apply(entry)
                    made = [run.tensors[value].shape for value in entry.outputs]
                    shapes = [tuple(shape) if shape.rank is not None else (None,) for shape in made]
                for value, shape in zip(entry.outputs, shapes, strict=True):
                    real = self._flat.dtypes[value].is_floating
                    if real and None not in shape and not _growing(shape) and value in used:
                        raise common.mixes_images(self._where(entry))
                    found = _layout(shape, real)
                    if found is not None:
                        layouts[value] = found
            return tf.zeros(())

        tf.function(probe, autograph=False).get_concrete_function()
        return layouts

    def _known_shapes(
        self, entry: Entry, layouts: dict[int, Layout], data: set[int]
    ) -> list[tuple[int | None, ...]] | None:
        """Shapes of outputs for `MANY` images, if the trace tells them."""
        held = [layouts.get(value) for value in entry.inputs if value in data]
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
            graph = next(graph for graph in self._graphs.values() if region.entry in graph.layouts)
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
        return computed_in(self._flat.dtypes[value])


def _cuts_off(stored: tf.DType, wanted: tf.DType) -> bool:
    """Whether a cast cuts off fractions, so that it is not linear."""
    return stored.is_floating and (wanted.is_integer or wanted.is_bool)


def _growing(shape: tuple[int | None, ...]) -> list[int]:
    """Axes that grow with the images."""
    return [axis for axis, length in enumerate(shape) if length is not None and length % MANY == 0 < length]


def _layout(shape: tuple[int | None, ...], real: bool) -> Layout | None:
    """What a shape for `MANY` images tells of that for one; None where it isn't a block per image."""
    grown = _growing(shape)
    if len(grown) != 1 or None in shape:
        return None
    lengths = [length for length in shape if length is not None]
    lengths[grown[0]] //= MANY
    return Layout(grown[0], tuple(lengths), real)


def _channel_axis(op: tf.Operation) -> int:
    return op.get_attr("data_format").index(b"C")
