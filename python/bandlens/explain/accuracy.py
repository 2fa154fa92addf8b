"""Is the model right on the images it is explained on? If not, labels or images may not be what they are taken for.

What could be the matter is tried, not guessed: labels that count from another number, classes in another order, images
on another scale. It is only said where the model would then be right far more often than chance explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import lgamma
from typing import Any

import numpy as np
from scipy import optimize, stats

from ..data.labels import NumbersFromR, as_two_classes, counting_of_classes
from ..data.positions import spelled
from ..errors import BandlensError
from ..models.preparation import FACTORS
from ..results.accuracy import agreement_by_chance, determination, expected_agreement
from .agreement import Agreement
from .subject import Subject, some_positions, times

# with fewer images, and fewer of other classes than the most frequent one, a model may miss some by bad luck
LEAST_IMAGES = 30
LEAST_OTHERS = 10
SIGNIFICANT = 0.05
# what is said of labels must be beyond doubt: as there are many ways to read them, one of them fits by chance
CERTAIN = 1e-3
MOSTLY = 0.6
GAIN = 0.25
# classes whose images speak for another reading, and how many images of each
LEAST_CLASSES = 2
LEAST_OF_CLASS = 3
# the way from chance to all right, beyond which a model evidently fits
WELL = 0.5
MOST_NAMED = 4


def fits_well(labels: np.ndarray | None, outputs: np.ndarray) -> bool:
    """Whether labels show that the model knows these images, so that it can't have been made for others."""
    if labels is None or len(labels) < LEAST_OTHERS:
        return False
    predictions = outputs.argmax(axis=1)
    hits = int((labels == predictions).sum())
    chance = expected_agreement(labels, predictions)
    chance = 1 / outputs.shape[1] if chance is None else chance
    return hits / len(labels) >= chance + WELL * (1 - chance) and _above(hits, len(labels), chance) < CERTAIN


def accuracy_doubts(subject: Subject) -> Iterator[str]:
    """What there is to say of a model that is not right, at most one message."""
    if subject.labels is not None:
        doubt = _labels(subject, subject.labels)
    elif subject.agreement is not None:
        doubt = _several(subject.images.n, subject.agreement)
    elif subject.observed is not None:
        columns = subject.observed.reshape(len(subject.observed), -1)
        doubts = (_numbers(subject, column, at) for at, column in enumerate(columns.T))
        doubt = next((one for one in doubts if one is not None), None)
    else:
        return
    if doubt is not None:
        yield doubt


def _labels(subject: Subject, labels: np.ndarray) -> str | None:
    predictions = subject.outputs.argmax(axis=1)
    return (
        _shift(subject, labels, predictions)
        or _order(subject, labels, predictions)
        or _chance(subject, labels, predictions)
    )


def _shift(subject: Subject, labels: np.ndarray, predictions: np.ndarray) -> str | None:
    """Labels that count from another number than the model's outputs do."""
    if not _are_numbers(subject.y):
        return None
    for shift, call in ((-1, "y - 1"), (1, "y + 1")):
        if _fits_far_better(labels + shift, labels, predictions):
            hits, counting = _hits(labels + shift, predictions), counting_of_classes()
            return (
                f"{_right(labels, predictions)}, but with `{call}` it would be on {hits}: labels seem to be shifted by "
                f"one. {counting[0].upper()}{counting[1:]}."
            )
    return None


def _order(subject: Subject, labels: np.ndarray, predictions: np.ndarray) -> str | None:
    """Classes in another order than the model's outputs."""
    n_classes = subject.outputs.shape[1]
    together = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(together, (labels, predictions), 1)
    # of equally good readings the one that leaves classes as they are
    rows, columns = optimize.linear_sum_assignment(together + 0.5 * np.eye(n_classes), maximize=True)
    reading = columns[np.argsort(rows)]
    chance = expected_agreement(labels, predictions)
    hits = _hits(reading[labels], predictions)
    if chance is None or not _fits_far_better(reading[labels], labels, predictions):
        return None
    # as if each of all orders had been tried
    if np.log(max(_above(hits, len(labels), chance), 1e-300)) + lgamma(n_classes + 1) > np.log(CERTAIN):
        return None
    moved = [code for code in np.flatnonzero(reading != np.arange(n_classes)) if together[code, reading[code]]]
    moved.sort(key=lambda code: -together[code, reading[code]])
    said = [f"what is labelled '{subject.classes[code]}' it calls '{subject.classes[reading[code]]}'" for code in moved]
    more = ", ..." if len(said) > MOST_NAMED else ""
    levels = spelled("`classes`, or the categories of `y`,", "`classes`, or the levels of `y`,")
    return (
        f"{_right(labels, predictions)}, but would be on {hits} if classes were in another order: "
        f"{', '.join(said[:MOST_NAMED])}{more}. Give {levels} in the order of the model's outputs (by default they are "
        "in that of the alphabet)."
    )


