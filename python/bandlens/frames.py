"""The only file that knows data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .columns import class_columns, image_columns

if TYPE_CHECKING:
    import numpy as np

    from .result import BandImportance


def class_frame(result: BandImportance) -> pd.DataFrame:
    """Class x band table, one row per class x output x band."""
    return _frame(result, class_columns(result))


def image_frame(result: BandImportance) -> pd.DataFrame:
    """Image x band table, one row per image x output x band."""
    return _frame(result, image_columns(result))


def _frame(result: BandImportance, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    names = {"class": result.classes, "output": result.outputs, "band": result.bands}
    frame = pd.DataFrame(columns)
    for name, levels in names.items():
        frame[name] = pd.Categorical.from_codes(columns[name], categories=pd.Index(levels), ordered=True)
    return frame
