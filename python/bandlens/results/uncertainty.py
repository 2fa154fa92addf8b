"""How far the class x band table would be another with other images and another background sample.

An importance is a mean over images of the size of a mean over background images, and both are samples. Images: the
deviations of their scores from the importance. Background images: each moves the scores of all images together. For
image i, background image j and the score s_i, the mean of a_ij over j, let h_ij = sign(s_i) a_ij, so that importance is
the mean of h. Then

    Var = V_images / n + V_background / m + V_pairs / (n m).

The sample variance of the |s_i| over n has the first and the last part in it; that of the column means of h, less what
pairs alone do to them, is the second (two-way analysis of variance; Searle, Casella & McCulloch 1992, Variance
Components, ch. 4). Where each image has a few background images of its own, the second part comes from products of
deviations that different images have with the same background image, less those that they have with others of its
stratum, where as many are drawn from each. A cell may have few such products, or none: what
part of a pair's variance its images share is then taken from all cells, see `Shared`.

The size of a mean that errs is too large on average, by that of a folded normal distribution. Importance stays what it
is, the mean size of the scores that were found; its interval reaches further down by what that bias is at most, so that
it holds the value without it. Where all scores are nothing but errors, it still holds 0 in nearly nine cases of ten.
Where each image has a few background images of its own and the errors of scores by that are known, sizes are without
these errors (`sizes`); left is the bias by the error of the whole background, and what sizes can't be put right by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special

from ..data.moments import half_width
from .pairs import Own, Pairs, Shared, deviations_of, freedom_of, is_known, within_strata
from .sizes import remaining

# what the bias is, compared with that of a folded normal distribution about the scores that were found: these err
# themselves, so that on average it is so many times as large where the true score is 0, and less elsewhere
AT_MOST = 1 + np.sqrt(2)
# draws behind the probability of being first, and what differs less from the first than by such a part is as large
DRAWS = 4000
EQUAL = 1e-6


class Uncertainty(NamedTuple):
    """Columns of the table, each ndarray of float64, shape (cells, bands); NaN where a cell has a single image.

    Attributes
    ----------
    se_images, se_background : ndarray
        Parts of the standard error. The second is NaN where it is not known, and then in no interval.
    std_error, conf_low, conf_high : ndarray
        Of the importance.
    share_low, share_high : ndarray
        95 % interval of the share.
    p_first : ndarray
        Probability that the band is the most important one, given the errors.
    """

    se_images: np.ndarray
    se_background: np.ndarray
    std_error: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    share_low: np.ndarray
    share_high: np.ndarray
    p_first: np.ndarray


@dataclass(frozen=True)
class Moves:
    """What the background sample does to a mean over images.

    Attributes
    ----------
    influence : ndarray, shape (m, bands)
        What each background image adds to the importance, compared with the mean one.
    estimate, bias : ndarray, shape (bands,)
        Estimates of the variance of the importance, without a bias of its own, and of its bias, at most.
    freedom : float
        Degrees of freedom of the variance.
    """

    influence: np.ndarray
    estimate: np.ndarray
    bias: np.ndarray
    freedom: float

    @property
    def variance(self) -> np.ndarray:
        """Of what images hardly share, chance may find less than nothing."""
        return np.maximum(self.estimate, 0.0)

    @property
    def draws(self) -> np.ndarray:
        """Influences of such a size that their squares add up to the variance."""
        return scaled(self.influence, self.variance)


def uncertainty(
    sizes: np.ndarray,
    cell: np.ndarray,
    importance: np.ndarray,
    *,
    directed: bool,
    pairs: list[Pairs | None] | None,
    freedom: float | None = None,
) -> Uncertainty:
    """Errors and intervals of means over images.

    Parameters
    ----------
    sizes : ndarray, shape (rows, bands)
        What importance is the mean of.
    cell : ndarray of int, shape (rows,)
    importance : ndarray, shape (cells, bands)
    directed : bool
        Whether sizes have a sign, so that bounds may be below 0.
    pairs : list of Pairs or None, or None
        Of each cell, None where it is not known what the background does; None in all where there is no background.
    freedom : float, optional
        Degrees of freedom of the part of the images; by default one less than there are.
    """
    found = {name: np.full(importance.shape, np.nan) for name in Uncertainty._fields}
    order = np.argsort(cell, kind="stable")
    bounds = np.searchsorted(cell[order], np.arange(len(importance) + 1))
    shared = Shared.of(pairs)
    for row, mean in enumerate(importance):
        mine = sizes[order[bounds[row] : bounds[row + 1]]]
        if len(mine) > 1:
            known = None if pairs is None else pairs[row]
            one = _of_cell(mine, mean, known, shared, directed=directed, freedom=freedom, compared=pairs is not None)
            for name, values in one._asdict().items():
                found[name][row] = values
    return Uncertainty(**found)


def _of_cell(
    sizes: np.ndarray,
    mean: np.ndarray,
    pairs: Pairs | None,
    shared: Shared,
    *,
    directed: bool,
    freedom: float | None,
    compared: bool,
) -> Uncertainty:
    n = len(sizes)
    freedom = n - 1 if freedom is None else freedom
    deviations = sizes - mean
    images = (deviations**2).sum(axis=0) / (n * (n - 1))
    moves = None if compared else _still(len(mean))
    moved = moves
    known = pairs is not None and is_known(pairs)
    if known:
        assert pairs is not None
        of_pairs = deviations_of(pairs)
        bias = bias_of(of_pairs, pairs).total
        moves = moves_of(of_pairs, bias, pairs, shared)
    low, high = interval(mean, [(images, freedom), *_part_of(moves)], None if moves is None else moves.bias)
    if not directed:
        low = np.maximum(low, 0.0)
    unknown = np.full_like(mean, np.nan)
    background = unknown if moves is None else moves.variance
    both = images + (0.0 if moves is None else background)

    if not (mean > 0).any() or np.isnan(images).any():
        return Uncertainty(np.sqrt(images), np.sqrt(background), np.sqrt(both), low, high, *[unknown] * 3)
    of_share = partial(share_changes, mean)
    if known:
        assert pairs is not None
        moved = moves_of(of_share(of_pairs), of_share(bias), pairs, shared)
    parts = [((of_share(deviations) ** 2).sum(axis=0) / (n * (n - 1)), freedom), *_part_of(moved)]
    return Uncertainty(
        np.sqrt(images), np.sqrt(background), np.sqrt(both), low, high,
        *share_interval(mean, high, parts, None if moved is None else moved.bias),
        first_of(mean, [deviations / np.sqrt(n * (n - 1)), *([] if moves is None else [moves.draws])]),
    )  # fmt: skip


def _part_of(moves: Moves | None) -> list[tuple[np.ndarray, float]]:
    return [] if moves is None else [(moves.variance, moves.freedom)]


def interval(
    centre: np.ndarray, parts: Sequence[tuple[np.ndarray, float]], bias: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval from independent parts of a variance, widened by a bias.

    Parameters
    ----------
    centre : ndarray, shape (bands,)
    parts : sequence of (ndarray, float)
        Variances, shape (bands,), and the degrees of freedom of each; together they have those of Satterthwaite (1946).
    bias : ndarray, shape (bands,), optional
        By how much the centre is too large, at most.
    """
    total = sum((variance for variance, _ in parts), np.zeros_like(centre))
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = total**2 / sum(variance**2 / own for variance, own in parts)
    half = half_width(np.sqrt(total), np.where(total > 0, freedom, 1.0))
    if bias is None:
        return centre - half, centre + half
    return centre - half - np.maximum(bias, 0.0), centre + half + np.maximum(-bias, 0.0)


