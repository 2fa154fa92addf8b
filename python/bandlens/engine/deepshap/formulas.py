"""The arithmetic of the rules on pairs: pure functions of arrays, which a backend may fuse into single passes.

Tensors have leading axes (outputs, images, background) and broadcast. `nd` are the backend's array functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product as combinations
from math import prod
from typing import Any, NamedTuple

from ..backends.contract import Arrays

# places in a block that are added up one by one, which takes half as long as a sum along its axes
MOST_PLACES = 16


class Term(NamedTuple):
    """A formula within a product.

    Attributes
    ----------
    function : callable
    places : tuple of int
        Which of the product's tensors it is of.
    static : tuple of (str, value)
        Its arguments that are no tensors.
    """

    function: Callable[..., Any]
    places: tuple[int, ...]
    static: tuple[tuple[str, Any], ...]


def factor(nd: Arrays, *tensors: Any, terms: Sequence[Term]) -> Any:
    """The product of terms."""
    found = [term.function(nd, *(tensors[place] for place in term.places), **dict(term.static)) for term in terms]
    return reduce(nd.multiply, found)


def product(
    nd: Arrays,
    core: Any,
    *tensors: Any,
    terms: Sequence[Term],
    shape: tuple[int, ...] = (),
    window: tuple[int, ...] | None = None,
) -> Any:
    """Something of every output, or blocks of it that are repeated to a shape, times the product of terms.

    Only what comes of it is written to memory.
    """
    repeated = core if window is None else repeat_blocks(nd, core, shape, window)
    return nd.multiply(repeated, factor(nd, *tensors, terms=terms))


def given(nd: Arrays, tensor: Any) -> Any:
    """A term that is there already."""
    return tensor


def divide(nd: Arrays, numerator: Any, denominator: Any, negligible: Any, otherwise: Any) -> Any:
    """A ratio, or something else where its denominator is negligible; never NaN."""
    safe = nd.where(negligible, nd.ones_like(denominator), denominator)
    ratio = numerator / safe
    return nd.where(negligible, nd.broadcast_to(otherwise, ratio.shape), ratio)


def reach(nd: Arrays, image: Any, image_out: Any, slope: Any) -> Any:
    """Differences of a run's input that are small beside this are rounding, of the input or of the output.

    Rounding of the output, |f| eps, makes a ratio worthless as soon as delta in < |f / f'| eps, which matters where f
    is far from 0 and its input is not (a sigmoid near 0). In flat parts, where that is large, the usual size of the
    input takes its place. It depends on images alone, so it is no part of what is compiled for pairs.
    """
    size, height = nd.abs(image), nd.abs(image_out)
    usual = nd.mean(size, tuple(range(3, len(image.shape))), True)
    by_output = nd.minimum(height / nd.abs(slope), usual)
    return nd.maximum(size, nd.where(height > 0, by_output, nd.zeros_like(size)))


def run_ratio(
    nd: Arrays,
    image: Any,
    reference: Any,
    image_out: Any,
    reference_out: Any,
    slope: Any,
    reach: Any,
    *,
    rounding: float,
) -> Any:
    """Across a run, delta out / delta in; the derivative at the image where delta in is rounding."""
    difference = image - reference
    negligible = nd.abs(difference) <= rounding * reach
    return divide(nd, image_out - reference_out, difference, negligible, slope)


def homogeneous_ratio(
    nd: Arrays, image: Any, reference: Any, image_out: Any, reference_out: Any, *, rounding: float
) -> Any:
    """`run_ratio` of a function with f(c x) = c f(x) for c > 0: f / f' is the input, and f / x is the derivative.

    At 0 that is 0, as f is.
    """
    difference = image - reference
    negligible = nd.abs(difference) <= rounding * nd.abs(image)
    top = nd.where(negligible, nd.broadcast_to(image_out, difference.shape), image_out - reference_out)
    bottom = nd.where(negligible, nd.broadcast_to(image, difference.shape), difference)
    return top / (bottom + nd.astype(nd.abs(bottom) <= 0, image.dtype))


def quotient_slopes(nd: Arrays, image: Any, reference: Any, top_middle: Any) -> tuple[Any, Any]:
    """Shapley value of numerator and denominator of u / v, over their differences.

    Parameters
    ----------
    image, reference : tensor
        The denominator.
    top_middle : tensor
        Mean of the numerator over the pair.
    """
    return (1 / image + 1 / reference) / 2, -top_middle / (image * reference)


def shapley_slope(nd: Arrays, image: Any, reference: Any, change: Any, slope: Any, *, rounding: float) -> Any:
    """A Shapley value over the player's difference; the mean derivative where that is rounding."""
    difference = image - reference
    return divide(nd, change, difference, nd.abs(difference) <= rounding * nd.abs(image), slope)


