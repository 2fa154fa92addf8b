"""What there is to say of a table that is of fewer images than were given: how far it came, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..data.words import and_more, few
from ..errors import BandlensWarning, InterruptedWarning, PrecisionWarning
from ..results.cells import cell_names
from ..results.precision import parts_of, widest
from .answering import Answered
from .calls import Call
from .effort import Effort
from .rounds import Outcome

Doubt = tuple[type[BandlensWarning], str]
MOST_NAMED = 4


def points(share: float) -> str:
    """A part of a share, as people say it."""
    return f"\u00b1{100 * share:.2g} points"


def doubts_of(answer: Answered, call: Call) -> Iterator[Doubt]:
    """Of a call that was interrupted."""
    before = call.targets.codes
    after = answer.call.targets.codes
    codes, counts = np.unique(before, return_counts=True)
    done = np.array([(after == code).sum() for code in codes])
    text = (
        f"Interrupted: the table is of the first {answer.rows} of {answer.asked} images, and its intervals are wider."
    )
    none = [call.classes[code] for code in codes[done == 0]]
    if none:
        text += (
            f" None of {_classes(none)} was among them: images are explained in the order in which they are given. "
            "`max_seconds` takes as many of every class."
        )
    elif (done < counts).any():
        numbers = few((f"{call.classes[code]} {n}" for code, n in zip(codes, done, strict=True)), MOST_NAMED)
        text += f" Of each class: {numbers}." if len(codes) > 1 else ""
    yield InterruptedWarning, text


def doubts_of_rounds(outcome: Outcome, call: Call, effort: Effort) -> Iterator[Doubt]:
    """Of a table that was made in rounds; `call` is for everything."""
    result = outcome.result
    made = f"{_number(outcome.answer.rows, call.images.n)} images"
    if result.background is not None and call.draws is not None:
        made += f" and {_number(len(result.background), len(call.draws))} background images"
    reached = result.precision_reached
    if outcome.ended == "interrupted":
        known = "" if reached is None else f", shares are known to {points(reached)}"
        yield InterruptedWarning, f"Interrupted: the table is of {made}{known}."
        return
    found = widest(result.table)
    if effort.precision is None or found is None or result.converged:
        return
    code = int(result.cells[found.cell, 0])
    name = call.classes[code]
    if not np.isfinite(found.half_width):
        known = "the others are not known" if reached is None else f"the others are known to {points(reached)}"
        alone = [call.classes[one] for one, n in zip(outcome.classes, outcome.supply.n, strict=True) if n == 1]
        one = f"{_classes(alone)} has a single image" if alone else f"class '{name}' has too few images"
        yield PrecisionWarning, f"Of shares that rest on one image nothing is known: {one}. With {made}, {known}."
        return
    over = f"The {effort.max_seconds:g} seconds are over: s" if outcome.ended == "time" else "S"
    yield (
        PrecisionWarning,
        f"{over}hares are known to {points(found.half_width)} (with {made}), not to {points(effort.precision)} as "
        f"asked for. Least is known of band '{cell_names(result)[found.band]}' for class '{name}'; "
        f"{_helps(outcome, call, found.cell, found.band, code)}",
    )


def _helps(outcome: Outcome, call: Call, cell: int, band: int, code: int) -> str:
    """What would make the interval of a share narrower, by the largest of its parts.

    Where the whole pool would not do, by the part that would be the largest with all of it.
    """
    result = outcome.result
    images, background, pairs, *bias = (float(part[cell, band]) for part in parts_of(result))
    of_background, of_draws = bias[0] / 2, sum(bias[1:]) / 2
    used = int(outcome.answer.call.targets.codes.tolist().count(code))
    there = int((call.targets.codes == code).sum())
    if outcome.ended == "exhausted":
        images, pairs = images * used / there, pairs * used / there
        background *= outcome.design.m / max(outcome.supply.m, 1)
    # it may need more than there are, or more time
    more = "more" if used == there or outcome.ended != "exhausted" else "many more"
    option = call.method.comparisons
    if of_draws**2 + pairs > max(images - pairs, background) and option is not None and result.pair_places is not None:
        return f"a larger `{option}` than {result.options[option]} would help most."
    if background > images or of_background**2 > images:
        if call.strata is not None and outcome.design.m == outcome.supply.m < len(call.strata):
            fewest = _fewest(call.strata, call.classes)
            return f"more background images of {fewest} would help most, so that all classes have as many."
        what = "`n_background` or `background`" if call.background_source == "background" else "`background`"
        return f"{more} background images ({what}) would help most."
    return f"{more} images of the class would help most ({used} of {there} were used)."


def _fewest(strata: np.ndarray, classes: tuple[str, ...]) -> str:
    """The classes of which there are fewest background images."""
    codes, counts = np.unique(strata, return_counts=True)
    return _classes([classes[code] for code in codes[counts == counts.min()]])


def _number(used: int, there: int) -> str:
    return f"all {there}" if used == there else f"{used} of {there}"


def _classes(names: list[str]) -> str:
    return f"class {names[0]!r}" if len(names) == 1 else f"classes {and_more(list(map(repr, names)), MOST_NAMED)}"
