"""The engine checks itself: a table that can't be right is never returned without a warning.

Two numbers of each image are looked at (see `completeness`). What a warning says was established on the image it
names: it is explained again more finely, its bands are exchanged with the background's. A cause that was not
established is not named.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ..data.positions import first
from ..data.words import argument
from ..errors import CompletenessWarning
from ..methods import Task
from ..methods.findings import Differences, Found, TotalErrors, Totals, all_scores
from ..methods.kinds import IntegralSum, PartialSum, SampledSum, Sum
from ..results.completeness import completeness_residuals, output_distances, score_cancellations
from .calls import Call

# Measured on ordinary networks, the largest of each table: 132 tables of small CNNs with random weights (4 or 13 bands,
# ReLU or GELU, independent or correlated bands, 12 images); the trained Landsat model (1, 20 and 400 images);
# MobileNetV2, ResNet50, DenseNet121, EfficientNetB0, VGG16 and ConvNeXtTiny with random weights.
# - Residuals: DeepSHAP at most 1.2e-5; integrated gradients with 50 steps at most 0.05, but for four tables of 12
#   images (0.11), where 100 steps left a quarter of it.
# - Cancellations: DeepSHAP at most 21, integrated gradients 49, where bands oppose each other.
# - The largest score of a band, for cancellations above 2, over what exchanging the band does to the output: DeepSHAP
#   at most 1.8, integrated gradients 3.4. A right score is a mean of such changes.
# Wrong tables, of (nir - red) / (nir + red + eps) with pixels of zeros: DeepSHAP's cancellations 92 to 580 for
# eps = 1e-3, 8e5 to 4e6 for 1e-7; scores 27 to 8e5 times any change.

# Relative residuals beyond these are warned of: where scores sum to f(x) - mean f(background) to rounding, and where
# they do so up to the error of an integral.
MOST_RESIDUAL = 1e-2
MOST_INTEGRAL_RESIDUAL = 5e-2
# What scores that leave biases theirs may miss of outputs, on average over images: a bit less than all.
MOST_ABSORBED = 0.99
# Random draws may miss by as many standard errors of an image's total as chance brings to one table of so many.
CHANCE = 0.01
# Rounding in the last layer alone explains so many steps between neighbouring numbers.
MOST_STEPS = 8
# If a finer integral leaves no more of the miss than this, it is the remedy.
FINER = 0.75
# Cancellations beyond this are looked into: they are wrong if a score is so many times larger than any change of the
# output when the band is exchanged.
MOST_CANCELLATION = 20.0
MOST_PER_CHANGE = 5.0
# how many images are looked into, the worst first, with how many background images
LOOKED_INTO = 4
EXCHANGED = 32

_UNSAID: ContextVar[bool] = ContextVar("unsaid", default=False)


@contextmanager
def unsaid() -> Iterator[None]:
    """Neither warn nor look for causes inside: for tables that nobody reads, such as those of random models."""
    token = _UNSAID.set(True)
    try:
        yield
    finally:
        _UNSAID.reset(token)


def is_unsaid() -> bool:
    """Whether nothing is to be said."""
    return _UNSAID.get()


@dataclass(frozen=True)
class Explained:
    """What was found for all images by an additive method.

    Attributes
    ----------
    scores : ndarray of float64, shape (n, k, features)
        Signed scores of bands, summed over pixels.
    values, base : ndarray, shape (n, k)
        f(x), and from where scores are counted.
    totals, differences : ndarray, shape (n, k)
        What should be equal: sums of attributions, and f(x) less `base`, or what the method has in their place.
    total_errors : ndarray, shape (n, k), or None
        Standard errors of the totals, where these vary between random draws.
    """

    scores: np.ndarray
    values: np.ndarray
    base: np.ndarray
    totals: np.ndarray
    differences: np.ndarray
    total_errors: np.ndarray | None = None

    @classmethod
    def of(cls, scores: np.ndarray, values: np.ndarray, base: np.ndarray, found: Found) -> Explained:
        """From scores and what else the method has found."""
        totals, differences = found.get(Totals), found.get(Differences)
        return cls(
            scores=scores,
            values=values,
            base=base,
            totals=scores.sum(axis=-1) if totals is None else totals,
            differences=values - base if differences is None else differences,
            total_errors=found.get(TotalErrors),
        )


class Measured(NamedTuple):
    """Residual and cancellation of each image and explained output, ndarray of float64, shape (n, k)."""

    residuals: np.ndarray
    cancellations: np.ndarray


def check_scores(call: Call, task: Task, found: Explained, *, maps: bool = False) -> Measured:
    """Measure how far scores may be believed, and warn where they may not; `maps` if it is maps that were asked for."""
    residuals = completeness_residuals(found.totals, found.differences)
    distances = np.abs(found.values - found.base) if _sums(call).baseline else _distances(task, found.values)
    cancellations = score_cancellations(found.scores, task.image_output, distances, _rounding(call, found))
    measured = Measured(residuals, cancellations)
    if not is_unsaid():
        for message in (
            _incomplete(call, task, found, residuals, maps),
            _cancelling(call, task, found, measured, maps),
        ):
            if message is not None:
                warnings.warn(message, CompletenessWarning, stacklevel=4)
    return measured


def _distances(task: Task, values: np.ndarray) -> np.ndarray:
    """How far each image's output is from the background's, on average, shape (n, k)."""
    # each image reads outputs of its own of a background image, or they don't count the same
    if task.predictor.pixels or task.weights is not None:
        return task.over_background(np.abs(values[..., None] - task.background_values()), slice(None), -1)
    return output_distances(values, task.image_output, task.background_outputs)


def _rounding(call: Call, found: Explained) -> np.ndarray:
    """Distance of neighbouring numbers at the size of each output."""
    sizes = np.maximum(np.abs(found.values), np.abs(found.base)).astype(call.predictor.trace.dtype)
    return np.spacing(sizes).astype(np.float64)


def _incomplete(call: Call, task: Task, found: Explained, residuals: np.ndarray, maps: bool) -> str | None:
    """What there is to say of scores that don't sum to what they should."""
    method, sums = call.method, _sums(call)
    if isinstance(sums, PartialSum):
        return _absorbed(call, residuals)
    misses = np.abs(found.totals - found.differences)
    doubtful = residuals
    if found.total_errors is not None and isinstance(sums, SampledSum):
        most = _most_errors(call.options[sums.draws], misses.size)
        doubtful = np.where(misses <= most * found.total_errors, 0, doubtful)
    if doubtful.max() <= (MOST_RESIDUAL if method.exact else MOST_INTEGRAL_RESIDUAL):
        return None
    image, output = map(int, np.unravel_index(doubtful.argmax(), doubtful.shape))
    what = "f(x) - f(baseline)" if sums.baseline else "f(x) - mean f(background)"
    named = call.outputs[task.image_output[image, output]]
    scores = f"{method.label} scores of image {image + first()}"
    miss = f"{scores} miss {what} = {found.differences[image, output]:.3g} of output '{named}' by "
    miss += f"{misses[image, output]:.2g}, {_percent(residuals[image, output])}"
    step = _rounding(call, found)[image, output]
    if misses[image, output] <= MOST_STEPS * step:
        size = max(abs(found.values[image, output]), abs(found.base[image, output]))
        return (
            f"{miss}: outputs as large as {size:.0e} are rounded to steps of {step:.1g} in "
            f"{call.predictor.trace.dtype}. Explain a model without what is the same for all images, or one in float64."
        )
    if isinstance(sums, IntegralSum):
        miss_and_residual = float(misses[image, output]), float(residuals[image, output])
        finer = sums.finer(call.options)
        return f"{miss}. {_finer(call, task.alone(image, output, **finer), finer, *miss_and_residual, maps)}"
    arises = _arises(call, task, image, output, float(misses[image, output]))
    return f"{miss}.{arises} {_instead(call, maps)}"


