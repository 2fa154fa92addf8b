"""The layers of a model by name, and the values of its trace that they give.

A trace knows operations, not layers: a dropout leaves none at inference, an activation may stand in a layer of its own
or in another's, and a subclassed model calls its layers as it likes. So every layer is asked to mark what it gives,
while the model is traced and only then; whatever order or nesting the calls have, the marks are at the right values.
Layers belong to all threads, so that only calls by the thread that traces are marked, and one thread traces at a time.
"""

from __future__ import annotations

import difflib
import functools
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..data.images import Images
from ..data.words import argument, choices, nearest, quoted, shown
from ..engine.backends.contract import Arrays, Backend
from ..errors import LayerError
from ..models.outputs import EVERY, Head
from ..models.predictor import Predictor, loaded, make_predictor
from .weights import kernel_shape


@dataclass(frozen=True)
class Layer:
    """A layer as it is called in a traced model.

    Attributes
    ----------
    name : str
        After the names of the models and layers it is nested in: "backbone/conv3"; a second call of the same layer is
        "conv:2".
    kind : str
        Name of its class.
    shape : tuple of int or None
        Of its output for one image; None where that depends on the image.
    feature_axis : int
        Axis of the features in `shape`, from the end.
    kernel : tuple of int or None
        Shape of its kernel.
    value : int
        The value of the trace that it gives.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    feature_axis: int
    kernel: tuple[int, ...] | None
    value: int

    @property
    def n_features(self) -> int | None:
        """Number of features, such as the filters of a convolution."""
        return self.shape[self.feature_axis] if self.shape else None

    @property
    def positions(self) -> tuple[int | None, ...]:
        """Shape of a feature's map, without axes for a dense layer."""
        axis = self.feature_axis % len(self.shape) if self.shape else 0
        return self.shape[:axis] + self.shape[axis + 1 :]


def positions_first(nd: Arrays, value: Any, layer: Layer) -> Any:
    """A layer's output as (n, positions, features)."""
    features = layer.n_features
    positions = math.prod(length or 1 for length in layer.positions)
    return nd.reshape(nd.moveaxis(value, layer.feature_axis, -1), (-1, positions, features))


def as_layer(nd: Arrays, direction: Any, layer: Layer) -> Any:
    """The way back from (n, positions, features) to the layout of the layer's output."""
    return nd.moveaxis(nd.reshape(direction, (-1, *layer.positions, layer.n_features)), -1, layer.feature_axis)


@dataclass(frozen=True)
class Network:
    """A traced model with its layers in the order in which they are called."""

    predictor: Predictor
    layers: tuple[Layer, ...]

    def layer(self, name: Any) -> Layer:
        """The layer of this name: whole, or without the names of what it is nested in where that is unambiguous.

        Raises
        ------
        LayerError
            If there is none; the nearest names are given.
        """
        exact = [layer for layer in self.layers if layer.name == name]
        short = [layer for layer in self.layers if layer.name.rsplit("/", 1)[-1] == name]
        found = exact or short
        if len(found) == 1:
            return found[0]
        if found:
            raise LayerError(
                f"Several layers are called {quoted(name)}.", expected=choices(layer.name for layer in found)
            )
        raise no_layer(name, [layer.name for layer in self.layers])


def no_layer(name: Any, names: list[str]) -> LayerError:
    """There is no such layer; the nearest names of those there are."""
    if not names:
        return LayerError(
            "The model has no layers that could be told apart.",
            expected="a Keras model",
            given=f"layer {shown(name)}",
            fix=f"visualise its outputs: {argument('layer', None)}, {argument('objective', 'logit')}",
        )
    near = difflib.get_close_matches(str(name), names, n=5, cutoff=0.4) or names[:8]
    more = ", ..." if len(near) < len(names) else ""
    see = "see list_layers(model) for what there is"
    return LayerError(
        "The model has no such layer, or does not call it.",
        expected=choices(near, ", ") + more,
        given=shown(name),
        fix=nearest(name, names, see),
    )