def cross_maximum(nd: Arrays, image_out: Any, reference_out: Any) -> tuple[Any, Any]:
    """Parts of a maximum's change that belong to the image's maximum and to the background's."""
    larger = nd.maximum(image_out, reference_out)
    return larger - reference_out, image_out - larger


def over(nd: Arrays, moved: Any, image: Any, reference: Any, slope: Any) -> Any:
    """What belongs to an element's difference, over that difference; the derivative where there is none."""
    difference = image - reference + nd.zeros_like(moved)
    return divide(nd, moved, difference, nd.abs(difference) <= 0, slope)


def unchanged(nd: Arrays, image_out: Any, reference_out: Any) -> Any:
    """1 where a maximum is the same on both sides, else 0.

    An element that is the maximum of both sides takes all of its change, however small: so it does where there is none.
    One that doesn't change, of a set whose maximum does, is the maximum of one side at most and takes nothing.
    """
    same = nd.abs(image_out - reference_out) <= 0
    return nd.astype(same, image_out.dtype)


def block_shares(
    nd: Arrays,
    image: Any,
    reference: Any,
    image_out: Any,
    reference_out: Any,
    image_choice: Any,
    reference_choice: Any,
    *,
    window: tuple[int, ...],
) -> Any:
    """Multipliers of a maximum over disjoint blocks, for an output's multiplier of 1.

    Parameters
    ----------
    image_choice, reference_choice : tensor
        1 where an element is its block's maximum, 0 elsewhere; ties shared out.
    window : tuple of int
        Lengths of the blocks along the axes of the value.
    """
    shape = tuple(image.shape[3:])
    rise, fall = (repeat_blocks(nd, part, shape, window) for part in cross_maximum(nd, image_out, reference_out))
    moved = image_choice * rise + reference_choice * fall
    # an element without a difference that is both sides' maximum: see `unchanged`
    return over(nd, moved, image, reference, nd.minimum(image_choice, reference_choice))


def repeat_blocks(nd: Arrays, tensor: Any, shape: tuple[int, ...], window: tuple[int, ...]) -> Any:
    """Give every element of a block what its block has; what no block covers gets 0.

    Parameters
    ----------
    tensor : tensor, with one entry per block behind the leading axes
    shape : tuple of int
        Of the value that is cut into blocks.
    window : tuple of int
    """
    lead = tuple(tensor.shape[:3])
    once: list[int] = []
    repeated: list[int] = []
    covered: list[int] = []
    for length, size in zip(shape, window, strict=True):
        blocks = length // size
        covered.append(blocks * size)
        once += [blocks, 1] if size > 1 else [blocks]
        repeated += [blocks, size] if size > 1 else [blocks]
    rows = lead[0] * lead[1] * lead[2] * once[0]
    tensor = nd.broadcast_to(nd.reshape(tensor, (rows, *once[1:])), (rows, *repeated[1:]))
    tensor = nd.reshape(tensor, (*lead, *covered))
    for axis, (length, full) in enumerate(zip(covered, shape, strict=True), start=3):
        if length != full:
            rest = (*tensor.shape[:axis], full - length, *tensor.shape[axis + 1 :])
            tensor = nd.concatenate([tensor, nd.zeros(rest, tensor.dtype)], axis)
    return tensor


