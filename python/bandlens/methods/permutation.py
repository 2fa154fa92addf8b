"""Permutation importance: by how much a metric falls when a band is shuffled between images, over several repeats.

Accuracy and log-loss are means over images, so each image has a score, by how much its own part of the metric falls,
and the table is their mean like any other. A metric of the user's own is computed on all images of a class at once;
then images have no scores, and the table comes from the repeats.

Each repeat shuffles the images once, and every band in turn takes its values from that order; with `absent`, as far as
the other bands allow (conditional permutation, Strobl et al. 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..data.options import Option, one_of, whole
from ..data.tasks import MULTILABEL, SEGMENTATION
from ..errors import OptionError
from ..models.predictor import Predictor
from . import metrics, permutation_counts
from .filling import ABSENT_OPTION
from .findings import Drops, Findings, Scores
from .kinds import MetricMethod
from .mixtures import all_mixed_outputs
from .task import Request, Task

# metric -> what its scores are measured in: more is better
SCALES = {**metrics.SCALES, "balanced_accuracy": "accuracy", **permutation_counts.SCALES}
# tasks whose metrics are counted over all images, and the metrics; the first by default
COUNTED = {MULTILABEL: permutation_counts.FOR_LABELS, SEGMENTATION: permutation_counts.FOR_PIXELS}
FOR_CLASSES = ("accuracy", "balanced_accuracy", "log_loss")


def scores(task: Task) -> Findings:
    """Falls of the metric, image by image, or for whole classes where it is the user's own."""
    metric = task.options["metric"]
    shuffles = _shuffles(task)
    if task.predictor.task in COUNTED:
        yield from permutation_counts.falls(task, _named(task.predictor, metric), shuffles)
        return
    if callable(metric):
        yield from _whole_classes(task, metric, shuffles)
        return
    for part, batch in task.batches(task.images_per_batch, task.predictor.trace.dtype):
        before = _quality(task, part, task.outputs[part])
        found = np.zeros((*before.shape, len(task.members)))
        for repeat, order in enumerate(shuffles):
            for feature, outputs in enumerate(_shuffled_outputs(task, batch, part, order[part], repeat)):
                found[..., feature] += (before - _quality(task, part, outputs)) / len(shuffles)
        yield Scores(part, found)
        task.tick(len(batch))


def cuts(task: Task) -> Sequence[int]:
    """The first image of each step; a metric that is no mean over images is computed in one."""
    size = task.images.n if as_a_whole(task.predictor, task.options) else task.images_per_batch
    return range(0, task.images.n, size)


def beforehand(task: Task) -> None:
    """How bands depend on each other is the same in every window."""
    _ = task.filling


