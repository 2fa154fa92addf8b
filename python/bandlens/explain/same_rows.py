"""The same question about other models or images whose rows are to be those of an answer.

A check compares tables row by row. Where images have no labels, their classes are what the model predicts, which
another model does not: so they are given as labels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.tasks import MULTILABEL, REGRESSION, SEGMENTATION
from ..errors import OptionError
from ..results.importance import BandImportance
from .question import Question


def with_rows_of(answer: BandImportance, question: Question, n_images: int) -> Question:
    """The question, with labels that give the rows of the answer.

    Raises
    ------
    OptionError
        If these depend on what the model predicts for pixels.
    """
    question = replace(question, task=answer.task or question.task)
    if answer.task == REGRESSION or len(answer.outputs) == 1:
        return question
    if answer.task == SEGMENTATION:
        if question.y is None or question.zone == "predicted":
            raise OptionError(
                "The zones are where the model predicts a class, which changes with the model.",
                expected="`y`, the class of each pixel, and its zones, or a mask as `zone`",
                given="no `y`" if question.y is None else "zone 'predicted'",
            )
        return question
    if answer.task == MULTILABEL:
        assert answer.images is not None
        flags = np.zeros((n_images, len(answer.classes)), np.int64)
        flags[answer.images, answer.image_class] = 1
        return replace(question, y=flags, classes=answer.classes)
    return replace(question, y=answer.image_class, classes=answer.classes)
