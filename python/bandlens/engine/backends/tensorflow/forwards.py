"""Derivatives forwards: what differences of an operation's inputs do to its outputs.

TensorFlow has them only as derivatives of derivatives, of which some are wrong: that of max pooling reuses the buffer
of its input, that of bilinear resizing is zero, bicubic resizing has none. So none is used. An operation that is linear
is applied to the differences, one that is linear in each of two inputs to one difference at a time, and a maximum
passes on the difference where the maximum is.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from ...graph import Family, Graph, Operation
from .. import forwards
from .run import Run, Source

# inputs without data that are added rather than multiplied: all of them, or those at given places
_ADDED_ANY = frozenset("Add AddV2 AddN Sub BiasAdd BiasAddV1 Concat ConcatV2 Pack Select SelectV2 PadV2".split())
_ADDED_AT = {"FusedBatchNorm": (2, 3), "FusedBatchNormV2": (2, 3), "FusedBatchNormV3": (2, 3)}


def has_forward(operation: Operation) -> bool:
    """Whether there is a derivative forwards of an operation."""
    if operation.family is Family.MAXIMUM and operation.window is None:
        return operation.kind == "MaxPool" and operation.handle.op.get_attr("data_format") == b"NHWC"
    return forwards.has_forward(operation)


def jvp(
    trace: Source,
    graph: Graph,
    operation: Operation,
    inputs: Mapping[int, tf.Tensor],
    tangents: Mapping[int, tf.Tensor],
    n: int,
) -> dict[int, tf.Tensor]:
    """Differences of an operation's outputs from those of its inputs."""
    run = Run(trace, inputs, graph, n)
    op = operation.handle.op
    if operation.family is Family.MAXIMUM:
        (value,) = operation.data
        return {operation.outputs[0]: _at_maximum(op, inputs[value], tangents[value])}
    if operation.family is Family.CONTRACTION:
        found = []
        for place, value in enumerate(operation.inputs):
            if value in tangents:
                given = [run.value(one) for one in operation.inputs]
                given[place] = tangents[value]
                found.append(run.applied(op, given)[0])
        return {operation.outputs[0]: tf.add_n(found)}
    given = []
    for place, value in enumerate(operation.inputs):
        if value in tangents:
            given.append(tangents[value])
            continue
        constant = run.value(value)
        added = constant.dtype.is_floating and (op.type in _ADDED_ANY or place in _ADDED_AT.get(op.type, ()))
        given.append(tf.zeros_like(constant) if added else constant)
    return dict(zip(operation.outputs, run.applied(op, given), strict=True))


def _at_maximum(op: tf.Operation, values: tf.Tensor, tangents: tf.Tensor) -> tf.Tensor:
    """Differences where each window of values has its maximum, the first if there are several, as in the gradient."""
    _, places = tf.raw_ops.MaxPoolWithArgmax(
        input=values, ksize=op.get_attr("ksize"), strides=op.get_attr("strides"), padding=op.get_attr("padding")
    )
    rows = tf.shape(values)[0]
    found = tf.gather(tf.reshape(tangents, (rows, -1)), tf.reshape(places, (rows, -1)), batch_dims=1)
    return tf.reshape(found, tf.shape(places))
