"""Where multipliers from the outputs meet what each band alone brought to a value: the inner products that are scores.

Behind max pooling, multipliers are those of whole windows, times a factor for each element that all outputs share. Many
outputs then meet the bands at the size of the pooled value: what the bands bring is summed over windows first, once for
all outputs, and nothing is ever written down for each output and element of the largest values that networks have.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ..backends.contract import Backend
from ..graph import between
from . import formulas
from .multiplier import Multiplier
from .pairs import Pairs
from .plan import Plan, Step

# sums over windows are computed for each band, multipliers of elements for each output, which costs so many times more
BANDS_PER_OUTPUT = 4


def met(pairs: Pairs, value: int, multiplier: Multiplier, images: Any, references: Any) -> Any:
    """Scores of every pair that a value carries.

    Parameters
    ----------
    pairs : Pairs
    value : int
        One that is linear in the images.
    multiplier : Multiplier
        Of the value.
    images, references : tensor, shape (images, bands, elements)
        What each band alone brings to the value, for the images and for all that is in the background.

    Returns
    -------
    tensor, shape (outputs or 1, images, background, bands)
    """
    nd, size, n_bands = pairs.nd, pairs.layouts[value].size, images.shape[1]
    if pairs.own:
        references = nd.reshape(references, (pairs.n, pairs.m, n_bands, size))
    window, outputs = multiplier.window, multiplier.core.shape[0]
    if window is not None and in_blocks(pairs.backend, n_bands, outputs):
        return _met_in_blocks(pairs, value, multiplier, window, images, references)
    full = nd.broadcast_to(pairs.dense(value, multiplier), (outputs, pairs.n, pairs.m, *pairs.layouts[value].shape))
    full = nd.reshape(full, (outputs, pairs.n, pairs.m, size))
    way = "knmf,nmbf->knmb" if pairs.own else "knmf,mbf->knmb"
    # the multipliers are the largest tensor of all: this product reads them as they lie
    return full @ nd.moveaxis(images, 1, 2) - nd.einsum(way, full, references)


def _met_in_blocks(
    pairs: Pairs, value: int, multiplier: Multiplier, window: tuple[int, ...], images: Any, references: Any
) -> Any:
    """The same by sums over windows."""
    nd, shape, n_bands = pairs.nd, pairs.layouts[value].shape, images.shape[1]
    own, outputs = pairs.n if pairs.own else 1, multiplier.core.shape[0]
    # leading axes are (images, background, bands) here
    factor = nd.broadcast_to(pairs.factor(value, multiplier.factors), (1, pairs.n, pairs.m, *shape))
    brought = pairs.formula(
        formulas.sum_of_products,
        nd.reshape(images, (pairs.n, 1, n_bands, *shape)),
        nd.reshape(references, (own, pairs.m, n_bands, *shape)),
        nd.reshape(factor, (pairs.n, pairs.m, 1, *shape)),
        window=window,
    )
    blocks = prod(brought.shape[3:])
    core = nd.broadcast_to(multiplier.core, (outputs, pairs.n, pairs.m, *multiplier.core.shape[3:]))
    return nd.einsum(
        "knmw,nmbw->knmb",
        nd.reshape(core, (outputs, pairs.n, pairs.m, blocks)),
        nd.reshape(brought, (pairs.n, pairs.m, n_bands, blocks)),
    )


def in_blocks(backend: Backend, n_bands: int, outputs: int) -> bool:
    """Whether to sum what bands bring over windows, rather than to write multipliers out for all of their elements."""
    return backend.fuses() and n_bands <= BANDS_PER_OUTPUT * outputs


def held(plan: Plan) -> tuple[int, int]:
    """Elements of the largest value whose multipliers are written out where they meet in blocks, and all blocks there.

    Left out are the images, what is linear in them, and a run from there up to a maximum over windows.
    """
    start, layouts = plan.start.values, plan.graph.layouts
    after = [step for step in plan.steps if not start.issuperset(step.outputs)]
    within, blocks = set(start), 0
    for value in {value for step in after for value in step.inputs if value in start}:
        step = _only_step(after, value)
        if step is not None and step.rule == "run":
            step = _only_step(after, step.outputs[0])
        if step is None or step.rule != "maximum" or step.operation.window is None:
            return max(layout.size for layout in layouts.values()), 0
        run = between(plan.graph, start, set(step.inputs))
        within.update(output for operation in run for output in operation.outputs)
        blocks += layouts[step.outputs[0]].size
    return max((layout.size for value, layout in layouts.items() if value not in within), default=1), blocks


def _only_step(steps: Sequence[Step], value: int) -> Step | None:
    """The step that starts from a value, if there is only one."""
    found = [step for step in steps if value in step.inputs]
    return found[0] if len(found) == 1 else None
