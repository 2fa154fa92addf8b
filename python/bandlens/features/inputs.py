"""Which input of a model an image is made for: of several, one is changed, and the others are held at what is usual.

An input that is held is the mean of its background. What a feature looks for in one input may depend on what is in the
others; other values for these are given by another background.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.backgrounds import refuse_strategy
from ..data.band_order import arranged
from ..data.images import Images, check_images
from ..data.labels import band_names, band_wavelengths
from ..data.naming import named_bands
from ..data.summaries import mean_image
from ..data.words import choices, few, nearest, quoted, shown
from ..errors import BackgroundError, BandError, InputError, InputTypeError, LayerError, OptionError
from ..explain.inputs import several_in_order
from ..explain.question import Question
from ..models.bands import kept_bands
from ..models.packing import input_names, model_inputs
from .activations import activation_batches
from .layers import Layer, Network
from .preparing import sample_of, sampled
from .space import STRONG, Space, as_canvas, canvas, other_start

# images with which it is found out whether features change with an input, and differences that are rounding
TRIED = 32
ROUNDING = 1e-6


@dataclass(frozen=True)
class Subject:
    """An input for which images are made.

    Attributes
    ----------
    name : str or None
        Of the input, where there are several.
    images : Images
        The layout of what the model takes.
    own : Images
        That of this input.
    sample : ndarray, shape (m, rows, cols, bands), or None
        Of its background.
    bands : tuple of str
    wavelengths : tuple of float
    value_range, start : object
        As they were given for this input.
    held : ndarray, shape (elements,), or None
        Of several inputs: the mean of the background, packed.
    place : int
        Where in that row this input begins.
    """

    name: str | None
    images: Images
    own: Images
    sample: np.ndarray | None
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    value_range: Any
    start: Any
    held: np.ndarray | None = None
    place: int = 0


def subjects_of(model: Any, given: Mapping[str, Any]) -> list[Subject]:
    """The inputs for which images are to be made: the one of a model that has one, the chosen one, or all.

    Parameters
    ----------
    model : object
    given : dict
        Arguments of `visualize_features`, by name.

    Raises
    ------
    BandlensError
        If there is no such input, or something does not fit.
    """
    background = given["background"]
    refuse_strategy(background, "visualize_features")
    if len(model_inputs(model)) > 1 or isinstance(background, Mapping):
        return _several(model, given)
    if given["input"] is not None:
        raise OptionError("The model has one input.", expected="no `input`", given=shown(given["input"]))
    brought = arranged(
        background, bands=given["bands"], wavelengths=given["wavelengths"], kept=kept_bands(model),
        band_axis=given["band_axis"], reorder=given["reorder"], name="background",
    )  # fmt: skip
    images, sample = sample_of(
        model, brought.x, given["shape"], given["band_axis"], given["n_background"], given["seed"]
    )
    names, waves = band_names(brought.bands, images.n_bands), band_wavelengths(brought.wavelengths, images.n_bands)
    return [Subject(None, images, images, sample, names, waves, given["value_range"], given["start"])]


def _several(model: Any, given: Mapping[str, Any]) -> list[Subject]:
    background = given["background"]
    if background is None:
        raise OptionError(
            "The model has several inputs: while an image is made for one, the others are held at their background.",
            expected=f"`background`, with images for each of {few(map(quoted, input_names(model)))}",
            given="no background",
        )
    if given["shape"] is not None:
        raise OptionError("Shapes of several inputs are those of `background`.", expected="no `shape`")
    if not isinstance(background, Mapping | list | tuple):
        raise BackgroundError(
            "`background` must hold an array for each of the model's inputs.",
            expected=few(map(quoted, input_names(model))),
            given=type(background).__name__,
        )
    try:
        described = {name: given[name] for name in ("bands", "wavelengths", "band_axis", "reorder")}
        q = several_in_order(Question(model=model, x=background, **described), name="background")
        images = check_images(q.x, q.band_axis, name="background")
    except BandError:
        raise
    except (InputError, InputTypeError) as error:
        raise BackgroundError(error.message, expected=error.expected, given=error.given, fix=error.fix) from error
    named = named_bands(q.x, images.cells, q.bands, q.wavelengths, None)
    names = [part.name for part in images.parts]
    chosen = given["input"]
    if chosen is not None and chosen not in names:
        raise OptionError(
            "There is no such input.", expected=choices(names), given=shown(chosen), fix=nearest(chosen, names)
        )
    at = sampled(images.n, given["n_background"], given["seed"])
    held = mean_image(images, at)
    found, before = [], 0
    for part, own in zip(images.parts, images.inputs, strict=True):
        bands = slice(before, before + part.n_bands)
        before += part.n_bands
        if chosen is not None and part.name != chosen:
            continue
        canvas(own.shape, own.band_axis)
        ranges, start = (_of(given[name], part.name, name, names) for name in ("value_range", "start"))
        found.append(
            Subject(
                part.name, images, own, as_canvas(own, at), named.bands[bands], named.wavelengths[bands],
                ranges, start, held, part.start,
            )
        )  # fmt: skip
    return found


def _of(value: Any, name: str, argument: str, names: list[str]) -> Any:
    """What an argument says of an input."""
    if not isinstance(value, Mapping):
        return value
    unknown = [str(one) for one in value if one not in names]
    if unknown or name not in value:
        raise OptionError(
            f"`{argument}` says nothing of the input {quoted(name)}.",
            expected=f"the same of all, or an entry for each of {few(map(quoted, names))}",
            given=few(map(quoted, value)),
            fix=nearest(unknown, names),
        )
    return value[name]


def that_matter(
    network: Network,
    layers: tuple[Layer, ...],
    readouts: np.ndarray | None,
    subjects: list[Subject],
    spaces: list[Space],
    chosen: Any,
) -> list[int]:
    """Positions of the inputs with which some of the features change, found by trying; all, if there are none.

    Parameters
    ----------
    network : Network
    layers : tuple of Layer
    readouts : ndarray, shape (k, features), or None
        Features as directions in the first layer; None for all of all layers.
    subjects : list of Subject
    spaces : list of Space
        Of the subjects.
    chosen : str or None
        The input that was asked for.

    Raises
    ------
    LayerError
        If it is none of these.
    """
    if subjects[0].held is None:
        return [0]
    pairs = enumerate(zip(subjects, spaces, strict=True))
    found = [at for at, pair in pairs if any(_changes(network, one, readouts, *pair) for one in layers)]
    if chosen is not None and not found:
        names = ", ".join(quoted(one.name) for one in layers)
        raise LayerError(
            f"These features of layer {names} do not change with the input {quoted(chosen)}.",
            expected="an input that leads to them",
            given=quoted(chosen),
            fix="without `input`, images are made for all inputs that matter",
        )
    return found or list(range(len(subjects)))


def _changes(network: Network, layer: Layer, readouts: np.ndarray | None, subject: Subject, space: Space) -> bool:
    """Whether features differ between images of an input like those that silent features get as other starts."""
    assert subject.held is not None
    random = np.random.default_rng(0)
    rows = np.repeat(subject.held[None], TRIED, axis=0)
    own = space.to_own(np, np.stack([other_start(space, random, STRONG, attempt + 1) for attempt in range(TRIED)]))
    rows[:, subject.place : subject.place + own[0].size] = own.reshape(TRIED, -1)
    batches = activation_batches(network, layer, subject.images.holding(rows), None)
    found = np.concatenate([activations for _, activations in batches])
    if readouts is not None:
        found = found @ readouts.T
    return bool((np.ptp(found, axis=0) > ROUNDING * np.abs(found).max(initial=0)).any())
