"""Where in images classes show, for R: see `bridge` for the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .conversions import Answer, all_fields, answer, columns, fields, labels, plain
from .images import images_and_options

if TYPE_CHECKING:
    from ..localization import ActivationMaps


@answer
def class_activation_maps(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Class activation maps; arguments as for `band_importance`, with `layer` counted from 0 where it is a position.

    Returns
    -------
    dict
        ``value``: the fields of `ActivationMaps`, `accuracy` and `chance`, and `tables` "image" and, of maps by band,
        "class" (positions counted from 0, names as codes). The "pixel" table is `values` written out.
    """
    from ..localization import class_activation_maps as compute

    model, x, options = images_and_options(model, x, arguments)
    return _activation_maps(compute(model, x, labels(y), **options, progress=progress or False))


@answer
def occlusion_maps(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Occlusion maps, as `class_activation_maps` gives its."""
    from ..localization import occlusion_maps as compute

    model, x, options = images_and_options(model, x, arguments)
    return _activation_maps(compute(model, x, labels(y), **options, progress=progress or False))


def _activation_maps(result: ActivationMaps) -> Answer:
    levels = ("image",) if result.by is None else ("image", "class")
    return {
        "tables": {level: columns(result.columns(level).columns) for level in levels},
        **all_fields(result),
        **fields(result, plain, ("accuracy", "chance")),
    }
