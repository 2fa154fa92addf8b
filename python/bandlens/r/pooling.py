"""Training runs that R pools: results that it has kept, or models of a list; see `bridge` for the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..results.importance import BandImportance
from ..results.pooled import LEVELS, PooledImportance
from ..results.pooling import named_runs
from ..results.pooling import pool_importance as pool
from ..results.schema import restored
from ..results.tables import WHOLE
from .conversions import Answer, all_fields, answer, columns, fields, labels, plain
from .images import images_and_options
from .watching import Watching


@answer
def pool_importance(results: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any]) -> Answer:
    """One table over several training runs.

    Parameters
    ----------
    results : list of dict
        Results as R keeps them.
    arguments : dict
        `names` and `level`, where there are some.

    Returns
    -------
    dict
        ``value``: columns of the tables by level, and the fields of the result.
    """
    return _pooled(pool([restored(BandImportance, result) for result in results], **arguments))


@answer
def pool_models(
    models: Sequence[Any],
    names: Sequence[str] | None,
    x: Any,
    y: Any,
    arguments: Mapping[str, Any],
    progress: Callable[[int, int], Any] | None,
) -> Answer:
    """The same of models, whose importances are computed; arguments as for `bridge.band_importance`."""
    from ..explain.importance import band_importance as compute

    models = list(models)
    first, x, options = images_and_options(models[0] if models else None, x, arguments)
    models[:1] = [first] if models else []
    given: Any = models if names is None else named_runs(names, models)
    options.pop("keep_on_interrupt", None)
    return _pooled(compute(given, x, labels(y), **options, progress=Watching(progress) if progress else False))


def _pooled(result: PooledImportance) -> Answer:
    return {
        **{level: columns(result.columns(level).columns) for level in LEVELS},
        "whole": WHOLE,
        **all_fields(result),
        **fields(result, plain, ("accuracy", "runs_part")),
    }
