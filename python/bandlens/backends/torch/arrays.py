"""The array functions that rules are written with, under NumPy's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch


def _dtype(dtype: str | torch.dtype) -> torch.dtype:
    return getattr(torch, dtype) if isinstance(dtype, str) else dtype


def _reduced(reduce: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A reduction over axes as NumPy understands them: () are none, where PyTorch takes all."""

    def apply(array: torch.Tensor, axis: Any, keepdims: bool = False) -> torch.Tensor:
        return array if axis == () else reduce(array, dim=axis, keepdim=keepdims)

    return apply


def _einsum(equation: str, *arrays: Any) -> torch.Tensor:
    return torch.einsum(equation, *(torch.as_tensor(array, device=arrays[0].device) for array in arrays))


def _take(array: torch.Tensor, index: Any, axis: int) -> torch.Tensor:
    index = torch.as_tensor(index, device=array.device)
    shape = (*array.shape[:axis], *index.shape, *array.shape[axis + 1 :])
    return torch.index_select(array, axis, index.reshape(-1)).reshape(shape)


def _normal(keys: torch.Tensor, shape: Sequence[int], dtype: str) -> torch.Tensor:
    """Standard normal numbers, shape (keys, *shape), that depend on each key, a pair of int32, alone.

    NumPy draws them, as PyTorch's own numbers depend on the device.
    """
    pairs = keys.cpu().numpy().view(np.uint32).astype(np.uint64)
    generators = (np.random.Generator(np.random.Philox(key=pair)) for pair in pairs)
    drawn = np.stack([generator.standard_normal(tuple(shape), dtype) for generator in generators])
    return torch.from_numpy(drawn).to(keys.device)


nd = SimpleNamespace(
    abs=torch.abs,
    astype=lambda array, dtype: array.to(_dtype(dtype)),
    broadcast_to=torch.broadcast_to,
    concatenate=torch.cat,
    einsum=_einsum,
    exp=torch.exp,
    eye=lambda n, dtype: torch.eye(n, dtype=_dtype(dtype)),
    isfinite=torch.isfinite,
    log=torch.log,
    matmul_transposed=lambda left, right: left @ right.T,
    max=lambda array, axis: torch.amax(array, axis, keepdim=True),
    maximum=torch.maximum,
    mean=_reduced(torch.mean),
    moveaxis=torch.movedim,
    multiply=torch.mul,
    normal=_normal,
    ones_like=torch.ones_like,
    reshape=torch.reshape,
    sqrt=torch.sqrt,
    sum=_reduced(torch.sum),
    take=_take,
    where=torch.where,
    zeros=lambda shape, dtype: torch.zeros(shape, dtype=_dtype(dtype)),
    zeros_like=torch.zeros_like,
)
