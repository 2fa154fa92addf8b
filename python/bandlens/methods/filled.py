"""Steps for images whose absent bands depend on those that are there: they are filled outside, as many as a step takes.

A coalition has a map of its own, and neighbours are looked for: neither fits a step that is compiled once for all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..models.predictor import Predictor
from .filling import Filling

# from masks to the units of all mixtures
Step = Callable[[np.ndarray], np.ndarray]


def filled_steps(
    predictor: Predictor, filling: Filling, references: np.ndarray, turns: np.ndarray
) -> Callable[[np.ndarray, slice], Step]:
    """From some images, and which they are, to a step from masks of cells to the units of the filled images.

    Parameters
    ----------
    predictor : Predictor
    filling : Filling
    references : ndarray, shape (n or 1, m, *image shape)
    turns : ndarray of int, shape (m,)
        Numbers of the references.
    """

    def of_images(images: np.ndarray, i: slice) -> Step:
        own = references if len(references) == 1 else references[i]

        def step(masks: np.ndarray) -> np.ndarray:
            filled = filling.fill(images, own, masks, turns)
            return predictor.units_at_once(np.ascontiguousarray(filled, predictor.trace.dtype))

        return step

    return of_images
