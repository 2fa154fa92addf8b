"""A jaxpr as one flat list of operations, its calls and loops written out and its values numbered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from .. import heads
from ..flat import BaseFlat
from . import operations as table
from .loops import is_short, written_out
from .marks import marked

# explained in the precision below: the same function, without rounding that would drown small differences
_COMPUTED_IN = {jnp.dtype(jnp.float16): jnp.dtype(jnp.float32), jnp.dtype(jnp.bfloat16): jnp.dtype(jnp.float32)}

HEADS = heads.Table(
    heads={"softmax": "softmax", "logistic": "sigmoid"},
    casts={"convert_element_type"},
    exponentials={"exp", "exp2"},
    kernels=frozenset(table.BILINEAR) - {"mul"},
    bounded=frozenset("abs clamp integer_pow max min pow sqrt square".split()),
    family=table.TABLE.family,
)


class Entry:
    """An operation of the flattened function, with its values as integers and a way to apply it to one image."""

    __slots__ = ("apply", "inputs", "kind", "name", "outputs", "params")

    def __init__(
        self,
        kind: str,
        name: str,
        inputs: list[int],
        outputs: list[int],
        params: Mapping[str, Any],
        apply: Callable[..., list[Any]],
    ) -> None:
        self.kind = kind
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.params = params
        self.apply = apply


class Flat(BaseFlat[Entry]):
    """A traced function with calls written out and values numbered.

    Attributes
    ----------
    weights : list of array
        What the function holds, as the very arrays that the model holds: no copies.
    weight_of : dict of int to int
        Values that are weights, and which.
    literals : dict of int to ndarray
        Values that are numbers in the program.
    avals : list
        Shape and dtype of every value, as the model computes it.
    """

    def __init__(self, closed: core.ClosedJaxpr) -> None:
        super().__init__()
        self.weights: list[Any] = []
        self.weight_of: dict[int, int] = {}
        self.literals: dict[int, np.ndarray] = {}
        self.avals: list[Any] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        (image,) = closed.jaxpr.invars
        self.input = self._new(image.aval)
        self.data = {self.input}
        values: dict[Any, int] = {image: self.input}
        self._inline(closed.jaxpr, closed.consts, values, "")
        self.output = self._read(closed.jaxpr.outvars[0], values)

    def fingerprint(self) -> str:
        """Equal for two traces of the same operations, whatever the values of their weights."""
        digest = hashlib.sha256(repr((self.input, self.output, str(jax.config.jax_default_matmul_precision))).encode())
        for entry in self.entries:
            plain = [(key, _described(value)) for key, value in sorted(entry.params.items())]
            digest.update(repr((entry.kind, entry.inputs, entry.outputs, plain)).encode())
        for value, literal in self.literals.items():
            digest.update(repr((value, literal.dtype.str, literal.tobytes())).encode())
        for value, index in self.weight_of.items():
            digest.update(repr((value, index, str(self.avals[value]))).encode())
        return digest.hexdigest()

    def shape(self, value: int) -> tuple[int, ...]:
        """Shape of a value in the batch that was traced."""
        return tuple(self.avals[value].shape)

    def is_real(self, value: int) -> bool:
        """Whether a value is of a floating type."""
        return is_real(self.avals[value].dtype)

    def _copied(self, entry: Entry, inputs: list[int]) -> Entry:
        outputs = [self._new(self.avals[value]) for value in entry.outputs]
        return self._append(Entry(entry.kind, entry.name, inputs, outputs, entry.params, entry.apply))

    def add(self, kind: str, name: str, inputs: list[int], aval: Any, apply: Callable[..., Any]) -> Entry:
        """An entry of our own with one output; not yet among the entries."""
        entry = Entry(kind, name, inputs, [self._new(aval)], {}, lambda *arrays: [apply(*arrays)])
        self.producers[entry.outputs[0]] = entry
        self.data.update(entry.outputs)
        return entry

    def _new(self, aval: Any) -> int:
        self.avals.append(aval)
        return len(self.avals) - 1

    def _weight(self, array: Any) -> int:
        held = array if isinstance(array, jax.Array) else jnp.asarray(array)
        value = self._new(jax.typeof(held))
        self.weight_of[value] = len(self.weights)
        self.weights.append(held)
        return value

    def _read(self, atom: Any, values: Mapping[Any, int]) -> int:
        if not isinstance(atom, core.Literal):
            return values[atom]
        number = np.asarray(atom.val, computed_in(atom.aval.dtype))
        key = (number.dtype.str, number.shape, number.tobytes())
        if key not in self._numbers:
            self._numbers[key] = self._new(atom.aval)
            self.literals[self._numbers[key]] = number
        return self._numbers[key]

    def _inline(self, jaxpr: core.Jaxpr, consts: Any, values: dict[Any, int], scope: str) -> None:
        values.update({var: self._weight(array) for var, array in zip(jaxpr.constvars, consts, strict=True)})
        for eqn in jaxpr.eqns:
            inputs = [self._read(atom, values) for atom in eqn.invars]
            kind, name = eqn.primitive.name, f"{scope}{eqn.source_info.name_stack}"
            if kind in table.ALIAS:
                number = marked(eqn)
                if number is not None:
                    self.marks.setdefault(number, inputs[0])
                values.update(zip(eqn.outvars, inputs, strict=True))
            elif kind in table.CALLS and not self._is_kept(eqn, inputs):
                inner, held = _inside(eqn)
                values.update(zip(eqn.outvars, self._called(inner, held, inputs, name), strict=True))
            elif kind == "scan" and is_short(eqn):
                values.update(zip(eqn.outvars, self._repeated(eqn, inputs, name), strict=True))
            else:
                entry = self._first(Entry(kind, name, inputs, [], eqn.params, _applied(eqn)), _likeness(eqn, inputs))
                if not entry.outputs:
                    entry.outputs = [self._new(var.aval) for var in eqn.outvars]
                    self._append(entry)
                    if not self.data.isdisjoint(inputs):
                        self.data.update(entry.outputs)
                values.update(zip(eqn.outvars, entry.outputs, strict=True))

    def _called(self, jaxpr: core.Jaxpr, consts: Any, inputs: Sequence[int], name: str) -> list[int]:
        """A function's outputs, written out."""
        inside = dict(zip(jaxpr.invars, inputs, strict=True))
        self._inline(jaxpr, consts, inside, f"{name}/")
        return [self._read(atom, inside) for atom in jaxpr.outvars]

    def _repeated(self, eqn: core.JaxprEqn, inputs: list[int], name: str) -> list[int]:
        """A loop's outputs, its steps written out."""

        def apply(function: Callable[..., Any], *values: int) -> list[int]:
            closed = jax.make_jaxpr(function)(*(_empty(self.avals[value]) for value in values))
            return self._called(closed.jaxpr, closed.consts, values, name)

        def step(*values: int) -> list[int]:
            body = eqn.params["jaxpr"]
            return self._called(body.jaxpr, body.consts, values, name)

        return written_out(eqn, inputs, step, apply)

    def _is_kept(self, eqn: core.JaxprEqn, inputs: list[int]) -> bool:
        """Whether a function with a derivative of its own depends on one tensor elementwise, as ReLU does.

        Its derivative may differ from that of its parts, at a kink above all; one that changes nothing has no parts.
        """
        carrying = [value for value in inputs if value in self.data]
        if eqn.primitive.name not in table.KEPT or len(carrying) != 1 or len(eqn.outvars) != 1:
            return False
        allowed = table.ELEMENTWISE | table.POINTWISE | table.ALIAS | {"broadcast_in_dim"}
        shapes, inside = (self.shape(carrying[0]), ()), list(_equations(_inside(eqn)[0]))
        return any(one.primitive.name not in table.ALIAS for one in inside) and all(
            one.primitive.name in allowed
            and all(tuple(var.aval.shape) in shapes and var.aval.dtype not in _COMPUTED_IN for var in one.outvars)
            for one in inside
        )


