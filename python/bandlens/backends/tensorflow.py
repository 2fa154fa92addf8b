"""TensorFlow: trace any model to primitive operations, run parts of the trace, differentiate them, compile.

The trace refers to the model's own variables, so it holds no second copy of the weights and sees them as they are at
each call. Nothing global is touched: operations are re-created inside functions of our own, and the model is only
called.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.function_def_to_graph import (
    function_def_to_graph,  # no public way into a nested function
)

from ..errors import ModelError, UnsupportedOperationError
from ..graph import Family, Graph, Layout, Operation
from . import tensorflow_operations as table

if TYPE_CHECKING:
    from ..deepshap.regions import Region

OutOfMemory = tf.errors.ResourceExhaustedError

# TensorFlow's kernels broadcast at most this many groups of axes
_MOST_GROUPS = 5

# explained in the precision below: the same function, without rounding that would drown small differences
_COMPUTED_IN = {tf.float16: tf.float32, tf.bfloat16: tf.float32}


def _broadcast_to(array: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """Broadcast to a static shape, whatever the number of axes."""
    have = (1,) * (len(shape) - len(array.shape)) + tuple(array.shape)
    shape = tuple(shape)
    if have == shape:
        return tf.reshape(array, shape) if len(array.shape) != len(shape) else array
    if _groups(have, shape) <= _MOST_GROUPS:
        return tf.broadcast_to(array, shape)
    current = list(have)
    for axis, (length, full) in enumerate(zip(have, shape, strict=True)):
        if length != full:
            before, after = int(np.prod(current[:axis])), int(np.prod(current[axis + 1 :]))
            array = tf.broadcast_to(tf.reshape(array, (before, 1, after)), (before, full, after))
            current[axis] = full
    return tf.reshape(array, shape)


def _multiply(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Product of two tensors of the same rank that are broadcast against each other."""
    if _groups(left.shape, right.shape) > _MOST_GROUPS:
        full = tuple(max(a, b) for a, b in zip(left.shape, right.shape, strict=True))
        left, right = _broadcast_to(left, full), _broadcast_to(right, full)
    return left * right


