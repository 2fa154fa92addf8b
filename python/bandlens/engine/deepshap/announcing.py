"""Formulas that a step will ask for are said beforehand, for a compiler that works while the step is written.

What they are follows from the model and from how many images there are; no image has to be there.
"""

from __future__ import annotations

from .pairs import Pairing
from .rules import announce_maxima, announce_runs
from .walk import prefers_forward


def announce(pairing: Pairing, outputs: int, n_bands: int, *, maps: bool) -> None:
    """Say which formulas a step will ask for.

    Parameters
    ----------
    pairing : Pairing
    outputs, n_bands : int
        Explained outputs, and bands.
    maps : bool
        Whether pixels are kept.
    """
    forward = not maps and pairing.plan.forward and prefers_forward(n_bands, outputs)
    for say in (announce_runs, announce_maxima):
        say(pairing, None if forward else outputs)
