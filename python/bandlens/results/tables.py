"""A tidy table as plain columns, which every result makes of itself: pandas (`frames`) and R show the same numbers.

The names of the tables of importance stand here, in their contracted order. `std_error` and the 95 % intervals of
importance and of share are over images and background images (`se_images`, `se_background`, whose squares add up to its
own), and `p_first` is the probability that the band is the most important of its row, given these errors; see
`bandlens.results.uncertainty`. `se_background` is 0 for methods without a background, and NaN where it is not known and
intervals are over images only; `se_images` is NaN where a metric was computed for whole classes and intervals are over
repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..data.words import choices, nearest
from ..errors import OptionError

if TYPE_CHECKING:
    import pandas as pd

CLASS_COLUMNS = (
    "class",
    "output",
    "band",
    "wavelength",
    "importance",
    "effect",
    "share",
    "rank",
    "std_error",
    "conf_low",
    "conf_high",
    "n",
    "share_low",
    "share_high",
    "p_first",
    "se_images",
    "se_background",
)

# of the table that was pooled over training runs, whose `std_error` covers these too: the squares of `se_images`,
# `se_background` and `se_runs` add up to its own, and `between_runs` is the part of the last; of the runs' own tables
POOLED_COLUMNS = (*CLASS_COLUMNS, "se_runs", "between_runs")
RUN_COLUMNS = ("run", *CLASS_COLUMNS[: CLASS_COLUMNS.index("std_error") + 1], "n")

# the one class of a regression, and of the table over all classes
WHOLE = "all"

IMAGE_COLUMNS = ("image", "class", "output", "band", "wavelength", "score")


class Table(NamedTuple):
    """Columns by name, all of one length.

    Attributes
    ----------
    columns : dict of str to ndarray
    levels : dict of str to tuple of str
        For columns that hold codes: what the codes stand for, in order. -1 is missing.
    """

    columns: dict[str, np.ndarray]
    levels: dict[str, tuple[str, ...]]

    def to_frame(self) -> pd.DataFrame:
        """The table as a data frame; columns with levels become ordered categoricals."""
        from .frames import coded_frame

        return coded_frame(self.columns, self.levels)


def check_level(level: str, levels: Sequence[str]) -> None:
    """Refuse a level of which there is no table."""
    if level not in levels:
        raise OptionError(
            "There is no such table.", expected=choices(levels), given=f"level={level!r}", fix=nearest(level, levels)
        )


def pixel_names(n_axes: int) -> list[str]:
    """What positions of pixels are called that have so many axes."""
    if n_axes < 3:
        return [[], ["pixel"], ["row", "col"]][n_axes]
    return [f"pixel_{axis + 1}" for axis in range(n_axes)]
