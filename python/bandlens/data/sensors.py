"""Bands of other sensors, so that a model can be asked what it would be worth on theirs.

Centres and widths are in `sensors.csv`, with their sources. A band of the images stands for a band of a sensor if it is
the nearest one and its wavelength lies no farther from the centre than the sensor's band is wide.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from ..errors import BandError, OptionError
from .words import choices, nearest, shown


class SensorBand(NamedTuple):
    """A band of a sensor; centre and width in nm."""

    name: str
    centre: float
    width: float


class Matched(NamedTuple):
    """What a sensor sees of the images' bands.

    Attributes
    ----------
    title : str
    present : ndarray of bool, shape (bands,)
    lacking : list of str
        Bands of the sensor that no band of the images stands for.
    """

    title: str
    present: np.ndarray
    lacking: list[str]


@cache
def presets() -> dict[str, tuple[str, tuple[SensorBand, ...]]]:
    """Title and bands of each sensor, by its key."""
    text = resources.files(__package__).joinpath("sensors.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[str, tuple[SensorBand, ...]]] = {}
    for row in csv.DictReader(text.splitlines()):
        title, bands = found.get(row["sensor"], (row["title"], ()))
        own = SensorBand(row["band"], float(row["centre"]), float(row["width"]))
        found[row["sensor"]] = (title, (*bands, own))
    return found


def matched_sensors(sensors: Any, bands: Sequence[str], wavelengths: Sequence[float]) -> list[Matched]:
    """What each sensor sees.

    Parameters
    ----------
    sensors : None, str, sequence of str, or mapping
        Keys of `presets`; or names of the images' bands by the name of a sensor.
    bands : sequence of str
    wavelengths : sequence of float
        In nm; NaN where unknown.

    Raises
    ------
    OptionError
        If there is no such sensor.
    BandError
        If wavelengths are needed that are not known, or a sensor sees none of the bands.
    """
    if sensors is None:
        return []
    if isinstance(sensors, Mapping):
        return [_named(str(title), members, bands) for title, members in sensors.items()]
    keys = [sensors] if isinstance(sensors, str) else list(sensors)
    for key in keys:
        if key not in presets():
            raise OptionError(
                "There is no such sensor.",
                expected=choices(presets()),
                given=shown(key),
                fix=nearest(key, presets()) if isinstance(key, str) else None,
            )
    unknown = [band for band, value in zip(bands, wavelengths, strict=True) if not np.isfinite(value)]
    if keys and unknown:
        raise BandError(
            "Bands are matched to those of a sensor by wavelength.",
            expected="`wavelengths` in nm of all bands",
            given=f"none of {', '.join(unknown)}",
            fix="or name the bands that a sensor has: sensors as names of bands by the name of the sensor",
        )
    return [_nearest(*presets()[key], np.asarray(wavelengths, float)) for key in keys]


def _nearest(title: str, own: Sequence[SensorBand], wavelengths: np.ndarray) -> Matched:
    present, lacking = np.zeros(len(wavelengths), bool), []
    for band in own:
        away = np.abs(wavelengths - band.centre)
        if away.min() <= band.width:
            present[away.argmin()] = True
        else:
            lacking.append(band.name)
    if not present.any():
        raise BandError(
            f"{title} sees none of the bands.",
            expected="bands whose wavelengths, in nm, are near those of the sensor",
            given=", ".join(f"{value:g}" for value in wavelengths),
        )
    return Matched(title, present, lacking)


def _named(title: str, members: Any, bands: Sequence[str]) -> Matched:
    names = [members] if isinstance(members, str) else list(members)
    unknown = [name for name in names if name not in bands]
    if unknown or not names:
        raise BandError(
            f"Sensor '{title}' has bands that are not in the images." if unknown else f"Sensor '{title}' has no bands.",
            expected=choices(bands),
            given=", ".join(map(shown, unknown)) or "none",
        )
    return Matched(title, np.isin(np.array(bands, object), np.array(names, object)), [])
