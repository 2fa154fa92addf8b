"""Pairs of images and background images, and what they say of the background sample as a whole.

Where all images are compared with all background images, these move the scores of all images together, and column means
show by how much. Where each image has a few of its own, two images have few in common, if any: what part of a pair's
variance images share is then learnt from all cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# a cell's own products of pairs count as much as what all cells say when there are so many
FEW_PRODUCTS = 100
# and where all cells have hardly any, images are taken to share all: intervals too wide rather than too narrow
NO_PRODUCTS = 10


@dataclass(frozen=True)
class Pairs:
    """Scores of some of a cell's images against single background images.

    Attributes
    ----------
    scores : ndarray of float64, shape (images, d, bands)
    weights : ndarray of float64, shape (images,)
        How much each counts in the mean.
    places : ndarray of int, shape (images, d), or None
        Which of the m background images these are, where images have their own; else they are all of them, in order.
    strata : ndarray of int, shape (m,), or None
        Groups from which the background images were drawn in numbers that were fixed.
    m : int
    counts : ndarray of float64, shape (images, m), or None
        How much each background image counts in the scores of an image, in rows that sum to 1, where some don't. Of
        those that do, as many come from each stratum whose images count at all.
    directed : bool
        Whether it is the mean of signed scores that is asked about, not of their size.
    estimates, errors : ndarray of float64, shape (images, bands), or None
        Scores of the images, where pairs say more of them than by their means, and the standard errors that they have
        by their pairs.
    """

    scores: np.ndarray
    weights: np.ndarray
    places: np.ndarray | None
    strata: np.ndarray | None
    m: int
    counts: np.ndarray | None = None
    directed: bool = False
    estimates: np.ndarray | None = None
    errors: np.ndarray | None = None

    @property
    def signs(self) -> np.ndarray:
        """With which sign the scores of each image count in its size, shape (images, bands)."""
        return np.ones_like(self.means) if self.directed else np.sign(self.means)

    @property
    def means(self) -> np.ndarray:
        """The scores of the images, shape (images, bands)."""
        if self.estimates is not None:
            return self.estimates
        if self.counts is None:
            return self.scores.mean(axis=1)
        return np.einsum("im,imb->ib", self.counts, self.scores)

    @cached_property
    def met_strata(self) -> np.ndarray | None:
        """Stratum of each background image, where images have their own from several; those that none met in one."""
        if self.strata is None or self.places is None:
            return None
        met = np.unique(self.places)
        found = np.zeros(self.m, np.int64)
        found[met] = _of_several(self.strata[met])
        return found if np.ptp(found[met]) > 0 else None

    @cached_property
    def meetings(self) -> Meetings:
        """What images have in common."""
        assert self.places is not None
        n, d = self.places.shape
        member = np.zeros((n, self.m))
        np.add.at(member, (np.arange(n)[:, None], self.places), 1.0)
        weights = self.weights / self.weights.sum()
        return Meetings.of(member, weights, self.met_strata, d if self.estimates is None else None)

    def variances(self, deviations: np.ndarray) -> np.ndarray:
        """Of each image's pairs, shape (images, bands), from deviations as `deviations_of` gives them."""
        d = deviations.shape[1]
        means = self.places is not None and self.estimates is None
        found: np.ndarray = (deviations**2).sum(axis=1) / (max(d - 1, 1) if means else d)
        return found


def is_known(pairs: Pairs) -> bool:
    """Whether pairs tell what the background does: not if an image has a single one."""
    return pairs.m > 1 and len(pairs.scores) > 0 and pairs.scores.shape[1] > 1


def deviations_of(pairs: Pairs) -> np.ndarray:
    """What each pair adds to its image's size, less what its background images add on average, as `scores`.

    A pair that counts more than 1 / m does as much more. Within strata, deviations from means of few are enlarged to
    the size that those from the true means would have.
    """
    adds = pairs.signs[:, None] * pairs.scores
    if pairs.places is not None:
        own = adds.mean(axis=1, keepdims=True)
        return adds - (own if pairs.estimates is None else (pairs.signs * pairs.means)[:, None])
    strata = strata_of(pairs)
    found = np.empty_like(adds)
    for stratum in np.unique(strata):
        mine = np.flatnonzero(strata == stratum)
        own = adds[:, mine]
        if pairs.counts is None:
            found[:, mine] = (own - own.mean(axis=1, keepdims=True)) * np.sqrt(len(mine) / max(len(mine) - 1, 1))
            continue
        counts = pairs.counts[:, mine, None]
        size, total = (counts > 0).sum(axis=1, keepdims=True), counts.sum(axis=1, keepdims=True)
        mean = (counts * own).sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
        found[:, mine] = pairs.m * counts * (own - mean) * np.sqrt(size / np.maximum(size - 1, 1))
    return found


