"""A model as a graph of primitive operations: the tracer that the DeepSHAP walker reads.

The trace is a jaxpr of the model for one image. It refers to the arrays that the model holds, so there is no second
copy of the weights; each call takes them anew. Nothing global is touched, and the model is only called.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from ...graph import Family, Graph, Layout, Operation, Region
from ...precision import tf32_allowed
from .. import heads, refusals
from ..flat import leading_to
from ..trace import BaseTrace, window_of_reduction
from . import operations as table
from .compiling import full_precision
from .flat import HEADS, Entry, Flat, computed_in, is_real
from .run import Run
from .softmax import recognise


class Trace(BaseTrace[Entry]):
    """A model as JAX's operations on one image; without JAX's 64 bits, a model of float64 is one of float32.

    Attributes
    ----------
    flat : Flat
    """

    def __init__(
        self, call: Callable[[Any], Any], shape: tuple[int, ...], dtype: str, layers: Iterable[str] = ()
    ) -> None:
        super().__init__()
        self.shape = shape
        self._input_dtype = jax.dtypes.canonicalize_dtype(dtype)
        self.dtype = computed_in(self._input_dtype).name
        self._call = call
        self._layers = frozenset(layers)
        self.flat = self._flattened(1)
        recognise(self.flat)
        self.n_outputs = self.flat.shape(self.flat.output)[-1]
        self._weights = tuple(self.flat.weights)
        self._reading = threading.local()
        self._read_ends(self.flat, HEADS)
        self.fingerprint = self.flat.fingerprint()

    @property
    def weights(self) -> tuple[Any, ...]:
        """The model's arrays; while a function is compiled, what stands for them there."""
        return getattr(self._reading, "weights", self._weights)

    @contextmanager
    def reading(self, weights: tuple[Any, ...]) -> Iterator[None]:
        """Let parts of the trace that are run in this thread use other arrays."""
        self._reading.weights = weights
        try:
            yield
        finally:
            del self._reading.weights

    def _take_weights(self, newer: Trace) -> None:
        self._weights = newer._weights

    def _shape_of_two(self, value: int) -> tuple[int, ...] | None:
        first, *others = self.flat.shape(value) or (0,)
        return (heads.TRIED * first, *others)

    def _behind(self, value: int, given: np.ndarray) -> np.ndarray:
        """The model's output for two images, a value given."""
        return np.asarray(Run(self, {value: jnp.asarray(given, self.value_dtype(value))}).value(self.flat.output))

    def _flattened(self, n: int) -> Flat:
        """The model for a batch of `n` images."""
        images = jax.ShapeDtypeStruct((n, *self.shape), self._input_dtype)
        with _unchanged(), full_precision():
            closed = jax.make_jaxpr(self._call)(images)
        shapes = [tuple(aval.shape) for aval in closed.out_avals]
        if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][0] != n:
            raise refusals.no_row_per_image(shapes)
        return Flat(closed)

    def _make_graph(self, output: int) -> Graph:
        flat = self.flat
        kept = self._leading_to(output)
        self._check_images_are_apart()
        layouts = {
            value: Layout(0, flat.shape(value), is_real(flat.avals[value].dtype))
            for value in (flat.input, *(value for entry in kept for value in entry.outputs))
            if flat.shape(value)
        }
        return Graph(tuple(self._operation(entry, layouts) for entry in kept), flat.input, output, layouts)

    def _is_random(self, entry: Entry) -> bool:
        return entry.kind in table.RANDOM

    def _check_images_are_apart(self) -> None:
        """Refuse a model in which images of a batch meet; traces of two batch sizes tell, by the shapes of values."""
        few, more = (self._flattened(n) for n in (2, 3))
        wanted = leading_to(few.output, few.inputs_of)
        if [entry.kind for entry in few.entries] != [entry.kind for entry in more.entries]:
            raise refusals.mixes_images("its operations depend on their number")
        for one, other in zip(few.entries, more.entries, strict=True):
            for small, large in zip(one.outputs, other.outputs, strict=True):
                if small in wanted and small in few.data and not _grows(few.shape(small), more.shape(large)):
                    raise refusals.mixes_images(self._where(one))

    def _operation(self, entry: Entry, layouts: dict[int, Layout]) -> Operation:
        flat = self.flat
        carries = [value in flat.data for value in entry.inputs]
        family = table.TABLE.family(entry.kind, carries)
        if entry.kind == "convert_element_type" and _cuts_off(
            *(flat.avals[value].dtype for value in (entry.inputs[0], *entry.outputs))
        ):
            family = Family.ELEMENTWISE
        uses = 1.0
        if family is Family.LINEAR and entry.kind in ("dot_general", "conv_general_dilated"):
            kernel = flat.shape(entry.inputs[carries.index(False)])
            # each number of the kernel is used once per output position
            uses = float(np.prod(kernel)) / max(1, _channels(entry, flat))
        reduces = entry.kind in table.TABLE.reductions and bool(flat.shape(entry.inputs[0]))
        return table.TABLE.operation(
            entry,
            name=entry.name,
            layer=self._layer(entry),
            family=family,
            window=self._window(entry) if family is Family.MAXIMUM or reduces else None,
            data=flat.data,
            layouts=layouts,
            uses=uses,
            is_weight=self._is_weight,
            is_number=lambda value: not flat.shape(value),
            reshapes=entry.kind in table.TABLE.reshapes and self._keeps_order(entry),
        )

    def _is_weight(self, value: int) -> bool:
        """Whether a value is made of the model's arrays; else JAX itself made it, as it does to resize images."""
        flat = self.flat
        return flat.is_real(value) and not flat.weight_of.keys().isdisjoint(leading_to(value, flat.inputs_of))

    def _keeps_order(self, entry: Entry) -> bool:
        """Whether elements stay in their order, or are repeated along axes of length 1."""
        before, after = self.flat.shape(entry.inputs[0]), self.flat.shape(entry.outputs[0])
        return prod(before) == prod(after) or len(before) == len(after)

    def _window(self, entry: Entry) -> tuple[int, ...] | None:
        lengths, params = self.flat.shape(entry.inputs[0]), entry.params
        if entry.kind == "reduce_max" or entry.kind in table.TABLE.reductions:
            return window_of_reduction(lengths, {int(axis) for axis in params["axes"]})
        sizes = tuple(params["window_dimensions"])
        plain = all(low == high == 0 for low, high in params["padding"])
        dense = all(one == 1 for one in (*params["base_dilation"], *params["window_dilation"]))
        return sizes if sizes == tuple(params["window_strides"]) and plain and dense else None

    def _layer(self, entry: Entry) -> str:
        """The innermost of the model's layers in an operation's scoped name."""
        parts = [part for part in entry.name.split("/") if part]
        inside = [part for part in parts if part in self._layers]
        return inside[-1] if inside else parts[-1] if parts else ""

    def differentiable(self, region: Region) -> bool:
        """Whether JAX has a derivative of a region's exit in its entry: whether it depends on what is pulled back."""
        graph = self._graph_of(region.entry)

        def forward(at: Any) -> Any:
            return Run(self, {region.entry: at}, graph, 1).forward(region.operations).value(region.exit)

        def pulled(at: Any, cotangent: Any) -> Any:
            return jax.vjp(forward, at)[1](cotangent)[0]

        at = self.zeros(region.entry, graph.layouts[region.entry], 1)
        try:
            closed = jax.make_jaxpr(pulled)(at, jax.eval_shape(forward, at))
        except (NotImplementedError, ValueError):  # no derivative of an operation, or none backwards
            return False
        return _depends(closed.jaxpr, closed.jaxpr.invars[1])

    def zeros(self, value: int, layout: Layout, n: int) -> Any:
        """A stand-in of the right shape for `n` images, where only shapes matter."""
        return jnp.zeros((n * layout.shape[0], *layout.shape[1:]), self.value_dtype(value))

    def value_dtype(self, value: int) -> Any:
        """The dtype that a value is computed in."""
        return computed_in(self.flat.avals[value].dtype)


