"""How often the explained model is right, and how often it would be if it knew nothing.

The importances of a model that does not fit its data say nothing of the data.

The chance level is the agreement to be expected of predictions that have nothing to do with the labels but come as
often, sum over classes of (share of the labels) x (share of the predictions): the expected agreement of Cohen's kappa
(Cohen 1960, Educational and Psychological Measurement 20, 37-46). The share of the most frequent class would be no such
level: a model that was trained on balanced classes and knows them well may be below it where one class is frequent.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def expected_agreement(labels: np.ndarray, predictions: np.ndarray) -> float | None:
    """Agreement of labels with predictions that were shuffled; None where all labels are the same.

    Then any shuffling leaves the same, and there is nothing to tell apart.
    """
    n = max(int(labels.max()), int(predictions.max())) + 1
    shares = np.bincount(labels, minlength=n) / len(labels)
    if (shares > 0).sum() < 2:
        return None
    return float(shares @ np.bincount(predictions, minlength=n)) / len(labels)


def determination(observed: np.ndarray | None, fitted: np.ndarray | None) -> float | None:
    """R^2 of predicted numbers: 1 less their squared errors over those of the observed mean, which has 0.

    The mean of several outputs' R^2, if observed numbers have a column for each. None without observed numbers, or
    where they are all the same.
    """
    if observed is None or fitted is None:
        return None
    if observed.ndim > 1:
        each = [determination(one, other) for one, other in zip(observed.T, fitted.T, strict=True)]
        known = [value for value in each if value is not None]
        return sum(known) / len(known) if known else None
    total = float(((observed - observed.mean()) ** 2).sum())
    return None if total == 0 else 1 - float(((observed - fitted) ** 2).sum()) / total


# a result that has the fields of `BandImportance` that are about labels
Judged = Any


def accuracy_of(result: Judged) -> float | None:
    """Share of what may be right that is: images, labels or pixels; or R^2 of the numbers that the model predicts."""
    if result.correct is not None:
        return float(result.correct.mean())
    if result.judged is not None and result.agreeing is not None:
        once = _once(result)
        return float(result.agreeing[once].sum() / max(result.judged[once].sum(), 1))
    return determination(result.observed, result.fitted)


def chance_of(result: Judged) -> float | None:
    """The accuracy to be expected by chance; 0 for R^2."""
    if result.correct is not None:
        return expected_agreement(result.image_class, result.prediction)
    if result.judged is None or result.labelled is None or result.predicted is None:
        return None if determination(result.observed, result.fitted) is None else 0.0
    once = _once(result)
    return agreement_by_chance(result.labelled[once], result.predicted[once], int(result.judged[once].sum()))


def agreement_by_chance(labelled: np.ndarray, predicted: np.ndarray, judged: int) -> float | None:
    """Expected agreement from counts per image and class, of `judged` labels or pixels in all.

    Where each of these has one class, that of Cohen's kappa; else the mean of that of each label, which may be there or
    not. None where shuffling leaves the same.
    """
    classes = labelled.shape[1]
    if labelled.sum() == judged:
        shares, own = labelled.sum(axis=0) / judged, predicted.sum(axis=0) / judged
        return None if (shares > 0).sum() < 2 else float(shares @ own)
    of_each = judged / classes
    shares, own = labelled.sum(axis=0) / of_each, predicted.sum(axis=0) / of_each
    return float(np.mean(shares * own + (1 - shares) * (1 - own)))


def _once(result: Judged) -> np.ndarray:
    """A row of each image."""
    if result.images is None:
        return np.arange(len(result.image_class))
    return np.unique(result.images, return_index=True)[1]


def described(result: Judged) -> str:
    """How a result's line tells both, as far as they are known."""
    accuracy, chance = accuracy_of(result), chance_of(result)
    if accuracy is None:
        return ""
    if result.correct is None and result.judged is None:
        return f", R^2 {accuracy:.2f}"
    return f", accuracy {accuracy:.2f}" + ("" if chance is None else f" (by chance {chance:.2f})")


def how_many(occurring: int, classes: int) -> str:
    """How many classes there are, and how many of them have images."""
    several = "class" if classes == 1 else "classes"
    return f"{classes} {several}" if occurring == classes else f"{occurring} of {classes} {several}"


def taken_for(result: Judged) -> str:
    """What outputs were taken for, where that is no matter of course, and which of several they are."""
    open_to_doubt = result.output == "output" and len(result.classes) > 1
    known = bool(result.task) and (result.task != "classification" or open_to_doubt)
    return (f", {result.task}" if known else "") + (f", head '{result.head}'" if result.head else "")
