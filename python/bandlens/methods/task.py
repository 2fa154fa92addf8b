"""What every method is given, and what a method is: the contract between `band_importance` and the methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..batching import images_per_batch
from ..inputs import Images
from ..models import Predictor


@dataclass(frozen=True)
class Task:
    """Checked inputs of one call.

    Attributes
    ----------
    predictor : Predictor
    images : Images
    seeds : ndarray of float64, shape (n, k, units)
        The k explained outputs of each image, as weights on the model's units.
    statistic : str
        Key of `bandlens.reduction.STATISTICS`.
    background : Images or None
    draws : ndarray of int64, shape (m,) or (n, m), or None
        Background images used, for all images the same or for each its own.
    batch_size : int or None
    seed : int
    tick : callable
        To be told how many images were finished.
    options : mapping
        The method's own options, with their defaults filled in.
    """

    predictor: Predictor
    images: Images
    seeds: np.ndarray
    statistic: str
    background: Images | None
    draws: np.ndarray | None
    batch_size: int | None
    seed: int
    tick: Callable[[int], None]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def images_per_batch(self) -> int:
        """The user's batch size, or one that fits the memory."""
        graph = self.predictor.trace.graph(self.predictor.output)
        return self.batch_size or images_per_batch(self.predictor.backend, graph, self.predictor.trace.dtype)


Parts = Iterator[tuple[slice, np.ndarray]]


@dataclass(frozen=True)
class Method:
    """One way to ask which bands mattered.

    Attributes
    ----------
    name, label : str
        Its key, and its name in prose.
    summary, cost, reference : str
        What a score means, what it costs, where it comes from.
    statistic : str
        Default reduction over pixels.
    additive : bool
        Whether the attributions of an image sum to f(x) - mean f(background).
    uses_background : bool
    scores : callable
        ``Task -> parts``: slices of the images with band scores (images, k, bands), float64.
    maps : callable
        ``Task -> parts``: slices of the images with attributions (images, k, *image shape), float64.
    prepare : callable
        Raises, before anything is computed, if the method can't explain the model.
    options : mapping
        Names and defaults of its own options.
    """

    name: str
    label: str
    summary: str
    cost: str
    reference: str
    statistic: str
    additive: bool
    uses_background: bool
    scores: Callable[[Task], Parts]
    maps: Callable[[Task], Parts]
    prepare: Callable[[Predictor], None]
    options: Mapping[str, Any] = field(default_factory=dict)