def settings() -> tuple[Any, ...]:
    """What JAX is set to that decides which operations a model is traced as."""
    # traces have the precision of products in them
    precision = (tf32_allowed(), str(jax.config.jax_default_matmul_precision))
    promotion = str(jax.config.jax_numpy_dtype_promotion)
    return (jax.config.jax_enable_x64, promotion, str(jax.config.jax_default_device), *precision)


def _unchanged() -> AbstractContextManager[Any]:
    """Keep a Keras model from changing its state (seeds, moving means) while it is traced."""
    keras = sys.modules.get("keras")
    return keras.StatelessScope() if keras is not None and keras.config.backend() == "jax" else nullcontext()


def _grows(few: Sequence[int], more: Sequence[int]) -> bool:
    """Whether a value holds one block per image, by its shapes for two and for three images."""
    grown = [(a, b) for a, b in zip(few, more, strict=True) if a != b] if len(few) == len(more) else []
    return len(grown) == 1 and grown[0][0] * 3 == grown[0][1] * 2


def _cuts_off(stored: Any, wanted: Any) -> bool:
    """Whether a cast cuts off fractions, so that it is not linear."""
    return is_real(stored) and not jnp.issubdtype(wanted, jnp.inexact)


def _channels(entry: Entry, flat: Flat) -> int:
    """Output channels: numbers of the kernel are shared out among them."""
    if entry.kind == "conv_general_dilated":
        kernel = flat.shape(entry.inputs[1])
        return int(kernel[entry.params["dimension_numbers"].rhs_spec[0]])
    (left, right), (left_batch, right_batch) = entry.params["dimension_numbers"]
    first = entry.inputs[0] in flat.data
    used = {*(right if first else left), *(right_batch if first else left_batch)}
    kernel = flat.shape(entry.inputs[1 if first else 0])
    return int(np.prod([length for axis, length in enumerate(kernel) if axis not in used]))


def _depends(jaxpr: core.Jaxpr, source: Any) -> bool:
    """Whether any output of a function can depend on an input."""
    reached = {source}
    for eqn in jaxpr.eqns:
        if any(not isinstance(atom, core.Literal) and atom in reached for atom in eqn.invars):
            reached.update(eqn.outvars)
    return any(not isinstance(atom, core.Literal) and atom in reached for atom in jaxpr.outvars)
