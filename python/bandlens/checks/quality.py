"""How good explanations are, by the metrics of the field: one table over methods.

There is no truth to compare an explanation with. Metrics stand in for it: whether scores foretell what the model does
without bands, whether they stay where images hardly change, whether they are of few bands, and whether they depend on
what was asked and on what was learnt. None of them is enough alone, and they may disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..cluster.workers import at_work
from ..data.backgrounds import refuse_strategy
from ..data.images import check_images
from ..data.moments import half_width
from ..data.options import number, whole
from ..data.summaries import band_spread
from ..data.tasks import MULTILABEL, SEGMENTATION
from ..data.words import argument, choices, nearest, shown
from ..errors import OptionError
from ..explain.arranging import in_order
from ..explain.calls import Call, checked
from ..explain.importance import importance_of
from ..explain.question import Question
from ..explain.same_rows import with_rows_of
from ..explain.selfcheck import unsaid
from ..methods.mixtures import mixed_outputs, without_constants
from ..methods.references import background_images, mean_background
from ..models.packing import taking_rows
from ..models.predictor import loaded
from ..progress import Progress, starting, ticker
from ..results.importance import BandImportance
from .agreement import spearman
from .quality_metrics import (
    correlation,
    entropy,
    faithfulness,
    gini,
    local_lipschitz,
    max_sensitivity,
    sets_of,
    sizes_of,
)
from .reinitialise import copy_of, fresh
from .result import Check, columns_of

# metric -> which way is better
METRICS = {
    "faithfulness_correlation": "higher",
    "sensitivity_n": "higher",
    "monotonicity": "higher",
    "max_sensitivity": "lower",
    "local_lipschitz": "lower",
    "sparseness": "higher",
    "complexity": "lower",
    "random_logit": "lower",
    "mprt": "lower",
    "smooth_mprt": "lower",
    "efficient_mprt": "higher",
}
NEARBY = ("max_sensitivity", "local_lipschitz")
SMOOTH = "smooth_mprt"
RANDOMISED = ("mprt", SMOOTH, "efficient_mprt")
METHODS = ("deepshap", "gradient_x_input", "occlusion")
OWN = ("methods", "metrics", "subsets", "draws", "radius", "repeats")


class _Sets(NamedTuple):
    """Sets of bands that are absent, (sets, bands) bool, and how the explained output falls, (n, sets)."""

    absent: np.ndarray
    falls: np.ndarray


def check_quality(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    methods: Sequence[str] = METHODS,
    metrics: Sequence[str] | None = None,
    subsets: int = 50,
    draws: int = 5,
    radius: float = 0.1,
    repeats: int = 3,
    seed: int = 0,
    client: Any = None,
    progress: Progress = None,
    **options: Any,
) -> Check:
    """Measure the quality of explanations by several methods, as means over images.

    Parameters
    ----------
    model, x, y
        As for `band_importance`, for models of one input that give one class or one number per image, with at least
        three bands.
    methods : sequence of str
        Keys of `bandlens.METHODS`, with their default options; those that score images.
    metrics : sequence of str, optional
        Which of these; by default all that the model allows ("random_logit" needs classes; "mprt" and its variants a
        Keras model, whose copy is given random weights), but "smooth_mprt", which takes ``draws`` times as many tables.

        Absent bands are those of the mean background image. "faithfulness_correlation": correlation over sets of half
        of the bands between the sum of their scores and the fall of the output without them (Bhatt, Weller & Moura
        2020, arXiv:2005.00631). "sensitivity_n": the same for sets of each size, the mean over sizes (Ancona et al.
        2018, arXiv:1711.06104). "monotonicity": rank correlation of the sizes of scores with the mean squared change of
        the output when the band comes from background images (Nguyen & Martinez 2020, arXiv:2007.07584).

        "max_sensitivity": the largest change of scores, relative to their size, when images are moved a little (Yeh et
        al. 2019, arXiv:1901.09392); "local_lipschitz": that change per distance, in output per standard deviation of
        the bands (Alvarez-Melis & Jaakkola 2018, arXiv:1806.07538).

        "sparseness": Gini index of the sizes of scores (Chalasani et al. 2020, arXiv:1810.06583). "complexity": the
        entropy of their shares (Bhatt, Weller & Moura 2020).

        "random_logit": correlation over bands of the scores for the image's own output with those for another, drawn at
        random (Sixt, Granz & Landgraf 2020, arXiv:1912.09818). "mprt": rank correlation of the sizes of scores with
        those for a model with random weights (Adebayo et al. 2018, arXiv:1810.03292); "smooth_mprt": the same of scores
        that are means over moved images; "efficient_mprt": how much larger, relative to it, the entropy of the latter
        is (both Hedstrom et al. 2024, arXiv:2401.06465).
    subsets : int
        Sets of bands of each size; all where there are no more.
    draws : int
        Times that images are moved.
    radius : float
        How far at most, in standard deviations of each band; uniform, pixel by pixel.
    repeats : int
        Sets of random weights.
    seed : int
        Of sets, draws, weights and methods.
    client : distributed.Client, str or int, optional
        Who computes the tables, as for `band_importance`.
    progress : bool or callable, optional
        As for `band_importance`, over the tables that are computed.
    **options
        Other arguments of `band_importance`, such as `background` or `bands`; not `target`.

    Returns
    -------
    Check
        Level "quality": ``method, metric, better, value, std_error, conf_low, conf_high, n, rank``, one row per method
        x metric: `better` says whether "higher" or "lower" values are; `value` is the mean over the `n` images for
        which it is defined (a correlation needs scores that differ), with its 95 % Student interval; `rank` is 1 for
        the best method. There is nothing to pass.

    Raises
    ------
    OptionError
        If methods, metrics or the model don't suit.
    BandlensError
        As for `band_importance`.
    """
    subsets, draws, repeats = (
        whole(least)(name, value)
        for name, value, least in (("subsets", subsets, 2), ("draws", draws, 1), ("repeats", repeats, 1))
    )
    radius, seed = number(0, above=True)("radius", radius), whole(0)("seed", seed)
    names = _names(methods)
    refuse_strategy(options.get("background"), "check_quality")
    if "target" in options:
        raise OptionError("Each image is judged by its own output.", expected="no `target`", given="`target`")
    asked = Question.of(model, x, y, OWN, method="occlusion", seed=seed, **options)
    asked = in_order(asked.with_streams_read())
    asked = replace(asked, method_options={"replacement": "background_mean"})
    with starting(progress, model):
        asked = replace(asked, model=loaded(model))
        call = checked(asked)
        wanted = _metrics(metrics, call)
    moves = bool({*NEARBY, SMOOTH} & set(wanted))
    tables = 1 + draws * moves + repeats * any(name in wanted for name in RANDOMISED) + ("random_logit" in wanted)
    tables += repeats * draws * (SMOOTH in wanted)
    random = np.random.default_rng([seed, 5])
    n_bands, sets = len(call.features.names), {}
    if {"faithfulness_correlation", "sensitivity_n"} & set(wanted):
        sets = {size: _falls(call, sets_of(n_bands, size, subsets, random)) for size in sizes_of(n_bands)}
    changes = _changes(call) if "monotonicity" in wanted else None
    moved = _moved(call, draws, radius, random) if moves else None
    found: dict[str, dict[str, np.ndarray]] = {}
    with at_work(client), ticker(progress, tables * len(names), "Quality of explanations", "table") as tick:
        for name in names:
            question = replace(asked, method=name, method_options={})
            own = importance_of(question, progress=False, fit=name == names[0])
            tick(1)
            question = with_rows_of(own, question, call.every.n)
            scores = _scores(own)
            values = {"sparseness": gini(scores), "complexity": entropy(scores)}
            if sets:
                each = {size: faithfulness(scores, one.absent, one.falls) for size, one in sets.items()}
                values["faithfulness_correlation"] = each[n_bands // 2]
                values["sensitivity_n"] = np.mean(list(each.values()), axis=0)
            if changes is not None:
                values["monotonicity"] = spearman(np.abs(scores), changes)
            with unsaid():
                near = None
                if moved is not None:
                    near = _nearby(question, moved, tick)
                    values["max_sensitivity"] = max_sensitivity(scores, near)
                    values["local_lipschitz"] = local_lipschitz(scores, near, np.stack([far for _, far in moved]))
                if "random_logit" in wanted:
                    values["random_logit"] = _other_logit(question, own, scores, seed)
                    tick(1)
                if set(RANDOMISED) & set(wanted):
                    smooth = moved if SMOOTH in wanted else None
                    values |= _randomised(question, call, scores, near, smooth, repeats, seed, tick)
            found[name] = {metric: values[metric] for metric in wanted}
    return _summarised(call, found, wanted, {"subsets": subsets, "draws": draws, "radius": radius, "repeats": repeats})


def _names(methods: Any) -> list[str]:
    names = [methods] if isinstance(methods, str) else list(methods)
    if not names or len(set(names)) < len(names):
        raise OptionError(
            "`methods` names no methods, or one twice.", expected="keys of METHODS, each once", given=shown(names)
        )
    return names


def _metrics(metrics: Any, call: Call) -> list[str]:
    """Those that were asked for, or that the model allows."""
    predictor = call.predictor
    if predictor.task in (MULTILABEL, SEGMENTATION) or call.images.parts:
        raise OptionError(
            "Quality is measured for models of one input that give one class or one number per image.",
            expected="such a model",
            given="several inputs" if call.images.parts else f"a model with {argument('task', predictor.task)}",
        )
    if len(call.features.names) < 3:
        raise OptionError(
            "Correlations over bands need more of them.",
            expected="at least 3 bands or groups",
            given=str(len(call.features.names)),
        )
    impossible = {} if predictor.classifies else {"random_logit": "a model that tells classes apart"}
    if not hasattr(call.model, "get_config"):
        impossible |= dict.fromkeys(RANDOMISED, "a Keras model")
    if metrics is None:
        return [name for name in METRICS if name not in impossible and name != SMOOTH]
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise OptionError(
            "There is no such metric.",
            expected=choices(METRICS),
            given=", ".join(map(shown, unknown)) or "none",
            fix=nearest(unknown, METRICS),
        )
    for name in names:
        if name in impossible:
            raise OptionError(f"The metric '{name}' does not suit the model.", expected=impossible[name])
    return [name for name in METRICS if name in names]


def _scores(result: BandImportance) -> np.ndarray:
    """Scores of each image for its own output, shape (n, bands)."""
    if np.isnan(result.scores).all():
        raise OptionError("The method gives no scores of images.", expected="a method that does", given=result.method)
    found: np.ndarray = result.scores[:, 0]
    return found


def _falls(call: Call, absent: np.ndarray) -> _Sets:
    """How the explained output falls when bands are those of the mean background image."""
    task = call.task(_nothing)
    return _Sets(absent, _without(call, mean_background(task)[:1], ~absent)[:, 0])


def _changes(call: Call) -> np.ndarray:
    """Mean squared change of the output when a band comes from background images, (n, bands)."""
    present = ~np.eye(len(call.features.names), dtype=bool)
    found: np.ndarray = (_without(call, background_images(call.task(_nothing)), present) ** 2).mean(axis=1)
    return found


def _without(call: Call, references: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Explained output less that of mixtures, (n, references, sets)."""
    task = call.task(_nothing)
    found = np.empty((task.images.n, len(references), len(present)))
    for part, batch in task.images.batches(task.images_per_batch, task.predictor.trace.dtype):
        mixtures = mixed_outputs(task, task.seeds[part], batch, references, present, positions=part)[..., 0]
        found[part] = without_constants(task, part, task.values[part])[:, :1, None] - mixtures
    return found


