"""The images of a data set that excite a feature most: the check on every visualisation.

An image that was made to excite a feature may look like nothing in the data. The images that excite it most tell what
it answers to in fact.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..data.images import check_images
from ..data.naming import named_bands
from ..data.options import one_of, whole
from ..data.words import choices, quoted
from ..errors import DeadFeatureWarning
from ..explain.arranging import in_order
from ..explain.question import Question
from ..progress import Progress, starting, ticker
from ..results import drawing
from ..results.by_input import ByInput
from ..results.schema import Flags, Names, Numbers, Plain, Positions
from ..results.tables import Table, check_level
from .activations import STATISTICS, activation_batches, asked, feature_names, over_positions
from .space import as_canvas, canvas

if TYPE_CHECKING:
    import pandas as pd
    import plotnine


@dataclass(frozen=True, eq=False, repr=False)
class TopImages:
    """The images of a data set that excite each feature most.

    Attributes
    ----------
    index : ndarray of int64, shape (features, k)
        Positions of the images in the data set, most exciting first.
    activation : ndarray of float64, shape (features, k)
        Of each, over positions as `statistic` says.
    mean, std : ndarray of float64, shape (features, k, bands)
        Of each image's bands over its pixels.
    values : ndarray of float64, shape (features, k, rows, cols, bands)
        The images.
    all_mean, all_std : ndarray of float64, shape (bands,)
        Mean over all images of their bands' means and standard deviations: what is usual.
    quantile : ndarray of float64, shape (features, 3)
        Activation by the data set's images: its 5 %, 50 % and 95 % quantiles.
    low, high : ndarray of float64, shape (bands,)
        The 2 % and 98 % quantiles of each band over these images.
    feature : ndarray of int64, shape (features,)
    names : tuple of str
    layer, statistic : str
    bands : tuple of str
    wavelengths : tuple of float
    n : int
        Images in the data set.
    model : str
    silent : ndarray of bool, shape (features,), or None
        Features whose activation is the same for all images of the data set, mostly zero: no image excites them more
        than another, and those that are kept are just the first ones. None in results of earlier versions.
    input : str or None
        Which input of the model these images are of, where it has several.
    """

    index: Annotated[np.ndarray, Positions("feature", "place")]
    activation: Annotated[np.ndarray, Numbers("feature", "place")]
    mean: Annotated[np.ndarray, Numbers("feature", "place", "band")]
    std: Annotated[np.ndarray, Numbers("feature", "place", "band")]
    values: Annotated[np.ndarray, Numbers("feature", "place", "row", "col", "band")]
    all_mean: Annotated[np.ndarray, Numbers("band")]
    all_std: Annotated[np.ndarray, Numbers("band")]
    quantile: Annotated[np.ndarray, Numbers("feature", "quantile")]
    low: Annotated[np.ndarray, Numbers("band")]
    high: Annotated[np.ndarray, Numbers("band")]
    feature: Annotated[np.ndarray, Positions("feature")]
    names: Annotated[tuple[str, ...], Names("feature")]
    layer: str
    statistic: str
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    n: int
    model: str = ""
    silent: Annotated[np.ndarray | None, Flags("feature", newer=True)] = None
    input: Annotated[str | None, Plain(newer=True)] = None

    def to_frame(self, level: str = "image") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"image", "band"}
            One row per feature x place, or per feature x place x band.

        Returns
        -------
        pandas.DataFrame
            `feature`, `place` (1: most exciting), `image` (position in the data set, from 0), and "image":
            `activation`, `silent` (the feature's activation is the same for all images); "band": `band`, `wavelength`,
            `mean`, `std` over pixels.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "image") -> Table:
        """The same tables as plain columns, `feature` and `band` as codes; levels and errors as for `to_frame`."""
        check_level(level, ("image", "band"))
        n, k, n_bands = self.mean.shape
        levels = {"feature": self.names, "band": self.bands}
        own = {
            "feature": np.repeat(np.arange(n), k),
            "place": np.tile(np.arange(1, k + 1), n),
            "image": self.index.reshape(-1),
        }
        if level == "image":
            columns = {**own, "activation": self.activation.reshape(-1)}
            if self.silent is not None:
                columns["silent"] = np.repeat(self.silent, k)
            return Table(columns, levels)
        columns = {
            **{name: np.repeat(column, n_bands) for name, column in own.items()},
            "band": np.tile(np.arange(n_bands), n * k),
            "wavelength": np.tile(np.array(self.wavelengths, np.float64), n * k),
            "mean": self.mean.reshape(-1),
            "std": self.std.reshape(-1),
        }
        return Table(columns, levels)

    def plot(self, kind: str = "images", **options: Any) -> plotnine.ggplot:
        """Draw the images, or their spectra; `found`, the images of `visualize_features`, stand beside them.

        Parameters
        ----------
        kind : {"images", "spectrum"}
        **options
            What this kind takes; see `bandlens.plots`.

        Returns
        -------
        plotnine.ggplot
        """
        return drawing.draw(self, kind, **options)

    def __repr__(self) -> str:
        of = "" if self.input is None else f" of input '{self.input}'"
        return (
            f"<TopImages{of}: {self.index.shape[1]} of {self.n} images for {len(self.names)} features "
            f"of '{self.layer}' ({self.statistic})>"
        )


def top_images(
    model: Any,
    x: Any,
    layer: str,
    features: Any = None,
    *,
    n: int = 9,
    statistic: str = "rms",
    bands: Any = None,
    wavelengths: Any = None,
    band_axis: Any = -1,
    reorder: bool = False,
    batch_size: int | None = None,
    progress: Progress = None,
) -> TopImages | ByInput[TopImages]:
    """The images of a data set that excite features most.

    Parameters
    ----------
    model, x, layer, features, band_axis, reorder, batch_size, progress
        As for `layer_activations`; of `x` only one batch and the images found are in memory at a time.
    n : int
        Images per feature.
    statistic : {"rms", "mean", "max"}
        Over the positions of a feature's map: root mean square (which "squared_activity" makes large), mean or maximum.
    bands : sequence of str, optional
        By default those that `x` brings, else those that are kept with the model.
    wavelengths : sequence of float, optional
        Of the bands, in nm. Of several inputs, each of these is a dict by the inputs' names, as for `band_importance`.

    Returns
    -------
    TopImages or ByInput
        For a model of several inputs, one for each of them by its name, as `ByInput`: the same images in order, and
        what they are in this input.

    Raises
    ------
    BandlensError
        As for `layer_activations`; `InputError` if images have more than two axes of pixels.

    Warns
    -----
    DeadFeatureWarning
        If features are equally active in all images, so that no image excites them most; they are flagged in the
        result.
    """
    q = in_order(Question(model=model, x=x, bands=bands, wavelengths=wavelengths, band_axis=band_axis, reorder=reorder))
    model, images = q.model, check_images(q.x, q.band_axis)
    n = min(whole()("n", n), images.n)
    one_of(*STATISTICS)("statistic", statistic)
    inputs = images.inputs
    for own in inputs:
        canvas(own.shape, own.band_axis)
    named = named_bands(q.x, images.cells, q.bands, q.wavelengths, None)
    with starting(progress, model):
        network, one, at = asked(model, images, layer, features, batch_size)
    activation = np.empty((images.n, len(at)))
    usual = [np.zeros((2, own.n_bands)) for own in inputs]
    with ticker(progress, images.n, "Activations") as tick:
        for part, activations in activation_batches(network, one, images, batch_size):
            activation[part] = over_positions(activations[..., at], statistic)
            for total, own in zip(usual, inputs, strict=True):
                pixels = as_canvas(own, part).reshape(len(activations), -1, own.n_bands)
                total += [pixels.mean(axis=1).sum(axis=0), pixels.std(axis=1).sum(axis=0)]
            tick(len(activations))
    silent = np.full(len(at), images.n > 1) & (np.ptp(activation, axis=0) == 0)
    order = np.argsort(-activation, axis=0, kind="stable")[:n].T
    if silent.any():
        _warn(one.name, feature_names(at), activation[0], silent, images.n)
    found: dict[str, TopImages] = {}
    before = 0
    for part_, own, total in zip(images.cells.parts, inputs, usual, strict=True):
        rows, cols, n_bands = canvas(own.shape, own.band_axis)
        values = as_canvas(own, order.reshape(-1)).reshape(len(at), n, rows, cols, n_bands)
        low, high = np.quantile(values.reshape(-1, n_bands), (0.02, 0.98), axis=0)
        found[part_.name] = TopImages(
            index=order,
            activation=np.take_along_axis(activation.T, order, axis=1),
            mean=values.mean(axis=(2, 3)),
            std=values.std(axis=(2, 3)),
            values=values,
            all_mean=total[0] / images.n,
            all_std=total[1] / images.n,
            quantile=np.quantile(activation, (0.05, 0.5, 0.95), axis=0).T,
            low=low,
            high=high,
            feature=at,
            names=feature_names(at),
            layer=one.name,
            statistic=statistic,
            bands=named.bands[before : before + n_bands],
            wavelengths=named.wavelengths[before : before + n_bands],
            n=images.n,
            model=network.predictor.name,
            silent=silent,
            input=part_.name or None,
        )
        before += n_bands
    return ByInput(found) if images.parts else found[""]


def _warn(layer: str, names: Sequence[str], activation: np.ndarray, silent: np.ndarray, n: int) -> None:
    """Say which features no image excites more than another."""
    zero = (activation[silent] == 0).all()
    warnings.warn(
        f"{int(silent.sum())} of {len(names)} features of layer {quoted(layer)} are equally active in all {n} images"
        f"{' (activation zero)' if zero else ''}, so that no image excites them most, and those shown for them are "
        f"just the first ones: {choices(np.array(names)[silent], ', ', most=8)}.",
        DeadFeatureWarning,
        stacklevel=3,
    )
