"""What a Keras model does first to the images, and whether these images are what it was made for.

Layers that rescale or normalise know the data that the model was trained on: a `Normalization` was adapted to it, and
the moving averages of a `BatchNormalization` are those of what came in during training. The layers from the input on
are called one by one, on a few images, as long as they form a chain, until the first that knows such numbers.

Keras 3 and Keras 2, nested models too. A model that is written as a class shows no chain; nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.arrays import as_array

# layers that are called at most, and values of images that go through them
MOST_LAYERS = 8
MOST_VALUES = 1 << 20
MOST_IMAGES = 32
# values of a channel that are judged by
MOST_JUDGED = 1 << 12

# numbers by which images may be off
FACTORS = (255.0, 1 / 255, 1e4, 1e-4, 1e3, 1e-3, 1e2, 1e-2, 65535.0, 1 / 65535)

# of what a layer knows, in its standard deviations: where values are too far out, or hardly differ, and what is normal
FAR_OUT = 20.0
ABSURD = 200.0
COLLAPSED = 0.03
# the largest median, and the smallest and largest deviation, of some images, and of images that were standardised
USUAL = (3.0, 0.1, 5.0)
STANDARD = (0.5, 0.5, 2.0)
# of the channels, that must agree
MOST_CHANNELS = 0.8
# images of one kind may be much alike
LEAST_IMAGES = 8
# nothing is left of a range that a layer rescales to less: 1 / 255 and a little
NOTHING_LEFT = 0.005


@dataclass(frozen=True)
class Misfit:
    """That a layer at the beginning of a model is given what it was not made for.

    Attributes
    ----------
    layer : str
        Its name.
    kind : {"rescaling", "far out", "collapsed", "normalised"}
        It leaves nothing of the values; they are far from those that it was adapted to; they hardly differ by its
        measure; they look normalised already.
    size : float
        The largest value that is left; or the distance, or the spread, in the layer's standard deviations.
    factor : float or None
        What makes the values normal, if they are multiplied by it.
    """

    layer: str
    kind: str
    size: float
    factor: float | None


def images_for(n: int, shape: Sequence[int]) -> np.ndarray:
    """Positions of a few images to call layers with; none where images are too large for that."""
    count = min(n, MOST_IMAGES, MOST_VALUES // int(np.prod(shape)))
    return np.sort(np.random.default_rng(0).choice(n, count, replace=False)) if count else np.zeros(0, np.int64)


def misfit(model: Any, batch: np.ndarray) -> Misfit | None:
    """Whether the first layers of a model say that images are not what it was made for.

    Parameters
    ----------
    model : object
        Of a model that is none of Keras', nothing is known.
    batch : ndarray, shape (n, *image shape)
    """
    before: list[Callable[[Any], Any]] = []
    for layer in _chain(model)[:MOST_LAYERS]:
        kind = type(layer).__name__
        if kind not in ("Rescaling", "Normalization", "BatchNormalization"):
            before.append(layer)
            continue
        values = _through(before, batch)
        if values is None:
            return None
        if kind == "Rescaling":
            left = _largest_left(layer, values)
            if left is not None and left <= NOTHING_LEFT and (values != np.round(values)).any():
                return Misfit(layer.name, "rescaling", left, 1 / float(np.max(np.abs(as_array(layer.scale)))))
            before.append(layer)
            continue
        measure = {"Normalization": _normalized, "BatchNormalization": _standardized}[kind]
        found = measure(layer, values)
        return None if found is None else _judged(layer, measure, before, batch, values, found)
    return None


def was_trained(model: Any) -> bool:
    """Whether a model's biases, which start at 0, are not all 0 still; outputs of one that was not trained are wild.

    True where there are none to be seen.
    """
    weights = model.weights if _has_layers(model) else []
    biases = [one for one in weights if str(getattr(one, "path", None) or one.name).split(":")[0].endswith("bias")]
    return not biases or any(as_array(one).any() for one in biases)


def _judged(
    layer: Any,
    measure: Callable[[Any, np.ndarray], np.ndarray | None],
    before: Sequence[Callable[[Any], Any]],
    batch: np.ndarray,
    values: np.ndarray,
    found: np.ndarray,
) -> Misfit | None:
    """What a layer that knows means and deviations makes of images; `found` is (values, channels)."""
    far, spread = np.sqrt((found**2).mean(axis=0)), found.std(axis=0)
    far_out = float(np.median(far))
    collapsed = len(batch) >= LEAST_IMAGES and (spread <= COLLAPSED).mean() >= MOST_CHANNELS
    if far_out < FAR_OUT and not collapsed:
        return None
    normalised = _is_normal(_columns(values, _axis(layer, values)), *STANDARD)
    if normalised and type(layer).__name__ == "Normalization":
        return Misfit(layer.name, "normalised", float(np.median(spread)), None)
    remedies: dict[float, float] = {}
    for factor in FACTORS:
        scaled = _through(before, batch * np.asarray(factor, batch.dtype))
        again = None if scaled is None else measure(layer, scaled)
        if again is not None and _is_normal(again, *USUAL):
            odd = np.abs(np.log(again.std(axis=0))) + np.abs(np.median(again, axis=0))
            remedies[factor] = float(np.median(odd))
    if remedies:
        best = min(remedies, key=lambda factor: remedies[factor])
        return Misfit(layer.name, "far out" if far_out >= FAR_OUT else "collapsed", far_out, best)
    if far_out >= ABSURD:
        return Misfit(layer.name, "far out", far_out, None)
    return None


def _is_normal(found: np.ndarray, most: float, low: float, high: float) -> bool:
    """Whether (values, channels) have, mostly, a median and a deviation as of what has a mean of 0 and one of 1."""
    middle, spread = np.abs(np.median(found, axis=0)), found.std(axis=0)
    normal = (middle <= most) & (spread >= low) & (spread <= high)
    return bool(normal.mean() >= MOST_CHANNELS)


def _through(layers: Sequence[Callable[[Any], Any]], batch: np.ndarray) -> np.ndarray | None:
    """What some layers make of images; None where one can't be called by itself."""
    values: Any = batch
    try:
        for layer in layers:
            values = layer(values)
        return as_array(values)
    except Exception:  # a layer may be the user's code and want more than a tensor: then there is nothing to say
        return None


