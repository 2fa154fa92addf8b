"""Derivatives of maxima over windows in three dimensions.

TensorFlow's own kernel on CPUs, used where oneDNN is not, gives the whole derivative to each of several elements that
are all a window's maximum. A maximum in three dimensions is one over rows and columns, then one along the first axis:
the derivatives of these give it to one of them, the first, as oneDNN's does.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from .devices import on_cpu, uses_onednn


def is_cube_maximum(op: tf.Operation) -> bool:
    """Whether an operation's derivative in TensorFlow counts equal elements several times."""
    return bool(op.type == "MaxPool3D" and op.get_attr("data_format") == b"NDHWC" and on_cpu() and not uses_onednn())


def pooled_back(op: tf.Operation, cotangent: tf.Tensor) -> tf.Tensor:
    """Derivative of a maximum over windows, times a cotangent.

    Parameters
    ----------
    op : tf.Operation
        The maximum.
    cotangent : tensor, shape (n, found_depth, found_rows, found_cols, channels)

    Returns
    -------
    tensor, shape (n, depth, rows, cols, channels)
    """
    (image,), (found,) = op.inputs, op.outputs
    sizes, steps, padding = op.get_attr("ksize"), op.get_attr("strides"), op.get_attr("padding")
    _, depth, rows, cols, channels = image.shape
    _, found_depth, found_rows, found_cols, _ = found.shape
    across: dict[str, Any] = {"ksize": [1, *sizes[2:4], 1], "strides": [1, *steps[2:4], 1], "padding": padding}
    along: dict[str, Any] = {"ksize": [1, sizes[1], 1, 1], "strides": [1, steps[1], 1, 1], "padding": padding}
    slices = tf.reshape(image, (-1, rows, cols, channels))
    pooled = tf.raw_ops.MaxPool(input=slices, **across)
    columns = tf.reshape(pooled, (-1, depth, found_rows * found_cols, channels))
    ends = tf.raw_ops.MaxPool(input=columns, **along)
    given = tf.reshape(cotangent, (-1, found_depth, found_rows * found_cols, channels))
    given = tf.raw_ops.MaxPoolGrad(orig_input=columns, orig_output=ends, grad=given, **along)
    given = tf.reshape(given, (-1, found_rows, found_cols, channels))
    given = tf.raw_ops.MaxPoolGrad(orig_input=slices, orig_output=pooled, grad=given, **across)
    return tf.reshape(given, (-1, depth, rows, cols, channels))
