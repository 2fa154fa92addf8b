"""Where multipliers from the outputs meet what each band alone brought to a value: the inner products that are scores.

Behind max pooling, multipliers are those of whole windows, times a factor for each element that all outputs share. Many
outputs then meet the bands at the size of the pooled value: what the bands bring is summed over windows first, once for
all outputs, and nothing is ever written down for each output and element of the largest values that networks have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from ..backends.contract import Arrays, Backend
from ..graph import between
from . import formulas
from .multiplier import Multiplier
from .pairs import Pairs
from .plan import Plan, Step

# sums over windows are computed for each band, multipliers of elements for each output, which costs so many times more
BANDS_PER_OUTPUT = 4


@dataclass(frozen=True, eq=False)
class Brought:
    """What each band alone brings to a value that is linear in images.

    Attributes
    ----------
    nd : Arrays
    tensor : tensor, shape (images, bands, *shape of the value), or `by_element` (images, *shape[:-1], bands, shape[-1])
        Behind the images, axes of length 1 may be left out.
    by_element : bool
    """

    nd: Arrays
    tensor: Any
    by_element: bool = False

    @property
    def by_band(self) -> Any:
        """Shape (images, bands, elements)."""
        tensor = self.nd.moveaxis(self.tensor, -2, 1) if self.by_element else self.tensor
        return self.nd.reshape(tensor, (*tensor.shape[:2], prod(tensor.shape[2:])))


def met(pairs: Pairs, value: int, multiplier: Multiplier, images: Brought, references: Brought) -> Any:
    """Scores of every pair that a value carries.

    Parameters
    ----------
    pairs : Pairs
    value : int
        One that is linear in the images.
    multiplier : Multiplier
        Of the value.
    images, references : Brought
        To the value, for the images and for all that is in the background.

    Returns
    -------
    tensor, shape (outputs or 1, images, background, bands)
    """
    nd, shape = pairs.nd, pairs.layouts[value].shape
    window, outputs = multiplier.window, multiplier.core.shape[0]
    n_bands = images.tensor.shape[-2 if images.by_element else 1]
    if window is not None and in_blocks(pairs.backend, n_bands, outputs):
        meet = _met_in_rows if images.by_element and in_rows(shape, window) else _met_in_blocks
        return meet(pairs, value, multiplier, window, images, references)
    own, size = (pairs.n,) if pairs.own else (), pairs.layouts[value].size
    full = nd.broadcast_to(pairs.dense(value, multiplier), (outputs, pairs.n, pairs.m, *shape))
    full = nd.reshape(full, (outputs, pairs.n, pairs.m, size))
    way = "knmf,nmbf->knmb" if pairs.own else "knmf,mbf->knmb"
    others = nd.reshape(references.by_band, (*own, pairs.m, n_bands, size))
    # the multipliers are the largest tensor of all: this product reads them as they lie
    return full @ nd.moveaxis(images.by_band, 1, 2) - nd.einsum(way, full, others)


def _met_in_blocks(
    pairs: Pairs, value: int, multiplier: Multiplier, window: tuple[int, ...], images: Brought, references: Brought
) -> Any:
    """The same by sums over windows."""
    nd, shape = pairs.nd, pairs.layouts[value].shape
    image, reference = images.by_band, references.by_band
    own, n_bands = pairs.n if pairs.own else 1, image.shape[1]
    # leading axes are (images, background, bands) here
    brought = pairs.formula(
        formulas.sum_of_products,
        nd.reshape(image, (pairs.n, 1, n_bands, *shape)),
        nd.reshape(reference, (own, pairs.m, n_bands, *shape)),
        nd.reshape(_factor(pairs, value, multiplier), (pairs.n, pairs.m, 1, *shape)),
        window=window,
    )
    blocks = prod(brought.shape[3:])
    return nd.einsum(
        "knmw,nmbw->knmb",
        nd.reshape(_core(pairs, multiplier), (-1, pairs.n, pairs.m, blocks)),
        nd.reshape(brought, (pairs.n, pairs.m, n_bands, blocks)),
    )


def _met_in_rows(
    pairs: Pairs, value: int, multiplier: Multiplier, window: tuple[int, ...], images: Brought, references: Brought
) -> Any:
    """The same, row of windows by row of windows: what all pairs need of a few rows stays close to the processor."""
    nd, (_, *shape, last) = pairs.nd, pairs.layouts[value].shape
    own, n_bands = pairs.n if pairs.own else 1, images.tensor.shape[-2]
    brought = pairs.formula(
        formulas.sum_of_products_in_rows,
        nd.reshape(images.tensor, (pairs.n, 1, *shape, n_bands, last)),
        nd.reshape(references.tensor, (own, pairs.m, *shape, n_bands, last)),
        nd.reshape(_factor(pairs, value, multiplier), (pairs.n, pairs.m, *shape, 1, last)),
        window=window[1:-1],
    )
    rows, blocks = brought.shape[0], prod(brought.shape[4:])
    core = nd.reshape(_core(pairs, multiplier), (-1, pairs.n, pairs.m, rows, blocks))
    found = nd.einsum(
        "hnmkw,hnmbw->hnmkb",
        nd.moveaxis(core, (3, 0), (0, 3)),
        nd.reshape(brought, (rows, pairs.n, pairs.m, n_bands, blocks)),
    )
    return nd.moveaxis(nd.sum(found, 0), 2, 0)


def in_rows(shape: tuple[int, ...], window: tuple[int, ...]) -> bool:
    """Whether windows of a value of channels are few rows of few elements, the same for each channel."""
    places = prod(window)
    return len(shape) > 2 and shape[0] == window[0] == window[-1] == 1 and 1 < places <= formulas.MOST_PLACES


def _factor(pairs: Pairs, value: int, multiplier: Multiplier) -> Any:
    """What all outputs share, for every pair."""
    factor = pairs.factor(value, multiplier.factors)
    return pairs.nd.broadcast_to(factor, (1, pairs.n, pairs.m, *pairs.layouts[value].shape))


def _core(pairs: Pairs, multiplier: Multiplier) -> Any:
    """What is different for each output, for every pair."""
    core = multiplier.core
    return pairs.nd.broadcast_to(core, (core.shape[0], pairs.n, pairs.m, *core.shape[3:]))


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
