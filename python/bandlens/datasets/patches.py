"""Labelled image patches as they lie in the package: a table of numbers, and a text file that says what they are.

R reads the same two files (`R/datasets.R`), so both languages see the same numbers.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from importlib import resources

import numpy as np

from ..data.labelled import LabelledImages


@dataclass(frozen=True, eq=False)
class Patches:
    """Labelled patches, some to train on and some to test with.

    Attributes
    ----------
    x_train, x_test : ndarray of float32, shape (n, rows, cols, bands)
        Of `landsat`, digital numbers, 0 to 255: scale them in the model (``Rescaling(1 / 255)``, ``Normalization``) or
        divide by 255. Of `sentinel2`, reflectances: scale them by one factor for all bands (``Rescaling(10)``).
    y_train, y_test : ndarray of int64, shape (n,)
        Class of each patch, an index into `classes`.
    bands : tuple of str
    wavelengths : tuple of float
        Centre of each band, in nm.
    classes : tuple of str
    title, source, licence : str
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    classes: tuple[str, ...]
    title: str
    source: str
    licence: str

    @property
    def train(self) -> LabelledImages:
        """Patches to train on with their labels and bands, as `x` or `background` of a call."""
        return LabelledImages(self.x_train, self.y_train, self.bands, self.wavelengths, self.classes)

    @property
    def test(self) -> LabelledImages:
        """Patches to test with, likewise."""
        return LabelledImages(self.x_test, self.y_test, self.bands, self.wavelengths, self.classes)

    def __repr__(self) -> str:
        rows, cols, bands = self.x_train.shape[1:]
        return (
            f"<{self.title}: {len(self.y_train)} training and {len(self.y_test)} test patches of "
            f"{rows} x {cols} pixels x {bands} bands, {len(self.classes)} classes; {self.licence}>"
        )


def read_patches(name: str) -> Patches:
    """Read the patches stored under a name."""
    folder = resources.files(__package__)
    fields = _read_fields((folder / f"{name}.txt").read_text(encoding="utf-8"))
    bands, classes = _items(fields["Bands"]), _items(fields["Classes"])
    with (folder / f"{name}.csv.xz").open("rb") as packed, lzma.open(packed, "rt", encoding="ascii") as text:
        table = np.loadtxt(text, delimiter=",", skiprows=1, dtype=np.uint8)

    test, codes, numbers = table[:, 0] == 1, table[:, 1], table[:, 2:]
    x = numbers.astype(np.float32).reshape(-1, int(fields["Rows"]), int(fields["Columns"]), len(bands))
    # codes ascend, so the position of a code is its class
    y = np.searchsorted([int(code) for code in _items(fields["Codes"])], codes).astype(np.int64)
    return Patches(
        x_train=x[~test],
        y_train=y[~test],
        x_test=x[test],
        y_test=y[test],
        bands=bands,
        wavelengths=tuple(float(value) for value in _items(fields["Wavelengths"])),
        classes=classes,
        title=fields["Title"],
        source=fields["Source"],
        licence=fields["Licence"],
    )


def _read_fields(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines() if line)


def _items(field: str) -> tuple[str, ...]:
    return tuple(field.split(", "))
