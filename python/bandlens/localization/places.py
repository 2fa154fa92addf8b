"""Which layer is mapped: the one that is asked for, or the last with rows and columns that leads to the output."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.positions import first
from ..data.words import argument, choices, few, quoted, shape_text, shown
from ..engine.graph import Graph, between
from ..errors import LayerError, OptionError
from ..features.layers import Layer, Network, layers_of
from ..features.settings import check_layer

# layers that a message names
MOST_NAMED = 6


def check_has_layers(model: Any) -> None:
    """Refuse a function: it has no layers to be mapped."""
    if callable(model) and next(layers_of(model), None) is None:
        raise LayerError(
            "The model is a function, or has no layers that could be told apart.",
            expected="a Keras model, with a layer that has rows and columns",
            given=type(model).__name__,
            fix="`occlusion_maps` shows where of any function",
        )


def chosen_layer(network: Network, given: Any) -> Layer:
    """The layer to be mapped.

    Parameters
    ----------
    network : Network
        Traced up to the output that is explained.
    given : str, int, layer or None
        Name, position among `list_layers(model)`, or the layer itself.

    Raises
    ------
    LayerError
        If there is no such layer, it has no rows and columns, or the output does not depend on it.
    """
    if given is None:
        return _last(network)
    layer = _named(network, given)
    if not _has_places(layer):
        raise LayerError(
            f"Layer {quoted(layer.name)} has no rows and columns.",
            expected=_those_with_places(network),
            given=f"{layer.kind} with output {shape_text(('n', *layer.shape))}",
        )
    check_layer(network, layer)
    if not _leads_to_output(network, layer):
        raise LayerError(
            f"The output does not depend on layer {quoted(layer.name)}.",
            expected=f"a layer before the output: {_those_with_places(network)}",
            given=f"{quoted(layer.name)}, a {layer.kind}",
        )
    return layer


def _named(network: Network, given: Any) -> Layer:
    """A layer by its name, its position or itself."""
    n = len(network.layers)
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        if not -n <= given < n:
            raise LayerError(
                "The model has no layer at this position.",
                expected=f"{first()} to {n - 1 + first()}, as listed by list_layers(model)",
                given=shown(int(given) + (first() if given >= 0 else 0)),
            )
        return network.layers[int(given)]
    name = given if isinstance(given, str) else getattr(given, "name", None) if hasattr(given, "call") else None
    if not isinstance(name, str):
        raise OptionError(
            "`layer` is no layer.",
            expected="the name of a layer, its position among `list_layers(model)`, or the layer itself",
            given=shown(given),
            fix=f"{argument('layer', None)} takes the last layer with rows and columns",
        )
    return network.layer(name)


def _has_places(layer: Layer) -> bool:
    """Whether a layer's output has rows and columns, and more than one place."""
    return len(layer.positions) == 2 and None not in layer.positions and layer.positions != (1, 1)


def _leads_to_output(network: Network, layer: Layer) -> bool:
    """Whether the output is computed from what a layer gives."""
    trace, output = network.predictor.trace, network.predictor.output
    return layer.value == output or any(layer.value in operation.data for operation in trace.graph(output).operations)


def _mapped(network: Network) -> list[Layer]:
    """Layers with rows and columns before the output, in order."""
    return [one for one in network.layers if _has_places(one) and _leads_to_output(network, one)]


def _last(network: Network) -> Layer:
    graph = network.predictor.trace.graph(network.predictor.output)
    found = [one for one in _mapped(network) if not _is_output(graph, one.value)]
    if not found:
        raise LayerError(
            "No layer of the model has rows and columns behind which there is anything.",
            expected="a model with convolutions in two dimensions",
            given=few([f"{one.name} {shape_text(one.shape)}" for one in network.layers], MOST_NAMED),
            fix="if images have rows and columns, `occlusion_maps` shows where in them",
        )
    check_layer(network, found[-1])
    return found[-1]


def _is_output(graph: Graph, value: int) -> bool:
    """Whether a value is nothing but the output in another shape, as of a model that maps land cover."""
    return all(operation.reshapes for operation in between(graph, {value}, {graph.output}))


def _those_with_places(network: Network) -> str:
    """Names of layers that can be mapped, the last ones."""
    names = [one.name for one in _mapped(network)]
    if not names:
        return "a layer with rows and columns, of which the model has none"
    more = "such as " if len(names) > MOST_NAMED else ""
    return more + choices(names[-MOST_NAMED:], ", ")