def computed_in(dtype: Any) -> Any:
    """The floating type in which values of this type are computed here."""
    return _COMPUTED_IN.get(dtype, dtype)


def is_real(dtype: Any) -> bool:
    """Whether a type is floating."""
    return bool(jnp.issubdtype(dtype, jnp.floating))


def _empty(aval: Any) -> jax.ShapeDtypeStruct:
    """A stand-in for a value, where only its shape and type matter."""
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)


def _equations(jaxpr: core.Jaxpr) -> Iterator[core.JaxprEqn]:
    """All operations of a function and of those that it calls."""
    for eqn in jaxpr.eqns:
        if eqn.primitive.name in table.CALLS:
            yield from _equations(_inside(eqn)[0])
        else:
            yield eqn


def _inside(eqn: core.JaxprEqn) -> tuple[core.Jaxpr, Any]:
    """The function that an operation calls, and the constants it holds."""
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        if key in eqn.params:
            inner = eqn.params[key]
            return (inner.jaxpr, inner.consts) if isinstance(inner, core.ClosedJaxpr) else (inner, ())
    raise AssertionError(f"{eqn.primitive.name} calls nothing: {sorted(eqn.params)}")


def _applied(eqn: core.JaxprEqn) -> Callable[..., list[Any]]:
    """The operation as a function of arrays, in the precision that explanations need."""
    if any(isinstance(part, core.Jaxpr | core.ClosedJaxpr) for part in jax.tree.leaves(tuple(eqn.params.values()))):
        return _called(eqn)
    primitive, params = eqn.primitive, {key: _wider(value) for key, value in eqn.params.items()}

    def apply(*arrays: Any) -> list[Any]:
        found = primitive.bind(*arrays, **params)
        return list(found) if primitive.multiple_results else [found]

    return apply


def _called(eqn: core.JaxprEqn) -> Callable[..., list[Any]]:
    """An operation that holds functions of given types, such as a loop: computed in these, whatever is given."""
    primitive, types = eqn.primitive, [atom.aval.dtype for atom in eqn.invars]

    def apply(*arrays: Any) -> list[Any]:
        bound = primitive.get_bind_params(eqn.params)
        functions, params = bound if isinstance(bound, tuple) else ((), bound)  # older versions of JAX return both
        given = (jnp.asarray(array, dtype) for array, dtype in zip(arrays, types, strict=True))
        found = primitive.bind(*functions, *given, **params)
        outputs = list(found) if primitive.multiple_results else [found]
        return [array.astype(computed_in(array.dtype)) if is_real(array.dtype) else array for array in outputs]

    return apply


def _wider(value: Any) -> Any:
    """A parameter of an operation, half precision replaced."""
    if isinstance(value, np.dtype | type):
        try:
            return computed_in(jnp.dtype(value))
        except TypeError:
            return value
    return value


def _likeness(eqn: core.JaxprEqn, inputs: list[int]) -> tuple[Any, ...] | None:
    """Equal for operations that do the same to the same values; None where that can't be told."""
    name, params = eqn.primitive.name, [(key, str(value)) for key, value in sorted(eqn.params.items())]
    if name in table.RANDOM or any(" at 0x" in text for _, text in params):
        return None
    types = tuple(str(var.aval) for var in eqn.outvars)
    return (name, tuple(inputs), tuple(params), types)


def _described(value: Any) -> str:
    """A parameter of an operation as text, without addresses of objects."""
    text = str(value)
    return type(value).__name__ if " at 0x" in text else text
