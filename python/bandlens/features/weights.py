"""Kernels of convolutions of every kind, in one layout: what each kernel weighs in each of the layer's input bands."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.words import quoted
from ..errors import LayerError

# by the name of the layer's class or of one it is derived from; transposed ones first, which Keras 2 derives from these
_REFUSED = {
    "Conv1DTranspose": "a transposed convolution spreads a value over pixels, it weighs none",
    "Conv2DTranspose": "a transposed convolution spreads a value over pixels, it weighs none",
    "Conv3DTranspose": "a transposed convolution spreads a value over pixels, it weighs none",
    "Conv3D": "a kernel in three dimensions slides along the bands, so that no weight belongs to a band",
}
_SEPARABLE = ("SeparableConv1D", "SeparableConv2D")
_DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
_USUAL = ("Conv1D", "Conv2D")


def _family(layer: Any) -> str | None:
    """Which of the tables above a layer is in, by name."""
    names = [parent.__name__ for parent in type(layer).__mro__]
    for table in (_REFUSED, _SEPARABLE, _DEPTHWISE, _USUAL):
        found = [name for name in names if name in table]
        if found:
            return found[0]
    return None


def is_convolution(layer: Any) -> bool:
    """Whether the layer is a convolution of any kind."""
    return _family(layer) is not None


def has_kernels(layer: Any) -> bool:
    """Whether `kernels` can read the layer."""
    family = _family(layer)
    return family is not None and family not in _REFUSED


def kernel_shape(layer: Any) -> tuple[int, ...] | None:
    """Shape of a layer's own kernel, None without one."""
    if not getattr(layer, "built", False):
        return None
    for name in ("kernel", "depthwise_kernel"):
        kernel = getattr(layer, name, None)
        if kernel is not None:
            return tuple(int(length) for length in kernel.shape)
    return None


def kernels(layer: Any, name: str) -> np.ndarray:
    """Weights as (kernels, rows, cols, bands); zero where a kernel does not see a band.

    A separable convolution's depthwise and pointwise parts are multiplied out, which is exact: nothing is between them.
    The kernels of a convolution in one dimension have one row.

    Raises
    ------
    LayerError
        If the layer is no convolution, or one whose weights belong to no band.
    """
    family = _family(layer)
    kind = type(layer).__name__
    if family is None:
        raise LayerError(
            f"Layer {quoted(name)} has no kernels that could be shown.",
            expected="a convolution in one or two dimensions",
            given=kind,
        )
    if family in _REFUSED:
        raise LayerError(
            f"The kernels of layer {quoted(name)} can't be shown by band: {_REFUSED[family]}.",
            expected="a convolution in one or two dimensions",
            given=kind,
        )
    weights = [np.asarray(array, np.float64) for array in layer.get_weights()]
    one_dimensional = family.endswith("1D")
    first = weights[0][None] if one_dimensional else weights[0]
    rows, cols, n_inputs, n_outputs = first.shape
    if family in _USUAL:
        return np.moveaxis(_ungrouped(first, int(getattr(layer, "groups", 1))), 3, 0)
    # depthwise: kernel m of band b is feature b * multiplier + m
    full = np.zeros((rows, cols, n_inputs, n_inputs, n_outputs))
    bands = np.arange(n_inputs)
    full[:, :, bands, bands] = first
    depthwise = full.reshape(rows, cols, n_inputs, n_inputs * n_outputs)
    if family in _SEPARABLE:
        depthwise = depthwise @ weights[1].reshape(n_inputs * n_outputs, -1)
    return np.moveaxis(depthwise, 3, 0)


def _ungrouped(kernel: np.ndarray, groups: int) -> np.ndarray:
    """A kernel over groups of bands as one over all bands, zero outside a feature's own group."""
    if groups == 1:
        return kernel
    rows, cols, per_group, n_outputs = kernel.shape
    full = np.zeros((rows, cols, per_group * groups, n_outputs))
    for group in range(groups):
        outputs = slice(group * n_outputs // groups, (group + 1) * n_outputs // groups)
        full[:, :, group * per_group : (group + 1) * per_group, outputs] = kernel[..., outputs]
    return full