def share_interval(
    mean: np.ndarray, high: np.ndarray, parts: Sequence[tuple[np.ndarray, float]], bias: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of the shares of a row of a table, from parts of their variance; `high` is that of importances."""
    positive = np.where(mean > 0, mean, 0.0)
    share_low, share_high = interval(positive / positive.sum(), parts, bias)
    # an importance that chance made negative has no share, but its interval may
    share_high = np.where(mean > 0, share_high, np.maximum(high, 0.0) / positive.sum())
    return np.clip(share_low, 0.0, 1.0), np.clip(share_high, 0.0, 1.0)


def share_changes(mean: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What changes of importances, along the last axis of `values`, do to the shares of a row of a table.

    An importance below 0 has no share, and takes none from others.
    """
    positive = np.where(mean > 0, mean, 0.0)
    total = positive.sum()
    changes: np.ndarray = np.where(mean > 0, values, 0.0)
    return (changes - positive / total * changes.sum(axis=-1, keepdims=True)) / total


class ShareParts(NamedTuple):
    """What makes the intervals of shares of a cell as wide as they are, each ndarray of float64, shape (bands,).

    Attributes
    ----------
    images, background : ndarray
        Parts of the variance.
    pairs : ndarray
        How much of `images` is that each image was compared with a few background images only.
    by_background, by_pairs, unknown : ndarray
        By how much the interval reaches further to one side, see `Bias`.
    """

    images: np.ndarray
    background: np.ndarray
    pairs: np.ndarray
    by_background: np.ndarray
    by_pairs: np.ndarray
    unknown: np.ndarray


def share_parts(sizes: np.ndarray, mean: np.ndarray, pairs: Pairs | None, shared: Shared) -> ShareParts:
    """Parts of the uncertainty of shares, from the sizes of a cell's images, their mean, and some of their pairs."""
    n, of_share = len(sizes), partial(share_changes, mean)
    images = (of_share(sizes - mean) ** 2).sum(axis=0) / (n * (n - 1))
    nothing = np.zeros_like(images)
    if pairs is None or not is_known(pairs):
        return ShareParts(images, *[nothing] * 5)
    deviations = deviations_of(pairs)
    bias = [np.abs(of_share(part)) for part in bias_of(deviations, pairs)]
    changes = of_share(deviations)
    moves = moves_of(changes, nothing, pairs, shared)
    if pairs.errors is None:
        within = pairs.variances(changes) / changes.shape[1]
    else:  # errors of bands are taken to be independent
        each = np.eye(len(mean)) * pairs.errors[:, None]
        within = (of_share(each) ** 2).sum(axis=1)
    of_pairs = np.minimum(np.average(within, axis=0, weights=pairs.weights) / n, images)
    return ShareParts(images, moves.variance, of_pairs, *bias)


def _still(n_bands: int) -> Moves:
    """The moves of no background at all."""
    return Moves(np.zeros((0, n_bands)), np.zeros(n_bands), np.zeros(n_bands), 1.0)


class Bias(NamedTuple):
    """By how much, at most, errors of scores make the mean of their sizes larger, each ndarray of shape (bands,).

    Attributes
    ----------
    by_background : ndarray
        Errors by the background images that there are, which fall with their number.
    by_pairs : ndarray
        Errors by those that each image was compared with, where sizes are not without them.
    unknown : ndarray
        What is left of these in sizes that are without them, as nearly as can be.
    """

    by_background: np.ndarray
    by_pairs: np.ndarray
    unknown: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """All of it."""
        return self.by_background + self.by_pairs + self.unknown


def bias_of(deviations: np.ndarray, pairs: Pairs) -> Bias:
    """Bias of the mean size of the scores that have these pairs, with deviations as `deviations_of` gives them.

    The mean of signed scores has none.
    """
    weights, variances = pairs.weights / pairs.weights.sum(), pairs.variances(deviations)
    nothing = np.zeros(deviations.shape[2])
    if pairs.directed:
        return Bias(nothing, nothing, nothing)
    if pairs.errors is None:
        bias = AT_MOST * weights @ folded(np.abs(pairs.means), np.sqrt(variances / deviations.shape[1]))
        return Bias(bias, nothing, nothing) if pairs.places is None else Bias(nothing, bias, nothing)
    by_all = pairs.variances(within_strata(deviations, pairs)[1]) / pairs.m
    bias = AT_MOST * weights @ folded(np.abs(pairs.means), np.sqrt(by_all))
    error, observed = weights @ pairs.errors**2, weights @ pairs.means**2
    # of what is observed, errors are a part, itself known to a standard error: sizes are right where it is a small one
    part = np.divide(error, observed, out=np.zeros_like(error), where=observed > 0)
    part *= 1 + np.sqrt(2 * (weights**2).sum())
    return Bias(bias, nothing, np.minimum(part, 1.0) ** 2 * remaining() * (weights @ pairs.errors))


def folded(size: np.ndarray, error: np.ndarray) -> np.ndarray:
    """By how much the mean size of a normal variable exceeds the size of its mean; 0 without an error."""
    safe = np.where(error > 0, error, 1.0)
    ratio = size / safe
    more = safe * (np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) - 2 * ratio * special.ndtr(-ratio))
    return np.where(error > 0, more, 0.0)