def make_network(model: Any, images: Images, output: str = "auto", *, head: Head = EVERY) -> Network:
    """Trace a model for images of one shape, and find its layers.

    Parameters
    ----------
    model, images, output
        As for `make_predictor`.
    head : str or int, optional
        Which output the layers lead to; by default all of them in one row.

    Raises
    ------
    BandlensError
        As `make_predictor`.
    """
    model = loaded(model)
    members = list(layers_of(model))
    recorded: list[tuple[str, Any, tuple[int | None, ...] | None]] = []

    @contextmanager
    def marking(backend: Backend) -> Iterator[None]:
        recorded.clear()
        with _marked(members, backend, recorded):
            yield

    predictor = make_predictor(model, images, output, head=head, around=marking)
    marks = predictor.trace.marks
    first_axis = any(getattr(layer, "data_format", None) == "channels_first" for _, layer, _ in recorded)
    times: dict[str, int] = {}
    layers = []
    for number, (name, layer, shape) in enumerate(recorded):
        if number not in marks or shape is None:
            continue
        times[name] = times.get(name, 0) + 1
        axis = _feature_axis(layer, len(shape), first_axis)
        called = name if times[name] == 1 else f"{name}:{times[name]}"
        layers.append(Layer(called, type(layer).__name__, shape, axis, kernel_shape(layer), marks[number]))
    return Network(predictor, tuple(layers))


@contextmanager
def _marked(layers: list[tuple[str, Any]], backend: Backend, calls: list[Any]) -> Iterator[None]:
    """Let every layer mark its output, and put their own `call` back."""
    wrapped: list[tuple[Any, Any]] = []
    try:
        for name, layer in layers:
            wrapped.append((layer, vars(layer).get("call")))
            # past Keras' own __setattr__, which would track it
            vars(layer)["call"] = _marking(layer.call, name, layer, backend, calls)
        yield
    finally:
        for layer, own in wrapped:
            if own is None:
                vars(layer).pop("call", None)
            else:
                vars(layer)["call"] = own


def _marking(call: Callable[..., Any], name: str, layer: Any, backend: Backend, calls: list[Any]) -> Callable[..., Any]:
    tracing = threading.get_ident()

    @functools.wraps(call)
    def marked(*arguments: Any, **options: Any) -> Any:
        output = call(*arguments, **options)
        if threading.get_ident() != tracing:
            return output  # somebody else uses the model meanwhile
        if not hasattr(output, "shape") or not hasattr(output, "dtype"):
            return output  # several outputs, none of which is the layer's
        rank = getattr(output.shape, "rank", len(output.shape) if isinstance(output.shape, tuple) else None)
        calls.append((name, layer, tuple(output.shape)[1:] if rank else None))
        return backend.mark(output, len(calls) - 1)

    return marked


def layers_of(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Layers with their names, outer ones first; each once, inputs left out."""
    return ((name, layer) for name, layer in _nested(model, prefix, {id(model)}))


def _nested(model: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    inner = getattr(model, "layers", None)
    if not isinstance(inner, list | tuple):
        flatten = getattr(model, "_flatten_layers", None)  # layers of a layer of the user's own: no public way
        inner = list(flatten(recursive=False, include_self=False)) if flatten else []
    for layer in inner:
        if id(layer) in seen or type(layer).__name__ == "InputLayer" or not hasattr(layer, "call"):
            continue
        seen.add(id(layer))
        yield f"{prefix}{layer.name}", layer
        yield from _nested(layer, f"{prefix}{layer.name}/", seen)


def _feature_axis(layer: Any, rank: int, channels_first: bool) -> int:
    """Axis of the features from the end: as the layer says, else as the model's convolutions have them."""
    own = getattr(layer, "data_format", None)
    first = own == "channels_first" if own else channels_first
    return -rank if first and rank > 1 else -1
