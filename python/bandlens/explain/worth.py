"""What a set of bands is worth: how right a model is that has only these.

Either the model as it is, with the other bands taken from background images; or one that was made for the set by a
function of the user's, and that is asked about images it was not trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..data.images import Images, check_images
from ..data.words import argument, few
from ..errors import InputError, ModelError
from ..methods.metrics import qualities
from ..methods.mixtures import Mixing, mixed
from ..models.predictor import make_predictor
from ..models.saved import loaded
from .calls import Call

# images with only some bands, positions of the images, names of the bands -> model
FitAt = Callable[[np.ndarray, np.ndarray, list[str]], Any]


def truth_of(call: Call) -> np.ndarray:
    """Classes of the images, (n,), or what was observed, (n, outputs)."""
    if call.predictor.classifies:
        return call.targets.codes
    assert call.targets.observed is not None
    return call.targets.observed.reshape(call.images.n, -1)


def replaced(call: Call, metric: str, pool: Images, draws: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Worth of sets to each image, (1, n, sets), with other bands taken from images of a pool; all sets at once.

    Parameters
    ----------
    call : Call
    metric : str
    pool : Images
    draws : ndarray of int64, shape (n, draws)
        Images of the pool for each image.
    """
    predictor, images = call.predictor, call.images
    size = call.batch_size or predictor.images_per_batch
    mixing, dtype, truth = Mixing(predictor, images, call.features.members, size), predictor.trace.dtype, truth_of(call)

    def worth(sets: np.ndarray) -> np.ndarray:
        found = np.empty((1, images.n, len(sets)))
        for part, batch in images.batches(size, dtype):
            own = draws[part]
            references = pool.take(own.reshape(-1), dtype).reshape(*own.shape, *images.shape)

            def read(units: np.ndarray, at: slice, own_truth: np.ndarray = truth[part]) -> np.ndarray:
                outputs = predictor.from_units(units)
                return qualities(predictor, metric, own_truth[at, None], outputs)[..., None]

            found[0, part] = mixed(mixing, read, 1, batch, references, sets, positions=part, mean=True)[:, 0, :, 0]
        return found

    return worth


def retrained(
    call: Call, metric: str, fit: FitAt, folds: np.ndarray, output: str
) -> Callable[[np.ndarray], np.ndarray]:
    """Worth of sets to each image, (runs, n, sets), by models that were made without that image.

    Parameters
    ----------
    call : Call
    metric : str
    fit : callable
    folds : ndarray of int64, shape (runs, n)
        Models are made without one of them at a time.
    output : str
        Scale of the outputs.
    """
    images, truth, names = call.images, truth_of(call), call.features.labels
    values = images.take(slice(0, images.n), call.predictor.trace.dtype)
    known: dict[bytes, np.ndarray] = {}

    def of_set(chosen: np.ndarray) -> np.ndarray:
        bands = np.flatnonzero(chosen @ call.features.members)
        own = np.take(values, bands, axis=images.band_axis)
        labels = [names[feature] for feature in np.flatnonzero(chosen)]
        found = np.empty(folds.shape)
        for run, fold in enumerate(folds):
            for left_out in np.unique(fold):
                held, rows = np.flatnonzero(fold == left_out), np.flatnonzero(fold != left_out)
                model = loaded(fit(own[rows], rows, labels))
                found[run, held] = _judged(call, model, own[held], metric, truth[held], labels, output)
        return found

    def worth(sets: np.ndarray) -> np.ndarray:
        for chosen in sets:
            key = chosen.tobytes()
            if key not in known:
                known[key] = of_set(chosen)
        return np.stack([known[chosen.tobytes()] for chosen in sets], axis=-1)

    return worth


def _judged(
    call: Call, model: Any, held: np.ndarray, metric: str, truth: np.ndarray, bands: Sequence[str], output: str
) -> np.ndarray:
    images = check_images(held, call.images.band_axis)
    try:
        predictor = make_predictor(model, images, output)
    except InputError as error:
        raise ModelError(
            "The model that `fit` gives can't take images of the bands that it was made for.",
            expected=f"{len(bands)} of them: {few(list(bands), 6)}",
            given=f"a model that takes {error.expected}" if error.expected else error.message,
            fix="give its input the shape of the `x` that `fit` is called with",
        ) from error
    wanted = call.predictor.n_outputs
    if predictor.n_outputs != wanted or predictor.pixels:
        raise ModelError(
            "The model that `fit` gives has other outputs than `model`.",
            expected=f"one row of {wanted} output{'s' if wanted > 1 else ''} per image",
            given=f"{predictor.n_outputs}, for the bands {few(list(bands), 6)}",
        )
    if metric == "log_loss" and predictor.scale == "output":
        raise ModelError(
            "The log-loss needs probabilities, and the model that `fit` gives ends in neither softmax nor sigmoid.",
            expected="a model that ends in one, or " + argument("metric", "accuracy"),
            fix="if its outputs are logits, say so with " + argument("output", "logit"),
        )
    outputs = predictor.outputs(images, call.batch_size or predictor.images_per_batch)
    return qualities(predictor, metric, truth, outputs)
