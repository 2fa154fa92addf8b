"""The only file that knows data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from .columns import (
    WHOLE,
    activation_columns,
    class_columns,
    feature_columns,
    image_columns,
    kernel_columns,
    layer_columns,
    map_columns,
    overall_columns,
    top_columns,
)

if TYPE_CHECKING:
    import numpy as np

    from ..features import FeatureImages, LayerActivations, LayerKernels, LayerList, TopImages
    from .importance import BandImportance
    from .maps import BandMaps


def class_frame(result: BandImportance) -> pd.DataFrame:
    """Class x band table, one row per class x output x band."""
    return _frame(result, class_columns(result))


def image_frame(result: BandImportance) -> pd.DataFrame:
    """Image x band table, one row per image x output x band."""
    return _frame(result, image_columns(result))


def overall_frame(result: BandImportance) -> pd.DataFrame:
    """Table over the images of all classes, one row per output x band; no output where each image has its own."""
    return _frame(result, overall_columns(result), (WHOLE,))


def map_frame(maps: BandMaps) -> pd.DataFrame:
    """Table of attributions, one row per image x output x pixel x band."""
    return coded_frame(map_columns(maps), {"class": maps.classes, "output": maps.outputs, "band": maps.bands})


def layer_frame(layers: LayerList) -> pd.DataFrame:
    """Layers of a model, one row per layer."""
    return pd.DataFrame(layer_columns(layers))


def feature_frame(result: FeatureImages, level: str) -> pd.DataFrame:
    """Table of feature images, by level."""
    levels = {"layer": (result.layer,), "feature": tuple(dict.fromkeys(result.names)), "band": result.bands}
    return coded_frame(feature_columns(result, level), levels)


def kernel_frame(result: LayerKernels, level: str) -> pd.DataFrame:
    """Table of kernels, by level."""
    return coded_frame(kernel_columns(result, level), {"band": result.bands})


def activation_frame(result: LayerActivations, level: str) -> pd.DataFrame:
    """Table of activations, by level."""
    return coded_frame(activation_columns(result, level), {"feature": result.names})


def top_frame(result: TopImages, level: str) -> pd.DataFrame:
    """Table of the images that excite features most, by level."""
    return coded_frame(top_columns(result, level), {"feature": result.names, "band": result.bands})


def _frame(
    result: BandImportance, columns: dict[str, np.ndarray], classes: tuple[str, ...] | None = None
) -> pd.DataFrame:
    names = {"class": classes or result.classes, "output": result.outputs, "band": result.bands}
    return coded_frame(columns, names)


def coded_frame(columns: Mapping[str, np.ndarray], levels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Columns as a frame; those with levels hold codes and become ordered categoricals, -1 missing."""
    frame = pd.DataFrame(columns)
    for name in frame.columns.intersection(list(levels)):
        frame[name] = pd.Categorical.from_codes(columns[name], categories=pd.Index(levels[name]), ordered=True)
    return frame
