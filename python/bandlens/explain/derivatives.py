"""What a method that needs derivatives says where the model has none: it must not say that bands don't matter."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..data.images import Images
from ..engine.graph import Operation
from ..errors import NoDerivativeWarning
from ..methods import Task
from ..methods.findings import all_scores
from ..methods.saliency import SALIENCY
from ..models.derivatives import OUTPUTS_ONLY, derivative_ends, lost_bands, require_derivative, some_of
from ..models.predictor import Predictor

# images whose bands are exchanged to see whether they matter
EXCHANGED = 32


def check_derivative(predictor: Predictor, images: Images, bands: Sequence[str], label: str) -> None:
    """Refuse a model without a derivative in the images, and name bands in which it has none.

    Parameters
    ----------
    predictor : Predictor
    images : Images
        For their layout.
    bands : sequence of str
        Names of all bands.
    label : str
        The method that needs the derivative.

    Raises
    ------
    UnsupportedOperationError
        If the derivative ends on every way from the images to the output; it names where.

    Warns
    -----
    NoDerivativeWarning
        If it does so for some bands.
    """
    trace, output = predictor.trace, predictor.output
    ends = derivative_ends(trace, output)
    if not ends:
        return
    require_derivative(trace, output, label)
    lost = lost_bands(predictor, images)
    if lost.any():
        names = [bands[at] for at in np.flatnonzero(lost).tolist()]
        _warn_of(names, label, ends, "on every way the derivative ends", stacklevel=6)


def check_zeros(task: Task, scores: np.ndarray, features: Sequence[str], label: str) -> None:
    """Name features that score nothing though the output changes with them, where a derivative may be the reason.

    A straight-through estimator, ``x + stop_gradient(round(x) - x)``, has a way past the rounding, but on both ways
    together the derivative is 0.

    Parameters
    ----------
    task : Task
    scores : ndarray, shape (n, k, features)
    features : sequence of str
        Their names.
    label : str
        The method, which needs the derivative.

    Warns
    -----
    NoDerivativeWarning
        If an image's output changes when such a feature is exchanged with another image's.
    """
    ends = derivative_ends(task.predictor.trace, task.predictor.output)
    if not ends:
        return
    told = task.members @ lost_bands(task.predictor, task.images)
    silent = np.flatnonzero(~np.any(scores, axis=(0, 1)) & ~told)
    if not silent.size:
        return
    few = slice(0, min(task.images.n, EXCHANGED))
    explained = task.image_output[few]
    images = task.images.take(few, task.predictor.trace.dtype)
    sample = replace(
        task, images=task.images.holding(images), seeds=task.seeds[few], options={}, tick=lambda done: None
    )
    # scores may be 0 for other reasons: a variance of gradients is, where the model is linear
    slopes = all_scores(SALIENCY.scores(replace(sample, statistic=SALIENCY.statistic)), len(images))
    silent = silent[~np.any(slopes, axis=(0, 1))[silent]]
    shape = [1] * images.ndim
    shape[task.images.band_axis] = -1
    others = np.roll(images, 1, axis=0)
    mixed = [np.where(task.members[feature].reshape(shape), others, images) for feature in silent]
    outputs = task.predictor.outputs(task.images.holding(np.concatenate([images, *mixed])), task.images_per_batch)
    own, *exchanged = (np.take_along_axis(part, explained, 1) for part in np.split(outputs, 1 + len(silent)))
    names = [features[at] for at, found in zip(silent.tolist(), exchanged, strict=True) if not np.allclose(found, own)]
    if names:
        _warn_of(names, label, ends, "all ways together have a derivative of 0, as it ends", stacklevel=5)


def _warn_of(names: Sequence[str], label: str, ends: Sequence[Operation], why: str, stacklevel: int) -> None:
    several = len(names) > 1
    warnings.warn(
        f"{label} gives 0 for {'bands' if several else 'band'} {some_of(names)}, whatever the model makes of "
        f"{'them' if several else 'it'}: from there to the output, {why}, at {some_of(ends)}. To see what "
        f"{'they matter' if several else 'it matters'}, use {OUTPUTS_ONLY}.",
        NoDerivativeWarning,
        stacklevel=stacklevel,
    )
