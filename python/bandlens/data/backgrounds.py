"""Which images stand for "band not informative", and how much each counts: strategies are values that are recorded.

What an image is compared with is part of the question. A sample asks what sets it apart from all images; images of
other classes, what sets it apart from those; a summary is cheap; weights mend a sample that is unlike the population.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import BackgroundError, MissingPackageError, OptionError
from .labelled import LabelledImages
from .positions import spelled
from .turns import in_turn
from .words import choices, few, nearest, shown

STRATEGIES = ("sample", "balanced", "others", "kmeans", "kmedoids")
# that of images that come with weights of their own
WEIGHTED = "weighted"
# those that are samples from all
PLAIN = ("sample", "balanced")
# those that need to know the classes of background images
BY_CLASS = ("balanced", "others")
SUMMARIES = ("kmeans", "kmedoids")


@dataclass(frozen=True, eq=False)
class BackgroundImages:
    """Background images and how they are chosen: what functions take as `background`.

    A strategy alone, such as ``background="kmeans"``, chooses from the explained images.

    Attributes
    ----------
    x : array_like, shape (m, rows, cols, bands), optional
        What to choose from, in any form that `background` takes; without it, the explained images.
    y : array_like, shape (m,), optional
        Classes of the images, which "balanced" and "others" ask for; those of `LabelledImages` by default, else what
        the model takes them for.
    strategy : {"sample", "balanced", "others", "kmeans", "kmedoids"}, optional
        - "sample": `n_background` images at random. The default for images of their own.
        - "balanced": as many of each class, as far as there are so many. The default for the explained images of a
          model of classes. With `precision`, no more than keeps classes even, but 100 in all.
        - "others": as many of each class, and each image is compared with those of other classes than its own only. Of
          images with one class each.
        - "kmeans": the means of `n_background` groups of similar images (k-means), each with the share of the images
          in its group as its weight. A mean of images is smoother than any of them.
        - "kmedoids": the images that are nearest to these means, with the same weights.

        Similar are images that differ little in the first 50 principal components of their pixels, each band divided by
        its standard deviation. Where there are many images, components are those of a sample of them; all are grouped.
    weights : array_like of float, shape (m,), optional
        How much each image counts, positive numbers, which are divided by their sum. All images are then used, and
        there is no strategy.

    Examples
    --------
    >>> import numpy as np
    >>> BackgroundImages(np.zeros((5, 3, 3, 2)), strategy="kmedoids")
    <BackgroundImages: shape (5, 3, 3, 2), kmedoids>
    """

    x: Any = None
    y: Any = None
    strategy: str | None = None
    weights: Any = None

    def __repr__(self) -> str:
        images = self.x.x if isinstance(self.x, LabelledImages) else self.x
        several = isinstance(images, dict | list | tuple)
        held = "the explained images" if images is None else "" if several else f"shape {np.shape(images)}"
        how = self.strategy or ("weighted" if self.weights is not None else "")
        return f"<BackgroundImages: {', '.join(filter(None, (held, how)))}>"


def refuse_strategy(background: Any, verb: str) -> None:
    """Refuse a strategy where a verb draws from the background by itself.

    Raises
    ------
    OptionError
    """
    if isinstance(background, str | BackgroundImages):
        raise OptionError(
            f"{verb} draws from the background by itself: that has no strategy and no weights.",
            expected="images as `background`",
            given=shown(background) if isinstance(background, str) else repr(background),
        )


def checked_strategy(strategy: Any, weights: Any) -> str | None:
    """The name of a strategy, if there is one, or of that of weights.

    Raises
    ------
    OptionError
        If there is no such strategy, or one besides weights.
    """
    if strategy is not None and (not isinstance(strategy, str) or strategy not in STRATEGIES):
        raise OptionError(
            "There is no such strategy to choose a background.",
            expected=f"{choices(STRATEGIES)}, or images",
            given=shown(strategy),
            fix=nearest(strategy, STRATEGIES),
        )
    if weights is None:
        return strategy
    if strategy is not None:
        raise OptionError(
            "Background images that have weights of their own are all used: nothing is chosen among them.",
            expected="`weights` or `strategy`",
            given=f"both, the strategy {shown(strategy)}",
        )
    return WEIGHTED


def checked_weights(weights: Any, n: int, most: int) -> np.ndarray:
    """Weights of n background images, of which `most` may be used; their sum is 1.

    Raises
    ------
    BackgroundError
        If they are not a positive number for each image, or not all images would be used.
    """
    array = np.asarray(weights)
    if array.dtype.kind not in "buif" or array.shape != (n,):
        raise BackgroundError(
            "`weights` must be a number for each background image.",
            expected=f"{n} numbers",
            given=f"shape {array.shape}" if array.dtype.kind in "buif" else f"{array.dtype} of shape {array.shape}",
        )
    found = array.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(found) & (found > 0)))
    if len(wrong):
        raise BackgroundError(
            "`weights` of background images must be positive.",
            expected="finite numbers above 0",
            given=few(found[wrong].tolist()),
            fix="leave out images that shall not count",
        )
    if n > most:
        raise BackgroundError(
            f"There are weights for {n} background images, of which no more than {most} may be used.",
            expected="as many weighted images as are used",
            given=f"`n_background` = {most}",
            fix=f"set `n_background` to {n}, or leave out images",
        )
    weighted: np.ndarray = found / found.sum()
    return weighted


def check_centres(strategy: str, n: int, k: int) -> None:
    """Refuse to summarise images by as many, or without the package that does it.

    Raises
    ------
    BackgroundError, MissingPackageError
    """
    if strategy not in SUMMARIES:
        return
    if find_spec("sklearn") is None:
        raise MissingPackageError(
            f"The background strategy {shown(strategy)} needs the Python package scikit-learn.",
            fix=spelled("pip install scikit-learn", 'reticulate::py_install("scikit-learn")'),
        )
    if k >= n:
        raise BackgroundError(
            f"{n} images can't be summarised by {k}.",
            expected="fewer than there are images",
            given=f"`n_background` = {k}",
            fix="set `n_background` to 20, or leave out the strategy" if n > 20 else "leave out the strategy",
        )


def drawn(n: int, most: int, codes: np.ndarray | None, seed: int) -> np.ndarray:
    """A seeded sample of positions in increasing order, as evenly from every class as there are images for."""
    if n <= most:
        return np.arange(n)
    random = np.random.default_rng(seed)
    if codes is None:
        return np.sort(random.choice(n, most, replace=False))
    return np.sort(in_turn(codes, random)[:most])


def weights_of_others(strata: np.ndarray, codes: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """How much background images of classes `strata` count for images of each class: none of its own.

    Parameters
    ----------
    strata : ndarray of int, shape (m,)
    codes : ndarray of int, shape (n,)
        Classes of the images.
    classes : tuple of str
        Names of all classes.

    Returns
    -------
    ndarray of float64, shape (classes, m)
        Rows sum to 1; that of a class of which all background images are, and no image, stands for nothing.

    Raises
    ------
    BackgroundError
        If all background images are of the class of an image.
    """
    counts = (strata[None] != np.arange(len(classes))[:, None]).astype(np.float64)
    sums = counts.sum(axis=1)
    alone = [code for code in np.unique(codes).tolist() if sums[code] == 0]
    if alone:
        raise BackgroundError(
            f"There are no background images of other classes than '{classes[alone[0]]}'.",
            expected="background images of two classes or more",
            given=f"{len(strata)} of '{classes[alone[0]]}'",
            fix="give images of all classes as `background`",
        )
    counts[sums == 0] = 1.0
    found: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
    return found
