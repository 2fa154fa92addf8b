"""Absent bands as they are in pixels of the background that are most alike in the bands that are there.

No model of how bands depend on each other is needed, and what is filled in was measured. Alike means near in the
standardised bands of the pixel and in the means of its surroundings. Of the nearest pixels, the first background
image's turn takes the first, the next one's the second, and so on around.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import product

import numpy as np

from ..data.cells import Cells
from ..data.images import Images
from ..data.spectra import has_surroundings, images_of, sampled_spectra, spectra, surroundings

# pixels among which the nearest are looked for, and how many of these are taken
MOST_PIXELS = 2_000
NEAREST = 5
# distances that are computed at once
MOST_DISTANCES = 1 << 21


@dataclass(frozen=True, eq=False)
class Nearest:
    """Bands of similar pixels, see `bandlens.methods.filling.Filling`.

    Attributes
    ----------
    cells : Cells
    pixels : tuple of ndarray, shape (pixels, cells)
        Spectra of each input that bands are taken from.
    places : tuple of ndarray, shape (pixels, cells or twice)
        The same and their surroundings, in units of `scales`.
    scales : tuple of ndarray, shape (cells or twice,)
        Standard deviations; 1 for what does not vary.
    images : tuple of ndarray of int, shape (pixels,)
        Image of each pixel.
    numbers : dict of bytes to list of int
        These images by what they hold: an image is no neighbour of itself.
    """

    cells: Cells
    pixels: tuple[np.ndarray, ...]
    places: tuple[np.ndarray, ...]
    scales: tuple[np.ndarray, ...]
    images: tuple[np.ndarray, ...]
    numbers: dict[bytes, list[int]]

    @classmethod
    def of(cls, images: Images, seed: int) -> Nearest:
        """Draw pixels from images."""
        found = []
        for part, (own, around, image) in zip(
            images.cells.parts, sampled_spectra(images, MOST_PIXELS, seed), strict=True
        ):
            values = np.concatenate([own, around], axis=1) if has_surroundings(part) else own
            deviation = values.std(axis=0)
            scale = np.where(deviation > 0, deviation, 1.0)
            found.append((own, values / scale, scale, image))
        pixels, places, scales, of_pixels = (tuple(column) for column in zip(*found, strict=True))
        numbers: dict[bytes, list[int]] = {}
        for number in np.unique(of_pixels[0]):
            image = images.take(np.array([number]), np.float64)[0]
            numbers.setdefault(_digest(image), []).append(int(number))
        return cls(images.cells, pixels, places, scales, of_pixels, numbers)

    def fill(self, images: np.ndarray, references: np.ndarray, present: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Fill absent bands; see `Filling`. Where an input has no band that is there, references stay as they are."""
        a, b, c = len(images), references.shape[1], present.shape[2]
        mine = spectra(self.cells, images)
        others = spectra(self.cells, references.reshape(-1, *references.shape[2:]))
        known = [self.numbers.get(_digest(image), []) for image in images]
        found, before = [], 0
        for number, (own, other) in enumerate(zip(mine, others, strict=True)):
            n = own.shape[-1]
            other = np.broadcast_to(other.reshape(len(references), b, *other.shape[1:]), (a, b, *other.shape[1:]))
            there = present[..., before : before + n]
            before += n
            around = [surroundings(own, 1)] if len(self.scales[number]) > n else []
            places = np.concatenate([own, *around], axis=-1).reshape(a, -1, len(self.scales[number]))
            filled = np.empty((a, b, c, *own.shape[1:]), images.dtype)
            for i, j, k in product(range(a), range(there.shape[1]), range(c)):
                mask = there[i if len(there) > 1 else 0, j, k]
                which = slice(j, j + 1) if there.shape[1] > 1 else slice(None)
                if not mask.any():
                    filled[i, which, k] = other[i, which]
                    continue
                nearest = self._nearest(number, places[i] / self.scales[number], mask, known[i])
                donors = self.pixels[number][nearest[:, turns[which] % nearest.shape[1]].T]
                donors = donors.reshape(-1, *own.shape[1:])
                filled[i, which, k] = np.where(mask, own[i], donors)
            found.append(filled.reshape(-1, *own.shape[1:]))
        return images_of(self.cells, found)

    def turns(self, m: int, present: np.ndarray) -> int:
        """As many as there are neighbours, unless a reference itself is seen."""
        before, seen = 0, False
        for part in self.cells.parts:
            seen |= not bool(present[..., before : before + part.n_cells].any(axis=-1).all())
            before += part.n_cells
        return m if seen or present.shape[1] > 1 else min(m, NEAREST)

    def _nearest(self, number: int, places: np.ndarray, present: np.ndarray, itself: list[int]) -> np.ndarray:
        """The nearest pixels, the nearest first, to each of some places (p, cells or twice), shape (p, NEAREST)."""
        others = ~np.isin(self.images[number], itself)
        # of images that are all the same, one is as good as another
        allowed = np.flatnonzero(others if others.any() else ~others)
        there = np.tile(present, len(self.scales[number]) // len(present))
        pool = self.places[number][np.ix_(allowed, there)]
        k, parts = min(NEAREST, len(pool)), []
        for start in range(0, len(places), size := max(1, MOST_DISTANCES // len(pool))):
            query = places[start : start + size, there]
            distances = (pool**2).sum(axis=1) - 2 * query @ pool.T
            first = np.argpartition(distances, k - 1, axis=1)[:, :k]
            order = np.argsort(np.take_along_axis(distances, first, axis=1), axis=1, kind="stable")
            parts.append(np.take_along_axis(first, order, axis=1))
        return allowed[np.concatenate(parts)]


def _digest(image: np.ndarray) -> bytes:
    """What tells images apart, as a model sees them."""
    return blake2b(np.ascontiguousarray(image, np.float32).tobytes()).digest()
