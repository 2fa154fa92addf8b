"""One question for several methods: the model is loaded and traced once, and all is checked before any is answered.

Whatever the methods have in common is asked of each of them; an option goes to those that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..errors import OptionError
from ..methods import METHODS
from ..models.saved import loaded
from ..progress import THOUSAND, Progress
from .calls import Call, checked
from .question import Question
from .targets import Targets, find_targets


def checked_calls(
    question: Question,
    methods: Sequence[str],
    find: Callable[..., Targets] = find_targets,
    *,
    in_rounds: bool = False,
) -> list[Call]:
    """Check the question for each method; raises what `checked` raises.

    Parameters
    ----------
    question : Question
    methods : sequence of str
        Different keys of `bandlens.METHODS`.
    find, in_rounds
        As for `checked`.
    """
    _check_methods(methods)
    _check_options(question, methods)
    question, calls = replace(question, model=loaded(question.model)), list[Call]()
    for name in methods:
        options = {key: value for key, value in question.method_options.items() if key in METHODS[name].options}
        own = replace(question, method=name, method_options=options)
        predictor = calls[0].predictor if calls else None
        calls.append(checked(own, predictor=predictor, find=find, in_rounds=in_rounds))
    return calls


def progress_of(progress: Progress, calls: Sequence[Call], *, in_rounds: bool = False) -> Iterator[Progress]:
    """What each call tells of its progress: a bar of its own, or, to a callable, its part of all that is to be done."""
    for place, call in enumerate(calls):
        n = THOUSAND if in_rounds else call.images.n
        yield _part(progress, place, n, len(calls)) if callable(progress) else progress


def _part(progress: Callable[[int, int], object], place: int, n: int, calls: int) -> Callable[[int, int], object]:
    return lambda done, total: progress(place * n + done, calls * n)


def _check_methods(methods: Sequence[str]) -> None:
    unknown = [name for name in methods if not isinstance(name, str) or name not in METHODS]
    if unknown or len(set(methods)) != len(methods) or not len(methods):
        twice = sorted({name for name in methods if list(methods).count(name) > 1}) if not unknown else []
        raise OptionError(
            "`method` must name different methods.",
            expected=" or ".join(map(repr, METHODS)),
            given=f"more than once: {', '.join(twice)}" if twice else ", ".join(map(repr, unknown)) or "none",
        )


def _check_options(question: Question, methods: Sequence[str]) -> None:
    known = [option for name in methods for option in METHODS[name].options]
    unknown = sorted(set(question.method_options) - set(known))
    if unknown:
        raise OptionError(
            "The methods have no such option.",
            expected=", ".join(dict.fromkeys(known)) or "no options",
            given=", ".join(unknown),
        )
