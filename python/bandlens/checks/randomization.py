"""Does a table depend on what the model has learnt? Its layers are randomised one after the other, and it must change.

A method that gives nearly the same table for random weights shows the images, or the architecture, not the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import factorial
from typing import Any

import numpy as np
from scipy import stats

from ..cluster.workers import at_work
from ..data.images import check_images
from ..data.moments import half_width
from ..data.options import whole
from ..data.words import argument, choices, nearest
from ..errors import OptionError
from ..explain.arranging import in_order
from ..explain.importance import importance_of
from ..explain.question import Question
from ..explain.same_rows import with_rows_of
from ..explain.selfcheck import unsaid
from ..models.packing import taking_rows
from ..models.predictor import loaded, make_predictor
from ..progress import Progress, starting, ticker
from ..results.importance import BandImportance
from ..results.statistics import share_of
from .agreement import kendall, spearman
from .reinitialise import Copy, copy_of, fresh
from .result import Check, columns_of
from .whole import class_levels

MEASURES = ("spearman_rho", "kendall_tau", "share_overlap")
LOWEST = np.array([-1.0, -1.0, 0.0])
TRAINED = "trained model"

# rank correlation beyond which a table is called the same, if chance doesn't explain it
MOST_ALIKE = 0.5
SIGNIFICANCE = 0.05
STILL_THE_SAME = 0.9
CHANCE_DRAWS = 10_000
# images by which the copy of the model is compared with it
COMPARED = 8

# arguments besides those of the table
OWN = ("cascade", "layers", "repeats")


def check_randomization(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    method: str = "deepshap",
    cascade: bool = True,
    layers: int | Sequence[str] | None = None,
    repeats: int = 5,
    seed: int = 0,
    client: Any = None,
    progress: Progress = None,
    **options: Any,
) -> Check:
    """Randomise the model's layers from the output to the input, and compare each table with the trained model's.

    After each step, the layers so far have new weights, drawn by their own initialisers; the others are as trained.
    Statistics of batch normalisation are weights of their layer and become those of a new one (mean 0, variance 1):
    the trained ones belong to activations that are no longer there. What layers like Normalization have taken from data
    by `adapt` stays. Classes of the images, explained outputs and the background stay those of the trained model.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str or pathlib.Path
        Works on a copy; the model itself is only read. A subclassed model needs `get_config`.
    x, y
        As for `band_importance`; without `y`, the predictions of the trained model.
    method : str
        Key of `bandlens.METHODS`.
    cascade : bool
        Whether layers stay random in later steps; else each is randomised alone, the others being as trained.
    layers : int or sequence of str, optional
        Where to compute tables: that many layers, evenly spaced, or layers by name ("outer/inner" in nested models).
        All that have weights by default. In a cascade the layers between are randomised too, and the last step is
        always the one in which all layers are random.
    repeats : int
        Sets of random weights.
    seed : int
        Of the method and of the random weights.
    client : distributed.Client, str or int, optional
        Who computes scores, as for `band_importance`.
    progress : bool or callable, optional
        As for `band_importance`, over the tables that are computed.
    **options
        All other arguments of `band_importance`; `target` may not be "predicted", which would change with the weights.

    Returns
    -------
    Check
        Level "similarity": ``step, layer, class, measure, estimate, conf_low, conf_high, n``, one row per step x class
        x measure. Step 0 is the trained model, compared with itself; `layer` is the one randomised last. `measure` is
        "spearman_rho" and "kendall_tau" (tau-b), the rank correlations of the importances of the bands, or
        "share_overlap", the sum over bands of the smaller of both shares: 1 less their total variation distance, 1 for
        equal tables and 0 for tables with no band in common. A table without differences between bands has rank
        correlation 0, one without any importance overlap 0. `estimate` is the mean over repeats with its 95 % Student
        interval, cut at the ends of the measure's range; class "all" is the mean over classes; `n` is the number of
        repeats.

        It has not passed if, with all layers random, the mean Spearman correlation over classes and repeats is above
        0.5 *and* above what chance explains at the 5 % level. Both are needed. With few bands a random order often
        looks like the right one (of the 24 orders of 4 bands, 4 correlate by 0.8 or more), hence chance: the
        distribution of that mean when in each repeat the bands of the random model's table are permuted, in the same
        way for all classes, which share its weights (10 000 draws). And a correlation above chance need not mean that
        the method ignores the model: bands with more contrast matter more to any weights, random ones included, so
        correlations up to 0.5 are put down to the images. If bands and repeats are so few that not even equal tables
        would be beyond chance, or layers are randomised one by one, there is nothing to pass (None).

    Raises
    ------
    ModelError, ModelTypeError
        If Keras can't make a copy of the model.
    OptionError
        If there is a single band, `target` is "predicted", or `layers` names a layer that there is not.
    BandlensError
        As for `band_importance`.

    Notes
    -----
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim 2018, Sanity Checks for Saliency Maps, arXiv:1810.03292.
    """
    repeats, seed = whole()("repeats", repeats), whole(0)("seed", seed)
    question = in_order(Question.of(model, x, y, OWN, method=method, seed=seed, **options))
    if question.target == "predicted":
        raise OptionError(
            "The predicted class changes with the weights.",
            expected=argument("target", "class", "all") + " or one output",
            given=argument("target", "predicted"),
            fix="without `y`, classes are the predictions of the trained model",
        )
    images = check_images(question.x, question.band_axis, time_axis=question.time_axis)
    if len(images.cells) < 2:
        raise OptionError("A single band has no rank.", expected="at least two bands")
    with starting(progress, model):
        model = loaded(model)
    rows = images.take(slice(0, COMPARED), make_predictor(model, images, head=question.head).trace.dtype)
    batch = taking_rows(model, lambda given: given, images.cells)(rows)
    copy = copy_of(model, batch)
    trained = copy.weights
    steps = _steps(copy, layers, cascade)
    tables = []
    with at_work(client), ticker(progress, 1 + repeats * len(steps), "Randomisation check") as tick:
        original = importance_of(replace(question, model=model), progress=False)
        tick(1)
        question = with_rows_of(original, replace(question, model=copy.model), images.n)
        for draw in np.random.default_rng([seed, 3]).integers(2**31, size=repeats).tolist():
            donor = fresh(model, batch, seed=draw).weights
            for randomised in steps:
                for at, layer in enumerate(copy.layers):
                    layer.set_weights(donor[at] if at in randomised else trained[at])
                with unsaid():  # a random model may hardly vary, and its table is not the user's
                    tables.append(importance_of(question, progress=False, fit=False).table.importance)
                tick(1)
    found = np.array(tables).reshape(repeats, len(steps), *tables[0].shape)
    last = [min(step) for step in steps]
    return _summarised(original, found, [copy.names[at] for at in last], cascade)


def _steps(copy: Copy, layers: int | Sequence[str] | None, cascade: bool) -> list[frozenset[int]]:
    """Positions of the layers that are random in each step."""
    n = len(copy.layers)
    if n == 0:
        raise OptionError("The model has no layer with weights that were learnt.")
    if layers is None:
        chosen = list(range(n))
    elif isinstance(layers, int | float | np.number):
        most = whole()("layers", layers)
        chosen = np.unique(np.linspace(0, n - 1, min(most, n)).round().astype(int)).tolist()
    else:
        names = [layers] if isinstance(layers, str) else [str(name) for name in layers]
        unknown = [name for name in names if name not in copy.names]
        if unknown or not names:
            raise OptionError(
                "`layers` names a layer that has no weights, or that there is not.",
                expected=", ".join(copy.names[:12]) + (", ..." if n > 12 else ""),
                given=choices(unknown, ", ") or "no name",
                fix=nearest(unknown, copy.names),
            )
        chosen = sorted({copy.names.index(name) for name in names})
    if cascade:
        return [frozenset(range(at, n)) for at in sorted({0, *chosen}, reverse=True)]
    return [frozenset({at}) for at in reversed(chosen)]


def _summarised(original: BandImportance, tables: np.ndarray, layers: list[str], cascade: bool) -> Check:
    """From tables (repeats, steps, cells, bands) to similarities and a verdict."""
    repeats, steps = tables.shape[:2]
    reference = original.table.importance
    itself = np.broadcast_to(reference, (repeats, 1, *reference.shape))
    alike = _alike(reference, np.concatenate([itself, tables], axis=1))
    levels, whole_code = class_levels(original.classes)
    classes = {code: original.cells[:, 0] == code for code in np.unique(original.cells[:, 0]).tolist()}
    classes[whole_code] = np.ones(len(reference), bool)
    rows: list[tuple] = []
    for step in range(steps + 1):
        for code, cells in classes.items():
            values = alike[:, step, cells].mean(axis=1)
            for measure, row in enumerate(np.stack([values.mean(axis=0), *_interval(values)], axis=1)):
                rows.append((step, step, code, measure, *row, repeats))
    names = ("step", "layer", "class", "measure", "estimate", "conf_low", "conf_high", "n")
    passed: bool | None = None
    verdict = ["Layers were randomised one by one, so there is nothing to pass."]
    facts: dict[str, float] = {}
    if cascade:
        passed, sentences, facts = _judged(reference, tables[:, -1], original.seed)
        verdict = [*sentences, *_unneeded(alike[..., 0].mean(axis=(0, 2)), layers)]
    return Check(
        name="check_randomization",
        tables={"similarity": columns_of(names, rows)},
        levels={"layer": (TRAINED, *layers), "class": levels, "measure": MEASURES},
        passed=passed,
        verdict=tuple(verdict),
        facts={
            "method": original.method,
            "statistic": original.statistic,
            "output": original.output,
            "cascade": cascade,
            "repeats": repeats,
            **facts,
            "images": original.n,
            "seed": original.seed,
            "model": original.model,
        },
    )


def _alike(reference: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Similarity of tables (..., cells, bands) to one (cells, bands), shape (..., cells, measures)."""
    shares = (np.nan_to_num(share_of(importance)) for importance in (reference, tables))
    overlap = np.minimum(*shares).sum(axis=-1)
    return np.nan_to_num(np.stack([spearman(reference, tables), kendall(reference, tables), overlap], axis=-1))


