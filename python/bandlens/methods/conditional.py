"""Absent bands as a linear model predicts them from the bands that are there, plus a residual of the background.

With z a pixel's spectrum and its surroundings' mean, and Gaussian z, an absent band A given the present ones S is
normal with mean mu_A + Sigma_AS Sigma_SS^-1 (z_S - mu_S). Its residual is that of a background image b at the same
pixel, b_A less what is predicted from b_S. Together, the means cancel: b_A + Sigma_AS Sigma_SS^-1 (z_S - b_S), so that
a coalition is one linear map of the difference of two images. Residuals of other bands and of pixels nearby come from
the same image and fit each other.

Covariances are those of standardised bands, shrunken as far as their number of pixels makes good (Ledoit & Wolf 2004).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from scipy import linalg

from ..data.cells import Cells
from ..data.images import Images
from ..data.spectra import has_surroundings, images_of, sampled_spectra, spectra, surroundings

# pixels that covariances are computed from
MOST_PIXELS = 20_000
# added to variances of 1, so that bands which are copies of each other predict the others by halves
RIDGE = 1e-6
# of the maps that are kept
MOST_BYTES = 1 << 27


@dataclass(frozen=True, eq=False)
class Conditional:
    """Bands predicted from each other, see `bandlens.methods.filling.Filling`.

    Attributes
    ----------
    cells : Cells
    correlations : tuple of ndarray, shape (2 * cells, 2 * cells)
        Of each input: of the bands of a pixel, and of the means of its surroundings behind them. Where pixels have no
        neighbours, (cells, cells).
    scales : tuple of ndarray, shape (2 * cells,)
        Standard deviations; 1 for what does not vary.
    """

    cells: Cells
    correlations: tuple[np.ndarray, ...]
    scales: tuple[np.ndarray, ...]
    _maps: dict[tuple[int, bytes], np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, images: Images, seed: int) -> Conditional:
        """Learn covariances from images."""
        from sklearn.covariance import ledoit_wolf

        correlations, scales = [], []
        sample = sampled_spectra(images, MOST_PIXELS, seed)
        for part, (own, around, _) in zip(images.cells.parts, sample, strict=True):
            values = np.concatenate([own, around], axis=1) if has_surroundings(part) else own
            values = values - values.mean(axis=0)
            deviation = values.std(axis=0)
            varies = deviation > np.finfo(np.float32).eps * np.abs(own).max()
            scale = np.where(varies, deviation, 1.0)
            correlation = ledoit_wolf(np.where(varies, values / scale, 0.0), assume_centered=True)[0]
            # what does not vary tells nothing, and nothing tells of it
            both = varies & varies[:, None]
            correlations.append(np.where(both | np.eye(len(varies), dtype=bool), correlation, 0.0))
            scales.append(scale)
        return cls(images.cells, tuple(correlations), tuple(scales))

    def fill(self, images: np.ndarray, references: np.ndarray, present: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Fill absent bands; see `Filling`."""
        a, b, c = len(images), references.shape[1], present.shape[2]
        mine = spectra(self.cells, images)
        others = spectra(self.cells, references.reshape(-1, *references.shape[2:]))
        found, before = [], 0
        for number, (own, other) in enumerate(zip(mine, others, strict=True)):
            own, other = own[:, None], other.reshape(len(references), b, *other.shape[1:])
            there = present[..., before : before + own.shape[-1]]
            before += own.shape[-1]
            differences = own - other
            if len(self.scales[number]) > own.shape[-1]:
                differences = np.concatenate([differences, surroundings(differences, 2)], axis=-1)
            filled = np.empty((a, b, c, *own.shape[2:]), images.dtype)
            for at in product(*map(range, there.shape[:3])):
                mask = there[at]
                image, reference = (
                    slice(i, i + 1) if n > 1 else slice(None) for i, n in zip(at[:2], there.shape[:2], strict=True)
                )
                predicted = differences[image, reference] @ self._map(number, mask).astype(images.dtype)
                predicted += other[image if len(other) > 1 else slice(None), reference]
                filled[image, reference, at[2]] = np.where(mask, own[image], predicted)
            found.append(filled.reshape(-1, *own.shape[2:]))
        return images_of(self.cells, found)

    def turns(self, m: int, present: np.ndarray) -> int:
        """All references differ."""
        return m

    def _map(self, number: int, present: np.ndarray) -> np.ndarray:
        """From differences of two images to what they add to bands of the second, shape (cells or twice, cells)."""
        key = number, present.tobytes()
        if key not in self._maps:
            correlation, scale = self.correlations[number], self.scales[number]
            n = len(present)
            found = np.zeros((len(scale), n))
            there = np.flatnonzero(np.tile(present, len(scale) // n))
            if len(there) and not present.all():
                absent = np.flatnonzero(~present)
                inner = correlation[np.ix_(there, there)] + RIDGE * np.eye(len(there))
                weights = linalg.solve(inner, correlation[np.ix_(there, absent)], assume_a="pos")
                found[np.ix_(there, absent)] = weights / scale[there, None] * scale[absent]
            if len(self._maps) * found.nbytes >= MOST_BYTES:
                self._maps.clear()
            self._maps[key] = found
        return self._maps[key]
