"""Whether JAX can compute and give numbers here: not inside a function that it is compiling."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ....errors import ModelError


def ready() -> None:
    """Raise a ModelError where operations are only noted down."""
    if isinstance(jnp.add(0, 0), jax.core.Tracer):
        raise ModelError(
            "bandlens was called inside a function that JAX is compiling, in which there are no numbers.",
            fix="call it outside of jax.jit, vmap and grad; it compiles its own steps",
        )
