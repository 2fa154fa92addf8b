"""Do different methods, models or seeds name the same bands? Agreement of their rankings, with its sampling error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..data.options import whole_number
from ..data.words import and_more
from ..errors import BandError, LabelError, OptionError, ResultError
from ..results.cells import cell_names
from ..results.importance import BandImportance
from .agreement import kendall, spearman, top_overlap
from .firsts import cell
from .resampling import draw_counts, importances, interval, measured, parts, strata, table_rows, varies
from .result import Check
from .whole import class_levels

MEASURES = ("kendall_tau", "spearman_rho", "top_overlap")
TOP = 3
# of what a sentence lists, or has a sentence each
MOST = 3


def compare_importance(
    *given: BandImportance | Mapping[str, BandImportance] | Sequence[BandImportance],
    names: Sequence[str] | None = None,
    top: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Check:
    """How far results agree on which bands matter: of different methods, models, seeds or regions.

    For every pair of results, per class and over all classes: Kendall's tau-b, Spearman's rho, and the share of the
    most important bands that both name; each with a bootstrap 95 % interval over images.

    Parameters
    ----------
    *given : BandImportance, or one dict or list of them
        Two or more, of the same bands and classes in the same order; a dict, as `band_importance` gives for several
        methods, names them.
    names : sequence of str, optional
        What to call the results; by default their methods, or their models where only these differ.
    top : int, optional
        How many of the most important bands to compare; 3, or one less than there are bands if that is fewer.
    resamples : int
        Bootstrap resamples.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Check
        One table, "class", with a row per pair of results, class, output and measure, and the columns `first`,
        `second` (names of the results), `class` ("all" over all classes), `output` (missing where each image is
        explained by its own), `measure` ("kendall_tau", "spearman_rho", "top_overlap"), `estimate`, `std_error`,
        `conf_low`, `conf_high`, and `n`, the images behind it (of the result with fewer). `passed` is None: how much
        agreement is enough is for the reader to say.

    Raises
    ------
    ResultError
        If there are fewer than two results, or they explain no class and output in common.
    BandError, LabelError
        If bands, classes or outputs differ.
    OptionError
        If an option has a value that is not allowed.

    Notes
    -----
    `estimate` compares the results' own tables. It is NaN where all bands of one are equally important. Bands that are
    tied for the last of the `top` places share them.

    Images are resampled within their classes, and importances are computed anew by the rule of the result (the mean of
    |score|, or of the signed score where it is `directed`). Results that explain the same images, of which there is
    evidence where they have equally many, of equal classes, image by image, are given the same resamples, so that what
    makes a whole sample special does not count as disagreement; others are resampled independently. Results of a
    metric that is computed for whole classes (`drops`) have no scores of images: their repeats are resampled, and
    intervals say nothing of other images. `facts` lists what was resampled, and which pairs had the same resamples.

    Intervals are percentile intervals (Efron & Tibshirani 1993, ch. 13). Resampling adds noise, and noise lowers
    agreement: intervals lie low, with few images even below the estimate. Where a class has a single image there is
    none.
    """
    results, names = _unpacked(given, names)
    labels = _names(results, names)
    n_bands = len(results[0].bands)
    top = min(TOP, n_bands - 1) if top is None else whole_number("top", top, 1)
    if top >= n_bands:
        raise OptionError(
            "`top` must leave a band out: all bands are the same in any two results.",
            expected=f"1 to {n_bands - 1}",
            given=str(top),
        )
    whole_number("resamples", resamples, 2)
    whole_number("seed", seed, 0)
    pairs = list(combinations(range(len(results)), 2))
    common = [_common_rows(results[first], results[second]) for first, second in pairs]
    for (first, second), (rows, _, _) in zip(pairs, common, strict=True):
        if not len(rows):
            raise ResultError(
                f"The results '{labels[first]}' and '{labels[second]}' explain no class and output in common.",
                fix="compute both with the same `target`, on images of the same classes",
            )

    tables, counts = zip(*map(measured, results), strict=True)
    several = [varies(result) for result in results]
    samples = [_sample(result) for result in results]
    resampled = _resampled(results, samples, pairs, common, top, resamples, seed)
    blocks = []
    for (first, second), (rows, one, other), values in zip(pairs, common, resampled, strict=True):
        estimate = _agreement(tables[first][one], tables[second][other], top)
        known = (several[first][one] & several[second][other])[:, None] & np.isfinite(estimate)
        spread = [np.where(known, bound, np.nan) for bound in interval(values)]
        n = np.minimum(counts[first][one], counts[second][other])
        blocks.append(_columns((first, second), rows, len(results[0].classes), [estimate, *spread], n))
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    levels = {
        "first": labels,
        "second": labels,
        "class": class_levels(results[0].classes)[0],
        "output": results[0].outputs,
        "measure": MEASURES,
    }
    left_out = [
        f"{labels[first]} and {labels[second]}: {results[0].classes[code]} -> {results[0].outputs[output]}"
        for (first, second), (rows, _, _) in zip(pairs, common, strict=True)
        for code, output in _rows_of_one(results[first], results[second], rows)
    ]
    facts = {
        "results": list(labels),
        "methods": [result.method for result in results],
        "models": [result.model for result in results],
        "top": top,
        "resamples": int(resamples),
        "seed": int(seed),
        "bands": n_bands,
        "resampled": ["images" if result.drops is None else "repeats" for result in results],
        "pairs": [f"{labels[first]} and {labels[second]}" for first, second in pairs],
        "same_resamples": [samples[first] == samples[second] for first, second in pairs],
        "left_out": left_out,
    }
    same, sentences = _firsts(results, labels)
    facts["cells_compared"], facts["same_first_band"] = len(same), sum(same)
    verdict = _verdict(columns, levels, top, left_out, sentences)
    return Check("compare_importance", {"class": columns}, levels, None, verdict, facts)


def _unpacked(
    given: Sequence[Any], names: Sequence[str] | None
) -> tuple[tuple[BandImportance, ...], Sequence[str] | None]:
    """The results, which may have come as one dict or list of them, and what they are called."""
    if len(given) == 1 and isinstance(given[0], Mapping):
        names = [str(name) for name in given[0]] if names is None else names
        given = tuple(given[0].values())
    elif len(given) == 1 and isinstance(given[0], list | tuple):
        (given,) = given
    _check(given)
    return tuple(given), names


def _check(results: Sequence[BandImportance]) -> None:
    for result in results:
        if not isinstance(result, BandImportance):
            raise ResultError(
                "Only results of `band_importance` can be compared.",
                expected="two or more BandImportance",
                given=type(result).__name__,
            )
    if len(results) < 2:
        raise ResultError("A comparison needs two results.", expected="two or more", given=str(len(results)))
    one = results[0]
    if len(one.bands) < 2:
        raise BandError("A single band has no ranking.", expected="two or more bands", given=one.bands[0])
    for place, other in enumerate(results[1:], 2):
        for what, error in (("bands", BandError), ("classes", LabelError), ("outputs", LabelError)):
            expected, given = (cell_names(each) if what == "bands" else getattr(each, what) for each in (one, other))
            if expected != given:
                option = "bands" if what == "bands" else "classes"
                raise error(
                    f"The {what} of result {place} are not those of result 1.",
                    expected=", ".join(expected),
                    given=", ".join(given),
                    fix=f"compute all results with the same `{option}`, in one order",
                )


def _names(results: Sequence[BandImportance], names: Sequence[str] | None) -> tuple[str, ...]:
    if names is not None:
        chosen = tuple(str(name) for name in ([names] if isinstance(names, str) else names))
        if len(chosen) != len(results) or len(set(chosen)) != len(chosen):
            raise OptionError(
                "`names` must tell the results apart.",
                expected=f"{len(results)} different names, one per result",
                given=", ".join(chosen) or "none",
            )
        return chosen
    methods, models = [result.method for result in results], [result.model for result in results]
    if len(set(methods)) == len(methods):
        return tuple(methods)
    if len(set(methods)) == 1 and len(set(models)) == len(models) and all(models):
        return tuple(models)
    # those that come more than once are numbered
    total, seen, found = Counter(methods), Counter[str](), []
    for method in methods:
        seen[method] += 1
        found.append(f"{method} {seen[method]}" if total[method] > 1 else method)
    return tuple(found)


def _sample(result: BandImportance) -> tuple:
    """What two results have in common if they are to be given the same resamples."""
    if result.drops is None:
        images = None if result.images is None else result.images.tobytes()
        return ("images", result.image_class.tobytes(), images)
    # repeats shuffle images in an order that the seed decides
    return ("repeats", len(result.drops), result.seed, result.image_class.tobytes())


def _common_rows(one: BandImportance, other: BandImportance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (class, output) that both tables have, and their places in each."""
    rows, others = table_rows(one), table_rows(other)
    equal = (rows[:, None] == others).all(axis=-1)
    if len(one.classes) == 1:
        equal[len(one.cells) :] = False  # a regression has one class, which is all of them
    first, second = np.nonzero(equal)
    return rows[first], first, second


