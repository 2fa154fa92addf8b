"""The tables of an importance as columns: class x band, image x band, and over the images of all classes."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .cells import Celled, cell_columns, cell_levels, in_order
from .statistics import ClassBandTable
from .summary import Summarised
from .sums import sums_of
from .tables import CLASS_COLUMNS, IMAGE_COLUMNS, WHOLE, Table, check_level


class Tabled(Summarised, Protocol):
    """What is asked of a result here; see `BandImportance`."""

    @property
    def scores(self) -> np.ndarray:
        """Of each image and output, in each cell."""

    @property
    def image_class(self) -> np.ndarray:
        """Class of each image."""

    @property
    def images(self) -> np.ndarray | None:
        """Image of each row, where images have several."""

    @property
    def image_output(self) -> np.ndarray:
        """Explained outputs of each image."""

    @property
    def overall(self) -> ClassBandTable:
        """Those over all classes."""

    @property
    def overall_outputs(self) -> np.ndarray:
        """Their outputs."""


LEVELS = ("class", "image", "overall")
NUMBERS = ("importance", "effect", "share", "rank", "std_error", "conf_low", "conf_high")
LAST = ("share_low", "share_high", "p_first", "se_images", "se_background")


def columns_at(result: Tabled, level: str) -> Table:
    """The table of this level."""
    check_level(level, (*LEVELS, *sums_of(result)))
    levels = {"class": result.classes, "output": result.outputs, **cell_levels(result)}
    if level == "class":
        return Table(table_columns(result, result.table, result.cells), levels)
    if level == "overall":
        cells = np.stack([np.zeros_like(result.overall_outputs), result.overall_outputs], axis=1)
        return Table(table_columns(result, result.overall, cells), {**levels, "class": (WHOLE,)})
    n, k, n_bands = result.scores.shape
    columns = {
        "image": np.repeat(np.arange(n) if result.images is None else result.images, k * n_bands),
        "class": np.repeat(result.image_class, k * n_bands),
        "output": np.repeat(result.image_output.reshape(-1), n_bands),
        **cell_columns(result, np.tile(np.arange(n_bands), n * k)),
        "score": result.scores.reshape(-1),
    }
    return Table(in_order(columns, IMAGE_COLUMNS), levels)


def table_columns(result: Celled, table: ClassBandTable, cells: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of a table with a row for each pair of class and output in `cells`, and each band."""
    n_bands = len(result.bands)
    columns = {
        "class": np.repeat(cells[:, 0], n_bands),
        "output": np.repeat(cells[:, 1], n_bands),
        **cell_columns(result, np.tile(np.arange(n_bands), len(cells))),
        **{name: getattr(table, name).reshape(-1) for name in NUMBERS},
        "n": np.repeat(table.n, n_bands),
        **{name: getattr(table, name).reshape(-1) for name in LAST},
    }
    return in_order(columns, CLASS_COLUMNS)