def _where(condition: tf.Tensor, left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Selection among tensors of one shape, whatever the number of axes."""
    shape = left.shape
    flat = tf.where(*(tf.reshape(tensor, (-1,)) for tensor in (condition, left, right)))
    return tf.reshape(flat, shape)


def _groups(left: Sequence[int], right: Sequence[int]) -> int:
    """Runs of neighbouring axes that are broadcast in the same way."""
    kinds = [(a == 1, b == 1) for a, b in zip(left, right, strict=True) if (a, b) != (1, 1)]
    return sum(1 for index, kind in enumerate(kinds) if index == 0 or kind != kinds[index - 1])


def _normal(keys: tf.Tensor, shape: Sequence[int], dtype: str) -> tf.Tensor:
    """Standard normal numbers, shape (keys, *shape), that depend on each key, a pair of int32, alone."""

    def draw(key: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_normal(shape, key, dtype=dtype, alg="philox")

    return tf.map_fn(draw, keys, fn_output_signature=tf.TensorSpec(tuple(shape), dtype))


# the array functions that rules are written with, under NumPy's names
nd = SimpleNamespace(
    abs=tf.abs,
    astype=tf.cast,
    broadcast_to=_broadcast_to,
    concatenate=tf.concat,
    einsum=tf.einsum,
    exp=tf.exp,
    eye=lambda n, dtype: tf.eye(n, dtype=dtype),
    isfinite=tf.math.is_finite,
    log=tf.math.log,
    matmul_transposed=lambda left, right: tf.matmul(left, right, transpose_b=True),
    max=lambda array, axis: tf.reduce_max(array, axis, keepdims=True),
    maximum=tf.maximum,
    mean=lambda array, axis, keepdims=False: tf.reduce_mean(array, axis, keepdims=keepdims),
    moveaxis=lambda array, source, destination: tf.experimental.numpy.moveaxis(array, source, destination),
    multiply=_multiply,
    normal=_normal,
    ones_like=tf.ones_like,
    reshape=tf.reshape,
    sqrt=tf.sqrt,
    sum=lambda array, axis, keepdims=False: tf.reduce_sum(array, axis, keepdims=keepdims),
    take=lambda array, index, axis: tf.gather(array, index, axis=axis),
    where=_where,
    zeros=lambda shape, dtype: tf.zeros(shape, dtype),
    zeros_like=tf.zeros_like,
)


def compile(function: Callable[..., Any], *arguments: np.ndarray, any_n: int = 0) -> Callable[..., Any]:
    """Compile a function of arrays for the shapes and dtypes of `arguments`; the first `any_n` axes of any length."""
    signature = [tf.TensorSpec((*(None,) * any_n, *argument.shape[any_n:]), argument.dtype) for argument in arguments]
    compiled = tf.function(function, input_signature=signature, autograph=False).get_concrete_function()

    def call(*values: np.ndarray) -> Any:
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), compiled(*map(tf.constant, values)))

    return call


@cache
def fused(function: Callable[..., Any], **static: Any) -> Callable[..., Any]:
    """A formula ``function(nd, *tensors)`` as a single pass over memory, by XLA where this TensorFlow has it."""

    def apply(*tensors: tf.Tensor) -> Any:
        return function(nd, *tensors, **static)

    return tf.function(apply, jit_compile=True, autograph=False, reduce_retracing=False) if _has_xla() else apply


def hold(array: np.ndarray) -> tf.Tensor:
    """An array on the device, to be given to compiled functions several times."""
    return tf.constant(array)


@lru_cache(maxsize=1)
def _has_xla() -> bool:
    """Whether XLA can compile here; TensorFlow for Windows comes without it."""
    try:
        with tf.init_scope():
            tf.function(lambda x: x + 1, jit_compile=True)(tf.constant(1.0))
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, tf.errors.NotFoundError):
        return False
    return True


def version() -> dict[str, str]:
    """Versions that belong into a result."""
    return {"tensorflow": tf.__version__}


class Trace:
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
        self.shape = shape
        self.dtype = _computed_in(tf.as_dtype(dtype)).name
        self._layers = frozenset(layers)
        function = tf.function(call, autograph=False)
        self._concrete = function.get_concrete_function(tf.TensorSpec((None, *shape), dtype))
        self._check_output()
        flat = _Flat(self._concrete)
        self._flat = flat
        self.probability, self.logit, self.head = flat.output, *flat.head()
        self.n_outputs = int(self._concrete.outputs[0].shape[-1])
        self.fingerprint = flat.fingerprint
        self._graphs: dict[int, Graph] = {}
        self._compiled: dict[Any, Any] = {}

    def _check_output(self) -> None:
        outputs = self._concrete.outputs
        shapes = [tuple(output.shape) if output.shape.rank is not None else None for output in outputs]
        if len(outputs) != 1 or shapes[0] is None or len(shapes[0]) != 2 or shapes[0][1] is None:
            raise ModelError(
                "The model's output is not one row of scores per image.",
                expected="one output of shape (n, outputs)",
                given=", ".join(map(str, shapes)) or "no output",
                fix="wrap the model in a function that returns one value per class, "
                "for a segmentation model for example the mean over pixels",
            )

    def compiled(self, key: Any, build: Callable[[], Any]) -> Any:
        """Something that was compiled for this trace, made by `build` on first use."""
        if key not in self._compiled:
            self._compiled[key] = build()
        return self._compiled[key]

    def graph(self, output: int) -> Graph:
        """Operations that lead from the images to a value."""
        if output not in self._graphs:
            self._graphs[output] = self._make_graph(output)
        return self._graphs[output]

    def _make_graph(self, output: int) -> Graph:
        flat = self._flat
        wanted, stack = set(), [output]
        while stack:
            value = stack.pop()
            if value not in wanted:
                wanted.add(value)
                stack.extend(flat.inputs_of(value))
        data = {flat.input}
        kept = []
        for entry in flat.entries:
            if wanted.isdisjoint(entry.outputs):
                continue
            self._refuse(entry)
            if entry.op.type in table.SHAPE_ONLY or data.isdisjoint(entry.inputs):
                continue
            data.update(entry.outputs)
            kept.append(entry)
        if output not in data:
            raise ModelError("The model's output does not depend on the images.")
        layouts = self._layouts(kept, data)
        operations = tuple(self._operation(entry, data, layouts) for entry in kept)
        return Graph(operations, flat.input, output, layouts)

    def _refuse(self, entry: _Entry) -> None:
        where = f"{entry.op.type} in layer '{self._layer(entry.name)}'"
        if entry.op.type in table.RANDOM:
            raise UnsupportedOperationError(
                f"The model is random at inference: {where}.", fix="turn the randomness off, or fix its noise"
            )

    def _operation(self, entry: _Entry, data: set[int], layouts: dict[int, Layout]) -> Operation:
        kind = entry.op.type
        carries = [value in data for value in entry.inputs]
        family = table.family(kind, carries)
        if kind.startswith("FusedBatchNorm") and not entry.op.get_attr("is_training"):
            family = Family.LINEAR
        pointwise = family in table.POINTWISE_FAMILIES or kind in table.POINTWISE
        size = sum(layouts[value].size for value in entry.outputs if value in layouts)
        weights = [
            i for i, carried in zip(entry.op.inputs, carries, strict=True) if not carried and i.dtype.is_floating
        ]
        shapes = [tuple(w.shape) for w in weights if w.shape.is_fully_defined() and w.shape.rank > 1]
        cost = size * max((np.prod(shape) / shape[-1] for shape in shapes), default=1.0)
        return Operation(
            kind,
            entry.name,
            self._layer(entry.name),
            family,
            pointwise,
            self._window(entry, layouts) if family is Family.MAXIMUM and entry.inputs[0] in layouts else None,
            tuple(entry.inputs),
            tuple(entry.outputs),
            tuple(dict.fromkeys(value for value in entry.inputs if value in data)),
            float(cost),
            entry.op,
        )

    @staticmethod
    def _window(entry: _Entry, layouts: dict[int, Layout]) -> tuple[int, ...] | None:
        op = entry.op
        if op.type == "Max":
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

    def _layouts(self, entries: list[_Entry], data: set[int]) -> dict[int, Layout]:
        """Shapes for one image and batch axes, from the static shapes for two batch sizes; not of all values."""
        sizes = (2, 3)
        shapes = [self._shapes(entries, data, n) for n in sizes]
        layouts = {}
        for value in data:
            layout = _layout([found[value] for found in shapes], sizes, self._flat.dtypes[value].is_floating)
            if layout is not None:
                layouts[value] = layout
        return layouts

    def _shapes(self, entries: list[_Entry], data: set[int], n: int) -> dict[int, tuple[int | None, ...]]:
        """Static shapes of all values for a batch of `n`; nothing is computed."""
        found: dict[int, tuple[int | None, ...]] = {}

        def probe(x: tf.Tensor) -> tf.Tensor:
            run = Run(self, {self._flat.input: x})
            for entry in entries:
                run.apply(entry)
            for value in data:
                shape = run.tensors[value].shape
                found[value] = tuple(shape) if shape.rank is not None else (None,)
            return x

        tf.function(probe, autograph=False).get_concrete_function(tf.TensorSpec((n, *self.shape), self.dtype))
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
        return tf.zeros(shape, self.value_dtype(value))

    def value_dtype(self, value: int) -> tf.DType:
        """The dtype that a value is computed in."""
        return _computed_in(self._flat.dtypes[value])


class Run:
    """Parts of a trace, re-created in the function being compiled, for one batch.

    Parameters
    ----------
    trace : Trace
    tensors : mapping of int to tensor
        Values that are given: the images, or any values in the middle.
    graph : Graph, optional
    n : int, optional
        With these, a value that is needed for its shape alone need not be given; `n` is the number of images in the
        batch.
    """

    def __init__(self, trace: Trace, tensors: Mapping[int, tf.Tensor], graph: Graph | None = None, n: int = 0) -> None:
        self._flat = trace._flat
        self._trace = trace
        self._layouts = {} if graph is None else graph.layouts
        self._n = n
        self.tensors = dict(tensors)

    def apply(self, operation: Operation | _Entry) -> None:
        """Compute an operation's outputs from what is known."""
        op = operation.handle if isinstance(operation, Operation) else operation.op
        inputs = [self.value(value) for value in operation.inputs]
        # weights are read as they are stored, everything else is computed in full precision
        stored = not any(source.dtype.is_floating for source in inputs) and not any(
            source.dtype == tf.bool for source in inputs
        )
        attributes = _attributes(op, stored)
        dtypes = [output.dtype if stored else _computed_in(output.dtype) for output in op.outputs]

        def create(*tensors: tf.Tensor) -> list[tf.Tensor]:
            graph = tf.compat.v1.get_default_graph()
            _bring_functions(op, graph)
            return graph.create_op(op.type, list(tensors), dtypes, attrs=attributes, op_def=op.op_def).outputs

        # the gradient of a grouped convolution has no CPU kernel outside XLA (Keras compiles the layer for that reason)
        outputs = (
            tf.function(create, jit_compile=True, autograph=False)(*inputs) if _is_grouped(op) else create(*inputs)
        )
        outputs = [
            tf.cast(output, _computed_in(output.dtype)) if output.dtype.is_floating else output for output in outputs
        ]
        self.tensors.update(zip(operation.outputs, outputs, strict=True))

    def forward(self, operations: Sequence[Operation]) -> Run:
        """Compute operations in order."""
        for operation in operations:
            self.apply(operation)
        return self

    def value(self, value: int) -> tf.Tensor:
        """A value that is given, was computed, or carries no image data."""
        if value in self.tensors:
            return self.tensors[value]
        stack = [value]
        while stack:
            top = stack[-1]
            if top in self.tensors:
                stack.pop()
            elif top in self._flat.captures:
                self.tensors[top] = self._flat.captures[top]
            elif top in self._layouts:
                self.tensors[top] = self._trace.zeros(top, self._layouts[top], self._n)
            else:
                entry = self._flat.producers[top]
                missing = [i for i in entry.inputs if i not in self.tensors]
                if missing:
                    stack.extend(missing)
                else:
                    self.apply(entry)
        return self.tensors[value]


def gradient(outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
    """Vector-Jacobian product of tensors in the function being compiled; zeros where there is no path."""
    found = tf.gradients(list(outputs), list(inputs), list(cotangents))
    return [
        tf.zeros_like(source) if part is None else tf.reshape(tf.convert_to_tensor(part), tf.shape(source))
        for source, part in zip(inputs, found, strict=True)
    ]


def fold(add: Callable[[Any, Any], Any], elements: Any, initial: Any) -> Any:
    """Go through the first axis of a tensor inside the function being compiled: ``state = add(state, element)``."""

    def body(number: Any, state: Any) -> tuple[Any, Any]:
        found = add(state, elements[number])
        return number + 1, tf.nest.map_structure(lambda new, old: tf.ensure_shape(new, old.shape), found, state)

    count = tf.shape(elements)[0]
    return tf.while_loop(lambda number, _: number < count, body, (0, initial), parallel_iterations=1)[1]


def _computed_in(dtype: tf.DType) -> tf.DType:
    return _COMPUTED_IN.get(dtype, dtype)


def _layout(shapes: Sequence[tuple[int | None, ...]], sizes: tuple[int, int], real: bool) -> Layout | None:
    """What two batch sizes tell of a value's shape for one image; None where it isn't a block per image."""
    few, more = ([-1 if length is None else length for length in shape] for shape in shapes)
    grown = [axis for axis, (a, b) in enumerate(zip(few, more, strict=True)) if a != b]
    if -1 in few or -1 in more or len(grown) != 1:
        return None
    axis = grown[0]
    if few[axis] * sizes[1] != more[axis] * sizes[0] or few[axis] % sizes[0]:
        return None
    return Layout(axis, (*few[:axis], few[axis] // sizes[0], *few[axis + 1 :]), real)


def _attributes(op: tf.Operation, stored: bool) -> dict[str, Any]:
    """Attributes of an operation, without what only eager gradients need, in the precision it is computed in."""
    found = {}
    for key, attribute in op.node_def.attr.items():
        if key.startswith("_"):
            continue
        wider = _COMPUTED_IN.get(tf.as_dtype(attribute.type)) if attribute.type and not stored else None
        found[key] = type(attribute)(type=wider.as_datatype_enum) if wider else attribute
    return found


def _bring_functions(op: tf.Operation, graph: tf.Graph) -> None:
    """Make bodies of loops and branches known where an operation is re-created; TensorFlow has no public way to."""
    for attribute in op.node_def.attr.values():
        names = [attribute.func.name] if attribute.HasField("func") else [one.name for one in attribute.list.func]
        for name in names:
            graph._add_function_recursive(op.graph._get_function(name))


def _is_grouped(op: tf.Operation) -> bool:
    """Whether an operation is a convolution over groups of channels."""
    if op.type not in ("Conv2D", "Conv3D"):
        return False
    channels = -1 if op.get_attr("data_format").endswith(b"C") else 1
    return op.inputs[0].shape[channels] != op.inputs[1].shape[-2]


class _Entry:
    """An operation of the flattened function with its values as integers."""

    __slots__ = ("inputs", "name", "op", "outputs")

    def __init__(self, op: tf.Operation, name: str, inputs: list[int], outputs: list[int]) -> None:
        self.op = op
        self.name = name
        self.inputs = inputs
        self.outputs = outputs


class _Flat:
    """A traced function with calls inlined and values numbered."""

    def __init__(self, concrete: Any) -> None:
        self.entries: list[_Entry] = []
        self.producers: dict[int, _Entry] = {}
        self.captures: dict[int, Any] = {}
        self.dtypes: list[tf.DType] = []
        graph = concrete.graph
        definition = graph.as_graph_def()
        self._library = {function.signature.name: function for function in definition.library.function}
        external = {inner.name: outer for outer, inner in graph.captures}
        image = concrete.inputs[0].name
        values: dict[str, int] = {}
        for op in graph.get_operations():
            if op.type == "Placeholder" or (op.outputs and op.outputs[0].name in external):
                name = op.outputs[0].name
                values[name] = self._new(op.outputs[0])
                if name == image:
                    self.input = values[name]
                elif name in external:
                    self.captures[values[name]] = external[name]
        self._inline(graph, values, "")
        self.output = values[concrete.outputs[0].name]
        self.fingerprint = self._fingerprint()

    def _fingerprint(self) -> tuple[str, tuple[int, ...]]:
        """Equal for two traces of the same operations on the same weights (compared by identity)."""
        digest = hashlib.sha256(repr((self.input, self.output)).encode())
        for entry in self.entries:
            attr = entry.op.node_def.attr
            plain = [(key, attr[key].SerializeToString(deterministic=True)) for key in sorted(attr) if key[0] != "_"]
            digest.update(repr((entry.op.type, entry.inputs, entry.outputs, plain)).encode())
        return digest.hexdigest(), tuple(id(outer) for _, outer in sorted(self.captures.items()))

    def _new(self, tensor: tf.Tensor) -> int:
        self.dtypes.append(tensor.dtype)
        return len(self.dtypes) - 1

    def _inline(self, graph: Any, values: dict[str, int], scope: str) -> None:
        for op in graph.get_operations():
            if not op.outputs or op.outputs[0].name in values:
                continue
            inputs = [values[tensor.name] for tensor in op.inputs]
            if op.type in table.ALIAS:
                values.update({out.name: value for out, value in zip(op.outputs, inputs, strict=True)})
            elif op.type in table.CALLS:
                inner = function_def_to_graph(self._library[op.get_attr("f").name], include_library_functions=True)
                inside = {tensor.name: value for tensor, value in zip(inner.inputs, inputs, strict=True)}
                self._inline(inner, inside, f"{scope}{op.name}/")
                values.update({out.name: inside[t.name] for out, t in zip(op.outputs, inner.outputs, strict=True)})
            else:
                entry = _Entry(op, scope + op.name, inputs, [self._new(tensor) for tensor in op.outputs])
                self.entries.append(entry)
                self.producers.update(dict.fromkeys(entry.outputs, entry))
                values.update({out.name: value for out, value in zip(op.outputs, entry.outputs, strict=True)})

    def inputs_of(self, value: int) -> list[int]:
        """Values that a value is computed from."""
        return self.producers[value].inputs if value in self.producers else []

    def head(self) -> tuple[int, str | None]:
        """The value before a final softmax or sigmoid, and which of the two it is."""
        value, casts = self.output, {"Cast"}
        while value in self.producers and self.producers[value].op.type in casts:
            value = self.producers[value].inputs[0]
        names = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
        entry = self.producers.get(value)
        if entry is not None and entry.op.type in names:
            return entry.inputs[0], names[entry.op.type]
        return self.output, None
