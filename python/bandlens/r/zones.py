"""Zones of the spectrum, for R: see `bridge` for the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .conversions import Answer, all_fields, answer, columns, fields, plain
from .images import images_and_options


@answer
def wavelength_zones(background: Any, arguments: Mapping[str, Any]) -> Answer:
    """Zones of neighbouring bands that carry the same information.

    Returns
    -------
    dict
        ``value``: the fields of `WavelengthZones`, `unshared_share`, `groups`, and `tables` "band" and "merge"
        (positions counted from 0, names as codes).
    """
    from ..explain.zoning import wavelength_zones as compute
    from ..results.wavelength_zones import LEVELS

    _, images, options = images_and_options(None, background, arguments)
    result = compute(images, **options)
    return {
        "tables": {level: columns(result.columns(level).columns) for level in LEVELS},
        **all_fields(result),
        **fields(result, plain, ("unshared_share", "groups")),
    }
