"""What TensorFlow makes of functions: compiled steps, fused formulas, derivatives, loops."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ...uncollected import uncollected
from ..contract import Pull
from .fusing import ahead
from .gradients import gradients
from .running import running
from .shared import shared
from .weights import Weighted

OutOfMemory = tf.errors.ResourceExhaustedError


def compile(
    trace: Weighted, function: Callable[..., Any], *arguments: np.ndarray, any_n: int = 0, alike: Hashable = None
) -> Callable[..., Any]:
    """Compile a function of arrays for the shapes and dtypes of `arguments`; the first `any_n` axes of any length.

    The function may run parts of `trace`, whose weights are arguments of what is compiled.
    """
    weights = trace.weights
    signature = [tf.TensorSpec((*(None,) * any_n, *argument.shape[any_n:]), argument.dtype) for argument in arguments]

    def build() -> Any:
        written = [(trace, function)]  # once: what is kept for other models must not keep this one

        def step(*tensors: tf.Tensor) -> Any:
            trace, function = written.pop()
            specs = trace.weights.specs
            given, values = tensors[: len(specs)], tensors[len(specs) :]
            trace.given(tf.compat.v1.get_default_graph(), dict(zip(specs, given, strict=True)))
            return function(*values)

        # without the edges that keep the order of side effects, which nothing here has, at a sixth of the cost
        with uncollected(), ahead(trace.begun):
            return tf.compat.v1.wrap_function(step, [*weights.specs.values(), *signature])

    key = None if alike is None else (trace.architecture, *weights.specs.values(), *signature, alike)
    compiled = shared(key, build)
    trace.begun.step_is_written()

    def call(*values: np.ndarray) -> Any:
        given = weights.read()
        with running(least=not any_n):
            found = tf.nest.map_structure(lambda tensor: tensor.numpy(), compiled(*given, *map(tf.constant, values)))
        if not any_n:  # what is for images of any number asks for no formula
            trace.begun.end()
        return found

    return call


def to_device(array: np.ndarray) -> tf.Tensor:
    """An array on the device, to be given to compiled functions several times."""
    return tf.constant(array)


def free_memory() -> int | None:
    """Bytes that are free on the device: TensorFlow says what is used, but not of how much."""
    return None


def version() -> dict[str, str]:
    """Versions that belong into a result."""
    return {"tensorflow": tf.__version__}


def vjp(
    function: Callable[..., list[Any]], inputs: Sequence[Any], *, valueless: bool = False
) -> tuple[list[Any], Pull]:
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
