"""Takes in what a method finds, part by part, and refuses what is not finite as soon as it comes.

It may be told to stop before the end; then there is what was found for the rows that are finished.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..methods.findings import Findings, Found, Maps, Scores, Units
from ..models.finite import check_finite, check_outputs
from .calls import Call


class _EnoughError(Exception):
    """There is no need to go on."""


@dataclass
class Watch:
    """Looks at what is found while it is found, and may be content with the rows that are finished.

    Attributes
    ----------
    enough : callable
        Told what was found so far whenever rows were finished; whether that is enough.
    on_interrupt : bool
        Whether an interrupt is a moment to be content with them, if there are any; else it goes on.
    found : Found or None
    ended, interrupted : bool
        Whether it came to that, and why.
    """

    enough: Callable[[Found], bool] = lambda found: False
    on_interrupt: bool = False
    found: Found | None = None
    ended: bool = False
    interrupted: bool = False

    def hearing(self, tick: Callable[[int], None]) -> Callable[[int], None]:
        """What to tell of progress, so that it is heard here, too."""

        def heard(count: int) -> None:
            tick(count)
            if self.found is not None and len(self.found.finished) and self.enough(self.found):
                raise _EnoughError

        return heard


def gathered(call: Call, findings: Findings, watch: Watch | None = None) -> Found:
    """Everything that a method finds; the model's outputs go into the call that lacks them.

    If it ended before all was found, `watch` knows, and rows that are not `finished` hold anything.
    """
    found = Found(call.images.n, call.targets.codes)
    if watch is None:
        _gather(call, findings, found)
        return found
    watch.found = found
    try:
        _gather(call, findings, found)
    except _EnoughError:
        watch.ended = True
    except KeyboardInterrupt:
        if not watch.on_interrupt or not len(found.finished):
            raise
        watch.ended = watch.interrupted = True
    return found


def _gather(call: Call, findings: Findings, found: Found) -> None:
    for finding in findings:
        if isinstance(finding, Units):
            if call.targets.deferred:
                check_outputs(finding.values, positions=finding.images)
                call.targets.outputs[finding.images] = call.predictor.from_units(finding.values)
            continue
        if isinstance(finding, Scores | Maps):
            label, differentiates = call.method.label, call.method.differentiates
            check_finite(finding.values, finding.images, label, differentiates=differentiates)
        found.add(finding)
