"""Whether other images, or another background sample, would have given another table.

`band_importance` reports the sampling error of its images, and of its background images where its method has scores
against single ones. Here tables are made again with other background images: of all methods, and it is seen which ranks
would stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..cluster.workers import at_work
from ..data.backgrounds import PLAIN, WEIGHTED, checked_strategy
from ..data.images import Images, check_images
from ..data.moments import half_width
from ..data.options import whole_number
from ..data.repeated import first_codes
from ..data.words import choices, shown
from ..errors import OptionError
from ..explain.arranging import in_order
from ..explain.importance import importance_of
from ..explain.question import Question
from ..models.predictor import loaded
from ..progress import starting, ticker
from ..results.cells import cell_levels, cell_names, in_cells
from ..results.importance import BandImportance
from ..results.statistics import rank_of, share_of
from .agreement import kendall
from .firsts import OUTCOMES, cell, firsts, judged, outliers, percent
from .resampling import TAILS, draw_again, draw_counts, importances, interval, parts, strata, varies
from .result import Check

# arguments besides those of the table
OWN = ("backgrounds", "resamples")


def check_stability(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    backgrounds: int = 10,
    resamples: int = 1000,
    seed: int = 0,
    client: Any = None,
    **options: Any,
) -> Check:
    """How far the class x band table would change with other images and with another background sample.

    The table is computed once as `band_importance` does, and `backgrounds` times with other background samples. Then
    each of `resamples` takes one of these samples and draws the images anew.

    Parameters
    ----------
    model, x, y
        As for `band_importance`.
    backgrounds : int
        Other background samples, 2 or more; each costs as much as `band_importance`. Ten know the error they cause to
        about a quarter of itself. Methods that use no background don't need them.
    resamples : int
        Bootstrap resamples, at least two per background sample.
    seed : int
        Of the table and of all resampling.
    client : distributed.Client, str or int, optional
        Who computes scores, as for `band_importance`.
    **options
        Other arguments of `band_importance`.

    Returns
    -------
    Check
        Two tables. "class" has a row per class, output and band, and the columns `class`, `output`, `band`,
        `wavelength` (nm), `importance` and `share` (those of `band_importance` with this seed), `std_error_images`,
        `std_error_background`, `std_error` (both together; of `importance`), `conf_low`, `conf_high` (95 %, of
        `importance`), `share_low`, `share_high` (95 %), `rank`, `rank_low`, `rank_high` (95 % of the resamples), and
        `first`, how often the band is ranked first (0 to 1). "rank" has a row per class and output, and the columns
        `class`, `output`, `rank_stability` (mean Kendall's tau-b between the ranking of a resample and that of the
        table), `conf_low`, `conf_high` (95 % of the resamples), `n` (images), `band` (the table's first), `first` (how
        often it is first in the resamples, 0 to 1), `rival` (of the other bands, the one that is first most often),
        `rival_first` (how often), and `outcome`: "sure" if `first` is 0.95 or more, "outlier" if `first` is below 0.25
        while `rival_first` is above 0.5, else "open". Classes with a single image have no errors. With several inputs
        or a time axis, `input` and `time` stand next to `band`, as in `BandImportance.to_frame`, and `rival` is in
        words: "sar: VV at 2024-05-01".

        It has not passed if any class is an outlier: its table then ranks a band first that hardly any other sample
        would, whatever the intervals of shares say. Else `passed` is None: how sure is sure enough is for the reader
        to say. `facts` count the classes that are "sure" and "outlier" (`classes_sure`, `classes_outlier`, of
        `classes_judged`).

    Raises
    ------
    BandlensError
        As for `band_importance`; OptionError if `backgrounds` or `resamples` are too few.

    Notes
    -----
    A background sample has as many images as `band_importance` uses. They are drawn with replacement from `background`
    (all images equally likely) or, without one, from `x` (as evenly over classes as `band_importance` does): drawn so,
    samples vary as if each came from the population of which `background` is a sample, even where `band_importance`
    uses all of it. All images are explained in each, with the same `seed`.

    By the law of total variance the variance of an importance is the sum of

    - the mean, over background samples, of its variance over images: `std_error_images` squared, where that of one
      sample is `se_images` of `band_importance` (s^2 / n, s^2 the variance of |score| in the class);
    - the variance, over background samples, of the importance of these images: `std_error_background` squared. It is 0
      for methods without a background.

    For shares the first is a bootstrap variance times n / (n - 1). Intervals are the table's value +- t standard
    errors, t with the degrees of freedom of Satterthwaite (1946, Biometrics Bulletin 2, 110-114) from n - 1 and
    `backgrounds` - 1; those of shares end at 0 and 1, those of means of sizes at 0. So they hold the value for the
    whole background population, not only the mean of the samples that were drawn: percentiles of so few can't reach
    into the tails. Ranks, `first` and `rank_stability` are read off the nested bootstrap.

    Where a metric is computed for whole classes (permutation with a function), images have no scores: its repeats are
    resampled in their place, and `n` counts repeats in the above. `facts` says what was resampled.
    """
    backgrounds = whole_number("backgrounds", backgrounds, 2)
    resamples = whole_number("resamples", resamples, 2 * backgrounds)
    seed = whole_number("seed", seed, 0)
    progress = options.pop("progress", None)
    question = _of_sample(in_order(Question.of(model, x, y, OWN, seed=seed, **options)))
    images = check_images(question.x, question.band_axis, time_axis=question.time_axis)
    with starting(progress, model):
        question = replace(question, model=loaded(model))  # once, not for every background
    with at_work(client), ticker(progress, images.n * (backgrounds + 1), "Stability") as tick:
        table = importance_of(question, _onwards(tick))
        if table.background is None:
            tick(images.n * backgrounds)  # there is nothing else to compute
            found = [_resampled(table, resamples, seed, 0)]
        else:
            pool = images if table.background_source == "x" else check_images(question.background, images.band_axis)
            sizes = np.diff(np.linspace(0, resamples, backgrounds + 1).round().astype(int))
            found = []
            for place, draw in enumerate(_draws(table, pool, backgrounds, seed)):
                other = replace(question, background=pool.chosen(draw), n_background=len(draw), sampling=None)
                found.append(_resampled(importance_of(other, _onwards(tick), fit=False), sizes[place], seed, place))
    return _check(table, found, resamples)


def _of_sample(question: Question) -> Question:
    """The question, if other backgrounds can be drawn like its own.

    Raises
    ------
    OptionError
    """
    given = question.sampling
    strategy = None if given is None else checked_strategy(given.strategy, given.weights)
    possible = PLAIN if question.background is None else PLAIN[:1]
    if strategy is not None and strategy not in possible:
        raise OptionError(
            "Stability is that of a background that was drawn at random: other ones are drawn like it.",
            expected=f"the background's strategy {choices(possible)}, or none",
            given="weights" if strategy == WEIGHTED else shown(strategy),
        )
    return question


@dataclass(frozen=True)
class _Resampled:
    """What is kept of a table and its resamples, each ndarray of float64.

    Attributes
    ----------
    importance, share : shape (cells, bands)
    variance, share_variance : shape (cells, bands)
        Over images, of the means.
    resamples : shape (resamples, cells, bands)
        Importances.
    """

    importance: np.ndarray
    share: np.ndarray
    variance: np.ndarray
    share_variance: np.ndarray
    resamples: np.ndarray


def _onwards(tick: Callable[[int], None]) -> Callable[[int, int], None]:
    """A progress callback for one of several calls."""
    before = 0

    def tell(done: int, total: int) -> None:
        nonlocal before
        tick(done - before)
        before = done

    return tell


def _draws(table: BandImportance, pool: Images, times: int, seed: int) -> np.ndarray:
    """Positions of other background samples in the pool, shape (times, m), drawn as the table's own was."""
    assert table.background is not None
    groups = np.zeros(pool.n, np.int64)
    if table.background_source == "x" and table.background_strategy == "balanced":
        groups = table.image_class
        if table.images is not None:
            groups = first_codes(table.images, table.image_class, pool.n)
    return np.sort(draw_again(groups, table.background, times, np.random.default_rng([seed, 0])), axis=1)


