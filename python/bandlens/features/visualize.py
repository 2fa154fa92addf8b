"""What do a network's neurons look for? Images that excite a feature, found by following its gradient from noise.

First layers are read off their kernels (`layer_kernels`); what deeper features stand for has to be found: choose a
layer and a feature, cut the network there, and change an image step by step so that the feature grows.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.options import flag, number, plain, whole, whole_number
from ..errors import DeadFeatureWarning, InterruptedWarning, ModelError
from ..models.derivatives import require_derivative
from ..models.predictor import loaded
from ..progress import Progress, keeps_on_interrupt, starting, ticker
from ..results.by_input import ByInput
from . import settings
from .ascent import Ascent, Found
from .inputs import Subject, subjects_of, that_matter
from .layers import Layer, Network, make_network
from .objectives import OBJECTIVES
from .preparing import features_of, starts_of, unused
from .result import FeatureImages
from .space import Space, make_space
from .step import Step


def visualize_features(
    model: Any,
    layer: str | Sequence[str] | Mapping[str, float] | None = None,
    features: Any = None,
    *,
    steps: int = 256,
    jitter: int | str = "auto",
    start: Any = "multiscale",
    seed: int = 0,
    objective: str = "squared_activity",
    background: Any = None,
    value_range: Any = None,
    n_background: int = 100,
    position: Sequence[int] | None = None,
    directions: Any = None,
    n_images: int = 1,
    diversity: float | None = None,
    step_size: float = 1 / 8,
    contrast: float = 0.1,
    clamp: str = "auto",
    l2: float = 0.0,
    total_variation: float = 0.0,
    scale: float = 0.0,
    rotate: float = 0.0,
    parametrization: str = "pixels",
    decorrelate: bool = False,
    bands: Any = None,
    wavelengths: Any = None,
    classes: Sequence[str] | None = None,
    shape: Sequence[int] | None = None,
    band_axis: Any = -1,
    input: str | None = None,
    reorder: bool = False,
    batch_size: int | None = None,
    progress: Progress = None,
    keep_on_interrupt: bool | None = None,
) -> FeatureImages | ByInput[FeatureImages]:
    """Images that excite features of a layer, in every band.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable
        As for `band_importance`; of a callable only the outputs can be visualised (`objective="logit"`).
    layer : str, optional
        A layer as listed by `list_layers`; of a nested model "backbone/conv3". None for `objective="logit"`. Of a deep
        dream also several names, or a dictionary of their weights.
    features : int or str, or sequence of these, optional
        Channels or units of the layer, counted from 0; of logits also names of classes. All by default.
    steps : int
        0 returns the start.
    jitter : int or "auto"
        Most pixels that the image is shifted by at each step, at random; "auto" is 1/16 of its sides. Images go round
        at their borders.
    start : {"multiscale", "grey", "background"} or array_like
        Noise in which all scales have the same part, around the middle of each band's range; the middle of each band's
        range; a background image, drawn for each feature; or an image, as the model takes it, or one per feature.
    seed : int
        Each feature has random numbers of its own, whatever is computed with it.
    objective : str
        "squared_activity": sum over positions of the feature's squared activity. "mean_activity": its mean. "neuron":
        its activity at one position. "direction": mean activity along `directions` in the layer's features. "logit":
        an output of the model, before softmax or sigmoid. "deep_dream": mean square of all features of one or several
        layers, usually from a given image on.
    background : array_like, shape (m, rows, cols, bands), optional
        A sample of the data, which gives the bands' ranges, starts, and how bands vary together. Of a model of several
        inputs a dict with images for each.
    value_range : (low, high), optional
        Numbers or one per band, in the data's own units. By default the 0.1 % and 99.9 % quantiles of `background`.
    n_background : int
        Most background images used; a seeded sample if there are more.
    position : sequence of int, optional
        Of a neuron; the centre by default.
    directions : array_like, shape (k, features), optional
    n_images : int
        Images per feature, which are pushed apart with the strength `diversity`.
    diversity : float, optional
        Relative to the objective; 0.5 by default.
    step_size : float
        The largest component of the gradient is made this part of the band's range.
    contrast : float
        Standard deviation of the noise of the start, in parts of each band's range.
    clamp : {"auto", "fit", "clip", "none"}
        How bands stay in their ranges (or as far out as the start was). "fit" shrinks an image as a whole towards the
        middle, so that pixels and bands keep their proportions, and what is not excited fades; its size is judged where
        it matters (root mean square deviation, weighted by the squared gradient, at most 1 / sqrt(2) of half the
        range), and what is still beyond is cut off. "clip" only cuts off: it reaches higher activations, as whatever
        counts a little ends at an end of its range, but the strongest bands end alike. "none" lets images grow. "auto"
        is "fit" from noise and grey, and "clip" from images, which are not to fade.
    l2, total_variation : float
        Strengths of a pull to the middle of the range, and of smoothness, relative to the largest component of the
        gradient.
    scale, rotate : float
        Most that the image is scaled (0.1: by 1/1.1 to 1.1) and rotated (degrees) at each step, at random.
    parametrization : {"pixels", "fourier"}
        Where the gradient is taken: in pixels, or in spatial frequencies in units of 1 / frequency, which images have
        by nature; the latter gives smoother images.
    decorrelate : bool
        Whether the gradient is taken in bands that are uncorrelated in the background, so that an image's bands vary
        together as the data's do.
    bands, classes : sequence of str, optional
    wavelengths : sequence of float, optional
        Of the bands, in nm.
    shape : sequence of int, optional
        Of an image, for models that do not say; by default that of `background`.
    band_axis : int
        Axis of the bands in a batch of the model's images. Of several inputs, this and `bands`, `wavelengths`,
        `value_range` and a given `start` are the same for all, or dicts by the inputs' names.
    input : str, optional
        Of a model of several inputs: the one for which images are made, while the others are held at the mean of their
        `background`. By default images are made for each in turn with which the features change.
    reorder : bool
        Whether the bands of `background` are brought into the order of the model's (`set_bands`) or of `bands`, by
        name.
    batch_size : int, optional
        Most images computed together; by memory if not given. Results don't depend on it.
    progress : bool or callable, optional
        As for `band_importance`, in steps of single images.
    keep_on_interrupt : bool, optional
        Whether an interrupt returns the images so far with an `InterruptedWarning`: those that are ready, and those of
        the batch at hand as they are. By default only at an interactive prompt; else the interrupt goes on.

    Returns
    -------
    FeatureImages or ByInput
        For a model of several inputs, one for each of them by its name, as `ByInput`, unless `input` chooses one.

    Raises
    ------
    BandlensError
        One of its subclasses, before anything is computed: `LayerError` for an unknown layer (with the nearest names)
        or one that has not what was asked for, `OptionError` for others.

    Warns
    -----
    DeadFeatureWarning
        If features stay silent whatever the image does; they are flagged in the result. Or if the ascent did not rise
        above its start.

    Notes
    -----
    At each step the gradient of the objective at the shifted image is shifted back, brought into the units of the
    bands' ranges and scaled so that its largest component is `step_size`. Mordvintsev, Olah & Tyka 2015, Inceptionism:
    going deeper into neural networks (Deep Dream); Erhan, Bengio, Courville & Vincent 2009, Visualizing higher-layer
    features of a deep network; Olah, Mordvintsev & Schubert 2017, Feature Visualization, Distill,
    doi:10.23915/distill.00007 (objectives, diversity, Fourier parametrisation with decorrelation).

    Where an image ends below its start, the best one that was on the way is kept instead, of those after every 16
    steps; without any above its start, the start itself, with a warning. (Not so with `l2` and `total_variation`, which
    may cost activation.)
    """
    began = time.perf_counter()
    given = dict(locals())
    seed, steps = whole_number("seed", seed, 0), whole(0)("steps", steps)
    whole_number("n_background", n_background)
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    number(0, 1)("contrast", contrast)
    keep = keeps_on_interrupt() if keep_on_interrupt is None else flag("keep_on_interrupt", keep_on_interrupt)
    given |= {"seed": seed, "steps": steps}
    with starting(progress, model):
        model = loaded(model)
    subjects = subjects_of(model, given)
    spaces = [make_space(one.own, one.sample, one.value_range) for one in subjects]
    ways = [
        settings.make_step(space, {**given, "start": one.start}) for one, space in zip(subjects, spaces, strict=True)
    ]
    network = make_network(model, subjects[0].images)
    spaces = [_holding(*pair, network.predictor.trace.dtype) for pair in zip(subjects, spaces, strict=True)]
    layers, weights = settings.chosen_layers(network, layer, objective)
    for one in layers:
        label, fix = f"A picture of '{one.name}'", "choose a layer before it, or see what there is by top_images()"
        require_derivative(network.predictor.trace, one.value, label, fix)
    if (directions is not None) != (objective == "direction"):
        settings.directions(None, layers[0]) if objective == "direction" else unused("directions", objective)
    wanted = features_of(network.predictor, layers[0], objective, features, directions, classes)
    readouts = None if objective == "deep_dream" else wanted[2]
    kept = that_matter(network, layers, readouts, subjects, spaces, input)
    prepared = [
        (
            subjects[at],
            spaces[at],
            *_ascent(network, layers, weights, subjects[at], spaces[at], ways[at], wanted, given),
        )
        for at in kept
    ]
    found: dict[str, FeatureImages] = {}
    for subject, space, ascent, chosen, copies in prepared:
        label = "Features" if subject.name is None else f"Features, input {subject.name}"
        with ticker(progress, len(chosen) * max(steps, 1), label, unit="step") as tick:
            climbed = ascent.climb(steps, batch_size or ascent.images_per_batch, tick, keep=keep)
        seconds = time.perf_counter() - began
        result = _result(climbed, network, layers, subject, space, wanted[0], chosen, copies, given, seconds)
        _warn(result, len(chosen), climbed)
        found[subject.name or ""] = result
        if climbed.interrupted:
            break
    return ByInput(found) if input is None and subjects[0].name is not None else result


def _holding(subject: Subject, space: Space, dtype: Any) -> Space:
    """An input's images among those of the others, which are held."""
    return space if subject.held is None else replace(space, held=subject.held.astype(dtype), place=subject.place)


