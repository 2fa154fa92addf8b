"""The array functions that rules are written with, under NumPy's names."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import jax
import jax.numpy as jnp


def _normal(keys: jax.Array, shape: Sequence[int], dtype: str) -> jax.Array:
    """Standard normal numbers, shape (keys, *shape), that depend on each key, a pair of int32, alone."""

    def draw(key: jax.Array) -> jax.Array:
        held = jax.random.wrap_key_data(jax.lax.bitcast_convert_type(key, jnp.uint32), impl="threefry2x32")
        return jax.random.normal(held, shape, dtype)

    return jax.vmap(draw)(keys)


nd = SimpleNamespace(
    abs=jnp.abs,
    astype=lambda array, dtype: array.astype(dtype),
    broadcast_to=jnp.broadcast_to,
    concatenate=jnp.concatenate,
    einsum=jnp.einsum,
    exp=jnp.exp,
    eye=lambda n, dtype: jnp.eye(n, dtype=dtype),
    isfinite=jnp.isfinite,
    log=jnp.log,
    matmul_transposed=lambda left, right: left @ right.T,
    max=lambda array, axis: jnp.max(array, axis, keepdims=True),
    maximum=jnp.maximum,
    mean=lambda array, axis, keepdims=False: jnp.mean(array, axis, keepdims=keepdims),
    moveaxis=jnp.moveaxis,
    multiply=jnp.multiply,
    normal=_normal,
    ones_like=jnp.ones_like,
    reshape=jnp.reshape,
    sqrt=jnp.sqrt,
    sum=lambda array, axis, keepdims=False: jnp.sum(array, axis, keepdims=keepdims),
    take=lambda array, index, axis: jnp.take(array, index, axis=axis, mode="clip"),  # all positions exist
    where=jnp.where,
    zeros=jnp.zeros,
    zeros_like=jnp.zeros_like,
)
