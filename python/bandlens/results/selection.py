"""What `select_bands` returns: how right a model is with few bands, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np

from ..data.moments import Moments, half_width
from . import drawing
from .schema import Flags, Names, Numbers, Positions
from .storing import store, stored
from .tables import Table, check_level

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

FORMAT = "bandlens.BandSelection/1"
LEVELS = ("curve", "sensor")
RULE = "fewest bands within one standard error of the best (Breiman et al. 1984)"
CAVEATS = {
    False: "The model was not trained again: absent bands are filled from background images, which tells what this "
    "model needs, not how well a model made for fewer bands would do. Where bands tell the same, that is far better.",
    True: "Each set of bands has models of its own, judged on images that they were not trained on; bands were chosen "
    "by the same kind of judgement, with the images of a fold scored along a path that the others chose.",
}


class Estimates(NamedTuple):
    """Means over images and what is known of them, one for each column."""

    estimate: np.ndarray
    std_error: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class BandSelection:
    """How right a model is with 1, 2, ... bands, and with those of other sensors.

    Attributes
    ----------
    method : {"forward", "backward", "importance"}
    metric : str
    measure : str
        What the metric is measured in.
    retrained : bool
        Whether there is a model for each set of bands.
    sets : ndarray of bool, shape (steps, bands)
        Bands of each number of them, from 1 to all.
    moved : ndarray of int64, shape (steps,)
        Position of the band that was added last, or removed last to get there ("backward"); -1 where none was.
    qualities : ndarray of float64, shape (n, steps)
        Each image's part of the metric, by bands in whose choice it had no say; mean over draws or runs.
    runs : ndarray of float64, shape (runs, steps)
        Means over images in each run with models of its own; one row without.
    bands : tuple of str
        Groups where there are such.
    wavelengths : tuple of float
        In nm; NaN where unknown.
    sensors : tuple of str
    sensor_sets, sensor_qualities, sensor_runs : ndarray
        As above, for the bands that stand for those of a sensor.
    lacking : dict of str to list of str
        Bands of a sensor that no band stands for.
    folds, repeats, n_background : int
        Of the images; of training; images that absent bands are taken from, for each image (0 with training).
    """

    method: str
    metric: str
    measure: str
    retrained: bool
    sets: Annotated[np.ndarray, Flags("step", "band")]
    moved: Annotated[np.ndarray, Positions("step", of="bands")]
    qualities: Annotated[np.ndarray, Numbers("image", "step")]
    runs: Annotated[np.ndarray, Numbers("run", "step")]
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    image_class: Annotated[np.ndarray, Positions("image", of="classes")]
    classes: Annotated[tuple[str, ...], Names("class")]
    sensors: Annotated[tuple[str, ...], Names("sensor")] = ()
    sensor_sets: Annotated[np.ndarray | None, Flags("sensor", "band")] = None
    sensor_qualities: Annotated[np.ndarray | None, Numbers("image", "sensor")] = None
    sensor_runs: Annotated[np.ndarray | None, Numbers("run", "sensor")] = None
    lacking: dict[str, list[str]] = field(default_factory=dict)
    folds: int = 0
    repeats: int = 1
    n_background: int = 0
    output: str = ""
    groups: dict[str, list[str]] | None = None
    seed: int = 0
    model: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def n(self) -> int:
        """Number of images that were scored."""
        return len(self.qualities)

    @cached_property
    def curve(self) -> Estimates:
        """The metric for 1, 2, ... bands."""
        return _estimated(self.qualities, self.runs, self.metric)

    @property
    def knee(self) -> int:
        """The fewest bands whose metric is within one standard error of the best (Breiman et al. 1984)."""
        best = int(self.curve.estimate.argmax())
        error = float(np.nan_to_num(self.curve.std_error[best]))
        least = self.curve.estimate[best] - error
        return int(np.flatnonzero(self.curve.estimate >= least - 1e-12)[0]) + 1

    @property
    def selected(self) -> tuple[str, ...]:
        """Names of the bands at the knee, in the order of the images' bands."""
        return self._named(self.sets[self.knee - 1])

    @property
    def caveat(self) -> str:
        """What the curve does not tell."""
        return CAVEATS[self.retrained]

    @property
    def verdict(self) -> str:
        """The knee in a sentence."""
        full, all_bands = self.curve.estimate, len(self.bands)
        if self._guessed:
            return (
                f"How few of {all_bands} bands suffice can't be told: with no set is {self.measure} more than "
                f"one standard error above that of always naming the most frequent class, {self._most_frequent:.3g}."
            )
        if self.metric != "accuracy" and np.ptp(full) == 0 and all_bands > 1:
            return (
                f"Bands make no difference: {self.measure} is {full[-1]:.3g} with any number of them, so that nothing "
                "can be said of how few suffice."
            )
        if self.knee == all_bands:
            return f"All {all_bands} bands are needed: {self.measure} {full[-1]:.3g}, with fewer less. Rule: {RULE}."
        return (
            f"{self.knee} of {all_bands} bands suffice: {', '.join(self.selected)}; {self.measure} "
            f"{full[self.knee - 1]:.3g} ({full[-1]:.3g} with all {all_bands}). Rule: {RULE}."
        )

    @property
    def _most_frequent(self) -> float:
        """The share of images of the most frequent class: how right it is to name this always."""
        return float(np.bincount(self.image_class).max() / self.n)

    @property
    def _guessed(self) -> bool:
        """Whether classes are named no better than without looking, so that the curve is flat for no good reason."""
        surely = self.curve.estimate - np.nan_to_num(self.curve.std_error)
        return self.metric == "accuracy" and bool((surely <= self._most_frequent).all())

    def _named(self, present: np.ndarray) -> tuple[str, ...]:
        return tuple(band for band, there in zip(self.bands, present, strict=True) if there)

    def to_frame(self, level: str = "curve") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"curve", "sensor"}
            One row per number of bands, or per sensor.

        Returns
        -------
        pandas.DataFrame
            Columns ``n_bands, band, bands, measure, estimate, std_error, conf_low, conf_high, n, retrained, knee``:
            how many bands; the one that was added last, or with "backward" removed last; all of them; the metric with
            its standard error and 95 % interval over images (and runs, where there are several); whether it is the
            knee. Of "sensor" ``sensor, n_bands, bands, lacking, measure, ..., retrained``; `lacking` are bands of the
            sensor that the images don't have.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "curve") -> Table:
        """The same tables as plain columns, with codes for `band`, `measure` and `sensor`."""
        check_level(level, LEVELS)
        if level == "curve":
            places = {"n_bands": self.sets.sum(axis=1).astype(np.int64), "band": self.moved}
            rows = self._rows(self.sets, self.curve)
            knee = places["n_bands"] == self.knee
            return Table({**places, **rows, "knee": knee}, {"band": self.bands, "measure": (self.measure,)})
        levels = {"sensor": self.sensors, "measure": (self.measure,)}
        sets = np.zeros((0, len(self.bands)), bool) if self.sensor_sets is None else self.sensor_sets
        found = Estimates(*np.zeros((4, 0)))
        if self.sensor_qualities is not None and self.sensor_runs is not None:
            found = _estimated(self.sensor_qualities, self.sensor_runs, self.metric)
        rows = self._rows(sets, found)
        places = {"sensor": np.arange(len(sets)), "n_bands": sets.sum(axis=1).astype(np.int64)}
        lacking = np.array([", ".join(self.lacking.get(name, ())) for name in self.sensors], dtype=str)
        return Table({**places, "bands": rows.pop("bands"), "lacking": lacking, **rows}, levels)

    def _rows(self, sets: np.ndarray, found: Estimates) -> dict[str, np.ndarray]:
        return {
            "bands": np.array([", ".join(self._named(one)) for one in sets], dtype=str),
            "measure": np.zeros(len(sets), np.int64),
            **found._asdict(),
            "n": np.full(len(sets), self.n),
            "retrained": np.full(len(sets), self.retrained),
        }

    def plot(self, kind: str = "curve", **options: Any) -> plotnine.ggplot:
        """Draw the metric against the number of bands; see `bandlens.plots`.

        Parameters
        ----------
        kind : {"curve"}
        **options
            `width` and `base_size`.

        Returns
        -------
        plotnine.ggplot
            A complete plot to which layers, scales and themes can be added.
        """
        return drawing.draw(self, kind, **options)

    def summary(self) -> str:
        """How few bands suffice, what sensors are worth, and what that does not tell, as text."""
        lines = [repr(self), "", self.verdict]
        if self.sensors:
            table = self.columns("sensor").columns
            for at, name in enumerate(self.sensors):
                said = f"; without {table['lacking'][at]}" if table["lacking"][at] else ""
                lines.append(
                    f"{name}: {self.measure} {table['estimate'][at]:.3g} with {table['n_bands'][at]} bands{said}."
                )
        return "\n".join([*lines, self.caveat])

    def __repr__(self) -> str:
        how = f"trained again, {self.repeats} x {self.folds} folds" if self.retrained else "not trained again"
        return (
            f"<BandSelection: {self.method}, {self.measure} of {self.n} images for 1 to {len(self.bands)} bands, {how}>"
        )

    def save(self, path: str | Path) -> None:
        """Write to a `.npz` file that `load` reads on any machine (NumPy arrays and JSON, no pickle)."""
        store(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | Path) -> BandSelection:
        """Read what `save` wrote.

        Raises
        ------
        ResultError
            If the file holds something else.
        """
        return stored(cls, path, FORMAT)


def _estimated(qualities: np.ndarray, runs: np.ndarray, metric: str) -> Estimates:
    """Means over images; the squares of standard errors over images and over runs add up.

    Intervals are Student's, which know no bounds, and end at those that an accuracy has.
    """
    moments = Moments.of(qualities, np.zeros(len(qualities), np.int64), 1)
    mean, error = moments.mean[0], moments.standard_error()[0]
    if len(runs) > 1:
        error = np.sqrt(error**2 + runs.var(axis=0, ddof=1) / len(runs))
    half = half_width(error, max(1, len(qualities) - 1))
    low, high = (0.0, 1.0) if metric == "accuracy" else (-np.inf, np.inf)
    return Estimates(mean, error, np.clip(mean - half, low, high), np.clip(mean + half, low, high))
