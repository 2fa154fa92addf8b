"""What `band_maps` returns: attributions per image, pixel and band, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class BandMaps:
    """Attributions of chosen images.

    Attributes
    ----------
    values : ndarray of float32, shape (n, k, *image shape)
        Attribution of each pixel of each band, for each of the k explained outputs of an image.
    image_class, prediction : ndarray of int64, shape (n,)
        Indices into `classes`.
    image_output : ndarray of int64, shape (n, k)
        Indices into `outputs`.
    band_axis : int
        Axis of the bands in a batch of images; in `values` it is one further.
    classes, outputs, bands : tuple of str
    wavelengths : tuple of float
        In nm; NaN where unknown.
    method, output : str
    seed : int
    model : str
    """

    values: np.ndarray
    image_class: np.ndarray
    prediction: np.ndarray
    image_output: np.ndarray
    band_axis: int
    classes: tuple[str, ...]
    outputs: tuple[str, ...]
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    method: str
    output: str
    seed: int = 0
    model: str = ""

    @property
    def n(self) -> int:
        """Number of images."""
        return self.values.shape[0]

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.values.shape))
        return f"<BandMaps: {self.method} ({self.output}), {self.n} images, values {shape}>"