def strata_of(pairs: Pairs) -> np.ndarray:
    """Strata of two background images or more; those of one are taken together."""
    if pairs.strata is None:
        return np.zeros(pairs.m, np.int64)
    return _of_several(pairs.strata)


def _of_several(strata: np.ndarray) -> np.ndarray:
    """Numbers of strata, those of one background image taken together, and all where one is left alone."""
    _, stratum, size = np.unique(strata, return_inverse=True, return_counts=True)
    alone = size[stratum] == 1
    if alone.sum() == 1:
        return np.zeros(len(strata), np.int64)  # it would be alone among strata of several, too
    return np.where(alone, -1, stratum)


def within_strata(deviations: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Deviations as `deviations_of` gives them, where images have their own background, less what strata do.

    As many background images come from each stratum in every sample, so what sets strata apart is no error of it. An
    image's own few are as they come: what they do to its score is in the deviations as a whole.

    What strata add is fitted to all pairs of the cell (least squares). Given are what is left, and the same enlarged to
    the size of deviations from true means, by the number of background images that were met.
    """
    if pairs.met_strata is None:
        return deviations, deviations
    assert pairs.places is not None
    _, stratum = np.unique(pairs.met_strata, return_inverse=True)
    size = np.bincount(stratum[np.unique(pairs.places)], minlength=stratum.max() + 1)
    member = np.eye(len(size))[stratum[pairs.places]]
    apart = member if pairs.estimates is not None else member - member.mean(axis=1, keepdims=True)
    weighted = apart * pairs.weights[:, None, None]
    gram = np.einsum("ids,idt->st", weighted, apart)
    added = np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ np.einsum("ids,idb->sb", weighted, deviations)
    left = deviations - apart @ added
    return left, left * (member @ np.sqrt(size / np.maximum(size - 1, 1)))[..., None]


def freedom_of(pairs: Pairs) -> int:
    """Background images less the means within strata, of those that count."""
    strata = strata_of(pairs) if pairs.counts is None else strata_of(pairs)[pairs.counts.any(axis=0)]
    return len(strata) - len(np.unique(strata))


@dataclass(frozen=True)
class Shared:
    """What part of the variance of pairs is that of their background images, in all cells together.

    Attributes
    ----------
    part : float
    """

    part: float = 1.0

    @classmethod
    def of(cls, cells: Sequence[Pairs | None] | None) -> Shared:
        """The part, where images have background images of their own; cells count by their products."""
        products = total = common = 0.0
        for pairs in cells or ():
            if pairs is not None and pairs.places is not None and is_known(pairs) and len(pairs.scores) > 1:
                own = Own.of(deviations_of(pairs), pairs)
                products += own.common * own.excess.sum() / own.products if own.products > 0 else 0.0
                total += own.common * own.within.sum()
                common += own.common
        found = float(np.clip(products / total, 0.0, 1.0)) if total > 0 else 0.0
        return cls((common * found + NO_PRODUCTS) / (common + NO_PRODUCTS))


@dataclass(frozen=True)
class Own:
    """Sums over the pairs of a cell whose images have background images of their own.

    Attributes
    ----------
    sums, excess : ndarray, shapes (m, bands) and (bands,)
        Of deviations within strata with each background image, and of products of those of different images; where
        there are strata, less what is the same for different background images of a stratum.
    products : float
        How many products there are, in units of the variance.
    common : float
        How many pairs of images have a background image in common, counted for each.
    within : ndarray, shape (bands,)
        Variance of the mean over images from one background image to the next, if all images shared it.
    """

    sums: np.ndarray
    excess: np.ndarray
    products: float
    common: float
    within: np.ndarray

    @classmethod
    def of(cls, deviations: np.ndarray, pairs: Pairs) -> Own:
        """The sums, of deviations as `deviations_of` gives them."""
        assert pairs.places is not None
        weights, meetings = pairs.weights / pairs.weights.sum(), pairs.meetings
        met, at = np.unique(pairs.places, return_inverse=True)
        n, d, n_bands = deviations.shape
        summed = np.zeros((n, len(met), n_bands))
        left, enlarged = within_strata(deviations, pairs)
        np.add.at(summed, (np.arange(n)[:, None], at.reshape(n, d)), left * weights[:, None, None])
        together, alone = summed.sum(axis=0), (summed**2).sum(axis=0)
        excess = meetings.factor[met] @ (together**2 - alone)
        if meetings.strata is not None:
            by_stratum = np.einsum("sm,imb->isb", meetings.strata[:, met], summed)
            excess = excess - meetings.ratio @ (by_stratum.sum(axis=0) ** 2 - (by_stratum**2).sum(axis=0))
        sums = np.zeros((pairs.m, n_bands))
        sums[met] = together
        return cls(sums, excess, meetings.products, meetings.common, weights @ pairs.variances(enlarged))

    def variance(self, part: float) -> np.ndarray:
        """Of the mean from one background image to the next, where images share such a part in all cells."""
        # of few products, chance makes much or nothing
        known = self.common / (self.common + FEW_PRODUCTS) if self.products > 0 else 0.0
        alone = self.excess / self.products if self.products > 0 else np.zeros_like(self.excess)
        return known * alone + (1 - known) * part * self.within


@dataclass(frozen=True)
class Meetings:
    """Which background images several images have, where they have their own.

    Products of deviations of different images tell what a background image does to all of them. With strata, what
    products with different background images of a stratum are on average is taken off: that is what the stratum does.

    Attributes
    ----------
    common : float
        How many pairs of images have a background image in common, counted for each.
    products : float
        How many products there are, in units of the variance.
    factor : ndarray, shape (m,)
        How much products with each background image count, 1 where there are no strata.
    strata : ndarray, shape (strata, m), or None
        Which background images each stratum has.
    ratio : ndarray, shape (strata,)
        How much products of sums over a stratum count, against those.
    """

    common: float
    products: float
    factor: np.ndarray
    strata: np.ndarray | None
    ratio: np.ndarray

    @classmethod
    def of(cls, member: np.ndarray, weights: np.ndarray, strata: np.ndarray | None, d: int | None) -> Meetings:
        """What there is to learn from.

        Parameters
        ----------
        member : ndarray, shape (n, m)
            How often each image has each background image.
        weights : ndarray, shape (n,)
            Of the images, with a sum of 1.
        strata : ndarray of int, shape (m,), or None
        d : int or None
            Deviations are from the mean over an image's own d: what two images have of the others of each is taken
            off. None stands for deviations from the mean over all.
        """
        common = ((member.sum(axis=0) ** 2).sum() - (member**2).sum()) / 2
        m = member.shape[1]
        if strata is None:
            ones = np.ones(m)
            return cls(float(common), _products(member, weights, ones, d), ones, None, np.zeros(0))
        belongs = (np.unique(strata)[:, None] == strata).astype(np.float64)
        weighted, own = weights[:, None] * member, member @ belongs.T
        same = belongs @ (weighted.sum(axis=0) ** 2 - (weighted**2).sum(axis=0))
        of_sums = weights[:, None] * own
        different = of_sums.sum(axis=0) ** 2 - (of_sums**2).sum(axis=0) - same
        ratio = np.divide(same, different, out=np.zeros_like(same), where=different > 0)
        factor = 1 + ratio @ belongs
        found = _products(member, weights, factor, d)
        for stratum, part in zip(belongs, ratio, strict=True):
            mine = member * stratum
            if d is not None:
                mine = mine - member * mine.sum(axis=1, keepdims=True) / d
            mine = weights[:, None] * mine
            found -= part * float((mine.sum(axis=0) ** 2).sum() - (mine**2).sum())
        return cls(float(common), found, factor, belongs, ratio)


def _products(member: np.ndarray, weights: np.ndarray, factor: np.ndarray, d: int | None) -> float:
    """Products of deviations that two images have with the same background image, in units of its variance.

    An image may have a background image several times.
    """
    counted = member * factor
    common, own = counted @ member.T, (counted * member) @ member.T
    if d is not None:
        common = common + common * (member @ member.T) / d**2 - (own + own.T) / d
    products = common * weights[:, None] * weights
    return float(products.sum() - np.trace(products))
