"""Labelled patches of a scene: images that know where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..data.labelled import LabelledImages
from ..data.words import few


@dataclass(frozen=True, eq=False, repr=False)
class ScenePatches(LabelledImages):
    """Patches as functions take them as `x`, with their labels, bands, wavelengths and classes.

    Attributes
    ----------
    x : ndarray, shape (n, rows, cols, bands)
        Of several inputs a dict of `LabelledImages` by their names.
    y : ndarray of int64, shape (n,) or (n, rows, cols), or None
        Position in `classes`; -1 for pixels without a label (``ignore=-1``).
    location : ndarray of int64, shape (n,)
        Row of the places that each patch comes from, counted from 0.
    centre : ndarray of float64, shape (n, 2)
        x and y of its centre, in the reference system `crs`.
    corner : ndarray of int64, shape (n, 2)
        Row and column of its upper left pixel in the scene.
    crs : str
        As WKT; empty if the scene has none.
    resolution : tuple of float
        Width and height of a pixel of the finest raster.
    dropped : dict of int
        How many patches crossed the "edge" of the scene or had "missing" values, and how many polygons were "empty".
    """

    location: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    centre: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    corner: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    crs: str = ""
    resolution: tuple[float, float] = (1.0, 1.0)
    dropped: dict[str, int] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """One row per patch: `location`, `x`, `y`, `row`, `col`, and `class` where patches have one each."""
        frame = pd.DataFrame(
            {
                "location": self.location,
                "x": self.centre[:, 0],
                "y": self.centre[:, 1],
                "row": self.corner[:, 0],
                "col": self.corner[:, 1],
            }
        )
        if self.y is not None and np.ndim(self.y) == 1:
            assert self.classes is not None
            frame["class"] = pd.Categorical.from_codes(np.asarray(self.y), pd.Index(list(self.classes)), ordered=True)
        return frame

    def __repr__(self) -> str:
        shapes = (
            {name: np.shape(one.x) for name, one in self.x.items()} if isinstance(self.x, dict) else np.shape(self.x)
        )
        said = [f"<ScenePatches: {len(self.location)} patches, shape {shapes}"]
        if self.y is not None and self.classes is not None:
            counts = np.bincount(self.y[self.y >= 0], minlength=len(self.classes))
            kind = "pixels" if np.ndim(self.y) > 1 else "classes"
            said.append(f"{kind} {few(f'{name} ({n})' for name, n in zip(self.classes, counts, strict=True))}")
        if any(self.dropped.values()):
            said.append(f"dropped {few(f'{n} {why}' for why, n in self.dropped.items() if n)}")
        return "; ".join(said) + ">"


def labels_of(values: Any, classes: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels of places as positions in their classes: the given ones, the categories, or the sorted labels."""
    if classes is None:
        categories = getattr(values, "cat", None)
        order = categories.categories if categories is not None else np.unique(np.asarray(values))
        classes = [str(one) for one in order]
    names = tuple(map(str, classes))
    places = {name: at for at, name in enumerate(names)}
    return np.array([places.get(str(value), -1) for value in values], np.int64), names