def _rows_of_one(one: BandImportance, other: BandImportance, common: np.ndarray) -> list[tuple[int, int]]:
    """Classes and outputs that only one of the tables has."""
    both = set(map(tuple, common.tolist()))
    cells = dict.fromkeys(map(tuple, np.concatenate([one.cells, other.cells]).tolist()))
    return sorted(cell for cell in cells if cell not in both)


def _resampled(
    results: Sequence[BandImportance],
    samples: list[tuple],
    pairs: list[tuple[int, int]],
    common: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    top: int,
    resamples: int,
    seed: int,
) -> list[np.ndarray]:
    """Agreement of each pair of results in every resample, each (resamples, rows, measures).

    Results with equal `samples` are given the same resamples.
    """
    found = [np.empty((resamples, len(rows), len(MEASURES))) for rows, _, _ in common]
    distinct = list(dict.fromkeys(samples))
    random = [np.random.default_rng([seed, place]) for place in range(len(distinct))]
    units = [strata(results[samples.index(sample)]) for sample in distinct]
    numbers = max(max(map(len, units)), max(len(table_rows(result)) for result in results) * len(results[0].bands))
    for part in parts(resamples, numbers):
        size = part.stop - part.start
        counts = {
            sample: draw_counts(groups, size, own) for sample, groups, own in zip(distinct, units, random, strict=True)
        }
        tables = [importances(result, counts[sample]) for result, sample in zip(results, samples, strict=True)]
        for (first, second), (_, one, other), values in zip(pairs, common, found, strict=True):
            values[part] = _agreement(tables[first][:, one], tables[second][:, other], top)
    return found


