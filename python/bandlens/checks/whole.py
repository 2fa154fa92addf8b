"""Tables of checks have a row for all classes next to those of single ones: how it is called, and where it stands."""

from __future__ import annotations

from ..results.tables import WHOLE


def class_levels(classes: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """Levels of a column `class`, and the code of all classes together.

    A regression has one class, which is all there is; a user's own class called like that keeps its name.
    """
    if len(classes) == 1:
        return classes, 0
    whole = WHOLE if WHOLE not in classes else f"{WHOLE} classes"
    return (*classes, whole), len(classes)
