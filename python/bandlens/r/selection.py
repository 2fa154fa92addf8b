"""How few bands suffice, as R asks for it and takes it; see `bridge` for the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import ModelError
from ..results.schema import restored
from .conversions import Answer, all_fields, answer, columns, fields, labels, plain
from .images import images_and_options
from .watching import Watching

OWN = ("method", "importance", "metric", "sensors", "folds", "repeats", "n_background")
DERIVED = ("knee", "selected", "verdict", "caveat")


@answer
def select_bands(
    model: Any,
    x: Any,
    y: Any,
    arguments: Mapping[str, Any],
    fit: Callable[..., Any] | None,
    progress: Callable[[int, int], Any] | None,
) -> Answer:
    """How right a model is with few bands; arguments as for `bridge.band_importance`.

    Parameters
    ----------
    fit : callable or None
        From images, their positions and names of bands to a dictionary with a `model`, or as of `r_function`.

    Returns
    -------
    dict
        ``value``: `tables` "curve" and "sensor", the fields of the result, its knee and what there is to say of it.
    """
    from ..explain.selection import selection
    from ..results.importance import BandImportance

    model, x, options = images_and_options(model, x, arguments)
    if isinstance(options.get("importance"), Mapping):
        options["importance"] = restored(BandImportance, options["importance"])

    def fitted(images: np.ndarray, rows: np.ndarray, bands: list[str]) -> Any:
        assert fit is not None
        found = fit(images, rows, bands)
        if found.get("interrupted"):
            raise KeyboardInterrupt
        if found.get("error") is not None:
            raise ModelError("`fit` failed.", expected="a model", given=str(found["error"]))
        return found["model"]

    asked = {name: value for name, value in options.items() if name not in (*OWN, "target")}
    found = selection(
        model, x, labels(y), fit=None if fit is None else lambda _: fitted, **{name: options[name] for name in OWN},
        asked=asked, progress=Watching(progress) if progress else False,
    )  # fmt: skip
    return {
        "tables": {level: columns(found.columns(level).columns) for level in ("curve", "sensor")},
        **all_fields(found),
        **fields(found, plain, DERIVED),
    }
