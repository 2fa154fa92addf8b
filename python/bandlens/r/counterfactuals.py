"""Counterfactual spectra, as R asks for them and takes them; see `bridge` for the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from .conversions import Answer, all_fields, answer, columns, fields, labels, plain
from .images import images_and_options
from .watching import Watching

LEVELS = ("change", "image", "class")


@answer
def counterfactual_spectra(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """Which bands change the class of each image; arguments as for `bridge.band_importance`.

    Returns
    -------
    dict
        ``value``: `tables` "change", "image" and "class", the fields of the result, and what there is to say of it.
    """
    from ..explain.counterfactuals import counterfactual_spectra as compute

    model, x, options = images_and_options(model, x, arguments)
    # R sends all that makes a question; what this verb has no argument for, its users can't have given
    options = {name: value for name, value in options.items() if name in signature(compute).parameters}
    found = compute(model, x, labels(y), **options, progress=Watching(progress) if progress else False)
    return {
        "tables": {level: columns(found.columns(level).columns) for level in LEVELS},
        **all_fields(found),
        **fields(found, plain, ("verdict", "caveat")),
    }
