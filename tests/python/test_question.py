"""The record of a user's question is what the verbs say: the same arguments, with the same defaults."""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, fields
from inspect import Parameter, signature
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.explain.question import Question

# of the verbs, but no part of the question
BESIDE = {"progress", "method_options", "image_bands", "verb_arguments", "sampling"}


# maps keep pixels, and steps with them: there is nothing to reduce
NO_REDUCTION = {"statistic", "groups", "time_axis", "times"}


@pytest.mark.parametrize(("verb", "lacks"), [(bl.band_importance, set()), (bl.band_maps, NO_REDUCTION)])
def test_a_question_has_the_arguments_of_the_verbs(verb: Any, lacks: set[str]) -> None:
    asked = {name: given.default for name, given in signature(verb).parameters.items() if name not in BESIDE}
    # how much is to be done, and by whom, is no part of the question
    assert asked.pop("client") is None
    if verb is bl.band_importance:
        assert [asked.pop(name) for name in ("precision", "max_seconds")] == [None] * 2
        assert asked["n_background"] is None
        asked["n_background"] = 100
    known = {
        entry.name: Parameter.empty if entry.default is MISSING else entry.default
        for entry in fields(Question)
        if entry.name not in BESIDE | lacks
    }
    assert asked == known


def test_what_is_no_argument_is_an_option_of_the_method() -> None:
    x = np.ones((2, 3, 3, 4))
    question = Question.of(np.mean, x, None, method="lime", seed=3, ridge=0.1, method_options=1)
    assert (question.model, question.x, question.y) == (np.mean, x, None)
    assert (question.method, question.seed) == ("lime", 3)
    assert question.method_options == {"ridge": 0.1, "method_options": 1}
    with pytest.raises(FrozenInstanceError):
        question.seed = 4  # type: ignore[misc]


def test_an_option_that_no_method_has_is_refused_by_checks_too() -> None:
    x = np.ones((4, 3, 3, 4))
    for check in (bl.check_stability, bl.check_null):
        with pytest.raises(bl.errors.OptionError, match="has no such option"):
            check(lambda x: x[:, 0, 0, :2], x, no_such=1)
