"""What every method is given, and what a method is: the contract between `band_importance` and the methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..data.images import Images
from ..data.options import Option
from ..data.summaries import band_means
from ..models.predictor import Predictor

if TYPE_CHECKING:
    pass


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
    """

    predictor: Predictor
    images: Images
    y: Any
    options: Mapping[str, Any]
    maps: bool


@dataclass(frozen=True)
class Task:
    """Checked inputs of one call.

    Attributes
    ----------
    predictor : Predictor
    images : Images
    seeds : ndarray of float64, shape (n, k, units)
        The k explained outputs of each image, as weights on the model's units.
    statistic : str
        Key of `bandlens.methods.reduction.STATISTICS`.
    background : Images or None
    draws : ndarray of int64, shape (m,), or None
        Background images used.
    batch_size : int or None
    seed : int
    tick : callable
        To be told how many images were finished.
    options : mapping
        The method's own options, with their defaults filled in.
    members : ndarray of bool, shape (features, bands)
        Which bands each row of the table stands for: one, or those of a group.
    codes : ndarray of int64, shape (n,)
        Class of each image.
    image_output : ndarray of int64, shape (n, k)
        The explained outputs.
    outputs : ndarray of float64, shape (n, outputs)
        The model's outputs for the images, on the explained scale.
    y : object
        Labels as the user gave them.
    """

    predictor: Predictor
    images: Images
    seeds: np.ndarray
    statistic: str
    background: Images | None
    draws: np.ndarray | None
    batch_size: int | None
    seed: int
    tick: Callable[[int], None]
    options: Mapping[str, Any]
    members: np.ndarray
    codes: np.ndarray
    image_output: np.ndarray
    outputs: np.ndarray
    y: Any

    @property
    def values(self) -> np.ndarray:
        """f(x) for the explained outputs, shape (n, k)."""
        return np.take_along_axis(self.outputs, self.image_output, axis=1)

    @property
    def grouped(self) -> bool:
        """Whether some rows of the table stand for several bands."""
        return len(self.members) < self.members.shape[1]

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
            options={**self.options, **options},
            tick=lambda done: None,
        )

    @cached_property
    def background_outputs(self) -> np.ndarray:
        """The model's outputs for the background images used, shape (m, outputs)."""
        assert self.background is not None
        assert self.draws is not None
        chosen = self.images.holding(self.background.take(self.draws, self.predictor.trace.dtype))
        name = "`x`" if self.background is self.images else "`background`"
        return self.predictor.outputs(chosen, self.images_per_batch, name=name, positions=self.draws)

    @cached_property
    def band_means(self) -> np.ndarray:
        """Mean of each band over the pixels of each image, shape (n, bands)."""
        return band_means(self.images)


class Part(NamedTuple):
    """Some images and what was found for them.

    Attributes
    ----------
    images : slice
    values : ndarray of float64
        Band scores (images, k, features), or attributions (images, k, *image shape).
    errors : ndarray of float64 or None
        Standard errors of the scores, where they come from random draws.
    total_errors : ndarray of float64, shape (images, k), or None
        Standard errors of the sum of an image's scores, where that varies between random draws.
    units : ndarray, shape (images, units), or None
        The model's units for the images, where they are computed anyway.
    fit : ndarray of float64, shape (images, k), or None
        R^2 of a local model.
    totals, differences : ndarray of float64, shape (images, k), or None
        What should be equal if the scores of an additive method are computed exactly, where that is something else than
        their sum and f(x) less `base`.
    drops : ndarray of float64, shape (repeats, classes + 1, features), or None
        Falls of a metric that is not a mean over images, see `BandImportance.drops`.
    """

    images: slice
    values: np.ndarray
    errors: np.ndarray | None = None
    total_errors: np.ndarray | None = None
    units: np.ndarray | None = None
    fit: np.ndarray | None = None
    totals: np.ndarray | None = None
    differences: np.ndarray | None = None
    drops: np.ndarray | None = None


Parts = Iterator[Part]


@dataclass(frozen=True)
class Method:
    """One way to ask which bands mattered.

    Attributes
    ----------
    name, label : str
        Its key, and its name in prose.
    summary, cost, reference : str
        What a score means, what it costs, where it comes from.
    statistic : str
        Default reduction over pixels.
    scores : callable
        ``Task -> parts``: slices of the images with band scores.
    prepare : callable or None
        Raises, before anything is computed, if the method can't explain the model or these images; None where it can
        explain all that can be traced.
    maps : callable or None
        ``Task -> parts``: slices of the images with attributions; None where there is no value per pixel.
    maps_options : mapping
        Options without which there are no values per pixel.
    options : mapping of str to Option
    statistics : tuple of str
        Reductions over pixels that make sense.
    additive : bool
        Whether the scores of an image sum to f(x) less `base`, so that the residual is reported.
    exact : bool
        Whether they do so to rounding, for every model; else up to the error of an integral or of random draws.
    random : bool
        Whether scores come from random draws over pixels or bands, however few bands there are.
    differentiates : bool
        Whether it uses derivatives of the model.
    gives_outputs : bool
        Whether scores come with the model's units, so that they need not be computed before.
    uses_background : bool
        With default options.
    needs_background : callable or None
        The same for given options, where it depends on them.
    values : callable or None
        ``Task -> two (n, k)``: what is explained, and from where scores are counted; f(x) and mean f(background) where
        this is None.
    scale : callable or None
        ``Task -> str``: what scores are measured in, where it isn't the scale of the model's outputs.
    directed : bool
        Whether importance is the mean of the signed scores, not of their size: scores vary about 0 for a useless band,
        which must average out.
    balanced : callable or None
        Whether, with given options, every class counts the same in the table over all images; else every image does.
    uses_numbers : bool
        Whether `y` of a model that predicts a number has a use.
    compared_with : callable or None
        ``Task -> images``: from which scores of an additive method are counted, shape (m, *image shape).
    draws : str or None
        The option that says on how many draws `Part.total_errors` rest.
    finer : callable or None
        Options with which the error of an integral or of random draws is about half as large, from given options.
    locate : callable or None
        ``call, image, explained output, *, cancels -> text``: the operation of the model in which scores go wrong,
        because they are incomplete or because they cancel; or None.
    """

    name: str
    label: str
    summary: str
    cost: str
    reference: str
    statistic: str
    scores: Callable[[Task], Parts]
    prepare: Callable[[Request], None] | None = None
    maps: Callable[[Task], Parts] | None = None
    maps_options: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    statistics: tuple[str, ...] = ("band_sum", "pixel_mean_abs")
    additive: bool = False
    exact: bool = True
    random: bool = False
    differentiates: bool = False
    gives_outputs: bool = False
    uses_background: bool = False
    needs_background: Callable[[Mapping[str, Any]], bool] | None = None
    values: Callable[[Task], tuple[np.ndarray, np.ndarray]] | None = None
    scale: Callable[[Task], str] | None = None
    directed: bool = False
    balanced: Callable[[Mapping[str, Any]], bool] | None = None
    uses_numbers: bool = False
    compared_with: Callable[[Task], np.ndarray] | None = None
    draws: str | None = None
    finer: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    locate: Callable[..., str | None] | None = None