def values(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Each image's part of the metric before shuffling; there is nothing from which scores are counted."""
    nothing = np.full(task.image_output.shape, np.nan)
    if as_a_whole(task.predictor, task.options):
        return nothing, nothing
    return _quality(task, slice(0, task.images.n), task.outputs), nothing


def scale(task: Task) -> str:
    """What a score is measured in."""
    metric = task.options["metric"]
    return getattr(metric, "__name__", "metric") if callable(metric) else SCALES[_named(task.predictor, metric)]


def as_a_whole(predictor: Predictor, options: Mapping[str, Any]) -> bool:
    """Whether the metric is no mean over images."""
    return callable(options["metric"]) or predictor.task in COUNTED


def balanced(options: Mapping[str, Any]) -> bool:
    """Whether in the metric over all images every class counts the same."""
    return isinstance(options["metric"], str) and options["metric"] == "balanced_accuracy"


def prepare(request: Request) -> None:
    """The metric must suit the model, and the labels the metric."""
    predictor, metric = request.predictor, request.options["metric"]
    if callable(metric) and predictor.task != SEGMENTATION:
        return
    suitable = COUNTED.get(predictor.task, FOR_CLASSES if predictor.classifies else ("squared_error",))
    name = getattr(metric, "__name__", "metric") if callable(metric) else _named(predictor, metric)
    metrics.check_suits(predictor, name, metric, suitable)
    metrics.check_likelihood(request, "accuracy", "balanced_accuracy")


def _shuffles(task: Task) -> list[np.ndarray]:
    """An order of the images for each repeat."""
    repeats = range(task.options["n_repeats"])
    return [np.random.default_rng([task.seed, repeat]).permutation(task.every.n) for repeat in repeats]


def _shuffled_outputs(task: Task, batch: np.ndarray, part: slice, others: np.ndarray, repeat: int) -> np.ndarray:
    """Outputs of images that take one feature at a time from others, shape (features, images, outputs)."""
    references = task.images.take(others, batch.dtype)[:, None]
    present = ~np.eye(len(task.members), dtype=bool)
    found = all_mixed_outputs(task, batch, references, present, positions=part, turns=np.array([repeat]))
    return np.moveaxis(found[:, 0], 1, 0)


def _quality(task: Task, part: slice, outputs: np.ndarray) -> np.ndarray:
    """Each image's part of the metric for its explained outputs, shape (images, k)."""
    metric = _named(task.predictor, task.options["metric"])
    chosen = task.image_output[part]
    if metric == "log_loss":
        return np.take_along_axis(metrics.log_probability(task.predictor, outputs), chosen, axis=1)
    if metric == "squared_error":
        errors = np.take_along_axis(outputs - metrics.observed_numbers(task)[part], chosen, axis=1)
        return np.asarray(-(errors**2))
    return (outputs.argmax(axis=1)[:, None] == chosen).astype(np.float64)


def _whole_classes(
    task: Task, metric: Callable[[np.ndarray, np.ndarray], float], shuffles: list[np.ndarray]
) -> Findings:
    """Falls of a metric that is not a mean over images."""
    truth, before = _truth(task), _predicted(task, task.outputs)
    groups = [task.codes == code for code in np.unique(task.codes)] + [np.full(task.images.n, True)]
    reached = [_evaluate(metric, truth[group], before[group]) for group in groups]
    after = np.empty((len(shuffles), len(task.members), task.images.n), before.dtype)
    for part, batch in task.images.batches(task.images_per_batch, task.predictor.trace.dtype):
        for repeat, order in enumerate(shuffles):
            outputs = _shuffled_outputs(task, batch, part, order[part], repeat)
            after[repeat, :, part] = [_predicted(task, found) for found in outputs]
        task.tick(len(batch))
    falls = [
        [
            [score - _evaluate(metric, truth[group], found[group]) for found in repeat]
            for group, score in zip(groups, reached, strict=True)
        ]
        for repeat in after
    ]
    yield Drops(np.array(falls))


def _evaluate(metric: Callable[[np.ndarray, np.ndarray], float], truth: np.ndarray, predicted: np.ndarray) -> float:
    value = metric(truth, predicted)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise OptionError(
            "The metric does not give a number.",
            expected="a function (true, predicted) -> number, larger for better predictions",
            given=f"{type(value).__name__} from {getattr(metric, '__name__', 'the metric')}",
        ) from None


def _truth(task: Task) -> np.ndarray:
    """Labels; where there are none, what the model predicts."""
    if task.predictor.classifies:
        return task.codes
    return _shaped(metrics.observed_numbers(task))


def _predicted(task: Task, outputs: np.ndarray) -> np.ndarray:
    return outputs.argmax(axis=1) if task.predictor.classifies else _shaped(outputs)


def _shaped(numbers: np.ndarray) -> np.ndarray:
    """A single output as numbers (n,)."""
    return numbers[:, 0] if numbers.shape[1] == 1 else numbers


def _named(predictor: Predictor, metric: Any) -> Any:
    """The metric, by default that of the task."""
    if not isinstance(metric, str) or metric != "auto":
        return metric
    if predictor.task in COUNTED:
        return COUNTED[predictor.task][0]
    return metrics.usual(predictor)


def _check_metric(name: str, value: Any) -> Any:
    if callable(value):
        return value
    return one_of("auto", *SCALES)(name, value)


PERMUTATION = MetricMethod(
    name="permutation",
    label="Permutation importance",
    summary="Fall of a metric when the band is shuffled between images: what the model loses without its information.",
    cost="n_repeats forward passes per image and band",
    reference="Breiman 2001; Fisher, Rudin & Dominici 2019, arXiv:1801.01489",
    scores=scores,
    cuts=cuts,
    beforehand=beforehand,
    exchanges=True,
    prepare=prepare,
    options={
        "metric": Option(
            "auto",
            "What falls: 'accuracy' (of classifiers, by default), 'balanced_accuracy' (every class counts the same "
            "over all images), 'log_loss', 'squared_error' (of regressions, by default), or a function (true, "
            "predicted) -> number, larger for better predictions, of classes counted from 0 or of values. Of several "
            "labels per image: 'f1' (by default), 'average_precision' or 'accuracy' of each label. Of pixels: "
            "'accuracy' (by default; for a class the share of its pixels that is right), 'iou' or 'f1'.",
            _check_metric,
        ),
        "absent": ABSENT_OPTION,
        "n_repeats": Option(10, "Times that the images are shuffled.", whole()),
    },
    values=values,
    scale=scale,
    as_a_whole=as_a_whole,
    balanced=balanced,
)
