"""What `band_maps` returns: attributions per image, pixel and band, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from . import drawing
from .accuracy import accuracy_of, chance_of, described, taken_for
from .completeness import largest, shown
from .schema import Counts, Flags, Names, Numbers, Plain, Positions
from .tables import Table, pixel_names

if TYPE_CHECKING:
    import pandas as pd
    import plotnine


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
    residuals, cancellations : ndarray of float64, shape (n, k), or None
        As in `BandImportance`; None for methods that are not additive.
    correct, observed, fitted, task, head, zone, images, predicted, labelled, both, judged, agreeing
        As in `BandImportance`.
    input : str or None
        Which input of the model these maps are of, where it has several. `residuals` are those over all of them.
    """

    values: Annotated[np.ndarray, Numbers("image", "explained", "...")]
    image_class: Annotated[np.ndarray, Positions("image", of="classes")]
    prediction: Annotated[np.ndarray, Positions("image", of="classes")]
    image_output: Annotated[np.ndarray, Positions("image", "explained", of="outputs")]
    band_axis: int
    classes: Annotated[tuple[str, ...], Names("class")]
    outputs: Annotated[tuple[str, ...], Names("output")]
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    method: str
    output: str
    seed: int = 0
    model: str = ""
    residuals: Annotated[np.ndarray | None, Numbers("image", "explained")] = None
    cancellations: Annotated[np.ndarray | None, Numbers("image", "explained")] = None
    correct: Annotated[np.ndarray | None, Flags("image", newer=True)] = None
    observed: Annotated[np.ndarray | None, Numbers("image", "...", newer=True)] = None
    fitted: Annotated[np.ndarray | None, Numbers("image", "...", newer=True)] = None
    task: Annotated[str | None, Plain(newer=True)] = None
    head: Annotated[str | None, Plain(newer=True)] = None
    zone: Annotated[str | None, Plain(newer=True)] = None
    images: Annotated[np.ndarray | None, Positions("image", newer=True)] = None
    predicted: Annotated[np.ndarray | None, Counts("image", "class", newer=True)] = None
    labelled: Annotated[np.ndarray | None, Counts("image", "class", newer=True)] = None
    both: Annotated[np.ndarray | None, Counts("image", "class", newer=True)] = None
    judged: Annotated[np.ndarray | None, Counts("image", newer=True)] = None
    agreeing: Annotated[np.ndarray | None, Counts("image", newer=True)] = None
    input: Annotated[str | None, Plain(newer=True)] = None

    @property
    def n(self) -> int:
        """Number of images, or of rows, where images have several."""
        return self.values.shape[0]

    @property
    def completeness(self) -> float | None:
        """Largest relative completeness residual, or None where the method is not additive."""
        return largest(self.residuals)

    @property
    def cancellation(self) -> float | None:
        """Largest cancellation, or None where the method is not additive."""
        return largest(self.cancellations)

    @property
    def accuracy(self) -> float | None:
        """Share of the images that the model classifies right, or R^2, as in `BandImportance`."""
        return accuracy_of(self)

    @property
    def chance(self) -> float | None:
        """The accuracy to be expected by chance, as in `BandImportance`."""
        return chance_of(self)

    def to_frame(self) -> pd.DataFrame:
        """Tidy table: one row per image x output x pixel x band, so as many as `values` has entries.

        Returns
        -------
        pandas.DataFrame
            `image`, `class`, `output`, the position of the pixel (`row` and `col`; `pixel` where there is one axis;
            `pixel_1`, `pixel_2`, ... where there are more than two), `band`, `wavelength`, `attribution`. Positions
            count from 0; `class`, `output` and `band` are ordered categoricals.
        """
        return self.columns().to_frame()

    def columns(self) -> Table:
        """The same table as plain columns, the band varying fastest; `class`, `output` and `band` as codes."""
        values = np.moveaxis(self.values, self.band_axis + 1, -1)
        image, explained, *pixels, band = (at.reshape(-1) for at in np.indices(values.shape, dtype=np.int64))
        columns = {
            "image": image if self.images is None else self.images[image],
            "class": self.image_class[image],
            "output": self.image_output[image, explained],
            **dict(zip(pixel_names(len(pixels)), pixels, strict=True)),
            "band": band,
            "wavelength": np.array(self.wavelengths, dtype=np.float64)[band],
            "attribution": values.reshape(-1),
        }
        return Table(columns, {"class": self.classes, "output": self.outputs, "band": self.bands})

    def plot(
        self,
        image: int | Sequence[int] = 0,
        output: int | str = 0,
        *,
        x: Any = None,
        rgb: Sequence[str | int] | None = None,
        scales: str = "fixed",
        width: float = 175,
        base_size: float = 8,
    ) -> plotnine.ggplot:
        """Draw the attributions of one image, a panel per band, on one scale that is symmetric about zero.

        Several images are drawn an image in a row, a band in a column.

        Parameters
        ----------
        image : int or sequence of int
            Position of the image in these maps, or of up to 12 images. An image that counts for several classes has
            maps for each, in a row of `values` of its own: then it is the position of such a row.
        output : int or str
            Which of the outputs that are explained for this image: its position among them, or its name.
        x : array_like, optional
            The images of these maps, all of them: a composite of three bands stands beside the attributions (the
            spectrum itself beside those of a spectrum). Each band is stretched from its 2 % to its 98 % quantile over
            all these images.
        rgb : sequence of three str or int, optional
            Bands of the composite, by name or position, for red, green and blue. By default the bands of such light: by
            wavelength (those nearest to 660, 560 and 480 nm, where these are red, green and blue), else by name (red,
            green, blue; R, G, B; B4, B3, B2 of Sentinel-2 and Landsat 8; in capitals or not). Where they are not all
            there, false colours, and the subtitle says of which bands.
        scales : {"fixed", "free"}
            Whether several images share a scale, or each has its own, so that weak ones can be seen.
        width : float
            Width in mm at which the picture will be shown; decides how names are wrapped and panels arranged.
        base_size : float
            Font size in points.

        Returns
        -------
        plotnine.ggplot
            A complete plot. Of more than 26 bands, the 25 with the largest sum of |attribution| are shown (of
            several images, as many bands as have room). Where
            single values lie far beyond all others, the scale ends at the 99.9 % quantile. The subtitle says so.
            Spectra and images with one axis of pixels are drawn as lines.

        Raises
        ------
        BandlensError
            `ResultError` if images have more than two axes of pixels; `OptionError`, `BandError` or `InputError` if
            there is no such image, output or band, or `x` are not the images of these maps.
        """
        chosen = {"image": image, "output": output}
        return drawing.draw(self, "maps", **chosen, x=x, rgb=rgb, scales=scales, base_size=base_size, width=width)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.values.shape))
        account = described(self)
        account += shown(self.completeness, self.cancellation)
        images = self.n if self.images is None else len(np.unique(self.images))
        of = "" if self.input is None else f" of input '{self.input}'"
        return (
            f"<BandMaps{of}: {self.method} ({self.output}){taken_for(self)}, {images} images, values {shape}{account}>"
        )
