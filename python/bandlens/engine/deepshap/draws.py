"""Scores from a few background images per image, drawn from a pool, instead of from the whole pool.

Draws cost a fraction, but a mean over four of them is a noisy estimate. Most of that noise is not noise: it depends on
the background images drawn, in much the same way for all images of a class. It is learnt from all of their draws and
taken out. What is known exactly, the sum over the bands, is then put right. How much noise is left is known from
images that others explain: what is learnt from these is held against the image's own draws.
"""

from __future__ import annotations

import numpy as np

# draws that are learnt from at once, at most: the cost grows with their cube
MOST_DRAWS = 400
# levels of the output in each part of the pool from which an image has one draw
LEVELS = 16
# strengths of the ridge penalty that are tried, relative to the mean eigenvalue
PENALTIES = np.geomspace(1e-3, 10.0, 9)


def own_draws(values: np.ndarray, groups: np.ndarray, each: int, seed: int) -> np.ndarray:
    """Positions in the pool for every image, shape (n, each).

    One from each of `each` equal parts of the pool, ordered by the output that is explained (stratified sampling), by
    its level, as rounding must not change the order. Within a part, the draws of a group of images are spread evenly
    (systematic sampling), so that the group as a whole uses the whole pool. Every background image is as likely as any
    other.

    Parameters
    ----------
    values : ndarray, shape (m, outputs)
        Outputs of the pool.
    groups : ndarray of int, shape (n,)
        The output that each image is explained by.
    each, seed : int
    """
    m, n = len(values), len(groups)
    random = np.random.default_rng([seed, 1])
    place = np.empty((n, each))
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        for part in range(each):
            place[mine, part] = part + (random.permutation(len(mine)) + random.random()) / len(mine)
    place = np.minimum((place * (m / each)).astype(np.int64), m - 1)
    order = levels_of(values, LEVELS * each).argsort(axis=0, kind="stable")
    found: np.ndarray = order[place, groups[:, None]]
    return found


def levels_of(values: np.ndarray, levels: int) -> np.ndarray:
    """The number of each value's level, of so many between the smallest and the largest of its column."""
    low, spread = values.min(axis=0), np.ptp(values, axis=0)
    return np.rint((values - low) / np.where(spread > 0, spread, 1.0) * levels)


def averaged(
    pairs: np.ndarray, draws: np.ndarray, background: np.ndarray, images: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate of each image's mean over the whole pool, from its draws, and its standard error.

    It is the mean over draws of s(i, d) - g(i, d), where s are the pairs and g a smooth function whose mean over the
    pool is 0 for every image: what g explains of the differences between draws is no sampling error any more (a
    difference estimator, Särndal, Swensson & Wretman 1992, ch. 6). g is fitted by kernel ridge regression to the
    differences between the draws of an image, within a group, with the penalty that predicts best by generalised
    cross-validation (Golub, Heath & Wahba 1979). Where nothing can be learnt that is the plain mean. All columns share
    the penalty, so that the estimate of a sum is the sum of the estimates.

    Parameters
    ----------
    pairs : ndarray, shape (n, d, columns)
        Scores of every image against each of its draws.
    draws : ndarray of int, shape (n, d)
        Positions in the pool.
    background, images : ndarray, shapes (m, features) and (n, features)
        What tells images apart: outputs and band means.
    groups : ndarray of int, shape (n,)
        Images that may learn from each other.

    Returns
    -------
    scores, errors : ndarray of float64, shape (n, columns)
        The errors are those of differences between draws that what was learnt from the other images leaves (leave one
        image out), for draws without replacement; NaN where an image has a single draw.
    """
    center, spread = background.mean(axis=0), background.std(axis=0)
    background, images = ((one - center) / np.where(spread > 0, spread, 1.0) for one in (background, images))
    kernel = background @ background.T / background.shape[1] + _nearness(background)
    kernel -= kernel.mean(axis=0) + kernel.mean(axis=1)[:, None] - kernel.mean()
    scores, errors = pairs.mean(axis=1, dtype=np.float64), np.full((len(pairs), pairs.shape[2]), np.nan)
    most = max(1, MOST_DRAWS // draws.shape[1])
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        for block in np.array_split(mine, -(-len(mine) // most)):
            alike, own = 1.0 + _nearness(images[block]), pairs[block].astype(np.float64)
            explained, variances = _explained(own, kernel, alike, draws[block])
            scores[block] -= explained
            errors[block] = np.sqrt(variances * max(0.0, 1 - draws.shape[1] / len(background)))
    return scores, errors


def _nearness(features: np.ndarray) -> np.ndarray:
    """Gaussian kernel of all pairs of rows."""
    squares = (features**2).sum(axis=1)
    distance = squares[:, None] + squares - 2 * features @ features.T
    return np.exp(-np.maximum(distance, 0) / (2 * features.shape[1]))


def _explained(
    pairs: np.ndarray, kernel: np.ndarray, alike: np.ndarray, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of g over each image's draws, and the variance of the mean of what it leaves, both of shape (n, columns)."""
    n, d, columns = pairs.shape
    deviations = pairs - pairs.mean(axis=1, keepdims=True)
    if d == 1:
        return np.zeros((n, columns)), np.full((n, columns), np.nan)
    image, reference = np.repeat(np.arange(n), d), draws.ravel()
    between = kernel[np.ix_(reference, reference)] * alike[np.ix_(image, image)]
    within = between.reshape(n, d, n, d)
    within = within - within.mean(axis=1, keepdims=True)
    within = within - within.mean(axis=3, keepdims=True)
    values, vectors = np.linalg.eigh(within.reshape(n * d, n * d))
    values = np.maximum(values, 0.0)
    if not values.sum() > 0:  # there are no differences to learn from
        return np.zeros((n, columns)), (deviations**2).sum(axis=1) / (d * (d - 1))
    known = vectors.T @ deviations.reshape(n * d, columns)
    penalties = PENALTIES * values.sum() / (n * (d - 1))
    left = penalties[:, None] / (values + penalties[:, None])
    size = np.maximum((known**2).sum(axis=0), np.finfo(np.float64).tiny)  # every column counts the same
    # of the n * d residuals, n are 0 by construction
    error = (left**2 @ (known**2 / size)).sum(axis=1) / (left.sum(axis=1) - n) ** 2
    penalty = penalties[error.argmin()]
    weights = vectors @ (known / (values + penalty)[:, None])
    explained: np.ndarray = (between @ weights).reshape(n, d, columns).mean(axis=1)
    # residuals of an image by a fit without it, from the fit with all: (inverse's block of the image)^-1 weights
    by_image = vectors.reshape(n, d, n * d)
    inverse = (by_image / (values + penalty)) @ np.swapaxes(by_image, 1, 2)
    left_out = np.linalg.solve(inverse, weights.reshape(n, d, columns))
    return explained, (left_out**2).sum(axis=1) / (d * (d - 1))


def made_complete(scores: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Scores estimated from draws, made to sum to f(x) - mean f(background), which is known.

    What is missing is shared out in proportion to the scores' sizes, as their sampling errors are.
    """
    size = np.abs(scores)
    total = size.sum(axis=-1, keepdims=True)
    share = np.divide(size, total, out=np.zeros_like(size), where=total > 0)
    return scores + (differences - scores.sum(axis=-1))[..., None] * share
