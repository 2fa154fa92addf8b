"""The array functions that rules are written with, under NumPy's names."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..contract import Arrays
from .once import once


def _normal(keys: jax.Array, shape: Sequence[int], dtype: str) -> jax.Array:
    """Standard normal numbers, shape (keys, *shape), that depend on each key, a pair of int32, alone."""

    def draw(key: jax.Array) -> jax.Array:
        held = jax.random.wrap_key_data(jax.lax.bitcast_convert_type(key, jnp.uint32), impl="threefry2x32")
        return jax.random.normal(held, shape, dtype)

    return jax.vmap(draw)(keys)


def _fft_filter(array: jax.Array, gain: jax.Array) -> jax.Array:
    """Multiply the spatial frequencies of images (n, rows, cols, bands), which go round at their borders, by a gain.

    `gain` is real and symmetric, shape (rows, cols), at the frequencies of `numpy.fft.fftfreq`.
    """
    filtered = jnp.fft.ifft2(jnp.fft.fft2(array, axes=(1, 2)) * gain[:, :, None], axes=(1, 2))
    return filtered.real.astype(array.dtype)


nd = Arrays(
    abs=jnp.abs,
    asarray=jnp.asarray,
    astype=lambda array, dtype: array.astype(dtype),
    broadcast_to=jnp.broadcast_to,
    concatenate=jnp.concatenate,
    einsum=jnp.einsum,
    exp=jnp.exp,
    eye=lambda n, dtype: jnp.eye(n, dtype=dtype),
    fft_filter=_fft_filter,
    floor=jnp.floor,
    isfinite=jnp.isfinite,
    length=lambda array: array.shape[0],
    log=jnp.log,
    max=lambda array, axis: jnp.max(array, axis, keepdims=True),
    maximum=jnp.maximum,
    minimum=jnp.minimum,
    mean=lambda array, axis, keepdims=False: jnp.mean(array, axis, keepdims=keepdims),
    moveaxis=jnp.moveaxis,
    multiply=jnp.multiply,
    normal=_normal,
    once=once,
    ones_like=jnp.ones_like,
    reshape=jnp.reshape,
    reshape_through=jnp.reshape,
    sqrt=jnp.sqrt,
    sum=lambda array, axis, keepdims=False: jnp.sum(array, axis, keepdims=keepdims),
    take=lambda array, index, axis: jnp.take(array, index, axis=axis, mode="clip"),  # all positions exist
    where=jnp.where,
    zeros=jnp.zeros,
    zeros_like=jnp.zeros_like,
)
