"""Background images of an image's own: how they are drawn, and how scores estimated from them lose sampling error.

A few draws per image cost a fraction of the whole pool. What is known of the pool, its mean image and its mean output,
corrects the estimates.
"""

from __future__ import annotations

import numpy as np


def own_draws(values: np.ndarray, each: int, seed: int) -> np.ndarray:
    """Positions in the pool for every image, shape (n, each).

    One from each of `each` equal parts of the pool, ordered by the output that is explained: every background image is
    as likely as any other, and the draws differ less between images than draws from the whole (stratified sampling).

    Parameters
    ----------
    values : ndarray, shape (m, n)
        The output explained for each image, on the pool.
    """
    m, n = values.shape
    order = values.argsort(axis=0, kind="stable")
    place = (np.random.default_rng([seed, 1]).random((n, each)) + np.arange(each)) * (m / each)
    return np.take_along_axis(order.T, place.astype(np.int64), axis=1)


def recentred(references: np.ndarray, m: int, mean: np.ndarray) -> np.ndarray:
    """Stand-ins for drawn background images that remove most of the sampling error of a band's score.

    A score is the mean of M (c(x) - c(r)) over background images r, with c linear: mean(M) (c(x) - mean(c)) - cov(M,
    c). In it the mean of c over the whole pool is known; only M and the covariance have to be estimated from the draws.
    That amounts to moving the draws, where they are subtracted, so that their mean is the pool's (a regression
    estimator). For a linear model, whose M doesn't vary, the sampling error vanishes.

    Parameters
    ----------
    references : ndarray, shape (n * m, *image shape)
        m draws for each of n images.
    m : int
        A single draw tells nothing of the covariance and is returned as it is.
    mean : ndarray, shape of an image
        Mean of the pool.
    """
    if m == 1:
        return references
    drawn = references.reshape(-1, m, *references.shape[1:])
    moved = drawn - drawn.mean(axis=1, keepdims=True) + mean
    return moved.reshape(references.shape).astype(references.dtype)


def made_complete(scores: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Scores estimated from draws, made to sum to f(x) - mean f(background), which is known.

    What is missing is shared out in proportion to the scores' sizes, as their sampling errors are.
    """
    size = np.abs(scores)
    total = size.sum(axis=-1, keepdims=True)
    share = np.divide(size, total, out=np.zeros_like(size), where=total > 0)
    return scores + (differences - scores.sum(axis=-1))[..., None] * share