def moves_of(deviations: np.ndarray, bias: np.ndarray, pairs: Pairs, shared: Shared) -> Moves:
    """Influence of each background image on a mean over images, and the variance of it that images share."""
    m, freedom = pairs.m, float(max(freedom_of(pairs), 1))
    weights = pairs.weights / pairs.weights.sum()
    if pairs.places is not None:
        own = Own.of(deviations, pairs)
        if len(weights) == 1:  # nothing tells what is shared: as if all were
            return Moves(own.sums / m, own.within / pairs.scores.shape[1], bias, freedom)
        return Moves(own.sums / m, own.variance(shared.part) / m, bias, freedom)
    weighted = deviations * weights[:, None, None]
    products = 1 - (weights**2).sum()
    sums, alone = weighted.sum(axis=0), (weighted**2).sum(axis=(0, 1))
    # of one image, nothing tells what it would share: as if all
    variance = alone / m**2 if len(weights) == 1 else ((sums**2).sum(axis=0) - alone) / products / m**2
    return Moves(sums / m, variance, bias, freedom)


def first_of(mean: np.ndarray, moved_by: Sequence[np.ndarray]) -> np.ndarray:
    """How often each band is the first, when importances are moved at random as far as their errors say.

    Parameters
    ----------
    mean : ndarray, shape (bands,)
    moved_by : sequence of ndarray, shape (draws, bands)
        Independent moves, whose squares add up to the variance.
    """
    covariance = sum((moves.T @ moves for moves in moved_by), np.zeros((len(mean), len(mean))))
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    drawn = mean + np.random.default_rng(0).standard_normal((DRAWS, len(mean))) @ root
    first = drawn >= drawn.max(axis=1, keepdims=True) - EQUAL * np.abs(mean).max()
    found: np.ndarray = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)  # equal bands share it
    return found


def scaled(moves: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Moves, shape (draws, bands), of such a size that their squares add up to a variance."""
    raw = (moves**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return moves * np.where(raw > 0, np.sqrt(variance / raw), 0.0)
