"""How often the explained model is right, and how often it would be if it knew nothing.

The importances of a model that does not fit its data say nothing of the data.

The chance level is the agreement to be expected of predictions that have nothing to do with the labels but come as
often, sum over classes of (share of the labels) x (share of the predictions): the expected agreement of Cohen's kappa
(Cohen 1960, Educational and Psychological Measurement 20, 37-46). The share of the most frequent class would be no such
level: a model that was trained on balanced classes and knows them well may be below it where one class is frequent.
"""

from __future__ import annotations

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

    None without observed numbers, or where they are all the same.
    """
    if observed is None or fitted is None:
        return None
    total = float(((observed - observed.mean()) ** 2).sum())
    return None if total == 0 else 1 - float(((observed - fitted) ** 2).sum()) / total


def accuracy_of(correct: np.ndarray | None, observed: np.ndarray | None, fitted: np.ndarray | None) -> float | None:
    """Share of the images that the model classifies right, or R^2 of the numbers that it predicts."""
    return determination(observed, fitted) if correct is None else float(correct.mean())


def chance_of(
    accuracy: float | None, correct: np.ndarray | None, labels: np.ndarray, predictions: np.ndarray
) -> float | None:
    """The accuracy to be expected by chance; 0 for R^2."""
    if correct is not None:
        return expected_agreement(labels, predictions)
    return None if accuracy is None else 0.0


def described(accuracy: float | None, chance: float | None, *, number: bool) -> str:
    """How a result's line tells both, as far as they are known; `number` for a model that predicts one."""
    if accuracy is None:
        return ""
    if number:
        return f", R^2 {accuracy:.2f}"
    return f", accuracy {accuracy:.2f}" + ("" if chance is None else f" (by chance {chance:.2f})")


def how_many(occurring: int, classes: int) -> str:
    """How many classes there are, and how many of them have images."""
    several = "class" if classes == 1 else "classes"
    return f"{classes} {several}" if occurring == classes else f"{occurring} of {classes} {several}"
