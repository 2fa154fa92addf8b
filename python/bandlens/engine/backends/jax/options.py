"""What XLA is told not to do: on CPUs, some of its versions compute sums over sums wrongly.

jaxlib 0.10.2 gives the wrong numbers, without a word, where what is summed over an axis is itself a sum, and is used
for something else as well (jax-ml/jax, issue 39103); with 0.11.0, too, some sums of tensors of many axes never end
(issue 39257). Both come of fusions that other versions do not have: they are turned off wherever they can be.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jax

_WITHOUT_FUSIONS_OF_SUMS = {"compiler_options": {"xla_cpu_experimental_ynn_fusion_type": ""}}


@cache
def compiler_options() -> dict[str, Any]:
    """Arguments for `jax.jit`; none where XLA has no such fusions to turn off."""
    try:
        jax.jit(lambda x: x + 1, **_WITHOUT_FUSIONS_OF_SUMS)(0)
    except (jax.errors.JaxRuntimeError, TypeError):  # an option, or options altogether, that this version doesn't have
        return {}
    return _WITHOUT_FUSIONS_OF_SUMS
