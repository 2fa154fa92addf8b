"""The most important bands of each class, in words."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .cells import Celled, cell_names
from .statistics import ClassBandTable


class Summarised(Celled, Protocol):
    """What is asked of a result here; see `BandImportance`."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names."""

    @property
    def cells(self) -> np.ndarray:
        """Pairs of class and output that have a row."""

    @property
    def table(self) -> ClassBandTable:
        """The table's numbers."""


def summary_of(result: Summarised) -> str:
    """A line for each class, below what the result says of itself."""
    lines = [repr(result), ""]
    table, names = result.table, cell_names(result)
    width = max(len(name) for name in result.classes)
    for row, (class_index, output_index) in enumerate(result.cells):
        name = result.classes[class_index].ljust(width)
        if result.classes[class_index] != result.outputs[output_index]:
            name += f" -> {result.outputs[output_index]}"
        best = [band for band in np.argsort(table.rank[row])[:3] if table.share[row, band] > 0]
        shares = ", ".join(f"{names[band]} {table.share[row, band]:.0%}" for band in best)
        lines.append(f"{name}  (n = {table.n[row]})  {shares or 'no band matters'}")
    return "\n".join(lines)
