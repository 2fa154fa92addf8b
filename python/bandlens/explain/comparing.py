"""What images are compared with: the background images that a question's strategy chooses, and how much each counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.backgrounds import (
    BY_CLASS,
    PLAIN,
    SUMMARIES,
    WEIGHTED,
    check_centres,
    checked_strategy,
    checked_weights,
    drawn,
    weights_of_others,
)
from ..data.centres import grouped, mean_images
from ..data.images import Images
from ..data.kept import with_kept
from ..data.labels import label_codes
from ..data.repeated import first_codes
from ..data.tasks import CLASSIFICATION
from ..data.words import argument, choices, shown
from ..errors import BackgroundError, BandlensError, OptionError
from ..models.predictor import Predictor
from .question import Question
from .targets import Targets


@dataclass(frozen=True, eq=False)
class Comparison:
    """What images are compared with.

    Attributes
    ----------
    strategy : str
        As in `bandlens.data.backgrounds`.
    source : {"background", "x"}
        Which argument the images are from.
    images : Images
        Background images, of which those in `draws` are used.
    draws, positions : ndarray of int64, shape (m,)
        Positions of those that are used, in `images`, and in the source; -1 for images that are not in it.
    strata : ndarray of int64, shape (m,), or None
        Class of each, where they were drawn by class.
    weights : ndarray of float64, shape (m,), or None
        How much each counts; None if all count the same, or those that count for an image depend on its class.
    each : ndarray of float64, shape (1 or classes, m), or None
        The same for all images, or for those of each class; None if all count the same.
    """

    strategy: str
    source: str
    images: Images
    draws: np.ndarray
    positions: np.ndarray
    strata: np.ndarray | None = None
    weights: np.ndarray | None = None
    each: np.ndarray | None = None

    @property
    def sampled(self) -> bool:
        """Whether other images might have been drawn, so that their number tells how well a mean over them is known."""
        return self.strategy not in (*SUMMARIES, WEIGHTED)


@dataclass(frozen=True, eq=False)
class Pool:
    """Images that a background is chosen from, with what is known before anything is computed.

    Attributes
    ----------
    images : Images
    own : bool
        Whether they are the user's; else they are the explained ones.
    strategy : str or None
        None for the default.
    codes : ndarray of int64, shape (n,), or None
        Classes that the user has given for them.
    weights : ndarray of float64, shape (n,), or None
    """

    images: Images
    own: bool
    strategy: str | None
    codes: np.ndarray | None
    weights: np.ndarray | None


def read_pool(
    q: Question, pool: Images, predictor: Predictor, classes: tuple[str, ...], options: Mapping[str, Any]
) -> Pool:
    """Check the strategy with which a background is chosen from a pool; `options` are those of the method.

    Raises
    ------
    BandlensError
        If it doesn't fit the images, the model or the method.
    """
    given = q.sampling
    if given is None:
        return Pool(pool, q.background is not None, None, None, None)
    strategy = checked_strategy(given.strategy, given.weights)
    weights = None if given.weights is None else checked_weights(given.weights, pool.n, q.n_background)
    if strategy in BY_CLASS and predictor.task != CLASSIFICATION:
        raise OptionError(
            f"The background strategy {shown(strategy)} is for images that have one class each.",
            expected=choices(("sample", *SUMMARIES)),
            given=f"the task {shown(predictor.task)}",
        )
    if strategy is not None:
        check_centres(strategy, pool.n, q.n_background)
    if strategy not in (None, *PLAIN) and options.get("background_per_image") is not None:
        raise OptionError(
            "Background images of their own are drawn from a sample, in which all count the same.",
            expected=f"{argument('background_per_image', None)}, or the strategy {choices(PLAIN)}",
            given=f"{argument('background_per_image', options['background_per_image'])} and "
            + ("weights" if strategy == WEIGHTED else f"the strategy {shown(strategy)}"),
        )
    codes = None
    if given.y is not None and q.background is not None and strategy in BY_CLASS:
        try:
            codes = label_codes(given.y, classes, pool.n)
        except BandlensError as error:
            message = f"Labels of the background: {error.message}"
            raise BackgroundError(message, expected=error.expected, given=error.given, fix=error.fix) from error
    return Pool(pool, q.background is not None, strategy, codes, weights)


def chosen(q: Question, pool: Pool, predictor: Predictor, targets: Targets, classes: tuple[str, ...]) -> Comparison:
    """Background images from a pool; `targets` say which class each image is of.

    Raises
    ------
    BackgroundError
        If an image has none of another class to be compared with, or there are too few to group.
    """
    images, most = pool.images, q.n_background
    strategy = pool.strategy
    if strategy is None:
        strategy = "balanced" if not pool.own and predictor.classifies else "sample"
    source = "background" if pool.own else "x"
    if strategy in SUMMARIES:
        groups = grouped(images, most, q.seed)
        weights = groups.weights
        if strategy == "kmedoids":
            images = with_kept(images, groups.nearest)
            return Comparison(
                strategy, source, images, groups.nearest, groups.nearest, weights=weights, each=weights[None]
            )
        means, every = images.holding(mean_images(images, groups)), np.arange(most)
        return Comparison(strategy, source, means, every, np.full(most, -1), weights=weights, each=weights[None])
    codes = _codes(q, pool, predictor, targets) if strategy in BY_CLASS else None
    draws = drawn(images.n, most, codes, q.seed)
    strata = None if codes is None else codes[draws]
    each = None if pool.weights is None else pool.weights[None]
    if strategy == "others":
        assert strata is not None
        each = weights_of_others(strata, targets.codes, classes)
    return Comparison(strategy, source, with_kept(images, draws), draws, draws, strata, pool.weights, each)


def _codes(q: Question, pool: Pool, predictor: Predictor, targets: Targets) -> np.ndarray:
    """Classes of the images of a pool: given ones, else those that the model takes them for."""
    if not pool.own:
        return targets.codes if targets.images is None else first_codes(targets.images, targets.codes, pool.images.n)
    if pool.codes is not None:
        return pool.codes
    size = q.batch_size or predictor.images_per_batch
    found: np.ndarray = predictor.outputs(pool.images, size, name="`background`").argmax(axis=1)
    return found
