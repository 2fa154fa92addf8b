"""Softmax and log-softmax, which JAX writes out: found again, as what they are is known about exactly.

exp(a - s) / sum(exp(a - s)) is softmax(a) whatever s is, as long as s is the same within each sum; as a rule it is the
largest a. The rules for softmax stay accurate where those for its parts cancel, and a final softmax marks a classifier.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from .flat import Entry, Flat

# keep each element, but for its precision; keep or repeat it
_SAME = ("convert_element_type",)
_REPEATING = ("broadcast_in_dim", "reshape", "expand_dims", *_SAME)


def recognise(flat: Flat) -> None:
    """Put softmax in the place of its last operation; what only served it has no use any more."""
    entries: list[Entry] = []
    for entry in flat.entries:
        found = _softmax(flat, entry) or _log_softmax(flat, entry)
        if found is None:
            entries.append(entry)
            continue
        source, axes, kind = found
        entries += _replaced(flat, entry, source, axes, kind)
    flat.entries = entries


def _softmax(flat: Flat, entry: Entry) -> tuple[int, tuple[int, ...], str] | None:
    """What a quotient is the softmax of, and along which axes."""
    if entry.kind != "div" or not flat.data.issuperset(entry.inputs):
        return None
    top, bottom = entry.inputs
    exp, axes = flat.producers.get(_behind(flat, top, _SAME)), _summed_over(flat, bottom, top)
    if exp is None or exp.kind != "exp" or axes is None:
        return None
    return _before_shift(flat, exp.inputs[0], axes), axes, "softmax"


def _log_softmax(flat: Flat, entry: Entry) -> tuple[int, tuple[int, ...], str] | None:
    """What a difference is the log-softmax of, and along which axes."""
    if entry.kind != "sub" or not flat.data.issuperset(entry.inputs):
        return None
    shifted, total = entry.inputs
    log = flat.producers.get(_behind(flat, total, _SAME))
    if log is None or log.kind != "log":
        return None
    summed = flat.producers.get(_behind(flat, log.inputs[0], _REPEATING))
    exp = flat.producers.get(_behind(flat, summed.inputs[0], _SAME)) if summed is not None else None
    if exp is None or exp.kind != "exp" or _behind(flat, exp.inputs[0], _SAME) != _behind(flat, shifted, _SAME):
        return None
    axes = _summed_over(flat, log.inputs[0], exp.outputs[0])
    return None if axes is None else (_before_shift(flat, shifted, axes), axes, "log_softmax")


def _summed_over(flat: Flat, value: int, summand: int) -> tuple[int, ...] | None:
    """Axes over which a value is the sum of another, repeated or kept with length 1; None if it is anything else."""
    total = flat.producers.get(_behind(flat, value, _REPEATING))
    if total is None or total.kind != "reduce_sum":
        return None
    if _behind(flat, total.inputs[0], _SAME) != _behind(flat, summand, _SAME):
        return None
    shape, axes = flat.shape(summand), tuple(int(axis) for axis in total.params["axes"])
    kept = tuple(1 if axis in axes else length for axis, length in enumerate(shape))
    return axes if flat.shape(value) == kept else None


def _behind(flat: Flat, value: int, kinds: tuple[str, ...]) -> int:
    while value in flat.producers and flat.producers[value].kind in kinds:
        value = flat.producers[value].inputs[0]
    return value


def _before_shift(flat: Flat, value: int, axes: tuple[int, ...]) -> int:
    """The value from which something was subtracted that is the same along axes."""
    entry = flat.producers.get(_behind(flat, value, _SAME))
    if entry is None or entry.kind != "sub" or entry.inputs[0] not in flat.data:
        return value
    source, shift = (flat.shape(part) for part in entry.inputs)
    same = shift == () or all(shift[axis] == 1 for axis in axes)
    return entry.inputs[0] if same and source == flat.shape(value) else value


def _replaced(flat: Flat, entry: Entry, source: int, axes: tuple[int, ...], kind: str) -> list[Entry]:
    """Softmax over the last axis, and what brings the axes there and back."""
    function = jax.nn.softmax if kind == "softmax" else jax.nn.log_softmax
    aval, shape = flat.avals[source], flat.shape(source)
    others = [axis for axis in range(len(shape)) if axis not in axes]
    order = [*others, *axes]
    if order == list(range(len(shape))) and len(axes) == 1:
        final = Entry(kind, entry.name, [source], entry.outputs, {}, lambda x: [function(x, axis=-1)])
        flat.producers[entry.outputs[0]] = final
        return [final]
    moved = tuple(shape[axis] for axis in order)
    rows = (*moved[: len(others)], -1)
    back = tuple(order.index(axis) for axis in range(len(shape)))
    flattened = jax.eval_shape(lambda x: jnp.transpose(x, order).reshape(rows), jax.ShapeDtypeStruct(shape, aval.dtype))
    before = flat.add("transpose", entry.name, [source], flattened, lambda x: jnp.transpose(x, order).reshape(rows))
    middle = flat.add(kind, entry.name, before.outputs, flattened, lambda x: function(x, axis=-1))
    final = Entry(
        "transpose", entry.name, middle.outputs, entry.outputs, {}, lambda x: [jnp.transpose(x.reshape(moved), back)]
    )
    flat.producers[entry.outputs[0]] = final
    return [before, middle, final]
