"""Images from R, with the names that their bands have there, and whether a list of them is one of images or of inputs.

Arrays lose their dimnames on the way, which therefore come beside them. R has one kind of list: only the model can tell
whether its entries are images, as of a folder of files, or the inputs of a model, so that names come for both readings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data.backgrounds import BackgroundImages
from ..data.labelled import LabelledImages
from ..models.packing import called_on, input_names, model_inputs
from ..models.saved import loaded
from .conversions import for_r, labels

# an array of images with this many dimensions can't well be a single image
SEVERAL_IMAGES = 4


def images_and_options(model: Any, x: Any, given: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The model, images with the names that their bands have in R, and the other arguments of a call.

    A saved model is loaded where it has to say what a list holds.

    Parameters
    ----------
    model : object
    x : array, list or dict
    given : dict
        Arguments by name. Names of bands are in `x_bands` and `background_bands`, and for entries of a list that are
        inputs in `x_each_bands` and `background_each_bands`, by name or in order; how a background is chosen, in
        `background_sampling`: `strategy`, `y` and `weights`.
    """
    options: dict[str, Any] = {name: for_r(value) if callable(value) else value for name, value in given.items()}
    names = {name: options.pop(f"{name}_bands", None) for name in ("x", "background")}
    each = {name: options.pop(f"{name}_each_bands", None) for name in ("x", "background")}
    # of a verb without images, it is the background that holds the inputs
    told_by = options.get("background") if x is None else x
    model = loaded(model) if isinstance(told_by, list | dict) else model
    several = _are_inputs(model, told_by)

    def described(images: Any, name: str) -> Any:
        if isinstance(images, list | dict) and several:
            return _each_named(images, each[name])
        images = list(images.values()) if isinstance(images, dict) else images
        return images if names[name] is None else LabelledImages(images, bands=names[name])

    # how a background is chosen comes beside the images
    sampling = options.pop("background_sampling", None)
    if options.get("background") is not None:
        options["background"] = described(options["background"], "background")
    if sampling is not None:
        own = {"y": labels(sampling.get("y")), "weights": sampling.get("weights")}
        options["background"] = BackgroundImages(options.get("background"), strategy=sampling.get("strategy"), **own)
    return model, described(x, "x"), options


def _are_inputs(model: Any, x: Any) -> bool:
    """Whether the entries of a list are what inputs take, not single images."""
    if not isinstance(x, list | dict):
        return False
    if isinstance(x, list):
        called_on(model, x)
    inputs = model_inputs(model)
    if inputs and (len(inputs) > 1 or isinstance(x, list)):
        return len(inputs) > 1
    if isinstance(x, list):
        return False
    shapes = [np.shape(one) for one in x.values()]
    if len(set(shapes)) > 1 or not shapes:
        return True  # images have one shape
    return len(shapes[0]) >= SEVERAL_IMAGES or set(x) == set(input_names(model))


def _each_named(inputs: Any, names: Any) -> Any:
    """Inputs, each with the names of its bands where it has some."""
    if names is None:
        return inputs
    if isinstance(inputs, dict):
        return {key: _named(one, names.get(key)) for key, one in inputs.items()}
    return [_named(one, own) for one, own in zip(inputs, names, strict=True)]


def _named(images: Any, names: Any) -> Any:
    return images if names is None else LabelledImages(images, bands=names)