def _absorbed(call: Call, residuals: np.ndarray) -> str | None:
    """What there is to say where less is left to share out than biases hold."""
    average = float(residuals.mean())
    if average <= MOST_ABSORBED:
        return None
    return (
        f"{call.method.label} scores miss outputs by {_percent(average)} of them, on average over images: biases, "
        f"those of batch normalisation, too, hold more of the outputs than is left for bands. "
        f"{argument('method', 'deepshap')} shares out what sets an output apart from the background's, all of it."
    )


def _most_errors(draws: int, rows: int) -> float:
    """How many standard errors the furthest of many totals may be from its mean, by chance."""
    return float(stats.t.isf(CHANCE / 2 / rows, draws - 1))


def _finer(call: Call, alone: Task, options: Mapping[str, Any], miss: float, residual: float, maps: bool) -> str:
    """Whether a finer integral, by other options, brings the image's scores nearer to what they should sum to."""
    (option, number), *_ = options.items()
    values, base = call.method.values(alone)
    total = float(all_scores(call.method.answer(alone), alone.images.n).sum())
    left = abs(total - float(values[0, 0] - base[0, 0]))
    then = _percent(residual * left / miss)
    if left <= FINER * miss:
        return f"With {option}={number} it misses by {then}: raise `{option}`."
    return f"With {option}={number} it still misses by {then}, so that is no remedy. {_instead(call, maps)}"


