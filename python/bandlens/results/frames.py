"""The only file that knows data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd


def coded_frame(columns: Mapping[str, np.ndarray], levels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Columns as a frame; those with levels hold codes and become ordered categoricals, -1 missing.

    Masked columns of integers are those of pandas that know missing values.
    """
    frame = pd.DataFrame(
        {
            name: pd.arrays.IntegerArray(values.data, np.ma.getmaskarray(values).copy())
            if isinstance(values, np.ma.MaskedArray)
            else values
            for name, values in columns.items()
        }
    )
    for name in frame.columns.intersection(list(levels)):
        frame[name] = pd.Categorical.from_codes(columns[name], categories=pd.Index(levels[name]), ordered=True)
    return frame
