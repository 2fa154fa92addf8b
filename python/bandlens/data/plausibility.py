"""What images look like, from a sample of their pixels: enough to tell that they can't be what a call takes them for.

The sample is bounded, however many images there are: some hundred thousand values of a few hundred images, drawn at
random, so that looking costs a fraction of a second, and the whole is never copied. What is only there in very few
pixels is not seen; what is said of whole bands ("constant") is confirmed by going through them.

Every criterion here has to let pass what people explain on purpose: a single image, images of one class, a background
of zeros or of the mean image (which is a baseline, not a sample), data in dB or standardised, bands that are 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .images import Images

MOST_IMAGES = 256
MOST_VALUES = 1 << 18
# of containers other than arrays in memory, at most so much is read
MOST_BYTES = 1 << 26
# read at once
BATCH_BYTES = 1 << 22

# values that stand for "no data" in raster files, and are no reflectance: one band that has them is enough. The last
# one is the most negative number of float32, which GDAL writes.
NEVER_DATA = (-9999.0, -32768.0, -99999.0, float(np.finfo(np.float32).min))
# values that stand for it, too, but may be data: all bands of a pixel must have them at once
MAY_BE_NO_DATA = (0.0, 65535.0, -999.0, -99.0)
MOST_NEVER = 1e-3
MOST_NO_DATA = 1e-2
# such a value is one of its own if nothing else is nearer than this part of the spread of all other values
APART = 0.05
STRAY = 1e-3
# where there are fewer different values, they are codes, and each is one of its own
LEAST_VALUES = 32

# sizes of values that differ by so much, in (nearly) every image and band, are on other scales: bands of water and
# forest differ by 20 in the infrared, but not in all bands; scales by 100, 255, 1000, 10000
OTHER_SCALE = 10.0
OTHER_SCALE_OF_ONE_BAND = 100.0
NEARLY_ALL = 0.9
BELOW_ZERO = 0.2
# in fewer, all bands may differ between two kinds of land, as in radar
SEVERAL_BANDS = 3
# with fewer, images of two samples may differ so by chance
LEAST_PAIRS = 20
LEAST_BACKGROUND = 5
# images that must all show the same value in a band, for it to be called constant
LEAST_IMAGES = 10


@dataclass(frozen=True)
class Sample:
    """Pixels of some images.

    Attributes
    ----------
    values : ndarray of float64, shape (images, pixels, bands)
    complete : bool
        Whether these are all images.
    """

    values: np.ndarray
    complete: bool

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return self.values.shape[2]

    @property
    def pixels(self) -> np.ndarray:
        """Pixels of all images, shape (images x pixels, bands)."""
        return self.values.reshape(-1, self.n_bands)

    @property
    def sizes(self) -> np.ndarray:
        """Largest size of a value in each image, shape (images, bands)."""
        return np.abs(self.values).max(axis=1)

    def span(self, band: int) -> tuple[float, float]:
        """Smallest and largest value of a band."""
        return float(self.values[..., band].min()), float(self.values[..., band].max())


def sample_of(images: Images) -> Sample:
    """Draw pixels from images; the same ones every time."""
    random = np.random.default_rng(0)
    count = min(images.n, MOST_IMAGES)
    in_memory = isinstance(images.source, np.ndarray | list | tuple)
    if not in_memory:
        count = min(count, max(8, MOST_BYTES // (8 * int(np.prod(images.shape)))))
    chosen = np.arange(images.n) if count == images.n else np.sort(random.choice(images.n, count, replace=False))
    axis = images.band_axis - 1
    rest = tuple(size for at, size in enumerate(images.shape) if at != axis)
    every = int(np.prod(rest))
    most = max(1, MOST_VALUES // (count * images.n_bands))
    found = np.empty((count, min(every, most), images.n_bands))
    at_once = count if in_memory else max(1, BATCH_BYTES // (8 * int(np.prod(images.shape))))
    for start in range(0, count, at_once):
        part = chosen[start : start + at_once]
        # what lies in files is read together; of an array, only the pixels that are looked at
        batch = [images.source[position] for position in part.tolist()] if in_memory else images.take(part, None)
        for row, image in enumerate(batch, start):
            one = np.moveaxis(np.asarray(image), axis, -1)
            pixels = np.arange(every) if every <= most else random.integers(every, size=most)
            some = one[np.unravel_index(pixels, rest)] if rest else one
            # `take` brings bands into their order
            found[row] = some[..., images.order] if in_memory and images.order is not None else some
    return Sample(found, count == images.n)


def is_baseline(background: Sample) -> bool:
    """Whether background images are no sample of anything: one image over and over, or plain surfaces."""
    values = background.values
    if (values == values[:1]).all():
        return True
    return values.shape[1] > 1 and bool((values == values[:, :1]).all())


def constant_bands(images: Images, sample: Sample) -> dict[int, float]:
    """Bands that have one value in all pixels of all of several images, and that value."""
    if len(sample.values) < LEAST_IMAGES:
        return {}
    pixels = sample.pixels
    suspects = np.flatnonzero((pixels == pixels[:1]).all(axis=0)).tolist()
    values = {band: float(pixels[0, band]) for band in suspects}
    if suspects:  # a sample may have missed what is different
        axis = images.band_axis
        size = max(1, BATCH_BYTES // (8 * int(np.prod(images.shape))))
        for _, batch in images.batches(size, np.float64):
            some = np.moveaxis(batch, axis, 0)
            values = {band: value for band, value in values.items() if (some[band] == value).all()}
            if not values:
                break
    return values


@dataclass(frozen=True)
class NoData:
    """A value that stands for "no data", as it seems, and the part of the pixels that have it."""

    value: float
    share: float
    every_band: bool


def no_data(sample: Sample) -> NoData | None:
    """A value that stands for "no data" in more than a few pixels."""
    pixels = sample.pixels
    for value in NEVER_DATA:
        hit = (pixels == value).any(axis=1)
        if hit.mean() > MOST_NEVER and not hit.all() and _is_apart(pixels[~hit], value):
            return NoData(value, float(hit.mean()), every_band=False)
    if sample.n_bands == 1 or len(np.unique(pixels)) < LEAST_VALUES:
        return None
    for value in MAY_BE_NO_DATA:
        hit = (pixels == value).all(axis=1)
        if hit.mean() > MOST_NO_DATA and not hit.all() and _is_apart(pixels[~hit], value):
            return NoData(value, float(hit.mean()), every_band=True)
    return None


def _is_apart(others: np.ndarray, value: float) -> bool:
    """Whether a value lies beyond all others of every band, with a gap: zeros of black pixels have ones beside them."""
    low, high = np.quantile(others, (STRAY, 1 - STRAY), axis=0)
    gap = APART * (high - low)
    return bool(((value < low - gap) | (value > high + gap)).all())


@dataclass(frozen=True)
class OtherScale:
    """Bands in which images and background are on other scales.

    Attributes
    ----------
    bands : tuple of int
        The first is where they differ most.
    whole : bool
        Whether these are (nearly) all bands.
    """

    bands: tuple[int, ...]
    whole: bool


def other_scale(images: Sample, background: Sample) -> OtherScale | None:
    """Bands in which images and background can't be samples of the same kind of data."""
    # black images are on every scale
    sizes, others = (each[each.any(axis=1)] for each in (images.sizes, background.sizes))
    if len(sizes) * len(others) < LEAST_PAIRS or len(others) < LEAST_BACKGROUND or is_baseline(background):
        return None
    for factors in (_times_larger(sizes, others), _times_larger(others, sizes)):
        beyond = factors >= OTHER_SCALE
        whole = bool(beyond.mean() >= NEARLY_ALL) and images.n_bands >= SEVERAL_BANDS
        if not whole:
            beyond = factors >= OTHER_SCALE_OF_ONE_BAND
        if beyond.any():
            order = np.argsort(-factors, kind="stable")
            bands = tuple(order[: int(beyond.sum())].tolist())
            return OtherScale(bands, whole)
    signs = _signs_differ(images.values, background.values)
    if signs.mean() >= NEARLY_ALL and images.n_bands >= SEVERAL_BANDS:
        return OtherScale(tuple(np.flatnonzero(signs).tolist()), True)
    return None


def _times_larger(sizes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """By how many times sizes in images lie above those in others, but for one in twenty images; at most 1 if mixed."""
    low, high = np.quantile(sizes, 0.05, axis=0), np.quantile(others, 0.95, axis=0)
    found: np.ndarray = np.divide(low, high, out=np.where(low > 0, np.inf, 1.0), where=high > 0)
    return found


def _signs_differ(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Bands in which a good part of one of them is below 0, and nothing of the other; bool, (bands,)."""
    one, other = ((part < 0).mean(axis=(0, 1)) for part in (values, others))
    found: np.ndarray = ((one >= BELOW_ZERO) & (other == 0)) | ((other >= BELOW_ZERO) & (one == 0))
    return found
