"""Derivatives of convolutions, made of convolutions.

oneDNN has fast kernels of these derivatives, but TensorFlow uses it only on processors with some of the newest
instructions. Elsewhere it multiplies each image with the whole kernel on its own, so that with large kernels, as deep
in a network, a derivative takes up to twenty times as long as a convolution. A derivative is one, with the kernel
turned round; of steps of several elements it is several, whose results are interleaved.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import tensorflow as tf

from .devices import own_kernels

# numbers of a kernel from which on images that are multiplied one by one wait for it rather than for multiplications
LARGE = 1 << 17
# multiplications as a multiple of the derivative's own, as there are with padding: of a large kernel, and of others
MOST_LARGE, MOST = 10.0, 1.3


class Side(NamedTuple):
    """One of the two sides of the images that a convolution goes over.

    Attributes
    ----------
    length, found : int
        Of its input and of its output.
    size, step : int
        Of the kernel.
    before : int
        Elements of padding.
    """

    length: int
    found: int
    size: int
    step: int
    before: int

    @property
    def first(self) -> int:
        """The first of the steps whose elements are in the input."""
        return self.before // self.step

    @property
    def steps(self) -> int:
        """Number of these steps."""
        return (self.before + self.length - 1) // self.step + 1 - self.first

    def padding(self, at: int) -> list[int]:
        """What the cotangent has to be padded with for elements `at` within each step."""
        reach = len(range(at, self.size, self.step)) - 1
        return [reach - self.first, self.first + self.steps - self.found]


def as_convolutions(op: tf.Operation, cotangent: tf.Tensor, kernel: tf.Tensor, image: tf.Tensor) -> tf.Tensor | None:
    """A convolution's derivative in its image, times a cotangent; None where TensorFlow's own kernel serves.

    Parameters
    ----------
    op : tf.Operation
        The convolution, of channels that are last and a kernel without holes.
    cotangent : tensor, shape (n, found_rows, found_cols, filters)
    kernel : tensor, shape (kernel_rows, kernel_cols, channels, filters)
    image : tensor, shape (n, rows, cols, channels)
        Only its shape matters.

    Returns
    -------
    tensor, shape (n, rows, cols, channels), or None
    """
    if not own_kernels(cotangent.dtype):
        return None
    known = all(None not in shape for shape in (kernel.shape, image.shape[1:], cotangent.shape[1:]))
    sides = _sides(op, image.shape[1:3], cotangent.shape[1:3], kernel.shape[:2]) if known else []
    if not sides or not _pays(sides, kernel.shape.num_elements()):
        return None
    rows, cols = sides
    parts: dict[tuple[int, int], tf.Tensor] = {}
    for i in range(min(rows.step, rows.size)):
        for j in range(min(cols.step, cols.size)):
            padding = [rows.padding(i), cols.padding(j)]
            if min(min(padding)) < 0:
                return None
            parts[i, j] = _convolved(cotangent, kernel[i :: rows.step, j :: cols.step], padding)
    return _interleaved(parts, rows, cols)


def _sides(op: tf.Operation, lengths: Any, found: Any, sizes: Any) -> list[Side]:
    steps, padding = op.get_attr("strides")[1:3], op.get_attr("padding")
    explicit = op.get_attr("explicit_paddings")
    made = []
    for axis, (length, out, size, step) in enumerate(zip(lengths, found, sizes, steps, strict=True)):
        before = 0
        if padding == b"SAME":
            before = max((out - 1) * step + size - length, 0) // 2
        elif padding == b"EXPLICIT":
            before = explicit[2 * (axis + 1)]
        made.append(Side(length, out, size, step, before))
    return made


def _pays(sides: list[Side], numbers: int) -> bool:
    """Whether convolutions are faster than TensorFlow's own kernel, as was measured."""
    multiplied = prod(side.steps / side.found for side in sides)
    if numbers >= LARGE:
        return multiplied <= MOST_LARGE
    return multiplied <= MOST and all(side.step == 1 for side in sides)  # else interleaving takes what is gained


def _convolved(cotangent: tf.Tensor, kernel: tf.Tensor, padding: list[list[int]]) -> tf.Tensor:
    """A convolution in single steps with a kernel turned round."""
    if tuple(kernel.shape[:2]) != (1, 1):
        kernel = tf.reverse(kernel, [0, 1])
    kernel = tf.transpose(kernel, (0, 1, 3, 2))
    around = [0, 0, *padding[0], *padding[1], 0, 0]
    plain = not any(around)
    return tf.raw_ops.Conv2D(
        input=cotangent,
        filter=kernel,
        strides=[1, 1, 1, 1],
        padding="VALID" if plain else "EXPLICIT",
        explicit_paddings=[] if plain else around,
    )


def _interleaved(parts: dict[tuple[int, int], tf.Tensor], rows: Side, cols: Side) -> tf.Tensor:
    """Elements within steps next to each other; zeros where the kernel reaches none."""
    found = parts[0, 0]
    channels = found.shape[-1]
    if rows.step * cols.step > 1:
        nothing = tf.zeros_like(found)
        each = [tf.stack([parts.get((i, j), nothing) for j in range(cols.step)], 3) for i in range(rows.step)]
        found = tf.reshape(tf.stack(each, 2), (-1, rows.steps * rows.step, cols.steps * cols.step, channels))
    top, left = (side.before - side.first * side.step for side in (rows, cols))
    if (top, left, *found.shape[1:3]) == (0, 0, rows.length, cols.length):
        return found
    return found[:, top : top + rows.length, left : left + cols.length]
