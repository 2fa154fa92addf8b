"""What every check returns: plain tables with a verdict, which print, turn into frames and draw themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.words import nearest
from ..errors import OptionError
from ..results import drawing
from ..results.tables import Table

if TYPE_CHECKING:
    import pandas as pd
    import plotnine


def columns_of(names: Sequence[str], rows: Sequence[tuple]) -> dict[str, np.ndarray]:
    """Columns of a table that was made row by row."""
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """Outcome of a check.

    Attributes
    ----------
    name : str
        The function that made it, such as "check_deletion".
    tables : dict of str to dict of str to ndarray
        Columns of each tidy table, by the table's level; the first is the one shown by default.
    levels : dict of str to tuple of str
        For columns that hold codes: what the codes stand for, in order. -1 is missing.
    passed : bool or None
        Whether the result stands up to the check; None where there is nothing to pass.
    verdict : tuple of str
        What was found, a sentence each.
    facts : dict
        What produced it: plain scalars, strings, and lists of them.
    """

    name: str
    tables: dict[str, dict[str, np.ndarray]]
    levels: dict[str, tuple[str, ...]]
    passed: bool | None
    verdict: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def to_frame(self, level: str | None = None) -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : str, optional
            A key of `tables`; the first by default.

        Returns
        -------
        pandas.DataFrame
            Columns with `levels` are ordered categoricals.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str | None = None) -> Table:
        """The same tables as plain columns; levels and errors as for `to_frame`."""
        if level is None:
            level = next(iter(self.tables))
        if level not in self.tables:
            expected = " or ".join(f"level={name!r}" for name in self.tables)
            raise OptionError(
                "There is no such table.", expected=expected, given=repr(level), fix=nearest(level, self.tables)
            )
        return Table(self.tables[level], self.levels)

    def plot(self, **options: Any) -> plotnine.ggplot:
        """Draw the check; see its file in `bandlens.plots` for the options.

        Returns
        -------
        plotnine.ggplot
            A complete plot to which layers, scales and themes can be added.
        """
        return drawing.draw(self, self.name, **options)

    def summary(self) -> str:
        """The verdict, as text."""
        return "\n".join([repr(self), "", *self.verdict])

    def __repr__(self) -> str:
        outcome = {True: "passed", False: "not passed", None: "done"}[self.passed]
        return f"<Check: {self.name}, {outcome}>"
