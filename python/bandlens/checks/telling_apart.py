"""How well a classifier tells made images from real ones: the area under its ROC curve (AUC), cross-validated by image.

An AUC of 0.5 is that of guessing. What real and made rows have to say of one image is never in both the training and
the test part. Rows of an image depend on each other, which standard errors count (Obuchowski 1997).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..data.moments import half_width

# of the boosted trees
ROUNDS = 60


class Auc(NamedTuple):
    """An area under a ROC curve, its standard error and 95 % interval, and how many images it rests on."""

    auc: float
    std_error: float
    conf_low: float
    conf_high: float
    n: int


class Scored(NamedTuple):
    """What a classifier says of rows that it was not trained on.

    Attributes
    ----------
    scores : ndarray of float64, shape (rows,)
        Higher for what looks made.
    made : ndarray of bool, shape (rows,)
    image : ndarray of int, shape (rows,)
    fold : ndarray of int, shape (rows,)
        Scores are comparable within one.
    """

    scores: np.ndarray
    made: np.ndarray
    image: np.ndarray
    fold: np.ndarray


def scored(real: np.ndarray, made: np.ndarray, image: np.ndarray, folds: int, seed: int) -> Scored:
    """Train a classifier to tell rows apart.

    Parameters
    ----------
    real, made : ndarray, shape (rows, features)
    image : ndarray of int, shape (rows,)
        To which image a row of each belongs.
    folds : int
    seed : int
    """
    from sklearn.decomposition import PCA
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.concatenate([real, made])
    rows = rows[:, np.ptp(rows, axis=0) > 0]
    kind, of_image = np.repeat([False, True], len(image)), np.tile(image, 2)
    scores, fold = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
    if rows.shape[1] == 0:  # nothing differs
        return Scored(scores, kind, of_image, fold)
    for number, (train, test) in enumerate(GroupKFold(folds).split(rows, kind, of_image)):
        # bands that hardly differ are far apart in a component of their own if they come from two images
        classifier = make_pipeline(
            StandardScaler(),
            PCA(whiten=True, svd_solver="full"),
            HistGradientBoostingClassifier(max_iter=ROUNDS, early_stopping=False, random_state=seed),
        ).fit(rows[train], kind[train])
        scores[test], fold[test] = classifier.predict_proba(rows[test])[:, 1], number
    return Scored(scores, kind, of_image, fold)


def auc_of(found: Scored, chosen: np.ndarray | None = None) -> Auc:
    """The AUC over all folds, of rows that were made, or some of them, against all that are real.

    Parameters
    ----------
    found : Scored
    chosen : ndarray of bool, shape (rows,), optional
        Which of the rows that were made count.
    """
    made = found.made if chosen is None else found.made & chosen
    above = np.full(len(found.scores), np.nan)
    for fold in np.unique(found.fold[made]):
        mine, its = (np.flatnonzero((found.fold == fold) & kind) for kind in (made, ~found.made))
        above[mine] = _part_below(found.scores[its], found.scores[mine])
        above[its] = 1 - _part_below(found.scores[mine], found.scores[its])
    auc = float(above[made].mean())
    images = np.unique(found.image[~np.isnan(above)])
    deviations = np.zeros(len(images))
    for kind in (made, ~found.made & ~np.isnan(above)):
        at = np.searchsorted(images, found.image[kind])
        np.add.at(deviations, at, (above[kind] - above[kind].mean()) / kind.sum())
    n = len(images)
    error = float(np.sqrt(n / (n - 1) * (deviations**2).sum()))
    half = float(half_width(error, n - 1))
    return Auc(auc, error, max(0.0, auc - half), min(1.0, auc + half), len(np.unique(found.image[made])))


def _part_below(others: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Part of the others that is below each value, those that are equal counting by half."""
    ordered = np.sort(others)
    found: np.ndarray = (np.searchsorted(ordered, values) + np.searchsorted(ordered, values, "right")) / 2 / len(others)
    return found
