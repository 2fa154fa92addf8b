"""The array functions that rules are written with, under NumPy's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ..contract import Arrays
from . import onednn
from .writing import written

# TensorFlow's kernels broadcast at most this many groups of axes
_MOST_GROUPS = 5


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
    return _made("Mul", {"T": left.dtype}, x=left, y=right)


def _where(condition: tf.Tensor, left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Selection among tensors of one shape, whatever the number of axes."""
    return tf.raw_ops.Select(condition=condition, x=left, y=right)


def _reshape(array: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """The same elements in another shape; graphs are large enough without operations that do nothing."""
    shape = tuple(shape)
    if tuple(array.shape) == shape:
        return array
    if not all(isinstance(length, int) for length in shape):
        return tf.reshape(array, shape)
    return _made("Reshape", {"T": array.dtype, "Tshape": tf.int32}, tensor=array, shape=constant(shape, tf.int32))


def _reshape_through(array: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """The same of what was there before all reshapes, which are then left out where nobody else needs them."""
    while not tf.executing_eagerly() and array.op.type == "Reshape" and array.op.inputs[0].shape.is_fully_defined():
        array = array.op.inputs[0]
    return _reshape(array, shape)


def zeros(shape: Sequence[int], dtype: Any) -> tf.Tensor:
    """Zeros of a static shape, made where they are used: a tensor for all uses would be held in memory all along."""
    if not all(isinstance(length, int) for length in shape):
        return tf.zeros(shape, dtype)
    return _filled(shape, dtype, 0)


def _filled(shape: Sequence[int], dtype: Any, value: int) -> tf.Tensor:
    dtype = tf.as_dtype(dtype)
    dims, number = constant(tuple(shape), tf.int32), constant(dtype.as_numpy_dtype(value), dtype)
    return _made("Fill", {"T": dtype, "index_type": tf.int32}, dims=dims, value=number)


def _zeros_like(array: tf.Tensor) -> tf.Tensor:
    return _filled(array.shape, array.dtype, 0) if array.shape.is_fully_defined() else tf.zeros_like(array)


def _ones_like(array: tf.Tensor) -> tf.Tensor:
    return _filled(array.shape, array.dtype, 1) if array.shape.is_fully_defined() else tf.ones_like(array)


def _made(kind: str, types: dict[str, tf.DType], **inputs: tf.Tensor) -> tf.Tensor:
    """The output of an operation that is made often, of inputs in order; its type is the first of `types`."""
    if tf.executing_eagerly():
        return getattr(tf.raw_ops, kind)(**inputs)
    attributes = {name: tf.compat.v1.AttrValue(type=dtype.as_datatype_enum) for name, dtype in types.items()}
    return written(kind, list(inputs.values()), [next(iter(types.values()))], attributes)[0]


def constant(value: Any, dtype: tf.DType) -> tf.Tensor:
    """A small constant, one for each graph: a third of all that is created in a large step would be the same shapes."""
    if tf.executing_eagerly():
        return tf.constant(value, dtype)
    graph = tf.compat.v1.get_default_graph()
    # graphs of functions share the collections of the graph around them, but not its tensors
    held = graph.get_collection_ref(f"bandlens/{id(graph)}/{value}/{dtype.name}")
    if not held:
        held.append(tf.constant(value, dtype))
    return held[0]


def sizes_of(tensor: tf.Tensor) -> tf.Tensor:
    """Its shape, one for all of its kind where it is known beforehand."""
    known = tensor.shape.is_fully_defined()
    return constant(tuple(tensor.shape), tf.int32) if known else tf.shape(tensor)


def _einsum(equation: str, *arrays: Any) -> tf.Tensor:
    """Einstein's sum of products of arrays."""
    first = tf.convert_to_tensor(arrays[0])
    others = [tf.convert_to_tensor(array, first.dtype) for array in arrays[1:]]
    if len(others) == 1 and not tf.executing_eagerly() and onednn.serves("Einsum", first.dtype):
        return onednn.einsum(equation, first, *others)
    return tf.einsum(equation, first, *others)


def _groups(left: Sequence[int], right: Sequence[int]) -> int:
    """Runs of neighbouring axes that are broadcast in the same way."""
    kinds = [(a == 1, b == 1) for a, b in zip(left, right, strict=True) if (a, b) != (1, 1)]
    return sum(1 for index, kind in enumerate(kinds) if index == 0 or kind != kinds[index - 1])


def _normal(keys: tf.Tensor, shape: Sequence[int], dtype: str) -> tf.Tensor:
    """Standard normal numbers, shape (keys, *shape), that depend on each key, a pair of int32, alone."""

    def draw(key: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_normal(shape, key, dtype=dtype, alg="philox")

    return tf.map_fn(draw, keys, fn_output_signature=tf.TensorSpec(tuple(shape), dtype))


def _fft_filter(array: tf.Tensor, gain: tf.Tensor) -> tf.Tensor:
    """Multiply the spatial frequencies of images (n, rows, cols, bands), which go round at their borders, by a gain.

    `gain` is real and symmetric, shape (rows, cols), at the frequencies of `numpy.fft.fftfreq`.
    """
    bands_first = tf.transpose(array, (0, 3, 1, 2))
    complex_type = tf.complex128 if array.dtype == tf.float64 else tf.complex64
    filtered = tf.signal.ifft2d(tf.signal.fft2d(tf.cast(bands_first, complex_type)) * tf.cast(gain, complex_type))
    return tf.transpose(tf.math.real(filtered), (0, 2, 3, 1))


nd = Arrays(
    abs=tf.abs,
    asarray=tf.convert_to_tensor,
    astype=tf.cast,
    broadcast_to=_broadcast_to,
    concatenate=tf.concat,
    einsum=_einsum,
    exp=tf.exp,
    eye=lambda n, dtype: tf.eye(n, dtype=dtype),
    fft_filter=_fft_filter,
    floor=tf.floor,
    isfinite=tf.math.is_finite,
    length=lambda array: tf.shape(array)[0],
    log=tf.math.log,
    max=lambda array, axis: tf.reduce_max(array, axis, keepdims=True),
    maximum=tf.maximum,
    minimum=tf.minimum,
    mean=lambda array, axis, keepdims=False: tf.reduce_mean(array, axis, keepdims=keepdims),
    moveaxis=lambda array, source, destination: tf.experimental.numpy.moveaxis(array, source, destination),
    multiply=_multiply,
    normal=_normal,
    once=lambda tensor: tensor,
    ones_like=_ones_like,
    reshape=_reshape,
    reshape_through=_reshape_through,
    sqrt=tf.sqrt,
    sum=lambda array, axis, keepdims=False: tf.reduce_sum(array, axis, keepdims=keepdims),
    take=lambda array, index, axis: tf.gather(array, index, axis=axis),
    where=_where,
    zeros=zeros,
    zeros_like=_zeros_like,
)
