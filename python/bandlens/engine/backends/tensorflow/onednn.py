"""oneDNN's kernels by name, where TensorFlow has them and does not use them by itself.

TensorFlow's builds for x86 have these kernels, several times as fast as its own, but put them in the place of its own
only on processors with some of the newest instructions. They are operations like others, with names that are not
public: asked for by these, they compute derivatives and products of ours on all processors, while the model's own
operations, and so its outputs, stay what they are. Where the user turned oneDNN off, none is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.kernels import get_registered_kernels_for_op  # no public way

from .devices import names_onednn
from .writing import written

# under which these kernels are registered
_LABEL = "MklNameChangeOp"
_NAMES = {
    "Conv2DBackpropInput": "_MklNativeConv2DBackpropInput",
    "Conv3DBackpropInputV2": "_MklNativeConv3DBackpropInputV2",
    "DepthwiseConv2dNative": "_MklNativeDepthwiseConv2dNative",
    "Einsum": "_MklEinsum",
}
_OF_CONVOLUTIONS = ("strides", "padding", "explicit_paddings", "data_format", "dilations")


def serves(kind: str, dtype: tf.DType, padding: bytes = b"") -> bool:
    """Whether oneDNN has a kernel of this kind where TensorFlow would use its own; it has none for explicit padding."""
    return dtype == tf.float32 and padding != b"EXPLICIT" and names_onednn() and _is_there(kind)


@cache
def _is_there(kind: str) -> bool:
    return any(kernel.label == _LABEL for kernel in get_registered_kernels_for_op(_NAMES[kind]).kernel)


def derivative(
    kind: str, op: tf.Operation, kernel: tf.Tensor, cotangent: tf.Tensor, sizes: tf.Tensor, shape: tf.TensorShape
) -> tf.Tensor:
    """A convolution's derivative in its image, times a cotangent.

    Parameters
    ----------
    kind : {"Conv2DBackpropInput", "Conv3DBackpropInputV2"}
    op : tf.Operation
        The convolution.
    kernel, cotangent : tensor of float32
    sizes : tensor of int32
        Of the image.
    shape : TensorShape
        The same, as far as it is known beforehand.
    """
    found = _made(kind, [sizes, kernel, cotangent], _how(op))
    found.set_shape(shape)
    return found


def within_channels(op: tf.Operation, image: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """What a convolution makes of each channel alone, shape (n, found_rows, found_cols, channels x filters)."""
    return _made("DepthwiseConv2dNative", [image, kernel], _how(op))


def einsum(equation: str, left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Einstein's sum of products of two arrays."""
    given = {"equation": tf.compat.v1.AttrValue(s=equation.encode()), "N": tf.compat.v1.AttrValue(i=2)}
    return _made("Einsum", [left, right], given)


def _how(op: tf.Operation) -> dict[str, Any]:
    return {key: op.node_def.attr[key] for key in _OF_CONVOLUTIONS if key in op.node_def.attr}


def _made(kind: str, inputs: Sequence[tf.Tensor], given: dict[str, Any]) -> tf.Tensor:
    given["T"] = tf.compat.v1.AttrValue(type=tf.float32.as_datatype_enum)
    given["_kernel"] = tf.compat.v1.AttrValue(s=_LABEL.encode())
    return written(_NAMES[kind], inputs, [tf.float32], given, name=kind)[0]
