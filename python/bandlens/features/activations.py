"""What a layer answers to given images, and the images that excite a feature most: the check on every visualisation.

An image that was made to excite a feature may look like nothing in the data. The images of a data set that excite it
most tell what it answers to in fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..batching import images_per_batch
from ..counting import first
from ..errors import OptionError
from ..inputs import Images, check_images
from ..labels import band_names, band_wavelengths
from ..methods.options import one_of, whole, whole_number
from ..progress import Progress, ticker
from .layers import Layer, Network, make_network
from .settings import check_layer, chosen_features
from .space import as_canvas, canvas

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

STATISTICS = ("mean", "rms", "max")


@dataclass(frozen=True, eq=False, repr=False)
class LayerActivations:
    """Activations of a layer by given images.

    Attributes
    ----------
    values : ndarray of float32 or float64, shape (n, *positions, features)
        Positions are rows and columns for a convolution in two dimensions; a dense layer has none.
    feature : ndarray of int64, shape (features,)
        Position of each in the layer.
    names : tuple of str
    layer, kind, model : str
    """

    values: np.ndarray
    feature: np.ndarray
    names: tuple[str, ...]
    layer: str
    kind: str
    model: str = ""

    def to_frame(self, level: str = "image") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"image", "position"}
            One row per image x feature, or per image x position x feature.

        Returns
        -------
        pandas.DataFrame
            "image": `image`, `feature`, `mean`, `rms` (root mean square) and `max` over positions. "position": `image`,
            `row` and `col` (`pixel` where there is one axis, none for a dense layer), `feature`, `activation`.
            Positions count from 0; `feature` is an ordered categorical.
        """
        from .. import frames

        if level not in ("image", "position"):
            raise OptionError("There is no such table.", expected="'image' or 'position'", given=f"level={level!r}")
        return frames.activation_frame(self, level)

    def plot(self, image: int = 0, **options: Any) -> plotnine.ggplot:
        """Draw the activations by one image, a map per feature; see `bandlens.plots`.

        Returns
        -------
        plotnine.ggplot
        """
        from .. import plots

        return plots.draw_activations(self, image, **options)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.values.shape[1:-1])) or "no positions"
        return f"<LayerActivations: {len(self.values)} images, '{self.layer}', {len(self.names)} features, {shape}>"


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
    """

    index: np.ndarray
    activation: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    values: np.ndarray
    all_mean: np.ndarray
    all_std: np.ndarray
    quantile: np.ndarray
    low: np.ndarray
    high: np.ndarray
    feature: np.ndarray
    names: tuple[str, ...]
    layer: str
    statistic: str
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    n: int
    model: str = ""

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
            `activation`; "band": `band`, `wavelength`, `mean`, `std` over pixels.
        """
        from .. import frames

        if level not in ("image", "band"):
            raise OptionError("There is no such table.", expected="'image' or 'band'", given=f"level={level!r}")
        return frames.top_frame(self, level)

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
        from .. import plots

        return plots.draw_top(self, kind, **options)

    def __repr__(self) -> str:
        return (
            f"<TopImages: {self.index.shape[1]} of {self.n} images for {len(self.names)} features of '{self.layer}' "
            f"({self.statistic})>"
        )


def layer_activations(
    model: Any,
    x: Any,
    layer: str,
    features: Any = None,
    *,
    band_axis: int = -1,
    batch_size: int | None = None,
    progress: Progress = None,
) -> LayerActivations:
    """Activations of a layer by given images.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str or pathlib.Path
    x : array_like, shape (n, rows, cols, bands)
        As for `band_importance`. Activations of all images are kept, so choose them.
    layer : str
        As listed by `list_layers`.
    features : int or sequence of int, optional
        Counted from 0; all by default.
    band_axis, batch_size, progress
        As for `band_importance`.

    Returns
    -------
    LayerActivations

    Raises
    ------
    BandlensError
        `LayerError` for an unknown layer, with the nearest names; others as for `band_importance`.
    """
    images = check_images(x, band_axis)
    network, one, at = _asked(model, images, layer, features, batch_size)
    found = np.empty((images.n, *map(int, filter(None, one.positions)), len(at)), network.predictor.trace.dtype)
    with ticker(progress, images.n, "Activations") as tick:
        for part, activations in _batches(network, one, images, batch_size):
            found[part] = activations[..., at]
            tick(len(activations))
    return LayerActivations(found, at, _names(at), one.name, one.kind, network.predictor.name)