def _resampled(result: BandImportance, resamples: int, seed: int, place: int) -> _Resampled:
    """Resample the images of one table."""
    groups, table, cells = strata(result), result.table, len(result.cells)
    random = np.random.default_rng([seed, 1, place])
    numbers = max(len(groups), table.importance.size)
    drawn = [
        importances(result, draw_counts(groups, part.stop - part.start, random))[:, :cells]
        for part in parts(resamples, numbers)
    ]
    again = np.concatenate(drawn)
    n = _units(result)
    with np.errstate(divide="ignore", invalid="ignore"):
        share_variance = interval(share_of(again))[0] ** 2 * (n / (n - 1))  # resamples vary less than samples
    # of repeats of a metric, all that is known is how they differ
    error = table.std_error if result.drops is not None else table.se_images
    return _Resampled(table.importance, table.share, error**2, share_variance, again)


def _units(result: BandImportance) -> np.ndarray:
    """What a mean of the table is over, images or repeats: how many, shape (cells, 1), float64."""
    n = result.table.n if result.drops is None else np.full(len(result.cells), len(result.drops))
    return n[:, None].astype(np.float64)


def _check(table: BandImportance, found: list[_Resampled], resamples: int) -> Check:
    numbers, cells, n_bands = table.table, table.cells, len(table.bands)
    n = _units(table)
    images, between = _components([one.variance for one in found], [one.importance for one in found])
    low, high = _interval(numbers.importance, images, between, n, len(found))
    low = low if table.directed else np.maximum(low, 0.0)
    parts_of_share = _components([one.share_variance for one in found], [one.share for one in found])
    share_low, share_high = _interval(numbers.share, *parts_of_share, n, len(found))
    known = varies(table)[: len(cells)]
    ranks, stability = _rankings(numbers.importance, np.concatenate([one.resamples for one in found]), known)

    by_band = {
        "importance": numbers.importance,
        "share": numbers.share,
        "std_error_images": np.sqrt(images),
        "std_error_background": np.where(known[:, None], np.sqrt(between), np.nan),
        "std_error": np.sqrt(images + between),
        "conf_low": low,
        "conf_high": high,
        "share_low": np.maximum(share_low, 0.0),
        "share_high": np.minimum(share_high, 1.0),
        "rank": numbers.rank,
        **ranks,
    }
    columns = {
        "class": np.repeat(cells[:, 0], n_bands),
        "output": np.repeat(cells[:, 1], n_bands),
        "band": np.tile(np.arange(n_bands), len(cells)),
        "wavelength": np.tile(np.array(table.wavelengths), len(cells)),
        **{name: values.reshape(-1) for name, values in by_band.items()},
    }
    found_first = judged(numbers.rank, ranks["first"])
    by_class = {"class": cells[:, 0], "output": cells[:, 1], **stability, "n": numbers.n, **found_first}
    outcome = found_first["outcome"]
    facts = {
        "method": table.method,
        "statistic": table.statistic,
        "output": table.output,
        "model": table.model,
        "images": table.n,
        "background_source": table.background_source,
        "n_background": table.n_background,
        "backgrounds": 0 if table.background is None else len(found),
        "resampled": ["images" if table.drops is None else "repeats"] + ["background"] * (table.background is not None),
        "resamples": resamples,
        "seed": table.seed,
        "classes_judged": int((outcome >= 0).sum()),
        "classes_sure": int((outcome == OUTCOMES.index("sure")).sum()),
        "classes_outlier": int((outcome == OUTCOMES.index("outlier")).sum()),
    }
    levels = {
        "class": table.classes,
        "output": table.outputs,
        **cell_levels(table),
        "rival": cell_names(table),
        "outcome": OUTCOMES,
    }
    passed = False if facts["classes_outlier"] else None
    verdict = _verdict(table, by_band, by_class)
    tables = {"class": in_cells(table, columns), "rank": in_cells(table, by_class)}
    return Check("check_stability", tables, levels, passed, verdict, facts)


