"""Derivatives over three-dimensional windows, where TensorFlow's own are wrong: on CPUs, but for oneDNN's kernels.

oneDNN is not used on all processors, and in bodies of loops on none. Of a maximum, each of several equal elements of a
window is given the whole derivative. Where steps are longer than windows, with padding "SAME", images are cut at both
ends before they are computed with, and the derivatives are those of images that are cut at one end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from . import onednn
from .arrays import sizes_of
from .devices import on_cpu, own_kernels

KINDS = frozenset(("AvgPool3D", "Conv3D", "MaxPool3D"))
# the name under which TensorFlow finds the right derivative
RIGHT = "BandlensCube"


def mended(node: Any, *, in_body: bool = False) -> dict[str, tf.compat.v1.AttrValue]:
    """What to add to the attributes of an operation, a `NodeDef`, whose derivative would be wrong."""
    if node.op not in KINDS or node.attr["data_format"].s != b"NDHWC":
        return {}
    wrong = on_cpu() if in_body else own_kernels(tf.as_dtype(node.attr["T"].type))
    return {"_gradient_op_type": tf.compat.v1.AttrValue(s=RIGHT.encode())} if wrong else {}


def pulled_back(op: tf.Operation, cotangent: tf.Tensor) -> list[tf.Tensor]:
    """Derivatives of an operation in its inputs, times a cotangent.

    Parameters
    ----------
    op : tf.Operation
        One of `KINDS`, channels last.
    cotangent : tensor, shape (n, found_depth, found_rows, found_cols, filters)

    Returns
    -------
    list of tensor
        In the image, shape (n, depth, rows, cols, channels), and of a convolution in its kernel.
    """
    image, *kernel = op.inputs
    steps, padding = op.get_attr("strides"), op.get_attr("padding")
    lengths, found_lengths = (_lengths(one)[1:4] for one in (image, op.outputs[0]))
    sizes = op.get_attr("ksize")[1:4] if not kernel else _reach(_lengths(kernel[0])[:3], op.get_attr("dilations")[1:4])
    ends = _read(lengths, found_lengths, sizes, steps[1:4]) if padding == b"SAME" else None
    read = image if ends is None else image[(slice(None), *(slice(first, last) for first, last in ends))]
    options: dict[str, Any] = {"strides": steps, "padding": padding}
    if op.type == "MaxPool3D":
        found = [_of_maximum(read, found_lengths, cotangent, sizes, steps[1:4], padding)]
    elif op.type == "AvgPool3D":
        sizes = op.get_attr("ksize")
        found = [tf.raw_ops.AvgPool3DGrad(orig_input_shape=tf.shape(read), grad=cotangent, ksize=sizes, **options)]
    else:
        options["dilations"] = op.get_attr("dilations")
        of_kernel = tf.raw_ops.Conv3DBackpropFilterV2
        found = [
            _of_image(op, read, kernel[0], cotangent, options),
            of_kernel(input=read, filter_sizes=tf.shape(kernel[0]), out_backprop=cotangent, **options),
        ]
    if ends is not None:
        around = [(first, length - last) for (first, last), length in zip(ends, lengths, strict=True)]
        found[0] = tf.pad(found[0], [(0, 0), *around, (0, 0)])
    return found


def _lengths(tensor: tf.Tensor) -> list[Any]:
    """Of its five axes: int, or a tensor where it is not known, as in bodies of loops."""
    known = tensor.shape.with_rank(5)
    return [tf.shape(tensor)[at] if length is None else length for at, length in enumerate(known)]


def _reach(sizes: Sequence[Any], dilations: Sequence[int]) -> list[Any]:
    return [(size - 1) * dilation + 1 for size, dilation in zip(sizes, dilations, strict=True)]


def _read(
    lengths: Sequence[Any], found: Sequence[Any], sizes: Sequence[Any], steps: Sequence[int]
) -> list[tuple[Any, Any]] | None:
    """First and last elements that are read along each axis, where some at the ends may not be; else None."""
    ends = []
    for length, out, size, step in zip(lengths, found, sizes, steps, strict=True):
        reached = (out - 1) * step + size
        known = isinstance(length, int) and isinstance(reached, int)
        left_out = length - (min(length, reached) if known else tf.minimum(length, reached))
        ends.append((left_out // 2, length - (left_out - left_out // 2)))
    all_read = all(
        isinstance(last, int) and (first, last) == (0, n) for (first, last), n in zip(ends, lengths, strict=True)
    )
    return None if all_read else ends


def _of_image(
    op: tf.Operation, image: tf.Tensor, kernel: tf.Tensor, cotangent: tf.Tensor, options: dict[str, Any]
) -> tf.Tensor:
    """A convolution's derivative in its image."""
    if onednn.serves("Conv3DBackpropInputV2", cotangent.dtype):
        return onednn.derivative("Conv3DBackpropInputV2", op, kernel, cotangent, sizes_of(image), image.shape)
    return tf.raw_ops.Conv3DBackpropInputV2(
        input_sizes=sizes_of(image), filter=kernel, out_backprop=cotangent, **options
    )


def _of_maximum(
    image: tf.Tensor,
    found: Sequence[Any],
    cotangent: tf.Tensor,
    sizes: Sequence[int],
    steps: Sequence[int],
    padding: bytes,
) -> tf.Tensor:
    """Of a maximum over rows and columns, then along the first axis: these give it to one element, the first.

    So does oneDNN's derivative in three dimensions.
    """
    _, depth, rows, cols, channels = _lengths(image)
    found_depth, found_rows, found_cols = found
    across: dict[str, Any] = {"ksize": [1, *sizes[1:], 1], "strides": [1, *steps[1:], 1], "padding": padding}
    along: dict[str, Any] = {"ksize": [1, sizes[0], 1, 1], "strides": [1, steps[0], 1, 1], "padding": padding}
    slices = tf.reshape(image, (-1, rows, cols, channels))
    pooled = tf.raw_ops.MaxPool(input=slices, **across)
    columns = tf.reshape(pooled, (-1, depth, found_rows * found_cols, channels))
    ends = tf.raw_ops.MaxPool(input=columns, **along)
    given = tf.reshape(cotangent, (-1, found_depth, found_rows * found_cols, channels))
    given = tf.raw_ops.MaxPoolGrad(orig_input=columns, orig_output=ends, grad=given, **along)
    given = tf.reshape(given, (-1, found_rows, found_cols, channels))
    given = tf.raw_ops.MaxPoolGrad(orig_input=slices, orig_output=pooled, grad=given, **across)
    return tf.reshape(given, (-1, depth, rows, cols, channels))


tf.RegisterGradient(RIGHT)(pulled_back)
