"""What `class_activation_maps` and `occlusion_maps` return: where outputs come from in each image, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..errors import OptionError
from ..results import drawing
from ..results.accuracy import accuracy_of, chance_of, described, taken_for
from ..results.cells import cell_columns, cell_levels, in_order
from ..results.levels import table_columns
from ..results.schema import Counts, Flags, Names, Numbers, Plain, Positions
from ..results.statistics import ClassBandTable, class_band_table
from ..results.storing import store, stored
from ..results.summary import summary_of
from ..results.tables import Table, check_level

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

FORMAT = "bandlens.ActivationMaps/1"
IMAGE_COLUMNS = ("image", "class", "output", "band", "mean", "mean_abs", "peak", "row", "col")
PIXEL_COLUMNS = ("image", "class", "output", "row", "col", "band", "value")


@dataclass(frozen=True, eq=False, repr=False)
class ActivationMaps:
    """Maps of chosen images, at the resolution of a layer or of sliding windows.

    Attributes
    ----------
    values : ndarray of float32, shape (n, k, rows, cols), or (n, k, bands, rows, cols) with `by`
        Of each of the k explained outputs of an image. Class activation maps are in units of the output per change of
        an activation times the activation, occlusion maps in those of the output. With `by`, what each band adds.
    image_class, prediction : ndarray of int64, shape (n,)
        Indices into `classes`.
    image_output : ndarray of int64, shape (n, k)
        Indices into `outputs`.
    row_at, col_at : ndarray of float64, shape (rows,) and (cols,)
        Where rows and columns of a map have their middle, in parts of the image's sides.
    classes, outputs, bands : tuple of str
    wavelengths : tuple of float
        In nm; NaN where unknown.
    band_axes : ndarray of int64, shape (bands,)
        Axis of each band in a batch of the images of its input.
    method, output : str
        `method` is a key of `CAM_METHODS`, or "occlusion".
    layer, kind : str or None
        The layer that was mapped, and its class; None of occlusion.
    relu : bool
        Whether negative values were set to 0, before bands were compared.
    by : str or None
        "band" where there is a map for each band.
    n_background : int or None
        Background images that bands or windows were replaced by.
    options : dict
        Of the method, by name.
    seed : int
    model : str
    versions : dict of str
    seconds : float
    inputs : tuple of str or None
        Input of each band, where there are several.
    correct, observed, fitted, task, head, zone, images, predicted, labelled, both, judged, agreeing
        As in `BandImportance`.
    """

    values: Annotated[np.ndarray, Numbers("image", "explained", "...")]
    image_class: Annotated[np.ndarray, Positions("image", of="classes")]
    prediction: Annotated[np.ndarray, Positions("image", of="classes")]
    image_output: Annotated[np.ndarray, Positions("image", "explained", of="outputs")]
    row_at: Annotated[np.ndarray, Numbers("row")]
    col_at: Annotated[np.ndarray, Numbers("col")]
    classes: Annotated[tuple[str, ...], Names("class")]
    outputs: Annotated[tuple[str, ...], Names("output")]
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    band_axes: Annotated[np.ndarray, Counts("band")]
    method: str
    output: str
    layer: str | None = None
    kind: str | None = None
    relu: bool = False
    by: str | None = None
    n_background: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    model: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    inputs: Annotated[tuple[str, ...] | None, Names("band")] = None
    correct: Annotated[np.ndarray | None, Flags("image")] = None
    observed: Annotated[np.ndarray | None, Numbers("image", "...")] = None
    fitted: Annotated[np.ndarray | None, Numbers("image", "...")] = None
    task: Annotated[str | None, Plain()] = None
    head: Annotated[str | None, Plain()] = None
    zone: Annotated[str | None, Plain()] = None
    images: Annotated[np.ndarray | None, Positions("image")] = None
    predicted: Annotated[np.ndarray | None, Counts("image", "class")] = None
    labelled: Annotated[np.ndarray | None, Counts("image", "class")] = None
    both: Annotated[np.ndarray | None, Counts("image", "class")] = None
    judged: Annotated[np.ndarray | None, Counts("image")] = None
    agreeing: Annotated[np.ndarray | None, Counts("image")] = None

    @property
    def n(self) -> int:
        """Number of images, or of rows, where images have several."""
        return len(self.values)

    @property
    def times(self) -> None:
        """Steps of bands, which maps have none of."""
        return None

    @property
    def time_kind(self) -> None:
        """What steps are."""
        return None

    @property
    def accuracy(self) -> float | None:
        """Share of the images that the model classifies right, or R^2, as in `BandImportance`."""
        return accuracy_of(self)

    @property
    def chance(self) -> float | None:
        """The accuracy to be expected by chance, as in `BandImportance`."""
        return chance_of(self)

    @property
    def empty(self) -> np.ndarray:
        """Maps that are 0 everywhere, as nothing in them speaks for the output; bool, shape (n, k)."""
        return np.asarray(~self.values.any(axis=tuple(range(2, self.values.ndim))))

    @cached_property
    def cells(self) -> np.ndarray:
        """Pairs (class, output) that occur, in the user's order, shape (cells, 2), int64."""
        return np.unique(self._pairs, axis=0)

    @property
    def _pairs(self) -> np.ndarray:
        return np.stack(
            [np.repeat(self.image_class, self.image_output.shape[1]), self.image_output.reshape(-1)], axis=1
        )

    @cached_property
    def table(self) -> ClassBandTable:
        """Numbers of the class x band table, one row per entry of `cells`: of the mean absolute change of the maps.

        `effect` is the mean of the signed change. Intervals are over images: what the background does is not known
        where maps are averaged over several of its images.
        """
        flat = self.values.reshape(-1, len(self.bands), int(np.prod(self.values.shape[-2:]))).astype(np.float64)
        cells, cell = np.unique(self._pairs, axis=0, return_inverse=True)
        pairs = [None] * len(cells) if self.n_background is not None and self.n_background > 1 else None
        sizes = np.abs(flat).mean(axis=2)
        means, rows = flat.mean(axis=2), cell.reshape(-1)
        return class_band_table(means, sizes, rows, len(cells), signed=True, pairs=pairs)  # type: ignore[arg-type]

    def to_frame(self, level: str = "image") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"image", "pixel", "class"}
            One row per map, or per place of a map; with `by`, "class" has one per class x output x band.

        Returns
        -------
        pandas.DataFrame
            - "image": `image`, `class`, `output`, with `by` also `band` and `wavelength`; `mean` and `mean_abs` (of the
              sizes) over places, and `peak`, the value that is largest in size, with its `row` and `col`, which are
              missing of a map that is 0 everywhere.
            - "pixel": the same first columns, `row`, `col`, `value`.
            - "class": the columns of `BandImportance.to_frame`; `importance` is the mean absolute change of the map
              with the band, over places and images of the class, `effect` that of the signed change.

            Positions count from 0; `class`, `output` and `band` are ordered categoricals.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "image") -> Table:
        """The same tables as plain columns, `class`, `output` and `band` as codes."""
        check_level(level, ("image", "pixel", "class"))
        levels = {"class": self.classes, "output": self.outputs, **(cell_levels(self) if self.by else {})}
        if level == "class":
            if self.by is None:
                raise OptionError(
                    "Maps that are not told apart by band have no class x band table.",
                    expected="level='image' or 'pixel'",
                    given="level='class'",
                    fix="ask for maps by='band'",
                )
            return Table(table_columns(self, self.table, self.cells), levels)
        banded = self.values if self.by else self.values[:, :, None]
        if level == "pixel":
            image, explained, band, row, col = (at.reshape(-1) for at in np.indices(banded.shape, dtype=np.int64))
            own = {"row": row, "col": col, "value": banded.reshape(-1)}
            return Table(self._with_names(image, explained, band, own, PIXEL_COLUMNS), levels)
        image, explained, band = (at.reshape(-1) for at in np.indices(banded.shape[:3], dtype=np.int64))
        flat = banded.reshape(len(image), -1).astype(np.float64)
        place = np.ma.masked_array(np.abs(flat).argmax(axis=1), mask=~flat.any(axis=1), fill_value=0)
        own = {
            "mean": flat.mean(axis=1),
            "mean_abs": np.abs(flat).mean(axis=1),
            "peak": flat[np.arange(len(flat)), place.data],
            "row": place // banded.shape[-1],
            "col": place % banded.shape[-1],
        }
        return Table(self._with_names(image, explained, band, own, IMAGE_COLUMNS), levels)

    def _with_names(
        self,
        image: np.ndarray,
        explained: np.ndarray,
        band: np.ndarray,
        own: dict[str, np.ndarray],
        order: Sequence[str],
    ) -> dict[str, np.ndarray]:
        columns = {
            "image": image if self.images is None else self.images[image],
            "class": self.image_class[image],
            "output": self.image_output[image, explained],
            **(cell_columns(self, band) if self.by else {}),
            **own,
        }
        return in_order(columns, order)

    def plot(
        self,
        image: int | Sequence[int] | None = None,
        *,
        x: Any = None,
        rgb: Sequence[str | int] | None = None,
        width: float = 175,
        base_size: float = 8,
    ) -> plotnine.ggplot:
        """Draw the maps: images in rows, explained outputs (with `by`, bands of the first) in columns, on one scale.

        Parameters
        ----------
        image : int or sequence of int, optional
            Positions of images in these maps, up to 12; by default the first four (with `by` the first).
        x : array_like, optional
            The images of these maps, all of them (of several inputs, a dict or list of them, of which the first with
            rows and columns is shown): maps are drawn over a composite of three bands, more opaque where they are
            larger.
        rgb : sequence of three str or int, optional
            Bands of the composite, as for `BandMaps.plot`.
        width : float
            Width in mm at which the picture will be shown.
        base_size : float
            Font size in points.

        Returns
        -------
        plotnine.ggplot
            A complete plot. Over a composite, maps are interpolated linearly between places, for the picture only.

        Raises
        ------
        BandlensError
            If there is no such image or band, or `x` are not the images of these maps.
        """
        return drawing.draw(self, "where", image=image, x=x, rgb=rgb, width=width, base_size=base_size)

    def summary(self) -> str:
        """What maps are of and where they peak, or the bands that change them most, for each class, as text."""
        if self.by is not None:
            return summary_of(self)
        lines = [repr(self), ""]
        columns = self.columns("image").columns
        width = max(map(len, self.classes))
        for code, output in self.cells.tolist():
            mine = (columns["class"] == code) & (columns["output"] == output)
            name = self.classes[code].ljust(width)
            name += f" -> {self.outputs[output]}" if self.classes[code] != self.outputs[output] else ""
            empty = int((columns["peak"][mine] == 0).sum())
            told = f"mean {columns['mean'][mine].mean():.3g}, peak {columns['peak'][mine].mean():.3g}"
            lines.append(f"{name}  (n = {mine.sum()})  {told}" + (f", {empty} empty" if empty else ""))
        return "\n".join(lines)

    def save(self, path: str | Path) -> None:
        """Write to a `.npz` file that `load` reads on any machine (NumPy arrays and JSON, no pickle)."""
        store(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | Path) -> ActivationMaps:
        """Read what `save` wrote.

        Raises
        ------
        ResultError
            If the file holds something else.
        """
        return stored(cls, path, FORMAT)

    def __repr__(self) -> str:
        images = self.n if self.images is None else len(np.unique(self.images))
        at = "" if self.layer is None else f" of layer '{self.layer}'"
        by = f" x {len(self.bands)} bands" if self.by else ""
        shape = " x ".join(map(str, self.values.shape[-2:]))
        empty = int(self.empty.sum())
        nothing = f", {empty} of {self.empty.size} maps are 0 everywhere" if empty else ""
        return (
            f"<ActivationMaps: {self.method}{at} ({self.output}){taken_for(self)}, {images} images{by}, {shape} places"
            f"{described(self)}{nothing}>"
        )