def top_images(
    model: Any,
    x: Any,
    layer: str,
    features: Any = None,
    *,
    n: int = 9,
    statistic: str = "rms",
    bands: Sequence[str] | None = None,
    wavelengths: Sequence[float] | None = None,
    band_axis: int = -1,
    batch_size: int | None = None,
    progress: Progress = None,
) -> TopImages:
    """The images of a data set that excite features most.

    Parameters
    ----------
    model, x, layer, features, band_axis, batch_size, progress
        As for `layer_activations`; of `x` only one batch and the images found are in memory at a time.
    n : int
        Images per feature.
    statistic : {"rms", "mean", "max"}
        Over the positions of a feature's map: root mean square (which "squared_activity" makes large), mean or maximum.
    bands : sequence of str, optional
    wavelengths : sequence of float, optional
        Of the bands, in nm.

    Returns
    -------
    TopImages

    Raises
    ------
    BandlensError
        As for `layer_activations`; `InputError` if images have more than two axes of pixels.
    """
    images = check_images(x, band_axis)
    n = min(whole()("n", n), images.n)
    one_of(*STATISTICS)("statistic", statistic)
    canvas(images.shape, images.band_axis)
    names, waves = band_names(bands, images.n_bands), band_wavelengths(wavelengths, images.n_bands)
    network, one, at = _asked(model, images, layer, features, batch_size)
    activation = np.empty((images.n, len(at)))
    usual = np.zeros((2, images.n_bands))
    with ticker(progress, images.n, "Activations") as tick:
        for part, activations in _batches(network, one, images, batch_size):
            activation[part] = over_positions(activations[..., at], statistic)
            pixels = as_canvas(images, part).reshape(len(activations), -1, images.n_bands)
            usual += [pixels.mean(axis=1).sum(axis=0), pixels.std(axis=1).sum(axis=0)]
            tick(len(activations))
    order = np.argsort(-activation, axis=0, kind="stable")[:n].T
    rows, cols, n_bands = canvas(images.shape, images.band_axis)
    values = as_canvas(images, order.reshape(-1)).reshape(len(at), n, rows, cols, n_bands)
    low, high = np.quantile(values.reshape(-1, n_bands), (0.02, 0.98), axis=0)
    return TopImages(
        index=order,
        activation=np.take_along_axis(activation.T, order, axis=1),
        mean=values.mean(axis=(2, 3)),
        std=values.std(axis=(2, 3)),
        values=values,
        all_mean=usual[0] / images.n,
        all_std=usual[1] / images.n,
        quantile=np.quantile(activation, (0.05, 0.5, 0.95), axis=0).T,
        low=low,
        high=high,
        feature=at,
        names=_names(at),
        layer=one.name,
        statistic=statistic,
        bands=names,
        wavelengths=waves,
        n=images.n,
        model=network.predictor.name,
    )


def over_positions(activations: np.ndarray, statistic: str) -> np.ndarray:
    """Activations (n, *positions, features) over positions, shape (n, features), float64."""
    flat = activations.reshape(len(activations), -1, activations.shape[-1]).astype(np.float64)
    if statistic == "rms":
        return np.sqrt((flat**2).mean(axis=1))
    return flat.mean(axis=1) if statistic == "mean" else flat.max(axis=1)


def _asked(
    model: Any, images: Images, layer: Any, features: Any, batch_size: int | None
) -> tuple[Network, Layer, np.ndarray]:
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    network = make_network(model, images)
    one = network.layer(layer)
    check_layer(network, one)
    names = [str(first() + at) for at in range(one.n_features or 0)]
    return network, one, chosen_features(features, names, f"Layer {one.name!r}")


def _names(at: np.ndarray) -> tuple[str, ...]:
    return tuple(str(first() + one) for one in at.tolist())


def _batches(
    network: Network, layer: Layer, images: Images, batch_size: int | None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Activations of all images, features last."""
    predictor = network.predictor
    trace, backend = predictor.trace, predictor.backend
    graph = trace.graph(layer.value)

    def activate(x: Any) -> Any:
        value = backend.Run(trace, {graph.input: x}).forward(graph.operations).value(layer.value)
        return backend.nd.moveaxis(value, layer.feature_axis, -1)

    example = np.empty((1, *trace.shape), trace.dtype)
    compiled = trace.compiled(("activate", layer.value), lambda: backend.compile(activate, example, any_n=1))
    for part, batch in images.batches(batch_size or images_per_batch(graph, trace.dtype), trace.dtype):
        yield part, compiled(batch)
