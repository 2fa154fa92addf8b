"""What every method is given: the checked question, and ways to ask the model for what a method needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from ..data.images import Images
from ..data.kept import same_images
from ..data.repeated import Repeated
from ..data.summaries import band_means, band_spread
from ..data.words import argument
from ..errors import OptionError
from ..models.predictor import Predictor
from .filling import MARGINAL, Filling, filling_from
from .zoned import ZoneSeeds

Seeds = np.ndarray | ZoneSeeds
Made = TypeVar("Made")
# rows whose zones are laid out at once
ROWS = 32


@dataclass(frozen=True)
class Request:
    """What is known before anything is computed.

    Attributes
    ----------
    predictor : Predictor
    images : Images
    y : object
        Labels as the user gave them.
    options : mapping
        The method's own options, each checked by itself.
    maps : bool
        Whether attributions per pixel are wanted.
    n_features : int
        How many bands, or groups of them, the table is about.
    """

    predictor: Predictor
    images: Images
    y: Any
    options: Mapping[str, Any]
    maps: bool
    n_features: int


@dataclass(frozen=True)
class Prospect:
    """What is known of a task before the model is asked for its outputs.

    Attributes
    ----------
    request : Request
    background : Images or None
        From which background images are chosen.
    n_background, n_outputs : int
        How many of them are used, and how many outputs of each image are explained.
    batch_size : int or None
    statistic : str
        As for `Task`.
    """

    request: Request
    background: Images | None
    n_background: int
    n_outputs: int
    batch_size: int | None
    statistic: str


@dataclass(frozen=True)
class Task:
    """Checked inputs of one call.

    Attributes
    ----------
    predictor : Predictor
    images : Images
    seeds : ndarray of float64 or ZoneSeeds, shape (n, k, units)
        The k explained outputs of each image, as weights on the model's units.
    statistic : str
        Key of `bandlens.methods.reduction.STATISTICS`.
    background : Images or None
    draws : ndarray of int64, shape (m,), or None
        Background images used.
    weights : ndarray of float64, shape (1 or classes, m), or None
        How much each of them counts for all images, or for those of each class; None if all count the same.
    batch_size : int or None
    seed : int
    tick : callable
        To be told how many images were finished.
    options : mapping
        The method's own options, with their defaults filled in.
    members : ndarray of bool, shape (features, bands)
        Which bands each row of the table stands for: one, or those of a group.
    zones : ndarray of int64, shape (features,), or None
        The zone in which each row shares with others, for a method that is nested.
    codes : ndarray of int64, shape (n,)
        Class of each image.
    image_output : ndarray of int64, shape (n, k)
        The explained outputs.
    outputs : ndarray of float64, shape (n, outputs)
        The model's outputs for the images, on the explained scale.
    y : object
        Labels as the user gave them.
    every : Images
        Each image once, where `images` may hold one several times, for each of its classes.
    row_images : ndarray of int64, shape (n,), or None
        Which of `every` each of `images` is, if not the same.
    truth : ndarray or None
        Labels that images have several of: flags (images, labels), or those of pixels, see `pixel_labels`.
    window : slice or None
        Consecutive images that are to be computed, from the first of a step to the last of one (see `Method.cuts`);
        None stands for all. Whatever depends on how many images there are is the same in every window.
    known : dict
        What was found out about all images, by name, see `once`.
    """

    predictor: Predictor
    images: Images
    seeds: Seeds
    statistic: str
    background: Images | None
    draws: np.ndarray | None
    weights: np.ndarray | None
    batch_size: int | None
    seed: int
    tick: Callable[[int], None]
    options: Mapping[str, Any]
    members: np.ndarray
    zones: np.ndarray | None
    codes: np.ndarray
    image_output: np.ndarray
    outputs: np.ndarray
    y: Any
    every: Images
    row_images: np.ndarray | None = None
    truth: np.ndarray | None = None
    window: slice | None = None
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def span(self) -> slice:
        """The images that are to be computed."""
        return slice(0, self.images.n) if self.window is None else self.window

    def batches(self, size: int, dtype: Any) -> Iterator[tuple[slice, np.ndarray]]:
        """Consecutive batches of the images that are to be computed, with the slice of images each holds."""
        return self.images.batches(size, dtype, self.span)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Something about all images, or the background, that is made where they are, and known in every window."""
        if name not in self.known:
            self.known[name] = make()
        found: Made = self.known[name]
        return found

    @property
    def values(self) -> np.ndarray:
        """f(x) for the explained outputs, shape (n, k)."""
        return np.take_along_axis(self.outputs, self.image_output, axis=1)

    @property
    def grouped(self) -> bool:
        """Whether some rows of the table stand for several bands."""
        return len(self.members) < self.members.shape[1]

    @property
    def filling(self) -> Filling | None:
        """How absent bands depend on those that are there; None where they are those of other images, as they are."""
        absent = self.options.get("absent", MARGINAL)
        if absent == MARGINAL:
            return None

        def make() -> Filling:
            if absent == "nearest" and self.weights is not None:
                raise OptionError(
                    "Neighbours are looked for in all of the background, whose images have no weights then.",
                    expected="background images that count the same",
                    given="a strategy or weights of the background",
                    fix=f"give images as `background`, or choose {argument('absent', 'conditional')}",
                )
            background = self.every if self.background is None else self.background
            return filling_from(absent, background, self.seed)

        return self.once("filling", make)

    @property
    def images_per_batch(self) -> int:
        """The user's batch size, or one that fits the memory."""
        return self.batch_size or self.predictor.images_per_batch

    def alone(self, image: int, output: int, **options: Any) -> Task:
        """The same for one image and one of its explained outputs, perhaps with other options."""
        part = slice(image, image + 1)
        return replace(
            self,
            images=self.images.holding(self.images.take(part, self.predictor.trace.dtype)),
            seeds=self.seeds[part, output : output + 1],
            codes=self.codes[part],
            image_output=self.image_output[part, output : output + 1],
            outputs=self.outputs[part],
            known={},
            options={**self.options, **options},
            tick=lambda done: None,
        )

    @property
    def background_outputs(self) -> np.ndarray:
        """The model's outputs for the background images used, shape (m, outputs)."""

        def make() -> np.ndarray:
            chosen, name = self._background
            return self.predictor.outputs(chosen, self.images_per_batch, name=name, positions=self.draws)

        return self.once("background outputs", make)

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation of each cell over all images, see `band_spread`."""
        return self.once("spread", lambda: band_spread(self.images))

    @cached_property
    def base_values(self) -> np.ndarray:
        """Mean of the explained outputs over the background, shape (n, k)."""
        if self.predictor.pixels:
            return self.over_background(self.background_values(), slice(None), -1)
        if self.weights is None:
            found: np.ndarray = self.background_outputs.mean(axis=0)[self.image_output]
            return found
        means = self.weights @ self.background_outputs
        return np.take_along_axis(means[self.codes if len(means) > 1 else [0]], self.image_output, axis=1)

    def weights_of(self, rows: slice) -> np.ndarray | None:
        """How much each background image counts for some images, shape (1 or images, m); None if all count the same."""
        if self.weights is None or len(self.weights) == 1:
            return self.weights
        return self.weights[self.codes[rows]]

    def over_background(self, values: np.ndarray, rows: slice, axis: int) -> np.ndarray:
        """Mean of some images' values over the background images, which are on an axis."""
        weights = self.weights_of(rows)
        if weights is None:
            mean: np.ndarray = values.mean(axis=axis, dtype=np.float64)
            return mean
        axis %= values.ndim
        lead = (len(weights), *(1,) * (axis - 1), -1, *(1,) * (values.ndim - axis - 1))
        found: np.ndarray = (values * weights.reshape(lead)).sum(axis=axis, dtype=np.float64)
        return found

    def background_values(self, rows: slice = slice(None)) -> np.ndarray:
        """The explained outputs of the background images, as some images read them, shape (rows, k, m)."""
        if not self.predictor.pixels:
            return np.moveaxis(self.background_outputs[:, self.image_output[rows]], 0, 2)

        def make() -> np.ndarray:
            chosen, name = self._background
            return self.explained_outputs(chosen, name=name, positions=self.draws)

        return self.once("zone values", make)[rows]

    @property
    def _background(self) -> tuple[Images, str]:
        """The background images used, which are read batch by batch, and what to call them."""
        assert self.background is not None
        assert self.draws is not None
        read = Repeated(self.background, self.draws, np.dtype(self.predictor.trace.dtype))
        chosen = self.images.holding(read)  # type: ignore[arg-type]  # a container
        return chosen, "`x`" if same_images(self.background, self.images) else "`background`"

    @property
    def background_means(self) -> np.ndarray:
        """Band means of the background images used, shape (m, bands)."""
        return self.once("background means", lambda: band_means(self._background[0]))

    def explained_outputs(
        self, images: Images, *, rows: slice = slice(None), name: str = "`x`", positions: np.ndarray | None = None
    ) -> np.ndarray:
        """Outputs of other images, as they are explained for each image: over its zone, where there are pixels.

        Parameters
        ----------
        images : Images
        rows : slice
            Of the images that are explained.
        name, positions
            As for `Predictor.outputs`.

        Returns
        -------
        ndarray of float64, shape (rows, k, images)
        """
        chosen = self.image_output[rows]
        if not self.predictor.pixels:
            every = self.predictor.outputs(images, self.images_per_batch, name=name, positions=positions)
            return np.moveaxis(every[:, chosen], 0, 2)
        found = np.empty((*chosen.shape, images.n))
        starts = range(*rows.indices(len(self.image_output)))
        parts = [slice(start, min(start + ROWS, starts.stop)) for start in starts[::ROWS]]
        for at, units in self.predictor.units(images, self.images_per_batch, name=name, positions=positions):
            for part in parts:
                seeds = self.seeds[part].astype(units.dtype)
                here = slice(part.start - starts.start, part.stop - starts.start)
                # as one product of matrices, of which NumPy makes a faster one than of a stack of them
                found[here, :, at] = (seeds.reshape(-1, seeds.shape[-1]) @ units.T).reshape(*seeds.shape[:2], -1)
        return found + self.predictor.offsets[chosen][..., None]

    @cached_property
    def band_means(self) -> np.ndarray:
        """Mean of each band over the pixels of each image, shape (n, bands)."""
        return band_means(self.images)
