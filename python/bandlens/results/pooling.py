"""One table of several training runs: the same network trained from other seeds, on other folds, or other networks.

Importance of run r is I_r = mu + t_r + e + e_r: what all trainings have in common, what this one found, the error of
the images and background images that all runs share, and how this run answers to them differently. The pooled
importance is the mean of the I_r. Its variance is, as for multiple imputation (Rubin 1987), within and between:

    Var = S^2 / K + C_images + C_background.

S^2 / K, the variance between the K runs over K, holds t_r and e_r. What it misses is e: what other images, or another
background, would change for all runs alike. That is the mean covariance of two runs, C, see `shared`. (The mean of the
runs' own variances, which multiple imputation takes, would count e_r twice.) Where runs explain different images, or
have backgrounds of their own, their errors differ, S^2 / K has them already, and C is 0.

Intervals are Student's, with the degrees of freedom of Satterthwaite (1946) over the three parts. So two runs work, but
with the one degree of freedom of their difference: of normal errors, such intervals hold 89 to 95 %, depending on the
part between runs; those of three runs 92.5 to 95 %, and from five runs on 94 to 95 %. The size of a score that errs is
too large on average in each run, and does not average away: intervals reach further down by the mean of what that is at
most (`uncertainty`).

They cover the mean over further trainings of the same kind. Folds of a cross-validation are no such: their training
sets overlap, runs are alike for that reason, and S^2 / K is too small. No unbiased estimate of the variance exists from
one cross-validation (Bengio & Grandvalet 2004, JMLR 5, 1089-1105; Nadeau & Bengio 2003, Machine Learning 52, 239-281),
so intervals over folds are too narrow.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha1
from typing import Any

import numpy as np

from ..data.words import few
from ..errors import DataWarning, ResultError
from .combining import COMMON, as_text, shown_value, versions_of
from .importance import BandImportance
from .pooled import PooledImportance
from .rows import entries_of
from .shared import Side, of_background, of_images, sides_of
from .statistics import ClassBandTable, rank_of, share_of
from .uncertainty import first_of, interval, share_changes, share_interval

# fields in which runs may differ, although pieces of one computation may not
MAY_DIFFER = ("model", "seed", "background_source")
LEAST = 2


def pool_importance(results: Any, *, names: Sequence[str] | None = None, level: str | None = None) -> PooledImportance:
    """One table over several training runs, with intervals that cover these, too.

    Parameters
    ----------
    results : sequence or dict of BandImportance
        Two or more, each of a model that was trained anew: from another seed, on other data, of another architecture.
        They have the same bands, classes, outputs, method, options and statistic. For intervals of the right width give
        all calls the same images, `background` and `seed`. A dict names the runs.
    names : sequence of str, optional
        What to call the runs; else they are counted.
    level : {"band", "time", "input"}, optional
        Of results with a time axis or several inputs: pool scores summed over steps, over bands, or over both, as
        `BandImportance.sums` gives them.

    Returns
    -------
    PooledImportance

    Raises
    ------
    ResultError
        If there are fewer than two results, or they can't be pooled. The message names the run and what differs.

    Warns
    -----
    DataWarning
        If a class (or class and output) occurs in some of the runs only, which happens without labels: it has no row,
        since what other runs would give there isn't known. If two runs have the same scores.

    Notes
    -----
    With two or three runs, intervals are wide, and yet may hold somewhat less than 95 %; five or more are better.

    Folds of a cross-validation share most of their training images. Runs are then more alike than trainings on other
    data would be, and intervals are too narrow, by an amount that can't be known from the folds themselves (Bengio &
    Grandvalet 2004; Nadeau & Bengio 2003).
    """
    runs = _named_results(results, names)
    if level is not None:
        runs = {name: result.sums(level) for name, result in runs.items()}
    _check_results(runs)
    return pooled(runs)


def pooled(runs: Mapping[str, BandImportance]) -> PooledImportance:
    """Pool runs that were checked."""
    every = list(runs.values())
    start = every[0]
    _warn_of_same(runs)
    cells, left_out = _common_cells(runs)
    whole = _overall_outputs(every)
    tables = [_joined_table(result, cells) for result in every]
    own = [_sides(result, cells) for result in every]
    run_importance, run_effect, run_share, run_std_error = (
        np.stack([table[name] for table in tables]) for name in ("importance", "effect", "share", "std_error")
    )
    rows = [
        _row(run_importance[:, row], [sides[row] for sides in own], start) for row in range(run_importance.shape[1])
    ]
    importance = run_importance.mean(axis=0)
    same: dict[str, Any] = {name: getattr(start, name) for name in SAME}
    errors: dict[str, Any] = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return PooledImportance(
        runs=tuple(runs),
        models=tuple(result.model for result in every),
        row_class=np.concatenate([cells[:, 0], np.full(len(whole), -1)]),
        row_output=np.concatenate([cells[:, 1], whole]),
        row_n=np.array([len(set().union(*(sides[row].images for sides in own))) for row in range(len(rows))])
        if start.drops is None
        else np.stack([table["n"] for table in tables]).max(axis=0),
        importance=importance,
        effect=run_effect.mean(axis=0),
        share=share_of(importance),
        rank=rank_of(importance),
        run_importance=run_importance,
        run_effect=run_effect,
        run_share=run_share,
        run_std_error=run_std_error,
        run_n=np.stack([table["n"] for table in tables]),
        run_accuracy=_numbers(result.accuracy for result in every),
        run_background=_numbers(result.n_background for result in every),
        run_seconds=_numbers(result.seconds for result in every),
        n=_images(every),
        same_images=len({result.band_means.tobytes() for result in every}) == 1,
        same_background=len({_background_text(result) for result in every}) == 1,
        left_out=left_out,
        versions=versions_of(every),
        **same,
        **errors,
    )


# fields of the runs that the pooled result has, too
SAME = (
    *("classes", "outputs", "bands", "wavelengths", "method", "statistic", "output", "signed", "directed", "groups"),
    *("image_bands", "task", "head", "zone", "inputs", "times", "time_kind", "options"),
)


def _row(means: np.ndarray, sides: Sequence[Side], start: BandImportance) -> dict[str, np.ndarray]:
    """What is known of the mean of the runs' importances, shape (runs, bands): fields of `PooledImportance`."""
    k, mean = len(means), means.mean(axis=0)
    deviations = (means - mean) / np.sqrt(k * (k - 1))
    between, images = (deviations**2).sum(axis=0), of_images(sides, _as_they_are)
    background, bias = of_background(sides, _as_they_are)
    # where it is not known what the background does, intervals are over the rest, as those of single results are
    seen = [part for part in (images, background) if _is_known(part.variance)]
    known = [(between, k - 1.0), *((part.variance, part.freedom) for part in seen)]
    total = sum((variance for variance, _ in known), np.zeros_like(mean))
    if not _is_known(images.variance):  # of a single image, nothing is known
        total = np.full_like(mean, np.nan)
    low, high = interval(mean, known, bias)
    if not start.directed:
        low = np.maximum(low, 0.0)
    errors = {
        "std_error": np.sqrt(total),
        "conf_low": np.where(np.isnan(total), np.nan, low),
        "conf_high": np.where(np.isnan(total), np.nan, high),
        "se_images": np.full_like(mean, np.nan) if start.drops is not None else np.sqrt(images.variance),
        "se_background": np.sqrt(background.variance),
        "se_runs": np.sqrt(between),
        "between_runs": _part(between, total),
    }
    if not (mean > 0).any() or np.isnan(total).any():
        return errors | dict.fromkeys(("share_low", "share_high", "p_first"), np.full_like(mean, np.nan))
    change = partial(share_changes, mean)
    moved, share_bias = of_background(sides, change)
    parts = [(np.square(change(deviations)).sum(axis=0), k - 1.0)]
    parts += [(part.variance, part.freedom) for part in (of_images(sides, change), moved) if _is_known(part.variance)]
    share_low, share_high = share_interval(mean, high, parts, share_bias)
    first = first_of(mean, [deviations, *(part.moves for part in seen)])
    return errors | {"share_low": share_low, "share_high": share_high, "p_first": first}


