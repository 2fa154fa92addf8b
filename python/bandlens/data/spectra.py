"""Images as spectra: what every pixel of an input has in all of its bands, and what its neighbours have on average.

Bands at several steps are one spectrum. A model's inputs may have pixels of different sizes, so each has its own.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .cells import Cells, Part
from .images import Images

# a pixel and those that touch it
WINDOW = 3
# of the images that pixels are drawn from
MOST_BYTES = 1 << 28
# at once
BATCH_BYTES = 1 << 24


def spectra(cells: Cells, batch: np.ndarray) -> list[np.ndarray]:
    """Of images (n, *image shape), those of each input, shape (n, *pixels, cells of the input)."""
    found = []
    for part, own in cells.split(np, batch, 1):
        moved = own.transpose(_axes(part))
        found.append(moved.reshape(*moved.shape[: 1 + len(part.pixel_axes)], part.n_cells))
    return found


def images_of(cells: Cells, found: list[np.ndarray]) -> np.ndarray:
    """Images (n, *image shape) of the spectra of each input."""
    each = []
    for part, own in zip(cells.parts, found, strict=True):
        axes = _axes(part)
        apart = own.reshape(len(own), *(part.shape[axis - 1] for axis in axes[1:]))
        each.append(apart.transpose(np.argsort(axes)))
    return np.concatenate([own.reshape(len(own), -1) for own in each], axis=1) if cells.packed else each[0]


def surroundings(values: np.ndarray, before: int) -> np.ndarray:
    """Mean over each pixel and its neighbours, of spectra (..., *pixels, cells) with so many axes before the pixels.

    At the border of an image, its last pixel stands for those behind it.
    """
    size = (1,) * before + (WINDOW,) * (values.ndim - before - 1) + (1,)
    found: np.ndarray = ndimage.uniform_filter(values, size, mode="nearest")
    return found


def has_surroundings(part: Part) -> bool:
    """Whether pixels of an input have neighbours."""
    return any(part.shape[axis - 1] > 1 for axis in part.pixel_axes)


def sampled_spectra(images: Images, most: int, seed: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pixels drawn at random, evenly from images.

    Parameters
    ----------
    images : Images
    most : int
        Pixels, about.
    seed : int

    Returns
    -------
    list of tuple of ndarray
        Of each input: spectra (pixels, cells), what surrounds them (pixels, cells), both float64, and the image of each
        pixel (pixels,).
    """
    random, size = np.random.default_rng([seed, WINDOW]), 8 * int(np.prod(images.shape))
    n = min(images.n, most, max(1, MOST_BYTES // size))
    chosen = np.sort(random.choice(images.n, n, replace=False))
    found: list[list[tuple[np.ndarray, ...]]] = [[] for _ in images.cells.parts]
    at_once = max(1, BATCH_BYTES // size)
    for start in range(0, n, at_once):
        positions = chosen[start : start + at_once]
        for own, kept in zip(spectra(images.cells, images.take(positions, np.float64)), found, strict=True):
            flat = own.reshape(len(own), -1, own.shape[-1])
            around = surroundings(own, 1).reshape(flat.shape)
            for at, position in enumerate(positions):
                pixels = random.permutation(flat.shape[1])[: -(-most // n)]
                kept.append((flat[at, pixels], around[at, pixels], np.full(len(pixels), position)))
    return [tuple(np.concatenate(column) for column in zip(*kept, strict=True)) for kept in found]  # type: ignore[misc]


def _axes(part: Part) -> tuple[int, ...]:
    """Axes of a batch in the order of spectra."""
    steps = () if part.time_axis is None else (part.time_axis,)
    return (0, *part.pixel_axes, part.band_axis, *steps)