def _ascent(
    network: Network,
    layers: tuple[Layer, ...],
    weights: np.ndarray,
    subject: Subject,
    space: Space,
    step: Step,
    wanted: tuple[tuple[str, ...], np.ndarray, np.ndarray],
    given: Mapping[str, Any],
) -> tuple[Ascent, np.ndarray, np.ndarray]:
    """What is to be done for an input; and of each image, the position of its feature and its number among these."""
    _, chosen, readouts = wanted
    start, seed = subject.start, given["seed"]
    starts = starts_of(start, space, subject.own, subject.sample, given["contrast"], len(chosen), step.images)
    chosen = np.repeat(chosen, step.images)
    copies = np.tile(np.arange(step.images), len(chosen) // step.images)

    def random(at: int, purpose: int = 1) -> np.random.Generator:
        return np.random.default_rng([seed, purpose, int(chosen[at]), int(copies[at])])

    ascent = Ascent(
        predictor=network.predictor,
        layers=layers,
        space=space,
        step=step,
        readouts=np.repeat(readouts, step.images, axis=0),
        places=settings.places(layers[0], given["objective"], given["position"]),
        weights=weights,
        # 1 is for the views
        start=lambda part, attempt: np.stack([starts(at, random(at, 2 + attempt), attempt) for at in part.tolist()]),
        attempts=ATTEMPTS if isinstance(start, str) and start == "multiscale" else 1,
        random=random,
    )
    return ascent, chosen, copies


def _result(
    found: Found,
    network: Network,
    layers: tuple[Layer, ...],
    subject: Subject,
    space: Space,
    known: tuple[str, ...],
    chosen: np.ndarray,
    copies: np.ndarray,
    given: Mapping[str, Any],
    seconds: float,
) -> FeatureImages:
    """What was found for an input."""
    if not np.isfinite(found.values[: found.images]).all():
        raise ModelError("The model's gradient is not finite, so that there is no image of its features.")
    kept, steps, start = slice(0, found.images), given["steps"], subject.start
    return FeatureImages(
        values=found.values[kept],
        feature=chosen[kept],
        image=copies[kept],
        names=tuple(known[at] for at in chosen[kept]),
        activation_before=found.before[kept],
        activation_after=found.after[kept],
        trace=found.trace[kept],
        done=found.done[kept],
        restarts=found.restarts[kept],
        dead=~found.moved[kept] if steps else found.after[kept] == 0,
        low=space.low,
        high=space.high,
        layer=", ".join(one.name for one in layers),
        objective=given["objective"],
        activation=OBJECTIVES[given["objective"]].summary,
        start=start if isinstance(start, str) else "given",
        bands=subject.bands,
        wavelengths=subject.wavelengths,
        steps=steps,
        interrupted=found.interrupted,
        seed=given["seed"],
        options=plain({name: given[name] for name in _OPTIONS}),
        model=network.predictor.name,
        versions=network.predictor.versions,
        seconds=seconds,
        input=subject.name,
    )


# starts that a silent feature may have
ATTEMPTS = 16

_OPTIONS = (
    "jitter step_size contrast clamp l2 total_variation scale rotate parametrization decorrelate n_images diversity"
).split()


def _of_input(result: FeatureImages) -> str:
    return "" if result.input is None else f", input '{result.input}',"


def _silent(result: FeatureImages) -> str:
    """Of dead features, how they are so."""
    active = int((result.activation_after[result.dead] != 0).sum())
    if active == 0:
        return "their activation stays zero"
    return f"the activation of {active} of them is not zero, but saturated or constant"


def _some(result: FeatureImages, chosen: np.ndarray) -> tuple[int, str]:
    """How many features are chosen, and the first few of their names."""
    names = [name for name, one in zip(result.names, chosen, strict=True) if one]
    return len(names), ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _warn(result: FeatureImages, asked: int, found: Found) -> None:
    """Say what is not as it was asked for."""
    if found.interrupted:
        warnings.warn(
            f"Interrupted: {result.n} of {asked} images are returned, "
            f"{int((result.done == result.steps).sum())} of them with all {result.steps} steps.",
            InterruptedWarning,
            stacklevel=3,
        )
    if result.dead.any() and not found.interrupted:
        n, few = _some(result, result.dead)
        warnings.warn(
            f"{n} of {result.n} features of '{result.layer}' do not change with the image{_of_input(result)} "
            f"({_silent(result)}), so that their images show nothing but the start: {few}. "
            "Other starts, seeds or contrasts may wake them.",
            DeadFeatureWarning,
            stacklevel=3,
        )
    below = result.not_risen
    if below.any() and not found.interrupted:
        n, few = _some(result, below)
        kept = "what is shown is no better than noise" if result.start != "given" else "the given image excites it more"
        warnings.warn(
            f"The ascent did not rise above its start for {n} of {result.n} images of '{result.layer}'"
            f"{_of_input(result)} ({kept}): {few}. "
            "A smaller `step_size`, other starts or seeds, or no `jitter` may help.",
            DeadFeatureWarning,
            stacklevel=3,
        )
