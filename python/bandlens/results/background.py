"""Which pairs of images and background images tell how uncertain a row of a table is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from .pairs import Pairs
from .schema import fields_along
from .statistics import ClassBandTable


class Compared(Protocol):
    """What is asked of a result here; see `BandImportance`."""

    @property
    def scores(self) -> np.ndarray:
        """Of each image and output, in each cell."""

    @property
    def draw_errors(self) -> np.ndarray | None:
        """Their standard errors by the draw of each image's background."""

    @property
    def image_class(self) -> np.ndarray:
        """Class of each image."""

    @property
    def background(self) -> np.ndarray | None:
        """Positions of the background images used."""

    @property
    def background_source(self) -> str | None:
        """Which argument they are from."""

    @property
    def background_strata(self) -> np.ndarray | None:
        """Class of each, where they were drawn from the classes."""

    @property
    def background_strategy(self) -> str | None:
        """How they were chosen."""

    @property
    def directed(self) -> bool:
        """Whether importance is the mean of signed scores, not of their size."""

    @property
    def pair_scores(self) -> np.ndarray | None:
        """Scores of some images against single background images."""

    @property
    def pair_images(self) -> np.ndarray | None:
        """Which images these are."""

    @property
    def pair_places(self) -> np.ndarray | None:
        """Which background images, where images have their own."""


def pairs_of(
    result: Compared, cell: np.ndarray, cells: int, weights: np.ndarray | None = None
) -> list[Pairs | None] | None:
    """The pairs behind each row of a table; None in all where there is no background.

    Parameters
    ----------
    result : Compared
    cell : ndarray of int, shape (n, k)
        The row that each image is counted in with each of its outputs.
    cells : int
    weights : ndarray of float64, shape (n,), optional
        How much each image counts. Those with pairs stand for all of their class, of which they may be a few.
    """
    if result.background is None:
        return None
    if result.pair_scores is None or result.pair_images is None:
        return [None] * cells
    counted, codes = cell[result.pair_images], result.image_class[result.pair_images]
    weight = np.bincount(result.image_class)[codes] / np.bincount(codes)[codes]
    if weights is not None:
        weight = weight * weights[result.pair_images]
    found: list[Pairs | None] = []
    errors = result.draw_errors
    for row in range(cells):
        images, places = np.nonzero(counted == row)
        pairs = Pairs(
            result.pair_scores[images, places],
            weight[images],
            None if result.pair_places is None else result.pair_places[images],
            result.background_strata,
            len(result.background),
            directed=result.directed,
            estimates=None if errors is None else result.scores[result.pair_images[images], places],
            errors=None if errors is None else errors[result.pair_images[images], places],
        )
        found.append(_of_others(pairs, codes[images]) if result.background_strategy == "others" else pairs)
    return found


def _of_others(pairs: Pairs, codes: np.ndarray) -> Pairs | None:
    """Pairs of images, of these classes, with background images of other classes only.

    None where images of several classes have drawn some of these: what they share isn't known.
    """
    assert pairs.strata is not None
    compared = pairs.strata[None] != codes[:, None]
    if pairs.places is None:
        return replace(pairs, counts=compared / compared.sum(axis=1, keepdims=True))
    if len(np.unique(codes)) != 1:
        return None
    left = np.flatnonzero(compared[0])
    return replace(pairs, places=np.searchsorted(left, pairs.places), strata=pairs.strata[left], m=len(left))


# what is told of strategies that are no plain samples
TOLD = {"others": "of other classes", "kmeans": "k-means", "kmedoids": "k-medoids", "weighted": "weighted"}


# what absent bands are, where they are not the background's whatever the others are
ABSENT = {"conditional": "absent bands given the others", "nearest": "absent bands of the nearest pixels"}


def absent_as(absent: str | None) -> list[str]:
    """What is told of how bands are absent, where that is anything."""
    return [ABSENT[absent]] if absent in ABSENT else []


def chosen_by(result: Compared) -> str:
    """How the background was chosen, in brackets, where it is no plain sample."""
    told = TOLD.get(result.background_strategy or "")
    return "" if told is None else f" ({told})"


def part_of_background(table: ClassBandTable) -> float | None:
    """Median part of the background in the variances of a table, 0 to 1; None where no part is known."""
    known = (table.std_error > 0) & np.isfinite(table.se_background)
    return float(np.median((table.se_background[known] / table.std_error[known]) ** 2)) if known.any() else None


def pairs_taken(result: Compared, rows: np.ndarray) -> dict[str, Any]:
    """Those fields of a result that hold pairs, where only some of its rows are left, in another order."""
    if result.pair_images is None:
        return {}
    place = np.full(int(max(rows.max(), result.pair_images.max())) + 1, -1)
    place[rows] = np.arange(len(rows))
    left = np.flatnonzero(place[result.pair_images] >= 0)
    found = {name: getattr(result, name) for name in fields_along(type(result), "pair")}
    chosen = {name: values[left] for name, values in found.items() if values is not None}
    return {**chosen, "pair_images": place[result.pair_images[left]]}


def pairs_joined(results: Sequence[Compared], rows: Sequence[int]) -> dict[str, Any]:
    """The fields that hold pairs, of all results, which have so many rows; None where one lacks them."""
    names = fields_along(type(results[0]), "pair")
    columns = {name: [getattr(one, name) for one in results] for name in names}
    if any(images is None for images in columns["pair_images"]):
        return dict.fromkeys(names)
    before = np.cumsum([0, *rows[:-1]])
    columns["pair_images"] = [images + start for images, start in zip(columns["pair_images"], before, strict=True)]
    return {
        name: None if any(part is None for part in parts) else np.concatenate(parts) for name, parts in columns.items()
    }
