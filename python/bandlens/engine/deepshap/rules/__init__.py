"""One rule per kind of step: how differences of its inputs become differences of its outputs, as a linear map.

Each rule is *complete*: for every pair of image and background, the map takes the inputs' differences to the outputs',
exactly, not in a limit. Completeness of the whole network follows. A map works in both directions: `pull` takes
multipliers of the outputs to multipliers of the inputs, `push` takes differences of the inputs to differences of the
outputs.

A new rule is a function from the pairs and a step to its map, in a file of its own here, and a line in `RULES`.

References
----------
Shrikumar, Greenside & Kundaje 2017, Learning important features through propagating activation differences (rescale
rule). Lundberg & Lee 2017, A unified approach to interpreting model predictions (DeepSHAP).
Chen, Lundberg & Lee 2021, Explaining a series of models by propagating Shapley values (several inputs, averaged
baselines).
"""

from __future__ import annotations

from .averages import ends, region, smooth
from .elementwise import announce_runs, mesh, multiply, quotient, run, squared_difference
from .exchange import exchange
from .linear import contraction, linear
from .maps import Map, Rule
from .maximum import announce_maxima, maximum
from .normalization import fused_normalization, normalization
from .softmax import log_softmax, softmax

__all__ = ["RULES", "Map", "Rule", "announce_maxima", "announce_runs"]

RULES: dict[str, Rule] = {
    "run": run,
    "mesh": mesh,
    "linear": linear,
    "product": multiply,
    "quotient": quotient,
    "squared_difference": squared_difference,
    "contraction": contraction,
    "maximum": maximum,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "normalization": normalization,
    "fused_normalization": fused_normalization,
    "smooth": smooth,
    "region": region,
    "ends": ends,
    "exchange": exchange,
}