def _largest_left(layer: Any, values: np.ndarray) -> float | None:
    """The largest size that a layer of Rescaling leaves of values, but for its offset; None where that is unknown."""
    try:
        scale = as_array(layer.scale)
    except (TypeError, ValueError):
        return None
    return float(np.abs(values).max() * np.abs(scale).max())


def _normalized(layer: Any, values: np.ndarray) -> np.ndarray | None:
    """By what a Normalization was adapted to, (values, channels); None where it was not."""
    if getattr(layer, "invert", False) or not hasattr(layer, "mean"):
        return None
    mean, variance = as_array(layer.mean), as_array(layer.variance)
    if (mean == 0).all() and (variance == 1).all():
        return None
    found = (values - mean) / np.sqrt(np.maximum(variance, np.finfo(np.float32).eps))
    return _columns(found, _axis(layer, found))


def _standardized(layer: Any, values: np.ndarray) -> np.ndarray | None:
    """By the moving averages of a BatchNormalization, (values, channels); None where it was not trained."""
    mean, variance = as_array(layer.moving_mean), as_array(layer.moving_variance)
    if (mean == 0).all() and (variance == 1).all():
        return None
    return (_columns(values, _axis(layer, values)) - mean) / np.sqrt(variance + layer.epsilon)


def _columns(values: np.ndarray, axis: int) -> np.ndarray:
    """Values by channel, (values, channels), float64; some of them are enough."""
    columns = np.moveaxis(values, axis, -1)
    size = columns.size // columns.shape[-1]
    places = np.unravel_index(np.linspace(0, size - 1, min(size, MOST_JUDGED)).astype(np.int64), columns.shape[:-1])
    return columns[places].astype(np.float64)


def _axis(layer: Any, values: np.ndarray) -> int:
    axis = getattr(layer, "axis", -1)
    if not isinstance(axis, int):
        axis = axis[-1] if axis else -1
    return axis % values.ndim


def _chain(model: Any) -> list[Any]:
    """Layers from the input on, as long as each is all that is made of the one before; those of nested models too."""
    return _beginning(model)[0]


def _beginning(model: Any) -> tuple[list[Any], bool]:
    """The chain, and whether it is the whole model."""
    layers: list[Any] = []
    parts, whole = _parts(model)
    for part in parts:
        if not _has_layers(part):
            layers.append(part)
            continue
        nested, all_of_it = _beginning(part)
        layers += nested
        if not all_of_it:
            return layers, False
    return layers, whole


def _has_layers(layer: Any) -> bool:
    return isinstance(getattr(layer, "layers", None), list) and bool(layer.layers)


def _parts(model: Any) -> tuple[list[Any], bool]:
    if not _has_layers(model):
        return [], False
    if type(model).__name__ == "Sequential":
        return [layer for layer in model.layers if type(layer).__name__ != "InputLayer"], True
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(outputs, list):
        return [], False
    found: list[Any] = []
    tensor, operations = inputs[0], getattr(model, "operations", None) or model.layers
    while tensor is not outputs[0]:
        # in Keras 2, an input takes itself
        later = [one for one in operations if type(one).__name__ != "InputLayer"]
        uses = [(one, node) for one in later for node in _nodes(one) if _takes(node, tensor)]
        if len(uses) != 1:
            return found, False
        operation, node = uses[0]
        made = _tensors(node, "outputs")
        # what is no layer, such as a division, was called with more than the tensor
        plain = hasattr(operation, "get_weights") and not type(operation).__name__.endswith("OpLambda")
        if not plain or len(_tensors(node, "input_tensors")) != 1 or len(made) != 1:
            return found, False
        found.append(operation)
        tensor = made[0]
    return found, True


def _nodes(operation: Any) -> Sequence[Any]:
    """Where a layer was called: Keras 3, Keras 2."""
    return getattr(operation, "_inbound_nodes", None) or []


def _tensors(node: Any, name: str) -> list[Any]:
    found = getattr(node, name, None)
    if found is None:
        return []
    return list(found) if isinstance(found, list | tuple) else [found]


def _takes(node: Any, tensor: Any) -> bool:
    return any(one is tensor for one in _tensors(node, "input_tensors"))
