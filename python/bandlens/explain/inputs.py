"""A question about a model of several inputs: what it says of each is put into the model's order, input by input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.band_order import arranged
from ..data.images import check_images
from ..data.inputs import Inputs, by_input, by_input_numbers
from ..data.labelled import LabelledImages, steps_of
from ..data.times import needs_axis
from ..data.words import quoted, shape_text
from ..errors import BackgroundError, InputError, InputTypeError, OptionError
from ..models.bands import kept_by_input
from ..models.packing import called_on, in_order_of, model_inputs
from ..models.saved import loaded
from .question import Question


def has_several_inputs(model: Any, x: Any) -> bool:
    """Whether images are given for several inputs: as a dict, or as a list to a model, live, that has several."""
    x = x.x if isinstance(x, LabelledImages) else x
    if isinstance(x, Mapping):
        return True
    if not isinstance(x, list | tuple):
        return False
    called_on(model, x)
    return len(model_inputs(model)) > 1


def several_in_order(question: Question, name: str = "x") -> Question:
    """The question with its images as `Inputs`, which say of each what is known of it.

    Parameters
    ----------
    question : Question
    name : str
        What to call its images in errors.

    Raises
    ------
    BandlensError
        If something is not said of each input, or of an input that there is not.
    """
    q = replace(question.with_streams_read(), model=loaded(question.model))
    x = q.x.x if isinstance(q.x, LabelledImages) else q.x
    if not x:
        raise InputError(f"`{name}` holds no inputs.", expected="an array for each of the model's inputs")
    given = in_order_of(q.model, x, name)
    names = tuple(given)
    kept = kept_by_input(q.model, names)
    ranks = [_rank(input_, one, name) for input_, one in given.items()]
    background: list[Any] = [None] * len(names)
    if q.background is not None:
        background = _background(q, names)
    bands = by_input(q.bands, names, "bands")
    wavelengths = by_input(q.wavelengths, names, "wavelengths")
    axes = by_input_numbers(q.band_axis, names, "band_axis")
    # what is said of all inputs is not said of rows of numbers, which have one axis
    axes = tuple(
        -1 if axis is None or (rank == 2 and not _each(q.band_axis)) else axis for axis, rank in _z(axes, ranks)
    )
    steps = by_input_numbers(q.time_axis, names, "time_axis")
    steps = tuple(None if rank == 2 and not _each(q.time_axis) else axis for axis, rank in _z(steps, ranks))
    times = by_input(q.times, names, "times")
    if q.times is not None and all(axis is None for axis in steps):
        raise needs_axis()
    times = tuple(
        steps_of(one, axis) if time is None else None if axis is None and not _each(q.times) else time
        for one, time, axis in zip(given.values(), times, steps, strict=True)
    )
    found = [
        arranged(
            one,
            background[place],
            bands=bands[place],
            wavelengths=wavelengths[place],
            kept=kept[place],
            band_axis=axes[place],
            reorder=q.reorder,
            name=Inputs.called(name, input_),
        )
        for place, (input_, one) in enumerate(given.items())
    ]
    described = {
        "bands": tuple(one.bands for one in found),
        "wavelengths": tuple(one.wavelengths for one in found),
        "times": times,
    }
    inputs = Inputs(names, tuple(one.x for one in found), axes, steps, **described)
    q = replace(
        q,
        x=inputs,
        background=None if q.background is None else replace(inputs, sources=tuple(one.background for one in found)),
        bands=None,
        wavelengths=None,
        times=None,
        time_axis=None,
        band_axis=-1,
    )
    baseline = q.method_options.get("baseline")
    if isinstance(baseline, Mapping | list | tuple):
        q = replace(q, method_options={**q.method_options, "baseline": _packed(q, baseline, inputs)})
    return q


def _z(values: Any, others: Any) -> Any:
    return zip(values, others, strict=True)


def _each(value: Any) -> bool:
    """Whether something is said of each input by itself."""
    return isinstance(value, Mapping | list | tuple)


def _rank(input_: str, x: Any, name: str) -> int:
    x = x.x if isinstance(x, LabelledImages) else x
    if isinstance(x, Mapping):
        raise InputTypeError(
            f"The input '{input_}' in `{name}` is not an array of images.",
            expected="an array for each of the model's inputs",
            given=f"a dict with {', '.join(map(quoted, x))}",
        )
    return len(getattr(x, "shape", np.shape(x)))


def _background(q: Question, names: tuple[str, ...]) -> list[Any]:
    """The background's images for each input."""
    given = q.background.x if isinstance(q.background, LabelledImages) else q.background
    if not isinstance(given, Mapping | list | tuple):
        raise BackgroundError(
            "`background` must hold an array for each of the model's inputs, as `x` does.",
            expected=", ".join(map(quoted, names)),
            given=f"one array of shape {shape_text(given.shape)}" if hasattr(given, "shape") else type(given).__name__,
        )
    if not model_inputs(q.model):
        missing = [name for name in names if name not in given]
        if not isinstance(given, Mapping) or missing or len(given) != len(names):
            raise BackgroundError(
                "`background` does not hold the inputs that `x` holds.",
                expected=", ".join(map(quoted, names)),
                given=", ".join(map(quoted, given)) if isinstance(given, Mapping) else "a list",
            )
        return [given[name] for name in names]
    try:
        return list(in_order_of(q.model, given, "background").values())
    except InputError as error:
        raise BackgroundError(error.message, expected=error.expected, given=error.given, fix=error.fix) from error


def _packed(q: Question, baseline: Any, inputs: Inputs) -> np.ndarray:
    """A baseline image of each input, as one row."""
    order = in_order_of(q.model, baseline, "baseline") if model_inputs(q.model) else dict(baseline)
    if set(order) != set(inputs.names):
        raise OptionError("`baseline` does not hold an image for each input.", expected=", ".join(inputs.names))
    arrays = tuple(np.asarray(order[name])[None] for name in inputs.names)
    return check_images(replace(inputs, sources=arrays), name="baseline").take(slice(0, 1), None)[0]
