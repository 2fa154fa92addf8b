"""Zones of neighbouring bands that carry the same information, learnt from the pixels of images.

How much two bands share is the square of their correlation over pixels: the part of the variance of one that the other
tells, whatever their signs. Neighbours along the spectrum are merged one pair of zones after the other, each time those
two whose bands lose least by it (Ward's clustering, with the constraint that only neighbours merge; Grimm 1987,
CONISS). What is lost is the *unshared variance* of the zones, the sum of squares within clusters of Ward's method for
this measure: a band alone has none, two bands in a zone have 1 - r^2, B bands that share nothing B - 1.

The number of zones is the one for which unshared variance, plus one half for each zone, is least: two single bands are
one zone if they share more than half of their variance. Such a penalty for each part is how segmentations by a measure
of similarity choose their number (Arlot, Celisse & Harchaoui 2019, JMLR 20: 1-56).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .images import Images

# what a zone must explain to be worth having, in variances of a band: so much must two single bands share to be one
PER_ZONE = 0.5
# pixels that are drawn if there are more: correlations are then known to 0.01
MOST_PIXELS = 50_000
BATCH_BYTES = 1 << 25


class Merges(NamedTuple):
    """How bands merge, until all are one zone.

    Attributes
    ----------
    step : ndarray of int64, shape (bands - 1,)
        For each two neighbours, the step, from 0, with which they come into one zone.
    unshared : ndarray of float64, shape (bands,)
        Unshared variance, in variances of a band, before the first step and after each.
    """

    step: np.ndarray
    unshared: np.ndarray

    def zones(self, n_zones: int) -> list[list[int]]:
        """Places of the bands of each of so many zones."""
        apart = self.step >= len(self.step) + 1 - n_zones
        edges = [0, *(np.flatnonzero(apart) + 1).tolist(), len(self.step) + 1]
        return [list(range(low, high)) for low, high in pairwise(edges)]

    @property
    def best(self) -> int:
        """Number of zones for which unshared variance and the penalty of zones are least together."""
        n_zones = np.arange(len(self.unshared), 0, -1)
        return int(n_zones[np.argmin(self.unshared + PER_ZONE * n_zones)])


def spectral_order(wavelengths: Sequence[float]) -> np.ndarray:
    """Bands along the spectrum: by wavelength if all are known, else as they come."""
    if not np.isfinite(wavelengths).all():
        return np.arange(len(wavelengths))
    return np.argsort(wavelengths, kind="stable")


def band_correlation(images: Images, seed: int) -> tuple[np.ndarray, int]:
    """Correlations of bands over pixels, shape (bands, bands), and over how many; a constant band has none with others.

    Of more than 50,000 pixels so many are drawn, from all images (or 50,000 of them) alike.
    """
    pixels = sampled_pixels(images, seed)
    pixels -= pixels.mean(axis=0)
    size = np.abs(pixels).max(axis=0, initial=0)
    spread = np.sqrt((pixels**2).mean(axis=0))
    constant = spread <= np.finfo(np.float64).eps * (1 + size)
    pixels /= np.where(constant, np.inf, spread)
    found: np.ndarray = np.clip(pixels.T @ pixels / len(pixels), -1, 1)
    np.fill_diagonal(found, 1.0)
    return found, len(pixels)


def sampled_pixels(images: Images, seed: int) -> np.ndarray:
    """Spectra of pixels of one input, drawn where there are many, shape (pixels, bands), float64."""
    random = np.random.default_rng(seed)
    n_pixels = int(np.prod(images.shape)) // images.n_bands
    chosen = np.arange(images.n)
    if images.n > MOST_PIXELS:
        chosen = np.sort(random.choice(images.n, MOST_PIXELS, replace=False))
    each = min(n_pixels, -(-MOST_PIXELS // len(chosen)))
    at_once = max(1, BATCH_BYTES // (8 * int(np.prod(images.shape))))
    found = []
    for start in range(0, len(chosen), at_once):
        batch = np.moveaxis(images.take(chosen[start : start + at_once], np.float64), images.band_axis, -1)
        batch = batch.reshape(len(batch), n_pixels, images.n_bands)
        if each < n_pixels:
            batch = np.stack([one[random.choice(n_pixels, each, replace=False)] for one in batch])
        found.append(batch.reshape(-1, images.n_bands))
    return np.concatenate(found)


def merged(correlation: np.ndarray) -> Merges:
    """How bands that stand along the spectrum merge, from their correlations in this order."""
    from scipy.sparse import diags
    from sklearn.cluster import ward_tree

    n = len(correlation)
    shared = correlation**2
    if n == 1:
        return Merges(np.empty(0, np.int64), np.zeros(1))
    # points whose inner products are what bands share: Ward's sum of squares is then the unshared variance
    values, vectors = np.linalg.eigh(shared)
    points = vectors * np.sqrt(np.maximum(values, 0))
    neighbours = diags([1.0, 1.0], [-1, 1], shape=(n, n))
    children = ward_tree(points, connectivity=neighbours)[0]
    sums = np.zeros((n + 1, n + 1))
    sums[1:, 1:] = shared.cumsum(axis=0).cumsum(axis=1)

    def unshared(low: int, high: int) -> float:
        together = sums[high, high] - sums[low, high] - sums[high, low] + sums[low, low]
        return float((high - low) - together / (high - low))

    spans = [(place, place + 1) for place in range(n)]
    step, total = np.empty(n - 1, np.int64), [0.0]
    for at, pair in enumerate(children):
        (low, middle), (_, high) = sorted(spans[child] for child in pair)
        spans.append((low, high))
        step[middle - 1] = at
        total.append(total[-1] + max(0.0, unshared(low, high) - unshared(low, middle) - unshared(middle, high)))
    return Merges(step, np.array(total))