def _fits_far_better(other: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> bool:
    """Whether predictions agree far better with another reading of the labels, in several classes."""
    won, lost = (other == predictions) & (labels != predictions), (other != predictions) & (labels == predictions)
    gains, losses, n = int(won.sum()), int(lost.sum()), len(labels)
    if gains - losses < GAIN * n or _hits(other, predictions) < MOSTLY * n:
        return False
    if (np.bincount(labels[won]) >= LEAST_OF_CLASS).sum() < LEAST_CLASSES:
        return False
    return _above(gains, gains + losses, 0.5) < CERTAIN


def _chance(subject: Subject, labels: np.ndarray, predictions: np.ndarray) -> str | None:
    """A model that is no better than chance."""
    n, hits = len(labels), _hits(labels, predictions)
    if n < LEAST_IMAGES:
        return None
    chance = expected_agreement(labels, predictions)
    right = _right(labels, predictions)
    if chance is None:
        chance = 1 / subject.outputs.shape[1]
        if stats.binomtest(hits, n, chance, "less").pvalue >= CERTAIN:
            return None
        says = f"{right}, all of class '{subject.classes[labels[0]]}', and would be on more if it guessed"
    elif n - np.bincount(labels).max() < LEAST_OTHERS or _above(hits, n, chance) <= SIGNIFICANT:
        return None
    else:
        says = f"{right}, no more than by chance ({_percent(chance)})"
    if (predictions == predictions[0]).all():
        says += f": it takes them all for '{subject.classes[predictions[0]]}'"
    return f"{says}. {_instead(subject, labels)}"


def _instead(subject: Subject, labels: np.ndarray) -> str:
    """What would make the model right, if it is a number by which images are off."""
    positions = some_positions(subject.images.n)
    mine = labels[positions]
    tried = {factor: outputs for factor, outputs in _scaled(subject, positions) if fits_well(mine, outputs)}
    if tried:
        right = {factor: _hits(mine, outputs.argmax(axis=1)) for factor, outputs in tried.items()}
        factor = max(right, key=lambda factor: right[factor])
        hits = right[factor]
        if _above(hits, len(mine), 1 / subject.outputs.shape[1]) < CERTAIN / len(FACTORS):
            return f"With {times(factor)} it would be right on {hits} of {len(mine)} tried: `x` is on another scale."
    return (
        "Its importances say little of these classes. Are images scaled, bands ordered and labels counted as they were "
        "in training?"
    )


def _several(n: int, found: Agreement) -> str | None:
    """A model whose labels, or classes of pixels, agree with `y` no more often than by chance."""
    if found.labelled is None or found.judged is None or found.agreeing is None or n < LEAST_IMAGES:
        return None
    judged, agreeing = int(found.judged.sum()), int(found.agreeing.sum())
    chance = agreement_by_chance(found.labelled, found.predicted, judged) if judged else None
    if chance is None or agreeing > chance * judged:
        return None
    return (
        f"What the model takes images for agrees with `y` in {_percent(agreeing / judged)}, no more than by chance "
        f"({_percent(chance)}). Its importances say little of these classes. Are images scaled, bands ordered and "
        "labels counted as they were in training?"
    )


def _numbers(subject: Subject, observed: np.ndarray, output: int) -> str | None:
    """A model whose numbers are further from those that were observed than their mean is."""
    fitted = subject.outputs[:, output]
    of = f" of output '{subject.names[output]}'" if len(subject.names) > 1 else ""
    squared = determination(observed, fitted)
    if squared is None or len(observed) < LEAST_OTHERS:
        return None
    made_of = subject.predictor.trace.made_of()
    if len(subject.names) == 1 and np.isin(observed, (0, 1)).all() and (made_of is not None or squared <= 0):
        advice = as_two_classes(made_of)
        return (
            "`y` is 0 or 1, like labels of two classes, but the model has one output, and no softmax or sigmoid at its "
            f"end, so that it is taken to predict a number: R^2 = {squared:.2g}. {advice[0].upper()}{advice[1:]}."
        )
    if squared > 0 or len(observed) < LEAST_IMAGES:
        return None
    says = f"The model predicts `y`{of} worse than the mean of `y` would: R^2 = {squared:.2g}"
    positions = some_positions(subject.images.n)
    for factor, outputs in _scaled(subject, positions):
        again = determination(observed[positions], outputs[:, output])
        if again is not None and again >= WELL:
            return f"{says}. With {times(factor)} R^2 would be {again:.2f}: `x` is on another scale."
    if np.ptp(fitted) > 0 and (r := float(np.corrcoef(observed, fitted)[0, 1])) >= WELL:
        return f"{says}. Both go together (r = {r:.2f}): is `y` in the unit, and transformed, as it was in training?"
    return f"{says}. Are images scaled and bands ordered as they were in training, and is `y` of these images?"


def _scaled(subject: Subject, positions: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """Outputs of some images that are multiplied by each of several numbers; several inputs have no one scale."""
    if subject.images.parts:
        return
    for factor in FACTORS:
        try:
            outputs = subject.outputs_of(positions, factor)
        except BandlensError:  # not finite for values that are far out: then that is no remedy
            continue
        yield factor, outputs


def _are_numbers(y: Any) -> bool:
    if isinstance(y, NumbersFromR):
        return True
    if any(hasattr(one, "categories") for one in (y, getattr(y, "cat", None), getattr(y, "dtype", None))):
        return False
    given = np.asarray(y)
    return given.dtype.kind in "iuf" and (given.ndim == 1 or given.shape[1] == 1)


def _hits(labels: np.ndarray, predictions: np.ndarray) -> int:
    return int((labels == predictions).sum())


def _above(hits: int, n: int, chance: float) -> float:
    """How probable as many hits are by chance alone."""
    return float(stats.binomtest(hits, n, chance, "greater").pvalue)


def _right(labels: np.ndarray, predictions: np.ndarray) -> str:
    hits, n = _hits(labels, predictions), len(labels)
    return f"The model is right on {hits} of {n} images ({_percent(hits / n)})"


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %"
