"""Owen values: what sets the output apart is shared by zones of bands first, and by the bands within each after.

Bands of a zone join one after the other, before or after whole other zones: a coalition is a set of zones and some
bands of one more. That is a Shapley value over those orders in which zones stay together. Correlated bands are thus
compared with each other only, and what a zone has as a whole does not depend on how many bands it is cut into: the sum
over its bands is the zone's Shapley value. Of z zones with n_1, ..., n_z bands there are 2^z coalitions of whole zones
and 2^(z - 1) (2^n_i - 2) with a part of zone i, far fewer than all 2^bands; where they are more than 2^max_exact,
orders of zones, and of the bands within each, are drawn (see `orders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import factorial

import numpy as np

from ..data.options import Option, whole
from .coalitions import coalitions_of, exact, images_per_step
from .filling import ABSENT_OPTION
from .findings import Findings
from .kinds import BandMethod, ExactSum, always
from .orders import SAMPLING_OPTIONS, sampled, sampled_per_step
from .references import background_images
from .shapley import beforehand
from .task import Task


def scores(task: Task) -> Findings:
    """Owen values, exact or sampled with standard errors."""
    zones = _zones(task)
    if not _is_exact(task):
        yield from sampled(task, lambda random, count: places(zones, random, count))
        return
    coalitions, weights = owen_weights(zones)
    yield from exact(task, weights, coalitions)


def cuts(task: Task) -> Sequence[int]:
    """The first image of each step."""
    assert task.draws is not None
    m = len(task.draws)
    size = images_per_step(task, m, n_coalitions(_zones(task))) if _is_exact(task) else sampled_per_step(task, m)
    return range(0, task.images.n, size)


def _zones(task: Task) -> np.ndarray:
    assert task.zones is not None
    return task.zones


def _is_exact(task: Task) -> bool:
    return bool(n_coalitions(_zones(task)) <= 2 ** task.options["max_exact"])


def n_coalitions(zones: np.ndarray) -> int:
    """How many coalitions there are: sets of zones, and some of the bands of one more, but not none and not all.

    Parameters
    ----------
    zones : ndarray of int, shape (features,)
        Zone of each feature, from 0.
    """
    sizes = [int(size) for size in np.bincount(zones)]
    return 2 ** len(sizes) + 2 ** (len(sizes) - 1) * sum(2**size - 2 for size in sizes)


def owen_weights(zones: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All coalitions, and the weights with which their values add up to Owen values (Owen 1977).

    Returns
    -------
    coalitions : ndarray of bool, shape (s, features)
        The first is that of no feature, the last that of all.
    weights : ndarray of float64, shape (features, s)
        Both are read-only, as calls for the same zones share them.
    """
    return _owen_weights(tuple(zones.tolist()))


# a cluster's worker asks for the same zones block by block
@lru_cache(maxsize=4)
def _owen_weights(zone_of: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    zones = np.array(zone_of)
    n_zones = int(zones.max()) + 1
    others, found = coalitions_of(n_zones), dict[bytes, int]()
    rows: list[np.ndarray] = []
    terms: list[tuple[int, int, float]] = []

    def place(coalition: np.ndarray) -> int:
        if coalition.tobytes() not in found:
            found[coalition.tobytes()] = len(rows)
            rows.append(coalition)
        return found[coalition.tobytes()]

    place(np.zeros(len(zones), bool))
    for zone in range(n_zones):
        own = np.flatnonzero(zones == zone)
        within = coalitions_of(len(own))
        for outer in others[~others[:, zone]]:
            before = outer[zones]
            weight = _joining(int(outer.sum()), n_zones)
            for inner in within:
                coalition = before.copy()
                coalition[own[inner]] = True
                at, size = place(coalition), int(inner.sum())
                terms += [(int(one), at, weight * _joining(size - 1, len(own))) for one in own[inner]]
                terms += [(int(one), at, -weight * _joining(size, len(own))) for one in own[~inner]]
    weights = np.zeros((len(zones), len(rows)))
    features, places_of, parts = zip(*terms, strict=True)
    np.add.at(weights, (np.array(features), np.array(places_of)), np.array(parts))
    # the coalition of all features goes to the end
    last = found[np.ones(len(zones), bool).tobytes()]
    order = [*(one for one in range(len(rows)) if one != last), last]
    shared = np.array(rows)[order], weights[:, order]
    for one in shared:
        one.flags.writeable = False
    return shared


def _joining(size: int, n: int) -> float:
    """Part of the orders of n in which one comes directly after a given set of the others."""
    return factorial(size) * factorial(n - size - 1) / factorial(n)


def places(zones: np.ndarray, random: np.random.Generator, count: int) -> np.ndarray:
    """Places of the features in random orders in which zones stay together, shape (count, features)."""
    zone = random.permuted(np.tile(np.arange(zones.max() + 1), (count, 1)), axis=1)[:, zones]
    order: np.ndarray = (zone + random.random(zone.shape)).argsort(axis=1)
    return order.argsort(axis=1)


OWEN = BandMethod(
    name="owen",
    label="Owen values of bands",
    summary="Share of each whole band in what sets the output apart from its mean over the background: zones of bands "
    "(`groups`; learnt from the background if none are given) share first, the bands of each after.",
    cost="2^zones + 2^(zones - 1) x (2^bands - 2 of each zone) forward passes per image and background image; beyond "
    "2^max_exact, bands - 1 per order",
    reference="Owen 1977, doi:10.1007/978-3-642-45494-3_7",
    scores=scores,
    cuts=cuts,
    beforehand=beforehand,
    nested=True,
    options={
        "absent": ABSENT_OPTION,
        "max_exact": Option(
            12, "All coalitions are computed if there are at most 2 to the power of this, as of so many bands.", whole()
        ),
        **SAMPLING_OPTIONS,
    },
    sums=ExactSum(compared_with=background_images),
    needs_background=always,
)
