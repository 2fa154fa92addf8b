"""The array functions that rules are written with, under NumPy's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ..contract import Arrays


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
    precision = np.float64 if dtype == "float64" else np.float32
    drawn = np.stack([generator.standard_normal(tuple(shape), precision) for generator in generators])
    return torch.from_numpy(drawn).to(keys.device)


def _fft_filter(array: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """Multiply the spatial frequencies of images (n, rows, cols, bands), which go round at their borders, by a gain.

    `gain` is real and symmetric, shape (rows, cols), at the frequencies of `numpy.fft.fftfreq`.
    """
    filtered = torch.fft.ifft2(torch.fft.fft2(array, dim=(1, 2)) * gain[:, :, None], dim=(1, 2))
    return filtered.real


nd = Arrays(
    abs=torch.abs,
    asarray=torch.as_tensor,
    astype=lambda array, dtype: array.to(_dtype(dtype)),
    broadcast_to=torch.broadcast_to,
    concatenate=torch.cat,
    einsum=_einsum,
    exp=torch.exp,
    eye=lambda n, dtype: torch.eye(n, dtype=_dtype(dtype)),
    fft_filter=_fft_filter,
    floor=torch.floor,
    isfinite=torch.isfinite,
    length=lambda array: array.shape[0],
    log=torch.log,
    max=lambda array, axis: torch.amax(array, axis, keepdim=True),
    maximum=torch.maximum,
    mean=_reduced(torch.mean),
    minimum=torch.minimum,
    moveaxis=torch.movedim,
    multiply=torch.mul,
    normal=_normal,
    once=lambda tensor: tensor,
    ones_like=torch.ones_like,
    reshape=torch.reshape,
    reshape_through=torch.reshape,
    sqrt=torch.sqrt,
    sum=_reduced(torch.sum),
    take=_take,
    where=torch.where,
    zeros=lambda shape, dtype: torch.zeros(shape, dtype=_dtype(dtype)),
    zeros_like=torch.zeros_like,
)
