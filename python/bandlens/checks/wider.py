"""A model, and images, with two bands more than there are: one of noise that the model ignores, and a copy of a band.

The outputs stay what they were, so that what a method must say of the two is known without knowing the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..data.cells import Cells
from ..data.images import Images, check_background
from ..data.inputs import Inputs
from ..explain.question import Question
from ..models.packing import taking_dict
from ..models.predictor import inference


class Place(NamedTuple):
    """Which input a band is of, where among its bands, and which rows of the tables it, the noise and the copy have.

    Attributes
    ----------
    input, band : int
    end : int
        Position behind the input's bands among all bands.
    rows : ndarray of int, shape (3, steps)
        Of the noise, the band and its copy, at each step; the band has the same rows in the table of the model as it
        is.
    """

    input: int
    band: int
    end: int
    rows: np.ndarray


def place_of(images: Images, band: int) -> Place:
    """Where the band of this position, among those of all inputs, is."""
    parts = images.cells.parts
    ends = np.cumsum([part.n_bands for part in parts])
    at = int(np.searchsorted(ends, band, side="right"))
    own, part = band - int(ends[at - 1] if at else 0), parts[at]
    before = sum(part.n_cells for part in parts[:at])
    bands = np.array([part.n_bands, own, part.n_bands + 1])
    return Place(at, own, int(ends[at]), before + bands[:, None] * part.n_steps + np.arange(part.n_steps))


class WiderModel:
    """The model with two more bands: one ignored, and one of which it takes the mean with the band it is a copy of.

    A callable on the backend's tensors, so that it serves every kind of model; what the model ends in stays visible.
    """

    def __init__(self, model: Any, name: str, dtype: str, backend: Any, cells: Cells, place: Place) -> None:
        part = cells.parts[place.input]
        self.name = name
        self.compute_dtype = dtype
        self.bandlens_backend = backend  # what a callable is made of can't be seen from outside
        self._made_of = model, name, dtype, backend, cells, place
        call: Callable[[Any], Any] = inference(model)
        self._call = taking_dict(model, call, cells) if cells.packed else call
        self._input = part.name
        self._nd = backend.nd
        self._axis = part.band_axis
        self._one = np.arange(part.n_bands)
        self._other = np.where(self._one == place.band, part.n_bands + 1, self._one)

    def __reduce__(self) -> tuple[Any, ...]:
        return WiderModel, self._made_of

    def __call__(self, x: Any) -> Any:
        """Outputs for images, or inputs by name, with the two bands."""
        if isinstance(x, Mapping):
            return self._call({**x, self._input: self._narrower(x[self._input])})
        return self._call(self._narrower(x))

    def _narrower(self, x: Any) -> Any:
        one, other = (self._nd.take(x, positions, self._axis) for positions in (self._one, self._other))
        return (one + other) / 2  # exact where both are the same


@dataclass(frozen=True)
class WiderImages:
    """Images with two more bands, made batch by batch: a band's values shuffled over images and pixels, and a copy."""

    images: Images
    band: int
    seed: int

    any_rows = True
    dtype = np.dtype(np.float64)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        shape = [self.images.n, *self.images.shape]
        shape[self.images.band_axis] += 2
        return tuple(shape)

    def __getitem__(self, index: slice | int | np.ndarray) -> np.ndarray:
        if not isinstance(index, slice | np.ndarray):
            return self[slice(index, index + 1)][0]
        positions = np.arange(self.images.n)[index]
        batch = self.images.take(positions, self.dtype)
        random = np.random.default_rng(self.seed)
        others = self.images.take(random.permutation(self.images.n)[positions], self.dtype)
        axis = self.images.band_axis
        copy, noise = (np.take(array, [self.band], axis=axis) for array in (batch, others))
        pixels = noise.reshape(len(noise), -1)
        noise = pixels[:, random.permutation(pixels.shape[1])].reshape(noise.shape)
        return np.concatenate([batch, noise, copy], axis=axis)


def wider_question(question: Question, images: Images, names: tuple[str, ...], place: Place) -> Question:
    """The same question of images with the two bands; the model is still that without them."""
    part, own = images.cells.parts[place.input], images.inputs[place.input]
    own_names = names[place.end - part.n_bands : place.end]
    described, x, background = question.wavelengths, question.x, question.background
    several = x if isinstance(x, Inputs) else None
    if several is not None:
        described = several.wavelengths[place.input]
    if described is not None:
        waves = list(np.atleast_1d(np.asarray(described, dtype=object)))
        described = [*waves, None, waves[place.band]]
    wide: Any = WiderImages(own, place.band, question.seed)
    wide_background: Any = None
    if background is not None:
        references = check_background(background, images).inputs[place.input]
        wide_background = WiderImages(references, place.band, question.seed + 1)
    options = question.method_options
    if not isinstance(options.get("baseline", ""), str):  # of integrated gradients: a single image
        row = np.asarray(options["baseline"])
        baseline: np.ndarray = WiderImages(images.holding(row[None]).inputs[place.input], place.band, question.seed)[0]
        if several is not None:
            baseline = np.concatenate([row[: part.start], baseline.reshape(-1), row[part.end :]])
        options = {**options, "baseline": baseline}
    bands: Any = [*own_names, *_new_names(own_names, place.band)]
    question = replace(question, image_bands=None, method_options=options)
    if several is None:
        return replace(
            question, x=wide, bands=bands, band_axis=part.band_axis, wavelengths=described, background=wide_background
        )
    several = replace(
        several,
        sources=_with(several.sources, place.input, wide),
        band_axes=_with(several.band_axes, place.input, part.band_axis),
        bands=_with(several.bands, place.input, bands),
        wavelengths=_with(several.wavelengths, place.input, described),
    )
    if background is not None:
        background = replace(several, sources=_with(background.sources, place.input, wide_background))
    return replace(question, x=several, background=background)


def _with(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _new_names(names: Sequence[str], band: int) -> list[str]:
    """Names for the noise and the copy that no band has."""
    found = []
    for name in ("noise", f"{names[band]} (copy)"):
        while name in names:
            name += "'"
        found.append(name)
    return found
