"""What `wavelength_zones` returns: which bands belong together, and how they would merge further, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..data.correlated import Merges
from ..data.options import whole_number
from ..data.ranges import all_known, zone_names
from ..errors import OptionError
from . import drawing
from .schema import Names, Numbers, Plain, Positions
from .storing import store, stored
from .tables import Table, check_level

if TYPE_CHECKING:
    import pandas as pd
    import plotnine

FORMAT = "bandlens.WavelengthZones/1"
LEVELS = ("band", "merge")


@dataclass(frozen=True, eq=False, repr=False)
class WavelengthZones:
    """Zones of neighbouring bands that carry the same information; taken as `groups` wherever groups are.

    Attributes
    ----------
    bands : tuple of str
    wavelengths : tuple of float
        In nm; NaN where unknown.
    zones : tuple of str
        Names of the zones, along the spectrum: its ranges ("NIR 2", "visible"; see `bandlens.data.ranges`) where all
        wavelengths are known, else first and last band ("B1-B7").
    zone : ndarray of int64, shape (bands,)
        Zone of each band, an index into `zones`.
    order : ndarray of int64, shape (bands,)
        Bands along the spectrum: by wavelength where all are known, else as they come; indices into `bands`.
    correlation : ndarray of float64, shape (bands, bands)
        Correlation of the bands over pixels, in the order of `bands`.
    step : ndarray of int64, shape (bands - 1,)
        For each band of `order` but the last, the step, from 0, with which it and the next come into one zone.
    unshared : ndarray of float64, shape (bands,)
        Unshared variance of the zones before the first step and after each, in variances of a band, see
        `bandlens.data.correlated`.
    chosen : bool
        Whether the number of zones was chosen from the data.
    n_images, n_pixels : int
        Images, and pixels of them, that correlations are over.
    seed : int
        Of the draw of pixels.
    """

    bands: Annotated[tuple[str, ...], Names("band")]
    wavelengths: Annotated[tuple[float, ...], Numbers("band")]
    zones: Annotated[tuple[str, ...], Names("zone")]
    zone: Annotated[np.ndarray, Positions("band", of="zones")]
    order: Annotated[np.ndarray, Positions("band along the spectrum")]
    correlation: Annotated[np.ndarray, Numbers("band", "band")]
    step: Annotated[np.ndarray, Positions("neighbours")]
    unshared: Annotated[np.ndarray, Numbers("step")]
    chosen: Annotated[bool, Plain()]
    n_images: int
    n_pixels: int
    seed: int = 0

    @property
    def n(self) -> int:
        """Number of zones."""
        return len(self.zones)

    @property
    def groups(self) -> dict[str, list[str]]:
        """Names of the bands of each zone, as `groups` takes them."""
        return {
            name: [self.bands[at] for at in np.flatnonzero(self.zone == place)] for place, name in enumerate(self.zones)
        }

    @property
    def unshared_share(self) -> float:
        """Part of the bands' variance that their zones don't share, 0 to 1."""
        return float(self.unshared[len(self.bands) - len(self.zones)] / len(self.bands))

    def cut(self, n_zones: int) -> WavelengthZones:
        """Another number of zones, from the same merges: fewer hold these, more are parts of them.

        Raises
        ------
        OptionError
            If there are not so many bands.
        """
        names, zone = cut(self.bands, self.wavelengths, self.order, Merges(self.step, self.unshared), n_zones)
        return replace(self, zones=names, zone=zone, chosen=False)

    def to_frame(self, level: str = "band") -> pd.DataFrame:
        """Tidy table.

        Parameters
        ----------
        level : {"band", "merge"}
            One row per band, or one per step of merging two neighbouring zones.

        Returns
        -------
        pandas.DataFrame
            Of "band": ``band, wavelength, zone, name``, the number of the zone along the spectrum, from 0, and its
            name; bands and names are ordered categoricals. Of "merge": ``step, n_zones, band_1, band_2, unshared``:
            the step, from 0, how many zones there are after it, the two neighbours between which zones merge, and the
            part of the bands' variance that zones don't share then, 0 to 1.
        """
        return self.columns(level).to_frame()

    def columns(self, level: str = "band") -> Table:
        """The same tables as plain columns, with codes for bands and names."""
        check_level(level, LEVELS)
        if level == "band":
            columns = {
                "band": np.arange(len(self.bands)),
                "wavelength": np.array(self.wavelengths),
                "zone": self.zone,
                "name": self.zone,
            }
            return Table(columns, {"band": self.bands, "name": self.zones})
        n, at = len(self.bands), np.argsort(self.step)
        merges = {
            "step": np.arange(n - 1),
            "n_zones": np.arange(n - 1, 0, -1),
            "band_1": self.order[at],
            "band_2": self.order[at + 1],
            "unshared": self.unshared[1:] / n,
        }
        return Table(merges, {"band_1": self.bands, "band_2": self.bands})

    def plot(self, kind: str = "correlation", **options: Any) -> plotnine.ggplot:
        """Draw the zones; see `bandlens.plots`.

        Parameters
        ----------
        kind : {"correlation"}
            The correlations of the bands along the spectrum, with the zones outlined.
        **options
            `width` in mm and `base_size` in points.

        Returns
        -------
        plotnine.ggplot
            A complete plot to which layers, scales and themes can be added.
        """
        return drawing.draw(self, kind, **options)

    def summary(self) -> str:
        """The bands of each zone, and what produced them, as text."""
        width = max(map(len, self.zones))
        lines = [f"{name.ljust(width)}  {', '.join(bands)}" for name, bands in self.groups.items()]
        return "\n".join([repr(self), "", *lines])

    def __repr__(self) -> str:
        how = "chosen from the data" if self.chosen else "as asked for"
        return (
            f"<WavelengthZones: {len(self.zones)} zones ({how}) of {len(self.bands)} bands, which share "
            f"{1 - self.unshared_share:.0%} of their variance; {self.n_images} images, {self.n_pixels} pixels>"
        )

    def save(self, path: str | Path) -> None:
        """Write to a `.npz` file that `load` reads on any machine (NumPy arrays and JSON, no pickle)."""
        store(self, path, FORMAT)

    @classmethod
    def load(cls, path: str | Path) -> WavelengthZones:
        """Read what `save` wrote.

        Raises
        ------
        ResultError
            If the file holds something else.
        """
        return stored(cls, path, FORMAT)


def cut(
    bands: tuple[str, ...], wavelengths: tuple[float, ...], order: np.ndarray, merges: Merges, n_zones: int
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of so many zones, and the zone of each band; raises as `WavelengthZones.cut`."""
    if whole_number("n_zones", n_zones) > len(bands):
        raise OptionError(
            "There are fewer bands than zones.", expected=f"`n_zones` from 1 to {len(bands)}", given=str(n_zones)
        )
    members = [[int(order[place]) for place in places] for places in merges.zones(n_zones)]
    zone = np.empty(len(bands), np.int64)
    for number, own in enumerate(members):
        zone[own] = number
    return zone_names(members, bands, wavelengths if all_known(wavelengths) else None), zone
