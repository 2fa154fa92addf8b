"""Scores of patches, a cell for each: where a model has one answer for a patch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.tasks import CLASSIFICATION, MULTILABEL
from ..explain.calls import checked
from ..explain.importance import importance_of
from ..explain.question import Question
from ..explain.windows import window_outputs
from ..models.predictor import Predictor
from ..results.importance import BandImportance
from .grid import Block, patch_region
from .ground import complete
from .rasters import Region
from .work import PREDICTION, PROBABILITY, SCORE, SceneWork, Tally, Traced, batches


def region(work: SceneWork, block: Block) -> Region:
    """Pixels that the patches of a block cover."""
    return patch_region(block, work.size, work.stride)


def answer(question: Question, predictor: Predictor, *, fit: bool = False) -> BandImportance:
    """Scores of patches; a cell has one answer: of several labels the likeliest, or the one that is asked for."""
    if predictor.task == MULTILABEL:
        predictor = replace(predictor, task=CLASSIFICATION)
    return importance_of(question, False, checked(question, predictor=predictor), fit=fit)


def scores(
    model: Traced, work: SceneWork, block: Block, values: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], Tally]:
    """Arrays of a block, and what there is to say of it."""
    found = work.layers.empty(block.rows, block.cols)
    flat = {name: array.reshape(*array.shape[:-2], -1) for name, array in found.items()}
    rows, cols = np.divmod(np.arange(block.rows * block.cols), block.cols)
    top, left = (block.row + rows) * work.stride, (block.col + cols) * work.stride
    covered, tally = region(work, block), Tally()
    for part in batches(len(top), work.at_once):
        windows = work.ground.windows(values, covered, top[part], left[part], work.size)
        whole = complete(windows)
        cells = np.arange(part.start, part.stop)[whole]
        tally = tally.plus(Tally(len(cells), len(whole) - len(cells)))
        if not len(cells):
            continue
        if not whole.all():
            windows = {name: own[whole] for name, own in windows.items()}
        question = work.question(model.model, windows)
        traced = model.of(question)
        result = answer(question, traced.explained)
        tally = tally.plus(Tally(completeness=result.completeness))
        own_scores = np.moveaxis(result.scores, 0, -1)
        flat[SCORE][..., cells] = own_scores if work.layers.outputs else own_scores[0]
        if work.layers.prediction:
            flat[PREDICTION][cells] = result.prediction + 1
        if work.layers.labels:
            flat[PROBABILITY][:, cells] = window_outputs(question, traced).values.T
    return found, tally
