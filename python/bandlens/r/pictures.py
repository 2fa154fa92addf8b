"""Maps and images as R has them: results of which a model of several inputs has one for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conversions import Answer, all_fields, column, columns, fields, plain

if TYPE_CHECKING:
    from ..features import FeatureImages, TopImages
    from ..results.maps import BandMaps


def maps(result: BandMaps) -> Answer:
    """Fields of maps, and what is derived from them."""
    return {**all_fields(result), **fields(result, plain, ("completeness", "cancellation", "accuracy", "chance"))}


def feature_images(result: FeatureImages) -> Answer:
    """Fields of images of features, and their tables."""
    return {
        "tables": {level: columns(result.columns(level).columns) for level in ("feature", "band", "trace")},
        "levels": {
            "layer": [result.layer],
            "feature": list(dict.fromkeys(result.names)),
            "band": list(result.bands),
        },
        **all_fields(result),
        "contrast": column(result.contrast),
    }


def top_images(result: TopImages) -> Answer:
    """Fields of the images that excite features most, and their tables."""
    return {
        "tables": {level: columns(result.columns(level).columns) for level in ("image", "band")},
        **all_fields(result),
    }
