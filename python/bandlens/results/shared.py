"""What several results have in common by explaining the same images against the same background.

Let u_ri be what image i moves a mean over the images of result r by, so that the sum of its squares over i is the
variance of the mean. Two results that explain the same images move together: the covariance of r and s is the sum over
i of u_ri u_si, over the images that both have. Averaged over all pairs of results it is C, the variance that the mean
of any number of such results keeps. With V the variance of the mean of the K results and W the mean of theirs,
C = (K V - W) / (K - 1); but images need not all be the same for it, and of different ones C is 0, since then V = W / K.

Background images likewise, by what each adds to all images together. What an image has from a background image alone is
left out there, as in `uncertainty`: it is in the part of the images. Images are known by the means of their bands, and
background images by their positions. Where positions are the same by chance, in different data, products of deviations
have expectation 0, and so has C.

Where each image has a few background images of its own, other draws have few products in common. Results with the same
draws have the C of their V and W; else all of W is taken to be shared: intervals too wide rather than too narrow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .background import Compared
from .pairs import Pairs, Shared, deviations_of, freedom_of, is_known
from .rows import Entries
from .uncertainty import Moves, bias_of, moves_of, scaled

# changes of importances to those of what is asked for, along the last axis
Change = Callable[[np.ndarray], np.ndarray]
# products of deviations, in units of the variance, below which there are none
NONE = 1e-9


@dataclass(frozen=True)
class Common:
    """A part of the variance of a mean over results that more results would not make smaller.

    Attributes
    ----------
    variance : ndarray, shape (bands,)
        NaN where it is not known.
    moves : ndarray, shape (draws, bands)
        Whose squares add up to it.
    freedom : float
    """

    variance: np.ndarray
    moves: np.ndarray
    freedom: float

    @classmethod
    def nothing(cls, n_bands: int) -> Common:
        """Where results have nothing in common."""
        return cls(np.zeros(n_bands), np.zeros((0, n_bands)), 1.0)


@dataclass(frozen=True)
class Side:
    """One result's part of a row of a table.

    Attributes
    ----------
    values : ndarray, shape (n, bands)
        What the importance is the mean of.
    images : list
        What each is known by.
    freedom : float or None
        As in `Entries`.
    pairs : Pairs or None
    paired : list
        What the images of the pairs are known by.
    shared : Shared
    places : list
        What the background images are known by.
    compared : bool
        Whether there are any.
    """

    values: np.ndarray
    images: list[Hashable]
    freedom: float | None
    pairs: Pairs | None
    paired: list[Hashable]
    shared: Shared
    places: list[Hashable]
    compared: bool

    @property
    def known(self) -> bool:
        """Whether pairs tell what the background does."""
        return self.pairs is not None and is_known(self.pairs)


def sides_of(result: Any, entries: Entries, rows: int) -> list[Side]:
    """A result's parts of all rows of a table."""
    shared, found = Shared.of(entries.pairs), []
    names = _places(result)
    for row in range(rows):
        mine = np.flatnonzero(entries.row == row)
        source = entries.source[mine]
        images = list(_counted(source.tolist() if result.drops is not None else _names(result, source)))
        pairs = entries.pairs[row] if entries.pairs else None
        paired = list(_counted(_names(result, entries.paired[row]))) if entries.paired else []
        found.append(
            Side(
                entries.values[mine], images, entries.freedom, pairs, paired, shared, names, entries.pairs is not None
            )
        )  # fmt: skip
    return found


def _names(result: Any, source: np.ndarray) -> list[bytes]:
    """What images are known by, wherever they stand: the means of their bands."""
    return [means.tobytes() for means in np.ascontiguousarray(result.band_means[source])]


def _counted(names: Iterable[Hashable]) -> Iterable[Hashable]:
    """Equal names told apart by how often they came before."""
    seen: Counter[Hashable] = Counter()
    for name in names:
        yield name, seen[name]
        seen[name] += 1


def _places(result: Compared) -> list[Hashable]:
    """What background images are known by: positions in where they are from; means of several (-1) by their order."""
    if result.background is None:
        return []
    source = result.background_source
    return [(source, at, order if at < 0 else 0) for order, at in enumerate(result.background.tolist())]


def of_images(sides: Sequence[Side], change: Change) -> Common:
    """What results have in common by their images."""
    moved: dict[Hashable, list[np.ndarray]] = defaultdict(list)
    for side in sides:
        n = len(side.values)
        with np.errstate(invalid="ignore", divide="ignore"):  # of a single image, nothing is known
            deviations = change(side.values - side.values.mean(axis=0)) / np.sqrt(n * (n - 1.0))
        for name, one in zip(side.images, deviations, strict=True):
            moved[name].append(one)
    return _common([own for own in moved.values() if len(own) > 1], len(sides), sides[0])


