"""SAGE: what each band buys of a metric. Shapley values of what predictions from some of the bands are worth.

Permutation asks what is lost without a band while all others are there, which is nothing where another band tells the
same. Here a band joins the others in all orders, from none of them to all, so that bands which replace each other share
what they are worth. The scores of an image sum to what its prediction is worth less what it would be worth if no band
were known, and the table is their mean.

Up to `max_exact` bands all coalitions are computed. Beyond, bands join in random orders, each followed by its reverse
(antithetic). Each image has a few orders of its own, as it is the mean over images that is asked for: a first sample
says how many it takes until the part of the standard errors that orders make is small (two-stage sampling, Stein 1945).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data.options import Option, number, one_of, whole
from ..models.predictor import Predictor
from . import metrics
from .coalitions import MOST_BYTES, coalition_weights, coalitions_of
from .filling import ABSENT_OPTION
from .findings import Findings, Pairs, ScoreErrors, Scores, evenly
from .kinds import MetricMethod, always, never
from .sage_game import Game
from .task import Request, Task

FOR_CLASSES = ("accuracy", "log_loss")
# pairs of an order and its reverse by which an image is first looked at; of fewer, nothing tells how they differ
FIRST = 2
# images that are sampled side by side, sharing what is computed of the background
MOST_TOGETHER = 16


def scores(task: Task) -> Findings:
    """What each feature buys in each image, exact or sampled with standard errors."""
    game = Game(task, _named(task.predictor, task.options["metric"]))
    exact = len(task.members) <= task.options["max_exact"]
    yield from _exact(task, game) if exact else _sampled(task, game)


def _exact(task: Task, game: Game) -> Findings:
    coalitions = coalitions_of(len(task.members))
    for part, batch in task.images.batches(_size(task, game, len(coalitions)), game.references.dtype):
        rows = np.arange(part.start, part.start + len(batch))
        between = game.worth(rows, batch, coalitions[1:-1])
        empty, full = game.none_known(rows), game.all_known(part, batch)[:, None]
        values = np.concatenate([empty.values, between.values, full], axis=1)
        found = _shapley_values(values)
        yield Scores(part, found)
        if empty.without is not None and between.without is not None:
            same = np.broadcast_to(full[:, None], empty.without.shape)
            without = np.concatenate([empty.without, between.without, same], axis=2)
            left = np.moveaxis(_shapley_values(without), 1, 2)
            yield Pairs(part, _influences(found, left, game.weights(rows)))
        task.tick(len(batch))


def _shapley_values(values: np.ndarray) -> np.ndarray:
    """From values of all coalitions, (..., 2^features, k), to Shapley values, (..., k, features).

    As sums of what features add, not of values, so that one which adds nothing anywhere has exactly 0: a metric that
    counts has many such.
    """
    each = np.arange(values.shape[-2])
    n = len(each).bit_length() - 1
    coalitions = coalitions_of(n)
    found = np.empty((*values.shape[:-2], values.shape[-1], n))
    for feature, weights in enumerate(coalition_weights(coalitions)):
        there = each[coalitions[:, feature]]
        adds = values[..., there, :] - values[..., there - (1 << feature), :]
        found[..., feature] = np.einsum("s,...sk->...k", weights[there], adds)
    return found


def _size(task: Task, game: Game, mixtures: int) -> int:
    """Images that are computed side by side."""
    return max(1, MOST_BYTES // (8 * len(game.references) * mixtures * task.image_output.shape[1]))


def _influences(found: np.ndarray, without: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What an image's scores would be with one background image alone, as far as leaving it out tells.

    Parameters
    ----------
    found : ndarray, shape (images, k, features)
    without : ndarray, shape (images, k, m, features)
        The same without one background image each.
    weights : ndarray, shape (1 or images, m)

    Returns
    -------
    ndarray, shape (images, k, m, features)
        The jackknife's pseudo-values (Tukey 1958; Miller 1974), whose mean is the score here, too.
    """
    counted = np.where(weights > 0, weights, 1.0)
    times = np.where(weights > 0, (1 - counted) / counted, 0.0)[:, None, :, None]
    moved = times * (found[:, :, None] - without)
    mean = (moved * weights[:, None, :, None]).sum(axis=2, keepdims=True)
    influences: np.ndarray = found[:, :, None] + moved - mean
    return influences


