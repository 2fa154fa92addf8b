"""Operations that mean several things at once, taken apart into those that there are rules for.

A function that returns NotImplemented leaves the operation as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

aten = torch.ops.aten


def _add_product(of: Callable[..., Any]) -> Callable[..., Any]:
    def apply(start: Any, left: Any, right: Any, *, beta: float = 1, alpha: float = 1) -> Any:
        product = of(left, right)
        return (start if beta == 1 else beta * start) + (product if alpha == 1 else alpha * product)

    return apply


def _addcmul(start: Any, left: Any, right: Any, *, value: float = 1) -> Any:
    return start + (left * right if value == 1 else value * left * right)


def _addcdiv(start: Any, left: Any, right: Any, *, value: float = 1) -> Any:
    return start + (left / right if value == 1 else value * left / right)


def _along_last(function: Any) -> Callable[..., Any]:
    """Softmax over the last axis, between what brings another axis there and back."""

    def apply(x: Any, axis: int, half_to_float: bool = False) -> Any:
        if axis in (-1, x.ndim - 1):
            return NotImplemented
        return torch.movedim(function(torch.movedim(x, axis, -1), -1, False), -1, axis)

    return apply


def _safe_softmax(x: Any, axis: int, dtype: Any = None) -> Any:
    return torch.softmax(x, axis)


def _batch_norm(
    x: Any, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, momentum: float, epsilon: float
) -> tuple[Any, ...]:
    shape = (1, -1, *(1,) * (x.ndim - 2))
    if training:  # the means over the batch say so
        axes = [axis for axis in range(x.ndim) if axis != 1]
        mean = x.mean(axes)
        variance = ((x - mean.reshape(shape)) ** 2).mean(axes)
    scale = torch.rsqrt(variance + epsilon)
    scale = scale if weight is None else scale * weight
    found = (x - mean.reshape(shape)) * scale.reshape(shape)
    return found if bias is None else found + bias.reshape(shape), mean, scale


def _layer_norm(x: Any, shape: Sequence[int], weight: Any, bias: Any, epsilon: float) -> tuple[Any, ...]:
    found, *others = _normalized(x, range(x.ndim - len(shape), x.ndim), epsilon)
    found = found if weight is None else found * weight
    return found if bias is None else found + bias, *others


def _group_norm(
    x: Any, weight: Any, bias: Any, n: int, channels: int, pixels: int, groups: int, epsilon: float
) -> tuple[Any, ...]:
    found, *others = _normalized(x.reshape(n, groups, channels // groups * pixels), [2], epsilon)
    shape = (1, -1, *(1,) * (x.ndim - 2))
    found = found.reshape(x.shape)
    found = found if weight is None else found * weight.reshape(shape)
    return found if bias is None else found + bias.reshape(shape), *others


def _normalized(x: Any, axes: Sequence[int], epsilon: float) -> tuple[Any, Any, Any]:
    mean = x.mean(list(axes), keepdim=True)
    scale = torch.rsqrt(torch.square(x - mean).mean(list(axes), keepdim=True) + epsilon)
    return (x - mean) * scale, mean, scale


def _var(x: Any, axis: Any = None, *, correction: float | None = None, keepdim: bool = False) -> Any:
    return _var_mean(x, axis, correction=correction, keepdim=keepdim)[0]


def _std(x: Any, axis: Any = None, *, correction: float | None = None, keepdim: bool = False) -> Any:
    return torch.sqrt(_var(x, axis, correction=correction, keepdim=keepdim))


def _var_mean(
    x: Any, axis: Any = None, *, correction: float | None = None, keepdim: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    axes = list(range(x.ndim)) if axis is None or axis == [] else [axis] if isinstance(axis, int) else list(axis)
    mean = x.mean(axes, keepdim=True)
    total = torch.square(x - mean).sum(axes, keepdim=keepdim)
    count = 1
    for one in axes:
        count *= x.shape[one]
    variance = total / max(count - (1 if correction is None else correction), 0)
    return variance, mean if keepdim else mean.squeeze(axes)


def _vector_norm(x: Any, order: float = 2, axis: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    axes = list(range(x.ndim)) if axis is None else axis
    if order == 2:
        return torch.sqrt(torch.square(x).sum(axes, keepdim=keepdim))
    if order == 1:
        return torch.abs(x).sum(axes, keepdim=keepdim)
    if order == float("inf"):
        return torch.amax(torch.abs(x), axes, keepdim=keepdim)
    return (torch.abs(x) ** order).sum(axes, keepdim=keepdim) ** (1 / order)


def _log_sigmoid(x: Any) -> tuple[Any, Any]:
    return -torch.nn.functional.softplus(-x), x


def _logsumexp(x: Any, axes: Sequence[int], keepdim: bool = False) -> Any:
    top = torch.amax(x, axes, keepdim=True)
    total = torch.log(torch.exp(x - top).sum(axes, keepdim=True)) + top
    return total if keepdim else total.squeeze(axes)


def _largest(x: Any, axis: int, keepdim: bool = False) -> tuple[Any, Any]:
    return torch.amax(x, axis, keepdim=keepdim), torch.argmax(x, axis, keepdim=keepdim)


def _smallest(x: Any, axis: int, keepdim: bool = False) -> tuple[Any, Any]:
    return -torch.amax(-x, axis, keepdim=keepdim), torch.argmin(x, axis, keepdim=keepdim)


def _amin(x: Any, axes: Sequence[int] = (), keepdim: bool = False) -> Any:
    return -torch.amax(-x, axes, keepdim=keepdim)


PARTS: dict[Any, Callable[..., Any]] = {
    aten.addmm.default: _add_product(torch.mm),
    aten.addmv.default: _add_product(torch.mv),
    aten.baddbmm.default: _add_product(torch.bmm),
    aten.addcmul.default: _addcmul,
    aten.addcdiv.default: _addcdiv,
    aten._softmax.default: _along_last(aten._softmax.default),
    aten._log_softmax.default: _along_last(aten._log_softmax.default),
    aten._safe_softmax.default: _safe_softmax,
    aten.native_layer_norm.default: _layer_norm,
    aten.native_batch_norm.default: _batch_norm,
    aten.cudnn_batch_norm.default: _batch_norm,
    aten.native_group_norm.default: _group_norm,
    aten.var.correction: _var,
    aten.std.correction: _std,
    aten.var_mean.correction: _var_mean,
    aten.linalg_vector_norm.default: _vector_norm,
    aten.log_sigmoid_forward.default: _log_sigmoid,
    aten.logsumexp.default: _logsumexp,
    aten.max.dim: _largest,
    aten.min.dim: _smallest,
    aten.max.default: lambda x: torch.amax(x, list(range(x.ndim))),
    aten.amin.default: _amin,
}
