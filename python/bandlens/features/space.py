"""Images as rows x cols x bands in the data's own units, whatever layout the model takes, and what the data are like.

All that happens to an image (noise, jitter, filters, plots) is written for one layout; a spectrum is an image of one
pixel, a channels-first image has its bands moved. What the bands usually hold comes from a background sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.images import Images
from ..data.positions import first, spelled
from ..data.words import shape_text, shown
from ..engine.backends.contract import Arrays
from ..errors import InputError, OptionError

# quantiles of the background that are the ends of a band's range: single broken pixels are beyond
RANGE = (0.001, 0.999)
# contrast of starts for features that are hard to excite
STRONG = 0.3


@dataclass(frozen=True)
class Space:
    """Where images live.

    Attributes
    ----------
    shape : tuple of int
        Of one image as the model takes it.
    band_axis : int
        In a batch of such images.
    rows, cols, bands : int
        Of one image as it is worked on here.
    low, high : ndarray of float64, shape (bands,)
        Range of each band in the data's own units.
    covariance : ndarray of float64, shape (bands, bands), or None
        Of the background's bands in units of their ranges.
    held : ndarray, shape (elements,), or None
        Of a model of several inputs: a packed row, in which the images of one input take the place of its own. What is
        in the others stays what it is.
    place : int
        Where in the row that input begins.
    """

    shape: tuple[int, ...]
    band_axis: int
    rows: int
    cols: int
    bands: int
    low: np.ndarray
    high: np.ndarray
    covariance: np.ndarray | None = None
    held: np.ndarray | None = None
    place: int = 0

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells apart how images are put before the model."""
        return (self.shape, self.band_axis, self.place, None if self.held is None else self.held.tobytes())

    @property
    def span(self) -> np.ndarray:
        """Length of each band's range, shape (bands,)."""
        return self.high - self.low

    @property
    def middle(self) -> np.ndarray:
        """Middle of each band's range, shape (bands,)."""
        return (self.low + self.high) / 2

    def to_own(self, nd: Any, images: Any) -> Any:
        """From (n, rows, cols, bands) to images of this input as they are."""
        return to_model(nd, images, self.shape, self.band_axis)

    def to_model(self, nd: Arrays, images: Any) -> Any:
        """From (n, rows, cols, bands) to a batch for the model."""
        own = self.to_own(nd, images)
        if self.held is None:
            return own
        size = int(np.prod(self.shape))
        flat = nd.reshape(own, (-1, size))
        before, after = self.held[: self.place], self.held[self.place + size :]
        others = [flat[:, :1] * 0 + nd.asarray(row[None]) if len(row) else None for row in (before, after)]
        return nd.concatenate([one for one in (others[0], flat, others[1]) if one is not None], 1)

    def from_model(self, nd: Arrays, images: Any) -> Any:
        """From a batch for the model to (n, rows, cols, bands)."""
        if self.held is not None:
            images = images[:, self.place : self.place + int(np.prod(self.shape))]
            images = nd.reshape(images, (-1, *self.shape))
        return nd.reshape(nd.moveaxis(images, self.band_axis, -1), (-1, self.rows, self.cols, self.bands))


def to_model(nd: Arrays, images: Any, shape: tuple[int, ...], band_axis: int) -> Any:
    """From (n, rows, cols, bands) to images of a shape, the bands on an axis of the batch."""
    pixels = [length for axis, length in enumerate(shape, 1) if axis != band_axis]
    bands = shape[band_axis - 1]
    return nd.moveaxis(nd.reshape(images, (-1, *pixels, bands)), -1, band_axis)


def canvas(shape: tuple[int, ...], band_axis: int) -> tuple[int, int, int]:
    """Rows, cols and bands of images of a shape.

    Raises
    ------
    InputError
        If there are more than two axes of pixels.
    """
    pixels = [length for axis, length in enumerate(shape, 1) if axis != band_axis and length > 1]
    if len(pixels) > 2:
        raise InputError(
            "Images with more than two axes of pixels can't be shown.",
            expected="rows, columns and bands, or a spectrum",
            given=f"images of shape {shape_text(shape)} with bands on axis {band_axis + first()}",
        )
    rows, cols = (*(1,) * (2 - len(pixels)), *pixels)
    return rows, cols, shape[band_axis - 1]


