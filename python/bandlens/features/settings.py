"""Options of `visualize_features`: each checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.options import flag, number, one_of, whole
from ..data.positions import first
from ..data.words import argument, choices, nearest, quoted, shape_text, shown
from ..errors import LayerError, OptionError
from .layers import Layer, Network
from .objectives import OBJECTIVES
from .space import Space
from .step import Step
from .views import Moves

CLAMPS = ("fit", "clip", "none")
STARTS = ("multiscale", "grey", "background")
PARAMETRIZATIONS = ("pixels", "fourier")
# jitter by default, in parts of the image's side
JITTER = 1 / 16


def make_step(space: Space, options: Mapping[str, Any]) -> Step:
    """One step of the ascent, from the options of these names."""
    objective = options["objective"]
    images = whole()("n_images", options["n_images"])
    diversity = options["diversity"]
    if diversity is not None and images == 1 and diversity != 0:
        raise OptionError("A single image can't differ from others.", expected="n_images, 2 or more", given="1")
    # at 1 the images would be pushed apart as strongly as towards the feature
    strength = (0.5 if images > 1 else 0.0) if diversity is None else number(0)("diversity", diversity)
    decorrelate = flag("decorrelate", options["decorrelate"])
    if decorrelate and space.covariance is None:
        raise OptionError(
            "How bands vary together is learnt from a background.", expected="`background`", given="no background"
        )
    scale, rotate = number(0, 1)("scale", options["scale"]), number(0, 180)("rotate", options["rotate"])
    if (scale or rotate) and min(space.rows, space.cols) == 1:
        raise OptionError(
            "Only images with rows and columns can be scaled and rotated.",
            expected=", ".join([argument("scale", 0), argument("rotate", 0)]),
            given=f"images of {space.rows} x {space.cols} pixels",
        )
    return Step(
        objective=objective,
        size=number(0, above=True)("step_size", options["step_size"]),
        moves=Moves(_jitter(options["jitter"], space), scale, rotate),
        images=images,
        diversity=strength,
        l2=number(0)("l2", options["l2"]),
        total_variation=number(0)("total_variation", options["total_variation"]),
        clamp=_clamp(options["clamp"], options["start"]),
        fourier=one_of(*PARAMETRIZATIONS)("parametrization", options["parametrization"]) == "fourier",
        decorrelate=decorrelate,
    )


def _clamp(given: Any, start: Any) -> str:
    """How images stay in their ranges; by default what was given as a start is not to fade."""
    chosen = one_of("auto", *CLAMPS)("clamp", given)
    if chosen != "auto":
        return chosen
    return "fit" if isinstance(start, str) and start in ("multiscale", "grey") else "clip"


def _jitter(given: Any, space: Space) -> tuple[int, int]:
    """Most pixels that an image is shifted by, along rows and columns."""
    sides = (space.rows, space.cols)
    if isinstance(given, str):
        one_of("auto")("jitter", given)
        return (round(JITTER * sides[0]), round(JITTER * sides[1]))
    most = whole(0)("jitter", given)
    return (min(most, sides[0] - 1), min(most, sides[1] - 1))


def chosen_layers(network: Network, layer: Any, objective: str) -> tuple[tuple[Layer, ...], np.ndarray]:
    """Layers that an objective is made of, and their weights."""
    one_of(*OBJECTIVES)("objective", objective)
    if objective == "logit":
        if layer is not None:
            raise OptionError(
                "A logit is an output of the model, not of a layer.",
                expected=argument("layer", None),
                given=shown(layer),
            )
        predictor = network.predictor
        if predictor.pixels or predictor.head is not None:
            raise OptionError(
                "The model has more than one row of outputs, so that an image has no single logit of a class.",
                expected="an objective for a layer, as listed by list_layers(model)",
                given=f"outputs for {shape_text(predictor.pixels)} pixels"
                if predictor.pixels
                else f"several outputs: {predictor.head}",
            )
        made_of = (
            None if predictor.trace.head and predictor.output == predictor.trace.logit else predictor.trace.made_of()
        )
        if made_of:
            raise OptionError(
                f"The model's outputs are no logits: they are made of the values of {made_of}.",
                expected="an objective for a layer, as listed by list_layers(model)",
                given=argument("objective", "logit"),
            )
        units = predictor.weights.shape[1]
        return (Layer("logit", "output", (units,), -1, None, predictor.output),), np.ones(1)
    if layer is None:
        raise OptionError(
            "Nothing says which layer the features are in.",
            expected=f"`layer`, as listed by list_layers(model), or {argument('objective', 'logit')} for the model's "
            "outputs",
        )
    if objective != "deep_dream":
        if not isinstance(layer, str):
            raise OptionError("Features are those of one layer.", expected="the name of a layer", given=shown(layer))
        found = [network.layer(layer)]
        weights = np.ones(1)
    else:
        mix = layer if isinstance(layer, Mapping) else dict.fromkeys([layer] if isinstance(layer, str) else layer, 1.0)
        if not mix:
            raise OptionError("No layer is to be excited.", expected="the name of a layer, several, or their weights")
        found = [network.layer(name) for name in mix]
        weights = np.array([number(0, above=True)("weight of a layer", weight) for weight in mix.values()])
    for one in found:
        check_layer(network, one)
    return tuple(found), weights


def check_layer(network: Network, layer: Layer) -> None:
    """Refuse a layer whose output is not one block of features per image."""
    layouts = network.predictor.trace.graph(layer.value).layouts
    layout = layouts.get(layer.value)
    if layout is None or layout.axis != 0 or None in layer.shape or layout.shape[1:] != layer.shape or not layout.real:
        raise LayerError(
            f"The output of layer {quoted(layer.name)} is not one block of activations per image.",
            expected=f"a layer whose output has images on axis {first()}, and floating values",
            given=f"{layer.kind} with output {shape_text(('n', *layer.shape))}",
        )


def chosen_features(features: Any, names: Sequence[str], what: str) -> np.ndarray:
    """Positions of features, from positions or names; all without a choice."""
    if features is None:
        return np.arange(len(names))
    given = [features] if isinstance(features, str) or np.ndim(features) == 0 else list(features)
    found = []
    for one in given:
        if isinstance(one, str) and one in names:
            found.append(list(names).index(one))
        elif (
            isinstance(one, int | float | np.number)
            and not isinstance(one, bool)
            and one == int(one)
            and 0 <= one < len(names)
        ):
            found.append(int(one))
        else:
            number_ = first() + int(one) if isinstance(one, int | np.integer) else one
            raise OptionError(
                f"{what} has no such feature.",
                expected=f"{first()} to {first() + len(names) - 1}" + _named(names),
                given=shown(number_),
                fix=nearest(one, names),
            )
    if not found or len(set(found)) < len(found):
        raise OptionError("`features` must name different features.", given=shown(given))
    return np.array(found, np.int64)


def _named(names: Sequence[str]) -> str:
    """Names beside positions, where they tell more."""
    if list(names) == [str(first() + at) for at in range(len(names))]:
        return ""
    return f", or {choices(names, ', ', most=8)}"


def places(layer: Layer, objective: str, position: Any) -> np.ndarray:
    """Weight of each position of a feature's map."""
    lengths = tuple(length or 1 for length in layer.positions)
    size = int(np.prod(lengths)) if lengths else 1
    if objective != "neuron":
        if position is not None:
            raise OptionError(
                "Only a neuron has a position.", expected=argument("objective", "neuron"), given=shown(objective)
            )
        return np.full(size, 1 / size)
    if position is not None and not lengths:
        raise LayerError(
            f"Layer {quoted(layer.name)} has no spatial output: its features have no positions.",
            expected="no position, or a layer with rows and columns",
            given=f"{layer.kind} with {layer.n_features} features, position {shown(_counted(position))}",
        )
    where = [length // 2 for length in lengths] if position is None else np.atleast_1d(np.asarray(position)).tolist()
    if len(where) != len(lengths) or not all(
        at == int(at) and 0 <= at < length for at, length in zip(where, lengths, strict=True)
    ):
        raise OptionError(
            f"Layer {quoted(layer.name)} has no such position.",
            expected=f"{len(lengths)} whole numbers from {first()}, up to "
            f"{' and '.join(str(length - 1 + first()) for length in lengths)}",
            given=shown(_counted(position)),
        )
    weights = np.zeros(lengths or (1,))
    weights[tuple(int(at) for at in where) if lengths else (0,)] = 1
    return weights.reshape(-1)


def _counted(position: Any) -> Any:
    """A position as the caller counts it."""
    if isinstance(position, str) or first() == 0:
        return position
    numbers = [
        at + first() if isinstance(at, int | float | np.number) else at for at in np.atleast_1d(position).tolist()
    ]
    return numbers if np.ndim(position) else numbers[0]


def directions(given: Any, layer: Layer) -> np.ndarray:
    """Directions among a layer's features, each made as long as 1, shape (k, features)."""
    wrong = OptionError(
        "`directions` are not directions among the layer's features.",
        expected=f"one or several rows of {layer.n_features} finite numbers, not all zero",
        given="nothing" if given is None else f"an array of shape {shape_text(np.shape(given))}",
    )
    if given is None:
        raise wrong
    try:
        rows = np.atleast_2d(np.asarray(given, np.float64))
    except (TypeError, ValueError) as error:
        raise wrong from error
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    if rows.ndim != 2 or rows.shape[1] != layer.n_features or not np.isfinite(rows).all() or not (length > 0).all():
        raise wrong
    return rows / length
