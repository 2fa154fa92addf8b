"""What `band_importance` returns: plain data that prints, saves, pickles and turns into tables and pictures.

It holds no framework object, so it outlives the session, the model and the machine that made it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, overload

import numpy as np

from . import drawing
from .accuracy import accuracy_of, chance_of, described, how_many, taken_for
from .background import absent_as, chosen_by, pairs_taken, part_of_background
from .cells import counted
from .choosing import chosen_rows, refuse_drops
from .completeness import largest, shown
from .explanation import explanation_of
from .levels import columns_at
from .precision import is_precise, reached, told
from .rows import cells_of, outputs_of_all, overall_of, table_of
from .schema import Counts, Flags, Lists, Names, Numbers, Plain, Positions, Same, taken
from .statistics import ClassBandTable
from .storing import store, stored
from .summary import summary_of
from .sums import KEPT, sum_fields
from .tables import Table, check_level

if TYPE_CHECKING:
    import pandas as pd
    import plotnine
    import shap

FORMAT = "bandlens.BandImportance/1"


@dataclass(frozen=True, eq=False, repr=False)
class BandImportance:
    """Importance of every band for every class.

    Attributes
    ----------
    scores : ndarray of float64, shape (n, k, bands)
        Band score of each image for each of its `k` explained outputs.
    image_class, prediction : ndarray of int64, shape (n,)
        Class each image is counted in, and the class the model predicts; indices into `classes`.
    image_output : ndarray of int64, shape (n, k)
        Explained outputs; indices into `outputs`.
    output_values, base_values : ndarray of float64, shape (n, k)
        f(x), and the mean of f over the background (NaN without one).
    band_means : ndarray of float64, shape (n, bands)
        Mean of each band over the pixels of each image.
    classes, outputs, bands, wavelengths : tuples of str and, in nm, of float; NaN where unknown
    method, statistic, output : str
        What was computed, how it was reduced over pixels, and on which scale of the output ("logit", "probability").
    signed : bool
        Whether scores have a sign.
    residuals : ndarray of float64, shape (n, k), or None
        Relative completeness residual per image and output; None for methods that are not additive.
    cancellations : ndarray of float64, shape (n, k), or None
        How much larger an image's scores are than what they share out: the sum of their sizes over the output's mean
        distance from those of the background, see `bandlens.results.completeness`. About 1 where bands agree. None for
        methods that are not additive, and in results that versions before this attribute have saved.
    score_errors : ndarray of float64, shape (n, k, bands), or None
        Standard error of each score over its random draws, where it comes from such.
    local_fit : ndarray of float64, shape (n, k), or None
        R^2 of a local model of each image's output (LIME): how much of it the scores explain.
    drops : ndarray of float64, shape (repeats, classes + 1, bands), or None
        Falls of a metric that is computed for a class at once, where images have no scores: for every class that
        occurs, in order, and for all images together.
    directed : bool
        Whether importance is the mean of the signed scores, not of their size (permutation, SAGE: chance must average
        out).
    balanced : bool
        Whether in `overall` every class counts the same, not every image.
    groups, zone_bands : dict of str to list of str, or None
        Bands that were treated as one; bands of groups that shared first (Owen values). The others are single.
    background : ndarray of int64, shape (m,), or None
        Positions of the background images used, in `background_source`; -1 for means of such.
    background_source : {"background", "x"} or None
    options : dict, of the method
    seed, model, versions, seconds : int, str (its name), dict of str, float
    correct : ndarray of bool, shape (n,), or None
        Whether the class that the model predicts is the image's label; None where images had no labels, and in results
        that versions before this attribute have saved.
    observed, fitted : ndarray of float64, shape (n,) or (n, outputs), or None
        Observed numbers and those that the model predicts, where it predicts such and the observed ones were given.
    image_bands : tuple of str or None
        Names of the single bands, in the order of the model: where there are groups, of all of them; else those that
        the images themselves have, where `bands` are others.
    task, head, zone : str or None
        What the outputs stand for, see `bandlens.data.tasks`; which of several outputs of the model they are; and which
        pixels were explained, "label", "predicted", "image" or "mask".
    images : ndarray of int64, shape (n,), or None
        Image of each row, where an image may have several, each for a class: then n counts rows. Also where images were
        chosen from those given (`precision`, `max_seconds`, an interrupt): which they are, in the order of computing.
    predicted, labelled, both : ndarray of int64, shape (n, classes), or None
        Of images with several labels, or labelled pixels: how many are predicted, are there, and both.
    judged, agreeing : ndarray of int64, shape (n,), or None
        How many labels or pixels of the image may be right or wrong, and how many are right.
    inputs : tuple of str or None
        Name of the input that each entry of `bands` is of, where the model has several. With these or `times`, "band"
        is a *cell* in all shapes above: a band of an input at a step, steps varying fastest, and names in `bands` come
        several times.
    times : tuple of str or None
        Name of the step of each entry of `bands`, where there is a time axis; empty for bands of inputs without one.
    time_kind : str or None
        What steps are: "date", "number" or "name".
    background_strata : ndarray of int64, shape (m,), or None
        Class of each background image, where as many were drawn from every class.
    background_strategy, background_weights : str, ndarray of float64, shape (m,), or None
        How they were chosen, see `bandlens.data.backgrounds`, and how much each counts, if not all the same.
    draw_errors : ndarray of float64, shape (n, k, bands), or None
        Standard error of each score by the draw of its own few background images (`background_per_image`). Importance
        is then the mean of sizes that are not larger by these errors, see `bandlens.results.sizes`.
    pair_images, pair_scores, pair_places : ndarray, shapes (pairs,), (pairs, k, d, bands) and (pairs, d), or None
        Some rows; their scores against single background images, if there are such and these are a sample, which tell
        what another would change; positions of these in `background`, where they are not all of it.
    """

    scores: Annotated[np.ndarray, Numbers("image", "explained", "band")]
    image_class: Annotated[np.ndarray, Positions("image", of="classes")]
    prediction: Annotated[np.ndarray, Positions("image", of="classes")]
    image_output: Annotated[np.ndarray, Positions("image", "explained", of="outputs")]
    output_values: Annotated[np.ndarray, Numbers("image", "explained")]
    base_values: Annotated[np.ndarray, Numbers("image", "explained")]
    band_means: Annotated[np.ndarray, Numbers("image", "band")]
    classes: Annotated[tuple[str, ...], Names("class"), Same("the classes")]
    outputs: Annotated[tuple[str, ...], Names("output"), Same("the outputs of the model")]
    bands: Annotated[tuple[str, ...], Names("band"), Same("the bands")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band"), Same("the wavelengths")]
    method: Annotated[str, Same("the method")]
    statistic: Annotated[str, Same("the statistic")]
    output: Annotated[str, Same("the scale of the output")]
    signed: Annotated[bool, Same("whether scores have a sign")]
    residuals: Annotated[np.ndarray | None, Numbers("image", "explained")] = None
    cancellations: Annotated[np.ndarray | None, Numbers("image", "explained", newer=True)] = None
    score_errors: Annotated[np.ndarray | None, Numbers("image", "explained", "band")] = None
    local_fit: Annotated[np.ndarray | None, Numbers("image", "explained")] = None
    drops: Annotated[np.ndarray | None, Numbers("repeat", "occurring class or all", "band")] = None
    directed: Annotated[bool, Same("whether importance has a sign")] = False
    balanced: Annotated[bool, Same("whether classes count the same")] = False
    groups: Annotated[dict[str, list[str]] | None, Same("the groups of bands")] = None
    background: Annotated[np.ndarray | None, Positions("background")] = None
    background_source: Annotated[str | None, Same("where the background is from")] = None
    options: Annotated[dict[str, Any], Same("the options of the method")] = field(default_factory=dict)
    seed: Annotated[int, Same("the seed")] = 0
    model: Annotated[str, Same("the model")] = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    correct: Annotated[np.ndarray | None, Flags("image", newer=True)] = None
    observed: Annotated[np.ndarray | None, Numbers("image", "...", newer=True)] = None
    fitted: Annotated[np.ndarray | None, Numbers("image", "...", newer=True)] = None
    image_bands: Annotated[tuple[str, ...] | None, Names("single band", newer=True)] = None
    task: Annotated[str | None, Plain(newer=True)] = None
    head: Annotated[str | None, Plain(newer=True), Same("the head")] = None
    zone: Annotated[str | None, Plain(newer=True), Same("the zone")] = None
    images: Annotated[np.ndarray | None, Positions("image", newer=True)] = None
    predicted: Annotated[np.ndarray | None, Counts("image", "class", newer=True)] = None
    labelled: Annotated[np.ndarray | None, Counts("image", "class", newer=True)] = None
    both: Annotated[np.ndarray | None, Counts("image", "class", newer=True)] = None
    judged: Annotated[np.ndarray | None, Counts("image", newer=True)] = None
    agreeing: Annotated[np.ndarray | None, Counts("image", newer=True)] = None
    inputs: Annotated[tuple[str, ...] | None, Names("band", newer=True), Same("the inputs")] = None
    times: Annotated[tuple[str, ...] | None, Names("band", newer=True), Same("the time steps")] = None
    time_kind: Annotated[str | None, Plain(newer=True), Same("what time steps are")] = None
    background_strata: Annotated[np.ndarray | None, Positions("background", newer=True)] = None
    background_strategy: Annotated[str | None, Plain(newer=True)] = None
    background_weights: Annotated[np.ndarray | None, Numbers("background", newer=True)] = None
    pair_images: Annotated[np.ndarray | None, Positions("pair", newer=True)] = None
    pair_scores: Annotated[np.ndarray | None, Numbers("pair", "explained", "paired", "band", newer=True)] = None
    pair_places: Annotated[np.ndarray | None, Positions("pair", "paired", newer=True)] = None
    precision: Annotated[float | None, Plain(newer=True)] = None
    draw_errors: Annotated[np.ndarray | None, Numbers("image", "explained", "band", newer=True)] = None
    zone_bands: Annotated[dict[str, list[str]] | None, Lists(newer=True), Same("the zones of bands")] = None

    @property
    def n(self) -> int:
        """Number of images explained."""
        return len(self.scores) if self.images is None else len(np.unique(self.images))

    @property
    def completeness(self) -> float | None:
        """Largest relative completeness residual, or None where the method is not additive."""
        return largest(self.residuals)

    @property
    def cancellation(self) -> float | None:
        """Largest cancellation, or None where the method is not additive or it is not known."""
        return largest(self.cancellations)

    @property
    def accuracy(self) -> float | None:
        """Share of the images, labels or pixels that the model has right; R^2 of numbers; None without labels."""
        return accuracy_of(self)

    @property
    def chance(self) -> float | None:
        """Accuracy of predictions that come as often but have nothing to do with the labels, see `results.accuracy`.

        0 for a model that predicts a number; None without labels, or with those of a single class.
        """
        return chance_of(self)

    @property
    def n_background(self) -> int | None:
        """Number of background images used."""
        return None if self.background is None else len(self.background)

    @property
    def background_part(self) -> float | None:
        """Median part of the background in the variances of importances, 0 to 1; None where it is not known."""
        return part_of_background(self.table)

    @property
    def precision_reached(self) -> float | None:
        """Half width of the widest 95 % interval of a share in the table; None where no share has one."""
        return reached(self)

    @property
    def converged(self) -> bool | None:
        """Whether every share is known to `precision`; None where nothing was asked for."""
        return is_precise(self)

    @cached_property
    def cells(self) -> np.ndarray:
        """Pairs (class, output) that occur, in the user's order, shape (cells, 2), int64."""
        return self._by_cell[0]

    @cached_property
    def table(self) -> ClassBandTable:
        """Numbers of the class x band table, one row per entry of `cells`."""
        return table_of(self)

    @cached_property
    def overall_outputs(self) -> np.ndarray:
        """Outputs of the rows of `overall`; -1 where each image is explained by an output of its own."""
        return outputs_of_all(self.image_output)

    @cached_property
    def overall(self) -> ClassBandTable:
        """Numbers of the table over the images of all classes, one row per explained output."""
        return overall_of(self)

    @property
    def cell_of_rows(self) -> np.ndarray:
        """Which of `cells` each row of `scores` and each of its outputs is of, shape (n * k,)."""
        return self._by_cell[1]

    @cached_property
    def _by_cell(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (class, output) that occur, and which of them each row of scores is of."""
        return cells_of(self.image_class, self.image_output)

    def to_frame(self, level: str = "class") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"class", "image", "overall", "band", "time", "input", "group"}
            One row per class x output x band (with a time axis: and step), per image x output x band, or per output x
            band over the images of all classes. "band" and "time", where there is a time axis, are the class table of
            scores that were summed over steps or over bands; "input", where there are several inputs, of those summed
            over both; "group", of Owen values, of those summed over the bands of each group.

        Returns
        -------
        pandas.DataFrame
            Columns as listed in `bandlens.results.tables`; `class`, `output` and `band` are ordered categoricals. With
            several inputs there is `input` before `band`, with a time axis `time` behind it: dates, numbers, or an
            ordered categorical.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "class") -> Table:
        """The same tables as plain columns, which R shows; levels as for `to_frame`.

        In "overall", `class` is 0 and `output` -1 where each image has an output of its own; `image` counts from 0.
        """
        return self.sums(level).columns() if level in KEPT else columns_at(self, level)

    def sums(self, level: str) -> BandImportance:
        """Result of summed scores: what `to_frame` has the table of at this level, to draw and to compare.

        Parameters
        ----------
        level : {"band", "time", "input", "group"}
            Sum each image's signed scores over steps, over bands, over all of an input, or of groups (`zone_bands`).

        Returns
        -------
        BandImportance
            Without `score_errors` and `draw_errors`. In "time" and "input", entries of `bands` are empty.

        Raises
        ------
        OptionError
            If there is no time axis, there are not several inputs, or these are no Owen values.
        """
        check_level(level, tuple(KEPT))
        return replace(self, **sum_fields(self, level))

    def subset(self, images: Any) -> BandImportance:
        """Result of some of the images, with tables of their own; `combine` is the way back.

        Parameters
        ----------
        images : int, sequence of int or bool, or slice
            Positions, negative ones counted from the end, or True for each image to keep. None may come twice. Of
            images that were chosen (`precision`, ...), these are positions in `image_class`; `images` goes along.

        Returns
        -------
        BandImportance
            `background` is what it was: positions in the images of the computation. `seconds` are its part of them.

        Raises
        ------
        ResultError
            If images have no scores of their own (`drops`).
        OptionError
            If there are no such images, or none is left.
        """
        refuse_drops([self], "cut")
        rows, numbers = chosen_rows(self, images)
        fields = {**taken(self, "image", rows), **pairs_taken(self, rows), "images": numbers}
        return replace(self, **fields, seconds=self.seconds * len(rows) / len(self.scores))

    @overload
    def plot(
        self, kind: str = "heatmap", *, interactive: Literal[False] = False, **options: Any
    ) -> plotnine.ggplot: ...
    @overload
    def plot(self, kind: str = "heatmap", *, interactive: bool, **options: Any) -> Any: ...

    def plot(self, kind: str = "heatmap", *, interactive: bool = False, **options: Any) -> Any:
        """Draw the table; see `bandlens.plots` for the kinds.

        Parameters
        ----------
        kind : str
            "heatmap", "bars", "effect", "spectrum", "ranks", "distribution", "dependence", "waterfall", or with a time
            axis "curves".
        interactive : bool
            Draw by plotly (``pip install plotly``), which says under the mouse which class and band it is, its
            wavelength, importance and interval: "heatmap", "bars" and "spectrum".
        **options
            What the kind takes: `width` and `base_size`, `scales="free"` where each class shall have its own scale, and
            `level`, "band", "time", "input" or "group", to draw `sums`.

        Returns
        -------
        plotnine.ggplot or plotly.graph_objects.Figure
            A complete plot to which layers, scales and themes can be added; a figure where it is interactive.
        """
        return drawing.draw(self, kind, interactive=interactive, **options)

    def summary(self) -> str:
        """Most important bands of each class, and what produced them, as text."""
        return summary_of(self)

    def __repr__(self) -> str:
        used = "" if self.background is None else f", {len(self.background)} background images{chosen_by(self)}"
        used = ", ".join([used, *absent_as(self.options.get("absent"))])
        account = described(self) + shown(self.completeness, self.cancellation)
        classes = how_many(len(np.unique(self.image_class)), len(self.classes))
        fit = "" if self.local_fit is None else f", median R^2 of local fits {np.median(self.local_fit):.2f}"
        return (
            f"<BandImportance: {self.method} ({self.statistic}, {self.output}){taken_for(self)}, {self.n} images, "
            f"{classes} x {counted(self)}{used}{told(self)}{account}{fit}>"
        )

    def to_shap(self) -> shap.Explanation:
        """Band scores as a `shap.Explanation`, so that shap's plots and tools work on them.

        Returns
        -------
        shap.Explanation
            `values` (rows, bands), `base_values` (rows,), `data` each image's band means (rows, bands); one row per
            image and explained output, image by image.
        """
        return explanation_of(self)

    def save(self, path: str | Path) -> None:
        """Write to a `.npz` file that `load` reads on any machine (NumPy arrays and JSON, no pickle)."""
        store(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | Path) -> BandImportance:
        """Read what `save` wrote.

        Raises
        ------
        ResultError
            If the file holds something else.
        """
        return stored(cls, path, FORMAT)
