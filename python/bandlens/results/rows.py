"""From the rows of a result to the numbers of its tables: class x band, and over the images of all classes."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .background import Compared, pairs_of
from .statistics import ClassBandTable, balanced_table, class_band_table, repeated_table, table_of_images


class Rows(Compared, Protocol):
    """What is asked of a result here; see `BandImportance`."""

    @property
    def scores(self) -> np.ndarray:
        """Of each image and output, in each cell."""

    @property
    def images(self) -> np.ndarray | None:
        """Image of each row, where images have several."""

    @property
    def drops(self) -> np.ndarray | None:
        """Falls of a metric, where images have no scores."""

    @property
    def balanced(self) -> bool:
        """Whether every class counts the same."""

    @property
    def signed(self) -> bool:
        """Whether scores have a sign."""

    @property
    def directed(self) -> bool:
        """Whether importance is the mean of signed scores."""

    @property
    def cells(self) -> np.ndarray:
        """Pairs of class and output that occur."""

    @property
    def cell_of_rows(self) -> np.ndarray:
        """Which of them each row of scores is of."""

    @property
    def overall_outputs(self) -> np.ndarray:
        """Outputs of the rows."""


def table_of(result: Rows) -> ClassBandTable:
    """One row per pair of class and output."""
    if result.drops is not None:
        classes, n = np.unique(result.image_class, return_counts=True)
        row = np.searchsorted(classes, result.cells[:, 0])
        return repeated_table(result.drops[:, row], n[row])
    n, _, n_bands = result.scores.shape
    cell, cells = result.cell_of_rows, len(result.cells)
    pairs, kind = pairs_of(result, cell.reshape(n, -1), cells), {"signed": result.signed, "directed": result.directed}
    return class_band_table(result.scores.reshape(-1, n_bands), cell, cells, **kind, pairs=pairs)


def overall_of(result: Rows) -> ClassBandTable:
    """One row per explained output: each image counts once, or each class where the metric says so."""
    n, k, n_bands = result.scores.shape
    if result.drops is not None:
        return repeated_table(np.repeat(result.drops[:, -1:], k, axis=1), np.full(k, n))
    rows = result.scores.reshape(-1, n_bands)
    if result.balanced:
        every = np.arange(len(result.cells))
        groups = [every[result.cells[:, 1] == o] if o >= 0 else every for o in result.overall_outputs]
        return balanced_table(rows, result.cell_of_rows, groups)
    cell, kind = np.tile(np.arange(k), n), {"signed": result.signed, "directed": result.directed}
    if result.images is None:
        return class_band_table(rows, cell, k, **kind, pairs=pairs_of(result, cell.reshape(n, k), k))
    pairs = pairs_of(result, cell.reshape(n, k), k, 1 / np.bincount(result.images)[result.images])
    return table_of_images(result.scores, result.images, **kind, pairs=pairs)
