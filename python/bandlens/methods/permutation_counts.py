"""How far metrics fall that are counted over all images: of each label, where images have several, or of pixels.

For a label, images without it matter as much as those with it, so that images have no scores of their own: what falls
is the metric of the label. Without labels, what the model predicts before anything is shuffled stands for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..data.tasks import MULTILABEL
from ..data.zones import flags_of
from .findings import Drops, Findings
from .mixtures import all_mixed_outputs
from .task import Task

# metric -> what its scores are measured in: more is better
SCALES = {"f1": "F1", "average_precision": "average precision", "iou": "IoU"}
FOR_LABELS = ("f1", "average_precision", "accuracy")
FOR_PIXELS = ("accuracy", "iou", "f1")


def falls(task: Task, metric: str | Callable[..., Any], shuffles: list[np.ndarray]) -> Findings:
    """Falls of a metric for every class that occurs, and for all together: the mean, of pixels the share that is right.

    Parameters
    ----------
    task : Task
    metric : str or callable
    shuffles : list of ndarray of int, shape (n,)
        An order of the images for each repeat.
    """
    occurring = np.unique(task.codes)
    if task.predictor.task == MULTILABEL:
        reached, after = _labels(task, metric, shuffles)
    else:
        assert isinstance(metric, str)
        reached, after = _pixels(task, metric, shuffles)
    # the last entry is that of all
    keep = np.append(occurring, -1)
    yield Drops(np.moveaxis(reached[keep] - after[..., keep], 1, 2))


def _labels(task: Task, metric: str | Callable[..., Any], shuffles: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The metric of each label and their mean, (labels + 1,), and after shuffling, (repeats, features, labels + 1)."""
    images, predictor = task.every, task.predictor
    size = task.images_per_batch
    before = predictor.outputs(images, size)
    truth = predictor.taken_for(before) if task.truth is None else task.truth
    n_features = len(task.members)
    shuffled = np.empty((len(shuffles), n_features, *before.shape))
    present = ~np.eye(n_features, dtype=bool)
    for part, batch in images.batches(size, predictor.trace.dtype):
        for repeat, order in enumerate(shuffles):
            references = images.take(order[part], batch.dtype)[:, None]
            found = all_mixed_outputs(task, batch, references, present, positions=part, turns=np.array([repeat]))[:, 0]
            shuffled[repeat, :, part] = np.moveaxis(found, 1, 0)
        task.tick(_rows_in(task, part))
    occurring = np.unique(task.codes)

    def measured(outputs: np.ndarray) -> np.ndarray:
        flags = predictor.taken_for(outputs)
        each = np.array([_of_label(metric, *label) for label in zip(truth.T, outputs.T, flags.T, strict=True)])
        return np.append(each, each[occurring].mean())

    after = [[measured(outputs) for outputs in repeat] for repeat in shuffled]
    return measured(before), np.array(after)


def _of_label(metric: str | Callable[..., Any], truth: np.ndarray, outputs: np.ndarray, predicted: np.ndarray) -> float:
    if callable(metric):
        return float(metric(truth, predicted))
    if metric == "average_precision":
        return average_precision(truth, outputs)
    both, labelled, taken = (truth & predicted).sum(), truth.sum(), predicted.sum()
    if metric == "f1":
        return _ratio(2 * both, labelled + taken)
    return float((truth == predicted).mean())


def average_precision(truth: np.ndarray, outputs: np.ndarray) -> float:
    """Mean over the images with a label of the precision among those with an output as large as theirs; 0 without any.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    outputs : ndarray, shape (n,)
    """
    order = np.argsort(-outputs, kind="stable")
    hits, ordered = np.cumsum(truth[order]), outputs[order]
    # images with the same output come in together
    last = np.searchsorted(-ordered, -ordered, side="right") - 1
    precision = hits[last] / (last + 1)
    own = truth[order]
    return float(precision[own].mean()) if own.any() else 0.0


def _pixels(task: Task, metric: str, shuffles: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The metric of each class and of all, (classes + 1,), and after shuffling, (repeats, features, classes + 1)."""
    images, predictor, size = task.every, task.predictor, task.images_per_batch
    n_features, n_classes = len(task.members), predictor.n_outputs
    counts = np.zeros((len(shuffles), n_features, 3, n_classes))
    start = np.zeros((3, n_classes))
    for part, batch in images.batches(size, predictor.trace.dtype):
        truth = first = _flags(task, batch, part)
        known = np.ones_like(first[..., :1])
        if task.truth is not None:
            truth, known = flags_of(task.truth[part], n_classes)
        start += _counted(truth, known, first)
        for repeat, order in enumerate(shuffles):
            others = images.take(order[part], batch.dtype)
            for feature, bands in enumerate(task.members):
                mixed = _mixed(task, batch, others, ~bands, repeat)
                counts[repeat, feature] += _counted(truth, known, _flags(task, mixed, part))
        task.tick(_rows_in(task, part))
    occurring = np.unique(task.codes)
    return _measured(metric, start, occurring), _measured(metric, counts, occurring)


def _mixed(task: Task, batch: np.ndarray, others: np.ndarray, present: np.ndarray, repeat: int) -> np.ndarray:
    """Images that take their absent cells from others."""
    if task.filling is None:
        return np.where(task.images.cells.spread(np, present[None]), batch, others)
    return task.filling.fill(batch, others[:, None], present[None, None, None], np.array([repeat]))


def _flags(task: Task, batch: np.ndarray, part: slice) -> np.ndarray:
    """Classes that the model gives pixels of some images, bool, (images, pixels, classes)."""
    predictor, images = task.predictor, task.images.holding(batch)
    units = np.concatenate([found for _, found in predictor.units(images, task.images_per_batch, positions=part)])
    return predictor.taken_for(predictor.from_units(units.reshape(len(units), -1, predictor.weights.shape[1])))


def _counted(truth: np.ndarray, known: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Pixels that are of a class, that are taken for it, and both, among those with a label, (3, classes)."""
    taken = predicted & known
    return np.stack([one.sum(axis=(0, 1)) for one in (truth, taken, truth & taken)]).astype(np.float64)


def _measured(metric: str, counts: np.ndarray, occurring: np.ndarray) -> np.ndarray:
    """From counts (..., 3, classes) to the metric (..., classes + 1)."""
    labelled, taken, both = np.moveaxis(counts, -2, 0)
    if metric == "accuracy":
        each, every = _ratio(both, labelled), _ratio(both.sum(axis=-1), labelled.sum(axis=-1))
    elif metric == "f1":
        each = _ratio(2 * both, labelled + taken)
        every = each[..., occurring].mean(axis=-1)
    else:
        each = _ratio(both, labelled + taken - both)
        every = each[..., occurring].mean(axis=-1)
    return np.concatenate([each, np.asarray(every)[..., None]], axis=-1)


def _ratio(part: Any, whole: Any) -> Any:
    found = np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)
    return float(found) if found.ndim == 0 else found


def _rows_in(task: Task, part: slice) -> int:
    """How many rows of the answer are about some of the images."""
    if task.row_images is None:
        return part.stop - part.start
    return int(((task.row_images >= part.start) & (task.row_images < part.stop)).sum())
