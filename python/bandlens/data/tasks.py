"""What a model's outputs stand for: one of several classes, several labels at once, numbers, or a map of classes.

A softmax tells classes apart, a map has pixels. Units with a sigmoid each, and units with nothing behind them, may be
several things: what the labels look like decides, or the user says so. What was decided is part of every result.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any, NamedTuple

import numpy as np

from ..errors import LabelError, OptionError
from .positions import first, spelled
from .words import argument, choices, few, nearest, shape_text, shown

CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION = "classification", "multilabel", "regression", "segmentation"
TASKS = ("auto", CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION)
MEANING = {
    CLASSIFICATION: "one class per image",
    MULTILABEL: "several labels per image",
    REGRESSION: "numbers",
    SEGMENTATION: "a class for every pixel",
}


class Outputs(NamedTuple):
    """What is known of a model's outputs without labels.

    Attributes
    ----------
    n : int
        Number of outputs.
    head : {"softmax", "sigmoid", None}
        What they come out of.
    number : bool
        Whether there is a single one that stands for a number.
    pixels : tuple of int
        How they lie, where there are some for every pixel.
    """

    n: int
    head: str | None
    number: bool
    pixels: tuple[int, ...]


def task_of(task: Any, outputs: Outputs, y: Any) -> str:
    """What is asked for, if that is possible, or what outputs and labels speak for.

    Raises
    ------
    OptionError
        If there is no such task, or the model can't be meant for it.
    """
    if task not in TASKS:
        raise OptionError(
            "There is no such task.", expected=choices(TASKS), given=shown(task), fix=nearest(task, TASKS)
        )
    possible = _possible(outputs)
    if task == "auto":
        return possible[0] if len(possible) == 1 else _by_labels(outputs, y)
    if task not in possible:
        raise OptionError(
            f"The model can't be meant for `task` '{task}', {MEANING[task]}: {_why(outputs)}.",
            expected=argument("task", "auto", *possible),
            given=argument("task", task),
            fix="if its output is the logit of a class, say so with " + argument("output", "logit")
            if outputs.number
            else None,
        )
    return str(task)


def check_one_class(y: Any) -> None:
    """Refuse labels that images have several of, for a model that tells classes apart.

    Raises
    ------
    LabelError
    """
    if not is_label_sets(y):
        return
    rows = [one for one in y if not isinstance(one, Set)]
    # in R, a list always has several for each image
    if first() or len(rows) < len(y) or len(set(map(len, rows))) > 1:
        raise LabelError(
            "`y` has labels for each image, and the model tells classes apart.",
            expected=spelled("one class for each image", "one class for each image, in a vector or a factor"),
            given=f"{spelled('collections', 'a list')} of labels for {len(y)} images",
            fix=spelled("give the class itself where there is one", "if no image has more than one, use `unlist(y)`"),
        )


def check_several_labels(*, known: bool) -> None:
    """Refuse to guess which labels outputs speak for, where nobody knows whether they are probabilities.

    Parameters
    ----------
    known : bool
        Whether that is known.

    Raises
    ------
    OptionError
    """
    if not known:
        raise OptionError(
            "Which labels the function takes an image for can't be told: nothing says what its scores are.",
            expected=argument("output", "probability", "logit"),
            given=argument("output", "auto"),
        )


def _possible(outputs: Outputs) -> tuple[str, ...]:
    if outputs.pixels:
        return (SEGMENTATION,)
    if outputs.number:
        return (REGRESSION,)
    if outputs.head == "softmax" or outputs.n < 2:
        return (CLASSIFICATION,)
    if outputs.head == "sigmoid":
        return (CLASSIFICATION, MULTILABEL)
    return (CLASSIFICATION, MULTILABEL, REGRESSION)


def _why(outputs: Outputs) -> str:
    if outputs.pixels:
        return f"it gives outputs for {shape_text(outputs.pixels)} pixels"
    if outputs.number:
        return "it has one output, and no softmax or sigmoid at its end"
    return f"it ends in a {outputs.head}" if outputs.head else f"it has {outputs.n} outputs for an image"


def _by_labels(outputs: Outputs, y: Any) -> str:
    """What labels speak for; without any, units with a sigmoid each are labels, and others, or two, classes."""
    if y is None:
        return MULTILABEL if outputs.head == "sigmoid" and outputs.n > 2 else CLASSIFICATION
    if is_label_sets(y) and not _is_table(y, outputs.n):
        return MULTILABEL
    rows = _rows(y)
    if rows is None:
        return CLASSIFICATION
    if not np.isin(rows, (0, 1)).all():
        # not what labels can be; where numbers are possible, they are
        return REGRESSION if outputs.head is None else CLASSIFICATION
    return MULTILABEL if (rows.sum(axis=1) != 1).any() else CLASSIFICATION


def _rows(y: Any) -> np.ndarray | None:
    """Labels as rows of several numbers, if they are such."""
    found = np.asarray(y)
    return found if found.ndim == 2 and found.shape[1] > 1 and found.dtype.kind in "buif" else None


def is_label_sets(y: Any) -> bool:
    """Whether each image has a set, a list, a tuple or an array of labels of its own."""
    return isinstance(y, list | tuple) and bool(y) and all(map(_is_collection, y))


def _is_collection(one: Any) -> bool:
    return isinstance(one, Set | list | tuple) or (isinstance(one, np.ndarray) and one.ndim == 1)


def label_flags(y: Any, names: tuple[str, ...], n_images: int) -> np.ndarray:
    """Which labels each image has, bool, shape (n, labels).

    Parameters
    ----------
    y : array_like of shape (n, labels) of 0 and 1, or sequence of collections of names or of numbers, which count from
        where those of the caller's language do
    names : tuple of str
    n_images : int

    Raises
    ------
    LabelError
        If these are no labels of so many images, or an image's label is not known.
    """
    if is_label_sets(y) and not _is_table(y, len(names)):
        return _from_sets(y, names, n_images)
    flags = np.asarray(y)
    if flags.ndim == 1 and flags.dtype.kind in "OUSTiu":
        numbers = flags.dtype.kind in "iu"
        return _from_sets([[one + first() if numbers else one] for one in flags.tolist()], names, n_images)
    if flags.shape != (n_images, len(names)) or flags.dtype.kind not in "buif" or not np.isin(flags, (0, 1)).all():
        raise LabelError(
            "`y` does not say which labels each image has.",
            expected=f"0 or 1 for each image and label, shape {shape_text((n_images, len(names)))}, or a "
            f"{spelled('list with a set', 'list with a vector')} of labels for each image",
            given=f"shape {shape_text(flags.shape)}"
            + (", with values other than 0 and 1" if flags.shape == (n_images, len(names)) else ""),
        )
    return flags.astype(bool)


def _is_table(y: Any, n_labels: int) -> bool:
    """Whether lists are rows of zeros and ones, one for each label."""
    return all(len(row) == n_labels and all(isinstance(one, int | float | np.number) for one in row) for row in y)


def _from_sets(y: Any, names: tuple[str, ...], n_images: int) -> np.ndarray:
    if len(y) != n_images:
        raise LabelError(
            "`y` must have the labels of each image.", expected=f"{n_images} sets of labels", given=str(len(y))
        )
    position = {name: at for at, name in enumerate(names)}
    flags = np.zeros((n_images, len(names)), bool)
    unknown: list[Any] = []
    for row, labels in zip(flags, y, strict=True):
        for label in labels:
            number = isinstance(label, int | np.integer) and not isinstance(label, bool)
            at = int(label) - first() if number else position.get(str(label), -1)
            if 0 <= at < len(names):
                row[at] = True
            else:
                unknown.append(label)
    if unknown:
        texts = sorted({str(label) for label in unknown})
        raise LabelError(
            "`y` holds labels that the model doesn't have.",
            expected=f"only {few(names)}, or numbers from {first()} to {first() + len(names) - 1}",
            given=few(texts),
            fix=nearest(texts, names, "give `classes` in the order of the model's outputs"),
        )
    return flags


def observed_rows(y: Any, names: tuple[str, ...], n_images: int) -> np.ndarray | None:
    """Observed numbers for a model that predicts several, float64, shape (n, outputs); None if there are none.

    Raises
    ------
    LabelError
        If there is not one finite number per image and output.
    """
    if y is None:
        return None
    try:
        given = np.asarray(y)
        numbers = given.astype(np.float64)
    except (TypeError, ValueError):
        numbers, given = np.empty(0), np.asarray(y, dtype=object)
    wanted = (n_images, len(names))
    if numbers.shape != wanted or not np.isfinite(numbers).all():
        raise LabelError(
            "`y` must hold a finite number for each image and output: the model predicts several numbers.",
            expected=f"shape {shape_text(wanted)}, a column for each of {few(names)}",
            given=f"shape {shape_text(given.shape)}" if given.shape != wanted else "values that are not finite numbers",
        )
    return numbers


def number_names(names: Any, y: Any, n_outputs: int, own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of the numbers that a model predicts: the user's, those of the columns of `y`, the model's, or counted.

    Raises
    ------
    LabelError
        If there are not as many different names as numbers.
    """
    columns = getattr(y, "columns", None)
    found = names if names is not None else columns if columns is not None else own or None
    if found is None:
        return tuple(f"output_{at + 1}" for at in range(n_outputs))
    texts = tuple(str(name) for name in ([found] if isinstance(found, str) else found))
    if len(texts) != n_outputs or len(set(texts)) != len(texts):
        raise LabelError(
            "The names don't match the numbers that the model predicts.",
            expected=f"{n_outputs} different names, one per output",
            given=f"{len(texts)}: {few(texts)}",
        )
    return texts
