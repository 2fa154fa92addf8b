"""One step of the ascent as a recipe: plain numbers, made of a user's options and read by the ascent and its priors."""

from __future__ import annotations

from dataclasses import dataclass, field

from .views import Moves


@dataclass(frozen=True)
class Step:
    """One step, as a recipe; all numbers in parts of the bands' ranges.

    Attributes
    ----------
    objective : str
        Key of `OBJECTIVES`.
    size : float
        What the largest component of the gradient is made.
    moves : Moves
    images : int
        Per feature.
    diversity, l2, total_variation : float
        Strength of what is added to the gradient, relative to its largest component.
    clamp : {"fit", "clip", "none"}
        How images stay in their ranges: fitted as a whole, value by value, or not at all.
    fourier, decorrelate : bool
        Whether the gradient is taken in spatial frequencies that count as in natural images, and in bands that vary
        together as in the background.
    """

    objective: str
    size: float = 1 / 8
    moves: Moves = field(default_factory=Moves)
    images: int = 1
    diversity: float = 0.0
    l2: float = 0.0
    total_variation: float = 0.0
    clamp: str = "fit"
    fourier: bool = False
    decorrelate: bool = False