def _cancelling(call: Call, task: Task, found: Explained, measured: Measured, maps: bool) -> str | None:
    """What there is to say of scores that are larger than anything their bands do to the output."""
    large = np.flatnonzero(measured.cancellations.ravel() > MOST_CANCELLATION)
    worst = large[np.argsort(-measured.cancellations.ravel()[large], kind="stable")][:LOOKED_INTO]
    for place in worst:
        image, output = map(int, np.unravel_index(place, measured.cancellations.shape))
        scores = found.scores[image, output]
        feature = int(np.abs(scores).argmax())
        change = _largest_change(call, task, image, output, feature)
        if abs(scores[feature]) > MOST_PER_CHANGE * change:
            named = call.outputs[task.image_output[image, output]]
            arises = _arises(call, task, image, output, float(np.abs(scores).sum()), cancels=True)
            other = "baseline" if _sums(call).baseline else "background"
            return (
                f"{call.method.label} scores of image {image + first()}, output '{named}', cancel: their sizes add up "
                f"to {measured.cancellations[image, output]:.3g} times the output's distance from the {other}'s. Band "
                f"'{call.features.labels[feature]}' scores {scores[feature]:.3g}, but exchanging it with the {other}'s "
                f"changes the output by at most {change:.2g}.{arises} {_instead(call, maps)}"
            )
    return None


def _largest_change(call: Call, task: Task, image: int, output: int, feature: int) -> float:
    """The most that the output changes when a band is exchanged between an image and those it is compared with."""
    others = _sums(call).compared_with(task)
    others = others[np.linspace(0, len(others) - 1, min(EXCHANGED, len(others))).astype(int)]
    mine = np.repeat(task.images.take(slice(image, image + 1), others.dtype), len(others), axis=0)
    band = task.images.cells.spread(np, task.members[feature][None])
    batch = np.concatenate([mine[:1], np.where(band, others, mine), others, np.where(band, mine, others)])
    outputs = task.explained_outputs(task.images.holding(batch), rows=slice(image, image + 1))[0, output]
    lost, own, gained = np.split(outputs[1:], 3)
    return float(max(np.abs(outputs[0] - lost).max(), np.abs(gained - own).max()))


def _sums(call: Call) -> Sum:
    """What the scores of the method, which is additive, sum to."""
    assert call.method.sums is not None
    return call.method.sums


def _arises(call: Call, task: Task, image: int, output: int, size: float, *, cancels: bool = False) -> str:
    place = _sums(call).locate(task, image, output, cancels=cancels, size=size)
    return "" if place is None else f" It arises in {place}."


def _percent(value: float) -> str:
    return f"{100 * value:.3g}%"


def _instead(call: Call, maps: bool) -> str:
    if call.method.name == "shapley":
        return "Don't rely on these scores."
    verb = "`band_importance` with " if maps else ""
    return f"Don't rely on these scores: {verb}{argument('method', 'shapley')} uses nothing but outputs."
