"""Derivatives of what is linear, for which its values don't matter: no image is convolved to get them.

PyTorch gives derivatives of what was computed. Of a convolution that is linear in the image, the derivative is the same
wherever it is taken, so what is taken is that of a stand-in: a tensor of the right shape, of one zero that is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

aten = torch.ops.aten

_ASKED: ContextVar[bool] = ContextVar("asked", default=False)


@contextmanager
def without_values() -> Iterator[None]:
    """Convolutions inside have derivatives in the image, and zeros in place of values."""
    token = _ASKED.set(True)
    try:
        yield
    finally:
        _ASKED.reset(token)


def convolution(image: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None, *options: Any) -> torch.Tensor:
    """PyTorch's convolution, or inside of `without_values` what stands for it where the image alone is what varies."""
    fixed = not kernel.requires_grad and (bias is None or not bias.requires_grad)
    if _ASKED.get() and image.requires_grad and fixed:
        found: torch.Tensor = _Convolution.apply(image, kernel, *options)
        return found
    valued: torch.Tensor = aten.convolution.default(image, kernel, bias, *options)
    return valued


def zeros(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Zeros of which only one is in memory."""
    return torch.zeros((), dtype=dtype, device=device).expand(shape)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: torch.Tensor, kernel: torch.Tensor, *options: Any) -> torch.Tensor:
        ctx.save_for_backward(kernel)
        ctx.image, ctx.options = image.shape, options
        shape = aten.convolution.default(image.to("meta"), kernel.to("meta"), None, *options).shape
        return zeros(shape, image.dtype, image.device)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[Any, ...]:
        (cotangent,), (kernel,) = cotangents, ctx.saved_tensors
        image = zeros(ctx.image, cotangent.dtype, cotangent.device)
        found, *_ = aten.convolution_backward.default(
            cotangent, image, kernel, None, *ctx.options, [True, False, False]
        )
        return found, None, *(None for _ in ctx.options)