def _rankings(
    importance: np.ndarray, resamples: np.ndarray, known: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """How ranks vary over resamples, per band (cells, bands) and of all bands together (cells,).

    Parameters
    ----------
    importance : ndarray, shape (cells, bands)
    resamples : ndarray, shape (resamples, cells, bands)
    known : ndarray of bool, shape (cells,)
        Cells of more than one image; others have no errors.
    """
    # a resample may hold no image of a class that is explained by this output
    full = np.isfinite(resamples).all(axis=-1)
    known = known & full.any(axis=0)
    rank = np.where(full[..., None], rank_of(resamples), np.nan)
    rank[:, ~known] = 0.0
    low, high = np.nanquantile(rank, TAILS, axis=0, method="inverted_cdf")
    first = (rank == 1).sum(axis=0) / np.maximum(full.sum(axis=0), 1)[:, None]
    by_band = {"rank_low": low, "rank_high": high, "first": first}
    tau = kendall(resamples, importance)
    known_tau = known & np.isfinite(tau).any(axis=0)
    tau[:, ~known_tau] = 0.0
    together = {"rank_stability": np.nanmean(tau, axis=0)}
    together["conf_low"], together["conf_high"] = interval(tau)[1:]
    return (
        {name: np.where(known[:, None], values, np.nan) for name, values in by_band.items()},
        {name: np.where(known_tau, values, np.nan) for name, values in together.items()},
    )


def _components(within: list[np.ndarray], values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Variance over images, averaged over backgrounds, and variance over backgrounds; each (cells, bands)."""
    between = np.var(values, axis=0, ddof=1) if len(values) > 1 else np.zeros_like(values[0])
    return np.mean(within, axis=0), between


def _interval(
    centre: np.ndarray, images: np.ndarray, between: np.ndarray, n: np.ndarray, backgrounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval from two variances, with Satterthwaite's degrees of freedom."""
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (images + between) ** 2 / (images**2 / (n - 1) + between**2 / max(backgrounds - 1, 1))
    freedom = np.where(images + between > 0, freedom, 1.0)  # no variance at all: any will do
    half = half_width(np.sqrt(images + between), freedom)
    return centre - half, centre + half


def _verdict(table: BandImportance, by_band: dict[str, np.ndarray], by_class: dict[str, np.ndarray]) -> tuple[str, ...]:
    stability = by_class["rank_stability"]
    known = np.nonzero(np.isfinite(stability))[0]
    if not len(known):
        return ("Nothing can be said: every class has a single image, or bands that are all equally important.",)
    names = [cell(table, row) for row in range(len(table.cells))]
    sentences = [*outliers(table, names, by_class), *firsts(table, names, by_class, known)]
    lowest = known[stability[known].argmin()]
    sentences.append(
        f"Rankings of resamples agree with that of the table by a Kendall's tau of {stability[known].mean():.2f} on "
        f"average, and of {stability[lowest]:.2f} for {names[lowest]}, the least."
    )
    width = by_band["share_high"] - by_band["share_low"]
    if np.isfinite(width).any():
        row, band = np.unravel_index(np.nanargmax(width), width.shape)
        share, low, high = (by_band[name][row, band] for name in ("share", "share_low", "share_high"))
        sentences.append(
            f"The least certain share is that of {cell_names(table)[band]} for {names[row]}: {percent(share)}, "
            f"95 % interval {percent(low)} to {percent(high)}."
        )
    if table.background is None:
        sentences.append("The method uses no background: only images were resampled.")
        return tuple(sentences)
    images, both = by_band["std_error_images"] ** 2, by_band["std_error"] ** 2
    some = both > 0
    if some.any():
        part = np.median(1 - images[some] / both[some])
        factor = np.median(np.sqrt(both[some] / images[some])) if (images[some] > 0).all() else np.inf
        sentences.append(
            f"Samples of {table.n_background} background images cause {percent(part)} of the variance of an "
            f"importance (median); its standard error is {factor:.1f} times that of other images alone."
        )
        if part > 0.5:
            sentences.append("A larger `n_background` would help more than more images.")
    return tuple(sentences)
