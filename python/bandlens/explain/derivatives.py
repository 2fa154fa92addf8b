"""What a method that needs derivatives says where the model has none: it must not say that bands don't matter."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..data.images import Images
from ..engine.graph import Operation
from ..errors import ModelError, NoDerivativeWarning
from ..methods import Task
from ..methods.findings import all_scores
from ..methods.mixtures import mixed_outputs
from ..methods.saliency import SALIENCY
from ..models.callables import outputs_only
from ..models.derivatives import derivative_ends, lost_bands, require_derivative, some_of
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
    images = task.images.take(few, task.predictor.trace.dtype)
    sample = replace(
        task, images=task.images.holding(images), seeds=task.seeds[few], options={}, tick=lambda done: None
    )
    # scores may be 0 for other reasons: a variance of gradients is, where the model is linear
    slopes = all_scores(SALIENCY.scores(replace(sample, statistic=SALIENCY.statistic)), len(images))
    silent = silent[~np.any(slopes, axis=(0, 1))[silent]]
    names = [features[at] for at in silent[_matter(sample, images, silent)].tolist()]
    if names:
        _warn_of(names, label, ends, "all ways together have a derivative of 0, as it ends", stacklevel=5)


def _matter(task: Task, images: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Whether an output changes when each of some features is taken from another image; bool, (features,)."""
    # a single image has no other to take it from
    others = np.roll(images, 1, axis=0) if len(images) > 1 else np.zeros_like(images)
    every = np.ones((1, len(task.members)), bool)
    present = np.concatenate([every, ~np.eye(len(task.members), dtype=bool)[features]])
    try:
        found = mixed_outputs(task, task.seeds[:], images, others[:, None], present, positions=slice(0, len(images)))
    except ModelError:  # the output is finite for the images themselves, so it has changed
        return np.ones(len(features), bool)
    own, exchanged = found[:, 0, :1], found[:, 0, 1:]
    changed: np.ndarray = ~np.isclose(exchanged, own).all(axis=(0, 2))
    return changed


def _warn_of(names: Sequence[str], label: str, ends: Sequence[Operation], why: str, stacklevel: int) -> None:
    several = len(names) > 1
    warnings.warn(
        f"{label} gives 0 for {'bands' if several else 'band'} {some_of(names)}, whatever the model makes of "
        f"{'them' if several else 'it'}: from there to the output, {why}, at {some_of(ends)}. To see what "
        f"{'they matter' if several else 'it matters'}, use {outputs_only()}.",
        NoDerivativeWarning,
        stacklevel=stacklevel,
    )
