"""Loops with a known number of steps, such as a recurrent layer's, written out: the operations of a step, that often.

JAX's `scan` hands constants and what it carries from step to step to its body, besides one slice of each of its
sequences, and stacks what each step gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend import core

# most operations that a loop may become: what is compiled from them takes time and memory
MOST_OPERATIONS = 20_000


def is_short(eqn: core.JaxprEqn) -> bool:
    """Whether a scan may be written out."""
    return eqn.params["length"] > 0 and eqn.params["length"] * len(eqn.params["jaxpr"].eqns) <= MOST_OPERATIONS


def written_out(
    eqn: core.JaxprEqn,
    inputs: Sequence[int],
    step: Callable[..., list[int]],
    apply: Callable[..., list[int]],
) -> list[int]:
    """Values that a scan makes.

    Parameters
    ----------
    eqn : JaxprEqn
    inputs : sequence of int
        Values that it is given.
    step : callable
        Writes out the body for given values.
    apply : callable
        ``apply(function, *values)`` writes out a function of ours.
    """
    n_consts, n_carry = eqn.params["num_consts"], eqn.params["num_carry"]
    consts, carry = inputs[:n_consts], list(inputs[n_consts : n_consts + n_carry])
    sequences = inputs[n_consts + n_carry :]
    order = range(eqn.params["length"])
    given: dict[int, list[int]] = {}
    for position in reversed(order) if eqn.params["reverse"] else order:
        take = partial(lax.index_in_dim, index=position, axis=0, keepdims=False)
        slices = [value for sequence in sequences for value in apply(take, sequence)]
        found = step(*consts, *carry, *slices)
        carry, given[position] = found[:n_carry], found[n_carry:]
    stacks = zip(*(given[position] for position in order), strict=True)
    return [*carry, *(value for parts in stacks for value in apply(_stacked, *parts))]


def _stacked(*parts: Any) -> Any:
    return jnp.stack(parts)
