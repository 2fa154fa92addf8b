"""What `band_interactions` returns: what bands do together, image by image and per class, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..data.moments import Moments
from ..data.options import whole_number
from ..errors import OptionError
from . import drawing
from .accuracy import accuracy_of, chance_of, described, how_many, taken_for
from .background import absent_as, chosen_by
from .completeness import completeness_residuals, largest
from .rows import cells_of, outputs_of_all, overall_of, table_of
from .schema import Counts, Flags, Names, Numbers, Plain, Positions
from .statistics import ClassBandTable, mean_by, rank_of
from .storing import store, stored
from .tables import WHOLE, Table, check_level

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

FORMAT = "bandlens.BandInteractions/1"

LEVELS = ("class", "image", "overall")
# of the table that says how sure the mean interaction is; `importance`, the mean size, stands before it
ERRORS = ("std_error", "conf_low", "conf_high")
PARTS = ("se_images", "se_background")
# sets that a summary names for each class
NAMED = 3


@dataclass(frozen=True, eq=False, repr=False)
class BandInteractions:
    """Interactions of every two (or three) bands for every class, and what each band does by itself.

    Attributes
    ----------
    scores : ndarray of float64, shape (n, k, sets)
        Of each image, each of its `k` explained outputs, and each set of bands: its main effect where the set is a
        single band, else its interaction.
    members : ndarray of int64, shape (sets, order)
        Bands of each set, indices into `bands`; -1 where there is no further one. By size, then in order.
    index : {"sii", "k-sii", "stii", "banzhaf"}
    complete : bool
        Whether all sets of an image sum to f(x) - mean f(background) with this index.
    order : int
        Size of the largest sets.
    image_class, prediction : ndarray of int64, shape (n,)
    image_output : ndarray of int64, shape (n, k)
    output_values, base_values : ndarray of float64, shape (n, k)
        f(x), and the mean of f over the background.
    classes, outputs, bands : tuple of str
        `bands` are groups where there are such, and say input and step where there are several.
    wavelengths : tuple of float
        In nm; NaN where unknown.
    output : str
        Scale of the output ("logit", "probability", "output").
    rounding : float
        How large an interaction may be for no other reason than that outputs are rounded.
    absent : {"marginal", "conditional", "nearest"}
        What stands for bands that are not there, as for the method "shapley".
    groups, background, background_source, background_strata, background_strategy, background_weights
        As in `BandImportance`, and so are all that follow.
    """

    scores: Annotated[np.ndarray, Numbers("image", "explained", "set")]
    members: Annotated[np.ndarray, Positions("set", "member", of="bands")]
    index: str
    complete: bool
    order: int
    image_class: Annotated[np.ndarray, Positions("image", of="classes")]
    prediction: Annotated[np.ndarray, Positions("image", of="classes")]
    image_output: Annotated[np.ndarray, Positions("image", "explained", of="outputs")]
    output_values: Annotated[np.ndarray, Numbers("image", "explained")]
    base_values: Annotated[np.ndarray, Numbers("image", "explained")]
    classes: Annotated[tuple[str, ...], Names("class")]
    outputs: Annotated[tuple[str, ...], Names("output")]
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    output: str
    rounding: float = 0.0
    groups: dict[str, list[str]] | None = None
    background: Annotated[np.ndarray | None, Positions("background")] = None
    background_source: str | None = None
    background_strata: Annotated[np.ndarray | None, Positions("background")] = None
    background_strategy: str | None = None
    background_weights: Annotated[np.ndarray | None, Numbers("background")] = None
    pair_images: Annotated[np.ndarray | None, Positions("pair")] = None
    pair_scores: Annotated[np.ndarray | None, Numbers("pair", "explained", "paired", "set")] = None
    seed: int = 0
    model: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
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
    absent: str = "marginal"

    # what the tables of an importance ask of a result: here, they are means of signed scores
    signed = True
    directed = True
    balanced = False
    drops = None
    pair_places = None
    draw_errors = None

    @property
    def n(self) -> int:
        """Number of images explained."""
        return len(self.scores) if self.images is None else len(np.unique(self.images))

    @property
    def accuracy(self) -> float | None:
        """As of `BandImportance`."""
        return accuracy_of(self)

    @property
    def chance(self) -> float | None:
        """As of `BandImportance`."""
        return chance_of(self)

    @property
    def completeness(self) -> float | None:
        """Largest relative miss of what all sets of an image should sum to; None where the index promises no sum."""
        if not self.complete:
            return None
        return largest(completeness_residuals(self.scores.sum(axis=-1), self.output_values - self.base_values))

    @property
    def sizes(self) -> np.ndarray:
        """How many bands each set has, shape (sets,)."""
        found: np.ndarray = (self.members >= 0).sum(axis=1)
        return found

    @property
    def cells(self) -> np.ndarray:
        """Pairs (class, output) that occur, in the user's order, shape (cells, 2), int64."""
        return self._by_cell[0]

    @property
    def cell_of_rows(self) -> np.ndarray:
        """Which of `cells` each row of `scores` and each of its outputs is of, shape (n * k,)."""
        return self._by_cell[1]

    @cached_property
    def _by_cell(self) -> tuple[np.ndarray, np.ndarray]:
        return cells_of(self.image_class, self.image_output)

    @cached_property
    def overall_outputs(self) -> np.ndarray:
        """Outputs of the rows over all classes; -1 where each image is explained by an output of its own."""
        return outputs_of_all(self.image_output)

    @cached_property
    def table(self) -> ClassBandTable:
        """Means of all sets and what is known of them, one row per entry of `cells`; `importance` is the mean."""
        return table_of(self)

    @cached_property
    def overall(self) -> ClassBandTable:
        """The same over the images of all classes, one row per explained output."""
        return overall_of(self)

    def to_frame(self, level: str = "class", order: int | None = None) -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"class", "image", "overall"}
            One row per class x output x set of bands, per image x output x set, or per output x set over the images of
            all classes.
        order : int, optional
            Size of the sets: 1 gives main effects, 2 pairs of bands; by default the largest there are.

        Returns
        -------
        pandas.DataFrame
            Columns ``class, output, band_1, band_2, interaction, importance, rank, std_error, conf_low, conf_high, n,
            se_images, se_background`` (with triples `band_3` behind `band_2`; of single bands, only `band_1`): the mean
            interaction over images, in units of the output, with its standard error and 95 % interval; the mean of its
            size; 1 for the set with the largest. Parts of the standard error are as in `BandImportance.to_frame`. Of
            "image" ``image, class, output, band_1, band_2, interaction``; `image` counts from 0. `class`, `output` and
            bands are ordered categoricals.
        """
        return self.columns(level, order).to_frame()

    def columns(self, level: str = "class", order: int | None = None) -> Table:
        """The same tables as plain columns, with codes for `class`, `output` and bands."""
        check_level(level, LEVELS)
        size = self.order if order is None else whole_number("order", order)
        if size > self.order:
            raise OptionError(
                "Interactions of so many bands were not computed.", expected=f"order 1 to {self.order}", given=str(size)
            )
        chosen = np.flatnonzero(self.sizes == size)
        names = [f"band_{place + 1}" for place in range(size)]
        levels = {"class": self.classes, "output": self.outputs, **dict.fromkeys(names, self.bands)}
        if level == "image":
            return Table(self._own(chosen, names), levels)
        if level == "class":
            return Table(self._means(self.table, self.cells, self._mean_sizes, chosen, names), levels)
        cells = np.stack([np.zeros_like(self.overall_outputs), self.overall_outputs], axis=1)
        return Table(
            self._means(self.overall, cells, self._mean_sizes_of_all, chosen, names), {**levels, "class": (WHOLE,)}
        )

    @cached_property
    def _mean_sizes(self) -> np.ndarray:
        """Mean |score| of each cell and set."""
        found: np.ndarray = Moments.of(
            np.abs(self.scores).reshape(-1, len(self.members)), self.cell_of_rows, len(self.cells)
        ).mean
        return found

    @property
    def _mean_sizes_of_all(self) -> np.ndarray:
        sizes = np.abs(self.scores)
        if self.images is not None:
            sizes = mean_by(sizes, np.unique(self.images, return_inverse=True)[1])
        found: np.ndarray = sizes.mean(axis=0)
        return found

    def _means(
        self, table: ClassBandTable, cells: np.ndarray, sizes: np.ndarray, chosen: np.ndarray, names: list[str]
    ) -> dict[str, np.ndarray]:
        importance = sizes[:, chosen]
        return {
            "class": np.repeat(cells[:, 0], len(chosen)),
            "output": np.repeat(cells[:, 1], len(chosen)),
            **{name: np.tile(self.members[chosen, place], len(cells)) for place, name in enumerate(names)},
            "interaction": table.importance[:, chosen].reshape(-1),
            "importance": importance.reshape(-1),
            "rank": rank_of(importance).reshape(-1),
            **{name: getattr(table, name)[:, chosen].reshape(-1) for name in ERRORS},
            "n": np.repeat(table.n, len(chosen)),
            **{name: getattr(table, name)[:, chosen].reshape(-1) for name in PARTS},
        }

    def _own(self, chosen: np.ndarray, names: list[str]) -> dict[str, np.ndarray]:
        n, k = self.image_output.shape
        rows = np.arange(n) if self.images is None else self.images
        return {
            "image": np.repeat(rows, k * len(chosen)),
            "class": np.repeat(self.image_class, k * len(chosen)),
            "output": np.repeat(self.image_output.reshape(-1), len(chosen)),
            **{name: np.tile(self.members[chosen, place], n * k) for place, name in enumerate(names)},
            "interaction": self.scores[:, :, chosen].reshape(-1),
        }

    def plot(self, kind: str = "heatmap", **options: Any) -> plotnine.ggplot:
        """Draw the table; see `bandlens.plots`.

        Parameters
        ----------
        kind : {"heatmap", "network"}
            Bands x bands with main effects on the diagonal, or bands on a circle with a line for each pair.
        **options
            What the kind takes: `classes`, `width` and `base_size`, and of "network" `top`, how many lines to draw.

        Returns
        -------
        plotnine.ggplot
            A complete plot to which layers, scales and themes can be added.
        """
        return drawing.draw(self, kind, **options)

    def summary(self) -> str:
        """Strongest interactions of each class, and what produced them, as text."""
        lines = [repr(self), ""]
        width = max(len(name) for name in self.classes)
        chosen = np.flatnonzero(self.sizes == self.order)
        for row, (code, output) in enumerate(self.cells):
            name = self.classes[code].ljust(width)
            if self.classes[code] != self.outputs[output]:
                name += f" -> {self.outputs[output]}"
            sizes = self._mean_sizes[row, chosen]
            best = [at for at in np.argsort(-sizes, kind="stable")[:NAMED] if sizes[at] > self.rounding]
            told = ", ".join(f"{self._named(chosen[at])} {self.table.importance[row, chosen[at]]:+.2g}" for at in best)
            lines.append(f"{name}  (n = {self.table.n[row]})  {told or 'bands do nothing together'}")
        return "\n".join(lines)

    def _named(self, at: int) -> str:
        return " x ".join(self.bands[band] for band in self.members[at] if band >= 0)

    def __repr__(self) -> str:
        used = "" if self.background is None else f", {len(self.background)} background images{chosen_by(self)}"
        used = ", ".join([used, *absent_as(self.absent)])
        classes = how_many(len(np.unique(self.image_class)), len(self.classes))
        return (
            f"<BandInteractions: {self.index} of order {self.order} ({self.output}){taken_for(self)}, {self.n} images, "
            f"{classes} x {len(self.bands)} bands{used}{described(self)}>"
        )

    def save(self, path: str | Path) -> None:
        """Write to a `.npz` file that `load` reads on any machine (NumPy arrays and JSON, no pickle)."""
        store(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | Path) -> BandInteractions:
        """Read what `save` wrote.

        Raises
        ------
        ResultError
            If the file holds something else.
        """
        return stored(cls, path, FORMAT)
