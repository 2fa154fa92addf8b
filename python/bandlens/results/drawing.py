"""How results draw themselves without knowing pictures: `bandlens` names the registry in which a kind is looked up.

The registry, `bandlens.plots`, imports plotnine, so that it is only loaded when something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Draw = Callable[..., Any]

_registries: list[Callable[[], Draw]] = []


def drawn_by(registry: Callable[[], Draw]) -> None:
    """Name what gives the function that draws, such as ``lambda: bandlens.plots.draw``; the last one named counts."""
    _registries.append(registry)


def draw(result: Any, kind: str, **options: Any) -> Any:
    """Draw a result by the registry: the picture `kind` of the kind of result that it is."""
    return _registries[-1]()(result, kind, **options)
