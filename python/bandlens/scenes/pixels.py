"""Scores of pixels, for models that map a scene: windows overlap, and what they say of a pixel is blended.

First the windows say which class each pixel has, by the mean of their probabilities; then each pixel is explained for
that class by all windows that it is in. A block is computed by itself: from all windows that hold one of its pixels,
and for the classes of their other pixels from all windows that hold one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..explain.windows import NO_CLASS, pixel_scores, window_outputs
from .grid import Block, overlapping, window_starts, window_weights
from .rasters import Region
from .work import CONFIDENCE, PREDICTION, SCORE, SceneWork, Tally, Traced, batches


class _Ring(NamedTuple):
    """Windows that hold a pixel of some region: where they start, and what they cover."""

    top: np.ndarray
    left: np.ndarray
    covered: Region


def region(work: SceneWork, block: Block) -> Region:
    """Pixels that a block's scores depend on."""
    return _rings(work, block)[-1].covered


def _rings(work: SceneWork, block: Block) -> list[_Ring]:
    """Windows around a block, and around these where classes of their pixels are needed."""
    finest, size = work.ground.finest, work.size
    around = Region(block.row, block.col, block.rows, block.cols)
    rings: list[_Ring] = []
    for _ in range(2 if _needs_classes(work) else 1):
        tops = overlapping(window_starts(finest.rows, size, work.stride), size, around.top, around.top + around.rows)
        lefts = overlapping(window_starts(finest.cols, size, work.stride), size, around.left, around.left + around.cols)
        rows, cols = tops[-1] + size - tops[0], lefts[-1] + size - lefts[0]
        around = Region(int(tops[0]), int(lefts[0]), int(rows), int(cols))
        rings.append(_Ring(tops.repeat(len(lefts)), np.tile(lefts, len(tops)), around))
    return rings


def _needs_classes(work: SceneWork) -> bool:
    return work.own or work.layers.prediction


def scores(
    model: Traced, work: SceneWork, block: Block, values: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], Tally]:
    """Arrays of a block, and what there is to say of it."""
    rings, layers, size = _rings(work, block), work.layers, work.size
    read, tally = rings[-1].covered, Tally()
    found = layers.empty(block.rows, block.cols)
    inside = Region(block.row, block.col, block.rows, block.cols)
    codes = np.zeros(0)
    if _needs_classes(work):
        said = _blended(work, values, read, rings[1], rings[0].covered, len(layers.classes), _outputs(work, model))
        known = np.isfinite(said[..., 0])
        codes = np.where(known, np.nan_to_num(said).argmax(axis=-1), NO_CLASS)
        if layers.prediction:
            own = _part(rings[0].covered, inside)
            found[PREDICTION][:] = codes[own] + 1  # where nothing is known, 0
            found[CONFIDENCE][:] = np.where(known[own], np.nan_to_num(said[own]).max(axis=-1), np.nan)

    def explained(windows: dict[str, np.ndarray], known: np.ndarray, top: np.ndarray, left: np.ndarray) -> np.ndarray:
        nonlocal tally
        own = np.where(known, 0, NO_CLASS)
        if work.own:
            seen = np.lib.stride_tricks.sliding_window_view(codes, (size, size))
            own = np.where(known, seen[top - rings[0].covered.top, left - rings[0].covered.left], NO_CLASS)
        question = work.question(model.model, windows)
        result = pixel_scores(question, own, traced=model.of(question))
        tally = tally.plus(Tally(completeness=result.completeness))
        return result.values.reshape(*result.values.shape[:3], -1)

    n_scores = layers.n_outputs * len(layers.bands)
    drawn = _blended(work, values, read, rings[0], inside, n_scores, explained)
    there = int(np.isfinite(drawn[..., 0]).sum())
    found[SCORE][:] = np.moveaxis(drawn, -1, 0).reshape(found[SCORE].shape)
    return found, tally.plus(Tally(there, block.rows * block.cols - there))


def _outputs(work: SceneWork, model: Traced) -> Callable[..., np.ndarray]:
    """What windows say of their pixels."""

    def said(windows: dict[str, np.ndarray], known: np.ndarray, top: np.ndarray, left: np.ndarray) -> np.ndarray:
        question = work.question(model.model, windows)
        return window_outputs(question, model.of(question)).values

    return said


def _blended(
    work: SceneWork,
    values: dict[str, np.ndarray],
    read: Region,
    ring: _Ring,
    wanted: Region,
    n_layers: int,
    values_of: Callable[..., np.ndarray],
) -> np.ndarray:
    """Weighted means over the windows of a ring, (rows, cols, layers) of a region, float64; NaN where none is known.

    Parameters
    ----------
    values_of : callable
        From windows, which of their pixels are known, and where they start, to values (n, rows, cols, layers).
    """
    size, weights = work.size, window_weights(work.size)
    sums = np.zeros((ring.covered.rows, ring.covered.cols, n_layers))
    total = np.zeros((ring.covered.rows, ring.covered.cols))
    for part in batches(len(ring.top), work.at_once):
        top, left = ring.top[part], ring.left[part]
        windows = work.ground.windows(values, read, top, left, size)
        known = known_pixels(windows, size)
        some = known.any(axis=(1, 2))
        if not some.any():
            continue
        top, left, known = top[some], left[some], known[some]
        windows = {name: filled(own[some]) for name, own in windows.items()}
        for one, there, row, col in zip(values_of(windows, known, top, left), known, top, left, strict=True):
            at = np.s_[row - ring.covered.top :, col - ring.covered.left :]
            counts = weights * there
            total[at][:size, :size] += counts
            sums[at][:size, :size] += counts[..., None] * one
    own = _part(ring.covered, wanted)
    counted = total[own][..., None]
    blended: np.ndarray = np.divide(sums[own], counted, out=np.full_like(sums[own], np.nan), where=counted > 0)
    return blended


def _part(outer: Region, inner: Region) -> Any:
    """Where a region lies in another."""
    row, col = inner.top - outer.top, inner.left - outer.left
    return np.s_[row : row + inner.rows, col : col + inner.cols]


def known_pixels(windows: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Which pixels of the finest raster have a value in every band of every raster, (n, size, size)."""
    each = []
    for values in windows.values():
        there = np.isfinite(values).all(axis=-1)
        fold = size // there.shape[1]
        each.append(there.repeat(fold, axis=1).repeat(fold, axis=2))
    found: np.ndarray = np.logical_and.reduce(each)
    return found


def filled(windows: np.ndarray) -> np.ndarray:
    """Windows in which missing values are the band's mean in the window, for the model; 0 without any."""
    there = np.isfinite(windows)
    if there.all():
        return windows
    counts = there.sum(axis=(1, 2), keepdims=True)
    sums = np.where(there, windows, 0).sum(axis=(1, 2), keepdims=True, dtype=np.float64)
    return np.where(there, windows, sums / np.maximum(counts, 1)).astype(windows.dtype)