class _Sums:
    """What is known of all images: what features contribute in orders that were looked at, added up.

    Of some images, as many as a result keeps pairs of, also without one background image each.
    """

    def __init__(self, task: Task, game: Game) -> None:
        n, k, features, m = task.images.n, task.image_output.shape[1], len(task.members), len(game.references)
        self.task, self.game = task, game
        self.total, self.squares = np.zeros((n, k, features)), np.zeros((n, k, features))
        self.kept = evenly(task.codes, k * m * features)
        self.without = np.zeros((int(self.kept.sum()) if m > 1 else 0, k, m, features))
        self.random = [np.random.default_rng([task.seed, row]) for row in range(n)]
        self.done = 0

    def add(self, part: slice, batch: np.ndarray, times: int) -> None:
        """So many orders, and their reverses, of some images."""
        n, features = len(batch), len(self.task.members)
        rows = np.arange(part.start, part.start + n)
        empty, full = self.game.none_known(rows), self.game.all_known(part, batch)
        for _ in range(times):
            order = np.stack([self.random[row].permutation(features) for row in rows])
            places = np.stack([order, features - 1 - order], axis=1)
            # after t steps, the features whose place is below t have joined
            joined = places[:, :, None] < np.arange(1, features)[:, None]
            between = self.game.worth(rows, batch, joined.reshape(n, -1, features))
            found = _contributions(empty.values[:, 0], between.values, full, places)
            self.total[rows] += found
            self.squares[rows] += found**2
            if empty.without is not None and between.without is not None and self.kept[rows].any():
                mine = self.kept[rows]
                left = [
                    _contributions(empty.without[mine, j, 0], between.without[mine, j], full[mine], places[mine])
                    for j in range(empty.without.shape[1])
                ]
                self.without[self.kept.cumsum()[rows[mine]] - 1] += np.stack(left, axis=2)

    def variances(self, times: int) -> np.ndarray:
        """Of an image's contributions from one order (with its reverse) to the next, shape (n, k, features)."""
        return np.maximum(self.squares - self.total**2 / times, 0.0) / (times - 1)

    def pairs(self, part: slice, times: int, found: np.ndarray) -> np.ndarray:
        """Influences of background images on the scores of some images; NaN for images of which none are kept."""
        rows = np.arange(part.start, part.start + len(found))
        mine = self.kept[rows]
        influences = np.full((len(rows), *self.without.shape[1:]), np.nan)
        if mine.any():
            left = self.without[self.kept.cumsum()[rows[mine]] - 1] / times
            weights = self.game.weights(rows)
            influences[mine] = _influences(found[mine], left, weights if len(weights) == 1 else weights[mine])
        return influences


def _contributions(empty: np.ndarray, between: np.ndarray, full: np.ndarray, places: np.ndarray) -> np.ndarray:
    """What each feature adds when it joins, averaged over an order and its reverse.

    Parameters
    ----------
    empty, full : ndarray, shape (images, k)
    between : ndarray, shape (images, 2 * (features - 1), k)
    places : ndarray of int, shape (images, 2, features)

    Returns
    -------
    ndarray, shape (images, k, features)
    """
    n, features = len(places), places.shape[-1]
    chains = np.empty((n, 2, features + 1, empty.shape[-1]))
    chains[:, :, 0], chains[:, :, -1] = empty[:, None], full[:, None]
    chains[:, :, 1:-1] = between.reshape(n, 2, features - 1, -1)
    adds = np.take_along_axis(np.diff(chains, axis=2), places[..., None], axis=2)
    return np.moveaxis(adds.mean(axis=1), 1, 2)


