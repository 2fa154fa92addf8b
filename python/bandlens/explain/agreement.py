"""How labels and predictions agree where an image has several of each, counted once and kept with the result."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, eq=False)
class Agreement:
    """How labels and predictions agree in each image, where there may be several of each: counts per class.

    Attributes
    ----------
    predicted, labelled, both : ndarray of int64, shape (n, classes)
        Labels, or pixels, that the model takes for a class, that are of it, and that are both. Pixels without a label
        are not counted where others have one.
    judged, agreeing : ndarray of int64, shape (n,)
        How many labels, or pixels, can be right or wrong, and how many are right. All but `predicted` are None without
        labels.
    """

    predicted: np.ndarray
    labelled: np.ndarray | None = None
    both: np.ndarray | None = None
    judged: np.ndarray | None = None
    agreeing: np.ndarray | None = None

    def at(self, images: np.ndarray) -> Agreement:
        """Of some images."""
        return Agreement(**{name: None if one is None else one[images] for name, one in self.fields().items()})  # type: ignore[arg-type]

    def fields(self) -> dict[str, np.ndarray | None]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