def _common(moved: Sequence[Sequence[np.ndarray]], k: int, side: Side) -> Common:
    n_bands = side.values.shape[1]
    if not moved:
        return Common.nothing(n_bands)
    together = np.array([np.sum(own, axis=0) for own in moved])
    alone = sum((np.square(own).sum(axis=0) for own in moved), np.zeros(n_bands))
    variance = np.maximum(((together**2).sum(axis=0) - alone) / (k * (k - 1)), 0.0)
    freedom = max(len(moved) - 1.0, 1.0) if side.freedom is None else side.freedom
    return Common(variance, scaled(together, variance), freedom)


def of_background(sides: Sequence[Side], change: Change) -> tuple[Common, np.ndarray]:
    """What results have in common by their background images, and the bias of their mean importance, at most."""
    n_bands = sides[0].values.shape[1]
    nothing, no_bias = Common.nothing(n_bands), np.zeros(n_bands)
    if not any(side.compared for side in sides):
        return nothing, no_bias
    met = Counter(place for side in sides for place in set(side.places))
    common = {place for place, results in met.items() if results > 1}
    if not all(side.known for side in sides):
        unknown = Common(np.full(n_bands, np.nan), nothing.moves, 1.0)
        return (unknown if common else nothing), no_bias
    pairs = [side.pairs for side in sides if side.pairs is not None]
    bias = np.mean([change(bias_of(deviations_of(own), own).total) for own in pairs], axis=0)
    if not common:
        return nothing, bias
    freedom = float(max(min(freedom_of(own) for own in pairs), 1))
    if all(own.places is None for own in pairs):
        return _crossed(sides, pairs, change, freedom), bias
    same = all(side.paired == sides[0].paired and side.places == sides[0].places for side in sides)
    draws = [own.places for own in pairs if own.places is not None]
    if same and len(draws) == len(pairs) and all(np.array_equal(own, draws[0]) for own in draws):
        return _averaged(sides, pairs, change, freedom), bias
    own_moves = _own_moves(sides, pairs, change)
    variance = np.mean([moves.variance for moves in own_moves], axis=0)
    return Common(variance, scaled(own_moves[0].influence, variance), freedom), bias


def _crossed(sides: Sequence[Side], pairs: Sequence[Pairs], change: Change, freedom: float) -> Common:
    """From products of deviations that different images of two results have with the same background image."""
    k, n_bands = len(sides), sides[0].values.shape[1]
    index: dict[Hashable, int] = {}
    at = [[index.setdefault(place, len(index)) for place in side.places] for side in sides]
    met = Counter(name for side in sides for name in side.paired)
    together = np.zeros((len(index), n_bands))
    of_image: dict[Hashable, np.ndarray] = {}
    weight_of: dict[Hashable, float] = defaultdict(float)
    excess, products, alone = np.zeros(n_bands), float(k * (k - 1)), np.zeros(n_bands)
    for side, own, places in zip(sides, pairs, at, strict=True):
        weights = own.weights / own.weights.sum()
        moved = change(deviations_of(own)) * weights[:, None, None] / own.m
        sums = moved.sum(axis=0)
        together[places] += sums
        alone += (sums**2).sum(axis=0)
        for name, weight, one in zip(side.paired, weights, moved, strict=True):
            if met[name] > 1:  # the same image in two results is no other image
                of_image.setdefault(name, np.zeros_like(together))[places] += one
                weight_of[name] += weight
                excess += (one**2).sum(axis=0)
                products += weight**2
    excess += (together**2).sum(axis=0) - alone - sum(((one**2).sum(axis=0) for one in of_image.values()), np.zeros(1))
    products -= sum(weight**2 for weight in weight_of.values())
    if products < NONE:  # of one image, nothing tells what others would share: as if all
        excess, products = (together**2).sum(axis=0) - alone, float(k * (k - 1))
    variance = np.maximum(excess / products, 0.0)
    return Common(variance, scaled(together, variance), freedom)


def _averaged(sides: Sequence[Side], pairs: Sequence[Pairs], change: Change, freedom: float) -> Common:
    """From the variance of the mean over results, and the mean of theirs, where images have the same draws."""
    k = len(sides)
    mean = replace(pairs[0], scores=np.mean([own.signs[:, None] * own.scores for own in pairs], axis=0))
    own_moves = _own_moves(sides, pairs, change)
    shared = Shared(float(np.mean([side.shared.part for side in sides])))
    moves = _moves(change(np.mean([deviations_of(own) for own in pairs], axis=0)), mean, shared)
    alone = np.mean([one.estimate for one in own_moves], axis=0)
    variance = np.clip((k * moves.estimate - alone) / (k - 1), 0.0, moves.variance)
    return Common(variance, scaled(moves.influence, variance), freedom)


def _own_moves(sides: Sequence[Side], pairs: Sequence[Pairs], change: Change) -> list[Moves]:
    """What the background does to each result alone."""
    return [_moves(change(deviations_of(own)), own, side.shared) for own, side in zip(pairs, sides, strict=True)]


def _moves(deviations: np.ndarray, pairs: Pairs, shared: Shared) -> Moves:
    """Without a bias, which is the results' own."""
    return moves_of(deviations, np.zeros(deviations.shape[-1]), pairs, shared)
