"""First layers show what they look for by themselves: the kernels of a convolution, in every band they weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..data.labels import band_names, band_wavelengths
from ..data.positions import first
from ..data.words import choices, quoted
from ..errors import LayerError, ModelTypeError
from ..models.predictor import loaded
from ..results import drawing
from ..results.schema import Names, Numbers, Positions
from ..results.tables import Table, check_level
from .layers import layers_of, no_layer
from .settings import chosen_features
from .weights import has_kernels, is_convolution, kernels

if TYPE_CHECKING:
    import pandas as pd
    import plotnine


@dataclass(frozen=True, eq=False, repr=False)
class LayerKernels:
    """Kernels of a convolution.

    Attributes
    ----------
    values : ndarray of float64, shape (kernels, rows, cols, bands)
        Weights; 0 where a kernel does not see a band (grouped and depthwise convolutions). A separable convolution's
        two parts are multiplied out.
    kernel : ndarray of int64, shape (kernels,)
        Position of each in the layer.
    layer, kind : str
        Name of the layer, and of its class.
    bands : tuple of str
        What the layer's inputs are called: bands of the images for a first layer, else channels of the layer before.
    wavelengths : tuple of float
        In nm; NaN where unknown.
    model : str
    """

    values: Annotated[np.ndarray, Numbers("kernel", "row", "col", "band")]
    kernel: Annotated[np.ndarray, Positions("kernel")]
    layer: str
    kind: str
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    model: str = ""

    @property
    def profile(self) -> np.ndarray:
        """How strongly each kernel weighs each band: Euclidean norm over its pixels, shape (kernels, bands)."""
        return np.sqrt((self.values**2).sum(axis=(1, 2)))

    def to_frame(self, level: str = "weight") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"weight", "band"}
            One row per kernel x pixel x band, or per kernel x band.

        Returns
        -------
        pandas.DataFrame
            "weight": `kernel`, `row`, `col`, `band`, `wavelength`, `weight`. "band": `kernel`, `band`, `wavelength`,
            `norm` (Euclidean, over pixels), `share` (of the kernel's sum of norms), `sum` (of the weights: the response
            to an even band). Positions count from 0; `band` is an ordered categorical.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "weight") -> Table:
        """The same tables as plain columns, `band` as codes; levels and errors as for `to_frame`."""
        check_level(level, ("weight", "band"))
        waves, levels = np.array(self.wavelengths, np.float64), {"band": self.bands}
        if level == "band":
            n, n_bands = self.profile.shape
            total = self.profile.sum(axis=1, keepdims=True)
            share = np.divide(self.profile, total, out=np.full((n, n_bands), np.nan), where=total > 0)
            columns = {
                "kernel": np.repeat(self.kernel, n_bands),
                "band": np.tile(np.arange(n_bands), n),
                "wavelength": np.tile(waves, n),
                "norm": self.profile.reshape(-1),
                "share": share.reshape(-1),
                "sum": self.values.sum(axis=(1, 2)).reshape(-1),
            }
            return Table(columns, levels)
        at, row, col, band = (index.reshape(-1) for index in np.indices(self.values.shape, dtype=np.int64))
        columns = {
            "kernel": self.kernel[at],
            "row": row,
            "col": col,
            "band": band,
            "wavelength": waves[band],
            "weight": self.values.reshape(-1),
        }
        return Table(columns, levels)

    def plot(self, kind: str = "tiles", **options: Any) -> plotnine.ggplot:
        """Draw the kernels, one tile per kernel and band, or their profiles over bands; see `bandlens.plots`.

        Parameters
        ----------
        kind : {"tiles", "profile"}
        **options
            What this kind takes.

        Returns
        -------
        plotnine.ggplot
        """
        return drawing.draw(self, kind, **options)

    def __repr__(self) -> str:
        n, rows, cols, bands = self.values.shape
        return f"<LayerKernels: {n} kernels {rows} x {cols} of '{self.layer}' ({self.kind}), {bands} bands>"


def layer_kernels(
    model: Any,
    layer: str | None = None,
    features: Any = None,
    *,
    bands: Sequence[str] | None = None,
    wavelengths: Sequence[float] | None = None,
) -> LayerKernels:
    """Kernels of a convolution, in one or two dimensions, also separable, depthwise and grouped.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str or pathlib.Path
        With weights; it is only read.
    layer : str, optional
        As listed by `list_layers`; the first convolution by default.
    features : int or sequence of int, optional
        Kernels, counted from 0; all by default.
    bands : sequence of str, optional
        Names of the layer's inputs; by default "band_1" and so on for the first convolution, "channel_0" for others.
    wavelengths : sequence of float, optional
        Of the bands, in nm.

    Returns
    -------
    LayerKernels

    Raises
    ------
    LayerError
        If there is no such layer (with the nearest names), or it has no kernels of which a weight belongs to a band:
        transposed convolutions, those in three dimensions, and layers that are no convolutions.
    BandError
        If `bands` or `wavelengths` are not one per input of the layer.
    """
    model = loaded(model)
    known = dict(layers_of(model))
    if not known:
        raise ModelTypeError(
            "Only Keras models have layers.", expected="a Keras model or a path to one", given=type(model).__name__
        )
    if layer is None:
        able = [name for name, one in known.items() if has_kernels(one)]
        if not able:
            refused = next((name for name, one in known.items() if is_convolution(one)), None)
            if refused is not None:
                kernels(known[refused], refused)  # says why not
            raise LayerError("The model has no convolution whose kernels could be shown.")
        layer = able[0]
    name = _found(layer, list(known))
    chosen = known[name]
    if not chosen.built:
        raise LayerError(f"Layer {quoted(name)} has no weights yet.", fix="call the model once")
    values = kernels(chosen, name)
    at = chosen_features(features, [str(first() + number) for number in range(len(values))], f"Layer {quoted(name)}")
    n_bands = values.shape[3]
    if bands is None and name != next((other for other, one in known.items() if has_kernels(one)), name):
        bands = [f"channel_{first() + at}" for at in range(n_bands)]
    return LayerKernels(
        values=np.ascontiguousarray(values[at]),
        kernel=at,
        layer=name,
        kind=type(chosen).__name__,
        bands=band_names(bands, n_bands),
        wavelengths=band_wavelengths(wavelengths, n_bands),
        model=str(getattr(model, "name", "")),
    )


def _found(layer: Any, names: list[str]) -> str:
    """The whole name of a layer, from it or its last part."""
    if layer in names:
        return str(layer)
    short = [name for name in names if name.rsplit("/", 1)[-1] == layer]
    if len(short) == 1:
        return short[0]
    if short:
        raise LayerError(f"Several layers are called {quoted(layer)}.", expected=choices(short))
    raise no_layer(layer, names)
