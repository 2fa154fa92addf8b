"""What `band_response` returns: curves of an output against a band's level, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..errors import OptionError
from . import drawing
from .cells import cell_columns, cell_levels, counted, in_order
from .schema import Counts, Names, Numbers, Plain, Positions
from .storing import store, stored
from .tables import Table

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

FORMAT = "bandlens.BandResponse/1"

CURVE_COLUMNS = (
    "class",
    "output",
    "band",
    "wavelength",
    "level",
    "effect",
    "std_error",
    "conf_low",
    "conf_high",
    "n",
)
OWN_COLUMNS = ("image", "class", "output", "band", "wavelength", "level", "value")


@dataclass(frozen=True, eq=False, repr=False)
class BandResponse:
    """How outputs answer to the level of each band, per class.

    A band's level in an image is its mean over the image's pixels.

    Attributes
    ----------
    kind : {"ale", "ice"}
        Accumulated local effects, or curves of single images and their mean.
    row_class, row_output, row_band : ndarray of int64, shape (rows,)
        Of each point of a curve; indices into `classes`, `outputs` and `bands`.
    level : ndarray of float64, shape (rows,)
        Where the point is, in the band's units.
    effect, std_error, conf_low, conf_high : ndarray of float64, shape (rows,)
        What the band at this level adds to the output, centred so that the mean over the class's images is 0; its
        standard error and 95 % interval, NaN where images are too few to tell.
    n_images : ndarray of int64, shape (rows,)
        Images behind the point: for "ale" those with levels from that of the point before to this one, 0 at the first
        point; for "ice" all.
    image_class : ndarray of int64, shape (n,)
    image_output : ndarray of int64, shape (n, k)
        Explained outputs of each image.
    images : ndarray of int64, shape (n,), or None
        As in `BandImportance`: image of each row, where images have several.
    band_levels : ndarray of float64, shape (n, bands)
        Level of each band in each image.
    classes, outputs, bands : tuple of str
    wavelengths : tuple of float
        In nm; NaN where unknown.
    output : str
        Scale of the output ("logit", "probability", "output").
    steps : int
        Most steps from the lowest to the highest level.
    grid : ndarray of float64, shape (classes, bands, points), or None
        For "ice": levels to which the bands of a class's images were moved, NaN where there is no curve.
    values : ndarray of float64, shape (n, k, bands, points), or None
        For "ice": outputs of each image there.
    missing : dict of str to list of str
        Classes of which a band has no curve, because its level is the same in all their images, by band.
    model : str
    versions : dict of str
    seconds : float
    inputs, times, time_kind
        As in `BandImportance`: where they are there, a band is one of an input, at a step.
    """

    kind: str
    row_class: Annotated[np.ndarray, Positions("row", of="classes")]
    row_output: Annotated[np.ndarray, Positions("row", of="outputs")]
    row_band: Annotated[np.ndarray, Positions("row", of="bands")]
    level: Annotated[np.ndarray, Numbers("row")]
    effect: Annotated[np.ndarray, Numbers("row")]
    std_error: Annotated[np.ndarray, Numbers("row")]
    conf_low: Annotated[np.ndarray, Numbers("row")]
    conf_high: Annotated[np.ndarray, Numbers("row")]
    n_images: Annotated[np.ndarray, Counts("row")]
    image_class: Annotated[np.ndarray, Positions("image", of="classes")]
    image_output: Annotated[np.ndarray, Positions("image", "explained", of="outputs")]
    band_levels: Annotated[np.ndarray, Numbers("image", "band")]
    classes: Annotated[tuple[str, ...], Names("class")]
    outputs: Annotated[tuple[str, ...], Names("output")]
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    output: str
    steps: int
    grid: Annotated[np.ndarray | None, Numbers("class", "band", "point")] = None
    values: Annotated[np.ndarray | None, Numbers("image", "explained", "band", "point")] = None
    missing: dict[str, list[str]] = field(default_factory=dict)
    model: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    inputs: Annotated[tuple[str, ...] | None, Names("band", newer=True)] = None
    times: Annotated[tuple[str, ...] | None, Names("band", newer=True)] = None
    time_kind: Annotated[str | None, Plain(newer=True)] = None
    images: Annotated[np.ndarray | None, Positions("image", newer=True)] = None

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.image_class) if self.images is None else len(np.unique(self.images))

    def to_frame(self, level: str = "class") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"class", "image"}
            One row per class x output x band x level, or, of "ice", per image x output x band x level.

        Returns
        -------
        pandas.DataFrame
            Columns ``class, output, band, wavelength, level, effect, std_error, conf_low, conf_high, n``, as the
            attributes say; of "image" ``image, class, output, band, wavelength, level, value``, the output itself with
            the band at that level. `class`, `output` and `band` are ordered categoricals; `image` counts from 0. With
            several inputs or a time axis also `input` and `time`, as in `BandImportance.to_frame`.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "class") -> Table:
        """The same tables as plain columns, with codes for `class`, `output` and `band`."""
        known = ("class",) if self.values is None else ("class", "image")
        if level not in known:
            raise OptionError(
                "There is no such table.",
                expected=" or ".join(f"level={name!r}" for name in known),
                given=repr(level),
                fix="curves of single images are computed with kind='ice'" if level == "image" else None,
            )
        levels = {"class": self.classes, "output": self.outputs, **cell_levels(self)}
        return Table(self._curves() if level == "class" else self._own(), levels)

    def _curves(self) -> dict[str, np.ndarray]:
        columns = {
            "class": self.row_class,
            "output": self.row_output,
            **cell_columns(self, self.row_band),
            "level": self.level,
            "effect": self.effect,
            "std_error": self.std_error,
            "conf_low": self.conf_low,
            "conf_high": self.conf_high,
            "n": self.n_images,
        }
        return in_order(columns, CURVE_COLUMNS)

    def _own(self) -> dict[str, np.ndarray]:
        assert self.values is not None
        assert self.grid is not None
        image, explained, band, point = np.nonzero(np.isfinite(self.values))
        columns = {
            "image": image if self.images is None else self.images[image],
            "class": self.image_class[image],
            "output": self.image_output[image, explained],
            **cell_columns(self, band),
            "level": self.grid[self.image_class[image], band, point],
            "value": self.values[image, explained, band, point],
        }
        return in_order(columns, OWN_COLUMNS)

    def plot(self, **options: Any) -> plotnine.ggplot:
        """Draw the curves, a panel per band (of "ice", per class and band); see `bandlens.plots.response`.

        Parameters
        ----------
        **options
            `top`, how many bands to show; `bands`, which; `classes`, which (drawn in colour); `width`, `base_size`.

        Returns
        -------
        plotnine.ggplot
            A complete plot to which layers, scales and themes can be added.
        """
        return drawing.draw(self, self.kind, **options)

    def save(self, path: str | Path) -> None:
        """Write to a `.npz` file that `load` reads on any machine (NumPy arrays and JSON, no pickle)."""
        store(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | Path) -> BandResponse:
        """Read what `save` wrote.

        Raises
        ------
        ResultError
            If the file holds something else.
        """
        return stored(cls, path, FORMAT)

    def __repr__(self) -> str:
        without = sum(map(len, self.missing.values()))
        lacking = f", {without} curves missing" if without else ""
        return (
            f"<BandResponse: {self.kind} ({self.output}), {self.n} images, "
            f"{len(np.unique(self.image_class))} classes x {counted(self)}{lacking}>"
        )
