"""Does a method see that the model ignores a band, and treat two equal bands alike? Two bands more will tell.

The model is wrapped so that it takes two more bands without giving other outputs: it ignores the one (noise), and takes
the mean of the other (a copy of a band) and of that band where it took the band. What a method must say of these bands
is known without knowing the model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..cluster.workers import at_work
from ..data.images import check_images
from ..data.naming import cell_label, named_bands
from ..data.options import whole
from ..data.words import and_more, argument
from ..errors import OptionError
from ..explain.arranging import in_order
from ..explain.importance import importance_of
from ..explain.question import Question
from ..explain.same_rows import with_rows_of
from ..methods.filling import MARGINAL
from ..models.predictor import loaded, make_predictor
from ..progress import Progress, starting, ticker
from ..results.cells import cell_levels, in_cells
from ..results.importance import BandImportance
from .firsts import MOST, cell
from .result import Check
from .wider import Place, WiderModel, place_of, wider_question

# what counts as rounding: relative to the largest importance of a class, and to the outputs where scores are their
# differences
ROUNDING = 1e-4
OUTPUT_ROUNDING = 2e-6
# standard errors by which sampled scores may differ: about one check in a thousand fails by chance in a table of 60
ERRORS = 4.0
# of the largest importance, for methods that approximate the model by another and so only nearly satisfy axioms
APPROXIMATION = 0.1

ROLES = ("noise", "original", "copy", "both")
OUTCOMES = ("failed", "passed")

# methods for which the original and its copy together get what the band gets alone
ADDS_UP = ("saliency", "gradient_x_input", "integrated_gradients", "expected_gradients", "deepshap")
APPROXIMATE = ("lime",)

# arguments besides those of the table
OWN = ("duplicate",)


def check_null(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    method: str = "deepshap",
    duplicate: str | int | None = None,
    seed: int = 0,
    client: Any = None,
    progress: Progress = None,
    **options: Any,
) -> Check:
    """Give the model a band of noise that it ignores and a copy of a band, and see what a method makes of them.

    With ``j`` the band that is copied, the model f becomes ``f'(x') = f(x'_1, ..., (x'_j + copy) / 2, ...)``, which
    doesn't depend on the noise and gives the outputs that f gives. The noise has the values of band ``j``, shuffled
    over images and pixels. Then

    - the noise must score 0 (the dummy axiom), whatever the method;
    - the band and its copy must score the same (the symmetry axiom), whatever the method;
    - both together must score what the band scores alone, if the method is linear in the model's first layer:

    ====================  =====  ===============  ================================================================
    method                noise  original = copy  both = band alone
    ====================  =====  ===============  ================================================================
    saliency              exact  exact            exact: gradients are halved by the chain rule
    gradient_x_input      exact  exact            exact
    integrated_gradients  exact  exact            exact
    expected_gradients    exact  exact            exact: the draws are the same ones
    deepshap              exact  exact            exact: the mean is linear, so multipliers pass by the chain rule
    lrp                   exact  exact            not implied: its rules see which layers read bands themselves
    smoothgrad            exact  exact            not implied: the mean of two bands has less noise
    vargrad               exact  exact            not implied: variances are quartered, so both have half
    occlusion             exact  exact            not implied: without the one, half of the other is left
    permutation           exact  exact            not implied, for the same reason
    shapley               exact  exact*           not implied: bands that interact share by their number
    sage                  exact  exact*           not implied, for the same reason
    lime                  near   near             not implied: it fits a linear model to what need not be linear
    ====================  =====  ===============  ================================================================

    Exact is up to rounding: 1e-4 of the largest importance in the same row of the class x band table. (*) up to 4
    standard errors where they are sampled. Near is 10 % of that largest importance: the coefficients of
    LIME's weighted ridge regression satisfy no axiom exactly. A method that passes may still be wrong elsewhere.

    Parameters
    ----------
    model, x, y
        As for `band_importance`.
    method : str
        Key of `bandlens.METHODS`.
    duplicate : str or int, optional
        Band to copy, by name ("input:band") or position; by default the most important one over all images.
    seed : int
        Of the method and of the noise.
    client : distributed.Client, str or int, optional
        Who computes scores, as for `band_importance`.
    progress : bool or callable, optional
        As for `band_importance`, over the two tables that are computed.
    **options
        All other arguments of `band_importance`, but `groups`: the bands are checked one by one. With `time_axis`, all
        must hold at each step.

    Returns
    -------
    Check
        Level "role": ``class, output, role, band, importance, expected, difference, tolerance, outcome, n``, one row
        per class x output x role, with `time_axis` x step, and `input` and `time` as in `BandImportance.to_frame`.
        `role` is "noise", "original" (the band, next to its copy), "copy", or "both" (the sum of the two); `expected`
        is 0, the mean of original and copy (for both of these), and the band's importance in the table of the model as
        it is; `difference` = importance - expected. `expected`, `difference`, `tolerance` and `outcome` are missing
        where the method implies nothing. It has passed if no row has failed.

    Raises
    ------
    BandlensError
        As for `band_importance`; BandError if there is no band to copy of that name.

    Notes
    -----
    Axioms: Sundararajan & Najmi 2020, arXiv:1908.08474; sensitivity (b) and symmetry in Sundararajan, Taly & Yan 2017,
    arXiv:1703.01365.
    """
    if "groups" in options:
        raise OptionError("`check_null` looks at single bands.", expected="no `groups`", given="groups")
    if options.get("absent", MARGINAL) != MARGINAL:
        raise OptionError(
            "What `check_null` expects holds for bands that are absent whatever the others are: else a band counts "
            "that the model ignores, if it tells of another.",
            expected=argument("absent", MARGINAL),
            given=argument("absent", options["absent"]),
        )
    seed = whole(0)("seed", seed)
    question = in_order(Question.of(model, x, y, OWN, method=method, seed=seed, **options))
    images = check_images(question.x, question.band_axis, time_axis=question.time_axis)
    named = named_bands(question.x, images.cells, question.bands, None, None)
    fixed = None if duplicate is None else named.position(duplicate, "There is no such band to copy.")
    with starting(progress, model):
        model = loaded(model)
    with at_work(client), ticker(progress, 2, "Null check") as tick:
        plain = importance_of(replace(question, model=model), progress=False)
        tick(1)
        of_bands = plain if plain.times is None else plain.sums("band")
        band = int(of_bands.overall.importance.mean(axis=0).argmax()) if fixed is None else fixed
        predictor = make_predictor(model, images, head=question.head)
        place = place_of(images, band)
        wrapped = WiderModel(model, predictor.name, predictor.trace.dtype, predictor.backend, images.cells, place)
        wide = replace(wider_question(question, images, named.bands, place), model=wrapped)
        # the same images in each class, even where two outputs are equal up to rounding
        wide = with_rows_of(plain, wide, images.n)
        wider = importance_of(wide, progress=False, fit=False)
        tick(1)
    return _judged(plain, wider, place, duplicate is None)


def _judged(plain: BandImportance, wider: BandImportance, place: Place, chosen: bool) -> Check:
    """Compare the tables of the model as it is and with two more bands, noise and behind it the copy."""
    noise, band, copy = place.rows
    cells, steps = len(plain.cells), len(band)
    found = wider.table.importance
    largest = np.abs(found).max(axis=1)
    # by cell, role and step
    importance = np.stack([found[:, noise], found[:, band], found[:, copy], found[:, band] + found[:, copy]], axis=1)
    fair = importance[:, 3] / 2
    adds_up = plain.method in ADDS_UP
    alone = plain.table.importance[:, band] if adds_up else np.full(fair.shape, np.nan)
    expected = np.stack([np.zeros(fair.shape), fair, fair, alone], axis=1)
    tolerance = _tolerance(wider, largest, place.rows.reshape(-1))[:, None, None]
    tolerance = np.where(np.isnan(expected), np.nan, tolerance)
    difference = importance - expected
    outcome = np.where(np.isnan(expected), -1, np.abs(difference) <= tolerance)
    class_index, output_index = np.repeat(plain.cells, len(ROLES) * steps, axis=0).T
    table = {
        "class": class_index,
        "output": output_index,
        "role": np.tile(np.repeat(np.arange(len(ROLES)), steps), cells),
        "band": np.tile(np.concatenate([noise, band, copy, band]), cells),
        "importance": importance.reshape(-1),
        "expected": expected.reshape(-1),
        "difference": difference.reshape(-1),
        "tolerance": tolerance.reshape(-1),
        "outcome": outcome.reshape(-1).astype(np.int64),
        "n": np.repeat(plain.table.n, len(ROLES) * steps),
    }
    failed = (outcome == 0).any(axis=(0, 2))
    scale = np.where(largest > 0, largest, 1)[:, None, None]
    relative = np.abs(difference) / scale
    name = cell_label(plain.bands[band[0]], plain.inputs[band[0]] if plain.inputs else "", "")
    worst = [f"{value:.2g}" for value in 100 * np.nan_to_num(relative).max(axis=(0, 2))]
    allowed = f"{100 * np.nan_to_num(tolerance[:, :1] / scale).max():.2g}"
    names = [cell(plain, row) for row in range(cells)]
    verdict = [
        *([_failures(names, (outcome == 0).any(axis=(1, 2)))] if failed.any() else []),
        f"The band of noise, which the model ignores, {'does not score' if failed[0] else 'scores'} zero: "
        f"at most {worst[0]} % of the largest importance of a class (up to {allowed} % would pass).",
        f"'{name}' and its copy {'do not share' if failed[1] else 'share'} equally: "
        f"they are at most {2 * max(float(worst[1]), float(worst[2])):.2g} % of the largest importance apart.",
        f"Together they {'do not score' if failed[3] else 'score'} what '{name}' scores alone: "
        f"up to {worst[3]} % of the largest importance is missing or too much."
        if adds_up
        else f"Whether both together score what '{name}' scores alone is not implied by {plain.method}.",
    ]
    return Check(
        name="check_null",
        tables={"role": in_cells(wider, table)},
        levels={
            "class": plain.classes,
            "output": plain.outputs,
            "role": ROLES,
            **cell_levels(wider),
            "outcome": OUTCOMES,
        },
        passed=not bool(failed.any()),
        verdict=tuple(verdict),
        facts={
            "method": plain.method,
            "statistic": plain.statistic,
            "output": plain.output,
            "duplicate": name,
            "duplicate_is_most_important": chosen,
            "n": plain.n,
            "seed": plain.seed,
            "model": plain.model,
        },
    )


def _failures(names: list[str], failed: np.ndarray) -> str:
    """Which classes failed, said first: the sentences after it tell the worst of all classes."""
    listed = [name for name, wrong in zip(names, failed, strict=True) if wrong]
    return f"The method fails for {len(listed)} of {len(names)} classes: {and_more(listed, MOST)}."


def _tolerance(wider: BandImportance, largest: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """How far importances may be from what is expected, shape (cells,)."""
    if wider.method in APPROXIMATE:
        return APPROXIMATION * largest
    rounding = ROUNDING * largest
    if wider.statistic == "whole_band":  # differences of outputs, whose rounding is that of the outputs
        values = np.abs(wider.output_values)
        rounding = rounding + (OUTPUT_ROUNDING * float(values.max()) if np.isfinite(values).all() else 0.0)
    return rounding + ERRORS * _sampling_errors(wider)[:, bands].max(axis=1)


def _sampling_errors(result: BandImportance) -> np.ndarray:
    """Standard errors of the importances over the method's random draws, shape (cells, bands)."""
    if result.score_errors is None or result.method in ADDS_UP:  # the draws of these are the same for all bands
        return np.zeros((len(result.cells), len(result.bands)))
    rows = np.stack([np.repeat(result.image_class, result.image_output.shape[1]), result.image_output.reshape(-1)], 1)
    errors = result.score_errors.reshape(len(rows), -1)
    mine = [(rows == cell).all(axis=1) for cell in result.cells]
    return np.stack([np.sqrt((errors[rows] ** 2).sum(axis=0)) / rows.sum() for rows in mine])
