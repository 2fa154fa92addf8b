"""Groups of similar images, which a few images can stand for.

Images are compared by principal components of their pixels, since distances between thousands of pixels mostly tell how
much these vary. The components are found from as many images as fit the memory; then all images are read once.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from ..errors import BackgroundError
from .images import Images
from .summaries import band_spread, mean_image

COMPONENTS = 50
# images that the components are found from, at most, and bytes of their pixels
MOST_FITTED = 1000
MOST_BYTES = 1 << 28
BATCH_BYTES = 1 << 25
# starts of k-means, the best of which is taken
STARTS = 4


class Groups(NamedTuple):
    """Groups of images.

    Attributes
    ----------
    members : list of ndarray of int
        Positions of the images of each.
    nearest : ndarray of int, shape (groups,)
        The image of each that is nearest to the mean, in increasing order.
    weights : ndarray of float64, shape (groups,)
        Their shares of the images.
    """

    members: list[np.ndarray]
    nearest: np.ndarray
    weights: np.ndarray


def grouped(images: Images, k: int, seed: int) -> Groups:
    """Put images into k groups, by k-means.

    Raises
    ------
    BackgroundError
        If there are fewer than k different images.
    """
    from sklearn.cluster import KMeans

    points = _components(images, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fewer different images than groups: an error below
        fitted = KMeans(k, n_init=STARTS, random_state=seed).fit(points)
    different = len(np.unique(fitted.labels_))
    if different < k:
        raise BackgroundError(
            f"{different} different images can't make {k} groups.",
            expected="fewer groups than there are different images",
            given=f"`n_background` = {k}",
        )
    distance = ((points - fitted.cluster_centers_[fitted.labels_]) ** 2).sum(axis=1)
    members = [np.flatnonzero(fitted.labels_ == group) for group in range(k)]
    nearest = np.array([mine[distance[mine].argmin()] for mine in members])
    order = np.argsort(nearest)
    members = [members[group] for group in order]
    return Groups(members, nearest[order], np.array([len(mine) for mine in members]) / images.n)


def mean_images(images: Images, groups: Groups) -> np.ndarray:
    """The mean image of each group, shape (groups, *image shape)."""
    return np.stack([mean_image(images, mine) for mine in groups.members])


def _components(images: Images, seed: int) -> np.ndarray:
    """Where each image is among all, shape (n, components)."""
    from sklearn.decomposition import PCA

    size = int(np.prod(images.shape))
    spread = band_spread(images)
    scale = images.cells.spread(np, np.where(spread > 0, spread, 1.0)[None])

    def pixels(positions: np.ndarray) -> np.ndarray:
        return (images.take(positions, np.float64) / scale).reshape(len(positions), -1)

    most = min(images.n, MOST_FITTED, max(COMPONENTS + 1, MOST_BYTES // (8 * size)))
    some = np.sort(np.random.default_rng(seed).choice(images.n, most, replace=False))
    components = min(COMPONENTS, most - 1, size)
    fitted = PCA(components, svd_solver="randomized", random_state=seed).fit(pixels(some))
    at_once = max(1, BATCH_BYTES // (8 * size))
    every = np.arange(images.n)
    return np.concatenate(
        [fitted.transform(pixels(every[start : start + at_once])) for start in range(0, images.n, at_once)]
    )
