"""The derivative of a convolution over channels that were joined, part by part.

TensorFlow makes that of all channels, then copies each part out of it. A part of the kernel makes only a part of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def joined_channels(op: tf.Operation, reached: set[Any]) -> list[tf.Tensor]:
    """What the channels that a convolution reads are joined of; nothing where this can't be made use of.

    Parameters
    ----------
    op : tf.Operation
    reached : set of reference
        To tensors whose derivatives are asked for.
    """
    if op.type != "Conv2D" or op.get_attr("data_format") != b"NHWC" or any(n != 1 for n in op.get_attr("dilations")):
        return []
    made_by, kernel = op.inputs[0].op, op.inputs[1]
    if made_by.type != "ConcatV2" or tf.get_static_value(made_by.inputs[-1]) not in (-1, 3):
        return []
    parts = list(made_by.inputs)[:-1]
    channels = [part.shape[-1] for part in parts]
    whole = None not in channels and sum(channels) == kernel.shape[2]
    return parts if whole and all(part.ref() in reached for part in parts) else []


def convolved_back(op: tf.Operation, cotangent: tf.Tensor, parts: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Derivatives of a convolution in the parts that its channels are joined of."""
    found, start = [], 0
    for part in parts:
        stop = start + part.shape[-1]
        found.append(
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(part),
                filter=op.inputs[1][:, :, start:stop],
                out_backprop=cotangent,
                strides=op.get_attr("strides"),
                padding=op.get_attr("padding"),
                explicit_paddings=op.get_attr("explicit_paddings"),
            )
        )
        start = stop
    return found
