"""What TensorFlow makes of functions: compiled steps, fused formulas, derivatives, loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from ...precision import shared, tf32_allowed
from ...processor import processor
from ..contract import Pull
from .arrays import nd
from .gradients import gradients

OutOfMemory = tf.errors.ResourceExhaustedError


def compile(trace: object, function: Callable[..., Any], *arguments: np.ndarray, any_n: int = 0) -> Callable[..., Any]:
    """Compile a function of arrays for the shapes and dtypes of `arguments`; the first `any_n` axes of any length.

    The function may run parts of `trace`; TensorFlow finds the variables in there by itself.
    """
    signature = [tf.TensorSpec((*(None,) * any_n, *argument.shape[any_n:]), argument.dtype) for argument in arguments]
    # without the edges that keep the order of side effects, which nothing here has, at a sixth of the cost of building
    compiled = tf.compat.v1.wrap_function(function, signature)

    def call(*values: np.ndarray) -> Any:
        with full_precision():
            return tf.nest.map_structure(lambda tensor: tensor.numpy(), compiled(*map(tf.constant, values)))

    return call


@shared
@contextmanager
def full_precision() -> Iterator[None]:
    """Products of float32 in float32, also where the device could be faster with less, unless somebody wants that.

    TensorFlow has TF32 on unless it is turned off, so that its own setting doesn't tell what a user wants.
    """
    option = tf.config.experimental
    before = option.tensor_float_32_execution_enabled()
    option.enable_tensor_float_32_execution(before and tf32_allowed())
    try:
        yield
    finally:
        option.enable_tensor_float_32_execution(before)


@cache
def fused(function: Callable[..., Any], /, **static: Any) -> Callable[..., Any]:
    """A formula ``function(nd, *tensors)`` as a single pass over memory, by XLA where this TensorFlow has it."""

    def apply(*tensors: tf.Tensor) -> Any:
        return function(nd, *tensors, **static)

    return tf.function(apply, jit_compile=True, autograph=False, reduce_retracing=False) if _has_xla() else apply


def to_device(array: np.ndarray) -> tf.Tensor:
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


def free_memory() -> int | None:
    """Bytes that are free on the device: TensorFlow says what is used, but not of how much."""
    return None


def device() -> str:
    """What computes, by its name."""
    gpus = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(gpus[0])["device_name"]) if gpus else processor()


def version() -> dict[str, str]:
    """Versions that belong into a result."""
    return {"tensorflow": tf.__version__}


def vjp(function: Callable[..., list[Any]], inputs: Sequence[Any]) -> tuple[list[Any], Pull]:
    """Apply a function, and get the one that pulls cotangents of its outputs back to its inputs.

    To be called in a function that is compiled. Where there is no path, gradients are 0.
    """
    graph = tf.compat.v1.get_default_graph()
    before = len(graph.get_operations())
    outputs = function(*inputs)
    made = graph.get_operations()[before:]

    def pull(cotangents: Sequence[Any]) -> list[Any]:
        found = gradients(outputs, list(inputs), list(cotangents), made)
        return [
            tf.zeros_like(source) if part is None else _shaped_like(source, tf.convert_to_tensor(part))
            for source, part in zip(inputs, found, strict=True)
        ]

    return outputs, pull


def _shaped_like(source: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """A gradient, of which TensorFlow may not know the shape."""
    if source.shape.is_fully_defined() and part.shape == source.shape:
        return part
    return tf.reshape(part, tf.shape(source))


def loop_over(add: Callable[[Any, Any], Any], elements: Any, initial: Any) -> Any:
    """Go through the first axis of a tensor inside the function being compiled: ``state = add(state, element)``."""

    def body(number: Any, state: Any) -> tuple[Any, Any]:
        found = add(state, elements[number])
        return number + 1, tf.nest.map_structure(lambda new, old: tf.ensure_shape(new, old.shape), found, state)

    count = tf.shape(elements)[0]
    return tf.while_loop(lambda number, _: number < count, body, (0, initial), parallel_iterations=1)[1]