def _as_they_are(values: np.ndarray) -> np.ndarray:
    return values


def _is_known(variance: np.ndarray) -> bool:
    return not np.isnan(variance).all()


def _part(between: np.ndarray, total: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total == 0, np.nan, between / total))


def _sides(result: BandImportance, cells: np.ndarray) -> list[Side]:
    """A result's parts of all rows: the cells that all runs have, then those over all classes."""
    of_classes = sides_of(result, entries_of(result, overall=False), len(result.cells))
    overall = sides_of(result, entries_of(result, overall=True), len(result.overall_outputs))
    return [*(of_classes[at] for at in _at(result, cells)), *overall]


def _joined_table(result: BandImportance, cells: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of both tables of a result, one below the other."""
    at, parts = _at(result, cells), (result.table, result.overall)
    names = ClassBandTable.__dataclass_fields__
    return {name: np.concatenate([getattr(parts[0], name)[at], getattr(parts[1], name)]) for name in names}


def _at(result: BandImportance, cells: np.ndarray) -> list[int]:
    places = {tuple(cell): place for place, cell in enumerate(result.cells.tolist())}
    return [places[tuple(cell)] for cell in cells.tolist()]


def _warn_of_same(runs: Mapping[str, BandImportance]) -> None:
    """Say if runs are one training: then they are not as many as they seem."""
    seen: dict[bytes, str] = {}
    for name, result in runs.items():
        scores = result.scores if result.drops is None else result.drops
        other = seen.setdefault(sha1(scores.tobytes()).digest(), name)
        if other != name:
            warnings.warn(
                f"Runs {other!r} and {name!r} have the same scores, as if they were of one training: intervals are too "
                "narrow then. Was the network trained anew, from another seed?",
                DataWarning,
                stacklevel=4,
            )


def _common_cells(runs: Mapping[str, BandImportance]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pairs of class and output that all runs have, and the others in words."""
    found = {name: {tuple(cell) for cell in result.cells.tolist()} for name, result in runs.items()}
    every, common = set().union(*found.values()), set.intersection(*found.values())
    start = next(iter(runs.values()))
    if not common:
        raise ResultError(
            "The runs can't be pooled: there is no class that all of them have images of.",
            expected="runs that explain images of the same classes",
            given="; ".join(f"{name}: {_classes(start, cells)}" for name, cells in list(found.items())[:3]),
            fix="give every call the labels of the images, `y`; without them, images are of the class that each model "
            "predicts",
        )
    missing = sorted(every - common)
    if missing:
        without = {name: sorted(every - cells) for name, cells in found.items() if every - cells}
        name, lacks = next(iter(without.items()))
        warnings.warn(
            f"{len(missing)} of {len(every)} rows of the table are left out, as not all runs have images there: "
            f"{_classes(start, missing)}. Run {name!r} has none of {_classes(start, lacks)}. With the images' labels, "
            "`y`, and the target 'class', all runs have the same.",
            DataWarning,
            stacklevel=4,
        )
    return np.array(sorted(common), np.int64), tuple(_cell(start, cell) for cell in missing)


def _cell(result: BandImportance, cell: tuple[int, ...]) -> str:
    name, output = result.classes[cell[0]], result.outputs[cell[1]]
    return name if name == output else f"{name} -> {output}"


def _classes(result: BandImportance, cells: Any) -> str:
    return few([_cell(result, cell) for cell in sorted(cells)])


def _overall_outputs(results: Sequence[BandImportance]) -> np.ndarray:
    """Outputs of the rows over all classes; -1 where that is not the same for all runs."""
    outputs = np.stack([result.overall_outputs for result in results])
    return np.where((outputs == outputs[0]).all(axis=0), outputs[0], -1)


def _images(results: Sequence[BandImportance]) -> int:
    """How many different images the runs explained."""
    if len({result.band_means.tobytes() for result in results}) == 1:
        return max(result.n for result in results)
    sides = [sides_of(result, entries_of(result, overall=True), 1)[0] for result in results if result.drops is None]
    return len(set().union(*(side.images for side in sides))) or sum(result.n for result in results)


def _background_text(result: BandImportance) -> str:
    positions = None if result.background is None else result.background.tolist()
    return as_text([positions, result.background_source, result.background_strategy])


def _numbers(values: Any) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _named_results(results: Any, names: Sequence[str] | None) -> dict[str, BandImportance]:
    """Runs by name, at least two."""
    if isinstance(results, BandImportance):
        results = [results]
    given = list(results.values()) if isinstance(results, Mapping) else list(results)
    called = [str(name) for name in results] if isinstance(results, Mapping) else run_names(len(given))
    called = called if names is None else [str(name) for name in ([names] if isinstance(names, str) else names)]
    runs = named_runs(called, given)
    for name, result in runs.items():
        if not isinstance(result, BandImportance):
            raise ResultError(
                f"Run {name!r} can't be pooled: it is no result of `band_importance`.",
                expected="a BandImportance for each training run",
                given=type(result).__name__,
            )
    check_enough(len(given))
    return runs


def run_names(k: int) -> list[str]:
    """What runs are called that have no names: they are counted."""
    return [f"run {number + 1}" for number in range(k)]


def check_enough(k: int) -> None:
    """Refuse a single run."""
    if k < LEAST:
        raise ResultError(
            "There is nothing to pool: how runs differ can't be known from fewer than two.",
            expected="two or more training runs, better ten",
            given=str(k),
            fix="train the network again, from other seeds",
        )


def named_runs(names: Sequence[str], runs: Sequence[Any]) -> dict[str, Any]:
    """Results or models by name; names that don't tell them apart are refused, as one would be lost."""
    k = len(runs)
    if len(names) != k or len(set(names)) != k:
        raise ResultError(
            "`names` don't name the runs.", expected=f"{k} different names", given=few(names) if names else "none"
        )
    return dict(zip(names, runs, strict=True))


def _check_results(runs: Mapping[str, BandImportance]) -> None:
    what = {name: meaning for name, meaning in COMMON.items() if name not in MAY_DIFFER}
    found = {}
    for name, result in runs.items():
        found[name] = {meaning: getattr(result, field) for field, meaning in what.items()}
        found[name]["the number of outputs per image"] = result.scores.shape[1]
        found[name]["whether images have scores of their own"] = result.drops is None
        found[name]["what the outputs stand for"] = result.task
    if any(result.task is None for result in runs.values()):  # results of earlier versions don't know
        for facts in found.values():
            del facts["what the outputs stand for"]
    check_alike(found)


def check_alike(runs: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse runs that differ in what they must have in common: for each by name, values by what they mean.

    Raises
    ------
    ResultError
        That names two runs and what differs.
    """
    (one, mine), *others = runs.items()
    for name, theirs in others:
        for meaning, value in mine.items():
            if as_text(value) != as_text(theirs[meaning]):
                raise ResultError(
                    f"The runs can't be pooled: {one!r} and {name!r} differ in {meaning}.",
                    expected="runs that differ in their training only",
                    given=f"{shown_value(value)}; {shown_value(theirs[meaning])}",
                )