def _standard_ranks(importance: np.ndarray) -> np.ndarray:
    """Ranks over the last axis, such that the sum of products of two is Spearman's correlation; 0 if all are equal."""
    ranks = stats.rankdata(importance, axis=-1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    size = np.sqrt((ranks**2).sum(axis=-1, keepdims=True))
    return np.divide(ranks, size, out=np.zeros_like(ranks), where=size > 0)


def _interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % Student interval of means of values (repeats, measures), within what the measures can be."""
    repeats = len(values)
    if repeats < 2:
        nothing = np.full(values.shape[1], np.nan)
        return nothing, nothing
    half = half_width(values.std(axis=0, ddof=1) / np.sqrt(repeats), repeats - 1)
    mean = values.mean(axis=0)
    return np.maximum(mean - half, LOWEST), np.minimum(mean + half, 1.0)


def _unneeded(similarity: np.ndarray, layers: list[str]) -> list[str]:
    """A sentence on the layers without which the table stays nearly the same; `similarity` after each step."""
    same = int(np.flatnonzero(similarity >= STILL_THE_SAME).max())
    if same == 0:
        return []
    names = f"the layers down to '{layers[same - 1]}'" if same < len(layers) else "all layers"
    return [f"With {names} random, rank correlation is still {similarity[same]:.2f}: what they learnt hardly shows."]


def _judged(reference: np.ndarray, last: np.ndarray, seed: int) -> tuple[bool | None, list[str], dict[str, float]]:
    """Whether tables of random models (repeats, cells, bands) are those of the trained one, and why."""
    repeats, _, bands = last.shape
    # the mean over cells of the correlation with permuted bands is a sum of entries of one matrix per repeat
    products = np.einsum("cb,rcd->rbd", _standard_ranks(reference), _standard_ranks(last)) / len(reference)
    observed = float(np.trace(products, axis1=1, axis2=2).mean())
    random = np.random.default_rng([seed, 4])
    order = np.tile(np.arange(bands), (CHANCE_DRAWS, 1))
    chance = np.mean(
        [matrix[np.arange(bands), random.permuted(order, axis=1)].sum(axis=1) for matrix in products], axis=0
    )
    p_value = float((1 + (chance >= observed - 1e-9).sum()) / (1 + CHANCE_DRAWS))
    chance_high = float(np.quantile(chance, 1 - SIGNIFICANCE))
    facts = {
        "rank_correlation": observed,
        "chance_high": chance_high,
        "p_value": p_value,
        "most_alike": MOST_ALIKE,
        "significance": SIGNIFICANCE,
    }
    found = f"with all layers random, rank correlation with the trained model's table is {observed:.2f} on average"
    if repeats * np.log(factorial(bands)) < -np.log(SIGNIFICANCE):
        few = "too few bands and repeats for chance to be ruled out, even if tables were equal"
        return None, [f"Undecided: {few}; {found}."], facts
    criterion = (
        f"It fails if that is both above {MOST_ALIKE:g} (here {observed:.2f}) and above chance, p at most "
        f"{SIGNIFICANCE:g} (here p = {p_value:.2g}; chance gives up to {chance_high:.2f} in 95 % of draws)."
    )
    alike = observed > MOST_ALIKE
    if alike and p_value <= SIGNIFICANCE:
        return False, [f"The table hardly depends on what the model has learnt: {found}.", criterion], facts
    if alike:
        doubt = f"{found}, which so few bands and repeats can't tell from chance"
        more = "More `repeats` would tell more."
        return (
            True,
            [f"Nothing shows that the table ignores what the model has learnt: {doubt}.", criterion, more],
            facts,
        )
    return True, [f"The table depends on what the model has learnt: {found}.", criterion], facts
