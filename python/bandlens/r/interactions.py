"""What bands do together, as R asks for it and takes it; see `bridge` for the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..progress import keeping_on_interrupt
from ..results.tables import WHOLE
from .conversions import Answer, all_fields, answer, columns, fields, labels, plain
from .images import images_and_options
from .watching import Watching


@answer
def band_interactions(
    model: Any, x: Any, y: Any, arguments: Mapping[str, Any], progress: Callable[[int, int], Any] | None
) -> Answer:
    """What bands do together; arguments as for `bridge.band_importance`.

    Returns
    -------
    dict
        ``value``: `tables` "class" and "overall", each a list of columns by the size of sets, from 1; and the fields of
        the result, with its accuracy, chance and completeness.
    """
    from ..explain.interactions import band_interactions as compute

    model, x, options = images_and_options(model, x, arguments)
    with keeping_on_interrupt(bool(options.pop("keep_on_interrupt", False))):
        found = compute(model, x, labels(y), **options, progress=Watching(progress) if progress else False)
    sizes = range(1, found.order + 1)
    return {
        "tables": {
            level: [columns(found.columns(level, size).columns) for size in sizes] for level in ("class", "overall")
        },
        "whole": WHOLE,
        **all_fields(found),
        **fields(found, plain, ("accuracy", "chance", "completeness")),
    }
