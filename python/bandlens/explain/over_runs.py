"""One question for several trained models, whose importances are pooled: as `pool_importance` does, in one call.

All models are checked before anything is computed. What was warned of for several of them is said once.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

from ..data.words import argument, few
from ..errors import BandlensError, BandlensWarning, ModelTypeError, OptionError
from ..models.saved import loaded
from ..progress import Progress, Tick, ticker
from ..results.importance import BandImportance
from ..results.pooled import PooledImportance
from ..results.pooling import check_alike, check_enough, named_runs, pooled, run_names
from .calls import Call, checked
from .effort import Effort
from .question import Question

# computes a table of a question that was checked
Compute: TypeAlias = Callable[[Question, Progress, Call], BandImportance]
Heard: TypeAlias = dict[tuple[type[Warning], str], list[str]]


def several_models(model: Any) -> dict[str, Any] | None:
    """Models by name where there are several; None for a single one, which is never a list or a dict."""
    if isinstance(model, Mapping):
        return named_runs([str(name) for name in model], list(model.values()))
    if isinstance(model, list | tuple):
        return dict(zip(run_names(len(model)), model, strict=True))
    return None


def over_runs(
    question: Question, models: Mapping[str, Any], effort: Effort, progress: Progress, compute: Compute
) -> PooledImportance:
    """Check all models, compute their importances one after the other, and pool them.

    Raises
    ------
    BandlensError
        Before anything is computed, if one of the models doesn't fit, which the message names, or they don't fit
        together.
    """
    _check_models(question, models, effort)
    heard: Heard = defaultdict(list)
    calls: dict[str, Call] = {}
    for name, model in models.items():
        with _hearing(heard, name):
            try:
                calls[name] = checked(replace(question, model=loaded(model)))
            except BandlensError as error:
                message = f"Model {name!r}: {error.message}"
                raise type(error)(message, expected=error.expected, given=error.given, fix=error.fix) from error
    _check_calls(calls)
    results: dict[str, BandImportance] = {}
    label = f"{next(iter(calls.values())).method.label}, {len(calls)} models"
    with ticker(progress, sum(call.images.n for call in calls.values()), label) as tick:
        for name, call in calls.items():
            with _hearing(heard, name):
                results[name] = compute(replace(question, model=call.model), _part_of(tick), call)
    _warn(heard, list(calls))
    return pooled(results)


def _check_models(question: Question, models: Mapping[str, Any], effort: Effort) -> None:
    check_enough(len(models))
    if not question.method:
        raise OptionError(
            "Several models take one method at a time.",
            expected="one method",
            given="several",
            fix="call for each of the methods",
        )
    if effort.in_rounds:
        name = "precision" if effort.precision is not None else "max_seconds"
        raise OptionError(
            f"`{name}` is for one model: all models of a list explain the same images, against the same background.",
            expected=argument(name, None),
            given=f"{len(models)} models",
            fix="choose images and `n_background`, which decide how precise it is; the pooled table says how much of "
            "the variance more of them could not reduce (`between_runs`)",
        )
    seen: dict[int, str] = {}
    for name, model in models.items():
        if isinstance(model, list | tuple | Mapping):
            raise ModelTypeError(
                f"Model {name!r} is no model.",
                expected="a trained model, or the path of a saved one",
                given=f"a {type(model).__name__}",
            )
        if seen.setdefault(id(model), name) != name and not isinstance(model, str):
            raise ModelTypeError(
                f"Models {seen[id(model)]!r} and {name!r} are one and the same.",
                expected="models that were trained separately",
                given="one object twice",
                fix="make a new model before each training; one that is trained again stays the same object",
            )


def _check_calls(calls: Mapping[str, Call]) -> None:
    """What would stop results from being pooled, as far as it is known before."""
    check_alike(
        {
            name: {
                "the classes": call.classes,
                "the outputs of the model": call.outputs,
                "the bands": call.bands,
                "the scale of the output": call.predictor.scale,
                "what the outputs stand for": call.predictor.task,
            }
            for name, call in calls.items()
        }
    )


def _part_of(tick: Tick) -> Callable[[int, int], None]:
    """Tell of one model's images as a part of all."""
    before = 0

    def tell(done: int, total: int) -> None:
        nonlocal before
        tick(done - before)
        before = done

    return tell


@contextmanager
def _hearing(heard: Heard, name: str) -> Iterator[None]:
    """Keep what bandlens warns of, with the model that it is about; other warnings go their way."""
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", BandlensWarning)
            yield
    finally:
        for one in caught:
            if issubclass(one.category, BandlensWarning):
                heard[one.category, str(one.message)].append(name)
            else:
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _warn(heard: Heard, names: Sequence[str]) -> None:
    """Say once what is about several models, and about which if not about all."""
    for (kind, text), models in heard.items():
        about = "" if len(set(models)) == len(names) else f"Model{'s' * (len(models) > 1)} {few(models)}: "
        warnings.warn(about + text, kind, stacklevel=4)
