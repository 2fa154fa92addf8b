"""What layers a model has, under the names by which they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.cells import Part
from ..data.images import Images
from ..data.inputs import listed
from ..data.positions import spelled
from ..data.words import shape_text, shown
from ..errors import ModelError
from ..models.packing import in_order_of, input_names, model_inputs
from ..models.predictor import loaded
from ..results.tables import Table
from .layers import make_network

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class LayerList:
    """Layers of a model, in the order in which images pass them.

    Attributes
    ----------
    names, kinds : tuple of str
        Names as all functions take them ("backbone/conv3" for a layer inside a model or layer), and of their classes.
    output_shapes : tuple
        Shape of each layer's output for one image; None for lengths that depend on the image.
    kernel_shapes : tuple
        Shape of each layer's kernel, or None.
    n_features : tuple of int or None
        Number of features (filters, units) of each layer.
    model : str
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    output_shapes: tuple[tuple[int | None, ...], ...]
    kernel_shapes: tuple[tuple[int, ...] | None, ...]
    n_features: tuple[int | None, ...]
    model: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def to_frame(self) -> pd.DataFrame:
        """One row per layer.

        Returns
        -------
        pandas.DataFrame
            `layer`, `kind`, `output_shape` and `kernel_shape` (such as "8 x 8 x 32"), `n_features`.
        """
        return self.columns().to_frame()

    def columns(self) -> Table:
        """The same table as plain columns; shapes as texts, empty without a kernel; -1 features where unknown."""
        columns = {
            "layer": np.array(self.names, np.str_),
            "kind": np.array(self.kinds, np.str_),
            "output_shape": np.array([sides_text(shape) for shape in self.output_shapes], np.str_),
            "kernel_shape": np.array([sides_text(shape) for shape in self.kernel_shapes], np.str_),
            "n_features": np.array([-1 if n is None else n for n in self.n_features], np.int64),
        }
        return Table(columns, {})

    def __repr__(self) -> str:
        widths = [max(map(len, texts), default=0) for texts in (self.names, self.kinds)]
        rows = zip(self.names, self.kinds, map(sides_text, self.output_shapes), strict=True)
        lines = [f"{name:{widths[0]}}  {kind:{widths[1]}}  {shape}" for name, kind, shape in rows]
        return "\n".join([f"<LayerList: {len(self)} layers of {self.model}>", *lines])


def sides_text(shape: tuple[int | None, ...] | None) -> str:
    """A shape as people write it; "?" for lengths that depend on the image."""
    return "" if shape is None else " x ".join("?" if length is None else str(length) for length in shape)


def list_layers(model: Any, *, shape: Any = None) -> LayerList:
    """What layers there are, under the names that `visualize_features` and its kin take.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str or pathlib.Path
    shape : sequence of int, optional
        Of one image; needed only if the model itself does not say. Of several inputs a dict by the inputs' names, or a
        list in their order.

    Returns
    -------
    LayerList
        Only layers that the model calls, in that order. Layers inside nested models, and inside layers of the user's
        own, have the outer names before theirs: "backbone/conv3". Inputs are left out.

    Raises
    ------
    ModelError, ModelTypeError
        If this is no model, or one whose images' shape is not known.
    """
    model = loaded(model)
    network = make_network(model, stand_in(model, shape))
    layers = network.layers
    return LayerList(
        names=tuple(layer.name for layer in layers),
        kinds=tuple(layer.kind for layer in layers),
        output_shapes=tuple(layer.shape for layer in layers),
        kernel_shapes=tuple(layer.kernel for layer in layers),
        n_features=tuple(layer.n_features for layer in layers),
        model=network.predictor.name,
    )


def stand_in(model: Any, shape: Any = None) -> Images:
    """The layout of what a model takes, without images: of one input, or of several.

    Raises
    ------
    ModelError
        If neither `shape` nor the model says it.
    """
    inputs = model_inputs(model)
    if len(inputs) <= 1 and not isinstance(shape, Mapping):
        return Images(None, 1, image_shape(model, shape), 1)
    names = input_names(model) or tuple(map(str, shape))
    if isinstance(shape, Mapping | list | tuple):
        given = in_order_of(model, shape, "shape")
        sizes = [image_shape(None, given[name]) for name in names]
    else:
        sizes = [tuple(one.shape)[1:] for one in inputs]
    unknown = [name for name, size in zip(names, sizes, strict=True) if None in size]
    if unknown:
        raise ModelError(
            "The model does not say how large the images of its inputs are.",
            expected="`shape`, with one for each of " + listed(names, [("n", *size) for size in sizes]),
            given="no shape",
        )
    parts: list[Part] = []
    for name, size in zip(names, sizes, strict=True):
        parts.append(Part(name, size, len(size), start=parts[-1].end if parts else 0))
    return Images(None, 1, (parts[-1].end,), 1, parts=tuple(parts))


def image_shape(model: Any, shape: Any = None) -> tuple[int, ...]:
    """Shape of one image: as given, or as a Keras model says.

    Raises
    ------
    ModelError
        If neither says.
    """
    inputs = getattr(model, "inputs", None)
    known = tuple(inputs[0].shape)[1:] if isinstance(inputs, list) and len(inputs) == 1 else None
    if shape is not None:
        lengths = np.atleast_1d(np.asarray(shape))
        if lengths.dtype.kind in "iuf" and lengths.ndim == 1 and (lengths >= 1).all() and (lengths % 1 == 0).all():
            return tuple(int(length) for length in lengths)
        raise ModelError(
            "`shape` is not the shape of an image.",
            expected=f"such as {spelled('(64, 64, 13)', 'c(64, 64, 13)')}",
            given=shown(shape),
        )
    if known is not None and None not in known:
        return known
    raise ModelError(
        "The model does not say how large its images are.",
        expected=f"`shape`, such as {spelled('(64, 64, 13)', 'c(64, 64, 13)')}",
        given="no shape" if known is None else shape_text(known),
    )
