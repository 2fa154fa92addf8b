"""What `visualize_features` returns: images of features as plain arrays, and how they came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..results import drawing
from ..results.schema import Counts, Flags, Names, Numbers, Plain, Positions, taken
from ..results.tables import Table, check_level

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

LEVELS = ("feature", "band", "pixel", "trace")


@dataclass(frozen=True, eq=False, repr=False)
class FeatureImages:
    """Images that excite features of a network.

    Attributes
    ----------
    values : ndarray of float, shape (n, rows, cols, bands)
        One image per feature (several with `n_images`), in the data's own units, in the model's precision. Spectra and
        images in other layouts are put into this one.
    feature : ndarray of int64, shape (n,)
        Position of each image's feature in the layer: channel, unit, class, direction or, of deep dreams, 0.
    image : ndarray of int64, shape (n,)
        Number of the image among those of its feature.
    names : tuple of str
        What each image's feature is called.
    activation_before, activation_after : ndarray of float64, shape (n,)
        Activation by the start and by the image, see `activation`.
    trace : ndarray of float64, shape (n, steps)
        Activation as seen, jittered, before each step; NaN for steps that an interrupt prevented.
    done : ndarray of int64, shape (n,)
        Steps that were made.
    restarts : ndarray of int64, shape (n,)
        Starts that were given up as the feature was silent at them. Later ones are dark, bright, of stronger and finer
        noise, and around random levels of the bands.
    dead : ndarray of bool, shape (n,)
        Features whose gradient was zero at every step: their images show the start. Without steps, those whose
        activation is zero.
    low, high : ndarray of float64, shape (bands,)
        Range of each band.
    layer : str
        Name of the layer; "logit" for the model's outputs; several of a deep dream are joined by ", ".
    objective, activation : str
        What was to grow, and what `activation_before` and the like tell of it.
    start : str
        Kind of the start.
    bands : tuple of str
    wavelengths : tuple of float
        In nm; NaN where unknown.
    steps : int
        That were asked for.
    interrupted : bool
        Whether images or steps are missing because of an interrupt.
    seed : int
    options : dict
    model : str
    versions : dict of str
    seconds : float
    input : str or None
        Which input of the model the images are for, where it has several; the others were held at the mean of their
        background.
    """

    values: Annotated[np.ndarray, Numbers("image", "row", "col", "band")]
    feature: Annotated[np.ndarray, Positions("image")]
    image: Annotated[np.ndarray, Positions("image")]
    names: Annotated[tuple[str, ...], Names("image")]
    activation_before: Annotated[np.ndarray, Numbers("image")]
    activation_after: Annotated[np.ndarray, Numbers("image")]
    trace: Annotated[np.ndarray, Numbers("image", "step")]
    done: Annotated[np.ndarray, Counts("image")]
    restarts: Annotated[np.ndarray, Counts("image")]
    dead: Annotated[np.ndarray, Flags("image")]
    low: Annotated[np.ndarray, Numbers("band")]
    high: Annotated[np.ndarray, Numbers("band")]
    layer: str
    objective: str
    activation: str
    start: str
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    steps: int
    interrupted: bool = False
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    input: Annotated[str | None, Plain(newer=True)] = None

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.values)

    def __len__(self) -> int:
        return self.n

    @property
    def not_risen(self) -> np.ndarray:
        """Features that are not dead, and whose image excites them no more than the start did; bool, shape (n,)."""
        stepped = self.done > 0
        return stepped & ~self.dead & ~(self.activation_after > self.activation_before)

    @property
    def contrast(self) -> np.ndarray:
        """How much is in each band: root mean square deviation from the middle of its range, in parts of the range.

        Shape (n, bands), from 0 to 0.5 where images are in their ranges; NaN for bands without a range. From noise or
        grey, bands that the feature does not look at are near 0 (with "fit") or keep the contrast of the start.
        """
        span = np.where(self.high > self.low, self.high - self.low, np.nan)
        inside = (self.values.astype(np.float64) - (self.low + self.high) / 2) / span
        return np.sqrt((inside**2).mean(axis=(1, 2)))

    def to_frame(self, level: str = "feature") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"feature", "band", "pixel", "trace"}
            One row per image, per image x band, per image x pixel x band, or per image x step.

        Returns
        -------
        pandas.DataFrame
            `layer`, `feature` (an ordered categorical of names), `image`, and

            - "feature": `activation_before`, `activation_after`, `steps`, `restarts`, `dead`;
            - "band": `band`, `wavelength`, `mean` and `std` over pixels, `low` and `high` (the band's range),
              `contrast`;
            - "pixel": `row`, `col`, `band`, `wavelength`, `value`;
            - "trace": `step`, `activation`.

            Positions count from 0.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "feature") -> Table:
        """The same tables as plain columns, names as codes; levels and errors as for `to_frame`."""
        check_level(level, LEVELS)
        n, rows, cols, n_bands = self.values.shape
        features = tuple(dict.fromkeys(self.names))
        codes = {name: code for code, name in enumerate(features)}
        levels = {"layer": (self.layer,), "feature": features, "band": self.bands}
        own = {
            "layer": np.zeros(n, np.int64),
            "feature": np.array([codes[name] for name in self.names], np.int64),
            "image": self.image,
        }
        waves = np.array(self.wavelengths, np.float64)
        if level == "feature":
            columns = {
                **own,
                "activation_before": self.activation_before,
                "activation_after": self.activation_after,
                "steps": self.done,
                "restarts": self.restarts,
                "dead": self.dead,
            }
        elif level == "trace":
            steps = self.trace.shape[1]
            columns = {
                **{name: np.repeat(column, steps) for name, column in own.items()},
                "step": np.tile(np.arange(steps), n),
                "activation": self.trace.reshape(-1),
            }
        elif level == "band":
            pixels = self.values.reshape(n, rows * cols, n_bands).astype(np.float64)
            columns = {
                **{name: np.repeat(column, n_bands) for name, column in own.items()},
                "band": np.tile(np.arange(n_bands), n),
                "wavelength": np.tile(waves, n),
                "mean": pixels.mean(axis=1).reshape(-1),
                "std": pixels.std(axis=1).reshape(-1),
                "low": np.tile(self.low, n),
                "high": np.tile(self.high, n),
                "contrast": self.contrast.reshape(-1),
            }
        else:
            at, row, col, band = (index.reshape(-1) for index in np.indices(self.values.shape, dtype=np.int64))
            columns = {
                **{name: column[at] for name, column in own.items()},
                "row": row,
                "col": col,
                "band": band,
                "wavelength": waves[band],
                "value": self.values.reshape(-1),
            }
        return Table(columns, levels)

    def plot(self, kind: str = "grid", **options: Any) -> plotnine.ggplot:
        """Draw the images or their spectra; see `bandlens.plots` for the kinds.

        Parameters
        ----------
        kind : {"grid", "bands", "spectrum", "trace"}
            A composite of three bands per feature; every band of every feature; mean and spread of each band;
            activation over the steps.
        **options
            What this kind takes.

        Returns
        -------
        plotnine.ggplot
        """
        return drawing.draw(self, kind, **options)

    def subset(self, images: Sequence[int] | np.ndarray) -> FeatureImages:
        """Some of the images, by position."""
        return replace(self, **taken(self, "image", np.asarray(images)))

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.values.shape[1:]))
        dead = f", {self.dead.sum()} dead" if self.dead.any() else ""
        stopped = ", interrupted" if self.interrupted else ""
        return (
            f"<FeatureImages: {self.n} images {shape} of '{self.layer}', {self.objective}, {self.steps} steps"
            f"{dead}{stopped}>"
        )


def plot_layers(*results: FeatureImages, **options: Any) -> plotnine.ggplot:
    """Draw features of several layers, from early to deep, a layer in a row.

    Parameters
    ----------
    *results : FeatureImages
        Of one model, with images of one shape.
    **options
        `rgb`, `stretch`, `per_layer` (6), `base_size`, `width`: see `bandlens.plots.feature_grid`.

    Returns
    -------
    plotnine.ggplot
    """
    return drawing.draw(results, "layers", **options)
