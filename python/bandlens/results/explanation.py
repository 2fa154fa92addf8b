"""Band scores as shap has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from .cells import Celled, cell_names

if TYPE_CHECKING:
    import shap


class Based(Celled, Protocol):
    """What is asked of a result here."""

    @property
    def scores(self) -> np.ndarray:
        """Of each image and output, in each cell."""

    @property
    def base_values(self) -> np.ndarray:
        """From where they are counted."""

    @property
    def band_means(self) -> np.ndarray:
        """Of each image, in each cell."""


def explanation_of(result: Based) -> shap.Explanation:
    """One row per image and explained output, image by image."""
    import shap

    k = result.scores.shape[1]
    return shap.Explanation(
        values=result.scores.reshape(-1, len(result.bands)),
        base_values=result.base_values.reshape(-1),
        data=np.repeat(result.band_means, k, axis=0),
        feature_names=list(cell_names(result)),
    )
