"""What bands do together beyond what each does: interactions of two or three, from the outputs of all coalitions.

The discrete derivative of a set S of bands at a coalition T without them is the sum over L in S of (-1)^(|S| - |L|)
v(T + L): what the bands of S do together once those of T are there. An index is a mean of it over T:

- "sii", Shapley interaction (Grabisch & Roubens 1999): T as it stands before S, taken for one band, in all orders;
- "banzhaf", Banzhaf interaction (same source): every T counts the same;
- "stii", Shapley-Taylor (Sundararajan, Dhamdhere & Agarwal 2020): of sets of the largest size, T as it stands before
  the first of S in all orders; of smaller ones, T is empty;
- "k-sii" (Bordt & von Luxburg 2023; Lundberg et al. 2020 for two): the Shapley interaction without what sets that are
  larger have in it, so that all sets together, as of "stii", sum to f(x) - mean f(background).

Of single bands, main effects are given: what a band does by itself. Shapley and Banzhaf values contain a half of each
interaction of two bands; these are taken out as of "k-sii", and of Banzhaf values as in the polynomial that is nearest
to the outputs of all coalitions (Grabisch, Marichal & Roubens 2000).

Every index is a sum of values of coalitions with weights: it costs one product of matrices more than Shapley values do.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb, factorial

import numpy as np

from ..data.options import Option, one_of, whole
from ..data.words import argument
from ..errors import BandError, OptionError
from .coalitions import coalition_values, coalitions_of, weighted
from .filling import ABSENT_OPTION
from .findings import Findings, Pairs, Scores
from .kinds import BandMethod, always
from .task import Request, Task

INDICES = ("sii", "k-sii", "stii", "banzhaf")
# those of which all sets together sum to f(x) - mean f(background)
COMPLETE = ("k-sii", "stii")
MOST_ORDER = 3
# Bernoulli numbers B_0 to B_2: parts of a set's interaction that the sets in it have, by how many bands are missing
BERNOULLI = (1.0, -1 / 2, 1 / 6)
# of the Banzhaf index, likewise
HALVES = (1.0, -1 / 2, 1 / 4)


def band_sets(n_features: int, order: int) -> np.ndarray:
    """Sets of 1 to `order` features, by size, then in order, shape (sets, order); -1 where there is no further one."""
    found = [
        (*members, *(-1,) * (order - size))
        for size in range(1, order + 1)
        for members in combinations(range(n_features), size)
    ]
    return np.array(found, np.int64).reshape(-1, order)


def scores(task: Task) -> Findings:
    """The index of every set of features, in the order of `band_sets`, as band scores are given."""
    weights = index_weights(len(task.members), task.options["order"], task.options["index"])
    for part, values in coalition_values(task):
        pairs = weighted(weights, values)
        yield Scores(part, task.over_background(pairs, part, 2))
        yield Pairs(part, pairs)
        task.tick(len(pairs))


def index_weights(n_features: int, order: int, index: str) -> np.ndarray:
    """Weights with which the values of all coalitions add up to an index of every set.

    Parameters
    ----------
    n_features : int
    order : int
        Size of the largest sets.
    index : {"sii", "k-sii", "stii", "banzhaf"}

    Returns
    -------
    ndarray of float64, shape (sets, 2^features)
        In the order of `band_sets` and `coalitions_of`.
    """
    sets = band_sets(n_features, order)
    members = _members(sets, n_features)
    if index == "stii":
        return _derivatives(members, _taylor(n_features, order))
    own = _derivatives(members, _banzhaf if index == "banzhaf" else _shapley)
    parts = _parts(members, HALVES if index == "banzhaf" else BERNOULLI)
    if index != "k-sii":  # of single bands alone, what larger sets have in them is taken out
        parts[n_features:] = np.eye(len(sets))[n_features:]
    return parts @ own


Weights = Callable[[int, int, int], float]


def _derivatives(members: np.ndarray, weight: Weights) -> np.ndarray:
    """Means of discrete derivatives, as weights on coalitions; a coalition's T is what of it is not in the set.

    `weight` is told how many features there are, the size of the set, and that of T.
    """
    n = members.shape[1]
    coalitions = coalitions_of(n).astype(np.int64)
    size = members.sum(axis=1)[:, None]
    inside = members @ coalitions.T
    table = np.array([[weight(n, s, t) if s + t <= n else 0.0 for t in range(n + 1)] for s in range(n + 1)])
    found: np.ndarray = table[size, coalitions.sum(axis=1) - inside] * np.where((size - inside) % 2, -1.0, 1.0)
    return found


def _shapley(n: int, s: int, t: int) -> float:
    return factorial(n - t - s) * factorial(t) / factorial(n - s + 1)


def _banzhaf(n: int, s: int, t: int) -> float:
    return float(0.5 ** (n - s))


def _taylor(n_features: int, order: int) -> Weights:
    def weight(n: int, s: int, t: int) -> float:
        return float(t == 0) if s < order else order / (n * comb(n - 1, t))

    return weight


def _members(sets: np.ndarray, n_features: int) -> np.ndarray:
    """Which features are in each set, as 0 and 1, shape (sets, features)."""
    return (sets[:, :, None] == np.arange(n_features)).sum(axis=1)


def _parts(members: np.ndarray, by_missing: tuple[float, ...]) -> np.ndarray:
    """How much of the index of each set (columns) is that of each set in it (rows), 0 where it is not in it."""
    size = members.sum(axis=1)
    within = members @ members.T == size[:, None]
    missing = np.where(within, size - size[:, None], 0)
    found: np.ndarray = np.where(within, np.array(by_missing)[missing], 0.0)
    return found


def prepare(request: Request) -> None:
    """There must be as many bands as interact, and few enough for all their coalitions."""
    n, order, most = request.n_features, request.options["order"], request.options["max_exact"]
    if order > n:
        raise BandError(
            "There are fewer bands than shall interact.",
            expected=f"at least {order} bands or groups, or a smaller `order`",
            given=f"{n} and {argument('order', order)}",
        )
    if n > most:
        raise BandError(
            "There are too many bands to compute all their coalitions.",
            expected=f"at most {most} bands or groups (`max_exact`)",
            given=f"{n}, of which there are 2^{n} coalitions",
            fix="treat bands as one with `groups`, or raise `max_exact`: each band more takes twice as long",
        )


def _check_order(name: str, value: int) -> int:
    order = whole()(name, value)
    if order > MOST_ORDER:
        raise OptionError(
            f"`{name}` must be a whole number from 1 to {MOST_ORDER}: how many bands interact at most.",
            given=str(order),
        )
    return order


INTERACTIONS = BandMethod(
    name="interactions",
    label="Interactions of bands",
    summary="What bands do to the output together, beyond what each does, averaged over which others are there.",
    cost="2^bands forward passes per image and background image, those of exact Shapley values",
    reference="Grabisch & Roubens 1999; Sundararajan, Dhamdhere & Agarwal 2020; Bordt & von Luxburg 2023",
    scores=scores,
    options={
        "index": Option("sii", "How discrete derivatives are averaged.", one_of(*INDICES)),
        "order": Option(2, "Size of the largest sets of bands.", _check_order),
        "absent": ABSENT_OPTION,
        "max_exact": Option(12, "Most bands (or groups) for which all coalitions are computed.", whole()),
    },
    prepare=prepare,
    needs_background=always,
)
