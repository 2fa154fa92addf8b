"""What kinds of method there are, and what each has to say of itself.

An `AttributionMethod` gives a value to every pixel of every band, which a statistic reduces to a band's score; a
`GradientMethod` is one that takes them from derivatives. A `BandMethod` changes bands as a whole, a `RegionMethod`
bands or regions of them. A `MetricMethod` changes them, too, but looks at a metric of all images instead of an output.
A method is one such record of functions, made in a file of its own and listed in `bandlens.METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ..data.options import Option
from ..models.predictor import Predictor
from .findings import Findings
from .gradients import cuts as gradient_steps
from .task import Prospect, Request, Task

Options = Mapping[str, Any]


def suits_all(request: Request) -> None:
    """For a method that can explain whatever can be traced."""


def nothing_yet(prospect: Prospect) -> None:
    """For a method that has nothing to begin with."""


def nothing(task: Task) -> None:
    """For a method that needs to know nothing of all images."""


def one_step(task: Task) -> Sequence[int]:
    """For a method that computes all images together."""
    return [0]


def never(options: Options) -> bool:
    """For a method that uses no background, whatever its options."""
    return False


def always(options: Options) -> bool:
    """For a method that uses a background, whatever its options."""
    return True


def nowhere(task: Task, image: int, output: int, *, cancels: bool, size: float) -> str | None:
    """For a method that can't tell in which operation scores go wrong."""
    return None


