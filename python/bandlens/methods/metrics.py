"""What outputs are worth against labels: metrics that methods look at instead of an output, where more is better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from ..data.tasks import MULTILABEL, SEGMENTATION
from ..data.words import argument, choices, shown
from ..errors import OptionError
from ..models.predictor import Predictor
from .task import Request, Task

# metric of single images -> what its scores are measured in
SCALES = {"accuracy": "accuracy", "log_loss": "log-likelihood", "squared_error": "negative squared error"}


def usual(predictor: Predictor) -> str:
    """The metric of single images that suits what outputs stand for."""
    return "accuracy" if predictor.classifies else "squared_error"


def observed_numbers(task: Task) -> np.ndarray:
    """Observed numbers, or those that the model predicts, shape (n, outputs)."""
    return task.outputs if task.truth is None else task.truth.reshape(task.outputs.shape)


def check_suits(predictor: Predictor, name: str, given: Any, suitable: Sequence[str]) -> None:
    """Refuse a metric, by its name and as it was given, that is none of those that suit the model."""
    if name not in suitable:
        raise OptionError(
            f"The metric '{name}' does not suit a model that {_task_of(predictor)}.",
            expected=choices(suitable),
            given="a function" if callable(given) else shown(given),
        )


def check_likelihood(request: Request, *others: str) -> None:
    """Refuse the log-loss of a model that gives no probabilities; `others` are metrics that it could have."""
    predictor = request.predictor
    if request.options["metric"] == "log_loss" and predictor.scale == "output":
        raise OptionError(
            "The log-loss needs probabilities, and the model ends in neither softmax nor sigmoid.",
            expected=argument("metric", *others),
            given=argument("metric", "log_loss"),
            fix=_say_scale(predictor),
        )


def _say_scale(predictor: Predictor) -> str | None:
    if predictor.refusal is not None:
        return "say what its outputs are, with " + argument("output", "logit", "probability")
    if predictor.trace.made_of():
        return None
    return "if its outputs are logits, say so with " + argument("output", "logit")


def _task_of(predictor: Predictor) -> str:
    if predictor.task in (MULTILABEL, SEGMENTATION):
        return {MULTILABEL: "gives images several labels", SEGMENTATION: "classifies pixels"}[predictor.task]
    return "tells classes apart" if predictor.classifies else "predicts a number"


def log_probability(predictor: Predictor, outputs: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of classes, which are on the last axis."""
    if predictor.scale == "probability":
        return np.log(np.maximum(outputs, np.finfo(np.float32).tiny))
    found: np.ndarray = special.log_softmax(outputs, axis=-1) if predictor.exclusive else special.log_expit(outputs)
    return found


def qualities(predictor: Predictor, metric: str, truth: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Each image's part of a metric of single images.

    Parameters
    ----------
    predictor : Predictor
    metric : str
        Key of `SCALES`.
    truth : ndarray, shape (...) of classes, or (..., outputs) of numbers
        With as many axes as `outputs`, or one less; of length 1 where it is the same.
    outputs : ndarray, shape (..., outputs)
    """
    if metric == "squared_error":
        found: np.ndarray = -((outputs - truth) ** 2).mean(axis=-1)
        return found
    if metric == "accuracy":
        return (outputs.argmax(axis=-1) == truth).astype(np.float64)
    own = np.broadcast_to(truth, outputs.shape[:-1])[..., None]
    return np.take_along_axis(log_probability(predictor, outputs), own, axis=-1)[..., 0]
