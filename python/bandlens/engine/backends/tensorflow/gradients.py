"""Derivatives backwards of a few operations in the middle of a large graph.

`tf.gradients` follows all that depends on its inputs through the whole graph, each time. The rules ask for hundreds of
derivatives of one operation, or of a handful; so only those operations are gone through, by the same registered
gradient functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.ops import get_gradient_function  # no public way to a single operation's gradient

from . import operations as table
from .channels import convolved_back, convolved_parts


def gradients(
    outputs: Sequence[tf.Tensor], inputs: Sequence[tf.Tensor], cotangents: Sequence[tf.Tensor], made: Sequence[Any]
) -> list[Any]:
    """Sum of derivatives of outputs, each times its cotangent, in each input; None where there is no path.

    Parameters
    ----------
    outputs, inputs, cotangents : sequence of tensor
    made : sequence of tf.Operation
        All operations that lead from the inputs to the outputs, in order; others may be among them.

    Raises
    ------
    LookupError
        If an operation on the way has no gradient.
    """
    if any(op.type in table.LOOPS | table.BRANCHES | table.CALLS for op in made):
        return list(tf.gradients(list(outputs), list(inputs), list(cotangents)))
    reached = {tensor.ref() for tensor in inputs}
    on_the_way = []
    for op in made:
        if any(tensor.ref() in reached for tensor in op.inputs):
            on_the_way.append(op)
            reached.update(tensor.ref() for tensor in op.outputs)
    pulled: dict[Any, Any] = {}

    def add(tensor: tf.Tensor, part: Any) -> None:
        if part is not None and tensor.ref() in reached:
            part = tf.convert_to_tensor(part)
            pulled[tensor.ref()] = pulled[tensor.ref()] + part if tensor.ref() in pulled else part

    for output, cotangent in zip(outputs, cotangents, strict=True):
        add(output, tf.cast(cotangent, output.dtype))
    for op in reversed(on_the_way):
        given = [pulled.get(tensor.ref()) for tensor in op.outputs]
        if all(part is None for part in given):
            continue
        function = get_gradient_function(op)
        if function is None:  # registered as having none
            continue
        given = [
            tf.zeros_like(tensor) if part is None and _trained(tensor) else part
            for part, tensor in zip(given, op.outputs, strict=True)
        ]
        parts = convolved_parts(op, reached)
        if parts:
            for tensor, part in zip(parts, convolved_back(op, given[0], parts), strict=True):
                add(tensor, part)
            continue
        found = function(op, *given)
        for tensor, part in zip(op.inputs, found if isinstance(found, list | tuple) else [found], strict=True):
            if _trained(tensor):
                add(tensor, part)
    return [pulled.get(tensor.ref()) for tensor in inputs]


def has_gradient(op: tf.Operation) -> bool:
    """Whether an operation has a derivative; some that are linear have none."""
    try:
        return get_gradient_function(op) is not None
    except LookupError:
        return False


def _trained(tensor: tf.Tensor) -> bool:
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)