def _sampled(task: Task, game: Game) -> Findings:
    """Two samples of orders: the first says how large the second has to be."""
    sums, dtype = _Sums(task, game), game.references.dtype
    size = min(MOST_TOGETHER, _size(task, game, 2 * (len(task.members) - 1)))
    for part, batch in task.images.batches(size, dtype):
        sums.add(part, batch, FIRST)
    times = _needed(task, sums)
    for part, batch in task.images.batches(size, dtype):
        sums.add(part, batch, times - FIRST)
        found = sums.total[part] / times
        yield Scores(part, found)
        yield ScoreErrors(part, np.sqrt(sums.variances(times)[part] / times))
        if len(game.references) > 1:
            yield Pairs(part, sums.pairs(part, times, found))
        task.tick(len(batch))


def _needed(task: Task, sums: _Sums) -> int:
    """How many orders, with their reverses, make the part that they have in the standard errors of a table small."""
    variances, needed = sums.variances(FIRST), FIRST
    for code in np.unique(task.codes):
        mine = task.codes == code
        means, n = sums.total[mine].mean(axis=0) / FIRST, mine.sum()
        target = task.options["tolerance"] * np.ptp(means, axis=-1, keepdims=True)
        of_mean = variances[mine].sum(axis=0) / n**2
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.where(of_mean > 0, of_mean / target**2, 0.0).max()
        needed = max(needed, int(np.ceil(min(times, task.options["max_permutations"]))))
    return max(FIRST, min(needed, task.options["max_permutations"] // 2))


def values(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """What each image's prediction is worth, and what it would be if no band were known, each (n, k)."""
    game = Game(task, _named(task.predictor, task.options["metric"]))
    size = task.images_per_batch
    full = [game.all_known(part, batch) for part, batch in task.images.batches(size, task.predictor.trace.dtype)]
    rows = np.arange(task.images.n)
    empty = [game.none_known(rows[start : start + size]).values[:, 0] for start in range(0, len(rows), size)]
    return np.concatenate(full), np.concatenate(empty)


def scale(task: Task) -> str:
    """What a score is measured in."""
    return metrics.SCALES[_named(task.predictor, task.options["metric"])]


def prepare(request: Request) -> None:
    """The metric must suit the model."""
    predictor, metric = request.predictor, request.options["metric"]
    suitable = FOR_CLASSES if predictor.classifies else ("squared_error",)
    metrics.check_suits(predictor, _named(predictor, metric), metric, suitable)
    metrics.check_likelihood(request, "accuracy")


def image_by_image(predictor: Predictor, options: Mapping[str, Any]) -> bool:
    """Whether the metric is no mean over images, which these all are."""
    return False


def _named(predictor: Predictor, metric: str) -> str:
    return metrics.usual(predictor) if metric == "auto" else metric


SAGE = MetricMethod(
    name="sage",
    label="SAGE",
    summary="What the band buys of a metric, in all orders in which bands may become known: equal bands share it.",
    cost="2^bands forward passes per image and background image; beyond max_exact bands, bands - 1 per order",
    reference="Covert, Lundberg & Lee 2020, arXiv:2004.00668; Shapley 1953",
    scores=scores,
    prepare=prepare,
    options={
        "metric": Option(
            "auto",
            "What is bought: 'accuracy' (of classes, by default), 'log_loss', or 'squared_error' (of numbers, by "
            "default), of the mean prediction over the background where bands are not known.",
            one_of("auto", *FOR_CLASSES, "squared_error"),
        ),
        "absent": ABSENT_OPTION,
        "max_exact": Option(8, "Most bands (or groups) for which all coalitions are computed.", whole()),
        "tolerance": Option(
            0.025,
            "Sampling ends at this standard error of a class's scores, relative to their range.",
            number(0, above=True),
        ),
        "max_permutations": Option(
            100, "Most orders of the bands per image; two orders and their reverses are always looked at.", whole(4)
        ),
    },
    needs_background=always,
    values=values,
    scale=scale,
    as_a_whole=image_by_image,
    balanced=never,
)
