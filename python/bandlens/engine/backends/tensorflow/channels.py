"""What a convolution does channel by channel.

Of channels that were joined, TensorFlow makes the derivative of all, then copies each part out of it; a part of the
kernel makes only a part of them. What each channel alone brings to the output is one convolution within channels,
instead of as many as there are channels of images that are zero but for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ...graph import Operation
from . import onednn
from .arrays import sizes_of
from .grouped import is_plain, steps_evenly
from .run import Run, Source
from .transposed import as_convolutions


def apart(trace: Source, operation: Operation, images: tf.Tensor) -> tf.Tensor | None:
    """What each channel of images alone brings to an operation's output, or None if there is no way to that in one go.

    Parameters
    ----------
    trace : Source
    operation : Operation
        One that has nothing but the images as data.
    images : tensor, shape (n, rows, cols, channels)

    Returns
    -------
    tensor, shape (n, rows, cols, channels, filters), or None
    """
    op = operation.handle.op
    (value,) = operation.data
    if op.type != "Conv2D" or not (is_plain(op) and steps_evenly(op)) or operation.inputs[0] != value:
        return None
    run = Run(trace, {value: images})
    kernel = run.value(operation.inputs[1])
    channels, filters = kernel.shape[2:]
    if channels != images.shape[-1]:
        return None
    found = _within_channels(op, images, kernel)
    return tf.reshape(found, (*found.shape[:3], channels, filters))


def _within_channels(op: tf.Operation, images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    if onednn.serves("DepthwiseConv2dNative", images.dtype):
        return onednn.within_channels(op, images, kernel)
    return tf.raw_ops.DepthwiseConv2dNative(
        input=images,
        filter=kernel,
        strides=op.get_attr("strides"),
        padding=op.get_attr("padding"),
    )


def convolved_parts(op: tf.Operation, reached: set[Any]) -> list[tf.Tensor]:
    """What the channels that a convolution reads are joined of: all of them, or parts that are asked for.

    Nothing for other operations, and where the data is not the image but the kernel.

    Parameters
    ----------
    op : tf.Operation
    reached : set of reference
        To tensors whose derivatives are asked for.
    """
    if op.type != "Conv2D" or not is_plain(op) or op.inputs[1].ref() in reached:
        return []
    image, kernel = op.inputs
    whole = [image] if image.shape[-1] == kernel.shape[2] else []
    made_by = image.op
    if made_by.type != "ConcatV2" or tf.get_static_value(made_by.inputs[-1]) not in (-1, 3):
        return whole
    parts = list(made_by.inputs)[:-1]
    channels = [part.shape[-1] for part in parts]
    fit = None not in channels and sum(channels) == kernel.shape[2]
    return parts if fit and all(part.ref() in reached for part in parts) else whole


def convolved_back(op: tf.Operation, cotangent: tf.Tensor, parts: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Derivatives of a convolution in the parts that its channels are joined of; none of its kernel's is made."""
    found, start = [], 0
    for part in parts:
        stop = start + part.shape[-1]
        kernel = op.inputs[1] if len(parts) == 1 else op.inputs[1][:, :, start:stop]
        found.append(_back(op, cotangent, kernel, part))
        start = stop
    return found


def _back(op: tf.Operation, cotangent: tf.Tensor, kernel: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """By whatever kernel is the fastest here."""
    if onednn.serves("Conv2DBackpropInput", cotangent.dtype, op.get_attr("padding")):
        return onednn.derivative("Conv2DBackpropInput", op, kernel, cotangent, sizes_of(image), image.shape)
    convolved = as_convolutions(op, cotangent, kernel, image)
    if convolved is not None:
        return convolved
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=sizes_of(image),
        filter=kernel,
        out_backprop=cotangent,
        strides=op.get_attr("strides"),
        padding=op.get_attr("padding"),
        explicit_paddings=op.get_attr("explicit_paddings"),
    )
