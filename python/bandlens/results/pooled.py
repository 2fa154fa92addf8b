"""Importances that were pooled over training runs: what `pool_importance` returns, plain data as all results.

One trained network is one draw: another seed, fold or architecture gives another table. The pooled table has the mean
over runs, with intervals over further runs, and the tables of the runs stay in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from . import drawing
from .accuracy import how_many
from .cells import cell_columns, cell_levels, counted, in_order
from .schema import Counts, Names, Numbers, Plain, Positions
from .statistics import ClassBandTable, rank_of
from .storing import store, stored
from .summary import summary_of
from .tables import POOLED_COLUMNS, RUN_COLUMNS, WHOLE, Table, check_level

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "bandlens.PooledImportance/1"

LEVELS = ("class", "overall", "run")
# columns of numbers that rows of the table have for each band
NUMBERS = (
    *("importance", "effect", "share", "rank", "std_error", "conf_low", "conf_high", "share_low", "share_high"),
    *("p_first", "se_images", "se_background", "se_runs", "between_runs"),
)
OF_RUNS = ("importance", "effect", "share", "std_error")


@dataclass(frozen=True, eq=False, repr=False)
class PooledImportance:
    """Importance of every band for every class over several training runs.

    Attributes
    ----------
    runs, models : tuple of str
        Names of the runs, and of their models.
    classes, outputs, bands, wavelengths, method, statistic, output, signed, directed, groups, image_bands, task, head,
    zone, inputs, times, time_kind, options
        As in `BandImportance`; the same for all runs.
    row_class, row_output : ndarray of int64, shape (rows,)
        What the rows of the tables are of, indices into `classes` and `outputs`: the pairs that all runs have, then the
        rows over all classes, whose class is -1 (and whose output is where each image has one of its own).
    row_n : ndarray of int64, shape (rows,)
        Different images behind a row: those of each run where these are the same, all of them where they are not.
    importance, effect, share : ndarray of float64, shape (rows, bands)
        Mean importance and effect over runs; the importance's part of its sum over bands.
    rank : ndarray of int64, shape (rows, bands)
        Of the importance.
    std_error, conf_low, conf_high, share_low, share_high, p_first : ndarray of float64, shape (rows, bands)
        Over training runs, images and background, see `bandlens.results.pooling`.
    se_images, se_background, se_runs : ndarray of float64, shape (rows, bands)
        Parts of `std_error`: what other images and another background would change for all runs alike, and what other
        runs would.
    between_runs : ndarray of float64, shape (rows, bands)
        Part of the variance that is between runs, 0 to 1.
    run_importance, run_effect, run_share, run_std_error : ndarray of float64, shape (runs, rows, bands)
        Those of the runs' own tables.
    run_n : ndarray of int64, shape (runs, rows)
        Images behind them.
    run_accuracy, run_background, run_seconds : ndarray of float64, shape (runs,)
        How often each model is right (R^2 for numbers), number of its background images, and computing time; NaN where
        there is none.
    n : int
        Different images explained.
    same_images, same_background : bool
        Whether all runs explained the same images, against the same background. Where they did not, that part of the
        variance is between runs.
    left_out : tuple of str
        Classes (and outputs) that only some of the runs have, which have no row.
    versions : dict of str
    """

    runs: Annotated[tuple[str, ...], Names("run")]
    models: Annotated[tuple[str, ...], Names("model of run")]
    classes: Annotated[tuple[str, ...], Names("class")]
    outputs: Annotated[tuple[str, ...], Names("output")]
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    method: str
    statistic: str
    output: str
    signed: bool
    directed: bool
    row_class: Annotated[np.ndarray, Positions("row", of="classes")]
    row_output: Annotated[np.ndarray, Positions("row", of="outputs")]
    row_n: Annotated[np.ndarray, Counts("row")]
    importance: Annotated[np.ndarray, Numbers("row", "band")]
    effect: Annotated[np.ndarray, Numbers("row", "band")]
    share: Annotated[np.ndarray, Numbers("row", "band")]
    rank: Annotated[np.ndarray, Counts("row", "band")]
    std_error: Annotated[np.ndarray, Numbers("row", "band")]
    conf_low: Annotated[np.ndarray, Numbers("row", "band")]
    conf_high: Annotated[np.ndarray, Numbers("row", "band")]
    share_low: Annotated[np.ndarray, Numbers("row", "band")]
    share_high: Annotated[np.ndarray, Numbers("row", "band")]
    p_first: Annotated[np.ndarray, Numbers("row", "band")]
    se_images: Annotated[np.ndarray, Numbers("row", "band")]
    se_background: Annotated[np.ndarray, Numbers("row", "band")]
    se_runs: Annotated[np.ndarray, Numbers("row", "band")]
    between_runs: Annotated[np.ndarray, Numbers("row", "band")]
    run_importance: Annotated[np.ndarray, Numbers("run", "row", "band")]
    run_effect: Annotated[np.ndarray, Numbers("run", "row", "band")]
    run_share: Annotated[np.ndarray, Numbers("run", "row", "band")]
    run_std_error: Annotated[np.ndarray, Numbers("run", "row", "band")]
    run_n: Annotated[np.ndarray, Counts("run", "row")]
    run_accuracy: Annotated[np.ndarray, Numbers("run")]
    run_background: Annotated[np.ndarray, Numbers("run")]
    run_seconds: Annotated[np.ndarray, Numbers("run")]
    n: int
    same_images: bool
    same_background: bool
    groups: dict[str, list[str]] | None = None
    image_bands: Annotated[tuple[str, ...] | None, Names("single band", newer=True)] = None
    task: Annotated[str | None, Plain(newer=True)] = None
    head: Annotated[str | None, Plain(newer=True)] = None
    zone: Annotated[str | None, Plain(newer=True)] = None
    inputs: Annotated[tuple[str, ...] | None, Names("band", newer=True)] = None
    times: Annotated[tuple[str, ...] | None, Names("band", newer=True)] = None
    time_kind: Annotated[str | None, Plain(newer=True)] = None
    left_out: Annotated[tuple[str, ...], Names("left out")] = ()
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def n_runs(self) -> int:
        """Number of training runs."""
        return len(self.runs)

    @property
    def accuracy(self) -> float | None:
        """Mean of the runs' accuracies (or R^2); None where one had no labels."""
        return None if np.isnan(self.run_accuracy).any() else float(self.run_accuracy.mean())

    @property
    def runs_part(self) -> float | None:
        """Median part of the variance of importances that is between runs, 0 to 1; None where nothing varies."""
        known = self.between_runs[self.row_class >= 0]
        known = known[np.isfinite(known)]
        return float(np.median(known)) if known.size else None

    @cached_property
    def cells(self) -> np.ndarray:
        """Pairs (class, output) of the rows of the class x band table, shape (cells, 2), int64."""
        return np.stack([self.row_class, self.row_output], axis=1)[self.row_class >= 0]

    @cached_property
    def table(self) -> ClassBandTable:
        """The numbers of the class x band table, as those of a `BandImportance`, one row per entry of `cells`."""
        own = self.row_class >= 0
        names = [name for name in ClassBandTable.__dataclass_fields__ if name != "n"]
        return ClassBandTable(n=self.row_n[own], **{name: getattr(self, name)[own] for name in names})

    def to_frame(self, level: str = "class") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"class", "overall", "run"}
            One row per class x output x band; per output x band over the images of all classes; or per run x class x
            output x band, each run's own.

        Returns
        -------
        pandas.DataFrame
            Columns as listed in `bandlens.results.tables`; `run`, `class`, `output` and `band` are ordered
            categoricals. With several inputs or a time axis, `input` and `time` as in `BandImportance.to_frame`.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "class") -> Table:
        """The same tables as plain columns, which R shows; levels as for `to_frame`."""
        check_level(level, LEVELS)
        levels = {"class": self.classes, "output": self.outputs, **cell_levels(self)}
        whole = level == "overall"
        own, n_bands = np.flatnonzero((self.row_class < 0) == whole), len(self.bands)
        columns = {
            "class": np.repeat(np.zeros_like(own) if whole else self.row_class[own], n_bands),
            "output": np.repeat(self.row_output[own], n_bands),
            **cell_columns(self, np.tile(np.arange(n_bands), len(own))),
        }
        if level == "run":
            k = self.n_runs
            found = {name: np.tile(values, k) for name, values in columns.items()}
            found["run"] = np.repeat(np.arange(k), len(own) * n_bands)
            found.update({name: getattr(self, f"run_{name}")[:, own].reshape(-1) for name in OF_RUNS})
            found["rank"] = rank_of(self.run_importance[:, own]).reshape(-1)
            found["n"] = np.repeat(self.run_n[:, own].reshape(-1), n_bands)
            return Table(in_order(found, RUN_COLUMNS), {"run": self.runs, **levels})
        columns.update({name: getattr(self, name)[own].reshape(-1) for name in NUMBERS})
        columns["n"] = np.repeat(self.row_n[own], n_bands)
        return Table(in_order(columns, POOLED_COLUMNS), {**levels, "class": (WHOLE,)} if whole else levels)

    def plot(self, kind: str = "heatmap", **options: Any) -> Any:
        """Draw the pooled table; see `bandlens.plots` for the kinds.

        Parameters
        ----------
        kind : str
            "heatmap", "bars", "effect", "spectrum", "ranks", with a time axis "curves", as of a `BandImportance`; or
            "runs": each run's importance as a point beside the pooled one with its interval.
        **options
            What the kind takes.

        Returns
        -------
        plotnine.ggplot
        """
        return drawing.draw(self, kind, **options)

    def summary(self) -> str:
        """Most important bands of each class, and the runs, as text."""
        width = max(len(name) for name in self.runs)
        lines = [summary_of(self), "", "Runs:"]
        for run, (name, model) in enumerate(zip(self.runs, self.models, strict=True)):
            accuracy = self.run_accuracy[run]
            right = (
                "" if np.isnan(accuracy) else f"  {'R^2' if self.task == 'regression' else 'accuracy'} {accuracy:.2f}"
            )
            lines.append(f"{name.ljust(width)}  {model}{right}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        several = "" if self.same_images else " in all"
        classes = how_many(len(np.unique(self.cells[:, 0])), len(self.classes))
        part = "" if self.runs_part is None else f", {self.runs_part:.0%} of the variance between runs (median)"
        known = self.run_accuracy[np.isfinite(self.run_accuracy)]
        name = "R^2" if self.task == "regression" else "accuracy"
        right = f", {name} {known.min():.2f} to {known.max():.2f}" if known.size else ""
        out = f", without {', '.join(self.left_out)}" if self.left_out else ""
        return (
            f"<PooledImportance: {self.method} ({self.statistic}, {self.output}) over {self.n_runs} training runs, "
            f"{self.n} images{several}, {classes} x {counted(self)}{part}{right}{out}>"
        )

    def save(self, path: str | Path) -> None:
        """Write to a `.npz` file that `load` reads on any machine (NumPy arrays and JSON, no pickle)."""
        store(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | Path) -> PooledImportance:
        """Read what `save` wrote.

        Raises
        ------
        ResultError
            If the file holds something else.
        """
        return stored(cls, path, FORMAT)
