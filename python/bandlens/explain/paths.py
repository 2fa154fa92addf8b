"""In which order bands come or go, and what each number of them is worth to images that had no say in the order.

A set that was chosen because it did best on some images looks better on these than on others. So each fold of the
images is scored along a path that the other folds chose, while the path that is reported is chosen by all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# sets of features (sets, features) -> what they are worth to each image in each run, (runs, images, sets)
Worth = Callable[[np.ndarray], np.ndarray]


class Path(NamedTuple):
    """Steps from few bands to all.

    Attributes
    ----------
    sets : ndarray of bool, shape (features, features)
        Features of each number of them, from 1.
    moved : ndarray of int64, shape (features,)
        The one that was added last, or removed to get there; -1 where all are there yet.
    worth : ndarray, shape (runs, images, features)
        To images that had no say in the order.
    """

    sets: np.ndarray
    moved: np.ndarray
    worth: np.ndarray


def folds_of(codes: np.ndarray, folds: int, seed: int, run: int) -> np.ndarray:
    """A fold for each image, with as many of each class in each as there can be, shape (n,)."""
    random = np.random.default_rng([seed, 2, run])
    shuffled = random.permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    found = np.empty(len(codes), np.int64)
    found[order] = np.arange(len(codes)) % folds
    return found


def followed_path(
    worth: Worth,
    n_features: int,
    folds: np.ndarray,
    order: np.ndarray | None,
    backward: bool,
    tick: Callable[[int], None],
) -> Path:
    """The path of a method.

    Parameters
    ----------
    worth : callable
    n_features : int
    folds : ndarray of int64, shape (n,)
        Of the images that are scored.
    order : ndarray of int64, shape (features,), or None
        The order in which features come; if None they are chosen one by one.
    backward : bool
        Whether they are chosen by leaving out, from all, the one that is missed least.
    tick : callable
        Told how many steps were made.
    """
    n_folds = int(folds.max()) + 1
    # the images that choose: all but those of a fold, and at last all
    voters = np.concatenate([folds[None] != np.arange(n_folds)[:, None], np.ones((1, len(folds)), bool)])
    current = np.full((n_folds + 1, n_features), backward)
    sets, moved, values = [], [], []
    counts = range(n_features, 0, -1) if backward else range(1, n_features + 1)
    for count in counts:
        if backward and count == n_features:
            options = [np.array([-1])] * len(current)
        elif order is not None:
            options = [order[count - 1 : count]] * len(current)
        else:
            options = [np.flatnonzero(own == backward) for own in current]
        tried = [_changed(own, options_, not backward) for own, options_ in zip(current, options, strict=True)]
        every, inverse = np.unique(np.concatenate(tried), axis=0, return_inverse=True)
        places = np.split(inverse.reshape(-1), np.cumsum([len(one) for one in tried])[:-1])
        found = worth(every)
        mean = found.mean(axis=0)
        best = np.empty(len(current), np.int64)
        for at, (own, voting) in enumerate(zip(places, voters, strict=True)):
            # of sets that are worth the same but for rounding, the first
            scores = mean[voting][:, own].mean(axis=0)
            first = int(np.flatnonzero(np.isclose(scores, scores.max(), rtol=1e-9, atol=1e-12))[0])
            best[at] = own[first]
            current[at] = every[own[first]]
        sets.append(current[-1].copy())
        chosen = places[-1].tolist().index(int(best[-1]))
        moved.append(int(options[-1][chosen]))
        values.append(found[:, np.arange(len(folds)), best[folds]])
        tick(1)
    ascending = slice(None, None, -1) if backward else slice(None)
    return Path(np.array(sets)[ascending], np.array(moved, np.int64)[ascending], np.stack(values[ascending], axis=-1))


def _changed(own: np.ndarray, features: np.ndarray, value: bool) -> np.ndarray:
    """The set with each of these features there, or gone, in turn, shape (len(features), features)."""
    found = np.repeat(own[None], len(features), axis=0)
    known = features >= 0
    found[np.flatnonzero(known), features[known]] = value
    return found
