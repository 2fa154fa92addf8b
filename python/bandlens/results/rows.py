"""From the rows of a result to the numbers of its tables: class x band, and over the images of all classes.

The tables are means over entries; several results can be compared entry by entry, see `shared`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from .background import Compared, pairs_of
from .pairs import Pairs
from .sizes import Sized, sizes_of
from .statistics import (
    ClassBandTable,
    balanced_rows,
    balanced_table,
    class_band_table,
    mean_by,
    repeated_table,
    table_of_images,
)


class Rows(Compared, Sized, Protocol):
    """What is asked of a result here; see `BandImportance`."""

    @property
    def scores(self) -> np.ndarray:
        """Of each image and output, in each cell."""

    @property
    def images(self) -> np.ndarray | None:
        """Image of each row, where images have several."""

    @property
    def pair_images(self) -> np.ndarray | None:
        """Which of the rows have pairs."""

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


def cells_of(image_class: np.ndarray, image_output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (class, output) that occur, in order, and which of them each image with each of its outputs is of."""
    rows = np.stack([np.repeat(image_class, image_output.shape[1]), image_output.reshape(-1)], axis=1)
    cells, cell = np.unique(rows, axis=0, return_inverse=True)
    return cells, cell.reshape(-1)


def outputs_of_all(image_output: np.ndarray) -> np.ndarray:
    """Output of each row of the table over all classes; -1 where each image is explained by an output of its own."""
    return np.array([column[0] if (column == column[0]).all() else -1 for column in image_output.T])


def table_of(result: Rows) -> ClassBandTable:
    """One row per pair of class and output."""
    if result.drops is not None:
        classes, n = np.unique(result.image_class, return_counts=True)
        row = np.searchsorted(classes, result.cells[:, 0])
        return repeated_table(result.drops[:, row], n[row])
    n, _, n_bands = result.scores.shape
    cell, cells = result.cell_of_rows, len(result.cells)
    pairs, kind = pairs_of(result, cell.reshape(n, -1), cells), {"signed": result.signed, "directed": result.directed}
    scores, sizes = (values.reshape(-1, n_bands) for values in (result.scores, sizes_of(result)))
    return class_band_table(scores, sizes, cell, cells, **kind, pairs=pairs)


def overall_of(result: Rows) -> ClassBandTable:
    """One row per explained output: each image counts once, or each class where the metric says so."""
    n, k, n_bands = result.scores.shape
    if result.drops is not None:
        return repeated_table(np.repeat(result.drops[:, -1:], k, axis=1), np.full(k, n))
    rows = result.scores.reshape(-1, n_bands)
    if result.balanced:
        return balanced_table(rows, result.cell_of_rows, _groups(result))
    cell, kind = np.tile(np.arange(k), n), {"signed": result.signed, "directed": result.directed}
    if result.images is None:
        sizes = sizes_of(result).reshape(-1, n_bands)
        return class_band_table(rows, sizes, cell, k, **kind, pairs=pairs_of(result, cell.reshape(n, k), k))
    pairs = pairs_of(result, cell.reshape(n, k), k, 1 / np.bincount(result.images)[result.images])
    return table_of_images(result.scores, sizes_of(result), result.images, **kind, pairs=pairs)


def _groups(result: Rows) -> list[np.ndarray]:
    """Cells that each row over all classes is made of, where all of them count the same."""
    every = np.arange(len(result.cells))
    return [every[result.cells[:, 1] == o] if o >= 0 else every for o in result.overall_outputs]


class Entries(NamedTuple):
    """What the importances of a table are means of, and what each entry is of.

    Attributes
    ----------
    values : ndarray, shape (entries, bands)
    row : ndarray of int, shape (entries,)
        Row of the table.
    source : ndarray of int, shape (entries,)
        A row of the result's scores that the entry is made of; a repeat, where images have no scores.
    freedom : float or None
        Degrees of freedom of the mean; None if one less than there are entries.
    pairs : list of Pairs or None, or None
        As for `uncertainty`.
    paired : list of ndarray
        For each row of the table, of which row of the scores each of its pairs is.
    """

    values: np.ndarray
    row: np.ndarray
    source: np.ndarray
    freedom: float | None
    pairs: list[Pairs | None] | None
    paired: list[np.ndarray]


def entries_of(result: Rows, *, overall: bool) -> Entries:
    """The entries of the class x band table, or of that over all classes."""
    n, k, n_bands = result.scores.shape
    if result.drops is not None:
        classes = np.unique(result.image_class)
        at = np.full(k, -1) if overall else np.searchsorted(classes, result.cells[:, 0])
        times, cells = len(result.drops), len(at)
        repeats = result.drops[:, at].reshape(-1, n_bands)
        return Entries(repeats, np.tile(np.arange(cells), times), np.repeat(np.arange(times), cells), None, None, [])
    scores = result.scores.reshape(-1, n_bands)
    if overall and result.balanced:
        values, row, _, _ = balanced_rows(scores, result.cell_of_rows, _groups(result))
        source = np.concatenate([np.flatnonzero(np.isin(result.cell_of_rows, group)) for group in _groups(result)])
        return Entries(values, row, source // k, float("inf"), None, [])
    cell = np.tile(np.arange(k), n) if overall else result.cell_of_rows
    cells = k if overall else len(result.cells)
    sizes, source, weights = sizes_of(result).reshape(-1, n_bands), np.repeat(np.arange(n), k), None
    row = cell
    if overall and result.images is not None:
        _, start, image = np.unique(result.images, return_index=True, return_inverse=True)
        sizes = mean_by(sizes.reshape(n, k, n_bands), image).reshape(-1, n_bands)
        row, source = np.tile(np.arange(k), len(start)), np.repeat(start, k)
        weights = 1 / np.bincount(result.images)[result.images]
    pairs = pairs_of(result, cell.reshape(n, k), cells, weights)
    paired = []
    if result.pair_images is not None:
        counted = cell.reshape(n, k)[result.pair_images]
        paired = [result.pair_images[np.nonzero(counted == own)[0]] for own in range(cells)]
    return Entries(sizes, row, source, None, pairs, paired)
