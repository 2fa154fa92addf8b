"""Scores of a call are computed by workers, where a cluster is at work for it.

The question is checked, and the answer checked and made a table of, in the session that asks. Workers compute what
takes long: the model's outputs for all images (`outputs`), and the method's scores, in the compiled steps of one
process.
"""

from __future__ import annotations

from ..cluster.sharing import shared_scores
from ..cluster.workers import workers
from ..methods import Task
from ..methods.findings import Findings
from .calls import Call


def maps_of(call: Call, task: Task) -> Findings:
    """Maps that the method finds, wherever they are computed."""
    assert call.method.maps is not None
    team = workers()
    return call.method.maps(task) if team is None else shared_scores(team, task, call.method, call.model, maps=True)


def scores_of(call: Call, task: Task) -> Findings:
    """What the method finds, wherever it is computed."""
    team = workers()
    if team is None:
        return call.method.answer(task)
    return call.method.answer(task, shared_scores(team, task, call.method, call.model))
