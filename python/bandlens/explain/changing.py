"""The fewest bands that change the class when they are taken from another image, and the least way towards it.

Sets of bands are tried by their number, all of one number and of all images at once, so that the first that change the
class are the smallest there are. Where sets of a number are too many, bands are added one by one, and those that turn
out not to be needed taken out again. Of the smallest sets, the one counts that has to move least.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np

from ..data.images import Images
from ..methods.mixtures import Mixing, mixed
from ..models.predictor import Predictor

# sets of one number of bands that are all tried
MOST_SETS = 2000
# equally small sets of an image that are followed, those that differ least from it
MOST_CANDIDATES = 16
# places on the way that are looked at, as the class may change more than once, and halvings between two: to 1/4096
PLACES, HALVINGS = 16, 8
STEP = 0.5**HALVINGS / PLACES
# images and references of a batch take at most so many bytes
BATCH_BYTES = 1 << 27


class Candidates(NamedTuple):
    """Smallest sets that change the class of each image; those that differ least, if there are many.

    Attributes
    ----------
    changed : ndarray of bool, shape (n, candidates, bands)
    neighbour : ndarray of int64, shape (n, candidates)
        Which of the references they are taken from; -1 where there is none.
    exact : ndarray of bool, shape (n,)
        Whether all sets of fewer bands were tried.
    """

    changed: np.ndarray
    neighbour: np.ndarray
    exact: np.ndarray


@dataclass(frozen=True)
class Trial:
    """Some images with references, and the classes that count.

    Attributes
    ----------
    predictor : Predictor
    mixing : Mixing
    images : ndarray, shape (n, *image shape)
    references : ndarray, shape (n, k, *image shape)
    there : ndarray of bool, shape (n, k)
        Which of the references there are.
    apart : ndarray of float64, shape (n, k, bands)
        Squares of the standardised differences of their levels from the image's.
    wanted : ndarray of bool, shape (n, classes)
    positions : ndarray of int64, shape (n,)
        Of the images in `x`, to name one.
    """

    predictor: Predictor
    mixing: Mixing
    images: np.ndarray
    references: np.ndarray
    there: np.ndarray
    apart: np.ndarray
    wanted: np.ndarray
    positions: np.ndarray

    def at(self, rows: np.ndarray) -> Trial:
        """Some of the images."""
        parts = (self.images, self.references, self.there, self.apart, self.wanted, self.positions)
        return Trial(self.predictor, self.mixing, *(part[rows] for part in parts))

    def margins(self, changed: np.ndarray) -> np.ndarray:
        """By how much the best class that is wanted leads, (n, k, sets): above 0 where the class has changed.

        `changed` are bands that come from the reference, (sets, bands) or (n, k, sets, bands).
        """

        def read(units: np.ndarray, at: slice) -> np.ndarray:
            return lead(self.predictor.from_units(units), self.wanted[at, None])[..., None]

        found = mixed(self.mixing, read, 1, self.images, self.references, ~changed, positions=self.positions)[..., 0]
        return np.where(self.there[:, :, None], found, -np.inf)


def lead(outputs: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Largest output of the classes that are wanted less the largest of the others, (..., classes) -> (...)."""
    best = np.where(wanted, outputs, -np.inf).max(axis=-1)
    others = np.where(wanted, -np.inf, outputs).max(axis=-1)
    return best - others


def fewest(trial: Trial, most: int) -> Candidates:
    """The smallest sets of at most so many bands."""
    n, n_bands = len(trial.images), trial.apart.shape[2]
    places = (n, MOST_CANDIDATES)
    found = Candidates(np.zeros((*places, n_bands), bool), np.full(places, -1), np.ones(n, bool))
    left = np.arange(n)
    for size in range(1, most + 1):
        if comb(n_bands, size) > MOST_SETS:
            _one_by_one(trial, left, most, found)
            # all sets of fewer than so many were tried
            found.exact[left] = (found.neighbour[left, 0] >= 0) & (found.changed[left, 0].sum(axis=1) <= size)
            break
        sets = np.zeros((comb(n_bands, size), n_bands), bool)
        for row, chosen in enumerate(combinations(range(n_bands), size)):
            sets[row, chosen] = True
        own = trial.at(left)
        reached = own.margins(sets) > 0
        _keep(found, left, reached, own.apart @ sets.T, np.broadcast_to(sets, (*reached.shape, n_bands)))
        left = left[~reached.any(axis=(1, 2))]
        if not len(left):
            break
    return found