def as_canvas(images: Images, index: slice | np.ndarray, dtype: Any = np.float64) -> np.ndarray:
    """Some images as (n, rows, cols, bands)."""
    batch = np.moveaxis(images.take(index, dtype), images.band_axis, -1)
    return batch.reshape(len(batch), *canvas(images.shape, images.band_axis))


def make_space(images: Images, background: np.ndarray | None, value_range: Any) -> Space:
    """What is known of the data.

    Parameters
    ----------
    images : Images
        For their shape.
    background : ndarray, shape (m, rows, cols, bands), or None
        A sample of the data.
    value_range : object
        As the user gave it: two numbers, or two sequences of one number per band; None takes it from `background`.

    Raises
    ------
    InputError
        If images have more than two axes of pixels.
    OptionError
        If the range is not known, or not a range.
    """
    rows, cols, bands = canvas(images.shape, images.band_axis)
    pixels = None if background is None else background.reshape(-1, bands)
    if value_range is not None:
        low, high = given_range(value_range, bands)
    elif pixels is not None:
        low, high = np.quantile(pixels, RANGE, axis=0)
    else:
        raise OptionError(
            "The range of the data is not known, in which the image is to be.",
            expected="`background`, a sample of the data, or `value_range`, such as " + spelled("(0, 1)", "c(0, 1)"),
        )
    covariance = None
    if pixels is not None:
        span = np.where(high > low, high - low, 1.0)
        covariance = np.atleast_2d(np.cov((pixels - pixels.mean(axis=0)) / span, rowvar=False, bias=True))
    return Space(images.shape, images.band_axis, rows, cols, bands, low, high, covariance)


def given_range(value_range: Any, bands: int) -> tuple[np.ndarray, np.ndarray]:
    """The user's range as lowest and highest value of each band."""
    wrong = OptionError(
        "`value_range` is not a range of values.",
        expected=f"{spelled('(low, high)', 'list(low, high)')}, each a number or {bands} numbers, one per band, "
        "with low <= high",
        given=shown(value_range),
    )
    try:
        low, high = (np.broadcast_to(np.asarray(end, np.float64), (bands,)).copy() for end in value_range)
    except (TypeError, ValueError) as error:
        raise wrong from error
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all() and (low < high).any()):
        raise wrong
    return low, high


def noise(
    space: Space,
    random: np.random.Generator,
    contrast: float,
    level: np.ndarray | float = 0.5,
    *,
    fine: bool = False,
) -> np.ndarray:
    """An image that is random at all scales, shape (rows, cols, bands), in the data's own units.

    Every octave of spatial frequencies has the same part in its variance (amplitudes fall as 1 / frequency, phases are
    random), it goes round at its borders, its bands are independent, and each has `contrast` times its range as
    standard deviation, and as mean a `level` in it, the middle. With `fine`, all frequencies have the same part.
    """
    found = random.standard_normal((space.rows, space.cols, space.bands))
    if space.rows * space.cols > 1 and not fine:
        spectrum = np.fft.fft2(found, axes=(0, 1)) * amplitude(space.rows, space.cols, mean=0.0)[..., None]
        pink = np.fft.ifft2(spectrum, axes=(0, 1)).real
        found = pink / np.maximum(pink.std(axis=(0, 1)), np.finfo(float).tiny)
    return np.clip(space.low + space.span * (level + contrast * found), space.low, space.high)


def other_start(space: Space, random: np.random.Generator, contrast: float, attempt: int) -> np.ndarray:
    """Noise for a feature that was silent so often: dark, bright, strong and fine, around random levels of the bands.

    What no smooth image excites, a fine one may: every small window of it is another combination of values.
    """
    strong = max(contrast, STRONG)
    if attempt <= 4:
        fine = attempt > 2
        return noise(space, random, strong if fine else contrast, float(attempt % 2 == 0), fine=fine)
    return noise(space, random, strong, random.uniform(size=space.bands), fine=attempt % 2 == 0)


def amplitude(rows: int, cols: int, *, mean: float | None = None) -> np.ndarray:
    """1 / frequency at the frequencies of `numpy.fft.fftfreq`, shape (rows, cols); the lowest one for frequency 0.

    `mean` is the amplitude of frequency 0, if given.
    """
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(cols)[None])
    lowest = 1 / max(rows, cols)
    found = lowest / np.maximum(frequency, lowest)
    if mean is not None:
        found[0, 0] = mean
    return found
