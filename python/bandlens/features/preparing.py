"""From what the user says of features, data and starts to arrays; whatever doesn't fit is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.images import Images, check_images
from ..data.labels import class_names
from ..data.options import one_of
from ..data.positions import first
from ..data.words import argument, quoted, shape_text
from ..errors import BackgroundError, InputError, InputTypeError, OptionError
from . import settings
from .layers import Layer
from .listing import image_shape
from .objectives import readout
from .space import Space, as_canvas, canvas, noise, other_start


def sample_of(
    model: Any, background: Any, shape: Any, band_axis: int, most: int, seed: int
) -> tuple[Images, np.ndarray | None]:
    """The layout of images, and a sample of the background as (m, rows, cols, bands)."""
    if background is None:
        lengths = image_shape(model, shape)
        return check_images(np.zeros((1, *lengths), np.int8), band_axis), None
    try:
        references = check_images(background, band_axis, name="background")
    except (InputError, InputTypeError) as error:
        raise BackgroundError(error.message, expected=error.expected, given=error.given, fix=error.fix) from error
    if shape is not None and image_shape(model, shape) != references.shape:
        raise InputError(
            "`shape` is not that of the background images.",
            expected=shape_text(references.shape),
            given=shape_text(image_shape(model, shape)),
        )
    canvas(references.shape, references.band_axis)
    return references, as_canvas(references, sampled(references.n, most, seed))


def sampled(n: int, most: int, seed: int) -> np.ndarray:
    """Positions of so many of n images at most, at random."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def features_of(
    predictor: Any, layer: Layer, objective: str, features: Any, directions: Any, classes: Any
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names of all features there are, positions of those that were chosen, and their directions."""
    if classes is not None and objective != "logit":
        unused("classes", objective)
    if objective == "deep_dream":
        if features is not None:
            unused("features", objective)
        return ("all",), np.zeros(1, np.int64), np.zeros((1, 1))
    if objective == "direction":
        rows = settings.directions(directions, layer)
        known = tuple(str(first() + at) for at in range(len(rows)))
        chosen = settings.chosen_features(features, known, "`directions`")
        return known, chosen, rows[chosen]
    if objective == "logit":
        known = class_names(classes, None, predictor.n_outputs)
        chosen = settings.chosen_features(features, known, "The model")
        return known, chosen, predictor.weights[chosen]
    assert layer.n_features is not None
    known = tuple(str(first() + at) for at in range(layer.n_features))
    chosen = settings.chosen_features(features, known, f"Layer {quoted(layer.name)}")
    return known, chosen, readout(chosen, layer.n_features)


def unused(option: str, objective: str) -> None:
    """Refuse an option that an objective would ignore."""
    raise OptionError(f"The objective {quoted(objective)} has no use for `{option}`.", expected=argument(option, None))


def starts_of(
    start: Any, space: Space, images: Images, sample: np.ndarray | None, contrast: float, n: int, per_feature: int
) -> Any:
    """From the position of an image, random numbers of its own and the attempt to its start (rows, cols, bands)."""
    if isinstance(start, str):
        one_of(*settings.STARTS)("start", start)
        if start == "multiscale":

            def noisy(at: int, random: np.random.Generator, attempt: int) -> np.ndarray:
                return other_start(space, random, contrast, attempt) if attempt else noise(space, random, contrast)

            return noisy
        if start == "grey":
            grey = np.broadcast_to(space.middle, (space.rows, space.cols, space.bands))
            return lambda at, random, attempt: grey
        if sample is None:
            raise OptionError("There are no background images to start from.", expected="`background`")
        return lambda at, random, attempt: sample[random.integers(len(sample))]
    array = np.asarray(start)
    if array.shape == images.shape:
        array = array[None]
    if array.shape[1:] != images.shape or len(array) not in (1, n):
        raise OptionError(
            "`start` is not an image of this model.",
            expected=f"an image of shape {shape_text(images.shape)}, or {n} of them, one per feature",
            given=f"an array of shape {shape_text(array.shape)}",
        )
    given = as_canvas(check_images(array, images.band_axis, name="start"), slice(None))
    return lambda at, random, attempt: given[0 if len(given) == 1 else at // per_feature]