def _agreement(one: np.ndarray, other: np.ndarray, top: int) -> np.ndarray:
    """All measures, along a new last axis."""
    return np.stack([kendall(one, other), spearman(one, other), top_overlap(one, other, top)], axis=-1)


def _columns(
    pair: tuple[int, int], rows: np.ndarray, n_classes: int, numbers: list[np.ndarray], n: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of one pair of results; `numbers` are of shape (rows, measures)."""
    size, times = rows.shape[0] * len(MEASURES), len(MEASURES)
    columns = {
        "first": np.full(size, pair[0]),
        "second": np.full(size, pair[1]),
        # rows over all classes have the level after the last class
        "class": np.repeat(np.where(rows[:, 0] < 0, n_classes, rows[:, 0]), times),
        "output": np.repeat(rows[:, 1], times),
        "measure": np.tile(np.arange(times), len(rows)),
    }
    for name, values in zip(("estimate", "std_error", "conf_low", "conf_high"), numbers, strict=True):
        columns[name] = values.reshape(-1)
    columns["n"] = np.repeat(n, times)
    return columns


def _firsts(results: Sequence[BandImportance], labels: Sequence[str]) -> tuple[list[bool], list[str]]:
    """Whether all results rank the same band first, for each class and output they share; said before correlations.

    High correlations may hide that the first bands, which are what readers take away, differ.
    """
    one = results[0]
    rows = [tuple(row) for row in one.cells.tolist()]
    places = [{tuple(row): place for place, row in enumerate(result.cells.tolist())} for result in results]
    shared = [row for row in rows if all(row in where for where in places)]
    same, differ = [], []
    names = cell_names(one)
    for row in shared:
        importance = [result.table.importance[where[row]] for result, where in zip(results, places, strict=True)]
        if any(np.ptp(values) == 0 for values in importance):
            continue  # nothing is first
        first = [names[int(values.argmax())] for values in importance]
        same.append(len(set(first)) == 1)
        if not same[-1]:
            by = [f"{band} by {label}" for band, label in zip(first, labels, strict=True)]
            differ.append(f"{cell(one, rows.index(row))} ({and_more(by, MOST)})")
    if not same:
        return same, []
    who = "Both results rank" if len(results) == 2 else f"All {len(results)} results rank"
    sentences = [f"{who} the same band first for {sum(same)} of {len(same)} classes."]
    return same, sentences + ([f"Not so for {and_more(differ, MOST, '; ')}."] if differ else [])


def _verdict(
    columns: dict[str, np.ndarray],
    levels: dict[str, tuple[str, ...]],
    top: int,
    left_out: list[str],
    said_of_firsts: list[str],
) -> tuple[str, ...]:
    estimate = columns["estimate"]
    rows = np.nonzero((columns["measure"] == MEASURES.index("kendall_tau")) & np.isfinite(estimate))[0]
    if not len(rows):
        return ("No rankings can be compared: all bands are equally important.",)
    sentences = list(said_of_firsts)

    def said(row: int) -> str:
        low, high = columns["conf_low"][row], columns["conf_high"][row]
        extent = f", 95 % interval {low:.2f} to {high:.2f}" if np.isfinite(low) else ""
        overlap = 100 * estimate[row + MEASURES.index("top_overlap")]
        return f"Kendall's tau {estimate[row]:.2f}{extent}; top-{top} overlap {overlap:.0f} %"

    def pair(row: int) -> str:
        return f"{levels['first'][columns['first'][row]]} and {levels['second'][columns['second'][row]]}"

    def place(row: int) -> str:
        name, output = levels["class"][columns["class"][row]], columns["output"][row]
        explained = levels["output"][output] if output >= 0 else name
        return f"'{name}'" if explained == name else f"'{name}' -> '{explained}'"

    def ends(of: np.ndarray) -> list[tuple[str, int]]:
        """Least and most agreement among rows."""
        lowest, highest = of[estimate[of].argmin()], of[estimate[of].argmax()]
        return [("least", lowest)] + [("most", highest)] * int(highest != lowest)

    every = columns["class"][rows] == len(levels["class"]) - 1
    over_all, single = rows[every], rows[~every]
    if len(over_all) > MOST:
        sentences += [f"Over all classes, {pair(row)} agree {which}: {said(row)}." for which, row in ends(over_all)]
    else:
        sentences += [f"Over all classes, {pair(row)}: {said(row)}." for row in over_all]
    if len(single):
        sentences += [
            f"On {place(row)}, {pair(row)} agree {which} of all pairs and classes: {said(row)}."
            for which, row in ends(single)
        ]
    if left_out:
        sentences.append(f"Not compared, since one of two results lacks them: {and_more(left_out, MOST, '; ')}.")
    return tuple(sentences)
