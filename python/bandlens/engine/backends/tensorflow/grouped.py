"""Convolutions over groups of channels, for which TensorFlow has no derivatives on CPUs: Keras lets XLA compile them.

XLA's take several times as long as one convolution for each group, and ten times as long as TensorFlow's own within
channels, which are the same where each channel is a group, as in ConvNeXt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from .devices import on_cpu

# with more, as many operations would have to be written
MOST_GROUPS = 32


def convolved(op: tf.Operation, inputs: Sequence[tf.Tensor], create: Callable[..., Any]) -> Sequence[tf.Tensor]:
    """What a convolution over groups makes of an image and a kernel; `create` makes it of them as it is written."""
    image, kernel = inputs
    channels = image.shape[-1]
    last = op.get_attr("data_format").endswith(b"C")
    # on GPUs, XLA uses their own convolutions over groups
    known = on_cpu() and last and channels is not None and kernel.shape.is_fully_defined()
    if known and _is_within_channels(op, kernel):
        return [_within_channels(op, image, kernel)]
    groups = channels // kernel.shape[-2] if known else None
    if groups is not None and groups <= MOST_GROUPS:
        parts = zip(tf.split(image, groups, -1), tf.split(kernel, groups, -1), strict=True)
        return [tf.concat([create(part, own)[0] for part, own in parts], -1)]
    found: Sequence[tf.Tensor] = tf.function(create, jit_compile=True, autograph=False)(image, kernel)
    return found


def is_grouped(op: tf.Operation, inputs: Sequence[tf.Tensor]) -> bool:
    """Whether an operation, given these inputs, is a convolution over groups of channels, or may be one."""
    if op.type not in ("Conv2D", "Conv3D"):
        return False
    image, kernel = inputs
    return bool(image.shape[-1 if op.get_attr("data_format").endswith(b"C") else 1] != kernel.shape[-2])


def is_plain(op: tf.Operation) -> bool:
    """Whether a convolution has its channels last and no holes in its kernel."""
    return bool(op.get_attr("data_format") == b"NHWC" and all(n == 1 for n in op.get_attr("dilations")))


def steps_evenly(op: tf.Operation) -> bool:
    """Whether there is a kernel for such steps and padding within channels."""
    return len(set(op.get_attr("strides")[1:3])) == 1 and op.get_attr("padding") != b"EXPLICIT"


def _is_within_channels(op: tf.Operation, kernel: tf.Tensor) -> bool:
    """Whether each channel is a group, and TensorFlow has such a convolution."""
    return bool(op.type == "Conv2D" and kernel.shape[-2] == 1 and is_plain(op) and steps_evenly(op))


def _within_channels(op: tf.Operation, image: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    *sides, _, filters = kernel.shape
    channels = image.shape[-1]
    return tf.raw_ops.DepthwiseConv2dNative(
        input=image,
        filter=tf.reshape(kernel, (*sides, channels, filters // channels)),
        strides=op.get_attr("strides"),
        padding=op.get_attr("padding"),
    )