def _moved(call: Call, draws: int, radius: float, random: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images that were moved, and how far each, as the root mean square in standard deviations of the bands."""
    images = call.every.take(slice(0, call.every.n), call.predictor.trace.dtype)
    spread = call.every.cells.spread(np, band_spread(call.every)[None])
    found = []
    for _ in range(draws):
        steps = random.uniform(-radius, radius, images.shape)
        far = np.sqrt((steps**2).reshape(len(images), -1).mean(axis=1))
        found.append(((images + steps * spread).astype(images.dtype), far))
    return found


def _nearby(question: Question, moved: list[tuple[np.ndarray, np.ndarray]], tick: Any) -> np.ndarray:
    """Scores of images that were moved, (draws, n, bands)."""
    found = []
    for images, _ in moved:
        found.append(_scores(importance_of(replace(question, x=images), progress=False, fit=False)))
        tick(1)
    return np.stack(found)


def _other_logit(question: Question, own: BandImportance, scores: np.ndarray, seed: int) -> np.ndarray:
    """Correlation with the scores for another output."""
    every = importance_of(replace(question, target="all"), progress=False, fit=False).scores
    n, outputs = every.shape[:2]
    steps = np.random.default_rng([seed, 6]).integers(1, outputs, size=n)
    other = (own.image_output[:, 0] + steps) % outputs
    return correlation(scores, every[np.arange(n), other])


def _randomised(
    question: Question,
    call: Call,
    scores: np.ndarray,
    near: np.ndarray | None,
    moved: list[tuple[np.ndarray, np.ndarray]] | None,
    repeats: int,
    seed: int,
    tick: Any,
) -> dict[str, np.ndarray]:
    """What becomes of scores when all weights are random, the mean over sets of weights.

    With images that were moved, also of means over these; `near` are their scores by the model.
    """
    images = check_images(question.x, question.band_axis, time_axis=question.time_axis)
    batch = taking_rows(question.model, lambda given: given, images.cells)(call.every.take(slice(0, 8), np.float32))
    copy = copy_of(question.model, batch)
    alike, smooth, rise = [], [], []
    for draw in np.random.default_rng([seed, 3]).integers(2**31, size=repeats).tolist():
        for layer, weights in zip(copy.layers, fresh(question.model, batch, seed=draw).weights, strict=True):
            layer.set_weights(weights)
        random = _scores(importance_of(replace(question, model=copy.model), progress=False, fit=False))
        alike.append(spearman(np.abs(scores), np.abs(random)))
        before = entropy(scores)
        rise.append(np.where(before > 0, (entropy(random) - before) / np.where(before > 0, before, 1.0), np.nan))
        tick(1)
        if moved is not None and near is not None:
            others = _nearby(replace(question, model=copy.model), moved, tick)
            smooth.append(spearman(np.abs(near.mean(axis=0)), np.abs(others.mean(axis=0))))
    found = {"mprt": np.mean(alike, axis=0), "efficient_mprt": np.mean(rise, axis=0)}
    return {**found, SMOOTH: np.mean(smooth, axis=0)} if smooth else found


def _summarised(call: Call, found: dict[str, dict[str, np.ndarray]], wanted: list[str], facts: dict[str, Any]) -> Check:
    """Means over images, and which method is the best by each metric."""
    names, rows = list(found), []
    means = {metric: np.array([_mean(found[name][metric]) for name in names]) for metric in wanted}
    firsts = dict.fromkeys(names, 0)
    for at, name in enumerate(names):
        for metric in wanted:
            value, error, low, high, n = means[metric][at]
            sign = 1 if METRICS[metric] == "lower" else -1
            others = sign * means[metric][:, 0]
            rank = np.nan if np.isnan(value) else 1.0 + (others < sign * value).sum()
            firsts[name] += rank == 1
            better = ("higher", "lower").index(METRICS[metric])
            rows.append((at, wanted.index(metric), better, value, error, low, high, int(n), rank))
    columns = ("method", "metric", "better", "value", "std_error", "conf_low", "conf_high", "n", "rank")
    most = max(firsts.values())
    best = ", ".join(name for name, times in firsts.items() if times == most)
    verdict = f"By {most} of {len(wanted)} metrics the best is {best}; they measure different things and may disagree."
    if most == 0:
        verdict = "No metric is known of any method: scores are 0, or the same for all bands."
    return Check(
        name="check_quality",
        tables={"quality": columns_of(columns, rows)},
        levels={"method": tuple(names), "metric": tuple(wanted), "better": ("higher", "lower")},
        passed=None,
        verdict=(verdict,),
        facts={
            **facts,
            "output": call.predictor.scale,
            "images": call.every.n,
            "seed": call.seed,
            "model": call.predictor.name,
        },
    )


def _mean(values: np.ndarray) -> tuple[float, float, float, float, int]:
    """Mean over images where it is defined, its standard error and 95 % interval."""
    known = values[np.isfinite(values)]
    n = len(known)
    if n < 2:
        return float(known.mean()) if n else np.nan, np.nan, np.nan, np.nan, n
    mean, error = float(known.mean()), float(known.std(ddof=1) / np.sqrt(n))
    half = float(half_width(error, n - 1))
    return mean, error, mean - half, mean + half, n


def _nothing(done: int) -> None:
    """For those who need not be told."""
