"""What a layer answers to given images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..data.images import Images, check_images
from ..data.options import whole_number
from ..data.positions import first
from ..data.words import quoted
from ..engine.batching import images_per_batch, portions, step_bytes
from ..explain.arranging import in_order
from ..explain.question import Question
from ..progress import Progress, starting, ticker
from ..results import drawing
from ..results.schema import Names, Numbers, Positions
from ..results.tables import Table, check_level, pixel_names
from .layers import Layer, Network, make_network
from .settings import check_layer, chosen_features

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

    values: Annotated[np.ndarray, Numbers("image", "...", "feature")]
    feature: Annotated[np.ndarray, Positions("feature")]
    names: Annotated[tuple[str, ...], Names("feature")]
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
        return self.columns(level).to_frame()

    def columns(self, level: str = "image") -> Table:
        """The same tables as plain columns, `feature` as codes; levels and errors as for `to_frame`."""
        check_level(level, ("image", "position"))
        n, k = len(self.values), len(self.names)
        levels = {"feature": self.names}
        if level == "image":
            columns = {
                "image": np.repeat(np.arange(n), k),
                "feature": np.tile(np.arange(k), n),
                **{name: over_positions(self.values, name).reshape(-1) for name in STATISTICS},
            }
            return Table(columns, levels)
        image, *pixels, feature = (index.reshape(-1) for index in np.indices(self.values.shape, dtype=np.int64))
        columns = {
            "image": image,
            **dict(zip(pixel_names(len(pixels)), pixels, strict=True)),
            "feature": feature,
            "activation": self.values.reshape(-1),
        }
        return Table(columns, levels)

    def plot(self, image: int = 0, **options: Any) -> plotnine.ggplot:
        """Draw the activations by one image, a map, a line or a bar per feature; see `bandlens.plots`.

        Returns
        -------
        plotnine.ggplot
        """
        return drawing.draw(self, "activations", image=image, **options)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.values.shape[1:-1])) or "no positions"
        return f"<LayerActivations: {len(self.values)} images, '{self.layer}', {len(self.names)} features, {shape}>"


def layer_activations(
    model: Any,
    x: Any,
    layer: str,
    features: Any = None,
    *,
    band_axis: Any = -1,
    reorder: bool = False,
    batch_size: int | None = None,
    progress: Progress = None,
) -> LayerActivations:
    """Activations of a layer by given images.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str or pathlib.Path
    x : array_like, shape (n, rows, cols, bands), path or stream
        As for `band_importance`. Activations of all images are kept, so choose them.
    layer : str
        As listed by `list_layers`.
    features : int or sequence of int, optional
        Counted from 0; all by default.
    band_axis, reorder, batch_size, progress
        As for `band_importance`.

    Returns
    -------
    LayerActivations

    Raises
    ------
    BandlensError
        `LayerError` for an unknown layer, with the nearest names; others as for `band_importance`.
    """
    q = in_order(Question(model=model, x=x, band_axis=band_axis, reorder=reorder))
    model, images = q.model, check_images(q.x, q.band_axis)
    with starting(progress, model):
        network, one, at = asked(model, images, layer, features, batch_size)
    found = np.empty((images.n, *map(int, filter(None, one.positions)), len(at)), network.predictor.trace.dtype)
    with ticker(progress, images.n, "Activations") as tick:
        for part, activations in activation_batches(network, one, images, batch_size):
            found[part] = activations[..., at]
            tick(len(activations))
    return LayerActivations(found, at, feature_names(at), one.name, one.kind, network.predictor.name)


def over_positions(activations: np.ndarray, statistic: str) -> np.ndarray:
    """Activations (n, *positions, features) over positions, shape (n, features), float64."""
    flat = activations.reshape(len(activations), -1, activations.shape[-1]).astype(np.float64)
    if statistic == "rms":
        return np.sqrt((flat**2).mean(axis=1))
    return flat.mean(axis=1) if statistic == "mean" else flat.max(axis=1)


def asked(
    model: Any, images: Images, layer: Any, features: Any, batch_size: int | None
) -> tuple[Network, Layer, np.ndarray]:
    """The traced model, the layer, and positions of the features that were asked for, all checked."""
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    network = make_network(model, images)
    one = network.layer(layer)
    check_layer(network, one)
    names = [str(first() + at) for at in range(one.n_features or 0)]
    return network, one, chosen_features(features, names, f"Layer {quoted(one.name)}")


def feature_names(at: np.ndarray) -> tuple[str, ...]:
    """What features at these positions are called."""
    return tuple(str(first() + one) for one in at.tolist())


def activation_batches(
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
    compiled = trace.compiled(("activate", layer.value), lambda: backend.compile(trace, activate, example, any_n=1))
    at_once = batch_size or images_per_batch(graph, trace.dtype, step_bytes(backend))
    return portions(
        predictor,
        ("activations", layer.value),
        images.n,
        min(at_once, images.n),
        lambda part, size: compiled(images.take(part, trace.dtype)),
    )