def output_and_background(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """f(x) and mean f(background), NaN without a background, each of shape (n, k)."""
    if task.background is None:
        return task.values, np.full(task.image_output.shape, np.nan)
    return task.values, task.base_values


@dataclass(frozen=True, kw_only=True)
class Sum:
    """That the scores of an image sum to f(x) less the output of what it is compared with; how well, the subclass says.

    Attributes
    ----------
    compared_with : callable
        ``Task -> images``: from which scores are counted, shape (m, *image shape).
    baseline : bool
        Whether that is a single baseline image; else it is the background.
    locate : callable
        ``task, image, explained output, *, cancels, size -> text``: the operation of the model in which scores go
        wrong, because they are incomplete or because they cancel; or None.
    """

    compared_with: Callable[[Task], np.ndarray]
    baseline: bool = False
    locate: Callable[..., str | None] = nowhere


class ExactSum(Sum):
    """Scores sum to what they should to rounding, for every model."""


class PartialSum(Sum):
    """Scores sum to what they should but for what other parts of the model hold, which is no error."""


@dataclass(frozen=True, kw_only=True)
class IntegralSum(Sum):
    """Scores sum to what they should up to the error of an integral.

    Attributes
    ----------
    finer : callable
        Options with which the error is about half as large, from given options; the first is the one to raise.
    """

    finer: Callable[[Options], Options]


@dataclass(frozen=True, kw_only=True)
class SampledSum(IntegralSum):
    """Scores sum to what they should on average over random draws.

    Attributes
    ----------
    draws : str
        The option that says on how many draws `TotalErrors` rest.
    """

    draws: str


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to ask which bands mattered: what all kinds have in common.

    Attributes
    ----------
    name, label : str
        Its key, and its name in prose.
    summary, cost, reference : str
        What a score means, what it costs, where it comes from.
    statistic : str
        Default reduction over pixels.
    statistics : tuple of str
        Reductions over pixels that make sense.
    scores : callable
        ``Task -> findings``: band scores of all images, part by part, and what else the method measures.
    maps : callable or None
        ``Task -> findings``: attributions; None where there is no value per pixel.
    maps_options : mapping
        Options without which there are no values per pixel.
    options : mapping of str to Option
    prepare : callable
        Raises, before anything is computed, if the method can't explain the model or these images.
    begin : callable
        Begins with what takes a while and needs no image, such as compiling, for a task that is likely to come.
    needs_background : callable
        Whether it uses a background, from given options.
    values : callable
        ``Task -> two (n, k)``: what is explained, and from where scores are counted.
    sums : Sum or None
        What the scores of an image sum to, if the method is additive.
    comparisons : str or None
        The option that says with how many background images of its own each image is compared, where it may be a few.
    few_comparisons : int
        How many are enough to begin with, if a table is wanted, not scores of single images.
    random : bool
        Whether scores come from random draws over pixels or bands, however few bands there are.
    cuts : callable
        ``Task -> first image of each step``, in increasing order. Images of a step are computed together, so that bits
        of their scores may depend on each other. A window of a task holds whole steps, and `scores` of a window are
        those of these images in the whole.
    beforehand : callable
        Finds out what is about all images (`Task.once`), where these are, before a window of them is computed.
    together : callable or None
        From a task and the findings of `scores` of all images to what is found for them, where that needs all of them;
        see `answer`.
    exchanges : bool
        Whether images take bands from other images, so that a window needs all of them.
    nested : bool
        Whether `groups` are zones that share first, and bands keep rows of their own; else a group is a row.
    looks_inside : bool
        Whether it needs the model's operations or derivatives; else nothing but outputs, of any function.
    differentiates : bool
        Whether it uses derivatives of the model.
    directed : bool
        Whether importance is the mean of the signed scores, not of their size: scores vary about 0 for a useless band,
        which must average out.
    """

    name: str
    label: str
    summary: str
    cost: str
    reference: str
    statistic: str
    statistics: tuple[str, ...]
    scores: Callable[[Task], Findings]
    maps: Callable[[Task], Findings] | None
    maps_options: Options = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    prepare: Callable[[Request], None] = suits_all
    begin: Callable[[Prospect], None] = nothing_yet
    needs_background: Callable[[Options], bool] = never
    values: Callable[[Task], tuple[np.ndarray, np.ndarray]] = output_and_background
    sums: Sum | None = None
    comparisons: str | None = None
    few_comparisons: int = 1
    random: bool = False
    cuts: Callable[[Task], Sequence[int]] = one_step
    beforehand: Callable[[Task], None] = nothing
    together: Callable[[Task, Findings], Findings] | None = None
    exchanges: bool = False
    nested: bool = False

    looks_inside: ClassVar[bool] = True
    differentiates: ClassVar[bool] = False
    directed: ClassVar[bool] = False

    def answer(self, task: Task, findings: Findings | None = None) -> Findings:
        """Band scores of all images, and what else it measures; from what `scores` of windows gave, in their order."""
        found = self.scores(task) if findings is None else findings
        return found if self.together is None else self.together(task, found)

    def map_cuts(self, task: Task) -> Sequence[int]:
        """The first image of each step of `maps`: as `cuts` where scores are made of maps."""
        return self.cuts(replace(task, statistic="pixel_mean_abs"))

    @property
    def additive(self) -> bool:
        """Whether the scores of an image sum to f(x) less its base, so that the residual is reported."""
        return self.sums is not None

    @property
    def exact(self) -> bool:
        """Whether they do so to rounding, for every model; else up to the error of an integral or of random draws."""
        return isinstance(self.sums, ExactSum)

    @property
    def uses_background(self) -> bool:
        """Whether it uses a background with its default options."""
        return self.needs_background({name: option.default for name, option in self.options.items()})


@dataclass(frozen=True, kw_only=True)
class AttributionMethod(Method):
    """Gives a value to each pixel of each band, which `statistic` reduces to the band's score."""

    maps: Callable[[Task], Findings]
    statistics: tuple[str, ...] = ("band_sum", "pixel_mean_abs")


@dataclass(frozen=True, kw_only=True)
class GradientMethod(AttributionMethod):
    """Takes the values of pixels from derivatives of the model.

    Attributes
    ----------
    gives_outputs : bool
        Whether scores come with the model's `Units`, so that these need not be computed before.
    """

    gives_outputs: bool = False
    cuts: Callable[[Task], Sequence[int]] = gradient_steps

    differentiates: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class BandMethod(Method):
    """Changes bands as a whole and looks at the outputs: there are no values per pixel."""

    statistic: str = "whole_band"
    statistics: tuple[str, ...] = ("whole_band",)
    maps: None = None

    looks_inside: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class RegionMethod(Method):
    """Changes bands as a whole or, with `maps_options`, regions of them, whose pixels share a value."""

    statistic: str = "whole_band"
    statistics: tuple[str, ...] = ("whole_band",)
    maps: Callable[[Task], Findings]
    maps_options: Options

    looks_inside: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class MetricMethod(BandMethod):
    """Changes bands as a whole and looks at how far a metric falls.

    Attributes
    ----------
    scale : callable
        ``Task -> str``: what scores are measured in; with other methods it is the scale of the model's outputs.
    as_a_whole : callable
        Whether, for a model and given options, the metric is no mean over images, so that these have no scores.
    balanced : callable
        Whether, with given options, every class counts the same in the table over all images; else every image does.
    """

    scale: Callable[[Task], str]
    as_a_whole: Callable[[Predictor, Options], bool]
    balanced: Callable[[Options], bool]

    directed: ClassVar[bool] = True