def _keep(found: Candidates, rows: np.ndarray, reached: np.ndarray, apart: np.ndarray, sets: np.ndarray) -> None:
    """Write down the sets that change the class, those that differ least first."""
    flat = np.where(reached, apart, np.inf).reshape(len(rows), -1)
    order = np.argsort(flat, axis=1, kind="stable")[:, :MOST_CANDIDATES]
    row, place = np.nonzero(np.isfinite(np.take_along_axis(flat, order, axis=1)))
    neighbour, at = np.divmod(order[row, place], reached.shape[2])
    found.changed[rows[row], place] = sets[row, neighbour, at]
    found.neighbour[rows[row], place] = neighbour


def _one_by_one(trial: Trial, rows: np.ndarray, most: int, found: Candidates) -> None:
    """Add the band that helps most until the class changes; then take out what is not needed."""
    own = trial.at(rows)
    n, k, n_bands = own.apart.shape
    sets, reached = np.zeros((n, k, n_bands), bool), np.zeros((n, k), bool)
    for _ in range(most):
        margins = own.margins(sets[:, :, None] | np.eye(n_bands, dtype=bool))
        margins[sets] = -np.inf
        best = margins.argmax(axis=2)
        grows = ~reached & own.there
        sets |= grows[..., None] & (np.arange(n_bands) == best[..., None])
        reached |= grows & (margins.max(axis=2) > 0)
        if (reached | ~own.there).all():
            break
    pruned = reached.copy()
    while pruned.any():
        margins = own.margins(sets[:, :, None] & ~np.eye(n_bands, dtype=bool))
        margins[~sets] = -np.inf
        worst = margins.argmax(axis=2)
        pruned &= (margins.max(axis=2) > 0) & (sets.sum(axis=2) > 1)
        sets &= ~(pruned[..., None] & (np.arange(n_bands) == worst[..., None]))
    # the smallest set of all neighbours, and of equal ones the nearest
    sizes = np.where(reached, sets.sum(axis=2), n_bands + 1)
    smallest = reached & (sizes == sizes.min(axis=1, keepdims=True))
    _keep(found, rows, smallest[..., None], (own.apart * sets).sum(axis=2)[..., None], sets[:, :, None])


def least_way(
    predictor: Predictor,
    layout: Images,
    images: np.ndarray,
    references: np.ndarray,
    masks: np.ndarray,
    wanted: np.ndarray,
    size: int,
    *,
    shrink: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far towards the references elements have to go: amounts (n,), changed images, and their outputs.

    Parameters
    ----------
    predictor, layout
        The model, and images that have the layout of these.
    images, references : ndarray, shape (n, *image shape)
    masks : ndarray of bool, shape (n, *spread shape)
        What is changed.
    wanted : ndarray of bool, shape (n, classes)
    size : int
        Images per step.
    shrink : bool
        Whether to go to where the class changes first; else all the way.
    """

    def outputs(batch: np.ndarray) -> np.ndarray:
        return predictor.outputs(layout.holding(batch), size, name="an image with changed bands in `x`")

    def moved(amount: np.ndarray) -> np.ndarray:
        own: Any = amount.astype(images.dtype).reshape(-1, *(1,) * (images.ndim - 1))
        return np.where(masks, images + own * (references - images), images)

    high = np.ones(len(images))
    batch = np.where(masks, references, images)
    found = outputs(batch)

    def tried(amount: np.ndarray) -> np.ndarray:
        """Go so far, where that is enough; which images it is enough for."""
        there = moved(amount)
        values = outputs(there)
        enough: np.ndarray = lead(values, wanted) > 0
        batch[enough], found[enough] = there[enough], values[enough]
        return enough

    if shrink:
        for place in range(PLACES - 1, 0, -1):  # from afar, so that what is kept is the nearest
            here = np.full(len(images), place / PLACES)
            high = np.where(tried(here), here, high)
        low = high - 1 / PLACES
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            enough = tried(middle)
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        # a step farther, so that the class does not hang on the last digit
        farther = np.minimum(high + STEP, 1.0)
        high = np.where(tried(farther), farther, high)
    return high, batch, found


def images_per_batch(layout: Images, k: int, itemsize: int) -> int:
    """Images that are looked at together with k references each."""
    return max(1, BATCH_BYTES // max(1, (k + 1) * int(np.prod(layout.shape)) * itemsize))
