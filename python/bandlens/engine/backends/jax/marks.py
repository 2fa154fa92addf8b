"""Places in a model that are to be found again in its trace: the outputs of its layers.

A mark is an identity with a name of ours, which JAX has to tell what to keep for a derivative. The trace passes over
it, so that a marked model has the operations of the model itself.
"""

from __future__ import annotations

import jax
from jax.ad_checkpoint import checkpoint_name
from jax.extend import core

_PREFIX = "bandlens_mark_"


def mark(array: jax.Array, number: int) -> jax.Array:
    """The same array; the trace's `marks` tell which value it is."""
    return checkpoint_name(array, f"{_PREFIX}{number}")


def marked(eqn: core.JaxprEqn) -> int | None:
    """Number of the mark that an operation is."""
    name = str(eqn.params.get("name", "")) if eqn.primitive.name == "name" else ""
    return int(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
