"""Rules for what depends on single elements: runs, meshes, products and quotients."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import factorial
from typing import Any

from .. import formulas
from ..multiplier import Factor, computed_anew, terms_of
from ..pairs import Pairing, Pairs
from ..plan import Step
from .maps import Map, middle, pair_lead, scaled


def run(pairs: Pairs, step: Step) -> Map:
    """A whole run of elementwise operations: delta out / delta in, or a constant where the run is linear."""
    (root,), (value,) = step.inputs, step.outputs
    if value in pairs.plan.straight:
        return scaled(pairs, step, {root: pairs.slope(value, root)})
    start = pairs.plan.ratio_from[value]
    sides: tuple[Any, ...] = (*pairs.sides(start), *pairs.sides(value))
    function, static = _ratio(pairs, value)
    if function is formulas.run_ratio:
        slope = pairs.derivative(value, start)
        sides = (*sides, slope, formulas.reach(pairs.nd, sides[0], sides[2], slope))
    ratio = Factor(function, sides, static)
    return scaled(pairs, step, {root: [ratio, *(pairs.slope(start, root) or _ones(pairs, value, start, root))]})


def _ones(pairs: Pairing, value: int, start: int, root: int) -> list[Any]:
    """A constant for a run that has none, so that what is compiled for runs with one serves it, too."""
    alike = pairs.layouts[start].shape == pairs.layouts[root].shape
    if not alike or value in pairs.pooled or not pairs.backend.fuses():
        return []
    return [pairs.ones(root)]


def announce_runs(pairs: Pairing, outputs: int | None) -> None:
    """Say which formulas runs will ask for, before anything is there that they are of.

    Left out are runs up to a maximum over windows, whose multipliers are computed together with its.

    Parameters
    ----------
    pairs : Pairs
    outputs : int or None
        Outputs whose multipliers are sent back; None if differences are sent forward.
    """
    image, reference = pairs.leads
    for step in reversed(pairs.plan.steps):
        (root, *_), (value, *_) = step.inputs, step.outputs
        if step.rule != "run" or value in pairs.plan.straight or value in pairs.pooled:
            continue
        function, static = _ratio(pairs, value)
        leads = [image, reference, image, reference, *([image, image] if function is formulas.run_ratio else [])]
        start = pairs.plan.ratio_from[value]
        # in place of each tensor, its leading axes
        constants = [[1, 1, 1]] if pairs.layouts[start].shape == pairs.layouts[root].shape else []
        terms, leads = terms_of([Factor(function, tuple(map(list, leads)), static), *constants])
        if outputs is not None and computed_anew(outputs):
            core = (outputs, pairs.n, pairs.m)
            pairs.announce_in_a_row(formulas.product, value, [core, *leads], terms=terms)
        else:
            pairs.announce_in_a_row(formulas.factor, value, leads, terms=terms)


def _ratio(pairs: Pairing, value: int) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The formula of a run's ratio."""
    homogeneous = pairs.is_homogeneous(value, pairs.plan.ratio_from[value])
    return formulas.homogeneous_ratio if homogeneous else formulas.run_ratio, {"rounding": pairs.rounding}


def mesh(pairs: Pairs, step: Step) -> Map:
    """Elementwise in several tensors: the exact Shapley value of each, from all coalitions, over its own difference.

    Where an input hardly differs, the mean of the function's derivative in it over the same coalitions takes its place.
    """
    (output,), players = step.outputs, step.inputs
    shape = pairs.layouts[output].shape
    full = (*pair_lead(pairs), *shape)
    sides = {
        player: [pairs.nd.broadcast_to(pairs.stretch(side, len(shape)), full) for side in pairs.sides(player)]
        for player in players
    }
    coalitions = list(product((0, 1), repeat=len(players)))  # 1: the player takes the background's value
    found = {
        coalition: pairs.evaluate_with_slopes(
            output, {p: sides[p][side] for p, side in zip(players, coalition, strict=True)}
        )
        for coalition in coalitions
    }
    factors = {}
    for index, player in enumerate(players):
        change = slope = pairs.nd.zeros_like(sides[player][0])
        for without in (coalition for coalition in coalitions if coalition[index] == 1):
            present = len(players) - sum(without)
            weight = factorial(present) * factorial(len(players) - present - 1) / factorial(len(players))
            joined = (*without[:index], 0, *without[index + 1 :])
            change = change + weight * (found[joined][0] - found[without][0])
            slope = slope + weight * (found[joined][1][player] + found[without][1][player]) / 2
        given = (*sides[player], change, slope)
        factors[player] = Factor(formulas.shapley_slope, given, {"rounding": pairs.rounding})
    return scaled(pairs, step, factors)


def multiply(pairs: Pairs, step: Step) -> Map:
    """Elementwise product: each input's Shapley value divides out to the mean of the other input over the pair."""
    left, right = step.inputs
    return scaled(pairs, step, {left: middle(pairs, right), right: middle(pairs, left)})


def quotient(pairs: Pairs, step: Step) -> Map:
    """Elementwise quotient u / v: Shapley values of the two inputs in closed form."""
    top, bottom = step.operation.inputs
    rank = len(pairs.layouts[step.outputs[0]].shape)
    sides = (pairs.stretch(side, rank) for side in (*pairs.sides(bottom), middle(pairs, top)))
    of_top, of_bottom = pairs.formula(formulas.quotient_slopes, *sides)
    return scaled(pairs, step, {top: of_top, bottom: of_bottom})


def squared_difference(pairs: Pairs, step: Step) -> Map:
    """(u - v)^2, the square of a linear function: the ratio of the square, passed on with either sign."""
    left, right = step.operation.inputs
    rank = len(pairs.layouts[step.outputs[0]].shape)
    slope = 2 * (pairs.stretch(middle(pairs, left), rank) - pairs.stretch(middle(pairs, right), rank))
    return scaled(pairs, step, {left: slope, right: -slope})