def sum_blocks(nd: Arrays, tensor: Any, shape: tuple[int, ...], window: tuple[int, ...]) -> Any:
    """The sum over each block, of a tensor with leading axes; the transpose of `repeat_blocks`.

    Parameters
    ----------
    tensor : tensor
    shape : tuple of int
        Of the sums, behind the leading axes; axes of a single block may be left out.
    window : tuple of int
        Lengths of the blocks along the axes of the value.
    """
    lead = tuple(tensor.shape[:3])
    split: list[int] = []
    summed: list[int] = []
    for axis, size in enumerate(window, start=3):
        blocks = tensor.shape[axis] // size
        tensor = tensor[(slice(None),) * axis + (slice(0, blocks * size),)]
        split += [blocks, size] if size > 1 else [blocks]
        if size > 1:
            summed.append(len(split) - 1)
    rows = lead[0] * lead[1] * lead[2] * split[0]
    found = nd.reshape(tensor, (rows, *split[1:]))
    return nd.reshape(nd.sum(found, tuple(summed)) if summed else found, (*lead, *shape))


def sum_of_products(nd: Arrays, image: Any, reference: Any, factor: Any, *, window: tuple[int, ...]) -> Any:
    """Differences times factors, summed over blocks, so that only sums are written to memory.

    Parameters
    ----------
    image, reference, factor : tensor, with three leading axes
    window : tuple of int
        Lengths of the blocks along the axes behind them; what no block covers is left out.
    """
    if prod(window) > MOST_PLACES:
        shape = tuple(length // size for length, size in zip(image.shape[3:], window, strict=True))
        return sum_blocks(nd, (image - reference) * factor, shape, window)

    return _summed_by_places(image, reference, factor, window, 3)


def sum_of_products_in_rows(nd: Arrays, image: Any, reference: Any, factor: Any, *, window: tuple[int, ...]) -> Any:
    """The same for each of several bands, with rows of blocks first.

    Parameters
    ----------
    image, reference, factor : tensor, shape (images or 1, background or 1, rows, ..., bands or 1, channels)
    window : tuple of int
        Lengths of the blocks along rows and the axes that follow.

    Returns
    -------
    tensor, shape (rows of blocks, images, background, bands, ..., channels)
    """
    return nd.moveaxis(_summed_by_places(image, reference, factor, window, 2), (2, -2), (0, 3))


def _summed_by_places(image: Any, reference: Any, factor: Any, window: tuple[int, ...], lead: int) -> Any:
    """Differences times factors of each place in a block, added up; blocks lie behind so many leading axes."""

    def element(tensor: Any, place: tuple[int, ...]) -> Any:
        axes = zip(place, tensor.shape[lead:], window, strict=False)  # others may follow
        every = (slice(first, length // size * size, size) for first, length, size in axes)
        return tensor[(*(slice(None),) * lead, *every)]

    total: Any = None
    for place in combinations(*(range(size) for size in window)):
        part = (element(image, place) - element(reference, place)) * element(factor, place)
        total = part if total is None else total + part
    return total


def softmax_ratio(
    nd: Arrays, image: Any, reference: Any, image_out: Any, reference_out: Any, *, rounding: float
) -> Any:
    """Ratio across exp(x - log(sum(exp(x)))), taken from x - log(sum(exp(x)))."""
    image, reference = image - _logsumexp(nd, image), reference - _logsumexp(nd, reference)
    same = nd.abs(image - reference) <= rounding * (1 + nd.abs(image))
    return divide(nd, image_out - reference_out, image - reference, same, (image_out + reference_out) / 2)


def logsumexp_slope(nd: Arrays, image: Any, reference: Any, *, rounding: float) -> Any:
    """Multipliers of log(sum(exp(x))) over the last axis: exp and log by their ratios, all between 0 and 1."""
    image_log, reference_log = _logsumexp(nd, image), _logsumexp(nd, reference)
    shift = nd.maximum(image_log, reference_log)
    image_exp, reference_exp = nd.exp(image - shift), nd.exp(reference - shift)
    image_sum, reference_sum = nd.sum(image_exp, -1, True), nd.sum(reference_exp, -1, True)
    same = nd.abs(image - reference) <= rounding * (1 + nd.abs(image))
    of_exp = divide(nd, image_exp - reference_exp, image - reference, same, (image_exp + reference_exp) / 2)
    same = nd.abs(image_sum - reference_sum) <= rounding * image_sum
    of_log = divide(nd, image_log - reference_log, image_sum - reference_sum, same, 2 / (image_sum + reference_sum))
    return of_exp * of_log


def _logsumexp(nd: Arrays, x: Any) -> Any:
    top = nd.max(x, -1)
    return top + nd.log(nd.sum(nd.exp(x - top), -1, True))
