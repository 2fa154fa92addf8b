"""What `counterfactual_spectra` returns: the fewest bands that change the class of each image, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..data.moments import Moments, wilson
from . import drawing
from .schema import Flags, Names, Numbers, Positions
from .storing import store, stored
from .tables import Table, check_level

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

FORMAT = "bandlens.Counterfactuals/1"
LEVELS = ("change", "image", "class")
# what became of an image, and how that is said
CHANGED, UNCHANGED, ALREADY, ALONE = STATUSES = ("changed", "unchanged", "already", "alone")
SAID = {
    UNCHANGED: "keep their class with at most {most} bands of their neighbours",
    ALREADY: "are taken for the class that was asked for already",
    ALONE: "have no image of another class in the background",
}
CAVEAT = (
    "Bands are those of real images, and what the model says of the changed image is computed, not estimated. Whether "
    "bands of two images can occur together is what `plausibility` tells: the share of background images whose mean "
    "spectrum is at least as far out. Other neighbours may give other bands."
)


@dataclass(frozen=True, eq=False, repr=False)
class Counterfactuals:
    """The fewest bands that change the class of each image, and how far they have to go.

    Attributes
    ----------
    status : ndarray of int64, shape (n,)
        Position in `statuses`.
    statuses : tuple of str
        "changed"; "unchanged" by at most `max_bands` bands; "already" of the class that was asked for; "alone", with
        no background image of another class.
    image_class : ndarray of int64, shape (n,)
        What the model takes each image for.
    counterfactual_class : ndarray of int64, shape (n,)
        And the changed image; -1 where there is none.
    labels : ndarray of int64, shape (n,), or None
        Classes that were given.
    changed : ndarray of bool, shape (n, bands)
    before, after, neighbour_levels : ndarray of float64, shape (n, bands)
        Means of each band over the pixels of the image, of the changed image (NaN where there is none), and of the
        nearest background image of another class, or of the one that bands are taken from.
    spread : ndarray of float64, shape (bands,)
        Standard deviations of such means in the background.
    neighbour : ndarray of int64, shape (n,)
        Position of that image in the background; -1 where there is none.
    amount : ndarray of float64, shape (n,)
        How far bands go, from 0 to 1 (all of the way); NaN where none does.
    exact : ndarray of bool, shape (n,)
        Whether all sets of fewer bands were tried.
    outputs_before, outputs_after : ndarray of float64, shape (n, classes)
    plausibility_before, plausibility : ndarray of float64, shape (n,)
        Share of background images whose mean spectrum is at least as far out (Mahalanobis distance) as that of the
        image, and of the changed image.
    """

    status: Annotated[np.ndarray, Positions("image", of="statuses")]
    image_class: Annotated[np.ndarray, Positions("image", of="classes")]
    counterfactual_class: Annotated[np.ndarray, Positions("image", of="classes")]
    changed: Annotated[np.ndarray, Flags("image", "band")]
    before: Annotated[np.ndarray, Numbers("image", "band")]
    after: Annotated[np.ndarray, Numbers("image", "band")]
    neighbour_levels: Annotated[np.ndarray, Numbers("image", "band")]
    spread: Annotated[np.ndarray, Numbers("band")]
    neighbour: Annotated[np.ndarray, Positions("image")]
    amount: Annotated[np.ndarray, Numbers("image")]
    exact: Annotated[np.ndarray, Flags("image")]
    outputs_before: Annotated[np.ndarray, Numbers("image", "class")]
    outputs_after: Annotated[np.ndarray, Numbers("image", "class")]
    plausibility_before: Annotated[np.ndarray, Numbers("image")]
    plausibility: Annotated[np.ndarray, Numbers("image")]
    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    classes: Annotated[tuple[str, ...], Names("class")]
    labels: Annotated[np.ndarray | None, Positions("image", of="classes")] = None
    statuses: Annotated[tuple[str, ...], Names("status")] = STATUSES
    max_bands: int = 0
    neighbours: int = 0
    n_background: int = 0
    output: str = ""
    groups: dict[str, list[str]] | None = None
    seed: int = 0
    model: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.status)

    @property
    def found(self) -> np.ndarray:
        """Positions of the images whose class was changed."""
        return np.flatnonzero(self.status == STATUSES.index(CHANGED))

    @property
    def caveat(self) -> str:
        """What to know of them."""
        return CAVEAT

    @property
    def verdict(self) -> str:
        """How many bands it takes, which they are mostly, and what became of the other images, in sentences."""
        said = []
        if len(self.found):
            counts = self.changed[self.found].sum(axis=1)
            often = self.changed[self.found].mean(axis=0)
            most = np.argsort(-often, kind="stable")[: min(3, int((often > 0).sum()))]
            named = ", ".join(f"{self.bands[at]} ({100 * often[at]:.0f} %)" for at in most)
            middle = f"{np.median(counts):g}"
            bands = "band" if middle == "1" else "bands"
            said.append(
                f"{len(self.found)} of {self.n} images change their class with {middle} {bands} (median; at most "
                f"{counts.max()}), most often with {named}."
            )
        for status in (UNCHANGED, ALREADY, ALONE):
            count = int((self.status == STATUSES.index(status)).sum())
            if count:
                said.append(f"{count} of {self.n} {SAID[status].format(most=self.max_bands)}.")
        return " ".join(said)

    def to_frame(self, level: str = "change") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"change", "image", "class"}
            One row per image and band that changes, per image, or per pair of classes and band.

        Returns
        -------
        pandas.DataFrame
            Of "change" ``image, class, counterfactual_class, band, wavelength, from, to, change, change_sd, amount``:
            means of the band over the pixels, in the unit of the images and in standard deviations of such means in
            the background. Images without a change have one row in which these are missing.

            Of "image" ``image, class, counterfactual_class, status, n_bands, bands, amount, output_before,
            output_after, plausibility_before, plausibility, neighbour, exact``: outputs are those of the
            counterfactual class.

            Of "class" ``class, counterfactual_class, band, wavelength, n, changed, share, share_low, share_high,
            change_sd, difference_sd, std_error, conf_low, conf_high``: of the `n` images so changed, how many change
            in the band, with a 95 % interval of their share (Wilson 1927); the mean of their changes; and how far the
            images that bands are taken from differ in the band, with a 95 % interval over images.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "change") -> Table:
        """The same tables as plain columns, with codes for classes, `band` and `status`."""
        check_level(level, LEVELS)
        levels = {"class": self.classes, "counterfactual_class": self.classes}
        if level == "image":
            return Table(self._images(), {**levels, "status": self.statuses})
        return Table(self._changes() if level == "change" else self._pairs(), {**levels, "band": self.bands})

    def _changes(self) -> dict[str, np.ndarray]:
        shown = self.changed.copy()
        without = shown.sum(axis=1) == 0
        shown[without, 0] = True
        image, band = np.nonzero(shown)
        missing = without[image]
        change = np.where(missing, np.nan, self.after[image, band] - self.before[image, band])
        return {
            "image": image,
            "class": self.image_class[image],
            "counterfactual_class": self.counterfactual_class[image],
            "band": np.where(missing, -1, band),
            "wavelength": np.where(missing, np.nan, np.array(self.wavelengths)[band]),
            "from": np.where(missing, np.nan, self.before[image, band]),
            "to": np.where(missing, np.nan, self.after[image, band]),
            "change": change,
            "change_sd": change / self._unit[band],
            "amount": self.amount[image],
        }

    def _images(self) -> dict[str, np.ndarray]:
        rows, reached = np.arange(self.n), self.counterfactual_class >= 0

        def of_class(outputs: np.ndarray) -> np.ndarray:
            return np.where(reached, outputs[rows, self.counterfactual_class], np.nan)

        return {
            "image": rows,
            "class": self.image_class,
            "counterfactual_class": self.counterfactual_class,
            "status": self.status,
            "n_bands": self.changed.sum(axis=1).astype(np.int64),
            "bands": np.array([", ".join(self._named(row)) for row in self.changed], dtype=str),
            "amount": self.amount,
            "output_before": of_class(self.outputs_before),
            "output_after": of_class(self.outputs_after),
            "plausibility_before": self.plausibility_before,
            "plausibility": self.plausibility,
            "neighbour": self.neighbour,
            "exact": self.exact,
        }

    def _pairs(self) -> dict[str, np.ndarray]:
        n_classes, n_bands = len(self.classes), len(self.bands)
        own, other = self.image_class[self.found], self.counterfactual_class[self.found]
        pairs, pair = np.unique(own * n_classes + other, return_inverse=True)
        changed = self.changed[self.found].astype(np.float64)
        change = (self.after - self.before)[self.found] / self._unit
        difference = (self.neighbour_levels - self.before)[self.found] / self._unit
        n = np.bincount(pair, minlength=len(pairs)).astype(np.float64)
        count, total = np.zeros((len(pairs), n_bands)), np.zeros((len(pairs), n_bands))
        np.add.at(count, pair, changed)
        np.add.at(total, pair, changed * change)
        moments = Moments.of(difference, pair, len(pairs))
        low, high = moments.interval()
        share_low, share_high = wilson(count, n[:, None])
        row, band = (part.reshape(-1) for part in np.indices((len(pairs), n_bands)))
        with np.errstate(invalid="ignore"):
            mean = total / np.where(count > 0, count, np.nan)
        return {
            "class": pairs[row] // n_classes,
            "counterfactual_class": pairs[row] % n_classes,
            "band": band,
            "wavelength": np.array(self.wavelengths)[band],
            "n": n[row].astype(np.int64),
            "changed": count[row, band].astype(np.int64),
            "share": (count / n[:, None]).reshape(-1),
            "share_low": share_low.reshape(-1),
            "share_high": share_high.reshape(-1),
            "change_sd": mean.reshape(-1),
            "difference_sd": moments.mean.reshape(-1),
            "std_error": moments.standard_error().reshape(-1),
            "conf_low": low.reshape(-1),
            "conf_high": high.reshape(-1),
        }

    @property
    def _unit(self) -> np.ndarray:
        return np.where(self.spread > 0, self.spread, np.nan)

    def _named(self, chosen: np.ndarray) -> Sequence[str]:
        return [self.bands[at] for at in np.flatnonzero(chosen)]

    def plot(self, kind: str = "tiles", **options: Any) -> plotnine.ggplot:
        """Draw how often and how far bands change from class to class, or the spectra of images.

        Parameters
        ----------
        kind : {"tiles", "spectra"}
        **options
            `width` and `base_size`; of "spectra" `images`, positions of at most 12 (by default the first of each pair
            of classes).

        Returns
        -------
        plotnine.ggplot
            A complete plot to which layers, scales and themes can be added.
        """
        return drawing.draw(self, kind, **options)

    def summary(self) -> str:
        """How many bands it takes, which they are, and what to know of it, as text."""
        return "\n".join([repr(self), "", self.verdict, self.caveat])

    def __repr__(self) -> str:
        return (
            f"<Counterfactuals: {len(self.found)} of {self.n} images changed, with at most {self.max_bands} of "
            f"{len(self.bands)} bands of {self.neighbours} neighbours among {self.n_background} background images>"
        )

    def save(self, path: str | Path) -> None:
        """Write to a `.npz` file that `load` reads on any machine (NumPy arrays and JSON, no pickle)."""
        store(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | Path) -> Counterfactuals:
        """Read what `save` wrote.

        Raises
        ------
        ResultError
            If the file holds something else.
        """
        return stored(cls, path, FORMAT)
