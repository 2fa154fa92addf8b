"""Samples as even over classes as there are images for: classes take turns, so that the first of an order are a sample.

What comes first in an order stays in it when more is taken: samples that grow are nested.
"""

from __future__ import annotations

import numpy as np


def in_turn(codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Positions in a random order in which every class has its turn, shape (n,), from classes of shape (n,)."""
    shuffled = random.permutation(len(codes))
    turn = turns(codes, shuffled)
    found: np.ndarray = shuffled[np.argsort(turn[shuffled], kind="stable")]
    return found


def turns(codes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """How many of its class come before each position in an order, shape (n,), int64."""
    turn = np.empty(len(codes), np.int64)
    for code in np.unique(codes):
        mine = order[codes[order] == code]
        turn[mine] = np.arange(len(mine))
    return turn
